//! People at the admin API: by a token of a program they signed in to, and by their login to the console.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_protocol::{
    operator::{Administrator, Role},
    time::Timestamp,
    user::User,
};
use signet_store::RoleChange;
use signet_web::api::PREFIX;

use crate::{
    api::{Api, admin},
    console::{csrf, operator},
    rp::Rp,
    support::{Answer, BASE, Browser, World, on_both_engines, request},
};

on_both_engines!(
    a_persons_token_gives_what_both_its_scope_and_their_role_do,
    attack_19_the_cookie_of_the_console_is_no_credential_alone,
);

async fn appoint(world: &World, user: &User, role: Role) -> Administrator {
    let one = Administrator {
        user: user.id,
        role,
        applications: Default::default(),
        created_at: Timestamp(0),
        version: 1,
    };
    let change = RoleChange::Give(one.clone());
    assert!(world.signet().store().change_role(&change, world.clock_now()).await.unwrap());
    one
}

/// The token of an interactive login.
async fn token(rp: &Rp, username: &str, scope: &str) -> String {
    rp.tokens(username, &[("scope", scope)]).await.access
}

async fn status(api: &Api, token: &str, method: Method, path: &str, body: Option<Value>) -> StatusCode {
    let of_them = Api { token: token.to_owned(), ..api.clone() };
    of_them.send(method, path, body, &[]).await.status
}

async fn a_persons_token_gives_what_both_its_scope_and_their_role_do(world: Arc<World>) {
    let api = Api::new(&world).await;
    let rp = api.machine.rp.clone();
    let owner = world.user("owner", |_| {}).await;
    appoint(&world, &owner, Role::Owner).await;
    let (auditor, other) = (world.user("auditor", |_| {}).await, world.user("admin", |_| {}).await);
    appoint(&world, &auditor, Role::Auditor).await;
    appoint(&world, &other, Role::Administrator).await;
    let nobody = world.user("nobody", |_| {}).await;
    for user in [&owner, &auditor, &other, &nobody] {
        let mut rule = admin("*", json!("all"));
        rule["subject"] = json!({ "user": user.id });
        api.machine.rule(rule).await;
    }
    let all =
        "openid admin:users:read admin:users:write admin:administrators:write admin:administrators:read";
    let new = |name: &str| Some(json!({ "username": name }));
    let role = format!("/administrators/{}", nobody.id);
    // Name, scope, and what becomes of reading users, of creating one, and of saying who administers.
    for (number, (name, scope, expected)) in [
        ("owner", all, [200, 201, 404]),
        ("owner", "openid admin:users:read", [200, 403, 403]),
        ("owner", "openid", [403, 403, 403]),
        ("admin", all, [200, 201, 403]),
        ("auditor", all, [200, 403, 403]),
        ("nobody", all, [403, 403, 403]),
    ]
    .into_iter()
    .enumerate()
    {
        let token = token(&rp, name, scope).await;
        let created = format!("made{number}");
        let met = [
            status(&api, &token, Method::GET, "/users", None).await,
            status(&api, &token, Method::POST, "/users", new(&created)).await,
            status(&api, &token, Method::DELETE, &role, None).await,
        ];
        assert_eq!(met.map(|status| status.as_u16()), expected, "{name} with {scope}");
    }
    // What was done is their act.
    let by_owner = token(&rp, "owner", all).await;
    let them = Api { token: by_owner.clone(), ..api.clone() };
    let records = api.done(Method::GET, "/audit?action=create&actor=owner", None, 200).await;
    assert_eq!(
        (&records["items"][0]["via"], &records["items"][0]["actor_name"]),
        (&json!("api"), &json!("owner"))
    );
    // A role that is taken, and a block, count at once.
    let second = world.user("second", |_| {}).await;
    appoint(&world, &second, Role::Owner).await;
    assert_eq!(them.get("/users").await.status, StatusCode::OK);
    let stored = world.signet().store().administrator(owner.id).await.unwrap().unwrap();
    let taken = RoleChange::Take(stored);
    assert!(world.signet().store().change_role(&taken, world.clock_now()).await.unwrap());
    assert_eq!(them.get("/users").await.status, StatusCode::FORBIDDEN);
    appoint(&world, &owner, Role::Administrator).await;
    assert_eq!(them.get("/users").await.status, StatusCode::OK, "the role is asked for each time");
    assert_eq!(them.ask(Method::DELETE, &role).await.status, StatusCode::FORBIDDEN, "what the new role may");
    world.update_user(owner.id, |user| user.blocked = true).await;
    assert_eq!(them.get("/users").await.status, StatusCode::UNAUTHORIZED);
}

/// A request with the console's cookie.
async fn with_cookie(
    world: &World,
    cookie: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut builder = request(method.clone(), &format!("{BASE}{PREFIX}{path}"));
    builder = builder.header("cookie", format!("signet_console={cookie}"));
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let body = if method == Method::POST { "{\"username\": \"made\"}" } else { "" };
    world.send(builder.body(Body::from(body)).unwrap()).await
}

fn cookie(browser: &Browser) -> String {
    browser.cookie("localhost:8080", "signet_console").unwrap()
}

async fn attack_19_the_cookie_of_the_console_is_no_credential_alone(world: Arc<World>) {
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    let (own, mine) = (csrf(&page), cookie(&browser));
    let mut other = operator(&world, "admin", Role::Administrator, &[]).await;
    let page = other.open(&format!("{BASE}/console/applications")).await;
    let theirs = csrf(&page);
    let json = ("content-type", "application/json");
    let (same, token) = (("sec-fetch-site", "same-origin"), ("x-csrf-token", own.as_str()));
    for (number, headers) in [
        vec![json],
        vec![json, same],
        vec![json, token],
        vec![json, ("sec-fetch-site", "cross-site"), token],
        vec![json, ("sec-fetch-site", "same-site"), token],
        vec![json, ("sec-fetch-site", "none"), token],
        vec![json, same, same, token],
        vec![json, same, ("origin", "https://evil.example"), token],
        vec![json, same, ("origin", "null"), token],
        vec![json, ("origin", "http://notes.localhost:8080"), token],
        vec![json, same, ("x-csrf-token", theirs.as_str())],
        vec![json, same, ("x-csrf-token", "")],
        vec![json, same, token, token],
        vec![json, same, ("authorization", "Basic eDp5"), token],
        vec![json, same, ("authorization", "Bearer x"), token],
    ]
    .into_iter()
    .enumerate()
    {
        for method in [Method::POST, Method::GET] {
            let answer = with_cookie(&world, &mine, method.clone(), "/users", &headers).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{number} {method}: {}", answer.body);
            assert!(answer.header("access-control-allow-origin").is_none());
        }
    }
    let preflight = request(Method::OPTIONS, &format!("{BASE}{PREFIX}/users"))
        .header("origin", "http://notes.localhost:8080")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-csrf-token");
    let preflight = world.send(preflight.body(Body::empty()).unwrap()).await;
    assert!(preflight.header("access-control-allow-headers").is_none(), "no other site sends the header");
    for place in [same, ("origin", BASE)] {
        let answer = with_cookie(&world, &mine, Method::GET, "/users", &[place, token]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    let made = with_cookie(&world, &mine, Method::POST, "/users", &[json, same, token]).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    // The role says what they may.
    let theirs_alone = [same, ("x-csrf-token", theirs.as_str())];
    let user = world.signet().store().administrators().await.unwrap()[0].user;
    let path = format!("/administrators/{user}");
    let answer = with_cookie(&world, &cookie(&other), Method::DELETE, &path, &theirs_alone).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    // After a quarter of an hour they read, and no more.
    world.advance(15 * 60);
    let app = world.application("notes", |_| {}).await;
    let secret = format!("/applications/{}/secret", app.id);
    for (method, path, expected) in [
        (Method::GET, "/users", StatusCode::OK),
        (Method::POST, "/users", StatusCode::FORBIDDEN),
        (Method::GET, secret.as_str(), StatusCode::FORBIDDEN),
    ] {
        let answer = with_cookie(&world, &mine, method, path, &[json, same, token]).await;
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
    }
    // Who signed out is nobody.
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    browser.step(Method::POST, "/console/sign-out", Some(&[("csrf".to_owned(), csrf(&page))])).await;
    let answer = with_cookie(&world, &mine, Method::GET, "/users", &[same, token]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
