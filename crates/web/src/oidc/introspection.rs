//! `/oidc/token/introspection` (RFC 7662).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    access_token::{AccessTokenClaims, Introspection},
    client_auth::Authenticated,
};

use crate::{
    Signet,
    core::{Caller, refresh_token},
    edge::{Edge, Form},
    error::Failure,
    oidc::{authenticated_form, cors, live, presented_token},
    respond,
};

/// POST `/oidc/token/introspection`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = introspect(&signet, &edge, form).await;
    cors::finish(&signet, &edge, result).await
}

async fn introspect(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let (params, who) =
        authenticated_form(signet, edge, form, |app| app.settings.introspection_endpoint_auth_method).await?;
    let text = presented_token(&params)?;
    if let Authenticated::Application(client) = &who
        && let Some(presented) = refresh_token::read(&**signet, text)
    {
        let caller = Caller { client, issuer: &edge.issuer, request_id: &edge.request_id };
        let answer = refresh_token::introspect(&**signet, &caller, presented).await?;
        return Ok(respond::json(StatusCode::OK, &answer));
    }
    let live = live::access_token(signet, &edge.issuer, text).await?;
    let answer = match &live {
        Some(live) => {
            let owns = owns_api(signet, &who, &live.token).await?;
            Introspection::of_access_token(&live.token, &who, owns)
        }
        None => Introspection::INACTIVE,
    };
    Ok(respond::json(StatusCode::OK, &answer))
}

/// Whether the API that a token is for is the caller's own: one of its resources belongs to it.
async fn owns_api(signet: &Signet, who: &Authenticated, token: &AccessTokenClaims) -> Result<bool, Failure> {
    let (Some(api), Authenticated::Application(client)) = (token.api(), who) else { return Ok(false) };
    Ok(signet.store().permissions(client.application().id).await?.owns(api))
}
