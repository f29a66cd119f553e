//! Tokens from the authorization endpoint: implicit, hybrid, `none`, and the ways an answer takes.

use std::sync::Arc;

use http::Method;
use serde_json::json;
use signet_protocol::{
    application::{Application, ApplicationType, AuthMethod, GrantType, ResponseType},
    jose::SigningAlg,
    redirect_uri::RedirectUri,
};
use signet_testkit::{jwt::Jwt, race::race};

use crate::{
    delivery::{Delivery, message},
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, Browser, SECRET, World, half_hash, on_both_engines},
};

/// Every box of the card is ticked.
fn everything(application: &mut Application) {
    application.settings.grant_types = GrantType::ALL.to_vec();
    application.settings.response_types = ResponseType::ALL.to_vec();
}

async fn with_alice(world: &Arc<World>) -> Rp {
    world.user("alice", |_| {}).await;
    Rp::new(world, "notes", everything).await
}

async fn delivered(rp: &Rp, browser: &mut Browser, change: &[(&str, &str)]) -> Delivery {
    Delivery::of(&rp.login(browser, "alice", change).await)
}

/// What a new browser brings back for a return type.
async fn front(rp: &Rp, response_type: &str) -> Delivery {
    delivered(rp, &mut rp.world.browser(), &[("response_type", response_type)]).await
}

fn callback(application: &mut Application, uri: &str) {
    application.settings.redirect_uris = vec![RedirectUri::parse(uri).unwrap()];
}

/// Sees that an ID token is for `rp`, and bound to what came with it.
fn assert_bound(rp: &Rp, delivery: &Delivery, id_token: &Jwt) {
    let claims = id_token.claims.as_object().unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(rp.issuer), &json!(rp.id)));
    assert_eq!((&claims["nonce"], &claims["email"]), (&json!("n0nce"), &json!("alice@example.com")));
    let hash = |name| delivery.get(name).map(|text| json!(half_hash(text)));
    assert_eq!(claims.get("at_hash"), hash("access_token").as_ref());
    assert_eq!(claims.get("c_hash"), hash("code").as_ref());
    assert_eq!(claims.get("s_hash"), hash("state").as_ref());
}

async fn each_return_type_brings_exactly_what_it_names(world: Arc<World>) {
    let rp = with_alice(&world).await;
    let access = ["access_token", "token_type", "expires_in", "scope"];
    for (response_type, code, token, id_token) in [
        ("id_token", false, false, true),
        ("id_token token", false, true, true),
        ("token id_token", false, true, true),
        ("code id_token", true, false, true),
        ("token code", true, true, false),
        ("code token id_token", true, true, true),
    ] {
        for rp in [&rp, &rp.at_home()] {
            let delivery = front(rp, response_type).await;
            let mut names = Vec::new();
            names.extend(code.then_some("code"));
            names.extend(access.into_iter().filter(|_| token));
            names.extend(id_token.then_some("id_token"));
            names.extend(["state", "iss"]);
            assert_eq!((delivery.mode, delivery.names()), ("fragment", names), "{response_type}");
            assert_eq!((delivery.get("state"), delivery.get("iss")), (Some("st4te"), Some(&*rp.issuer)));
            if id_token {
                let id_token = delivery.id_token();
                assert_bound(rp, &delivery, &id_token);
                assert!(id_token.verifies_with(&rp.jwks().await));
            }
            if token {
                assert_eq!(
                    (delivery.get("token_type"), delivery.get("expires_in")),
                    (Some("Bearer"), Some("3600"))
                );
                assert_eq!(delivery.get("scope"), Some("openid profile email"));
                let me = rp.me(delivery.access()).await.json();
                assert_eq!(me["email"], "alice@example.com");
                assert!(rp.is_active(delivery.access()).await);
                assert!(Jwt::decode(delivery.access()).unwrap().verifies_with(&rp.jwks().await));
            }
            if code {
                let tokens = Tokens::of(&rp.redeem(delivery.code()).await);
                assert_eq!(tokens.refresh, None);
                let back = tokens.id_token().claims;
                assert_eq!(
                    (&back["nonce"], back.get("c_hash"), back.get("s_hash")),
                    (&json!("n0nce"), None, None)
                );
                if id_token {
                    // OpenID Connect Core §3.3.3.6.
                    let there = delivery.id_token().claims;
                    assert_eq!((&back["iss"], &back["sub"]), (&there["iss"], &there["sub"]));
                }
            }
        }
    }
}
on_both_engines!(each_return_type_brings_exactly_what_it_names);

#[tokio::test]
async fn id_tokens_are_signed_as_the_application_wants_them() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    for alg in [SigningAlg::Hs256, SigningAlg::Es256] {
        world
            .update_application(rp.application.id, |app| app.settings.id_token_signed_response_alg = alg)
            .await;
        let delivery = front(&rp, "code id_token token").await;
        let id_token = delivery.id_token();
        assert_bound(&rp, &delivery, &id_token);
        assert_eq!(id_token.header["alg"], alg.as_str());
        assert_eq!(id_token.verifies_with_secret(SECRET), alg == SigningAlg::Hs256);
        assert_eq!(id_token.verifies_with(&rp.jwks().await), alg == SigningAlg::Es256);
    }
}

#[tokio::test]
async fn an_id_token_without_state_has_no_s_hash_and_a_nonce_is_needed() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    let mut browser = world.browser();
    let stateless = delivered(&rp, &mut browser, &[("response_type", "id_token"), ("state", "")]).await;
    assert_eq!(stateless.names(), ["id_token", "iss"]);
    assert_eq!(stateless.id_token().claims.get("s_hash"), None);
    for (response_type, needed) in [
        ("id_token", true),
        ("id_token token", true),
        ("code id_token", true),
        ("code id_token token", true),
        ("code token", false),
        ("code", false),
        ("none", false),
    ] {
        let without = delivered(&rp, &mut browser, &[("response_type", response_type), ("nonce", "")]).await;
        assert_eq!(without.get("error"), needed.then_some("invalid_request"), "{response_type}");
    }
}

#[tokio::test]
async fn nothing_is_given_for_none_but_the_login_counts() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    let mut browser = world.browser();
    let silent = [("response_type", "none"), ("prompt", "none")];
    assert_eq!(delivered(&rp, &mut browser, &silent).await.get("error"), Some("login_required"));
    let login = browser.open(&rp.url(&[("response_type", "none")])).await;
    let page = browser.address.clone();
    let answer = Delivery::of(&browser.sign_in(&login, "alice").await);
    assert_eq!((answer.mode, answer.names()), ("query", vec!["state", "iss"]));
    assert_eq!(delivered(&rp, &mut browser, &silent).await.names(), ["state", "iss"]);
    let again = browser.open(&page.replace("/login", "/oidc/auth/resume")).await;
    assert!(again.body.contains("This sign-in is already finished"), "{}", again.body);
}

#[tokio::test]
async fn a_refresh_token_never_comes_from_the_front() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    for (response_type, offline) in [
        ("id_token", false),
        ("id_token token", false),
        ("code id_token", true),
        ("code token", true),
        ("code id_token token", true),
    ] {
        for mode in ["fragment", "form_post", "web_message"] {
            let change = [OFFLINE, &[("response_type", response_type), ("response_mode", mode)]].concat();
            let delivery = delivered(&rp, &mut world.browser(), &change).await;
            assert_eq!((delivery.mode, delivery.get("refresh_token")), (mode, None));
            if let Some(scope) = delivery.get("scope") {
                assert_eq!(scope.contains("offline_access"), offline, "{response_type}");
            }
            if offline {
                assert!(Tokens::of(&rp.redeem(delivery.code()).await).refresh.is_some());
            }
        }
        // Under the code flow's conditions: without prompt=consent there is none.
        let change = [("response_type", response_type), ("scope", "openid offline_access")];
        let delivery = delivered(&rp, &mut world.browser(), &change).await;
        assert!(delivery.get("scope").is_none_or(|scope| scope == "openid"));
        if offline {
            assert_eq!(Tokens::of(&rp.redeem(delivery.code()).await).refresh, None);
        }
    }
}

async fn attack_27_tokens_from_both_ends_die_together(world: Arc<World>) {
    let rp = with_alice(&world).await;
    // A code used again.
    let delivery = front(&rp, "code token").await;
    let tokens = Tokens::of(&rp.redeem(delivery.code()).await);
    assert!(rp.is_active(delivery.access()).await && rp.is_active(&tokens.access).await);
    assert_eq!(rp.redeem(delivery.code()).await.error().1, "invalid_grant");
    assert!(!rp.is_active(delivery.access()).await && !rp.is_active(&tokens.access).await);
    // A front token revoked before its code was used, and after.
    let delivery = front(&rp, "code id_token token").await;
    assert_eq!(rp.revoke(delivery.access()).await.status, 200);
    assert_eq!(rp.me(delivery.access()).await.error(), (401, "invalid_token".to_owned()));
    assert_eq!(rp.redeem(delivery.code()).await.error().1, "invalid_grant");
    let delivery = front(&rp, "code token").await;
    let tokens = Tokens::of(&rp.redeem(delivery.code()).await);
    assert_eq!(rp.revoke(delivery.access()).await.status, 200);
    assert!(!rp.is_active(&tokens.access).await);
    // The end of the session, the user, the application.
    let mut browser = world.browser();
    let implicit = delivered(&rp, &mut browser, &[("response_type", "id_token token")]).await;
    let hint = implicit.get("id_token").unwrap();
    browser.open(&format!("{}/session/end?id_token_hint={hint}", rp.issuer)).await;
    assert!(!rp.is_active(implicit.access()).await);
    let implicit = front(&rp, "id_token token").await;
    let sub = implicit.id_token().claims["sub"].as_str().unwrap().to_owned();
    let id = signet_protocol::id::UserId::parse(&sub).unwrap();
    world.update_user(id, |user| user.blocked = true).await;
    assert_eq!(rp.me(implicit.access()).await.status, 401);
}
on_both_engines!(attack_27_tokens_from_both_ends_die_together);

async fn attack_06_one_transaction_is_answered_once(world: Arc<World>) {
    let rp = with_alice(&world).await;
    for response_type in ["id_token token", "code id_token", "none"] {
        let mut browser = world.browser();
        rp.login(&mut browser, "alice", &[]).await;
        let page = browser.open(&rp.url(&[("response_type", response_type), ("prompt", "login")])).await;
        let form =
            page.form().fill(&[("username", "alice"), ("password", crate::support::PASSWORD)], "sign-in");
        let resume = browser.step(Method::POST, "/login", Some(&form)).await.location().to_owned();
        let answers = race(8, |_| {
            let (mut browser, resume) = (browser.clone(), resume.clone());
            async move { browser.step(Method::GET, &resume, None).await }
        })
        .await;
        let given = answers.iter().filter(|answer| answer.status == 303).count();
        assert_eq!(given, 1, "{response_type}: {answers:?}");
    }
}
on_both_engines!(attack_06_one_transaction_is_answered_once);

#[tokio::test]
async fn attack_18_what_is_unticked_while_a_person_signs_in_is_refused() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    let changes: [fn(&mut Application); 2] = [
        |app| app.settings.grant_types.retain(|grant| *grant != GrantType::Implicit),
        |app| app.settings.response_types.retain(|kind| *kind != ResponseType::IdTokenToken),
    ];
    for change in changes {
        world.update_application(rp.application.id, everything).await;
        let mut browser = world.browser();
        let page = browser.open(&rp.url(&[("response_type", "id_token token")])).await;
        world.update_application(rp.application.id, change).await;
        let refused = Delivery::of(&browser.sign_in(&page, "alice").await);
        assert_eq!((refused.mode, refused.get("error")), ("fragment", Some("unauthorized_client")));
    }
}

#[tokio::test]
async fn attack_04_the_code_of_a_hybrid_answer_needs_its_verifier() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "spa", |app| {
        everything(app);
        app.settings.token_endpoint_auth_method = AuthMethod::None;
    })
    .await;
    let none = [("response_type", "code id_token"), ("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(delivered(&rp, &mut world.browser(), &none).await.get("error"), Some("invalid_request"));
    let delivery = front(&rp, "code id_token").await;
    let mut form = rp.redeeming(delivery.code());
    form.retain(|(name, _)| *name != "code_verifier");
    assert_eq!(rp.post("/token", &form).await.error().1, "invalid_grant");
    assert_eq!(rp.redeem(delivery.code()).await.status, 200);
    // No code, nothing to prove.
    let none = [("response_type", "id_token token"), ("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(delivered(&rp, &mut world.browser(), &none).await.outcome(), "id_token token");
}

#[tokio::test]
async fn errors_take_the_way_of_the_answer() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    for (response_type, response_mode, mode) in [
        ("code", "", "query"),
        ("code", "fragment", "fragment"),
        ("none", "web_message", "web_message"),
        ("id_token", "", "fragment"),
        ("id_token", "form_post", "form_post"),
        ("code token", "web_message", "web_message"),
        // Not a return type of ours, but one with a token: its answer would come in the fragment.
        ("token", "", "fragment"),
        ("token", "query", "fragment"),
    ] {
        let unknown = [("response_type", response_type), ("response_mode", "banana")];
        assert!(world.get(&rp.url(&unknown)).await.location().contains("error="));
        for (name, value, error) in [
            ("scope", "email", "invalid_scope"),
            ("prompt", "none", "login_required"),
            ("request", "x", "request_not_supported"),
        ] {
            let change = [("response_type", response_type), ("response_mode", response_mode), (name, value)];
            let error = match response_type {
                "token" if name != "request" => "unsupported_response_type",
                _ => error,
            };
            for rp in [&rp, &rp.at_home()] {
                let delivery = Delivery::of(&world.get(&rp.url(&change)).await);
                assert_eq!((delivery.mode, delivery.get("error")), (mode, Some(error)), "{change:?}");
                assert_eq!((delivery.get("state"), delivery.get("iss")), (Some("st4te"), Some(&*rp.issuer)));
                assert_eq!(delivery.pairs.len(), 4, "{delivery:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_person_who_refuses_is_told_of_by_the_same_way() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    for (mode, arrives) in [("", "fragment"), ("form_post", "form_post"), ("web_message", "web_message")] {
        let mut browser = world.browser();
        let change = [("response_type", "code id_token"), ("response_mode", mode), ("prompt", "consent")];
        let page = browser.open(&rp.url(&change)).await;
        let page = browser.sign_in(&page, "alice").await;
        let refused = Delivery::of(&browser.submit(&page, &[], "deny").await);
        assert_eq!((refused.mode, refused.get("error")), (arrives, Some("access_denied")));
    }
}

#[tokio::test]
async fn tokens_are_sent_to_https_and_to_this_machine_only() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, (uri, safe)) in [
        ("http://intranet/cb", false),
        ("http://127.0.0.1:3000/cb", true),
        ("http://[::1]/cb", true),
        ("http://localhost/cb", true),
        ("http://notes.localhost/cb", true),
        ("http://localhost.evil.example/cb", false),
        ("com.example.app:/cb", false),
    ]
    .into_iter()
    .enumerate()
    {
        // Stored as an older version, or somebody with access to the database, may have left it.
        let rp = Rp::new(&world, &format!("n{number}"), |app| {
            everything(app);
            callback(app, uri);
            app.settings.kind = ApplicationType::Native;
        })
        .await;
        let open = async |response_type: &str| {
            let change = [("redirect_uri", uri), ("response_type", response_type), ("prompt", "none")];
            world.get(&rp.url(&change)).await
        };
        for response_type in ["id_token", "code token", "code id_token token"] {
            let answer = open(response_type).await;
            assert_eq!(answer.status.as_u16(), if safe { 303 } else { 400 }, "{uri}: {}", answer.body);
            assert!(safe || answer.body.contains("<code>invalid_redirect_uri</code>"));
        }
        assert_eq!(open("code").await.status, 303, "{uri}");
        world
            .update_application(rp.application.id, |app| app.settings.allow_http_implicit_callbacks = true)
            .await;
        assert!(open("id_token").await.location().starts_with(&format!("{uri}#error=login_required")));
    }
}

/// The one origin that may frame a page, and the nonce of its script.
fn policy(page: &Answer) -> (String, String) {
    let policy = page.header("content-security-policy").unwrap();
    let part = |name: &str| policy.split("; ").find_map(|part| part.strip_prefix(name)).unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    (part("frame-ancestors "), part("script-src "))
}

#[tokio::test]
async fn a_silent_web_message_is_framed_by_the_callbacks_origin_alone() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    let mut browser = world.browser();
    let silent = [("response_mode", "web_message"), ("prompt", "none"), ("response_type", "id_token token")];
    let refused = browser.open(&rp.url(&silent)).await;
    assert_eq!(Delivery::of(&refused).get("error"), Some("login_required"));
    rp.login(&mut browser, "alice", &[]).await;
    let given = browser.open(&rp.url(&silent)).await;
    assert_eq!(Delivery::of(&given).outcome(), "id_token token");
    for page in [&refused, &given] {
        let (framed_by, script) = policy(page);
        assert_eq!(framed_by, "https://rp.example");
        let nonce = script.strip_prefix("'nonce-").unwrap().trim_end_matches('\'');
        assert!(nonce.len() >= 22 && page.body.contains(&format!("<script nonce=\"{nonce}\"")), "{script}");
        assert_eq!((page.header("x-frame-options"), page.header("cache-control")), (None, Some("no-store")));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    }
    let loud = browser.open(&rp.url(&[("response_mode", "web_message")])).await;
    assert_eq!(Delivery::of(&loud).outcome(), "code");
    assert_eq!((policy(&loud).0.as_str(), loud.header("x-frame-options")), ("'none'", Some("DENY")));
    assert_ne!(policy(&loud).1, policy(&given).1, "a nonce is used once");
}

#[tokio::test]
async fn attack_01_a_message_goes_to_the_callbacks_origin_only() {
    let world = World::new().await;
    for (number, (uri, origin)) in [
        ("https://rp.example/deep/cb?a=b", "https://rp.example"),
        ("https://rp.example:443/cb", "https://rp.example"),
        ("https://rp.example:8443/cb", "https://rp.example:8443"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://127.0.0.1/cb", "http://127.0.0.1"),
    ]
    .into_iter()
    .enumerate()
    {
        let rp = Rp::new(&world, &format!("m{number}"), |app| callback(app, uri)).await;
        let change = [("redirect_uri", uri), ("response_mode", "web_message"), ("prompt", "none")];
        assert_eq!(message(&world.get(&rp.url(&change)).await).0, origin);
    }
    // Where there is no such origin, the refusal goes by the default way.
    for (number, uri) in ["com.example.app:/cb", "http://intranet/cb"].into_iter().enumerate() {
        let rp = Rp::new(&world, &format!("p{number}"), |app| callback(app, uri)).await;
        let answer = world.get(&rp.url(&[("redirect_uri", uri), ("response_mode", "web_message")])).await;
        assert!(
            answer.location().starts_with(&format!("{uri}?error=invalid_request")),
            "{}",
            answer.location()
        );
    }
}

#[tokio::test]
async fn attack_03_what_was_sent_cannot_leave_its_place_in_an_answer() {
    let world = World::new().await;
    let rp = with_alice(&world).await;
    for state in [
        "</script><script>alert(1)</script>",
        "\"}); alert(1); ({\"",
        "' onload='alert(1)",
        "#&code=evil&access_token=evil",
        "\u{2028}\\u0022 &quot; &#34;",
    ] {
        for mode in ["fragment", "form_post", "web_message"] {
            let change = [("response_type", "id_token"), ("response_mode", mode), ("state", state)];
            let answer = rp.login(&mut world.browser(), "alice", &change).await;
            assert!(answer.body.matches("<script").count() <= 1, "{}", answer.body);
            let delivery = Delivery::of(&answer);
            assert_eq!(delivery.get("state"), Some(state));
            assert_eq!(delivery.pairs.len(), 3, "{delivery:?}");
        }
    }
}
