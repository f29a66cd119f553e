//! Secrets in a description that leaves the installation: sealed, so that only one with the same key takes them, which is the master
//! key, or one that is in the description itself under a passphrase.

use signet_protocol::{
    id::{AccountId, AppId},
    jose::{b64, unb64},
    secret::Secret,
};

use crate::{
    Store, StoreError,
    sealing::{MasterKey, Place},
};

/// What a sealed secret in a description begins with.
pub const SEALED: &str = "sealed:";

/// Whose secret it is. It opens for nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOf<'a> {
    /// An application.
    Application(AppId),
    /// A programmatic access account.
    Account(AccountId),
    /// An account at this mail server. It names no pool, so that another installation can read it.
    Mail(&'a str),
}

impl MasterKey {
    /// `secret` as text; the same secret of the same gives the same text.
    pub fn seal_exported(&self, of: SecretOf, secret: &Secret) -> Result<String, StoreError> {
        let sealed = with_place(of, |place| self.seal_repeatably(place, secret.expose()))?;
        Ok(format!("{SEALED}{}", b64(&sealed)))
    }

    /// Reads such a text. Refused: what another key sealed ([`StoreError::KeyMismatch`]), what was sealed for another or
    /// changed ([`StoreError::Corrupt`]).
    pub fn open_exported(&self, of: SecretOf, text: &str) -> Result<Secret, StoreError> {
        let sealed = text.strip_prefix(SEALED).and_then(unb64);
        let sealed = sealed.ok_or_else(|| StoreError::corrupt("sealed secret in a description"))?;
        with_place(of, |place| self.open(place, &sealed))
    }
}

impl Store {
    /// [`MasterKey::seal_exported`] with the key of this installation.
    pub fn seal_exported(&self, of: SecretOf, secret: &Secret) -> Result<String, StoreError> {
        self.0.master_key.seal_exported(of, secret)
    }

    /// [`MasterKey::open_exported`] with the key of this installation.
    pub fn open_exported(&self, of: SecretOf, text: &str) -> Result<Secret, StoreError> {
        self.0.master_key.open_exported(of, text)
    }
}

fn with_place<T>(of: SecretOf, work: impl FnOnce(&Place) -> T) -> T {
    let (column, row) = match of {
        SecretOf::Application(id) => ("application", id.to_string()),
        SecretOf::Account(id) => ("account", id.to_string()),
        SecretOf::Mail(place) => ("mail", place.to_owned()),
    };
    work(&Place { table: "export", column, row: &row })
}
