//! The settings of the pool, read through memory.

use std::sync::Arc;

use signet_protocol::pool::PoolSettings;

use crate::{
    Store, StoreError, args,
    rows::json,
    sql::{Batch, RowReader, Sql},
};

const LOAD: Sql = Sql {
    name: "pool_settings_load",
    text: "SELECT settings, settings_version, name FROM pool WHERE pool_id = $1",
};
/// `$3` is the version that was read. Settings without a name leave the pool its own.
const UPDATE: Sql = Sql {
    name: "pool_settings_update",
    text: "UPDATE pool SET settings = $2, settings_version = settings_version + 1,
               name = COALESCE(NULLIF($4, ''), name)
           WHERE pool_id = $1 AND settings_version = $3",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&LOAD, &UPDATE];

impl Store {
    /// The settings of the pool. A change made by another node is seen within a second.
    pub async fn pool_settings(&self) -> Result<Arc<PoolSettings>, StoreError> {
        let key = self.pool_id();
        let ticket = match self.0.pool_settings.get(&key) {
            Ok(settings) => return Ok(settings),
            Err(ticket) => ticket,
        };
        let found = self.stored_pool_settings().await?;
        Ok(self.0.pool_settings.put(ticket, key, found))
    }

    /// The settings of the pool as the database has them now.
    pub async fn stored_pool_settings(&self) -> Result<PoolSettings, StoreError> {
        let found = self.engine().find(&LOAD, args![self.pool_id()], read).await?;
        found.ok_or_else(|| StoreError::corrupt("the pool is gone"))
    }

    /// Adds that the settings of the pool become these, if they are still at the version these were made from.
    pub(crate) fn update_pool(&self, batch: Batch, settings: &PoolSettings) -> Result<Batch, StoreError> {
        Ok(batch
            .guard(&UPDATE, args![self.pool_id(), json(settings)?, settings.version, settings.name.as_str()]))
    }
}

fn read(row: &mut RowReader) -> Result<PoolSettings, StoreError> {
    let settings: PoolSettings = row.json()?;
    Ok(PoolSettings { version: row.int()?, name: row.text()?, ..settings })
}
