//! The settings of a pool, where they take effect.

use std::{net::IpAddr, sync::Arc};

use http::Method;
use signet_protocol::{application::GrantType, operator::Role};

use crate::{
    console::operator,
    rp::Rp,
    scopes::apply,
    support::{Answer, BASE, Browser, PASSWORD, World, on_both_engines},
};

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |user| user.phone = Some("+4915112345678".to_owned())).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

async fn attempt(world: &Arc<World>, rp: &Rp, username: &str, password: &str) -> Answer {
    let mut browser = world.browser();
    attempt_in(&mut browser, rp, username, password).await
}

async fn attempt_in(browser: &mut Browser, rp: &Rp, username: &str, password: &str) -> Answer {
    let page = browser.open(&rp.url(&[])).await;
    let form = page.form().fill(&[("username", username), ("password", password)], "sign-in");
    browser.step(Method::POST, "/login", Some(&form)).await
}

fn session_cookie(answer: &Answer) -> Option<String> {
    let cookies = answer.set_cookies();
    cookies.into_iter().find(|cookie| cookie.starts_with("signet_session")).map(str::to_owned)
}

#[tokio::test]
async fn languages_that_are_not_offered_are_never_shown() {
    let (world, rp) = world_with_alice().await;
    apply(&world, "[pool]\nlanguages = [\"zh\"]").await;
    for locales in ["en", "fr en", ""] {
        let page = world.browser().open(&rp.url(&[("ui_locales", locales)])).await;
        assert!(page.body.contains("<html lang=\"zh-CN\">"), "{locales}: {}", page.body);
    }
    let start = world.get(BASE).await;
    assert!(start.body.contains("<html lang=\"zh-CN\">"), "{}", start.body);
    let discovery = world.get(&format!("{BASE}/oidc/.well-known/openid-configuration")).await;
    assert!(discovery.body.contains("\"ui_locales_supported\":[\"zh-CN\"]"), "{}", discovery.body);
    // Who administers the pool is not one of those it is offered to.
    let console = world.browser().open(&format!("{BASE}/console/sign-in")).await;
    assert!(console.body.contains("<html lang=\"en\""), "{}", console.body);
    apply(&world, "[pool]\nlanguages = [\"en\", \"zh\"]").await;
    assert!(world.get(BASE).await.body.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn attack_18_names_are_taken_of_the_methods_that_are_set_at_both_doors() {
    let world = World::new().await;
    world.user("alice", |user| user.phone = Some("+4915112345678".to_owned())).await;
    let rp = Rp::new(&world, "notes", |application| {
        application.settings.grant_types.push(GrantType::Password);
    })
    .await;
    apply(&world, "[pool]\nlogin_methods = [\"email\"]").await;
    let page = world.browser().open(&rp.url(&[])).await;
    assert!(page.body.contains("<label for=\"username\">Email</label>"), "{}", page.body);
    let wrong = attempt(&world, &rp, "alice@example.com", "wrong password").await;
    for (name, good) in [("alice", false), ("+4915112345678", false), ("alice@example.com", true)] {
        let answer = attempt(&world, &rp, name, PASSWORD).await;
        assert_eq!(answer.status == 303, good, "{name}");
        if !good {
            assert_eq!(answer.status, wrong.status);
            assert!(answer.body.contains("do not match"), "as for a wrong password: {}", answer.body);
        }
        let form = [("grant_type", "password"), ("username", name), ("password", PASSWORD)];
        let tokens = rp.post("/token", &form).await;
        assert_eq!(tokens.status == 200, good, "{name}: {}", tokens.body);
    }
    apply(&world, "[pool]\nlogin_methods = [\"phone\", \"username\"]").await;
    let page = world.browser().open(&rp.url(&[("ui_locales", "zh")])).await;
    assert!(page.body.contains("用户名或手机号"), "{}", page.body);
    assert_eq!(attempt(&world, &rp, "alice", PASSWORD).await.status, 303);
    // At the console every name is taken, so that nobody locks themselves out of it.
    apply(&world, "[pool]\nlogin_methods = [\"phone\"]").await;
    operator(&world, "root", Role::Owner, &[]).await;
}

async fn a_shorter_lifetime_ends_sessions_that_are_there(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    let signed_in = attempt_in(&mut browser, &rp, "alice", PASSWORD).await;
    assert!(session_cookie(&signed_in).unwrap().contains("Max-Age=1209600"), "{:?}", signed_in.set_cookies());
    world.advance(3000);
    let silent = [("prompt", "none")];
    assert!(browser.open(&rp.url(&silent)).await.callback().get("code").is_some());
    apply(&world, "[pool]\nsession_lifetime = 3600").await;
    assert!(browser.open(&rp.url(&silent)).await.callback().get("code").is_some());
    world.advance(700);
    let answer = browser.open(&rp.url(&silent)).await;
    assert_eq!(answer.callback().get("error"), Some("login_required"), "{}", answer.body);
    // A longer one gives those that began before nothing back.
    apply(&world, "[pool]\nsession_lifetime = 31536000").await;
    let long = attempt(&world, &rp, "alice", PASSWORD).await;
    assert!(session_cookie(&long).unwrap().contains("Max-Age=31536000"));
}

#[tokio::test]
async fn a_browser_session_has_no_age_and_still_ends() {
    let (world, rp) = world_with_alice().await;
    apply(&world, "[pool]\nbrowser_session = true\nsession_lifetime = 600").await;
    let mut browser = world.browser();
    let signed_in = attempt_in(&mut browser, &rp, "alice", PASSWORD).await;
    let cookie = session_cookie(&signed_in).unwrap();
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "{cookie}");
    assert!(browser.open(&rp.url(&[("prompt", "none")])).await.callback().get("code").is_some());
    world.advance(600);
    let answer = browser.open(&rp.url(&[("prompt", "none")])).await;
    assert_eq!(answer.callback().get("error"), Some("login_required"));
}

#[tokio::test]
async fn logins_to_the_console_last_as_long_as_is_set() {
    let world = World::new().await;
    let mut browser = operator(&world, "root", Role::Owner, &[]).await;
    let address = format!("{BASE}/console/applications");
    world.advance(1000);
    assert_eq!(browser.open(&address).await.status, 200);
    apply(&world, "[pool]\nconsole_session_lifetime = 900").await;
    assert!(browser.open(&address).await.body.contains("id=\"sign-in\""), "it is over");
}

async fn attack_14_throttles_are_those_of_the_pool(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    apply(&world, "[pool.throttle]\nname_and_network_failures = 3\nname_and_network_period = 900").await;
    for status in [400, 400, 400, 429] {
        assert_eq!(attempt(&world, &rp, "alice", "wrong password").await.status, status);
    }
    // What was counted is forgotten after the period.
    world.advance(903);
    assert_eq!(attempt(&world, &rp, "alice", PASSWORD).await.status, 303);
    apply(&world, "[pool.throttle]\nname_failures = 10\nnetwork_failures = 20").await;
    let from = |number: u8| Some(IpAddr::from([192, 0, number, 1]));
    let mut statuses = Vec::new();
    for number in 0..11 {
        let mut browser = world.browser();
        browser.peer = from(number);
        statuses.push(attempt_in(&mut browser, &rp, "bob", "wrong password").await.status.as_u16());
    }
    assert_eq!(statuses, [vec![400; 10], vec![429]].concat(), "one name, from anywhere");
    let mut statuses = Vec::new();
    for number in 0..21 {
        let mut browser = world.browser();
        browser.peer = from(77);
        statuses.push(attempt_in(&mut browser, &rp, &format!("u{number}"), "wrong").await.status.as_u16());
    }
    assert_eq!(statuses, [vec![400; 20], vec![429]].concat(), "one network, any name");
}

#[tokio::test]
async fn the_name_of_the_pool_is_on_its_page_and_in_the_console() {
    let world = World::new().await;
    assert!(!world.get(BASE).await.body.contains("Default pool"));
    let mut browser = operator(&world, "root", Role::Owner, &[]).await;
    apply(&world, "[pool]\nname = \"Network <Notes>\"").await;
    let start = world.get(BASE).await;
    assert!(start.body.contains("Sign-in for <bdi>Network &#60;Notes&#62;</bdi>"), "{}", start.body);
    let page = browser.open(&format!("{BASE}/console/settings/claims")).await;
    assert!(page.body.contains("<bdi>Network &#60;Notes&#62;</bdi>"), "{}", page.body);
}

on_both_engines!(a_shorter_lifetime_ends_sessions_that_are_there, attack_14_throttles_are_those_of_the_pool);
