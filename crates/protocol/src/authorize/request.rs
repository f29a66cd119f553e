//! The parameters of an authorization request (OpenID Connect Core §3.1.2.1).

use serde::{Deserialize, Serialize};

use crate::{
    application::{ResponseType, names},
    authorize::{ResponseMode, mode::asks_for_tokens},
    claims_request::ClaimsRequest,
    params::RawParams,
    pkce::{ChallengeMethod, CodeChallenge},
    pool::PoolSettings,
    redirect_uri::{RedirectUri, Scheme},
    resource::{RESOURCE, UserScope, indicated},
    scope::Scope,
    time::Seconds,
};

/// The parameters the endpoint and its pages read. A waiting request is stored as these and nothing else, so that what was
/// sent by mistake, such as a secret, is not kept (attack 25).
pub const PARAMETERS: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "ui_locales",
    "id_token_hint",
    "claims",
    "acr_values",
    "resource",
];

/// A parameter that was looked at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<T> {
    /// Not sent, or sent without a value.
    Absent,
    /// Sent with a value that means nothing.
    Bad,
    /// Sent and understood.
    Good(T),
}

impl<T> Field<T> {
    fn read(text: Option<&str>, parse: impl FnOnce(&str) -> Option<T>) -> Field<T> {
        text.map_or(Field::Absent, |text| parse(text).map_or(Field::Bad, Field::Good))
    }

    /// The value, if it was understood.
    pub fn good(&self) -> Option<&T> {
        match self {
            Field::Good(value) => Some(value),
            Field::Absent | Field::Bad => None,
        }
    }
}

/// The values of `prompt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The person must sign in again.
    pub login: bool,
    /// The person must be asked for consent.
    pub consent: bool,
    /// The person must choose the account.
    pub select_account: bool,
}

impl Prompt {
    fn parse(text: &str) -> Option<Prompt> {
        let mut prompt = Prompt::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return None,
            }
        }
        Some(prompt)
    }
}

names!(
    /// The values of `display`. Our pages fit every one of them, so none changes anything.
    Display {
        /// A whole page.
        Page = "page",
        /// A small window.
        Popup = "popup",
        /// A screen that is touched.
        Touch = "touch",
        /// A feature phone.
        Wap = "wap",
    }
);

/// Everything the endpoint understands, parsed but not yet judged. Parameters it does not know are not here.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) repeats: bool,
    pub(super) registration: bool,
    pub(super) state_length: usize,
    pub(super) response_type: Field<ResponseType>,
    pub(super) response_mode: Field<ResponseMode>,
    /// Whether tokens are asked for in the answer itself, and to what kind of callback.
    pub(super) front: bool,
    pub(super) callback: Option<Scheme>,
    pub(super) scope: Field<Scope>,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Field<Prompt>,
    pub(super) max_age: Field<Seconds>,
    pub(super) challenge: Field<CodeChallenge>,
    pub(super) challenge_method: Field<ChallengeMethod>,
    pub(super) login_hint: Option<String>,
    pub(super) ui_locales: Option<String>,
    pub(super) id_token_hint: Option<String>,
    pub(super) display: Field<Display>,
    pub(super) claims: Field<ClaimsRequest>,
    pub(super) acr_values: bool,
    /// Bad if there are several.
    pub(super) resource: Field<String>,
}

impl Draft {
    /// Reads a request; total, since judging is left to the checks.
    pub fn parse(params: &RawParams) -> Draft {
        let text = |name: &str| params.get(name).map(str::to_owned);
        let method = Field::read(params.get("code_challenge_method"), ChallengeMethod::parse);
        let compared_by = method.good().copied().unwrap_or(ChallengeMethod::Plain);
        Draft {
            repeats: params.repeats_besides(RESOURCE),
            registration: params.get("registration").is_some(),
            state_length: params.get("state").map_or(0, str::len),
            response_type: Field::read(params.get("response_type"), ResponseType::read),
            response_mode: Field::read(params.get("response_mode"), ResponseMode::parse),
            front: asks_for_tokens(params),
            callback: params.get("redirect_uri").and_then(|uri| Some(RedirectUri::parse(uri).ok()?.scheme())),
            scope: Field::read(params.get("scope"), |scope| Scope::parse(scope).ok()),
            nonce: text("nonce"),
            prompt: Field::read(params.get("prompt"), Prompt::parse),
            max_age: Field::read(params.get("max_age"), parse_max_age),
            challenge: Field::read(params.get("code_challenge"), |text| {
                CodeChallenge::parse(text, compared_by)
            }),
            challenge_method: method,
            login_hint: text("login_hint"),
            ui_locales: text("ui_locales"),
            id_token_hint: text("id_token_hint"),
            display: Field::read(params.get("display"), Display::parse),
            claims: Field::read(params.get("claims"), |text| ClaimsRequest::parse(text).ok()),
            acr_values: params.get("acr_values").is_some(),
            resource: match indicated(params) {
                Ok(named) => named.map_or(Field::Absent, |api| Field::Good(api.to_owned())),
                Err(_) => Field::Bad,
            },
        }
    }
}

impl Draft {
    /// Whether no page may be shown: the request runs in a hidden frame.
    pub fn is_silent(&self) -> bool {
        self.prompt.good().is_some_and(|prompt| prompt.none)
    }
}

fn parse_max_age(text: &str) -> Option<Seconds> {
    let digits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().map(Seconds)
}

/// A request that passed every check. Only [`super::check`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationRequest {
    /// What is to be returned.
    pub response_type: ResponseType,
    /// What is asked for.
    pub scope: Scope,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// Which pages must or must not be shown.
    pub prompt: Prompt,
    /// How old the login may be.
    pub max_age: Option<Seconds>,
    /// The `code_challenge`, if any.
    pub challenge: Option<CodeChallenge>,
    /// Whom the application expects.
    pub login_hint: Option<String>,
    /// Preferred languages.
    pub ui_locales: Option<String>,
    /// An ID token of the user the application expects, not yet verified.
    pub id_token_hint: Option<String>,
    /// What is asked for one by one, `acr` also by `acr_values` and by the application's settings.
    pub claims: ClaimsRequest,
    /// The API that access tokens are for, if they are for one.
    pub resource: Option<String>,
}

impl AuthorizationRequest {
    /// The same without the scope values that mean nothing in `pool`.
    pub fn within(self, pool: &PoolSettings) -> AuthorizationRequest {
        AuthorizationRequest { scope: pool.understood(self.scope), ..self }
    }

    /// The same, asked of a user who has `scope` of what it asks for.
    pub fn of_user(self, scope: &UserScope) -> AuthorizationRequest {
        AuthorizationRequest { scope: scope.granted().clone(), ..self }
    }
}
