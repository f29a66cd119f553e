//! `private_key_jwt` and `client_secret_jwt` at the three endpoints, and keys at a `jwks_uri`.

use std::sync::Arc;

use serde_json::json;
use signet_protocol::{
    application::AuthMethod,
    jose::{KeyAlg, SigningKey},
};

use crate::{
    client::{Site, by, claims, jwks, key, keyed, presenting, signed, signed_by},
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, SECRET, World, on_both_engines},
};

const BOTH: [AuthMethod; 2] = [AuthMethod::PrivateKeyJwt, AuthMethod::ClientSecretJwt];
const INVALID_CLIENT: (u16, &str) = (401, "invalid_client");

/// Introspects nothing in particular: what is asked is who may.
async fn ask(rp: &Rp, assertion: &str) -> Answer {
    let form = [&presenting(assertion)[..], &[("token", "x")]].concat();
    rp.world.post(&format!("{}/token/introspection", rp.issuer), &form, None).await
}

fn error(answer: &Answer) -> (u16, String) {
    if answer.status == 200 { (200, String::new()) } else { answer.error() }
}

async fn both_methods_work_at_all_three_endpoints(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    for (method, name) in BOTH.into_iter().zip(["by-key", "by-secret"]) {
        let rp = Rp::new(&world, name, by(method)).await;
        for rp in [rp.at_home(), rp] {
            let tokens = rp.tokens("alice", OFFLINE).await;
            let tokens = Tokens::of(&rp.refresh(tokens.refresh()).await);
            assert!(rp.is_active(&tokens.access).await, "{method:?}");
            assert_eq!(rp.revoke(tokens.refresh()).await.status, 200);
            assert!(!rp.is_active(&tokens.access).await, "{method:?}");
        }
    }
}

async fn attack_08_an_assertion_is_good_once_at_every_node_and_after_a_restart(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", by(AuthMethod::PrivateKeyJwt)).await;
    let assertion = signed(&claims(&rp));
    assert_eq!(ask(&rp, &assertion).await.status, 200);
    let again = ask(&rp, &assertion).await;
    assert_eq!(error(&again), (401, "invalid_client".to_owned()));
    assert!(again.json()["error_description"].as_str().unwrap().contains("jti"));
    world.restart().await;
    assert_eq!(error(&ask(&rp, &assertion).await), (401, "invalid_client".to_owned()), "after a restart");
    // Signed anew, it is still the same one.
    let mut same = claims(&rp);
    assert_eq!(ask(&rp, &signed(&same)).await.status, 200);
    same["exp"] = json!(world.now() + 90);
    assert_eq!(error(&ask(&rp, &signed(&same)).await), (401, "invalid_client".to_owned()));
    // What another client calls its own is another's.
    let other = Rp::new(&world, "other", by(AuthMethod::PrivateKeyJwt)).await;
    let mut theirs = claims(&other);
    theirs["jti"] = same["jti"].clone();
    assert_eq!(ask(&other, &signed(&theirs)).await.status, 200);
}

async fn attack_08_of_many_at_once_one_is_the_first(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", by(AuthMethod::ClientSecretJwt)).await;
    let assertion = keyed(&claims(&rp));
    let asked = (0..16).map(|_| ask(&rp, &assertion));
    let answers = futures_util::future::join_all(asked).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

on_both_engines!(
    both_methods_work_at_all_three_endpoints,
    attack_08_an_assertion_is_good_once_at_every_node_and_after_a_restart,
    attack_08_of_many_at_once_one_is_the_first,
);

#[tokio::test]
async fn attack_07_the_registered_method_says_what_an_assertion_is_verified_with() {
    let world = World::new().await;
    let by_key = Rp::new(&world, "by-key", by(AuthMethod::PrivateKeyJwt)).await;
    let by_secret = Rp::new(&world, "by-secret", by(AuthMethod::ClientSecretJwt)).await;
    let (stranger, _) = SigningKey::generate(KeyAlg::Es256).unwrap();
    for (rp, assertion) in [
        (&by_key, keyed(&claims(&by_key))),
        (&by_secret, signed(&claims(&by_secret))),
        (&by_key, signed_by(&stranger, &claims(&by_key))),
        (&by_key, signed(&claims(&by_secret))),
        (&by_key, "a.b.c".to_owned()),
    ] {
        let answer = ask(rp, &assertion).await;
        assert_eq!(error(&answer), (INVALID_CLIENT.0, INVALID_CLIENT.1.to_owned()), "{assertion}");
    }
}

#[tokio::test]
async fn an_assertion_is_for_its_own_issuer_and_its_own_time() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", by(AuthMethod::PrivateKeyJwt)).await;
    let late = signed(&claims(&rp));
    world.advance(121);
    assert_eq!(ask(&rp, &late).await.status, 401);
    assert_eq!(ask(&rp.at_home(), &signed(&claims(&rp))).await.status, 401, "another issuer's");
    assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 200);
}

#[tokio::test]
async fn a_disabled_application_and_the_other_methods_take_no_assertion() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", by(AuthMethod::PrivateKeyJwt)).await;
    world.update_application(rp.application.id, |application| application.enabled = false).await;
    assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 401, "attack 9");
    let rp = Rp::new(&world, "other", |_| {}).await;
    assert_eq!(ask(&rp, &keyed(&claims(&rp))).await.status, 401);
    let secret = [("client_id", rp.id.as_str()), ("client_secret", SECRET)];
    let form = [&presenting("a.b.c")[..], &secret, &[("token", "x")]].concat();
    let both = world.post(&format!("{}/token/introspection", rp.issuer), &form, None).await;
    assert_eq!(both.error(), (400, "invalid_request".to_owned()));
    let url = format!("{}/token/introspection?client_assertion=x", rp.issuer);
    assert_eq!(world.post(&url, &[("token", "x")], None).await.error(), (400, "invalid_request".to_owned()));
}

/// An application whose keys are at its own site.
async fn publishing(world: &Arc<World>, site: &Site) -> Rp {
    let address = format!("{}/jwks", site.origin);
    Rp::new(world, "notes", |application| {
        by(AuthMethod::PrivateKeyJwt)(application);
        application.settings.jwks = None;
        application.settings.jwks_uri = Some(address);
    })
    .await
}

#[tokio::test]
async fn fetched_keys_are_kept_and_fetched_again_for_a_new_one() {
    let (world, site) = (World::new().await, Site::new().await);
    site.serves(&jwks(&[key()]));
    let rp = publishing(&world, &site).await;
    for _ in 0..3 {
        assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 200);
    }
    assert_eq!(site.asked(), 1, "they are kept");
    let (new, _) = SigningKey::generate(KeyAlg::Rs256).unwrap();
    site.serves(&jwks(&[&new]));
    world.advance(10);
    assert_eq!(ask(&rp, &signed_by(&new, &claims(&rp))).await.status, 200, "the client rotated its keys");
    assert_eq!(site.asked(), 2);
    assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 401, "the old one is gone");
    world.advance(600);
    assert_eq!(ask(&rp, &signed_by(&new, &claims(&rp))).await.status, 200);
    assert_eq!(site.asked(), 3, "after a while they are fetched anew");
}

#[tokio::test]
async fn attack_10_who_signs_nonsense_has_keys_fetched_at_a_bounded_rate() {
    let (world, site) = (World::new().await, Site::new().await);
    site.serves(&jwks(&[key()]));
    let rp = publishing(&world, &site).await;
    let (stranger, _) = SigningKey::generate(KeyAlg::Es256).unwrap();
    for _ in 0..5 {
        for _ in 0..20 {
            assert_eq!(ask(&rp, &signed_by(&stranger, &claims(&rp))).await.status, 401);
        }
        world.advance(9);
    }
    assert!(site.asked() <= 6, "{} in 45 seconds", site.asked());
}

#[tokio::test]
async fn keys_are_used_for_a_day_while_their_site_is_down() {
    let (world, site) = (World::new().await, Site::new().await);
    site.serves(&jwks(&[key()]));
    let rp = publishing(&world, &site).await;
    assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 200);
    for (down, seconds) in [
        ("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", 3600),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 3600),
        ("HTTP/1.1 302 X\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n", 3600),
        ("", 72_000),
    ] {
        site.answers(down);
        world.advance(seconds);
        assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 200, "{down:?}");
    }
    world.advance(10_000);
    assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 401, "a day is over");
    site.serves(&jwks(&[key()]));
    world.advance(10);
    assert_eq!(ask(&rp, &signed(&claims(&rp))).await.status, 200, "it is back");
}

#[tokio::test]
async fn many_at_once_fetch_keys_once() {
    let (world, site) = (World::new().await, Site::new().await);
    site.serves(&jwks(&[key()]));
    let rp = publishing(&world, &site).await;
    let assertions: Vec<String> = (0..32).map(|_| signed(&claims(&rp))).collect();
    let answers = futures_util::future::join_all(assertions.iter().map(|one| ask(&rp, one))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(site.asked(), 1);
}
