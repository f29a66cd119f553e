use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::material::Material;
use super::{JoseError, KeyAlg, VerifyingKey, b64, unb64};

/// A key's name. Ours is its RFC 7638 thumbprint: SHA-256, base64url, 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Kid(String);

impl Kid {
    /// Accepts 1 to 128 visible ASCII characters, so that the keys of other parties can be named too.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The name as it stands in `kid`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Kid {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a kid is 1 to 128 visible ASCII characters")
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public signature key as a JWK (RFC 7517 §4, RFC 7518 §6): `kty`, `use`, `alg`, `kid` and the key's numbers.
///
/// Reading one refuses a private key, a `use` other than `sig`, an `alg` that does not fit `kty`, numbers of a refused
/// size, and base64url with a second spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct PublicJwk {
    alg: KeyAlg,
    kid: Kid,
    material: Material,
}

impl PublicJwk {
    /// The JWK of our own key, named by its thumbprint.
    pub(super) fn new(alg: KeyAlg, material: Material) -> Self {
        Self { alg, kid: Kid(material.thumbprint()), material }
    }

    /// The one algorithm this key is for.
    pub fn alg(&self) -> KeyAlg {
        self.alg
    }

    /// The key's name, which for the key of another party need not be its thumbprint.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The RFC 7638 thumbprint, computed from the key's numbers.
    pub fn thumbprint(&self) -> Kid {
        Kid(self.material.thumbprint())
    }

    /// Parses the key for verifying. Refuses a point that is not on its curve.
    pub fn verifying_key(&self) -> Result<VerifyingKey, JoseError> {
        VerifyingKey::new(self.alg, &self.material)
    }
}

/// A JWK set (RFC 7517 §5), as published at `jwks_uri`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The keys, in the order in which they are listed.
    pub keys: Vec<PublicJwk>,
}

/// The members of a JWK in text form.
#[derive(Serialize, Deserialize)]
struct Members {
    kty: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    alg: KeyAlg,
    kid: Kid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    /// Read only to notice a private key, of which it is the one member that RSA and EC share.
    #[serde(default, skip_serializing)]
    d: Option<IgnoredAny>,
}

impl TryFrom<Members> for PublicJwk {
    type Error = JoseError;

    fn try_from(members: Members) -> Result<Self, JoseError> {
        if members.d.is_some() {
            return Err(JoseError::KeyRefused("a private key where a public one belongs"));
        }
        if members.usage.is_some_and(|usage| usage != "sig") {
            return Err(JoseError::KeyRefused("the key is not for signatures"));
        }
        let material = match (members.kty.as_str(), members.crv.as_deref()) {
            ("RSA", None) => Material::rsa(number(members.n)?, number(members.e)?)?,
            ("EC", Some("P-256")) => Material::p256(&number(members.x)?, &number(members.y)?)?,
            _ => return Err(JoseError::KeyRefused("the key type or curve is not supported")),
        };
        if !material.fits(members.alg) {
            return Err(JoseError::KeyRefused("the algorithm is not one of this key type"));
        }
        Ok(Self { alg: members.alg, kid: members.kid, material })
    }
}

fn number(text: Option<String>) -> Result<Vec<u8>, JoseError> {
    text.as_deref()
        .and_then(unb64)
        .ok_or(JoseError::KeyRefused("a number of the key is missing or not base64url"))
}

impl From<PublicJwk> for Members {
    fn from(jwk: PublicJwk) -> Self {
        let (alg, kid, usage) = (jwk.alg, jwk.kid, Some("sig".to_owned()));
        let (kty, n, e, crv, x, y) = match &jwk.material {
            Material::Rsa { n, e } => ("RSA", Some(b64(n)), Some(b64(e)), None, None, None),
            Material::P256 { x, y } => {
                ("EC", None, None, Some("P-256".to_owned()), Some(b64(x)), Some(b64(y)))
            }
        };
        Self { kty: kty.to_owned(), usage, alg, kid, n, e, crv, x, y, d: None }
    }
}
