//! `/oidc/token/introspection` (RFC 7662).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::access_token::Introspection;

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
    let (params, client) =
        authenticated_form(signet, edge, form, |app| app.settings.introspection_endpoint_auth_method).await?;
    let text = presented_token(&params)?;
    let caller = Caller { client: &client, issuer: &edge.issuer, request_id: &edge.request_id };
    let answer = match refresh_token::read(&**signet, text) {
        Some(presented) => refresh_token::introspect(&**signet, &caller, presented).await?,
        None => match live::access_token(signet, &edge.issuer, text).await? {
            Some(live) => Introspection::of_access_token(&live.token, client.application().id),
            None => Introspection::INACTIVE,
        },
    };
    Ok(respond::json(StatusCode::OK, &answer))
}
