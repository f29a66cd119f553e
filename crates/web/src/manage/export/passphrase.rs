//! An export for another installation: its secrets are sealed with a key of its own, which is in the text under a passphrase.

use serde_json::Value;
use signet_protocol::jose::b64;
use signet_store::{MasterKey, StoreError, dump::SealedKey};

use super::toml::Table;

/// The name of the table that has the key.
pub const SEALED_WITH: &str = "sealed_with";

/// The key of a text, under a passphrase.
#[derive(Clone, Debug)]
pub struct Wrapped {
    /// What the key is called in the sealed values.
    pub id: String,
    /// It, with how it is derived from the passphrase.
    pub sealed: SealedKey,
    /// Where that stands in the text.
    pub line: usize,
}

impl Wrapped {
    /// The key. Refused: another passphrase ([`StoreError::KeyMismatch`]), anything that was changed ([`StoreError::Corrupt`]).
    pub fn open(&self, passphrase: &str) -> Result<MasterKey, StoreError> {
        self.sealed.open(passphrase, &self.id)
    }

    /// From the members of the table; `None`: they are not those of one.
    pub fn read(mut members: serde_json::Map<String, Value>, line: usize) -> Option<Wrapped> {
        let id = members.remove("key")?.as_str()?.to_owned();
        let sealed = serde_json::from_value(Value::Object(members)).ok()?;
        Some(Wrapped { id, sealed, line })
    }
}

/// The table that has `key`, sealed under a passphrase as `sealed`. It goes to the end of the text.
pub fn table(key: &MasterKey, sealed: &SealedKey) -> String {
    let mut table = Table::single(SEALED_WITH);
    table.put("key", &b64(&key.id()).into());
    if let Ok(Value::Object(members)) = serde_json::to_value(sealed) {
        table.put_all(&members, &["kdf", "memory_kib", "passes", "lanes", "salt", "sealed"]);
    }
    table.text()
}
