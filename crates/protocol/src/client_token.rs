//! Tokens that clients make, assertions and request objects: what they are verified with, and the claims they share (RFC 7519
//! §4.1).

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    application::ActiveApplication,
    error::Refusal,
    jose::{ClientKeys, HmacKey, JoseError, Parsed, SigningAlg, Verifier},
    time::{Seconds, Timestamp},
};

/// How far a client's clock may differ from ours.
pub const CLIENT_SKEW: Seconds = Seconds(60);

/// Why a token that a client made is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTokenError {
    /// None of its keys verifies it. Those of a newer set might.
    Key,
    /// It is refused.
    Refused(Refusal),
}

impl From<Refusal> for ClientTokenError {
    fn from(refusal: Refusal) -> ClientTokenError {
        ClientTokenError::Refused(refusal)
    }
}

/// The claims of a token once a key of the application is found to have signed it with `alg`: its secret for HS256, one of
/// `keys` for all others. No key of one kind can stand in for one of the other (attack 7).
///
/// # Errors
/// [`JoseError::NoKey`] and [`JoseError::BadSignature`] when none did, others when it cannot be read.
pub fn verify<T: DeserializeOwned>(
    parsed: &Parsed<'_>,
    alg: SigningAlg,
    application: &ActiveApplication,
    keys: Option<&ClientKeys>,
) -> Result<T, JoseError> {
    match (alg.key_alg(), keys, &application.secret) {
        (Some(alg), Some(keys), _) => keys.verify(parsed, alg),
        (None, _, Some(secret)) => parsed.verify(Verifier::Hmac(&HmacKey::new(secret.expose())?)),
        (Some(_), None, _) | (None, _, None) => Err(JoseError::NoKey),
    }
}

/// `aud`: one value or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// A text.
    One(String),
    /// A list of texts.
    Many(Vec<String>),
}

impl Audience {
    /// Its values.
    pub fn values(&self) -> &[String] {
        match self {
            Audience::One(value) => std::slice::from_ref(value),
            Audience::Many(values) => values,
        }
    }
}

/// When a token is good, as far as it says.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Validity {
    /// Not at or after this moment.
    #[serde(default, deserialize_with = "date")]
    pub exp: Option<Timestamp>,
    /// Not before this moment.
    #[serde(default, deserialize_with = "date")]
    pub nbf: Option<Timestamp>,
    /// When it was made.
    #[serde(default, deserialize_with = "date")]
    pub iat: Option<Timestamp>,
}

impl Validity {
    /// Whether it is over, by the slower of both clocks.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.exp.is_some_and(|exp| now >= exp.plus(CLIENT_SKEW))
    }

    /// Whether it is still to come, by the faster of both clocks.
    pub fn is_to_come(&self, now: Timestamp) -> bool {
        [self.nbf, self.iat].into_iter().flatten().any(|from| from > now.plus(CLIENT_SKEW))
    }
}

/// A NumericDate, which may have a fraction (RFC 7519 §2). A cast from one that is out of range saturates.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and a fraction of a second is not looked at"
    )]
    Ok(Some(Timestamp(f64::deserialize(deserializer)?.floor() as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity(json: &str) -> Result<Validity, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn dates_may_have_fractions_and_no_other_form() {
        let read = validity(r#"{"exp": 100.9, "nbf": 5, "other": "x"}"#).unwrap();
        assert_eq!((read.exp, read.nbf, read.iat), (Some(Timestamp(100)), Some(Timestamp(5)), None));
        assert_eq!(validity(r#"{"exp": 1e300}"#).unwrap().exp, Some(Timestamp(i64::MAX)));
        assert_eq!(validity(r#"{"exp": -1e300}"#).unwrap().exp, Some(Timestamp(i64::MIN)));
        for bad in [r#"{"exp": "100"}"#, r#"{"exp": null}"#, r#"{"exp": [1]}"#, r#"{"iat": true}"#] {
            assert!(validity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let now = Timestamp(1000);
        for (json, over, to_come) in [
            (r#"{}"#, false, false),
            (r#"{"exp": 941}"#, false, false),
            (r#"{"exp": 940}"#, true, false),
            (r#"{"nbf": 1060}"#, false, false),
            (r#"{"nbf": 1061}"#, false, true),
            (r#"{"iat": 1061}"#, false, true),
            (r#"{"exp": 1e300}"#, false, false),
        ] {
            let read = validity(json).unwrap();
            assert_eq!((read.is_over(now), read.is_to_come(now)), (over, to_come), "{json}");
        }
    }
}
