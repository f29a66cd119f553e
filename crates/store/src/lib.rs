//! Where Signet keeps what must outlive a request.
//!
//! The vocabulary of the protocol goes in and comes out; in between it is rows. [`Store`] has one file per noun, each
//! with its statements. Whatever is single-use is spent by one guarded statement, whose outcome the caller must look
//! at. Below it lies the seam, [`sql`], with its two engines. The room knows no protocol rule; whoever calls it has
//! already decided.
#![warn(missing_docs)]

mod account;
mod administrator;
mod api_request;
mod application;
mod apply;
mod assertion;
mod attempt;
pub mod audit;
mod cache;
mod change;
mod code;
mod consent;
mod console_session;
pub mod dump;
mod error;
mod exported;
mod grant;
mod import_desk;
pub mod inspect;
mod installation;
mod issuer_key;
mod logout_notice;
pub mod migrations;
mod people;
mod permission;
mod pool;
mod purge;
mod refresh;
mod registry;
mod removal;
mod revision;
mod revocation;
mod rotation;
mod rows;
mod sealing;
mod session;
mod sign_out;
pub mod sql;
pub mod stats;
mod store;
mod sweep;
mod trace;
mod transaction;
mod turn;
pub mod usage;
mod user;
mod user_link;
mod user_state;

pub use administrator::RoleChange;
pub use api_request::{API_REQUEST_KEPT, API_REQUEST_RUNS, Begun, Running};
pub use application::ApplicationName;
pub use apply::{Applied, Change};
pub use cache::{Cache, Ticket};
pub use code::NewFamily;
pub use error::StoreError;
pub use exported::{SEALED, SecretOf};
pub use import_desk::{IMPORT_DESK_KEPT, ImportDesk};
pub use issuer_key::KeyState;
pub use logout_notice::{LogoutNotice, NOTICE_EXPIRE};
pub use people::{Listed, Position, Wanted};
pub use permission::RulePlace;
pub use registry::{MAX_POOLS, POOL_HOST, POOL_IDENTIFIER, PoolContents, Registered, Registry, StoredPool};
pub use removal::GrantCount;
pub use revision::{About, KEPT_OF_USERS, KEPT_REVISIONS, Revision, RevisionTexts};
pub use rotation::{KeyRecord, Rotation};
pub use sealing::{MasterKey, Place};
pub use sign_out::SignOut;
pub use store::{Clock, Database, Options, Pool, Store};
pub use trace::{NewTrace, StoredTrace, TRACE_EXPIRE};
pub use turn::{Leaf, Turn};
pub use user_link::{LinkState, UserLink};
pub use user_state::{GrantedConsent, OpenSession};
