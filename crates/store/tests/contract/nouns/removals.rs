//! What goes with an application or a user.

use signet_protocol::{
    account::Account,
    application::Application,
    consent::Consent,
    grant::Grant,
    id::{AccountId, AppId},
    issuer::IssuerId,
    jose::KeyAlg,
    scope::Scope,
    session::Session,
    user::User,
};
use signet_store::{Applied, Change, GrantCount, Store, StoreError};
use signet_testkit::seed::Seeded;

use super::{World, accounts, at, permissions, revocations::eventually, winners};
use crate::on_worlds;

on_worlds!(
    an_application_goes_with_all_that_is_its_own,
    a_user_goes_with_all_that_is_theirs,
    nothing_is_deleted_that_was_changed_since,
    an_application_goes_only_with_the_version_of_the_pool,
    parallel_deletions_have_one_winner,
    nothing_of_an_application_that_goes_is_left_behind,
    however_much_there_is_all_of_it_goes,
    grants_are_counted_up_to_a_number,
    users_come_in_pages,
);

/// A plan with the version of the pool.
async fn try_with_pool(world: &World, change: Change) -> Result<Applied, StoreError> {
    let settings = world.store.stored_pool_settings().await.unwrap();
    world.try_apply(vec![Change::UpdatePool(settings), change]).await
}

async fn with_pool(world: &World, change: Change) {
    assert_eq!(try_with_pool(world, change).await, Ok(Applied::Done));
}

async fn given(world: &World, session: &Session, application: AppId, offline: bool) -> Grant {
    let code = world.new_code(world.new_grant(session, application, offline));
    assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    code.grant
}

async fn allow(world: &World, user: &User, application: AppId) {
    let allowed = Consent { scope: Scope::parse("openid profile").unwrap(), claims: [].into() };
    world.store.remember_consent(user.id, application, &allowed, at(0)).await.unwrap();
}

/// Makes a key of the application's own issuer.
async fn key(world: &World, application: &Application) {
    let issuer = IssuerId::Application(application.id);
    world.store.signing_key(issuer, KeyAlg::Es256, at(0), &mut Seeded(world.number())).await.unwrap();
}

async fn account_of(world: &World, application: &Application) -> Account {
    let account = accounts::new(world, application);
    world.apply(Change::InsertAccount(account.clone())).await;
    account
}

async fn an_application_goes_with_all_that_is_its_own(world: World) {
    let (gone, stays) = (world.told_application("gone").await, world.told_application("stays").await);
    let user = world.user("alice").await;
    let session = world.session(&user).await;
    let mut of = Vec::new();
    for application in [&gone, &stays] {
        let account = account_of(&world, application).await;
        with_pool(&world, permissions::put(Some(application.id), &["book"])).await;
        let added = vec![permissions::rule(&account)];
        with_pool(&world, Change::Rules { of: application.id, added, removed: vec![] }).await;
        allow(&world, &user, application.id).await;
        key(&world, application).await;
        of.push((given(&world, &session, application.id, true).await, account));
    }
    // Both are in memory.
    for (_, account) in &of {
        assert!(world.store.account(account.id).await.unwrap().is_some());
        assert_eq!(permissions::granted(&world.store, account, "book").await, "book");
    }
    world.store.sign_out(signet_store::SignOut::Session(session.id), at(1)).await.unwrap();

    with_pool(&world, Change::DeleteApplication((*gone).clone())).await;
    for store in [&world.store, &world.again().await] {
        for (application, left, (grant, account)) in [(&gone, 0, &of[0]), (&stays, 1, &of[1])] {
            let id = application.id;
            let found = store.application(id).await.unwrap();
            let named = store.application_by_identifier(&application.identifier).await.unwrap();
            assert_eq!((found.is_some(), named.is_some()), (left == 1, left == 1));
            assert_eq!(store.account(account.id).await.unwrap().is_some(), left == 1);
            assert_eq!(store.accounts(id).await.unwrap().len(), left);
            assert_eq!(store.stored_resources(Some(id)).await.unwrap().len(), left);
            assert_eq!(store.stored_rules(id).await.unwrap().len(), left);
            let granted = if left == 1 { "book" } else { "" };
            assert_eq!(permissions::granted(store, account, "book").await, granted);
            assert_eq!(store.consent(user.id, id).await.unwrap().is_some(), left == 1);
            assert_eq!(store.is_revoked(Some(grant.id), "any"), left == 0);
            assert_eq!(store.due_notices(id, 9, at(2)).await.unwrap().len(), left);
            let keys = store.published_keys(IssuerId::Application(id)).await.unwrap();
            assert_eq!(keys.len(), left);
            assert_eq!(store.origin_registered(application.origins()[0]).await, Ok(left == 1));
        }
    }
    // One of the same id begins with nothing.
    world.apply(Change::InsertApplication((*gone).clone())).await;
    assert_eq!(world.store.consent(user.id, gone.id).await, Ok(None));
    assert!(world.is_revoked(of[0].0.id).await);
}

async fn a_user_goes_with_all_that_is_theirs(world: World) {
    let told = world.told_application("notes").await;
    let (gone, stays) = (world.user("gone").await, world.user("stays").await);
    let mut of = Vec::new();
    for user in [&gone, &stays] {
        allow(&world, user, told.id).await;
        let session = world.session(user).await;
        let grants =
            [given(&world, &session, told.id, false).await, given(&world, &session, told.id, true).await];
        assert!(world.store.user(user.id).await.unwrap().is_some());
        of.push((session, grants));
    }
    world.apply(Change::DeleteUser(gone.clone())).await;
    for store in [&world.store, &world.again().await] {
        for (user, left, (session, grants)) in [(&gone, false, &of[0]), (&stays, true, &of[1])] {
            assert_eq!(store.user(user.id).await.unwrap().is_some(), left);
            let named = store.users_by_keys(user.username.as_deref(), None, None).await.unwrap();
            assert_eq!(named.len(), usize::from(left));
            assert_eq!(store.consent(user.id, told.id).await.unwrap().is_some(), left);
            assert_eq!(store.session(session.id).await.unwrap().is_some(), left);
            for grant in grants {
                assert_eq!(store.is_revoked(Some(grant.id), "any"), !left);
                assert_eq!(store.session_of_grant(grant.id).await.unwrap().is_some(), left);
            }
        }
    }
    let notices = world.store.due_notices(told.id, 9, at(1)).await.unwrap();
    let whose: Vec<_> = notices.iter().map(|notice| notice.user).collect();
    assert_eq!(whose, [gone.id], "their application is told once");
    // The name is free.
    world.user("gone").await;
}

async fn nothing_is_deleted_that_was_changed_since(world: World) {
    let (application, user) = (world.application("notes").await, world.user("alice").await);
    let session = world.session(&user).await;
    allow(&world, &user, application.id).await;
    let grant = given(&world, &session, application.id, true).await;
    let stale = Application { version: 2, ..(*application).clone() };
    assert_eq!(try_with_pool(&world, Change::DeleteApplication(stale)).await, Ok(Applied::Changed));
    let stale = Change::DeleteUser(User { version: 2, ..user.clone() });
    assert_eq!(world.try_apply(vec![stale]).await, Ok(Applied::Changed));
    assert!(world.store.application(application.id).await.unwrap().is_some());
    assert!(world.store.user(user.id).await.unwrap().is_some());
    assert!(world.store.consent(user.id, application.id).await.unwrap().is_some());
    assert!(world.store.session(session.id).await.unwrap().unwrap().ended_at.is_none());
    assert!(!world.is_revoked(grant.id).await);
}

async fn an_application_goes_only_with_the_version_of_the_pool(world: World) {
    let application = world.application("notes").await;
    let plan = vec![Change::DeleteApplication((*application).clone())];
    assert!(matches!(world.try_apply(plan).await, Err(StoreError::Internal(_))));
    assert!(world.again().await.application(application.id).await.unwrap().is_some());
}

async fn parallel_deletions_have_one_winner(world: World) {
    let (application, user) = (world.application("notes").await, world.user("alice").await);
    let settings = world.store.stored_pool_settings().await.unwrap();
    let won = winners(&world, |store, number| {
        let plan = vec![
            Change::UpdatePool(settings.clone()),
            Change::DeleteApplication((*application).clone()),
            Change::DeleteUser(user.clone()),
        ];
        async move { store.apply(plan, at(0), &mut Seeded(number as u64)).await == Ok(Applied::Done) }
    })
    .await;
    assert_eq!(won, 1);
}

/// Whoever makes accounts for an application while it goes: none of them is left.
async fn nothing_of_an_application_that_goes_is_left_behind(world: World) {
    let application = world.application("notes").await;
    let settings = world.store.stored_pool_settings().await.unwrap();
    let ids: Vec<Account> = (0..64).map(|_| accounts::new(&world, &application)).collect();
    let made = winners(&world, |store, number| {
        let plan = match number {
            32 => {
                vec![Change::UpdatePool(settings.clone()), Change::DeleteApplication((*application).clone())]
            }
            _ => vec![Change::InsertAccount(ids[number].clone())],
        };
        async move { store.apply(plan, at(0), &mut Seeded(number as u64)).await == Ok(Applied::Done) }
    })
    .await;
    assert!(made >= 1, "the application went");
    assert_eq!(world.store.application(application.id).await.unwrap().map(|app| app.id), None);
    assert_eq!(world.store.account_owners().await.unwrap().len(), 0, "{made} were made");
}

async fn however_much_there_is_all_of_it_goes(world: World) {
    let (application, user) = (world.application("notes").await, world.user("alice").await);
    let mut grants = Vec::new();
    for _ in 0..3 {
        let session = world.session(&user).await;
        for _ in 0..201 {
            grants.push(given(&world, &session, application.id, true).await);
        }
    }
    let other = world.user("bob").await;
    for number in 0..600 {
        let somebody = world.new_user(&format!("user{number}"));
        allow(&world, &somebody, application.id).await;
    }
    allow(&world, &other, application.id).await;
    world.apply(Change::DeleteUser(user.clone())).await;
    let again = world.again().await;
    for grant in &grants {
        assert!(again.is_revoked(Some(grant.id), "any") && world.store.is_revoked(Some(grant.id), "any"));
        assert_eq!(again.session_of_grant(grant.id).await, Ok(None));
    }
    with_pool(&world, Change::DeleteApplication((*application).clone())).await;
    assert_eq!(world.store.consent(other.id, application.id).await, Ok(None));
}

async fn grants_are_counted_up_to_a_number(world: World) {
    let (application, user) = (world.application("notes").await, world.user("alice").await);
    let session = world.session(&user).await;
    let counts = async || {
        let of_application = world.store.grants_of_application(application.id).await.unwrap();
        assert_eq!(world.store.grants_of_user(user.id).await, Ok(of_application));
        of_application
    };
    assert_eq!(counts().await, GrantCount::Exactly(0));
    let first = given(&world, &session, application.id, true).await;
    given(&world, &session, application.id, true).await;
    assert_eq!(counts().await, GrantCount::Exactly(2));
    world.store.revoke_grant(first.id, at(1)).await.unwrap();
    assert_eq!(counts().await, GrantCount::Exactly(1));
    for _ in 0..1000 {
        given(&world, &session, application.id, true).await;
    }
    assert_eq!(counts().await, GrantCount::MoreThan(1000));
}

async fn users_come_in_pages(world: World) {
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(world.user(&format!("user{number}")).await.id);
    }
    all.sort();
    let mut seen = Vec::new();
    loop {
        let page = world.store.users_after(seen.last().copied(), 3).await.unwrap();
        assert_eq!(page.len(), 3.min(7 - seen.len()));
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|user| user.id));
    }
    assert_eq!(seen, all);
}

async fn has_account(store: &Store, id: AccountId) -> bool {
    store.account(id).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_09_another_node_sees_that_an_application_and_a_user_are_gone() {
    let world = World::postgres().await;
    let other = world.again().await;
    let (application, user) = (world.application("notes").await, world.user("alice").await);
    let account = account_of(&world, &application).await;
    let grant = given(&world, &world.session(&user).await, application.id, true).await;
    assert!(eventually(async || has_account(&other, account.id).await).await);
    assert!(other.user(user.id).await.unwrap().is_some());
    assert!(other.application(application.id).await.unwrap().is_some());
    with_pool(&world, Change::DeleteApplication((*application).clone())).await;
    world.apply(Change::DeleteUser(user.clone())).await;
    assert!(
        eventually(async || {
            !has_account(&other, account.id).await
                && other.application(application.id).await.unwrap().is_none()
                && other.user(user.id).await.unwrap().is_none()
                && other.is_revoked(Some(grant.id), "any")
        })
        .await
    );
}
