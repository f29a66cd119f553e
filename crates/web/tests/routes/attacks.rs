//! What really happened to identity servers, each under its number in `docs/security.md`, where it crosses several paths.

use std::sync::Arc;

use axum::body::Body;
use http::Method;
use serde_json::json;
use signet_protocol::{id::UserId, jose};

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, BASE, Browser, PASSWORD, SECRET, World, on_both_engines, request},
};

const HOST: &str = "localhost:8080";

async fn world_with_alice() -> (Arc<World>, Rp, UserId) {
    let world = World::new().await;
    let user = world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp, user.id)
}

fn session_cookie(rp: &Rp) -> String {
    format!("signet_session_{}", rp.id)
}

fn field(page: &Answer, name: &str) -> String {
    page.form().fields.iter().find(|(own, _)| own == name).unwrap().1.clone()
}

async fn is_signed_in(rp: &Rp, browser: &mut Browser) -> bool {
    browser.open(&rp.url(&[("prompt", "none")])).await.callback().get("code").is_some()
}

#[tokio::test]
async fn attack_05_one_kind_of_token_is_never_another() {
    let (_, rp, _) = world_with_alice().await;
    let mut browser = rp.world.browser();
    let callback = rp.login(&mut browser, "alice", &[]).await.callback();
    let code = callback.get("code").unwrap();
    let cookie = browser.cookie(HOST, &session_cookie(&rp)).unwrap();
    let refresh = rp.tokens("alice", OFFLINE).await;
    assert_eq!(rp.redeem(&cookie).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(rp.redeem(refresh.refresh()).await.error(), (400, "invalid_grant".to_owned()));
    for token in [code, &cookie] {
        assert_eq!(rp.refresh(token).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!(rp.me(token).await.status, 401);
    }
    let mut thief = rp.world.browser();
    for value in [code, refresh.refresh(), &refresh.access, &refresh.id] {
        thief.plant(HOST, &session_cookie(&rp), value);
        assert!(!is_signed_in(&rp, &mut thief).await, "{value}");
    }
    thief.plant(HOST, &session_cookie(&rp), &cookie);
    assert!(is_signed_in(&rp, &mut thief).await, "the cookie itself would do");
}

/// A JWT whose signature `sign` makes.
fn forged(
    header: &serde_json::Value,
    claims: &serde_json::Value,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let part = |value: &serde_json::Value| jose::b64(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = jose::b64(&sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn attack_07_the_header_does_not_choose_the_algorithm() {
    let (world, rp, _) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let tokens = rp.tokens("alice", &[]).await;
    let jwks = rp.jwks().await;
    let modulus = jwks["keys"][0]["n"].as_str().unwrap().to_owned();
    let raw = jose::unb64(&modulus).unwrap();
    let document = jwks.to_string();
    let keys: [&[u8]; 4] = [&raw, modulus.as_bytes(), document.as_bytes(), b""];
    for genuine in [tokens.access_token(), tokens.id_token()] {
        for alg in ["none", "None", "HS256", "RS256", "ES256", "PS256", ""] {
            for key in keys {
                let mut header = genuine.header.clone();
                header["alg"] = json!(alg);
                let sign = |text: &[u8]| match alg {
                    "none" | "None" | "" => Vec::new(),
                    _ => jose::hmac_sha256(key, &[text]).to_vec(),
                };
                let token = forged(&header, &genuine.claims, sign);
                assert_eq!(rp.me(&token).await.status, 401, "{alg}");
                assert!(!rp.is_active(&token).await, "{alg}");
                let hinted = browser.open(&rp.url(&[("id_token_hint", &token)])).await;
                assert_eq!(hinted.callback().get("error"), Some("invalid_request"), "{alg}");
                let logout = browser.open(&format!("{}/session/end?id_token_hint={token}", rp.issuer)).await;
                assert_eq!(logout.status, 400, "{alg}");
            }
        }
    }
    let by_secret = |text: &[u8]| jose::hmac_sha256(SECRET.as_bytes(), &[text]).to_vec();
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let token = forged(&header, &tokens.id_token().claims, by_secret);
    let hinted = browser.open(&rp.url(&[("id_token_hint", &token)])).await;
    assert_eq!(hinted.callback().get("error"), Some("invalid_request"), "its ID tokens are RS256");
    assert!(is_signed_in(&rp, &mut browser).await);
}

async fn attack_09_a_blocked_user_has_nothing_left(world: Arc<World>) {
    let user = world.user("alice", |_| {}).await.id;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    let code = rp.login(&mut browser, "alice", &[]).await.callback();
    let tokens = rp.tokens("alice", OFFLINE).await;
    let mut waiting = world.browser();
    let login = waiting.open(&rp.url(&[])).await;
    world.update_user(user, |user| user.blocked = true).await;
    for round in ["blocked", "and when the block is lifted"] {
        assert_eq!(
            rp.redeem(code.get("code").unwrap()).await.error(),
            (400, "invalid_grant".to_owned()),
            "{round}"
        );
        assert_eq!(rp.refresh(tokens.refresh()).await.error(), (400, "invalid_grant".to_owned()), "{round}");
        assert_eq!(rp.me(&tokens.access).await.status, 401, "{round}");
        assert!(!rp.is_active(&tokens.access).await, "{round}");
        assert!(!rp.is_active(tokens.refresh()).await, "{round}");
        assert!(!is_signed_in(&rp, &mut browser).await, "{round}");
        if round == "blocked" {
            assert_eq!(waiting.sign_in(&login, "alice").await.status, 400);
        }
        world.update_user(user, |user| user.blocked = false).await;
    }
    assert!(waiting.sign_in(&login, "alice").await.callback().get("code").is_some(), "she may sign in anew");
}

async fn attack_09_a_disabled_application_has_nothing_left(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let code = rp.code("alice", &[]).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    world.update_application(rp.application.id, |application| application.enabled = false).await;
    for answer in
        [rp.redeem(&code).await, rp.refresh(tokens.refresh()).await, rp.revoke(&tokens.access).await]
    {
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
    }
    assert_eq!(rp.post("/token/introspection", &[("token", &tokens.access)]).await.status, 401);
    assert_eq!(rp.me(&tokens.access).await.status, 401);
    world.update_application(rp.application.id, |application| application.enabled = true).await;
    assert!(!rp.is_active(&tokens.access).await, "switched on again, it starts anew");
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(rp.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
}

on_both_engines!(
    attack_09_a_blocked_user_has_nothing_left,
    attack_09_a_disabled_application_has_nothing_left
);

#[tokio::test]
async fn attack_12_a_login_form_fits_its_own_browser_and_transaction_only() {
    let (world, rp, _) = world_with_alice().await;
    world.user("mallory", |_| {}).await;
    let (mut victim, mut attacker) = (world.browser(), world.browser());
    let theirs = attacker.open(&rp.url(&[])).await;
    let mine = victim.open(&rp.url(&[])).await;
    let second = victim.open(&rp.url(&[])).await;
    let (their_txn, their_csrf) = (field(&theirs, "txn"), field(&theirs, "csrf"));
    let (my_txn, my_csrf, second_csrf) = (field(&mine, "txn"), field(&mine, "csrf"), field(&second, "csrf"));
    for (txn, csrf) in [
        (&their_txn, &their_csrf),
        (&their_txn, &my_csrf),
        (&my_txn, &their_csrf),
        (&my_txn, &second_csrf),
        (&my_txn, &String::new()),
    ] {
        let form =
            [("txn", txn.as_str()), ("csrf", csrf.as_str()), ("username", "mallory"), ("password", PASSWORD)];
        let refused = victim.post(&format!("{BASE}/login"), &form).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.body.contains("Please start again"), "{}", refused.body);
    }
    for path in ["/login", "/login/account", "/consent", "/oidc/auth/resume"] {
        let page = victim.open(&format!("{BASE}{path}?txn={their_txn}")).await;
        assert_eq!(page.status, 403, "{path}: a transaction of another browser");
    }
    assert!(victim.cookie(HOST, &session_cookie(&rp)).is_none());
    assert!(victim.sign_in(&mine, "alice").await.callback().get("code").is_some());
}

#[tokio::test]
async fn attack_12_every_login_has_a_new_session() {
    let (world, rp, _) = world_with_alice().await;
    world.user("mallory", |_| {}).await;
    let cookie = session_cookie(&rp);
    let mut attacker = world.browser();
    rp.login(&mut attacker, "mallory", &[]).await;
    let planted = attacker.cookie(HOST, &cookie).unwrap();
    let mut victim = world.browser();
    victim.plant(HOST, &cookie, &planted);
    rp.login(&mut victim, "alice", &[("prompt", "login")]).await;
    let own = victim.cookie(HOST, &cookie).unwrap();
    assert_ne!(own, planted);
    assert!(!is_signed_in(&rp, &mut attacker).await, "what was planted is ended, not taken over");
    let mut made_up = world.browser();
    made_up.plant(HOST, &cookie, &"A".repeat(64));
    rp.login(&mut made_up, "alice", &[]).await;
    assert_ne!(made_up.cookie(HOST, &cookie).unwrap(), "A".repeat(64));
    rp.login(&mut victim, "alice", &[("prompt", "login")]).await;
    assert_ne!(victim.cookie(HOST, &cookie).unwrap(), own, "again, although it is the same person");
}

#[tokio::test]
async fn attack_12_the_code_of_one_login_is_not_another_browsers_to_fetch() {
    let (world, rp, _) = world_with_alice().await;
    let (mut victim, mut attacker) = (world.browser(), world.browser());
    let page = victim.open(&rp.url(&[])).await;
    let form = page.form().fill(&[("username", "alice"), ("password", PASSWORD)], "sign-in");
    let signed_in = victim.step(Method::POST, "/login", Some(&form)).await;
    attacker.open(&rp.url(&[])).await;
    let stolen = attacker.open(&format!("{BASE}{}", signed_in.location())).await;
    assert_eq!(stolen.status, 403, "{}", stolen.body);
}

#[tokio::test]
async fn attack_21_absurd_input_is_refused_and_nothing_falls_over() {
    let (world, rp, _) = world_with_alice().await;
    let deep = jose::b64("[".repeat(5_000).as_bytes());
    let header = jose::b64(json!({ "alg": "RS256", "typ": "at+jwt", "kid": "x" }).to_string().as_bytes());
    let me = format!("{}/me", rp.issuer);
    for token in [
        format!("{header}.{deep}.AAAA"),
        format!("{deep}.{deep}.AAAA"),
        ".".repeat(5_000),
        "A".repeat(15_000),
        format!("{header}.{header}.{}", "A".repeat(10_000)),
    ] {
        assert_eq!(rp.me(&token).await.status, 401);
        assert!(!rp.is_active(&token).await);
        assert_eq!(rp.revoke(&token).await.status, 200);
        let bearer = request(Method::GET, &me).header("authorization", format!("Bearer {token}"));
        assert_eq!(world.send(bearer.body(Body::empty()).unwrap()).await.status, 401);
        let hinted = world.get(&rp.url(&[("id_token_hint", &token)])).await;
        assert!([303, 413].contains(&hinted.status.as_u16()), "{}", hinted.status);
    }
    for (name, value) in [
        ("authorization", format!("Basic {}", "A".repeat(40_000))),
        ("cookie", "a=b; ".repeat(50_000)),
        ("cookie", format!("signet_session={}", "A".repeat(30_000))),
        ("accept-language", "zh;q=0.5,".repeat(5_000)),
        ("accept-language", format!("zh;q={}", "9".repeat(9_000))),
        ("origin", "https://".repeat(2_000)),
    ] {
        for path in ["/oidc/token", "/oidc/me", "/oidc/session/end", "/login", "/"] {
            for method in [Method::GET, Method::POST] {
                let request = request(method, &format!("{BASE}{path}")).header(name, &value);
                let answer = world.send(request.body(Body::empty()).unwrap()).await;
                assert!(answer.status.as_u16() < 500, "{name} {path}: {}", answer.status);
            }
        }
    }
    let scopes = (0..129).map(|number| format!("s{number} ")).collect::<String>();
    let refused = world.get(&rp.url(&[("scope", &scopes)])).await;
    assert_eq!(refused.callback().get("error"), Some("invalid_scope"));
    assert_eq!(rp.tokens("alice", &[]).await.json["token_type"], "Bearer");
}

#[tokio::test]
async fn attack_22_unknown_wrong_and_blocked_look_the_same() {
    let (world, rp, _) = world_with_alice().await;
    world.user("carol", |user| user.blocked = true).await;
    world.user("david", |user| user.password = None).await;
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let mut answers = Vec::new();
    // Of one length, so that the whole answers can be compared.
    for (name, password) in [
        ("alice", "wrong"),
        ("ghost", PASSWORD),
        ("carol", PASSWORD),
        ("carol", "wrong"),
        ("david", PASSWORD),
    ] {
        let answer = browser.submit(&page, &[("username", name), ("password", password)], "sign-in").await;
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(own, _)| *own != "x-request-id")
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        headers.sort_by_key(|(name, _)| name.to_string());
        answers.push((answer.status, headers, answer.body.replace(name, "·")));
    }
    assert_eq!(answers[0].0, 400);
    assert!(answers[0].2.contains("do not match"));
    for answer in &answers[1..] {
        assert_eq!(*answer, answers[0]);
    }
}

#[tokio::test]
async fn attack_22_unknown_clients_and_wrong_secrets_look_the_same() {
    let (world, rp, _) = world_with_alice().await;
    let disabled = Rp::new(&world, "off", |application| application.enabled = false).await;
    let mut bodies = Vec::new();
    for (id, secret) in [
        (rp.id.as_str(), "wrong"),
        ("0123456789abcdef01234567", SECRET),
        ("not an id", SECRET),
        (disabled.id.as_str(), SECRET),
    ] {
        let form = [("client_id", id), ("client_secret", secret), ("grant_type", "refresh_token")];
        let answer = world.post(&format!("{}/token", rp.issuer), &form, None).await;
        bodies.push((answer.status, answer.body));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn attack_24_a_part_of_a_cookie_is_nothing() {
    let (world, rp, _) = world_with_alice().await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let whole = browser.cookie(HOST, &session_cookie(&rp)).unwrap();
    let longer = format!("{whole}A");
    // The first 22 characters hold the row's id, which tokens show as `sid`.
    let id_only = format!("{}{}", &whole[..22], "A".repeat(42));
    for value in [&whole[..63], &whole[..22], &longer, &id_only, &whole.to_uppercase(), ""] {
        browser.plant(HOST, &session_cookie(&rp), value);
        assert!(!is_signed_in(&rp, &mut browser).await, "{value}");
    }
    browser.plant(HOST, &session_cookie(&rp), &whole);
    assert!(is_signed_in(&rp, &mut browser).await);
}

#[tokio::test]
async fn attack_17_every_endpoint_asks_the_same_question() {
    let (world, rp, _) = world_with_alice().await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    let alive = async |token: &str| (rp.me(token).await.status == 200, rp.is_active(token).await);
    assert_eq!(alive(&tokens.access).await, (true, true));
    assert_eq!(alive(&tokens.id).await, (false, false), "an ID token is no access token");
    let spare = Tokens::of(&rp.refresh(tokens.refresh()).await);
    world.advance(3595);
    assert_eq!(alive(&spare.access).await, (true, true));
    world.advance(5);
    assert_eq!(alive(&tokens.access).await, (false, false));
    let fresh = rp.tokens("alice", &[]).await;
    rp.revoke(&fresh.access).await;
    assert_eq!(alive(&fresh.access).await, (false, false));
}
