//! Logout notices: which applications are still to be told of which ended session (OpenID Connect Back-Channel Logout
//! 1.0). They are written with what they tell of, and one node at a time has each in hand.

use signet_protocol::{
    id::{AppId, SessionId, UserId},
    issuer::IssuerId,
    time::{Now, Seconds, Timestamp},
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql, Value},
};

/// How long it is tried to tell an application: a day.
pub const NOTICE_EXPIRE: Seconds = Seconds(86_400);

/// Distinct, since each silent renewal has made a grant.
const KNOWN_TO: Sql = Sql {
    name: "session_known_to",
    text: "SELECT DISTINCT app_id, COALESCE(sid, session_id), issuer FROM user_grant
           WHERE session_id = $1 AND NOT pool_id <> $2 LIMIT 1000",
};
const RECEIVER: Sql = Sql {
    name: "logout_notice_receiver",
    text: "SELECT app_id FROM logout_notice WHERE pool_id = $1 AND app_id > $2 ORDER BY app_id LIMIT 1",
};
const DUE: Sql = Sql {
    name: "logout_notice_due",
    text: "SELECT app_id, sid, issuer, user_id, due_at, tries, expires_at FROM logout_notice
           WHERE pool_id = $1 AND app_id = $2 AND due_at <= $3 ORDER BY due_at LIMIT $4",
};
const MOVE: Sql = Sql {
    name: "logout_notice_move",
    text: "UPDATE logout_notice SET due_at = $7, tries = $8
           WHERE pool_id = $1 AND app_id = $2 AND sid = $3 AND issuer = $4 AND due_at = $5 AND tries = $6",
};
const DELETE: Sql = Sql {
    name: "logout_notice_delete",
    text: "DELETE FROM logout_notice
           WHERE pool_id = $1 AND app_id = $2 AND sid = $3 AND issuer = $4 AND due_at = $5 AND tries = $6",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&KNOWN_TO, &RECEIVER, &DUE, &MOVE, &DELETE];

/// What one application is still to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Who is told.
    pub application: AppId,
    /// The session as the application knows it: `sid`.
    pub session: SessionId,
    /// Who tells: the issuer the application knows it from.
    pub issuer: IssuerId,
    /// Whose session it was.
    pub user: UserId,
    /// When it is next tried, or may be taken from a node that has not come back.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub tries: i64,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl Store {
    /// The applications that got something in a session, with the issuer they know it from and the name they know it by.
    pub async fn session_known_to(
        &self,
        session: SessionId,
    ) -> Result<Vec<(AppId, SessionId, IssuerId)>, StoreError> {
        let read = |row: &mut RowReader| {
            Ok((row.parsed(AppId::parse)?, row.row_id()?, row.parsed(IssuerId::parse)?))
        };
        self.engine().list(&KNOWN_TO, args![session, self.pool_id()], read).await
    }

    /// The application after `last`, in the order of ids, that has notices waiting, due or not.
    pub async fn notice_receiver(&self, last: Option<AppId>) -> Result<Option<AppId>, StoreError> {
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        let read = |row: &mut RowReader| row.parsed(AppId::parse);
        self.engine().find(&RECEIVER, args![self.pool_id(), last], read).await
    }

    /// Notices to one application that are due, the oldest first.
    pub async fn due_notices(
        &self,
        application: AppId,
        most: usize,
        now: Now,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.engine().list(&DUE, args![self.pool_id(), application, now.timestamp(), most], read).await
    }

    /// Takes a notice in hand until `until`, as one more try. `None` when another node was quicker.
    pub async fn claim_notice(
        &self,
        notice: &LogoutNotice,
        until: Timestamp,
    ) -> Result<Option<LogoutNotice>, StoreError> {
        let claimed = LogoutNotice { due_at: until, tries: notice.tries + 1, ..notice.clone() };
        Ok(self.move_notice(notice, &claimed).await?.then_some(claimed))
    }

    /// Puts a notice that is in hand off until `due_at`. Not done if its session has ended anew meanwhile.
    pub async fn postpone_notice(&self, notice: &LogoutNotice, due_at: Timestamp) -> Result<(), StoreError> {
        let later = LogoutNotice { due_at, ..notice.clone() };
        self.move_notice(notice, &later).await.map(drop)
    }

    /// Forgets a notice that is in hand: it was heard, or is given up. Not done if its session has ended anew meanwhile.
    pub async fn delete_notice(&self, notice: &LogoutNotice) -> Result<(), StoreError> {
        self.write(Batch::new().then(&DELETE, self.seen(notice))).await.map(drop)
    }

    /// Waits until this node has written notices; nodes that share its database look by the clock.
    pub async fn noticed(&self) {
        self.0.notices.notified().await;
    }

    async fn move_notice(&self, from: &LogoutNotice, to: &LogoutNotice) -> Result<bool, StoreError> {
        let values = [self.seen(from), args![to.due_at, to.tries]].concat();
        self.write(Batch::new().guard(&MOVE, values)).await
    }

    /// A notice as it was read: its key and its state.
    fn seen(&self, notice: &LogoutNotice) -> Vec<Value> {
        let LogoutNotice { application, session, issuer, due_at, tries, .. } = notice;
        args![self.pool_id(), *application, *session, *issuer, *due_at, *tries]
    }
}

fn read(row: &mut RowReader) -> Result<LogoutNotice, StoreError> {
    Ok(LogoutNotice {
        application: row.parsed(AppId::parse)?,
        session: row.row_id()?,
        issuer: row.parsed(IssuerId::parse)?,
        user: row.parsed(UserId::parse)?,
        due_at: row.at()?,
        tries: row.int()?,
        expires_at: row.at()?,
    })
}
