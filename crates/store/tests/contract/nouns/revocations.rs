use std::time::{Duration, Instant};

use signet_protocol::{
    application::Application, id::GrantId, issuer::IssuerId, jose::KeyAlg, limits::ACCESS_TOKEN_EXPIRE_MAX,
    user::User,
};
use signet_store::{Applied, Change};
use signet_testkit::seed::Seeded;

use super::{World, after, at, winners};
use crate::on_worlds;

const DAY: i64 = 86_400;

on_worlds!(
    attack_27_a_revoked_grant_is_revoked_at_once_and_after_a_restart,
    a_grant_is_revoked_once,
    a_revocation_that_was_done_before_is_in_force_when_it_is_answered,
    one_token_can_be_revoked_by_its_jti,
    attack_27_logout_revokes_what_is_not_offline,
    a_revocation_outlives_its_grant_by_a_day,
    whoever_is_told_to_revoke_again_knows_it_at_once,
    a_caller_that_leaves_does_not_lose_the_revocation,
);

async fn attack_27_a_revoked_grant_is_revoked_at_once_and_after_a_restart(world: World) {
    let (mine, other) = (world.code(true).await.grant.id, world.code(true).await.grant.id);
    assert!(!world.is_revoked(mine).await);
    assert_eq!(world.store.revoke_grant(mine, at(1)).await, Ok(true));
    assert!(world.is_revoked(mine).await);
    assert!(!world.is_revoked(other).await);
    assert!(!world.store.is_revoked(None, "any"));
}

async fn a_grant_is_revoked_once(world: World) {
    let grant = world.code(true).await.grant.id;
    let won = winners(&world, |store, _| async move { store.revoke_grant(grant, at(1)).await.unwrap() });
    assert_eq!(won.await, 1);
    assert_eq!(world.store.revoke_grant(world.row_id(), at(1)).await, Ok(false));
}

/// By another node, or by an earlier try whose answer was lost.
async fn a_revocation_that_was_done_before_is_in_force_when_it_is_answered(world: World) {
    let grant = world.code(true).await.grant.id;
    let node = world.again().await;
    assert_eq!(world.store.revoke_grant(grant, at(1)).await, Ok(true));
    assert_eq!(node.revoke_grant(grant, at(2)).await, Ok(false));
    assert!(node.is_revoked(Some(grant), "any"));
}

async fn one_token_can_be_revoked_by_its_jti(world: World) {
    for _ in 0..2 {
        world.store.revoke_jti("one", after(60), at(0)).await.unwrap();
    }
    for store in [&world.store, &world.again().await] {
        assert!(store.is_revoked(None, "one"));
        assert!(store.is_revoked(Some(world.row_id()), "one"));
        assert!(!store.is_revoked(None, "other"));
    }
    assert!(world.store.sweep(at(DAY + 60)).await.unwrap() > 0);
    assert!(!world.store.is_revoked(None, "one"), "it has expired by itself");
}

async fn attack_27_logout_revokes_what_is_not_offline(world: World) {
    let user = world.user("alice").await;
    let (session, elsewhere) = (world.session(&user).await, world.session(&user).await);
    let grants = [(&session, false), (&session, true), (&elsewhere, false)]
        .map(|(session, offline)| world.new_grant(session, world.new_application("notes").id, offline));
    for grant in &grants {
        let code = world.new_code(grant.clone());
        assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    }
    assert_eq!(world.store.end_session(session.id, at(1)).await, Ok(true));
    for (grant, revoked) in grants.iter().zip([true, false, false]) {
        assert_eq!(world.is_revoked(grant.id).await, revoked);
    }
}

/// A clock that was ahead for less than a day has not made anybody forget.
async fn a_revocation_outlives_its_grant_by_a_day(world: World) {
    let end = 90 * DAY;
    for by_logout in [false, true] {
        let code = world.code(false).await;
        assert_eq!(world.store.redeem_code(code.id, code.grant.id, None, after(end), at(1)).await, Ok(true));
        let revoked = match by_logout {
            false => world.store.revoke_grant(code.grant.id, at(2)).await,
            true => world.store.end_session(code.grant.session, at(2)).await,
        };
        assert_eq!(revoked, Ok(true));
        world.store.sweep(at(end + DAY - 1)).await.unwrap();
        assert!(world.is_revoked(code.grant.id).await);
        world.store.sweep(at(end + DAY)).await.unwrap();
        assert!(!world.is_revoked(code.grant.id).await, "nothing made from it is alive");
    }
}

/// Two nodes that do not follow each other yet.
async fn whoever_is_told_to_revoke_again_knows_it_at_once(world: World) {
    let other = world.again().await;
    let code = world.code(true).await;
    assert_eq!(world.store.revoke_grant(code.grant.id, at(1)).await, Ok(true));
    assert_eq!(other.revoke_grant(code.grant.id, at(2)).await, Ok(false));
    assert!(other.is_revoked(Some(code.grant.id), "any"));

    // A logout and a block include what was revoked before them.
    let early = world.code(false).await;
    assert_eq!(world.store.revoke_grant(early.grant.id, at(1)).await, Ok(true));
    assert_eq!(other.end_session(early.grant.session, at(2)).await, Ok(true));
    assert!(other.is_revoked(Some(early.grant.id), "any"));
    let blocked = world.code(false).await;
    assert_eq!(world.store.revoke_grant(blocked.grant.id, at(1)).await, Ok(true));
    let user = other.user(blocked.grant.user).await.unwrap().unwrap();
    let change = Change::UpdateUser(User { blocked: true, ..User::clone(&user) });
    assert_eq!(other.apply(vec![change], at(2), &mut Seeded(1)).await, Ok(Applied::Done));
    assert!(other.is_revoked(Some(blocked.grant.id), "any"));

    let online = world.code(false).await;
    assert_eq!(world.store.end_session(online.grant.session, at(1)).await, Ok(true));
    assert_eq!(other.end_session(online.grant.session, at(2)).await, Ok(false));
    assert!(other.is_revoked(Some(online.grant.id), "any"));
}

async fn a_caller_that_leaves_does_not_lose_the_revocation(world: World) {
    for _ in 0..10 {
        let grant = world.code(true).await.grant.id;
        let store = world.store.clone();
        let task = tokio::spawn(async move { store.revoke_grant(grant, at(1)).await });
        tokio::task::yield_now().await;
        task.abort();
        let _aborted = task.await;
        // Either it was never begun, or memory follows what was stored.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(
            world.store.is_revoked(Some(grant), "any"),
            world.again().await.is_revoked(Some(grant), "any")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_node_follows_within_two_seconds() {
    let world = World::postgres().await;
    let other = world.again().await;
    let application = world.application("notes").await;
    assert!(eventually(async || other.application(application.id).await.unwrap().is_some()).await);
    let issuer = IssuerId::Pool(world.store.pool().id);
    assert!(other.published_keys(issuer).await.unwrap().is_empty());
    world.store.signing_key(issuer, KeyAlg::Es256, at(1), &mut Seeded(3)).await.unwrap();
    assert!(eventually(async || !other.published_keys(issuer).await.unwrap().is_empty()).await, "keys");

    let renamed = Application { name: "Renamed".to_owned(), ..(*application).clone() };
    world.apply(Change::UpdateApplication(renamed)).await;
    let is_renamed = async || other.application(application.id).await.unwrap().unwrap().name == "Renamed";
    assert!(eventually(is_renamed).await, "applications");

    let grants: Vec<GrantId> =
        [world.code(true).await, world.code(true).await].map(|code| code.grant.id).into();
    for (grant, seconds) in grants.iter().zip([2, 3]) {
        assert_eq!(world.store.revoke_grant(*grant, at(seconds)).await, Ok(true));
        assert!(eventually(async || other.is_revoked(Some(*grant), "any")).await, "revocations");
    }
    world.store.revoke_jti("one", after(ACCESS_TOKEN_EXPIRE_MAX), at(3)).await.unwrap();
    assert!(eventually(async || other.is_revoked(None, "one")).await, "tokens");
}

/// However wrong the clock of one node is, what it writes and what the others write after it is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_is_wrong_hides_nothing() {
    let world = World::postgres().await;
    let other = world.again().await;
    for seconds in [60, 1, 900, 2, -900, 3, 86_400, 4, -86_400, 5] {
        let grant = world.code(true).await.grant.id;
        assert_eq!(world.store.revoke_grant(grant, at(seconds)).await, Ok(true));
        assert!(eventually(async || other.is_revoked(Some(grant), "any")).await, "at {seconds}");
    }
}

pub async fn eventually(holds: impl AsyncFn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    holds().await
}
