//! Counting attempts before they are looked at (attack 14).

use http::HeaderValue;
use signet_protocol::{
    entropy::random,
    id::UserId,
    jose,
    throttle::{Counter, Throttle},
    time::Seconds,
    user::{LoginName, User},
};
use subtle::ConstantTimeEq;

use crate::{Network, Signet, clock::SystemEntropy, cookies, edge::Edge, error::Failure};

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
        signet: &Signet,
        edge: &Edge,
        name: &LoginName,
        user: Option<&User>,
    ) -> Result<Result<Attempt, Seconds>, Failure> {
        let throttle = &signet.store().pool_settings().await?.throttle;
        let device = user.and_then(|user| Some((known_device(signet, edge, user.id)?, user.id)));
        let attempt = match device {
            Some((device, user)) => Attempt { own: throttle.device(device, user), shared: Vec::new() },
            None => Attempt::of_stranger(throttle, name, Network::of(edge.peer)),
        };
        let counters = [std::slice::from_ref(&attempt.own), &attempt.shared].concat();
        Ok(signet.store().reserve_attempts(&counters, signet.now()).await?.map(|()| attempt))
    }

    fn of_stranger(throttle: &Throttle, name: &LoginName, network: Network) -> Attempt {
        let text = network.to_string();
        let by_network = (!network.is_loopback()).then(|| throttle.network(text.as_bytes()));
        Attempt {
            own: throttle.name_from_network(name, text.as_bytes()),
            shared: [Some(throttle.name(name)), by_network].into_iter().flatten().collect(),
        }
    }

    /// It was right: its own counter starts anew, the others get their attempt back.
    pub async fn forgive(&self, signet: &Signet) -> Result<(), Failure> {
        let shared: Vec<_> = self.shared.iter().map(|counter| counter.subject).collect();
        Ok(signet.store().settle_attempts(&[self.own.subject], &shared).await?)
    }

    /// It was never looked at: every counter gets it back.
    pub async fn give_back(&self, signet: &Signet) -> Result<(), Failure> {
        let all: Vec<_> = [&self.own].into_iter().chain(&self.shared).map(|c| c.subject).collect();
        Ok(signet.store().settle_attempts(&[], &all).await?)
    }
}

/// The device cookie of a browser that signed in as `user`.
pub fn device_cookie(signet: &Signet, edge: &Edge, user: UserId) -> Option<HeaderValue> {
    let device = jose::b64(&random::<16>(&mut SystemEntropy));
    let value = format!("{device}.{}", device_mac(signet, &device, user));
    edge.cookies.set(cookies::DEVICE, &value, Some(DEVICE_EXPIRE))
}

/// The name of a browser that shows it signed in as `user` before.
fn known_device<'e>(signet: &Signet, edge: &'e Edge, user: UserId) -> Option<&'e str> {
    let (device, mac) = edge.cookies.get(cookies::DEVICE)?.split_once('.')?;
    let expected = device_mac(signet, device, user);
    let fits: bool = expected.as_bytes().ct_eq(mac.as_bytes()).into();
    fits.then_some(device)
}

fn device_mac(signet: &Signet, device: &str, user: UserId) -> String {
    let key = signet.store().pool().device_key.expose();
    jose::b64(&jose::hmac_sha256(key, &[b"device", device.as_bytes(), user.to_string().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_behind_a_proxy_on_this_machine_is_no_network() {
        let name = LoginName::parse("alice").unwrap();
        for (peer, shared) in [("127.0.0.1", 1), ("127.9.9.9", 1), ("::1", 1), ("10.0.0.1", 2), ("::2", 2)] {
            let attempt =
                Attempt::of_stranger(&Throttle::default(), &name, Network::of(peer.parse().unwrap()));
            assert_eq!(attempt.shared.len(), shared, "{peer}");
        }
    }
}
