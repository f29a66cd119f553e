//! Password hashes: Argon2 in PHC form, with the memory handed in so that it is allocated once per hashing thread, and those
//! of other systems.

mod foreign;

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;

use self::foreign::Foreign;
use crate::{
    entropy::{Entropy, random},
    jose,
    limits::PASSWORD_BYTES,
    says,
};

/// Memory of new hashes in KiB: 19 MiB (OWASP Password Storage, Argon2id minimum).
const MEMORY_KIB: u32 = 19_456;
/// Passes of new hashes.
const PASSES: u32 = 2;
/// The most memory an imported hash may ask for, in KiB.
const MEMORY_KIB_MAX: u32 = 65_536;
/// The most passes and lanes an imported hash may ask for.
const COST_MAX: u32 = 10;

/// Working memory of one hashing thread.
#[derive(Default)]
pub struct Scratch(Vec<Block>);

/// A password hash as stored: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, or another system's until the next login.
#[derive(Clone)]
pub struct PasswordHash {
    text: String,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Argon2(Argon2Hash),
    Foreign(Foreign),
}

#[derive(Clone)]
struct Argon2Hash {
    algorithm: Algorithm,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// The text is all of a hash.
impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PasswordHash {}

/// The text is not a hash that can be verified here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordHashError;

says!(PasswordHashError {
    PasswordHashError =>
        "must be a hash of Argon2 ($argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>, m up to 65536, t and p up to 10), bcrypt ($2b$12$…, up to 14), scrypt ($scrypt$ln=16,r=8,p=1$…, 2^ln*r*p up to 1048576) or PBKDF2 ($pbkdf2-sha256$i=600000$… or pbkdf2_sha256$600000$…, up to 2000000)",
        "须为以下算法之一的哈希：Argon2（$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>，m 最大 65536，t 和 p 最大 10）、bcrypt（$2b$12$…，最大 14）、scrypt（$scrypt$ln=16,r=8,p=1$…，2^ln*r*p 最大 1048576）或 PBKDF2（$pbkdf2-sha256$i=600000$… 或 pbkdf2_sha256$600000$…，最大 2000000）";
});

/// A password that cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordLength;

says!(PasswordLength {
    PasswordLength => "must be 8 to 1024 bytes", "须为 8 到 1024 字节";
});

/// Whether `password` may be set for somebody.
pub fn check_new_password(password: &str) -> Result<(), PasswordLength> {
    if (8..=PASSWORD_BYTES).contains(&password.len()) { Ok(()) } else { Err(PasswordLength) }
}

impl PasswordHash {
    /// Parses a stored or imported hash.
    pub fn parse(text: &str) -> Result<PasswordHash, PasswordHashError> {
        Self::read(text).ok_or(PasswordHashError)
    }

    fn read(text: &str) -> Option<PasswordHash> {
        let argon2 = || Argon2Hash::read(text).map(Kind::Argon2);
        let kind = argon2().or_else(|| Foreign::read(text).map(Kind::Foreign))?;
        Some(PasswordHash { text: text.to_owned(), kind })
    }

    /// Hashes a new password; `None` only if Argon2 itself refuses, which a checked length rules out.
    pub fn create(password: &str, entropy: &mut dyn Entropy, scratch: &mut Scratch) -> Option<PasswordHash> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).ok()?;
        let salt = random::<16>(entropy).to_vec();
        let output = hash(Algorithm::Argon2id, &params, (password.as_bytes(), &salt), scratch)?;
        let text = format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
            STANDARD_NO_PAD.encode(&salt),
            STANDARD_NO_PAD.encode(&output)
        );
        let kind = Kind::Argon2(Argon2Hash { algorithm: Algorithm::Argon2id, params, salt, output });
        Some(PasswordHash { text, kind })
    }

    /// A hash that no password fits, of the same cost as new ones: what is verified when there is no such user, so that
    /// the answer takes as long (attack 22).
    pub fn decoy() -> PasswordHash {
        let (salt, output) = (vec![0; 16], vec![0; 32]);
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).unwrap_or_default();
        let kind = Kind::Argon2(Argon2Hash { algorithm: Algorithm::Argon2id, params, salt, output });
        PasswordHash { text: String::new(), kind }
    }

    /// Whether `password` is the one that was hashed.
    pub fn verify(&self, password: &str, scratch: &mut Scratch) -> bool {
        match &self.kind {
            Kind::Argon2(stored) => {
                let Argon2Hash { algorithm, params, salt, output } = stored;
                hash(*algorithm, params, (password.as_bytes(), salt), scratch)
                    .is_some_and(|made| made.ct_eq(output).into())
            }
            Kind::Foreign(stored) => stored.verify(password.as_bytes()),
        }
    }

    /// Whether it costs what a new one does. An imported hash may not, and as long as it stays so, the time of a failed
    /// login tells that there is such a user.
    pub fn is_current(&self) -> bool {
        let Kind::Argon2(Argon2Hash { algorithm, params, .. }) = &self.kind else { return false };
        let costs = (params.m_cost(), params.t_cost(), params.p_cost());
        *algorithm == Algorithm::Argon2id && costs == (MEMORY_KIB, PASSES, 1)
    }

    /// Tells this hash from every other without being one.
    pub fn fingerprint(&self) -> String {
        jose::b64(&jose::sha256(self.text.as_bytes()))
    }

    /// The text, to be stored.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Argon2Hash {
    fn read(text: &str) -> Option<Argon2Hash> {
        let mut parts = text.strip_prefix('$')?.split('$');
        let algorithm = match parts.next()? {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            "argon2d" => Algorithm::Argon2d,
            _ => return None,
        };
        if parts.next()? != "v=19" {
            return None;
        }
        let costs = parts.next()?;
        let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let output = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        if parts.next().is_some() || !(8..=64).contains(&salt.len()) || !(16..=64).contains(&output.len()) {
            return None;
        }
        let mut costs = costs.split(',');
        let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
        let (memory, passes, lanes) = (cost("m")?, cost("t")?, cost("p")?);
        if costs.next().is_some() || memory > MEMORY_KIB_MAX || passes > COST_MAX || lanes > COST_MAX {
            return None;
        }
        let params = Params::new(memory, passes, lanes, Some(output.len())).ok()?;
        Some(Argon2Hash { algorithm, params, salt, output })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn hash(
    algorithm: Algorithm,
    params: &Params,
    (password, salt): (&[u8], &[u8]),
    scratch: &mut Scratch,
) -> Option<Vec<u8>> {
    let needed = params.block_count();
    if scratch.0.len() < needed {
        scratch.0.resize(needed, Block::default());
    }
    let mut output = vec![0; params.output_len().unwrap_or(32)];
    let argon2 = Argon2::new(algorithm, Version::V0x13, params.clone());
    argon2.hash_password_into_with_memory(password, salt, &mut output, scratch.0.get_mut(..needed)?).ok()?;
    scratch.0.truncate(usize::try_from(MEMORY_KIB).unwrap_or(needed));
    scratch.0.shrink_to(usize::try_from(MEMORY_KIB).unwrap_or(needed));
    Some(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(9);
        }
    }

    #[test]
    fn a_created_hash_verifies_only_its_password_after_a_round_trip() {
        let mut scratch = Scratch::default();
        let created = PasswordHash::create("correct horse", &mut Fixed, &mut scratch).unwrap();
        let stored = PasswordHash::parse(created.as_str()).unwrap();
        assert_eq!(stored, created);
        assert!(stored.verify("correct horse", &mut scratch));
        assert!(!stored.verify("correct horsf", &mut scratch));
        assert!(!PasswordHash::decoy().verify("correct horse", &mut scratch));
        assert!(!format!("{stored:?}").contains("argon2"));
        assert!(stored.is_current());
    }

    #[test]
    fn verifies_hashes_of_other_systems() {
        // The test vector of the reference implementation: "password", "somesalt", t=2, m=64 MiB, p=1.
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let imported = PasswordHash::parse(text).unwrap();
        assert!(imported.verify("password", &mut Scratch::default()));
        let ours = text.replace("m=65536", "m=19456");
        assert!(PasswordHash::parse(&ours).unwrap().is_current());
        let others = [("m=19456", "m=65536"), ("t=2", "t=1"), ("p=1", "p=2"), ("argon2id", "argon2i")];
        for (from, to) in others {
            assert!(!PasswordHash::parse(&ours.replace(from, to)).unwrap().is_current(), "{to}");
        }
    }

    #[test]
    fn attack_21_costs_and_form_of_imported_hashes_are_bounded() {
        for bad in [
            "",
            "secret",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id",
            "$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=99,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$short",
        ] {
            assert_eq!(PasswordHash::parse(bad), Err(PasswordHashError), "{bad}");
        }
    }

    #[test]
    fn new_passwords_have_a_length() {
        assert!(check_new_password("1234567").is_err());
        assert!(check_new_password("12345678").is_ok());
        assert!(check_new_password(&"a".repeat(PASSWORD_BYTES + 1)).is_err());
    }
}
