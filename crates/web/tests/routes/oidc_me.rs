//! `/oidc/me`.

use std::sync::Arc;

use axum::body::Body;
use http::Method;
use serde_json::json;
use signet_protocol::user::Address;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, World, request},
};

async fn world_with_tokens() -> (Arc<World>, Rp, Tokens) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let tokens = rp.tokens("alice", &[]).await;
    (world, rp, tokens)
}

async fn by_header(rp: &Rp, method: Method, header: &str) -> Answer {
    let request = request(method, &format!("{}/me", rp.issuer)).header("authorization", header);
    rp.world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_or_the_form() {
    let (world, rp, tokens) = world_with_tokens().await;
    let bearer = format!("Bearer {}", tokens.access);
    let lower = format!("bearer {}", tokens.access);
    for answer in [
        by_header(&rp, Method::GET, &bearer).await,
        by_header(&rp, Method::POST, &bearer).await,
        by_header(&rp, Method::GET, &lower).await,
        rp.me(&tokens.access).await,
    ] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.json()["sub"], tokens.id_token().claims["sub"]);
    }
    let typed = request(Method::POST, &format!("{}/me", rp.issuer))
        .header("authorization", &bearer)
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.send(typed.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_url_counts_only_with_the_switch() {
    let (world, rp, tokens) = world_with_tokens().await;
    let url = format!("{}/me?access_token={}", rp.issuer, tokens.access);
    let refused = world.get(&url).await;
    assert_eq!(refused.error(), (400, "invalid_request".to_owned()));
    assert!(refused.body.contains("Authorization: Bearer"), "says where it belongs: {}", refused.body);
    world.update_application(rp.application.id, |app| app.settings.access_token_in_query = true).await;
    assert_eq!(world.get(&url).await.status, 200);
}

#[tokio::test]
async fn a_token_is_sent_once_and_in_one_place() {
    let (world, rp, tokens) = world_with_tokens().await;
    world.update_application(rp.application.id, |app| app.settings.access_token_in_query = true).await;
    let (access, url) = (tokens.access.as_str(), format!("{}/me", rp.issuer));
    let bearer = format!("Bearer {access}");
    let query = format!("{url}?access_token={access}");
    for answer in [
        world.post(&url, &[("access_token", access)], Some(&bearer)).await,
        world.post(&query, &[("access_token", access)], None).await,
        world.post(&query, &[], Some(&bearer)).await,
        world.post(&url, &[("access_token", access), ("access_token", access)], None).await,
        world.get(&format!("{query}&access_token={access}")).await,
    ] {
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()));
    }
}

#[tokio::test]
async fn without_a_token_there_is_only_a_challenge() {
    let (world, rp, _) = world_with_tokens().await;
    for answer in [
        world.get(&format!("{}/me", rp.issuer)).await,
        by_header(&rp, Method::GET, "Basic eDp5").await,
        by_header(&rp, Method::GET, "Bearer").await,
    ] {
        assert_eq!(answer.error(), (401, "invalid_token".to_owned()));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"signet\""), "RFC 6750 §3.1");
    }
}

#[tokio::test]
async fn a_token_that_is_not_alive_is_refused_with_a_reason() {
    let (world, rp, tokens) = world_with_tokens().await;
    let offline = rp.tokens("alice", OFFLINE).await;
    let expired = tokens.access.clone();
    let (header, rest) = tokens.access.split_once('.').unwrap();
    let forged = format!("{header}.e30.{}", rest.split_once('.').unwrap().1);
    let other_issuer = rp.at_home().tokens("alice", &[]).await.access;
    for wrong in ["garbage", "a.b.c", &forged, &other_issuer, offline.refresh(), &tokens.id] {
        let answer = by_header(&rp, Method::GET, &format!("Bearer {wrong}")).await;
        assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{wrong}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"signet\", error=\"invalid_token\""), "{challenge}");
    }
    assert_eq!(rp.at_home().me(&tokens.access).await.error(), (401, "invalid_token".to_owned()));
    world.advance(3590);
    assert_eq!(rp.me(&expired).await.status, 200);
    world.advance(10);
    assert_eq!(rp.me(&expired).await.error(), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn a_token_without_openid_is_not_enough() {
    let (_, rp, _) = world_with_tokens().await;
    let offline = rp.tokens("alice", OFFLINE).await;
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", offline.refresh()), ("scope", "profile email")];
    let narrow = Tokens::of(&rp.post("/token", &form).await);
    let refused = rp.me(&narrow.access).await;
    assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
}

#[tokio::test]
async fn each_scope_gives_its_claims_and_no_other() {
    let world = World::new().await;
    world
        .user("alice", |user| {
            user.phone = Some("+4915112345678".to_owned());
            user.details.roles = vec!["admin".to_owned()];
            user.details.external_id = Some("e-1".to_owned());
            user.details.extended_fields = [("team".to_owned(), json!("blue"))].into();
            user.details.profile.address =
                Some(Address { locality: Some("Bonn".to_owned()), ..Address::default() });
        })
        .await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    for (scope, expected) in [
        ("openid", json!({})),
        ("openid email", json!({ "email": "alice@example.com", "email_verified": true })),
        ("openid phone", json!({ "phone_number": "+4915112345678", "phone_number_verified": false })),
        ("openid address", json!({ "address": { "locality": "Bonn" } })),
        ("openid username", json!({ "username": "alice" })),
        ("openid roles", json!({ "roles": ["admin"] })),
        ("openid external_id", json!({ "external_id": "e-1" })),
        ("openid extended_fields", json!({ "extended_fields": { "team": "blue" } })),
        ("openid nonsense", json!({})),
    ] {
        let tokens = rp.tokens("alice", &[("scope", scope)]).await;
        let mut info = rp.me(&tokens.access).await.json();
        let sub = info.as_object_mut().unwrap().remove("sub");
        assert_eq!(sub, Some(tokens.id_token().claims["sub"].clone()));
        assert_eq!(info, expected, "{scope}");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(tokens.id_token().claims[name], *value, "in the ID token as well");
        }
    }
    let profile = rp.me(&rp.tokens("alice", &[("scope", "openid profile")]).await.access).await.json();
    assert_eq!((&profile["name"], &profile["preferred_username"]), (&json!("alice Sample"), &json!("alice")));
    assert!(profile["updated_at"].is_i64(), "{profile}");
    assert!(profile.get("email").is_none() && profile.get("given_name").is_none(), "{profile}");
}

#[tokio::test]
async fn empty_claims_are_null_only_with_the_switch() {
    let (world, rp, tokens) = world_with_tokens().await;
    assert_eq!(rp.me(&tokens.access).await.json().get("birthdate"), None);
    world.update_application(rp.application.id, |app| app.settings.empty_claims_as_null = true).await;
    assert_eq!(rp.me(&tokens.access).await.json().get("birthdate"), Some(&json!(null)));
}
