//! A transaction: an authorization request that waits while its person signs in or consents.
//!
//! It lives in the store, so a restart loses nothing, and it is bound to the browser that began it (attack 12).

use subtle::ConstantTimeEq;

use crate::{
    id::{AppId, PoolId, SessionId, TransactionId},
    issuer::IssuerId,
    jose,
    params::{ParamsError, RawParams},
    secret::SecretHash,
    time::{Seconds, Timestamp},
};

/// How long a person may take: one hour.
pub const TRANSACTION_EXPIRE: Seconds = Seconds(3600);

/// How the session of a transaction came to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The session the person signed in with or chose to go on with.
    pub session: SessionId,
    /// Whether a password was entered for it in this very transaction.
    pub by_login: bool,
}

/// A waiting authorization request as stored.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// In the addresses and forms of the pages.
    pub id: TransactionId,
    /// The pool.
    pub pool: PoolId,
    /// The issuer it was sent to; the pages live at the same host.
    pub issuer: IssuerId,
    /// The client.
    pub application: AppId,
    /// The request, form-encoded, to be checked again at every hop.
    pub params: String,
    /// Hash of the browser's cookie; `None` until a same-site request has shown one.
    pub browser: Option<SecretHash>,
    /// Who is signing in, once known.
    pub chosen: Option<Chosen>,
    /// Whether consent was given to that session's user (`Some(false)`: denied).
    pub consent: Option<bool>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// When it was answered.
    pub used_at: Option<Timestamp>,
}

/// Why a page of a transaction cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionProblem {
    /// Too late.
    Expired,
    /// Answered already: the back button, or a second click.
    Used,
    /// Another browser's.
    WrongBrowser,
}

impl Transaction {
    /// Whether a browser that shows `browser` may go on with it at `now`.
    pub fn check(&self, browser: Option<&SecretHash>, now: Timestamp) -> Result<(), TransactionProblem> {
        match (&self.browser, browser) {
            (Some(own), Some(shown)) if own.matches(shown) => {}
            (None, _) => {}
            _ => return Err(TransactionProblem::WrongBrowser),
        }
        if self.used_at.is_some() {
            Err(TransactionProblem::Used)
        } else if now >= self.expires_at {
            Err(TransactionProblem::Expired)
        } else {
            Ok(())
        }
    }

    /// The request again.
    pub fn request(&self) -> Result<RawParams, ParamsError> {
        RawParams::parse(self.params.as_bytes())
    }
}

/// The anti-forgery token of a form: it fits one browser, one transaction and one session only.
pub fn csrf_token(key: &[u8], browser: &str, subject: &str, session: Option<SessionId>) -> String {
    let session = session.map(|id| id.to_string()).unwrap_or_default();
    jose::b64(&jose::hmac_sha256(key, &[b"csrf", browser.as_bytes(), subject.as_bytes(), session.as_bytes()]))
}

/// Whether `shown` is the token of a form, in time that does not depend on where they differ.
pub fn csrf_fits(shown: Option<&str>, token: &str) -> bool {
    shown.is_some_and(|shown| shown.as_bytes().ct_eq(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RowId;

    fn waiting() -> Transaction {
        Transaction {
            id: TransactionId::from_bytes([1; 16]),
            pool: PoolId::parse("0123456789abcdef01234567").unwrap(),
            issuer: IssuerId::parse("pool:0123456789abcdef01234567").unwrap(),
            application: AppId::parse("0123456789abcdef01234567").unwrap(),
            params: "client_id=x".into(),
            browser: Some(SecretHash::of("browser", b"mine")),
            chosen: None,
            consent: None,
            created_at: Timestamp(0),
            expires_at: Timestamp(3600),
            used_at: None,
        }
    }

    #[test]
    fn attack_12_only_the_browser_that_began_may_go_on() {
        let mine = SecretHash::of("browser", b"mine");
        let other = SecretHash::of("browser", b"other");
        assert_eq!(waiting().check(Some(&mine), Timestamp(1)), Ok(()));
        assert_eq!(waiting().check(Some(&other), Timestamp(1)), Err(TransactionProblem::WrongBrowser));
        assert_eq!(waiting().check(None, Timestamp(1)), Err(TransactionProblem::WrongBrowser));
    }

    #[test]
    fn it_ends_by_time_and_by_use() {
        let mine = SecretHash::of("browser", b"mine");
        assert_eq!(waiting().check(Some(&mine), Timestamp(3600)), Err(TransactionProblem::Expired));
        let used = Transaction { used_at: Some(Timestamp(5)), ..waiting() };
        assert_eq!(used.check(Some(&mine), Timestamp(9999)), Err(TransactionProblem::Used));
    }

    #[test]
    fn attack_12_a_form_token_fits_one_browser_transaction_and_session() {
        let token = csrf_token(b"key", "browser", "txn", None);
        let session = Some(SessionId::from_bytes([1; 16]));
        for other in [
            csrf_token(b"kez", "browser", "txn", None),
            csrf_token(b"key", "browses", "txn", None),
            csrf_token(b"key", "browser", "txm", None),
            csrf_token(b"key", "browser", "txn", session),
            csrf_token(b"key", "brow", "sertxn", None),
        ] {
            assert_ne!(token, other);
        }
    }
}
