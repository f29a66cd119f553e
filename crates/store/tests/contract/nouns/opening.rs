use signet_store::{Database, MasterKey, Options, Store, StoreError};
use signet_testkit::{postgres::fresh_database, seed::Seeded};

use super::{World, at, noon};
use crate::on_worlds;

on_worlds!(
    the_pool_is_the_same_after_a_restart,
    another_master_key_is_refused,
    a_closed_store_refuses_writes
);

async fn the_pool_is_the_same_after_a_restart(world: World) {
    let (before, again) = (world.store.pool().clone(), world.again().await);
    let after = again.pool();
    assert_eq!(after.id, before.id);
    assert_eq!(after.name, before.name);
    assert_eq!(after.refresh_key, before.refresh_key);
    assert_eq!(after.csrf_key, before.csrf_key);
    assert_eq!(after.device_key, before.device_key);
    assert_ne!(after.refresh_key, after.csrf_key);
    again.ping().await.unwrap();
}

async fn another_master_key_is_refused(world: World) {
    let options = Options { master_key: MasterKey::from_bytes([9; 32]), ..world.options.clone() };
    let refused = Store::open(options, at(0), &mut Seeded(2)).await.err();
    assert_eq!(refused, Some(StoreError::KeyMismatch));
}

async fn a_closed_store_refuses_writes(world: World) {
    world.store.clone().close().await;
    let refused = world.store.insert_transaction(&world.new_transaction()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_share_one_pool() {
    let url = fresh_database();
    let opened = crate::parallel(6, |number| {
        let database = Database::Postgres(url.clone());
        let options = Options { database, master_key: MasterKey::from_bytes([7; 32]), clock: noon() };
        let opening = Store::open(options, at(0), &mut Seeded(number as u64));
        async move { opening.await.unwrap().pool().id }
    })
    .await;
    assert!(opened.iter().all(|pool| *pool == opened[0]), "{opened:?}");
}
