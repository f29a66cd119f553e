//! `/oidc/me`: user info (OpenID Connect Core §5.3, RFC 6750).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, Method, StatusCode, header::WWW_AUTHENTICATE};
use serde_json::{Map, Value};
use signet_protocol::{
    access_token::grant_of,
    application::Application,
    claims::{add_wished, user_claims},
    error::{ErrorCode, Refusal, refuse},
    jose::{self, SigningAlg, Typ},
    limits::AUTHORIZATION_BYTES,
    scope::KnownScope,
};

use crate::{
    Signet,
    edge::{Edge, Form},
    error::{Failure, only},
    oidc::{cors, keys::Key, live},
    respond,
};

/// GET and POST `/oidc/me`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = user_info(&signet, &edge, form).await;
    let mut response = cors::finish(&signet, &edge, result).await;
    if response.status() == StatusCode::BAD_REQUEST {
        // RFC 6750 §3: a request that shows its token wrongly is challenged as well.
        let challenge = HeaderValue::from_static("Bearer realm=\"signet\", error=\"invalid_request\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// No access token of this issuer that is alive.
pub const INVALID_TOKEN: Refusal = refuse(
    ErrorCode::InvalidToken,
    "the access token is malformed, expired, revoked, of another issuer, or no access token; get a new one",
)
.by("access_token", "RFC 6750 §3.1");

/// There is no access token at all, which is told without an error code.
const NO_TOKEN: Refusal =
    refuse(ErrorCode::InvalidToken, "there is no access token; send Authorization: Bearer with one")
        .by("access_token_missing", "RFC 6750 §3.1");

async fn user_info(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    only(&edge.method, "GET, POST, OPTIONS")?;
    let Some((text, place)) = presented(edge, form)? else {
        edge.trace(NO_TOKEN);
        return Ok(challenge());
    };
    let live = live::access_token(signet, &edge.issuer, &text).await?.ok_or(INVALID_TOKEN)?;
    if place == Place::Query && !live.application.settings.access_token_in_query {
        return Err(refuse(
            ErrorCode::InvalidRequest,
            "access_token in the URL is not allowed for this application; send Authorization: Bearer",
        )
        .by("access_token_in_query", "RFC 6750 §2.3")
        .into());
    }
    let Some(user) = live.user.filter(|_| live.token.scope.has(KnownScope::Openid)) else {
        return Err(refuse(ErrorCode::InsufficientScope, "the access token lacks the scope openid")
            .by("scope", "OpenID Connect Core §5.3.1")
            .into());
    };
    let pool = signet.store().pool_settings().await?;
    let mut claims = user_claims(&user, &live.token.scope, &live.application, &pool);
    if live.token.userinfo_claims
        && let Some(grant) = grant_of(&live.token.jti)
    {
        let asked = signet.store().asked_claims(grant).await?;
        add_wished(&mut claims, &user, &asked.userinfo, &live.application, &pool);
    }
    claims.insert("sub".to_owned(), Value::from(live.token.sub.to_string()));
    match live.application.settings.userinfo_signed_response_alg {
        None => Ok(respond::json(StatusCode::OK, &claims)),
        Some(alg) => signed(signet, edge, &live.application, alg, claims).await,
    }
}

/// User info as a JWT, which says who speaks and to whom (OpenID Connect Core §5.3.2).
async fn signed(
    signet: &Signet,
    edge: &Edge,
    application: &Application,
    alg: SigningAlg,
    mut claims: Map<String, Value>,
) -> Result<Response, Failure> {
    claims.insert("iss".to_owned(), Value::from(edge.issuer.url()));
    claims.insert("aud".to_owned(), Value::from(application.id.to_string()));
    let key = Key::load(signet, edge.issuer.id(), application, alg).await?;
    Ok(respond::jwt(jose::sign(&key.signer(), Typ::UserInfo, &claims)?))
}

#[derive(PartialEq, Eq)]
enum Place {
    Header,
    Body,
    Query,
}

/// The token and where it was; one place only (RFC 6750 §2).
fn presented(edge: &Edge, form: Form) -> Result<Option<(String, Place)>, Failure> {
    let query = edge.query()?;
    let form = if edge.method == Method::POST { form.params()? } else { Default::default() };
    if query.repeats("access_token") || form.repeats("access_token") {
        return Err(refuse(ErrorCode::InvalidRequest, "access_token is given more than once; send it once")
            .by("repeated_parameter", "RFC 6750 §2")
            .into());
    }
    let found = [
        edge.authorization()?.and_then(bearer).map(|token| (token.to_owned(), Place::Header)),
        form.get("access_token").map(|token| (token.to_owned(), Place::Body)),
        query.get("access_token").map(|token| (token.to_owned(), Place::Query)),
    ];
    let mut found = found.into_iter().flatten();
    let first = found.next();
    if found.next().is_some() {
        return Err(refuse(
            ErrorCode::InvalidRequest,
            "the access token is sent in more than one place; send it once, in the Authorization header",
        )
        .into());
    }
    Ok(first)
}

/// The token of an `Authorization` header.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("Bearer") && header.len() <= AUTHORIZATION_BYTES).then(|| token.trim())
}

/// Without a token there is nothing to explain (RFC 6750 §3.1).
pub fn challenge() -> Response {
    let body = serde_json::json!({
        "error": "invalid_token",
        "error_description": "there is no access token; send Authorization: Bearer with one",
    });
    let mut response = respond::json(StatusCode::UNAUTHORIZED, &body);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"signet\""));
    response
}
