//! Two nodes behind HAProxy on one PostgreSQL: real processes, requests that go to the one or the other.
//!
//! The promise is a second. A busy machine may be late: what takes longer than five fails, and how long it took is
//! printed (`--nocapture`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that cannot go on ends its test"
)]

mod client;
mod flows;
mod follow;
mod nodes;
mod person;
mod restarts;
