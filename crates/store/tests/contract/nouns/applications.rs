use signet_protocol::{
    application::Application,
    issuer::Identifier,
    jose::{KeyAlg, SigningAlg},
    redirect_uri::RedirectUri,
};
use signet_store::{Applied, Change, StoreError};

use super::{World, at};
use crate::on_worlds;

on_worlds!(
    an_application_comes_back,
    it_is_found_by_its_label,
    they_are_listed_by_name,
    origins_are_registered_and_replaced,
    the_algorithms_in_use_are_known,
    an_update_is_seen_at_once,
    a_stale_update_changes_nothing,
    a_taken_label_undoes_the_whole_plan,
    parallel_updates_of_one_version_have_one_winner,
    attack_09_a_disabled_application_loses_its_grants,
    names_are_read_again_when_they_change,
);

async fn an_application_comes_back(world: World) {
    let new = world.new_application("notes");
    world.apply(Change::InsertApplication(new.clone())).await;
    for store in [&world.store, &world.again().await] {
        let found = store.application(new.id).await.unwrap().unwrap();
        assert_eq!(found.pool, new.pool);
        assert_eq!(found.identifier, new.identifier);
        assert_eq!(found.name, new.name);
        assert_eq!(found.enabled, new.enabled);
        assert_eq!(found.secret, new.secret);
        assert_eq!(found.settings, new.settings);
        assert_eq!(found.version, 1);
    }
    assert!(world.store.application(world.new_application("other").id).await.unwrap().is_none());
}

async fn it_is_found_by_its_label(world: World) {
    let notes = world.application("notes").await;
    for _ in 0..2 {
        let found = world.store.application_by_identifier(&notes.identifier).await.unwrap().unwrap();
        assert_eq!(found.id, notes.id);
    }
    let absent = Identifier::parse("absent").unwrap();
    assert!(world.store.application_by_identifier(&absent).await.unwrap().is_none());
}

async fn they_are_listed_by_name(world: World) {
    for label in ["beta", "alpha", "gamma"] {
        world.application(label).await;
    }
    let names: Vec<_> = world
        .store
        .applications()
        .await
        .unwrap()
        .iter()
        .map(|application| application.name.clone())
        .collect();
    assert_eq!(names, ["The alpha", "The beta", "The gamma"]);
}

async fn origins_are_registered_and_replaced(world: World) {
    let mut new = world.new_application("notes");
    // Two callbacks of one origin are one origin.
    new.settings.redirect_uris.push(RedirectUri::parse("https://notes.example/other").unwrap());
    world.apply(Change::InsertApplication(new.clone())).await;
    let registered = async |origin| world.store.origin_registered(origin).await.unwrap();
    assert!(registered("https://notes.example").await);
    assert!(!registered("https://new.example").await);
    new.settings.web_origins = vec!["https://new.example".to_owned()];
    world.apply(Change::UpdateApplication(new)).await;
    assert!(!registered("https://notes.example").await);
    assert!(registered("https://new.example").await);
}

async fn the_algorithms_in_use_are_known(world: World) {
    let mut new = world.new_application("notes");
    world.apply(Change::InsertApplication(new.clone())).await;
    assert!(world.store.any_application_uses(KeyAlg::Rs256).await.unwrap());
    assert!(!world.store.any_application_uses(KeyAlg::Es256).await.unwrap());
    new.settings.access_token_signed_response_alg = SigningAlg::Es256;
    world.apply(Change::UpdateApplication(new.clone())).await;
    assert!(world.store.any_application_uses(KeyAlg::Es256).await.unwrap());
    assert!(!world.store.any_application_uses(KeyAlg::EdDsa).await.unwrap());
    new.version += 1;
    new.settings.userinfo_signed_response_alg = Some(SigningAlg::EdDsa);
    world.apply(Change::UpdateApplication(new)).await;
    assert!(world.store.any_application_uses(KeyAlg::EdDsa).await.unwrap());
}

async fn an_update_is_seen_at_once(world: World) {
    let notes = world.application("notes").await;
    let before = world.store.generation();
    let moved =
        Application { identifier: Identifier::parse("papers").unwrap(), secret: None, ..(*notes).clone() };
    world.apply(Change::UpdateApplication(moved.clone())).await;
    assert!(world.store.generation() > before);
    let found = world.store.application(notes.id).await.unwrap().unwrap();
    assert_eq!((found.version, &found.secret), (2, &None));
    assert!(world.store.application_by_identifier(&notes.identifier).await.unwrap().is_none());
    assert!(world.store.application_by_identifier(&moved.identifier).await.unwrap().is_some());
}

async fn a_stale_update_changes_nothing(world: World) {
    let notes = world.application("notes").await;
    world.apply(Change::UpdateApplication((*notes).clone())).await;
    let stale = Application { name: "Stale".to_owned(), ..(*notes).clone() };
    let plan = vec![Change::InsertUser(world.new_user("alice")), Change::UpdateApplication(stale)];
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Changed));
    assert_eq!(world.store.application(notes.id).await.unwrap().unwrap().name, "The notes");
    assert!(world.store.users_by_keys(Some("alice"), None, None).await.unwrap().is_empty());
}

async fn a_taken_label_undoes_the_whole_plan(world: World) {
    world.application("notes").await;
    let first = world.new_application("fresh");
    let plan = vec![
        Change::InsertApplication(first.clone()),
        Change::InsertUser(world.new_user("alice")),
        Change::InsertApplication(world.new_application("notes")),
    ];
    let refused = world.try_apply(plan).await;
    assert_eq!(refused, Err(StoreError::Conflict { constraint: "application_identifier".to_owned() }));
    assert!(world.store.application(first.id).await.unwrap().is_none());
    assert!(world.store.users_by_keys(Some("alice"), None, None).await.unwrap().is_empty());
    assert!(!world.store.origin_registered("https://fresh.example").await.unwrap());
}

async fn parallel_updates_of_one_version_have_one_winner(world: World) {
    let notes = world.application("notes").await;
    let winners = super::winners(&world, |store, number| {
        let renamed = Application { name: format!("Name {number}"), ..(*notes).clone() };
        async move {
            let mut seed = signet_testkit::seed::Seeded(number as u64);
            store.apply(vec![Change::UpdateApplication(renamed)], at(0), &mut seed).await == Ok(Applied::Done)
        }
    })
    .await;
    assert_eq!(winners, 1);
    assert_eq!(world.store.application(notes.id).await.unwrap().unwrap().version, 2);
}

async fn attack_09_a_disabled_application_loses_its_grants(world: World) {
    let notes = world.application("notes").await;
    let user = world.user("alice").await;
    let session = world.session(&user).await;
    let (grant, other) = (
        world.new_grant(&session, notes.id, true),
        world.new_grant(&session, world.new_application("other").id, true),
    );
    for grant in [&grant, &other] {
        let code = world.new_code(grant.clone());
        assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    }
    world.apply(Change::UpdateApplication(Application { enabled: false, ..(*notes).clone() })).await;
    assert!(world.is_revoked(grant.id).await);
    assert!(!world.is_revoked(other.id).await);
}

async fn names_are_read_again_when_they_change(world: World) {
    let (first, second) = (world.new_application("first"), world.new_application("second"));
    for new in [&first, &second] {
        world.apply(Change::InsertApplication(new.clone())).await;
    }
    let names = async || {
        let all = world.store.application_names().await.unwrap();
        all.iter().map(|one| (one.name.clone(), one.version)).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [("The first".to_owned(), 1), ("The second".to_owned(), 1)]);
    let kept = world.store.application_names().await.unwrap();
    let renamed = Application { name: "Another".to_owned(), ..second.clone() };
    world.apply(Change::UpdateApplication(renamed)).await;
    assert_eq!(names().await, [("Another".to_owned(), 2), ("The first".to_owned(), 1)]);
    let now = world.store.application_names().await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&now[1], &kept[0]), "what is as it was is not read again");
    world.apply(Change::InsertApplication(world.new_application("third"))).await;
    assert_eq!(names().await.len(), 3);
}
