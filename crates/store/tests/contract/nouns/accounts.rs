//! Programmatic access accounts.

use signet_protocol::{
    account::{Account, TOKEN_LIFETIME},
    application::Application,
    id::AccountId,
    secret::Secret,
};
use signet_store::{Applied, Change, Store, StoreError};
use signet_testkit::seed::Seeded;

use super::{World, after, at, revocations::eventually, winners};
use crate::on_worlds;

on_worlds!(
    an_account_comes_back,
    a_change_is_seen_at_once,
    a_stale_change_changes_nothing,
    one_access_key_is_one_account,
    parallel_refreshes_have_one_winner,
    uses_are_written_in_a_batch,
    attack_25_a_secret_key_is_sealed_in_its_place,
    pages_meet_every_account_once,
);

pub fn new(world: &World, application: &Application) -> Account {
    let mut seed = world.seed.lock().unwrap();
    Account {
        id: AccountId::generate(at(0), &mut *seed),
        pool: world.store.pool().id,
        application: application.id,
        secret: Account::new_secret(&mut *seed),
        previous: Some((Secret::new("the-one-before"), after(60))),
        token_lifetime: TOKEN_LIFETIME,
        remarks: Some("The nightly job".to_owned()),
        enabled: true,
        created_at: after(0),
        updated_at: after(0),
        version: 1,
    }
}

async fn account(world: &World) -> Account {
    let account = new(world, &*world.application("notes").await);
    world.apply(Change::InsertAccount(account.clone())).await;
    account
}

async fn found(store: &Store, id: AccountId) -> Option<Account> {
    store.account(id).await.unwrap().map(|account| (*account).clone())
}

async fn an_account_comes_back(world: World) {
    let full = account(&world).await;
    let bare = Account {
        previous: None,
        remarks: None,
        enabled: false,
        ..new(&world, &*world.application("x").await)
    };
    world.apply(Change::InsertAccount(bare.clone())).await;
    for store in [&world.store, &world.again().await] {
        for account in [&full, &bare] {
            assert_eq!(found(store, account.id).await.as_ref(), Some(account));
            assert_eq!(store.accounts(account.application).await, Ok(vec![account.clone()]));
        }
        let owners = [&full, &bare].map(|account| (account.id, account.application));
        assert_eq!(store.account_owners().await, Ok(owners.into()));
        assert!(found(store, new(&world, &world.new_application("y")).id).await.is_none());
    }
}

async fn a_change_is_seen_at_once(world: World) {
    let account = account(&world).await;
    assert_eq!(found(&world.store, account.id).await, Some(account.clone()));
    let changed = Account { enabled: false, previous: None, ..account.clone() };
    world.apply(Change::UpdateAccount(changed.clone())).await;
    assert_eq!(found(&world.store, account.id).await, Some(Account { version: 2, ..changed.clone() }));
    let settings = Change::UpdatePool(world.store.stored_pool_settings().await.unwrap());
    let gone = vec![settings, Change::DeleteAccount(Account { version: 2, ..changed })];
    assert_eq!(world.try_apply(gone).await, Ok(Applied::Done));
    assert_eq!(found(&world.store, account.id).await, None);
}

async fn a_stale_change_changes_nothing(world: World) {
    let account = account(&world).await;
    let stale = Account { version: 2, enabled: false, ..account.clone() };
    let elsewhere = Account { application: world.new_application("other").id, ..account.clone() };
    let settings = || Change::UpdatePool(super::pool::sample());
    for plan in [
        vec![Change::UpdateAccount(stale.clone())],
        vec![Change::UpdateAccount(elsewhere)],
        vec![settings(), Change::DeleteAccount(stale)],
    ] {
        assert_eq!(world.try_apply(plan).await, Ok(Applied::Changed));
    }
    assert_eq!(found(&world.store, account.id).await, Some(account));
    assert_eq!(world.store.pool_settings().await.unwrap().version, 1);
}

async fn one_access_key_is_one_account(world: World) {
    let account = account(&world).await;
    let other = Account { application: world.application("other").await.id, ..account };
    let refused = world.try_apply(vec![Change::InsertAccount(other)]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

async fn parallel_refreshes_have_one_winner(world: World) {
    let account = account(&world).await;
    let id = account.id;
    let won = winners(&world, |store, number| {
        let mut account = account.clone();
        async move {
            account.refresh(Secret::new(format!("secret {number}")), None);
            let plan = vec![Change::UpdateAccount(account)];
            store.apply(plan, at(0), &mut Seeded(number as u64)).await == Ok(Applied::Done)
        }
    })
    .await;
    assert_eq!((won, found(&world.store, id).await.unwrap().version), (1, 2));
}

async fn uses_are_written_in_a_batch(world: World) {
    let account = account(&world).await;
    let application = account.application;
    let never = Account { application, ..new(&world, &world.new_application("x")) };
    world.apply(Change::InsertAccount(never)).await;
    let node = world.again().await;
    for seconds in [5, 9, 7] {
        node.note_account_use(account.id, after(seconds));
    }
    assert_eq!(world.store.account_uses(application).await, Ok([].into()), "nothing is written yet");
    node.close().await;
    assert_eq!(world.store.account_uses(application).await, Ok([(account.id, after(9))].into()));
    for (seconds, newest) in [(8, 9), (10, 10)] {
        world.store.note_account_use(account.id, after(seconds));
        assert_eq!(world.store.account_uses(application).await, Ok([(account.id, after(newest))].into()));
    }
    assert_eq!(
        world.again().await.account(account.id).await.unwrap().as_deref(),
        Some(&account),
        "its version stays"
    );
}

/// A sealed secret that is put in the place of another account's, or of the one before, opens nothing.
async fn attack_25_a_secret_key_is_sealed_in_its_place(world: World) {
    let Some(file) = world.file() else { return };
    let account = account(&world).await;
    let file = rusqlite::Connection::open(file).unwrap();
    let sealed: Vec<u8> = file.query_row("SELECT secret_sealed FROM account", [], |row| row.get(0)).unwrap();
    let secret = account.secret.expose();
    assert!(!sealed.windows(secret.len()).any(|part| part == secret));
    file.execute("UPDATE account SET secret_sealed = previous_sealed", []).unwrap();
    let refused = world.again().await.account(account.id).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_09_another_node_sees_that_an_account_was_disabled() {
    let world = World::postgres().await;
    let other = world.again().await;
    let account = account(&world).await;
    assert!(
        eventually(async || found(&other, account.id).await.is_some_and(|account| account.enabled)).await
    );
    world.apply(Change::UpdateAccount(Account { enabled: false, ..account.clone() })).await;
    assert!(
        eventually(async || found(&other, account.id).await.is_some_and(|account| !account.enabled)).await
    );
    let application = world.application("x").await;
    let many = (0..101).map(|_| Change::InsertAccount(new(&world, &application)));
    let off = Account { remarks: None, version: 2, ..account.clone() };
    let plan = many.chain([Change::UpdateAccount(off)]).collect();
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Done));
    assert!(
        eventually(async || found(&other, account.id).await.is_some_and(|account| account.remarks.is_none()))
            .await
    );
}

async fn pages_meet_every_account_once(world: World) {
    let (application, other) = (world.application("notes").await, world.application("other").await);
    for application in [&application, &application, &application, &other] {
        world.apply(Change::InsertAccount(new(&world, application))).await;
    }
    let store = &world.store;
    let all = store.accounts(application.id).await.unwrap();
    store.note_account_use(all[1].id, after(7));
    let (mut met, mut behind) = (Vec::new(), None);
    for _ in 0..3 {
        let page = store.account_page(application.id, behind, 1).await.unwrap();
        behind = page.last().map(|(account, _)| account.id);
        met.extend(page);
    }
    let seen: Vec<_> = met.iter().map(|(account, used)| (account.id, *used)).collect();
    assert_eq!(seen, [(all[0].id, None), (all[1].id, Some(after(7))), (all[2].id, None)]);
    assert_eq!(met[2].0, all[2]);
    assert!(store.account_page(application.id, behind, 9).await.unwrap().is_empty());
    assert_eq!(store.count_accounts(application.id).await.unwrap(), 3);
}
