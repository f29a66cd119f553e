//! The error codes of the standards and the one shape in which they are told.

use serde::Serialize;

/// An `error` value of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6, RFC 9700 or
/// OpenID Connect Core Error Code `unmet_authentication_requirements`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the name is the registered error code")]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidTarget,
    AccessDenied,
    ServerError,
    TemporarilyUnavailable,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    AccountSelectionRequired,
    UnmetAuthenticationRequirements,
    InvalidRequestObject,
    InvalidRequestUri,
    RegistrationNotSupported,
    InvalidToken,
    InsufficientScope,
    InvalidRedirectUri,
    Misconfiguration,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: &[ErrorCode] = &[
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidClient,
        ErrorCode::InvalidGrant,
        ErrorCode::UnauthorizedClient,
        ErrorCode::UnsupportedGrantType,
        ErrorCode::UnsupportedResponseType,
        ErrorCode::InvalidScope,
        ErrorCode::InvalidTarget,
        ErrorCode::AccessDenied,
        ErrorCode::ServerError,
        ErrorCode::TemporarilyUnavailable,
        ErrorCode::LoginRequired,
        ErrorCode::ConsentRequired,
        ErrorCode::InteractionRequired,
        ErrorCode::AccountSelectionRequired,
        ErrorCode::UnmetAuthenticationRequirements,
        ErrorCode::InvalidRequestObject,
        ErrorCode::InvalidRequestUri,
        ErrorCode::RegistrationNotSupported,
        ErrorCode::InvalidToken,
        ErrorCode::InsufficientScope,
        ErrorCode::InvalidRedirectUri,
        ErrorCode::Misconfiguration,
    ];

    /// The registered spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::InvalidRequest => "invalid_request",
            ErrorCode::InvalidClient => "invalid_client",
            ErrorCode::InvalidGrant => "invalid_grant",
            ErrorCode::UnauthorizedClient => "unauthorized_client",
            ErrorCode::UnsupportedGrantType => "unsupported_grant_type",
            ErrorCode::UnsupportedResponseType => "unsupported_response_type",
            ErrorCode::InvalidScope => "invalid_scope",
            ErrorCode::InvalidTarget => "invalid_target",
            ErrorCode::AccessDenied => "access_denied",
            ErrorCode::ServerError => "server_error",
            ErrorCode::TemporarilyUnavailable => "temporarily_unavailable",
            ErrorCode::LoginRequired => "login_required",
            ErrorCode::ConsentRequired => "consent_required",
            ErrorCode::InteractionRequired => "interaction_required",
            ErrorCode::AccountSelectionRequired => "account_selection_required",
            ErrorCode::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            ErrorCode::InvalidRequestObject => "invalid_request_object",
            ErrorCode::InvalidRequestUri => "invalid_request_uri",
            ErrorCode::RegistrationNotSupported => "registration_not_supported",
            ErrorCode::InvalidToken => "invalid_token",
            ErrorCode::InsufficientScope => "insufficient_scope",
            ErrorCode::InvalidRedirectUri => "invalid_redirect_uri",
            ErrorCode::Misconfiguration => "misconfiguration",
        }
    }
}

/// Why a request was refused: a code for the program and a constant sentence for its developer.
///
/// The sentence is public. It names the parameter and what to do, and never a value that was sent (attack 25).
///
/// The rule that refused is for those who run the server, never told: two refusals that differ in nothing else are equal.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The registered code.
    pub code: ErrorCode,
    /// What is wrong and what to do; ASCII without quotes, as RFC 6749 §5.2 demands of `error_description`.
    pub description: &'static str,
    /// Which rule refused, where it is known.
    pub rule: Option<Rule>,
}

/// The name of a rule, and the clause it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is checked.
    pub name: &'static str,
    /// Where that is written.
    pub clause: &'static str,
}

impl PartialEq for Refusal {
    fn eq(&self, other: &Refusal) -> bool {
        (self.code, self.description) == (other.code, other.description)
    }
}

impl Eq for Refusal {}

impl Refusal {
    /// The same, by the rule of this name.
    pub const fn by(self, name: &'static str, clause: &'static str) -> Refusal {
        Refusal { rule: Some(Rule { name, clause }), ..self }
    }
}

/// Shorthand for building a [`Refusal`].
pub const fn refuse(code: ErrorCode, description: &'static str) -> Refusal {
    Refusal { code, description, rule: None }
}

/// One named rule, the clause it comes from and the function that decides: an endpoint's rules are a list of these.
pub struct Check<T: ?Sized> {
    /// What is checked; the name tests and documents use.
    pub name: &'static str,
    /// The clause it implements.
    pub clause: &'static str,
    /// The decision.
    pub run: fn(&T) -> Result<(), Refusal>,
}

/// Runs `checks` in order; the first refusal ends it.
pub fn run_checks<T: ?Sized>(checks: &[Check<T>], subject: &T) -> Result<(), Refusal> {
    checks
        .iter()
        .try_for_each(|check| (check.run)(subject).map_err(|refusal| refusal.by(check.name, check.clause)))
}
