//! Remembered consent: what a user allowed an application once.

use signet_protocol::{
    consent::Consent,
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
    text: "SELECT scope, claims FROM consent WHERE pool_id = $1 AND user_id = $2 AND app_id = $3",
};
const INSERT: Sql = Sql {
    name: "consent_insert",
    text: "INSERT INTO consent (pool_id, user_id, app_id, scope, claims, granted_at) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (pool_id, user_id, app_id) DO NOTHING",
};
/// `$7` and `$8` are what was read before: a consent given meanwhile is not lost.
const REPLACE: Sql = Sql {
    name: "consent_replace",
    text: "UPDATE consent SET scope = $4, claims = $5, granted_at = $6
           WHERE pool_id = $1 AND user_id = $2 AND app_id = $3 AND scope = $7 AND claims = $8",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&LOAD, &INSERT, &REPLACE];

/// How often another consent of the same user to the same application may be quicker.
const TRIES: usize = 8;

impl Store {
    /// What the user allowed the application, if they were ever asked.
    pub async fn consent(&self, user: UserId, application: AppId) -> Result<Option<Consent>, StoreError> {
        let key = args![self.pool_id(), user, application];
        let stored = self.engine().find(&LOAD, key, read).await?;
        Ok(stored.map(|stored| stored.parse()))
    }

    /// Remembers `allowed` beside what was remembered before and still means something in the pool.
    pub async fn remember_consent(
        &self,
        user: UserId,
        application: AppId,
        allowed: &Consent,
        now: Now,
    ) -> Result<(), StoreError> {
        let key = args![self.pool_id(), user, application];
        let pool = self.pool_settings().await?;
        for _ in 0..TRIES {
            let stored = self.engine().find(&LOAD, key.clone(), read).await?;
            let earlier = stored.as_ref().map(Stored::parse).unwrap_or_default();
            let all = Stored::of(&allowed.remembered(&earlier, &pool));
            let row = [key.clone(), args![all.scope, all.claims, now.timestamp()]].concat();
            let batch = match stored {
                None => Batch::new().guard(&INSERT, row),
                Some(read) => Batch::new().guard(&REPLACE, [row, args![read.scope, read.claims]].concat()),
            };
            if self.write(batch).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy)
    }
}

/// A consent as its row holds it: scope values, and a JSON list of claims.
struct Stored {
    scope: String,
    claims: String,
}

impl Stored {
    fn of(consent: &Consent) -> Stored {
        Stored { scope: consent.scope.to_string(), claims: serde_json::json!(consent.claims).to_string() }
    }

    /// What cannot be read was not allowed.
    fn parse(&self) -> Consent {
        Consent {
            scope: Scope::read(&self.scope).unwrap_or_default(),
            claims: serde_json::from_str(&self.claims).unwrap_or_default(),
        }
    }
}

fn read(row: &mut RowReader) -> Result<Stored, StoreError> {
    Ok(Stored { scope: row.text()?, claims: row.text()? })
}
