//! Proof Key for Code Exchange (RFC 7636).

use subtle::ConstantTimeEq;

use crate::jose;

/// `code_challenge_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeMethod {
    /// The challenge is the verifier (RFC 7636 §4.2); accepted only where the application allows it.
    Plain,
    /// The challenge is the verifier's SHA-256.
    S256,
}

impl ChallengeMethod {
    /// The registered spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            ChallengeMethod::Plain => "plain",
            ChallengeMethod::S256 => "S256",
        }
    }

    /// From the registered spelling.
    pub fn parse(text: &str) -> Option<ChallengeMethod> {
        [ChallengeMethod::Plain, ChallengeMethod::S256].into_iter().find(|method| method.as_str() == text)
    }
}

/// A `code_challenge` with its method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge {
    /// How it is compared.
    pub method: ChallengeMethod,
    value: String,
}

impl CodeChallenge {
    /// Parses a challenge; `None` unless it is 43 to 128 unreserved characters, and exactly 43 for `S256`.
    pub fn parse(value: &str, method: ChallengeMethod) -> Option<CodeChallenge> {
        let length = match method {
            ChallengeMethod::S256 => value.len() == 43,
            ChallengeMethod::Plain => true,
        };
        (length && is_verifier(value)).then(|| CodeChallenge { method, value: value.to_owned() })
    }

    /// The challenge as sent.
    pub fn value(&self) -> &str {
        &self.value
    }

    fn fits(&self, verifier: &str) -> bool {
        let shown = match self.method {
            ChallengeMethod::Plain => verifier.to_owned(),
            ChallengeMethod::S256 => jose::b64(&jose::sha256(verifier.as_bytes())),
        };
        is_verifier(verifier) && shown.as_bytes().ct_eq(self.value.as_bytes()).into()
    }
}

/// Whether a token request proves possession (RFC 7636 §4.6): a challenge needs its verifier, and a verifier nobody asked
/// for is refused (RFC 9700 §4.8.2, attack 4). This one function decides all four cases.
pub fn proves(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (Some(challenge), Some(verifier)) => challenge.fits(verifier),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_vector_of_rfc_7636_appendix_b() {
        let challenge = CodeChallenge::parse(CHALLENGE, ChallengeMethod::S256).unwrap();
        assert!(proves(Some(&challenge), Some(VERIFIER)));
        assert!(!proves(Some(&challenge), Some(CHALLENGE)));
    }

    #[test]
    fn attack_04_every_combination_of_challenge_method_and_verifier() {
        let s256 = CodeChallenge::parse(CHALLENGE, ChallengeMethod::S256);
        let plain = CodeChallenge::parse(VERIFIER, ChallengeMethod::Plain);
        for (challenge, verifier, proved) in [
            (&s256, Some(VERIFIER), true),
            (&s256, None, false),
            (&s256, Some(""), false),
            (&plain, Some(VERIFIER), true),
            (&plain, Some(CHALLENGE), false),
            (&plain, None, false),
            (&None, None, true),
            (&None, Some(VERIFIER), false),
        ] {
            assert_eq!(proves(challenge.as_ref(), verifier), proved, "{challenge:?} {verifier:?}");
        }
    }

    #[test]
    fn challenges_have_a_form() {
        for bad in ["", "short", &"a".repeat(42), &"a".repeat(44), &"a".repeat(129), &"=".repeat(43)] {
            assert_eq!(CodeChallenge::parse(bad, ChallengeMethod::S256), None, "{bad}");
        }
        assert!(CodeChallenge::parse(&"a".repeat(128), ChallengeMethod::Plain).is_some());
        assert!(CodeChallenge::parse(&"a".repeat(129), ChallengeMethod::Plain).is_none());
        assert_eq!(ChallengeMethod::parse("s256"), None);
    }
}
