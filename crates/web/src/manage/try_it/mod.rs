//! An application's login, tried out: the requests that a client would make are made in its place, at the same endpoints by
//! the same rules, and each is told with its answer and with what a client has to check of it.
//!
//! Nothing goes over a network, and nothing has a way of its own: a request goes through the routes like any other, with the
//! application's credentials where it has to authenticate. Those, and passwords, are in no [`Step`].

mod attempt;
mod authentication;
mod flow;
mod mode;
mod refusal;
mod revoke;
mod rules;
mod step;
#[cfg(test)]
mod tests;
mod token;
mod trial;
mod wire;

pub use attempt::{Attempt, PROMPTS, Place, SCOPE_MAX};
pub use flow::{after_browser, by_account, by_password};
pub use mode::Mode;
pub use refusal::Refused;
pub use revoke::revoke;
pub use step::{Check, Said, Step};
pub use token::{Claim, Kind, TokenView};
pub use trial::{Given, Report, Tried};
pub use wire::{Exchange, HIDDEN};

use signet_protocol::issuer::Site;

use crate::Signet;

/// Where answers come back to: one callback link, which an application has to have in its list like any other.
pub fn callback(signet: &Signet) -> String {
    format!("{}/console/try/callback", signet.settings().base_url.origin(&Site::Pool))
}
