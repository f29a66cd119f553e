use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use super::hash::{b64, sha256};
use super::{JoseError, KeyAlg};
use crate::said::Pair;

const DER_SEQUENCE: u8 = 0x30;
const DER_INTEGER: u8 = 0x02;
const UNCOMPRESSED_POINT: u8 = 0x04;

/// The numbers of a public key, of a size that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Material {
    /// Modulus and exponent, big-endian without leading zeros (RFC 7518 §6.3.1).
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point on P-256 (RFC 7518 §6.2.1).
    P256 { x: [u8; 32], y: [u8; 32] },
    /// A point of Ed25519 (RFC 8037 §2).
    Ed25519 { x: [u8; 32] },
}

impl Material {
    /// An RSA public key. Refuses a modulus outside 2048 to 4096 bits, an exponent that is even, below 3 or above 32
    /// bits, and leading zeros.
    pub(super) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JoseError> {
        if !matches!(bits(&n), Some(2048..=4096)) {
            return Err(JoseError::KeyRefused(Pair(
                "an RSA key has 2048 to 4096 bits",
                "RSA 密钥须为 2048 到 4096 位",
            )));
        }
        if !matches!(bits(&e), Some(2..=32)) || e.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(JoseError::KeyRefused(Pair(
                "an RSA exponent is odd, at least 3 and at most 32 bits long",
                "RSA 指数须为奇数，不小于 3，不超过 32 位",
            )));
        }
        Ok(Self::Rsa { n, e })
    }

    /// The RSA public key in a DER `RSAPublicKey` (RFC 8017 A.1.1).
    pub(super) fn rsa_from_der(der: &[u8]) -> Result<Self, JoseError> {
        let (n, e) = rsa_integers(der)
            .ok_or(JoseError::KeyRefused(Pair("not an RSAPublicKey", "不是 RSAPublicKey")))?;
        Self::rsa(n.to_vec(), e.to_vec())
    }

    /// A P-256 point. Refuses coordinates that are not 32 bytes; whether it is on the curve shows in [`Self::parse`].
    pub(super) fn p256(x: &[u8], y: &[u8]) -> Result<Self, JoseError> {
        let coordinate = |bytes: &[u8]| {
            bytes.try_into().map_err(|_| {
                JoseError::KeyRefused(Pair("a P-256 coordinate has 32 bytes", "P-256 坐标须为 32 字节"))
            })
        };
        Ok(Self::P256 { x: coordinate(x)?, y: coordinate(y)? })
    }

    /// The P-256 point in its uncompressed form (SEC 1 §2.3.3).
    pub(super) fn p256_from_point(point: &[u8]) -> Result<Self, JoseError> {
        let (x, y) = point_halves(point)
            .ok_or(JoseError::KeyRefused(Pair("not an uncompressed P-256 point", "不是未压缩的 P-256 点")))?;
        Self::p256(x, y)
    }

    /// An Ed25519 point. Refuses anything but 32 bytes.
    pub(super) fn ed25519(x: &[u8]) -> Result<Self, JoseError> {
        let x = x.try_into().map_err(|_| {
            JoseError::KeyRefused(Pair("an Ed25519 key has 32 bytes", "Ed25519 密钥须为 32 字节"))
        })?;
        Ok(Self::Ed25519 { x })
    }

    /// The algorithms a key of these numbers can have.
    pub(super) fn algs(&self) -> &'static [KeyAlg] {
        match self {
            Self::Rsa { .. } => &[KeyAlg::Rs256, KeyAlg::Ps256],
            Self::P256 { .. } => &[KeyAlg::Es256],
            Self::Ed25519 { .. } => &[KeyAlg::EdDsa],
        }
    }

    /// SHA-256 over the required members in lexical order (RFC 7638 §3).
    pub(super) fn thumbprint(&self) -> String {
        let json = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(e), b64(n)),
            Self::P256 { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, b64(x), b64(y))
            }
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(x)),
        };
        b64(&sha256(json.as_bytes()))
    }

    /// The key ready to verify with. Refuses a point that is not on the curve.
    pub(super) fn parse(&self, alg: KeyAlg) -> Result<ParsedPublicKey, JoseError> {
        let parsed = match (alg, self) {
            (KeyAlg::Rs256, Self::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
            (KeyAlg::Ps256, Self::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256)
            }
            (KeyAlg::EdDsa, Self::Ed25519 { x }) => ParsedPublicKey::new(&ED25519, x),
            (KeyAlg::Es256, Self::P256 { x, y }) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(x, y))
            }
            _ => {
                return Err(JoseError::KeyRefused(Pair(
                    "the algorithm is not one of this key type",
                    "该算法不适用于此类密钥",
                )));
            }
        };
        parsed.map_err(|_| JoseError::KeyRefused(Pair("not a valid public key", "不是有效的公钥")))
    }
}

/// A P-256 point in its uncompressed form (SEC 1 §2.3.3).
pub(super) fn point(x: &[u8; 32], y: &[u8; 32]) -> Vec<u8> {
    [&[UNCOMPRESSED_POINT], x.as_slice(), y.as_slice()].concat()
}

/// The coordinates of an uncompressed P-256 point.
pub(super) fn point_halves(point: &[u8]) -> Option<(&[u8], &[u8])> {
    match point.split_first() {
        Some((&UNCOMPRESSED_POINT, xy)) if xy.len() == 64 => Some(xy.split_at(32)),
        _ => None,
    }
}

/// The length in bits of a big-endian number, or `None` if it is empty or has leading zeros.
fn bits(number: &[u8]) -> Option<usize> {
    let first = number.first().filter(|byte| **byte != 0)?;
    Some(number.len() * 8 - first.leading_zeros() as usize)
}

fn rsa_integers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = der_value(der, DER_SEQUENCE)?;
    let (n, after_n) = der_value(sequence, DER_INTEGER)?;
    let (e, after_e) = der_value(after_n, DER_INTEGER)?;
    (rest.is_empty() && after_e.is_empty()).then_some((unsigned(n), unsigned(e)))
}

/// The content of the DER value at the front of `input`, which must have this tag, and what follows it.
fn der_value(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, content) = match input {
        [t, length @ 0..=0x7f, rest @ ..] if *t == tag => (usize::from(*length), rest),
        [t, 0x81, length, rest @ ..] if *t == tag => (usize::from(*length), rest),
        [t, 0x82, high, low, rest @ ..] if *t == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    content.split_at_checked(length)
}

/// A DER integer begins with a zero byte when its highest bit is set; a JWK number does not.
fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
