//! Where request objects may be fetched from: what is registered, and nothing that only looks like it (attack 10).

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    jose::{sha256, unb64},
    limits::REQUEST_URI_BYTES,
    said::Pair,
};

/// A registered `request_uris` entry: one address, or with a slash at its end every address below it. Compared byte by
/// byte, and never normalised.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestUri(String);

impl RequestUri {
    /// Reads an entry.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(text: &str) -> Result<RequestUri, Pair> {
        let rest = text.strip_prefix("https://").or(text.strip_prefix("http://"));
        let (host, path) = rest.and_then(|rest| rest.split_once('/')).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'#');
        let fits = text.len() <= REQUEST_URI_BYTES && text.bytes().all(plain);
        if fits && !host.is_empty() && !host.contains(['@', '?']) && is_straight(path) {
            Ok(RequestUri(text.to_owned()))
        } else {
            Err(Pair(
                "must be an https:// URL with a path and without user, fragment and dot segments; with a slash at its end it \
                 stands for all below it",
                "须为带路径的 https:// URL，不含用户名、片段和点段；以斜杠结尾时表示其下的所有地址",
            ))
        }
    }

    /// As it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn covers(&self, url: &str) -> bool {
        match url.strip_prefix(&self.0) {
            Some("") => true,
            Some(below) => self.0.ends_with('/') && is_below(below),
            None => false,
        }
    }
}

impl fmt::Debug for RequestUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestUri({})", self.0)
    }
}

impl From<RequestUri> for String {
    fn from(uri: RequestUri) -> String {
        uri.0
    }
}

impl TryFrom<String> for RequestUri {
    type Error = Pair;

    fn try_from(text: String) -> Result<RequestUri, Pair> {
        RequestUri::parse(&text)
    }
}

/// Whether no segment of a path leads up again, however it is written.
fn is_straight(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Whether what follows a registered prefix can mean nothing but a place below it.
fn is_below(rest: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'=');
    rest.bytes().all(plain) && is_straight(rest)
}

/// An address that may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestReference<'a> {
    /// The address, without a fragment.
    pub url: &'a str,
    hash: Option<[u8; 32]>,
}

impl RequestReference<'_> {
    /// Whether `document` is the one whose hash the address names, if it names one (OpenID Connect Core §6.2).
    pub fn is_of(&self, document: &[u8]) -> bool {
        self.hash.is_none_or(|hash| hash.ct_eq(&sha256(document)).into())
    }
}

/// Finds `asked` among what is `registered`. A fragment must be the hash of the document.
pub fn find<'a>(asked: &'a str, registered: &[RequestUri]) -> Option<RequestReference<'a>> {
    let (url, fragment) = match asked.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (asked, None),
    };
    let hash = match fragment {
        Some(fragment) => Some(<[u8; 32]>::try_from(unb64(fragment)?).ok()?),
        None => None,
    };
    let fits = asked.len() <= REQUEST_URI_BYTES && registered.iter().any(|uri| uri.covers(url));
    fits.then_some(RequestReference { url, hash })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::b64;

    fn found(asked: &str, registered: &str) -> bool {
        find(asked, &[RequestUri::parse(registered).unwrap()]).is_some()
    }

    #[test]
    fn attack_10_only_what_is_registered_is_found() {
        let one = "https://rp.example/req.jwt?v=1";
        assert!(found(one, one));
        for other in [
            "https://rp.example/req.jwt",
            "https://rp.example/req.jwt?v=1&x",
            "https://rp.example/req.jwt?v=1/",
            "HTTPS://rp.example/req.jwt?v=1",
            "https://rp.example:443/req.jwt?v=1",
            "http://rp.example/req.jwt?v=1",
            "https://rp.example/%72eq.jwt?v=1",
            "https://rp.example.evil/req.jwt?v=1",
            "",
            "#",
        ] {
            assert!(!found(other, one), "{other}");
        }
    }

    #[test]
    fn attack_10_a_prefix_covers_what_is_below_it_only() {
        let prefix = "https://rp.example/req/";
        for below in ["a", "a.jwt", "a/b.jwt", "a-b_c~d=", "..a", "a..", ""] {
            assert!(found(&format!("{prefix}{below}"), prefix), "{below}");
        }
        for beside in [
            "..",
            "../x",
            "a/../../x",
            "./x",
            "%2e%2e/x",
            "%2E%2e/x",
            "..%2fx",
            "a?x=1",
            "a\\..\\x",
            "a;x",
            "a%00",
            "a@b",
            "ä",
        ] {
            assert!(!found(&format!("{prefix}{beside}"), prefix), "{beside}");
        }
        assert!(!found("https://rp.example/reqx", "https://rp.example/req"), "no slash, no prefix");
        assert!(!found("https://rp.example.evil/", "https://rp.example/"));
    }

    #[test]
    fn a_fragment_is_the_hash_of_the_document() {
        let one = "https://rp.example/req.jwt";
        let asked = format!("{one}#{}", b64(&sha256(b"document")));
        let reference = find(&asked, &[RequestUri::parse(one).unwrap()]).unwrap();
        assert_eq!(reference.url, one);
        assert!(reference.is_of(b"document") && !reference.is_of(b"other"));
        for bad in ["#", "#x", &format!("#{}=", b64(&[0; 32])), &format!("#{}", b64(&[0; 31]))] {
            assert!(!found(&format!("{one}{bad}"), one), "{bad}");
        }
        assert!(find(one, &[RequestUri::parse(one).unwrap()]).unwrap().is_of(b"anything"));
    }

    #[test]
    fn a_registered_address_is_plain() {
        for good in ["https://rp.example/", "http://localhost:3000/req", "https://[::1]/x?y=%2F"] {
            assert!(RequestUri::parse(good).is_ok(), "{good}");
        }
        let long = format!("https://rp.example/{}", "x".repeat(REQUEST_URI_BYTES));
        for bad in [
            "",
            "rp.example/",
            "https://rp.example",
            "https:///x",
            "https://u@rp.example/",
            "https://rp.example/#x",
            "https://rp.example/../x",
            "https://rp.example/%2E./x",
            "https://rp.example/ x",
            "https://rp.example\\/x",
            "ftp://rp.example/",
            "javascript:alert(1)/",
            "https://rp.example?/x",
            &long,
        ] {
            assert!(RequestUri::parse(bad).is_err(), "{bad}");
        }
    }
}
