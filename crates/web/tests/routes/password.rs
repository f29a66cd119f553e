//! `/oidc/token` with `grant_type=password`.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Method, header};
use signet_protocol::{
    application::{Application, AuthMethod, GrantType},
    id::{RowId, SessionId, UserId},
    params::encode_pairs,
    password::{PasswordHash, Scratch},
};
use signet_testkit::{race::race, seed::Seeded};
use signet_web::{Peer, clock::Clock, hashing::Asker};

use crate::{
    rp::{Rp, Tokens},
    support::{Answer, PASSWORD, SECRET, World, half_hash, on_both_engines, request},
};

fn password_mode(application: &mut Application) {
    application.settings.grant_types = vec![GrantType::Password, GrantType::RefreshToken];
}

async fn with_alice(world: &Arc<World>) -> (Rp, UserId) {
    let user = world.user("alice", |user| user.phone = Some("+8613800138000".to_owned())).await;
    (Rp::new(world, "notes", password_mode).await, user.id)
}

/// What `more` and the usual parameters get: a value of `""` takes a parameter away.
async fn ask(rp: &Rp, more: &[(&str, &str)]) -> Answer {
    let usual = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    let changed = |name: &str| more.iter().any(|(own, _)| *own == name);
    let kept = usual.into_iter().filter(|(name, _)| !changed(name));
    let form: Vec<_> = kept.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
    rp.post("/token", &form).await
}

async fn tokens(rp: &Rp, more: &[(&str, &str)]) -> Tokens {
    Tokens::of(&ask(rp, more).await)
}

const OFFLINE: &[(&str, &str)] = &[("scope", "openid email offline_access")];

fn wrong(answer: &Answer) -> bool {
    let told = r#"{"error":"invalid_grant","error_description":"invalid credentials provided"}"#;
    (answer.status.as_u16(), answer.body.as_str()) == (400, told)
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

async fn a_name_and_a_password_give_tokens(world: Arc<World>) {
    let (rp, user) = with_alice(&world).await;
    for rp in [rp.clone(), rp.at_home()] {
        for name in [
            [("username", "alice"), ("email", "")],
            [("username", "alice@example.com"), ("email", "")],
            [("username", ""), ("email", "Alice@Example.com")],
            [("username", ""), ("phone", "+86 138 0013 8000")],
        ] {
            let before = world.now();
            let given = tokens(&rp, &name).await;
            let (id, access, jwks) = (given.id_token(), given.access_token(), rp.jwks().await);
            assert!(id.verifies_with(&jwks) && access.verifies_with(&jwks));
            assert_eq!(id.claims["sub"], user.to_string(), "{name:?}");
            assert_eq!(
                (&id.claims["aud"], &id.claims["iss"]),
                (&rp.id.clone().into(), &rp.issuer.clone().into())
            );
            assert_eq!(id.claims["name"], "alice Sample", "the default scope is openid profile");
            assert_eq!(id.claims["at_hash"], half_hash(&given.access));
            assert!(id.claims.get("nonce").is_none());
            assert!((before..=world.now()).contains(&id.claims["auth_time"].as_i64().unwrap()));
            assert!(id.claims["sid"] == access.claims["sid"] && id.claims["sid"].is_string());
            assert_eq!((&given.json["scope"], &given.refresh), (&"openid profile".into(), &None));
            assert!(rp.is_active(&given.access).await);
            assert_eq!(rp.me(&given.access).await.json()["sub"], user.to_string());
        }
    }
}

async fn offline_access_gives_a_refresh_token(world: Arc<World>) {
    let (rp, _) = with_alice(&world).await;
    let first = tokens(&rp, OFFLINE).await;
    assert_eq!(first.json["scope"], "openid email offline_access");
    let next = Tokens::of(&rp.refresh(first.refresh()).await);
    assert_eq!(next.id_token().claims["sid"], first.id_token().claims["sid"]);
    assert_eq!(next.id_token().claims["auth_time"], first.id_token().claims["auth_time"]);
    assert!(rp.is_active(next.refresh()).await);
    world.advance(29 * 86_400);
    let later = Tokens::of(&rp.refresh(next.refresh()).await);
    assert_eq!(rp.revoke(later.refresh()).await.status, 200);
    assert!(!rp.is_active(&later.access).await);

    world
        .update_application(rp.application.id, |app| app.settings.grant_types = vec![GrantType::Password])
        .await;
    let without = tokens(&rp, OFFLINE).await;
    assert_eq!((&without.json["scope"], &without.refresh), (&"openid email".into(), &None));
}

/// What ends logins ends this one, though no browser holds it (attacks 9 and 27).
async fn attack_27_whatever_ends_logins_ends_this_one(world: Arc<World>) {
    let (rp, user) = with_alice(&world).await;
    let store = world.signet().store().clone();
    let (online, offline) = (tokens(&rp, &[]).await, tokens(&rp, OFFLINE).await);
    for (given, outlives) in [(&online, false), (&offline, true)] {
        let sid = given.id_token().claims["sid"].as_str().unwrap().to_owned();
        assert_eq!(store.end_session(SessionId::parse(&sid).unwrap(), world.clock.now()).await, Ok(true));
        assert_eq!(rp.is_active(&given.access).await, outlives, "what was given for longer stays");
    }
    world.update_user(user, |user| user.blocked = true).await;
    assert!(!rp.is_active(&offline.access).await && !rp.is_active(offline.refresh()).await);
    assert!(wrong(&ask(&rp, &[]).await), "attack 9");
    world.update_user(user, |user| user.blocked = false).await;
    let given = tokens(&rp, OFFLINE).await;
    let other = PasswordHash::create("another password", &mut Seeded(9), &mut Scratch::default()).unwrap();
    world.update_user(user, |user| user.password = Some(other)).await;
    assert_eq!(rp.refresh(given.refresh()).await.error(), invalid_grant());
    assert!(wrong(&ask(&rp, &[]).await));
    let given = tokens(&rp, &[("password", "another password")]).await;
    world.update_application(rp.application.id, |app| app.enabled = false).await;
    assert_eq!(
        ask(&rp, &[("password", "another password")]).await.error(),
        (401, "invalid_client".to_owned())
    );
    world.update_application(rp.application.id, |app| app.enabled = true).await;
    assert!(!rp.is_active(&given.access).await);
}

async fn many_at_once_are_all_answered(world: Arc<World>) {
    let (rp, _) = with_alice(&world).await;
    let answers = race(8, |_| {
        let rp = rp.clone();
        async move { ask(&rp, OFFLINE).await }
    })
    .await;
    let mut chains: Vec<_> = answers.iter().map(|answer| Tokens::of(answer).refresh().to_owned()).collect();
    chains.sort();
    chains.dedup();
    assert_eq!(chains.len(), 8, "each is a login of its own");
}

on_both_engines!(
    a_name_and_a_password_give_tokens,
    offline_access_gives_a_refresh_token,
    attack_27_whatever_ends_logins_ends_this_one,
    many_at_once_are_all_answered,
);

#[tokio::test]
async fn attack_18_the_mode_is_off_until_it_is_ticked() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    assert_eq!(ask(&rp, &[]).await.error(), (400, "unauthorized_client".to_owned()));
    world.update_application(rp.application.id, password_mode).await;
    tokens(&rp, &[]).await;
}

#[tokio::test]
async fn the_client_authenticates_as_for_any_grant() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (identifier, method) in [
        ("posts", AuthMethod::ClientSecretPost),
        ("basics", AuthMethod::ClientSecretBasic),
        ("public", AuthMethod::None),
    ] {
        let rp = Rp::new(&world, identifier, |app| {
            password_mode(app);
            app.settings.token_endpoint_auth_method = method;
        })
        .await;
        tokens(&rp, &[]).await;
        let form = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
        for (id, secret) in [(rp.id.as_str(), "wrong"), ("5f17a529f64fb009b794a2ff", SECRET)] {
            let form = [&form[..], &[("client_id", id), ("client_secret", secret)]].concat();
            let refused = world.post(&format!("{}/token", rp.issuer), &form, None).await;
            assert_eq!(refused.error(), (401, "invalid_client".to_owned()), "{identifier}");
        }
    }
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong_and_are_not_counted() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    for _ in 0..3 {
        for (more, code) in [
            (&[("username", "")][..], "invalid_request"),
            (&[("password", "")], "invalid_request"),
            (&[("email", "alice@example.com")], "invalid_request"),
            (&[("phone", "+8613800138000")], "invalid_request"),
            (&[("username", ""), ("email", "alice")], "invalid_request"),
            (&[("username", ""), ("phone", "13800138000")], "invalid_request"),
            (&[("scope", "open\"id")], "invalid_scope"),
        ] {
            assert_eq!(ask(&rp, more).await.error(), (400, code.to_owned()), "{more:?}");
        }
    }
    let query = encode_pairs([("username", "alice"), ("password", PASSWORD)].into_iter());
    let refused =
        world.post(&format!("{}/token?{query}", rp.issuer), &[("grant_type", "password")], None).await;
    assert_eq!(refused.error(), (400, "invalid_request".to_owned()), "nothing in the URL");
    tokens(&rp, &[]).await;
}

#[tokio::test]
async fn without_openid_there_is_an_access_token_alone() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    let answer = ask(&rp, &[("scope", "email offline_access")]).await;
    let json = answer.json();
    assert_eq!((answer.status.as_u16(), &json["scope"]), (200, &"email offline_access".into()));
    assert!(json.get("id_token").is_none());
    let next = rp.refresh(json["refresh_token"].as_str().unwrap()).await.json();
    assert!(next.get("id_token").is_none() && next["access_token"].is_string());
    let refused = rp.me(json["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn attack_22_whatever_is_wrong_has_one_answer_after_the_same_work() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    world.user("blocked", |user| user.blocked = true).await;
    world.user("passwordless", |user| user.password = None).await;
    let looked = || world.signet().hasher().stats().waited.count();
    for more in [
        &[("password", "wrong password")][..],
        &[("username", "nobody")],
        &[("username", "blocked")],
        &[("username", "passwordless")],
        &[("username", ""), ("email", "nobody@example.com")],
        &[("username", ""), ("phone", "+8613800138001")],
    ] {
        let before = looked();
        let answer = ask(&rp, more).await;
        assert!(wrong(&answer), "{more:?}: {}", answer.body);
        assert_eq!(looked(), before + 1, "{more:?}: one password was hashed");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert!(wrong(&ask(&rp, &[("password", &"x".repeat(1025))]).await), "too long for any");
}

#[tokio::test]
async fn attack_14_this_door_and_the_login_page_count_together() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    let page_rp = Rp::new(&world, "page", |_| {}).await;
    let mut browser = world.browser();
    let page = browser.open(&page_rp.url(&[])).await;
    for number in 0..10 {
        let status = if number % 2 == 0 {
            ask(&rp, &[("password", "wrong password")]).await.status
        } else {
            browser
                .submit(&page, &[("username", "alice"), ("password", "wrong password")], "sign-in")
                .await
                .status
        };
        assert_eq!(status, 400, "{number}");
    }
    let told = ask(&rp, &[]).await;
    assert_eq!(
        told.error(),
        (429, "temporarily_unavailable".to_owned()),
        "the right one is not looked at either"
    );
    assert_eq!(told.header("retry-after"), Some("2"));
    assert_eq!(browser.sign_in(&page, "alice").await.status, 429);
    assert!(wrong(&ask(&rp, &[("username", "alice@example.com"), ("password", "x")]).await), "another name");
    world.advance(3);
    tokens(&rp, &[]).await;
    assert!(wrong(&ask(&rp, &[("password", "wrong password")]).await), "it starts anew");
}

#[tokio::test]
async fn attack_14_the_network_of_the_caller_is_counted() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    let from = async |last: u8, username: &str| {
        let form = [
            ("grant_type", "password"),
            ("username", username),
            ("password", "wrong password"),
            ("client_id", &rp.id),
            ("client_secret", SECRET),
        ];
        let request = request(Method::POST, &format!("{}/token", rp.issuer))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(Peer([192, 0, 2, last].into()));
        world.send(request.body(encode_pairs(form.into_iter()).into()).unwrap()).await
    };
    for number in 0..100 {
        assert_eq!(from(1, &format!("person-{number}")).await.status, 400, "{number}");
    }
    assert_eq!(from(1, "person-100").await.status, 429);
    assert_eq!(from(2, "person-100").await.status, 400);
}

#[tokio::test]
async fn an_imported_hash_is_strengthened_here_too() {
    let world = World::new().await;
    let (rp, id) = with_alice(&world).await;
    let imported = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    world.update_user(id, |user| user.password = Some(PasswordHash::parse(imported).unwrap())).await;
    let answers = race(4, |_| {
        let rp = rp.clone();
        async move { ask(&rp, &[("password", "password")]).await }
    })
    .await;
    // Whoever loses the race for the new hash still had the right password.
    answers.iter().for_each(|answer| drop(Tokens::of(answer)));
    let stored = world.signet().store().user(id).await.unwrap().unwrap();
    assert!(stored.password.as_ref().unwrap().is_current());
    tokens(&rp, &[("password", "password")]).await;
}

#[tokio::test]
async fn a_full_queue_is_told_and_not_counted() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    let signet = world.signet();
    let slow = "$argon2id$v=19$m=65536,t=10,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let slow = PasswordHash::parse(slow).unwrap();
    let mut waiting = Vec::new();
    let mut full = 0;
    // A thread may take a job between the filling and the asking, but not each time.
    while full < 11 {
        loop {
            let mut job = Box::pin(signet.hasher().verify(Asker::Operator, slow.clone(), "x".into()));
            match job.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => waiting.push(job),
                Poll::Ready(refused) => break assert!(refused.is_err()),
            }
        }
        let form = ("password", "wrong password");
        let answer = tokio::time::timeout(Duration::from_millis(100), ask(&rp, &[form])).await;
        let Ok(answer) = answer else { continue };
        assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("2"));
        full += 1;
    }
    // Nobody waits for these any more, so the threads pass them over.
    drop(waiting);
    while signet.hasher().waiting() > 0 {
        tokio::task::yield_now().await;
    }
    tokens(&rp, &[]).await;
}

#[tokio::test]
async fn attempts_at_this_door_are_counted_in_the_metrics() {
    let world = World::new().await;
    let (rp, _) = with_alice(&world).await;
    tokens(&rp, &[]).await;
    ask(&rp, &[("password", "wrong password")]).await;
    let signet = world.signet();
    let logins: Vec<_> = signet.metrics().logins().collect();
    assert_eq!(logins, [("succeeded", 1), ("failed", 1), ("throttled", 0), ("busy", 0)]);
    assert!(signet.metrics().tokens().any(|counted| counted == ("password", 1)));
    assert!(signet.metrics().errors().any(|counted| counted == (["/oidc/token", "invalid_grant"], 1)));
}
