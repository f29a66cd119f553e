//! The binary as people use it: processes, files, signals.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on ends its test")]

mod backup;
mod check;
mod commands;
mod data;
mod person;
mod proxies;
mod serving;
mod support;
mod tls;
