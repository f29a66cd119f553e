//! In place of `telemetry.rs` in a binary that is built without the feature `otlp`.

use axum::http::Request;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Identity};

use crate::{config::Collector, failure::Failure};

/// The way to a collector: there is none.
pub enum Traces {}

impl Traces {
    /// Refuses.
    pub fn start(collector: &Collector, _: &Handle) -> Result<Traces, Failure> {
        let what =
            format!("this binary is built without OpenTelemetry: nothing can go to {}", collector.url());
        Err(Failure::new(what).help("Leave out --otlp-endpoint, or build with the feature otlp."))
    }

    /// There is nothing to take spans.
    pub fn layer<S: Subscriber>(&self) -> impl Layer<S> + use<S> {
        Identity::new()
    }

    /// There is nothing to send.
    pub fn finish(self) {}
}

/// Runs a request.
pub fn traced<B, F>(request: Request<B>, answer: impl FnOnce(Request<B>) -> F) -> F {
    answer(request)
}
