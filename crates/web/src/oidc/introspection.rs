//! `/oidc/token/introspection` (RFC 7662).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    access_token::{ActiveToken, Introspection},
    application::ActiveApplication,
    refresh,
};

use crate::{
    Signet,
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
    let caller = client.application();
    let answer = match refresh_token(signet, edge, caller, text).await? {
        Some(answer) => answer,
        None => match live::access_token(signet, &edge.issuer, text).await? {
            Some(live) => Introspection::of_access_token(&live.token, caller.id),
            None => Introspection::INACTIVE,
        },
    };
    Ok(respond::json(StatusCode::OK, &answer))
}

/// What is told of a refresh token; `None` if the text is none of ours.
async fn refresh_token(
    signet: &Signet,
    edge: &Edge,
    caller: &ActiveApplication,
    text: &str,
) -> Result<Option<Introspection>, Failure> {
    let store = signet.store();
    let Some(presented) = refresh::parse_refresh_token(&store.pool().refresh_key, text) else {
        return Ok(None);
    };
    let now = signet.now().timestamp();
    let family = store.refresh_family(presented.family).await?.filter(|family| {
        family.grant.application == caller.id
            && family.grant.issuer == edge.issuer.id()
            && family.grant.revoked_at.is_none()
            && family.generation == presented.generation
            && now < family.expires_at
    });
    let Some(family) = family else {
        return Ok(Some(Introspection::INACTIVE));
    };
    if store.user(family.grant.user).await?.and_then(|user| user.active()).is_none() {
        return Ok(Some(Introspection::INACTIVE));
    }
    let grant = family.grant;
    Ok(Some(Introspection::Active(Box::new(ActiveToken {
        active: true,
        token_type: "refresh_token",
        iss: edge.issuer.url().to_owned(),
        sub: grant.user,
        aud: grant.application,
        client_id: grant.application,
        scope: grant.scope,
        iat: family.rotated_at,
        exp: family.expires_at,
        jti: None,
        sid: Some(grant.session.to_string()),
        auth_time: Some(grant.auth_time),
    }))))
}
