//! Tokens of accounts, from the token endpoint to introspection and revocation.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use signet_protocol::{
    application::{AuthMethod, GrantType},
    id::AccountId,
    jose::SigningAlg,
    secret::Secret,
    time::{Seconds, Timestamp},
};
use signet_testkit::jwt::Jwt;

use crate::{
    client,
    machine::{BOOKS, GRANT, KEY, Machine, claims_of, put_resources, token_of},
    rp::Rp,
    support::{CALLBACK, PASSWORD, SECRET, World, basic, on_both_engines},
};

const INACTIVE: &str = r#"{"active":false}"#;

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

on_both_engines!(
    the_worked_cases_are_granted_as_described,
    an_account_gets_a_token_and_nothing_else,
    attack_17_a_token_of_an_account_is_told_to_whom_it_concerns,
    attack_09_what_is_disabled_or_deleted_is_worth_nothing_at_once,
    attack_27_a_token_of_an_account_is_revoked_by_itself,
);

async fn the_worked_cases_are_granted_as_described(world: Arc<World>) {
    let rules = |list: &[(&str, &str, serde_json::Value)]| -> Vec<serde_json::Value> {
        let rule = |(resource, identifier, actions): &(&str, &str, serde_json::Value)| json!({ "resource": resource, "identifier": identifier, "actions": actions });
        list.iter().map(rule).collect()
    };
    let crud: &[&str] = &["create", "read", "update", "delete"];
    let all = json!("all");
    for (number, (rules, asked, granted, rejected)) in [
        (
            rules(&[("announce", "*", json!(["read"]))]),
            "announce:read announce:update revenue:read customer user-growth:read",
            "announce:read",
            "announce:update revenue:read customer user-growth:read",
        ),
        (
            rules(&[
                ("user-growth", "2019", all.clone()),
                ("revenue", "*", json!(["create", "read", "update"])),
                ("customer", "*", json!(["read"])),
            ]),
            "user-growth:2020:read user-growth:2019:* user-growth:2019:read revenue:create revenue:*:read customer:read",
            "user-growth:2019:* user-growth:2019:read revenue:create revenue:*:read customer:read",
            "user-growth:2020:read",
        ),
        (rules(&[("book", "*", all)]), "book message table", "book", "message table"),
    ]
    .into_iter()
    .enumerate()
    {
        let machine = Machine::new(&world, &format!("case{number}"), |_| {}).await;
        let codes = ["announce", "revenue", "customer", "user-growth", "book", "message", "table"];
        machine.resources(&codes.map(|code| (code, crud, None))).await;
        for rule in rules {
            machine.rule(rule).await;
        }
        let answer = machine.ask(&[("scope", asked)]).await;
        assert_eq!(claims_of(&token_of(&answer))["scope"], granted);
        assert_eq!((&answer.json()["scope"], &answer.json()["rejected_scope"]), (&json!(granted), &json!(rejected)));
    }
}

async fn an_account_gets_a_token_and_nothing_else(world: Arc<World>) {
    let machine = Machine::with_books(&world).await;
    machine.change(|account| account.token_lifetime = Seconds(61)).await;
    for machine in [machine.at_home(), machine] {
        for in_body in [true, false] {
            let form = [("scope", "book:read")];
            let answer = if in_body { machine.ask(&form).await } else { machine.ask_by_basic(&form).await };
            let token = token_of(&answer);
            let mut told = answer.json();
            told.as_object_mut().unwrap().remove("access_token");
            assert_eq!(told, json!({"token_type": "Bearer", "expires_in": 61, "scope": "book:read"}));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let jwt = Jwt::decode(&token).unwrap();
            assert!(jwt.verifies_with(&machine.rp.jwks().await));
            assert_eq!((&jwt.header["alg"], &jwt.header["typ"]), (&json!("RS256"), &json!("at+jwt")));
            let claims = &jwt.claims;
            assert_eq!(claims["iss"], machine.rp.issuer);
            for (name, id) in [("sub", &machine.id), ("aud", &machine.id), ("client_id", &machine.id)] {
                assert_eq!(claims[name], json!(id), "{name}");
            }
            assert_eq!(claims["azp"], machine.rp.id);
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 61);
            assert!(machine.is_active(&token).await);
            world.advance(62);
            assert!(!machine.is_active(&token).await, "expired");
        }
    }
    let uses = world.signet().store().account_uses(machine_application(&world).await).await.unwrap();
    assert_eq!(uses.len(), 1, "it is noted that it was used");
}

async fn machine_application(world: &World) -> signet_protocol::id::AppId {
    let label = signet_protocol::issuer::Identifier::parse("library").unwrap();
    world.signet().store().application_by_identifier(&label).await.unwrap().unwrap().id
}

async fn attack_17_a_token_of_an_account_is_told_to_whom_it_concerns(world: Arc<World>) {
    let machine = Machine::with_books(&world).await;
    let sibling = Machine::of(&machine.rp, AccountId::from_bytes([7; 12]), |_| {}).await;
    let server = Rp::new(&world, "server", |_| {}).await;
    put_resources(&world, Some(server.application.id), &[("copy", &["read"], Some(BOOKS))]).await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    // What the pool has is no application's own.
    put_resources(&world, None, &[("shared", &["read"], Some(BOOKS))]).await;
    let plain = machine.token("book:read").await;
    let for_api = token_of(&machine.ask(&[("scope", "book:read"), ("resource", BOOKS)]).await);
    assert_eq!(claims_of(&for_api)["aud"], BOOKS);
    for (token, owner) in [(&plain, false), (&for_api, true)] {
        assert!(machine.is_active(token).await && machine.rp.is_active(token).await);
        assert_eq!(server.is_active(token).await, owner);
        for answer in [
            stranger.post("/token/introspection", &[("token", token)]).await,
            sibling.post("/token/introspection", &[("token", token)]).await,
            machine.at_home().post("/token/introspection", &[("token", token)]).await,
        ] {
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, INACTIVE));
        }
        let seen = machine.rp.introspect(token).await;
        let claims = claims_of(token);
        for same in ["iss", "sub", "aud", "client_id", "azp", "scope", "iat", "exp", "jti"] {
            assert_eq!(seen[same], claims[same], "{same}");
        }
    }
    world.user("alice", |_| {}).await;
    let users = machine.rp.tokens("alice", &[]).await;
    assert!(!machine.is_active(&users.access).await, "a user's token is the application's affair");
    assert!(machine.rp.is_active(&users.access).await);
}

async fn attack_09_what_is_disabled_or_deleted_is_worth_nothing_at_once(world: Arc<World>) {
    let machine = Machine::with_books(&world).await;
    let rp = machine.rp.clone();
    let token = machine.token("book:read").await;
    assert!(rp.is_active(&token).await, "and is remembered as verified");
    machine.change(|account| account.enabled = false).await;
    assert!(!rp.is_active(&token).await);
    let asked = [("scope", "book:read")];
    assert_eq!(machine.ask(&asked).await.error(), error(401, "invalid_client"));
    let itself = machine.post("/token/introspection", &[("token", &token)]).await;
    assert_eq!(itself.error(), error(401, "invalid_client"));
    machine.change(|account| account.enabled = true).await;
    assert!(rp.is_active(&token).await);
    world.update_application(rp.application.id, |application| application.enabled = false).await;
    assert_eq!(machine.ask(&asked).await.error(), error(401, "invalid_client"));
    let server = Rp::new(&world, "server", |_| {}).await;
    put_resources(&world, Some(server.application.id), &[("copy", &["read"], Some(BOOKS))]).await;
    world.update_application(rp.application.id, |application| application.enabled = true).await;
    let for_api = token_of(&machine.ask(&[("scope", "book:read"), ("resource", BOOKS)]).await);
    assert!(server.is_active(&for_api).await);
    world.update_application(rp.application.id, |application| application.enabled = false).await;
    assert!(!server.is_active(&for_api).await, "its application is disabled");
    world.update_application(rp.application.id, |application| application.enabled = true).await;
    assert!(server.is_active(&for_api).await);
    machine.delete().await;
    assert!(!server.is_active(&for_api).await && !rp.is_active(&token).await);
    assert_eq!(machine.ask(&asked).await.error(), error(401, "invalid_client"));
    Machine::of(&server, machine.account, |_| {}).await;
    assert!(!server.is_active(&for_api).await && !rp.is_active(&token).await, "it came back elsewhere");
}

async fn attack_27_a_token_of_an_account_is_revoked_by_itself(world: Arc<World>) {
    let machine = Machine::with_books(&world).await;
    let server = Rp::new(&world, "server", |_| {}).await;
    put_resources(&world, Some(server.application.id), &[("copy", &["read"], Some(BOOKS))]).await;
    let first = token_of(&machine.ask(&[("scope", "book:read"), ("resource", BOOKS)]).await);
    let second = machine.token("book:read").await;
    let bystander = machine.token("book:read").await;
    let sibling = Machine::of(&machine.rp, AccountId::from_bytes([7; 12]), |_| {}).await;
    for answer in [
        server.revoke(&first).await,
        sibling.post("/token/revocation", &[("token", &first)]).await,
        machine.at_home().post("/token/revocation", &[("token", &first)]).await,
    ] {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"));
        assert!(machine.is_active(&first).await, "it is not theirs to revoke");
    }
    let by_itself = machine.post("/token/revocation", &[("token", &first)]).await;
    let by_application = machine.rp.revoke(&second).await;
    assert_eq!((by_itself.body.as_str(), by_application.body.as_str()), ("{}", "{}"));
    for restarted in [false, true] {
        if restarted {
            world.restart().await;
        }
        assert!(!server.is_active(&first).await);
        assert!(!machine.is_active(&first).await && !machine.is_active(&second).await);
        assert!(machine.is_active(&bystander).await);
    }
}

#[tokio::test]
async fn the_token_is_signed_as_the_application_says() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    for alg in ["ES256", "PS256", "EdDSA"] {
        world
            .update_application(machine.rp.application.id, |application| {
                application.settings.access_token_signed_response_alg = SigningAlg::parse(alg).unwrap();
                // Nobody is told by an ID token, so nothing of it is needed.
                application.settings.id_token_signed_response_alg = SigningAlg::Hs256;
            })
            .await;
        let jwt = Jwt::decode(&machine.token("book:read").await).unwrap();
        assert_eq!(jwt.header["alg"], alg);
        assert!(jwt.verifies_with(&machine.rp.jwks().await));
    }
}

#[tokio::test]
async fn what_is_rejected_is_said_and_nothing_granted_is_an_error() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    let some = machine.ask(&[("scope", "openid book:read book:write profile")]).await.json();
    assert_eq!(
        (&some["scope"], &some["rejected_scope"]),
        (&json!("book:read"), &json!("openid book:write profile"))
    );
    for (scope, rejected) in [
        (&[][..], json!("")),
        (&[("scope", "")], json!("")),
        (&[("scope", "openid profile offline_access")], json!("openid profile offline_access")),
        (&[("scope", "book note:read")], json!("book note:read")),
    ] {
        let answer = machine.ask(scope).await;
        assert_eq!(answer.error(), error(400, "invalid_scope"), "{scope:?}");
        assert_eq!(answer.json()["rejected_scope"], rejected, "{scope:?}");
    }
    let bad = machine.ask(&[("scope", "book:\"read")]).await;
    assert_eq!(bad.error(), error(400, "invalid_scope"));
    assert_eq!(bad.json().get("rejected_scope"), None);
}

#[tokio::test]
async fn a_resource_is_one_api_that_is_known() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    machine.rule(json!({ "resource": "note", "actions": "all" })).await;
    let narrowed = machine.ask(&[("scope", "book:read note:read"), ("resource", BOOKS)]).await.json();
    assert_eq!((&narrowed["scope"], &narrowed["rejected_scope"]), (&json!("book:read"), &json!("note:read")));
    for targets in
        [&["https://api.example.com/other"][..], &["note"], &[BOOKS, BOOKS], &[BOOKS, "https://x.example"]]
    {
        let mut form = vec![("scope", "book:read")];
        form.extend(targets.iter().map(|api| ("resource", *api)));
        assert_eq!(machine.ask(&form).await.error(), error(400, "invalid_target"), "{targets:?}");
    }
    let twice = machine.ask(&[("scope", "book:read"), ("scope", "book:read")]).await;
    assert_eq!(twice.error(), error(400, "invalid_request"), "nothing else may be repeated");
}

#[tokio::test]
async fn restrictions_are_about_the_address_of_the_request_and_the_clock() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    machine
        .rule(json!({ "resource": "note", "actions": ["read"], "restrictions": { "ip": ["192.0.2.0/24"] } }))
        .await;
    token_of(&machine.ask_from("192.0.2.9", "note:read").await);
    for peer in ["192.0.3.9", "127.0.0.1"] {
        assert_eq!(machine.ask_from(peer, "note:read").await.error(), error(400, "invalid_scope"), "{peer}");
    }
    let hour = |hours: i64| format!("{:02}:00", (world.now() / 3600 + hours).rem_euclid(24));
    let time = json!({ "from": hour(0), "to": hour(2), "offset": "+00:00" });
    machine.rule(json!({ "resource": "book", "actions": ["write"], "restrictions": { "time": time } })).await;
    token_of(&machine.ask(&[("scope", "book:write")]).await);
    world.advance(2 * 3600);
    assert_eq!(machine.ask(&[("scope", "book:write")]).await.error(), error(400, "invalid_scope"));
}

#[tokio::test]
async fn attack_22_whoever_it_is_not_is_told_the_same() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    let elsewhere = Machine::new(&world, "other", |_| {}).await.at_home();
    let url = machine.url("/token");
    let mut bodies = Vec::new();
    let mut refused = |answer: crate::support::Answer| {
        assert_eq!(answer.error(), error(401, "invalid_client"));
        bodies.push(answer.body);
    };
    let scope = ("scope", "book:read");
    for (id, secret) in [
        (machine.id.as_str(), "wrong"),
        (&machine.id, SECRET),
        ("ffffffffffffffffffffffff", KEY),
        ("not an id", KEY),
        (&machine.rp.id, KEY),
    ] {
        let form = [GRANT, scope, ("client_id", id), ("client_secret", secret)];
        refused(world.post(&url, &form, None).await);
        refused(world.post(&url, &[GRANT, scope], Some(&basic(id, secret))).await);
        for path in ["/token/introspection", "/token/revocation"] {
            let form = [("token", "x"), ("client_id", id), ("client_secret", secret)];
            refused(world.post(&machine.url(path), &form, None).await);
        }
    }
    refused(world.post(&url, &[GRANT, scope, ("client_id", &machine.id)], None).await);
    let asserted = client::presenting("a.b.c");
    refused(
        world.post(&url, &[&[GRANT, scope, ("client_id", &machine.id)][..], &asserted].concat(), None).await,
    );
    // Another application's own host.
    let form = [GRANT, scope, ("client_id", &machine.id), ("client_secret", KEY)];
    refused(world.post(&elsewhere.url("/token"), &form, None).await);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let none = world.post(&url, &[GRANT, scope], None).await;
    assert_eq!(none.error(), error(401, "invalid_client"));
    let challenged = world.post(&url, &[GRANT, scope], Some(&basic(&machine.id, "wrong"))).await;
    assert!(challenged.header("www-authenticate").unwrap().starts_with("Basic"));
}

#[tokio::test]
async fn one_method_of_authentication_is_shown_at_a_time() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    let form = [GRANT, ("scope", "book:read"), ("client_id", &machine.id), ("client_secret", KEY)];
    for header in [basic(&machine.id, KEY), basic(&machine.rp.id, SECRET)] {
        let answer = world.post(&machine.url("/token"), &form, Some(&header)).await;
        assert_eq!(answer.error(), error(400, "invalid_request"));
    }
    // A secret in a URL is in logs and histories, whatever the application allows itself.
    world
        .update_application(machine.rp.application.id, |application| {
            application.settings.token_request_in_url = true;
        })
        .await;
    let query = signet_protocol::params::encode_pairs(form.into_iter());
    let in_url = world.post(&format!("{}?{query}", machine.url("/token")), &[], None).await;
    assert_eq!(in_url.error(), error(400, "invalid_request"));
}

#[tokio::test]
async fn a_refreshed_secret_overlaps_as_long_as_was_chosen() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    let until = Timestamp(world.now() + 100);
    machine.change(|account| account.refresh(Secret::new("a new secret"), Some(until))).await;
    let by = async |secret: &str| {
        let form = [GRANT, ("scope", "book:read"), ("client_id", &machine.id), ("client_secret", secret)];
        world.post(&machine.url("/token"), &form, None).await.status.as_u16()
    };
    assert_eq!((by(KEY).await, by("a new secret").await), (200, 200));
    world.advance(100);
    assert_eq!((by(KEY).await, by("a new secret").await), (401, 200));
}

#[tokio::test]
async fn attack_18_only_where_it_is_ticked_and_only_for_accounts() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    let scope = ("scope", "book:read");
    let unauthorized = error(400, "unauthorized_client");
    for method in [AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic] {
        let label = format!("a{}", method.as_str().len());
        let own = Machine::new(&world, &label, |app| app.settings.token_endpoint_auth_method = method).await;
        let answer = own.rp.post("/token", &[GRANT, scope]).await;
        assert_eq!(answer.error(), unauthorized, "an application has no token for itself");
        assert!(answer.json()["error_description"].as_str().unwrap().contains("AccessKey"));
    }
    world.user("alice", |_| {}).await;
    let code = machine.rp.code("alice", &[]).await;
    let redeeming = machine.rp.redeeming(&code);
    for form in [
        redeeming.as_slice(),
        &[("grant_type", "refresh_token"), ("refresh_token", "x")],
        &[("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)],
    ] {
        let answer = machine.post("/token", form).await;
        assert_eq!(answer.error(), unauthorized, "{form:?}");
        assert!(answer.json()["error_description"].as_str().unwrap().contains("client_credentials"));
    }
    assert_eq!(machine.rp.redeem(&code).await.status, 200, "the code was not spent");
    for (grant, code) in
        [("implicit", "unsupported_grant_type"), ("x", "unsupported_grant_type"), ("", "invalid_request")]
    {
        let answer = machine.post("/token", &[("grant_type", grant), scope]).await;
        assert_eq!(answer.error(), error(400, code), "{grant}");
    }
    world
        .update_application(machine.rp.application.id, |application| {
            application.settings.grant_types.retain(|grant| *grant != GrantType::ClientCredentials);
        })
        .await;
    assert_eq!(machine.ask(&[scope]).await.error(), unauthorized);
    let authorize = machine.rp.url(&[("client_id", &machine.id)]);
    let page = world.browser().open(&authorize).await;
    assert!(
        page.header("location").is_none() && !page.body.contains(CALLBACK),
        "an AccessKey opens no login"
    );
}

#[tokio::test]
async fn a_token_without_a_user_opens_nothing_of_users() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    let token = machine.token("book:read").await;
    // Even if there were a user with the same digits.
    let id = signet_protocol::id::UserId::from_bytes(machine.account.bytes());
    world.user("alice", |user| user.id = id).await;
    let me = machine.rp.me(&token).await;
    assert_eq!(me.error(), error(403, "insufficient_scope"));
    assert!(me.header("www-authenticate").unwrap().contains("insufficient_scope"));
    let url = machine.url("/session/sign-out");
    let signed_out = world.post(&url, &[], Some(&format!("Bearer {token}"))).await;
    assert_eq!(signed_out.error(), error(401, "invalid_token"));
    let answer = machine.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", &token)]).await;
    assert_eq!(answer.error(), error(400, "unauthorized_client"));
}

#[tokio::test]
async fn nothing_is_read_or_written_for_a_token() {
    let world = World::new().await;
    let machine = Machine::with_books(&world).await;
    machine.token("book:read").await;
    let store = world.signet().store().clone();
    let misses = || store.caches().iter().map(|(_, stats)| stats.misses.get()).sum::<u64>();
    let (read, written) = (misses(), store.stats().writes.count());
    for _ in 0..50 {
        machine.token("book:read").await;
    }
    assert_eq!(misses(), read);
    // What is written now and then has nothing to do with it.
    assert!(store.stats().writes.count() - written < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_09_a_second_node_follows_what_becomes_of_an_account() {
    let world = World::on_postgres().await;
    let machine = Machine::with_books(&world).await;
    let there = machine.at(&world.second_node().await);
    let token = there.token("book:read").await;
    assert!(there.rp.is_active(&token).await && there.is_active(&token).await);
    let follows = async |active: bool| {
        for _ in 0..200 {
            if there.rp.is_active(&token).await == active {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the other node does not follow");
    };
    machine.change(|account| account.enabled = false).await;
    follows(false).await;
    assert_eq!(there.ask(&[("scope", "book:read")]).await.error(), error(401, "invalid_client"));
    machine.change(|account| account.enabled = true).await;
    follows(true).await;
    machine.post("/token/revocation", &[("token", &token)]).await;
    follows(false).await;
}
