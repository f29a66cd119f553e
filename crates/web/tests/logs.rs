//! What the log tells of a whole login, at its most talkative: no secret. In a process of its own, because it listens to all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "routes/browser.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod browser;
#[path = "routes/client.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod client;
#[path = "routes/machine.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod machine;
#[path = "routes/rp.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod rp;
#[path = "routes/support.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the other tests use the rest")]
mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use http::Method;
use machine::{BOOKS, KEY, Machine, token_of};
use rp::{OFFLINE, Rp, Tokens};
use signet_protocol::{
    application::{AuthMethod, GrantType},
    params::encode_pairs,
    secret::Secret,
    time::Timestamp,
};
use signet_store::audit::Origin;
use support::{Browser, PASSWORD, SECRET, VERIFIER, World, basic};
use tracing_subscriber::filter::LevelFilter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen() -> Log {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything secret that was used, by what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, value: &str) {
        assert!(value.len() >= 8, "{what} is too short to look for: {value}");
        self.0.push((what, value.to_owned()));
        let encoded = encode_pairs([("x", value)].into_iter());
        self.0.push((what, encoded[2..].to_owned()));
        self.0.push((what, encoded[2..].replace("%20", "+")));
        // The part that proves something: the signature of a JWT, the secret end of an opaque token.
        let end = value.rsplit('.').next().unwrap();
        self.0.push((what, end[end.len().saturating_sub(24)..].to_owned()));
    }

    fn tokens(&mut self, tokens: &Tokens) {
        self.add("access token", &tokens.access);
        self.add("ID token", &tokens.id);
        tokens.refresh.iter().for_each(|token| self.add("refresh token", token));
    }

    fn cookies(&mut self, browser: &Browser) {
        browser.jar.values().for_each(|value| self.add("cookie", value));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_25_no_secret_is_logged() {
    let log = Log::listen();
    let mut secrets = Secrets::default();
    for world in [World::new().await, World::on_postgres().await] {
        whole_story(&world, &mut secrets).await;
        story_of_an_older_client(&world, &mut secrets).await;
        story_of_a_machine(&world, &mut secrets).await;
        story_of_a_link(&world, &mut secrets).await;
    }
    let text = log.text();
    for told in [
        "signed in",
        "login failed",
        "refused",
        "answered",
        "consent",
        "out of turn",
        "ticket refused",
        "path=\"/oidc/token\"",
        "in the URL, where logs",
        "a token of an account was revoked",
    ] {
        assert!(text.contains(told), "the log was listened to: {told}");
    }
    for (what, secret) in secrets.0 {
        let line = text.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "a {what}");
    }
}

async fn whole_story(world: &Arc<World>, secrets: &mut Secrets) {
    for (what, value) in [
        ("password", PASSWORD),
        ("wrong password", "Tr0ub4dor&3"),
        ("App Secret", SECRET),
        ("verifier", VERIFIER),
    ] {
        secrets.add(what, value);
    }
    world.user("alice", |_| {}).await;
    over_hosts(world, secrets).await;
    for (identifier, method) in
        [("posts", AuthMethod::ClientSecretPost), ("basics", AuthMethod::ClientSecretBasic)]
    {
        let rp = Rp::new(world, identifier, |app| app.settings.token_endpoint_auth_method = method).await;
        secrets.add("credentials", basic(&rp.id, SECRET).strip_prefix("Basic ").unwrap());
        let mut browser = world.browser();
        let page = browser.open(&rp.url(OFFLINE)).await;
        secrets.add("form token", &page.form().fields.iter().find(|(name, _)| name == "csrf").unwrap().1);
        browser.submit(&page, &[("username", "alice"), ("password", "Tr0ub4dor&3")], "sign-in").await;
        let consent = browser.sign_in(&page, "alice").await;
        let callback = browser.submit(&consent, &[], "allow").await.callback();
        let code = callback.get("code").unwrap();
        secrets.add("code", code);
        secrets.cookies(&browser);
        let tokens = Tokens::of(&rp.redeem(code).await);
        secrets.tokens(&tokens);
        let next = Tokens::of(&rp.refresh(tokens.refresh()).await);
        secrets.tokens(&next);
        for token in [tokens.access.as_str(), tokens.refresh(), &tokens.id] {
            rp.introspect(token).await;
            rp.me(token).await;
            world.get(&format!("{}/me?access_token={token}", rp.issuer)).await;
            world.get(&rp.url(&[("id_token_hint", token), ("prompt", "none")])).await;
            world.get(&format!("{}/token?client_secret={SECRET}&code={code}&token={token}", rp.issuer)).await;
            world.post(&format!("{}/token?client_secret={SECRET}&code={code}", rp.issuer), &[], None).await;
        }
        let last = Tokens::of(&rp.refresh(next.refresh()).await);
        secrets.tokens(&last);
        for answer in
            [rp.refresh(tokens.refresh()).await, rp.redeem(code).await, rp.revoke(last.refresh()).await]
        {
            assert!(answer.status.as_u16() < 500);
        }
        browser
            .step(Method::GET, &format!("{}/session/end?id_token_hint={}", rp.issuer, last.id), None)
            .await;
    }
}

/// What older clients put into URLs where an application is switched to take it.
async fn story_of_an_older_client(world: &Arc<World>, secrets: &mut Secrets) {
    let rp = Rp::new(world, "older", |app| {
        let settings = &mut app.settings;
        settings.grant_types.push(GrantType::Password);
        (settings.token_request_in_url, settings.password_in_url) = (true, true);
        (settings.validate_token, settings.access_token_in_query) = (true, true);
    })
    .await;
    let client = [("grant_type", "password"), ("client_id", rp.id.as_str()), ("client_secret", SECRET)];
    for password in [PASSWORD, "Tr0ub4dor&3"] {
        let credentials = [("username", "alice"), ("password", password), ("scope", "openid offline_access")];
        let query = encode_pairs(client.into_iter().chain(credentials));
        let answer = world.post(&format!("{}/token?{query}", rp.issuer), &[], None).await;
        assert_eq!(answer.status == 200, password == PASSWORD, "{}", answer.body);
        if answer.status != 200 {
            continue;
        }
        let tokens = Tokens::of(&answer);
        secrets.tokens(&tokens);
        assert_eq!(world.get(&format!("{}/me?access_token={}", rp.issuer, tokens.access)).await.status, 200);
        for query in [format!("access_token={}", tokens.access), format!("id_token={}", tokens.id)] {
            let validate = format!("http://localhost:8080/api/v2/oidc/validate_token?{query}");
            assert_eq!(world.get(&validate).await.status, 200);
        }
    }
}

/// A machine's tokens, and everything it can do wrong.
async fn story_of_a_machine(world: &Arc<World>, secrets: &mut Secrets) {
    let machine = Machine::with_books(world).await;
    let new = "0123456789abcdef0123456789abcdef";
    secrets.add("SecretKey", KEY);
    secrets.add("SecretKey", new);
    let until = Timestamp(world.now() + 600);
    machine.change(|account| account.refresh(Secret::new(new), Some(until))).await;
    let scope = ("scope", "book:read book:write");
    for answer in [
        machine.ask(&[scope]).await,
        machine.ask_by_basic(&[scope]).await,
        machine.ask(&[scope, ("resource", BOOKS)]).await,
    ] {
        let token = token_of(&answer);
        secrets.add("access token", &token);
        machine.post("/token/introspection", &[("token", &token)]).await;
        machine.rp.introspect(&token).await;
        machine.rp.me(&token).await;
        machine.post("/token/revocation", &[("token", &token)]).await;
    }
    machine.ask(&[("scope", "book:write")]).await;
    machine.ask(&[scope, ("resource", "https://unknown.example")]).await;
    machine.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", new)]).await;
    world.get(&format!("{}?client_secret={KEY}", machine.url("/token"))).await;
    machine.change(|account| account.enabled = false).await;
    assert_eq!(machine.ask(&[scope]).await.status, 401);
}

/// Single sign-on, with a ticket that is refused and one that is not.
async fn over_hosts(world: &Arc<World>, secrets: &mut Secrets) {
    let rp = Rp::new(world, "shared", |app| app.settings.sso = true).await.at_home();
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    browser.jar.remove(&("shared.localhost:8080".to_owned(), "signet_session".to_owned()));
    let departs = browser.step(Method::GET, &rp.url(&[]), None).await;
    let arrives = browser.step(Method::GET, departs.location(), None).await;
    secrets.add("ticket", arrives.location().rsplit('=').next().unwrap());
    browser.open(arrives.location()).await;
    browser.open(arrives.location()).await;
    secrets.cookies(&browser);
}

/// Somebody chooses a password by a link, which is opened once more afterwards.
async fn story_of_a_link(world: &Arc<World>, secrets: &mut Secrets) {
    let user = world.user("invited", |user| user.password = None).await;
    let origin = Origin::command_line();
    let link = signet_web::manage::users::link::create(&world.signet(), user.id, &origin).await;
    let url = link.unwrap().url;
    secrets.add("one-time link", url.split_once('=').unwrap().1);
    secrets.add("chosen password", "zebra piano lantern");
    let mut browser = world.browser();
    let page = browser.open(&url).await;
    let chosen = [("password", "zebra piano lantern"), ("repeat", "zebra piano lantern")];
    assert_eq!(browser.submit(&page, &chosen, "save").await.status, 200);
    assert_eq!(browser.open(&url).await.status, 400);
}
