//! The `claims` parameter, `acr` and `amr` (OpenID Connect Core §5.5 and §2).

use std::sync::Arc;

use serde_json::{Value, json};
use signet_protocol::{
    amr::Acr,
    application::{GrantType, ResponseType},
    params::RawParams,
};
use signet_testkit::jwt::Jwt;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, Browser, World, on_both_engines},
};

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    (world, rp)
}

async fn with_alice(world: &Arc<World>) -> Rp {
    world.user("alice", |user| user.phone = Some("+8613800138000".to_owned())).await;
    Rp::new(world, "notes", |_| {}).await
}

/// The claims of the ID token and of user info, when `claims` is asked with the scope `openid`.
async fn told(rp: &Rp, claims: &str) -> (Value, Value) {
    let tokens = rp.tokens("alice", &[("scope", "openid"), ("claims", claims)]).await;
    (tokens.id_token().claims, rp.me(&tokens.access).await.json())
}

on_both_engines!(
    what_is_asked_for_is_told_where_it_was_asked_for,
    a_refresh_tells_what_was_asked_for_at_first
);

async fn what_is_asked_for_is_told_where_it_was_asked_for(world: Arc<World>) {
    let rp = with_alice(&world).await;
    let (id_token, info) = told(
        &rp,
        r#"{"userinfo":{"email":{"essential":true},"nickname":null,"unheard-of":{"essential":true}},
            "id_token":{"phone_number":null}}"#,
    )
    .await;
    assert_eq!(info, json!({"sub": id_token["sub"], "email": "alice@example.com"}));
    assert_eq!(id_token["phone_number"], "+8613800138000");
    for absent in ["email", "phone_number_verified", "acr", "amr"] {
        assert_eq!(id_token.get(absent), None, "{absent}");
    }
    let (_, usual) = told(&rp, r#"{"id_token":{"email":null}}"#).await;
    assert_eq!(usual, json!({"sub": id_token["sub"]}));
}

async fn a_refresh_tells_what_was_asked_for_at_first(world: Arc<World>) {
    let rp = with_alice(&world).await;
    let claims = r#"{"userinfo":{"phone_number":null},"id_token":{"phone_number":null,"acr":null}}"#;
    let first = rp.tokens("alice", &[OFFLINE, &[("claims", claims)]].concat()).await;
    world.restart().await;
    let again = Tokens::of(&rp.refresh(first.refresh()).await);
    let id_token = again.id_token().claims;
    assert_eq!(id_token["phone_number"], "+8613800138000");
    assert_eq!((&id_token["acr"], &id_token["amr"]), (&json!("urn:signet:acr:password"), &json!(["pwd"])));
    assert_eq!(rp.me(&again.access).await.json()["phone_number"], "+8613800138000");
}

#[tokio::test]
async fn a_claim_is_told_only_with_a_value_that_was_asked_for() {
    let (_world, rp) = world_with_alice().await;
    for (wish, value) in [
        (r#"{"value":"alice@example.com"}"#, json!("alice@example.com")),
        (r#"{"values":["bob@example.com","alice@example.com"]}"#, json!("alice@example.com")),
        (r#"{"essential":true,"value":"bob@example.com"}"#, Value::Null),
    ] {
        let (_, info) = told(&rp, &format!(r#"{{"userinfo":{{"email":{wish}}}}}"#)).await;
        assert_eq!(info["email"], value, "{wish}");
    }
}

#[tokio::test]
async fn protocol_claims_are_not_told_in_place_of_ones_about_the_user() {
    let (_world, rp) = world_with_alice().await;
    let (id_token, info) = told(
        &rp,
        r#"{"userinfo":{"aud":{"value":"evil"},"sub":null,"iss":null},"id_token":{"aud":{"value":"evil"},"exp":{"value":1}}}"#,
    )
    .await;
    assert_eq!((&id_token["aud"], &info["sub"]), (&json!(rp.id), &id_token["sub"]));
    assert!(info.get("aud").is_none() && info.get("iss").is_none() && id_token["exp"] != 1);
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused() {
    let (world, rp) = world_with_alice().await;
    for claims in ["email", "[]", r#"{"userinfo":["email"]}"#, r#"{"userinfo":{"a":null,"a":null}}"#] {
        let answer = world.get(&rp.url(&[("claims", claims)])).await;
        assert_eq!(answer.callback().get("error"), Some("invalid_request"), "{claims}");
    }
}

#[tokio::test]
async fn an_acr_is_told_when_it_is_asked_for_in_any_way() {
    let (world, rp) = world_with_alice().await;
    let reached = (json!("urn:signet:acr:password"), json!(["pwd"]));
    let told = async |change: &[(&str, &str)]| {
        let claims = rp.tokens("alice", change).await.id_token().claims;
        (claims["acr"].clone(), claims["amr"].clone())
    };
    assert_eq!(told(&[]).await, (Value::Null, Value::Null));
    for asked in [
        ("acr_values", "urn:signet:acr:password"),
        ("acr_values", "urn:mace:incommon:iap:silver 2"),
        ("claims", r#"{"id_token":{"acr":null}}"#),
        ("claims", r#"{"id_token":{"acr":{"essential":true}}}"#),
        ("claims", r#"{"id_token":{"acr":{"values":["2"]}}}"#),
        ("claims", r#"{"id_token":{"acr":{"essential":true,"values":["2","urn:signet:acr:password"]}}}"#),
    ] {
        assert_eq!(told(&[asked]).await, reached, "{asked:?}");
    }
    world
        .update_application(rp.application.id, |app| app.settings.default_acr_values = vec![Acr::Password])
        .await;
    assert_eq!(told(&[]).await, reached);
}

#[tokio::test]
async fn an_acr_that_nobody_can_reach_is_refused_before_anybody_is_troubled() {
    let (world, rp) = world_with_alice().await;
    let demand = ("claims", r#"{"id_token":{"acr":{"essential":true,"values":["2","3"]}}}"#);
    for change in [&[demand][..], &[demand, ("prompt", "none")], &[demand, ("prompt", "login")]] {
        let answer = world.get(&rp.url(change)).await;
        assert_eq!(answer.callback().get("error"), Some("unmet_authentication_requirements"), "{change:?}");
    }
}

on_both_engines!(a_subject_asked_for_by_value_is_the_only_one_to_get_an_answer);

async fn a_subject_asked_for_by_value_is_the_only_one_to_get_an_answer(world: Arc<World>) {
    let rp = with_alice(&world).await;
    world.user("bob", |_| {}).await;
    let alice = rp.tokens("alice", &[]).await.id_token().claims["sub"].clone();
    for place in ["id_token", "userinfo"] {
        let asked = format!(r#"{{"{place}":{{"sub":{{"value":{alice}}}}}}}"#);
        let claims = ("claims", asked.as_str());
        let mut browser = world.browser();
        rp.login(&mut browser, "bob", &[]).await;
        let silent = browser.open(&rp.url(&[claims, ("prompt", "none")])).await;
        assert_eq!(silent.callback().get("error"), Some("login_required"));
        let page = browser.open(&rp.url(&[claims])).await;
        let bob = browser.sign_in(&page, "bob").await;
        assert_eq!(bob.callback().get("error"), Some("login_required"));
        let page = browser.open(&rp.url(&[claims])).await;
        assert!(browser.sign_in(&page, "alice").await.callback().get("code").is_some());
        assert!(browser.open(&rp.url(&[claims, ("prompt", "none")])).await.callback().get("code").is_some());
    }
    let nobody = ("claims", r#"{"id_token":{"sub":{"value":"somebody else's name"}}}"#);
    let mut browser = world.browser();
    let refused = rp.login(&mut browser, "alice", &[nobody]).await;
    assert_eq!(refused.callback().get("error"), Some("login_required"));
}

#[tokio::test]
async fn a_hint_and_a_subject_must_mean_the_same_user() {
    let (world, rp) = world_with_alice().await;
    let bob = world.user("bob", |_| {}).await;
    let hint = rp.tokens("alice", &[]).await.id;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let other = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, bob.id);
    let asked = [("id_token_hint", hint.as_str()), ("claims", other.as_str()), ("prompt", "none")];
    assert_eq!(browser.open(&rp.url(&asked)).await.callback().get("error"), Some("login_required"));
    assert!(browser.open(&rp.url(&[asked[0], asked[2]])).await.callback().get("code").is_some());
}

/// Whether `browser` is asked to allow something, with the page.
async fn asked(browser: &mut Browser, rp: &Rp, claims: &str) -> (bool, Answer) {
    let page = browser.open(&rp.url(&[("scope", "openid email"), ("claims", claims)])).await;
    (page.body.contains("id=\"allow\""), page)
}

#[tokio::test]
async fn consent_names_single_claims_and_is_remembered() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |app| app.settings.skip_consent = false).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[("scope", "openid email")]).await;
    let phone = r#"{"userinfo":{"phone_number":null,"email":null},"id_token":{"birthdate":null}}"#;
    let silent = browser.open(&rp.url(&[("claims", phone), ("prompt", "none")])).await;
    assert_eq!(silent.callback().get("error"), Some("consent_required"));
    let (asks, page) = asked(&mut browser, &rp, phone).await;
    assert!(asks && page.body.contains("See these details"), "{}", page.body);
    assert!(page.body.contains("birthday, phone number") && !page.body.contains("profile"), "{}", page.body);
    assert!(browser.submit(&page, &[], "allow").await.callback().get("code").is_some());
    for (claims, asks) in [
        (phone, false),
        (r#"{"id_token":{"phone_number":null}}"#, false),
        (r#"{"userinfo":{"email_verified":null}}"#, false),
        (r#"{"userinfo":{"gender":null}}"#, true),
    ] {
        assert_eq!(asked(&mut browser, &rp, claims).await.0, asks, "{claims}");
    }
    let (_, page) = asked(&mut browser, &rp, r#"{"userinfo":{"gender":null}}"#).await;
    assert_eq!(browser.submit(&page, &[], "deny").await.callback().get("error"), Some("access_denied"));
}

#[tokio::test]
async fn a_waiting_request_keeps_what_it_asks_for() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let claims = r#"{"userinfo":{"phone_number":null}}"#;
    let page = browser.open(&rp.url(&[("claims", claims), ("acr_values", "1"), ("scope", "openid")])).await;
    world.restart().await;
    let callback = browser.sign_in(&page, "alice").await.callback();
    let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    assert_eq!(rp.me(&tokens.access).await.json()["phone_number"], "+8613800138000");
    assert_eq!(tokens.id_token().claims["acr"], "urn:signet:acr:password");
}

#[tokio::test]
async fn a_blocked_user_and_a_revoked_grant_tell_nothing_more() {
    let (world, rp) = world_with_alice().await;
    let claims = [("claims", r#"{"userinfo":{"phone_number":null}}"#)];
    let (one, other) = (rp.tokens("alice", &claims).await, rp.tokens("alice", &claims).await);
    assert_eq!(rp.revoke(&one.access).await.status, 200);
    assert_eq!(rp.me(&one.access).await.status, 401);
    let alice = one.id_token().claims["sub"].as_str().unwrap().to_owned();
    let alice = signet_protocol::id::UserId::parse(&alice).unwrap();
    world.update_user(alice, |user| user.phone = None).await;
    assert_eq!(rp.me(&other.access).await.json().get("phone_number"), None, "what is true today");
    world.update_user(alice, |user| user.blocked = true).await;
    assert_eq!(rp.me(&other.access).await.status, 401);
}

#[tokio::test]
async fn the_front_channel_tells_what_was_asked_for_too() {
    let (_world, rp) = world_with_alice().await;
    let claims = r#"{"userinfo":{"phone_number":null},"id_token":{"phone_number":null,"acr":null}}"#;
    let world = Arc::clone(&rp.world);
    world
        .update_application(rp.application.id, |app| {
            app.settings.grant_types = GrantType::ALL.to_vec();
            app.settings.response_types = ResponseType::ALL.to_vec();
        })
        .await;
    let asked = [("response_type", "id_token token"), ("scope", "openid"), ("claims", claims)];
    let answer = rp.login(&mut world.browser(), "alice", &asked).await;
    let (_, fragment) = answer.location().split_once('#').unwrap();
    let sent = RawParams::parse(fragment.as_bytes()).unwrap();
    let id_token = Jwt::decode(sent.get("id_token").unwrap()).unwrap().claims;
    assert_eq!(id_token["phone_number"], "+8613800138000");
    assert_eq!(id_token["acr"], "urn:signet:acr:password");
    let info = rp.me(sent.get("access_token").unwrap()).await.json();
    assert_eq!((&info["phone_number"], &info["sub"]), (&id_token["phone_number"], &id_token["sub"]));
}
