//! Addresses that begin with the same bits (RFC 4632).

use crate::says;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

/// A range of IP addresses in CIDR notation. An IPv4 address in IPv6 clothes is the IPv4 address, in a range as in a
/// request, so a range of one family has no address of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IpRange {
    first: IpAddr,
    bits: u32,
}

/// What a range must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message says it")]
pub enum IpRangeError {
    Malformed,
    Everybody,
    BitsBeyond(IpRange),
}

says!(IpRangeError {
    IpRangeError::Malformed =>
        "must be an IP address or a range such as 10.0.0.0/8 or fd00::/8",
        "须为 IP 地址或地址段，例如 10.0.0.0/8 或 fd00::/8";
    IpRangeError::Everybody => "is everybody; name a narrower range or leave it out", "包含所有地址，请填写更小的地址段，或不填写";
    IpRangeError::BitsBeyond(range) =>
        "has bits set beyond its length: it must be {range}",
        "在前缀长度之外还有非零位，应写作 {range}";
});

impl IpRange {
    /// Reads an address, or a range such as `10.0.0.0/8`.
    pub fn parse(text: &str) -> Result<IpRange, IpRangeError> {
        let wrong = || IpRangeError::Malformed;
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
        let bits = match bits {
            None => width(ip),
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= width(ip)).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        let (ip, bits) = match ip.to_canonical() {
            IpAddr::V4(v4) if ip.is_ipv6() && bits >= 96 => (IpAddr::V4(v4), bits - 96),
            _ => (ip, bits),
        };
        let range = IpRange { first: first(ip, bits), bits };
        if bits == 0 {
            Err(IpRangeError::Everybody)
        } else if range.first != ip {
            Err(IpRangeError::BitsBeyond(range))
        } else {
            Ok(range)
        }
    }

    /// Whether `address` is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        first(address.to_canonical(), self.bits) == self.first
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// `address` with nothing but its first `bits`.
fn first(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == width(self.first) {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}/{}", self.first, self.bits),
        }
    }
}

impl From<IpRange> for String {
    fn from(range: IpRange) -> String {
        range.to_string()
    }
}

impl TryFrom<String> for IpRange {
    type Error = IpRangeError;

    fn try_from(text: String) -> Result<IpRange, IpRangeError> {
        IpRange::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_in_one_way_and_of_one_family() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1"),
            ("128.0.0.0/1", "128.0.0.0/1"),
            ("::/1", "::/1"),
        ] {
            let range = IpRange::parse(text).unwrap();
            assert_eq!(range.to_string(), shown);
            assert_eq!(IpRange::parse(shown), Ok(range));
        }
        for bad in [
            "",
            "10",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.1/8",
            "fd00::/129",
            "fd00::1/8",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0.0.0.0/96",
            "example.com",
            "10.0.0.0/8/8",
            "010.0.0.0/8",
            "loopback",
        ] {
            assert!(IpRange::parse(bad).is_err(), "{bad}");
        }
        let contains = |range: &str, ip: &str| IpRange::parse(range).unwrap().contains(ip.parse().unwrap());
        assert!(
            contains("::/1", "::1") && !contains("::/1", "10.0.0.1") && !contains("::/1", "::ffff:10.0.0.1")
        );
        assert!(contains("10.0.0.0/8", "::ffff:10.255.255.255") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("10.1.2.3", "10.1.2.3") && !contains("10.1.2.3", "10.1.2.2"));
    }
}
