//! What the vendor's client libraries send, byte for byte where that matters, and what they need to find in the answer.

use std::sync::Arc;

use axum::body::Body;
use http::Method;
use serde_json::Value;
use signet_protocol::{
    application::{Application, AuthMethod},
    params::encode_pairs,
};

use crate::{
    rp::{Rp, Tokens},
    support::{
        Answer, BASE, Browser, CALLBACK, CHALLENGE, PASSWORD, SECRET, VERIFIER, World, basic, request,
    },
};

const METHODS: [AuthMethod; 3] =
    [AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic, AuthMethod::None];

/// An application that authenticates in one way everywhere, at its own address.
async fn application(world: &Arc<World>, label: &str, method: AuthMethod) -> Rp {
    let change = |app: &mut Application| {
        let settings = &mut app.settings;
        settings.token_endpoint_auth_method = method;
        settings.introspection_endpoint_auth_method = method;
        settings.revocation_endpoint_auth_method = method;
        if method == AuthMethod::None {
            app.secret = None;
        }
    };
    Rp::new(world, label, change).await.at_home()
}

/// A call of one of the libraries: the parameters of its function, and the client as its configuration has it.
async fn call(rp: &Rp, path: &str, method: AuthMethod, form: &[(&str, &str)]) -> Answer {
    let secret = [("client_id", rp.id.as_str()), ("client_secret", SECRET)];
    let own = match method {
        AuthMethod::ClientSecretPost => &secret[..],
        AuthMethod::None => &secret[..1],
        _ => &[],
    };
    let header = (method == AuthMethod::ClientSecretBasic).then(|| basic(&rp.id, SECRET));
    rp.world.post(&format!("{}{path}", rp.issuer), &[own, form].concat(), header.as_deref()).await
}

/// The authorization request that the libraries build, with vendor parameters among the others.
fn login_url(rp: &Rp, more: &[(&str, &str)]) -> String {
    let usual = [
        ("nonce", "5843947361"),
        ("state", "2740198345"),
        ("scope", "openid profile email phone address offline_access"),
        ("client_id", rp.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("prompt", "consent"),
        ("tenant_id", ""),
        ("login_page_context", "{\"a\":1}"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("{}/auth?{}", rp.issuer, encode_pairs(usual.iter().chain(more).copied()))
}

/// Where a browser ends that opens `url` and signs alice in.
async fn arrives(browser: &mut Browser, url: &str) -> String {
    let page = browser.open(url).await;
    let page = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)], "sign-in").await;
    browser.submit(&page, &[], "allow").await.location().to_owned()
}

/// The value of a parameter, as a script has it that splits at `&` and `=` and decodes nothing.
fn undecoded<'a>(place: &'a str, name: &str) -> &'a str {
    let (_, params) = place.split_once(['?', '#']).unwrap();
    params.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

fn has(json: &Value, members: &[&str]) {
    for name in members {
        assert!(json.get(name).is_some_and(|value| !value.is_null()), "{name} in {json}");
    }
}

#[tokio::test]
async fn what_vendor_libraries_send_is_answered_as_they_need_it() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, method) in METHODS.into_iter().enumerate() {
        let rp = application(&world, &format!("app{number}"), method).await;
        let arrived = arrives(&mut world.browser(), &login_url(&rp, &[])).await;
        assert_eq!(undecoded(&arrived, "state"), "2740198345");
        let redeeming = [
            ("grant_type", "authorization_code"),
            ("code", undecoded(&arrived, "code")),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let first = Tokens::of(&call(&rp, "/token", method, &redeeming).await);
        let refreshing = [("grant_type", "refresh_token"), ("refresh_token", first.refresh())];
        let next = Tokens::of(&call(&rp, "/token", method, &refreshing).await);
        for tokens in [&first, &next] {
            has(
                &tokens.json,
                &["access_token", "id_token", "expires_in", "refresh_token", "token_type", "scope"],
            );
            has(&tokens.id_token().claims, &["sub", "aud", "exp", "iat", "iss", "at_hash"]);
            has(&tokens.access_token().claims, &["jti", "sub", "iat", "exp", "scope", "iss", "aud"]);
        }
        assert_eq!(first.id_token().claims["nonce"], "5843947361");

        let token = [("token", next.access.as_str())];
        let told = call(&rp, "/token/introspection", method, &token).await.json();
        has(&told, &["active", "sub", "client_id", "exp", "iat", "iss", "jti", "scope", "token_type"]);
        assert_eq!((&told["active"], told["iss"].as_str()), (&Value::Bool(true), Some(rp.issuer.as_str())));
        assert_eq!(call(&rp, "/token/revocation", method, &token).await.status, 200);
        let told = call(&rp, "/token/introspection", method, &token).await;
        assert_eq!(told.body, "{\"active\":false}");
    }
}

#[tokio::test]
async fn user_info_is_asked_for_in_three_ways() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = application(&world, "notes", AuthMethod::ClientSecretPost).await;
    world.update_application(rp.application.id, |app| app.settings.access_token_in_query = true).await;
    let access = rp.tokens("alice", &[]).await.access;
    let by_query = format!("{}/me?access_token={access}", rp.issuer);
    let header = |method, url: &str, value: String| {
        request(method, url).header("authorization", value).body(Body::empty()).unwrap()
    };
    for (what, answer) in [
        ("by query", world.get(&by_query).await),
        ("by header, nothing in the body", {
            world.send(header(Method::POST, &format!("{}/me", rp.issuer), format!("Bearer {access}"))).await
        }),
        ("by query, beside a header without Bearer", {
            world.send(header(Method::GET, &by_query, access.clone())).await
        }),
    ] {
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        has(&answer.json(), &["sub", "name", "email"]);
    }
}

/// The library for web pages asks for the code in the fragment, sends no secret, and reads without decoding.
#[tokio::test]
async fn the_library_of_web_pages_reads_the_fragment_without_decoding_it() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = application(&world, "notes", AuthMethod::None).await;
    let arrived = arrives(&mut world.browser(), &login_url(&rp, &[("response_mode", "fragment")])).await;
    assert!(arrived.starts_with(&format!("{CALLBACK}#")), "{arrived}");
    assert_eq!(undecoded(&arrived, "state"), "2740198345");
    let redeeming = [
        ("grant_type", "authorization_code"),
        ("code", undecoded(&arrived, "code")),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ];
    let tokens = Tokens::of(&call(&rp, "/token", AuthMethod::None, &redeeming).await);
    assert_eq!(tokens.id_token().claims["nonce"], "5843947361");
}

#[tokio::test]
async fn logout_links_come_without_escapes() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = application(&world, "notes", AuthMethod::ClientSecretPost).await;
    let mut browser = world.browser();
    let callback = rp.login(&mut browser, "alice", &[]).await.callback();
    let id_token = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await).id;
    let own = rp.issuer.strip_suffix("/oidc").unwrap();
    let bye = "https://rp.example/bye";
    let older = format!("{own}/login/profile/logout?redirect_uri={bye}");
    let asked = browser.open(&older).await;
    assert!(asked.body.contains("id=\"sign-out\""), "{}", asked.body);
    let standard =
        format!("{}/session/end?id_token_hint={id_token}&post_logout_redirect_uri={bye}", rp.issuer);
    assert_eq!(browser.open(&standard).await.location(), bye);
    assert_eq!(browser.open(&older).await.location(), bye, "nobody is left to ask");
    let pool = format!("{BASE}/login/profile/logout?app_id={}&redirect_uri={bye}", rp.id);
    assert_eq!(browser.open(&pool).await.location(), bye);
}
