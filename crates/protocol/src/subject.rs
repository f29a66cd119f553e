//! Subjects: what stands in tokens for a user (OpenID Connect Core §8).
//!
//! A `public` application is told the user's id. A `pairwise` one is told a name that only the applications of its sector
//! see: the id, encrypted as one AES block under a key of the pool and the sector. So the same person cannot be recognised
//! across sectors, nothing has to be stored, and a token that comes back still names its user without a read.

use std::fmt;

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    application::{Application, SubjectType},
    id::{AccountId, RowId, SessionId, UserId},
    jose::{self, JoseError},
    secret::Secret,
};

/// The `sub` of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(Form);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Public(UserId),
    Pairwise(Block),
}

type Block = [u8; 16];

impl Subject {
    /// An account itself, in a token that is about no user (RFC 9068 §2.2).
    pub fn of_account(id: AccountId) -> Subject {
        Subject(Form::Public(UserId::from_bytes(id.bytes())))
    }

    /// From its text: the 24 hexadecimal digits of a user's id, or the 22 base64url characters of a pairwise name.
    pub fn parse(text: &str) -> Option<Subject> {
        let form = match UserId::parse(text) {
            Some(user) => Form::Public(user),
            None => Form::Pairwise(jose::unb64(text)?.try_into().ok()?),
        };
        Some(Subject(form))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Public(user) => user.fmt(f),
            Form::Pairwise(block) => f.write_str(&jose::b64(block)),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Subject::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a subject of this server"))
    }
}

/// How a pool names its users and their sessions to its applications.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    key: &'a Secret,
}

impl<'a> Subjects<'a> {
    /// Of the pool whose refresh tokens are derived from `key`. Pairwise names change if it ever does.
    pub fn of(key: &'a Secret) -> Subjects<'a> {
        Subjects { key }
    }

    /// What `application` is told of `user`. It fails only if the cryptographic library does.
    pub fn subject(&self, user: UserId, application: &Application) -> Result<Subject, JoseError> {
        Ok(Subject(match self.key_of("sub", application) {
            None => Form::Public(user),
            Some(key) => {
                let mut block = Block::default();
                block.iter_mut().zip(user.bytes()).for_each(|(to, from)| *to = from);
                Form::Pairwise(encrypt(&key, block)?)
            }
        }))
    }

    /// Whom `application` was told by `subject`; `None` when it was not told so, or is told otherwise today.
    pub fn user(&self, subject: Subject, application: &Application) -> Option<UserId> {
        match (subject.0, self.key_of("sub", application)) {
            (Form::Public(user), None) => Some(user),
            (Form::Pairwise(block), Some(key)) => {
                let block = decrypt(&key, block)?;
                let (user, rest) = block.split_first_chunk::<12>()?;
                // A name that another sector was told ends in something else.
                (rest == [0; 4]).then(|| UserId::from_bytes(*user))
            }
            _ => None,
        }
    }

    /// The `sid` that `application` is told of `session`: applications that share a login could otherwise recognise its
    /// person by it.
    pub fn sid(&self, session: SessionId, application: &Application) -> Result<String, JoseError> {
        Ok(match self.key_of("sid", application) {
            None => session.to_string(),
            Some(key) => SessionId::from_bytes(encrypt(&key, session.bytes())?).to_string(),
        })
    }

    /// The session that `application` was told as `sid`.
    pub fn session(&self, sid: &str, application: &Application) -> Option<SessionId> {
        let told = SessionId::parse(sid)?;
        match self.key_of("sid", application) {
            None => Some(told),
            Some(key) => decrypt(&key, told.bytes()).map(SessionId::from_bytes),
        }
    }

    /// The key of what `application`'s sector is told as `claim`, if that differs from sector to sector.
    fn key_of(&self, claim: &str, application: &Application) -> Option<[u8; 32]> {
        (application.settings.subject_type == SubjectType::Pairwise).then(|| {
            let sector = application.sector();
            jose::hmac_sha256(self.key.expose(), &[b"pairwise", claim.as_bytes(), sector.as_bytes()])
        })
    }
}

fn unusable<E>(_: E) -> JoseError {
    JoseError::Crypto
}

/// One block: with a key for each sector, equal blocks are equal ids, and that is what is wanted.
fn encrypt(key: &[u8; 32], mut block: Block) -> Result<Block, JoseError> {
    let key = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ecb).map_err(unusable)?;
    key.encrypt(&mut block).map_err(unusable)?;
    Ok(block)
}

fn decrypt(key: &[u8; 32], mut block: Block) -> Option<Block> {
    let key = UnboundCipherKey::new(&AES_256, key).and_then(DecryptingKey::ecb).ok()?;
    key.decrypt(&mut block, DecryptionContext::None).ok()?;
    Some(block)
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
