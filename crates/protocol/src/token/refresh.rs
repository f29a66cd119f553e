//! `grant_type=refresh_token` (RFC 6749 §6, OpenID Connect Core §12).

use crate::{
    client_auth::AuthenticatedClient,
    error::{Check, ErrorCode, Refusal, refuse, run_checks},
    issuer::IssuerId,
    params::RawParams,
    pool::PoolSettings,
    refresh::RefreshFamily,
    resource::{Asked, indicated},
    scope::Scope,
    token::INVALID_GRANT,
};

/// What is refreshed.
pub struct RefreshRequest {
    /// The token's text.
    pub token: String,
    /// A narrower scope, if asked.
    pub scope: Option<Scope>,
    /// The API that the access token is for, if asked.
    pub resource: Option<String>,
}

impl RefreshRequest {
    /// Reads the parameters of the grant.
    pub fn parse(params: &RawParams) -> Result<RefreshRequest, Refusal> {
        let token = params.get("refresh_token").ok_or(
            refuse(ErrorCode::InvalidRequest, "refresh_token is missing; send the newest one you received")
                .by("parameters", "RFC 6749 §6"),
        )?;
        let scope = params.get("scope").map(Scope::parse).transpose().map_err(|_| {
            refuse(ErrorCode::InvalidScope, "scope must be values of printable ASCII separated by spaces")
        })?;
        let resource = indicated(params)?.map(str::to_owned);
        Ok(RefreshRequest { token: token.to_owned(), scope, resource })
    }

    /// The same without the scope values that mean nothing in `pool`.
    pub fn within(self, pool: &PoolSettings) -> RefreshRequest {
        RefreshRequest { scope: self.scope.map(|scope| pool.understood(scope)), ..self }
    }
}

/// A chain of refresh tokens beside who asks for it.
pub struct RefreshCase<'a> {
    /// The row the token named.
    pub family: &'a RefreshFamily,
    /// Who asks.
    pub client: &'a AuthenticatedClient,
    /// Where.
    pub issuer: IssuerId,
}

impl<'a> RefreshCase<'a> {
    /// The checks in order; what the token's place in the chain means is decided after them.
    pub const CHECKS: &'a [Check<RefreshCase<'a>>] = &[
        Check { name: "client_id", clause: "RFC 6749 §6", run: check_client },
        Check { name: "issuer", clause: "OpenID Connect Core §12.2", run: check_issuer },
    ];
}

/// Runs [`RefreshCase::CHECKS`].
pub fn check_refresh(case: &RefreshCase<'_>) -> Result<(), Refusal> {
    run_checks(RefreshCase::CHECKS, case)
}

/// What a refresh is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshedScope {
    /// What was granted, or the part of it that is asked for.
    pub scope: Scope,
    /// Items that were not granted.
    pub rejected: Scope,
}

/// What a refresh that asks for `asked` is about (RFC 6749 §6). Items that were not granted are rejected, since whoever
/// repeats the scope that was asked for first has them in it; anything else that was not is refused.
pub fn refreshed_scope(
    granted: &Scope,
    asked: Option<&Scope>,
    pool: &PoolSettings,
) -> Result<RefreshedScope, Refusal> {
    let Some(asked) = asked else {
        return Ok(RefreshedScope { scope: granted.clone(), rejected: Scope::default() });
    };
    let (scope, rejected) = asked.partition(|value| granted.has_value(value));
    let wider = rejected.iter().any(|value| !matches!(Asked::sort(value, pool), Asked::Item(_)));
    match wider || scope.is_empty() {
        false => Ok(RefreshedScope { scope, rejected }),
        true => Err(refuse(
            ErrorCode::InvalidScope,
            "scope asks for more than was granted; leave it out or narrow it",
        )
        .by("scope", "RFC 6749 §6")),
    }
}

fn check_client(case: &RefreshCase<'_>) -> Result<(), Refusal> {
    let own = case.client.application().id == case.family.grant.application;
    if own { Ok(()) } else { Err(INVALID_GRANT) }
}

fn check_issuer(case: &RefreshCase<'_>) -> Result<(), Refusal> {
    if case.issuer == case.family.grant.issuer { Ok(()) } else { Err(INVALID_GRANT) }
}
