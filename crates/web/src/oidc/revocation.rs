//! `/oidc/token/revocation` (RFC 7009). The grant is the unit of revocation: either token takes the other with it. An
//! account's token has no grant, and ends by itself.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    access_token::{ValidAccessToken, grant_of},
    client_auth::Authenticated,
    id::GrantId,
};

use crate::{
    Signet,
    core::{Caller, refresh_token, revoke},
    edge::{Edge, Form},
    error::Failure,
    oidc::{authenticated_form, cors, live, presented_token},
    respond,
};

/// POST `/oidc/token/revocation`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = revoked(&signet, &edge, form).await;
    cors::finish(&signet, &edge, result).await
}

async fn revoked(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let (params, who) =
        authenticated_form(signet, edge, form, |app| app.settings.revocation_endpoint_auth_method).await?;
    let request_id = edge.request_id.as_str();
    match unit_of(signet, edge, &who, presented_token(&params)?).await? {
        Some(Unit::Grant(grant)) => revoke::asked(&**signet, request_id, grant).await?,
        Some(Unit::Token(token)) => {
            signet.store().revoke_jti(&token.jti, token.exp, signet.now()).await?;
            tracing::info!(request_id, client_id = %token.client_id, "a token of an account was revoked");
        }
        None => {}
    }
    // RFC 7009 §2.2: a token that is not valid is as good as revoked, and the body means nothing. Some client libraries
    // refuse any that is not JSON.
    Ok(respond::json(StatusCode::OK, &serde_json::json!({})))
}

/// What ends with a token.
enum Unit {
    Grant(GrantId),
    Token(ValidAccessToken),
}

/// What ends with a token of the caller's.
async fn unit_of(
    signet: &Signet,
    edge: &Edge,
    who: &Authenticated,
    text: &str,
) -> Result<Option<Unit>, Failure> {
    if let Authenticated::Application(client) = who
        && let Some(presented) = refresh_token::read(signet, text)
    {
        let caller = Caller { client, issuer: &edge.issuer, request_id: &edge.request_id };
        return Ok(refresh_token::grant(signet, &caller, presented).await?.map(Unit::Grant));
    }
    let live = live::access_token(signet, &edge.issuer, text).await?;
    let own = live.map(|live| live.token).filter(|token| token.holder().is(who));
    Ok(own.map(|token| grant_of(&token.jti).map_or(Unit::Token(token), Unit::Grant)))
}
