//! The issuer's public keys.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use tokio::sync::{Mutex, RwLock};

const KEEP: Duration = Duration::from_secs(600);
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Keeps the keys for ten minutes, and asks for them again on a `kid` that is not among them, five seconds apart at least.
pub struct Keys {
    address: String,
    client: reqwest::Client,
    kept: RwLock<Kept>,
    /// When they were asked for. Whoever asks holds it; those whose key is known do not wait for that.
    asked: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Kept {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    came: Option<Instant>,
    /// Whether the issuer did not answer since.
    away: bool,
}

impl Kept {
    fn fresh(&self, kid: &str) -> Option<(Algorithm, DecodingKey)> {
        self.keys.get(kid).filter(|_| !older(KEEP, self.came)).cloned()
    }
}

fn older(than: Duration, time: Option<Instant>) -> bool {
    time.is_none_or(|time| time.elapsed() > than)
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
        Ok(Self { address, client, kept: RwLock::default(), asked: Mutex::default() })
    }

    /// The key with this `kid`, and the one algorithm it is for.
    pub async fn find(&self, kid: &str) -> Result<(Algorithm, DecodingKey), Missing> {
        if let Some(key) = self.kept.read().await.fresh(kid) {
            return Ok(key);
        }
        let mut asked = self.asked.lock().await;
        if older(ASK_AGAIN, *asked) && self.kept.read().await.fresh(kid).is_none() {
            let answer = self.ask().await;
            *asked = Some(Instant::now());
            let mut kept = self.kept.write().await;
            match answer {
                Ok(keys) => *kept = Kept { keys, came: *asked, away: false },
                Err(_) => kept.away = true,
            }
        }
        let kept = self.kept.read().await;
        let missing = if kept.away { Missing::Unreachable } else { Missing::Unknown };
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
