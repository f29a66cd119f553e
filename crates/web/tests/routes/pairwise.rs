//! Pairwise subjects (OpenID Connect Core §8).

use std::sync::Arc;

use serde_json::Value;
use signet_protocol::{
    application::{ApplicationSettings, SubjectType},
    id::UserId,
    jose::SigningAlg,
    redirect_uri::RedirectUri,
};

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{World, on_both_engines},
};

fn pairwise(settings: &mut ApplicationSettings) {
    settings.subject_type = SubjectType::Pairwise;
}

/// A pairwise application of another sector than the others: its callbacks are at two hosts.
fn of_another_sector(settings: &mut ApplicationSettings) {
    pairwise(settings);
    settings.redirect_uris.push(RedirectUri::parse("https://other.example/cb").unwrap());
    settings.sector_identifier_uri = Some("https://sector.example/uris.json".to_owned());
}

/// Alice, and an application that shares the pool's login.
async fn with_alice(world: &Arc<World>, change: fn(&mut ApplicationSettings)) -> (UserId, Rp) {
    let alice = world.user("alice", |_| {}).await.id;
    (alice, sharing(world, "notes", change).await)
}

async fn sharing(world: &Arc<World>, identifier: &str, change: fn(&mut ApplicationSettings)) -> Rp {
    Rp::new(world, identifier, |app| {
        app.settings.sso = true;
        change(&mut app.settings);
    })
    .await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

on_both_engines!(
    every_place_tells_the_same_name_and_never_the_id,
    attack_17_sectors_share_neither_subject_nor_session,
);

async fn every_place_tells_the_same_name_and_never_the_id(world: Arc<World>) {
    let (alice, rp) = with_alice(&world, pairwise).await;
    for rp in [rp.at_home(), rp] {
        let tokens = rp.tokens("alice", OFFLINE).await;
        let again = Tokens::of(&rp.refresh(tokens.refresh()).await);
        let places = [
            tokens.id_token().claims,
            tokens.access_token().claims,
            rp.me(&tokens.access).await.json(),
            rp.introspect(&tokens.access).await,
            again.id_token().claims,
            rp.introspect(again.refresh()).await,
        ];
        let told = text(&places[0]["sub"]);
        assert_eq!(told.len(), 22, "{told}");
        for place in &places {
            assert_eq!(text(&place["sub"]), told, "{place}");
            assert!(!place.to_string().contains(&alice.to_string()), "{place}");
            assert!(place.get("sid").is_none_or(|sid| *sid == places[0]["sid"]), "{place}");
        }
    }
}

async fn attack_17_sectors_share_neither_subject_nor_session(world: Arc<World>) {
    let (alice, one) = with_alice(&world, pairwise).await;
    let same = sharing(&world, "same", pairwise).await;
    let other = sharing(&world, "other", of_another_sector).await;
    let public = sharing(&world, "public", |_| {}).await;
    let mut browser = world.browser();
    one.login(&mut browser, "alice", &[]).await;
    let mut told = Vec::new();
    for rp in [&one, &same, &other, &public] {
        let callback = browser.open(&rp.url(&[("prompt", "none")])).await.callback();
        let claims = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await).id_token().claims;
        told.push((text(&claims["sub"]).to_owned(), text(&claims["sid"]).to_owned()));
    }
    let [first, second, third, fourth] = told.as_slice() else { panic!() };
    assert_eq!(first, second, "one sector");
    assert!(first.0 != third.0 && first.1 != third.1, "another sector");
    assert_eq!(fourth.0, alice.to_string());
    assert!(fourth.1 != first.1 && fourth.1 != third.1);
}

#[tokio::test]
async fn a_hint_means_the_user_it_was_made_for() {
    let world = World::new().await;
    let (_, rp) = with_alice(&world, pairwise).await;
    world.user("bob", |_| {}).await;
    let other = sharing(&world, "other", of_another_sector).await;
    let hint = rp.tokens("alice", &[]).await.id;
    let hinted = [("id_token_hint", hint.as_str()), ("prompt", "none")];
    let mut browser = world.browser();
    rp.login(&mut browser, "bob", &[]).await;
    assert_eq!(browser.open(&rp.url(&hinted)).await.callback().get("error"), Some("login_required"));
    rp.login(&mut browser, "alice", &[("prompt", "login")]).await;
    assert!(browser.open(&rp.url(&hinted)).await.callback().get("code").is_some());
    assert_eq!(browser.open(&other.url(&hinted)).await.callback().get("error"), Some("invalid_request"));
}

#[tokio::test]
async fn a_hint_signs_its_user_out_and_nobody_else() {
    let world = World::new().await;
    let (_, rp) = with_alice(&world, pairwise).await;
    world.user("bob", |_| {}).await;
    let hint = rp.tokens("alice", &[]).await.id;
    let url = format!("{}/session/end?id_token_hint={hint}", rp.issuer);
    let mut browser = world.browser();
    rp.login(&mut browser, "bob", &[]).await;
    assert!(browser.open(&url).await.body.contains("id=\"sign-out\""), "somebody else is asked");
    rp.login(&mut browser, "alice", &[("prompt", "login")]).await;
    assert!(!browser.open(&url).await.body.contains("id=\"sign-out\""));
    let silent = browser.open(&rp.url(&[("prompt", "none")])).await;
    assert_eq!(silent.callback().get("error"), Some("login_required"));
}

#[tokio::test]
async fn a_hint_keyed_by_the_secret_is_understood_too() {
    let world = World::new().await;
    let (_, rp) = with_alice(&world, |settings| {
        pairwise(settings);
        settings.id_token_signed_response_alg = SigningAlg::Hs256;
    })
    .await;
    let hint = rp.tokens("alice", &[]).await.id;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let hinted = [("id_token_hint", hint.as_str()), ("prompt", "none")];
    assert!(browser.open(&rp.url(&hinted)).await.callback().get("code").is_some());
}

#[tokio::test]
async fn a_subject_can_be_asked_for_by_the_name_that_was_told() {
    let world = World::new().await;
    let (alice, rp) = with_alice(&world, pairwise).await;
    let told = rp.tokens("alice", &[]).await.id_token().claims["sub"].clone();
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    for (sub, answered) in [(told.to_string(), true), (format!("\"{alice}\""), false)] {
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":{sub}}}}}}}"#);
        let answer = browser.open(&rp.url(&[("claims", &claims), ("prompt", "none")])).await;
        assert_eq!(answer.callback().get("code").is_some(), answered, "{sub}");
    }
}

#[tokio::test]
async fn after_a_change_of_its_type_an_application_has_to_ask_again() {
    let world = World::new().await;
    let (alice, rp) = with_alice(&world, |_| {}).await;
    let before = rp.tokens("alice", OFFLINE).await;
    world.update_application(rp.application.id, |app| pairwise(&mut app.settings)).await;
    assert_eq!(
        rp.me(&before.access).await.status,
        401,
        "it names a user that the application is not told of"
    );
    assert!(!rp.is_active(&before.access).await);
    let after = Tokens::of(&rp.refresh(before.refresh()).await);
    assert_ne!(after.id_token().claims["sub"], alice.to_string());
    assert_eq!(rp.me(&after.access).await.json()["sub"], after.id_token().claims["sub"]);
}

#[tokio::test]
async fn its_own_discovery_document_says_so() {
    let world = World::new().await;
    let (_, rp) = with_alice(&world, pairwise).await;
    for (rp, types) in [(rp.at_home(), vec!["pairwise"]), (rp, vec!["public", "pairwise"])] {
        let document = world.get(&format!("{}/.well-known/openid-configuration", rp.issuer)).await.json();
        assert_eq!(document["subject_types_supported"], serde_json::json!(types));
    }
}
