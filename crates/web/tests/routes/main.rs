//! Every route in this process, by URL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod account;
mod attacks;
mod claims;
mod consent;
mod cors;
mod delivery;
mod discovery;
mod edge;
mod flow;
mod front;
mod hosts;
mod introspection;
mod limits;
mod login;
mod logout;
mod modes;
mod oidc_auth;
mod oidc_me;
mod oidc_token;
mod pairwise;
mod prompts;
mod proxies;
mod refresh;
mod revocation;
mod rp;
mod session_end;
mod support;
mod tabs;
