//! Accounts, each with a rule about it, written by the store itself: their secrets are sealed.

use serde_json::{Value, json};
use signet_protocol::{
    account::{Account, TOKEN_LIFETIME},
    id::AppId,
    pool::PoolSettings,
    resource::{Resource, Rule},
    secret::Secret,
    time::Now,
};
use signet_store::{Applied, Change, Options, Store};
use signet_testkit::seed::Seeded;

use crate::{Failure, flows::Alg, population::Population, worker::SECRET};

/// So many are written at once.
const AT_ONCE: u64 = 1000;

/// Gives both applications as many accounts as the population says.
pub fn fill(options: &Options, population: &Population) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(options.clone(), population.user_since(0), &mut Seeded(3)).await?;
        for alg in [Alg::Rs256, Alg::Es256] {
            fill_application(&store, population, alg).await?;
        }
        store.close().await;
        Ok(())
    })
}

async fn fill_application(store: &Store, population: &Population, alg: Alg) -> Result<(), Failure> {
    let of = AppId::parse(alg.client_id()).ok_or("no such application")?;
    let book: Resource = read(json!({ "code": "book", "type": "API", "actions": ["read"] }))?;
    apply(store, vec![Change::Resources { of: Some(of), put: vec![book], removed: Vec::new() }]).await?;
    let count = population.size.accounts;
    for first in (0..count).step_by(usize::try_from(AT_ONCE)?) {
        let (mut changes, mut added) = (Vec::new(), Vec::new());
        for number in first..count.min(first + AT_ONCE) {
            let account = account(population, alg, of, number);
            added.push(rule(&account)?);
            changes.push(Change::InsertAccount(account));
        }
        changes.push(Change::Rules { of, added, removed: Vec::new() });
        apply(store, changes).await?;
    }
    Ok(())
}

fn account(population: &Population, alg: Alg, application: AppId, number: u64) -> Account {
    let at = population.user_since(0).timestamp();
    Account {
        id: Population::account(alg, number),
        pool: population.pool.id,
        application,
        secret: Secret::new(SECRET),
        previous: None,
        token_lifetime: TOKEN_LIFETIME,
        remarks: Some(format!("Machine {number}")),
        enabled: true,
        created_at: at,
        updated_at: at,
        version: 1,
    }
}

fn rule(about: &Account) -> Result<Rule, Failure> {
    read(json!({
        "subject": { "account": about.id },
        "effect": "allow",
        "resource": "book",
        "actions": ["read"],
    }))
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Failure> {
    Ok(serde_json::from_value(value)?)
}

/// Resources and rules are changed with the version of the pool's settings.
async fn apply(store: &Store, mut changes: Vec<Change>) -> Result<(), Failure> {
    let settings = store.pool_settings().await?;
    changes.push(Change::UpdatePool(PoolSettings::clone(&settings)));
    match store.apply(changes, Now::from_millis(0), &mut Seeded(4)).await? {
        Applied::Done => Ok(()),
        Applied::Changed => Err("somebody else changes the database".into()),
    }
}
