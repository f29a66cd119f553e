//! Cross-origin requests: only registered web origins, never with credentials (attack 26).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, VARY,
    },
};

use crate::{Signet, edge::Edge, error::Failure, respond};

/// The answer to a preflight request, by the host's application, or at the pool's address by all of them.
pub async fn preflight(State(signet): State<Arc<Signet>>, edge: Edge, headers: HeaderMap) -> Response {
    let response = share(&signet, &edge, respond::plain(StatusCode::NO_CONTENT, "")).await;
    let mut response = edge.json(response);
    if response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        permit(&mut response, &headers, "GET, POST");
    }
    response
}

/// The answer to a preflight request for a public document, which any script may read.
pub async fn preflight_public(_edge: Edge, headers: HeaderMap) -> Response {
    let mut response = respond::plain(StatusCode::NO_CONTENT, "");
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    permit(&mut response, &headers, "GET");
    response
}

/// Client libraries add headers of their own; none of them means anything here, so all are let through.
fn permit(response: &mut Response, asked: &HeaderMap, methods: &'static str) {
    let out = response.headers_mut();
    out.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(names) = asked.get("access-control-request-headers") {
        out.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
}

/// Lets the sending page read `response` if its origin is registered.
pub async fn share(signet: &Signet, edge: &Edge, mut response: Response) -> Result<Response, Failure> {
    let Some(origin) = edge.origin.as_deref() else {
        return Ok(response);
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    let registered = match &edge.own {
        Some(application) => application.origins().contains(&origin),
        None => signet.store().origin_registered(origin).await?,
    };
    if let (true, Ok(value)) = (registered, HeaderValue::from_str(origin)) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, value);
        let exposed =
            HeaderValue::from_static("WWW-Authenticate, Retry-After, X-Request-Id, X-Signet-Reference");
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    Ok(response)
}

/// Ends a protocol endpoint that scripts may call.
pub async fn finish(signet: &Signet, edge: &Edge, result: Result<Response, Failure>) -> Response {
    let response = edge.json(result);
    edge.json(share(signet, edge, response).await)
}
