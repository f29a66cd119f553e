//! `/oidc/token/revocation` (RFC 7009). The grant is the unit of revocation: either token takes the other with it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{access_token::grant_of, id::GrantId};

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
    let (params, client) =
        authenticated_form(signet, edge, form, |app| app.settings.revocation_endpoint_auth_method).await?;
    let caller = Caller { client: &client, issuer: &edge.issuer, request_id: &edge.request_id };
    if let Some(grant) = grant_of_token(signet, &caller, presented_token(&params)?).await? {
        revoke::asked(&**signet, &caller, grant).await?;
    }
    // RFC 7009 §2.2: a token that is not valid is as good as revoked, and the body means nothing. Some client libraries
    // refuse any that is not JSON.
    Ok(respond::json(StatusCode::OK, &serde_json::json!({})))
}

/// The grant a token of the caller's hangs on.
async fn grant_of_token(
    signet: &Signet,
    caller: &Caller<'_>,
    text: &str,
) -> Result<Option<GrantId>, Failure> {
    if let Some(presented) = refresh_token::read(signet, text) {
        return refresh_token::grant(signet, caller, presented).await;
    }
    let (live, own) =
        (live::access_token(signet, caller.issuer, text).await?, caller.client.application().id);
    Ok(live.filter(|live| live.token.client_id == own).and_then(|live| grant_of(&live.token.jti)))
}
