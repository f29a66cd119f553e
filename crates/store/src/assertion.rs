//! Client assertions that were used: each is good once, at every node and across restarts (attack 8).

use signet_protocol::{secret::SecretHash, time::Timestamp};

use crate::{
    Store, StoreError, args,
    sql::{Batch, Sql},
};

const SPEND: Sql = Sql {
    name: "assertion_spend",
    text: "INSERT INTO assertion_jti (pool_id, key, expires_at) VALUES ($1, $2, $3)
           ON CONFLICT (pool_id, key) DO NOTHING",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&SPEND];

impl Store {
    /// Spends the one use of the assertion called `key`, which means nothing after `until`. `false` if it was spent before.
    pub async fn spend_assertion(&self, key: SecretHash, until: Timestamp) -> Result<bool, StoreError> {
        self.write(Batch::new().guard(&SPEND, args![self.pool_id(), key, until])).await
    }
}
