//! Who may use the console, their logins, and the link by which the first of them comes.

use std::collections::BTreeSet;

use signet_protocol::{
    id::ConsoleSessionId,
    opaque::Opaque,
    operator::{Administrator, ConsoleSession, Role},
    secret::SecretHash,
    user::User,
};
use signet_store::{Change, RoleChange, SignOut, StoreError};
use signet_testkit::seed::Seeded;

use super::{World, after, at, winners};
use crate::on_worlds;

on_worlds!(
    a_link_is_spent_once_and_only_while_nobody_owns_the_pool,
    a_link_is_spent_by_one_of_many,
    a_role_is_given_changed_and_taken,
    a_login_begins_for_who_has_a_role_and_the_password,
    a_login_ends_with_the_user,
);

fn link(text: &str) -> SecretHash {
    SecretHash::of("test", text.as_bytes())
}

pub fn administrator(user: &User, role: Role) -> Administrator {
    let applications = BTreeSet::new();
    Administrator { user: user.id, role, applications, created_at: after(0), version: 1 }
}

/// A login, with what its cookie holds.
pub fn session(world: &World, user: &User) -> (ConsoleSession, Opaque<ConsoleSessionId>) {
    let token = Opaque::generate(at(0), &mut Seeded(world.number()));
    let session = ConsoleSession {
        id: token.id,
        hash: token.hash(),
        user: user.id,
        auth_time: after(0),
        expires_at: after(3600),
        ended_at: None,
    };
    (session, token)
}

async fn a_link_is_spent_once_and_only_while_nobody_owns_the_pool(world: World) {
    let store = &world.store;
    assert_eq!(store.offer_setup(link("old"), after(60), at(0)).await, Ok(true));
    assert_eq!(store.offer_setup(link("new"), after(60), at(0)).await, Ok(true));
    assert_eq!(store.setup_is_offered(link("old"), at(0)).await, Ok(false));
    assert_eq!(store.setup_is_offered(link("new"), at(59)).await, Ok(true));
    assert_eq!(store.setup_is_offered(link("new"), at(60)).await, Ok(false));
    let alice = world.user("alice").await;
    let taken = world.new_user("alice");
    assert!(matches!(store.set_up(link("new"), &taken, at(0)).await, Err(StoreError::Conflict { .. })));
    let root = world.new_user("root");
    assert_eq!(store.set_up(link("old"), &root, at(0)).await, Ok(false));
    assert_eq!(store.set_up(link("new"), &root, at(60)).await, Ok(false));
    assert!(store.user(root.id).await.unwrap().is_none(), "nothing of it remains");
    assert_eq!(store.set_up(link("new"), &root, at(0)).await, Ok(true));
    assert_eq!(store.has_owner().await, Ok(true));
    assert_eq!(store.offer_setup(link("late"), after(60), at(0)).await, Ok(false));
    assert_eq!(store.set_up(link("new"), &world.new_user("other"), at(0)).await, Ok(false));
    assert!(store.administrator(alice.id).await.unwrap().is_none());
    assert_eq!(store.administrator(root.id).await.unwrap().unwrap().role, Role::Owner);
}

async fn a_link_is_spent_by_one_of_many(world: World) {
    assert_eq!(world.store.offer_setup(link("one"), after(60), at(0)).await, Ok(true));
    let users: Vec<User> = (0..64).map(|number| world.new_user(&format!("user{number}"))).collect();
    let users = std::sync::Arc::new(users);
    let won = winners(&world, |store, number| {
        let users = users.clone();
        async move { store.set_up(link("one"), &users[number], at(0)).await.unwrap() }
    });
    assert_eq!(won.await, 1);
    assert_eq!(world.store.administrators().await.unwrap().len(), 1);
}

async fn a_role_is_given_changed_and_taken(world: World) {
    let store = &world.store;
    let (owner, alice) = (world.user("owner").await, world.user("alice").await);
    let give = |user, role| RoleChange::Give(administrator(user, role));
    assert_eq!(
        store.change_role(&give(&alice, Role::Auditor), at(0)).await,
        Ok(false),
        "nobody would own it"
    );
    assert_eq!(store.change_role(&give(&owner, Role::Owner), at(0)).await, Ok(true));
    let application = world.told_application("notes").await;
    let manager = Administrator {
        applications: BTreeSet::from([application.id]),
        ..administrator(&alice, Role::ApplicationManager)
    };
    assert_eq!(store.change_role(&RoleChange::Give(manager.clone()), at(0)).await, Ok(true));
    assert!(matches!(
        store.change_role(&RoleChange::Give(manager.clone()), at(0)).await,
        Err(StoreError::Conflict { .. })
    ));
    assert_eq!(store.administrator(alice.id).await, Ok(Some(manager.clone())));
    let auditor = administrator(&alice, Role::Auditor);
    assert_eq!(store.change_role(&RoleChange::Change(auditor.clone()), at(0)).await, Ok(true));
    assert_eq!(
        store.change_role(&RoleChange::Change(auditor.clone()), at(0)).await,
        Ok(false),
        "it is older"
    );
    let stored = store.administrator(alice.id).await.unwrap().unwrap();
    assert_eq!((stored.role, stored.version), (Role::Auditor, 2));
    assert_eq!(store.change_role(&RoleChange::Take(auditor), at(0)).await, Ok(false));
    assert_eq!(store.change_role(&RoleChange::Take(stored), at(0)).await, Ok(true));
    assert_eq!(store.administrators().await.unwrap().len(), 1);
}

async fn a_login_begins_for_who_has_a_role_and_the_password(world: World) {
    let store = &world.store;
    let alice = world.user("alice").await;
    let (first, token) = session(&world, &alice);
    let begin = async |session: &ConsoleSession, replaces| {
        store.begin_console_session(session, alice.password.as_ref(), replaces, at(0)).await
    };
    assert_eq!(begin(&first, None).await, Ok(false), "she has no role");
    let owner = RoleChange::Give(administrator(&alice, Role::Owner));
    assert_eq!(store.change_role(&owner, at(0)).await, Ok(true));
    assert_eq!(begin(&first, None).await, Ok(true));
    let stored = store.console_session(first.id).await.unwrap().unwrap();
    assert!(stored.admits(&token.hash(), signet_protocol::time::Seconds(3600), after(1)));
    let (second, _) = session(&world, &alice);
    assert_eq!(begin(&second, Some(first.id)).await, Ok(true));
    assert!(store.console_session(first.id).await.unwrap().unwrap().ended_at.is_some());
    assert_eq!(store.end_console_session(second.id, at(2)).await, Ok(true));
    assert_eq!(store.end_console_session(second.id, at(3)).await, Ok(false));
    assert_eq!(store.console_session(second.id).await.unwrap().unwrap().ended_at, Some(after(2)));
    let other = signet_protocol::password::PasswordHash::parse(
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    )
    .unwrap();
    let (third, _) = session(&world, &alice);
    assert_eq!(store.begin_console_session(&third, Some(&other), None, at(0)).await, Ok(false));
    world.apply(Change::UpdateUser(User { blocked: true, ..alice.clone() })).await;
    assert_eq!(begin(&third, None).await, Ok(false), "she is blocked");
}

async fn a_login_ends_with_the_user(world: World) {
    let store = &world.store;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let mut logins = Vec::new();
    for user in [&alice, &bob] {
        let owner = RoleChange::Give(administrator(user, Role::Owner));
        assert_eq!(store.change_role(&owner, at(0)).await, Ok(true));
        let (login, _) = session(&world, user);
        assert_eq!(store.begin_console_session(&login, user.password.as_ref(), None, at(0)).await, Ok(true));
        logins.push(login.id);
    }
    assert_eq!(store.sign_out(SignOut::User(alice.id), at(1)).await, Ok(true));
    let ended = async |id| store.console_session(id).await.unwrap().unwrap().ended_at.is_some();
    assert!(ended(logins[0]).await && !ended(logins[1]).await);
    store.sweep(at(3600 + 3599)).await.unwrap();
    assert!(store.console_session(logins[1]).await.unwrap().is_some());
    store.sweep(at(3600 + 3600)).await.unwrap();
    assert!(store.console_session(logins[1]).await.unwrap().is_none());
}
