//! What runs in the background for each user pool, as long as it is served.

use std::{collections::HashMap, sync::Arc, time::Duration};

use signet_protocol::{id::PoolId, time::Seconds};
use signet_web::{
    Signet,
    logout::backchannel,
    manage::{audit, keys::automatic, overview},
    pools::Pools,
};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::{JoinSet, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep},
};

/// How often expired rows are deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long to leave the database to others between users that are made ready to be searched.
const INDEX_PAUSE: Duration = Duration::from_millis(20);
/// How often it is seen which signing keys are due.
const ROTATE_EVERY: Duration = Duration::from_secs(600);
/// How often it is looked whether records of the audit log are too old.
const RETAIN_EVERY: Duration = Duration::from_secs(3600);
/// How long after the start the numbers of the overview are counted for the first time.
const COUNT_FIRST: Duration = Duration::from_secs(2);
/// How often it is seen which pools other nodes have made, moved or removed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is configured of the background work.
#[derive(Clone, Copy)]
pub struct Upkeep {
    /// The age at which signing keys are replaced; zero if they never are.
    pub rotation: Seconds,
    /// The age in days at which records of the audit log are deleted; zero if they never are.
    pub audit_retention_days: i64,
}

/// The background work of one pool. It ends when it is dropped, each part after what it has begun.
struct Work {
    signet: Arc<Signet>,
    _running: watch::Sender<()>,
}

/// Keeps up with which pools there are, and with each of them, until the sender of `stopped` is gone.
pub async fn keep(pools: Arc<Pools>, upkeep: Upkeep, mut stopped: watch::Receiver<()>) {
    let mut tasks = JoinSet::new();
    let first = begin(&mut tasks, pools.first(), upkeep);
    tasks.spawn(purge(Arc::clone(&pools), stopped.clone()));
    let mut works: HashMap<PoolId, Work> = HashMap::new();
    let mut failing = false;
    loop {
        let served = pools.others();
        works.retain(|_, work| served.iter().any(|signet| Arc::ptr_eq(signet, &work.signet)));
        for signet in served {
            let id = signet.store().pool().id;
            works.entry(id).or_insert_with(|| begin(&mut tasks, &signet, upkeep));
        }
        while tasks.try_join_next().is_some() {}
        tokio::select! {
            () = changed(&pools) => {}
            () = sleep(LOOK_EVERY) => {}
            _ = stopped.changed() => break,
        }
        let looked = pools.refresh().await;
        match (&looked, failing) {
            (Err(error), false) => tracing::warn!(%error, "cannot see which user pools there are"),
            (Ok(()), true) => tracing::info!("sees again which user pools there are"),
            _ => {}
        }
        failing = looked.is_err();
    }
    drop((first, works));
    // They end by themselves; a panic in one is logged where it happens.
    while tasks.join_next().await.is_some() {}
}

async fn changed(pools: &Pools) {
    match pools.first().store().registry() {
        Some(registry) => registry.changed().await,
        None => std::future::pending().await,
    }
}

fn begin(tasks: &mut JoinSet<()>, signet: &Arc<Signet>, upkeep: Upkeep) -> Work {
    let (running, stopped) = watch::channel(());
    tasks.spawn(sweep(Arc::clone(signet), stopped.clone()));
    tasks.spawn(rotate(Arc::clone(signet), upkeep.rotation, stopped.clone()));
    tasks.spawn(retain(Arc::clone(signet), upkeep.audit_retention_days, stopped.clone()));
    tasks.spawn(index(Arc::clone(signet), stopped.clone()));
    tasks.spawn(count(Arc::clone(signet), stopped.clone()));
    tasks.spawn(backchannel::run(Arc::clone(signet), stopped));
    Work { signet: Arc::clone(signet), _running: running }
}

async fn sweep(signet: Arc<Signet>, mut stopped: watch::Receiver<()>) {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        match signet.store().sweep(signet.now()).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "deleted what has expired"),
            Err(error) => tracing::warn!(%error, "expired rows were not deleted"),
        }
    }
}

/// Keeps the numbers of the overview ready: in a large pool to count them takes a second or more.
async fn count(signet: Arc<Signet>, mut stopped: watch::Receiver<()>) {
    let mut ticks = interval_at(Instant::now() + COUNT_FIRST, overview::COUNT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let (counted, runtime) = (Arc::clone(&signet), Handle::current());
        let work = async move { overview::count_ahead(&counted).await };
        // The embedded engine reads in the thread that asks: not in one that answers others.
        if let Ok(Err(error)) = spawn_blocking(move || runtime.block_on(work)).await {
            tracing::warn!(%error, "the numbers of the overview were not counted");
        }
    }
}

/// Writes the words of users who were written by a version that knew none, slowly: nobody but a search waits for them.
async fn index(signet: Arc<Signet>, mut stopped: watch::Receiver<()>) {
    let mut after = None;
    loop {
        let pause = match signet.store().index_users(after).await {
            Ok(Some(last)) => {
                after = Some(last);
                INDEX_PAUSE
            }
            // Those that another version goes on writing are met in the next round.
            Ok(None) => {
                after = None;
                SWEEP_EVERY
            }
            Err(error) => {
                tracing::warn!(%error, "users were not made ready to be searched");
                SWEEP_EVERY
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Replaces signing keys of the age `every`, or none if that is zero.
async fn rotate(signet: Arc<Signet>, every: Seconds, mut stopped: watch::Receiver<()>) {
    if every == Seconds(0) {
        return;
    }
    let mut ticks = interval(ROTATE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let round = automatic::round(&signet, every);
        // Whatever is not done is due again: a stop need not wait for it.
        let outcome = tokio::select! {
            outcome = round => outcome,
            _ = stopped.changed() => return,
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "signing keys were not rotated");
        }
    }
}

/// Deletes records of the audit log that are older than so many days, or none if that is zero.
async fn retain(signet: Arc<Signet>, days: i64, mut stopped: watch::Receiver<()>) {
    if days == 0 {
        return;
    }
    let mut ticks = interval(RETAIN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        // Whatever is not deleted is due again, and each part that was is told by its own record.
        let outcome = tokio::select! {
            outcome = audit::retain(&signet, days) => outcome,
            _ = stopped.changed() => return,
        };
        match outcome {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, days, "old records of the audit log are deleted"),
            Err(error) => tracing::warn!(%error, "old records of the audit log were not deleted"),
        }
    }
}

/// Clears away what was in pools that were removed.
async fn purge(pools: Arc<Pools>, mut stopped: watch::Receiver<()>) {
    loop {
        tokio::select! {
            () = sleep(SWEEP_EVERY) => {}
            _ = stopped.changed() => return,
        }
        let Some(registry) = pools.first().store().registry() else { return };
        // What is not done is due again: a stop need not wait for it.
        let purged = tokio::select! {
            purged = registry.purge(pools.first().now()) => purged,
            _ = stopped.changed() => return,
        };
        match purged {
            Ok(0) => {}
            Ok(pools) => tracing::info!(pools, "cleared away user pools that were deleted"),
            Err(error) => tracing::warn!(%error, "deleted user pools were not cleared away"),
        }
    }
}
