use serde_json::json;
use signet_protocol::{
    consent::Consent,
    password::PasswordHash,
    scope::Scope,
    user::{LoginName, User},
};
use signet_store::{Applied, Change, StoreError};

use super::{World, after, at, until};
use crate::on_worlds;

const HASH: &str = "$argon2id$v=19$m=16,t=2,p=1$c2FsdHNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";

on_worlds!(
    a_user_comes_back,
    each_key_finds_them,
    each_key_is_unique,
    a_hash_is_replaced_only_while_it_is_the_one_that_was_verified,
    a_stale_update_changes_nothing,
    attack_09_a_blocked_user_loses_sessions_and_grants,
    a_blocked_user_begins_no_session,
    attack_27_a_new_password_ends_sessions_and_grants,
    consent_is_remembered,
    consents_given_at_once_are_all_remembered,
);

fn full(world: &World) -> User {
    let mut user = world.new_user("alice");
    user.email = Some("Alice@Example.com".to_owned());
    user.phone = Some("+8613800138000".to_owned());
    user.password = Some(PasswordHash::parse(HASH).unwrap());
    user.details.roles = vec!["admin".to_owned()];
    user.details.profile.nickname = Some("爱丽丝".to_owned());
    user.details.extended_fields.insert("level".to_owned(), json!({"a": [1, null]}));
    user
}

async fn a_user_comes_back(world: World) {
    let new = full(&world);
    world.apply(Change::InsertUser(new.clone())).await;
    for store in [&world.store, &world.again().await] {
        let found = store.user(new.id).await.unwrap().unwrap();
        assert_eq!(found.pool, new.pool);
        assert_eq!(found.username, new.username);
        assert_eq!(found.email, new.email);
        assert_eq!(found.phone, new.phone);
        assert_eq!(found.password.as_ref().map(PasswordHash::as_str), Some(HASH));
        assert!(!found.blocked);
        assert_eq!(found.details, new.details);
        assert_eq!(found.updated_at, after(0));
        assert_eq!(found.version, 1);
    }
}

async fn each_key_finds_them(world: World) {
    let new = full(&world);
    world.apply(Change::InsertUser(new.clone())).await;
    world.user("bob").await;
    for typed in ["alice", "ALICE@example.COM", "+86 138 0013 8000"] {
        let name = LoginName::parse(typed).unwrap();
        let found = world.store.user_by_login(&name).await.unwrap();
        assert_eq!(found.map(|user| user.id), Some(new.id), "{typed}");
    }
    for typed in ["Alice", "alice@example.org", "+8613800138001"] {
        let name = LoginName::parse(typed).unwrap();
        assert!(world.store.user_by_login(&name).await.unwrap().is_none(), "{typed}");
    }
    let both = world.store.users_by_keys(Some("bob"), Some("alice@example.com"), None).await.unwrap();
    assert_eq!(both.len(), 2);
    assert!(world.store.users_by_keys(None, None, None).await.unwrap().is_empty());
}

async fn each_key_is_unique(world: World) {
    world.apply(Change::InsertUser(full(&world))).await;
    let with = |change: fn(&mut User)| {
        let mut user = world.new_user("other");
        change(&mut user);
        world.try_apply(vec![Change::InsertUser(user)])
    };
    let taken = |name: &str| Err(StoreError::Conflict { constraint: name.to_owned() });
    assert_eq!(with(|user| user.username = Some("alice".to_owned())).await, taken("user_username"));
    assert_eq!(with(|user| user.email = Some("ALICE@example.com".to_owned())).await, taken("user_email"));
    assert_eq!(with(|user| user.phone = Some("+8613800138000".to_owned())).await, taken("user_phone"));
    assert_eq!(with(|_| {}).await, Ok(Applied::Done));
}

async fn a_hash_is_replaced_only_while_it_is_the_one_that_was_verified(world: World) {
    let other = PasswordHash::parse(&HASH.replace("t=2", "t=3")).unwrap();
    let hash = PasswordHash::parse(HASH).unwrap();
    let mut new = world.new_user("alice");
    new.password = Some(hash.clone());
    assert_eq!(world.try_apply(vec![Change::InsertUser(new.clone())]).await, Ok(Applied::Done));
    let user = world.store.user(new.id).await.unwrap().unwrap();
    assert_eq!(world.store.rehash_password(&user, &other, at(0)).await, Ok(true));
    let found = world.store.user(user.id).await.unwrap().unwrap();
    assert_eq!(found.password.as_ref().map(PasswordHash::as_str), Some(other.as_str()));
    assert_eq!(found.details.imported, Some(hash.fingerprint()));
    assert_eq!(world.store.rehash_password(&user, &hash, at(0)).await, Ok(false), "it was changed meanwhile");
    // Whoever read the user before would put the old password back.
    assert_eq!(world.try_apply(vec![Change::UpdateUser(User::clone(&user))]).await, Ok(Applied::Changed));
}

async fn a_stale_update_changes_nothing(world: World) {
    let user = world.user("alice").await;
    world.apply(Change::UpdateUser(User { email: Some("a@example.com".to_owned()), ..user.clone() })).await;
    let stale = Change::UpdateUser(User { email: None, ..user.clone() });
    assert_eq!(world.try_apply(vec![stale]).await, Ok(Applied::Changed));
    let found = world.store.user(user.id).await.unwrap().unwrap();
    assert_eq!((found.email.as_deref(), found.version), (Some("a@example.com"), 2));
}

async fn attack_09_a_blocked_user_loses_sessions_and_grants(world: World) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let mut grants = Vec::new();
    for user in [&alice, &bob] {
        let session = world.session(user).await;
        let code = world.new_code(world.new_grant(&session, world.new_application("notes").id, true));
        assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
        grants.push((session.id, code));
    }
    world.apply(Change::UpdateUser(User { blocked: true, ..alice })).await;
    for ((session, code), gone) in grants.iter().zip([true, false]) {
        let ended = world.store.session(*session).await.unwrap().unwrap().ended_at;
        assert_eq!(ended.is_some(), gone);
        assert_eq!(world.is_revoked(code.grant.id).await, gone);
        assert_eq!(world.store.redeem_code(code.id, code.grant.id, None, until(1), at(1)).await, Ok(!gone));
    }
}

async fn attack_27_a_new_password_ends_sessions_and_grants(world: World) {
    let hash = |text: &str| Some(PasswordHash::parse(text).unwrap());
    let (first, second, third) = (HASH.to_owned(), HASH.replace("t=2", "t=3"), HASH.replace("t=2", "t=4"));
    let mut new = world.new_user("alice");
    new.password = hash(&first);
    world.apply(Change::InsertUser(new.clone())).await;
    let session = world.session(&new).await;
    let code = world.new_code(world.new_grant(&session, world.new_application("notes").id, true));
    assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    let alive = async || {
        let ended = world.store.session(session.id).await.unwrap().unwrap().ended_at;
        assert_eq!(ended.is_some(), world.is_revoked(code.grant.id).await);
        ended.is_none()
    };
    let changed = async |change: &dyn Fn(&mut User)| {
        let mut user = User::clone(&world.store.user(new.id).await.unwrap().unwrap());
        change(&mut user);
        world.apply(Change::UpdateUser(user)).await;
    };
    changed(&|user| user.details.roles = vec!["admin".to_owned()]).await;
    assert!(alive().await, "the password is the same");
    let stored = world.store.user(new.id).await.unwrap().unwrap();
    assert_eq!(world.store.rehash_password(&stored, &hash(&second).unwrap(), at(0)).await, Ok(true));
    assert!(alive().await, "it is the same password, hashed anew");
    changed(&|user| user.password = hash(&third)).await;
    assert!(!alive().await);
    assert_eq!(world.store.redeem_code(code.id, code.grant.id, None, until(1), at(1)).await, Ok(false));
}

async fn a_blocked_user_begins_no_session(world: World) {
    let user = world.user("alice").await;
    let session = world.new_session(&user);
    world.apply(Change::UpdateUser(User { blocked: true, ..user })).await;
    assert_eq!(world.store.begin_session(&session, None, None, at(0)).await, Ok(false));
    assert!(world.store.session(session.id).await.unwrap().is_none());
}

/// Scopes, and the claims behind them.
fn consent(scopes: &str, claims: &[&str]) -> Consent {
    let claims = claims.iter().map(|name| (*name).to_owned()).collect();
    Consent { scope: Scope::parse(scopes).unwrap(), claims }
}

async fn consent_is_remembered(world: World) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let application = world.new_application("notes").id;
    assert_eq!(world.store.consent(alice.id, application).await, Ok(None));
    for allowed in [consent("openid", &[]), consent("openid email", &["name", "a \"b\""])] {
        world.store.remember_consent(alice.id, application, &allowed, at(0)).await.unwrap();
        assert_eq!(world.again().await.consent(alice.id, application).await, Ok(Some(allowed)));
    }
    let email = consent("email", &["gender"]);
    world.store.remember_consent(alice.id, application, &email, at(1)).await.unwrap();
    let all = consent("openid email", &["gender", "name", "a \"b\""]);
    assert_eq!(world.store.consent(alice.id, application).await, Ok(Some(all)), "what was before stays");
    assert_eq!(world.store.consent(bob.id, application).await, Ok(None));
}

async fn consents_given_at_once_are_all_remembered(world: World) {
    let (alice, application) = (world.user("alice").await.id, world.new_application("notes").id);
    let values = ["openid", "profile", "email", "phone", "address", "roles"];
    let allowed =
        |number: usize| consent(if number < 3 { values[number] } else { "" }, &values[number..=number]);
    crate::parallel(values.len(), |number| {
        let (store, allowed) = (world.store.clone(), allowed(number));
        async move { store.remember_consent(alice, application, &allowed, at(0)).await.unwrap() }
    })
    .await;
    let stored = world.store.consent(alice, application).await.unwrap().unwrap();
    assert!((0..values.len()).all(|number| stored.covers(&allowed(number))), "{stored:?}");
}
