//! Traces of failures: what was wrong with a request, for a week. The content is the caller's, and redacted.

use signet_protocol::{
    id::{AppId, TraceId},
    time::{Now, Seconds},
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
    turn::{Leaf, Turn},
};

const INSERT: Sql = Sql {
    name: "trace_insert",
    text: "INSERT INTO trace (trace_id, pool_id, reference, request_id, app_id, content, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)",
};
const FIND: Sql = Sql {
    name: "trace_find",
    text: "SELECT trace_id, content FROM trace WHERE pool_id = $1 AND reference = $2 ORDER BY trace_id DESC LIMIT 10",
};
const OF_APPLICATION: Sql = Sql {
    name: "trace_of_application",
    text: "SELECT trace_id, content FROM trace WHERE pool_id = $1 AND app_id = $4 AND trace_id < $2
           ORDER BY trace_id DESC LIMIT $3",
};
const OF_APPLICATION_BACK: Sql = Sql {
    name: "trace_of_application_back",
    text: "SELECT trace_id, content FROM trace WHERE pool_id = $1 AND app_id = $4 AND trace_id > $2
           ORDER BY trace_id LIMIT $3",
};
const NEWEST: Sql = Sql {
    name: "trace_newest",
    text: "SELECT trace_id, content FROM trace WHERE trace_id < $2 AND NOT pool_id <> $1
           ORDER BY trace_id DESC LIMIT $3",
};
const NEWEST_BACK: Sql = Sql {
    name: "trace_newest_back",
    text: "SELECT trace_id, content FROM trace WHERE trace_id > $2 AND NOT pool_id <> $1
           ORDER BY trace_id LIMIT $3",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&INSERT, &FIND, &OF_APPLICATION, &OF_APPLICATION_BACK, &NEWEST, &NEWEST_BACK];

/// How long traces are kept: a week.
pub const TRACE_EXPIRE: Seconds = Seconds(604_800);

/// Most traces of a page.
const PAGE: usize = 200;

/// A trace to be kept.
#[derive(Clone, Debug)]
pub struct NewTrace {
    /// By which a person names it.
    pub reference: String,
    /// By which the log does.
    pub request_id: String,
    /// The application, if it is known.
    pub application: Option<AppId>,
    /// What there is to say, as JSON.
    pub content: String,
    /// When it was.
    pub at: Now,
}

/// A trace that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTrace {
    /// By which a page begins behind it, or ends in front of it.
    pub id: TraceId,
    /// What there is to say, as JSON.
    pub content: String,
}

impl Store {
    /// Keeps traces.
    pub async fn insert_traces(&self, traces: &[NewTrace]) -> Result<(), StoreError> {
        let add = |batch: Batch, trace: &NewTrace| {
            let row = args![
                self.change_id(trace.at),
                self.pool_id(),
                &trace.reference,
                &trace.request_id,
                trace.application,
                &trace.content,
                trace.at.timestamp().plus(TRACE_EXPIRE),
            ];
            batch.then(&INSERT, row)
        };
        self.write(traces.iter().fold(Batch::new(), add)).await.map(drop)
    }

    /// The traces of this reference, newest first: seldom more than one.
    pub async fn traces_by_reference(&self, reference: &str) -> Result<Vec<StoredTrace>, StoreError> {
        self.engine().list(&FIND, args![self.pool_id(), reference], read).await
    }

    /// A page of the traces of an application, or of all, the newest first; of at most 200.
    pub async fn traces(
        &self,
        application: Option<AppId>,
        turn: Turn<TraceId>,
        most: usize,
    ) -> Result<Leaf<StoredTrace, TraceId>, StoreError> {
        let pair = match application {
            Some(_) => [&OF_APPLICATION, &OF_APPLICATION_BACK],
            None => [&NEWEST, &NEWEST_BACK],
        };
        let values = |bound, limit| {
            let whose = application.map(|id| args![id]).unwrap_or_default();
            [args![self.pool_id(), bound, limit], whose].concat()
        };
        self.leaf(pair, (turn, most.clamp(1, PAGE)), values, read, |trace| trace.id).await
    }
}

fn read(row: &mut RowReader) -> Result<StoredTrace, StoreError> {
    Ok(StoredTrace { id: row.row_id()?, content: row.text()? })
}
