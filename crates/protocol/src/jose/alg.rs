use std::fmt;

use serde::{Deserialize, Serialize};

/// A signature algorithm by its JOSE name (RFC 7518 §3.1). `none` is not among them and cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SigningAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// RSASSA-PSS with SHA-256 and MGF1 with SHA-256 (RFC 7518 §3.5).
    Ps256,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// Ed25519 (RFC 8037 §3.1).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// HMAC with SHA-256 (RFC 7518 §3.2), keyed by the client secret (OIDC Core §10.1).
    Hs256,
}

impl SigningAlg {
    /// Every algorithm, the default first.
    pub const ALL: &[Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa, Self::Hs256];

    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of this exact, case-sensitive name; anything else, `none` included, is `None`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|alg| alg.as_str() == name)
    }

    /// The key algorithm that signs with this, or `None` for HS256, which has no key record.
    pub const fn key_alg(self) -> Option<KeyAlg> {
        match self {
            Self::Rs256 => Some(KeyAlg::Rs256),
            Self::Ps256 => Some(KeyAlg::Ps256),
            Self::Es256 => Some(KeyAlg::Es256),
            Self::EdDsa => Some(KeyAlg::EdDsa),
            Self::Hs256 => None,
        }
    }
}

impl fmt::Display for SigningAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The algorithm of an asymmetric key record. A record has exactly one, and the key is used for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyAlg {
    /// An RSA key of 2048 to 4096 bits, signing with [`SigningAlg::Rs256`].
    Rs256,
    /// An RSA key of 2048 to 4096 bits, signing with [`SigningAlg::Ps256`].
    Ps256,
    /// A P-256 key, signing with [`SigningAlg::Es256`].
    Es256,
    /// An Ed25519 key, signing with [`SigningAlg::EdDsa`].
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl KeyAlg {
    /// Every key algorithm, the default first.
    pub const ALL: &[Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The JOSE name.
    pub const fn as_str(self) -> &'static str {
        self.signing_alg().as_str()
    }

    /// The key algorithm of this exact name; `HS256` is refused like any other that is not asymmetric.
    pub fn parse(name: &str) -> Option<Self> {
        SigningAlg::parse(name)?.key_alg()
    }

    const fn signing_alg(self) -> SigningAlg {
        match self {
            Self::Rs256 => SigningAlg::Rs256,
            Self::Ps256 => SigningAlg::Ps256,
            Self::Es256 => SigningAlg::Es256,
            Self::EdDsa => SigningAlg::EdDsa,
        }
    }
}

impl From<KeyAlg> for SigningAlg {
    fn from(alg: KeyAlg) -> Self {
        alg.signing_alg()
    }
}

impl fmt::Display for KeyAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
