use signet_protocol::{secret::SecretHash, throttle::ACCOUNT_FREE, time::Seconds};

use super::{World, at, winners};
use crate::on_worlds;

on_worlds!(
    attack_14_parallel_attempts_never_exceed_the_free_number,
    attack_14_waiting_outlives_a_restart,
    the_right_password_clears_the_counter,
    a_returned_attempt_is_free_again,
    attempts_are_forgotten_in_time,
);

fn subject(name: &str) -> SecretHash {
    SecretHash::of("account", name.as_bytes())
}

async fn reserve(world: &World, name: &str, seconds: i64) -> Result<(), Seconds> {
    world.store.reserve_attempt(&subject(name), ACCOUNT_FREE, at(seconds)).await.unwrap()
}

async fn attack_14_parallel_attempts_never_exceed_the_free_number(world: World) {
    let mut passed = 0;
    for _ in 0..4 {
        passed += winners(&world, |store, _| async move {
            store.reserve_attempt(&subject("alice"), ACCOUNT_FREE, at(0)).await.unwrap().is_ok()
        })
        .await;
    }
    assert_eq!(i64::try_from(passed), Ok(ACCOUNT_FREE));
    assert_eq!(reserve(&world, "bob", 0).await, Ok(()));
}

async fn attack_14_waiting_outlives_a_restart(world: World) {
    for _ in 0..ACCOUNT_FREE {
        assert_eq!(reserve(&world, "alice", 0).await, Ok(()));
    }
    let again = world.again().await;
    let refused = again.reserve_attempt(&subject("alice"), ACCOUNT_FREE, at(1)).await;
    assert_eq!(refused, Ok(Err(Seconds(1))));
    assert_eq!(again.reserve_attempt(&subject("alice"), ACCOUNT_FREE, at(2)).await, Ok(Ok(())));
    assert_eq!(reserve(&world, "alice", 2).await, Err(Seconds(4)));
}

async fn the_right_password_clears_the_counter(world: World) {
    for _ in 0..ACCOUNT_FREE {
        assert_eq!(reserve(&world, "alice", 0).await, Ok(()));
    }
    assert!(reserve(&world, "alice", 0).await.is_err());
    world.store.clear_attempts(&subject("alice")).await.unwrap();
    assert_eq!(reserve(&world, "alice", 0).await, Ok(()));
}

async fn a_returned_attempt_is_free_again(world: World) {
    world.store.return_attempt(&subject("address")).await.unwrap();
    for _ in 0..3 * ACCOUNT_FREE {
        assert_eq!(reserve(&world, "address", 0).await, Ok(()));
        world.store.return_attempt(&subject("address")).await.unwrap();
    }
    for _ in 0..ACCOUNT_FREE {
        assert_eq!(reserve(&world, "address", 0).await, Ok(()));
    }
    world.store.return_attempt(&subject("address")).await.unwrap();
    assert!(reserve(&world, "address", 0).await.is_err(), "a wait that has begun stays");
}

async fn attempts_are_forgotten_in_time(world: World) {
    for _ in 0..ACCOUNT_FREE - 1 {
        assert_eq!(reserve(&world, "alice", 0).await, Ok(()));
    }
    for _ in 0..ACCOUNT_FREE {
        assert_eq!(reserve(&world, "alice", 3601).await, Ok(()));
    }
    assert_eq!(reserve(&world, "alice", 3601).await, Err(Seconds(2)));
}
