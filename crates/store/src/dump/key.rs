//! The master key in a backup: sealed under a passphrase, because a backup with an open key would be an open database.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use signet_protocol::{
    entropy::{Entropy, random},
    jose::{b64, unb64},
};
use zeroize::Zeroizing;

use crate::{MasterKey, Place, StoreError};

/// The shortest and the longest passphrase, in bytes.
pub const PASSPHRASE_BYTES: std::ops::RangeInclusive<usize> = 12..=1024;

/// Argon2id's costs for a new one: the second recommendation of RFC 9106, section 4, on one lane.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// The highest costs that a backup may ask for.
const MEMORY_KIB_MAX: u32 = 1 << 20;
const COST_MAX: u32 = 16;

/// A master key sealed with AES-256-GCM under a key that Argon2id derives from a passphrase.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedKey {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    sealed: String,
}

impl SealedKey {
    /// Seals `key`. The caller has compared the passphrase with [`PASSPHRASE_BYTES`].
    pub fn seal(key: &MasterKey, passphrase: &str, entropy: &mut dyn Entropy) -> Result<Self, StoreError> {
        let salt = b64(&random::<16>(entropy));
        let mut sealed = Self {
            kdf: "argon2id".to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt,
            sealed: String::new(),
        };
        let wrapping = sealed.derive(passphrase).ok_or_else(|| damaged("parameters"))?;
        let id = b64(&key.id());
        sealed.sealed = b64(&wrapping.seal(&place(&id), key.encode().as_bytes(), entropy)?);
        Ok(sealed)
    }

    /// Opens the key that is called `id`. Refused: another passphrase ([`StoreError::KeyMismatch`]), anything that was
    /// changed ([`StoreError::Corrupt`]).
    pub fn open(&self, passphrase: &str, id: &str) -> Result<MasterKey, StoreError> {
        let wrapping = self.derive(passphrase).ok_or_else(|| damaged("parameters"))?;
        let sealed = unb64(&self.sealed).ok_or_else(|| damaged("text"))?;
        let opened = wrapping.open(&place(id), &sealed)?;
        let key = str::from_utf8(opened.expose()).ok().and_then(MasterKey::parse);
        key.filter(|key| b64(&key.id()) == id).ok_or_else(|| damaged("content"))
    }

    fn derive(&self, passphrase: &str) -> Option<MasterKey> {
        let bounded = self.memory_kib <= MEMORY_KIB_MAX && self.passes <= COST_MAX && self.lanes <= COST_MAX;
        if self.kdf != "argon2id" || !bounded {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut bytes = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &unb64(&self.salt)?, bytes.as_mut_slice())
            .ok()?;
        Some(MasterKey::from_bytes(*bytes))
    }
}

fn place(id: &str) -> Place<'_> {
    Place { table: "backup", column: "master_key", row: id }
}

fn damaged(part: &str) -> StoreError {
    StoreError::corrupt(format!("the sealed master key: {part}"))
}

#[cfg(test)]
mod tests {
    use signet_testkit::seed::Seeded;

    use super::*;

    const PASSPHRASE: &str = "a passphrase of some length";

    #[test]
    fn the_passphrase_opens_it_and_nothing_else_does() {
        let key = MasterKey::from_bytes([7; 32]);
        let id = b64(&key.id());
        let sealed = SealedKey::seal(&key, PASSPHRASE, &mut Seeded(1)).unwrap();
        assert!(!serde_json::to_string(&sealed).unwrap().contains(key.encode().as_str()));
        assert_eq!(*sealed.open(PASSPHRASE, &id).unwrap().encode(), *key.encode());
        assert_eq!(sealed.open("another passphrase", &id).err(), Some(StoreError::KeyMismatch));
        let other = b64(&MasterKey::from_bytes([8; 32]).id());
        assert!(matches!(sealed.open(PASSPHRASE, &other), Err(StoreError::Corrupt { .. })));
    }

    #[test]
    fn costs_that_would_take_the_machine_down_are_refused() {
        let key = MasterKey::from_bytes([7; 32]);
        let sealed = SealedKey::seal(&key, PASSPHRASE, &mut Seeded(1)).unwrap();
        for costly in [
            SealedKey { memory_kib: MEMORY_KIB_MAX + 1, ..sealed.clone() },
            SealedKey { passes: COST_MAX + 1, ..sealed.clone() },
            SealedKey { lanes: COST_MAX + 1, ..sealed.clone() },
            SealedKey { kdf: "md5".to_owned(), ..sealed.clone() },
        ] {
            let refused = costly.open(PASSPHRASE, &b64(&key.id()));
            assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{costly:?}");
        }
    }
}
