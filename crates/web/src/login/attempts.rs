//! Counting attempts before they are looked at (attack 14).

use std::{net::IpAddr, sync::Arc};

use http::HeaderValue;
use signet_protocol::{
    entropy::random,
    id::UserId,
    jose,
    throttle::Counter,
    time::Seconds,
    user::{LoginName, User},
};
use subtle::ConstantTimeEq;

use crate::{Signet, clock::SystemEntropy, cookies, edge::Edge, error::Failure};

/// How long a browser is remembered as one that signed in before: 400 days, the most browsers keep a cookie.
const DEVICE_EXPIRE: i64 = 34_560_000;

/// An attempt that was counted and may be looked at.
pub struct Attempt {
    /// Whose attempts they are, as nearly as can be told before the password is known.
    own: Counter,
    /// Counters that attempts of others count on, too.
    shared: Vec<Counter>,
}

impl Attempt {
    /// Counts an attempt to sign in as `name`, which is `user` if there is one. `Err` inside is how long to wait.
    ///
    /// A browser that has signed in as this user before is counted by itself, so that strangers cannot keep its owner out.
    /// Loopback is a proxy on this machine, or development: everybody comes from there, so it is not counted as a network.
    pub async fn reserve(
        signet: &Arc<Signet>,
        edge: &Edge,
        name: &LoginName,
        user: Option<&User>,
    ) -> Result<Result<Attempt, Seconds>, Failure> {
        let attempt = match user.and_then(|user| known_device(signet, edge, user.id)) {
            Some(own) => Attempt { own, shared: Vec::new() },
            None => Attempt::of_stranger(name, edge.peer.to_canonical()),
        };
        let counters = [std::slice::from_ref(&attempt.own), &attempt.shared].concat();
        Ok(signet.store().reserve_attempts(&counters, signet.now()).await?.map(|()| attempt))
    }

    fn of_stranger(name: &LoginName, peer: IpAddr) -> Attempt {
        let network = network(peer);
        let by_network = (!peer.is_loopback()).then(|| Counter::network(&network));
        Attempt {
            own: Counter::name_from_network(name, &network),
            shared: [Some(Counter::name(name)), by_network].into_iter().flatten().collect(),
        }
    }

    /// It was right: its own counter starts anew, the others get their attempt back.
    pub async fn forgive(&self, signet: &Arc<Signet>) -> Result<(), Failure> {
        let shared: Vec<_> = self.shared.iter().map(|counter| counter.subject).collect();
        Ok(signet.store().settle_attempts(&[self.own.subject], &shared).await?)
    }

    /// It was never looked at: every counter gets it back.
    pub async fn give_back(&self, signet: &Arc<Signet>) -> Result<(), Failure> {
        let all: Vec<_> = [&self.own].into_iter().chain(&self.shared).map(|c| c.subject).collect();
        Ok(signet.store().settle_attempts(&[], &all).await?)
    }
}

/// What of a canonical address is counted: all of IPv4, the network half of IPv6, which one party has to itself.
fn network(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}

/// The device cookie of a browser that signed in as `user`.
pub fn device_cookie(signet: &Signet, edge: &Edge, user: UserId) -> Option<HeaderValue> {
    let device = jose::b64(&random::<16>(&mut SystemEntropy));
    let value = format!("{device}.{}", device_mac(signet, &device, user));
    edge.cookies.set(cookies::DEVICE, &value, Some(DEVICE_EXPIRE))
}

/// The counter of a browser that shows it signed in as `user` before.
fn known_device(signet: &Signet, edge: &Edge, user: UserId) -> Option<Counter> {
    let (device, mac) = edge.cookies.get(cookies::DEVICE)?.split_once('.')?;
    let expected = device_mac(signet, device, user);
    let fits: bool = expected.as_bytes().ct_eq(mac.as_bytes()).into();
    fits.then(|| Counter::device(device, user))
}

fn device_mac(signet: &Signet, device: &str, user: UserId) -> String {
    let key = signet.store().pool().device_key.expose();
    jose::b64(&jose::hmac_sha256(key, &[b"device", device.as_bytes(), user.to_string().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_party_is_counted_as_one_network() {
        let network = |text: &str| network(text.parse::<IpAddr>().unwrap().to_canonical());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn everybody_behind_a_proxy_on_this_machine_is_no_network() {
        let name = LoginName::parse("alice").unwrap();
        for (peer, shared) in [("127.0.0.1", 1), ("127.9.9.9", 1), ("::1", 1), ("10.0.0.1", 2), ("::2", 2)] {
            let attempt = Attempt::of_stranger(&name, peer.parse().unwrap());
            assert_eq!(attempt.shared.len(), shared, "{peer}");
        }
    }
}
