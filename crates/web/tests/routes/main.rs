//! Every route in this process, by URL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod account;
mod consent;
mod cors;
mod discovery;
mod flow;
mod hosts;
mod login;
mod oidc_auth;
mod oidc_me;
mod oidc_token;
mod refresh;
mod rp;
mod support;
mod tabs;
