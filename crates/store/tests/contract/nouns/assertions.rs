use signet_protocol::secret::SecretHash;

use super::{World, after, at, winners};
use crate::on_worlds;

const HOUR: i64 = 3600;

on_worlds!(
    attack_08_an_assertion_is_spent_once_by_whoever_comes_first,
    attack_08_it_stays_spent_at_other_nodes_and_after_a_restart,
    attack_08_it_is_remembered_longer_than_it_is_good,
);

fn key(name: &str) -> SecretHash {
    SecretHash::of("test", name.as_bytes())
}

async fn attack_08_an_assertion_is_spent_once_by_whoever_comes_first(world: World) {
    let spend = |store: signet_store::Store, _| async move {
        store.spend_assertion(key("one"), after(60)).await.unwrap()
    };
    assert_eq!(winners(&world, spend).await, 1);
    assert_eq!(world.store.spend_assertion(key("other"), after(60)).await, Ok(true));
}

async fn attack_08_it_stays_spent_at_other_nodes_and_after_a_restart(world: World) {
    assert_eq!(world.store.spend_assertion(key("one"), after(60)).await, Ok(true));
    assert_eq!(world.again().await.spend_assertion(key("one"), after(60)).await, Ok(false));
}

async fn attack_08_it_is_remembered_longer_than_it_is_good(world: World) {
    assert_eq!(world.store.spend_assertion(key("one"), after(60)).await, Ok(true));
    world.store.sweep(at(60 + HOUR - 1)).await.unwrap();
    assert_eq!(world.store.spend_assertion(key("one"), after(60)).await, Ok(false));
    assert_eq!(world.store.sweep(at(60 + HOUR)).await, Ok(1));
    assert_eq!(world.store.spend_assertion(key("one"), after(60)).await, Ok(true));
}
