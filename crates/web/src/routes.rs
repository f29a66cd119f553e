//! The route table, and the layers around it.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{Path, Request, State},
    middleware::{Next, from_fn},
    response::Response,
    routing::{any, get},
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use signet_protocol::{entropy::random, jose};

use crate::{
    Signet,
    clock::SystemEntropy,
    edge::{Edge, RequestId},
    error::Missing,
    login,
    oidc::{auth, cors, discovery, introspection, me, revocation, session_end, token},
    pages::{self, Problem, StartPage},
    respond::{self, Policy},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every path Signet answers.
pub fn router(signet: Arc<Signet>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/", get(start))
        .route("/static/{*path}", get(assets))
        .route("/login", any(login::sign_in::handle))
        .route("/login/account", any(login::account::handle))
        .route("/consent", any(login::consent::handle))
        .route("/oidc/auth", any(auth::handle))
        .route("/oidc/auth/resume", any(auth::resume))
        .route("/oidc/token", any(token::handle).options(cors::preflight))
        .route("/oidc/me", any(me::handle).options(cors::preflight))
        .route("/oidc/token/introspection", any(introspection::handle).options(cors::preflight))
        .route("/oidc/token/revocation", any(revocation::handle).options(cors::preflight))
        .route("/oidc/session/end", any(session_end::handle))
        .route(
            "/oidc/.well-known/openid-configuration",
            any(discovery::configuration).options(cors::preflight_public),
        )
        .route("/oidc/.well-known/jwks.json", any(discovery::jwks).options(cors::preflight_public))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(name_and_log))
        .with_state(signet)
}

/// Gives each request a name, and writes one line when it is answered. Never the query: it may hold tokens (attack 25).
async fn name_and_log(mut request: Request, next: Next) -> Response {
    let id = jose::b64(&random::<12>(&mut SystemEntropy));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let since = Instant::now();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    let (status, micros) = (response.status().as_u16(), since.elapsed().as_micros());
    tracing::info!(request_id = id, %method, path, status, micros, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Whether the process is alive and its store answers. Any host may ask.
async fn healthz(State(signet): State<Arc<Signet>>) -> Response {
    match signet.store().ping().await {
        Ok(()) => respond::plain(StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            respond::plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

async fn start(edge: Edge) -> Response {
    let page = StartPage {
        lang: edge.lang(None),
        app_name: edge.own.as_ref().map(|application| application.name.as_str()),
        issuer: edge.issuer.url(),
        discovery: &edge.issuer.endpoint("/.well-known/openid-configuration"),
    };
    respond::page(StatusCode::OK, &page, &Policy::default())
}

async fn assets(edge: Edge, Path(path): Path<String>) -> Response {
    let Some(asset) = pages::asset(&format!("/static/{path}")) else {
        return edge.turn_away(Missing::Path.into());
    };
    let mut response = Response::new(axum::body::Body::from(asset.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn not_found(edge: Edge) -> Response {
    edge.turn_away(Missing::Path.into())
}

async fn method_not_allowed(edge: Edge) -> Response {
    edge.page(edge.lang(None), Err(Problem::MethodNotAllowed.into()))
}
