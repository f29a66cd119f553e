use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::SigningAlg;

/// Base64url without padding (RFC 7515 §2).
pub fn b64(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// Reads what [`b64`] writes and nothing else: padding, another alphabet, white space and non-zero trailing bits are
/// refused, so that a value has one spelling only.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Appends [`b64`] of `data` to `out`.
pub(super) fn b64_onto(out: &mut String, data: &[u8]) {
    URL_SAFE_NO_PAD.encode_string(data, out);
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, data).as_ref())
}

/// HMAC-SHA-256 over `parts`, each preceded by its length, so that no two lists of parts share an input.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    array(mac.sign().as_ref())
}

/// `at_hash`, `c_hash` and `s_hash`: the left half of the text's hash under the ID token's algorithm (OIDC Core
/// §3.1.3.6, §3.3.2.11). EdDSA names no hash of its own; Ed25519 hashes with SHA-512 (RFC 8032 §5.1), and so do clients.
pub fn half_hash(alg: SigningAlg, text: &str) -> String {
    let hash = match alg {
        SigningAlg::Rs256 | SigningAlg::Ps256 | SigningAlg::Es256 | SigningAlg::Hs256 => &digest::SHA256,
        SigningAlg::EdDsa => &digest::SHA512,
    };
    let hash = digest::digest(hash, text.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    b64(left)
}

fn array(hash: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash);
    out
}
