//! Redirect URIs, against a reader that works as browsers do.

use std::net::{Ipv4Addr, Ipv6Addr};

use signet_protocol::{
    limits::REDIRECT_URI_BYTES,
    params::RawParams,
    redirect_uri::{RedirectUri, Scheme, verify},
};

use crate::{first_line, utf8};

/// What is accepted stays as it is, is nowhere else for a browser than for us, and stays there with a query added.
pub fn uri(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let Ok(uri) = RedirectUri::parse(text) else { return };
    assert!(text.len() <= REDIRECT_URI_BYTES && uri.as_str() == text);
    assert!(text.starts_with(uri.origin()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'#'));
    same_place(&uri);
    let longer = uri.with_query([("state", "a&b=c#d/../?"), ("x", "")].into_iter());
    let again = RedirectUri::parse(&longer.replace("state=", "shade="));
    if longer.len() <= REDIRECT_URI_BYTES {
        let again = again.unwrap_or_else(|error| panic!("{longer}: {error}"));
        assert_eq!((again.origin(), again.scheme()), (uri.origin(), uri.scheme()));
        let (_, query) = longer.split_once('?').unwrap();
        if let Ok(params) = RawParams::parse(query.as_bytes()) {
            assert_eq!(params.get("state"), Some("a&b=c#d/../?"), "ours and only ours");
            assert!(!params.repeats("state"));
        }
    }
}

/// A browser either does not follow the URI at all or goes to the origin we see in it.
fn same_place(uri: &RedirectUri) {
    if uri.scheme() != Scheme::Private
        && let Some(origin) = browser_origin(uri.as_str())
    {
        assert_eq!(uri.web_origin(), origin, "{uri}");
        let local = ["127.0.0.1", "[::1]", "localhost"];
        let host = origin.trim_start_matches("http://");
        let local = local.iter().any(|name| host == *name || host.starts_with(&format!("{name}:")));
        assert!(!local || uri.scheme() != Scheme::Http, "{uri} is this machine");
    }
}

/// The first line is asked for, the others are registered: what is found is the very text, or differs in the port of a
/// loopback address alone.
pub fn comparison(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (asked, registered) = first_line(text);
    let registered: Vec<RedirectUri> =
        registered.lines().filter_map(|line| RedirectUri::parse(line).ok()).collect();
    let exact = verify(asked, &registered, false);
    assert_eq!(exact.is_some(), registered.iter().any(|uri| uri.as_str() == asked));
    let Some(found) = verify(asked, &registered, true) else {
        assert!(exact.is_none());
        return;
    };
    assert_eq!(found.uri().as_str(), asked);
    if exact.is_none() {
        let portless = |text: &str| {
            let rest = text.strip_prefix("http://127.0.0.1").or(text.strip_prefix("http://[::1]"))?;
            let rest = rest
                .strip_prefix(':')
                .map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            Some((text.contains('['), rest.to_owned()))
        };
        let wanted = portless(asked).expect("only a loopback address has any port");
        assert!(registered.iter().any(|uri| portless(uri.as_str()).as_ref() == Some(&wanted)), "{text}");
        assert!(browser_origin(asked).is_some_and(|origin| {
            let host = origin.strip_prefix("http://").unwrap_or_default();
            host.starts_with("127.0.0.1") || host.starts_with("[::1]")
        }));
    }
}

/// The origin of an http or https URL as the URL standard of browsers has it; `None` if they refuse it.
fn browser_origin(text: &str) -> Option<String> {
    let clean = text.trim_matches(|c: char| c <= ' ').replace(['\t', '\n', '\r'], "");
    let (scheme, rest) = clean.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let end =
        if place.starts_with('[') { place.find(']')? + 1 } else { place.find(':').unwrap_or(place.len()) };
    let (host, port) = place.split_at(end);
    let port = match port.strip_prefix(':').unwrap_or(port) {
        "" => own_port,
        digits => digits.parse::<u16>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?,
    };
    let host = browser_host(host)?;
    Some(if port == own_port { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") })
}

fn browser_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        let mut shown = address.to_string();
        if let (true, [.., high, low]) = (shown.contains('.'), address.segments()) {
            let front = shown.rfind(':')? + 1;
            shown.truncate(front);
            shown += &format!("{high:x}:{low:x}");
        }
        return Some(format!("[{shown}]"));
    }
    let host = host.to_ascii_lowercase();
    if host.is_empty() || host.contains(['%', '@', '<', '>', '^', '|', ' ']) {
        return None;
    }
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(&host).split('.').collect();
    let last = labels.last()?;
    let numeric = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) || number(last).is_some();
    if !numeric {
        return Some(host);
    }
    let numbers: Vec<u64> = labels.iter().map(|label| number(label)).collect::<Option<_>>()?;
    let (last, front) = numbers.split_last()?;
    if front.len() > 3 || front.iter().any(|part| *part > 255) || *last >= 256_u64.pow(4 - front.len() as u32)
    {
        return None;
    }
    let high = front.iter().enumerate().map(|(at, part)| part << (8 * (3 - at))).sum::<u64>();
    Some(Ipv4Addr::from_bits(u32::try_from(high + last).ok()?).to_string())
}

/// A number of an IPv4 address as browsers read it: decimal, octal after `0`, hexadecimal after `0x`.
fn number(label: &str) -> Option<u64> {
    match label.strip_prefix("0x") {
        Some("") => Some(0),
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None if !label.bytes().all(|b| b.is_ascii_digit()) || label.is_empty() => None,
        None if label.len() > 1 && label.starts_with('0') => u64::from_str_radix(label, 8).ok(),
        None => label.parse().ok(),
    }
}
