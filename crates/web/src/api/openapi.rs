//! The OpenAPI document, made from the table of routes.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    PREFIX, Param, ParamKind, ROWS, Route,
    problem::{self, KINDS, Kind, METHOD, Problem},
    reply, schema,
    schemas::schemas,
};
use crate::{
    Signet,
    cookies::{self, full_name},
    edge::Edge,
    respond,
};

/// GET `/api/v1/openapi.json`. It says nothing of the pool, so anybody may read it.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge) -> Response {
    if edge.method != Method::GET && edge.method != Method::HEAD {
        let allowed = Some("GET, HEAD".into());
        let problem = Problem { allowed, ..Problem::new(METHOD, "this path has GET, HEAD") };
        return reply::problem(&problem, &edge.request_id);
    }
    let origin = signet.pool_issuer().url().strip_suffix("/oidc").unwrap_or_default().to_owned();
    respond::json(StatusCode::OK, &document(&origin))
}

/// The document of a pool at `origin`.
pub fn document(origin: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROWS {
        let at = paths.entry(route.path.to_owned()).or_insert_with(|| {
            let parts = parts(route.path).map(part).collect::<Vec<_>>();
            if parts.is_empty() { json!({}) } else { json!({ "parameters": parts }) }
        });
        if let Some(methods) = at.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Signet admin API",
            "version": "1",
            "description": "Administers one user pool. Get an access token by client_credentials at the pool's own issuer.",
        },
        "servers": [{ "url": format!("{origin}{PREFIX}") }],
        "security": [{ "token": [] }, { "session": [], "csrf": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": security(origin),
        },
    })
}

/// By what a caller is known: an access token; or, for the scripts of the console's own pages, its cookie with the token of its
/// forms, neither of which counts alone.
fn security(origin: &str) -> Value {
    let client_credentials = json!({ "tokenUrl": format!("{origin}/oidc/token"), "scopes": scopes() });
    let authorization_code = json!({
        "authorizationUrl": format!("{origin}/oidc/auth"),
        "tokenUrl": format!("{origin}/oidc/token"),
        "scopes": scopes(),
    });
    let cookie = full_name(cookies::CONSOLE, origin.starts_with("https://"));
    json!({
        "token": {
            "type": "oauth2",
            "flows": { "clientCredentials": client_credentials, "authorizationCode": authorization_code },
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie,
            "description": "A login to the console; changes and secrets need one of the last 15 minutes.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRF-Token",
            "description": "The token in the forms of the console's pages. The browser has to say that the request is of the same \
                            origin (Sec-Fetch-Site or Origin).",
        },
    })
}

fn scopes() -> Map<String, Value> {
    let mut scopes = Map::new();
    for permission in signet_protocol::operator::Permission::ALL {
        scopes.insert(permission.item(), "".into());
    }
    scopes
}

/// The parts of a path that stand for something.
fn parts(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn part(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn operation(route: &Route) -> Value {
    let items: Vec<String> = route.permissions().iter().map(|permission| permission.item()).collect();
    let mut parameters: Vec<Value> = route.query.iter().map(parameter).collect();
    if route.method == Method::POST {
        parameters.push(header("Idempotency-Key", "A repeat with the same key gets the first answer again."));
    }
    if route.versioned && route.method != Method::GET {
        parameters.push(header(
            "If-Match",
            "The ETag that was seen; the change is refused when it is another by now.",
        ));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "security": [{ "token": items }, { "session": [], "csrf": [] }],
        "responses": responses(route),
    });
    if let Some(members) = operation.as_object_mut() {
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(name) = route.takes {
            let content = json!({ "application/json": { "schema": schema::named(name) } });
            members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
        }
    }
    operation
}

/// The name of an operation: its method and path.
fn operation_id(route: &Route) -> String {
    let words: Vec<&str> = route.path.split(['/', '{', '}', '-']).filter(|word| !word.is_empty()).collect();
    format!("{}_{}", route.method.as_str().to_ascii_lowercase(), words.join("_"))
}

fn parameter(param: &Param) -> Value {
    let schema = match param.kind {
        ParamKind::Text => schema::text(),
        ParamKind::Truth => schema::truth(),
        ParamKind::Number(least, most) => schema::number_in(least, most),
        ParamKind::OneOf(all) => schema::one_of(all.iter().copied()),
    };
    json!({ "name": param.name, "in": "query", "description": param.about, "schema": schema })
}

fn header(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "header", "description": about, "schema": schema::text() })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let mut good = json!({ "description": route.summary });
    if let (Some(members), Some(name)) = (good.as_object_mut(), route.gives) {
        members
            .insert("content".to_owned(), json!({ "application/json": { "schema": schema::named(name) } }));
    }
    if let (Some(members), true) = (good.as_object_mut(), route.versioned && route.gives.is_some()) {
        let etag =
            json!({ "ETag": { "description": "The version, for If-Match.", "schema": schema::text() } });
        members.insert("headers".to_owned(), etag);
    }
    responses.insert(route.status.to_string(), good);
    for kind in KINDS.iter().filter(|kind| can_be(route, kind)) {
        responses.insert(
            kind.status.as_u16().to_string(),
            json!({
                "description": kind.title,
                "content": { "application/problem+json": { "schema": schema::named("Problem") } },
            }),
        );
    }
    Value::Object(responses)
}

/// Whether a route can answer so.
fn can_be(route: &Route, kind: &Kind) -> bool {
    let has_body = route.takes.is_some();
    match *kind {
        problem::TOO_LARGE | problem::MEDIA_TYPE => has_body,
        problem::STALE => route.versioned && route.method != Method::GET,
        problem::CONFLICT => route.method != Method::GET,
        _ => true,
    }
}
