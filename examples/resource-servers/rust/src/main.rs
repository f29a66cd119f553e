//! An API that is protected by Signet's access tokens. What is checked, and why, is in docs/resource-servers.md.

mod keys;

use std::{env, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use jsonwebtoken::{Validation, decode, decode_header};
use keys::{Keys, Missing};
use serde::Deserialize;
use serde_json::{Value, json};

const METADATA: &str = "/.well-known/oauth-protected-resource";

struct Api {
    issuer: String,
    identifier: String,
    keys: Keys,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let issuer = setting("ISSUER", "http://localhost:8080/oidc");
    let api = Arc::new(Api {
        keys: Keys::new(format!("{issuer}/.well-known/jwks.json"))?,
        identifier: setting("API", "https://orders.example.com"),
        issuer,
    });
    let routes =
        Router::new().route(METADATA, get(metadata)).route("/orders", get(read).post(write)).with_state(api);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", setting("PORT", "4000"))).await?;
    Ok(axum::serve(listener, routes).await?)
}

async fn metadata(State(api): State<Arc<Api>>) -> Json<Value> {
    Json(json!({
        "resource": api.identifier,
        "authorization_servers": [api.issuer],
        "scopes_supported": ["orders:read", "orders:write"],
        "bearer_methods_supported": ["header"],
    }))
}

async fn read(token: AccessToken) -> Result<Json<Value>, Refusal> {
    token.needs("orders:read")?;
    Ok(Json(json!([{ "id": 1, "item": "tea" }])))
}

async fn write(token: AccessToken) -> Result<(StatusCode, Json<Value>), Refusal> {
    token.needs("orders:write")?;
    Ok((StatusCode::CREATED, Json(json!({ "id": 2, "ordered_by": token.claims.sub }))))
}

/// A verified access token for this API.
struct AccessToken {
    claims: Claims,
    api: Arc<Api>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
}

impl FromRequestParts<Arc<Api>> for AccessToken {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Refusal> {
        let refuse = |why| Refusal { api: api.clone(), why };
        let token = bearer(&parts.headers).ok_or_else(|| refuse(Why::NoToken))?;
        let claims = api.verify(token).await.map_err(refuse)?;
        Ok(Self { claims, api: api.clone() })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl Api {
    async fn verify(&self, token: &str) -> Result<Claims, Why> {
        let header = decode_header(token).map_err(|_| Why::InvalidToken)?;
        let kind = header.typ.unwrap_or_default().to_ascii_lowercase();
        if kind.strip_prefix("application/").unwrap_or(&kind) != "at+jwt" {
            return Err(Why::InvalidToken);
        }
        let kid = header.kid.ok_or(Why::InvalidToken)?;
        // The algorithm is the key's, whatever the token says.
        let (algorithm, key) = self.keys.find(&kid).await.map_err(|missing| match missing {
            Missing::Unknown => Why::InvalidToken,
            Missing::Unreachable => Why::Unavailable,
        })?;
        let mut expected = Validation::new(algorithm);
        expected.set_issuer(&[&self.issuer]);
        expected.set_audience(&[&self.identifier]);
        expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        expected.validate_nbf = true;
        Ok(decode::<Claims>(token, &key, &expected).map_err(|_| Why::InvalidToken)?.claims)
    }
}

impl AccessToken {
    fn needs(&self, scope: &'static str) -> Result<(), Refusal> {
        if covers(&self.claims.scope, scope) {
            Ok(())
        } else {
            Err(Refusal { api: self.api.clone(), why: Why::Lacks(scope) })
        }
    }
}

/// Whether a token with this `scope` may do what takes `needed`: `*` is every part there, and so is one left out.
fn covers(scope: &str, needed: &str) -> bool {
    let wanted = parts(needed);
    wanted.is_some()
        && scope.split(' ').filter_map(parts).any(|granted| {
            granted.iter().zip(wanted.iter().flatten()).all(|(part, other)| *part == "*" || part == other)
        })
}

/// Resource, identifier and action.
fn parts(item: &str) -> Option<[&str; 3]> {
    match item.split(':').collect::<Vec<_>>()[..] {
        [resource] => Some([resource, "*", "*"]),
        [resource, action] => Some([resource, "*", action]),
        [resource, identifier, action] => Some([resource, identifier, action]),
        _ => None,
    }
}

struct Refusal {
    api: Arc<Api>,
    why: Why,
}

enum Why {
    NoToken,
    InvalidToken,
    Lacks(&'static str),
    /// The keys cannot be had, which is not the caller's fault.
    Unavailable,
}

impl IntoResponse for Refusal {
    /// Says why not in the way of RFC 6750 §3, and where this API says who gives out its tokens (RFC 9728 §5.1).
    fn into_response(self) -> Response {
        let (status, reason) = match self.why {
            Why::NoToken => (StatusCode::UNAUTHORIZED, String::new()),
            Why::InvalidToken => (StatusCode::UNAUTHORIZED, r#"error="invalid_token", "#.to_owned()),
            Why::Lacks(scope) => {
                (StatusCode::FORBIDDEN, format!(r#"error="insufficient_scope", scope="{scope}", "#))
            }
            Why::Unavailable => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        };
        let metadata = format!(r#"resource_metadata="{}{METADATA}""#, self.api.identifier);
        (status, [(header::WWW_AUTHENTICATE, format!("Bearer {reason}{metadata}"))]).into_response()
    }
}
