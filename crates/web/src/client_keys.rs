//! The public keys of applications: those in their settings, and those they publish at an address of their own.

use std::sync::{Arc, PoisonError, RwLock};

use signet_protocol::{
    application::ActiveApplication,
    client_token::ClientTokenError,
    jose::ClientKeys,
    limits::CLIENT_KEYS_BYTES,
    time::{Seconds, Timestamp},
};
use signet_store::{Cache, stats::CacheStats};
use tokio::sync::Mutex;

use crate::Signet;

/// How long fetched keys are used without asking again.
const FRESH: Seconds = Seconds(600);
/// How long they are used while they cannot be fetched again.
const STALE: Seconds = Seconds(86_400);
/// The shortest time between two tries to fetch the same.
const BETWEEN_TRIES: Seconds = Seconds(10);

/// What was fetched, by address.
#[derive(Default)]
pub struct FetchedKeys(Cache<String, Published>);

impl FetchedKeys {
    /// What is counted of it.
    pub fn stats(&self) -> &CacheStats {
        self.0.stats()
    }

    fn at(&self, url: &str) -> Arc<Published> {
        let url = url.to_owned();
        self.0.get(&url).unwrap_or_else(|ticket| self.0.put(ticket, url, Published::default()))
    }
}

/// The keys at one address.
#[derive(Default)]
struct Published {
    known: RwLock<Known>,
    fetching: Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Option<(ClientKeys, Timestamp)>,
    tried_at: Option<Timestamp>,
}

impl Known {
    fn since(&self) -> Option<Timestamp> {
        self.keys.as_ref().map(|(_, at)| *at)
    }

    fn may_try(&self, now: Timestamp) -> bool {
        self.tried_at.is_none_or(|at| now.since(at) >= BETWEEN_TRIES)
    }

    fn usable(self, now: Timestamp) -> Option<ClientKeys> {
        self.keys.filter(|(_, at)| now.since(*at) < STALE).map(|(keys, _)| keys)
    }
}

impl Published {
    /// The keys, fetched anew if they are no longer fresh. Whoever finds that done already, or others at it, takes what there is.
    async fn keys(&self, signet: &Signet, url: &str) -> Option<ClientKeys> {
        let (known, now) = (self.known(), signet.now().timestamp());
        let fresh = known.since().is_some_and(|at| now.since(at) < FRESH);
        if fresh || !known.may_try(now) && known.keys.is_some() {
            return known.usable(now);
        }
        let turn = match known.keys {
            Some(_) => self.fetching.try_lock().ok(),
            None => Some(self.fetching.lock().await),
        };
        if turn.is_some() {
            self.fetch(signet, url, known.since()).await;
        }
        self.known().usable(now)
    }

    /// Keys that are newer than those of `before`, if there are any.
    async fn newer(&self, signet: &Signet, url: &str, before: Option<Timestamp>) -> Option<ClientKeys> {
        let _turn = self.fetching.lock().await;
        self.fetch(signet, url, before).await;
        let known = self.known();
        if known.since() == before { None } else { known.usable(signet.now().timestamp()) }
    }

    /// Fetches them, unless somebody else did since `before`, or it was tried just now. Only who has the turn calls it.
    async fn fetch(&self, signet: &Signet, url: &str, before: Option<Timestamp>) {
        let (known, now) = (self.known(), signet.now().timestamp());
        if known.since() != before || !known.may_try(now) {
            return;
        }
        self.learn(|known| known.tried_at = Some(now));
        let fetched = signet.outbound().get(url, "application/json", CLIENT_KEYS_BYTES).await;
        let read = fetched.map_err(|error| error.to_string()).and_then(|document| {
            ClientKeys::parse_published(&document).map_err(|error| format!("it {error}"))
        });
        match read {
            Ok(keys) => self.learn(|known| known.keys = Some((keys, now))),
            Err(error) => {
                let kept = known.keys.is_some();
                tracing::warn!(url, error, kept, "the keys of an application were not fetched");
            }
        }
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, learn: impl FnOnce(&mut Known)) {
        learn(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The keys of `application` as they are known now; fetched if they are to be, and not yet.
pub async fn current(signet: &Signet, application: &ActiveApplication) -> Option<ClientKeys> {
    match &application.settings.jwks_uri {
        None => application.settings.jwks.clone(),
        Some(url) => signet.fetched_keys().at(url).keys(signet, url).await,
    }
}

/// Has a token verified by the keys of `application`. Keys that are published by the application itself are fetched when
/// they are needed, and again when none of them verifies the token: it may have changed them.
pub async fn verified<T>(
    signet: &Signet,
    application: &ActiveApplication,
    verify: impl Fn(Option<&ClientKeys>) -> Result<T, ClientTokenError>,
) -> Result<T, ClientTokenError> {
    let settings = &application.settings;
    let Some(url) = &settings.jwks_uri else { return verify(settings.jwks.as_ref()) };
    // What is signed with the secret, or wrong in any other way, needs no keys.
    let without = verify(None);
    if !matches!(without, Err(ClientTokenError::Key)) {
        return without;
    }
    let published = signet.fetched_keys().at(url);
    let keys = published.keys(signet, url).await;
    let before = published.known().since();
    match verify(keys.as_ref()) {
        Err(ClientTokenError::Key) => match published.newer(signet, url, before).await {
            Some(newer) => verify(Some(&newer)),
            None => Err(ClientTokenError::Key),
        },
        outcome => outcome,
    }
}
