//! Files of users that lie in the memory of other nodes: where, and how far each is. They say so in the database.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use signet_protocol::time::Timestamp;
use signet_store::{ImportDesk, StoreError};

use super::{Desk, Progress};
use crate::Signet;

/// How often a node says how far it is.
const EVERY: Duration = Duration::from_secs(2);
/// Seconds without a word after which a node that was at work has ended.
const SILENT: i64 = 60;

/// A file in the memory of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The machine it runs on.
    pub host: String,
    /// What the file is called.
    pub name: String,
    /// Since when.
    pub begun_at: Timestamp,
    /// How far it is.
    pub state: State,
    /// Whether that node was at work and has not said anything for a minute.
    pub lost: bool,
}

/// How far a node is with its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Whether it is only looked through.
    pub dry_run: bool,
    /// Whether that goes on.
    pub running: bool,
    /// Bytes of the file.
    pub size: u64,
    /// The numbers.
    pub progress: Progress,
}

/// The files of other nodes.
pub async fn elsewhere(signet: &Signet) -> Result<Vec<Elsewhere>, StoreError> {
    let now = signet.now();
    let desks = signet.store().import_desks_elsewhere(now).await?;
    let read = |desk: ImportDesk| {
        // What another version says may not be understood.
        let state: State = serde_json::from_str(&desk.content).ok()?;
        let lost = state.running && now.timestamp().since(desk.seen_at).0 > SILENT;
        Some(Elsewhere { host: desk.host, name: desk.name, begun_at: desk.begun_at, state, lost })
    };
    Ok(desks.into_iter().filter_map(read).collect())
}

/// Says how far this node is with a file, until it is done with it.
pub(super) fn keep_telling(signet: &Arc<Signet>, desk: Arc<Desk>) {
    let signet = Arc::downgrade(signet);
    drop(tokio::spawn(async move {
        loop {
            let running = !desk.job.is_finished();
            let Some(signet) = signet.upgrade() else { return };
            if !signet.imports().desk().is_some_and(|there| Arc::ptr_eq(&there, &desk)) {
                return;
            }
            if let Err(error) = signet.store().put_import_desk(&said(&signet, &desk, running)).await {
                tracing::warn!(%error, "other nodes do not know how far an import is");
            }
            if !running {
                return;
            }
            drop(signet);
            tokio::time::sleep(EVERY).await;
        }
    }));
}

/// Says that nothing lies here any more.
pub(super) fn tell_cleared(signet: &Arc<Signet>) {
    let signet = Arc::clone(signet);
    drop(tokio::spawn(async move {
        if let Err(error) = signet.store().clear_import_desk().await {
            tracing::warn!(%error, "other nodes do not know that an import was put away");
        }
    }));
}

fn said(signet: &Signet, desk: &Desk, running: bool) -> ImportDesk {
    let report = desk.job.outcome().and_then(|outcome| outcome.as_ref().ok());
    let progress = report.map_or_else(|| desk.job.progress(), |report| report.progress);
    let state = State { dry_run: desk.mode.dry_run, running, size: desk.size, progress };
    ImportDesk {
        host: host().to_owned(),
        name: desk.name.clone(),
        begun_at: desk.begun_at,
        seen_at: signet.now().timestamp(),
        content: serde_json::to_string(&state).unwrap_or_default(),
    }
}

/// What the machine is called.
fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        if name.is_empty() { "?".to_owned() } else { name.chars().take(100).collect() }
    })
}
