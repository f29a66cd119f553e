//! Secrets and their hashes: different types, redacted, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::jose;

/// Bytes that must not reach a log, a page or a backup in the clear. No `Serialize`, no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Wraps `bytes`.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Secret {
        Secret(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves, for the cryptographic call that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether `presented` is this secret, in time that does not depend on where they differ.
    pub fn matches(&self, presented: &[u8]) -> bool {
        jose::sha256(&self.0).ct_eq(&jose::sha256(presented)).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret under a label: all that is stored of codes, cookies and tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes `secret` under `label`, so that a hash made for one purpose never fits another (attack 5).
    pub fn of(label: &str, secret: &[u8]) -> SecretHash {
        let mut text = Vec::with_capacity(label.len() + 1 + secret.len());
        text.extend_from_slice(label.as_bytes());
        text.push(0);
        text.extend_from_slice(secret);
        SecretHash(jose::sha256(&text))
    }

    /// As read from storage; `None` when the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<SecretHash> {
        bytes.try_into().ok().map(SecretHash)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Constant-time equality.
    pub fn matches(&self, other: &SecretHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_25_a_secret_prints_nothing_of_itself() {
        let secret = Secret::new("hunter2-hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:?}", SecretHash::of("x", secret.expose())), "SecretHash(…)");
    }

    #[test]
    fn attack_05_a_hash_made_under_one_label_never_fits_another() {
        let hash = SecretHash::of("code", b"same");
        assert!(hash.matches(&SecretHash::of("code", b"same")));
        assert!(!hash.matches(&SecretHash::of("session", b"same")));
        assert!(!SecretHash::of("a", b"b\0c").matches(&SecretHash::of("a\0b", b"c\0")));
    }

    #[test]
    fn matches_compares_the_whole_text() {
        let secret = Secret::new("0123456789");
        assert!(secret.matches(b"0123456789"));
        for wrong in ["", "012345678", "01234567890", "0123456788"] {
            assert!(!secret.matches(wrong.as_bytes()), "{wrong}");
        }
    }
}
