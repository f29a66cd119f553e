//! Requests to the admin API that may be repeated: what came of each, under the key its client gave it.

use signet_protocol::{
    entropy::Entropy,
    jose::b64,
    secret::{Secret, SecretHash},
    time::{Now, Seconds, Timestamp},
};

use crate::{
    Store, StoreError, args,
    sealing::Place,
    sql::{Batch, RowReader, Sql},
};

const BEGIN: Sql = Sql {
    name: "api_request_begin",
    text: "INSERT INTO api_request (pool_id, key, body, expires_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (pool_id, key) DO UPDATE SET body = $3, answer_sealed = NULL, expires_at = $4
           WHERE api_request.expires_at <= $5",
};
const LOAD: Sql = Sql {
    name: "api_request_load",
    text: "SELECT body, answer_sealed FROM api_request WHERE pool_id = $1 AND key = $2",
};
const FINISH: Sql = Sql {
    name: "api_request_finish",
    text: "UPDATE api_request SET answer_sealed = $4, expires_at = $5
           WHERE pool_id = $1 AND key = $2 AND expires_at = $3 AND answer_sealed IS NULL",
};
const FORGET: Sql = Sql {
    name: "api_request_forget",
    text: "DELETE FROM api_request WHERE pool_id = $1 AND key = $2 AND expires_at = $3 AND answer_sealed IS NULL",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&BEGIN, &LOAD, &FINISH, &FORGET];

/// How long an answer is kept to be given again.
pub const API_REQUEST_KEPT: Seconds = Seconds(86_400);
/// How long a request may be at work; one that was broken off can be sent again after that.
pub const API_REQUEST_RUNS: Seconds = Seconds(120);

/// A request that began, until it is finished or forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    key: SecretHash,
    until: Timestamp,
}

/// What a request finds under its key.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: it is to be done.
    First(Running),
    /// The same is being done.
    Running,
    /// Another request had this key.
    Other,
    /// The same was done, and this was the answer.
    Done(Secret),
}

impl Store {
    /// Begins the request of this key and body, unless it was begun before.
    pub async fn begin_api_request(
        &self,
        key: SecretHash,
        body: SecretHash,
        now: Now,
    ) -> Result<Begun, StoreError> {
        let now = now.timestamp();
        let until = now.plus(API_REQUEST_RUNS);
        let row = args![self.pool_id(), key, body, until, now];
        if self.write(Batch::new().guard(&BEGIN, row)).await? {
            return Ok(Begun::First(Running { key, until }));
        }
        let read = |row: &mut RowReader| Ok((row.hash()?, row.opt_bytes()?));
        match self.engine().find(&LOAD, args![self.pool_id(), key], read).await? {
            Some((stored, _)) if !stored.matches(&body) => Ok(Begun::Other),
            Some((_, Some(sealed))) => Ok(Begun::Done(self.open_answer(key, &sealed)?)),
            // Forgotten just now, it is as good as at work: whoever asks again begins it.
            Some((_, None)) | None => Ok(Begun::Running),
        }
    }

    /// Keeps the answer, sealed: it may show a secret.
    pub async fn finish_api_request(
        &self,
        running: Running,
        answer: &[u8],
        now: Now,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<(), StoreError> {
        let Running { key, until } = running;
        let sealed = self.0.master_key.seal(&place(&name(key)), answer, entropy)?;
        let kept = now.timestamp().plus(API_REQUEST_KEPT);
        let row = args![self.pool_id(), key, until, sealed, kept];
        self.write(Batch::new().guard(&FINISH, row)).await.map(drop)
    }

    /// Forgets a request of which nothing came.
    pub async fn forget_api_request(&self, running: Running) -> Result<(), StoreError> {
        let row = args![self.pool_id(), running.key, running.until];
        self.write(Batch::new().guard(&FORGET, row)).await.map(drop)
    }

    fn open_answer(&self, key: SecretHash, sealed: &[u8]) -> Result<Secret, StoreError> {
        self.0.master_key.open(&place(&name(key)), sealed)
    }
}

fn name(key: SecretHash) -> String {
    b64(key.as_bytes())
}

fn place(row: &str) -> Place<'_> {
    Place { table: "api_request", column: "answer_sealed", row }
}
