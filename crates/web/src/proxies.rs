//! Who sent a request that came through a reverse proxy.

use std::{
    iter,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use http::HeaderMap;
use signet_protocol::ip_range::{IpRange, IpRangeError};

/// Who it is that a proxy of ours does not tell. All of them are one network, and never this machine, so that nobody gets
/// out of being counted by garbling a header or having it dropped.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The proxies whose word about a sender counts, and the header in which they give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Where they are.
    pub trusted: Vec<IpRange>,
    /// What they send.
    pub header: ForwardedHeader,
}

/// The header a proxy adds the address of its own peer to, on the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded`: the parameter `for` of its elements (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Whether a proxy of ours is at `address`.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(address))
    }

    /// Who sent a request that came from `peer`: the peer itself, unless it is a proxy of ours. Then the rightmost address
    /// of the header that is none of ours counts. What stands to its left, anybody may have made up (attack 11).
    ///
    /// Where that cannot be read, it is the peer. Only who reaches us without a proxy can be this machine.
    pub fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        match self.furthest(peer, headers).unwrap_or(peer) {
            sender if sender.is_loopback() => UNKNOWN,
            sender => sender,
        }
    }

    /// Follows the header from right to left, as far as proxies of ours vouch for the next address.
    fn furthest(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let name = match self.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut sender = peer;
        for line in headers.get_all(name).iter().rev() {
            // Before the line is read: what stands to the left of a stranger is the stranger's, legible or not.
            if !self.trusts(sender) {
                return Some(sender);
            }
            for hop in from_the_right(line.to_str().ok()?, ',') {
                if !self.trusts(sender) {
                    return Some(sender);
                }
                sender = match self.header {
                    ForwardedHeader::XForwardedFor => address(hop)?,
                    ForwardedHeader::Forwarded => node(hop)?,
                };
            }
        }
        Some(sender)
    }
}

/// The parts of `text` between separators outside quotes, the last one first.
///
/// Read from the right, an open quote that a client sent cannot swallow what a proxy added behind it.
fn from_the_right(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some((before, last)) = last_separator(text, separator).map(|at| text.split_at(at)) else {
            rest = None;
            return Some(text);
        };
        rest = Some(before);
        last.strip_prefix(separator)
    })
}

fn last_separator(text: &str, separator: char) -> Option<usize> {
    let mut quoted = false;
    for (at, character) in text.char_indices().rev() {
        match character {
            '"' if !quoted || !is_escaped(text.split_at(at).0) => quoted = !quoted,
            other if other == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether what follows `before` in a quoted string is escaped (RFC 9110 §5.6.4).
fn is_escaped(before: &str) -> bool {
    before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The address of a `Forwarded` element, from its one parameter `for` (RFC 7239 §4).
fn node(element: &str) -> Option<IpAddr> {
    let mut nodes = from_the_right(element, ';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let value = nodes.next()?;
    if nodes.next().is_some() {
        return None;
    }
    match value.strip_prefix('"') {
        Some(quoted) => address(quoted.strip_suffix('"')?),
        None => address(value),
    }
}

/// An address as proxies write it: bare, in brackets, with a port. Unknown and hidden ones (RFC 7239 §6.2) are none.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let found = text.parse().ok().or_else(with_port).or_else(bracketed);
    found.map(|address: IpAddr| address.to_canonical())
}

/// This machine, which the word `loopback` stands for.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

/// The ranges that one entry of a list names: an address, a range in CIDR notation, or the word `loopback`.
///
/// # Errors
/// What it must be.
pub fn parse_ranges(text: &str) -> Result<Vec<IpRange>, String> {
    let named = if text == "loopback" { &LOOPBACK[..] } else { &[text] };
    let ranges: Result<_, _> = named.iter().map(|range| IpRange::parse(range)).collect();
    ranges.map_err(|error| match error {
        IpRangeError::Malformed => format!("{error}, or the word loopback"),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(list: &[&str]) -> Vec<IpRange> {
        list.iter().flat_map(|text| parse_ranges(text).unwrap()).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn sender(header: ForwardedHeader, trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let name = match header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        Proxies { trusted: ranges(trusted), header }.sender(ip(peer), &headers).to_string()
    }

    #[test]
    fn attack_11_the_rightmost_address_that_is_no_proxy_of_ours_is_the_sender() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        for (peer, lines, expected) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["\u{e9}", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.1.1.1", "10.2.2.2"], "198.51.100.7"),
            ("10.0.0.1", &["10.1.1.1,10.2.2.2"], "10.1.1.1"),
            ("10.0.0.1", &["what, ever,,198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", &["[2001:db9::7]:4711"], "2001:db9::7"),
            ("10.0.0.1", &["[2001:db9::7]"], "2001:db9::7"),
            ("2001:db8::1", &["\t2001:db9::7 "], "2001:db9::7"),
            ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, ::ffff:10.3.3.3"], "6.6.6.6"),
        ] {
            let found = sender(ForwardedHeader::XForwardedFor, &trusted, peer, lines);
            assert_eq!(found, expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn attack_11_what_cannot_be_read_is_the_peer_and_never_this_machine() {
        for line in
            ["", ",", "6.6.6.6,", "unknown", "_hidden", "198.51.100.7.8", "6.6.6.6 10.1.1.1", "\"::1\""]
        {
            for trusted in ["10.0.0.1", "loopback"] {
                let found = sender(ForwardedHeader::XForwardedFor, &[trusted], "10.0.0.1", &[line]);
                assert_eq!(found, "10.0.0.1", "{line}");
            }
            let found = sender(ForwardedHeader::XForwardedFor, &["loopback"], "127.0.0.1", &[line]);
            assert_eq!(found, "0.0.0.0", "{line}");
        }
        for (peer, lines) in
            [("::1", &[][..]), ("127.0.0.1", &["127.0.0.2, ::1"]), ("::1", &["::ffff:127.0.0.1"])]
        {
            assert_eq!(sender(ForwardedHeader::XForwardedFor, &["loopback"], peer, lines), "0.0.0.0");
        }
        assert_eq!(
            sender(ForwardedHeader::XForwardedFor, &["10.0.0.1"], "10.0.0.1", &["127.0.0.1"]),
            "0.0.0.0"
        );
        assert_eq!(sender(ForwardedHeader::XForwardedFor, &[], "127.0.0.1", &["6.6.6.6"]), "127.0.0.1");
    }

    #[test]
    fn attack_11_an_element_of_forwarded_is_what_a_proxy_added() {
        for (lines, expected) in [
            (&["for=198.51.100.7"][..], "198.51.100.7"),
            (&["proto=https;For=198.51.100.7;by=10.0.0.1"], "198.51.100.7"),
            (&["for=6.6.6.6, for=\"198.51.100.7:4711\""], "198.51.100.7"),
            (&["for=6.6.6.6", "for=\"[2001:db9::7]:4711\" ; host=\"a,b;for=6.6.6.6\""], "2001:db9::7"),
            (&["for=6.6.6.6, for=198.51.100.7;host=\"x, for=7.7.7.7;a=\""], "198.51.100.7"),
            (&["for=198.51.100.7;host=\"\\\", for=7.7.7.7;a=\\\"\\\\\""], "198.51.100.7"),
            (&["for=\"6.6.6.6, for=198.51.100.7"], "198.51.100.7"),
            (&["for=6.6.6.6;host=\"\\, for=198.51.100.7;host=\"id.example\""], "198.51.100.7"),
            (&["for=6.6.6.6, for=10.0.0.9, for=10.0.0.8"], "6.6.6.6"),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_hidden, for=10.0.0.9"], "10.0.0.1"),
            (&["for=6.6.6.6;for=7.7.7.7"], "10.0.0.1"),
            (&["proto=https"], "10.0.0.1"),
            (&["for=\"6.6.6.6"], "10.0.0.1"),
            (&["6.6.6.6"], "10.0.0.1"),
        ] {
            let found = sender(ForwardedHeader::Forwarded, &["10.0.0.0/8"], "10.0.0.1", lines);
            assert_eq!(found, expected, "{lines:?}");
        }
    }

    #[test]
    fn attack_11_the_other_header_counts_for_nothing() {
        let headers = HeaderMap::from_iter([
            (http::header::FORWARDED, "for=6.6.6.6".parse().unwrap()),
            ("x-real-ip".parse().unwrap(), "7.7.7.7".parse().unwrap()),
        ]);
        let proxies = Proxies { trusted: ranges(&["10.0.0.1"]), header: ForwardedHeader::XForwardedFor };
        assert_eq!(proxies.sender(ip("10.0.0.1"), &headers), ip("10.0.0.1"));
    }

    #[test]
    fn a_range_contains_what_begins_with_its_bits() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::a00:1"),
            ("192.0.2.4", "192.0.2.4", "192.0.2.5"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("128.0.0.0/1", "255.0.0.1", "127.0.0.1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("loopback", "127.9.9.9", "128.0.0.1"),
            ("loopback", "::1", "::2"),
            ("::/1", "::1", "10.0.0.1"),
        ] {
            let proxies = Proxies { trusted: ranges(&[range]), ..Proxies::default() };
            assert!(proxies.trusts(ip(inside)), "{range} {inside}");
            assert!(!proxies.trusts(ip(outside)), "{range} {outside}");
        }
    }

    #[test]
    fn what_is_no_range_is_told_what_it_must_be() {
        for text in [
            "",
            "proxy.example",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "10.0.0.1:80",
        ] {
            assert!(parse_ranges(text).unwrap_err().contains("such as 10.0.0.0/8"), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0"] {
            assert!(parse_ranges(text).unwrap_err().contains("is everybody"), "{text}");
        }
        assert!(parse_ranges("10.1.2.3/8").unwrap_err().ends_with("it must be 10.0.0.0/8"));
        assert!(parse_ranges("fd00::1/8").unwrap_err().ends_with("it must be fd00::/8"));
    }
}
