use signet_protocol::refresh::REPEATS_MAX;

use super::{World, after, at, winners};
use crate::on_worlds;

on_worlds!(
    attack_06_one_of_many_rotates_a_chain,
    repeats_are_counted_and_bounded,
    a_chain_that_moved_on_repeats_nothing,
    attack_27_a_revoked_grant_ends_its_chain,
);

async fn attack_06_one_of_many_rotates_a_chain(world: World) {
    let (id, _) = world.family(true).await;
    for generation in 0..3 {
        let won =
            winners(&world, |store, _| async move { store.rotate(id, generation, at(9)).await.unwrap() });
        assert_eq!(won.await, 1);
        let stored = world.again().await.refresh_family(id).await.unwrap().unwrap();
        assert_eq!((stored.generation, stored.rotated_at), (generation + 1, after(9)));
    }
    assert_eq!(world.again().await.rotate(id, 0, at(10)).await, Ok(false), "nor after a restart");
}

async fn repeats_are_counted_and_bounded(world: World) {
    let (id, _) = world.family(true).await;
    assert_eq!(world.store.rotate(id, 0, at(1)).await, Ok(true));
    let mut won = 0;
    for _ in 0..3 {
        won += winners(&world, |store, _| async move { store.repeat(id, 1).await.unwrap() }).await;
    }
    assert_eq!(i64::try_from(won), Ok(REPEATS_MAX), "of three races together");
    assert_eq!(world.store.refresh_family(id).await.unwrap().unwrap().repeats, REPEATS_MAX);
    assert_eq!(world.store.rotate(id, 1, at(2)).await, Ok(true));
    assert_eq!(world.store.refresh_family(id).await.unwrap().unwrap().repeats, 0);
}

async fn a_chain_that_moved_on_repeats_nothing(world: World) {
    let (id, _) = world.family(true).await;
    assert_eq!(world.store.rotate(id, 0, at(1)).await, Ok(true));
    assert_eq!(world.store.repeat(id, 0).await, Ok(false));
    assert_eq!(world.store.repeat(id, 2).await, Ok(false));
    assert_eq!(world.store.repeat(id, 1).await, Ok(true));
}

async fn attack_27_a_revoked_grant_ends_its_chain(world: World) {
    let (id, grant) = world.family(true).await;
    assert_eq!(world.store.revoke_grant(grant, at(1)).await, Ok(true));
    assert_eq!(world.store.rotate(id, 0, at(2)).await, Ok(false));
    assert_eq!(world.store.repeat(id, 0).await, Ok(false));
    let stored = world.store.refresh_family(id).await.unwrap().unwrap();
    assert_eq!((stored.generation, stored.grant.revoked_at), (0, Some(after(1))));
}
