//! Lists of users, page by page.

use signet_protocol::{
    id::UserId,
    jose::{b64, unb64},
    limits::{IDENTIFIER_BYTES, SEARCH_WORD_BYTES},
    user_words::Span,
};
use signet_store::{Leaf, Listed, Position, StoreError, Turn, Wanted};

use crate::Signet;

/// Who is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The beginnings of words of their names, user name, e-mail or phone, or their whole id. Empty: everybody.
    pub text: String,
    /// Who has this role.
    pub role: Option<String>,
    /// Who is in this group.
    pub group: Option<String>,
    /// Who is blocked, or is not.
    pub blocked: Option<bool>,
}

/// Where a page begins. Its text is handed out and comes back; it holds a position, which is worth nothing by itself, and
/// is only ever bound as values (attack 20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Position);

impl Cursor {
    /// From its text; any other is not one of ours.
    pub fn parse(text: &str) -> Option<Cursor> {
        let bytes = unb64(text)?;
        let (kind, rest) = bytes.split_first()?;
        let (id, word) = rest.split_first_chunk::<12>()?;
        let word = match (*kind, word.len()) {
            (0, 0) => None,
            (1, 1..) if word.len() <= 1 + SEARCH_WORD_BYTES => Some(word.to_vec()),
            _ => return None,
        };
        Some(Cursor(Position { word, user: UserId::from_bytes(*id) }))
    }

    /// Its text.
    pub fn encode(&self) -> String {
        let Cursor(Position { word, user }) = self;
        let word = word.as_deref();
        b64(&[&[u8::from(word.is_some())], user.bytes().as_slice(), word.unwrap_or_default()].concat())
    }
}

/// One page.
pub type Users = Leaf<Listed, Cursor>;

/// A page of those who are looked for: the newest first, or with a text by the word at which they are found. Fewer than `most`,
/// and a next page, if they are rare among those who were looked at.
pub async fn list(
    signet: &Signet,
    filter: &Filter,
    turn: Turn<Cursor>,
    most: usize,
) -> Result<Users, StoreError> {
    let only = |rows| Leaf { rows, previous: None, next: None };
    let text = filter.text.trim();
    if text.len() > IDENTIFIER_BYTES {
        return Ok(only(Vec::new()));
    }
    if let Some(id) = UserId::parse(text) {
        let found = signet.store().person(id).await?;
        return Ok(only(found.into_iter().filter(|one| fits(one, filter)).collect()));
    }
    let wanted = Wanted {
        terms: Span::of_search(text),
        role: filter.role.clone(),
        group: filter.group.clone(),
        blocked: filter.blocked,
    };
    let page = signet.store().people(&wanted, turn.map(|Cursor(position)| position), most).await?;
    Ok(Leaf { rows: page.rows, previous: page.previous.map(Cursor), next: page.next.map(Cursor) })
}

fn fits(listed: &Listed, filter: &Filter) -> bool {
    let details = &listed.user.details;
    filter.role.as_ref().is_none_or(|role| details.roles.contains(role))
        && filter.group.as_ref().is_none_or(|group| details.groups.contains(group))
        && filter.blocked.is_none_or(|blocked| listed.user.blocked == blocked)
}
