//! Revisions: what operators saved of the configuration and of users, with how to undo it. The texts are the caller's.

use signet_protocol::{
    id::{AppId, RevisionId, RowId, UserId},
    time::{Now, Seconds, Timestamp},
};

use crate::{
    Store, StoreError, args,
    audit::Named,
    rows::json,
    sql::{Batch, RowReader, Sql},
    turn::{Leaf, Pair, Turn},
};

const INSERT: Sql = Sql {
    name: "revision_insert",
    text: "INSERT INTO revision (pool_id, revision_id, at, author_id, author_name, via, reason, title, lines, undo, redo,
               undoes)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
};
const INSERT_APPLICATION: Sql = Sql {
    name: "revision_insert_application",
    text: "INSERT INTO revision_application (pool_id, app_id, revision_id) VALUES ($1, $2, $3)",
};
const INSERT_USER: Sql = Sql {
    name: "revision_insert_user",
    text: "INSERT INTO revision_user (pool_id, user_id, revision_id) VALUES ($1, $2, $3)",
};
/// Of two who undo the same at once, one does.
const UNDONE: Sql = Sql {
    name: "revision_undone",
    text: "UPDATE revision SET undone_by = $3 WHERE pool_id = $1 AND revision_id = $2 AND undone_by IS NULL",
};
/// What an undoing undid can be undone again once the undoing is.
const REDONE: Sql = Sql {
    name: "revision_redone",
    text: "UPDATE revision SET undone_by = NULL WHERE pool_id = $1 AND undone_by = $2
           AND revision_id = (SELECT undoes FROM revision WHERE pool_id = $1 AND revision_id = $2)",
};
const LOAD: Sql = Sql {
    name: "revision_load",
    text: "SELECT revision_id, at, author_id, author_name, via, reason, title, lines, undo, redo, undoes, undone_by
           FROM revision WHERE pool_id = $1 AND revision_id = $2",
};
const APPLICATIONS: Sql = Sql {
    name: "revision_applications",
    text: "SELECT app_id FROM revision_application WHERE pool_id = $1 AND revision_id = $2 ORDER BY app_id",
};
const USERS: Sql = Sql {
    name: "revision_users",
    text: "SELECT user_id FROM revision_user WHERE pool_id = $1 AND revision_id = $2 ORDER BY user_id",
};

/// The two statements of a list.
macro_rules! list {
    ($onward:ident, $back:ident, $name:literal, $from:literal, $id:literal) => {
        const $onward: Sql = list!(@one $name, $from, concat!($id, " < $2"), concat!($id, " DESC"));
        const $back: Sql = list!(@one concat!($name, "_back"), $from, concat!($id, " > $2"), concat!($id, " ASC"));
    };
    (@one $name:expr, $from:literal, $bound:expr, $order:expr) => {
        Sql {
            name: $name,
            text: concat!(
                "SELECT r.revision_id, r.at, r.author_id, r.author_name, r.via, r.reason, r.title, r.lines, r.undo, r.redo,
                     r.undoes, r.undone_by
                 FROM ",
                $from,
                " AND ",
                $bound,
                " ORDER BY ",
                $order,
                " LIMIT $3"
            ),
        }
    };
}
list!(NEWEST, NEWEST_BACK, "revision_newest", "revision r WHERE r.pool_id = $1", "r.revision_id");
list!(
    OF_APPLICATION,
    OF_APPLICATION_BACK,
    "revision_of_application",
    "revision_application a JOIN revision r ON r.pool_id = a.pool_id AND r.revision_id = a.revision_id
     WHERE a.pool_id = $1 AND a.app_id = $4",
    "a.revision_id"
);
list!(
    OF_USER,
    OF_USER_BACK,
    "revision_of_user",
    "revision_user a JOIN revision r ON r.pool_id = a.pool_id AND r.revision_id = a.revision_id
     WHERE a.pool_id = $1 AND a.user_id = $4",
    "a.revision_id"
);

/// The newest of those that are too many.
const OLD: Sql = Sql {
    name: "revision_old",
    text: "SELECT revision_id FROM revision WHERE pool_id = $1 AND revision_id > $2
           ORDER BY revision_id DESC LIMIT 1 OFFSET $3",
};
const FIRST: Sql = Sql {
    name: "revision_first",
    text: "SELECT revision_id FROM revision WHERE pool_id = $1 AND revision_id <= $2 ORDER BY revision_id LIMIT 100",
};
const DELETE: Sql =
    Sql { name: "revision_delete", text: "DELETE FROM revision WHERE pool_id = $1 AND revision_id <= $2" };
const DELETE_APPLICATIONS: Sql = Sql {
    name: "revision_delete_applications",
    text: "DELETE FROM revision_application WHERE pool_id = $1 AND revision_id <= $2",
};
const DELETE_USERS: Sql = Sql {
    name: "revision_delete_users",
    text: "DELETE FROM revision_user WHERE pool_id = $1 AND revision_id <= $2",
};
/// Of those about users the oldest, up to one.
const FIRST_OF_USERS: Sql = Sql {
    name: "revision_first_of_users",
    text: "SELECT revision_id FROM revision_user WHERE pool_id = $1 AND revision_id <= $2
           ORDER BY revision_id LIMIT 100",
};
const FORGET: Sql =
    Sql { name: "revision_forget", text: "DELETE FROM revision WHERE pool_id = $1 AND revision_id = $2" };
const FORGET_USERS: Sql = Sql {
    name: "revision_forget_users",
    text: "DELETE FROM revision_user WHERE pool_id = $1 AND revision_id = $2",
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &INSERT_APPLICATION,
    &INSERT_USER,
    &UNDONE,
    &REDONE,
    &LOAD,
    &APPLICATIONS,
    &USERS,
    &NEWEST,
    &NEWEST_BACK,
    &OF_APPLICATION,
    &OF_APPLICATION_BACK,
    &OF_USER,
    &OF_USER_BACK,
    &OLD,
    &FIRST,
    &DELETE,
    &DELETE_APPLICATIONS,
    &DELETE_USERS,
    &FIRST_OF_USERS,
    &FORGET,
    &FORGET_USERS,
];

/// Revisions that are kept; the oldest go.
pub const KEPT_REVISIONS: i64 = 10_000;
/// How long those are kept that say what users were: thirty days, so that who is deleted is forgotten here as well.
pub const KEPT_OF_USERS: Seconds = Seconds(30 * 86_400);

/// Most revisions of a page.
const PAGE: usize = 200;

/// What takes a revision back, and what it made so: descriptions that `signet apply` reads, with sealed secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionTexts {
    /// Applied, it brings back what was.
    pub undo: String,
    /// Applied, it changes nothing as long as all that was changed is still as it was made.
    pub redo: String,
}

/// Something that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Which; later ones have greater ids.
    pub id: RevisionId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub author: Named,
    /// By which door, as the audit log calls it.
    pub via: String,
    /// Why, in the author's words.
    pub reason: Option<String>,
    /// What was changed, in a few words.
    pub title: String,
    /// The differences, for people. No secret is in them.
    pub lines: Vec<String>,
    /// How to undo it; `None`: it cannot be.
    pub texts: Option<RevisionTexts>,
    /// The applications it is about. Only [`Store::revision`] reads them.
    pub applications: Vec<AppId>,
    /// The users it is about, and nothing else is then. Only [`Store::revision`] reads them.
    pub users: Vec<UserId>,
    /// The revision that it undid.
    pub undoes: Option<RevisionId>,
    /// The revision that undid it.
    pub undone_by: Option<RevisionId>,
}

/// Which revisions a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// All.
    Everything,
    /// Those about an application.
    Application(AppId),
    /// Those about a user.
    User(UserId),
}

impl Store {
    pub(crate) fn keep_revision(&self, batch: Batch, revision: &Revision) -> Result<Batch, StoreError> {
        let Revision { id, author, texts, .. } = revision;
        let row = args![
            self.pool_id(),
            *id,
            revision.at,
            author.id.as_deref(),
            author.name.as_deref(),
            &revision.via,
            revision.reason.as_deref(),
            &revision.title,
            json(&revision.lines)?,
            texts.as_ref().map(|texts| texts.undo.as_str()),
            texts.as_ref().map(|texts| texts.redo.as_str()),
            revision.undoes,
        ];
        let batch = match revision.undoes {
            Some(undone) => batch
                .guard(&UNDONE, args![self.pool_id(), undone, *id])
                .then(&REDONE, args![self.pool_id(), undone]),
            None => batch,
        };
        let each =
            |batch: Batch, app: &AppId| batch.then(&INSERT_APPLICATION, args![self.pool_id(), *app, *id]);
        let user = |batch: Batch, user: &UserId| batch.then(&INSERT_USER, args![self.pool_id(), *user, *id]);
        let batch = revision.applications.iter().fold(batch.then(&INSERT, row), each);
        Ok(revision.users.iter().fold(batch, user))
    }

    /// A revision, with what it is about.
    pub async fn revision(&self, id: RevisionId) -> Result<Option<Revision>, StoreError> {
        let key = || args![self.pool_id(), id];
        let Some(found) = self.engine().find(&LOAD, key(), read).await? else { return Ok(None) };
        let applications = self.engine().list(&APPLICATIONS, key(), |row| row.parsed(AppId::parse)).await?;
        let users = self.engine().list(&USERS, key(), |row| row.parsed(UserId::parse)).await?;
        Ok(Some(Revision { applications, users, ..found }))
    }

    /// A page of revisions, the newest first; of at most 200.
    pub async fn revisions(
        &self,
        about: About,
        turn: Turn<RevisionId>,
        most: usize,
    ) -> Result<Leaf<Revision, RevisionId>, StoreError> {
        let (pair, of): (Pair, _) = match about {
            About::Everything => ([&NEWEST, &NEWEST_BACK], None),
            About::Application(id) => ([&OF_APPLICATION, &OF_APPLICATION_BACK], Some(id.to_string())),
            About::User(id) => ([&OF_USER, &OF_USER_BACK], Some(id.to_string())),
        };
        let values = |bound, limit| {
            let whose = of.as_deref().map(|of| args![of]).unwrap_or_default();
            [args![self.pool_id(), bound, limit], whose].concat()
        };
        self.leaf(pair, (turn, most.clamp(1, PAGE)), values, read, |revision| revision.id).await
    }

    /// Deletes the oldest of too many, in small batches.
    pub(crate) async fn sweep_revisions(&self) -> Result<u64, StoreError> {
        let mut found = 0;
        let id = |row: &mut RowReader| row.row_id::<RevisionId>();
        let every = args![self.pool_id(), RevisionId::from_bytes([0; 16]), KEPT_REVISIONS];
        let Some(last) = self.engine().find(&OLD, every, id).await? else { return Ok(0) };
        loop {
            let due = self.engine().list(&FIRST, args![self.pool_id(), last], id).await?;
            let Some(until) = due.last() else { return Ok(found) };
            let which = args![self.pool_id(), *until];
            let all = [&DELETE_APPLICATIONS, &DELETE_USERS, &DELETE];
            let batch = all.into_iter().fold(Batch::new(), |batch, sql| batch.then(sql, which.clone()));
            self.write(batch).await?;
            found += due.len() as u64;
        }
    }

    /// Deletes what says what users were longer ago than it is kept, in small batches.
    pub(crate) async fn sweep_revisions_of_users(&self, now: Now) -> Result<u64, StoreError> {
        let mut found = 0;
        let last = before(now, KEPT_OF_USERS);
        let id = |row: &mut RowReader| row.row_id::<RevisionId>();
        loop {
            let due = self.engine().list(&FIRST_OF_USERS, args![self.pool_id(), last], id).await?;
            if due.is_empty() {
                return Ok(found);
            }
            let gone = |batch: Batch, one: &RevisionId| {
                let which = args![self.pool_id(), *one];
                batch.then(&FORGET_USERS, which.clone()).then(&FORGET, which)
            };
            self.write(due.iter().fold(Batch::new(), gone)).await?;
            found += due.len() as u64;
        }
    }
}

/// The greatest id that is older than this: ids begin with the milliseconds of their making.
fn before(now: Now, age: Seconds) -> RevisionId {
    let millis = now.millis().saturating_sub(age.0.saturating_mul(1000)).max(0);
    let mut id = [0xff; 16];
    let time = millis.to_be_bytes();
    id.iter_mut().zip(time.iter().skip(2)).for_each(|(to, from)| *to = *from);
    RevisionId::from_bytes(id)
}

fn read(row: &mut RowReader) -> Result<Revision, StoreError> {
    Ok(Revision {
        id: row.row_id()?,
        at: row.at()?,
        author: Named { id: row.opt_text()?, name: row.opt_text()? },
        via: row.text()?,
        reason: row.opt_text()?,
        title: row.text()?,
        lines: row.json()?,
        texts: texts(row.opt_text()?, row.opt_text()?),
        applications: Vec::new(),
        users: Vec::new(),
        undoes: row.opt_row_id()?,
        undone_by: row.opt_row_id()?,
    })
}

fn texts(undo: Option<String>, redo: Option<String>) -> Option<RevisionTexts> {
    Some(RevisionTexts { undo: undo?, redo: redo? })
}
