//! Undoing what was done to users and accounts, as far as it can be undone, and what is said before.

use std::sync::Arc;

use http::StatusCode;
use signet_protocol::{
    id::UserId,
    operator::Role,
    time::Seconds,
    user::{LoginName, User},
};
use signet_store::{
    About, Revision, Turn,
    audit::{Named, Origin},
};
use signet_web::manage::{
    accounts::{self, AccountEdit, NewAccount, Which},
    edit::Edit,
    export::{Form, Secrets, user as exported, whole},
    history::{self, UndoError, undo},
    users::{edit, fields::Fields},
};

use crate::{
    console::operator,
    console_history::{by, newest, undone},
    machine::Machine,
    support::{BASE, Browser, World, on_both_engines},
};

on_both_engines!(
    every_change_of_a_user_is_undone_but_for_passwords,
    what_is_done_to_accounts_is_undone_with_their_rules,
    users_are_listed_by_whom_they_are_about,
);

async fn stored(world: &World, id: UserId) -> Option<User> {
    world.signet().store().person(id).await.unwrap().map(|listed| listed.user)
}

/// All of a user but the password, by which nothing is found again.
async fn text(world: &World, id: UserId) -> Option<String> {
    exported(&world.signet(), id, Secrets::LeftOut, Form::Whole).await.unwrap()
}

async fn back(world: &World, id: signet_protocol::id::RevisionId) -> Result<(), UndoError> {
    undo(&world.signet(), id, &by(), |_, _| true).await.map(drop)
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().fold(Fields::default(), |fields, (name, value)| fields.with(name, *value))
}

async fn every_change_of_a_user_is_undone_but_for_passwords(world: Arc<World>) {
    let user = world.user("alice", |user| user.details.roles = vec!["editor".to_owned()]).await;
    let id = user.id;
    let changes: Vec<Fields> = vec![
        fields(&[("name", "Alice <b>"), ("email", "other@example.com"), ("birthdate", "2000-01-02")]),
        Fields::default().with("blocked", true),
        Fields::default().with("roles", serde_json::json!([])).with("groups", serde_json::json!(["staff"])),
        Fields::default().with("address", serde_json::json!({ "country": "中国" })),
        Fields::default().with("extended_fields", serde_json::json!({ "a": { "b": [1, "x = [", null] } })),
        fields(&[("username", "renamed"), ("phone", "+8613800000000")]),
    ];
    for change in changes {
        let before = text(&world, id).await;
        let Ok(changed) = edit::edit(&world.signet(), id, None, &change, &by()).await else { continue };
        assert_ne!(text(&world, id).await, before);
        let revision = newest(&world).await;
        assert_eq!(revision.reason.as_deref(), Some("a reason"));
        assert!(revision.title.starts_with("user ") && !revision.lines.is_empty(), "{revision:?}");
        back(&world, revision.id).await.unwrap_or_else(|error| panic!("{error:?}: {revision:?}"));
        assert_eq!(text(&world, id).await, before, "{revision:?}");
        let undoing = newest(&world).await;
        assert_eq!(undoing.undoes, Some(revision.id));
        back(&world, undoing.id).await.unwrap();
        back(&world, revision.id).await.unwrap();
        assert_eq!(text(&world, id).await, before);
        assert!(stored(&world, id).await.unwrap().version > changed.version);
    }
    // A password is not brought back, and what was changed with it is.
    let both = fields(&[("password", "another long password"), ("nickname", "Al")]);
    let changed = edit::edit(&world.signet(), id, None, &both, &by()).await.unwrap();
    let revision = newest(&world).await;
    let hash = changed.password.as_ref().unwrap().as_str();
    assert!(!format!("{revision:?}").contains(hash), "{revision:?}");
    back(&world, revision.id).await.unwrap();
    let now = stored(&world, id).await.unwrap();
    assert_eq!((now.details.profile.nickname, now.password), (None, changed.password.clone()));
    let alone = fields(&[("password", "a third long password")]);
    edit::edit(&world.signet(), id, None, &alone, &by()).await.unwrap();
    let refused = back(&world, newest(&world).await.id).await;
    assert!(matches!(refused, Err(UndoError::NotKept)), "{refused:?}");
    // Who is made goes again, unless they were changed since; who was removed comes back without a password.
    let made = fields(&[("username", "bob"), ("password", "a very long password")]);
    let bob = edit::create(&world.signet(), &made, &by()).await.unwrap();
    let creation = newest(&world).await;
    assert!(!format!("{creation:?}").contains(bob.password.as_ref().unwrap().as_str()));
    edit::edit(&world.signet(), bob.id, None, &fields(&[("nickname", "B")]), &by()).await.unwrap();
    let refused = back(&world, creation.id).await;
    assert!(matches!(refused, Err(UndoError::Conflict(_))), "{refused:?}");
    back(&world, newest(&world).await.id).await.unwrap();
    back(&world, creation.id).await.unwrap();
    assert!(stored(&world, bob.id).await.is_none());
    let before = text(&world, id).await;
    let version = stored(&world, id).await.unwrap().version;
    let removal = Edit::user(id, version).set("remove", &true.into());
    removal.save(&world.signet(), &by()).await.unwrap();
    assert!(stored(&world, id).await.is_none());
    back(&world, newest(&world).await.id).await.unwrap();
    assert_eq!(text(&world, id).await, before);
    assert_eq!(stored(&world, id).await.unwrap().password, None);
    // A name that was taken meanwhile stays whose it is.
    let version = stored(&world, id).await.unwrap().version;
    Edit::user(id, version).set("remove", &true.into()).save(&world.signet(), &by()).await.unwrap();
    let gone = newest(&world).await.id;
    world.user("alice", |_| {}).await;
    let refused = back(&world, gone).await;
    assert!(matches!(refused, Err(UndoError::Plan(_))), "{refused:?}");
}

async fn what_is_done_to_accounts_is_undone_with_their_rules(world: Arc<World>) {
    let machine = Machine::new(&world, "library", |_| {}).await;
    machine.resources(&[("book", &["read"], None)]).await;
    machine.rule(serde_json::json!({ "resource": "book", "actions": ["read"] })).await;
    let signet = world.signet();
    let export = async || whole(&world.signet(), Secrets::Sealed).await.unwrap();
    let which = Which { id: machine.account, version: None };
    let about = AccountEdit {
        token_lifetime: Some(Seconds(90)),
        remarks: Some(Some("Nightly".to_owned())),
        enabled: None,
    };
    let disabled = AccountEdit { enabled: Some(false), ..AccountEdit::default() };
    for change in [about, disabled] {
        let before = export().await;
        accounts::edit(&signet, which, change, &by()).await.unwrap();
        let after = export().await;
        assert_ne!(after, before);
        let revision = newest(&world).await;
        assert_eq!(revision.title, format!("account {} of library", machine.account));
        back(&world, revision.id).await.unwrap();
        assert_eq!(export().await, before);
        back(&world, newest(&world).await.id).await.unwrap();
        assert_eq!(export().await, after);
        back(&world, revision.id).await.unwrap();
    }
    let before = export().await;
    let made = accounts::create(&signet, "library", NewAccount::default(), &by()).await.unwrap();
    let creation = newest(&world).await;
    let kept = format!("{creation:?}");
    assert!(!kept.contains(&made.secret_key()), "secrets are sealed");
    back(&world, creation.id).await.unwrap();
    assert_eq!(export().await, before);
    // The key that was replaced does not come back.
    accounts::refresh(&signet, which, Seconds(0), &by()).await.unwrap();
    let refused = back(&world, newest(&world).await.id).await;
    assert!(matches!(refused, Err(UndoError::NotKept)), "{refused:?}");
    let before = export().await;
    let gone = accounts::delete(&signet, which, &by()).await.unwrap();
    assert_eq!(gone.rules, 1);
    let removal = newest(&world).await;
    let (stored, plan) = history::preview(&signet, removal.id, |_, _| true).await.unwrap();
    assert_eq!(history::lost(&stored, &plan), [history::Lost::OfAccount]);
    back(&world, removal.id).await.unwrap();
    assert_eq!(export().await, before, "with its rule and the SecretKey it had");
}

async fn users_are_listed_by_whom_they_are_about(world: Arc<World>) {
    let (alice, bob) = (world.user("alice", |_| {}).await, world.user("bob", |_| {}).await);
    for (number, id) in [alice.id, bob.id, alice.id].into_iter().enumerate() {
        let name = format!("Name {number}");
        edit::edit(&world.signet(), id, None, &fields(&[("name", &name)]), &by()).await.unwrap();
    }
    let list = async |about| {
        let found = history::list(&world.signet(), about, Turn::First, 9).await.unwrap().rows;
        found.iter().map(|one: &Revision| one.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(About::User(alice.id)).await, ["user alice", "user alice"]);
    assert_eq!(list(About::User(bob.id)).await, ["user bob"]);
    assert_eq!(list(About::Everything).await, ["user alice", "user bob", "user alice"]);
    world.advance(31 * 86_400);
    world.signet().store().sweep(world.clock_now()).await.unwrap();
    assert!(list(About::Everything).await.is_empty(), "after a month nothing is kept here");
}

async fn open(browser: &mut Browser, path: &str) -> crate::support::Answer {
    browser.open(&format!("{BASE}{path}")).await
}

#[tokio::test]
async fn a_change_of_a_user_is_undone_by_mouse_and_a_deletion_says_what_is_lost() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let alice = world.user("alice", |_| {}).await;
    let home = format!("/console/users/{}", alice.id);
    let page = open(&mut browser, &format!("{home}/sign-in")).await;
    let review = browser.submit(&page, &[], "block").await;
    let done = browser.submit(&review, &[("reason", "a stolen telephone")], "confirm").await;
    assert!(done.body.contains("Saved."), "{}", done.body);
    assert!(stored(&world, alice.id).await.unwrap().blocked);
    let page = open(&mut browser, &format!("{home}/history")).await;
    assert!(page.body.contains("a stolen telephone") && page.body.contains("undo-1"), "{}", page.body);
    let review = browser.submit(&page, &[], "undo-1").await;
    assert!(review.body.contains("blocked: true → false"), "{}", review.body);
    assert!(stored(&world, alice.id).await.unwrap().blocked, "nothing is done before it is confirmed");
    let done = browser.submit(&review, &[("reason", "found it")], "confirm").await;
    assert!(done.body.contains("Undone.") && done.body.contains("found it"), "{}", done.body);
    assert!(!stored(&world, alice.id).await.unwrap().blocked);

    let page = open(&mut browser, &format!("{home}/delete")).await;
    browser.submit(&page, &[("reason", "left")], "delete").await;
    assert!(stored(&world, alice.id).await.is_none());
    let page = open(&mut browser, "/console/settings/history").await;
    assert!(page.body.contains("user alice"), "{}", page.body);
    let review = browser.submit(&page, &[], "undo-1").await;
    assert!(review.body.contains("without a password") && review.body.contains("+ create user alice"));
    browser.submit(&review, &[], "confirm").await;
    let user = stored(&world, alice.id).await.unwrap();
    assert_eq!((user.username.as_deref(), user.password), (Some("alice"), None));
    let found = world.signet().store().user_by_login(&LoginName::parse("alice").unwrap()).await.unwrap();
    assert_eq!(found.unwrap().id, alice.id);

    let mut auditor = operator(&world, "auditor", Role::Auditor, &[]).await;
    let page = open(&mut auditor, &format!("{home}/history")).await;
    assert!(page.body.contains("a stolen telephone") && !page.body.contains("undo-"), "{}", page.body);
}

#[tokio::test]
async fn attack_19_who_may_not_change_an_owner_undoes_nothing_of_one() {
    let world = World::new().await;
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let mut other = operator(&world, "admin", Role::Administrator, &[]).await;
    let boss = world.signet().store().administrators().await.unwrap();
    let boss = boss.into_iter().find(|one| one.role == Role::Owner).unwrap().user;
    let themselves = Origin { actor: Named::new(boss, "owner"), ..by() };
    let change = fields(&[("email", "boss@example.com")]);
    edit::edit(&world.signet(), boss, None, &change, &themselves).await.unwrap();
    let revision = newest(&world).await.id.to_string();
    let of_user = format!("/console/users/{boss}/history");
    for home in ["/console/settings/history", of_user.as_str()] {
        let page = open(&mut other, home).await;
        for confirm in [false, true] {
            let answer = undone(&mut other, &format!("{home}/undo"), &page, &revision, confirm).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{home}: {}", answer.body);
        }
    }
    let now = stored(&world, boss).await.unwrap();
    assert_eq!(now.email.as_deref(), Some("boss@example.com"));
    // A revision of somebody else is none of this page.
    let alice = world.user("alice", |_| {}).await;
    edit::edit(&world.signet(), alice.id, None, &fields(&[("name", "A")]), &by()).await.unwrap();
    let of_alice = newest(&world).await.id.to_string();
    let page = open(&mut owner, &of_user).await;
    let answer = undone(&mut owner, &format!("{of_user}/undo"), &page, &of_alice, true).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
}
