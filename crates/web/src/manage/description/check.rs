//! What single values must look like, where the protocol's vocabulary has no type for them.

use signet_protocol::{
    redirect_uri::{RedirectUri, Scheme},
    secret::Secret,
};

type Checked = Result<(), &'static str>;

fn require(good: bool, otherwise: &'static str) -> Checked {
    if good { Ok(()) } else { Err(otherwise) }
}

/// An application's name.
pub fn name(text: &str) -> Result<String, &'static str> {
    let good = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let clean = require(good, "must be 1 to 100 characters without control characters");
    clean.map(|()| text.to_owned())
}

/// A text of one line.
pub fn line(text: &str) -> Checked {
    let good = text.len() <= 1000 && !text.chars().any(char::is_control);
    require(good, "must be at most 1000 bytes, without control characters")
}

/// A text that may have several lines.
pub fn lines(text: &str) -> Checked {
    let good = text.len() <= 1000 && !text.chars().any(|c| c.is_control() && c != '\n');
    require(good, "must be at most 1000 bytes, without control characters other than line breaks")
}

/// A role code: like a line, but not empty, since a list has no use for nothing.
pub fn role(text: &str) -> Result<String, &'static str> {
    let good = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
    require(good, "must be 1 to 200 bytes without control characters").map(|()| text.to_owned())
}

/// A link in a profile. Other schemes could carry script into a page that shows it (attack 3).
pub fn link(text: &str) -> Checked {
    let scheme = text.starts_with("https://") || text.starts_with("http://");
    let good = scheme && text.len() <= 2048 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    require(good, "must be an http:// or https:// URL of at most 2048 bytes")
}

/// What is loaded by others, or by our own pages, and must not be changed on the way.
pub fn https(text: &str) -> Checked {
    let good = RedirectUri::parse(text).is_ok_and(|uri| uri.scheme() == Scheme::Https);
    require(good, "must be an https:// URL")
}

/// An origin as browsers send it (RFC 6454 §6.2): scheme, host, and a port only where it is not the scheme's own.
pub fn origin(text: &str) -> Result<String, &'static str> {
    let uri = RedirectUri::parse(text).ok().filter(|uri| uri.scheme() != Scheme::Private);
    let whole = uri.is_some_and(|uri| uri.origin() == text);
    require(whole, "must be an origin: scheme://host[:port] in lower case, without a path")?;
    let own = text.starts_with("https://") && text.ends_with(":443")
        || text.starts_with("http://") && text.ends_with(":80");
    require(!own, "must leave out its scheme's own port, as browsers do")?;
    Ok(text.to_owned())
}

/// A client secret somebody chose: long enough that guessing it is hopeless, and of what every client library can send
/// (RFC 6749 appendix A.2).
pub fn secret(text: &str) -> Result<Secret, &'static str> {
    let good = (32..=256).contains(&text.len()) && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
    require(good, "must be 32 to 256 printable ASCII characters").map(|()| Secret::new(text))
}

/// A day (OpenID Connect Core §5.1).
pub fn birthdate(text: &str) -> Checked {
    require(is_date(text).unwrap_or(false), "must be a date as YYYY-MM-DD")
}

fn is_date(text: &str) -> Option<bool> {
    let mut parts = text.split('-').map(|part| (part.len(), part));
    let mut number = |length: usize| {
        let (_, part) = parts.next().filter(|(len, _)| *len == length)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    Some((1..=days).contains(&day) && parts.next().is_none())
}
