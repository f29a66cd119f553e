//! What every handler can reach.

use std::{net::IpAddr, sync::Arc};

use signet_protocol::{issuer::BaseUrl, time::Now};
use signet_store::Store;

use crate::{clock::Clock, hashing::Hasher, oidc::discovery::Rendered, proxies::Proxies};

/// What is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The pool's own address.
    pub base_url: BaseUrl,
    /// The reverse proxies whose word about a sender counts.
    pub proxies: Proxies,
}

/// A running Signet: configuration, store, clock and hashing threads.
pub struct Signet {
    settings: Settings,
    store: Store,
    clock: Arc<dyn Clock>,
    hasher: Hasher,
    rendered: Rendered,
}

/// The address a connection comes from; the accept loop puts it among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl Signet {
    /// Puts the parts together.
    pub fn new(settings: Settings, store: Store, clock: Arc<dyn Clock>, hasher: Hasher) -> Arc<Signet> {
        Arc::new(Signet { settings, store, clock, hasher, rendered: Rendered::default() })
    }

    /// What is configured.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The hashing threads.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The time now.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// The rendered documents.
    pub(crate) fn rendered(&self) -> &Rendered {
        &self.rendered
    }
}
