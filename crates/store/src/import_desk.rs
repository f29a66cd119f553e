//! What nodes say of the files of users that lie in their memory, so that every node can say where one is and how far. Nothing
//! depends on it.

use signet_protocol::time::{Now, Seconds, Timestamp};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
};

const PUT: Sql = Sql {
    name: "import_desk_put",
    text: "INSERT INTO import_desk (pool_id, node, host, name, begun_at, seen_at, content)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (pool_id, node) DO UPDATE SET host = $3, name = $4, begun_at = $5, seen_at = $6, content = $7",
};
const OTHERS: Sql = Sql {
    name: "import_desk_others",
    text: "SELECT host, name, begun_at, seen_at, content FROM import_desk
           WHERE pool_id = $1 AND node <> $2 AND seen_at > $3 ORDER BY node",
};
const CLEAR: Sql =
    Sql { name: "import_desk_clear", text: "DELETE FROM import_desk WHERE pool_id = $1 AND node = $2" };
const OLD: Sql =
    Sql { name: "import_desk_old", text: "DELETE FROM import_desk WHERE pool_id = $1 AND seen_at <= $2" };

pub(crate) const STATEMENTS: &[&Sql] = &[&PUT, &OTHERS, &CLEAR, &OLD];

/// How long after its last word a node is believed.
pub const IMPORT_DESK_KEPT: Seconds = Seconds(3600);

/// What a node says of the file in its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportDesk {
    /// The machine it runs on.
    pub host: String,
    /// What the file is called.
    pub name: String,
    /// Since when it lies there, or is taken in.
    pub begun_at: Timestamp,
    /// When this was said.
    pub seen_at: Timestamp,
    /// How far it is, as JSON. The content is the caller's.
    pub content: String,
}

impl Store {
    /// Says what lies in the memory of this node.
    pub async fn put_import_desk(&self, desk: &ImportDesk) -> Result<(), StoreError> {
        let ImportDesk { host, name, begun_at, seen_at, content } = desk;
        let row = args![self.pool_id(), self.node_name(), host, name, *begun_at, *seen_at, content];
        self.write(Batch::new().then(&PUT, row)).await.map(drop)
    }

    /// Says that nothing lies there any more.
    pub async fn clear_import_desk(&self) -> Result<(), StoreError> {
        let row = args![self.pool_id(), self.node_name()];
        self.write(Batch::new().then(&CLEAR, row)).await.map(drop)
    }

    /// What other nodes said within the last hour.
    pub async fn import_desks_elsewhere(&self, now: Now) -> Result<Vec<ImportDesk>, StoreError> {
        let read = |row: &mut RowReader| {
            Ok(ImportDesk {
                host: row.text()?,
                name: row.text()?,
                begun_at: row.at()?,
                seen_at: row.at()?,
                content: row.text()?,
            })
        };
        let since = Timestamp(now.timestamp().0 - IMPORT_DESK_KEPT.0);
        self.engine().list(&OTHERS, args![self.pool_id(), self.node_name(), since], read).await
    }

    /// Deletes what was said longer ago.
    pub(crate) async fn sweep_import_desks(&self, now: Now) -> Result<(), StoreError> {
        let until = Timestamp(now.timestamp().0 - IMPORT_DESK_KEPT.0);
        self.write(Batch::new().then(&OLD, args![self.pool_id(), until])).await.map(drop)
    }

    fn node_name(&self) -> String {
        self.0.node.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
