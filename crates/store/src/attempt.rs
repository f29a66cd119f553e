//! Attempts: counted before they are looked at, durably, by all their counters or none (attack 14).

use signet_protocol::{
    secret::SecretHash,
    throttle::{Attempts, Counter},
    time::{Now, Seconds},
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
};

/// Counts an attempt that [`Attempts::is_free`], however many come at once; `$3` to `$5` are the first of a window.
const COUNT: Sql = Sql {
    name: "attempt_count",
    text: "INSERT INTO attempt (pool_id, subject, failures, next_at, expires_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (pool_id, subject) DO UPDATE SET
               failures = CASE WHEN attempt.expires_at <= $7 THEN excluded.failures ELSE attempt.failures + 1 END,
               next_at = CASE WHEN attempt.expires_at <= $7 THEN excluded.next_at ELSE attempt.next_at END,
               expires_at = CASE WHEN attempt.expires_at <= $7 THEN excluded.expires_at ELSE attempt.expires_at END
           WHERE attempt.expires_at <= $7 OR (attempt.failures + 1 < $6 AND attempt.next_at <= $7)",
};
const LOAD: Sql = Sql {
    name: "attempt_load",
    text: "SELECT failures, next_at, expires_at FROM attempt WHERE pool_id = $1 AND subject = $2",
};
const REPLACE: Sql = Sql {
    name: "attempt_replace",
    text: "UPDATE attempt SET failures = $3, next_at = $4, expires_at = $5
           WHERE pool_id = $1 AND subject = $2 AND failures = $6 AND next_at = $7 AND expires_at = $8",
};
const CLEAR: Sql =
    Sql { name: "attempt_clear", text: "DELETE FROM attempt WHERE pool_id = $1 AND subject = $2" };
const RETURN: Sql = Sql {
    name: "attempt_return",
    text: "UPDATE attempt SET failures = failures - 1 WHERE pool_id = $1 AND subject = $2 AND failures > 0",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&COUNT, &LOAD, &REPLACE, &CLEAR, &RETURN];

/// How often a race for a counter that is no longer free may be lost before the caller is asked to wait.
const TRIES: usize = 4;

impl Store {
    /// Counts an attempt by all of `counters`. The inner error is how long to wait instead: the longest wait among them;
    /// then nothing was counted. It is also the answer when too many are after a counter that is no longer free.
    ///
    /// Counters go in the order of their kinds, the same for every caller, so that no two attempts lock each other out.
    pub async fn reserve_attempts(
        &self,
        counters: &[Counter],
        now: Now,
    ) -> Result<Result<(), Seconds>, StoreError> {
        let free = counters.iter().fold(Batch::new(), |batch, counter| self.count(batch, counter, now));
        if self.write(free).await? {
            return Ok(Ok(()));
        }
        for _ in 0..TRIES {
            let batch = match self.decide(counters, now).await? {
                Err(wait) => return Ok(Err(wait)),
                Ok(batch) => batch,
            };
            if self.write(batch).await? {
                return Ok(Ok(()));
            }
        }
        Ok(Err(Seconds(1)))
    }

    /// After an attempt that was right or never looked at: forgets what was counted on `clear`, and takes one attempt
    /// back on each of `back`. A wait that has begun stays: otherwise whoever has an account of their own could lift it.
    pub async fn settle_attempts(&self, clear: &[SecretHash], back: &[SecretHash]) -> Result<(), StoreError> {
        let each = clear.iter().map(|own| (&CLEAR, own)).chain(back.iter().map(|shared| (&RETURN, shared)));
        let batch =
            each.fold(Batch::new(), |batch, (sql, subject)| batch.then(sql, args![self.pool_id(), *subject]));
        self.write(batch).await.map(drop)
    }

    /// What to write so that the attempt is counted, from counters as they are now: those that are not free are
    /// replaced provided that they are still as they were read.
    async fn decide(&self, counters: &[Counter], now: Now) -> Result<Result<Batch, Seconds>, StoreError> {
        let mut decided = Ok(Batch::new());
        for counter in counters {
            let key = args![self.pool_id(), counter.subject];
            let stored = self.engine().find(&LOAD, key, read).await?.unwrap_or_default();
            decided = match (decided, stored.reserve(counter, now.timestamp())) {
                (Ok(batch), Ok(_)) if stored.is_free(counter, now.timestamp()) => {
                    Ok(self.count(batch, counter, now))
                }
                (Ok(batch), Ok(next)) => Ok(self.replace(batch, counter, stored, next)),
                (Err(one), Err(other)) => Err(one.max(other)),
                (Err(wait), Ok(_)) | (Ok(_), Err(wait)) => Err(wait),
            };
        }
        Ok(decided)
    }

    fn count(&self, batch: Batch, counter: &Counter, now: Now) -> Batch {
        let now = now.timestamp();
        let first = Attempts::first(counter, now);
        let key = args![self.pool_id(), counter.subject];
        let row = [key, args![first.failures, first.next_at, first.expires_at, counter.free, now]].concat();
        batch.guard(&COUNT, row)
    }

    fn replace(&self, batch: Batch, counter: &Counter, stored: Attempts, next: Attempts) -> Batch {
        let row = args![
            self.pool_id(),
            counter.subject,
            next.failures,
            next.next_at,
            next.expires_at,
            stored.failures,
            stored.next_at,
            stored.expires_at,
        ];
        batch.guard(&REPLACE, row)
    }
}

fn read(row: &mut RowReader) -> Result<Attempts, StoreError> {
    Ok(Attempts { failures: row.int()?, next_at: row.int()?, expires_at: row.int()? })
}
