use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::material::Material;
use super::{JoseError, KeyAlg, VerifyingKey, b64, unb64};
use crate::said::Pair;

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

/// The members of a public JWK in text form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Members {
    kty: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<Kid>,
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
    /// Read only to notice a private key, of which it is the one member that all asymmetric types share.
    #[serde(default, skip_serializing)]
    d: Option<Private>,
}

/// A member that must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Private;

impl<'de> Deserialize<'de> for Private {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Private)
    }
}

impl Members {
    /// The key's numbers. Refuses a private key, an unknown type or curve, and numbers of a refused size.
    pub(super) fn material(&self) -> Result<Material, JoseError> {
        if self.d.is_some() {
            return Err(JoseError::KeyRefused(Pair(
                "a private key where a public one belongs",
                "此处应为公钥，却是私钥",
            )));
        }
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => Material::rsa(number(&self.n)?, number(&self.e)?),
            ("EC", Some("P-256")) => Material::p256(&number(&self.x)?, &number(&self.y)?),
            ("OKP", Some("Ed25519")) => Material::ed25519(&number(&self.x)?),
            _ => Err(JoseError::KeyRefused(Pair(
                "the key type or curve is not supported",
                "不支持该密钥类型或曲线",
            ))),
        }
    }
}

impl TryFrom<Members> for PublicJwk {
    type Error = JoseError;

    fn try_from(members: Members) -> Result<Self, JoseError> {
        let material = members.material()?;
        if members.usage.is_some_and(|usage| usage != "sig") {
            return Err(JoseError::KeyRefused(Pair("the key is not for signatures", "该密钥不用于签名")));
        }
        let alg = members.alg.as_deref().and_then(KeyAlg::parse);
        let alg = alg.filter(|alg| material.algs().contains(alg));
        let alg = alg.ok_or(JoseError::KeyRefused(Pair(
            "the algorithm is not one of this key type",
            "该算法不适用于此类密钥",
        )))?;
        let kid = members.kid.ok_or(JoseError::KeyRefused(Pair("the key has no kid", "密钥没有 kid")))?;
        Ok(Self { alg, kid, material })
    }
}

fn number(text: &Option<String>) -> Result<Vec<u8>, JoseError> {
    text.as_deref().and_then(unb64).ok_or(JoseError::KeyRefused(Pair(
        "a number of the key is missing or not base64url",
        "密钥的某个数值缺失，或不是 base64url",
    )))
}

impl From<PublicJwk> for Members {
    fn from(jwk: PublicJwk) -> Self {
        let (kty, crv) = match &jwk.material {
            Material::Rsa { .. } => ("RSA", None),
            Material::P256 { .. } => ("EC", Some("P-256")),
            Material::Ed25519 { .. } => ("OKP", Some("Ed25519")),
        };
        let (n, e, x, y) = match &jwk.material {
            Material::Rsa { n, e } => (Some(b64(n)), Some(b64(e)), None, None),
            Material::P256 { x, y } => (None, None, Some(b64(x)), Some(b64(y))),
            Material::Ed25519 { x } => (None, None, Some(b64(x)), None),
        };
        Self {
            kty: kty.to_owned(),
            usage: Some("sig".to_owned()),
            alg: Some(jwk.alg.as_str().to_owned()),
            kid: Some(jwk.kid),
            n,
            e,
            crv: crv.map(str::to_owned),
            x,
            y,
            d: None,
        }
    }
}
