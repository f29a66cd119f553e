//! Everything the admin API does, once: the answer of every route is held against the document.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_web::api::ROWS;

use crate::{
    api::{Api, admin},
    rp::{OFFLINE, Rp},
    smtp::{Manners, Smtp},
    support::{PASSWORD, World},
};

#[tokio::test]
async fn every_route_does_what_it_says_and_answers_as_documented() {
    let world = World::new().await;
    let api = Api::new(&world).await;
    applications(&api).await;
    callers(&api).await;
    people(&api).await;
    hanging_on_users(&api).await;
    pool(&api).await;
    operators(&api).await;
    pools(&api).await;
    description(&api).await;
    let met = api.met.lock().unwrap().clone();
    let all: BTreeSet<_> = ROWS.iter().map(|row| (row.method.to_string(), row.path)).collect();
    let missing: Vec<_> = all.difference(&met).collect();
    assert!(missing.is_empty(), "never answered as they should be: {missing:?}");
}

async fn applications(api: &Api) {
    let new =
        json!({ "identifier": "notes", "name": "Notes", "redirect_uris": ["https://notes.example/cb"] });
    let made = api.say(Method::POST, "/applications", new.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.header("etag"), Some("\"1\""));
    let path = made.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    assert_eq!(api.say(Method::POST, "/applications", new).await.status, StatusCode::CONFLICT);
    let got = api.done(Method::GET, &path, None, 200).await;
    assert_eq!(got, made.json());
    assert_eq!(
        (&got["name"], &got["has_secret"], &got["issuer"]),
        (&json!("Notes"), &json!(true), &json!("http://notes.localhost:8080/oidc"))
    );
    assert!(!made.body.contains("secret\":\""), "{}", made.body);
    let change = json!({
        "name": "Our notes", "sso": true, "logo_uri": "https://notes.example/logo.png", "default_max_age": 60,
        "redirect_uris": ["https://notes.example/cb", "https://notes.example/other"], "constant_claims": { "a": 1 },
    });
    let changed = api.done(Method::PATCH, &path, Some(change.clone()), 200).await;
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(changed[name], *value, "{name}");
    }
    let nothing =
        json!({ "logo_uri": null, "default_max_age": null, "constant_claims": null, "web_origins": null });
    let changed = api.done(Method::PATCH, &path, Some(nothing), 200).await;
    assert_eq!((&changed["logo_uri"], &changed["default_max_age"]), (&Value::Null, &Value::Null));
    assert_eq!((&changed["constant_claims"], &changed["name"]), (&json!({}), &json!("Our notes")));
    let first = api.done(Method::GET, &format!("{path}/secret"), None, 200).await;
    let second = api.done(Method::POST, &format!("{path}/secret/rotate"), None, 200).await;
    assert_ne!(first, second);
    assert_eq!(api.done(Method::GET, &format!("{path}/secret"), None, 200).await, second);
    let found = api.done(Method::GET, "/applications?q=our%20no", None, 200).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let first = api.done(Method::GET, "/applications?limit=1", None, 200).await;
    let next = first["next"].as_str().unwrap();
    let second = api.done(Method::GET, &format!("/applications?limit=1&cursor={next}"), None, 200).await;
    assert_ne!(first["items"], second["items"]);
    assert_eq!(second["next"], Value::Null);
    api.done(Method::DELETE, &path, None, 204).await;
    assert_eq!(api.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.ask(Method::DELETE, &path).await.status, StatusCode::NOT_FOUND);
}

async fn callers(api: &Api) {
    let path = format!("/applications/{}", api.machine.rp.id);
    let accounts = format!("{path}/accounts");
    let made = api.done(Method::POST, &accounts, Some(json!({ "remarks": "nightly" })), 201).await;
    let (id, key) = (made["id"].as_str().unwrap(), made["secret_key"].as_str().unwrap());
    let own = format!("{accounts}/{id}");
    let got = api.done(Method::GET, &own, None, 200).await;
    assert_eq!((&got["remarks"], &got["token_lifetime"]), (&json!("nightly"), &json!(600)));
    let change = json!({ "remarks": null, "token_lifetime": 60, "enabled": false });
    let changed = api.done(Method::PATCH, &own, Some(change), 200).await;
    assert_eq!((&changed["remarks"], &changed["enabled"]), (&Value::Null, &json!(false)));
    let refreshed =
        api.done(Method::POST, &format!("{own}/refresh"), Some(json!({ "overlap": 60 })), 200).await;
    assert_ne!(refreshed["secret_key"], key);
    assert!(refreshed["overlap_until"].is_i64());
    let all = api.done(Method::GET, &accounts, None, 200).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    for (place, get) in [(path.clone(), "application"), (String::new(), "pool")] {
        let resources = format!("{place}/resources");
        let book = json!({ "code": format!("book-{get}"), "type": "API", "actions": ["read", { "name": "write", "description": "To write" }], "api_identifier": format!("https://{get}.example/api") });
        let made = api.done(Method::POST, &resources, Some(book.clone()), 201).await;
        assert_eq!(made, book);
        assert_eq!(api.say(Method::POST, &resources, book).await.status, StatusCode::CONFLICT);
        let one = format!("{resources}/book-{get}");
        assert_eq!(api.done(Method::GET, &one, None, 200).await, made);
        let change = json!({ "name": "Books", "api_identifier": null });
        let changed = api.done(Method::PATCH, &one, Some(change), 200).await;
        assert_eq!((&changed["name"], changed.get("api_identifier")), (&json!("Books"), None));
        assert_eq!(api.done(Method::GET, &resources, None, 200).await["items"], json!([changed]));
    }
    let rules = format!("{path}/rules");
    let rule = json!({ "subject": { "account": id }, "effect": "allow", "resource": "book-application", "actions": ["read"] });
    let made = api.done(Method::POST, &rules, Some(rule.clone()), 201).await;
    assert_eq!(api.say(Method::POST, &rules, rule).await.status, StatusCode::CONFLICT);
    let wrong = json!({ "subject": { "account": id }, "effect": "allow", "resource": "nothing", "actions": ["read"] });
    assert_eq!(api.say(Method::POST, &rules, wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.done(Method::GET, &rules, None, 200).await["items"].as_array().unwrap().len(), 2);
    let one = format!("{rules}/{}", made["id"].as_str().unwrap());
    api.done(Method::DELETE, &one, None, 204).await;
    assert_eq!(api.ask(Method::DELETE, &one).await.status, StatusCode::NOT_FOUND);
    let reserved = json!({ "code": "admin", "type": "API", "actions": ["read"] });
    let refused = api.say(Method::POST, "/resources", reserved).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("built-in resource"), "{}", refused.body);
    api.done(Method::DELETE, &format!("{path}/resources/book-application"), None, 204).await;
    api.done(Method::DELETE, "/resources/book-pool", None, 204).await;
    api.done(Method::DELETE, &own, None, 204).await;
    let granted = admin("users", json!(["read"]));
    assert!(granted.is_object());
}

async fn people(api: &Api) {
    let new = json!({
        "username": "alice", "email": "alice@example.com", "password": PASSWORD, "roles": ["editor"],
        "address": { "country": "NO" }, "extended_fields": { "level": 3 },
    });
    let made = api.say(Method::POST, "/users", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert!(!made.body.contains(PASSWORD) && !made.body.contains("argon2"));
    let path = made.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let change = json!({ "name": "Alice Sample", "roles": null, "address": null, "email_verified": true });
    let changed = api.done(Method::PATCH, &path, Some(change), 200).await;
    assert_eq!(
        (&changed["name"], changed.get("roles"), changed.get("address")),
        (&json!("Alice Sample"), None, None)
    );
    assert_eq!(api.done(Method::GET, &path, None, 200).await, changed);
    let taken = api.say(Method::POST, "/users", json!({ "username": "alice", "password": PASSWORD })).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(taken.json()["errors"][0]["field"], "username");
    for query in ["q=alic", "q=sample", "blocked=false&q=alice", &format!("q={}", &path[7..])] {
        let found = api.done(Method::GET, &format!("/users?{query}"), None, 200).await;
        assert_eq!(found["items"][0]["username"], "alice", "{query}");
    }
    let blocked = api.done(Method::POST, &format!("{path}/block"), None, 200).await;
    assert_eq!(blocked["blocked"], true);
    assert_eq!(api.done(Method::POST, &format!("{path}/unblock"), None, 200).await["blocked"], false);
    let link = api.done(Method::POST, &format!("{path}/link"), None, 200).await;
    assert!(link["url"].as_str().unwrap().starts_with("http://localhost:8080/login/reset?link="));
    api.done(Method::DELETE, &format!("{path}/link"), None, 204).await;
    let users = json!([{ "username": "bob" }, { "username": "carol", "email": "no address" }, { "username": "alice" }]);
    for dry_run in [true, false] {
        let body = json!({ "users": users, "dry_run": dry_run });
        let outcome = api.done(Method::POST, "/users/import", Some(body), 200).await;
        assert_eq!((&outcome["created"], &outcome["refused"]), (&json!(1), &json!(2)), "{outcome}");
        assert_eq!(outcome["problems"][0]["index"], 1);
    }
    let exported = api.done(Method::GET, "/users/export", None, 200).await;
    assert!(exported["items"].as_array().unwrap().contains(&json!({ "username": "bob" })), "{exported}");
    let first = api.done(Method::GET, "/users/export?limit=1", None, 200).await;
    assert!(first["items"].as_array().unwrap().len() == 1 && first["next"].is_string(), "{first}");
    api.done(Method::DELETE, &path, None, 204).await;
    assert_eq!(api.get(&path).await.status, StatusCode::NOT_FOUND);
}

async fn hanging_on_users(api: &Api) {
    let world = &api.world;
    let rp = Rp::new(world, "diary", |_| {}).await;
    let dora = world.user("dora", |_| {}).await;
    let path = format!("/users/{}", dora.id);
    for _ in 0..2 {
        rp.login(&mut world.browser(), "dora", OFFLINE).await;
    }
    let sessions = api.done(Method::GET, &format!("{path}/sessions?limit=1"), None, 200).await;
    let (first, next) = (&sessions["items"][0], sessions["next"].as_str().unwrap());
    let second = api.done(Method::GET, &format!("{path}/sessions?limit=1&cursor={next}"), None, 200).await;
    assert_ne!(second["items"][0]["id"], first["id"]);
    let one = format!("{path}/sessions/{}", first["id"].as_str().unwrap());
    api.done(Method::DELETE, &one, None, 204).await;
    assert_eq!(api.ask(Method::DELETE, &one).await.status, StatusCode::NOT_FOUND);
    let grants = api.done(Method::GET, &format!("{path}/grants"), None, 200).await;
    let grant = grants["items"][0]["id"].as_str().unwrap();
    assert_eq!(grants["items"][0]["application"], rp.id);
    api.done(Method::DELETE, &format!("{path}/grants/{grant}"), None, 204).await;
    let consents = api.done(Method::GET, &format!("{path}/consents"), None, 200).await;
    assert_eq!(consents["items"][0]["application"], rp.id);
    api.done(Method::DELETE, &format!("{path}/consents/{}", rp.id), None, 204).await;
    api.done(Method::DELETE, &format!("{path}/sessions"), None, 204).await;
    assert_eq!(api.done(Method::GET, &format!("{path}/sessions"), None, 200).await["items"], json!([]));
}

async fn pool(api: &Api) {
    for (list, name, body, other) in [
        ("extended-fields", "level", json!({ "type": "number" }), json!({ "type": "text" })),
        ("claims", "rank", json!({ "field": "extended_fields.level" }), json!({ "field": "name" })),
        (
            "scopes",
            "ranks",
            json!({ "claims": ["rank"], "description": "Your rank", "description_zh": null }),
            json!({ "claims": ["name"], "description": null, "description_zh": null }),
        ),
    ] {
        let path = format!("/{list}/{name}");
        let mut named = body.clone();
        named["name"] = json!(name);
        assert_eq!(api.done(Method::PUT, &path, Some(body), 200).await, named, "{list}");
        assert_eq!(api.done(Method::GET, &format!("/{list}"), None, 200).await["items"], json!([named]));
        named = api.done(Method::PUT, &path, Some(other.clone()), 200).await;
        assert_eq!(named["description"], other["description"]);
    }
    for path in ["/scopes/ranks", "/claims/rank", "/extended-fields/level"] {
        api.done(Method::DELETE, path, None, 204).await;
        assert_eq!(api.ask(Method::DELETE, path).await.status, StatusCode::NOT_FOUND);
    }
    let policy = api.done(Method::PATCH, "/password-policy", Some(json!({ "min_length": 12 })), 200).await;
    assert_eq!(policy["min_length"], 12);
    assert_eq!(api.done(Method::GET, "/password-policy", None, 200).await, policy);
    the_pool_itself(api).await;
    let keys = api.done(Method::GET, "/keys", None, 200).await;
    assert!(
        keys["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["state"] == "active" && key["issuer"] == "pool")
    );
    let rotated = api.done(Method::POST, "/keys/rotate", Some(json!({ "issuer": "pool" })), 200).await;
    let step = &rotated["steps"][0];
    assert_eq!((&step["issuer"], &step["outcome"]), (&json!("pool"), &json!("published")), "{rotated}");
    assert!(step["at"].as_i64().unwrap() > 0 && step["kid"].is_string(), "{rotated}");
    let overview = api.done(Method::GET, "/overview", None, 200).await;
    assert_eq!(overview["days"].as_array().unwrap().len(), 30);
}

async fn the_pool_itself(api: &Api) {
    let change = json!({ "name": "Network Notes", "languages": ["zh", "en"], "session_lifetime": 3600 });
    let pool = api.done(Method::PATCH, "/pool", Some(change), 200).await;
    assert_eq!((&pool["name"], &pool["languages"]), (&json!("Network Notes"), &json!(["zh", "en"])));
    assert_eq!(api.done(Method::GET, "/pool", None, 200).await, pool);
    let change = json!({ "name_failures": 20 });
    let throttle = api.done(Method::PATCH, "/pool/throttle", Some(change), 200).await;
    assert_eq!((&throttle["name_failures"], &throttle["network_failures"]), (&json!(20), &json!(100)));
    assert_eq!(api.done(Method::GET, "/pool/throttle", None, 200).await, throttle);
    for (path, wrong, told) in [
        ("/pool", json!({ "session_lifetime": 1 }), "must be 300 to 31536000 seconds"),
        ("/pool", json!({ "login_methods": [] }), "needs at least one of"),
        ("/pool", json!({ "nmae": "x" }), "did you mean `name`?"),
        ("/pool/throttle", json!({ "name_failures": 0 }), "must be 10 to 100 failures"),
        ("/pool/mail", json!({ "host": "a.example" }), "needs `from`"),
    ] {
        let answer = api.say(Method::PATCH, path, wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    }
    assert_eq!(api.ask(Method::GET, "/pool/mail").await.status, StatusCode::NOT_FOUND);
    let smtp = Smtp::start(Manners::default()).await;
    let server = json!({
        "host": "127.0.0.1", "port": smtp.port, "security": "none", "username": "signet", "password": "hush-hush",
        "from": "no-reply@example.com",
    });
    let mail = api.done(Method::PATCH, "/pool/mail", Some(server), 200).await;
    assert_eq!((&mail["has_password"], &mail["from_name"]), (&json!(true), &Value::Null));
    assert!(mail.get("password").is_none() && !mail.to_string().contains("sealed"), "{mail}");
    assert_eq!(api.done(Method::GET, "/pool/mail", None, 200).await, mail);
    // The password goes to no other server (attack 25).
    let answer = api.say(Method::PATCH, "/pool/mail", json!({ "host": "localhost" })).await;
    assert!(answer.body.contains("must be given again"), "{}", answer.body);
    api.done(Method::POST, "/pool/mail/test", Some(json!({ "to": "a@b.example" })), 204).await;
    assert_eq!(smtp.wait_for(1).await[0].to, "a@b.example");
    let wrong = api.say(Method::POST, "/pool/mail/test", json!({ "to": "a@b\r\nBcc: c@d.example" })).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let grace = api.world.user("grace", |_| {}).await;
    let sent = api.done(Method::POST, &format!("/users/{}/link/mail", grace.id), None, 200).await;
    assert_eq!(sent["sent_to"], "grace@example.com");
    assert!(sent.get("url").is_none(), "{sent}");
    assert!(smtp.wait_for(2).await[1].link().contains("/login/reset?link="));
    api.done(Method::DELETE, "/pool/mail", None, 204).await;
    let answer = api.ask(Method::POST, &format!("/users/{}/link/mail", grace.id)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("there is no mail server"), "{}", answer.body);
}

async fn operators(api: &Api) {
    let world = &api.world;
    let (erin, finn) = (world.user("erin", |_| {}).await, world.user("finn", |_| {}).await);
    let (path, other) = (format!("/administrators/{}", erin.id), format!("/administrators/{}", finn.id));
    let owner = api.done(Method::PUT, &path, Some(json!({ "role": "owner" })), 200).await;
    assert_eq!(owner["role"], "owner");
    let manager = json!({ "role": "application_manager", "applications": [api.machine.rp.id] });
    assert_eq!(
        api.done(Method::PUT, &other, Some(manager.clone()), 200).await["applications"],
        manager["applications"]
    );
    assert_eq!(api.say(Method::PUT, &path, json!({ "role": "auditor" })).await.status, StatusCode::CONFLICT);
    for wrong in [
        json!({ "role": "king" }),
        json!({}),
        json!({ "role": "application_manager" }),
        json!({ "role": "owner", "applications": [api.machine.rp.id] }),
    ] {
        assert_eq!(api.say(Method::PUT, &other, wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(api.done(Method::GET, &other, None, 200).await["role"], "application_manager");
    assert_eq!(
        api.done(Method::GET, "/administrators", None, 200).await["items"].as_array().unwrap().len(),
        2
    );
    api.done(Method::DELETE, &other, None, 204).await;
    assert_eq!(api.ask(Method::DELETE, &path).await.status, StatusCode::CONFLICT, "the last owner stays");
    let named = format!("/audit?actor={}&limit=3", api.machine.id);
    let records = api.done(Method::GET, &named, None, 200).await;
    let first = &records["items"][0];
    assert_eq!((&first["via"], &first["action"]), (&json!("api"), &json!("assign_role")), "{records}");
    assert_eq!(first["actor_name"], "account of Sample operator");
    let next = format!("{named}&cursor={}", records["next"].as_str().unwrap());
    assert_ne!(api.done(Method::GET, &next, None, 200).await["items"], records["items"]);
    let actions: Vec<String> = api.done(Method::GET, "/audit?kind=admin&limit=100", None, 200).await["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["action"].as_str().unwrap().to_owned())
        .collect();
    for action in [
        "create",
        "update",
        "delete",
        "show_secret",
        "refresh_secret",
        "make_link",
        "send_mail",
        "import",
        "rotate_keys",
        "force_logout",
    ] {
        assert!(actions.iter().any(|done| done == action), "{action} is not in {actions:?}");
    }
    let verified = api.done(Method::GET, "/audit/verify", None, 200).await;
    assert_eq!((&verified["whole"], &verified["walking"]), (&json!(true), &json!(false)));
    let expected = format!("/audit/verify?expected={}", verified["head"].as_str().unwrap());
    assert_eq!(api.done(Method::GET, &expected, None, 200).await["whole"], true);
    let rp = Rp::new(world, "traced", |_| {}).await;
    world.browser().open(&rp.url(&[("redirect_uri", "https://elsewhere.example/cb")])).await;
    let mut traces = Value::Null;
    for _ in 0..100 {
        traces = api.done(Method::GET, "/traces?application=traced", None, 200).await;
        if traces["items"][0].is_object() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let reference = traces["items"][0]["reference"].as_str().unwrap();
    let one = api.done(Method::GET, &format!("/traces/{reference}"), None, 200).await;
    assert_eq!(one["items"], traces["items"]);
}

async fn pools(api: &Api) {
    let first = api.done(Method::GET, "/pools", None, 200).await["items"][0].clone();
    assert_eq!((&first["identifier"], &first["default"]), (&json!("default"), &json!(true)));
    let new = json!({ "identifier": "shop", "name": "The shop" });
    let made = api.say(Method::POST, "/pools", new.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let path = made.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let link = made.json()["setup_link"].as_str().unwrap().to_owned();
    assert!(link.starts_with("http://shop.localhost:8080/console/setup?link="), "{link}");
    assert_eq!(api.say(Method::POST, "/pools", new).await.status, StatusCode::CONFLICT);
    let operator = json!({ "identifier": "operator", "name": "N" });
    let overlaps = api.say(Method::POST, "/pools", operator).await;
    assert_eq!(overlaps.status, StatusCode::UNPROCESSABLE_ENTITY, "an application has that address");
    assert_eq!(overlaps.json()["errors"][0]["field"], "base_url");
    for wrong in [
        json!({ "identifier": "default", "name": "N" }),
        json!({ "identifier": "A", "name": "N" }),
        json!({ "identifier": "a", "name": "" }),
        json!({ "identifier": "a", "name": "N", "base_url": "http://a/b" }),
        json!({ "identifier": "a" }),
    ] {
        assert_eq!(api.say(Method::POST, "/pools", wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let got = api.done(Method::GET, &path, None, 200).await;
    assert_eq!((&got["contents"]["users"], &got["name"]), (&json!(0), &json!("The shop")));
    let change = json!({ "name": "The store", "base_url": "https://store.example" });
    let stale = api.send(Method::PATCH, &path, Some(change.clone()), &[("if-match", "\"7\"")]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let changed = api.done(Method::PATCH, &path, Some(change), 200).await;
    assert_eq!(
        (&changed["base_url"], &changed["version"], &changed["identifier"]),
        (&json!("https://store.example"), &json!(2), &json!("shop"))
    );
    let link = api.done(Method::POST, "/pools/shop/setup-link", None, 200).await;
    assert!(link["setup_link"].as_str().unwrap().starts_with("https://store.example/console/setup?"));
    assert_eq!(api.ask(Method::DELETE, "/pools/default").await.status, StatusCode::CONFLICT);
    let moved = json!({ "base_url": "https://elsewhere.example" });
    let configured = api.say(Method::PATCH, "/pools/default", moved).await;
    assert_eq!(configured.status, StatusCode::UNPROCESSABLE_ENTITY);
    api.done(Method::DELETE, &path, None, 204).await;
    assert_eq!(api.get(&path).await.status, StatusCode::NOT_FOUND);
}

async fn description(api: &Api) {
    let mut text = String::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let part = api.done(Method::GET, &format!("/description?cursor={cursor}"), None, 200).await;
        text.push_str(part["text"].as_str().unwrap());
        next = part["next"].as_str().map(str::to_owned);
    }
    assert!(text.contains("[[applications]]") && !text.contains("sealed:"), "{text}");
    let nothing = api.done(Method::POST, "/description/plan", Some(json!({ "text": text })), 200).await;
    assert_eq!((&nothing["created"], &nothing["changed"]), (&json!(0), &json!(0)), "{nothing}");
    let more = "[[applications]]\nidentifier = \"later\"\nname = \"Later\"\ntype = \"api\"\n";
    let planned = api.done(Method::POST, "/description/plan", Some(json!({ "text": more })), 200).await;
    assert_eq!(planned["steps"][0]["kind"], "create");
    let done = api.done(Method::POST, "/description/apply", Some(json!({ "text": more })), 200).await;
    assert_eq!(done["steps"], planned["steps"]);
    let wrong = api.say(Method::POST, "/description/apply", json!({ "text": "nmae = 1" })).await;
    assert_eq!(
        (wrong.status, &wrong.json()["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("line 1"))
    );
}
