//! The binary as people use it: processes, files, signals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that cannot go on ends its test"
)]

#[cfg(feature = "otlp")]
mod browser;
mod commands;
mod data;
mod limits;
mod proxies;
mod serving;
mod support;
#[cfg(feature = "otlp")]
mod telemetry;
mod tls;
