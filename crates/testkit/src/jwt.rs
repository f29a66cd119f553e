//! A JWT checker that shares no code with the one under test.

use aws_lc_rs::{
    digest, hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
        RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// A token taken apart.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Jwt {
    /// Takes `token` apart.
    pub fn decode(token: &str) -> Option<Jwt> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Jwt {
            header: json(header)?,
            claims: json(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether a key of `jwks` with the token's `kid` and `alg` made the signature.
    pub fn verifies_with(&self, jwks: &Value) -> bool {
        let (kid, alg) = (self.header.get("kid"), self.header.get("alg"));
        let keys = jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        keys.iter().filter(|key| key.get("kid") == kid && key.get("alg") == alg).any(|key| {
            let part = |name: &str| {
                URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default()).unwrap_or_default()
            };
            match (key["kty"].as_str(), alg.and_then(Value::as_str)) {
                (Some("RSA"), Some(alg @ ("RS256" | "PS256"))) => {
                    let how =
                        if alg == "PS256" { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
                    RsaPublicKeyComponents { n: part("n"), e: part("e") }
                        .verify(how, self.signed.as_bytes(), &self.signature)
                        .is_ok()
                }
                (Some("OKP"), Some("EdDSA")) => UnparsedPublicKey::new(&ED25519, part("x"))
                    .verify(self.signed.as_bytes(), &self.signature)
                    .is_ok(),
                (Some("EC"), Some("ES256")) => {
                    let point = [vec![4], part("x"), part("y")].concat();
                    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                    key.verify(self.signed.as_bytes(), &self.signature).is_ok()
                }
                _ => false,
            }
        })
    }

    /// Whether `secret` made the signature.
    pub fn verifies_with_secret(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        self.header.get("alg").is_some_and(|alg| alg == "HS256")
            && hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok()
    }
}

/// The left half of the text's SHA-512: `at_hash` beside an ID token signed with Ed25519.
pub fn half_sha512(text: &str) -> String {
    let hash = digest::digest(&digest::SHA512, text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().iter().copied().take(32).collect::<Vec<u8>>())
}
