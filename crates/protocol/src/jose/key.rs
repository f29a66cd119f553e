use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, signature::RsaEncoding};
use zeroize::Zeroizing;

use super::material::Material;
use super::{JoseError, KeyAlg, Kid, PublicJwk, SigningAlg, Typ, header};
use crate::said;

/// A private signing key, parsed once. It cannot be written out again, and `Debug` shows only its name.
pub struct SigningKey {
    pair: Pair,
    jwk: PublicJwk,
    verifying: VerifyingKey,
    access_token_header: String,
    id_token_header: String,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key (RSA-2048, P-256 or Ed25519) and its PKCS#8 v1 DER, which the caller seals. An RSA key takes some 40 to 80 ms:
    /// keep it off the async threads.
    pub fn generate(alg: KeyAlg) -> Result<(Self, Zeroizing<Vec<u8>>), JoseError> {
        let der = match alg {
            KeyAlg::Rs256 | KeyAlg::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| JoseError::Crypto)?;
                Zeroizing::new(pair.as_der().map_err(|_| JoseError::Crypto)?.as_ref().to_vec())
            }
            KeyAlg::Es256 => {
                let document =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                        .map_err(|_| JoseError::Crypto)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            KeyAlg::EdDsa => {
                let document =
                    Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| JoseError::Crypto)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
        };
        Ok((Self::from_pkcs8(alg, &der)?, der))
    }

    /// Parses a key from PKCS#8 DER. Refuses a key of another type than `alg`'s, an RSA key outside 2048 to 4096 bits,
    /// and numbers that contradict each other.
    pub fn from_pkcs8(alg: KeyAlg, der: &[u8]) -> Result<Self, JoseError> {
        let (pair, material) = match alg {
            KeyAlg::Rs256 | KeyAlg::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| {
                    JoseError::KeyRefused(said::Pair(
                        "not the PKCS#8 form of an RSA key of at least 2048 bits",
                        "不是至少 2048 位 RSA 密钥的 PKCS#8 格式",
                    ))
                })?;
                let material = Material::rsa_from_der(pair.public_key().as_ref())?;
                let encoding: &dyn RsaEncoding =
                    if alg == KeyAlg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                (Pair::Rsa(pair, encoding), material)
            }
            KeyAlg::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| {
                    JoseError::KeyRefused(said::Pair(
                        "not the PKCS#8 form of a P-256 key",
                        "不是 P-256 密钥的 PKCS#8 格式",
                    ))
                })?;
                let material = Material::p256_from_point(pair.public_key().as_ref())?;
                (Pair::P256(pair), material)
            }
            KeyAlg::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| {
                    JoseError::KeyRefused(said::Pair(
                        "not the PKCS#8 form of an Ed25519 key",
                        "不是 Ed25519 密钥的 PKCS#8 格式",
                    ))
                })?;
                let material = Material::ed25519(pair.public_key().as_ref())?;
                (Pair::Ed25519(pair), material)
            }
        };
        let verifying = VerifyingKey::new(alg, &material)?;
        let jwk = PublicJwk::new(alg, material);
        Ok(Self {
            access_token_header: header::render(alg.into(), Typ::AccessToken, Some(jwk.kid()))?,
            id_token_header: header::render(alg.into(), Typ::IdToken, Some(jwk.kid()))?,
            pair,
            jwk,
            verifying,
        })
    }

    /// The algorithm the key signs with.
    pub fn alg(&self) -> SigningAlg {
        self.jwk.alg().into()
    }

    /// The key's name, its thumbprint.
    pub fn kid(&self) -> &Kid {
        self.jwk.kid()
    }

    /// The public half, for the JWK set.
    pub fn public_jwk(&self) -> &PublicJwk {
        &self.jwk
    }

    /// The public half, for verifying what this key signed.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    fn header(&self, typ: Typ) -> Result<Cow<'_, str>, JoseError> {
        match typ {
            Typ::AccessToken => Ok(Cow::Borrowed(&self.access_token_header)),
            Typ::IdToken => Ok(Cow::Borrowed(&self.id_token_header)),
            Typ::UserInfo | Typ::LogoutToken => {
                header::render(self.alg(), typ, Some(self.kid())).map(Cow::Owned)
            }
        }
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map(|()| signature)
            }
            Pair::P256(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()),
        }
        .map_err(|_| JoseError::Crypto)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("alg", &self.alg())
            .field("kid", self.kid())
            .finish_non_exhaustive()
    }
}

/// A public key, parsed once. Its algorithm was fixed with the key and is never taken from a token.
pub struct VerifyingKey {
    alg: KeyAlg,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    pub(super) fn new(alg: KeyAlg, material: &Material) -> Result<Self, JoseError> {
        Ok(Self { alg, key: material.parse(alg)? })
    }

    /// The one algorithm this key verifies.
    pub fn alg(&self) -> SigningAlg {
        self.alg.into()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// The HS256 key of an application: the UTF-8 bytes of its secret (OIDC Core §10.1).
///
/// No public key converts into it, so a token forged with a public key's bytes as the secret has nothing to verify
/// against.
pub struct HmacKey(hmac::Key);

impl HmacKey {
    /// Refuses a secret shorter than the hash, 32 bytes (RFC 7518 §3.2).
    pub fn new(secret: &[u8]) -> Result<Self, JoseError> {
        if secret.len() < 32 {
            return Err(JoseError::KeyRefused(said::Pair(
                "HS256 needs a secret of at least 32 bytes",
                "HS256 需要至少 32 字节的密钥",
            )));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacKey").finish_non_exhaustive()
    }
}

/// What a token is signed with.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// The issuer's private key.
    Key(&'a SigningKey),
    /// The application's secret.
    Hmac(&'a HmacKey),
}

impl Signer<'_> {
    /// The algorithm the token will have.
    pub fn alg(&self) -> SigningAlg {
        match self {
            Self::Key(key) => key.alg(),
            Self::Hmac(_) => SigningAlg::Hs256,
        }
    }

    pub(super) fn header(&self, typ: Typ) -> Result<Cow<'_, str>, JoseError> {
        match self {
            Self::Key(key) => key.header(typ),
            Self::Hmac(_) => header::render(SigningAlg::Hs256, typ, None).map(Cow::Owned),
        }
    }

    pub(super) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        match self {
            Self::Key(key) => key.signature(message),
            Self::Hmac(key) => Ok(hmac::sign(&key.0, message).as_ref().to_vec()),
        }
    }
}

/// What a token is verified with.
#[derive(Clone, Copy, Debug)]
pub enum Verifier<'a> {
    /// The issuer's public key.
    Key(&'a VerifyingKey),
    /// The application's secret.
    Hmac(&'a HmacKey),
}

impl Verifier<'_> {
    /// The only algorithm accepted.
    pub fn alg(&self) -> SigningAlg {
        match self {
            Self::Key(key) => key.alg(),
            Self::Hmac(_) => SigningAlg::Hs256,
        }
    }

    pub(super) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        match self {
            Self::Key(key) => key.key.verify_sig(message, signature),
            Self::Hmac(key) => hmac::verify(&key.0, message, signature),
        }
        .map_err(|_| JoseError::BadSignature)
    }
}
