//! What applications are told of a logout (OpenID Connect Front-Channel Logout 1.0, Back-Channel Logout 1.0), and how
//! they can look for themselves (Session Management 1.0).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    application::Application,
    entropy::{Entropy, random},
    id::{AppId, RowId, SessionId, UserId},
    issuer::Issuer,
    jose::{self, JoseError, Signer, Typ},
    redirect_uri::RedirectUri,
    subject::{Subject, Subjects},
    time::{Now, Seconds, Timestamp},
};

/// How long a logout token may be used: two minutes (Back-Channel Logout §2.4).
pub const LOGOUT_TOKEN_EXPIRE: Seconds = Seconds(120);

/// The member of `events` that says what the token means.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What ended, and for whom.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// The application that is told.
    pub application: &'a Application,
    /// The issuer it knows the session from.
    pub issuer: &'a Issuer,
    /// How the pool names users and sessions to it.
    pub subjects: Subjects<'a>,
    /// The session.
    pub session: SessionId,
}

/// The claims of a logout token (Back-Channel Logout §2.4). There is no `nonce`, so that it never passes for an ID token.
#[derive(Serialize)]
struct LogoutTokenClaims {
    iss: String,
    sub: Subject,
    aud: AppId,
    iat: Timestamp,
    exp: Timestamp,
    jti: String,
    events: BTreeMap<&'static str, Map<String, Value>>,
    sid: String,
}

impl Ended<'_> {
    /// A new logout token about `user`'s session. Errors are the cryptographic library's.
    pub fn logout_token(
        &self,
        user: UserId,
        signer: &Signer<'_>,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> Result<String, JoseError> {
        let claims = LogoutTokenClaims {
            iss: self.issuer.url().to_owned(),
            sub: self.subjects.subject(user, self.application)?,
            aud: self.application.id,
            iat: now.timestamp(),
            exp: now.timestamp().plus(LOGOUT_TOKEN_EXPIRE),
            jti: jose::b64(&random::<16>(entropy)),
            events: BTreeMap::from([(EVENT, Map::new())]),
            sid: self.subjects.sid(self.session, self.application)?,
        };
        jose::sign(signer, Typ::LogoutToken, &claims)
    }

    /// What is opened in a frame: `uri` with `iss` and `sid` (Front-Channel Logout §2).
    pub fn frame(&self, uri: &RedirectUri) -> Result<String, JoseError> {
        let sid = self.subjects.sid(self.session, self.application)?;
        Ok(uri.with_query([("iss", self.issuer.url()), ("sid", sid.as_str())].into_iter()))
    }
}

/// What a browser keeps for the session it has, where scripts of its host can read it (Session Management §3.2). Nobody can
/// tell it from `sid`: it is derived with `key`.
pub fn browser_state(key: &[u8], session: SessionId) -> String {
    jose::b64(&jose::hmac_sha256(key, &[b"browser state", &session.bytes()]))
}

/// The `session_state` of an answer to `origin` (Session Management §3): its page asks with it whether anything changed.
pub fn session_state(
    application: &Application,
    origin: &str,
    browser_state: &str,
    entropy: &mut dyn Entropy,
) -> String {
    let salt = jose::b64(&random::<16>(entropy));
    let text = format!("{} {origin} {browser_state} {salt}", application.id);
    format!("{}.{salt}", jose::b64(&jose::sha256(text.as_bytes())))
}

#[cfg(test)]
#[path = "logout_tests.rs"]
mod tests;
