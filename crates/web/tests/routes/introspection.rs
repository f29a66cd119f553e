//! `/oidc/token/introspection`.

use std::sync::Arc;

use serde_json::json;
use signet_protocol::application::AuthMethod;

use crate::{
    client,
    rp::{OFFLINE, Rp, Tokens},
    support::{SECRET, World, basic},
};

const INACTIVE: &str = r#"{"active":false}"#;

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

#[tokio::test]
async fn a_live_access_token_is_told_of() {
    let (_, rp) = world_with_alice().await;
    for rp in [rp.at_home(), rp] {
        let tokens = rp.tokens("alice", &[]).await;
        let seen = rp.introspect(&tokens.access).await;
        let claims = tokens.access_token().claims;
        assert_eq!((&seen["active"], &seen["token_type"]), (&json!(true), &json!("Bearer")));
        for same in ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "sid", "auth_time"] {
            assert_eq!(seen[same], claims[same], "{same}");
        }
        assert_eq!(seen["iss"], rp.issuer);
        assert!(seen.get("email").is_none());
    }
}

#[tokio::test]
async fn only_the_newest_refresh_token_is_active() {
    let (_, rp) = world_with_alice().await;
    let first = rp.tokens("alice", OFFLINE).await;
    let seen = rp.introspect(first.refresh()).await;
    assert_eq!((&seen["active"], &seen["token_type"]), (&json!(true), &json!("refresh_token")));
    assert_eq!((&seen["client_id"], &seen["iss"]), (&json!(rp.id), &json!(rp.issuer)));
    assert_eq!(seen["exp"].as_i64().unwrap() - seen["iat"].as_i64().unwrap(), 2_592_000);
    let next = Tokens::of(&rp.refresh(first.refresh()).await);
    assert!(!rp.is_active(first.refresh()).await);
    assert!(rp.is_active(next.refresh()).await);
    assert!(rp.is_active(next.refresh()).await, "looking does not use it");
    assert!(rp.is_active(&first.access).await, "rotation leaves access tokens alone");
}

#[tokio::test]
async fn of_everything_else_nothing_is_told() {
    let (world, rp) = world_with_alice().await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    let code = rp.code("alice", &[]).await;
    let elsewhere = rp.at_home().tokens("alice", OFFLINE).await;
    let cut = &tokens.access[..tokens.access.len() - 1];
    let x = "x".repeat(10_000);
    for text in
        ["garbage", "a.b.c", "..", &code, cut, &tokens.id, &elsewhere.access, elsewhere.refresh(), &rp.id, &x]
    {
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let form = [("token", text), ("token_type_hint", hint)];
            let answer = rp.post("/token/introspection", &form).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, INACTIVE), "{text}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    world.advance(3601);
    assert_eq!(rp.introspect(&tokens.access).await, json!({ "active": false }), "expired");
}

#[tokio::test]
async fn a_hint_that_is_wrong_does_no_harm() {
    let (_, rp) = world_with_alice().await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    for (token, hint) in [(tokens.access.as_str(), "refresh_token"), (tokens.refresh(), "access_token")] {
        let answer = rp.post("/token/introspection", &[("token", token), ("token_type_hint", hint)]).await;
        assert_eq!(answer.json()["active"], true, "{hint}");
    }
}

#[tokio::test]
async fn it_has_an_authentication_method_of_its_own() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, own) in AuthMethod::ALL.iter().copied().enumerate() {
        let rp = Rp::new(&world, &format!("app{number}"), |application| {
            application.settings.introspection_endpoint_auth_method = own;
            application.settings.jwks = client::registered();
        })
        .await;
        let tokens = rp.tokens("alice", &[]).await;
        let url = format!("{}/token/introspection", rp.issuer);
        let header = basic(&rp.id, SECRET);
        let (token, id) = (("token", tokens.access.as_str()), ("client_id", rp.id.as_str()));
        for (method, form, header) in [
            (AuthMethod::ClientSecretPost, vec![token, id, ("client_secret", SECRET)], None),
            (AuthMethod::ClientSecretBasic, vec![token], Some(header.as_str())),
            (AuthMethod::None, vec![token, id], None),
        ] {
            let answer = world.post(&url, &form, header).await;
            if method == own {
                assert_eq!(answer.json()["active"], true, "{own:?}");
            } else {
                assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{own:?} by {method:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_asked_must_be_whole() {
    let (world, rp) = world_with_alice().await;
    let tokens = rp.tokens("alice", &[]).await;
    let invalid = (400, "invalid_request".to_owned());
    assert_eq!(rp.post("/token/introspection", &[]).await.error(), invalid);
    let twice = [("token", tokens.access.as_str()), ("token", "x")];
    assert_eq!(rp.post("/token/introspection", &twice).await.error(), invalid);
    let in_url = format!("{}/token/introspection?token={}", rp.issuer, tokens.access);
    assert_eq!(world.post(&in_url, &[], None).await.error(), invalid);
    assert_eq!(world.get(&in_url).await.status, 405);
}

#[tokio::test]
async fn attack_17_nothing_is_told_to_another_client() {
    let (world, rp) = world_with_alice().await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    for token in [tokens.access.as_str(), tokens.refresh()] {
        let answer = stranger.post("/token/introspection", &[("token", token)]).await;
        assert_eq!(answer.body, INACTIVE);
        assert!(rp.is_active(token).await);
    }
}
