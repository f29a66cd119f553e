//! Remembered consent: what a user allowed an application once.

use signet_protocol::{
    id::{AppId, UserId},
    scope::Scope,
    time::Now,
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, RowReader, Sql},
};

const LOAD: Sql = Sql {
    name: "consent_load",
    text: "SELECT scope FROM consent WHERE pool_id = $1 AND user_id = $2 AND app_id = $3",
};
const INSERT: Sql = Sql {
    name: "consent_insert",
    text: "INSERT INTO consent (pool_id, user_id, app_id, scope, granted_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (pool_id, user_id, app_id) DO NOTHING",
};
/// `$6` is what was read before: a consent given meanwhile is not lost.
const REPLACE: Sql = Sql {
    name: "consent_replace",
    text: "UPDATE consent SET scope = $4, granted_at = $5
           WHERE pool_id = $1 AND user_id = $2 AND app_id = $3 AND scope = $6",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&LOAD, &INSERT, &REPLACE];

/// How often another consent of the same user to the same application may be quicker.
const TRIES: usize = 8;

impl Store {
    /// What the user allowed the application, if they were ever asked.
    pub async fn consent(&self, user: UserId, application: AppId) -> Result<Option<Scope>, StoreError> {
        let key = args![self.pool_id(), user, application];
        self.engine().find(&LOAD, key, |row| row.parsed(parse)).await
    }

    /// Remembers `scope` beside what was remembered before and still means something in the pool.
    pub async fn remember_consent(
        &self,
        user: UserId,
        application: AppId,
        scope: &Scope,
        now: Now,
    ) -> Result<(), StoreError> {
        let key = args![self.pool_id(), user, application];
        let pool = self.pool_settings().await?;
        for _ in 0..TRIES {
            let stored = self.engine().find(&LOAD, key.clone(), RowReader::text).await?;
            let earlier = stored.as_deref().and_then(parse).unwrap_or_default();
            let both = pool.understood(earlier.union(scope));
            let row = [key.clone(), args![&both, now.timestamp()]].concat();
            let batch = match stored {
                None => Batch::new().guard(&INSERT, row),
                Some(read) => Batch::new().guard(&REPLACE, [row, args![read]].concat()),
            };
            if self.write(batch).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }
}

fn parse(text: &str) -> Option<Scope> {
    Scope::read(text).ok()
}
