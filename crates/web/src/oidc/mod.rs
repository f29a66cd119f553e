//! The protocol endpoints below an issuer.

pub mod auth;
pub mod cors;
pub mod discovery;
pub mod introspection;
pub mod keys;
pub mod live;
pub mod me;
pub mod request_object;
pub mod revocation;
pub mod session_end;
pub mod token;

use std::sync::Arc;

use http::Method;
use signet_protocol::{
    application::{ActiveApplication, AuthMethod},
    client_assertion::{Asserted, asserted},
    client_auth::{AuthenticatedClient, INVALID_CLIENT, authenticate, presented},
    client_token::ClientTokenError,
    error::{ErrorCode, Refusal, refuse},
    id::AppId,
    issuer::Issuer,
    jose::ClientKeys,
    params::RawParams,
    token::check_form,
};

use crate::{
    Signet, client_keys,
    edge::{Edge, Form},
    error::{Failure, only},
};

/// The active application `id`, if `issuer` serves it.
pub async fn application_here(
    signet: &Signet,
    issuer: &Issuer,
    id: AppId,
) -> Result<Option<ActiveApplication>, Failure> {
    if !issuer.serves(id) {
        return Ok(None);
    }
    Ok(signet.store().application(id).await?.and_then(|application| application.active()))
}

/// The form of a back-channel endpoint and the client that authenticated with it, by the method `method` names.
///
/// Only POST, only the body: a secret in a URL ends up in logs and histories.
pub async fn authenticated_form(
    signet: &Arc<Signet>,
    edge: &Edge,
    form: Form,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<(RawParams, AuthenticatedClient), Failure> {
    only(&edge.method, "POST, OPTIONS")?;
    check_query(edge)?;
    let params = form.params()?;
    check_form(&params)?;
    let presented = presented(&params, edge.authorization()?)?;
    let application = match presented.id {
        Some(id) => application_here(signet, &edge.issuer, id).await?,
        None => None,
    };
    let client = match presented.assertion() {
        None => authenticate(application, &presented, method)?,
        Some(_) => by_assertion(signet, edge, asserted(application, &presented, method)?).await?,
    };
    Ok((params, client))
}

/// The client whose assertion is verified and, before anything is made of it, spent (RFC 7523 §3).
async fn by_assertion(
    signet: &Signet,
    edge: &Edge,
    asserted: Asserted<'_>,
) -> Result<AuthenticatedClient, Failure> {
    let now = signet.now().timestamp();
    let verify = |keys: Option<&ClientKeys>| asserted.verify(keys, &edge.issuer, now);
    let verified = client_keys::verified(signet, asserted.application(), verify).await;
    let verified = verified.map_err(|error| match error {
        ClientTokenError::Key => INVALID_CLIENT,
        ClientTokenError::Refused(refusal) => refusal,
    })?;
    let first = signet.store().spend_assertion(verified.key, verified.until).await?;
    Ok(verified.spent(first)?)
}

/// The token that introspection and revocation are about (RFC 7662 §2.1, RFC 7009 §2.1).
pub fn presented_token(params: &RawParams) -> Result<&str, Refusal> {
    params.get("token").ok_or(refuse(ErrorCode::InvalidRequest, "token is missing; send it in the form body"))
}

/// Parameters that must not be in a URL (RFC 6749 §2.3.1 and §3.2).
const BODY_ONLY: &[&str] = &[
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
    "token",
    "username",
    "password",
];

fn check_query(edge: &Edge) -> Result<(), Failure> {
    let query = edge.query()?;
    if edge.method == Method::POST && BODY_ONLY.iter().any(|name| query.has(name)) {
        return Err(refuse(
            ErrorCode::InvalidRequest,
            "parameters are in the URL; send them in the form body (application/x-www-form-urlencoded)",
        )
        .into());
    }
    Ok(())
}
