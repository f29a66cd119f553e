//! Client authentication (RFC 6749 §2.3, OpenID Connect Core §9): exactly the registered method, one per request.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    application::{ActiveApplication, AuthMethod},
    error::{ErrorCode, Refusal, refuse},
    id::AppId,
    limits::AUTHORIZATION_BYTES,
    params::{RawParams, decode},
    secret::Secret,
};

/// Who a request says it comes from, and how it proves it.
#[derive(Clone, Debug)]
pub struct PresentedClient {
    /// The `client_id`, if it has the form of one.
    pub id: Option<AppId>,
    method: AuthMethod,
    secrets: Vec<Secret>,
}

/// An application that authenticated by its registered method at this request. Only [`authenticate`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(ActiveApplication);

impl AuthenticatedClient {
    /// The application.
    pub fn application(&self) -> &ActiveApplication {
        &self.0
    }
}

/// The one answer to every failed authentication: it does not say which part was wrong.
pub const INVALID_CLIENT: Refusal = refuse(
    ErrorCode::InvalidClient,
    "client authentication failed; check the App ID, the App Secret and the authentication method of this endpoint",
);

/// Reads the credentials of a request from its form body and `Authorization` header.
pub fn presented(params: &RawParams, authorization: Option<&str>) -> Result<PresentedClient, Refusal> {
    if params.get("client_assertion").or(params.get("client_assertion_type")).is_some() {
        return Err(refuse(ErrorCode::InvalidClient, "client_assertion is not supported at this endpoint"));
    }
    let body_id = params.get("client_id");
    let body_secret = params.get("client_secret");
    let Some(header) = authorization else {
        let id = body_id.ok_or(refuse(
            ErrorCode::InvalidClient,
            "client_id is missing; send it in the form body or by HTTP Basic",
        ))?;
        let method = if body_secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None };
        return Ok(PresentedClient {
            id: AppId::parse(id),
            method,
            secrets: body_secret.map(Secret::new).into_iter().collect(),
        });
    };
    let (id, secrets) = parse_basic(header).ok_or(refuse(
        ErrorCode::InvalidClient,
        "the Authorization header is not valid HTTP Basic of client_id:client_secret",
    ))?;
    if body_secret.is_some() || body_id.is_some_and(|body| body != id) {
        return Err(refuse(
            ErrorCode::InvalidRequest,
            "credentials are in the Authorization header and in the body; use one method per request",
        ));
    }
    Ok(PresentedClient { id: AppId::parse(&id), method: AuthMethod::ClientSecretBasic, secrets })
}

/// Parses `Basic base64(client_id:client_secret)`.
///
/// RFC 6749 §2.3.1 wants both parts form-encoded first, which many clients do not do: the secret is taken both ways.
fn parse_basic(header: &str) -> Option<(String, Vec<Secret>)> {
    if header.len() > AUTHORIZATION_BYTES {
        return None;
    }
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let bytes = STANDARD.decode(credentials.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let mut secrets = vec![Secret::new(secret)];
    if let Some(decoded) = decode(secret.as_bytes()).ok().filter(|decoded| decoded != secret) {
        secrets.push(Secret::new(decoded));
    }
    Some((decode(id.as_bytes()).ok()?, secrets))
}

/// Checks that `application` is who it says, by `method`, which is the one registered for the endpoint in question.
///
/// `application` is what `presented.id` was found to be; `None` when there is no such active application here.
pub fn authenticate(
    application: Option<ActiveApplication>,
    presented: &PresentedClient,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<AuthenticatedClient, Refusal> {
    let application = application.filter(|app| presented.id == Some(app.id)).ok_or(INVALID_CLIENT)?;
    if method(&application) != presented.method {
        return Err(INVALID_CLIENT);
    }
    let proved = match presented.method {
        AuthMethod::None => true,
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic => {
            application.secret.as_ref().is_some_and(|own| {
                presented.secrets.iter().fold(false, |found, secret| found | own.matches(secret.expose()))
            })
        }
    };
    if proved { Ok(AuthenticatedClient(application)) } else { Err(INVALID_CLIENT) }
}

#[cfg(test)]
#[path = "client_auth_tests.rs"]
mod tests;
