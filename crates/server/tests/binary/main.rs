//! The binary as people use it: processes, files, signals.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on ends its test")]

mod commands;
mod data;
mod limits;
mod serving;
mod support;
