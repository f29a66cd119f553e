//! Revisions: what operators saved of the configuration, with how to undo it. The texts are the caller's.

use signet_protocol::{
    id::{AppId, RevisionId, RowId},
    time::Timestamp,
};

use crate::{
    Store, StoreError, args,
    audit::Named,
    rows::json,
    sql::{Batch, RowReader, Sql},
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
const NEWEST: Sql = Sql {
    name: "revision_newest",
    text: "SELECT revision_id, at, author_id, author_name, via, reason, title, lines, undo, redo, undoes, undone_by
           FROM revision WHERE pool_id = $1 AND revision_id < $2 ORDER BY revision_id DESC LIMIT $3",
};
const OF_APPLICATION: Sql = Sql {
    name: "revision_of_application",
    text: "SELECT r.revision_id, r.at, r.author_id, r.author_name, r.via, r.reason, r.title, r.lines, r.undo, r.redo,
               r.undoes, r.undone_by
           FROM revision_application a JOIN revision r ON r.pool_id = a.pool_id AND r.revision_id = a.revision_id
           WHERE a.pool_id = $1 AND a.app_id = $2 AND a.revision_id < $3 ORDER BY a.revision_id DESC LIMIT $4",
};
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

pub(crate) const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &INSERT_APPLICATION,
    &UNDONE,
    &REDONE,
    &LOAD,
    &APPLICATIONS,
    &NEWEST,
    &OF_APPLICATION,
    &OLD,
    &FIRST,
    &DELETE,
    &DELETE_APPLICATIONS,
];

/// Revisions that are kept; the oldest go.
pub const KEPT_REVISIONS: i64 = 10_000;

/// Most revisions of a page.
const PAGE: i64 = 200;

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
    /// The revision that it undid.
    pub undoes: Option<RevisionId>,
    /// The revision that undid it.
    pub undone_by: Option<RevisionId>,
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
        Ok(revision.applications.iter().fold(batch.then(&INSERT, row), each))
    }

    /// A revision, with the applications it is about.
    pub async fn revision(&self, id: RevisionId) -> Result<Option<Revision>, StoreError> {
        let Some(found) = self.engine().find(&LOAD, args![self.pool_id(), id], read).await? else {
            return Ok(None);
        };
        let about = |row: &mut RowReader| row.parsed(AppId::parse);
        let applications = self.engine().list(&APPLICATIONS, args![self.pool_id(), id], about).await?;
        Ok(Some(Revision { applications, ..found }))
    }

    /// The newest revisions, of an application or all, before one; at most 200.
    pub async fn revisions(
        &self,
        application: Option<AppId>,
        before: Option<RevisionId>,
        limit: i64,
    ) -> Result<Vec<Revision>, StoreError> {
        let (before, limit) = (before.unwrap_or(RevisionId::from_bytes([0xff; 16])), limit.clamp(1, PAGE));
        match application {
            Some(id) => {
                self.engine().list(&OF_APPLICATION, args![self.pool_id(), id, before, limit], read).await
            }
            None => self.engine().list(&NEWEST, args![self.pool_id(), before, limit], read).await,
        }
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
            self.write(Batch::new().then(&DELETE_APPLICATIONS, which.clone()).then(&DELETE, which)).await?;
            found += due.len() as u64;
        }
    }
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
        undoes: row.opt_row_id()?,
        undone_by: row.opt_row_id()?,
    })
}

fn texts(undo: Option<String>, redo: Option<String>) -> Option<RevisionTexts> {
    Some(RevisionTexts { undo: undo?, redo: redo? })
}
