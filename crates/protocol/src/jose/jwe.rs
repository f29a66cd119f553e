use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::{digest, hmac, signature::RsaPublicKeyComponents};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::hash::{b64, b64_onto};
use super::material::{Material, point, point_halves};
use super::{JoseError, Kid};
use crate::{
    entropy::{Entropy, random},
    said::Pair,
};

/// How the key of an encrypted token reaches its reader (RFC 7518 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyManagementAlg {
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518 §4.3).
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// ECDH-ES on P-256, its result being the key (RFC 7518 §4.6).
    #[serde(rename = "ECDH-ES")]
    EcdhEs,
}

impl KeyManagementAlg {
    /// Every algorithm.
    pub const ALL: &[Self] = &[Self::RsaOaep256, Self::EcdhEs];

    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
        }
    }

    /// The algorithm of this exact name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.as_str() == name)
    }
}

/// What the content of an encrypted token is encrypted with (RFC 7518 §5.1). Either has a key of 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentEncryption {
    /// AES-128 in CBC mode with HMAC-SHA-256 (RFC 7518 §5.2.3).
    #[default]
    #[serde(rename = "A128CBC-HS256")]
    A128CbcHs256,
    /// AES-256 in Galois/Counter mode (RFC 7518 §5.3).
    #[serde(rename = "A256GCM")]
    A256Gcm,
}

impl ContentEncryption {
    /// Every one, the default first.
    pub const ALL: &[Self] = &[Self::A128CbcHs256, Self::A256Gcm];

    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256Gcm => "A256GCM",
        }
    }
}

/// Whether `token` looks like an encrypted one: five parts (RFC 7516 §9).
pub fn is_encrypted(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 4
}

/// A public key of a client, parsed for encrypting to it.
pub(super) struct EncryptingKey {
    kid: Option<Kid>,
    to: To,
}

enum To {
    Rsa(OaepPublicEncryptingKey),
    /// The uncompressed point.
    P256(Vec<u8>),
}

impl EncryptingKey {
    /// The key of these numbers, if they can be encrypted to.
    pub(super) fn new(kid: Option<Kid>, material: &Material) -> Result<Option<Self>, JoseError> {
        let to = match material {
            Material::Rsa { n, e } => {
                let key: PublicEncryptingKey = RsaPublicKeyComponents { n, e }
                    .try_into()
                    .map_err(|_| JoseError::KeyRefused(Pair("not a valid public key", "不是有效的公钥")))?;
                To::Rsa(OaepPublicEncryptingKey::new(key).map_err(|_| JoseError::Crypto)?)
            }
            Material::P256 { x, y } => To::P256(point(x, y)),
            Material::Ed25519 { .. } => return Ok(None),
        };
        Ok(Some(Self { kid, to }))
    }

    pub(super) fn alg(&self) -> KeyManagementAlg {
        match self.to {
            To::Rsa(_) => KeyManagementAlg::RsaOaep256,
            To::P256(_) => KeyManagementAlg::EcdhEs,
        }
    }
}

/// Whom a token is encrypted to, and how. [`super::ClientKeys::recipient`] makes one.
#[derive(Clone)]
pub struct Recipient {
    pub(super) key: Arc<EncryptingKey>,
    pub(super) enc: ContentEncryption,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("kid", &self.key.kid)
            .field("enc", &self.enc)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: KeyManagementAlg,
    enc: ContentEncryption,
    cty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a Kid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epk: Option<EphemeralKey>,
}

#[derive(Serialize)]
struct EphemeralKey {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
}

type ContentKey = Zeroizing<[u8; 32]>;

impl Recipient {
    /// Encrypts a signed token: a nested JWT in compact form (RFC 7519 §5.2, RFC 7516 §5.1).
    pub fn encrypt(&self, jwt: &str, entropy: &mut dyn Entropy) -> Result<String, JoseError> {
        let (content_key, encrypted_key, epk) = match &self.key.to {
            To::Rsa(key) => {
                let content_key = Zeroizing::new(random(entropy));
                let mut encrypted = vec![0; key.ciphertext_size()];
                key.encrypt(&OAEP_SHA256_MGF1SHA256, &*content_key, &mut encrypted, None)
                    .map_err(|_| JoseError::Crypto)?;
                (content_key, encrypted, None)
            }
            To::P256(peer) => {
                let own = PrivateKey::generate(&ECDH_P256).map_err(|_| JoseError::Crypto)?;
                (agree(&own, peer, self.enc.as_str())?, Vec::new(), Some(ephemeral(&own)?))
            }
        };
        let (alg, kid) = (self.key.alg(), self.key.kid.as_ref());
        let header = serde_json::to_vec(&Header { alg, enc: self.enc, cty: "JWT", kid, epk });
        let header = b64(&header.map_err(|_| JoseError::Claims)?);
        let sealed = seal(self.enc, &content_key, jwt.as_bytes(), &header, entropy)?;
        let mut token = header;
        for part in [&encrypted_key, &sealed.iv, &sealed.ciphertext, &sealed.tag] {
            token.push('.');
            b64_onto(&mut token, part);
        }
        Ok(token)
    }
}

fn ephemeral(own: &PrivateKey) -> Result<EphemeralKey, JoseError> {
    let public = own.compute_public_key().map_err(|_| JoseError::Crypto)?;
    let (x, y) = point_halves(public.as_ref()).ok_or(JoseError::Crypto)?;
    Ok(EphemeralKey { kty: "EC", crv: "P-256", x: b64(x), y: b64(y) })
}

/// The key that `own` and `peer` share for `algorithm` (RFC 7518 §4.6).
pub(super) fn agree(own: &PrivateKey, peer: &[u8], algorithm: &str) -> Result<ContentKey, JoseError> {
    let derive = |secret: &[u8]| Ok(concat_kdf(secret, algorithm, ["", ""], 256));
    agreement::agree(own, UnparsedPublicKey::new(&ECDH_P256, peer), JoseError::Crypto, derive)
}

/// The one round of the Concat KDF that a key of up to 256 bits takes (RFC 7518 §4.6.2). We say nothing of the parties.
pub(super) fn concat_kdf(secret: &[u8], algorithm: &str, parties: [&str; 2], bits: u32) -> ContentKey {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&1_u32.to_be_bytes());
    hash.update(secret);
    for text in [&[algorithm][..], &parties].concat() {
        hash.update(&(text.len() as u32).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(&bits.to_be_bytes());
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(hash.finish().as_ref());
    key
}

/// Encrypted and authenticated content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

/// Encrypts `content` and authenticates it together with `header`, the token's encoded header.
pub(super) fn seal(
    enc: ContentEncryption,
    key: &[u8; 32],
    content: &[u8],
    header: &str,
    entropy: &mut dyn Entropy,
) -> Result<Sealed, JoseError> {
    match enc {
        ContentEncryption::A128CbcHs256 => seal_cbc(key, content, header, random(entropy)),
        ContentEncryption::A256Gcm => seal_gcm(key, content, header, random(entropy)),
    }
    .map_err(|_| JoseError::Crypto)
}

/// The first half of the key authenticates, the second encrypts (RFC 7518 §5.2.2.1).
fn seal_cbc(key: &[u8; 32], content: &[u8], header: &str, iv: [u8; 16]) -> Result<Sealed, Unspecified> {
    let (mac_key, cipher_key) = key.split_at(16);
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, cipher_key)?)?;
    let mut ciphertext = content.to_vec();
    cipher.less_safe_encrypt(&mut ciphertext, EncryptionContext::Iv128(FixedLength::from(iv)))?;
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, mac_key));
    for part in [header.as_bytes(), &iv, &ciphertext, &(header.len() as u64 * 8).to_be_bytes()] {
        mac.update(part);
    }
    let tag = mac.sign().as_ref().iter().copied().take(16).collect();
    Ok(Sealed { iv: iv.to_vec(), ciphertext, tag })
}

fn seal_gcm(key: &[u8; 32], content: &[u8], header: &str, iv: [u8; 12]) -> Result<Sealed, Unspecified> {
    let key = LessSafeKey::new(UnboundKey::new(&aead::AES_256_GCM, key)?);
    let (nonce, mut ciphertext) = (Nonce::assume_unique_for_key(iv), content.to_vec());
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut ciphertext)?;
    Ok(Sealed { iv: iv.to_vec(), ciphertext, tag: tag.as_ref().to_vec() })
}
