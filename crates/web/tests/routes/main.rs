//! Every route in this process, by URL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod account;
mod attacks;
mod consent;
mod cors;
mod discovery;
mod edge;
mod flow;
mod hosts;
mod introspection;
mod limits;
mod login;
mod logout;
mod oidc_auth;
mod oidc_me;
mod oidc_token;
mod proxies;
mod refresh;
mod revocation;
mod rp;
mod session_end;
mod support;
mod tabs;
