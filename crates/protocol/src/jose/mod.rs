//! JSON Object Signing and Encryption: keys, key sets, signed and encrypted tokens (RFC 7515 to 7518, 7638, 8037).
//!
//! Flows in: a sealed key's PKCS#8 bytes or an application's secret, and claims. Flows out: a compact JWS, or the
//! claims of one that was checked. A key is parsed once and kept, for parsing costs more than signing.
//!
//! The algorithm always comes from the key, never from a token's header. A public key ([`VerifyingKey`]) and a shared
//! secret ([`HmacKey`]) are different types, so that neither can stand in for the other.
//!
//! A further algorithm is a variant of [`SigningAlg`] and [`KeyAlg`]; the compiler then points at each place to fill.

mod alg;
mod client_keys;
mod hash;
mod header;
mod jwe;
mod jwk;
mod jws;
mod key;
mod material;
#[cfg(test)]
mod tests;

pub use alg::{KeyAlg, SigningAlg};
pub use client_keys::{ClientKeys, ClientKeysError};
pub use hash::{b64, half_hash, hmac_sha256, sha256, unb64};
pub use header::Members;
pub use jwe::{ContentEncryption, KeyManagementAlg, Recipient, is_encrypted};
pub use jwk::{JwkSet, Kid, PublicJwk};
pub use jws::{MAX_HEADER, MAX_JWT, Parsed, Typ, sign, unsecured};
pub use key::{HmacKey, Signer, SigningKey, Verifier, VerifyingKey};

/// Why a key or a token was refused. Fit for a log: no variant carries key material or token text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The token or its header is larger than this module reads.
    #[error("the token or its header is too large")]
    TooLarge,
    /// The text is not a compact JWS (RFC 7515 §7.1); the reason says which part is at fault.
    #[error("not a compact JWS: {0}")]
    Malformed(&'static str),
    /// The header has `crit`, and this module implements no extension (RFC 7515 §4.1.11).
    #[error("the header names critical extensions, of which none is supported")]
    Critical,
    /// The header's `alg` is not the algorithm of the key (RFC 8725 §3.1); `none` is never a key's algorithm.
    #[error("the header's algorithm is not the key's")]
    AlgMismatch,
    /// The signature is not the key's signature over these bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// No key of the client fits the token's `kid` and algorithm.
    #[error("no key of the client fits the token")]
    NoKey,
    /// The payload is not a JSON object of the expected shape, or the claims could not be written as one.
    #[error("the claims do not have the expected shape")]
    Claims,
    /// The key is unusable; the reason says why.
    #[error("key refused: {0}")]
    KeyRefused(crate::said::Pair),
    /// The cryptographic library failed while generating a key or signing.
    #[error("the cryptographic operation failed")]
    Crypto,
}
