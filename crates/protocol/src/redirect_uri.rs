//! `redirect_uri`: strict syntax, exact comparison, and a proof type for what may be redirected to.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

use crate::{limits::REDIRECT_URI_BYTES, params::encode_pairs, says};

/// A URI with the syntax of RFC 3986 that may be registered as a callback: absolute, without fragment or user
/// information, of an allowed scheme. Kept byte for byte; nothing is ever normalised (attack 1).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri {
    text: String,
    scheme: Scheme,
    origin_end: usize,
}

/// What kind of callback a URI is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `https`.
    Https,
    /// `http` to this machine: `127.0.0.1`, `[::1]`, `localhost` or a name under `.localhost` (RFC 8252 §7.3).
    HttpLoopback,
    /// `http` to anywhere else.
    Http,
    /// A private-use scheme of a native application: it contains a dot (RFC 8252 §7.1).
    Private,
}

/// Why a text cannot be a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectUriError {
    /// Longer than [`REDIRECT_URI_BYTES`].
    TooLong,
    /// A character that RFC 3986 does not allow, or a `%` without two hexadecimal digits.
    Character,
    /// No scheme, or one that is neither `https`, `http` nor a private-use scheme with a dot.
    Scheme,
    /// No host, a user name in it, a port that is not a number up to 65535, or an address or port in a spelling that
    /// browsers change.
    Authority,
    /// A `#`.
    Fragment,
    /// A `.` or `..` segment, which some readers would resolve to another path.
    DotSegment,
    /// A query parameter that the response itself will carry.
    ProtocolParameter,
}

says!(RedirectUriError {
    RedirectUriError::TooLong => "is longer than 2048 bytes", "超过 2048 字节";
    RedirectUriError::Character =>
        "has a character that a URI may not contain (write it as %XX)",
        "含有 URI 中不允许的字符（请写作 %XX）";
    RedirectUriError::Scheme =>
        "must begin with https://, http:// or a private-use scheme such as com.example.app:/",
        "须以 https://、http:// 或私有协议（例如 com.example.app:/）开头";
    RedirectUriError::Authority =>
        "must name a host without user name, and a valid port if any; addresses and ports in their shortest spelling",
        "须包含主机名且不带用户名，端口（如有）须有效；IP 地址和端口须使用最短写法";
    RedirectUriError::Fragment => "must not have a fragment (#…)", "不得包含片段（#…）";
    RedirectUriError::DotSegment => "must not have . or .. segments in its path", "路径中不得包含 . 或 .. 段";
    RedirectUriError::ProtocolParameter =>
        "must not have a query parameter that belongs to the protocol (such as code, state, error or iss)",
        "查询部分不得包含协议自身的参数（例如 code、state、error 或 iss）";
});

/// Names of the response parameters of the authorization endpoint: a callback that has one already would make the
/// response ambiguous (attack 2).
const RESPONSE_PARAMETERS: &[&str] = &[
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "access_token",
    "id_token",
    "token_type",
    "expires_in",
    "scope",
    "session_state",
    "response",
];

impl RedirectUri {
    /// Parses a callback.
    pub fn parse(text: &str) -> Result<RedirectUri, RedirectUriError> {
        if text.len() > REDIRECT_URI_BYTES {
            return Err(RedirectUriError::TooLong);
        }
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        check_characters(text)?;
        let (scheme, rest) = text.split_once(':').ok_or(RedirectUriError::Scheme)?;
        let kind = classify(scheme)?;
        let (path_start, host) = match rest.strip_prefix("//") {
            Some(after) => {
                let end = after.find(['/', '?']).unwrap_or(after.len());
                let (authority, _) = after.split_at_checked(end).ok_or(RedirectUriError::Authority)?;
                (scheme.len() + 3 + end, Some(check_authority(authority)?))
            }
            None => (scheme.len() + 1, None),
        };
        let kind = match (kind, host) {
            (Scheme::Private, None) => Scheme::Private,
            (_, None | Some("")) => return Err(RedirectUriError::Authority),
            (Scheme::Http, Some(host)) if is_loopback(host) => Scheme::HttpLoopback,
            (kind, Some(_)) => kind,
        };
        let after_authority = text.get(path_start..).unwrap_or_default();
        let (path, query) = after_authority.split_once('?').unwrap_or((after_authority, ""));
        check_path(path)?;
        check_query(query)?;
        Ok(RedirectUri { text: text.to_owned(), scheme: kind, origin_end: path_start })
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind it is.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The source that a Content-Security-Policy or a CORS list names: scheme, host and port, or for a private-use
    /// scheme the scheme alone.
    pub fn origin(&self) -> &str {
        let end = match self.scheme {
            Scheme::Private => self.text.find(':').map_or(0, |at| at + 1),
            _ => self.origin_end,
        };
        self.text.get(..end).unwrap_or_default()
    }

    /// The host, without a port; a private-use scheme without an authority has none.
    pub fn host(&self) -> Option<&str> {
        let (_, authority) = self.text.get(..self.origin_end)?.split_once("://")?;
        split_port(authority).map(|(host, _)| host)
    }

    /// The URI with `pairs` added to its query, which stays in front (RFC 6749 §3.1.2).
    pub fn with_query<'a>(&self, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let joint = match self.text.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{joint}{}", self.text, encode_pairs(pairs))
    }

    /// The origin as browsers write it: without the port that is the scheme's own (RFC 6454 §6.2).
    pub fn web_origin(&self) -> &str {
        let own_port = if self.scheme == Scheme::Https { ":443" } else { ":80" };
        self.origin().strip_suffix(own_port).unwrap_or(self.origin())
    }

    /// Whether this registered URI admits `asked`: the same bytes, or, for a loopback address of a native application,
    /// the same but for the port (RFC 8252 §7.3).
    fn admits(&self, asked: &RedirectUri, any_loopback_port: bool) -> bool {
        self == asked
            || any_loopback_port
                && match (self.loopback_parts(), asked.loopback_parts()) {
                    (Some(registered), Some(asked)) => registered == asked,
                    _ => false,
                }
    }

    /// Host and path of an `http` URI whose host is a loopback IP literal.
    fn loopback_parts(&self) -> Option<(&str, &str)> {
        let (before, path) = self.text.split_at_checked(self.origin_end)?;
        let authority = before.strip_prefix("http://")?;
        let (host, _) = split_port(authority)?;
        matches!(host, "127.0.0.1" | "[::1]").then_some((host, path))
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectUri({})", self.text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> String {
        uri.text
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<RedirectUri, RedirectUriError> {
        RedirectUri::parse(&text)
    }
}

/// A redirect URI that was found in the application's own list. Only [`verify`] makes one, and only one of these can
/// become the target of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRedirectUri(RedirectUri);

impl VerifiedRedirectUri {
    /// The URI as it was asked for.
    pub fn uri(&self) -> &RedirectUri {
        &self.0
    }
}

/// Looks `asked` up in `registered` (OpenID Connect Core §3.1.2.1, RFC 9700 §2.1: exact string comparison).
///
/// `any_loopback_port` is for native applications only.
pub fn verify(
    asked: &str,
    registered: &[RedirectUri],
    any_loopback_port: bool,
) -> Option<VerifiedRedirectUri> {
    let asked = RedirectUri::parse(asked).ok()?;
    registered.iter().any(|uri| uri.admits(&asked, any_loopback_port)).then_some(VerifiedRedirectUri(asked))
}

fn classify(scheme: &str) -> Result<Scheme, RedirectUriError> {
    let legal =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    match scheme {
        "https" => Ok(Scheme::Https),
        "http" => Ok(Scheme::Http),
        other
            if other.contains('.')
                && other.bytes().all(legal)
                && other.starts_with(|c: char| c.is_ascii_lowercase()) =>
        {
            Ok(Scheme::Private)
        }
        _ => Err(RedirectUriError::Scheme),
    }
}

fn check_characters(text: &str) -> Result<(), RedirectUriError> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let legal = match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()];
                digits.iter().all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit()))
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=".contains(&byte),
        };
        if !legal {
            return Err(RedirectUriError::Character);
        }
    }
    Ok(())
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at_checked(host_end)?;
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        Some(digits) => {
            let port: u16 = digits.parse().ok()?;
            // One spelling: browsers drop leading zeros, so 0443 would be another origin for them.
            (port.to_string() == digits).then_some((host, Some(port)))
        }
        None => None,
    }
}

fn check_authority(authority: &str) -> Result<&str, RedirectUriError> {
    let (host, _) = split_port(authority).ok_or(RedirectUriError::Authority)?;
    let legal = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        // As browsers write it, and they write no IPv4 address in one.
        Some(address) => {
            address.parse::<Ipv6Addr>().is_ok_and(|ip| ip.to_string() == address) && !address.contains('.')
        }
        None => {
            let legal =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
            host.bytes().all(legal) && (!ends_in_a_number(host) || host.parse::<Ipv4Addr>().is_ok())
        }
    };
    if legal { Ok(host) } else { Err(RedirectUriError::Authority) }
}

/// Whether browsers take `host` for an IPv4 address, in which they read `0x7f.1` and `2130706433` as `127.0.0.1`
/// (the URL standard's "ends in a number").
fn ends_in_a_number(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    let all = |digits: &str, legal: fn(&u8) -> bool| digits.as_bytes().iter().all(legal);
    !last.is_empty() && all(last, u8::is_ascii_digit)
        || last.strip_prefix("0x").is_some_and(|hex| all(hex, u8::is_ascii_hexdigit))
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost") || host.ends_with(".localhost")
}

fn check_path(path: &str) -> Result<(), RedirectUriError> {
    let dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        let name = plain.split(';').next().unwrap_or_default();
        matches!(name, "." | "..")
    };
    let segments = path.to_ascii_lowercase().replace("%2f", "/").replace("%5c", "/");
    if segments.split('/').any(dots) { Err(RedirectUriError::DotSegment) } else { Ok(()) }
}

fn check_query(query: &str) -> Result<(), RedirectUriError> {
    let taken = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        crate::params::decode(name.as_bytes()).is_ok_and(|name| RESPONSE_PARAMETERS.contains(&name.as_str()))
    };
    if query.split('&').any(taken) { Err(RedirectUriError::ProtocolParameter) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn accepts_what_applications_register() {
        for (text, scheme, origin) in [
            ("https://rp.example/cb", Scheme::Https, "https://rp.example"),
            ("https://rp.example:8443/cb?x=1&y=%20", Scheme::Https, "https://rp.example:8443"),
            ("https://rp.example", Scheme::Https, "https://rp.example"),
            ("https://rp.example?x=1", Scheme::Https, "https://rp.example"),
            ("http://localhost:3000/callback", Scheme::HttpLoopback, "http://localhost:3000"),
            ("http://notes.localhost/cb", Scheme::HttpLoopback, "http://notes.localhost"),
            ("http://127.0.0.1/cb", Scheme::HttpLoopback, "http://127.0.0.1"),
            ("http://[::1]:80/cb", Scheme::HttpLoopback, "http://[::1]:80"),
            ("http://intranet/cb", Scheme::Http, "http://intranet"),
            ("http://192.0.2.1/cb", Scheme::Http, "http://192.0.2.1"),
            ("https://4.example.1a/cb", Scheme::Https, "https://4.example.1a"),
            ("com.example.app:/cb", Scheme::Private, "com.example.app:"),
            ("com.example.app://cb/x", Scheme::Private, "com.example.app:"),
        ] {
            let uri = parsed(text);
            assert_eq!((uri.scheme(), uri.origin(), uri.as_str()), (scheme, origin, text));
        }
    }

    #[test]
    fn browsers_leave_the_usual_port_out_of_an_origin() {
        for (text, origin) in [
            ("https://rp.example:443/cb", "https://rp.example"),
            ("https://rp.example:80/cb", "https://rp.example:80"),
            ("http://localhost:80/cb", "http://localhost"),
            ("http://[::1]:8080/cb", "http://[::1]:8080"),
        ] {
            assert_eq!(parsed(text).web_origin(), origin);
        }
    }

    #[test]
    fn attack_03_only_listed_schemes() {
        for bad in [
            "javascript:alert(1)",
            "JavaScript://x/%0aalert(1)",
            "HTTPS://rp.example/cb",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://x/y",
            "ftp://x/y",
            "//rp.example/cb",
            "/cb",
            "rp.example/cb",
            "",
            "myapp:/cb",
            ".app:/cb",
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(RedirectUriError::Scheme), "{bad}");
        }
    }

    #[test]
    fn attack_01_nothing_that_readers_understand_differently() {
        use RedirectUriError::*;
        for (bad, why) in [
            ("https://rp.example/cb#x", Fragment),
            ("https://rp.example\\@evil.example/cb", Character),
            ("https://rp.example/a b", Character),
            ("https://rp.example/\u{fffd}", Character),
            ("https://rp.example/%zz", Character),
            ("https://rp.example/\n", Character),
            ("https://user@rp.example/cb", Authority),
            ("https://user:pw@rp.example/cb", Authority),
            ("https:///cb", Authority),
            ("https:cb", Authority),
            ("https://rp.example:99999/cb", Authority),
            ("https://rp.example:/cb", Authority),
            ("https://RP.example/cb", Authority),
            ("https://rp%2eexample/cb", Authority),
            ("https://[::1/cb", Authority),
            ("https://[zz]/cb", Authority),
            ("http://2130706433/cb", Authority),
            ("https://0x7f.1/cb", Authority),
            ("https://0177.0.0.1/cb", Authority),
            ("https://192.0.2.1./cb", Authority),
            ("https://rp.example.0x/cb", Authority),
            ("http://[0:0::1]/cb", Authority),
            ("https://[2001:DB8::1]/cb", Authority),
            ("http://[::ffff:127.0.0.1]/cb", Authority),
            ("https://rp.example:0443/cb", Authority),
            ("https://rp.example/a/../cb", DotSegment),
            ("https://rp.example/a/..;/cb", DotSegment),
            ("https://rp.example/a/%2e%2E/cb", DotSegment),
            ("https://rp.example/a%2f..%2Fcb", DotSegment),
            ("https://rp.example/./cb", DotSegment),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(why), "{bad}");
        }
        assert_eq!(RedirectUri::parse(&format!("https://x/{}", "a".repeat(2048))), Err(TooLong));
    }

    #[test]
    fn attack_02_a_callback_may_not_carry_protocol_parameters() {
        for bad in
            ["https://rp.example/cb?code=1", "https://rp.example/?a=1&st%61te=2", "https://rp.example?error"]
        {
            assert_eq!(RedirectUri::parse(bad), Err(RedirectUriError::ProtocolParameter), "{bad}");
        }
    }

    #[test]
    fn attack_01_comparison_is_of_bytes() {
        let registered = [parsed("https://rp.example/cb"), parsed("http://127.0.0.1/cb")];
        assert!(verify("https://rp.example/cb", &registered, false).is_some());
        for other in [
            "https://rp.example/cb/",
            "https://rp.example/cb?x",
            "https://rp.example/c%62",
            "https://rp.example:443/cb",
            "http://rp.example/cb",
            "https://rp.example/CB",
            "https://rp.example.evil.example/cb",
            "http://127.0.0.1:5000/cb",
            "",
        ] {
            assert!(verify(other, &registered, false).is_none(), "{other}");
        }
    }

    #[test]
    fn only_a_native_application_may_vary_the_loopback_port() {
        let registered =
            [parsed("http://127.0.0.1/cb"), parsed("http://[::1]:1/cb"), parsed("http://localhost/cb")];
        for (asked, admitted) in [
            ("http://127.0.0.1:5000/cb", true),
            ("http://[::1]:65535/cb", true),
            ("http://127.0.0.1:5000/cb2", false),
            ("http://127.0.0.1:5000/cb?x", false),
            ("https://127.0.0.1:5000/cb", false),
            ("http://localhost:5000/cb", false),
        ] {
            assert_eq!(verify(asked, &registered, true).is_some(), admitted, "{asked}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_changes_a_byte(text in "\\PC{0,60}") {
            if let Ok(uri) = RedirectUri::parse(&text) {
                prop_assert_eq!(uri.as_str(), text.as_str());
            }
        }

        #[test]
        fn only_the_registered_text_verifies(path in "[a-z/%.?=&;]{0,12}") {
            let registered = [parsed("https://rp.example/cb")];
            let asked = format!("https://rp.example/{path}");
            prop_assert_eq!(verify(&asked, &registered, true).is_some(), asked == "https://rp.example/cb");
        }
    }
}
