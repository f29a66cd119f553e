//! A session: one browser's login at a pool.

use crate::{
    amr::Amr,
    application::Application,
    id::{AppId, PoolId, SessionId, UserId},
    jose,
    opaque::Opaque,
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

/// What the cookie of a login shows.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// The value of a cookie of the host where the person signed in: the session's row has the hash of its secret.
    Own(&'a str),
    /// A cookie of an application's own host that was found genuine.
    Lent(Lent),
}

/// A login of the pool's address at the own host of an application of the single sign-on list.
///
/// The cookie there holds a secret of its own, made of the host's application and the session by a key of the pool: it
/// fits no other host, and needs no row. Only [`Lent::find`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Lent(SessionId);

impl Lent {
    /// The value of the cookie of `session` at the own host of `application`.
    pub fn cookie(key: &[u8], application: AppId, session: SessionId) -> String {
        Lent::token(key, application, session).encode()
    }

    /// The login that a cookie's value shows at the own host of `application`, if it is genuine.
    pub fn find(key: &[u8], application: AppId, value: &str) -> Option<Lent> {
        let shown = Opaque::<SessionId>::parse(value)?;
        let genuine = Lent::token(key, application, shown.id);
        shown.hash().matches(&genuine.hash()).then_some(Lent(shown.id))
    }

    /// The session.
    pub fn session(self) -> SessionId {
        self.0
    }

    fn token(key: &[u8], application: AppId, session: SessionId) -> Opaque<SessionId> {
        let (host, id) = (application.to_string(), session.to_string());
        let secret = jose::hmac_sha256(key, &[b"lent session", host.as_bytes(), id.as_bytes()]);
        Opaque::of(session, secret)
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
