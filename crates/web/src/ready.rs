//! Whether this node should get traffic.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract::State, response::Response};
use http::{StatusCode, header::RETRY_AFTER};
use serde_json::json;
use signet_store::StoreError;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{Signet, error::RETRY, respond};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an answer of the database is believed, so that probes cost it nothing.
const FRESH: Duration = Duration::from_secs(1);

/// What is known of it. A node is ready from the start, and never again once it is told to stop.
#[derive(Debug, Default)]
pub struct Readiness {
    stopping: AtomicBool,
    /// When the database was last asked, and whether it answered.
    asked: Mutex<Option<(Instant, bool)>>,
}

/// Why a node should get no traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unready {
    /// The database does not answer.
    Database,
    /// The node was told to stop.
    Stopping,
}

impl Readiness {
    /// From now on the node is not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the node was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    async fn check(&self, ping: impl Future<Output = Result<(), StoreError>>) -> Result<(), Unready> {
        if self.is_stopping() {
            return Err(Unready::Stopping);
        }
        // Held while the database is asked: probes that come together ask it once.
        let mut asked = self.asked.lock().await;
        let answers = match *asked {
            Some((at, answers)) if at.elapsed() < FRESH => answers,
            _ => {
                let answers = answers(ping).await;
                *asked = Some((Instant::now(), answers));
                answers
            }
        };
        answers.then_some(()).ok_or(Unready::Database)
    }
}

async fn answers(ping: impl Future<Output = Result<(), StoreError>>) -> bool {
    match timeout(PATIENCE, ping).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::error!(%error, "not ready: the database does not answer"),
        Err(_) => tracing::error!(seconds = PATIENCE.as_secs(), "not ready: the database is too slow"),
    }
    false
}

impl Unready {
    fn as_str(self) -> &'static str {
        match self {
            Unready::Database => "database",
            Unready::Stopping => "stopping",
        }
    }
}

/// GET `/readyz`. Any host may ask.
pub async fn handle(State(signet): State<Arc<Signet>>) -> Response {
    match signet.readiness().check(signet.store().ping()).await {
        Ok(()) => respond::json(StatusCode::OK, &json!({ "status": "ready" })),
        Err(why) => {
            let body = json!({ "status": "unready", "reason": why.as_str() });
            let mut response = respond::json(StatusCode::SERVICE_UNAVAILABLE, &body);
            response.headers_mut().insert(RETRY_AFTER, RETRY);
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_database_is_asked_once_a_second_at_most() {
        let (readiness, pings) = (Readiness::default(), Cell::new(0));
        let probe = || {
            readiness.check(async {
                pings.set(pings.get() + 1);
                if pings.get() == 2 { Err(StoreError::Busy) } else { Ok(()) }
            })
        };
        for (millis, expected) in [
            (0, Ok(())),
            (999, Ok(())),
            (1, Err(Unready::Database)),
            (999, Err(Unready::Database)),
            (1, Ok(())),
        ] {
            tokio::time::advance(Duration::from_millis(millis)).await;
            assert_eq!(probe().await, expected, "after {} pings", pings.get());
        }
        assert_eq!(pings.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_hangs_is_waited_for_a_second() {
        let (readiness, since) = (Readiness::default(), Instant::now());
        assert_eq!(readiness.check(pending()).await, Err(Unready::Database));
        assert_eq!(since.elapsed(), PATIENCE);
    }

    #[tokio::test]
    async fn told_to_stop_it_asks_nobody() {
        let readiness = Readiness::default();
        assert_eq!(readiness.check(async { Ok(()) }).await, Ok(()));
        readiness.stop();
        assert_eq!(readiness.check(pending()).await, Err(Unready::Stopping));
    }
}
