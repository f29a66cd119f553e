//! Counters of use, and traces of failures.

use signet_protocol::{
    application::{Application, GrantType},
    id::{AppId, UserId},
    secret::Secret,
    time::Now,
};
use signet_store::{
    Change, NewTrace, TRACE_EXPIRE, Turn,
    usage::{ACTIVE_USERS, DAY, Use, day_of},
};

use super::{World, after, at};
use crate::on_worlds;

on_worlds!(
    counts_add_up_over_nodes,
    a_user_is_counted_once_a_day_whatever_node_saw_them,
    what_was_counted_outlives_a_stop,
    counts_of_two_years_ago_go,
    traces_are_found_by_reference_and_application,
    a_secret_is_dated_when_it_changes,
);

fn app(number: u64) -> AppId {
    AppId::generate(at(0), &mut signet_testkit::seed::Seeded(number))
}

fn user(number: u64) -> UserId {
    UserId::generate(at(0), &mut signet_testkit::seed::Seeded(number))
}

async fn counts_add_up_over_nodes(world: World) {
    let other = world.again().await;
    for store in [&world.store, &other, &other] {
        store.count_use(app(1), Use::SignIn, after(0));
        store.count_use(app(1), Use::Tokens(GrantType::Password), after(0));
        store.count_use(app(2), Use::SignIn, after(-DAY));
        store.write_usage().await.unwrap();
        store.write_usage().await.unwrap();
    }
    let today = day_of(after(0));
    let all = world.store.usage_since(today - DAY).await.unwrap();
    let shown: Vec<_> = all.iter().map(|one| (one.day - today, one.kind.as_str(), one.count)).collect();
    assert_eq!(shown, [(-DAY, "sign_in", 3), (0, "sign_in", 3), (0, "tokens_password", 3)]);
    assert_eq!(world.store.usage_since(today).await.unwrap().len(), 2);
    let mut each = world.store.usage_of_applications(today - DAY).await.unwrap();
    each.sort_by_key(|one| (one.application, one.kind.clone()));
    assert_eq!(each.len(), 3);
    assert!(each.iter().any(|one| one.application == Some(app(2)) && one.count == 3));
}

async fn a_user_is_counted_once_a_day_whatever_node_saw_them(world: World) {
    let other = world.again().await;
    crate::parallel(8, |number| {
        let store = if number % 2 == 0 { world.store.clone() } else { other.clone() };
        async move {
            for who in 0..50 {
                store.count_active(user(who), after(0));
            }
            store.write_usage().await.unwrap();
        }
    })
    .await;
    let today = day_of(after(0));
    world.store.count_active(user(0), after(DAY));
    world.store.count_active(user(1), after(0));
    world.store.write_usage().await.unwrap();
    // A clock that is behind counts nobody again.
    other.count_active(user(0), after(0));
    other.write_usage().await.unwrap();
    let counted = world.store.usage_since(today).await.unwrap();
    let shown: Vec<_> = counted.iter().map(|one| (one.day - today, one.kind.as_str(), one.count)).collect();
    assert_eq!(shown, [(0, ACTIVE_USERS, 50), (DAY, ACTIVE_USERS, 1)]);
    assert_eq!(world.store.active_users_since(today).await, Ok(50));
    assert_eq!(world.store.active_users_since(today + DAY).await, Ok(1));
}

async fn what_was_counted_outlives_a_stop(world: World) {
    world.store.count_use(app(1), Use::SignInFailed, after(0));
    world.store.count_active(user(1), after(0));
    world.store.clone().close().await;
    let again = world.again().await;
    assert_eq!(again.usage_since(0).await.unwrap().len(), 2);
}

async fn counts_of_two_years_ago_go(world: World) {
    world.store.count_use(app(1), Use::SignIn, after(0));
    world.store.count_active(user(1), after(0));
    world.store.write_usage().await.unwrap();
    assert_eq!(world.store.sweep(at(700 * DAY)).await, Ok(0));
    assert_eq!(world.store.sweep(at(800 * DAY)).await, Ok(3));
}

fn trace(reference: &str, application: Option<AppId>, at: Now) -> NewTrace {
    NewTrace {
        reference: reference.to_owned(),
        request_id: format!("request of {reference}"),
        application,
        content: format!("{{\"reference\":\"{reference}\"}}"),
        at,
    }
}

async fn traces_are_found_by_reference_and_application(world: World) {
    let store = &world.store;
    let traces: Vec<_> =
        (0..5).map(|number| trace(&format!("AAAA-000{number}"), Some(app(1)), at(number))).collect();
    store.insert_traces(&traces).await.unwrap();
    store.insert_traces(&[trace("AAAA-0001", None, at(9))]).await.unwrap();
    assert_eq!(store.traces_by_reference("AAAA-0001").await.unwrap().len(), 2);
    assert_eq!(store.traces_by_reference("AAAA-0009").await.unwrap(), []);
    let first = store.traces(Some(app(1)), Turn::First, 3).await.unwrap().rows;
    assert_eq!(first.len(), 3);
    assert!(first[0].content.contains("0004"), "newest first");
    let rest = store.traces(Some(app(1)), Turn::Behind(first[2].id), 3).await.unwrap();
    assert_eq!(rest.rows.len(), 2);
    let back = store.traces(Some(app(1)), Turn::Before(rest.rows[1].id), 2).await.unwrap();
    assert_eq!((back.rows[0].id, back.rows[1].id), (first[2].id, rest.rows[0].id));
    assert_eq!(store.traces(None, Turn::Before(rest.rows[0].id), 2).await.unwrap().rows[1].id, first[2].id);
    assert_eq!(store.traces(None, Turn::First, 100).await.unwrap().rows.len(), 6);
    let end = TRACE_EXPIRE.0 + 4;
    assert_eq!(store.sweep(at(end)).await, Ok(5));
    assert_eq!(store.traces(None, Turn::First, 100).await.unwrap().rows.len(), 1);
}

async fn a_secret_is_dated_when_it_changes(world: World) {
    let since = async || {
        let all = world.store.application_names().await.unwrap();
        all.iter().map(|one| (one.id, one.secret_since)).collect::<Vec<_>>()
    };
    let mut notes = world.new_application("notes");
    world.apply(Change::InsertApplication(notes.clone())).await;
    assert_eq!(since().await, [(notes.id, Some(after(0)))]);
    let mut seed = signet_testkit::seed::Seeded(4);
    notes.name = "Another name".to_owned();
    let kept = world.store.apply(vec![Change::UpdateApplication(notes.clone())], at(50), &mut seed);
    assert_eq!(kept.await, Ok(signet_store::Applied::Done));
    assert_eq!(since().await, [(notes.id, Some(after(0)))], "the secret is the same");
    (notes.secret, notes.version) = (Some(Secret::new("another-secret-another-secret-32")), 2);
    let new = world.store.apply(vec![Change::UpdateApplication(notes.clone())], at(60), &mut seed);
    assert_eq!(new.await, Ok(signet_store::Applied::Done));
    assert_eq!(since().await, [(notes.id, Some(after(60)))]);
    let public = Application { secret: None, ..world.new_application("public") };
    world.apply(Change::InsertApplication(public.clone())).await;
    assert!(since().await.contains(&(public.id, None)));
}
