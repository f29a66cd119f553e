//! The settings of the pool.

use signet_protocol::{
    consent::Consent,
    mail::{MailSecurity, MailServer},
    password_policy::PasswordPolicy,
    pool::{CustomScope, PoolSettings},
    scope::Scope,
    sign_in::SignIn,
    throttle::Throttle,
    time::Seconds,
    user_field::{FieldType, UserField},
};
use signet_store::{Applied, Change};
use signet_testkit::seed::Seeded;

use super::{World, at, revocations::eventually, winners};
use crate::on_worlds;

on_worlds!(
    a_new_pool_adds_nothing,
    settings_come_back,
    settings_without_a_name_leave_it,
    an_update_is_seen_at_once,
    a_stale_update_changes_nothing,
    parallel_updates_of_one_version_have_one_winner,
    consent_to_what_means_nothing_any_more_is_forgotten,
    a_grant_of_any_scope_comes_back,
);

/// A field, a claim and a scope, made from the first version.
pub fn sample() -> PoolSettings {
    let scope = CustomScope {
        claims: vec!["desk".to_owned(), "email".to_owned()],
        description: Some("See where you sit".to_owned()),
        description_zh: None,
    };
    PoolSettings {
        extended_fields: [("desk".to_owned(), FieldType::Text)].into(),
        claims: [("desk".to_owned(), UserField::Extended("desk".to_owned()))].into(),
        scopes: [("work".to_owned(), scope)].into(),
        password_policy: PasswordPolicy { min_length: 12, ..PasswordPolicy::default() },
        sign_in: SignIn { session_lifetime: Seconds(3600), ..SignIn::default() },
        throttle: Throttle { name_failures: 20, ..Throttle::default() },
        mail: Some(MailServer::at("mail.example".to_owned(), MailSecurity::Tls)),
        name: "Notes".to_owned(),
        version: 1,
    }
}

/// Those of a pool that is new.
fn first() -> PoolSettings {
    PoolSettings { name: "Default pool".to_owned(), version: 1, ..PoolSettings::default() }
}

async fn a_new_pool_adds_nothing(world: World) {
    let settings = world.store.pool_settings().await.unwrap();
    assert_eq!(*settings, first());
}

async fn settings_come_back(world: World) {
    world.apply(Change::UpdatePool(sample())).await;
    for store in [&world.store, &world.again().await] {
        let expected = PoolSettings { version: 2, ..sample() };
        assert_eq!(*store.pool_settings().await.unwrap(), expected);
        assert_eq!(store.stored_pool_settings().await.unwrap(), expected);
    }
}

async fn settings_without_a_name_leave_it(world: World) {
    world.apply(Change::UpdatePool(sample())).await;
    world.apply(Change::UpdatePool(PoolSettings { version: 2, name: String::new(), ..sample() })).await;
    assert_eq!(world.store.stored_pool_settings().await.unwrap().name, "Notes");
}

async fn an_update_is_seen_at_once(world: World) {
    let (before, generation) = (world.store.pool_settings().await.unwrap(), world.store.generation());
    assert!(before.scopes.is_empty());
    world.apply(Change::UpdatePool(sample())).await;
    assert!(world.store.pool_settings().await.unwrap().scopes.contains_key("work"));
    assert!(world.store.generation() > generation, "what was rendered from it is stale");
}

async fn a_stale_update_changes_nothing(world: World) {
    world.apply(Change::UpdatePool(sample())).await;
    let plan = vec![
        Change::InsertUser(world.new_user("alice")),
        Change::UpdatePool(PoolSettings { version: 1, ..PoolSettings::default() }),
    ];
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Changed));
    assert_eq!(world.store.stored_pool_settings().await.unwrap(), PoolSettings { version: 2, ..sample() });
    assert!(world.store.users_by_keys(Some("alice"), None, None).await.unwrap().is_empty());
}

async fn parallel_updates_of_one_version_have_one_winner(world: World) {
    let won = winners(&world, |store, number| async move {
        let scopes = [(format!("s{number}"), CustomScope::default())].into();
        let change = Change::UpdatePool(PoolSettings { scopes, ..sample() });
        store.apply(vec![change], at(0), &mut Seeded(number as u64)).await == Ok(Applied::Done)
    })
    .await;
    assert_eq!(won, 1);
    assert_eq!(world.store.pool_settings().await.unwrap().version, 2);
}

fn consent(text: &str) -> Consent {
    Consent { scope: Scope::parse(text).unwrap(), ..Consent::default() }
}

async fn consent_to_what_means_nothing_any_more_is_forgotten(world: World) {
    world.apply(Change::UpdatePool(sample())).await;
    let (user, app) = (world.user("alice").await.id, world.new_application("notes").id);
    world.store.remember_consent(user, app, &consent("openid work"), at(0)).await.unwrap();
    assert_eq!(world.store.consent(user, app).await.unwrap(), Some(consent("openid work")));
    world.apply(Change::UpdatePool(PoolSettings { version: 2, ..PoolSettings::default() })).await;
    world.store.remember_consent(user, app, &consent("email"), at(1)).await.unwrap();
    assert_eq!(world.store.consent(user, app).await.unwrap(), Some(consent("openid email")));
}

/// More than one request may ask for, and values that mean nothing here.
async fn a_grant_of_any_scope_comes_back(world: World) {
    let user = world.user("alice").await;
    let session = world.session(&user).await;
    let many: Vec<String> = (0..300).map(|number| format!("book:{number}:read")).collect();
    let mut grant = world.new_grant(&session, world.new_application("notes").id, true);
    grant.scope = Scope::read(&format!("openid work {}", many.join(" "))).unwrap();
    let code = world.new_code(grant.clone());
    assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    assert_eq!(world.again().await.code(code.id).await.unwrap().unwrap().grant.scope, grant.scope);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_node_follows() {
    let world = World::postgres().await;
    let other = world.again().await;
    let generation = other.generation();
    assert!(other.pool_settings().await.unwrap().scopes.is_empty());
    world.apply(Change::UpdatePool(sample())).await;
    assert!(eventually(async || other.pool_settings().await.unwrap().scopes.contains_key("work")).await);
    assert!(other.generation() > generation);
}
