use std::sync::Arc;

use signet_protocol::{issuer::IssuerId, jose::KeyAlg};
use signet_store::{KeyRecord, KeyState, Rotation, Store};
use signet_testkit::seed::Seeded;

use super::{World, after, at, winners};
use crate::on_worlds;

on_worlds!(
    a_key_is_made_once_and_kept,
    many_first_uses_make_one_key,
    nodes_agree_on_one_key,
    issuers_and_algorithms_have_keys_of_their_own,
    a_key_is_published_then_signs_then_verifies_then_is_gone,
    a_key_that_signs_at_once_is_published_with_it,
    of_many_who_rotate_one_does,
    a_key_that_another_node_made_verifies_at_once,
    a_key_dated_ahead_is_dated_anew_once,
    pages_meet_every_key_once_and_those_that_turn_are_found,
);

fn issuer(world: &World) -> IssuerId {
    IssuerId::Pool(world.store.pool().id)
}

async fn a_key_is_made_once_and_kept(world: World) {
    let issuer = issuer(&world);
    assert!(world.store.published_keys(issuer).await.unwrap().is_empty());
    let before = world.store.generation();
    let made = world.store.signing_key(issuer, KeyAlg::Rs256, at(0), &mut Seeded(3)).await.unwrap();
    assert!(world.store.generation() > before);
    let kept = world.store.signing_key(issuer, KeyAlg::Rs256, at(9), &mut Seeded(4)).await.unwrap();
    assert!(Arc::ptr_eq(&made, &kept));
    let loaded = world.again().await.signing_key(issuer, KeyAlg::Rs256, at(9), &mut Seeded(5)).await.unwrap();
    assert_eq!(loaded.kid(), made.kid());
    assert_eq!(world.store.published_keys(issuer).await.unwrap(), [made.public_jwk().clone()]);
    assert!(world.store.verifying_key(issuer, made.kid().as_str()).await.unwrap().is_some());
    assert!(world.store.verifying_key(issuer, "unknown").await.unwrap().is_none());
}

async fn many_first_uses_make_one_key(world: World) {
    let issuer = issuer(&world);
    let kids = crate::parallel(64, |number| {
        let store = world.store.clone();
        async move {
            let key =
                store.signing_key(issuer, KeyAlg::Es256, at(0), &mut Seeded(number as u64)).await.unwrap();
            key.kid().clone()
        }
    })
    .await;
    assert!(kids.iter().all(|kid| *kid == kids[0]));
    assert_eq!(world.store.published_keys(issuer).await.unwrap().len(), 1);
}

async fn nodes_agree_on_one_key(world: World) {
    let issuer = issuer(&world);
    let nodes = [world.store.clone(), world.again().await, world.again().await, world.again().await];
    let kids = crate::parallel(nodes.len(), |number| {
        let node = nodes[number].clone();
        async move {
            let key =
                node.signing_key(issuer, KeyAlg::Es256, at(0), &mut Seeded(number as u64)).await.unwrap();
            assert_eq!(node.published_keys(issuer).await.unwrap(), [key.public_jwk().clone()]);
            key.kid().clone()
        }
    })
    .await;
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
}

async fn issuers_and_algorithms_have_keys_of_their_own(world: World) {
    let application = world.application("notes").await;
    let mut kids = Vec::new();
    for issuer in [issuer(&world), IssuerId::Application(application.id)] {
        for alg in KeyAlg::ALL {
            let key = world.store.signing_key(issuer, *alg, at(0), &mut Seeded(3)).await.unwrap();
            assert_eq!(key.public_jwk().alg(), *alg);
            kids.push(key.kid().clone());
        }
        assert_eq!(world.store.published_keys(issuer).await.unwrap().len(), KeyAlg::ALL.len());
    }
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), 2 * KeyAlg::ALL.len());
}

async fn kid_that_signs(store: &Store, issuer: IssuerId) -> String {
    let key = store.signing_key(issuer, KeyAlg::Es256, at(9), &mut Seeded(3)).await.unwrap();
    key.kid().as_str().to_owned()
}

async fn published(store: &Store, issuer: IssuerId) -> Vec<String> {
    let keys = store.published_keys(issuer).await.unwrap();
    keys.iter().map(|key| key.kid().as_str().to_owned()).collect()
}

async fn active(store: &Store) -> KeyRecord {
    let keys = store.issuer_keys().await.unwrap();
    keys.into_iter().find(|key| key.state == KeyState::Active).unwrap()
}

async fn rotate(world: &World, active: &KeyRecord, step: Rotation, seconds: i64) -> bool {
    world.store.rotate_key(active, step, at(seconds), &mut Seeded(world.number())).await.unwrap()
}

async fn a_key_is_published_then_signs_then_verifies_then_is_gone(world: World) {
    let (issuer, until) = (issuer(&world), after(7200));
    let old = kid_that_signs(&world.store, issuer).await;
    let record = active(&world.store).await;
    assert_eq!((&record.kid, record.number, record.expires_at), (&old, 1, None));
    assert!(!rotate(&world, &record, Rotation::Promote(until), 1).await, "there is no next key");
    assert!(rotate(&world, &record, Rotation::Publish, 10).await);
    assert!(!rotate(&world, &record, Rotation::Publish, 11).await, "there is one already");
    assert!(!rotate(&world, &record, Rotation::Replace(until), 11).await, "there is one already");
    assert_eq!(kid_that_signs(&world.store, issuer).await, old);
    let new = published(&world.store, issuer).await.into_iter().find(|kid| *kid != old).unwrap();
    assert_eq!(published(&world.store, issuer).await, [old.clone(), new.clone()]);

    assert!(rotate(&world, &record, Rotation::Promote(until), 20).await);
    assert!(!rotate(&world, &record, Rotation::Promote(until), 21).await, "it is promoted already");
    for store in [&world.store, &world.again().await] {
        assert_eq!(kid_that_signs(store, issuer).await, new);
        assert_eq!(published(store, issuer).await, [new.clone(), old.clone()], "who signs comes first");
        assert!(store.verifying_key(issuer, &old).await.unwrap().is_some());
    }
    let states: Vec<_> = world.store.issuer_keys().await.unwrap();
    let states: Vec<_> = states.iter().map(|key| (key.state, key.created_at, key.expires_at)).collect();
    assert_eq!(states, [(KeyState::Retired, after(9), Some(until)), (KeyState::Active, after(10), None)]);

    world.store.sweep(at(7199)).await.unwrap();
    assert!(world.store.verifying_key(issuer, &old).await.unwrap().is_some());
    assert!(world.store.sweep(at(7200)).await.unwrap() > 0);
    assert!(world.store.verifying_key(issuer, &old).await.unwrap().is_none());
    for store in [&world.store, &world.again().await] {
        assert_eq!(published(store, issuer).await, std::slice::from_ref(&new));
        assert_eq!(kid_that_signs(store, issuer).await, new);
    }
}

async fn a_key_that_signs_at_once_is_published_with_it(world: World) {
    let issuer = issuer(&world);
    let old = kid_that_signs(&world.store, issuer).await;
    let rs256 = world.store.signing_key(issuer, KeyAlg::Rs256, at(0), &mut Seeded(9)).await.unwrap();
    let record = world.store.issuer_keys().await.unwrap().into_iter().find(|key| key.kid == old).unwrap();
    let before = world.store.generation();
    assert!(rotate(&world, &record, Rotation::Replace(after(60)), 1).await);
    assert!(world.store.generation() > before, "what was rendered is stale");
    let new = kid_that_signs(&world.store, issuer).await;
    assert_ne!(new, old);
    let kids = published(&world.store, issuer).await;
    assert!(kids.len() == 3 && kids.contains(&new) && kids.contains(&old), "{kids:?}");
    let other = world.store.signing_key(issuer, KeyAlg::Rs256, at(2), &mut Seeded(9)).await.unwrap();
    assert_eq!(other.kid(), rs256.kid(), "another algorithm's key is left alone");
}

async fn of_many_who_rotate_one_does(world: World) {
    let issuer = issuer(&world);
    kid_that_signs(&world.store, issuer).await;
    for (step, keys) in
        [(Rotation::Publish, 2), (Rotation::Promote(after(60)), 2), (Rotation::Replace(after(60)), 3)]
    {
        let record = active(&world.store).await;
        let won = winners(&world, |store, number| {
            let record = record.clone();
            let mut seed = Seeded(number as u64 + 100);
            async move { store.rotate_key(&record, step, at(1), &mut seed).await.unwrap() }
        });
        assert_eq!(won.await, 1, "{step:?}");
        let records = world.store.issuer_keys().await.unwrap();
        assert_eq!(records.len(), keys, "{step:?}");
        assert_eq!(records.iter().filter(|key| key.state == KeyState::Active).count(), 1, "{step:?}");
    }
}

async fn a_key_that_another_node_made_verifies_at_once(world: World) {
    let issuer = issuer(&world);
    let old = kid_that_signs(&world.store, issuer).await;
    let node = world.again().await;
    assert_eq!(kid_that_signs(&node, issuer).await, old);
    assert!(node.verifying_key(issuer, &old).await.unwrap().is_some());
    // Three at once after each other: what was read a moment ago is not believed to be all there is.
    let mut old = vec![old];
    for number in 1..=3 {
        assert!(rotate(&world, &active(&world.store).await, Rotation::Replace(after(60)), number).await);
        let new = kid_that_signs(&world.store, issuer).await;
        let found = crate::parallel(8, |_| {
            let (node, new) = (node.clone(), new.clone());
            async move { node.verifying_key(issuer, &new).await.unwrap().is_some() }
        });
        assert_eq!(found.await, [true; 8], "{number}");
        assert!(node.verifying_key(issuer, "unknown").await.unwrap().is_none());
        old.push(new);
    }
    let new = old.pop().unwrap();
    let mut all = published(&node, issuer).await;
    assert_eq!(all.remove(0), new, "who signs comes first");
    all.sort();
    old.sort();
    assert_eq!(all, old);
    assert_eq!(kid_that_signs(&node, issuer).await, new, "and it signs with it too");
}

async fn a_key_dated_ahead_is_dated_anew_once(world: World) {
    let issuer = issuer(&world);
    kid_that_signs(&world.store, issuer).await;
    let key = active(&world.store).await;
    assert!(!world.store.date_key(&key, at(9)).await.unwrap(), "it was made at that moment");
    assert!(world.store.date_key(&key, at(-99)).await.unwrap());
    assert!(!world.store.date_key(&key, at(-99)).await.unwrap());
    assert_eq!(active(&world.store).await, KeyRecord { created_at: after(-99), ..key });
}

async fn pages_meet_every_key_once_and_those_that_turn_are_found(world: World) {
    let store = &world.store;
    let application = IssuerId::Application(world.application("notes").await.id);
    for (issuer, alg, day) in [
        (issuer(&world), KeyAlg::Rs256, 0),
        (issuer(&world), KeyAlg::Es256, 5),
        (application, KeyAlg::Es256, 9),
    ] {
        store.signing_key(issuer, alg, at(day * 86_400), &mut Seeded(day as u64)).await.unwrap();
    }
    let all = store.issuer_keys().await.unwrap();
    let old = all.iter().find(|key| key.alg == KeyAlg::Rs256).unwrap();
    assert!(store.rotate_key(old, Rotation::Publish, at(9 * 86_400), &mut Seeded(7)).await.unwrap());
    let all = store.issuer_keys().await.unwrap();
    let (mut met, mut place) = (Vec::new(), None);
    for _ in 0..all.len() {
        let page = store.issuer_key_page(place, 1).await.unwrap();
        place = page.last().map(|key| (key.issuer, key.alg, key.number));
        met.extend(page);
    }
    assert_eq!(met, all);
    assert!(store.issuer_key_page(place, 10).await.unwrap().is_empty());
    let own: Vec<_> = all.iter().filter(|key| key.issuer == application).cloned().collect();
    assert_eq!(store.keys_of_issuer(application).await.unwrap(), own);
    let mut turning = store.turning_keys(after(5 * 86_400)).await.unwrap();
    turning.sort_by_key(|key| (key.alg.as_str(), key.number));
    let turning: Vec<_> = turning.iter().map(|key| (key.alg, key.number, key.state)).collect();
    let young = (KeyAlg::Rs256, 2, KeyState::Next);
    assert_eq!(turning, [(KeyAlg::Es256, 1, KeyState::Active), (KeyAlg::Rs256, 1, KeyState::Active), young]);
}
