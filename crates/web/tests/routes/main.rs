//! Every route in this process, by URL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod account;
mod assertions;
mod attacks;
mod client;
mod consent;
mod cors;
mod delivery;
mod discovery;
mod edge;
mod flow;
mod front;
mod hosts;
mod introspection;
mod jose;
mod limits;
mod login;
mod modes;
mod oidc_auth;
mod oidc_me;
mod oidc_token;
mod password;
mod proxies;
mod refresh;
mod request_objects;
mod revocation;
mod rotation;
mod rp;
mod scopes;
mod session_end;
mod sso;
mod support;
mod tabs;
