//! The code flow from the first request to the last token.

use http::StatusCode;
use signet_testkit::jwt::Jwt;

use crate::support::{BASE, SECRET, World, authorize_url, half_hash, login_tokens, redeem};

async fn whole_flow(world: World) {
    let application = world.application("notes", |_| {}).await;
    let user = world.user("alice", |_| {}).await;
    for issuer in [format!("{BASE}/oidc"), "http://notes.localhost:8080/oidc".to_owned()] {
        let mut browser = world.browser();
        let page = browser.open(&authorize_url(&issuer, &application, &[])).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let answer = browser.sign_in(&page, "alice").await;
        let callback = answer.callback();
        assert_eq!((callback.get("state"), callback.get("iss")), (Some("st4te"), Some(issuer.as_str())));
        let id = application.id.to_string();
        let code = callback.get("code").unwrap();
        let tokens = world.post(&format!("{issuer}/token"), &redeem(&id, code), None).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        let tokens = tokens.json();
        let jwks = world.get(&format!("{issuer}/.well-known/jwks.json")).await.json();
        let id_token = Jwt::decode(tokens["id_token"].as_str().unwrap()).unwrap();
        assert!(id_token.verifies_with(&jwks), "{jwks}");
        assert_eq!(id_token.claims["sub"], user.id.to_string());
        assert_eq!(id_token.claims["aud"], id);
        assert_eq!(id_token.claims["iss"], issuer);
        assert_eq!(id_token.claims["nonce"], "n0nce");
        assert_eq!(id_token.claims["email"], "alice@example.com");
        assert_eq!(id_token.claims["at_hash"], half_hash(tokens["access_token"].as_str().unwrap()));
        let access_token = Jwt::decode(tokens["access_token"].as_str().unwrap()).unwrap();
        assert!(access_token.verifies_with(&jwks));
        assert_eq!(access_token.header["typ"], "at+jwt");
        assert_eq!(tokens.get("refresh_token"), None);

        let again = browser.open(&authorize_url(&issuer, &application, &[])).await;
        assert!(again.callback().get("code").is_some(), "the session is remembered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    whole_flow(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    whole_flow(World::on_postgres().await).await;
}

#[tokio::test]
async fn refresh_introspect_revoke() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    world.user("alice", |_| {}).await;
    let issuer = format!("{BASE}/oidc");
    let id = application.id.to_string();
    let tokens = login_tokens(&world, &issuer, &application, "alice", true).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", &id),
        ("client_secret", SECRET),
    ];
    let next = world.post(&format!("{issuer}/token"), &form, None).await.json();
    assert_ne!(next["refresh_token"], tokens["refresh_token"]);
    let repeated = world.post(&format!("{issuer}/token"), &form, None).await.json();
    assert_eq!(repeated["refresh_token"], next["refresh_token"], "a lost answer is given again");

    let access = next["access_token"].as_str().unwrap();
    let look = [("token", access), ("client_id", &id), ("client_secret", SECRET)];
    let seen = world.post(&format!("{issuer}/token/introspection"), &look, None).await.json();
    assert_eq!((&seen["active"], &seen["client_id"]), (&true.into(), &id.clone().into()));
    let info = world.post(&format!("{issuer}/me"), &[("access_token", access)], None).await.json();
    assert_eq!(info["email"], "alice@example.com");

    let revoked = world.post(&format!("{issuer}/token/revocation"), &look, None).await;
    assert_eq!(revoked.status, StatusCode::OK);
    let seen = world.post(&format!("{issuer}/token/introspection"), &look, None).await;
    assert_eq!(seen.body, r#"{"active":false}"#);
    let refused = world.post(&format!("{issuer}/me"), &[("access_token", access)], None).await;
    assert_eq!(refused.error(), (401, "invalid_token".to_owned()));
    let dead = next["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", dead),
        ("client_id", &id),
        ("client_secret", SECRET),
    ];
    let refused = world.post(&format!("{issuer}/token"), &form, None).await;
    assert_eq!(refused.error(), (400, "invalid_grant".to_owned()));
}
