//! A session: one browser's login at a pool.

use crate::{
    amr::Amr,
    application::Application,
    id::{AppId, PoolId, SessionId, UserId},
    secret::SecretHash,
    time::{Seconds, Timestamp},
};

/// How long a login lasts: 14 days.
pub const SESSION_EXPIRE: Seconds = Seconds(1_209_600);

/// A login as stored. The cookie holds its id and a secret of which only the hash is here.
#[derive(Clone, Debug)]
pub struct Session {
    /// `sid`.
    pub id: SessionId,
    /// Hash of the cookie's secret.
    pub hash: SecretHash,
    /// The pool it is a login at.
    pub pool: PoolId,
    /// Who signed in.
    pub user: UserId,
    /// The one application it serves, or `None` for those of the single sign-on list.
    pub application: Option<AppId>,
    /// When the person last proved who they are: `auth_time`.
    pub auth_time: Timestamp,
    /// How they did.
    pub amr: Amr,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl Session {
    /// Whether it may sign somebody in to `application` at `now`: alive, of the same pool, and made for it.
    ///
    /// Sharing a host is not sharing a login: outside the single sign-on list a session serves one application.
    pub fn serves(&self, application: &Application, now: Timestamp) -> bool {
        let meant = match self.application {
            Some(only) => only == application.id && !application.settings.sso,
            None => application.settings.sso,
        };
        meant && self.pool == application.pool && self.ended_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
