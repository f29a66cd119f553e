//! Resources and rules, and the snapshot that decides.

use std::sync::Arc;

use signet_protocol::{
    access::Effect,
    account::Account,
    id::{AccountId, AppId},
    pool::PoolSettings,
    resource::{
        Action, ActionName, Actions, Caller, Namespace, Part, Permissions, Resource, ResourceCode,
        ResourceName, ResourceType, Restrictions, Rule, ScopeCase, Subject,
    },
    scope::Scope,
};
use signet_store::{Applied, Change, RulePlace, Store, StoreError};

use super::{World, accounts, after, revocations::eventually};
use crate::on_worlds;

on_worlds!(
    what_was_put_is_what_there_is,
    a_snapshot_decides,
    a_change_is_seen_at_once,
    the_halves_of_the_pool_are_shared,
    rules_go_with_their_account,
    only_differences_are_written,
    nothing_is_changed_without_the_version_of_the_pool,
    a_plan_from_an_earlier_version_changes_nothing,
    a_rule_of_the_future_is_no_rule_less,
    pages_meet_every_resource_and_rule_once,
);

pub fn resource(code: &str) -> Resource {
    let read = Action { name: ActionName::parse("read").unwrap(), description: None };
    Resource {
        code: ResourceCode::parse(code).unwrap(),
        name: None,
        kind: ResourceType::Data,
        description: None,
        actions: vec![read],
        api_identifier: None,
    }
}

pub fn put(of: Option<AppId>, codes: &[&str]) -> Change {
    Change::Resources { of, put: codes.iter().map(|code| resource(code)).collect(), removed: vec![] }
}

/// The account may do everything with the application's books.
pub fn rule(account: &Account) -> Rule {
    named(account.id, "book", Namespace::Application, Effect::Allow)
}

fn named(account: AccountId, code: &str, namespace: Namespace, effect: Effect) -> Rule {
    Rule {
        subject: Subject::Account(account),
        effect,
        resource: Part::One(ResourceName { namespace, code: ResourceCode::parse(code).unwrap() }),
        identifier: Part::Any,
        actions: Actions::All,
        restrictions: Restrictions::default(),
    }
}

fn rules(of: AppId, added: Vec<Rule>, removed: Vec<Rule>) -> Change {
    Change::Rules { of, added, removed }
}

/// A plan with the version of the pool, as everybody makes it who changes permissions.
async fn change(world: &World, changes: Vec<Change>) {
    let settings = world.store.stored_pool_settings().await.unwrap();
    let plan = [vec![Change::UpdatePool(settings)], changes].concat();
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Done));
}

/// An application with an account that may do everything with books.
async fn world_of_books(world: &World) -> Account {
    let account = accounts::new(world, &*world.application("notes").await);
    let of = account.application;
    let changes = vec![
        Change::InsertAccount(account.clone()),
        put(Some(of), &["book"]),
        put(None, &["shelf"]),
        rules(of, vec![rule(&account)], vec![]),
    ];
    change(world, changes).await;
    account
}

/// What of `scope` the account is granted.
pub async fn granted(store: &Store, account: &Account, scope: &str) -> String {
    let permissions = store.permissions(account.application).await.unwrap();
    decide(&permissions, account.id, scope)
}

fn decide(permissions: &Permissions, account: AccountId, scope: &str) -> String {
    let case = ScopeCase {
        scope: &Scope::parse(scope).unwrap(),
        api: None,
        caller: Caller::Account(account),
        settings: &PoolSettings::default(),
        ip: None,
        now: after(0),
        mfa: None,
    };
    permissions.decide(&case).granted.to_string()
}

async fn what_was_put_is_what_there_is(world: World) {
    let account = world_of_books(&world).await;
    let of = account.application;
    for store in [&world.store, &world.again().await] {
        assert_eq!(store.stored_resources(Some(of)).await, Ok(vec![resource("book")]));
        assert_eq!(store.stored_resources(None).await, Ok(vec![resource("shelf")]));
        assert_eq!(store.stored_rules(of).await, Ok(vec![rule(&account)]));
        assert_eq!(store.applications_with_rules().await, Ok(vec![of]));
        let none = world.new_application("other").id;
        assert_eq!(store.stored_resources(Some(none)).await, Ok(vec![]));
        assert_eq!(store.stored_rules(none).await, Ok(vec![]));
    }
}

async fn a_snapshot_decides(world: World) {
    let account = world_of_books(&world).await;
    for store in [&world.store, &world.again().await] {
        assert_eq!(granted(store, &account, "book:1:read shelf:read book:write").await, "book:1:read");
    }
    let other = Account { application: world.application("other").await.id, ..account };
    assert_eq!(granted(&world.store, &other, "book:1:read").await, "");
}

async fn a_change_is_seen_at_once(world: World) {
    let account = world_of_books(&world).await;
    let of = account.application;
    assert_eq!(granted(&world.store, &account, "book shelf").await, "book");
    let shelf = named(account.id, "shelf", Namespace::Pool, Effect::Allow);
    change(&world, vec![rules(of, vec![shelf], vec![])]).await;
    assert_eq!(granted(&world.store, &account, "book shelf").await, "book shelf");
    change(&world, vec![rules(of, vec![], vec![rule(&account)])]).await;
    assert_eq!(granted(&world.store, &account, "book shelf").await, "shelf");
    let removed = vec![ResourceCode::parse("shelf").unwrap()];
    change(&world, vec![Change::Resources { of: None, put: vec![], removed }]).await;
    assert_eq!(granted(&world.store, &account, "book shelf").await, "");
}

async fn the_halves_of_the_pool_are_shared(world: World) {
    let of = world_of_books(&world).await.application;
    let other = world.application("other").await.id;
    let (one, two) =
        (world.store.permissions(of).await.unwrap(), world.store.permissions(other).await.unwrap());
    assert!(one.shares_the_pool_with(&two));
    assert!(Arc::ptr_eq(&one, &world.store.permissions(of).await.unwrap()));
    change(&world, vec![put(None, &["desk"])]).await;
    let (three, four) =
        (world.store.permissions(of).await.unwrap(), world.store.permissions(other).await.unwrap());
    assert!(three.shares_the_pool_with(&four) && !three.shares_the_pool_with(&one));
}

async fn rules_go_with_their_account(world: World) {
    let account = world_of_books(&world).await;
    let of = account.application;
    let other = accounts::new(&world, &world.new_application("x"));
    change(&world, vec![rules(of, vec![rule(&other)], vec![])]).await;
    change(&world, vec![Change::DeleteAccount(account.clone())]).await;
    assert_eq!(world.store.stored_rules(of).await, Ok(vec![rule(&other)]));
    assert_eq!(granted(&world.store, &account, "book").await, "");
}

async fn only_differences_are_written(world: World) {
    let account = world_of_books(&world).await;
    let of = account.application;
    let settings = || Change::UpdatePool(super::pool::sample());
    let version = world.store.stored_pool_settings().await.unwrap().version;
    let at_version = |change| {
        let Change::UpdatePool(mut settings) = settings() else { unreachable!() };
        settings.version = version;
        vec![Change::UpdatePool(settings), change]
    };
    let twice = world.try_apply(at_version(rules(of, vec![rule(&account)], vec![]))).await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    let absent = named(account.id, "shelf", Namespace::Pool, Effect::Deny);
    assert_eq!(world.try_apply(at_version(rules(of, vec![], vec![absent]))).await, Ok(Applied::Changed));
    let absent = vec![ResourceCode::parse("desk").unwrap()];
    let gone = Change::Resources { of: Some(of), put: vec![], removed: absent };
    assert_eq!(world.try_apply(at_version(gone)).await, Ok(Applied::Changed));
    let wider = Resource { name: Some("Books".to_owned()), ..resource("book") };
    change(&world, vec![Change::Resources { of: Some(of), put: vec![wider.clone()], removed: vec![] }]).await;
    assert_eq!(world.store.stored_resources(Some(of)).await, Ok(vec![wider]));
}

async fn nothing_is_changed_without_the_version_of_the_pool(world: World) {
    let account = world_of_books(&world).await;
    let of = account.application;
    for change in [
        put(None, &["desk"]),
        rules(of, vec![], vec![rule(&account)]),
        Change::DeleteAccount(account.clone()),
    ] {
        let refused = world.try_apply(vec![change]).await;
        assert!(matches!(refused, Err(StoreError::Internal(_))), "{refused:?}");
    }
    assert_eq!(world.store.stored_rules(of).await, Ok(vec![rule(&account)]));
}

/// Two plans that were made of the same: what the second was compared with is no longer so.
async fn a_plan_from_an_earlier_version_changes_nothing(world: World) {
    let account = world_of_books(&world).await;
    let of = account.application;
    let settings = world.store.stored_pool_settings().await.unwrap();
    let removed = vec![ResourceCode::parse("shelf").unwrap()];
    change(&world, vec![Change::Resources { of: None, put: vec![], removed }]).await;
    let about_shelf = named(account.id, "shelf", Namespace::Pool, Effect::Allow);
    let plan = vec![Change::UpdatePool(settings), rules(of, vec![about_shelf], vec![])];
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Changed));
    assert_eq!(world.store.stored_rules(of).await, Ok(vec![rule(&account)]));
}

/// What a newer node wrote and this one cannot read is not left out: a rule that denies would be missed.
async fn a_rule_of_the_future_is_no_rule_less(world: World) {
    let Some(file) = world.file() else { return };
    let of = world_of_books(&world).await.application;
    let file = rusqlite::Connection::open(file).unwrap();
    file.execute(
        "UPDATE rule SET content = replace(content, '\"effect\"', '\"weather\":\"fine\",\"effect\"')",
        [],
    )
    .unwrap();
    let refused = world.again().await.permissions(of).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{:?}", refused.err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_09_another_node_sees_what_is_no_longer_allowed() {
    let world = World::postgres().await;
    let other = world.again().await;
    let account = world_of_books(&world).await;
    let of = account.application;
    assert!(eventually(async || granted(&other, &account, "book").await == "book").await);
    let deny = named(account.id, "book", Namespace::Application, Effect::Deny);
    change(&world, vec![rules(of, vec![deny.clone()], vec![])]).await;
    assert!(eventually(async || granted(&other, &account, "book").await.is_empty()).await, "rules");
    change(&world, vec![rules(of, vec![], vec![deny])]).await;
    assert!(eventually(async || granted(&other, &account, "book").await == "book").await, "rules");
    let shelf = named(account.id, "shelf", Namespace::Pool, Effect::Allow);
    change(&world, vec![rules(of, vec![shelf], vec![])]).await;
    assert!(eventually(async || granted(&other, &account, "shelf").await == "shelf").await, "rules");
    let removed = vec![ResourceCode::parse("shelf").unwrap()];
    change(&world, vec![Change::Resources { of: None, put: vec![], removed }]).await;
    assert!(
        eventually(async || granted(&other, &account, "shelf").await.is_empty()).await,
        "the pool's resources"
    );
}

async fn pages_meet_every_resource_and_rule_once(world: World) {
    let account = world_of_books(&world).await;
    let (of, store) = (account.application, &world.store);
    let about = |subject: Subject| Rule { subject, ..rule(&account) };
    let other = accounts::new(&world, &world.new_application("x"));
    let mut added = vec![rule(&other), about(Subject::Role("staff".to_owned()))];
    added.extend((0..3).map(|number| about(Subject::Group(format!("team-{number}")))));
    change(&world, vec![rules(of, added, vec![]), put(Some(of), &["desk", "lamp"])]).await;
    let all = store.stored_rules(of).await.unwrap();
    for limit in [1, 2, 4, 100] {
        let (mut met, mut place) = (Vec::new(), None);
        loop {
            let page = store.rule_page(of, place, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            place = Some(RulePlace::of(last).unwrap());
            met.extend(page);
        }
        let accounts: Vec<bool> = met.iter().map(|one| matches!(one.subject, Subject::Account(_))).collect();
        assert!(accounts.is_sorted(), "those about accounts come together: {accounts:?}");
        let mut sorted = met.clone();
        sorted.dedup();
        assert_eq!(sorted.len(), all.len());
        assert!(all.iter().all(|one| met.contains(one)) && met.len() == all.len(), "by {limit}");
    }
    let key = RulePlace::of(&rule(&account)).unwrap().key;
    assert_eq!(store.stored_rule(of, key).await.unwrap(), Some(rule(&account)));
    assert_eq!(store.stored_rule(of, [7; 32]).await.unwrap(), None);
    assert_eq!(store.count_rules(of).await.unwrap(), all.len());
    assert_eq!(store.count_rules_about(of, other.id).await.unwrap(), 1);
    let codes = |page: Vec<Resource>| page.iter().map(|one| one.code.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(codes(store.resource_page(Some(of), None, 2).await.unwrap()), ["book", "desk"]);
    assert_eq!(codes(store.resource_page(Some(of), Some("desk"), 2).await.unwrap()), ["lamp"]);
    assert_eq!(store.count_resources(Some(of)).await.unwrap(), 3);
    assert_eq!(store.stored_resource(Some(of), "desk").await.unwrap(), Some(resource("desk")));
    assert_eq!(store.stored_resource(Some(of), "absent").await.unwrap(), None);
}
