//! The problems a person can be told about.

use super::messages::{Catalogue, Lang, Messages, ProblemText};
use super::{Brand, ErrorPage, Link};

/// What went wrong, as far as the person in front of the browser is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// The client is unknown or switched off.
    BadClient,
    /// The redirect URI is missing or not registered, so nothing may be sent there (RFC 6749, section 4.1.2.1).
    BadRedirectUri,
    /// The request cannot be read, and there is no callback to say so to.
    BadRequest,
    /// The request is larger than is accepted.
    TooLarge,
    /// The form did not arrive in time.
    TooSlow,
    /// The Host header names nothing that is served.
    UnknownHost {
        /// The configured base URL, offered as the place to go.
        known: &'a str,
    },
    /// No such page.
    NotFound,
    /// The page exists, but not for this method.
    MethodNotAllowed,
    /// The login transaction is too old.
    TransactionExpired,
    /// The login transaction was completed before.
    TransactionUsed,
    /// The browser did not send back the cookie it was given.
    CookiesBlocked,
    /// The form's CSRF token does not fit this browser.
    WrongBrowser,
    /// Whoever is signed in to the console may not do this.
    Forbidden,
    /// The server cannot answer now.
    Unavailable,
    /// A fault of ours.
    ServerError,
    /// The logout request is not valid.
    BadLogout,
    /// A one-time link is worth nothing.
    LinkDead,
    /// A one-time link was used before.
    LinkUsed,
}

impl<'a> Problem<'a> {
    /// The page that tells it. The log has the rest under `request_id`.
    pub fn page(self, lang: Lang, request_id: &'a str) -> ErrorPage<'a> {
        let text = self.text(lang.messages());
        ErrorPage {
            lang,
            brand: Brand::default(),
            status: self.status(),
            title: text.title,
            message: text.message,
            hint: text.hint,
            code: None,
            detail: None,
            reference: crate::trace::reference(request_id),
            request_id,
            home: self.home(),
        }
    }

    /// What it is called where no person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Problem::BadClient => "client_id",
            Problem::BadRedirectUri => "redirect_uri",
            Problem::BadRequest | Problem::BadLogout => "parameters",
            Problem::TooLarge | Problem::TooSlow => "size",
            Problem::UnknownHost { .. } => "host",
            Problem::NotFound => "path",
            Problem::MethodNotAllowed => "method",
            Problem::TransactionExpired => "transaction_expired",
            Problem::TransactionUsed => "transaction_used",
            Problem::CookiesBlocked => "cookies",
            Problem::WrongBrowser => "browser",
            Problem::Forbidden => "role",
            Problem::LinkDead | Problem::LinkUsed => "link",
            Problem::Unavailable | Problem::ServerError => "server",
        }
    }

    /// The HTTP status the page goes out with.
    pub fn status(self) -> u16 {
        match self {
            Problem::BadClient
            | Problem::BadRedirectUri
            | Problem::BadRequest
            | Problem::TransactionExpired
            | Problem::TransactionUsed
            | Problem::CookiesBlocked
            | Problem::BadLogout
            | Problem::LinkDead
            | Problem::LinkUsed => 400,
            Problem::WrongBrowser | Problem::Forbidden => 403,
            Problem::NotFound => 404,
            Problem::MethodNotAllowed => 405,
            Problem::TooSlow => 408,
            Problem::TooLarge => 413,
            Problem::UnknownHost { .. } => 421,
            Problem::ServerError => 500,
            Problem::Unavailable => 503,
        }
    }

    fn text(self, t: &'static Messages) -> &'static ProblemText {
        match self {
            Problem::BadClient => &t.bad_client,
            Problem::BadRedirectUri => &t.bad_redirect_uri,
            Problem::BadRequest => &t.bad_request,
            Problem::TooLarge => &t.too_large,
            Problem::TooSlow => &t.too_slow,
            Problem::UnknownHost { .. } => &t.unknown_host,
            Problem::NotFound => &t.not_found,
            Problem::MethodNotAllowed => &t.method_not_allowed,
            Problem::TransactionExpired => &t.transaction_expired,
            Problem::TransactionUsed => &t.transaction_used,
            Problem::CookiesBlocked => &t.cookies_blocked,
            Problem::WrongBrowser => &t.wrong_browser,
            Problem::Forbidden => &t.forbidden,
            Problem::Unavailable => &t.unavailable,
            Problem::ServerError => &t.server_error,
            Problem::BadLogout => &t.bad_logout,
            Problem::LinkDead => &t.link_dead,
            Problem::LinkUsed => &t.link_used,
        }
    }

    fn home(self) -> Option<Link<'a>> {
        match self {
            Problem::UnknownHost { known } => Some(Link { href: known, text: known }),
            _ => None,
        }
    }
}

impl<'a> ErrorPage<'a> {
    /// The same page with what the developer needs: the protocol's error code and its public description.
    pub fn for_developer(self, code: &'a str, detail: &'a str) -> ErrorPage<'a> {
        ErrorPage { code: Some(code), detail: Some(detail), ..self }
    }

    /// The same page with a place to continue from, whose address the caller has checked.
    pub fn with_home(self, home: Link<'a>) -> ErrorPage<'a> {
        ErrorPage { home: Some(home), ..self }
    }

    /// The same page as one of an application.
    pub fn branded(self, brand: Brand<'a>) -> ErrorPage<'a> {
        ErrorPage { brand, ..self }
    }
}
