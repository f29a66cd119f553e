//! Logins to the console.

use signet_protocol::{
    id::{ConsoleSessionId, UserId},
    operator::ConsoleSession,
    password::PasswordHash,
    time::Now,
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    sql::{Batch, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "console_session_insert",
    text:
        "INSERT INTO console_session (session_id, pool_id, hash, user_id, auth_time, created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)",
};
const LOAD: Sql = Sql {
    name: "console_session_load",
    text: "SELECT session_id, hash, user_id, auth_time, expires_at, ended_at FROM console_session
           WHERE session_id = $1 AND pool_id = $2",
};
const END: Sql = Sql {
    name: "console_session_end",
    text: "UPDATE console_session SET ended_at = $3 WHERE session_id = $1 AND pool_id = $2 AND ended_at IS NULL",
};
pub(crate) const END_USER: Sql = Sql {
    name: "console_session_end_user",
    text: "UPDATE console_session SET ended_at = $3 WHERE user_id = $1 AND pool_id = $2 AND ended_at IS NULL",
};
const HOLD_ADMINISTRATOR: Sql = Sql {
    name: "console_session_hold_administrator",
    text: "SELECT 1 FROM administrator WHERE pool_id = $1 AND user_id = $2",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &LOAD, &END, &END_USER, &HOLD_ADMINISTRATOR];

impl Store {
    /// Stores a login to the console, in place of another of the same browser. `false`, and nothing done, when the user is
    /// blocked, has no role, or `password`, by which they proved who they are, is no longer theirs. The records of `act` are
    /// written with it.
    pub async fn begin_console_session(
        &self,
        session: &ConsoleSession,
        password: Option<&PasswordHash>,
        replaces: Option<ConsoleSessionId>,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let act = act.into();
        let now = act.now;
        let batch = self.hold_user(Batch::new(), session.user, password);
        let batch = batch.hold(&HOLD_ADMINISTRATOR, args![self.pool_id(), session.user]);
        let batch = match replaces {
            Some(old) => batch.then(&END, args![old, self.pool_id(), now.timestamp()]),
            None => batch,
        };
        let row = args![
            session.id,
            self.pool_id(),
            session.hash,
            session.user,
            session.auth_time,
            now.timestamp(),
            session.expires_at,
        ];
        self.write(self.record(batch.then(&INSERT, row), &act)).await
    }

    /// The login of this id, whatever its state.
    pub async fn console_session(&self, id: ConsoleSessionId) -> Result<Option<ConsoleSession>, StoreError> {
        self.engine().find(&LOAD, args![id, self.pool_id()], read).await
    }

    /// Ends a login; `false` when it had ended.
    pub async fn end_console_session(
        &self,
        id: ConsoleSessionId,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let act = act.into();
        let batch = Batch::new().guard(&END, args![id, self.pool_id(), act.now.timestamp()]);
        self.write(self.record(batch, &act)).await
    }

    /// Adds the end of every login of a user.
    pub(crate) fn end_console_sessions(&self, batch: Batch, user: UserId, now: Now) -> Batch {
        batch.then(&END_USER, args![user, self.pool_id(), now.timestamp()])
    }
}

fn read(row: &mut RowReader) -> Result<ConsoleSession, StoreError> {
    Ok(ConsoleSession {
        id: row.row_id()?,
        hash: row.hash()?,
        user: row.parsed(UserId::parse)?,
        auth_time: row.at()?,
        expires_at: row.at()?,
        ended_at: row.opt_at()?,
    })
}
