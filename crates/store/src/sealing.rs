//! Sealing: what must be recoverable but not readable in the database.
//!
//! AES-256-GCM under the master key. The associated data names the place of the value, so that a sealed value copied
//! to another row, column or table does not open; every sealed value names its master key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use signet_protocol::{
    entropy::{Entropy, random},
    jose::{b64, hmac_sha256, sha256, unb64},
    secret::Secret,
};
use zeroize::Zeroizing;

use crate::StoreError;

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 8;

/// Where a sealed value lives: the associated data of its encryption.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The primary key, in any form that tells rows apart.
    pub row: &'a str,
}

impl Place<'_> {
    /// Each part with its length before it, so that no two places read the same.
    fn associated_data(&self) -> Vec<u8> {
        let parts = [self.table, self.column, self.row].map(str::as_bytes);
        parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect()
    }
}

/// The key that seals everything. Kept outside the database.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
    id: [u8; KEY_ID_LEN],
}

impl MasterKey {
    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut id = [0; KEY_ID_LEN];
        for (to, from) in id.iter_mut().zip(sha256(&bytes)) {
            *to = from;
        }
        Self { bytes: Zeroizing::new(bytes), id }
    }

    /// A new one.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self::from_bytes(random(entropy))
    }

    /// From its file form: one line of 43 base64url characters; white space around it is ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(unb64(text.trim())?);
        bytes.as_slice().try_into().ok().map(Self::from_bytes)
    }

    /// Its file form, without the line's end.
    pub fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(b64(self.bytes.as_slice()))
    }

    /// Its name in sealed values: the first eight bytes of its SHA-256.
    pub fn id(&self) -> [u8; KEY_ID_LEN] {
        self.id
    }

    /// Seals `plaintext` for `place`: version ‖ key id ‖ nonce ‖ ciphertext ‖ tag.
    pub fn seal(
        &self,
        place: &Place<'_>,
        plaintext: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal_with(place, plaintext, random(entropy))
    }

    /// Like [`MasterKey::seal`], but the same is sealed to the same: the nonce is a MAC over place and plaintext, so that it
    /// comes again only with them.
    pub(crate) fn seal_repeatably(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = Zeroizing::new(hmac_sha256(self.bytes.as_slice(), &[b"signet repeatable nonce"]));
        let mac = hmac_sha256(key.as_slice(), &[&place.associated_data(), plaintext]);
        let mut nonce = [0; NONCE_LEN];
        nonce.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        self.seal_with(place, plaintext, nonce)
    }

    /// Like [`MasterKey::seal`], with a nonce drawn before.
    pub(crate) fn seal_with(
        &self,
        place: &Place<'_>,
        plaintext: &[u8],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Vec<u8>, StoreError> {
        let mut text = Zeroizing::new(plaintext.to_vec());
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(place), text.as_mut_slice())
            .map_err(|_| StoreError::Internal("sealing failed".to_owned()))?;
        Ok([&[VERSION], self.id.as_slice(), nonce.as_slice(), &text, tag.as_ref()].concat())
    }

    /// Opens what was sealed for `place`. Refused: a value of another master key ([`StoreError::KeyMismatch`]), of
    /// another place, or changed ([`StoreError::Corrupt`]).
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret, StoreError> {
        let corrupt = || StoreError::corrupt(format!("sealed value of {}.{}", place.table, place.column));
        let (version, rest) = sealed.split_first().ok_or_else(corrupt)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID_LEN>().ok_or_else(corrupt)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(corrupt)?;
        if *version != VERSION {
            return Err(corrupt());
        }
        if *id != self.id {
            return Err(StoreError::KeyMismatch);
        }
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.cipher()?.open_in_place(nonce, aad(place), text.as_mut_slice());
        plain.map(|plain| Secret::new(&*plain)).map_err(|_| corrupt())
    }

    fn cipher(&self) -> Result<LessSafeKey, StoreError> {
        let key = UnboundKey::new(&AES_256_GCM, self.bytes.as_slice());
        key.map(LessSafeKey::new).map_err(|_| StoreError::Internal("the master key was refused".to_owned()))
    }
}

fn aad(place: &Place<'_>) -> Aad<Vec<u8>> {
    Aad::from(place.associated_data())
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, …)", b64(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);
    impl Entropy for Counting {
        fn fill(&mut self, buffer: &mut [u8]) {
            for byte in buffer {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
        }
    }

    const PLACE: Place<'_> = Place { table: "application", column: "secret", row: "one" };

    fn key() -> MasterKey {
        MasterKey::from_bytes([7; 32])
    }

    fn sealed() -> Vec<u8> {
        key().seal(&PLACE, b"client secret", &mut Counting(0)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens() {
        assert_eq!(key().open(&PLACE, &sealed()).unwrap().expose(), b"client secret");
    }

    #[test]
    fn attack_25_the_sealed_form_does_not_show_the_secret_and_never_repeats() {
        let mut entropy = Counting(0);
        let [first, second] = [(); 2].map(|()| key().seal(&PLACE, b"client secret", &mut entropy).unwrap());
        assert_ne!(first, second);
        assert!(!first.windows(6).any(|window| window == b"client" || window == b"secret"));
    }

    #[test]
    fn a_value_moved_elsewhere_does_not_open() {
        for place in [
            Place { table: "pool", ..PLACE },
            Place { column: "other", ..PLACE },
            Place { row: "two", ..PLACE },
            Place { table: "applications", column: "ecret", ..PLACE },
        ] {
            assert!(matches!(key().open(&place, &sealed()), Err(StoreError::Corrupt { .. })), "{place:?}");
        }
    }

    #[test]
    fn a_changed_value_does_not_open() {
        for index in 0..sealed().len() {
            let mut changed = sealed();
            changed[index] ^= 1;
            assert!(key().open(&PLACE, &changed).is_err(), "byte {index}");
        }
        for length in 0..sealed().len() {
            assert!(key().open(&PLACE, &sealed()[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn another_key_is_told_apart_from_damage() {
        let other = MasterKey::from_bytes([8; 32]);
        assert_eq!(other.open(&PLACE, &sealed()), Err(StoreError::KeyMismatch));
    }

    #[test]
    fn the_file_form_round_trips() {
        let line = format!("{}\n", key().encode().as_str());
        assert_eq!(line.len(), 44);
        assert_eq!(MasterKey::parse(&line).unwrap().id(), key().id());
        for wrong in ["", "AAAA", &"A".repeat(44), &"!".repeat(43)] {
            assert!(MasterKey::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn attack_25_debug_shows_only_the_name() {
        let shown = format!("{:?}", key());
        assert!(!shown.contains(&b64(&[7; 6])));
    }
}
