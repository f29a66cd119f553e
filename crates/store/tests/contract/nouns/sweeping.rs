use signet_protocol::{session::Session, throttle::Throttle, transaction::Transaction};

use super::{World, after, at, until};
use crate::on_worlds;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;

on_worlds!(
    only_the_expired_goes,
    more_than_a_batch_goes,
    a_reused_code_is_known_for_a_day,
    nothing_is_left_in_a_year
);

async fn only_the_expired_goes(world: World) {
    let user = world.user("alice").await;
    let short = Session { expires_at: after(60), ..world.new_session(&user) };
    assert_eq!(world.store.begin_session(&short, None, None, None, at(0)).await, Ok(true));
    let long = world.session(&user).await;
    let early = Transaction { expires_at: after(60), ..world.new_transaction() };
    let late = Transaction { expires_at: after(61), ..world.new_transaction() };
    for transaction in [&early, &late] {
        world.store.insert_transaction(transaction).await.unwrap();
    }
    assert_eq!(world.store.sweep(at(60 + HOUR - 1)).await, Ok(0), "kept for an hour");
    assert_eq!(world.store.sweep(at(60 + HOUR)).await, Ok(1));
    assert!(world.store.transaction(early.id).await.unwrap().is_none());
    assert!(world.store.transaction(late.id).await.unwrap().is_some());
    assert_eq!(world.store.sweep(at(61 + HOUR)).await, Ok(1));
    assert_eq!(world.store.sweep(at(60 + DAY - 1)).await, Ok(0), "kept for a day");
    assert_eq!(world.store.sweep(at(60 + DAY)).await, Ok(1));
    assert!(world.store.session(short.id).await.unwrap().is_none());
    assert!(world.store.session(long.id).await.unwrap().is_some());
    assert!(world.store.user(user.id).await.unwrap().is_some());
    assert_eq!(world.store.sweep(at(60 + DAY)).await, Ok(0));
}

async fn more_than_a_batch_goes(world: World) {
    crate::parallel(1001, |number| {
        let store = world.store.clone();
        async move {
            let counter = Throttle::default().network(&number.to_be_bytes());
            store.reserve_attempts(&[counter], at(0)).await.unwrap().unwrap();
        }
    })
    .await;
    assert_eq!(world.store.sweep(at(YEAR)).await, Ok(1001));
    assert_eq!(world.store.sweep(at(YEAR)).await, Ok(0));
}

async fn a_reused_code_is_known_for_a_day(world: World) {
    let code = world.code(false).await;
    assert_eq!(world.store.redeem_code(code.id, code.grant.id, None, until(1), at(1)).await, Ok(true));
    world.store.sweep(at(600 + DAY - 1)).await.unwrap();
    let stored = world.store.code(code.id).await.unwrap().unwrap();
    assert_eq!((stored.consumed_at, stored.grant.id), (Some(after(1)), code.grant.id));
    world.store.sweep(at(600 + DAY)).await.unwrap();
    assert!(world.store.code(code.id).await.unwrap().is_none());
}

async fn nothing_is_left_in_a_year(world: World) {
    let (family, grant) = world.family(true).await;
    world.store.revoke_grant(grant, at(1)).await.unwrap();
    // A session, a grant, a code, a chain, a denial and the change that told of it.
    assert_eq!(world.store.sweep(at(YEAR)).await, Ok(6));
    assert!(world.store.refresh_family(family).await.unwrap().is_none());
    assert!(!world.is_revoked(grant).await);
}
