//! Client authentication by a signed assertion: `private_key_jwt` and `client_secret_jwt` (RFC 7523, OpenID Connect Core §9).
//!
//! An assertion authenticates once. It is verified here with a key of the application, never with one it names itself, and
//! whoever calls spends it in the store before anything is made of it (attack 8).

use serde::Deserialize;

use crate::{
    application::{ActiveApplication, AuthMethod},
    client_auth::{AuthenticatedClient, INVALID_CLIENT, PresentedClient},
    client_token::{self, Audience, CLIENT_SKEW, ClientTokenError, Validity},
    error::{ErrorCode, Refusal, refuse},
    id::AppId,
    issuer::Issuer,
    jose::{ClientKeys, JoseError, Parsed, SigningAlg},
    secret::SecretHash,
    time::{Seconds, Timestamp},
};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead an assertion may expire: it has to be remembered as long.
pub const ASSERTION_EXPIRE_MAX: Seconds = Seconds(600);

/// The kinds of token an assertion may say it is; a request object may not stand in for one (RFC 8725 §2.8).
const TYPES: &[&str] = &["jwt", "client-authentication+jwt"];

/// Whose an assertion claims to be. Believed only to find the application whose key it is verified with.
pub fn claimed_client(assertion: &str) -> Option<AppId> {
    let claims: Claims = Parsed::parse(assertion).ok()?.unverified_claims().ok()?;
    AppId::parse(&claims.iss)
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    jti: String,
    #[serde(flatten)]
    validity: Validity,
}

/// An assertion at an application whose registered method it fits, still to be verified.
#[derive(Debug)]
pub struct Asserted<'p> {
    application: ActiveApplication,
    method: AssertionMethod,
    text: &'p str,
}

/// What an assertion is verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionMethod {
    /// The application's secret.
    Secret,
    /// One of its public keys.
    Keys,
}

/// An assertion that is right, and good for one use: [`Verified::spent`].
#[derive(Debug)]
pub struct Verified {
    client: ActiveApplication,
    /// What it is remembered by.
    pub key: SecretHash,
    /// When it need not be remembered any more.
    pub until: Timestamp,
}

impl Verified {
    /// The client, if this was the first use.
    pub fn spent(self, first: bool) -> Result<AuthenticatedClient, Refusal> {
        if first { Ok(AuthenticatedClient::by_assertion(self)) } else { Err(USED) }
    }

    pub(crate) fn into_client(self) -> ActiveApplication {
        self.client
    }
}

const USED: Refusal = refuse(
    ErrorCode::InvalidClient,
    "client_assertion was used before; make a new one with another jti for each request",
);

/// The assertion of `presented`, if there is such an active application here and `method` is one of assertions.
pub fn asserted<'p>(
    application: Option<ActiveApplication>,
    presented: &'p PresentedClient,
    method: impl FnOnce(&ActiveApplication) -> AuthMethod,
) -> Result<Asserted<'p>, Refusal> {
    let application = application.filter(|app| presented.id == Some(app.id.into())).ok_or(INVALID_CLIENT)?;
    let text = presented.assertion().ok_or(INVALID_CLIENT)?;
    let method = match method(&application) {
        AuthMethod::ClientSecretJwt => AssertionMethod::Secret,
        AuthMethod::PrivateKeyJwt => AssertionMethod::Keys,
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic | AuthMethod::None => {
            return Err(INVALID_CLIENT);
        }
    };
    Ok(Asserted { application, method, text })
}

impl Asserted<'_> {
    /// The application.
    pub fn application(&self) -> &ActiveApplication {
        &self.application
    }

    /// What it is verified with.
    pub fn method(&self) -> AssertionMethod {
        self.method
    }

    /// Verifies it, with `keys` where its method needs them. The algorithm is that of the key, and the registered one if
    /// one is registered; which kind of key it is follows from the registered method alone (attack 7).
    pub fn verify(
        &self,
        keys: Option<&ClientKeys>,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Verified, ClientTokenError> {
        let parsed = Parsed::parse(self.text).map_err(|_| INVALID_CLIENT)?;
        let alg = parsed.alg().ok_or(INVALID_CLIENT)?;
        let registered = self.application.settings.token_endpoint_auth_signing_alg;
        if registered.is_some_and(|registered| registered != alg) {
            return Err(INVALID_CLIENT.into());
        }
        let by_secret = self.method == AssertionMethod::Secret;
        if (alg == SigningAlg::Hs256) != by_secret {
            return Err(INVALID_CLIENT.into());
        }
        let claims =
            client_token::verify(&parsed, alg, &self.application, keys).map_err(|error| match error {
                JoseError::NoKey | JoseError::BadSignature => ClientTokenError::Key,
                JoseError::Claims => MALFORMED.into(),
                _ => INVALID_CLIENT.into(),
            })?;
        let typed = parsed.typ().is_none_or(|typ| TYPES.contains(&typ.to_ascii_lowercase().as_str()));
        Ok(self.check(&claims, issuer, now, typed)?)
    }

    /// What a right signature does not yet say (RFC 7523 §3).
    fn check(
        &self,
        claims: &Claims,
        issuer: &Issuer,
        now: Timestamp,
        typed: bool,
    ) -> Result<Verified, Refusal> {
        let client = &self.application;
        let own = client.id.to_string();
        let expires = claims.validity.exp.ok_or(MALFORMED)?;
        let wrong = |description| Err(refuse(ErrorCode::InvalidClient, description));
        if !typed {
            return wrong("client_assertion has a typ of another kind of token; send JWT or none");
        }
        if claims.iss != own || claims.sub != own {
            return wrong("client_assertion must have the client_id as its iss and as its sub");
        }
        if !is_for(&claims.aud, issuer) {
            return wrong(
                "client_assertion must have the issuer or the URL of the endpoint as its aud, and nobody else",
            );
        }
        if claims.validity.is_over(now) {
            return wrong(
                "client_assertion has expired; make a new one for each request, and compare the clocks",
            );
        }
        if claims.validity.is_to_come(now) {
            return wrong("client_assertion has an iat or nbf in the future; compare the clocks");
        }
        if expires > now.plus(ASSERTION_EXPIRE_MAX).plus(CLIENT_SKEW) {
            return wrong("client_assertion expires too far ahead; at most 10 minutes are accepted");
        }
        if claims.jti.is_empty() {
            return Err(MALFORMED);
        }
        let name = [own.as_bytes(), claims.jti.as_bytes()].join(&0);
        let key = SecretHash::of("client assertion", &name);
        Ok(Verified { client: client.clone(), key, until: expires.plus(CLIENT_SKEW) })
    }
}

const MALFORMED: Refusal =
    refuse(ErrorCode::InvalidClient, "client_assertion must have the claims iss, sub, aud, exp and jti");

/// Whether the audience is this issuer under one of its names, and nobody beside it: another one could use it here.
fn is_for(aud: &Audience, issuer: &Issuer) -> bool {
    let ends = ["/token", "/token/introspection", "/token/revocation"];
    let own = |value: &String| {
        let endpoint = value.strip_prefix(issuer.url());
        endpoint.is_some_and(|end| end.is_empty() || ends.contains(&end))
    };
    !aud.values().is_empty() && aud.values().iter().all(own)
}

#[cfg(test)]
#[path = "client_assertion_tests.rs"]
mod tests;
