//! Traces of failures: what was wrong with a request, for a week. The content is the caller's, and redacted.

use signet_protocol::{
    id::AppId,
    jose,
    time::{Now, Seconds},
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
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
    text: "SELECT trace_id, content FROM trace WHERE pool_id = $1 AND app_id = $2 AND trace_id < $3
           ORDER BY trace_id DESC LIMIT $4",
};
const NEWEST: Sql = Sql {
    name: "trace_newest",
    text: "SELECT trace_id, content FROM trace WHERE trace_id < $2 AND NOT pool_id <> $1
           ORDER BY trace_id DESC LIMIT $3",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &OF_APPLICATION, &NEWEST];

/// How long traces are kept: a week.
pub const TRACE_EXPIRE: Seconds = Seconds(604_800);

/// Most traces of a page.
const PAGE: i64 = 200;

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
    /// Behind which the next page begins.
    pub cursor: String,
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

    /// The newest traces of an application, or of all, before `cursor`; at most 200.
    pub async fn traces(
        &self,
        application: Option<AppId>,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredTrace>, StoreError> {
        let cursor = cursor.and_then(|text| <[u8; 16]>::try_from(jose::unb64(text)?).ok());
        let (before, limit) = (cursor.unwrap_or([0xff; 16]), limit.clamp(1, PAGE));
        match application {
            Some(application) => {
                let values = args![self.pool_id(), application, before, limit];
                self.engine().list(&OF_APPLICATION, values, read).await
            }
            None => self.engine().list(&NEWEST, args![self.pool_id(), before, limit], read).await,
        }
    }
}

fn read(row: &mut RowReader) -> Result<StoredTrace, StoreError> {
    let key: [u8; 16] = row.array()?;
    Ok(StoredTrace { cursor: jose::b64(&key), content: row.text()? })
}
