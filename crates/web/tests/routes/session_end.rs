//! `/oidc/session/end`.

use std::sync::Arc;

use http::Method;
use signet_protocol::{application::Application, params::encode_pairs};

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, BASE, Browser, World},
};

const BYE: &str = "https://rp.example/bye";

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

/// A browser in which `username` is signed in, with the tokens that came of it.
async fn signed_in(rp: &Rp, username: &str, change: &[(&str, &str)]) -> (Browser, Tokens) {
    let mut browser = rp.world.browser();
    let callback = rp.login(&mut browser, username, change).await.callback();
    let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    (browser, tokens)
}

fn end(rp: &Rp, params: &[(&str, &str)]) -> String {
    format!("{}/session/end?{}", rp.issuer, encode_pairs(params.iter().copied()))
}

async fn is_signed_in(rp: &Rp, browser: &mut Browser) -> bool {
    browser.open(&rp.url(&[("prompt", "none")])).await.callback().get("code").is_some()
}

fn asks(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("id=\"sign-out\"")
}

#[tokio::test]
async fn a_hint_signs_out_and_leads_back() {
    let (world, rp) = world_with_alice().await;
    for rp in [rp.at_home(), rp] {
        let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
        world.advance(7200);
        let params =
            [("id_token_hint", tokens.id.as_str()), ("post_logout_redirect_uri", BYE), ("state", "a&b")];
        let answer = browser.step(Method::GET, &end(&rp, &params), None).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "https://rp.example/bye?state=a%26b"));
        let removed = format!("signet_session_{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", rp.id);
        assert_eq!(answer.set_cookies(), [removed]);
        let silent = browser.open(&rp.url(&[("prompt", "none")])).await;
        assert_eq!(silent.callback().get("error"), Some("login_required"));
    }
}

#[tokio::test]
async fn the_session_is_over_even_for_who_kept_the_cookie() {
    let (_, rp) = world_with_alice().await;
    let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
    let mut copy = browser.clone();
    browser.open(&end(&rp, &[("id_token_hint", &tokens.id)])).await;
    assert!(!is_signed_in(&rp, &mut copy).await);
}

#[tokio::test]
async fn without_a_target_a_page_says_that_it_is_done() {
    let (_, rp) = world_with_alice().await;
    let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
    let page = browser.open(&end(&rp, &[("id_token_hint", &tokens.id), ("ui_locales", "zh")])).await;
    assert!(page.status == 200 && page.body.contains("您已退出登录"), "{}", page.body);
    let again = browser.open(&end(&rp, &[("id_token_hint", &tokens.id)])).await;
    assert!(again.body.contains("You are signed out"), "twice is no mistake: {}", again.body);
    let target = [("client_id", rp.id.as_str()), ("post_logout_redirect_uri", BYE)];
    assert_eq!(browser.open(&end(&rp, &target)).await.location(), BYE, "with nobody to ask");
}

#[tokio::test]
async fn by_post_from_another_site_it_is_the_same() {
    let (world, rp) = world_with_alice().await;
    let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
    let form = [("id_token_hint", tokens.id.as_str()), ("post_logout_redirect_uri", BYE)];
    // On plain http the browser keeps its cookies from a POST of another site, but not from the GET that follows.
    let answer = world.post(&format!("{}/session/end", rp.issuer), &form, None).await;
    let answer = browser.open(&format!("{BASE}{}", answer.location())).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, BYE));
    assert!(!is_signed_in(&rp, &mut browser).await);
}

#[tokio::test]
async fn without_a_hint_the_person_is_asked() {
    let (_, rp) = world_with_alice().await;
    let (mut browser, _) = signed_in(&rp, "alice", &[]).await;
    let params = [
        ("client_id", rp.id.as_str()),
        ("post_logout_redirect_uri", BYE),
        ("state", "s"),
        ("ui_locales", "en"),
    ];
    for params in [&params[..], &[]] {
        let page = browser.open(&end(&rp, params)).await;
        assert!(asks(&page) && page.body.contains("alice"), "{}", page.body);
        assert!(is_signed_in(&rp, &mut browser).await, "asking changes nothing");
    }
    let page = browser.open(&end(&rp, &params)).await;
    let stayed = browser.submit(&page, &[], "stay").await;
    assert_eq!(stayed.location(), "https://rp.example/", "not the logout callback");
    assert!(is_signed_in(&rp, &mut browser).await);
    let page = browser.open(&end(&rp, &params)).await;
    let left = browser.submit(&page, &[], "sign-out").await;
    assert_eq!(left.location(), "https://rp.example/bye?state=s");
    assert!(!is_signed_in(&rp, &mut browser).await);
}

#[tokio::test]
async fn the_hint_of_somebody_else_asks() {
    let (world, rp) = world_with_alice().await;
    world.user("bob", |_| {}).await;
    let (_, of_bob) = signed_in(&rp, "bob", &[]).await;
    let (mut browser, _) = signed_in(&rp, "alice", &[]).await;
    let page = browser.open(&end(&rp, &[("id_token_hint", &of_bob.id)])).await;
    assert!(asks(&page) && page.body.contains("alice"), "{}", page.body);
    assert!(is_signed_in(&rp, &mut browser).await);
}

#[tokio::test]
async fn attack_12_the_question_cannot_be_answered_by_others() {
    let (world, rp) = world_with_alice().await;
    let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
    let (mut other, _) = signed_in(&rp, "alice", &[]).await;
    let own = browser.open(&end(&rp, &[])).await;
    let foreign = other.open(&end(&rp, &[])).await;
    let csrf = |page: &Answer| page.form().fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let (own_csrf, foreign_csrf) = (csrf(&own), csrf(&foreign));
    let url = format!("{}/session/end", rp.issuer);
    for token in ["", "forged", &foreign_csrf] {
        for hint in ["", &tokens.id] {
            let form = [("decision", "sign-out"), ("csrf", token), ("id_token_hint", hint)];
            assert_eq!(browser.post(&url, &form).await.status, 403, "{token}");
        }
    }
    let form = [("decision", "sign-out"), ("csrf", own_csrf.as_str())];
    let blank = world.browser().post(&url, &form).await;
    assert!(blank.status == 400 && blank.body.contains("blocking cookies"), "{}", blank.body);
    let get = browser.open(&end(&rp, &form)).await;
    assert!(asks(&get), "a link decides nothing");
    assert!(is_signed_in(&rp, &mut browser).await);
    assert!(browser.post(&url, &form).await.body.contains("You are signed out"));
}

#[tokio::test]
async fn attack_03_only_a_registered_target_is_gone_to() {
    let (_, rp) = world_with_alice().await;
    let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
    let hint = ("id_token_hint", tokens.id.as_str());
    for target in [
        "https://evil.example/",
        "https://rp.example/bye/",
        "https://rp.example/bye?x=1",
        "https://rp.example/cb",
        "HTTPS://rp.example/bye",
        "javascript:alert(1)",
        "//evil.example",
        "/login",
    ] {
        let uri = ("post_logout_redirect_uri", target);
        for params in [&[hint, uri][..], &[("client_id", &rp.id), uri], &[uri]] {
            let page = browser.open(&end(&rp, params)).await;
            assert_eq!((page.status.as_u16(), page.header("location")), (400, None), "{target}");
            assert!(page.body.contains("You have not been signed out"), "{}", page.body);
            assert!(!page.body.contains("evil") && !page.body.contains("javascript:"));
        }
    }
    let nobody = browser.open(&end(&rp, &[("post_logout_redirect_uri", BYE)])).await;
    assert_eq!(nobody.status, 400, "without a client nothing is registered");
    assert!(is_signed_in(&rp, &mut browser).await);
}

#[tokio::test]
async fn a_request_that_contradicts_itself_changes_nothing() {
    let (world, rp) = world_with_alice().await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    let (mut browser, tokens) = signed_in(&rp, "alice", &[]).await;
    let elsewhere = rp.at_home().tokens("alice", &[]).await;
    let hint = ("id_token_hint", tokens.id.as_str());
    let long = "x".repeat(4097);
    for params in [
        &[hint, ("client_id", stranger.id.as_str())][..],
        &[("client_id", "nobody")],
        &[("client_id", "0123456789abcdef01234567")],
        &[("id_token_hint", "garbage")],
        &[("id_token_hint", tokens.access.as_str())],
        &[("id_token_hint", elsewhere.id.as_str())],
        &[hint, hint],
        &[hint, ("state", &long)],
    ] {
        let page = browser.open(&end(&rp, params)).await;
        assert_eq!(page.status, 400, "{:?}", params[0].0);
        assert!(page.body.contains("<code>invalid_request</code>"), "{}", page.body);
    }
    assert!(is_signed_in(&rp, &mut browser).await);
}

#[tokio::test]
async fn what_hangs_on_the_session_dies_with_it_and_offline_access_does_not() {
    let (_, rp) = world_with_alice().await;
    let (mut browser, online) = signed_in(&rp, "alice", &[]).await;
    let callback = rp.login(&mut browser, "alice", OFFLINE).await.callback();
    let offline = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    let (_, elsewhere) = signed_in(&rp, "alice", &[]).await;
    let waiting = rp.login(&mut browser, "alice", &[]).await.callback();
    browser.open(&end(&rp, &[("id_token_hint", &online.id)])).await;
    assert!(!rp.is_active(&online.access).await);
    assert_eq!(rp.me(&online.access).await.error(), (401, "invalid_token".to_owned()));
    let late = rp.redeem(waiting.get("code").unwrap()).await;
    assert_eq!(late.error(), (400, "invalid_grant".to_owned()), "a code that waited dies too");
    assert!(rp.is_active(&offline.access).await);
    assert_eq!(rp.refresh(offline.refresh()).await.status, 200);
    assert!(rp.is_active(&elsewhere.access).await, "another browser is another session");
}

#[tokio::test]
async fn only_the_session_of_the_client_that_asked_ends() {
    let (world, notes) = world_with_alice().await;
    let apart = Rp::new(&world, "apart", |_| {}).await;
    let sso: fn(&mut Application) = |application| application.settings.sso = true;
    let (one, two) = (Rp::new(&world, "one", sso).await, Rp::new(&world, "two", sso).await);
    let (mut browser, tokens) = signed_in(&notes, "alice", &[]).await;
    for rp in [&apart, &one, &two] {
        rp.login(&mut browser, "alice", &[]).await;
    }
    browser.open(&end(&notes, &[("id_token_hint", &tokens.id)])).await;
    assert!(!is_signed_in(&notes, &mut browser).await);
    for rp in [&apart, &one, &two] {
        assert!(is_signed_in(rp, &mut browser).await, "{}", rp.application.identifier);
    }
    let shared = browser.open(&end(&one, &[("client_id", &one.id)])).await;
    browser.submit(&shared, &[], "sign-out").await;
    assert!(!is_signed_in(&one, &mut browser).await && !is_signed_in(&two, &mut browser).await);
    assert!(is_signed_in(&apart, &mut browser).await);
    let all = browser.open(&end(&notes, &[])).await;
    browser.submit(&all, &[], "sign-out").await;
    assert!(!is_signed_in(&apart, &mut browser).await, "who names no client means all of them");
}
