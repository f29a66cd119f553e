//! `/oidc/auth` and `/oidc/auth/resume`.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, header::ACCEPT_LANGUAGE};
use signet_protocol::{
    application::{Application, AuthMethod, GrantType},
    redirect_uri::RedirectUri,
};

use crate::{
    rp::{OFFLINE, Rp},
    support::{Answer, BASE, CALLBACK, World, request},
};

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    world.user("alice", |_| {}).await;
    (world, rp)
}

/// The same parameters by POST, as another site's form sends them.
async fn by_post(world: &World, url: &str) -> Answer {
    let (endpoint, query) = url.split_once('?').unwrap();
    let request = request(Method::POST, endpoint)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://rp.example");
    world.send(request.body(Body::from(query.to_owned())).unwrap()).await
}

#[tokio::test]
async fn without_a_client_and_a_callback_the_error_is_shown() {
    let (world, rp) = world_with_alice().await;
    let usual = rp.url(&[]);
    let long = format!("{CALLBACK}?{}", "x".repeat(4000));
    for (url, code) in [
        (rp.url(&[("client_id", "")]), "invalid_request"),
        (rp.url(&[("client_id", "nobody")]), "invalid_client"),
        (rp.url(&[("client_id", "0123456789abcdef01234567")]), "invalid_client"),
        (format!("{usual}&client_id={}", rp.id), "invalid_request"),
        (rp.url(&[("redirect_uri", "")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://evil.example/cb")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://rp.example/cb/")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://rp.example/cb?x=1")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://rp.example/CB")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "HTTPS://rp.example/cb")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://rp.example:443/cb")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://rp.example/x/../cb")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", "https://rp.example/bye")]), "invalid_redirect_uri"),
        (rp.url(&[("redirect_uri", &long)]), "invalid_redirect_uri"),
        (format!("{usual}&redirect_uri=https%3A%2F%2Fevil.example%2F"), "invalid_redirect_uri"),
    ] {
        for page in [world.get(&url).await, by_post(&world, &url).await] {
            assert_eq!(page.status, 400, "{url}");
            assert_eq!(page.header("location"), None);
            assert!(page.body.contains(&format!("<code>{code}</code>")), "{url}: {}", page.body);
            assert!(!page.body.contains("evil.example"), "what was sent is not repeated");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_shown() {
    let (world, rp) = world_with_alice().await;
    let many = (0..70).map(|n| format!("&x{n}=1")).collect::<String>();
    for (extra, status) in [
        (format!("&state={}", "x".repeat(33 * 1024)), 413),
        (format!("&state={}", "x".repeat(17 * 1024)), 413),
        (many, 413),
        ("&state=%zz".to_owned(), 400),
        ("&state=%ff".to_owned(), 400),
        ("&state=a%00b".to_owned(), 400),
    ] {
        for page in [
            world.get(&format!("{}{extra}", rp.url(&[]))).await,
            by_post(&world, &format!("{}{extra}", rp.url(&[]))).await,
        ] {
            assert_eq!(page.status, status, "{}", extra.len());
            assert!(page.body.contains("<code>invalid_request</code>"), "{}", page.body);
        }
    }
    let typed =
        request(Method::POST, &format!("{}/auth", rp.issuer)).header("content-type", "application/json");
    assert_eq!(world.send(typed.body(Body::from("{}")).unwrap()).await.status, 400);
}

/// Everything the callback is told of, by what is wrong with the request.
const REFUSED: &[(&str, &str, &str)] = &[
    ("response_type", "", "invalid_request"),
    ("response_type", "banana", "unsupported_response_type"),
    ("response_type", "none", "unauthorized_client"),
    ("response_type", "none code", "unsupported_response_type"),
    ("scope", "", "invalid_scope"),
    ("scope", "profile", "invalid_scope"),
    ("scope", "openid \"", "invalid_scope"),
    ("prompt", "never", "invalid_request"),
    ("prompt", "none login", "invalid_request"),
    ("prompt", "none", "login_required"),
    ("max_age", "-1", "invalid_request"),
    ("max_age", "soon", "invalid_request"),
    ("request", "eyJhbGciOiJub25lIn0..", "request_not_supported"),
    ("request_uri", "https://rp.example/request", "request_uri_not_supported"),
    ("registration", "{}", "registration_not_supported"),
    ("code_challenge_method", "plain", "invalid_request"),
    ("code_challenge_method", "S512", "invalid_request"),
    ("code_challenge", "short", "invalid_request"),
    ("code_challenge", "", "invalid_request"),
    ("id_token_hint", "garbage", "invalid_request"),
    ("id_token_hint", "e30.e30.e30", "invalid_request"),
];

#[tokio::test]
async fn every_other_error_goes_to_the_callback() {
    let (world, rp) = world_with_alice().await;
    for rp in [&rp, &rp.at_home()] {
        for (name, value, error) in REFUSED {
            let answer = world.get(&rp.url(&[(name, value)])).await;
            assert_eq!(answer.status, 303, "{name}={value}: {}", answer.body);
            assert!(answer.location().starts_with(&format!("{CALLBACK}?error=")), "{}", answer.location());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let callback = answer.callback();
            let names: Vec<&str> = callback.pairs().map(|(name, _)| name).collect();
            assert_eq!(names, ["error", "error_description", "state", "iss"]);
            assert_eq!(callback.get("error"), Some(*error), "{name}={value}");
            assert_eq!(callback.get("state"), Some("st4te"));
            assert_eq!(callback.get("iss"), Some(rp.issuer.as_str()));
        }
    }
}

#[tokio::test]
async fn every_other_error_goes_to_the_callback_by_form_post() {
    let (world, rp) = world_with_alice().await;
    for (name, value, error) in REFUSED {
        let page = world.get(&rp.url(&[(name, value), ("response_mode", "form_post")])).await;
        let fields = assert_form_post(&page);
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["error", "error_description", "state", "iss"]);
        assert_eq!(fields[0].1, *error, "{name}={value}");
        assert_eq!((fields[2].1.as_str(), fields[3].1.as_str()), ("st4te", rp.issuer.as_str()));
    }
}

/// Sees that a page posts itself to the callback, with its one script allowed by nonce; gives its fields.
fn assert_form_post(page: &Answer) -> Vec<(String, String)> {
    assert_eq!(page.status, 200, "{}", page.body);
    let form = page.form();
    assert_eq!((form.action.as_str(), form.method.as_str()), (CALLBACK, "post"));
    let policy = page.header("content-security-policy").unwrap();
    let (_, rest) = policy.split_once("script-src 'nonce-").expect(policy);
    let nonce = rest.split_once('\'').unwrap().0;
    assert!(nonce.len() >= 22, "{nonce}");
    assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">")), "{}", page.body);
    assert!(!policy.contains("form-action"), "the callback may redirect on: {policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(form.buttons.iter().any(|(id, _, _)| id == "continue"), "works without scripts");
    form.fields
}

#[tokio::test]
async fn by_post_the_same_errors_go_to_the_callback() {
    let (world, rp) = world_with_alice().await;
    // What needs the session is decided after the redirect that shows the browser's cookies.
    let later = |name: &str, value: &str| name == "id_token_hint" || (name, value) == ("prompt", "none");
    for (name, value, error) in REFUSED {
        let mut browser = world.browser();
        let answer = by_post(&world, &rp.url(&[(name, value)])).await;
        let answer = if later(name, value) {
            assert!(answer.location().starts_with("/oidc/auth/resume?txn="), "{}", answer.location());
            browser.open(&format!("{BASE}{}", answer.location())).await
        } else {
            answer
        };
        assert_eq!(answer.callback().get("error"), Some(*error), "{name}={value}");
    }
}

#[tokio::test]
async fn repeated_parameters_are_refused_and_a_repeated_state_is_not_chosen_from() {
    let (world, rp) = world_with_alice().await;
    for name in ["scope", "response_type", "nonce", "prompt", "max_age", "foo"] {
        let url = format!("{}&{name}=openid&{name}=openid", rp.url(&[]));
        assert_eq!(world.get(&url).await.callback().get("error"), Some("invalid_request"), "{name}");
    }
    let callback = world.get(&format!("{}&state=other", rp.url(&[]))).await.callback();
    assert_eq!((callback.get("error"), callback.get("state")), (Some("invalid_request"), None));
    let long = world.get(&rp.url(&[("state", &"x".repeat(4097))])).await.callback();
    assert_eq!((long.get("error"), long.get("state")), (Some("invalid_request"), None));
    let fits = "x".repeat(4096);
    let answer = rp.login(&mut world.browser(), "alice", &[("state", &fits)]).await;
    assert_eq!(answer.callback().get("state"), Some(fits.as_str()));
}

#[tokio::test]
async fn parameters_nobody_knows_are_ignored() {
    let (world, rp) = world_with_alice().await;
    let extra = [("foo", "bar"), ("display", "popup"), ("acr_values", "1 2"), ("claims_locales", "de")];
    assert!(rp.login(&mut world.browser(), "alice", &extra).await.callback().get("code").is_some());
}

#[tokio::test]
async fn a_public_client_needs_a_challenge_and_what_is_not_ticked_is_refused() {
    let world = World::new().await;
    let refused = async |label: &str, change: fn(&mut Application), params: &[(&str, &str)]| {
        let rp = Rp::new(&world, label, change).await;
        let callback = world.get(&rp.url(params)).await.callback();
        callback.get("error").map(str::to_owned)
    };
    let without: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];
    let public: fn(&mut Application) = |app| app.settings.token_endpoint_auth_method = AuthMethod::None;
    assert_eq!(refused("spa", public, without).await.as_deref(), Some("invalid_request"));
    assert_eq!(refused("spa2", public, &[]).await, None);
    assert_eq!(refused("web", |_| {}, without).await, None);
    let no_code: fn(&mut Application) = |app| app.settings.grant_types = vec![GrantType::RefreshToken];
    assert_eq!(refused("refresh", no_code, &[]).await.as_deref(), Some("unauthorized_client"));
    let no_type: fn(&mut Application) = |app| app.settings.response_types.clear();
    assert_eq!(refused("untyped", no_type, &[]).await.as_deref(), Some("unauthorized_client"));
}

#[tokio::test]
async fn a_code_goes_by_form_post_too() {
    let (world, rp) = world_with_alice().await;
    let answer = rp.login(&mut world.browser(), "alice", &[("response_mode", "form_post")]).await;
    let fields = assert_form_post(&answer);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert_eq!(rp.redeem(&fields[0].1).await.status, 200);
    let hostile = [("response_mode", "form_post"), ("state", "\"><script>alert(1)</script>")];
    let answer = rp.login(&mut world.browser(), "alice", &hostile).await;
    assert_eq!(assert_form_post(&answer)[1].1, hostile[1].1);
    assert_eq!(answer.body.matches("<script").count(), 1);
}

#[tokio::test]
async fn the_query_of_the_callback_stays_in_front() {
    let world = World::new().await;
    let callback = "https://rp.example/cb?tenant=7";
    let rp = Rp::new(&world, "notes", |application| {
        application.settings.redirect_uris = vec![RedirectUri::parse(callback).unwrap()];
    })
    .await;
    let answer = world.get(&rp.url(&[("redirect_uri", callback), ("scope", "")])).await;
    assert!(answer.location().starts_with("https://rp.example/cb?tenant=7&error="), "{}", answer.location());
}

#[tokio::test]
async fn a_post_is_kept_and_bound_to_the_first_browser_that_goes_on() {
    let (world, rp) = world_with_alice().await;
    let kept = by_post(&world, &rp.url(&[])).await;
    assert_eq!(kept.status, 303);
    assert!(kept.set_cookies().is_empty(), "a cross-site answer sets no cookie");
    let resume = format!("{BASE}{}", kept.location());
    let (mut mine, mut other) = (world.browser(), world.browser());
    let page = mine.open(&resume).await;
    assert!(page.body.contains("id=\"sign-in\""), "{}", page.body);
    other.open(&rp.url(&[])).await;
    let refused = other.open(&resume).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.body.contains("https://rp.example/"), "with the way back");
    let blank = world.browser().open(&resume).await;
    assert_eq!(blank.status, 400, "without any cookie");
    assert!(mine.sign_in(&page, "alice").await.callback().get("code").is_some());
}

#[tokio::test]
async fn a_post_uses_the_session_the_browser_has() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let kept = by_post(&world, &rp.url(&[("prompt", "none")])).await;
    let answer = browser.open(&format!("{BASE}{}", kept.location())).await;
    assert!(answer.callback().get("code").is_some(), "{}", answer.location());
}

#[tokio::test]
async fn resume_takes_only_what_is_waiting() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    for txn in ["", "?txn=", "?txn=garbage", "?txn=AAAAAAAAAAAAAAAAAAAAAA"] {
        let page = browser.open(&format!("{BASE}/oidc/auth/resume{txn}")).await;
        assert_eq!(page.status, 400, "{txn}");
        assert!(page.body.contains("This page has expired"), "{}", page.body);
    }
    let kept = by_post(&world, &rp.url(&[])).await;
    let elsewhere = format!("http://notes.localhost:8080{}", kept.location());
    assert_eq!(browser.open(&elsewhere).await.status, 400, "another issuer's transaction is none here");
    world.advance(3601);
    let late = browser.open(&format!("{BASE}{}", kept.location())).await;
    assert!(late.status == 400 && late.body.contains("This page has expired"));
}

#[tokio::test]
async fn what_was_asked_is_checked_again_at_resume() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    world.update_application(rp.application.id, |app| app.settings.redirect_uris.clear()).await;
    let answer = browser.sign_in(&page, "alice").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, None));
    assert!(answer.body.contains("invalid_redirect_uri"));
}

#[tokio::test]
async fn only_a_silent_answer_may_be_framed_and_only_by_the_callback() {
    let (world, rp) = world_with_alice().await;
    let silent = [("prompt", "none"), ("response_mode", "form_post")];
    let mut browser = world.browser();
    let refused = browser.open(&rp.url(&silent)).await;
    rp.login(&mut browser, "alice", &[]).await;
    let good = browser.open(&rp.url(&silent)).await;
    for page in [&refused, &good] {
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors https://rp.example;"), "{policy}");
        assert_eq!(page.header("x-frame-options"), None);
    }
    let loud = browser.open(&rp.url(&[("response_mode", "form_post")])).await;
    assert!(loud.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(loud.header("x-frame-options"), Some("DENY"));
}

#[tokio::test]
async fn accept_language_chooses_the_language() {
    let (world, rp) = world_with_alice().await;
    for (accept, ui_locales, lang) in
        [("zh-CN,zh;q=0.9", "", "zh-CN"), ("de,fr", "", "en"), ("zh-CN", "en", "en"), ("en", "zh", "zh-CN")]
    {
        let url = rp.url(&[("client_id", "nobody"), ("ui_locales", ui_locales)]);
        let request = request(Method::GET, &url).header(ACCEPT_LANGUAGE, accept);
        let page = world.send(request.body(Body::empty()).unwrap()).await;
        assert!(page.body.contains(&format!("<html lang=\"{lang}\">")), "{accept} {ui_locales}");
    }
}

#[tokio::test]
async fn the_same_session_serves_who_shares_it() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let sso: fn(&mut Application) = |app| app.settings.sso = true;
    let one = Rp::new(&world, "one", sso).await;
    let two = Rp::new(&world, "two", sso).await;
    let apart = Rp::new(&world, "apart", |_| {}).await;
    let alone = Rp::new(&world, "alone", |_| {}).await;
    let signed_in = async |first: &Rp, then: &Rp| {
        let mut browser = world.browser();
        first.login(&mut browser, "alice", &[]).await;
        browser.open(&then.url(&[("prompt", "none")])).await.callback().get("code").is_some()
    };
    for (first, then, shared) in [
        (&one, &one, true),
        (&one, &two, true),
        (&one, &apart, false),
        (&apart, &one, false),
        (&apart, &alone, false),
        (&apart, &apart, true),
        (&one, &two.at_home(), false),
        (&one.at_home(), &one.at_home(), true),
        (&one.at_home(), &one, false),
    ] {
        assert_eq!(signed_in(first, then).await, shared, "{} → {}", first.issuer, then.issuer);
    }
}

#[tokio::test]
async fn leaving_the_single_sign_on_list_ends_what_was_shared() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "one", |app| app.settings.sso = true).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    world.update_application(rp.application.id, |app| app.settings.sso = false).await;
    let answer = browser.open(&rp.url(&[("prompt", "none")])).await;
    assert_eq!(answer.callback().get("error"), Some("login_required"));
}

#[tokio::test]
async fn offline_access_needs_consent_and_the_grant() {
    let (world, rp) = world_with_alice().await;
    let scope = "openid offline_access";
    let silent = rp.tokens("alice", &[("scope", scope)]).await;
    assert_eq!((silent.json["scope"].as_str(), silent.refresh), (Some("openid"), None));
    assert!(rp.tokens("alice", OFFLINE).await.refresh.is_some());
    world
        .update_application(rp.application.id, |app| {
            app.settings.grant_types = vec![GrantType::AuthorizationCode];
        })
        .await;
    let unticked = rp.tokens("alice", OFFLINE).await;
    assert_eq!((unticked.json["scope"].as_str(), unticked.refresh), (Some("openid profile email"), None));
}

#[tokio::test]
async fn a_callback_is_offered_to_go_back_to_only_when_it_is_registered() {
    let (world, rp) = world_with_alice().await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    world.advance(3601);
    let expired = browser.sign_in(&page, "alice").await;
    assert!(expired.body.contains("id=\"home\" href=\"https://rp.example/\""), "{}", expired.body);
    let evil = world.get(&rp.url(&[("redirect_uri", "https://evil.example/")])).await;
    assert!(!evil.body.contains("id=\"home\""));
}
