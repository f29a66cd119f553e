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

/// Whose pages a transaction is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The host that its request was sent to.
    Home,
    /// The pool's address, where the applications of the single sign-on list have their people sign in.
    Pool,
}

/// How often a transaction may go to the pool's address: once with each choice a person makes there, and a few times more.
pub const TRIPS_MAX: i64 = 8;

/// How long a ticket counts: as long as a redirect takes.
pub const TICKET_EXPIRE: Seconds = Seconds(30);

/// What carries a login from the pool's address to an application's own host, once.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// Hash of its secret.
    pub hash: SecretHash,
    /// The login it lends.
    pub session: SessionId,
    /// When it is too late.
    pub expires_at: Timestamp,
}

/// What single sign-on keeps of a transaction that was sent to an application's own host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trips {
    /// How often it went to the pool's address.
    pub taken: i64,
    /// Hash of the browser's cookie there; `None` until it has arrived.
    pub browser: Option<SecretHash>,
    /// The ticket it came back with, until that is spent.
    pub ticket: Option<Ticket>,
}

/// A waiting authorization request as stored.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// In the addresses and forms of the pages.
    pub id: TransactionId,
    /// The pool.
    pub pool: PoolId,
    /// The issuer it was sent to.
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
    /// Its ways to the pool's address and back.
    pub trips: Trips,
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
    /// Whether a browser that shows `browser` at `place` may go on with it at `now`.
    pub fn check(
        &self,
        place: Place,
        browser: Option<&SecretHash>,
        now: Timestamp,
    ) -> Result<(), TransactionProblem> {
        match (self.browser_at(place), browser) {
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

    /// Hash of the cookie of the browser it is bound to at `place`.
    pub fn browser_at(&self, place: Place) -> Option<&SecretHash> {
        match place {
            Place::Home => self.browser.as_ref(),
            Place::Pool => self.trips.browser.as_ref(),
        }
    }

    /// The login that the ticket of hash `shown` lends at `now`, if it is this transaction's.
    pub fn lends(&self, shown: &SecretHash, now: Timestamp) -> Option<SessionId> {
        let ticket = self.trips.ticket?;
        let counts = ticket.hash.matches(shown) && now < ticket.expires_at;
        counts.then_some(ticket.session)
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
            trips: Trips::default(),
            created_at: Timestamp(0),
            expires_at: Timestamp(3600),
            used_at: None,
        }
    }

    #[test]
    fn attack_12_only_the_browser_that_began_may_go_on() {
        let mine = SecretHash::of("browser", b"mine");
        let other = SecretHash::of("browser", b"other");
        assert_eq!(waiting().check(Place::Home, Some(&mine), Timestamp(1)), Ok(()));
        assert_eq!(
            waiting().check(Place::Home, Some(&other), Timestamp(1)),
            Err(TransactionProblem::WrongBrowser)
        );
        assert_eq!(waiting().check(Place::Home, None, Timestamp(1)), Err(TransactionProblem::WrongBrowser));
    }

    #[test]
    fn attack_12_a_browser_is_known_at_each_place_by_the_cookie_of_that_place() {
        let (mine, there) = (SecretHash::of("browser", b"mine"), SecretHash::of("browser", b"there"));
        let away = Transaction { trips: Trips { browser: Some(there), ..Trips::default() }, ..waiting() };
        assert_eq!(away.check(Place::Pool, Some(&there), Timestamp(1)), Ok(()));
        for (place, shown) in [(Place::Pool, Some(&mine)), (Place::Home, Some(&there)), (Place::Pool, None)] {
            assert_eq!(away.check(place, shown, Timestamp(1)), Err(TransactionProblem::WrongBrowser));
        }
    }

    #[test]
    fn attack_05_a_ticket_lends_what_it_was_made_for_until_it_is_too_old() {
        let (hash, session) = (SecretHash::of("ticket", b"one"), SessionId::from_bytes([2; 16]));
        let ticket = Ticket { hash, session, expires_at: Timestamp(40) };
        let back = Transaction { trips: Trips { ticket: Some(ticket), ..Trips::default() }, ..waiting() };
        assert_eq!(back.lends(&hash, Timestamp(39)), Some(session));
        assert_eq!(back.lends(&hash, Timestamp(40)), None);
        assert_eq!(back.lends(&SecretHash::of("ticket", b"two"), Timestamp(39)), None);
        assert_eq!(waiting().lends(&hash, Timestamp(39)), None);
    }

    #[test]
    fn it_ends_by_time_and_by_use() {
        let mine = SecretHash::of("browser", b"mine");
        assert_eq!(
            waiting().check(Place::Home, Some(&mine), Timestamp(3600)),
            Err(TransactionProblem::Expired)
        );
        let used = Transaction { used_at: Some(Timestamp(5)), ..waiting() };
        assert_eq!(used.check(Place::Home, Some(&mine), Timestamp(9999)), Err(TransactionProblem::Used));
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
