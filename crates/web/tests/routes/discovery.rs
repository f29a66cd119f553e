//! `/oidc/.well-known/openid-configuration` and `/oidc/.well-known/jwks.json`.

use axum::body::Body;
use http::{Method, header::IF_NONE_MATCH};
use serde_json::json;
use signet_protocol::{
    application::{AuthMethod, GrantType},
    jose::SigningAlg,
};

use crate::{
    rp::Rp,
    support::{Answer, BASE, World, request},
};

async fn conditional(world: &World, url: &str, etag: &str) -> Answer {
    let request = request(Method::GET, url).header(IF_NONE_MATCH, etag);
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_pool_lists_what_any_application_may_use() {
    let world = World::new().await;
    let document = world.get(&format!("{BASE}/oidc/.well-known/openid-configuration")).await.json();
    for (name, path) in [
        ("authorization_endpoint", "/auth"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/me"),
        ("jwks_uri", "/.well-known/jwks.json"),
        ("introspection_endpoint", "/token/introspection"),
        ("revocation_endpoint", "/token/revocation"),
        ("end_session_endpoint", "/session/end"),
        ("check_session_iframe", "/session/check"),
    ] {
        assert_eq!(document[name], format!("{BASE}/oidc{path}"));
    }
    let types =
        ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"];
    assert_eq!(document["response_types_supported"], json!(types));
    let modes = ["query", "fragment", "form_post", "web_message"];
    assert_eq!(document["response_modes_supported"], json!(modes));
    assert_eq!(
        document["id_token_signing_alg_values_supported"],
        json!(["RS256", "PS256", "ES256", "EdDSA", "HS256"])
    );
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert_eq!(document["request_uri_parameter_supported"], true);
    assert_eq!(document["require_request_uri_registration"], true);
    assert_eq!(document["request_object_signing_alg_values_supported"][0], "none");
}

#[tokio::test]
async fn an_application_lists_exactly_what_it_may_use() {
    let world = World::new().await;
    let rp = Rp::new(&world, "narrow", |application| {
        application.settings.grant_types = vec![GrantType::AuthorizationCode];
        application.settings.token_endpoint_auth_method = AuthMethod::None;
        application.settings.introspection_endpoint_auth_method = AuthMethod::ClientSecretBasic;
        application.settings.revocation_endpoint_auth_method = AuthMethod::None;
        application.settings.id_token_signed_response_alg = SigningAlg::Es256;
    })
    .await
    .at_home();
    let document = world.get(&format!("{}/.well-known/openid-configuration", rp.issuer)).await.json();
    assert_eq!(document["issuer"], rp.issuer);
    assert_eq!(document["grant_types_supported"], json!(["authorization_code"]));
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["none"]));
    assert_eq!(document["introspection_endpoint_auth_methods_supported"], json!(["client_secret_basic"]));
    assert_eq!(document["revocation_endpoint_auth_methods_supported"], json!(["none"]));
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256", "ES256"]));
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    let scopes = document["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("openid")) && !scopes.contains(&json!("offline_access")), "{scopes:?}");
}

#[tokio::test]
async fn unchanged_documents_are_not_sent_again() {
    let world = World::new().await;
    for path in ["openid-configuration", "jwks.json"] {
        let url = format!("{BASE}/oidc/.well-known/{path}");
        let first = world.get(&url).await;
        let etag = first.header("etag").unwrap();
        assert_eq!(first.header("cache-control"), Some("public, max-age=60"));
        let again = conditional(&world, &url, etag).await;
        assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), Some(etag));
        let other = conditional(&world, &url, "\"other\"").await;
        assert_eq!((other.status.as_u16(), other.body), (200, first.body.clone()), "{path}");
        for list in [format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
            assert_eq!(conditional(&world, &url, &list).await.status, 304, "{list}");
        }
    }
}

#[tokio::test]
async fn a_change_is_seen_at_once() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await.at_home();
    let url = format!("{}/.well-known/openid-configuration", rp.issuer);
    let first = world.get(&url).await;
    assert_eq!(first.json()["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    world
        .update_application(rp.application.id, |application| {
            application.settings.grant_types = vec![GrantType::AuthorizationCode];
        })
        .await;
    let next = conditional(&world, &url, first.header("etag").unwrap()).await;
    assert_eq!(next.json()["grant_types_supported"], json!(["authorization_code"]));
}

#[tokio::test]
async fn key_types_are_listed_once_an_application_uses_them() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let types = async |rp: &Rp| -> Vec<String> {
        let keys = rp.jwks().await;
        keys["keys"].as_array().unwrap().iter().map(|key| key["kty"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(types(&rp).await, ["RSA"]);
    assert_eq!(types(&rp.at_home()).await, ["RSA"]);
    world
        .update_application(rp.application.id, |application| {
            application.settings.access_token_signed_response_alg = SigningAlg::Es256;
            application.settings.id_token_signed_response_alg = SigningAlg::EdDsa;
        })
        .await;
    let other = Rp::new(&world, "other", |_| {}).await;
    for (rp, expected) in [(&rp, 3), (&rp.at_home(), 3), (&other.at_home(), 1)] {
        let mut found = types(rp).await;
        found.sort();
        assert_eq!(found, ["EC", "OKP", "RSA"][3 - expected..], "{}", rp.issuer);
    }
}

#[tokio::test]
async fn keys_are_public_only_and_different_for_each_issuer() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |application| {
        application.settings.id_token_signed_response_alg = SigningAlg::Es256;
    })
    .await;
    let (pool, home) = (rp.jwks().await, rp.at_home().jwks().await);
    let mut kids = std::collections::BTreeSet::new();
    for key in pool["keys"].as_array().unwrap().iter().chain(home["keys"].as_array().unwrap()) {
        let members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!members.contains(&private), "{members:?}");
        }
        assert_eq!(key["use"], "sig");
        assert_eq!(key["kid"].as_str().unwrap().len(), 43, "an RFC 7638 thumbprint");
        assert!(kids.insert(key["kid"].to_string()));
    }
    assert_eq!(kids.len(), 4);
    assert_eq!(rp.jwks().await, pool, "a second look finds the same keys");
}

#[tokio::test]
async fn keys_outlive_a_restart() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let keys = rp.jwks().await;
    world.restart().await;
    assert_eq!(rp.jwks().await, keys);
}
