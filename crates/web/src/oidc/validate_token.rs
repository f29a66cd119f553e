//! `/api/v2/oidc/validate_token`: what a token says, for older clients that cannot verify one themselves
//! (`docs/compatibility.md`).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::{Map, Value, json};
use signet_protocol::{application::ActiveApplication, error::ErrorCode, jose::Parsed};

use crate::{
    Signet,
    edge::Edge,
    error::{Failure, only},
    metrics::{Outcome, mark},
    oidc::{application_here, cors, live},
    respond,
};

/// GET `/api/v2/oidc/validate_token`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge) -> Response {
    let result = validate(&signet, &edge).await;
    cors::finish(&signet, &edge, result).await
}

async fn validate(signet: &Signet, edge: &Edge) -> Result<Response, Failure> {
    only(&edge.method, "GET, OPTIONS")?;
    let query = edge.query()?;
    if query.duplicate() {
        return Ok(refused("a parameter is given more than once; send each once"));
    }
    let found = match (query.get("access_token"), query.get("id_token")) {
        (Some(text), None) => access_token(signet, edge, text).await?,
        (None, Some(text)) => id_token(signet, edge, text).await?,
        _ => return Ok(refused("send one of access_token and id_token")),
    };
    Ok(match found {
        None => refused("the token is malformed, expired, revoked, or of another issuer; get a new one"),
        Some((application, _)) if !application.settings.validate_token => {
            refused("validate_token is not switched on for the application of this token; use introspection")
        }
        Some((_, claims)) => respond::json(StatusCode::OK, &claims),
    })
}

type Found = Option<(ActiveApplication, Value)>;

async fn access_token(signet: &Signet, edge: &Edge, text: &str) -> Result<Found, Failure> {
    let live = live::access_token(signet, &edge.issuer, text).await?;
    Ok(live.and_then(|live| Some((live.application, serde_json::to_value(&*live.token).ok()?))))
}

/// An ID token is good until it expires, whatever became of the login: whoever verifies it by the published keys knows no
/// more. But nobody is told of a user who may not use the application.
async fn id_token(signet: &Signet, edge: &Edge, text: &str) -> Result<Found, Failure> {
    let Some(hint) = live::id_token_hint(signet, &edge.issuer, text).await? else {
        return Ok(None);
    };
    let claims =
        Parsed::parse(text).ok().and_then(|token| token.unverified_claims::<Map<String, Value>>().ok());
    let now = signet.now().timestamp();
    let alive = |claims: &Map<String, Value>| {
        claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| now.0 < exp)
    };
    let (Some(claims), Some(application)) =
        (claims.filter(alive), application_here(signet, &edge.issuer, hint.client).await?)
    else {
        return Ok(None);
    };
    let user = signet.store().user(hint.user).await?.and_then(|user| application.admit(user.active()?));
    Ok(user.map(|_| (application, Value::Object(claims))))
}

/// The shape these clients read.
fn refused(message: &str) -> Response {
    let response = respond::json(StatusCode::BAD_REQUEST, &json!({ "code": 400, "message": message }));
    mark(response, Outcome::Refused(ErrorCode::InvalidToken))
}
