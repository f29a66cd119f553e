//! `/login/account`: `prompt=select_account`.

use std::sync::Arc;

use crate::{
    rp::{Rp, Tokens},
    support::{Browser, World},
};

const SELECT: &[(&str, &str)] = &[("prompt", "select_account")];

async fn signed_in_as_alice() -> (Arc<World>, Rp, Browser) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    world.user("bob", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    (world, rp, browser)
}

#[tokio::test]
async fn going_on_keeps_the_login() {
    let (world, rp, mut browser) = signed_in_as_alice().await;
    world.advance(50);
    let page = browser.open(&rp.url(SELECT)).await;
    assert!(page.body.contains("Continue as <bdi>alice Sample</bdi>"), "{}", page.body);
    let callback = browser.submit(&page, &[], "continue").await.callback();
    let claims = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await).id_token().claims;
    assert_eq!(claims["preferred_username"], "alice");
    assert!(claims["auth_time"].as_i64().unwrap() <= world.now() - 50, "choosing is not signing in");
}

#[tokio::test]
async fn another_account_signs_in() {
    let (_, rp, mut browser) = signed_in_as_alice().await;
    let page = browser.open(&rp.url(SELECT)).await;
    let login = browser.submit(&page, &[], "another").await;
    let callback = browser.sign_in(&login, "bob").await.callback();
    let claims = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await).id_token().claims;
    assert_eq!(claims["preferred_username"], "bob", "and is not asked to choose again");
}

#[tokio::test]
async fn it_is_asked_each_time_and_never_silently() {
    let (world, rp, mut browser) = signed_in_as_alice().await;
    for _ in 0..2 {
        let page = browser.open(&rp.url(SELECT)).await;
        browser.submit(&page, &[], "continue").await;
    }
    let both = browser.open(&rp.url(&[("prompt", "none select_account")])).await;
    assert_eq!(both.callback().get("error"), Some("invalid_request"));
    let fresh = world.browser().open(&rp.url(SELECT)).await;
    assert!(fresh.body.contains("id=\"sign-in\""), "without a session there is nothing to choose from");
}

#[tokio::test]
async fn choosing_does_not_answer_prompt_login() {
    let (_, rp, mut browser) = signed_in_as_alice().await;
    let page = browser.open(&rp.url(&[("prompt", "login select_account")])).await;
    assert!(page.body.contains("id=\"sign-in\""), "{}", page.body);
    let account = browser.open(&browser.address.replace("/login", "/login/account")).await;
    let answer = browser.submit(&account, &[], "continue").await;
    assert!(answer.body.contains("id=\"sign-in\""), "{}", answer.body);
}

#[tokio::test]
async fn the_form_belongs_to_the_session_it_names() {
    let (_, rp, mut browser) = signed_in_as_alice().await;
    let page = browser.open(&rp.url(SELECT)).await;
    rp.login(&mut browser, "bob", &[("prompt", "login")]).await;
    let refused = browser.submit(&page, &[], "continue").await;
    assert_eq!(refused.status, 403, "alice's page does not go on as bob: {}", refused.body);
    let mut forged = page.form().fill(&[("csrf", "forged")], "continue");
    forged.retain(|(name, _)| name != "csrf");
    let refused = browser.step(http::Method::POST, "/login/account", Some(&forged)).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn after_the_session_ended_the_person_signs_in() {
    let (world, rp, mut browser) = signed_in_as_alice().await;
    let page = browser.open(&rp.url(SELECT)).await;
    world.advance(30 * 60);
    world.restart().await;
    browser.jar.retain(|(_, name), _| !name.starts_with("signet_session"));
    let login = browser.submit(&page, &[], "continue").await;
    assert!(login.body.contains("id=\"sign-in\""), "{}", login.body);
    assert!(browser.sign_in(&login, "alice").await.callback().get("code").is_some());
}
