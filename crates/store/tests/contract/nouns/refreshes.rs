use signet_protocol::refresh::REPEATS_MAX;

use super::{World, after, at, until, winners};
use crate::on_worlds;

on_worlds!(
    attack_06_one_of_many_rotates_a_chain,
    repeats_are_counted_and_bounded,
    a_chain_that_moved_on_repeats_nothing,
    attack_27_a_revoked_grant_ends_its_chain,
    attack_27_a_rotation_never_outruns_a_revocation,
    each_refresh_keeps_the_grant_for_its_access_token,
    attack_05_a_chain_moves_on_by_its_own_grant_only,
);

async fn attack_06_one_of_many_rotates_a_chain(world: World) {
    let (id, grant) = world.family(true).await;
    for generation in 0..3 {
        let won = winners(&world, |store, _| async move {
            store.rotate(id, grant, generation, until(9), at(9)).await.unwrap()
        });
        assert_eq!(won.await, 1);
        let stored = world.again().await.refresh_family(id).await.unwrap().unwrap();
        assert_eq!((stored.generation, stored.rotated_at), (generation + 1, after(9)));
    }
    assert_eq!(
        world.again().await.rotate(id, grant, 0, until(10), at(10)).await,
        Ok(false),
        "nor after a restart"
    );
}

async fn repeats_are_counted_and_bounded(world: World) {
    let (id, grant) = world.family(true).await;
    assert_eq!(world.store.rotate(id, grant, 0, until(1), at(1)).await, Ok(true));
    let mut won = 0;
    for _ in 0..3 {
        let race =
            winners(&world, |store, _| async move { store.repeat(id, grant, 1, until(1)).await.unwrap() });
        won += race.await;
    }
    assert_eq!(i64::try_from(won), Ok(REPEATS_MAX), "of three races together");
    assert_eq!(world.store.refresh_family(id).await.unwrap().unwrap().repeats, REPEATS_MAX);
    assert_eq!(world.store.rotate(id, grant, 1, until(2), at(2)).await, Ok(true));
    assert_eq!(world.store.refresh_family(id).await.unwrap().unwrap().repeats, 0);
}

async fn a_chain_that_moved_on_repeats_nothing(world: World) {
    let (id, grant) = world.family(true).await;
    assert_eq!(world.store.rotate(id, grant, 0, until(1), at(1)).await, Ok(true));
    assert_eq!(world.store.repeat(id, grant, 0, until(2)).await, Ok(false));
    assert_eq!(world.store.repeat(id, grant, 2, until(2)).await, Ok(false));
    assert_eq!(world.store.repeat(id, grant, 1, until(2)).await, Ok(true));
}

async fn attack_27_a_revoked_grant_ends_its_chain(world: World) {
    let (id, grant) = world.family(true).await;
    assert_eq!(world.store.revoke_grant(grant, at(1)).await, Ok(true));
    assert_eq!(world.store.rotate(id, grant, 0, until(2), at(2)).await, Ok(false));
    assert_eq!(world.store.repeat(id, grant, 0, until(2)).await, Ok(false));
    let stored = world.store.refresh_family(id).await.unwrap().unwrap();
    assert_eq!((stored.generation, stored.grant.revoked_at), (0, Some(after(1))));
}

/// However the two interleave, nothing can be made after them, and what was made before is denied until it ends.
async fn attack_27_a_rotation_never_outruns_a_revocation(world: World) {
    for turn in 0..32 {
        let (id, grant) = world.family(true).await;
        let (end, store) = (after(5_000_000 + turn), world.store.clone());
        let rotating = tokio::spawn(async move { store.rotate(id, grant, 0, end, at(5)).await.unwrap() });
        let store = world.store.clone();
        let revoking = tokio::spawn(async move { store.revoke_grant(grant, at(5)).await.unwrap() });
        let (rotated, revoked) = (rotating.await.unwrap(), revoking.await.unwrap());
        assert!(revoked);
        let stored = world.store.refresh_family(id).await.unwrap().unwrap();
        assert_eq!(stored.grant.revoked_at, Some(after(5)));
        assert_eq!(stored.generation, i64::from(rotated), "turn {turn}");
        assert_eq!(stored.grant.expires_at == end, rotated, "a refused rotation leaves nothing");
        assert_eq!(world.store.rotate(id, grant, stored.generation, end, at(6)).await, Ok(false));
        assert_eq!(world.store.repeat(id, grant, stored.generation, end).await, Ok(false));
        world.store.sweep(at(stored.grant.expires_at.0 - after(0).0 - 1)).await.unwrap();
        assert!(world.is_revoked(grant).await, "turn {turn}");
    }
}

async fn each_refresh_keeps_the_grant_for_its_access_token(world: World) {
    let (id, grant) = world.family(true).await;
    let kept = async || world.store.refresh_family(id).await.unwrap().unwrap().grant.expires_at;
    let begun = kept().await;
    assert_eq!(world.store.rotate(id, grant, 0, until(1), at(1)).await, Ok(true));
    assert_eq!(kept().await, begun, "it is kept for longer already");
    assert_eq!(world.store.rotate(id, grant, 1, after(5_000_000), at(2)).await, Ok(true));
    assert_eq!(kept().await, after(5_000_000));
    assert_eq!(world.store.repeat(id, grant, 2, after(5_000_001)).await, Ok(true));
    assert_eq!(kept().await, after(5_000_001));
    assert_eq!(world.store.rotate(id, grant, 2, None, at(3)).await, Ok(true));
    assert_eq!(kept().await, after(5_000_001), "whoever read that leaves it");
}

async fn attack_05_a_chain_moves_on_by_its_own_grant_only(world: World) {
    let ((id, grant), (_, other)) = (world.family(true).await, world.family(true).await);
    assert_eq!(world.store.rotate(id, other, 0, until(1), at(1)).await, Ok(false));
    assert_eq!(world.store.rotate(id, grant, 0, until(1), at(1)).await, Ok(true));
    assert_eq!(world.store.repeat(id, other, 1, until(1)).await, Ok(false));
}
