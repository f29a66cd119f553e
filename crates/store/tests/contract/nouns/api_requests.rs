//! Repeated requests to the admin API.

use signet_protocol::secret::SecretHash;
use signet_store::{API_REQUEST_KEPT, API_REQUEST_RUNS, Begun};
use signet_testkit::{race::race, seed::Seeded};

use super::{World, at};
use crate::on_worlds;

on_worlds!(
    a_request_is_done_once_and_answered_again,
    of_many_at_once_one_is_done,
    a_request_that_was_broken_off_is_done_again,
);

pub async fn begin(world: &World, key: &str, body: &str, second: i64) -> Begun {
    let hash = |text: &str| SecretHash::of("test", text.as_bytes());
    world.store.begin_api_request(hash(key), hash(body), at(second)).await.unwrap()
}

async fn a_request_is_done_once_and_answered_again(world: World) {
    let Begun::First(running) = begin(&world, "key", "body", 0).await else { panic!("it was never begun") };
    assert!(matches!(begin(&world, "key", "body", 0).await, Begun::Running));
    assert!(matches!(begin(&world, "key", "another", 0).await, Begun::Other));
    let mut seed = Seeded(1);
    let finish = world.store.finish_api_request(running, b"the answer", at(1), &mut seed);
    assert_eq!(finish.await, Ok(()));
    for second in [1, API_REQUEST_RUNS.0, API_REQUEST_KEPT.0] {
        let Begun::Done(answer) = begin(&world, "key", "body", second).await else { panic!("{second}") };
        assert_eq!(answer.expose(), b"the answer");
    }
    assert!(matches!(begin(&world, "key", "another", 2).await, Begun::Other));
    let later = API_REQUEST_KEPT.0 + 1;
    assert!(matches!(begin(&world, "key", "another", later).await, Begun::First(_)));
}

async fn of_many_at_once_one_is_done(world: World) {
    let world = std::sync::Arc::new(world);
    let begun = race(8, |_| {
        let world = world.clone();
        async move { begin(&world, "key", "body", 0).await }
    })
    .await;
    let first = begun.iter().filter(|begun| matches!(begun, Begun::First(_))).count();
    let running = begun.iter().filter(|begun| matches!(begun, Begun::Running)).count();
    assert_eq!((first, running), (1, 7));
}

async fn a_request_that_was_broken_off_is_done_again(world: World) {
    let Begun::First(failed) = begin(&world, "key", "body", 0).await else { panic!("it was never begun") };
    assert_eq!(world.store.forget_api_request(failed).await, Ok(()));
    let Begun::First(lost) = begin(&world, "key", "body", 1).await else { panic!("it was forgotten") };
    assert!(matches!(begin(&world, "key", "body", API_REQUEST_RUNS.0).await, Begun::Running));
    let again = begin(&world, "key", "body", API_REQUEST_RUNS.0 + 1).await;
    let Begun::First(_) = again else { panic!("it was at work too long: {again:?}") };
    // What comes late is not taken for the answer of the second.
    let mut seed = Seeded(1);
    let late = world.store.finish_api_request(lost, b"late", at(200), &mut seed);
    assert_eq!(late.await, Ok(()));
    assert!(matches!(begin(&world, "key", "body", 200).await, Begun::Running));
}
