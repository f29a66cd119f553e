//! What every handler can reach.

use std::{net::IpAddr, sync::Arc};

use signet_protocol::{
    issuer::{BaseUrl, Issuer, IssuerId, Site},
    time::{Now, Seconds},
};
use signet_store::{Cache, Store, stats::CacheStats};

use crate::{
    Readiness,
    api::Limits,
    client_keys::FetchedKeys,
    clock::Clock,
    hashing::Hasher,
    mail::{self, Recoveries},
    manage::{audit::Walks, overview::Remembered, users::import::Imports},
    metrics::Metrics,
    oidc::{discovery::Rendered, live::Verified},
    outbound::Outbound,
    proxies::Proxies,
    trace::{self, Traces},
};

/// Verified access tokens kept in memory at most: about half a kilobyte each.
const VERIFIED: usize = 64 * 1024;

/// What is configured, and where the pool lives.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The pool's own address.
    pub base_url: BaseUrl,
    /// The reverse proxies whose word about a sender counts.
    pub proxies: Proxies,
    /// By which Signet itself asks others.
    pub outbound: Outbound,
    /// The age at which signing keys are replaced; zero if they never are by themselves.
    pub key_rotation: Seconds,
}

/// A user pool that runs: configuration, store, clock and hashing threads.
pub struct Signet {
    settings: Settings,
    pool_issuer: Issuer,
    store: Store,
    clock: Arc<dyn Clock>,
    hasher: Arc<Hasher>,
    /// Where the default pool lives, if it is another one.
    first: Option<BaseUrl>,
    rendered: Rendered,
    verified: Verified,
    fetched_keys: FetchedKeys,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
    traces: Arc<Traces>,
    overview: Remembered,
    walks: Walks,
    api_limits: Limits,
    imports: Imports,
    recoveries: Recoveries,
}

/// What all pools of a process have in common.
struct Shared {
    clock: Arc<dyn Clock>,
    hasher: Arc<Hasher>,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
}

/// The address a connection comes from; the accept loop puts it among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl Signet {
    /// Puts the parts of the default pool together.
    pub fn new(settings: Settings, store: Store, clock: Arc<dyn Clock>, hasher: Hasher) -> Arc<Signet> {
        let (readiness, metrics) = (Arc::default(), Arc::default());
        let shared = Shared { clock, hasher: Arc::new(hasher), readiness, metrics };
        Signet::of(settings, None, store, shared)
    }

    /// Another pool beside this one, the default: at an address of its own, on a store of its own. They share the clock, the
    /// hashing threads, the configuration and what is counted of requests, and nothing that a request could tell apart.
    pub(crate) fn beside(&self, base_url: BaseUrl, store: Store) -> Arc<Signet> {
        let settings = Settings { base_url, ..self.settings.clone() };
        let shared = Shared {
            clock: Arc::clone(&self.clock),
            hasher: Arc::clone(&self.hasher),
            readiness: Arc::clone(&self.readiness),
            metrics: Arc::clone(&self.metrics),
        };
        Signet::of(settings, Some(self.settings.base_url.clone()), store, shared)
    }

    fn of(settings: Settings, first: Option<BaseUrl>, store: Store, shared: Shared) -> Arc<Signet> {
        let (rendered, verified) = (Rendered::default(), Cache::of(VERIFIED));
        let fetched_keys = FetchedKeys::default();
        let pool = store.pool().id;
        let pool_issuer = Issuer::at(&settings.base_url, &Site::Pool, pool, IssuerId::Pool(pool));
        let (traces, refused) = Traces::new();
        let Shared { clock, hasher, readiness, metrics } = shared;
        let (recoveries, forgotten) = Recoveries::new();
        let signet = Arc::new(Signet {
            settings,
            pool_issuer,
            store,
            clock,
            hasher,
            first,
            rendered,
            verified,
            fetched_keys,
            readiness,
            metrics,
            traces: Arc::new(traces),
            overview: Remembered::default(),
            walks: Walks::default(),
            api_limits: Limits::default(),
            imports: Imports::default(),
            recoveries,
        });
        trace::keep(&signet, refused);
        mail::keep(&signet, forgotten);
        signet
    }

    /// The address of the default pool, if this is another one.
    pub fn first(&self) -> Option<&BaseUrl> {
        self.first.as_ref()
    }

    /// What is configured.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The issuer at the pool's own address.
    pub fn pool_issuer(&self) -> &Issuer {
        &self.pool_issuer
    }

    /// By which Signet itself asks others.
    pub fn outbound(&self) -> &Outbound {
        &self.settings.outbound
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The hashing threads.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Whether this node should get traffic.
    pub fn readiness(&self) -> &Arc<Readiness> {
        &self.readiness
    }

    /// What is counted of requests.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What was found out for the overview.
    pub(crate) fn overview(&self) -> &Remembered {
        &self.overview
    }

    /// The walk over the chain of the audit log that runs here, or ran last.
    pub(crate) fn walks(&self) -> &Walks {
        &self.walks
    }

    /// The requests of callers of the admin API.
    pub(crate) fn api_limits(&self) -> &Limits {
        &self.api_limits
    }

    /// Those who have forgotten their passwords.
    pub(crate) fn recoveries(&self) -> &Recoveries {
        &self.recoveries
    }

    /// The import of users that runs here, or ran last.
    pub(crate) fn imports(&self) -> &Imports {
        &self.imports
    }

    /// Where failures are told.
    pub fn traces(&self) -> &Arc<Traces> {
        &self.traces
    }

    /// The time now.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// The rendered documents.
    pub(crate) fn rendered(&self) -> &Rendered {
        &self.rendered
    }

    /// What is counted of the verified access tokens in memory.
    pub fn verified_stats(&self) -> &CacheStats {
        self.verified.stats()
    }

    /// What is counted of the keys that applications publish themselves.
    pub fn fetched_keys_stats(&self) -> &CacheStats {
        self.fetched_keys.stats()
    }

    /// The keys that applications publish themselves.
    pub(crate) fn fetched_keys(&self) -> &FetchedKeys {
        &self.fetched_keys
    }

    /// The access tokens that were verified before.
    pub(crate) fn verified(&self) -> &Verified {
        &self.verified
    }
}
