//! Where Signet keeps what must outlive a request.
//!
//! Statements go in, rows and outcomes come out: the room holds the SQL seam with its two engines and the
//! migrations. It knows no protocol rule; whoever calls it has already decided.
#![warn(missing_docs)]

mod error;
pub mod migrations;
pub mod sql;

pub use error::StoreError;
