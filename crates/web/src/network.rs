//! What of an address is one party: the unit in which a server is shared fairly.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or the half of an IPv6 address that one party has to itself (RFC 6177: at least a /64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of `address`.
    pub fn of(address: IpAddr) -> Network {
        Network(match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            other => other,
        })
    }

    /// Whether it is this machine, behind which anybody may stand: a proxy speaks for all of its own callers.
    pub fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V6(v6) if !v6.is_loopback() => write!(f, "{v6}/64"),
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn one_party_is_one_network() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for own in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(network(own).is_loopback(), "{own}");
        }
        for other in ["192.0.2.1", "10.0.0.1", "::2", "::", "2001:db8::1"] {
            assert!(!network(other).is_loopback(), "{other}");
        }
    }

    #[test]
    fn it_is_written_as_what_it_covers() {
        assert_eq!(network("2001:db8:1:2:3::1").to_string(), "2001:db8:1:2::/64");
        assert_eq!(network("192.0.2.1").to_string(), "192.0.2.1");
    }
}
