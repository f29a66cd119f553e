//! How an application authenticates at an endpoint, done in its place.

use serde_json::json;
use signet_protocol::{
    application::{Application, AuthMethod},
    client_assertion::JWT_BEARER,
    entropy::random,
    jose::{self, HmacKey, Signer, Typ, sign},
    params::encode_pairs,
    time::{Seconds, Timestamp},
};

use super::{HIDDEN, wire::Call};
use crate::clock::SystemEntropy;

/// As long as a request takes.
const ASSERTION_EXPIRE: Seconds = Seconds(60);

/// The application cannot be stood in for: it signs with a key of its own, or its secret is none that could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnKey;

/// Who asks, of whom, and when.
pub struct Asking<'a> {
    /// The application.
    pub application: &'a Application,
    /// The issuer that is asked: the audience of an assertion.
    pub issuer: &'a str,
    /// The time.
    pub now: Timestamp,
}

impl Asking<'_> {
    /// A request with the credentials that `method` wants.
    pub fn authenticated(&self, call: Call, method: AuthMethod) -> Result<Call, OwnKey> {
        let id = self.application.id.to_string();
        let secret = || {
            let secret = self.application.secret.as_ref().ok_or(OwnKey)?;
            Ok(String::from_utf8_lossy(secret.expose()).into_owned())
        };
        Ok(match method {
            AuthMethod::None => call.with("client_id", &id),
            AuthMethod::ClientSecretPost => {
                call.with("client_id", &id).with_secret("client_secret", &secret()?)
            }
            AuthMethod::ClientSecretBasic => {
                call.authorized(basic(&id, &secret()?), format!("Basic {HIDDEN}"))
            }
            AuthMethod::ClientSecretJwt => call
                .with("client_assertion_type", JWT_BEARER)
                .with_secret("client_assertion", &self.assertion(&id)?),
            AuthMethod::PrivateKeyJwt => return Err(OwnKey),
        })
    }

    /// An assertion keyed by the secret (RFC 7523 §3).
    fn assertion(&self, id: &str) -> Result<String, OwnKey> {
        let secret = self.application.secret.as_ref().ok_or(OwnKey)?;
        let key = HmacKey::new(secret.expose()).map_err(|_| OwnKey)?;
        let claims = json!({
            "iss": id, "sub": id, "aud": self.issuer, "jti": jose::b64(&random::<16>(&mut SystemEntropy)),
            "iat": self.now, "exp": self.now.plus(ASSERTION_EXPIRE),
        });
        sign(&Signer::Hmac(&key), Typ::IdToken, &claims).map_err(|_| OwnKey)
    }
}

/// `Authorization: Basic`, each part form-encoded first (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = encode_pairs([(id, secret)].into_iter()).replacen('=', ":", 1);
    let text = jose::b64(encoded.as_bytes()).replace('-', "+").replace('_', "/");
    let padding = "=".repeat(text.len().next_multiple_of(4) - text.len());
    format!("Basic {text}{padding}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_encoded_twice() {
        // The id "a", and a secret with characters that both encodings change.
        assert_eq!(basic("a", "b:c?"), "Basic YTpiJTNBYyUzRg==");
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuJTIwc2VzYW1l");
    }
}
