//! `/login` when a person does not walk straight through it: back, twice, in two tabs, too late.

use std::sync::Arc;

use http::Method;

use crate::{
    rp::{Rp, Tokens},
    support::{Answer, Browser, PASSWORD, World, on_both_engines},
};

async fn world_with_two() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    world.user("bob", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

async fn who(rp: &Rp, answer: &Answer) -> String {
    let callback = answer.callback();
    let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    tokens.id_token().claims["preferred_username"].as_str().unwrap().to_owned()
}

/// Presses the button of a login page, and leaves the answer unread.
async fn press(browser: &mut Browser, page: &Answer, username: &str) -> Answer {
    let form = page.form().fill(&[("username", username), ("password", PASSWORD)], "sign-in");
    browser.step(Method::POST, "/login", Some(&form)).await
}

#[tokio::test]
async fn the_back_button_leads_to_a_way_forward() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let address = browser.address.clone();
    browser.sign_in(&page, "alice").await;
    for answer in [
        browser.open(&address).await,
        browser.sign_in(&page, "alice").await,
        browser.open(&address.replace("/login", "/consent")).await,
        browser.open(&address.replace("/login", "/login/account")).await,
        browser.open(&address.replace("/login", "/oidc/auth/resume")).await,
    ] {
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains("This sign-in is already finished"), "{}", answer.body);
        assert!(answer.body.contains("id=\"home\" href=\"https://rp.example/\""), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_double_click_signs_in_once() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let first = press(&mut browser, &page, "alice").await;
    let second = press(&mut browser, &page, "alice").await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (303, 303));
    let done = browser.open(second.location()).await;
    assert_eq!(who(&rp, &done).await, "alice");
    let late = browser.open(&format!("http://localhost:8080{}", first.location())).await;
    assert!(late.body.contains("This sign-in is already finished"), "{}", late.body);
}

async fn a_double_answer_gives_one_code(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let resume = press(&mut browser, &page, "alice").await.location().to_owned();
    let answers = signet_testkit::race::race(8, |_| {
        let (mut browser, resume) = (browser.clone(), resume.clone());
        async move { browser.step(Method::GET, &resume, None).await }
    })
    .await;
    let codes = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(codes, 1, "{answers:?}");
    assert!(answers.iter().filter(|answer| answer.status != 303).all(|answer| answer.status == 400));
}
on_both_engines!(a_double_answer_gives_one_code);

#[tokio::test]
async fn two_tabs_sign_in_two_people() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let one = browser.open(&rp.url(&[])).await;
    let two = browser.open(&rp.url(&[])).await;
    let alice = browser.sign_in(&one, "alice").await;
    assert_eq!(who(&rp, &alice).await, "alice");
    let bob = browser.sign_in(&two, "bob").await;
    assert_eq!(who(&rp, &bob).await, "bob");
    let last = browser.open(&rp.url(&[])).await;
    assert_eq!(who(&rp, &last).await, "bob", "the browser is the last one's");
}

#[tokio::test]
async fn whoever_was_overtaken_is_asked_and_not_taken_for_the_other() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let one = browser.open(&rp.url(&[])).await;
    let two = browser.open(&rp.url(&[])).await;
    let waiting = press(&mut browser, &one, "alice").await;
    browser.sign_in(&two, "bob").await;
    let asked = browser.open(&format!("http://localhost:8080{}", waiting.location())).await;
    assert_eq!(asked.status, 200, "{:?}", asked.headers);
    assert!(asked.body.contains("Continue as <bdi>bob Sample</bdi>"), "{}", asked.body);
    let back = browser.submit(&asked, &[], "another").await;
    assert_eq!(who(&rp, &browser.sign_in(&back, "alice").await).await, "alice");
}

#[tokio::test]
async fn consent_is_given_by_the_person_it_names() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[("prompt", "consent")])).await;
    let other = browser.open(&rp.url(&[])).await;
    let for_alice = browser.sign_in(&page, "alice").await;
    assert!(for_alice.body.contains("alice Sample") && for_alice.body.contains("id=\"allow\""));
    browser.sign_in(&other, "bob").await;
    let asked = browser.submit(&for_alice, &[], "allow").await;
    assert!(asked.body.contains("Continue as <bdi>bob Sample</bdi>"), "{}", asked.body);
    let for_bob = browser.submit(&asked, &[], "continue").await;
    assert!(for_bob.body.contains("bob Sample") && for_bob.body.contains("id=\"allow\""), "{}", for_bob.body);
    let done = browser.submit(&for_bob, &[], "allow").await;
    assert_eq!(who(&rp, &done).await, "bob");
}

#[tokio::test]
async fn prompt_login_is_not_answered_by_the_login_of_another_tab() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let one = browser.open(&rp.url(&[("prompt", "login")])).await;
    let two = browser.open(&rp.url(&[("prompt", "login")])).await;
    let waiting = press(&mut browser, &one, "alice").await;
    browser.sign_in(&two, "bob").await;
    let asked = browser.open(&format!("http://localhost:8080{}", waiting.location())).await;
    assert!(asked.body.contains("id=\"sign-in\""), "{}", asked.body);
}

#[tokio::test]
async fn an_expired_page_says_so_and_leads_back() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let address = browser.address.clone();
    world.advance(3601);
    for answer in [browser.sign_in(&page, "alice").await, browser.open(&address).await] {
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("This page has expired"), "{}", answer.body);
        assert!(answer.body.contains("href=\"https://rp.example/\""), "{}", answer.body);
    }
    assert!(rp.login(&mut browser, "alice", &[]).await.callback().get("code").is_some());
}

#[tokio::test]
async fn a_page_of_no_transaction_has_nowhere_to_lead() {
    let (world, rp) = world_with_two().await;
    let mut browser = world.browser();
    browser.open(&rp.url(&[])).await;
    let elsewhere = browser.address.replace("localhost:8080", "notes.localhost:8080");
    for url in ["http://localhost:8080/login", "http://localhost:8080/login?txn=x", &elsewhere] {
        let answer = browser.open(url).await;
        assert_eq!(answer.status, 400, "{url}");
        assert!(
            answer.body.contains("This page has expired") && !answer.body.contains("id=\"home\""),
            "{url}"
        );
    }
}
