//! What somebody sees who has forgotten their password.

use askama::Template;
use signet_protocol::sign_in::LoginMethod;

use super::{Brand, Catalogue, Lang, duration};

/// The form by which somebody who has forgotten their password asks for a link. Posts `txn`, `csrf` and `username` to
/// `/login/forgot`.
#[derive(Template)]
#[template(path = "forgot.html")]
pub struct ForgotPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// The application they want to sign in to.
    pub app_name: &'a str,
    /// How it shows itself.
    pub brand: Brand<'a>,
    /// What they may be found by.
    pub methods: &'a [LoginMethod],
    /// What was typed before.
    pub identifier: &'a str,
    /// The login transaction.
    pub transaction: &'a str,
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// What to say above the form.
    pub alert: Option<ForgotAlert>,
}

/// Why no link was asked for. Neither tells whether an account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgotAlert {
    /// The field was empty, or too long.
    Missing,
    /// Too many requests; the next is taken after this many seconds.
    Throttled {
        /// How long to wait.
        seconds: u64,
    },
}

impl ForgotAlert {
    /// The sentence of the alert.
    pub fn text(self, lang: Lang) -> String {
        let t = lang.messages();
        match self {
            ForgotAlert::Missing => t.forgot_missing.to_owned(),
            ForgotAlert::Throttled { seconds } => t.login_throttled.with(duration(t, seconds)),
        }
    }
}

/// That a link is on its way, if there is somebody to have it.
#[derive(Template)]
#[template(path = "forgot_sent.html")]
pub struct ForgotSentPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself.
    pub brand: Brand<'a>,
    /// The login transaction.
    pub transaction: &'a str,
}
