//! Attempts: counted before they are looked at, durably, by one counter for every door (attack 14).

use signet_protocol::{
    secret::SecretHash,
    throttle::Attempts,
    time::{Now, Seconds},
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
};

const LOAD: Sql = Sql {
    name: "attempt_load",
    text: "SELECT failures, next_at, expires_at FROM attempt WHERE pool_id = $1 AND subject = $2",
};
const INSERT: Sql = Sql {
    name: "attempt_insert",
    text: "INSERT INTO attempt (pool_id, subject, failures, next_at, expires_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (pool_id, subject) DO NOTHING",
};
const UPDATE: Sql = Sql {
    name: "attempt_update",
    text: "UPDATE attempt SET failures = $3, next_at = $4, expires_at = $5
           WHERE pool_id = $1 AND subject = $2 AND failures = $6 AND next_at = $7",
};
const CLEAR: Sql =
    Sql { name: "attempt_clear", text: "DELETE FROM attempt WHERE pool_id = $1 AND subject = $2" };
const RETURN: Sql = Sql {
    name: "attempt_return",
    text: "UPDATE attempt SET failures = failures - 1 WHERE pool_id = $1 AND subject = $2 AND failures > 0",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&LOAD, &INSERT, &UPDATE, &CLEAR, &RETURN];

/// How often a race for one counter may be lost before the caller is asked to wait.
const TRIES: usize = 16;

impl Store {
    /// Counts an attempt on `subject`, of which `free` may fail without waiting. The inner error is how long to wait
    /// instead; it is also the answer when too many attempts at once are after the same counter.
    pub async fn reserve_attempt(
        &self,
        subject: &SecretHash,
        free: i64,
        now: Now,
    ) -> Result<Result<(), Seconds>, StoreError> {
        for _ in 0..TRIES {
            let stored = self.engine().find(&LOAD, args![self.pool_id(), *subject], read).await?;
            let next = match stored.unwrap_or_default().reserve(free, now.timestamp()) {
                Ok(next) => next,
                Err(wait) => return Ok(Err(wait)),
            };
            if self.write(self.replace(subject, stored, next)).await? {
                return Ok(Ok(()));
            }
        }
        Ok(Err(Seconds(1)))
    }

    /// Forgets the attempts on `subject`: the right password was given.
    pub async fn clear_attempts(&self, subject: &SecretHash) -> Result<(), StoreError> {
        self.write(Batch::new().then(&CLEAR, args![self.pool_id(), *subject])).await.map(drop)
    }

    /// Takes one attempt back, for a counter that many people share. A wait that has begun stays: otherwise whoever
    /// has an account of their own could lift it.
    pub async fn return_attempt(&self, subject: &SecretHash) -> Result<(), StoreError> {
        self.write(Batch::new().then(&RETURN, args![self.pool_id(), *subject])).await.map(drop)
    }

    /// Writes `next`, provided that the counter is still as it was read.
    fn replace(&self, subject: &SecretHash, stored: Option<Attempts>, next: Attempts) -> Batch {
        let mut row = args![self.pool_id(), *subject, next.failures, next.next_at, next.expires_at];
        match stored {
            None => Batch::new().guard(&INSERT, row),
            Some(read) => {
                row.extend(args![read.failures, read.next_at]);
                Batch::new().guard(&UPDATE, row)
            }
        }
    }
}

fn read(row: &mut RowReader) -> Result<Attempts, StoreError> {
    Ok(Attempts { failures: row.int()?, next_at: row.int()?, expires_at: row.int()? })
}
