//! What is refused, in which order, and where it is written.

use crate::{
    application::ActiveApplication,
    authorize::{AuthorizationRequest, Draft, Field, allowed},
    claims_request::ClaimsRequest,
    error::{Check, ErrorCode, Refusal, refuse, run_checks},
    limits::{NONCE_BYTES, STATE_BYTES},
    pkce::ChallengeMethod,
    resource::ONE_API,
    scope::KnownScope,
};

/// What the checks look at.
pub struct Asked<'a> {
    pub(super) draft: &'a Draft,
    pub(super) application: &'a ActiveApplication,
}

impl<'a> Asked<'a> {
    /// The checks in order; the first that fails is the answer.
    pub const CHECKS: &'a [Check<Asked<'a>>] = &[
        Check { name: "repeated_parameter", clause: "RFC 6749 §3.1", run: check_repeats },
        Check { name: "state", clause: "RFC 6749 §4.1.1", run: check_state },
        Check { name: "registration", clause: "OpenID Connect Core §7.2.1", run: check_registration },
        Check { name: "response_type", clause: "RFC 6749 §3.1.1", run: check_response_type },
        Check { name: "grant_type", clause: "OpenID Connect Registration §2", run: check_grant_type },
        Check {
            name: "response_mode",
            clause: "OAuth 2.0 Multiple Response Types §2.1",
            run: check_response_mode,
        },
        Check { name: "scope", clause: "OpenID Connect Core §3.1.2.1", run: check_scope },
        Check { name: "resource", clause: "RFC 8707 §2", run: check_resource },
        Check { name: "nonce", clause: "OpenID Connect Core §3.2.2.1, §3.3.2.11", run: check_nonce },
        Check { name: "prompt", clause: "OpenID Connect Core §3.1.2.1", run: check_prompt },
        Check { name: "max_age", clause: "OpenID Connect Core §3.1.2.1", run: check_max_age },
        Check { name: "display", clause: "OpenID Connect Core §3.1.2.1", run: check_display },
        Check { name: "claims", clause: "OpenID Connect Core §5.5", run: check_claims },
        Check { name: "acr", clause: "OpenID Connect Core §5.5.1.1", run: check_acr },
        Check {
            name: "code_challenge", clause: "RFC 7636 §4.3, RFC 9700 §2.1.1", run: check_code_challenge
        },
    ];
}

/// Judges a draft against an application's settings.
pub fn check(draft: &Draft, application: &ActiveApplication) -> Result<AuthorizationRequest, Refusal> {
    run_checks(Asked::CHECKS, &Asked { draft, application })?;
    let (Some(response_type), Some(scope)) = (draft.response_type.good(), draft.scope.good()) else {
        return Err(refuse(ErrorCode::InvalidRequest, "response_type and scope are required"));
    };
    Ok(AuthorizationRequest {
        response_type: *response_type,
        scope: scope.clone(),
        nonce: draft.nonce.clone(),
        prompt: draft.prompt.good().copied().unwrap_or_default(),
        max_age: draft.max_age.good().copied().or(application.settings.default_max_age),
        challenge: draft.challenge.good().cloned(),
        login_hint: draft.login_hint.clone(),
        ui_locales: draft.ui_locales.clone(),
        id_token_hint: draft.id_token_hint.clone(),
        claims: claims(draft, application),
        resource: draft.resource.good().cloned(),
    })
}

/// What is asked for one by one. `acr_values` asks for `acr` in another way (OpenID Connect Core §5.5.1.1).
fn claims(draft: &Draft, application: &ActiveApplication) -> ClaimsRequest {
    let mut claims = draft.claims.good().cloned().unwrap_or_default();
    if draft.acr_values {
        claims.ask_acr();
    }
    claims.with_defaults(application)
}

fn unless(bad: bool, code: ErrorCode, description: &'static str) -> Result<(), Refusal> {
    if bad { Err(refuse(code, description)) } else { Ok(()) }
}

fn check_repeats(asked: &Asked<'_>) -> Result<(), Refusal> {
    unless(
        asked.draft.repeats,
        ErrorCode::InvalidRequest,
        "a parameter is given more than once; send each once",
    )
}

fn check_state(asked: &Asked<'_>) -> Result<(), Refusal> {
    unless(
        asked.draft.state_length > STATE_BYTES,
        ErrorCode::InvalidRequest,
        "state is longer than 4096 bytes",
    )
}

fn check_registration(asked: &Asked<'_>) -> Result<(), Refusal> {
    unless(
        asked.draft.registration,
        ErrorCode::RegistrationNotSupported,
        "registration is not supported; register the application with its administrator",
    )
}

fn check_response_type(asked: &Asked<'_>) -> Result<(), Refusal> {
    match asked.draft.response_type {
        Field::Absent => Err(refuse(
            ErrorCode::InvalidRequest,
            "response_type is missing; send, for example, response_type=code",
        )),
        Field::Bad => Err(refuse(
            ErrorCode::UnsupportedResponseType,
            "response_type is not one that this server supports; see response_types_supported in its discovery document",
        )),
        Field::Good(kind) => allowed::check_ticked(asked.application, kind),
    }
}

fn check_grant_type(asked: &Asked<'_>) -> Result<(), Refusal> {
    match asked.draft.response_type.good() {
        Some(kind) => allowed::check_modes(asked.application, *kind),
        None => Ok(()),
    }
}

fn check_response_mode(asked: &Asked<'_>) -> Result<(), Refusal> {
    match (&asked.draft.response_mode, asked.draft.callback) {
        (Field::Bad, _) => Err(refuse(
            ErrorCode::InvalidRequest,
            "response_mode must be query, fragment, form_post or web_message",
        )),
        (Field::Good(mode), Some(callback)) => mode.check(asked.draft.front, callback),
        _ => Ok(()),
    }
}

fn check_scope(asked: &Asked<'_>) -> Result<(), Refusal> {
    match &asked.draft.scope {
        Field::Absent => Err(refuse(ErrorCode::InvalidScope, "scope is missing; it must contain openid")),
        Field::Bad => Err(refuse(
            ErrorCode::InvalidScope,
            "scope must be at most 128 values of printable ASCII without quotes, separated by spaces",
        )),
        Field::Good(scope) => {
            unless(!scope.has(KnownScope::Openid), ErrorCode::InvalidScope, "scope must contain openid")
        }
    }
}

fn check_resource(asked: &Asked<'_>) -> Result<(), Refusal> {
    if asked.draft.resource == Field::Bad { Err(ONE_API) } else { Ok(()) }
}

fn check_nonce(asked: &Asked<'_>) -> Result<(), Refusal> {
    match &asked.draft.nonce {
        Some(nonce) => {
            unless(nonce.len() > NONCE_BYTES, ErrorCode::InvalidRequest, "nonce is longer than 1024 bytes")
        }
        None => unless(
            asked.draft.response_type.good().is_some_and(|kind| kind.gives_id_token()),
            ErrorCode::InvalidRequest,
            "nonce is missing; a response_type with id_token needs one: a random value that the ID token repeats",
        ),
    }
}

fn check_prompt(asked: &Asked<'_>) -> Result<(), Refusal> {
    match asked.draft.prompt {
        Field::Absent => Ok(()),
        Field::Bad => Err(refuse(
            ErrorCode::InvalidRequest,
            "prompt must be none, or login, consent and select_account separated by spaces",
        )),
        Field::Good(prompt) => unless(
            prompt.none && (prompt.login || prompt.consent || prompt.select_account),
            ErrorCode::InvalidRequest,
            "prompt=none cannot be combined with another value",
        ),
    }
}

fn check_max_age(asked: &Asked<'_>) -> Result<(), Refusal> {
    unless(
        asked.draft.max_age == Field::Bad,
        ErrorCode::InvalidRequest,
        "max_age must be a whole number of seconds, zero or more",
    )
}

fn check_display(asked: &Asked<'_>) -> Result<(), Refusal> {
    unless(
        asked.draft.display == Field::Bad,
        ErrorCode::InvalidRequest,
        "display must be page, popup, touch or wap",
    )
}

fn check_claims(asked: &Asked<'_>) -> Result<(), Refusal> {
    unless(
        asked.draft.claims == Field::Bad,
        ErrorCode::InvalidRequest,
        "claims must be a JSON object of at most 8 KiB with the members userinfo and id_token, each an object of at most 100 claims whose values are null or an object with essential and value or values",
    )
}

/// No login can ever be what is asked for, so nobody is troubled with one.
fn check_acr(asked: &Asked<'_>) -> Result<(), Refusal> {
    let needed = asked.draft.claims.good().and_then(ClaimsRequest::needed_acr);
    unless(
        needed.is_some_and(|classes| classes.is_empty()),
        ErrorCode::UnmetAuthenticationRequirements,
        "claims demands an acr that no login here has; see acr_values_supported in the discovery document",
    )
}

fn check_code_challenge(asked: &Asked<'_>) -> Result<(), Refusal> {
    let settings = &asked.application.settings;
    let gives_code = asked.draft.response_type.good().is_some_and(|kind| kind.gives_code());
    let invalid = |description| Err(refuse(ErrorCode::InvalidRequest, description));
    match (&asked.draft.challenge, &asked.draft.challenge_method) {
        (_, Field::Bad) => invalid("code_challenge_method must be S256"),
        (Field::Bad, _) => invalid(
            "code_challenge must be 43 characters: the unpadded base64url form of the SHA-256 of the code_verifier",
        ),
        (Field::Absent, Field::Good(_)) => invalid("code_challenge_method is given without code_challenge"),
        (Field::Absent, Field::Absent) => unless(
            asked.application.must_use_pkce() && gives_code,
            ErrorCode::InvalidRequest,
            "code_challenge is required: this application has no secret, so it must use PKCE with S256",
        ),
        (Field::Good(challenge), _) => unless(
            challenge.method == ChallengeMethod::Plain && !settings.allow_plain_pkce,
            ErrorCode::InvalidRequest,
            "code_challenge_method must be S256; without the parameter it means plain, which this application refuses",
        ),
    }
}
