//! `grant_type=authorization_code` (RFC 6749 §4.1.3, OpenID Connect Core §3.1.3.2).

use crate::{
    client_auth::AuthenticatedClient,
    code::AuthorizationCode,
    error::{Check, ErrorCode, Refusal, refuse, run_checks},
    id::{CodeId, GrantId},
    issuer::IssuerId,
    opaque::Opaque,
    params::RawParams,
    pkce,
    resource::indicated,
    time::Timestamp,
    token::INVALID_GRANT,
};

/// What a code is exchanged with.
#[derive(Debug)]
pub struct CodeRequest {
    /// The code.
    pub code: Opaque<CodeId>,
    redirect_uri: String,
    verifier: Option<String>,
    /// The API that the access token is for, if asked.
    pub resource: Option<String>,
}

impl CodeRequest {
    /// Reads the parameters of the grant.
    pub fn parse(params: &RawParams) -> Result<CodeRequest, Refusal> {
        let missing =
            |description| refuse(ErrorCode::InvalidRequest, description).by("parameters", "RFC 6749 §4.1.3");
        let code =
            params.get("code").ok_or(missing("code is missing; send the one the callback received"))?;
        let redirect_uri = params
            .get("redirect_uri")
            .ok_or(missing("redirect_uri is missing; send the same value as in the authorization request"))?;
        Ok(CodeRequest {
            code: Opaque::parse(code).ok_or(INVALID_GRANT.by("code_known", "RFC 6749 §4.1.3"))?,
            redirect_uri: redirect_uri.to_owned(),
            verifier: params.get("code_verifier").map(str::to_owned),
            resource: indicated(params)?.map(str::to_owned),
        })
    }
}

/// A code as presented beside the code as stored.
pub struct CodeCase<'a> {
    /// The request.
    pub request: &'a CodeRequest,
    /// The row its id found.
    pub stored: &'a AuthorizationCode,
    /// Who asks.
    pub client: &'a AuthenticatedClient,
    /// Where.
    pub issuer: IssuerId,
}

impl<'a> CodeCase<'a> {
    /// The checks in order. They hold for a used code too, so that only who could have used it can revoke what it gave.
    pub const CHECKS: &'a [Check<CodeCase<'a>>] = &[
        Check { name: "code", clause: "RFC 6749 §4.1.3", run: check_secret },
        Check { name: "client_id", clause: "RFC 6749 §4.1.3", run: check_client },
        Check { name: "issuer", clause: "OpenID Connect Core §2", run: check_issuer },
        Check { name: "redirect_uri", clause: "RFC 6749 §4.1.3", run: check_redirect_uri },
        Check { name: "code_verifier", clause: "RFC 7636 §4.6, RFC 9700 §4.8.2", run: check_verifier },
    ];
}

/// What may be done with a code that passed [`CodeCase::CHECKS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Spend it, then mint.
    Redeem,
    /// It was spent before: revoke what it gave (RFC 6749 §4.1.2), then refuse.
    Reused(GrantId),
    /// Refuse.
    Dead,
}

/// Judges a code at `now`.
pub fn judge_code(case: &CodeCase<'_>, now: Timestamp) -> Result<CodeOutcome, Refusal> {
    run_checks(CodeCase::CHECKS, case)?;
    let stored = case.stored;
    Ok(if stored.consumed_at.is_some() {
        CodeOutcome::Reused(stored.grant.id)
    } else if now >= stored.expires_at || stored.grant.revoked_at.is_some() {
        CodeOutcome::Dead
    } else {
        CodeOutcome::Redeem
    })
}

fn unless(bad: bool, refusal: Refusal) -> Result<(), Refusal> {
    if bad { Err(refusal) } else { Ok(()) }
}

fn check_secret(case: &CodeCase<'_>) -> Result<(), Refusal> {
    unless(!case.request.code.hash().matches(&case.stored.hash), INVALID_GRANT)
}

fn check_client(case: &CodeCase<'_>) -> Result<(), Refusal> {
    unless(case.client.application().id != case.stored.grant.application, INVALID_GRANT)
}

fn check_issuer(case: &CodeCase<'_>) -> Result<(), Refusal> {
    unless(case.issuer != case.stored.grant.issuer, INVALID_GRANT)
}

fn check_redirect_uri(case: &CodeCase<'_>) -> Result<(), Refusal> {
    unless(
        case.request.redirect_uri != case.stored.redirect_uri,
        refuse(ErrorCode::InvalidGrant, "redirect_uri is not the one of the authorization request"),
    )
}

fn check_verifier(case: &CodeCase<'_>) -> Result<(), Refusal> {
    unless(
        !pkce::proves(case.stored.challenge.as_ref(), case.request.verifier.as_deref()),
        refuse(
            ErrorCode::InvalidGrant,
            "code_verifier does not fit: send the one whose code_challenge was in the authorization request, and none if there was none",
        ),
    )
}
