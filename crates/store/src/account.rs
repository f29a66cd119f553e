//! Programmatic access accounts, read through memory, and when each was used last.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use signet_protocol::{
    account::Account,
    entropy::Entropy,
    id::{AccountId, AppId, PoolId},
    secret::Secret,
    time::{Now, Seconds, Timestamp},
};

use crate::{
    Store, StoreError, args,
    sealing::Place,
    sql::{Batch, RowReader, Sql, Value},
    store::Inner,
};

const LOAD: Sql = Sql {
    name: "account_load",
    text: "SELECT account_id, pool_id, app_id, secret_sealed, previous_sealed, previous_until, token_lifetime, remarks,
               enabled, created_at, updated_at, version
           FROM account WHERE pool_id = $1 AND account_id = $2",
};
const LIST: Sql = Sql {
    name: "account_list",
    text: "SELECT account_id, pool_id, app_id, secret_sealed, previous_sealed, previous_until, token_lifetime, remarks,
               enabled, created_at, updated_at, version
           FROM account WHERE pool_id = $1 AND app_id = $2 ORDER BY account_id",
};
const PAGE: Sql = Sql {
    name: "account_page",
    text: "SELECT last_used_at, account_id, pool_id, app_id, secret_sealed, previous_sealed, previous_until,
               token_lifetime, remarks, enabled, created_at, updated_at, version
           FROM account WHERE pool_id = $1 AND app_id = $2 AND account_id > $3 ORDER BY account_id LIMIT $4",
};
const COUNT: Sql =
    Sql { name: "account_count", text: "SELECT count(*) FROM account WHERE pool_id = $1 AND app_id = $2" };
const OWNERS: Sql =
    Sql { name: "account_owners", text: "SELECT account_id, app_id FROM account WHERE pool_id = $1" };
const USES: Sql = Sql {
    name: "account_uses",
    text: "SELECT account_id, last_used_at FROM account
           WHERE pool_id = $1 AND app_id = $2 AND last_used_at IS NOT NULL",
};
const INSERT: Sql = Sql {
    name: "account_insert",
    text: "INSERT INTO account (account_id, pool_id, app_id, secret_sealed, previous_sealed, previous_until,
               token_lifetime, remarks, enabled, version, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10)",
};
/// The application stays as it is.
const UPDATE: Sql = Sql {
    name: "account_update",
    text: "UPDATE account SET secret_sealed = $4, previous_sealed = $5, previous_until = $6, token_lifetime = $7,
               remarks = $8, enabled = $9, version = version + 1, updated_at = $10
           WHERE account_id = $1 AND pool_id = $2 AND app_id = $3 AND version = $11",
};
const DELETE: Sql = Sql {
    name: "account_delete",
    text: "DELETE FROM account WHERE account_id = $1 AND pool_id = $2 AND version = $3",
};
const USED: Sql = Sql {
    name: "account_used",
    text: "UPDATE account SET last_used_at = $3
           WHERE account_id = $1 AND pool_id = $2 AND (last_used_at IS NULL OR last_used_at < $3)",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&LOAD, &LIST, &PAGE, &COUNT, &OWNERS, &USES, &INSERT, &UPDATE, &DELETE, &USED];

/// How often it is written down when accounts were used.
const USES_EVERY: Duration = Duration::from_secs(30);
/// Of so many accounts at a time, so that others write in between.
const USES_AT_ONCE: usize = 500;

/// When each account was used last, as far as that is not written down.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<AccountId, Timestamp>>);

impl Uses {
    fn note(&self, uses: impl IntoIterator<Item = (AccountId, Timestamp)>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in uses {
            let newest = noted.entry(id).or_insert(at);
            *newest = at.max(*newest);
        }
    }

    fn take(&self) -> Vec<(AccountId, Timestamp)> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *noted).into_iter().collect()
    }
}

impl Store {
    /// The account with this AccessKey, enabled or not. A change made by another node is seen within a second.
    pub async fn account(&self, id: AccountId) -> Result<Option<Arc<Account>>, StoreError> {
        let ticket = match self.0.accounts.get(&id) {
            Ok(account) => return Ok(Some(account)),
            Err(ticket) => ticket,
        };
        let found = self.stored_account(id).await?;
        Ok(found.map(|account| self.0.accounts.put(ticket, id, account)))
    }

    /// The account with this AccessKey as the database has it now.
    pub async fn stored_account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.engine().look_up_one(&LOAD, args![self.pool_id(), id], |row| self.read_account(row)).await
    }

    /// Every account of an application, by AccessKey.
    pub async fn accounts(&self, application: AppId) -> Result<Vec<Account>, StoreError> {
        let key = args![self.pool_id(), application];
        self.engine().list(&LIST, key, |row| self.read_account(row)).await
    }

    /// The next `limit` accounts of an application behind `after`, by AccessKey, and when each was used last. What this node has
    /// noted of that is written down for it, what others have noted is known half a minute later.
    pub async fn account_page(
        &self,
        application: AppId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(Account, Option<Timestamp>)>, StoreError> {
        self.write_account_uses().await?;
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let values = args![self.pool_id(), application, after, i64::try_from(limit).unwrap_or(i64::MAX)];
        let read = |row: &mut RowReader| {
            let used = row.opt_at()?;
            Ok((self.read_account(row)?, used))
        };
        self.engine().list(&PAGE, values, read).await
    }

    /// How many accounts an application has.
    pub async fn count_accounts(&self, application: AppId) -> Result<usize, StoreError> {
        self.counted(&COUNT, args![self.pool_id(), application]).await
    }

    /// Which application each account of the pool is of.
    pub async fn account_owners(&self) -> Result<HashMap<AccountId, AppId>, StoreError> {
        let read = |row: &mut RowReader| Ok((row.parsed(AccountId::parse)?, row.parsed(AppId::parse)?));
        Ok(self.engine().list(&OWNERS, args![self.pool_id()], read).await?.into_iter().collect())
    }

    /// When each account of an application was used last; those that never were are left out. What this node has noted is
    /// written down for it, what others have noted is known half a minute later.
    pub async fn account_uses(
        &self,
        application: AppId,
    ) -> Result<HashMap<AccountId, Timestamp>, StoreError> {
        self.write_account_uses().await?;
        let read = |row: &mut RowReader| Ok((row.parsed(AccountId::parse)?, row.at()?));
        Ok(self.engine().list(&USES, args![self.pool_id(), application], read).await?.into_iter().collect())
    }

    /// Notes that an account was used. Nothing is written now: that is done twice a minute, and when the store is closed.
    pub fn note_account_use(&self, id: AccountId, at: Timestamp) {
        self.0.uses.note([(id, at)]);
    }

    /// Writes down which accounts were used. What cannot be written is kept for the next time.
    pub(crate) async fn write_account_uses(&self) -> Result<(), StoreError> {
        let uses = self.0.uses.take();
        let mut rest = uses.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(USES_AT_ONCE));
            let add = |batch: Batch, (id, at): &(AccountId, Timestamp)| {
                batch.then(&USED, args![*id, self.pool_id(), *at])
            };
            if let Err(error) = self.write(some.iter().fold(Batch::new(), add)).await {
                self.0.uses.note(rest.iter().copied());
                return Err(error);
            }
            rest = others;
        }
        Ok(())
    }

    pub(crate) fn insert_account(
        &self,
        batch: Batch,
        account: &Account,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> Result<Batch, StoreError> {
        let held = self.hold_application(batch, account.application);
        Ok(held.then(&INSERT, self.account_row(account, now, entropy)?))
    }

    pub(crate) fn update_account(
        &self,
        batch: Batch,
        account: &Account,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> Result<Batch, StoreError> {
        let mut row = self.account_row(account, now, entropy)?;
        row.extend(args![account.version]);
        Ok(batch.guard(&UPDATE, row))
    }

    pub(crate) fn delete_account(&self, batch: Batch, account: &Account) -> Batch {
        batch.guard(&DELETE, args![account.id, self.pool_id(), account.version])
    }

    fn account_row(
        &self,
        account: &Account,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Value>, StoreError> {
        let id = account.id.to_string();
        let mut seal = |column, secret: &Secret| {
            self.0.master_key.seal(&secret_place(column, &id), secret.expose(), entropy)
        };
        let previous = account.previous.as_ref();
        let secret = seal(SECRET, &account.secret)?;
        let before = previous.map(|(secret, _)| seal(PREVIOUS, secret)).transpose()?;
        Ok(args![
            account.id,
            self.pool_id(),
            account.application,
            secret,
            before,
            previous.map(|(_, until)| *until),
            account.token_lifetime.0,
            account.remarks.as_ref(),
            account.enabled,
            now.timestamp(),
        ])
    }

    fn read_account(&self, row: &mut RowReader) -> Result<Account, StoreError> {
        let id = row.parsed(AccountId::parse)?;
        let text = id.to_string();
        let open = |column, sealed: &[u8]| self.0.master_key.open(&secret_place(column, &text), sealed);
        let (pool, application) = (row.parsed(PoolId::parse)?, row.parsed(AppId::parse)?);
        let secret = open(SECRET, &row.bytes()?)?;
        let previous = row.opt_bytes()?.map(|sealed| open(PREVIOUS, &sealed)).transpose()?;
        Ok(Account {
            id,
            pool,
            application,
            secret,
            previous: previous.zip(row.opt_at()?),
            token_lifetime: Seconds(row.int()?),
            remarks: row.opt_text()?,
            enabled: row.bool()?,
            created_at: row.at()?,
            updated_at: row.at()?,
            version: row.int()?,
        })
    }
}

const SECRET: &str = "secret_sealed";
const PREVIOUS: &str = "previous_sealed";

/// Where a secret of an account is sealed.
fn secret_place<'r>(column: &'static str, row: &'r str) -> Place<'r> {
    Place { table: "account", column, row }
}

/// Writes down which accounts were used, twice a minute, until the store is gone.
pub(crate) fn keep_uses(store: &Store) {
    let store: Weak<Inner> = Arc::downgrade(&store.0);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(USES_EVERY).await;
            let Some(inner) = store.upgrade() else { return };
            if let Err(error) = Store(inner).write_account_uses().await {
                tracing::warn!(%error, "cannot write down which accounts were used; they are kept for the next time");
            }
        }
    });
}
