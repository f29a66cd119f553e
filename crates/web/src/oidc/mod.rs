//! The protocol endpoints below an issuer.

pub mod auth;
pub mod compatibility;
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
pub mod validate_token;

use std::sync::Arc;

use signet_protocol::{
    application::{ActiveApplication, AuthMethod},
    client_assertion::{Asserted, asserted},
    client_auth::{AuthenticatedClient, INVALID_CLIENT, authenticate, presented},
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
    oidc::compatibility::{Unusual, check_query},
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
    authenticated(signet, edge, form.params()?, &Unusual::default(), method).await
}

/// The parameters of a request, and the client that authenticated with them, to whom `unusual` must be allowed.
async fn authenticated(
    signet: &Arc<Signet>,
    edge: &Edge,
    params: RawParams,
    unusual: &Unusual,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<(RawParams, AuthenticatedClient), Failure> {
    check_form(&params).map_err(|refusal| unusual.instead_of(refusal))?;
    let presented =
        presented(&params, edge.authorization()?).map_err(|refusal| unusual.instead_of(refusal))?;
    let application = match presented.id {
        Some(id) => application_here(signet, &edge.issuer, id).await?,
        None => None,
    };
    unusual.check(edge, application.as_ref())?;
    let client = match presented.assertion() {
        None => authenticate(application, &presented, method)?,
        Some(_) => by_assertion(signet, edge, asserted(application, &presented, method)?).await?,
    };
    Ok((params, client))
}

/// The parameters of a token request, and the client that authenticated with them.
pub async fn authenticated_token_request(
    signet: &Arc<Signet>,
    edge: &Edge,
    form: Form,
) -> Result<(RawParams, AuthenticatedClient), Failure> {
    only(&edge.method, "POST, OPTIONS")?;
    let (params, unusual) = compatibility::token_request(edge, form)?;
    authenticated(signet, edge, params, &unusual, |app| app.settings.token_endpoint_auth_method).await
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
    let verified = verified.map_err(|error| error.told(INVALID_CLIENT))?;
    let first = signet.store().spend_assertion(verified.key, verified.until).await?;
    Ok(verified.spent(first)?)
}

/// The token that introspection and revocation are about (RFC 7662 §2.1, RFC 7009 §2.1).
pub fn presented_token(params: &RawParams) -> Result<&str, Refusal> {
    params.get("token").ok_or(refuse(ErrorCode::InvalidRequest, "token is missing; send it in the form body"))
}
