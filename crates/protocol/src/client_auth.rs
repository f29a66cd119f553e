//! Client authentication (RFC 6749 §2.3, OpenID Connect Core §9): exactly the registered method, one per request.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    account::ActiveAccount,
    application::{ActiveApplication, AuthMethod},
    client_assertion::{self, JWT_BEARER},
    error::{ErrorCode, Refusal, refuse},
    id::{AppId, ClientId},
    limits::AUTHORIZATION_BYTES,
    params::{RawParams, decode},
    secret::Secret,
    time::Timestamp,
};

/// Who a request says it comes from, and how it proves it.
#[derive(Clone, Debug)]
pub struct PresentedClient {
    /// The `client_id`, if it has the form of one.
    pub id: Option<ClientId>,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    None,
    /// What the secret may be, and where it stood.
    Secret(AuthMethod, Vec<Secret>),
    Assertion(String),
}

/// An assertion is as good as a secret, once (attack 25).
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::None => "None",
            Proof::Secret(method, _) => method.as_str(),
            Proof::Assertion(_) => "Assertion(…)",
        })
    }
}

impl PresentedClient {
    /// The assertion, if that is how it proves it.
    pub fn assertion(&self) -> Option<&str> {
        match &self.proof {
            Proof::Assertion(text) => Some(text),
            Proof::None | Proof::Secret(..) => None,
        }
    }
}

/// An application that authenticated by its registered method at this request. Only [`authenticate`] and an assertion that
/// was spent make one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(ActiveApplication);

impl AuthenticatedClient {
    /// The application.
    pub fn application(&self) -> &ActiveApplication {
        &self.0
    }

    pub(crate) fn by_assertion(verified: client_assertion::Verified) -> AuthenticatedClient {
        AuthenticatedClient(verified.into_client())
    }
}

/// An account that authenticated at this request. Only [`authenticate_account`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedAccount(ActiveAccount);

impl AuthenticatedAccount {
    /// The account.
    pub fn account(&self) -> &ActiveAccount {
        &self.0
    }
}

/// Who authenticated at this request.
#[derive(Clone, Debug)]
pub enum Authenticated {
    /// An application.
    Application(AuthenticatedClient),
    /// An account of one.
    Account(AuthenticatedAccount),
}

impl Authenticated {
    /// Its `client_id`.
    pub fn client_id(&self) -> ClientId {
        match self {
            Authenticated::Application(client) => client.application().id.into(),
            Authenticated::Account(account) => account.account().id.into(),
        }
    }
}

/// The request does not say who it comes from.
pub const CLIENT_ID_MISSING: Refusal =
    refuse(ErrorCode::InvalidClient, "client_id is missing; send it in the form body or by HTTP Basic")
        .by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9");

/// The one answer to every failed authentication: it does not say which part was wrong.
pub const INVALID_CLIENT: Refusal = refuse(
    ErrorCode::InvalidClient,
    "client authentication failed; check the App ID, the App Secret and the authentication method of this endpoint, or the AccessKey and the SecretKey of an account",
)
.by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9");

/// Reads the credentials of a request from its form body and `Authorization` header.
pub fn presented(params: &RawParams, authorization: Option<&str>) -> Result<PresentedClient, Refusal> {
    let body_id = params.get("client_id");
    let body_secret = params.get("client_secret");
    if let Some(text) = assertion(params)? {
        if body_secret.is_some() || authorization.is_some() {
            return Err(refuse(
                ErrorCode::InvalidRequest,
                "a secret and client_assertion are both given; use one method per request",
            )
            .by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9"));
        }
        let claimed = client_assertion::claimed_client(text);
        let agrees = body_id.is_none_or(|body| AppId::parse(body) == claimed);
        let proof = Proof::Assertion(text.to_owned());
        return Ok(PresentedClient { id: claimed.filter(|_| agrees).map(ClientId::from), proof });
    }
    let Some(header) = authorization else {
        let id = body_id.ok_or(CLIENT_ID_MISSING)?;
        let proof = body_secret.map_or(Proof::None, |secret| {
            Proof::Secret(AuthMethod::ClientSecretPost, vec![Secret::new(secret)])
        });
        return Ok(PresentedClient { id: ClientId::parse(id), proof });
    };
    let (id, secrets) = parse_basic(header).ok_or(
        refuse(
            ErrorCode::InvalidClient,
            "the Authorization header is not valid HTTP Basic of client_id:client_secret",
        )
        .by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9"),
    )?;
    if body_secret.is_some() || body_id.is_some_and(|body| body != id) {
        return Err(refuse(
            ErrorCode::InvalidRequest,
            "credentials are in the Authorization header and in the body; use one method per request",
        )
        .by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9"));
    }
    let proof = Proof::Secret(AuthMethod::ClientSecretBasic, secrets);
    Ok(PresentedClient { id: ClientId::parse(&id), proof })
}

/// The assertion of a request (RFC 7521 §4.2).
fn assertion(params: &RawParams) -> Result<Option<&str>, Refusal> {
    match (params.get("client_assertion_type"), params.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(text)) => Ok(Some(text)),
        (Some(JWT_BEARER), None) => {
            Err(refuse(ErrorCode::InvalidRequest, "client_assertion is missing beside client_assertion_type")
                .by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9"))
        }
        _ => Err(refuse(
            ErrorCode::InvalidRequest,
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        .by("client_authentication", "RFC 6749 §2.3, OpenID Connect Core §9")),
    }
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
/// `application` is what `presented.id` was found to be; `None` when there is no such active application here. An assertion
/// is for [`client_assertion::asserted`] to check, and refused here.
pub fn authenticate(
    application: Option<ActiveApplication>,
    presented: &PresentedClient,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<AuthenticatedClient, Refusal> {
    let application = application.filter(|app| presented.id == Some(app.id.into())).ok_or(INVALID_CLIENT)?;
    let proved = match (&presented.proof, method(&application)) {
        (Proof::None, AuthMethod::None) => true,
        (Proof::Secret(by, secrets), registered) if *by == registered => {
            application.secret.as_ref().is_some_and(|own| any(secrets, |secret| own.matches(secret)))
        }
        _ => false,
    };
    if proved { Ok(AuthenticatedClient(application)) } else { Err(INVALID_CLIENT) }
}

/// Checks that `account` is who it says, by its SecretKey in the body or by HTTP Basic: both are always allowed.
///
/// `account` is what `presented.id` was found to be; `None` when there is no such active account here, which is as much work
/// as a wrong secret.
pub fn authenticate_account(
    account: Option<ActiveAccount>,
    presented: &PresentedClient,
    now: Timestamp,
) -> Result<AuthenticatedAccount, Refusal> {
    let Proof::Secret(_, secrets) = &presented.proof else { return Err(INVALID_CLIENT) };
    let Some(account) = account.filter(|account| presented.id == Some(account.id.into())) else {
        let nobodys = Secret::new([0; 32]);
        any(secrets, |secret| nobodys.matches(secret));
        return Err(INVALID_CLIENT);
    };
    match any(secrets, |secret| account.has_secret(secret, now)) {
        true => Ok(AuthenticatedAccount(account)),
        false => Err(INVALID_CLIENT),
    }
}

/// Whether one of `secrets` fits; all are looked at.
fn any(secrets: &[Secret], fits: impl Fn(&[u8]) -> bool) -> bool {
    secrets.iter().fold(false, |found, secret| found | fits(secret.expose()))
}

#[cfg(test)]
#[path = "client_auth_tests.rs"]
mod tests;
