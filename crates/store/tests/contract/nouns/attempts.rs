use signet_protocol::{
    secret::SecretHash,
    throttle::{Counter, WINDOW},
    time::Seconds,
};
use signet_store::Store;

use super::{World, at, winners};
use crate::on_worlds;

on_worlds!(
    attack_14_parallel_attempts_never_exceed_the_free_number,
    attack_14_waiting_outlives_a_restart,
    any_number_within_the_bounds_pass_at_once,
    of_many_after_a_wait_one_passes,
    the_longest_wait_wins,
    a_refused_attempt_is_counted_nowhere,
    the_right_password_clears_its_own_counter_only,
    a_returned_attempt_is_free_again,
    attempts_are_forgotten_in_time,
    a_window_that_ended_starts_anew_for_all_at_once,
);

/// A counter of `free` attempts, then of waits up to `wait_max`.
fn counter(name: &str, free: i64, wait_max: i64) -> Counter {
    let (subject, wait_max) = (SecretHash::of("test", name.as_bytes()), Seconds(wait_max));
    Counter { subject, free, window: WINDOW, wait_min: Seconds(2), wait_max }
}

fn ten(name: &str) -> Counter {
    counter(name, 10, 900)
}

async fn reserve(store: &Store, counters: &[Counter], seconds: i64) -> Result<(), Seconds> {
    store.reserve_attempts(counters, at(seconds)).await.unwrap()
}

async fn use_up(world: &World, counter: Counter, seconds: i64) {
    for _ in 0..counter.free {
        assert_eq!(reserve(&world.store, &[counter], seconds).await, Ok(()));
    }
}

/// How many more attempts pass before there is a wait.
async fn left(world: &World, counter: Counter, seconds: i64) -> i64 {
    let mut passed = 0;
    while reserve(&world.store, &[counter], seconds).await.is_ok() {
        passed += 1;
    }
    passed
}

async fn attack_14_parallel_attempts_never_exceed_the_free_number(world: World) {
    let mut passed = 0;
    for _ in 0..4 {
        passed += winners(&world, |store, _| async move {
            reserve(&store, &[ten("alice"), counter("net", 500, 5)], 0).await.is_ok()
        })
        .await;
    }
    assert_eq!(passed, 10);
    assert_eq!(reserve(&world.store, &[ten("bob")], 0).await, Ok(()));
}

async fn attack_14_waiting_outlives_a_restart(world: World) {
    use_up(&world, ten("alice"), 0).await;
    let again = world.again().await;
    assert_eq!(reserve(&again, &[ten("alice")], 1).await, Err(Seconds(1)));
    assert_eq!(reserve(&again, &[ten("alice")], 2).await, Ok(()));
    assert_eq!(reserve(&world.store, &[ten("alice")], 2).await, Err(Seconds(4)));
}

async fn any_number_within_the_bounds_pass_at_once(world: World) {
    let (all, net) = (counter("all", 64, 900), counter("net", 100, 5));
    let won = winners(&world, |store, number| async move {
        let own = ten(&number.to_string());
        reserve(&store, &[own, all, net], 0).await.is_ok()
    });
    assert_eq!(won.await, 64);
    assert_eq!(reserve(&world.store, &[all], 0).await, Err(Seconds(2)));
    assert_eq!(left(&world, net, 0).await, 36);
}

async fn of_many_after_a_wait_one_passes(world: World) {
    use_up(&world, ten("alice"), 0).await;
    let net = counter("net", 100, 5);
    let won =
        winners(&world, |store, _| async move { reserve(&store, &[ten("alice"), net], 2).await.is_ok() });
    assert_eq!(won.await, 1);
    assert_eq!(reserve(&world.store, &[ten("alice")], 2).await, Err(Seconds(4)));
    assert_eq!(left(&world, net, 2).await, 99);
}

async fn the_longest_wait_wins(world: World) {
    let (short, long) = (counter("short", 2, 1), counter("long", 3, 900));
    use_up(&world, short, 0).await;
    use_up(&world, long, 0).await;
    let free = ten("alice");
    assert_eq!(reserve(&world.store, &[free, short, long], 0).await, Err(Seconds(2)));
    assert_eq!(reserve(&world.store, &[long, short, free], 0).await, Err(Seconds(2)));
    assert_eq!(reserve(&world.store, &[short, free], 0).await, Err(Seconds(1)));
    assert_eq!(reserve(&world.store, &[short, free], 1).await, Ok(()));
}

async fn a_refused_attempt_is_counted_nowhere(world: World) {
    let (name, net) = (counter("name", 50, 30), counter("net", 100, 5));
    use_up(&world, ten("alice"), 0).await;
    let counters = [ten("alice"), name, net];
    let passed = winners(&world, |store, _| async move { reserve(&store, &counters, 1).await.is_ok() }).await;
    assert_eq!(passed, 0);
    assert_eq!(reserve(&world.store, &counters, 2).await, Ok(()), "the wait did not grow");
    assert_eq!(left(&world, name, 2).await, 49);
    assert_eq!(left(&world, net, 2).await, 99);
}

async fn the_right_password_clears_its_own_counter_only(world: World) {
    let net = counter("net", 20, 5);
    for _ in 0..10 {
        assert_eq!(reserve(&world.store, &[ten("alice"), net], 0).await, Ok(()));
    }
    assert!(reserve(&world.store, &[ten("alice"), net], 0).await.is_err());
    world.store.settle_attempts(&[ten("alice").subject], &[net.subject]).await.unwrap();
    assert_eq!(left(&world, ten("alice"), 0).await, 10);
    assert_eq!(left(&world, net, 0).await, 11, "one of ten came back");
}

async fn a_returned_attempt_is_free_again(world: World) {
    let shared = [ten("shared").subject];
    world.store.settle_attempts(&[], &shared).await.unwrap();
    for _ in 0..30 {
        assert_eq!(reserve(&world.store, &[ten("shared")], 0).await, Ok(()));
        world.store.settle_attempts(&[], &shared).await.unwrap();
    }
    use_up(&world, ten("shared"), 0).await;
    for _ in 0..5 {
        world.store.settle_attempts(&[], &shared).await.unwrap();
    }
    assert_eq!(
        reserve(&world.store, &[ten("shared")], 1).await,
        Err(Seconds(1)),
        "a wait that has begun stays"
    );
    assert_eq!(reserve(&world.store, &[ten("shared")], 2).await, Ok(()));
}

async fn attempts_are_forgotten_in_time(world: World) {
    for seconds in 0..9 {
        assert_eq!(reserve(&world.store, &[ten("alice")], seconds).await, Ok(()));
    }
    assert_eq!(left(&world, ten("alice"), 3599).await, 1, "the window does not move");
    let end = 3599 + 2 + 3600;
    assert_eq!(left(&world, ten("alice"), end - 1).await, 1, "nor does it end with the wait");
    assert_eq!(left(&world, ten("alice"), end + 4 + 3600).await, 10);
}

async fn a_window_that_ended_starts_anew_for_all_at_once(world: World) {
    let name = counter("name", 64, 30);
    use_up(&world, name, 0).await;
    let won = winners(&world, |store, _| async move { reserve(&store, &[name], 3602).await.is_ok() });
    assert_eq!(won.await, 64);
    assert_eq!(reserve(&world.store, &[name], 3602).await, Err(Seconds(2)));
}
