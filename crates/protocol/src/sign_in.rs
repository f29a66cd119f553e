//! How people sign in to a pool: the languages of its pages, what they type to say who they are, and how long a login lasts.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{
    operator::CONSOLE_SESSION_EXPIRE,
    session::{SESSION_EXPIRE, Session},
    time::{Seconds, Timestamp},
    user::LoginName,
};

/// The values of [`SignIn::session_lifetime`]: five minutes to a year.
pub const SESSION_LIFETIME: RangeInclusive<i64> = 300..=31_536_000;
/// The values of [`SignIn::console_session_lifetime`]: a quarter of an hour, which a fresh login is good for, to a day.
pub const CONSOLE_SESSION_LIFETIME: RangeInclusive<i64> = 900..=86_400;

/// A language that pages can be shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// All of them.
    pub const ALL: &'static [Language] = &[Language::En, Language::Zh];

    /// Its primary subtag (RFC 5646).
    pub fn as_str(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Zh => "zh",
        }
    }

    /// The tag under which pages say that they are in it.
    pub fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Zh => "zh-CN",
        }
    }
}

/// A kind of name that people sign in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// The user name.
    Username,
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
}

impl LoginMethod {
    /// All of them.
    pub const ALL: &'static [LoginMethod] = &[LoginMethod::Username, LoginMethod::Email, LoginMethod::Phone];

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            LoginMethod::Username => "username",
            LoginMethod::Email => "email",
            LoginMethod::Phone => "phone",
        }
    }
}

/// The settings of a pool about its people and their logins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignIn {
    /// The languages of the pages people see; never empty. The first is that of who wants none of them.
    pub languages: Vec<Language>,
    /// What people may sign in by; never empty.
    pub login_methods: Vec<LoginMethod>,
    /// How long a login lasts.
    pub session_lifetime: Seconds,
    /// Whether its cookie goes with the browser, if that comes first.
    pub browser_session: bool,
    /// How long a login to the console lasts.
    pub console_session_lifetime: Seconds,
    /// Whether who has forgotten their password may have a link sent by mail.
    pub password_recovery: bool,
}

impl Default for SignIn {
    fn default() -> SignIn {
        SignIn {
            languages: Language::ALL.to_vec(),
            login_methods: LoginMethod::ALL.to_vec(),
            session_lifetime: SESSION_EXPIRE,
            browser_session: false,
            console_session_lifetime: CONSOLE_SESSION_EXPIRE,
            password_recovery: false,
        }
    }
}

impl SignIn {
    /// Whether somebody may sign in by a name of this kind.
    pub fn takes(&self, name: &LoginName) -> bool {
        let method = match name {
            LoginName::Username(_) => LoginMethod::Username,
            LoginName::Email(_) => LoginMethod::Email,
            LoginName::Phone(_) => LoginMethod::Phone,
        };
        self.login_methods.contains(&method)
    }

    /// How long a browser is told to keep the cookie of a login with this much left; `None`: for as long as it is open.
    pub fn cookie_age(&self, left: Seconds) -> Option<Seconds> {
        (!self.browser_session).then_some(left)
    }

    /// The session with the end that it has today: a lifetime that was shortened holds for those that began before.
    pub fn bounded(&self, session: Session) -> Session {
        let expires_at = self.end(session.auth_time, session.expires_at);
        Session { expires_at, ..session }
    }

    fn end(&self, began: Timestamp, stored: Timestamp) -> Timestamp {
        stored.min(began.plus(self.session_lifetime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn names_are_taken_of_the_kinds_that_are_listed() {
        let all = SignIn::default();
        let only = SignIn { login_methods: vec![LoginMethod::Email], ..SignIn::default() };
        for (typed, taken) in [("alice", false), ("alice@example.com", true), ("+8613800138000", false)] {
            let name = LoginName::parse(typed).unwrap();
            assert!(all.takes(&name), "{typed}");
            assert_eq!(only.takes(&name), taken, "{typed}");
        }
    }

    #[test]
    fn a_shorter_lifetime_ends_older_sessions_and_a_longer_one_gives_them_nothing() {
        let session = samples::session();
        let (began, stored) = (session.auth_time, session.expires_at);
        let with = |seconds| SignIn { session_lifetime: Seconds(seconds), ..SignIn::default() };
        assert_eq!(with(300).bounded(session.clone()).expires_at, began.plus(Seconds(300)).min(stored));
        assert_eq!(with(31_536_000).bounded(session).expires_at, stored);
    }

    #[test]
    fn names_of_settings_are_those_of_their_json() {
        for language in Language::ALL {
            assert_eq!(serde_json::to_value(language).unwrap(), language.as_str());
        }
        for method in LoginMethod::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
    }
}
