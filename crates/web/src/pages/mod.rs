//! The pages people see.
//!
//! A handler fills a struct and the struct is the page: `render()` from [`askama::Template`] gives the HTML. All
//! words come from [`messages`], every value is escaped, and nothing here knows HTTP, the store or the protocol.
//!
//! The pages carry no script and no inline style, so that a policy of `style-src 'self'` without `script-src`
//! fits all of them but [`FormPostPage`], [`WebMessagePage`], [`SigningOutPage`] and [`CheckSessionPage`]. Values reach a
//! URL attribute in few places only: the logo of an application and the links below its pages, the links named `home`, the frames of a
//! logout, and the `action` of [`FormPostPage`]; a transaction is named in the query of a few of our own. Whoever fills those has
//! checked the scheme.

mod assets;
mod brand;
mod forgot;
pub mod messages;
mod problem;
#[cfg(test)]
mod tests;

pub use assets::{
    Asset, CONSOLE_STYLESHEET, STYLESHEET, Theme, asset, console_script_path, console_stylesheet_path,
    icon_path, stylesheet_path, stylesheet_path_in,
};
pub use brand::{Brand, palette};
pub use forgot::{ForgotAlert, ForgotPage, ForgotSentPage};
pub use messages::{Catalogue, Lang, Messages};
pub use problem::Problem;

use std::{borrow::Cow, collections::BTreeSet};

use askama::Template;
use messages::Line;
use signet_protocol::{
    password_policy::{PasswordPolicy, PolicyProblem},
    sign_in::LoginMethod,
};

/// The login form. Posts `txn`, `csrf`, `username` and `password` to `/login`.
#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// What people sign in by.
    pub methods: &'a [LoginMethod],
    /// The application that asked for the login.
    pub app_name: &'a str,
    /// How it shows itself.
    pub brand: Brand<'a>,
    /// What the name field starts with: `login_hint` (OIDC Core, section 3.1.2.1) or what was typed before.
    pub identifier: &'a str,
    /// The login transaction.
    pub transaction: &'a str,
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// Whether who has forgotten their password may have a link.
    pub recovery: bool,
    /// What to say above the form.
    pub alert: Option<LoginAlert>,
}

/// Why the login form is shown again, or with a remark. None of them tells whether an account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginAlert {
    /// Unknown account, wrong password or blocked account, without saying which.
    WrongCredentials,
    /// Too many failures; the next attempt is read after this many seconds.
    Throttled {
        /// How long to wait.
        seconds: u64,
    },
    /// The server checks as many passwords as it can already.
    Busy,
    /// The application asked for a fresh login (`prompt=login`, `max_age`).
    SignInAgain,
    /// A field was empty.
    Missing,
    /// A field was longer than any account name or password can be.
    TooLong,
}

impl LoginAlert {
    /// The sentence of the alert.
    pub fn text(self, lang: Lang) -> String {
        let t = lang.messages();
        match self {
            LoginAlert::WrongCredentials => t.login_wrong.to_owned(),
            LoginAlert::Throttled { seconds } => t.login_throttled.with(duration(t, seconds)),
            LoginAlert::Busy => t.login_busy.to_owned(),
            LoginAlert::SignInAgain => t.login_again.to_owned(),
            LoginAlert::Missing => t.login_missing.to_owned(),
            LoginAlert::TooLong => t.login_too_long.to_owned(),
        }
    }

    /// Whether something failed. A request to sign in again is news, not an error.
    fn is_error(self) -> bool {
        self != LoginAlert::SignInAgain
    }

    /// Whether what was typed is to be corrected.
    fn blames_input(self) -> bool {
        matches!(self, LoginAlert::WrongCredentials | LoginAlert::Missing | LoginAlert::TooLong)
    }
}

/// The form by which somebody chooses a password with a one-time link. Posts `link`, `password` and `repeat` to `/login/reset`.
#[derive(Template)]
#[template(path = "reset.html")]
pub struct ResetPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself at whose address it is.
    pub brand: Brand<'a>,
    /// What the person signs in by.
    pub account: &'a str,
    /// The token of the link.
    pub link: &'a str,
    /// What the password must be.
    pub policy: &'a PasswordPolicy,
    /// What to say above the form.
    pub alert: Option<ResetAlert>,
}

/// Why the password was not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetAlert {
    /// It is not what it must be.
    Policy(PolicyProblem),
    /// It was not typed twice.
    Differ,
    /// The server checks as many passwords as it can already.
    Busy,
}

impl ResetAlert {
    /// The sentence of the alert.
    pub fn text(self, lang: Lang) -> String {
        let t = lang.messages();
        match self {
            ResetAlert::Policy(PolicyProblem::TooShort(least)) => t.reset_too_short.with(least),
            ResetAlert::Policy(PolicyProblem::TooLong(most)) => t.reset_too_long.with(most),
            ResetAlert::Policy(PolicyProblem::Common) => t.reset_is_common.to_owned(),
            ResetAlert::Policy(PolicyProblem::HasName) => t.reset_has_name.to_owned(),
            ResetAlert::Differ => t.reset_differ.to_owned(),
            ResetAlert::Busy => t.login_busy.to_owned(),
        }
    }
}

impl ResetPage<'_> {
    fn blames_input(&self) -> bool {
        matches!(self.alert, Some(ResetAlert::Policy(_) | ResetAlert::Differ))
    }
}

/// A password was chosen.
#[derive(Template)]
#[template(path = "reset_done.html")]
pub struct ResetDonePage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself at whose address it is.
    pub brand: Brand<'a>,
}

/// A waiting time in words: exact up to a minute and a half, then in minutes, rounded up.
fn duration(t: &Messages, seconds: u64) -> String {
    match seconds {
        0 | 1 => t.one_second.to_owned(),
        60 => t.one_minute.to_owned(),
        2..=90 => t.seconds.with(seconds),
        _ => t.minutes.with(seconds.div_ceil(60)),
    }
}

impl LoginPage<'_> {
    fn has_error(&self) -> bool {
        self.alert.is_some_and(LoginAlert::is_error)
    }

    fn blames_input(&self) -> bool {
        self.alert.is_some_and(LoginAlert::blames_input)
    }
}

/// The choice between the account signed in here and another one (`prompt=select_account`). Posts `txn`, `csrf`
/// and `choice` (`continue` or `another`) to `/login/account`.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// The application that asked for the login.
    pub app_name: &'a str,
    /// How it shows itself.
    pub brand: Brand<'a>,
    /// How the person is called.
    pub display_name: &'a str,
    /// The user name or email that tells two accounts of one person apart.
    pub account: &'a str,
    /// The login transaction.
    pub transaction: &'a str,
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
}

/// The question whether the application may have what it asks for. Posts `txn`, `csrf` and `decision` (`allow` or
/// `deny`) to `/consent`.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// The application that asks.
    pub app_name: &'a str,
    /// How it shows itself.
    pub brand: Brand<'a>,
    /// How the person is called.
    pub display_name: &'a str,
    /// The user name or email of the account.
    pub account: &'a str,
    /// What is asked for besides `openid`, in the order it is to be listed.
    pub scopes: &'a [ScopeLine<'a>],
    /// Claims that are asked for one by one, by name.
    pub claims: &'a [&'a str],
    /// Whether `offline_access` is asked for.
    pub offline: bool,
    /// The login transaction.
    pub transaction: &'a str,
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
}

/// A scope the consent page puts into words (OIDC Core, section 5.4, and Signet's own).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeLine<'a> {
    /// `profile`
    Profile,
    /// `email`
    Email,
    /// `phone`
    Phone,
    /// `address`
    Address,
    /// `username`
    Username,
    /// `roles`
    Roles,
    /// `external_id`
    ExternalId,
    /// `extended_fields`
    ExtendedFields,
    /// One of the pool's own.
    Custom {
        /// Its value.
        name: &'a str,
        /// What the operator says of it, in the language of the page.
        description: Option<&'a str>,
        /// The claims it gives.
        claims: &'a [String],
    },
    /// A scope item.
    Item {
        /// Its value.
        value: &'a str,
        /// What the resource is called; `None` for every one.
        resource: Option<&'a str>,
        /// Which thing of it; `None` for every one.
        id: Option<&'a str>,
        /// What is done with it; `None` for everything.
        action: Option<&'a str>,
    },
}

impl ScopeLine<'_> {
    fn words(&self, t: &'static Messages) -> Words<'_> {
        let line = match self {
            ScopeLine::Profile => &t.scope_profile,
            ScopeLine::Email => &t.scope_email,
            ScopeLine::Phone => &t.scope_phone,
            ScopeLine::Address => &t.scope_address,
            ScopeLine::Username => &t.scope_username,
            ScopeLine::Roles => &t.scope_roles,
            ScopeLine::ExternalId => &t.scope_external_id,
            ScopeLine::ExtendedFields => &t.scope_extended_fields,
            ScopeLine::Custom { name, description, claims } => {
                let title = description.map_or_else(|| t.scope_custom.with(name).into(), Cow::from);
                return Words { title, detail: claims.join(", ").into() };
            }
            ScopeLine::Item { value, resource, id, action } => {
                let resource = resource.unwrap_or(t.items.every_resource);
                let id = id.map(|id| format!(" {id}")).unwrap_or_default();
                let action = action.unwrap_or(t.items.every_action);
                let title = format!("{resource}{id}{}{action}", t.items.separator);
                return Words { title: title.into(), detail: (*value).into() };
            }
        };
        line.into()
    }
}

/// A line of the consent page in words, ours or the operator's.
struct Words<'a> {
    title: Cow<'a, str>,
    detail: Cow<'a, str>,
}

impl From<&'static Line> for Words<'_> {
    fn from(line: &'static Line) -> Self {
        Words { title: line.title.into(), detail: line.detail.into() }
    }
}

impl ConsentPage<'_> {
    /// Who is asking comes first and what lasts longest comes last.
    fn lines(&self) -> Vec<Words<'_>> {
        let t = self.lang.messages();
        let asked = self.scopes.iter().map(|scope| scope.words(t));
        let details =
            || Words { title: t.consent_details.into(), detail: t.claim_names.list(self.claims).into() };
        let details = (!self.claims.is_empty()).then(details);
        let offline = self.offline.then_some(&t.scope_offline).map(Words::from);
        std::iter::once((&t.scope_openid).into()).chain(asked).chain(details).chain(offline).collect()
    }
}

/// The letter shown for a person without a picture.
pub fn initial(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map_or_else(|| "•".to_owned(), |c| c.to_uppercase().collect())
}

/// A link whose address was checked by whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it leads.
    pub href: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// A problem told to the person, with what the developer of the application needs in a block of its own.
/// Made by [`Problem::page`].
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself that it is about.
    pub brand: Brand<'a>,
    /// The HTTP status the page goes out with.
    pub status: u16,
    /// The heading.
    pub title: &'a str,
    /// What happened, and whose fault it is.
    pub message: &'a str,
    /// What the reader can do now.
    pub hint: &'a str,
    /// The protocol's error code, for the developer.
    pub code: Option<&'a str>,
    /// The public, constant description of the error, for the developer.
    pub detail: Option<&'a str>,
    /// The id under which the log has the rest.
    pub request_id: &'a str,
    /// The same, short enough to be read aloud.
    pub reference: String,
    /// A place to continue from.
    pub home: Option<Link<'a>>,
}

/// The question whether to sign out (RP-Initiated Logout 1.0, section 2). Posts `csrf`, `decision` (`sign-out` or
/// `stay`), `devices` (`all`, if ticked), `applications` (`this`, if ticked) and `fields` to `/oidc/session/end`.
#[derive(Template)]
#[template(path = "logout.html")]
pub struct LogoutPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself.
    pub brand: Brand<'a>,
    /// The application that asks, where it is known.
    pub app_name: Option<&'a str>,
    /// The user name or email of the account, where somebody is signed in.
    pub account: Option<&'a str>,
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// The parameters of the request, carried on in hidden fields.
    pub fields: &'a [(&'a str, &'a str)],
}

/// The end of a logout that does not return to an application.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself.
    pub brand: Brand<'a>,
    /// The application that was signed out of, where it is known.
    pub app_name: Option<&'a str>,
    /// A checked URL to go back to.
    pub home: Option<&'a str>,
    /// What tells applications of it (Front-Channel Logout 1.0, section 3): checked URLs.
    pub frames: &'a BTreeSet<String>,
}

/// The page on the way back to an application, while frames tell others of a logout. It goes on when they are loaded, by its
/// only script, after a few seconds without one, or by its link.
#[derive(Template)]
#[template(path = "signing_out.html")]
pub struct SigningOutPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// Where it goes on: a verified URI.
    pub next: &'a str,
    /// What tells applications of it (Front-Channel Logout 1.0, section 3): checked URLs.
    pub frames: &'a BTreeSet<String>,
    /// The nonce that the policy's `script-src` names.
    pub nonce: &'a str,
}

/// The `check_session_iframe` (Session Management 1.0, section 3.3): a script that nobody looks at.
#[derive(Template)]
#[template(path = "check_session.html")]
pub struct CheckSessionPage<'a> {
    /// The nonce that the policy's `script-src` names.
    pub nonce: &'a str,
    /// The name of the cookie it reads, without what limits it to one application.
    pub cookie: &'a str,
}

/// The answer of `response_mode=form_post` (OAuth 2.0 Form Post Response Mode, section 2): a form that its only
/// script submits, with a button for browsers that run none.
#[derive(Template)]
#[template(path = "form_post.html")]
pub struct FormPostPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// The verified redirect URI.
    pub action: &'a str,
    /// The response parameters.
    pub fields: &'a [(&'a str, &'a str)],
    /// The nonce that the policy's `script-src` names.
    pub nonce: &'a str,
}

/// The answer of `response_mode=web_message`: its only script posts it to the window that framed or opened the page, and
/// the words tell what to do where that does not happen.
#[derive(Template)]
#[template(path = "web_message.html")]
pub struct WebMessagePage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// The origin of the verified redirect URI: nobody else is given the message.
    pub origin: &'a str,
    /// The message, as JSON.
    pub message: &'a str,
    /// The nonce that the policy's `script-src` names.
    pub nonce: &'a str,
}

/// What somebody finds who opens the pool's or an application's address by hand. Nothing on it is secret.
#[derive(Template)]
#[template(path = "start.html")]
pub struct StartPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// How the application shows itself.
    pub brand: Brand<'a>,
    /// The application whose address this is, or the pool if it has a name; `None` otherwise.
    pub app_name: Option<&'a str>,
    /// The issuer at this address.
    pub issuer: &'a str,
    /// The URL of its discovery document.
    pub discovery: &'a str,
}
