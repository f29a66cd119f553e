//! `/login`.

use std::{net::IpAddr, sync::Arc};

use http::Method;
use signet_protocol::application::Application;
use signet_testkit::race::race;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, BASE, Browser, PASSWORD, World, on_both_engines},
};

const HOST: &str = "localhost:8080";

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    (world, rp)
}

async fn with_alice(world: &Arc<World>) -> Rp {
    world.user("alice", |user| user.phone = Some("+4915112345678".to_owned())).await;
    Rp::new(world, "notes", |_| {}).await
}

async fn attempt(browser: &mut Browser, page: &Answer, username: &str, password: &str) -> Answer {
    browser.submit(page, &[("username", username), ("password", password)], "sign-in").await
}

fn peer(number: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, number]))
}

#[tokio::test]
async fn a_person_signs_in_by_any_of_their_names() {
    let (world, rp) = world_with_alice().await;
    for (name, good) in [
        ("alice", true),
        (" alice ", true),
        ("alice@example.com", true),
        ("ALICE@Example.COM", true),
        ("+4915112345678", true),
        ("+49 151 1234-5678", true),
        ("ALICE", false),
        ("4915112345678", false),
        ("alice@example.co", false),
    ] {
        let mut browser = world.browser();
        let page = browser.open(&rp.url(&[])).await;
        let answer = attempt(&mut browser, &page, name, PASSWORD).await;
        assert_eq!(answer.status == 303, good, "{name}");
        if !good {
            assert_eq!(answer.status, 400);
            assert!(answer.body.contains("do not match"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_was_typed_stays_but_never_the_password() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let again = attempt(&mut browser, &page, "ali\"<ce", "hunter22-hunter22").await;
    assert!(again.form().fields.contains(&("username".to_owned(), "ali\"<ce".to_owned())));
    assert!(!again.body.contains("hunter22"));
    assert!(attempt(&mut browser, &again, "alice", PASSWORD).await.callback().get("code").is_some());
}

#[tokio::test]
async fn empty_and_endless_fields_are_told_and_not_counted() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let (long_name, long_password) = ("x".repeat(321), "x".repeat(1025));
    for (name, password, told) in [
        ("", PASSWORD, "Enter both"),
        ("alice", "", "Enter both"),
        ("  ", PASSWORD, "Enter both"),
        ("alice", long_password.as_str(), "longer than"),
        (long_name.as_str(), PASSWORD, "longer than"),
    ] {
        for _ in 0..4 {
            let answer = attempt(&mut browser, &page, name, password).await;
            assert_eq!(answer.status, 400);
            assert!(answer.body.contains(told), "{}", answer.body);
        }
    }
    assert!(attempt(&mut browser, &page, "alice", PASSWORD).await.callback().get("code").is_some());
}

#[tokio::test]
async fn the_form_is_prefilled_with_the_hint() {
    let (world, rp) = world_with_alice().await;
    let long = "x".repeat(321);
    for (hint, shown) in [
        ("alice@example.com", "alice@example.com"),
        ("\"><script>x</script>", "\"><script>x</script>"),
        (&long, ""),
    ] {
        let page = world.browser().open(&rp.url(&[("login_hint", hint)])).await;
        assert!(page.form().fields.contains(&("username".to_owned(), shown.to_owned())), "{}", page.body);
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
}

#[tokio::test]
async fn the_page_speaks_the_language_that_was_asked_for() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[("ui_locales", "fr zh-CN en")])).await;
    assert!(page.body.contains("<html lang=\"zh-CN\">") && page.body.contains("登录"));
    let again = attempt(&mut browser, &page, "alice", "wrong").await;
    assert!(again.body.contains("账号与密码不匹配"), "it stays: {}", again.body);
}

#[tokio::test]
async fn prompt_login_asks_again_and_says_so() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let first = Tokens::of(
        &rp.redeem(rp.login(&mut browser, "alice", &[]).await.callback().get("code").unwrap()).await,
    );
    world.advance(100);
    let page = browser.open(&rp.url(&[("prompt", "login")])).await;
    assert!(page.body.contains("Please sign in again"), "{}", page.body);
    let code = browser.sign_in(&page, "alice").await.callback();
    let next = Tokens::of(&rp.redeem(code.get("code").unwrap()).await);
    let auth_time = |tokens: &Tokens| tokens.id_token().claims["auth_time"].as_i64().unwrap();
    assert!(auth_time(&next) >= auth_time(&first) + 100);
    assert_ne!(next.id_token().claims["sid"], first.id_token().claims["sid"]);
}

#[tokio::test]
async fn attack_27_logout_reaches_what_an_earlier_login_gave() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let again: &[(&str, &str)] = &[("prompt", "login")];
    let mut given = Vec::new();
    for _ in 0..2 {
        let callback = rp.login(&mut browser, "alice", again).await.callback();
        given.push(Tokens::of(&rp.redeem(callback.get("code").unwrap()).await));
    }
    assert!(rp.is_active(&given[0].access).await, "a second login takes nothing away");
    browser.open(&format!("{}/session/end?id_token_hint={}", rp.issuer, given[1].id)).await;
    for tokens in &given {
        assert!(!rp.is_active(&tokens.access).await);
    }
}

#[tokio::test]
async fn attack_27_another_persons_login_ends_what_the_first_one_gave() {
    let (world, rp) = world_with_alice().await;
    world.user("bob", |_| {}).await;
    let mut browser = world.browser();
    let callback = rp.login(&mut browser, "alice", &[]).await.callback();
    let alice = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    let offline = rp.tokens("alice", OFFLINE).await;
    assert!(rp.is_active(&alice.access).await);
    rp.login(&mut browser, "bob", &[("prompt", "login")]).await;
    assert!(!rp.is_active(&alice.access).await);
    assert!(rp.is_active(&offline.access).await, "another browser of hers");
}

#[tokio::test]
async fn max_age_asks_again_when_the_login_is_too_old() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let asked = async |browser: &mut Browser, age: &str| {
        browser.open(&rp.url(&[("max_age", age)])).await.body.contains("id=\"sign-in\"")
    };
    world.advance(60);
    assert!(!asked(&mut browser, "3600").await);
    assert!(!asked(&mut browser, "62").await);
    assert!(asked(&mut browser, "59").await);
    assert!(asked(&mut browser, "0").await);
    let silent = browser.open(&rp.url(&[("max_age", "59"), ("prompt", "none")])).await;
    assert_eq!(silent.callback().get("error"), Some("login_required"));
    let page = browser.open(&rp.url(&[("max_age", "0")])).await;
    assert!(browser.sign_in(&page, "alice").await.callback().get("code").is_some(), "not for ever");
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    world.advance(14 * 86_400 - 10);
    let silent = rp.url(&[("prompt", "none")]);
    assert!(browser.open(&silent).await.callback().get("code").is_some());
    world.advance(10);
    assert_eq!(browser.open(&silent).await.callback().get("error"), Some("login_required"));
}

#[tokio::test]
async fn a_hint_of_the_user_wants_that_user() {
    let (world, rp) = world_with_alice().await;
    world.user("bob", |_| {}).await;
    let hint = rp.tokens("alice", &[]).await.id;
    let hinted: &[(&str, &str)] = &[("id_token_hint", &hint)];
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    world.advance(7200);
    let same = browser.open(&rp.url(hinted)).await;
    assert!(same.callback().get("code").is_some(), "an expired hint is good: {}", same.location());

    rp.login(&mut browser, "bob", &[("prompt", "login")]).await;
    let silent = browser.open(&rp.url(&[hinted[0], ("prompt", "none")])).await;
    assert_eq!(silent.callback().get("error"), Some("login_required"));
    let page = browser.open(&rp.url(hinted)).await;
    let other = browser.sign_in(&page, "bob").await;
    assert_eq!(other.callback().get("error"), Some("login_required"), "{}", other.location());
    let page = browser.open(&rp.url(hinted)).await;
    assert!(browser.sign_in(&page, "alice").await.callback().get("code").is_some());

    let stranger = Rp::new(&world, "other", |_| {}).await;
    for (rp, hint) in
        [(&stranger, &hint), (&rp.at_home(), &hint), (&rp, &rp.tokens("alice", &[]).await.access)]
    {
        let refused = world.get(&rp.url(&[("id_token_hint", hint)])).await;
        assert_eq!(refused.callback().get("error"), Some("invalid_request"), "{}", rp.issuer);
    }
}

#[tokio::test]
async fn after_ten_failures_there_is_a_wait_for_known_and_unknown_alike() {
    let (world, rp) = world_with_alice().await;
    let mut told = Vec::new();
    for (number, name) in ["alice", "ghost", "ghost@example.com"].into_iter().enumerate() {
        let mut browser = world.browser();
        browser.peer = peer(u8::try_from(number).unwrap());
        let page = browser.open(&rp.url(&[])).await;
        let mut answers = Vec::new();
        for _ in 0..12 {
            let answer = attempt(&mut browser, &page, name, "wrong").await;
            let wait = answer.header("retry-after").map(str::to_owned);
            answers.push((
                answer.status.as_u16(),
                wait,
                answer.body.replace(name, "·").matches("Too many").count(),
            ));
        }
        told.push(answers);
    }
    let statuses: Vec<u16> = told[0].iter().map(|(status, _, _)| *status).collect();
    assert_eq!(statuses, [vec![400; 10], vec![429; 2]].concat());
    assert!(told[0][10].1.as_deref().is_some_and(|wait| ["1", "2"].contains(&wait)), "{:?}", told[0][10]);
    let without_waits = |answers: &[(u16, Option<String>, usize)]| -> Vec<_> {
        answers.iter().map(|(status, wait, told)| (*status, wait.is_some(), *told)).collect()
    };
    assert_eq!(without_waits(&told[0]), without_waits(&told[1]));
    assert_eq!(without_waits(&told[0]), without_waits(&told[2]));
}

#[tokio::test]
async fn the_wait_ends_and_the_right_password_starts_anew() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    for _ in 0..10 {
        attempt(&mut browser, &page, "alice", "wrong").await;
    }
    let refused = attempt(&mut browser, &page, "alice", PASSWORD).await;
    assert_eq!(refused.status, 429, "while waiting even the right password is not looked at");
    world.advance(2);
    assert!(attempt(&mut browser, &page, "alice", PASSWORD).await.callback().get("code").is_some());
    let mut fresh = world.browser();
    let page = fresh.open(&rp.url(&[])).await;
    for _ in 0..10 {
        assert_eq!(attempt(&mut fresh, &page, "alice", "wrong").await.status, 400);
    }
    assert_eq!(attempt(&mut fresh, &page, "alice", "wrong").await.status, 429);
}

#[tokio::test]
async fn attack_14_spellings_of_one_name_are_one_counter() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let names = ["alice@example.com", "ALICE@EXAMPLE.COM", " Alice@example.com "];
    for name in names.iter().cycle().take(10) {
        assert_eq!(attempt(&mut browser, &page, name, "wrong").await.status, 400);
    }
    for name in names {
        assert_eq!(attempt(&mut browser, &page, name, PASSWORD).await.status, 429, "{name}");
    }
}

#[tokio::test]
async fn attack_22_no_wait_tells_that_two_names_are_one_persons() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    for _ in 0..10 {
        attempt(&mut browser, &page, "alice", "wrong").await;
    }
    assert_eq!(attempt(&mut browser, &page, "alice", "wrong").await.status, 429);
    for name in ["alice@example.com", "+4915112345678", "nobody@example.com"] {
        assert_eq!(attempt(&mut browser, &page, name, "wrong").await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn guesses_from_many_networks_are_slowed_but_do_not_keep_the_owner_out() {
    let (world, rp) = world_with_alice().await;
    for number in 0..5 {
        let mut stranger = world.browser();
        stranger.peer = peer(number);
        let page = stranger.open(&rp.url(&[])).await;
        for _ in 0..10 {
            assert_eq!(attempt(&mut stranger, &page, "alice", "wrong").await.status, 400);
        }
    }
    let mut owner = world.browser();
    owner.peer = peer(9);
    let page = owner.open(&rp.url(&[])).await;
    assert_eq!(attempt(&mut owner, &page, "alice", PASSWORD).await.status, 429);
    world.advance(2);
    assert!(owner.sign_in(&page, "alice").await.callback().get("code").is_some());
}

#[tokio::test]
async fn strangers_cannot_keep_the_owner_out() {
    let (world, rp) = world_with_alice().await;
    world.user("mallory", |_| {}).await;
    let (mut owner, mut stranger) = (world.browser(), world.browser());
    (owner.peer, stranger.peer) = (peer(9), peer(9));
    rp.login(&mut owner, "alice", &[]).await;
    rp.login(&mut stranger, "mallory", &[]).await;
    let page = stranger.open(&rp.url(&[("prompt", "login")])).await;
    for number in 0..90 {
        attempt(&mut stranger, &page, &format!("user{number}"), "wrong").await;
    }
    for _ in 0..10 {
        assert_eq!(attempt(&mut stranger, &page, "alice", "wrong").await.status, 400);
    }
    let refused = attempt(&mut stranger, &page, "alice", PASSWORD).await;
    assert_eq!(refused.status, 429, "their own device is no help");
    assert_eq!(attempt(&mut stranger, &page, "somebody", "wrong").await.status, 429, "the network is slowed");
    let page = owner.open(&rp.url(&[("prompt", "login")])).await;
    assert!(owner.sign_in(&page, "alice").await.callback().get("code").is_some());
    // A cookie that was made up is nobody's device.
    let page = stranger.open(&rp.url(&[("prompt", "login")])).await;
    stranger.plant(
        HOST,
        "signet_device",
        "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    assert_eq!(attempt(&mut stranger, &page, "alice", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_known_device_is_counted_too() {
    let (world, rp) = world_with_alice().await;
    let mut owner = world.browser();
    rp.login(&mut owner, "alice", &[]).await;
    let page = owner.open(&rp.url(&[("prompt", "login")])).await;
    for name in ["alice", "alice@example.com"].iter().cycle().take(10) {
        assert_eq!(attempt(&mut owner, &page, name, "wrong").await.status, 400);
    }
    assert_eq!(attempt(&mut owner, &page, "alice", PASSWORD).await.status, 429);
    let mut elsewhere = world.browser();
    assert!(rp.login(&mut elsewhere, "alice", &[]).await.callback().get("code").is_some());
}

async fn right_logins_at_once_all_pass(world: Arc<World>) {
    let rp = with_alice(&world).await;
    let names: Vec<String> = (0..10).map(|number| format!("user{number}")).collect();
    for name in &names {
        world.user(name, |_| {}).await;
    }
    let mut ready = Vec::new();
    for number in 0..60 {
        let mut browser = world.browser();
        browser.peer = peer(1);
        let page = browser.open(&rp.url(&[])).await;
        let values = [("username", names[number % 10].as_str()), ("password", PASSWORD)];
        ready.push((browser, page.form().fill(&values, "sign-in")));
    }
    let answers = race(60, |number| {
        let (mut browser, form) = ready[number].clone();
        async move { browser.step(Method::POST, "/login", Some(&form)).await.status.as_u16() }
    })
    .await;
    assert_eq!(answers, [303; 60]);
}
on_both_engines!(right_logins_at_once_all_pass);

#[tokio::test]
async fn one_address_cannot_try_everybody() {
    let (world, rp) = world_with_alice().await;
    let mut sprayer = world.browser();
    sprayer.peer = peer(1);
    let page = sprayer.open(&rp.url(&[])).await;
    for number in 0..100 {
        let name = format!("user{number}");
        assert_eq!(attempt(&mut sprayer, &page, &name, "Spring2026").await.status, 400, "{name}");
    }
    assert_eq!(attempt(&mut sprayer, &page, "alice", "Spring2026").await.status, 429);
    let mut elsewhere = world.browser();
    elsewhere.peer = peer(2);
    assert!(rp.login(&mut elsewhere, "alice", &[]).await.callback().get("code").is_some());
}

async fn attack_14_parallel_guesses_stay_under_the_bound(world: Arc<World>) {
    let rp = with_alice(&world).await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let form = page.form().fill(&[("username", "alice"), ("password", "wrong")], "sign-in");
    let answers = race(40, |_| {
        let (mut browser, form) = (browser.clone(), form.clone());
        async move { browser.step(Method::POST, "/login", Some(&form)).await.status.as_u16() }
    })
    .await;
    let looked_at = answers.iter().filter(|status| **status == 400).count();
    assert!((1..=10).contains(&looked_at), "{answers:?}");
    assert!(answers.iter().all(|status| [400, 429].contains(status)), "{answers:?}");
}
on_both_engines!(attack_14_parallel_guesses_stay_under_the_bound);

#[tokio::test]
async fn the_count_outlives_a_restart() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    for _ in 0..10 {
        attempt(&mut browser, &page, "alice", "wrong").await;
    }
    world.restart().await;
    assert_eq!(attempt(&mut browser, &page, "alice", PASSWORD).await.status, 429);
}

async fn a_login_outlives_a_restart(world: Arc<World>) {
    let rp = with_alice(&world).await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[("prompt", "consent")])).await;
    world.restart().await;
    let consent = browser.sign_in(&page, "alice").await;
    world.restart().await;
    let answer = browser.submit(&consent, &[], "allow").await;
    world.restart().await;
    let tokens = Tokens::of(&rp.redeem(answer.callback().get("code").unwrap()).await);
    world.restart().await;
    assert!(rp.is_active(&tokens.access).await);
    assert!(browser.open(&rp.url(&[("prompt", "none")])).await.callback().get("code").is_some());
}
on_both_engines!(a_login_outlives_a_restart);

#[tokio::test]
async fn cookies_are_for_this_host_only_and_no_script_sees_them() {
    for (base, name_prefix, attributes) in [
        ("http://localhost:8080", "", "; Path=/; HttpOnly; SameSite=Lax"),
        ("https://id.example", "__Host-", "; Path=/; HttpOnly; SameSite=None; Secure"),
    ] {
        let world = World::at(base).await;
        world.user("alice", |_| {}).await;
        let rp = Rp::new(&world, "notes", |_| {}).await;
        let rp = Rp { issuer: format!("{base}/oidc"), ..rp };
        let mut browser = world.browser();
        let begun = browser.step(Method::GET, &rp.url(&[]), None).await;
        let page = browser.open(begun.location()).await;
        let form = page.form().fill(&[("username", "alice"), ("password", PASSWORD)], "sign-in");
        let signed_in = browser.step(Method::POST, "/login", Some(&form)).await;
        let set = [begun.set_cookies(), signed_in.set_cookies()].concat();
        let names: Vec<&str> = set.iter().map(|cookie| cookie.split_once('=').unwrap().0).collect();
        let session = format!("{name_prefix}signet_session_{}", rp.id);
        let expected =
            [format!("{name_prefix}signet_browser"), session, format!("{name_prefix}signet_device")];
        assert_eq!(names, expected);
        for cookie in &set {
            assert!(cookie.contains(attributes) && !cookie.contains("Domain"), "{cookie}");
        }
        let done = browser.open(signed_in.location()).await;
        assert!(done.callback().get("code").is_some());
    }
}

#[tokio::test]
async fn a_browser_without_cookies_is_told_so() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let begun = browser.step(Method::GET, &rp.url(&[]), None).await;
    let blocked = world.browser().open(&format!("{BASE}{}", begun.location())).await;
    assert_eq!(blocked.status, 400);
    assert!(blocked.body.contains("Your browser is blocking cookies"), "{}", blocked.body);
}

#[tokio::test]
async fn a_disabled_application_signs_nobody_in() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    world.update_application(rp.application.id, |app: &mut Application| app.enabled = false).await;
    let refused = browser.sign_in(&page, "alice").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("This application cannot sign you in"), "{}", refused.body);
}
