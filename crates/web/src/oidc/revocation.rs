//! `/oidc/token/revocation` (RFC 7009). The grant is the unit of revocation: either token takes the other with it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{access_token::grant_of, application::ActiveApplication, id::GrantId, refresh};

use crate::{
    Signet,
    edge::{Edge, Form},
    error::Failure,
    oidc::{authenticated_form, cors, live, presented_token},
    respond,
};

/// POST `/oidc/token/revocation`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = revoke(&signet, &edge, form).await;
    cors::finish(&signet, &edge, result).await
}

async fn revoke(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let (params, client) =
        authenticated_form(signet, edge, form, |app| app.settings.revocation_endpoint_auth_method).await?;
    let text = presented_token(&params)?;
    if let Some(grant) = grant_of_token(signet, edge, client.application(), text).await? {
        signet.store().revoke_grant(grant, signet.now()).await?;
        tracing::info!(request_id = edge.request_id, grant = %grant, "a client revoked a grant");
    }
    // RFC 7009 §2.2: a token that is not valid is as good as revoked, and the body means nothing. Some client libraries
    // refuse any that is not JSON.
    Ok(respond::json(StatusCode::OK, &serde_json::json!({})))
}

/// The grant a token of the caller's hangs on.
async fn grant_of_token(
    signet: &Signet,
    edge: &Edge,
    caller: &ActiveApplication,
    text: &str,
) -> Result<Option<GrantId>, Failure> {
    let store = signet.store();
    if let Some(presented) = refresh::parse_refresh_token(&store.pool().refresh_key, text) {
        let family = store.refresh_family(presented.family).await?;
        let own = family.filter(|f| f.grant.application == caller.id && f.grant.issuer == edge.issuer.id());
        return Ok(own.map(|family| family.grant.id));
    }
    let live = live::access_token(signet, &edge.issuer, text).await?;
    Ok(live.filter(|live| live.token.client_id == caller.id).and_then(|live| grant_of(&live.token.jti)))
}
