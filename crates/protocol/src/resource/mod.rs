//! Resources, and which scope items on them a caller is granted.
//!
//! A value of `scope` that stands for resources is a [`ScopeItem`], `resource[:id]:action`. [`Permissions`] decides which
//! of those a request asks for are granted: a pure function of the request's [`ScopeCase`] and of the rules about its
//! caller. `docs/permissions.md` says the same for operators and resource servers.
//!
//! **Loading.** `Permissions` is one application's snapshot: its rules by subject, and shared halves ([`Resources`]) for
//! its own namespace and the pool's, so that the pool's is kept once. It is never changed in place: keep it in an `Arc`,
//! make another when a resource or a rule of the application changes, or when the pool's resources do, and swap. To
//! make one goes through every rule of the application: do it off the async threads, once for several changes. A
//! decision looks up its caller in a hash table and reads the rules about that caller alone, so its cost does not depend
//! on how many others there are. Everything a request may vary (address, time, user) is in the `ScopeCase`; nothing
//! about a decision may be cached.
//!
//! **Writing.** [`Resources::new`] and [`check_rules`] refuse what cannot be meant, by the place in the list. Both look at
//! the whole as it will be: a change of the pool's resources or extended fields has to pass `check_rules` for every
//! application. Whether accounts and users exist is for whoever writes, and so is [`Resources::hidden`] where a scope of the
//! pool would take the name of a resource.

mod admin;
mod check;
mod decide;
mod indicator;
mod item;
mod name;
mod namespace;
mod restriction;
mod rule;
mod time_of_day;
mod user;

pub use admin::{ADMIN, RESERVED, concerned, permitted};
pub use check::{RuleError, check_rules};
pub use decide::{Api, Because, Caller, Decision, Permissions, ScopeCase};
pub(crate) use indicator::ONE_API;
pub use indicator::{RESOURCE, indicated, narrowed};
pub use item::{Asked, Part, ScopeItem};
pub use name::{ActionName, ApiIdentifier, ResourceCode, ResourceId};
pub use namespace::{Action, Resource, ResourceError, ResourceType, Resources};
pub use restriction::{AttributeEquals, Restrictions, Scalar};
pub use rule::{Actions, Namespace, ResourceName, Rule, Subject, resource_name};
pub use time_of_day::TimeOfDay;
pub use user::{GrantItems, UserCase, UserScope};
