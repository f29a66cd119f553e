//! The binary as people use it: processes, files, signals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that cannot go on ends its test"
)]

mod accounts;
mod audit;
mod backup;
#[cfg(feature = "otlp")]
mod browser;
mod check;
mod commands;
mod data;
mod export;
mod limits;
mod logout;
mod people;
mod person;
mod pools;
mod proxies;
mod rotation;
mod serving;
mod support;
#[cfg(feature = "otlp")]
mod telemetry;
mod tls;
