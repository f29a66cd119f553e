//! Logout: whose sessions and grants end, and how applications are told.

pub mod backchannel;
pub mod frontchannel;
pub mod session_state;
pub mod sign_out;

use signet_protocol::{
    application::Application,
    issuer::{Issuer, IssuerId, Site},
};

use crate::Signet;

/// The issuer by which `application` knows a session.
fn issuer_of(signet: &Signet, id: IssuerId, application: &Application) -> Issuer {
    match id {
        IssuerId::Pool(_) => signet.pool_issuer().clone(),
        IssuerId::Application(_) => {
            let site = Site::Application(application.identifier.clone());
            Issuer::at(&signet.settings().base_url, &site, application.pool, id)
        }
    }
}
