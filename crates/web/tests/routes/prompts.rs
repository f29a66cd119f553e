//! What a request says of the pages between it and its answer (OpenID Connect Core §3.1.2.1 and §11).

use std::sync::Arc;

use signet_protocol::time::Seconds;

use crate::{
    rp::Rp,
    support::{Answer, Browser, World},
};

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

/// The pages `browser` meets on its way, and where that ends.
async fn way(rp: &Rp, browser: &mut Browser, change: &[(&str, &str)]) -> Vec<String> {
    let mut answer = browser.open(&rp.url(change)).await;
    let mut met = Vec::new();
    while answer.status == 200 {
        let shown = |id: &str| answer.body.contains(&format!("id=\"{id}\""));
        let page = ["sign-in", "continue", "allow"].into_iter().find(|id| shown(id)).unwrap();
        met.push(page.to_owned());
        answer = match page {
            "sign-in" => browser.sign_in(&answer, "alice").await,
            other => browser.submit(&answer, &[], other).await,
        };
    }
    met.push(end(&answer));
    met
}

fn end(answer: &Answer) -> String {
    let callback = answer.callback();
    if callback.get("code").is_some() { "code".to_owned() } else { callback.get("error").unwrap().to_owned() }
}

#[tokio::test]
async fn every_combination_of_prompt_shows_its_pages_in_order() {
    let (world, rp) = world_with_alice().await;
    for (prompt, new, signed_in) in [
        ("", "sign-in code", "code"),
        ("none", "login_required", "code"),
        ("login", "sign-in code", "sign-in code"),
        ("consent", "sign-in allow code", "allow code"),
        ("select_account", "sign-in code", "continue code"),
        ("login consent", "sign-in allow code", "sign-in allow code"),
        ("consent login", "sign-in allow code", "sign-in allow code"),
        ("login select_account", "sign-in code", "sign-in code"),
        ("consent select_account", "sign-in allow code", "continue allow code"),
        ("login consent select_account", "sign-in allow code", "sign-in allow code"),
        ("none login", "invalid_request", "invalid_request"),
        ("none consent", "invalid_request", "invalid_request"),
        ("none select_account", "invalid_request", "invalid_request"),
        ("create", "invalid_request", "invalid_request"),
        ("login create", "invalid_request", "invalid_request"),
    ] {
        let change = [("prompt", prompt)];
        let mut browser = world.browser();
        assert_eq!(way(&rp, &mut browser, &change).await.join(" "), new, "{prompt:?} with nobody signed in");
        let mut browser = world.browser();
        rp.login(&mut browser, "alice", &[]).await;
        assert_eq!(way(&rp, &mut browser, &change).await.join(" "), signed_in, "{prompt:?} signed in");
    }
}

#[tokio::test]
async fn a_default_age_holds_where_the_request_names_none() {
    let (world, rp) = world_with_alice().await;
    world.update_application(rp.application.id, |app| app.settings.default_max_age = Some(Seconds(60))).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    assert_eq!(way(&rp, &mut browser, &[]).await, ["code"]);
    world.advance(120);
    assert_eq!(way(&rp, &mut browser, &[("prompt", "none")]).await, ["login_required"]);
    assert_eq!(way(&rp, &mut browser, &[("max_age", "3600")]).await, ["code"], "the request says it better");
    assert_eq!(way(&rp, &mut browser, &[]).await, ["sign-in", "code"]);
    world.update_application(rp.application.id, |app| app.settings.default_max_age = Some(Seconds(0))).await;
    assert_eq!(way(&rp, &mut browser, &[]).await, ["sign-in", "code"]);
    assert_eq!(way(&rp, &mut browser, &[]).await, ["sign-in", "code"], "each time");
}

#[tokio::test]
async fn every_id_token_says_when_its_user_signed_in() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let before = world.now();
    world.advance(100);
    let of = async |callback: Answer| {
        let code = callback.callback().get("code").unwrap().to_owned();
        crate::rp::Tokens::of(&rp.redeem(&code).await).id_token().claims["auth_time"].as_i64().unwrap()
    };
    assert!(of(browser.open(&rp.url(&[])).await).await <= before);
    let page = browser.open(&rp.url(&[("max_age", "10")])).await;
    let again = browser.sign_in(&page, "alice").await;
    assert!(of(again).await >= before + 100);
}

#[tokio::test]
async fn offline_access_without_consent_is_a_switch() {
    let (world, rp) = world_with_alice().await;
    let scope = [("scope", "openid offline_access")];
    assert_eq!(rp.tokens("alice", &scope).await.refresh, None);
    world
        .update_application(rp.application.id, |app| app.settings.offline_access_without_consent = true)
        .await;
    let tokens = rp.tokens("alice", &scope).await;
    assert_eq!(tokens.json["scope"], "openid offline_access");
    assert_eq!(rp.refresh(tokens.refresh()).await.status, 200);
    assert_eq!(rp.tokens("alice", &[("scope", "openid")]).await.refresh, None, "only who asks");
}

#[tokio::test]
async fn what_only_advises_is_accepted_and_what_cannot_be_meant_is_not() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    for (name, value, ends) in [
        ("display", "page", "code"),
        ("display", "popup", "code"),
        ("display", "touch", "code"),
        ("display", "wap", "code"),
        ("display", "billboard", "invalid_request"),
        ("claims_locales", "ja en", "code"),
        ("ui_locales", "xx zh", "code"),
        ("login_hint", "somebody", "code"),
        ("registration", "{}", "registration_not_supported"),
        ("tenant_id", "t", "code"),
        ("login_page_context", "{}", "code"),
    ] {
        assert_eq!(way(&rp, &mut browser, &[(name, value)]).await, [ends], "{name}={value}");
    }
    let page = world.browser().open(&rp.url(&[("display", "popup")])).await;
    assert!(page.body.contains("id=\"sign-in\""));
}
