//! The issuer's public keys.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use tokio::sync::Mutex;

const KEEP: Duration = Duration::from_secs(600);
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Keeps the keys for ten minutes, and asks for them again on a `kid` that is not among them, five seconds apart at least.
pub struct Keys {
    address: String,
    client: reqwest::Client,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    asked: Option<Instant>,
    /// `asked`, if there was an answer.
    answered: Option<Instant>,
}

pub enum Missing {
    Unknown,
    Unreachable,
}

impl Keys {
    pub fn new(address: String) -> reqwest::Result<Self> {
        // A connection that was kept from the last time may just be about to be closed.
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(5)).pool_max_idle_per_host(0).build()?;
        Ok(Self { address, client, kept: Mutex::default() })
    }

    /// The key with this `kid`, and the one algorithm it is for.
    pub async fn find(&self, kid: &str) -> Result<(Algorithm, DecodingKey), Missing> {
        let older = |than, time: Option<Instant>| time.is_none_or(|time| time.elapsed() > than);
        let mut kept = self.kept.lock().await;
        let wanted = !kept.keys.contains_key(kid) || older(KEEP, kept.answered);
        if wanted && older(ASK_AGAIN, kept.asked) {
            kept.asked = Some(Instant::now());
            kept.answered = None;
            if let Ok(keys) = self.ask().await {
                kept.keys = keys;
                kept.answered = kept.asked;
            }
        }
        let missing = if kept.answered.is_some() { Missing::Unknown } else { Missing::Unreachable };
        kept.keys.get(kid).cloned().ok_or(missing)
    }

    async fn ask(&self) -> reqwest::Result<HashMap<String, (Algorithm, DecodingKey)>> {
        let answer = self.client.get(&self.address).send().await?.error_for_status()?;
        Ok(answer.json::<JwkSet>().await?.keys.iter().filter_map(usable).collect())
    }
}

/// A key for an algorithm this API takes. A set may have others, of kinds that are not known yet, too.
fn usable(jwk: &Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    let algorithm = match jwk.common.key_algorithm? {
        KeyAlgorithm::RS256 => Algorithm::RS256,
        KeyAlgorithm::ES256 => Algorithm::ES256,
        _ => return None,
    };
    Some((jwk.common.key_id.clone()?, (algorithm, DecodingKey::from_jwk(jwk).ok()?)))
}
