//! The vocabulary of the protocol as values and columns.

use serde::{Serialize, de::DeserializeOwned};
use signet_protocol::{
    id::{
        AccountId, AppId, CodeId, ConsoleSessionId, FamilyId, GrantId, LinkId, PoolId, RevisionId, RowId,
        SessionId, TransactionId, UserId,
    },
    issuer::IssuerId,
    scope::Scope,
    secret::SecretHash,
    time::Timestamp,
};

use crate::{
    StoreError,
    sql::{Engine, Row, RowReader, Sql, Value},
};

macro_rules! as_text {
    ($($id:ty),+) => { $(impl From<$id> for Value {
        fn from(id: $id) -> Self {
            Self::Text(id.to_string())
        }
    })+ };
}
as_text!(PoolId, AppId, AccountId, UserId, &Scope);

macro_rules! as_bytes {
    ($($id:ty),+) => { $(impl From<$id> for Value {
        fn from(id: $id) -> Self {
            Self::from(id.bytes())
        }
    })+ };
}
as_bytes!(TransactionId, SessionId, GrantId, CodeId, FamilyId, ConsoleSessionId, LinkId, RevisionId);

impl From<IssuerId> for Value {
    fn from(issuer: IssuerId) -> Self {
        Self::Text(issuer.stored())
    }
}

impl From<SecretHash> for Value {
    fn from(hash: SecretHash) -> Self {
        Self::from(hash.as_bytes())
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.0)
    }
}

/// A JSON column.
pub(crate) fn json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_string(value).map(Value::Text).map_err(|error| StoreError::Internal(error.to_string()))
}

impl RowReader {
    /// The next column, text with a form of its own.
    pub(crate) fn parsed<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| self.misformed())
    }

    pub(crate) fn opt_parsed<T>(
        &mut self,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let text = self.opt_text()?;
        text.map(|text| parse(&text).ok_or_else(|| self.misformed())).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        self.parsed(|text| serde_json::from_str(text).ok())
    }

    pub(crate) fn row_id<Id: RowId>(&mut self) -> Result<Id, StoreError> {
        self.array().map(Id::from_bytes)
    }

    pub(crate) fn opt_row_id<Id: RowId>(&mut self) -> Result<Option<Id>, StoreError> {
        let bytes = self.opt_bytes()?.map(<[u8; 16]>::try_from).transpose();
        bytes.map(|bytes| bytes.map(Id::from_bytes)).map_err(|_| self.misformed())
    }

    pub(crate) fn hash(&mut self) -> Result<SecretHash, StoreError> {
        let bytes = self.bytes()?;
        SecretHash::from_bytes(&bytes).ok_or_else(|| self.misformed())
    }

    pub(crate) fn opt_hash(&mut self) -> Result<Option<SecretHash>, StoreError> {
        let bytes = self.opt_bytes()?;
        bytes.map(|bytes| SecretHash::from_bytes(&bytes).ok_or_else(|| self.misformed())).transpose()
    }

    pub(crate) fn at(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp)
    }

    pub(crate) fn opt_at(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.opt_int().map(|at| at.map(Timestamp))
    }
}

impl Engine {
    /// The one row a statement finds, if it finds one.
    pub(crate) async fn find<T>(
        &self,
        sql: &'static Sql,
        args: Vec<Value>,
        read: impl Fn(&mut RowReader) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.list(sql, args, read).await.map(|mut rows| rows.pop())
    }

    /// The same where the row is looked up by its key, by a request that many make.
    pub(crate) async fn look_up_one<T>(
        &self,
        sql: &'static Sql,
        args: Vec<Value>,
        read: impl Fn(&mut RowReader) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        read_all(sql, self.look_up(sql, args).await?, read).map(|mut rows| rows.pop())
    }

    /// Every row a statement finds.
    pub(crate) async fn list<T>(
        &self,
        sql: &'static Sql,
        args: Vec<Value>,
        read: impl Fn(&mut RowReader) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        read_all(sql, self.read(sql, args).await?, read)
    }
}

fn read_all<T>(
    sql: &'static Sql,
    rows: Vec<Row>,
    read: impl Fn(&mut RowReader) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let each = |row: Row| {
        let mut reader = row.reader(sql.name);
        let value = read(&mut reader)?;
        reader.finish().map(|()| value)
    };
    rows.into_iter().map(each).collect()
}
