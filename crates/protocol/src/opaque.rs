//! Opaque tokens: a row's ordered id beside a random secret, of one fixed length, compared whole (attack 24).

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    entropy::{Entropy, random},
    id::RowId,
    jose,
    secret::SecretHash,
    time::Now,
};

/// An authorization code or a cookie's value: `base64url(id ‖ secret)`, 64 characters.
pub struct Opaque<Id> {
    /// Finds the row.
    pub id: Id,
    secret: Zeroizing<[u8; 32]>,
}

impl<Id: RowId> Opaque<Id> {
    /// A new one for a new row.
    pub fn generate(now: Now, entropy: &mut dyn Entropy) -> Opaque<Id> {
        Opaque::beside(Id::generate(now, entropy), entropy)
    }

    /// A new secret beside the id of a row that there is.
    pub fn beside(id: Id, entropy: &mut dyn Entropy) -> Opaque<Id> {
        Opaque::of(id, random(entropy))
    }

    /// One whose secret is derived from something else.
    pub(crate) fn of(id: Id, secret: [u8; 32]) -> Opaque<Id> {
        Opaque { id, secret: Zeroizing::new(secret) }
    }

    /// From the text a client presents; any other length or alphabet is not one of ours.
    pub fn parse(text: &str) -> Option<Opaque<Id>> {
        if text.len() != 64 {
            return None;
        }
        let bytes = Zeroizing::new(jose::unb64(text)?);
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(Opaque { id: Id::from_bytes(*id), secret: Zeroizing::new(secret.try_into().ok()?) })
    }

    /// The text to hand out.
    pub fn encode(&self) -> String {
        let mut bytes = Zeroizing::new(Vec::with_capacity(48));
        bytes.extend_from_slice(&self.id.bytes());
        bytes.extend_from_slice(&*self.secret);
        jose::b64(&bytes)
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(Id::LABEL, &*self.secret)
    }
}

impl<Id: fmt::Debug> fmt::Debug for Opaque<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opaque({:?}, …)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CodeId, SessionId};

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&mut self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn attack_24_only_the_whole_token_is_the_token() {
        let token = Opaque::<CodeId>::generate(Now::from_millis(5), &mut Fixed);
        let text = token.encode();
        assert_eq!(text.len(), 64);
        assert!(Opaque::<CodeId>::parse(&text).unwrap().hash().matches(&token.hash()));
        for cut in 0..text.len() {
            assert!(Opaque::<CodeId>::parse(&text[..cut]).is_none());
        }
        assert!(Opaque::<CodeId>::parse(&format!("{text}A")).is_none());
        assert!(Opaque::<CodeId>::parse(&format!("{}=", &text[..63])).is_none());
    }

    #[test]
    fn attack_05_a_code_is_not_a_session() {
        let code = Opaque::<CodeId>::generate(Now::from_millis(5), &mut Fixed);
        let session = Opaque::<SessionId>::parse(&code.encode()).unwrap();
        assert!(!session.hash().matches(&code.hash()));
    }
}
