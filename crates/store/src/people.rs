//! Users as an operator looks for them: page by page, by the beginning of words and by what they are.
//!
//! `user_word` holds the words of every user (`signet_protocol::user_words`), written in the batch that writes the user.
//! Whoever was written by a version that knew no words has another `indexed` than `version`, by which they are found and
//! caught up with ([`Store::index_users`]).

use signet_protocol::{
    id::UserId,
    limits::USERS_PER_PAGE,
    time::Timestamp,
    user::User,
    user_words::{Span, words_of},
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql, Value},
    turn::{Leaf, Turn},
    user::read,
};

/// What of the rows called `w` fits five spans, of which any may be null, and `$12`, whether they are blocked.
///
/// A value that is asked for of each row, and not `EXISTS`, of which PostgreSQL would make a table of everybody in the span.
/// The limits below are written out: for one that is an argument it prepares for a tenth of all rows.
macro_rules! fits {
    () => {
        "(((SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
                   AND e.word >= $2 AND e.word < $3 LIMIT 1) IS NOT NULL OR $2 IS NULL)
          AND ((SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
                   AND e.word >= $4 AND e.word < $5 LIMIT 1) IS NOT NULL OR $4 IS NULL)
          AND ((SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
                   AND e.word >= $6 AND e.word < $7 LIMIT 1) IS NOT NULL OR $6 IS NULL)
          AND ((SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
                   AND e.word >= $8 AND e.word < $9 LIMIT 1) IS NOT NULL OR $8 IS NULL)
          AND ((SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
                   AND e.word >= $10 AND e.word < $11 LIMIT 1) IS NOT NULL OR $10 IS NULL)
          AND ((SELECT 1 FROM pool_user u WHERE u.user_id = w.user_id AND u.blocked = $12) IS NOT NULL OR $12 IS NULL))"
    };
}
/// Spans that a candidate is looked at for, beside the one it is found by.
const FURTHER: usize = 5;

/// Everybody, the newest first.
const NEWEST: Sql = Sql {
    name: "people_newest",
    text: concat!(
        "SELECT w.user_id, ",
        fits!(),
        " FROM pool_user w WHERE w.pool_id = $1 AND w.user_id < $13 ORDER BY w.user_id DESC LIMIT 250"
    ),
};
/// Who has one word, the newest first.
const OF_WORD: Sql = Sql {
    name: "people_of_word",
    text: concat!(
        "SELECT w.user_id, ",
        fits!(),
        " FROM user_word w WHERE w.pool_id = $1 AND w.word = $14 AND w.user_id < $13
          ORDER BY w.user_id DESC LIMIT 250"
    ),
};
/// Who has a word in a span, by word. Each is met at the first of theirs.
const OF_SPAN: Sql = Sql {
    name: "people_of_span",
    text: concat!(
        "SELECT w.user_id, ",
        fits!(),
        " AND NOT EXISTS (SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
              AND e.word >= $16 AND e.word < w.word), w.word
          FROM user_word w WHERE w.pool_id = $1 AND (w.word, w.user_id) > ($14, $13) AND w.word < $15
          ORDER BY w.word, w.user_id LIMIT 250"
    ),
};
/// The same from there back.
const NEWEST_BACK: Sql = Sql {
    name: "people_newest_back",
    text: concat!(
        "SELECT w.user_id, ",
        fits!(),
        " FROM pool_user w WHERE w.pool_id = $1 AND w.user_id > $13 ORDER BY w.user_id LIMIT 250"
    ),
};
const OF_WORD_BACK: Sql = Sql {
    name: "people_of_word_back",
    text: concat!(
        "SELECT w.user_id, ",
        fits!(),
        " FROM user_word w WHERE w.pool_id = $1 AND w.word = $14 AND w.user_id > $13
          ORDER BY w.user_id LIMIT 250"
    ),
};
const OF_SPAN_BACK: Sql = Sql {
    name: "people_of_span_back",
    text: concat!(
        "SELECT w.user_id, ",
        fits!(),
        " AND NOT EXISTS (SELECT 1 FROM user_word e WHERE e.pool_id = $1 AND e.user_id = w.user_id
              AND e.word >= $16 AND e.word < w.word), w.word
          FROM user_word w WHERE w.pool_id = $1 AND (w.word, w.user_id) < ($14, $13) AND w.word >= $16
              AND NOT w.word >= $15
          ORDER BY w.word DESC, w.user_id DESC LIMIT 250"
    ),
};
/// A page of them. What is not asked for is null.
const LOAD: Sql = Sql {
    name: "people_load",
    text: "SELECT created_at, user_id, pool_id, username, email, phone, password, blocked, details, updated_at, version
           FROM pool_user WHERE pool_id = $1 AND user_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
               $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35,
               $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51)",
};
const INSERT_WORD: Sql = Sql {
    name: "user_word_insert",
    text: "INSERT INTO user_word (pool_id, word, user_id) VALUES ($1, $2, $3)
           ON CONFLICT (pool_id, word, user_id) DO NOTHING",
};
const DELETE_WORDS: Sql =
    Sql { name: "user_word_delete", text: "DELETE FROM user_word WHERE pool_id = $1 AND user_id = $2" };
const UNINDEXED: Sql = Sql {
    name: "user_unindexed",
    text: "SELECT user_id, pool_id, username, email, phone, password, blocked, details, updated_at, version
           FROM pool_user WHERE pool_id = $1 AND user_id > $2 AND indexed <> version ORDER BY user_id LIMIT $3",
};
const INDEXED: Sql = Sql {
    name: "user_indexed",
    text: "UPDATE pool_user SET indexed = version WHERE user_id = $1 AND pool_id = $2 AND version = $3",
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &NEWEST,
    &NEWEST_BACK,
    &OF_WORD,
    &OF_WORD_BACK,
    &OF_SPAN,
    &OF_SPAN_BACK,
    &LOAD,
    &INSERT_WORD,
    &DELETE_WORDS,
    &UNINDEXED,
    &INDEXED,
];

/// Candidates that are looked at in one statement, as it says itself, and statements for one page: whoever looks for a rare thing among
/// many is given what was found until then, and where to go on.
const CANDIDATES: usize = 250;
const ROUNDS: usize = 8;
/// Users that are indexed in one batch.
const INDEXED_AT_ONCE: i64 = 100;
/// Greater than every id.
const AFTER_ALL: &str = "g";

/// Who is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The beginnings of words, the most telling first. Those beyond the fourth are not looked at.
    pub terms: Vec<Span>,
    /// Who has this role.
    pub role: Option<String>,
    /// Who is in this group.
    pub group: Option<String>,
    /// Who is blocked, or is not.
    pub blocked: Option<bool>,
}

/// Where a page ends and the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The word at which they are found, where words order the list.
    pub word: Option<Vec<u8>>,
    /// The user.
    pub user: UserId,
}

/// A user in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The user.
    pub user: User,
    /// When they were created.
    pub created_at: Timestamp,
}

/// How the candidates are found.
enum Way {
    Newest,
    Word(Vec<u8>),
    Span(Span),
}

struct Candidate {
    user: UserId,
    fits: bool,
    word: Option<Vec<u8>>,
}

/// How candidates are looked for.
struct Search {
    way: Way,
    further: Vec<Span>,
    blocked: Option<bool>,
    /// Against the order of the list.
    back: bool,
}

/// What came of it.
#[derive(Default)]
struct Met {
    found: Vec<UserId>,
    /// The first candidate, whether it fits or not.
    first: Option<Position>,
    /// The last, if there may be more.
    further: Option<Position>,
}

impl Store {
    /// A page of those who are looked for, the newest first, or with terms by the word at which they are found: fewer than
    /// `most` when there are no more, or when they are so rare that finding them would take long; then there is a next page
    /// all the same.
    pub async fn people(
        &self,
        wanted: &Wanted,
        turn: Turn<Position>,
        most: usize,
    ) -> Result<Leaf<Listed, Position>, StoreError> {
        let (way, further) = way(wanted);
        let most = most.clamp(1, USERS_PER_PAGE);
        let mut search = Search { way, further, blocked: wanted.blocked, back: false };
        let from = match turn {
            Turn::First => None,
            Turn::Behind(one) => Some(one),
            Turn::Before(one) => {
                search.back = true;
                let Met { mut found, first, further } = self.meet(&search, Some(one), most).await?;
                if further.is_some() {
                    found.reverse();
                    return Ok(Leaf {
                        rows: self.load_people(&found).await?,
                        previous: further,
                        next: first,
                    });
                }
                search.back = false;
                None
            }
        };
        let Met { found, first, further } = self.meet(&search, from.clone(), most).await?;
        let previous = from.map(|from| first.unwrap_or(from));
        Ok(Leaf { rows: self.load_people(&found).await?, previous, next: further })
    }

    async fn meet(&self, search: &Search, from: Option<Position>, most: usize) -> Result<Met, StoreError> {
        let (mut met, mut position) = (Met::default(), from);
        for _ in 0..ROUNDS {
            let candidates = self.candidates(search, &position).await?;
            let all = candidates.len() < CANDIDATES;
            for candidate in candidates {
                if met.found.len() == most {
                    if candidate.fits {
                        met.further = position;
                        return Ok(met);
                    }
                    continue;
                }
                position = Some(Position { word: candidate.word, user: candidate.user });
                met.first = met.first.or_else(|| position.clone());
                met.found.extend(candidate.fits.then_some(candidate.user));
            }
            if all {
                return Ok(met);
            }
            if met.found.len() == most {
                break;
            }
        }
        met.further = position;
        Ok(met)
    }

    async fn candidates(&self, search: &Search, at: &Option<Position>) -> Result<Vec<Candidate>, StoreError> {
        let mut values = args![self.pool_id()];
        for number in 0..FURTHER {
            let span = search.further.get(number);
            values.push(span.map(|span| span.from.clone()).into());
            values.push(span.map(|span| span.until.clone()).into());
        }
        values.extend(args![search.blocked]);
        let user = at.as_ref().map_or_else(|| AFTER_ALL.to_owned(), |at| at.user.to_string());
        let exact = |row: &mut RowReader| {
            Ok(Candidate { user: row.parsed(UserId::parse)?, fits: row.bool()?, word: None })
        };
        let of = |onward: &'static Sql, back: &'static Sql| if search.back { back } else { onward };
        match &search.way {
            Way::Newest => {
                values.extend(args![user]);
                self.engine().list(of(&NEWEST, &NEWEST_BACK), values, exact).await
            }
            Way::Word(word) => {
                values.extend(args![user, word.as_slice()]);
                self.engine().list(of(&OF_WORD, &OF_WORD_BACK), values, exact).await
            }
            Way::Span(span) => {
                let word = at.as_ref().and_then(|at| at.word.clone());
                let user = if word.is_some() { user } else { String::new() };
                let from = word.filter(|word| *word >= span.from).unwrap_or_else(|| span.from.clone());
                values.extend(args![user, from, span.until.as_slice(), span.from.as_slice()]);
                let with_word = |row: &mut RowReader| {
                    let candidate = exact(row)?;
                    Ok(Candidate { word: Some(row.bytes()?), ..candidate })
                };
                self.engine().list(of(&OF_SPAN, &OF_SPAN_BACK), values, with_word).await
            }
        }
    }

    /// These users, in this order; who is gone is left out.
    async fn load_people(&self, ids: &[UserId]) -> Result<Vec<Listed>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = args![self.pool_id()];
        values.extend((0..USERS_PER_PAGE).map(|number| Value::from(ids.get(number).copied())));
        let listed = |row: &mut RowReader| Ok(Listed { created_at: row.at()?, user: read(row)? });
        let mut users = self.engine().list(&LOAD, values, listed).await?;
        users.sort_by_key(|listed| ids.iter().position(|id| *id == listed.user.id));
        Ok(users)
    }

    /// The user as the database has them now, and when they were created.
    pub async fn person(&self, id: UserId) -> Result<Option<Listed>, StoreError> {
        self.load_people(&[id]).await.map(|mut users| users.pop())
    }

    /// Adds the words of a user who is new.
    pub(crate) fn insert_words(&self, batch: Batch, user: &User) -> Batch {
        let row = |word: Vec<u8>| args![self.pool_id(), word, user.id];
        words_of(user).into_iter().fold(batch, |batch, word| batch.then(&INSERT_WORD, row(word)))
    }

    /// Adds that the words of a user are those they have now.
    pub(crate) fn replace_words(&self, batch: Batch, user: &User) -> Batch {
        self.insert_words(self.delete_words(batch, user.id), user)
    }

    /// Adds that a user is found by nothing.
    pub(crate) fn delete_words(&self, batch: Batch, user: UserId) -> Batch {
        batch.then(&DELETE_WORDS, args![self.pool_id(), user])
    }

    /// Writes the words of users whom a version without them has written, some at a time: of those after `after`. Returns the
    /// last of them; `None` when there are no more. Doing it twice, or on two nodes, changes nothing.
    pub async fn index_users(&self, after: Option<UserId>) -> Result<Option<UserId>, StoreError> {
        let from = after.map(|id| id.to_string()).unwrap_or_default();
        let values = args![self.pool_id(), from, INDEXED_AT_ONCE];
        let users = self.engine().list(&UNINDEXED, values, read).await?;
        let Some(last) = users.last().map(|user| user.id) else { return Ok(None) };
        let add = |batch: Batch, user: &User| {
            let batch = batch.guard(&INDEXED, args![user.id, self.pool_id(), user.version]);
            self.replace_words(batch, user)
        };
        if !self.write(users.iter().fold(Batch::new(), add)).await? {
            // One was changed meanwhile, and has its words by that; the others still need theirs.
            for user in &users {
                self.write(add(Batch::new(), user)).await?;
            }
        }
        Ok(Some(last))
    }
}

/// By what the candidates are found, and what else each is looked at for.
fn way(wanted: &Wanted) -> (Way, Vec<Span>) {
    let mut exact = Vec::new();
    exact.extend(wanted.role.as_deref().map(Span::role));
    exact.extend(wanted.group.as_deref().map(Span::group));
    let mut terms = wanted.terms.iter().take(FURTHER - 1).cloned();
    if let Some(first) = terms.next() {
        return (Way::Span(first), terms.chain(exact).collect());
    }
    exact.extend((wanted.blocked == Some(true)).then(Span::blocked));
    let mut exact = exact.into_iter();
    match exact.next() {
        Some(first) => (Way::Word(first.from), exact.collect()),
        None => (Way::Newest, Vec::new()),
    }
}
