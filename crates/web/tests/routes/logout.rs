//! How far a logout reaches, and how applications are told of it.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use signet_protocol::{
    application::{Application, SubjectType},
    jose::{SigningAlg, b64, sha256},
    redirect_uri::RedirectUri,
};
use signet_testkit::{jwt::Jwt, receiver::Receiver};
use signet_web::logout::backchannel;
use tokio::sync::watch;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, BASE, Browser, SECRET, World, on_both_engines},
};

const BYE: &str = "https://rp.example/bye";
const FRAME: &str = "https://rp.example/frame";

fn uri(text: &str) -> Option<RedirectUri> {
    Some(RedirectUri::parse(text).unwrap())
}

fn shared(application: &mut Application) {
    application.settings.sso = true;
}

fn framed(application: &mut Application) {
    shared(application);
    application.settings.frontchannel_logout_uri = uri(FRAME);
}

/// Alice, and applications of which these are the settings.
async fn with_alice<const N: usize>(world: &Arc<World>, changes: [fn(&mut Application); N]) -> [Rp; N] {
    world.user("alice", |_| {}).await;
    let mut list = Vec::new();
    for (number, change) in changes.into_iter().enumerate() {
        list.push(Rp::new(world, &format!("app{number}"), change).await);
    }
    list.try_into().unwrap_or_else(|_| unreachable!())
}

/// The same on the embedded database.
async fn world_with<const N: usize>(changes: [fn(&mut Application); N]) -> (Arc<World>, [Rp; N]) {
    let world = World::new().await;
    let list = with_alice(&world, changes).await;
    (world, list)
}

async fn tokens(rp: &Rp, browser: &mut Browser, change: &[(&str, &str)]) -> Tokens {
    let callback = rp.login(browser, "alice", change).await.callback();
    Tokens::of(&rp.redeem(callback.get("code").unwrap()).await)
}

fn end(rp: &Rp, params: &[(&str, &str)]) -> String {
    let query = signet_protocol::params::encode_pairs(params.iter().copied());
    format!("{}/session/end?{query}", rp.issuer)
}

async fn is_signed_in(rp: &Rp, browser: &mut Browser) -> bool {
    browser.open(&rp.url(&[("prompt", "none")])).await.callback().get("code").is_some()
}

/// Two devices of alice, each with what two applications and, offline, the first of them got.
struct Devices {
    browsers: [Browser; 2],
    /// By device: the first application's, its offline ones, the second application's.
    tokens: [[Tokens; 3]; 2],
}

impl Devices {
    async fn new(world: &Arc<World>, [a, b]: &[Rp; 2]) -> Devices {
        let mut browsers = [world.browser(), world.browser()];
        let [one, two] = &mut browsers;
        let all = async |browser: &mut Browser| {
            [tokens(a, browser, &[]).await, tokens(a, browser, OFFLINE).await, tokens(b, browser, &[]).await]
        };
        let tokens = [all(one).await, all(two).await];
        Devices { browsers, tokens }
    }

    /// Which logins and which tokens are alive: by device, the login and each token.
    async fn alive(&mut self, [a, b]: &[Rp; 2]) -> [[bool; 4]; 2] {
        let mut alive = [[false; 4]; 2];
        for ((alive, browser), tokens) in alive.iter_mut().zip(&mut self.browsers).zip(&self.tokens) {
            let [online, offline, other] = tokens;
            *alive = [
                is_signed_in(b, browser).await,
                a.is_active(&online.access).await,
                a.refresh(offline.refresh()).await.status == 200,
                b.is_active(&other.access).await,
            ];
        }
        alive
    }
}

/// By devices and applications: what is alive afterwards.
const MODES: [(&str, &str, [[bool; 4]; 2]); 4] = [
    ("this", "this", [[true, false, false, true], [true; 4]]),
    ("this", "all", [[false, false, true, false], [true; 4]]),
    ("all", "this", [[true, false, false, true], [true, false, false, true]]),
    ("all", "all", [[false; 4], [false; 4]]),
];

async fn by_a_token_each_of_the_four_modes_ends_what_it_says(world: Arc<World>) {
    let rps = with_alice(&world, [shared, shared]).await;
    for (devices, applications, expected) in MODES {
        let mut there = Devices::new(&world, &rps).await;
        let url = format!("{}/session/sign-out", rps[0].issuer);
        let bearer = format!("Bearer {}", there.tokens[0][0].access);
        let form = [("devices", devices), ("applications", applications)];
        let answer = world.post(&url, &form, Some(&bearer)).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"));
        assert_eq!(there.alive(&rps).await, expected, "{devices} device, {applications} application");
        let again = world.post(&url, &form, Some(&bearer)).await;
        assert_eq!(again.error(), (401, "invalid_token".to_owned()), "the token went with it");
    }
}

async fn by_the_person_each_of_the_four_modes_ends_what_it_says(world: Arc<World>) {
    let rps = with_alice(&world, [shared, shared]).await;
    for (devices, applications, expected) in MODES {
        let mut there = Devices::new(&world, &rps).await;
        let page = there.browsers[0].open(&end(&rps[0], &[("client_id", &rps[0].id)])).await;
        assert!(page.body.contains("Sample app0"), "{}", page.body);
        let mut ticked = Vec::new();
        ticked.extend((devices == "all").then_some(("devices", "")));
        ticked.extend((applications == "this").then_some(("applications", "")));
        let left = there.browsers[0].submit(&page, &ticked, "sign-out").await;
        assert!(left.body.contains("You are signed out"), "{}", left.body);
        assert_eq!(there.alive(&rps).await, expected, "{devices} device, {applications} application");
    }
}

#[tokio::test]
async fn attack_12_a_link_or_a_forged_form_does_not_reach_further() {
    let (world, rps) = world_with([shared, shared]).await;
    let mut there = Devices::new(&world, &rps).await;
    let hint = there.tokens[0][0].id.clone();
    let params = [("id_token_hint", hint.as_str()), ("devices", "all"), ("applications", "this")];
    let left = there.browsers[0].open(&end(&rps[0], &params)).await;
    assert!(left.body.contains("You are signed out"), "{}", left.body);
    assert_eq!(there.alive(&rps).await, MODES[1].2, "this device, all applications");
    let form = [("decision", "sign-out"), ("csrf", "forged"), ("devices", "all")];
    let url = format!("{}/session/end", rps[0].issuer);
    assert_eq!(there.browsers[1].post(&url, &form).await.status, 403);
    assert!(is_signed_in(&rps[0], &mut there.browsers[1]).await);
}

#[tokio::test]
async fn by_a_token_an_application_apart_reaches_only_itself() {
    let (world, [apart, one]) = world_with([|_| {}, shared]).await;
    let mut browser = world.browser();
    let (own, other) = (tokens(&apart, &mut browser, &[]).await, tokens(&one, &mut browser, &[]).await);
    let url = format!("{}/session/sign-out", apart.issuer);
    let bearer = format!("Bearer {}", own.access);
    let post = async |form: &[(&str, &str)]| world.post(&url, form, Some(&bearer)).await;
    for devices in ["this", "all"] {
        let refused = post(&[("applications", "all"), ("devices", devices)]).await;
        assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
    }
    for wrong in
        [&[("devices", "every")][..], &[("devices", "this"), ("devices", "all")], &[("applications", "ALL")]]
    {
        assert_eq!(post(wrong).await.error(), (400, "invalid_request".to_owned()), "{wrong:?}");
    }
    assert!(apart.is_active(&own.access).await);
    assert_eq!(post(&[]).await.status, 200);
    assert!(!apart.is_active(&own.access).await && !is_signed_in(&apart, &mut browser).await);
    assert!(one.is_active(&other.access).await && is_signed_in(&one, &mut browser).await);
}

#[tokio::test]
async fn attack_17_only_a_live_access_token_signs_out() {
    let (world, [rp]) = world_with([shared]).await;
    let mut browser = world.browser();
    let own = tokens(&rp, &mut browser, OFFLINE).await;
    let at = |issuer: &str| format!("{issuer}/session/sign-out");
    for token in [own.id.as_str(), own.refresh(), "garbage", ""] {
        let answer = world.post(&at(&rp.issuer), &[], Some(&format!("Bearer {token}"))).await;
        assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{token}");
    }
    let bearer = format!("Bearer {}", own.access);
    let elsewhere = world.post(&at(&rp.at_home().issuer), &[], Some(&bearer)).await;
    assert_eq!(elsewhere.error(), (401, "invalid_token".to_owned()), "another issuer's");
    let body = world.post(&at(&rp.issuer), &[("access_token", &own.access)], None).await;
    assert_eq!(body.status, 401, "only in the header");
    assert_eq!(world.get(&at(&rp.issuer)).await.status, 405);
    assert!(is_signed_in(&rp, &mut browser).await);
    world.advance(3600);
    let late = world.post(&at(&rp.issuer), &[], Some(&bearer)).await;
    assert_eq!(late.error(), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn a_logout_hint_of_somebody_else_asks() {
    let (world, [rp]) = world_with([shared]).await;
    let mut browser = world.browser();
    let own = tokens(&rp, &mut browser, &[]).await;
    let hint = ("id_token_hint", own.id.as_str());
    let page = browser.open(&end(&rp, &[hint, ("logout_hint", "bob@example.com")])).await;
    assert!(page.body.contains("id=\"sign-out\"") && is_signed_in(&rp, &mut browser).await);
    let alone = browser.open(&end(&rp, &[("logout_hint", "alice")])).await;
    assert!(alone.body.contains("id=\"sign-out\""), "it does not spare the question");
    let left = browser.open(&end(&rp, &[hint, ("logout_hint", "Alice@example.com")])).await;
    assert!(left.body.contains("You are signed out"), "{}", left.body);
}

#[tokio::test]
async fn attack_03_the_older_link_leads_to_registered_targets_only() {
    let (world, [rp, silent]) = world_with([shared, shared]).await;
    world.update_application(silent.application.id, |app| app.settings.logout_redirect_uris.clear()).await;
    let mut browser = world.browser();
    tokens(&rp, &mut browser, &[]).await;
    let old = |rp: &Rp, target: &str| {
        let pairs = [("app_id", rp.id.as_str()), ("redirect_uri", target), ("state", "s")];
        format!("{BASE}/login/profile/logout?{}", signet_protocol::params::encode_pairs(pairs.into_iter()))
    };
    let evil = browser.open(&old(&rp, "https://evil.example/")).await;
    assert_eq!((evil.status.as_u16(), evil.header("location")), (400, None));
    assert!(evil.body.contains("<code>invalid_request</code>"), "{}", evil.body);
    let silent = browser.open(&old(&silent, BYE)).await;
    assert!(silent.status == 400 && silent.body.contains("<code>misconfiguration</code>"), "{}", silent.body);
    assert!(is_signed_in(&rp, &mut browser).await);
    let asked = browser.open(&old(&rp, BYE)).await;
    let left = browser.submit(&asked, &[], "sign-out").await;
    assert_eq!(left.location(), format!("{BYE}?state=s"));
    let at_home = rp.at_home();
    let own = at_home.issuer.replace("/oidc", "/login/profile/logout");
    tokens(&at_home, &mut browser, &[]).await;
    let asked = browser.open(&own).await;
    assert!(asked.body.contains("Sample app0"), "at its own address it need not be named: {}", asked.body);
}

fn frames(page: &Answer) -> Vec<String> {
    let frames = page.body.split("<iframe src=\"").skip(1);
    frames.map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&")).collect()
}

async fn frames_tell_those_who_know_the_session_and_then_it_goes_on(world: Arc<World>) {
    let elsewhere = |app: &mut Application| {
        framed(app);
        app.settings.redirect_uris.push(RedirectUri::parse("http://other.example:8081/cb").unwrap());
        app.settings.frontchannel_logout_uri = uri("http://other.example:8081/frame?a=b");
    };
    let [one, two, silent, unused] = with_alice(&world, [framed, elsewhere, shared, framed]).await;
    let mut browser = world.browser();
    let own = tokens(&one, &mut browser, &[]).await;
    for rp in [&two, &silent] {
        tokens(rp, &mut browser, &[]).await;
    }
    let sid = Jwt::decode(&own.id).unwrap().claims["sid"].as_str().unwrap().to_owned();
    let hint = ("id_token_hint", own.id.as_str());
    let page = browser.open(&end(&one, &[hint, ("post_logout_redirect_uri", BYE), ("state", "s")])).await;
    let told = format!("iss=http%3A%2F%2Flocalhost%3A8080%2Foidc&sid={sid}");
    let mut expected = [format!("{FRAME}?{told}"), format!("http://other.example:8081/frame?a=b&{told}")];
    expected.sort();
    let mut found = frames(&page);
    found.sort();
    assert_eq!(found, expected);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.ends_with("frame-src http://other.example:8081 https://rp.example"), "{policy}");
    assert!(policy.contains("script-src 'nonce-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let next = format!("{BYE}?state=s");
    assert!(page.body.contains(&format!("href=\"{next}\"")), "{}", page.body);
    assert!(page.body.contains(&format!("content=\"5;url={next}\"")), "{}", page.body);
    assert!(!is_signed_in(&one, &mut browser).await);
    let again = browser.open(&end(&one, &[hint, ("post_logout_redirect_uri", BYE)])).await;
    assert_eq!(again.location(), BYE, "there is nobody to tell any more");
    drop(unused);
}

#[tokio::test]
async fn frames_are_on_the_last_page_where_there_is_no_target_and_tell_one_where_one_is_left() {
    let (world, [one, two]) = world_with([framed, framed]).await;
    let mut browser = world.browser();
    for rp in [&one, &two] {
        tokens(rp, &mut browser, &[]).await;
    }
    let only = browser.open(&end(&one, &[("client_id", &one.id)])).await;
    let page = browser.submit(&only, &[("applications", "")], "sign-out").await;
    assert_eq!((page.status.as_u16(), frames(&page).len()), (200, 1));
    assert!(page.body.contains("You are signed out") && !page.body.contains("<script"), "{}", page.body);
    assert!(is_signed_in(&two, &mut browser).await);
    let asked = browser.open(&end(&two, &[])).await;
    let page = browser.submit(&asked, &[], "sign-out").await;
    // Both have the same frame, which is told of the session once.
    assert_eq!(frames(&page).len(), 1);
}

on_both_engines!(
    by_a_token_each_of_the_four_modes_ends_what_it_says,
    by_the_person_each_of_the_four_modes_ends_what_it_says,
    frames_tell_those_who_know_the_session_and_then_it_goes_on,
    the_back_channel_is_told_with_a_token_that_verifies,
    a_session_keeps_its_name_when_the_same_person_signs_in_again,
    each_try_has_a_token_of_its_own_in_the_applications_algorithm_and_names,
    who_no_longer_wants_to_know_is_not_told,
);

/// The next logout token at an application's back channel.
async fn received(receiver: &mut Receiver) -> String {
    let body = receiver.next().await.unwrap();
    body.strip_prefix("logout_token=").unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Alice and an application that is told there, while notices are delivered.
async fn with_post(
    world: &Arc<World>,
    receiver: &Receiver,
    change: fn(&mut Application),
) -> (Rp, watch::Sender<()>) {
    world.user("alice", |_| {}).await;
    let target = uri(&receiver.url("/told"));
    let rp = Rp::new(world, "notes", |app| {
        app.settings.backchannel_logout_uri = target;
        change(app);
    })
    .await;
    let (running, stopped) = watch::channel(());
    tokio::spawn(backchannel::run(world.signet(), stopped));
    (rp, running)
}

async fn the_back_channel_is_told_with_a_token_that_verifies(world: Arc<World>) {
    let mut receiver = Receiver::start(&[200]).await.unwrap();
    let (rp, _running) = with_post(&world, &receiver, shared).await;
    for rp in [rp.clone(), rp.at_home()] {
        let mut browser = world.browser();
        let own = tokens(&rp, &mut browser, &[]).await;
        browser.open(&end(&rp, &[("id_token_hint", &own.id)])).await;
        let token = received(&mut receiver).await;
        let told = Jwt::decode(&token).unwrap();
        let id = Jwt::decode(&own.id).unwrap().claims;
        let jwks = world.get(&format!("{}/.well-known/jwks.json", rp.issuer)).await.json();
        assert!(told.verifies_with(&jwks));
        assert_eq!((&told.header["typ"], &told.header["alg"]), (&"logout+jwt".into(), &"RS256".into()));
        for claim in ["iss", "sub", "sid"] {
            assert_eq!(told.claims[claim], id[claim], "{claim}");
        }
        assert_eq!(told.claims["aud"], rp.id);
        assert!((world.now() - told.claims["iat"].as_i64().unwrap()).abs() <= 1, "made now");
        assert_eq!(told.claims["exp"].as_i64(), told.claims["iat"].as_i64().map(|iat| iat + 120));
        assert!(told.claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
        assert!(told.claims.get("nonce").is_none() && told.claims["jti"].as_str().unwrap().len() == 22);
        let hint = world.get(&end(&rp, &[("id_token_hint", &token)])).await;
        assert_eq!(hint.status, 400, "it is no ID token");
    }
}

async fn a_session_keeps_its_name_when_the_same_person_signs_in_again(world: Arc<World>) {
    let mut receiver = Receiver::start(&[200, 200]).await.unwrap();
    let (rp, _running) = with_post(&world, &receiver, shared).await;
    let mut browser = world.browser();
    let first = tokens(&rp, &mut browser, OFFLINE).await;
    let second = tokens(&rp, &mut browser, &[("prompt", "login")]).await;
    let refreshed = Tokens::of(&rp.refresh(first.refresh()).await);
    let sid = |tokens: &Tokens| tokens.id_token().claims["sid"].clone();
    assert_ne!(sid(&first), sid(&second), "every login is a session");
    assert_eq!(sid(&refreshed), sid(&first));
    assert_eq!(refreshed.access_token().claims["sid"], sid(&first));
    assert_eq!(rp.introspect(refreshed.refresh()).await["sid"], sid(&first));
    browser.open(&end(&rp, &[("id_token_hint", &second.id)])).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(Jwt::decode(&received(&mut receiver).await).unwrap().claims["sid"].clone());
    }
    assert!(told.contains(&sid(&first)) && told.contains(&sid(&second)), "{told:?}");
}

async fn each_try_has_a_token_of_its_own_in_the_applications_algorithm_and_names(world: Arc<World>) {
    let mut receiver = Receiver::start(&[500, 302, 204]).await.unwrap();
    let (rp, _running) = with_post(&world, &receiver, |app| {
        app.settings.subject_type = SubjectType::Pairwise;
        app.settings.id_token_signed_response_alg = SigningAlg::Hs256;
    })
    .await;
    let mut browser = world.browser();
    let own = tokens(&rp, &mut browser, &[]).await;
    let id = Jwt::decode(&own.id).unwrap().claims;
    browser.open(&end(&rp, &[("id_token_hint", &own.id)])).await;
    let mut jtis: Vec<Value> = Vec::new();
    for (wait, counted) in [(5, [0, 1, 0]), (10, [0, 2, 0]), (0, [1, 2, 0])] {
        let told = Jwt::decode(&received(&mut receiver).await).unwrap();
        assert!(told.verifies_with_secret(SECRET));
        assert_eq!((&told.claims["sub"], &told.claims["sid"]), (&id["sub"], &id["sid"]));
        assert!((world.now() - told.claims["iat"].as_i64().unwrap()).abs() <= 1, "signed for this try");
        jtis.push(told.claims["jti"].clone());
        let done = async || world.signet().metrics().notices().map(|(_, count)| count).eq(counted);
        assert!(eventually(done).await, "{counted:?}");
        world.advance(wait);
    }
    assert!(jtis[0] != jtis[1] && jtis[1] != jtis[2] && jtis[0] != jtis[2]);
    assert_eq!(world.signet().store().notice_receiver(None).await, Ok(None), "it was taken");
}

async fn eventually(holds: impl AsyncFn() -> bool) -> bool {
    for _ in 0..500 {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

async fn who_no_longer_wants_to_know_is_not_told(world: Arc<World>) {
    let receiver = Receiver::start(&[200]).await.unwrap();
    let (rp, running) = with_post(&world, &receiver, |_| {}).await;
    drop(running);
    let mut browser = world.browser();
    let own = tokens(&rp, &mut browser, &[]).await;
    browser.open(&end(&rp, &[("id_token_hint", &own.id)])).await;
    assert!(world.signet().store().notice_receiver(None).await.unwrap().is_some());
    world.update_application(rp.application.id, |app| app.settings.backchannel_logout_uri = None).await;
    let (_running, stopped) = watch::channel(());
    tokio::spawn(backchannel::run(world.signet(), stopped));
    assert!(eventually(async || world.signet().store().notice_receiver(None).await == Ok(None)).await);
    assert!(receiver.is_silent());
}

#[tokio::test]
async fn the_page_for_frames_reads_the_cookie_and_is_framed_by_anybody() {
    let (world, _) = world_with([shared]).await;
    let page = world.get(&format!("{BASE}/oidc/session/check")).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-ancestors https: http:") && policy.contains("script-src 'nonce-"),
        "{policy}"
    );
    assert_eq!(page.header("x-frame-options"), None);
    assert!(page.body.contains("data-cookie=\"signet_state\""), "{}", page.body);
}

/// What the page for frames computes, by another hand.
fn state_for(rp: &Rp, origin: &str, browser_state: &str, salt: &str) -> String {
    let text = format!("{} {origin} {browser_state} {salt}", rp.id);
    format!("{}.{salt}", b64(&sha256(text.as_bytes())))
}

#[tokio::test]
async fn answers_carry_the_state_of_the_session_for_the_callbacks_origin() {
    let managed: fn(&mut Application) = |app| {
        shared(app);
        app.settings.session_management = true;
    };
    let (world, [rp, other, unmanaged]) = world_with([managed, managed, shared]).await;
    let mut browser = world.browser();
    let state = |answer: &Answer| answer.callback().get("session_state").map(str::to_owned);
    let first = state(&rp.login(&mut browser, "alice", &[]).await).unwrap();
    let host = "localhost:8080";
    let own = browser.cookie(host, "signet_state").unwrap();
    let (_, salt) = first.split_once('.').unwrap();
    assert_eq!(first, state_for(&rp, "https://rp.example", &own, salt));
    let silent = browser.open(&rp.url(&[("prompt", "none")])).await;
    assert_ne!(state(&silent).unwrap(), first, "another salt");
    assert!(silent.set_cookies().is_empty(), "the browser has it");
    assert_ne!(state(&other.login(&mut browser, "alice", &[]).await), None);
    assert_eq!(state(&unmanaged.login(&mut browser, "alice", &[]).await), None);
    assert_eq!(browser.cookie(host, "signet_state").as_ref(), Some(&own), "one for all that share the login");
    let page = browser.open(&end(&rp, &[])).await;
    browser.submit(&page, &[], "sign-out").await;
    assert_eq!(browser.cookie(host, "signet_state"), None, "its pages see the change");
    let refused = browser.open(&rp.url(&[("prompt", "none")])).await.callback();
    assert_eq!((refused.get("error"), refused.get("session_state")), (Some("login_required"), None));
    rp.login(&mut browser, "alice", &[]).await;
    assert_ne!(browser.cookie(host, "signet_state"), Some(own), "another session");
    let alone = Rp::new(&world, "alone", |app| app.settings.session_management = true).await;
    alone.login(&mut browser, "alice", &[]).await;
    assert!(browser.cookie(host, &format!("signet_state_{}", alone.id)).is_some(), "apart as its login is");
}
