//! Parameters as they arrive: decoded once, bounded, and never repeated (RFC 6749 §3.1, §3.2).

use std::fmt;

use crate::limits::{PARAM_NAME_BYTES, PARAM_VALUE_BYTES, PARAMS_BYTES, PARAMS_COUNT};

/// The decoded pairs of a query string or form body, in order, before any meaning is given to them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawParams {
    pairs: Vec<(String, String)>,
}

/// Why a text is not a list of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// More bytes than [`PARAMS_BYTES`].
    #[error("the request is longer than 32 KiB")]
    TooLong,
    /// More pairs than [`PARAMS_COUNT`].
    #[error("the request has more than 64 parameters")]
    TooMany,
    /// A name longer than [`PARAM_NAME_BYTES`] or a value longer than [`PARAM_VALUE_BYTES`].
    #[error("a parameter is longer than 16 KiB, or its name longer than 128 bytes")]
    ParameterTooLong,
    /// A `%` without two hexadecimal digits, bytes that are not UTF-8, or a NUL.
    #[error("a parameter is not UTF-8 in application/x-www-form-urlencoded form")]
    Malformed,
}

impl ParamsError {
    /// Whether the input was refused for its size, not for its form.
    pub fn is_size(self) -> bool {
        self != ParamsError::Malformed
    }
}

impl RawParams {
    /// Parses `application/x-www-form-urlencoded` text.
    pub fn parse(text: &[u8]) -> Result<RawParams, ParamsError> {
        if text.len() > PARAMS_BYTES {
            return Err(ParamsError::TooLong);
        }
        let mut pairs = Vec::new();
        for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == PARAMS_COUNT {
                return Err(ParamsError::TooMany);
            }
            let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
                Some(at) => (piece.get(..at).unwrap_or_default(), piece.get(at + 1..).unwrap_or_default()),
                None => (piece, &[][..]),
            };
            let (name, value) = (decode(name)?, decode(value)?);
            if name.len() > PARAM_NAME_BYTES || value.len() > PARAM_VALUE_BYTES {
                return Err(ParamsError::ParameterTooLong);
            }
            pairs.push((name, value));
        }
        Ok(RawParams { pairs })
    }

    /// The value of `name`; a parameter without a value counts as absent (RFC 6749 §3.1).
    ///
    /// Meaningful only once [`RawParams::duplicate`] has been looked at; of repeated ones this is the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// Whether `name` is there at all, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(n, _)| n == name)
    }

    /// Whether `name` occurs more than once.
    pub fn repeats(&self, name: &str) -> bool {
        self.pairs.iter().filter(|(n, _)| n == name).nth(1).is_some()
    }

    /// Whether any parameter occurs more than once.
    pub fn duplicate(&self) -> bool {
        self.pairs.iter().any(|(name, _)| self.repeats(name))
    }

    /// Whether any parameter but `name` occurs more than once.
    pub fn repeats_besides(&self, name: &str) -> bool {
        self.pairs.iter().any(|(other, _)| other != name && self.repeats(other))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Only the parameters named: what nobody reads is not kept.
    pub fn only(&self, names: &[&str]) -> RawParams {
        let kept = self.pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
        RawParams { pairs: kept.cloned().collect() }
    }

    /// These and then `more`; what is in both is there twice.
    pub fn and(mut self, more: RawParams) -> RawParams {
        self.pairs.extend(more.pairs);
        self
    }

    /// Adds a parameter that was found elsewhere.
    pub fn add(&mut self, name: &str, value: &str) {
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    /// Back to `application/x-www-form-urlencoded` text, to be kept and parsed again.
    pub fn encode(&self) -> String {
        encode_pairs(self.pairs())
    }
}

/// Names only: values may be secrets (attack 25).
impl fmt::Debug for RawParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// Writes pairs as `application/x-www-form-urlencoded`, escaping everything but unreserved characters.
pub fn encode_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode_into(&mut text, name);
        text.push('=');
        encode_into(&mut text, value);
    }
    text
}

fn encode_into(text: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            _ => {
                text.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    text.push(char::from(*HEX.get(usize::from(nibble)).unwrap_or(&b'0')));
                }
            }
        }
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte, the whole is UTF-8 without NUL.
pub fn decode(text: &[u8]) -> Result<String, ParamsError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(ParamsError::Malformed),
            },
            0 => return Err(ParamsError::Malformed),
            other => other,
        });
    }
    if bytes.contains(&0) {
        return Err(ParamsError::Malformed);
    }
    String::from_utf8(bytes).map_err(|_| ParamsError::Malformed)
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parses_what_forms_send() {
        let params = RawParams::parse(b"a=1&b=x+y&c=%E4%BD%A0&d&e=&=f&&a%3D=2").unwrap();
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.get("b"), Some("x y"));
        assert_eq!(params.get("c"), Some("你"));
        assert_eq!((params.get("d"), params.has("d")), (None, true));
        assert_eq!(params.get("e"), None);
        assert_eq!(params.get("a="), Some("2"));
        assert!(!params.duplicate());
    }

    #[test]
    fn attack_02_repeats_are_seen_however_they_are_written() {
        for text in ["a=1&a=1", "a=1&%61=2", "a&a", "a=&b=1&a="] {
            let params = RawParams::parse(text.as_bytes()).unwrap();
            assert!(params.duplicate() && params.repeats("a"), "{text}");
        }
    }

    #[test]
    fn attack_21_size_and_form_are_bounded() {
        let long = vec![b'a'; PARAMS_BYTES + 1];
        assert_eq!(RawParams::parse(&long), Err(ParamsError::TooLong));
        let many = "a=1&".repeat(PARAMS_COUNT + 1);
        assert_eq!(RawParams::parse(many.as_bytes()), Err(ParamsError::TooMany));
        let name = "n".repeat(PARAM_NAME_BYTES + 1);
        assert_eq!(RawParams::parse(name.as_bytes()), Err(ParamsError::ParameterTooLong));
        let value = format!("v={}", "x".repeat(PARAM_VALUE_BYTES + 1));
        assert_eq!(RawParams::parse(value.as_bytes()), Err(ParamsError::ParameterTooLong));
        for bad in ["a=%", "a=%1", "a=%zz", "a=%FF", "a=%00", "a=\0", "%=1"] {
            assert_eq!(RawParams::parse(bad.as_bytes()), Err(ParamsError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn attack_25_debug_shows_names_only() {
        let shown = format!("{:?}", RawParams::parse(b"password=hunter2").unwrap());
        assert!(shown.contains("password") && !shown.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn encode_then_parse_is_identity(pairs in prop::collection::vec(("[^\0]{1,20}", "[^\0]{0,60}"), 0..20)) {
            let text = encode_pairs(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            let parsed = RawParams::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(&parsed.pairs, &pairs);
            prop_assert_eq!(RawParams::parse(parsed.encode().as_bytes()).unwrap(), parsed);
        }

        #[test]
        fn any_bytes_parse_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(params) = RawParams::parse(&bytes) {
                prop_assert!(params.pairs().all(|(n, v)| !n.contains('\0') && !v.contains('\0')));
                prop_assert_eq!(RawParams::parse(params.encode().as_bytes()).unwrap(), params);
            }
        }
    }
}
