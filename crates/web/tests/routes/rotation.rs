//! Signing keys that are replaced by themselves.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use signet_protocol::{
    id::AppId,
    issuer::IssuerId,
    jose::{KeyAlg, SigningAlg},
    time::Seconds,
};
use signet_store::{KeyRecord, KeyState};
use signet_testkit::{jwt::Jwt, seed::Seeded};
use signet_web::{Signet, manage::keys::automatic};

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{World, on_both_engines},
};

const DAY: i64 = 86_400;
const EVERY: Seconds = Seconds(90 * DAY);

on_both_engines!(no_client_fails_while_keys_come_and_go, of_two_nodes_one_takes_each_step,);

async fn round(signet: &Signet) -> usize {
    automatic::round(signet, EVERY).await.unwrap()
}

async fn keys(world: &World) -> Vec<KeyRecord> {
    world.signet().store().issuer_keys().await.unwrap()
}

async fn states(world: &World) -> Vec<KeyState> {
    keys(world).await.iter().map(|key| key.state).collect()
}

/// A client of ES256 with a session that lasts.
async fn client(world: &Arc<World>) -> Rp {
    world.user("alice", |_| {}).await;
    Rp::new(world, "notes", |application| {
        let settings = &mut application.settings;
        settings.id_token_signed_response_alg = SigningAlg::Es256;
        settings.access_token_signed_response_alg = SigningAlg::Es256;
        settings.access_token_expire = Seconds(DAY);
        settings.refresh_token_expire = Seconds(365 * DAY);
    })
    .await
}

/// A relying party that asks for the key set once a day and never because of a token.
struct Daily {
    jwks: Value,
    asked_at: i64,
}

impl Daily {
    async fn verify(&mut self, rp: &Rp, jwt: &Jwt) {
        if rp.world.now() - self.asked_at >= DAY {
            *self = Daily { jwks: rp.jwks().await, asked_at: rp.world.now() };
        }
        assert!(jwt.verifies_with(&self.jwks), "{} {}", jwt.header, self.jwks);
    }
}

async fn no_client_fails_while_keys_come_and_go(world: Arc<World>) {
    let rp = client(&world).await;
    let mut daily = Daily { jwks: Value::Null, asked_at: 0 };
    let mut tokens = rp.tokens("alice", OFFLINE).await;
    let (mut kids, mut old) = (BTreeSet::new(), tokens.clone());
    for step in 0..(300 * 2) {
        round(&world.signet()).await;
        if step % 50 == 49 {
            world.restart().await;
        }
        // As far as it is still valid, what was made before is, too.
        assert_eq!(rp.me(&tokens.access).await.status, 200, "step {step}");
        let end = format!("{}/session/end?id_token_hint={}", rp.issuer, old.id);
        assert_eq!(world.get(&end).await.status, 200, "a hint of the last fortnight, step {step}");
        if step % 20 == 0 {
            old = tokens.clone();
        }
        tokens = Tokens::of(&rp.refresh(tokens.refresh()).await);
        for jwt in [tokens.access_token(), tokens.id_token()] {
            daily.verify(&rp, &jwt).await;
            kids.insert(jwt.header["kid"].to_string());
        }
        world.signet().store().sweep(world.clock_now()).await.unwrap();
        world.advance(DAY / 2 - 60);
    }
    assert_eq!(kids.len(), 4, "of 300 days");
    assert!(keys(&world).await.len() <= 4, "{:?}: what is over is gone", states(&world).await);
}

async fn of_two_nodes_one_takes_each_step(world: Arc<World>) {
    let rp = client(&world).await;
    rp.tokens("alice", &[]).await;
    let node = world.second_node().await.signet();
    for (days, expected) in [
        (89, vec![KeyState::Active]),
        (1, vec![KeyState::Active, KeyState::Next]),
        (1, vec![KeyState::Retired, KeyState::Active]),
    ] {
        world.advance(days * DAY);
        let signet = world.signet();
        let (one, other) = tokio::join!(round(&signet), round(&node));
        assert!(one + other <= 1, "{one} {other}");
        assert_eq!(states(&world).await, expected);
    }
}

#[tokio::test]
async fn a_server_that_was_off_for_a_year_publishes_first() {
    let world = World::new().await;
    let rp = client(&world).await;
    rp.tokens("alice", &[]).await;
    world.advance(365 * DAY);
    world.restart().await;
    assert_eq!(round(&world.signet()).await, 1);
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Next]);
    world.advance(DAY - 60);
    assert_eq!(round(&world.signet()).await, 0);
    world.advance(60);
    assert_eq!(round(&world.signet()).await, 1);
    assert_eq!(states(&world).await, [KeyState::Retired, KeyState::Active]);
    assert_eq!(round(&world.signet()).await, 0);
}

#[tokio::test]
async fn keys_dated_by_a_clock_that_ran_ahead_are_replaced_all_the_same() {
    let world = World::new().await;
    let rp = client(&world).await;
    world.advance(3650 * DAY);
    rp.tokens("alice", &[]).await;
    world.advance(-3650 * DAY);
    assert_eq!(round(&world.signet()).await, 0, "its age is not known: it counts from now");
    world.advance(90 * DAY);
    assert_eq!(round(&world.signet()).await, 1);
    // And the same of a successor.
    world.advance(-20 * DAY);
    assert_eq!(round(&world.signet()).await, 0);
    world.advance(DAY - 60);
    assert_eq!(round(&world.signet()).await, 0, "clients may not know it yet");
    world.advance(120);
    assert_eq!(round(&world.signet()).await, 1);
    assert_eq!(states(&world).await, [KeyState::Retired, KeyState::Active]);
}

#[tokio::test]
async fn only_issuers_that_were_used_have_keys_and_a_round_takes_a_hundred_steps() {
    let world = World::new().await;
    for number in 0..40 {
        world.application(&format!("app{number}"), |_| {}).await;
    }
    world.advance(400 * DAY);
    assert_eq!(round(&world.signet()).await, 0);
    assert!(keys(&world).await.is_empty(), "nobody asked");
    for number in 0..130 {
        let issuer = IssuerId::Application(AppId::parse(&format!("{number:024x}")).unwrap());
        let (signet, now) = (world.signet(), world.clock_now());
        signet.store().signing_key(issuer, KeyAlg::Es256, now, &mut Seeded(number)).await.unwrap();
    }
    world.advance(90 * DAY);
    for taken in [100, 30, 0] {
        assert_eq!(round(&world.signet()).await, taken);
    }
    assert_eq!(keys(&world).await.len(), 260);
}
