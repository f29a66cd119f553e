//! The user pools that this process serves, and which of them a request is for.
//!
//! Each pool is a [`Signet`] of its own on a store of its own, with a router of its own. The host of a request selects
//! among them and does nothing else: a pool sees only requests to its own hosts, and shares nothing in memory that a
//! request could reach.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::Router;
use http::{HeaderMap, Uri};
use signet_protocol::{id::PoolId, issuer::BaseUrl};
use signet_store::{POOL_HOST, Registry, StoreError, StoredPool};

use crate::{Signet, clock::SystemEntropy, edge, manage::pools, router};

/// Every pool of this process.
pub struct Pools {
    /// The default pool, which is there from the start and answers for hosts that are nobody's.
    first: Arc<Signet>,
    router: Router,
    others: RwLock<Arc<Others>>,
    /// Whether there are any, so that a request need not look where there are none.
    has_others: AtomicBool,
    /// Whether this process serves, and does not only look for one pool.
    serving: AtomicBool,
    /// Held while the list is read: of two that read it at once the older must not win.
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Others {
    served: Vec<Served>,
    /// Their places, by the host of their address.
    by_host: HashMap<String, usize>,
}

/// A pool that is served beside the default one.
#[derive(Clone)]
struct Served {
    pool: StoredPool,
    signet: Arc<Signet>,
    router: Router,
}

impl Pools {
    /// The default pool; of the others those are served that [`Pools::refresh`] finds.
    pub fn new(first: Arc<Signet>) -> Arc<Pools> {
        let router = router(Arc::clone(&first));
        Arc::new(Pools {
            first,
            router,
            others: RwLock::default(),
            has_others: AtomicBool::new(false),
            serving: AtomicBool::new(false),
            refreshing: tokio::sync::Mutex::default(),
        })
    }

    /// The default pool.
    pub fn first(&self) -> &Arc<Signet> {
        &self.first
    }

    /// The pools that are served beside it.
    pub fn others(&self) -> Vec<Arc<Signet>> {
        self.now().served.iter().map(|served| Arc::clone(&served.signet)).collect()
    }

    /// The routes for a request: those of the pool whose address its host is, or is one label below.
    pub fn route(&self, headers: &HeaderMap, uri: &Uri) -> Router {
        if !self.has_others.load(Ordering::Acquire) {
            return self.router.clone();
        }
        let others = self.now();
        let named = edge::request_host(headers, uri);
        let found = named.and_then(|named| others.find(&named, self.first.settings().base_url.host()));
        found.map_or_else(|| self.router.clone(), |served| served.router.clone())
    }

    /// Reads which pools there are, and serves those from now on. A pool that moved has its store and gets another face.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.serving.store(true, Ordering::SeqCst);
        let _alone = self.refreshing.lock().await;
        let Some(registry) = self.first.store().registry() else { return Ok(()) };
        let listed = registry.list().await?;
        let before = self.now();
        let mut served = Vec::new();
        for pool in listed {
            if pool.id == registry.default_pool() {
                registry.call(self.first.store(), &pool);
                continue;
            }
            let id = pool.id;
            match self.serve(registry, before.served.iter().find(|one| one.pool.id == id), pool).await {
                Ok(found) => served.extend(found),
                Err(error) => tracing::error!(%error, pool = %id, "a user pool cannot be served"),
            }
        }
        let by_host = served.iter().enumerate().map(|(place, one)| (one.host().to_owned(), place)).collect();
        let changed = Others { served, by_host };
        for gone in before.served.iter().filter(|one| !changed.has(&one.signet)) {
            tracing::info!(pool = %gone.pool.id, host = gone.host(), "a user pool is not served here any more");
            let signet = Arc::clone(&gone.signet);
            tokio::spawn(async move {
                signet.traces().settle().await;
                signet.store().settle().await;
            });
        }
        let has_others = !changed.served.is_empty();
        *self.others.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
        self.has_others.store(has_others, Ordering::Release);
        Ok(())
    }

    /// The pool as it is to be served, which was served as `before`.
    async fn serve(
        &self,
        registry: Registry<'_>,
        before: Option<&Served>,
        pool: StoredPool,
    ) -> Result<Option<Served>, StoreError> {
        let Some(base_url) = pool.base_url.clone() else { return Ok(None) };
        let store = match before {
            Some(before) => {
                registry.call(before.signet.store(), &pool);
                if before.pool.base_url.as_ref() == Some(&base_url) {
                    return Ok(Some(Served { pool, ..before.clone() }));
                }
                before.signet.store().clone()
            }
            None => match registry.open(pool.id, self.first.now(), &mut SystemEntropy).await? {
                Some(store) => store,
                None => return Ok(None),
            },
        };
        let signet = self.first.beside(base_url, store);
        tracing::info!(pool = %pool.id, host = signet.settings().base_url.host(), "a user pool is served");
        Ok(Some(Served { router: router(Arc::clone(&signet)), pool, signet }))
    }

    /// The pool of this identifier or id. Where none is served it is opened alone: a command needs no other. A server has one
    /// store of a pool and no second, whose memory would not hear of what the other changes.
    pub async fn find(&self, named: &str) -> Result<Option<Arc<Signet>>, StoreError> {
        let Some(registry) = self.first.store().registry() else { return Ok(None) };
        let Some(pool) = pools::find(registry, named).await? else { return Ok(None) };
        if pool.id == registry.default_pool() {
            return Ok(Some(Arc::clone(&self.first)));
        }
        if !self.serving.load(Ordering::SeqCst) {
            return Ok(self.serve(registry, None, pool).await?.map(|served| served.signet));
        }
        let id = pool.id;
        if let Some(served) = self.now().of(id) {
            return Ok(Some(served));
        }
        self.refresh().await?;
        Ok(self.now().of(id))
    }

    /// Writes down where the default pool lives, so that no other takes that address. A server does it anew; a command only
    /// where it was never done, because it may not know better.
    pub async fn note_address(&self, anew: bool) -> Result<(), StoreError> {
        let Some(registry) = self.first.store().registry() else { return Ok(()) };
        match registry.note_address(&self.first.settings().base_url, anew).await {
            Err(error) if error.is_conflict_on(POOL_HOST) => {
                tracing::error!(
                    "the configured address is that of another user pool, which cannot be reached now; give either another"
                );
                Ok(())
            }
            other => other,
        }
    }

    /// Finishes what is queued and lets go of the database.
    pub async fn close(&self) {
        for signet in self.others() {
            signet.traces().settle().await;
            signet.store().settle().await;
        }
        self.first.traces().settle().await;
        self.first.store().clone().close().await;
    }

    fn now(&self) -> Arc<Others> {
        Arc::clone(&self.others.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Others {
    /// The pool whose address `host` is, else the one that it is a label of; none for the default pool, whose own address
    /// is `first`.
    fn find(&self, named: &str, first: &str) -> Option<&Served> {
        let lower = named.to_ascii_lowercase();
        let host = lower.split_once(':').map_or(lower.as_str(), |(host, _)| host);
        if host == first {
            return None;
        }
        let place = self.by_host.get(host).or_else(|| self.by_host.get(host.split_once('.')?.1))?;
        self.served.get(*place)
    }

    /// The pool of this id.
    fn of(&self, id: PoolId) -> Option<Arc<Signet>> {
        let found = self.served.iter().find(|one| one.pool.id == id);
        found.map(|one| Arc::clone(&one.signet))
    }

    fn has(&self, signet: &Arc<Signet>) -> bool {
        self.served.iter().any(|one| Arc::ptr_eq(&one.signet, signet))
    }
}

impl Served {
    fn host(&self) -> &str {
        self.signet.settings().base_url.host()
    }
}

/// Where a pool lives; the default one where it is configured.
pub fn address<'a>(first: &'a Signet, pool: &'a StoredPool) -> &'a BaseUrl {
    pool.base_url.as_ref().unwrap_or(&first.settings().base_url)
}
