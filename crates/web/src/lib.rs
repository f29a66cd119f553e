//! The HTTP surface of Signet: the protocol endpoints, the pages people see, and what an operator may do.
//!
//! A handler is five verbs: parse, load, decide, apply, respond. The rules it asks are in `signet-protocol`, the rows it
//! loads and the batches it applies in `signet-store`.

pub mod clock;
pub mod hashing;
pub mod manage;
mod state;

pub use state::{Peer, Settings, Signet};
