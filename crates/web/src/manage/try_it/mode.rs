//! What can be tried of an application: what is ticked.

use signet_protocol::application::{Application, GrantType, ResponseType};

use super::Said;

/// A way to tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A code without PKCE, redeemed with the application's own authentication alone.
    Code,
    /// An answer of this type; its code, if it has one, is bound by PKCE.
    Answer(ResponseType),
    /// A code for a refresh token, which is then used.
    Refresh,
    /// A password that the application is shown.
    Password,
    /// An account of the application, for itself.
    Account,
}

/// The name in forms of a mode that has no return type of its own.
const NAMED: &[(Mode, &str)] = &[
    (Mode::Code, "plain"),
    (Mode::Refresh, "refresh_token"),
    (Mode::Password, "password"),
    (Mode::Account, "client_credentials"),
];

impl Mode {
    /// Everything there is, in the order in which it is offered.
    pub fn all() -> impl Iterator<Item = Mode> {
        let answers = ResponseType::ALL.iter().copied().map(Mode::Answer);
        answers.chain([Mode::Code, Mode::Refresh, Mode::Password, Mode::Account])
    }

    /// Whether `application` may be tried so (attack 18: the endpoints say it again).
    pub fn fits(self, application: &Application) -> bool {
        match self {
            Mode::Code => application.may_answer(ResponseType::Code) && !application.must_use_pkce(),
            Mode::Answer(response_type) => application.may_answer(response_type),
            Mode::Refresh => {
                application.may_answer(ResponseType::Code)
                    && application.allows_grant(GrantType::RefreshToken)
            }
            Mode::Password => application.allows_grant(GrantType::Password),
            Mode::Account => application.allows_grant(GrantType::ClientCredentials),
        }
    }

    /// What is asked of the authorization endpoint; `None` where a browser is not needed.
    pub fn response_type(self) -> Option<ResponseType> {
        match self {
            Mode::Code | Mode::Refresh => Some(ResponseType::Code),
            Mode::Answer(response_type) => Some(response_type),
            Mode::Password | Mode::Account => None,
        }
    }

    /// Whether a code is bound by PKCE.
    pub fn has_challenge(self) -> bool {
        self != Mode::Code && self.response_type().is_some_and(ResponseType::gives_code)
    }

    /// Its name in forms.
    pub fn name(self) -> &'static str {
        let named = NAMED.iter().find(|(mode, _)| *mode == self).map(|(_, name)| *name);
        named.or(self.response_type().map(ResponseType::as_str)).unwrap_or_default()
    }

    /// From its name in forms.
    pub fn parse(name: &str) -> Option<Mode> {
        Mode::all().find(|mode| mode.name() == name)
    }

    /// What it is called.
    pub fn said(self) -> &'static Said {
        match self {
            Mode::Code => &CODE,
            Mode::Refresh => &REFRESH,
            Mode::Password => &PASSWORD,
            Mode::Account => &ACCOUNT,
            Mode::Answer(response_type) => match response_type {
                ResponseType::Code => &PKCE,
                ResponseType::IdToken => &ID_TOKEN,
                ResponseType::IdTokenToken => &ID_TOKEN_TOKEN,
                ResponseType::CodeIdToken => &CODE_ID_TOKEN,
                ResponseType::CodeToken => &CODE_TOKEN,
                ResponseType::CodeIdTokenToken => &CODE_ID_TOKEN_TOKEN,
                ResponseType::None => &NONE,
            },
        }
    }
}

macro_rules! said {
    ($($name:ident: $en:literal, $zh:literal, $clause:literal;)*) => {
        $(static $name: Said = Said { en: $en, zh: $zh, clause: $clause };)*
    };
}

said! {
    PKCE: "Authorization code + PKCE", "授权码 + PKCE 模式", "RFC 7636";
    CODE: "Authorization code, without PKCE", "授权码模式（不使用 PKCE）", "RFC 6749 §4.1";
    REFRESH: "Authorization code, then a refresh", "授权码模式，然后刷新令牌", "RFC 6749 §6";
    ID_TOKEN: "Implicit: id_token", "隐式模式：id_token", "OpenID Connect Core §3.2";
    ID_TOKEN_TOKEN: "Implicit: id_token token", "隐式模式：id_token token", "OpenID Connect Core §3.2";
    CODE_ID_TOKEN: "Hybrid: code id_token", "混合模式：code id_token", "OpenID Connect Core §3.3";
    CODE_TOKEN: "Hybrid: code token", "混合模式：code token", "OpenID Connect Core §3.3";
    CODE_ID_TOKEN_TOKEN: "Hybrid: code id_token token", "混合模式：code id_token token", "OpenID Connect Core §3.3";
    NONE: "none: neither a code nor a token", "none：不返回授权码和令牌", "OAuth 2.0 Multiple Response Types §4";
    PASSWORD: "Password", "密码模式", "RFC 6749 §4.3";
    ACCOUNT: "Client credentials", "Client Credentials 模式", "RFC 6749 §4.4";
}
