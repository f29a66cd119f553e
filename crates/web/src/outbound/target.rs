//! Which addresses may be spoken to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;
use signet_protocol::ip_range::IpRange;

use super::OutboundError;
use crate::proxies::parse_ranges;

/// Bytes of a URL that is fetched.
pub const URL_BYTES: usize = 2048;

/// What an operator opened beside the public internet: hosts by name, and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    hosts: Vec<String>,
    networks: Vec<IpRange>,
}

/// One entry of the list `outbound_allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A host, wherever its name leads.
    Host(String),
    /// Networks, by whatever name they are reached.
    Networks(Vec<IpRange>),
}

impl Opened {
    /// Reads an entry: an address, a range in CIDR notation, the word `loopback`, or a host name.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(text: &str) -> Result<Opened, String> {
        let numeric = text.contains('/') || text.contains(':') || text.parse::<IpAddr>().is_ok();
        if numeric || text == "loopback" {
            return parse_ranges(text).map(Opened::Networks);
        }
        let label = |label: &str| {
            let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && label.bytes().all(legal)
        };
        // A last label of digits is an address in one of its older spellings.
        let named =
            text.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()));
        if text.len() <= 253 && named && text.split('.').all(label) {
            Ok(Opened::Host(text.to_owned()))
        } else {
            Err("must be a host name in lower case, an IP address, a range such as 10.0.0.0/8, or the word loopback"
                .to_owned())
        }
    }
}

impl FromIterator<Opened> for Allow {
    fn from_iter<T: IntoIterator<Item = Opened>>(entries: T) -> Allow {
        let mut allow = Allow::default();
        for entry in entries {
            match entry {
                Opened::Host(host) => allow.hosts.push(host),
                Opened::Networks(networks) => allow.networks.extend(networks),
            }
        }
        allow
    }
}

impl Allow {
    /// Whether a host may be opened, wherever its name leads.
    pub fn may_open(&self, host: &str) -> bool {
        !self.networks.is_empty() || self.hosts.iter().any(|open| open == host)
    }

    fn opens(&self, host: &str, address: IpAddr) -> bool {
        self.hosts.iter().any(|open| open == host)
            || self.networks.iter().any(|range| range.contains(address))
    }
}

/// A URL that can be fetched, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether it is https.
    pub https: bool,
    /// Its host in lower case, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Host and port as they stand in the `Host` header.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Target {
    /// Reads `https://host[:port]/path?query`, or the same with `http`.
    ///
    /// # Errors
    /// [`OutboundError::Url`] for anything else: another scheme, a user, a fragment, more than [`URL_BYTES`].
    pub fn parse(text: &str) -> Result<Target, OutboundError> {
        let fits =
            text.len() <= URL_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let uri: Uri = text.parse().ok().filter(|_| fits).ok_or(OutboundError::Url)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(OutboundError::Url),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or(OutboundError::Url)?;
        let host = authority.host().to_ascii_lowercase();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        // `host:` and `host:99999` have a colon, but no port.
        let after_host = authority.as_str().get(authority.host().len()..).unwrap_or_default();
        let port = match (after_host, authority.port_u16()) {
            ("", _) => Some(if https { 443 } else { 80 }),
            (_, port) => port.filter(|port| *port != 0),
        };
        let port = port.filter(|_| !host.is_empty()).ok_or(OutboundError::Url)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        Ok(Target { https, host, port, authority: authority.as_str().to_ascii_lowercase(), path })
    }

    /// The addresses among `resolved` that a connection may be made to: all of them, or none.
    ///
    /// A name that leads to a refused address beside a public one is refused as a whole: nobody's does in good faith.
    ///
    /// # Errors
    /// [`OutboundError::Unresolved`], [`OutboundError::Closed`], [`OutboundError::Plain`].
    pub fn permit(&self, resolved: Vec<SocketAddr>, allow: &Allow) -> Result<Permitted, OutboundError> {
        if resolved.is_empty() {
            return Err(OutboundError::Unresolved);
        }
        for address in &resolved {
            if allow.opens(&self.host, address.ip()) {
                continue;
            }
            if !is_public(address.ip()) {
                return Err(OutboundError::Closed(address.ip()));
            }
            if !self.https {
                return Err(OutboundError::Plain);
            }
        }
        Ok(Permitted(resolved))
    }
}

/// Addresses that were tested. Only [`Target::permit`] makes them, and nothing else is connected to, so a name that leads
/// elsewhere when it is asked again leads nowhere (attack 10).
#[derive(Debug)]
pub struct Permitted(Vec<SocketAddr>);

impl Permitted {
    /// The addresses.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }
}

/// IPv4 networks that are not the public internet (IANA IPv4 Special-Purpose Address Registry), with multicast.
const CLOSED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The only IPv6 addresses that are given out (IANA IPv6 Global Unicast Address Assignments). Outside are loopback,
/// link-local, unique-local, multicast, and the mapped and translated forms of IPv4 addresses (`::ffff:0:0/96`, `64:ff9b::/96`).
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What within is not the public internet: protocol assignments with Teredo, documentation, 6to4.
const CLOSED_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public(address: IpAddr) -> bool {
    let within_v4 =
        |ip: Ipv4Addr, (net, bits): &(Ipv4Addr, u32)| (ip.to_bits() ^ net.to_bits()) >> (32 - bits) == 0;
    let within_v6 =
        |ip: Ipv6Addr, (net, bits): &(Ipv6Addr, u32)| (ip.to_bits() ^ net.to_bits()) >> (128 - bits) == 0;
    match address {
        IpAddr::V4(ip) => !CLOSED_V4.iter().any(|network| within_v4(ip, network)),
        IpAddr::V6(ip) => {
            within_v6(ip, &GLOBAL_V6) && !CLOSED_V6.iter().any(|network| within_v6(ip, network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(entries: &[&str]) -> Allow {
        entries.iter().map(|entry| Opened::parse(entry).unwrap()).collect()
    }

    fn permit(url: &str, addresses: &[&str], open: &[&str]) -> Result<(), OutboundError> {
        let target = Target::parse(url).unwrap();
        let resolved = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), target.port)).collect();
        target.permit(resolved, &allow(open)).map(drop)
    }

    #[test]
    fn attack_10_only_public_addresses_are_spoken_to() {
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert_eq!(permit("https://a.example/", &[public], &[]), Ok(()), "{public}");
        }
        for closed in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            let refused = OutboundError::Closed(closed.parse().unwrap());
            assert_eq!(permit("https://a.example/", &[closed], &[]), Err(refused.clone()), "{closed}");
            assert_eq!(permit("https://a.example/", &["8.8.8.8", closed], &[]), Err(refused), "{closed}");
        }
        assert_eq!(permit("https://a.example/", &[], &[]), Err(OutboundError::Unresolved));
    }

    #[test]
    fn attack_10_plain_http_goes_only_where_it_was_opened() {
        assert_eq!(permit("http://a.example/", &["8.8.8.8"], &[]), Err(OutboundError::Plain));
        assert_eq!(permit("http://a.example/", &["8.8.8.8"], &["b.example"]), Err(OutboundError::Plain));
        assert_eq!(permit("http://a.example/", &["8.8.8.8"], &["a.example"]), Ok(()));
        assert_eq!(
            permit("http://a.example/", &["8.8.8.8", "1.1.1.1"], &["8.8.8.8"]),
            Err(OutboundError::Plain)
        );
    }

    #[test]
    fn what_is_opened_is_a_host_or_a_network() {
        let closed = |ip: &str| Err(OutboundError::Closed(ip.parse().unwrap()));
        for (host, ip, open, expected) in [
            ("localhost", "127.0.0.1", "localhost", Ok(())),
            ("LOCALHOST", "127.0.0.1", "localhost", Ok(())),
            ("a.localhost", "127.0.0.1", "localhost", closed("127.0.0.1")),
            ("a.localhost", "127.0.0.1", "loopback", Ok(())),
            ("a.localhost", "::1", "loopback", Ok(())),
            ("a.localhost", "::ffff:127.0.0.1", "loopback", Ok(())),
            ("x.example", "10.1.2.3", "10.1.0.0/16", Ok(())),
            ("x.example", "10.2.2.3", "10.1.0.0/16", closed("10.2.2.3")),
            ("x.example", "fd00::1", "fd00::/8", Ok(())),
        ] {
            assert_eq!(permit(&format!("https://{host}/"), &[ip], &[open]), expected, "{host} {ip} {open}");
        }
        for bad in [
            "",
            "A.example",
            "a..b",
            "*.example",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "::/0",
            "0x7f.1",
            "127.1",
            "a.example:80",
            "https://a.example",
            "a_b",
        ] {
            assert!(Opened::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn attack_10_a_url_has_one_reading() {
        let target = Target::parse("https://A.Example:8443/keys?x=1").unwrap();
        assert_eq!(
            (target.host.as_str(), target.port, target.path.as_str()),
            ("a.example", 8443, "/keys?x=1")
        );
        assert_eq!(Target::parse("https://[::1]/").unwrap().host, "::1");
        assert_eq!(Target::parse("http://a.example").unwrap().path, "/");
        assert_eq!(Target::parse("http://a.example?x=1").unwrap().path, "/?x=1");
        for bad in [
            "",
            "/keys",
            "a.example",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://user@a.example/",
            "https://user:x@a.example/",
            "https://a.example/#f",
            "https://a.example:0/",
            "https://a.example:99999/",
            "https://a.example:/",
            "https://a.example/ x",
            "https://a.example/\n",
            "https://a.example\\@b.example/",
            "https://é.example/",
            "https://[::1/",
        ] {
            assert_eq!(Target::parse(bad), Err(OutboundError::Url), "{bad:?}");
        }
        let long = format!("https://a.example/{}", "x".repeat(URL_BYTES));
        assert_eq!(Target::parse(&long), Err(OutboundError::Url));
    }
}
