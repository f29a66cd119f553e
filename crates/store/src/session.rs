//! Sessions: one browser's login at the pool.

use signet_protocol::{
    amr::Amr,
    grant::Grant,
    id::{AppId, PoolId, SessionId, TransactionId, UserId},
    password::PasswordHash,
    session::Session,
    time::Now,
    transaction::Chosen,
};

use crate::{
    NewFamily, Store, StoreError, args,
    audit::Act,
    change::Changed,
    sign_out::{self, Lot, SignOut},
    sql::{Batch, Bulk, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "session_insert",
    text: "INSERT INTO session (session_id, pool_id, hash, user_id, app_id, auth_time, amr, created_at,
             expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
const LOAD: Sql = Sql {
    name: "session_load",
    text: "SELECT session_id, hash, pool_id, user_id, app_id, auth_time, amr, expires_at, ended_at
           FROM session WHERE session_id = $1 AND pool_id = $2",
};
const HOLD: Sql = Sql {
    name: "session_hold",
    text: "SELECT 1 FROM session WHERE session_id = $1 AND pool_id = $2 AND ended_at IS NULL",
};

pub(crate) const BULK_HOLD: Bulk = Bulk {
    one: &HOLD,
    many: "SELECT 1 FROM session WHERE session_id = ANY ($1) AND NOT pool_id <> $2 AND ended_at IS NULL",
    each: &[1],
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &LOAD, &HOLD];

impl Store {
    /// Stores a login, ends the one it replaces in the same browser, and records it as the transaction's choice. `false`,
    /// and nothing done, when the transaction was answered already, the user is blocked, or `password`, by which they proved
    /// who they are, is no longer theirs.
    ///
    /// What the same person gave in the replaced session now hangs off the new one, so that its logout reaches it. Of
    /// another person's grants those that do not outlive a session are revoked, as [`Store::end_session`] does.
    pub async fn begin_session(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        replaces: Option<&Session>,
        transaction: Option<(TransactionId, Chosen)>,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let act = act.into();
        let now = act.now;
        let mut batch = self.hold_user(Batch::new(), session.user, password);
        if let Some((id, chosen)) = transaction {
            batch = self.choose(batch, id, chosen);
        }
        let (batch, stale) = self.take_over(batch, replaces, session, now);
        let batch = self.record(self.insert_session(batch, session, now), &act);
        self.commit(batch, stale, now).await
    }

    /// Stores a login that no browser holds, with what was given in it: the password mode. `false`, and nothing done, when
    /// the user is blocked or `password` is no longer theirs.
    pub async fn begin_direct_login(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        grant: &Grant,
        family: Option<&NewFamily>,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let act = act.into();
        let now = act.now;
        let batch = self.hold_user(Batch::new(), session.user, password);
        let batch = self.insert_grant(self.insert_session(batch, session, now), grant);
        let batch = self.record(batch, &act);
        self.write(match family {
            Some(family) => self.insert_family(batch, family, grant.id, now),
            None => batch,
        })
        .await
    }

    fn insert_session(&self, batch: Batch, session: &Session, now: Now) -> Batch {
        let row = args![
            session.id,
            self.pool_id(),
            session.hash,
            session.user,
            session.application,
            session.auth_time,
            session.amr.to_string(),
            now.timestamp(),
            session.expires_at,
        ];
        batch.then(&INSERT, row)
    }

    /// The session of this id, whatever its state.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.engine().look_up_one(&LOAD, args![id, self.pool_id()], read).await
    }

    /// Ends a session and revokes its grants, except those given offline access: [`SignOut::Session`].
    pub async fn end_session(&self, id: SessionId, now: Now) -> Result<bool, StoreError> {
        self.sign_out(SignOut::Session(id), now).await
    }

    /// Adds that `session` takes the place of `old` in its browser, with what caches then have to forget.
    pub(crate) fn take_over(
        &self,
        batch: Batch,
        old: Option<&Session>,
        session: &Session,
        now: Now,
    ) -> (Batch, Vec<Changed>) {
        let Some(old) = old else { return (batch, Vec::new()) };
        let batch = self.replace_session(batch, old.id, now);
        if old.user == session.user {
            (self.move_grants(batch, old.id, session.id), Vec::new())
        } else {
            let batch = self.revoke_range(batch, &Lot::Session(old.id), sign_out::ALL, now);
            (batch, vec![Changed::Revocations])
        }
    }

    /// Adds that the session has not ended.
    pub(crate) fn hold_session(&self, batch: Batch, id: SessionId) -> Batch {
        batch.hold(&HOLD, args![id, self.pool_id()])
    }
}

fn read(row: &mut RowReader) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.row_id()?,
        hash: row.hash()?,
        pool: row.parsed(PoolId::parse)?,
        user: row.parsed(UserId::parse)?,
        application: row.opt_parsed(AppId::parse)?,
        auth_time: row.at()?,
        amr: Amr::parse(&row.text()?),
        expires_at: row.at()?,
        ended_at: row.opt_at()?,
    })
}
