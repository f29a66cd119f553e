//! The HTTP surface of Signet: the protocol endpoints, the pages people see, and what an operator may do.
//!
//! A handler is five verbs: parse, load, decide, apply, respond. The rules it asks are in `signet-protocol`, the rows it
//! loads and the batches it applies in `signet-store`.

pub mod api;
mod audit;
mod client_keys;
pub mod clock;
pub mod console;
mod cookies;
mod core;
mod edge;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    //! The parsers that only this crate uses, for the fuzzer.

    pub use crate::{cookies::Cookies, upload::parse};
}
pub mod hashing;
mod login;
pub mod logout;
pub mod mail;
pub mod manage;
pub mod metrics;
mod network;
mod oidc;
pub mod outbound;
pub mod pages;
mod patience;
pub mod pools;
pub mod proxies;
mod ready;
mod respond;
mod routes;
mod sayings;
mod state;
pub mod trace;
pub mod upload;

pub use network::Network;
pub use ready::Readiness;
pub use routes::{SpanName, router};
pub use state::{Peer, Settings, Signet};
