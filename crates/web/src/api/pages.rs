//! Lists page by page. A cursor is handed out and comes back; what it holds is read by its type and only ever bound as a value,
//! so that one that was made up finds nothing else than another page (attack 20).

use serde_json::{Value, json};
use signet_protocol::{
    id::RowId,
    jose::{b64, unb64},
};

use super::{Ask, Param, ParamKind, problem::Problem};

/// Entries of a page, if no other number is asked for.
const USUAL: usize = 50;

/// How many.
pub const LIMIT: Param = Param {
    name: "limit",
    kind: ParamKind::Number(1, 100),
    about: "How many entries a page has, 50 if not said.",
};
/// Where the page begins.
pub const CURSOR: Param = Param {
    name: "cursor",
    kind: ParamKind::Text,
    about: "Where the page begins: `next` of the page before.",
};

/// The place behind an entry, of a list of one kind.
pub trait Cursor: Sized {
    /// Tells the lists apart: a cursor of one is none of another.
    const KIND: u8;

    /// Its bytes.
    fn bytes(&self) -> Vec<u8>;

    /// From its bytes.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// As it is handed out.
    fn encode(&self) -> String {
        b64(&[&[Self::KIND], self.bytes().as_slice()].concat())
    }

    /// From what came back.
    fn parse(text: &str) -> Option<Self> {
        let bytes = unb64(text)?;
        let (kind, rest) = bytes.split_first()?;
        if *kind == Self::KIND { Self::read(rest) } else { None }
    }
}

/// A cursor over rows with ids of so many bytes.
macro_rules! id_cursor {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $id:ty, $size:literal) => {
        $(#[$doc])*
        pub struct $name(pub $id);

        impl Cursor for $name {
            const KIND: u8 = $kind;

            fn bytes(&self) -> Vec<u8> {
                self.0.bytes().to_vec()
            }

            fn read(bytes: &[u8]) -> Option<$name> {
                <[u8; $size]>::try_from(bytes).ok().map(|bytes| $name(<$id>::from_bytes(bytes)))
            }
        }
    };
}
id_cursor!(
    /// Behind a session.
    AfterSession, 2, signet_protocol::id::SessionId, 16
);
id_cursor!(
    /// Behind a grant.
    AfterGrant, 3, signet_protocol::id::GrantId, 16
);
id_cursor!(
    /// Behind an application.
    AfterApplication, 4, signet_protocol::id::AppId, 12
);
id_cursor!(
    /// Behind an account.
    AfterAccount, 10, signet_protocol::id::AccountId, 12
);

/// Behind a name, in a list by name.
pub struct AfterName(pub String);

impl Cursor for AfterName {
    const KIND: u8 = 5;

    fn bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<AfterName> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        (text.len() <= 1024).then_some(AfterName(text))
    }
}

impl Ask {
    /// How many entries are asked for.
    pub fn limit(&self) -> usize {
        self.param_number(LIMIT.name).and_then(|number| usize::try_from(number).ok()).unwrap_or(USUAL)
    }

    /// Where the page begins.
    pub fn cursor<C: Cursor>(&self) -> Result<Option<C>, Problem> {
        self.param(CURSOR.name).map(|text| C::parse(text).ok_or_else(not_ours)).transpose()
    }
}

/// The cursor is none of this list.
pub fn not_ours() -> Problem {
    Problem::field(CURSOR.name, "`cursor` is none of this list; take `next` of the page before as it is")
}

/// A page.
pub fn page(items: Vec<Value>, next: Option<String>) -> Value {
    json!({ "items": items, "next": next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use signet_protocol::id::{GrantId, SessionId};

    #[test]
    fn attack_20_a_cursor_is_of_one_list_and_one_size() {
        let session = AfterSession(SessionId::from_bytes([7; 16])).encode();
        assert_eq!(AfterSession::parse(&session).unwrap().0, SessionId::from_bytes([7; 16]));
        assert!(AfterGrant::parse(&session).is_none());
        let grant = AfterGrant(GrantId::from_bytes([7; 16])).encode();
        assert!(AfterSession::parse(&grant).is_none());
        for made_up in ["", "x", "' OR 1=1 --", &b64(&[2; 16]), &b64(&[2; 18]), &"A".repeat(10_000)] {
            assert!(AfterSession::parse(made_up).is_none(), "{made_up}");
        }
        assert!(AfterName::parse(&b64(&[5, 0xff])).is_none());
        assert_eq!(AfterName::parse(&AfterName("b".to_owned()).encode()).unwrap().0, "b");
    }
}
