//! Signing out: sessions end, what hangs on them is revoked, and applications that want to hear of it are told
//! (`logout_notice`).
//!
//! However much there is, no batch goes through more than 500 grants or sessions: those beyond are done ahead, the oldest
//! first, and what must be atomic happens with the last of them.

use signet_protocol::{
    id::{AppId, GrantId, SessionId, UserId},
    time::Now,
};
use tracing::Instrument;

use crate::{
    Store, StoreError, args,
    audit::Act,
    change::Changed,
    logout_notice::NOTICE_EXPIRE,
    revocation,
    sql::{Batch, RowReader, Sql, Value},
};

/// What a person or an operator wants ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOut {
    /// A session: one device, every application. What was given offline access outlives it.
    Session(SessionId),
    /// What one application was given in a session, which goes on unless it serves that application alone.
    Application(SessionId, AppId),
    /// Everything of a user: every device, every application.
    User(UserId),
    /// What a user gave one application, on every device.
    UserApplication(UserId, AppId),
}

/// Grants that are revoked together.
#[derive(Clone, Copy)]
pub(crate) enum Lot {
    /// Those of a session that do not outlive it.
    Session(SessionId),
    /// Those of a session to one application.
    SessionApplication(SessionId, AppId),
    /// All of a user, or those to one application.
    User(UserId, Option<AppId>),
    /// All of an application, of which nobody is told.
    Application(AppId),
}

impl Lot {
    /// Its statements, whose grants they are, which of these, and whether offline access is among them.
    fn parts(&self) -> (&'static Lots, Value, Option<AppId>, bool) {
        match *self {
            Lot::Session(session) => (&OF_SESSION, session.into(), None, false),
            Lot::SessionApplication(session, app) => (&OF_SESSION, session.into(), Some(app), true),
            Lot::User(user, app) => (&OF_USER, user.into(), app, true),
            Lot::Application(app) => (&OF_APPLICATION, app.into(), None, true),
        }
    }
}

/// What is done to the grants of somebody or something, `$1`, of pool `$2`, whose ids are above `$3` and up to `$4`.
struct Lots {
    /// The 500th, up to which a batch goes.
    far: Sql,
    /// Marks them, after which nothing extends them.
    mark: Sql,
    /// Denies those that were marked now. One that was revoked in the same second is denied already.
    deny: Sql,
    /// Tells their applications of it.
    tell: Sql,
    /// What is denied of them, whenever that was.
    denied: Sql,
}

macro_rules! lots {
    ($name:literal, $whose:literal, $told:literal) => {
        Lots {
            far: Sql {
                name: concat!("grant_far_", $name),
                text: concat!(
                    "SELECT g.grant_id FROM user_grant g WHERE ",
                    $whose,
                    " AND g.grant_id > $3 ORDER BY g.grant_id LIMIT 1 OFFSET 499"
                ),
            },
            mark: Sql {
                name: concat!("grant_revoke_", $name),
                text: concat!(
                    "UPDATE user_grant AS g SET revoked_at = $7 WHERE g.revoked_at IS NULL AND ",
                    $whose,
                    " AND g.grant_id > $3 AND g.grant_id <= $4
                      AND COALESCE($5, g.app_id) = g.app_id AND (NOT g.offline OR $6)"
                ),
            },
            deny: Sql {
                name: concat!("grant_deny_", $name),
                text: concat!(
                    "INSERT INTO revocation (pool_id, key, revoked_at, expires_at)
                     SELECT g.pool_id, g.grant_id, $7, g.expires_at FROM user_grant g WHERE g.revoked_at = $7 AND ",
                    $whose,
                    " AND g.grant_id > $3 AND g.grant_id <= $4
                      AND COALESCE($5, g.app_id) = g.app_id AND (NOT g.offline OR $6)
                     ON CONFLICT (pool_id, key) DO NOTHING"
                ),
            },
            tell: Sql {
                name: concat!("grant_tell_", $name),
                text: concat!(
                    "INSERT INTO logout_notice (pool_id, app_id, sid, issuer, user_id, due_at, tries, expires_at)
                     SELECT DISTINCT g.pool_id, g.app_id, COALESCE(g.sid, g.session_id), g.issuer, g.user_id,
                         CAST($6 AS BIGINT), 0, CAST($7 AS BIGINT)
                     FROM user_grant g JOIN application a ON a.app_id = g.app_id
                     WHERE ",
                    $whose,
                    " AND g.grant_id > $3 AND g.grant_id <= $4
                      AND COALESCE($5, g.app_id) = g.app_id AND a.backchannel_logout",
                    $told,
                    " ON CONFLICT (pool_id, app_id, sid, issuer) DO UPDATE
                      SET due_at = excluded.due_at, tries = 0, expires_at = excluded.expires_at"
                ),
            },
            denied: Sql {
                name: concat!("revocation_of_", $name),
                text: concat!(
                    "SELECT r.key, r.expires_at FROM user_grant g
                     JOIN revocation r ON r.pool_id = g.pool_id AND r.key = g.grant_id
                     WHERE ",
                    $whose,
                    " AND g.grant_id > $3 AND g.grant_id <= $4"
                ),
            },
        }
    };
}
static OF_SESSION: Lots = lots!("session", "g.session_id = $1 AND NOT g.pool_id <> $2", "");
// Of a user's grants those are told of that end now, or whose session does or goes on.
static OF_USER: Lots = lots!(
    "user",
    "g.user_id = $1 AND g.pool_id = $2",
    " AND (g.revoked_at = $6 OR EXISTS (SELECT 1 FROM session s
          WHERE s.session_id = g.session_id AND (s.ended_at IS NULL OR s.ended_at = $6)))"
);
static OF_APPLICATION: Lots = lots!("application", "g.app_id = $1 AND g.pool_id = $2", "");

const END: Sql = Sql {
    name: "session_end",
    text: "UPDATE session SET ended_at = $3 WHERE session_id = $1 AND pool_id = $2 AND ended_at IS NULL",
};
const END_OWN: Sql = Sql {
    name: "session_end_own",
    text: "UPDATE session SET ended_at = $3
           WHERE session_id = $1 AND pool_id = $2 AND app_id = $4 AND ended_at IS NULL",
};
const END_USER: Sql = Sql {
    name: "session_end_user",
    text: "UPDATE session SET ended_at = $3 WHERE user_id = $1 AND pool_id = $2 AND ended_at IS NULL
           AND session_id > $4 AND session_id <= $5 AND (app_id = $6 OR $6 IS NULL)",
};
const FAR_SESSION: Sql = Sql {
    name: "session_far",
    text: "SELECT session_id FROM session WHERE user_id = $1 AND pool_id = $2 AND session_id > $3
           ORDER BY session_id LIMIT 1 OFFSET 499",
};

const GRANT_SESSION: Sql = Sql {
    name: "grant_session",
    text: "SELECT session_id FROM user_grant WHERE grant_id = $1 AND pool_id = $2",
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &OF_SESSION.far,
    &OF_SESSION.mark,
    &OF_SESSION.deny,
    &OF_SESSION.tell,
    &OF_SESSION.denied,
    &OF_USER.far,
    &OF_USER.mark,
    &OF_USER.deny,
    &OF_USER.tell,
    &OF_USER.denied,
    &OF_APPLICATION.far,
    &OF_APPLICATION.mark,
    &OF_APPLICATION.deny,
    &OF_APPLICATION.denied,
    &END,
    &END_OWN,
    &END_USER,
    &FAR_SESSION,
    &GRANT_SESSION,
];

/// Rows above the first id and up to the second: ids are ordered by time.
pub(crate) type Range = ([u8; 16], [u8; 16]);

/// Every row.
pub(crate) const ALL: Range = ([0; 16], [0xff; 16]);

/// What is left of a sign-out to be done at once.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    grants: Range,
    sessions: Range,
}

impl Store {
    /// Ends what it says, revokes what was given there, at every node within a second, and has the applications told that
    /// registered for it, all durably before it returns. `false` when a session that was to end had ended before. Either
    /// way this node knows then what of it is revoked, whoever did that.
    ///
    /// A crash in the middle leaves the session, and what is newest of a user, as if nobody had signed out.
    pub async fn sign_out(&self, what: SignOut, act: impl Into<Act>) -> Result<bool, StoreError> {
        let (store, act) = (self.clone(), act.into());
        let now = act.now;
        // A task of its own: see `commit`.
        let work = async move {
            let rest = store.sign_out_ahead(what, now).await?;
            let batch = store.record(store.add_sign_out(Batch::new(), what, rest, now), &act);
            let stands = store.commit(batch, vec![Changed::Revocations], now).await?;
            store.learn(&lot(what), ALL).await?;
            store.0.notices.notify_one();
            Ok(stands)
        };
        let task = tokio::spawn(work.in_current_span());
        task.await.unwrap_or_else(|error| Err(StoreError::Internal(error.to_string())))
    }

    /// The session that a grant hangs off today.
    pub async fn session_of_grant(&self, grant: GrantId) -> Result<Option<SessionId>, StoreError> {
        self.engine().find(&GRANT_SESSION, args![grant, self.pool_id()], RowReader::row_id).await
    }

    /// Does so much of a sign-out that the rest fits a batch.
    pub(crate) async fn sign_out_ahead(&self, what: SignOut, now: Now) -> Result<Rest, StoreError> {
        let grants = self.revoke_ahead(lot(what), now).await?;
        let mut sessions = ALL;
        let SignOut::User(user) = what else { return Ok(Rest { grants, sessions }) };
        loop {
            let Some(far) = self.far_session(user, sessions.0).await? else {
                return Ok(Rest { grants, sessions });
            };
            self.write(self.end_user(Batch::new(), user, None, ((sessions.0, far), now))).await?;
            sessions.0 = far;
        }
    }

    /// Revokes the oldest grants of a lot in batches, and returns those of which fewer are left than a batch goes through.
    pub(crate) async fn revoke_ahead(&self, lot: Lot, now: Now) -> Result<Range, StoreError> {
        let mut range = ALL;
        loop {
            let Some(far) = self.far_grant(&lot, range.0).await? else { return Ok(range) };
            let step = (range.0, far);
            let batch = self.tell_nodes(self.revoke_range(Batch::new(), &lot, step, now), now);
            let store = self.clone();
            let work = async move {
                store.write(batch).await?;
                store.learn(&lot, step).await
            };
            let task = tokio::spawn(work.in_current_span());
            task.await.unwrap_or_else(|error| Err(StoreError::Internal(error.to_string())))?;
            range.0 = far;
        }
    }

    /// The 500th grant of a lot above an id, if there are so many.
    pub(crate) async fn far_grant(&self, lot: &Lot, above: [u8; 16]) -> Result<Option<[u8; 16]>, StoreError> {
        let (lots, whose, ..) = lot.parts();
        self.engine().find(&lots.far, args![whose, self.pool_id(), above], RowReader::array).await
    }

    /// The 500th session of a user above an id, if there are so many.
    pub(crate) async fn far_session(
        &self,
        user: UserId,
        above: [u8; 16],
    ) -> Result<Option<[u8; 16]>, StoreError> {
        self.engine().find(&FAR_SESSION, args![user, self.pool_id(), above], RowReader::array).await
    }

    /// Adds what is left of a sign-out. Whoever commits the batch says [`Changed::Revocations`].
    pub(crate) fn add_sign_out(&self, batch: Batch, what: SignOut, rest: Rest, now: Now) -> Batch {
        let at = now.timestamp();
        let batch = match what {
            SignOut::Session(session) => batch.guard(&END, args![session, self.pool_id(), at]),
            SignOut::Application(session, app) => {
                batch.then(&END_OWN, args![session, self.pool_id(), at, app])
            }
            SignOut::User(user) => {
                let batch = self.end_console_sessions(batch, user, now);
                self.end_user(batch, user, None, (rest.sessions, now))
            }
            SignOut::UserApplication(user, app) => {
                self.end_user(batch, user, Some(app), (rest.sessions, now))
            }
        };
        self.revoke_range(batch, &lot(what), rest.grants, now)
    }

    /// Adds the end of a session that another one replaces, if it goes on.
    pub(crate) fn replace_session(&self, batch: Batch, session: SessionId, now: Now) -> Batch {
        batch.then(&END, args![session, self.pool_id(), now.timestamp()])
    }

    fn end_user(&self, batch: Batch, user: UserId, app: Option<AppId>, (range, now): (Range, Now)) -> Batch {
        batch.then(&END_USER, args![user, self.pool_id(), now.timestamp(), range.0, range.1, app])
    }

    /// Adds the revocation of the grants of a lot and the notices of it.
    pub(crate) fn revoke_range(&self, batch: Batch, lot: &Lot, (above, to): Range, now: Now) -> Batch {
        let (lots, whose, app, offline) = lot.parts();
        let at = now.timestamp();
        let values = args![whose.clone(), self.pool_id(), above, to, app, offline, at];
        let batch = batch.then(&lots.mark, values.clone()).then(&lots.deny, values);
        if matches!(lot, Lot::Application(_)) {
            return batch;
        }
        let expires_at = at.plus(NOTICE_EXPIRE);
        batch.then(&lots.tell, args![whose, self.pool_id(), above, to, app, at, expires_at])
    }

    /// Learns what of a lot is revoked: by another node whose change was not followed yet, or by a write whose answer was
    /// lost.
    pub(crate) async fn learn(&self, lot: &Lot, (above, to): Range) -> Result<(), StoreError> {
        let (lots, whose, ..) = lot.parts();
        let values = args![whose, self.pool_id(), above, to];
        let known = self.engine().list(&lots.denied, values, revocation::read).await?;
        self.0.revoked.add(known);
        Ok(())
    }

    /// The same of everything of a user.
    pub(crate) async fn learn_revocations_of_user(&self, user: UserId) -> Result<(), StoreError> {
        self.learn(&Lot::User(user, None), ALL).await
    }
}

fn lot(what: SignOut) -> Lot {
    match what {
        SignOut::Session(session) => Lot::Session(session),
        SignOut::Application(session, app) => Lot::SessionApplication(session, app),
        SignOut::User(user) => Lot::User(user, None),
        SignOut::UserApplication(user, app) => Lot::User(user, Some(app)),
    }
}
