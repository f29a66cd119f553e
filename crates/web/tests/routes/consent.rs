//! `/consent`.

use std::sync::Arc;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Browser, CALLBACK, World},
};

async fn world_that_asks() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |application| application.settings.skip_consent = false).await;
    (world, rp)
}

async fn asked(browser: &mut Browser, rp: &Rp, change: &[(&str, &str)]) -> bool {
    browser.open(&rp.url(change)).await.body.contains("id=\"allow\"")
}

#[tokio::test]
async fn it_says_in_words_who_asks_whom_for_what() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(OFFLINE)).await;
    let page = browser.sign_in(&login, "alice").await;
    for text in [
        "Sample notes",
        "alice Sample",
        "See your profile",
        "See your email address",
        "Keep access while you are away",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("See your phone number"));
    let chinese = browser.open(&rp.url(&[("ui_locales", "zh"), ("prompt", "consent")])).await;
    assert!(chinese.body.contains("请求访问您的账号"), "{}", chinese.body);
}

#[tokio::test]
async fn it_is_remembered_until_more_is_asked_for() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    assert!(
        rp.login(&mut browser, "alice", &[("scope", "openid profile")])
            .await
            .callback()
            .get("code")
            .is_some()
    );
    assert!(!asked(&mut browser, &rp, &[("scope", "openid profile")]).await);
    assert!(!asked(&mut browser, &rp, &[("scope", "profile openid")]).await);
    assert!(!asked(&mut browser, &rp, &[("scope", "openid")]).await);
    assert!(asked(&mut browser, &rp, &[("scope", "openid profile phone")]).await);
    assert!(asked(&mut browser, &rp, &[("scope", "openid profile"), ("prompt", "consent")]).await);
    let silent = browser.open(&rp.url(&[("scope", "openid phone"), ("prompt", "none")])).await;
    assert_eq!(silent.callback().get("error"), Some("consent_required"));
    rp.login(&mut browser, "alice", &[("scope", "openid phone")]).await;
    assert!(!asked(&mut browser, &rp, &[("scope", "openid profile phone")]).await, "both are remembered");
    let mut elsewhere = world.browser();
    let answer = elsewhere.open(&rp.url(&[("scope", "openid")])).await;
    assert_eq!(elsewhere.sign_in(&answer, "alice").await.status, 303, "in every browser of hers");
}

#[tokio::test]
async fn one_person_does_not_consent_for_another_nor_to_another_application() {
    let (world, rp) = world_that_asks().await;
    world.user("bob", |_| {}).await;
    let other = Rp::new(&world, "other", |application| application.settings.skip_consent = false).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let login = browser.open(&rp.url(&[("prompt", "login")])).await;
    assert!(browser.sign_in(&login, "bob").await.body.contains("id=\"allow\""));
    let login = browser.open(&other.url(&[])).await;
    assert!(browser.sign_in(&login, "alice").await.body.contains("id=\"allow\""));
}

#[tokio::test]
async fn an_application_that_skips_it_asks_only_when_it_wants() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[])).await;
    assert!(browser.sign_in(&login, "alice").await.callback().get("code").is_some());
    assert!(asked(&mut browser, &rp, &[("prompt", "consent")]).await);
}

#[tokio::test]
async fn to_deny_ends_it_at_the_callback() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[])).await;
    let page = browser.sign_in(&login, "alice").await;
    let denied = browser.submit(&page, &[], "deny").await;
    assert!(denied.location().starts_with(CALLBACK), "{}", denied.location());
    let callback = denied.callback();
    assert_eq!(callback.get("error"), Some("access_denied"));
    assert_eq!((callback.get("state"), callback.get("iss")), (Some("st4te"), Some(rp.issuer.as_str())));
    let changed_mind = browser.submit(&page, &[], "allow").await;
    assert_eq!(changed_mind.status, 400);
    assert!(changed_mind.body.contains("This sign-in is already finished"), "{}", changed_mind.body);
    assert!(asked(&mut browser, &rp, &[]).await, "a refusal is not remembered");
}

#[tokio::test]
async fn no_button_is_no_consent() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[])).await;
    let page = browser.sign_in(&login, "alice").await;
    let form = page.form().fields;
    let mut form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.push(("decision", "perhaps"));
    assert_eq!(browser.post("/consent", &form).await.callback().get("error"), Some("access_denied"));
    let page = browser.open(&rp.url(&[])).await;
    let form = page.form().fields;
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(browser.post("/consent", &form).await.callback().get("error"), Some("access_denied"));
}

#[tokio::test]
async fn attack_12_consent_cannot_be_forged() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[])).await;
    let page = browser.sign_in(&login, "alice").await;
    let txn = page.form().fields.iter().find(|(name, _)| name == "txn").unwrap().1.clone();
    let login_csrf = login.form().fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    for csrf in ["", "forged", &login_csrf] {
        let form = [("txn", txn.as_str()), ("csrf", csrf), ("decision", "allow")];
        assert_eq!(browser.post("/consent", &form).await.status, 403, "{csrf}");
    }
    assert!(browser.submit(&page, &[], "allow").await.callback().get("code").is_some());
}

#[tokio::test]
async fn allowing_before_signing_in_again_is_not_enough() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    browser.open(&rp.url(&[("prompt", "login consent")])).await;
    let skipped = browser.open(&browser.address.replace("/login", "/consent")).await;
    let answer = browser.submit(&skipped, &[], "allow").await;
    assert!(answer.body.contains("id=\"sign-in\""), "{}", answer.body);
    let asked = browser.sign_in(&answer, "alice").await;
    assert!(asked.body.contains("id=\"allow\""), "and the consent is asked again: {}", asked.body);
    let callback = browser.submit(&asked, &[], "allow").await.callback();
    Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
}

#[tokio::test]
async fn without_a_login_there_is_nobody_to_ask() {
    let (world, rp) = world_that_asks().await;
    let mut browser = world.browser();
    browser.open(&rp.url(&[])).await;
    let page = browser.open(&browser.address.replace("/login", "/consent")).await;
    assert!(page.body.contains("id=\"sign-in\""), "{}", page.body);
}
