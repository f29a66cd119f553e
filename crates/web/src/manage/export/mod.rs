//! What is stored as the description that makes it: canonical, in an order that does not depend on when or how it came to
//! be. What is exported and applied changes nothing where it is from; into an empty installation with the same master key it
//! brings the same pool, whose export is the same text.
//!
//! [`entries`] writes and `load` reads; the text is for `signet export`, and entry by entry for whoever shows a change
//! "as code".

pub mod entries;
mod load;

mod passphrase;
pub(super) mod toml;

pub use load::{Page, Part, application, application_alone, page, page_under, pool, user, whole};
pub use passphrase::{SEALED_WITH, Wrapped, table};

/// What of secrets is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secrets {
    /// Those of applications and accounts, sealed for this master key, and the hashes of passwords.
    Sealed,
    /// Nothing.
    LeftOut,
}

/// How much is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What is not as by default: it makes the same where nothing is.
    Short,
    /// Everything: applied, it also takes back what was changed since. Only secrets that are left out stay as they are.
    Whole,
}
