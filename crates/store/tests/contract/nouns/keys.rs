use std::sync::Arc;

use signet_protocol::{issuer::IssuerId, jose::KeyAlg};
use signet_testkit::seed::Seeded;

use super::{World, at};
use crate::on_worlds;

on_worlds!(
    a_key_is_made_once_and_kept,
    many_first_uses_make_one_key,
    nodes_agree_on_one_key,
    issuers_and_algorithms_have_keys_of_their_own,
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
