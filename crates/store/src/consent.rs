//! Remembered consent: what a user allowed an application once.

use signet_protocol::{
    id::{AppId, UserId},
    scope::Scope,
    time::Now,
};

use crate::{
    Store, StoreError, args,
    sql::{Batch, Sql},
};

const LOAD: Sql = Sql {
    name: "consent_load",
    text: "SELECT scope FROM consent WHERE pool_id = $1 AND user_id = $2 AND app_id = $3",
};
const REMEMBER: Sql = Sql {
    name: "consent_remember",
    text: "INSERT INTO consent (pool_id, user_id, app_id, scope, granted_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (pool_id, user_id, app_id)
           DO UPDATE SET scope = excluded.scope, granted_at = excluded.granted_at",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&LOAD, &REMEMBER];

impl Store {
    /// What the user allowed the application, if they were ever asked.
    pub async fn consent(&self, user: UserId, application: AppId) -> Result<Option<Scope>, StoreError> {
        let key = args![self.pool_id(), user, application];
        self.engine().find(&LOAD, key, |row| row.parsed(|text| Scope::parse(text).ok())).await
    }

    /// Remembers `scope` in place of what was remembered before.
    pub async fn remember_consent(
        &self,
        user: UserId,
        application: AppId,
        scope: &Scope,
        now: Now,
    ) -> Result<(), StoreError> {
        let row = args![self.pool_id(), user, application, scope, now.timestamp()];
        self.write(Batch::new().then(&REMEMBER, row)).await.map(drop)
    }
}
