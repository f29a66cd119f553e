//! Connections to one server: those for groups, and those for what is asked by itself.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Status,
    TimeoutType,
};

use super::{errors::store_error, late, tls};
use crate::{StoreError, stats::Levels};

const CONNECTIONS: usize = 16;
/// How many of them are for groups: one for each lane.
const LANES: usize = super::writer::LANES + super::lookups::LANES;
const WAIT: Duration = Duration::from_secs(5);

/// How long one of several hosts may take to accept a connection, so that there is time left for the next.
const CONNECT: Duration = Duration::from_secs(2);

/// Said on every new connection: whoever waits for a row gives up before its caller does, so that nothing is done after the
/// caller was told to try again. And every statement goes by an index: a plan that was made while a table had few rows would read all
/// of it for as long as the connection lives, however many there are by then. (A table without an index to go by is read anyway, at
/// a price at which older servers would compile the plan.)
const SETTINGS: &str = "SET lock_timeout = '9s'; SET enable_seqscan = off; SET jit = off";

/// Said on those for groups. What somebody else has locked must not keep a whole group waiting: it gives up soon, and only who
/// needs that waits for it, on another connection. And each of their few statements has one good plan, however long its lists
/// are: to plan it anew each time would cost more than it does.
const GROUP_SETTINGS: &str = "SET lock_timeout = '200ms'; SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan";

/// The pools. Clones are the same pools.
#[derive(Clone)]
pub(super) struct Connections {
    groups: Pool,
    others: Pool,
}

impl Connections {
    /// No connection is opened before it is needed.
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self {
            groups: pool(url, LANES, GROUP_SETTINGS)?,
            others: pool(url, CONNECTIONS - LANES, SETTINGS)?,
        })
    }

    /// A connection, which nobody else uses until it is put back.
    pub(super) async fn take(&self) -> Result<Object, StoreError> {
        taken(&self.others).await
    }

    /// One for the groups of a lane.
    pub(super) async fn take_for_group(&self) -> Result<Object, StoreError> {
        taken(&self.groups).await
    }

    /// Puts a connection back, unless it failed: one whose answers are still to come would keep its next user waiting, and one to
    /// a server that became a standby would refuse every write. The others have most likely met the same.
    pub(super) fn put_back<T>(&self, client: Object, answer: &Result<T, StoreError>) {
        if let Err(StoreError::Unavailable(_)) = answer {
            for pool in [&self.groups, &self.others] {
                pool.retain(|_, _| false);
            }
            drop(Object::take(client));
        }
    }

    pub(super) fn levels(&self) -> Levels {
        let [groups, others] = [self.groups.status(), self.others.status()];
        let in_use = |pool: &Status| pool.size.saturating_sub(pool.available);
        Levels {
            connections: groups.size + others.size,
            connections_in_use: in_use(&groups) + in_use(&others),
            waiting: groups.waiting + others.waiting,
            queued: 0,
        }
    }

    pub(super) fn close(&self) {
        self.groups.close();
        self.others.close();
    }
}

fn pool(url: &str, size: usize, settings: &'static str) -> Result<Pool, StoreError> {
    let (mut config, tls) = tls::read(url)?;
    if config.get_application_name().is_none() {
        config.application_name("signet");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config, tls, recycling))
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .post_create(Hook::async_fn(move |client, _| {
            Box::pin(async move { client.batch_execute(settings).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| StoreError::Internal(error.to_string()))
}

async fn taken(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy,
        PoolError::Timeout(_) => late(WAIT),
        // A server that lets nobody in is away, whatever its reason.
        PoolError::Backend(error) => match store_error("connection", &error) {
            StoreError::Internal(reason) => StoreError::Unavailable(reason),
            error => error,
        },
        error => StoreError::Unavailable(error.to_string()),
    })
}
