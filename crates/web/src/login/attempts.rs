//! Counting attempts before they are looked at, by account and by address (attack 14).

use std::sync::Arc;

use http::HeaderValue;
use signet_protocol::{
    entropy::random,
    id::UserId,
    jose,
    secret::SecretHash,
    throttle::{ACCOUNT_FREE, ADDRESS_FREE},
    time::Seconds,
    user::{LoginName, User},
};
use subtle::ConstantTimeEq;

use crate::{Network, Signet, clock::SystemEntropy, cookies, edge::Edge, error::Failure};

/// How long a browser is remembered as one that signed in before: 400 days, the most browsers keep a cookie.
const DEVICE_EXPIRE: i64 = 34_560_000;

/// An attempt that was counted and may be looked at.
pub struct Attempt {
    account: SecretHash,
    address: SecretHash,
}

impl Attempt {
    /// Counts an attempt to sign in as `name`, which is `user` if there is one. `Err` inside is how long to wait.
    ///
    /// A browser that has signed in as this user before is counted by itself, so that strangers cannot keep its owner out.
    pub async fn reserve(
        signet: &Arc<Signet>,
        edge: &Edge,
        name: &LoginName,
        user: Option<&User>,
    ) -> Result<Result<Attempt, Seconds>, Failure> {
        let (store, now) = (signet.store(), signet.now());
        let account = match user {
            Some(user) => match known_device(signet, edge, user.id) {
                Some(device) => SecretHash::of("attempt by device", device.as_bytes()),
                None => SecretHash::of("attempt on user", user.id.to_string().as_bytes()),
            },
            None => SecretHash::of("attempt on name", name.key().as_bytes()),
        };
        let network = Network::of(edge.peer).to_string();
        let attempt =
            Attempt { account, address: SecretHash::of("attempt from address", network.as_bytes()) };
        if let Err(wait) = store.reserve_attempt(&attempt.address, ADDRESS_FREE, now).await? {
            return Ok(Err(wait));
        }
        Ok(store.reserve_attempt(&attempt.account, ACCOUNT_FREE, now).await?.map(|()| attempt))
    }

    /// It was right: the account starts anew and the address gets its attempt back.
    pub async fn forgive(&self, signet: &Arc<Signet>) -> Result<(), Failure> {
        signet.store().clear_attempts(&self.account).await?;
        Ok(signet.store().return_attempt(&self.address).await?)
    }

    /// It was never looked at.
    pub async fn give_back(&self, signet: &Arc<Signet>) -> Result<(), Failure> {
        signet.store().return_attempt(&self.account).await?;
        Ok(signet.store().return_attempt(&self.address).await?)
    }
}

/// The device cookie of a browser that signed in as `user`.
pub fn device_cookie(signet: &Signet, edge: &Edge, user: UserId) -> Option<HeaderValue> {
    let device = jose::b64(&random::<16>(&mut SystemEntropy));
    let value = format!("{device}.{}", device_mac(signet, &device, user));
    edge.cookies.set(cookies::DEVICE, &value, Some(DEVICE_EXPIRE))
}

fn known_device(signet: &Signet, edge: &Edge, user: UserId) -> Option<String> {
    let (device, mac) = edge.cookies.get(cookies::DEVICE)?.split_once('.')?;
    let expected = device_mac(signet, device, user);
    let fits: bool = expected.as_bytes().ct_eq(mac.as_bytes()).into();
    fits.then(|| format!("{device} {user}"))
}

fn device_mac(signet: &Signet, device: &str, user: UserId) -> String {
    let key = signet.store().pool().device_key.expose();
    jose::b64(&jose::hmac_sha256(key, &[b"device", device.as_bytes(), user.to_string().as_bytes()]))
}
