//! Users are signed out by an operator.

use std::fmt;

use signet_store::{
    SignOut, StoreError,
    audit::{Act, Origin},
};

use super::{show, users::link};
use crate::{Signet, audit};

/// Why nobody was signed out.
#[derive(Debug, thiserror::Error)]
pub enum SignOutError {
    /// Nobody signs in so.
    #[error("there is no user with the name, e-mail, phone or id {0:?}; nobody was signed out")]
    NoUser(String),
    /// There is no such application.
    #[error("there is no application with the App ID or identifier {0:?}; nobody was signed out")]
    NoApplication(String),
    /// The store failed; some may have been signed out, and asking again is safe.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who was signed out, as they were named, and of what.
#[derive(Debug)]
pub struct SignedOut {
    users: Vec<String>,
    application: Option<String>,
}

/// Ends every session of the users named, or what they gave `application` alone, and revokes it, offline access included.
/// Applications are told by the back channel. Unless everybody who is named exists, nothing is done.
pub async fn users(
    signet: &Signet,
    named: &[String],
    application: Option<&str>,
    origin: &Origin,
) -> Result<SignedOut, SignOutError> {
    let application = match application {
        None => None,
        Some(named) => {
            let found = show::find(signet, named).await?;
            Some(found.ok_or_else(|| SignOutError::NoApplication(named.to_owned()))?)
        }
    };
    let mut found = Vec::new();
    for name in named {
        found.push(link::find(signet, name).await?.ok_or_else(|| SignOutError::NoUser(name.clone()))?);
    }
    for user in found {
        let what = match &application {
            None => SignOut::User(user),
            Some(application) => SignOut::UserApplication(user, application.id),
        };
        let at = application.as_ref().map(|application| application.id);
        let entry = audit::sign_out(signet, origin.clone(), what, (user, at)).await?;
        signet.store().sign_out(what, Act::new(signet.now(), entry)).await?;
        tracing::info!(sub = %user, "signed out by an operator");
    }
    let application = application.map(|application| application.identifier.to_string());
    Ok(SignedOut { users: named.to_vec(), application })
}

impl fmt::Display for SignedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = self.users.join(", ");
        match &self.application {
            None => write!(f, "Signed out {users} everywhere."),
            Some(application) => write!(f, "Signed out {users} of {application}, on every device."),
        }
    }
}
