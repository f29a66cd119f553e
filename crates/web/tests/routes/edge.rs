//! What is answered before a handler decides anything.

use std::{io, sync::Arc};

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use signet_protocol::params::encode_pairs;

use crate::{
    rp::Rp,
    support::{Answer, BASE, SECRET, World, request},
};

/// The endpoints that programs call.
const ENDPOINTS: &[&str] = &[
    "/oidc/token",
    "/oidc/me",
    "/oidc/token/introspection",
    "/oidc/token/revocation",
    "/oidc/.well-known/openid-configuration",
    "/oidc/.well-known/jwks.json",
];

/// Paths that a browser is sent to.
const PAGES: &[&str] =
    &["/", "/login", "/nowhere", "/oidc", "/oidc/auth", "/oidc/auth/resume", "/oidc/session/end"];

async fn ask(world: &Arc<World>, method: &Method, url: &str) -> Answer {
    match *method {
        Method::POST => world.post(url, &[("grant_type", "authorization_code")], None).await,
        _ => world.get(url).await,
    }
}

/// Both methods at each endpoint of `origin` are answered by `status` and `error` as JSON that holds `words`.
async fn assert_json(world: &Arc<World>, origin: &str, refused: (u16, &str), words: &str) {
    for path in ENDPOINTS {
        for method in [Method::GET, Method::POST] {
            let answer = ask(world, &method, &format!("{origin}{path}")).await;
            assert_eq!(answer.error(), (refused.0, refused.1.to_owned()), "{method} {origin}{path}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {origin}{path}");
            let description = answer.json()["error_description"].as_str().unwrap().to_owned();
            assert!(description.contains(words), "{description}");
            assert!(answer.header("x-request-id").is_some(), "{method} {origin}{path}");
        }
    }
}

async fn assert_pages(world: &Arc<World>, origin: &str, status: u16) {
    for path in PAGES {
        let answer = world.get(&format!("{origin}{path}")).await;
        assert_eq!(answer.status, status, "{origin}{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{origin}{path}");
        assert!(answer.body.contains(answer.header("x-request-id").unwrap()), "{origin}{path}");
    }
}

#[tokio::test]
async fn a_program_at_a_wrong_host_is_told_in_json() {
    let world = World::new().await;
    let off = world.application("notes", |application| application.enabled = false).await;
    for host in ["http://notes.localhost:8080", "http://ghost.localhost:8080"] {
        assert_json(&world, host, (404, "invalid_request"), "no enabled application").await;
        assert_pages(&world, host, 404).await;
    }
    assert_json(&world, "http://evil.example", (421, "invalid_request"), "no issuer").await;
    assert_pages(&world, "http://evil.example", 421).await;
    world.update_application(off.id, |application| application.enabled = true).await;
    let answer = ask(&world, &Method::POST, "http://notes.localhost:8080/oidc/token").await;
    assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_program_is_told_in_json_that_the_database_is_away() {
    let world = World::on_postgres().await;
    world.signet().store().clone().close().await;
    let away = "http://ghost.localhost:8080";
    assert_json(&world, away, (503, "temporarily_unavailable"), "try again").await;
    assert_pages(&world, away, 503).await;
    let answer = ask(&world, &Method::POST, &format!("{away}/oidc/token")).await;
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn a_path_without_an_endpoint_is_told_in_json() {
    let world = World::new().await;
    let stray = ["/oidc/", "/oidc/nowhere", "/oidc/auth/", "/oidc/session/end/"].map(str::to_owned);
    for path in ENDPOINTS.iter().map(|path| format!("{path}/")).chain(stray) {
        for method in [Method::GET, Method::POST] {
            let answer = ask(&world, &method, &format!("{BASE}{path}")).await;
            assert_eq!(answer.error(), (404, "invalid_request".to_owned()), "{method} {path}");
            assert!(answer.body.contains("discovery document"), "{}", answer.body);
            assert!(answer.header("x-request-id").is_some(), "{method} {path}");
        }
    }
    for path in ["/nowhere", "/oidc", "/oidcs/token", "/login/"] {
        let answer = world.get(&format!("{BASE}{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
    }
}

#[tokio::test]
async fn an_authorization_header_that_cannot_be_read_is_not_taken_for_none() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let form =
        encode_pairs([("client_id", rp.id.as_str()), ("client_secret", SECRET), ("token", "x")].into_iter());
    let send = async |path: &str, headers: &[&[u8]]| {
        let mut builder = request(Method::POST, &format!("{}{path}", rp.issuer))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for value in headers {
            builder = builder.header(AUTHORIZATION, *value);
        }
        world.send(builder.body(Body::from(form.clone())).unwrap()).await
    };
    for path in ["/token", "/me", "/token/introspection", "/token/revocation"] {
        for headers in
            [&[b"Bearer x".as_slice(), b"Bearer x"][..], &[b"Basic x", b"Bearer x"], &[b"Bearer \xe4"]]
        {
            let answer = send(path, headers).await;
            assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{path} {headers:?}");
            assert!(answer.body.contains("Authorization header"), "{}", answer.body);
            let challenge = (path == "/me").then_some("Bearer realm=\"signet\", error=\"invalid_request\"");
            assert_eq!(answer.header("www-authenticate"), challenge, "{path}");
        }
    }
    assert_eq!(
        send("/token/introspection", &[]).await.body,
        "{\"active\":false}",
        "without it the form counts"
    );
    assert_eq!(send("/me", &[b"Bearer x"]).await.error(), (401, "invalid_token".to_owned()));
    let page = request(Method::GET, BASE).header(AUTHORIZATION, b"Basic \xe4".as_slice());
    assert_eq!(world.send(page.body(Body::empty()).unwrap()).await.status, 200, "pages do not read it");
}

/// The answers of the token endpoint and of the login page to a form whose body is `body`.
async fn with_body(world: &Arc<World>, body: impl Fn() -> Body) -> (Answer, Answer) {
    let send = async |path: &str| {
        let builder = request(Method::POST, &format!("{BASE}{path}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        world.send(builder.body(body()).unwrap()).await
    };
    (send("/oidc/token").await, send("/login").await)
}

async fn assert_body(world: &Arc<World>, body: impl Fn() -> Body, status: u16, words: &str) {
    let (token, login) = with_body(world, body).await;
    assert_eq!(token.error(), (status, "invalid_request".to_owned()));
    assert_eq!(login.status, status);
    for answer in [token, login] {
        assert!(answer.body.contains(words), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_told_by_its_reason() {
    let world = World::new().await;
    let first = || Ok::<_, io::Error>(Bytes::from_static(b"grant_type="));
    let broken = || Body::from_stream(stream::iter([first(), Err(io::ErrorKind::UnexpectedEof.into())]));
    assert_body(&world, broken, 400, "broken off").await;
    assert_body(&world, || Body::from("x".repeat(33 * 1024)), 413, "too large").await;
    tokio::time::pause();
    assert_body(&world, || Body::from_stream(stream::pending::<io::Result<Bytes>>()), 408, "15 seconds")
        .await;
}

#[tokio::test]
async fn browsers_are_held_to_https_where_it_is_the_address() {
    let (plain, secure) = (World::new().await, World::at("https://login.example").await);
    secure.application("notes", |_| {}).await;
    for origin in ["https://login.example", "https://notes.login.example", "https://evil.example"] {
        for path in ENDPOINTS.iter().chain(PAGES).chain(&["/healthz", "/static/nothing"]) {
            let answer = secure.get(&format!("{origin}{path}")).await;
            let held = answer.header("strict-transport-security");
            assert_eq!(held, Some("max-age=31536000"), "{origin}{path}");
        }
    }
    for path in ENDPOINTS.iter().chain(PAGES) {
        let answer = plain.get(&format!("{BASE}{path}")).await;
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
    }
}
