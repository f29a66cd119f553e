//! Which host is which issuer, and what every answer carries.

use axum::body::Body;
use http::{Method, Request, header::HOST};

use crate::{
    rp::{OFFLINE, Rp},
    support::{Answer, BASE, World, authorize_url, request},
};

const CONFIGURATION: &str = "/oidc/.well-known/openid-configuration";

async fn issuer_at(world: &World, origin: &str) -> (u16, String) {
    let answer = world.get(&format!("{origin}{CONFIGURATION}")).await;
    let issuer =
        if answer.status == 200 { answer.json()["issuer"].as_str().unwrap().to_owned() } else { answer.body };
    (answer.status.as_u16(), issuer)
}

#[tokio::test]
async fn each_host_is_its_own_issuer() {
    let world = World::new().await;
    world.application("notes", |_| {}).await;
    for (origin, issuer) in [
        ("http://localhost:8080", "http://localhost:8080/oidc"),
        ("http://LOCALHOST:8080", "http://localhost:8080/oidc"),
        ("http://notes.localhost:8080", "http://notes.localhost:8080/oidc"),
        ("http://Notes.Localhost:8080", "http://notes.localhost:8080/oidc"),
    ] {
        assert_eq!(issuer_at(&world, origin).await, (200, issuer.to_owned()), "{origin}");
    }
}

#[tokio::test]
async fn a_host_that_is_none_of_ours_is_misdirected() {
    let world = World::new().await;
    world.application("notes", |_| {}).await;
    for origin in [
        "http://evil.example:8080",
        "http://localhost",
        "http://localhost:8081",
        "http://notes.localhost",
        "http://a.notes.localhost:8080",
        "http://localhost.evil.example:8080",
        "http://.localhost:8080",
        "http://admin.localhost:8080",
        "http://user@localhost:8080",
        "http://localhost:8080:8080",
    ] {
        for path in ["/", "/oidc/auth", "/login", "/nowhere"] {
            let answer = world.get(&format!("{origin}{path}")).await;
            assert_eq!(answer.status, 421, "{origin}{path}");
            assert!(answer.body.contains("Nothing lives at this address"), "{}", answer.body);
            assert!(answer.body.contains("href=\"http://localhost:8080\""), "offers the configured address");
            assert!(!answer.body.contains("evil"), "never repeats the host");
        }
        for path in [CONFIGURATION, "/oidc/token"] {
            let answer = world.get(&format!("{origin}{path}")).await;
            assert_eq!(answer.error(), (421, "invalid_request".to_owned()), "{origin}{path}");
            assert!(!answer.body.contains("evil"), "never repeats the host");
        }
    }
}

#[tokio::test]
async fn a_label_without_an_enabled_application_is_not_found() {
    let world = World::new().await;
    let off = world.application("notes", |_| {}).await;
    assert_eq!(issuer_at(&world, "http://ghost.localhost:8080").await.0, 404);
    assert_eq!(issuer_at(&world, "http://notes.localhost:8080").await.0, 200);
    world.update_application(off.id, |application| application.enabled = false).await;
    assert_eq!(issuer_at(&world, "http://notes.localhost:8080").await.0, 404);
    let request = world.get(&authorize_url(&format!("{BASE}/oidc"), &off, &[])).await;
    assert_eq!(request.status, 400, "nor at the pool's address");
    world.update_application(off.id, |application| application.enabled = true).await;
    assert_eq!(issuer_at(&world, "http://notes.localhost:8080").await.0, 200);
}

#[tokio::test]
async fn one_application_is_unknown_at_the_address_of_another() {
    let world = World::new().await;
    let (notes, other) = (Rp::new(&world, "notes", |_| {}).await, Rp::new(&world, "other", |_| {}).await);
    let url = authorize_url(&other.at_home().issuer, &notes.application, &[]);
    let page = world.get(&url).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("invalid_client"), "{}", page.body);
    let stranger = Rp { issuer: other.at_home().issuer, ..notes };
    assert_eq!(stranger.redeem("x").await.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let world = World::new().await;
    world.application("notes", |_| {}).await;
    let get = || Request::builder().method(Method::GET);
    let two = get().uri(CONFIGURATION).header(HOST, "localhost:8080").header(HOST, "localhost:8080");
    assert_eq!(world.send(two.body(Body::empty()).unwrap()).await.status, 421);
    let none = get().uri(CONFIGURATION);
    assert_eq!(world.send(none.body(Body::empty()).unwrap()).await.status, 421);

    // RFC 9112 §3.2.2: the host of an absolute-form target counts, not the header.
    let absolute =
        get().uri(format!("http://notes.localhost:8080{CONFIGURATION}")).header(HOST, "localhost:8080");
    let answer = world.send(absolute.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.json()["issuer"], "http://notes.localhost:8080/oidc");
    let foreign = get().uri(format!("http://evil.example{CONFIGURATION}")).header(HOST, "localhost:8080");
    assert_eq!(world.send(foreign.body(Body::empty()).unwrap()).await.status, 421);
}

#[tokio::test]
async fn attack_11_forwarded_headers_change_nothing() {
    let world = World::new().await;
    world.application("notes", |_| {}).await;
    let plain = world.get(&format!("{BASE}{CONFIGURATION}")).await;
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-host", "notes.localhost:8080"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("x-original-host", "evil.example"),
        ("x-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
    ] {
        let request = request(Method::GET, &format!("{BASE}{CONFIGURATION}")).header(name, value);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body), "{name}: {value}");
    }
    let foreign = request(Method::GET, "http://evil.example/").header("x-forwarded-host", "localhost:8080");
    assert_eq!(world.send(foreign.body(Body::empty()).unwrap()).await.status, 421);
}

async fn with_method(world: &World, method: &str, path: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    world.send(request(method, &format!("{BASE}{path}")).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn each_path_names_its_methods() {
    let world = World::new().await;
    for (path, allow) in [
        ("/", "GET,HEAD"),
        ("/healthz", "GET,HEAD"),
        ("/readyz", "GET,HEAD"),
        ("/login", "GET, HEAD, POST"),
        ("/login/account", "GET, HEAD, POST"),
        ("/login/sso", "GET"),
        ("/login/ticket", "GET"),
        ("/consent", "GET, HEAD, POST"),
        ("/oidc/auth", "GET, POST"),
        ("/oidc/auth/resume", "GET"),
        ("/oidc/session/end", "GET, POST"),
        ("/oidc/token", "POST, OPTIONS"),
        ("/oidc/token/introspection", "POST, OPTIONS"),
        ("/oidc/token/revocation", "POST, OPTIONS"),
        ("/oidc/me", "GET, POST, OPTIONS"),
        (CONFIGURATION, "GET, HEAD, OPTIONS"),
        ("/oidc/.well-known/jwks.json", "GET, HEAD, OPTIONS"),
    ] {
        for method in ["PUT", "DELETE", "PATCH", "TRACE"] {
            let answer = with_method(&world, method, path).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
        for method in allow.split(',').map(str::trim) {
            assert_ne!(with_method(&world, method, path).await.status, 405, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let world = World::new().await;
    for path in ["/", "/healthz", "/readyz", CONFIGURATION] {
        assert_eq!(with_method(&world, "HEAD", path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn every_error_of_a_protocol_endpoint_is_json() {
    let world = World::new().await;
    for path in ["/oidc/token", "/oidc/token/introspection", "/oidc/token/revocation", "/oidc/me"] {
        for method in ["GET", "PUT", "POST"] {
            let answer = with_method(&world, method, path).await;
            assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
            let json = answer.json();
            assert!(json["error"].is_string() && json["error_description"].is_string(), "{json}");
        }
    }
}

/// `forms`: what the policy says of forms, if the page has none that leads on.
fn assert_page(name: &str, page: &Answer, forms: Option<&str>) {
    let header = |name: &str| page.header(name).unwrap_or_default();
    assert_eq!(header("content-type"), "text/html; charset=utf-8", "{name}");
    assert_eq!(header("cache-control"), "no-store", "{name}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{name}");
    assert_eq!(header("x-frame-options"), "DENY", "{name}");
    assert_eq!(header("referrer-policy"), "same-origin", "{name}");
    assert_eq!(header("cross-origin-opener-policy"), "", "a pop-up keeps its opener: {name}");
    let policy = header("content-security-policy");
    let directives: Vec<&str> = policy.split("; ").map(str::trim).collect();
    assert!(directives.contains(&"default-src 'none'"), "{name}: {policy}");
    assert!(directives.contains(&"base-uri 'none'"), "{name}: {policy}");
    assert!(directives.contains(&"frame-ancestors 'none'"), "{name}: {policy}");
    // Chromium applies form-action to every redirect behind a form, and a callback may redirect to anywhere.
    let said = directives.iter().find(|directive| directive.starts_with("form-action"));
    assert_eq!(said.copied(), forms, "{name}: {policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{name}: {policy}");
    assert!(!page.body.contains("<script") && !page.body.contains("style="), "{name}: {}", page.body);
    assert!(page.body.len() < 30 * 1024, "{name}");
}

#[tokio::test]
async fn every_page_defends_itself() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    world.user("alice", |_| {}).await;
    let none = Some("form-action 'none'");
    let mut browser = world.browser();
    let login = browser.open(&rp.url(OFFLINE)).await;
    assert_page("login", &login, None);
    let wrong = browser.submit(&login, &[("username", "alice"), ("password", "no")], "sign-in").await;
    assert_page("login again", &wrong, None);
    let consent = browser.sign_in(&wrong, "alice").await;
    assert_page("consent", &consent, None);
    browser.submit(&consent, &[], "allow").await;
    let account = browser.open(&rp.url(&[("prompt", "select_account")])).await;
    assert_page("account", &account, None);
    let used = browser.post("/consent", &[("txn", &txn(&consent))]).await;
    assert_page("used", &used, none);
    let logout = browser.open(&format!("{BASE}/oidc/session/end")).await;
    assert_page("logout", &logout, None);
    let signed_out = browser.submit(&logout, &[], "sign-out").await;
    assert_page("signed out", &signed_out, none);
    assert_page("start", &world.get(BASE).await, none);
    assert_page("not found", &world.get(&format!("{BASE}/nowhere")).await, none);
    assert_page("unknown host", &world.get("http://evil.example/").await, none);
    assert_page("method", &with_method(&world, "PUT", "/login").await, none);
    assert_page("error", &world.get(&rp.url(&[("redirect_uri", "https://evil.example/")])).await, none);
}

fn txn(page: &Answer) -> String {
    page.form().fields.iter().find(|(name, _)| name == "txn").unwrap().1.clone()
}

#[tokio::test]
async fn every_answer_has_a_name_that_pages_show() {
    let world = World::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/", "/healthz", "/nowhere", "/oidc/token", "/oidc/auth", CONFIGURATION, "/static/nothing"] {
        let answer = world.get(&format!("{BASE}{path}")).await;
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("{path}")).to_owned();
        if answer.status.is_client_error() && path != "/oidc/token" {
            assert!(answer.body.contains(&id), "{path}");
        }
        assert!(seen.insert(id), "{path}");
    }
    let foreign = world.get("http://evil.example/").await;
    assert!(foreign.body.contains(foreign.header("x-request-id").unwrap()));
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_good_under_its_own_name() {
    let world = World::new().await;
    let page = world.get(BASE).await.body;
    let (_, rest) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let path = rest.split_once('"').unwrap().0;
    let sheet = world.get(&format!("{BASE}{path}")).await;
    assert_eq!(sheet.status, 200);
    assert_eq!(sheet.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(sheet.header("cache-control"), Some("public, max-age=31536000, immutable"));
    for path in ["/static/", "/static/../Cargo.toml", "/static/%2e%2e/x", "/static/other.css"] {
        assert_eq!(world.get(&format!("{BASE}{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn health_is_told_under_any_host() {
    let world = World::new().await;
    let answer = world.get("http://10.0.0.7:9999/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "ok\n"));
}

#[tokio::test]
async fn readiness_is_told_under_any_host_and_is_not_health() {
    let world = World::on_postgres().await;
    let away = World::on_postgres().await;
    away.signet().store().clone().close().await;
    let ready = world.get("http://10.0.0.7:9999/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.body.as_str()), (200, r#"{"status":"ready"}"#));
    world.signet().readiness().stop();
    for (world, reason) in [(&world, "stopping"), (&away, "database")] {
        let answer = world.get("http://10.0.0.7:9999/readyz").await;
        let body = format!(r#"{{"reason":"{reason}","status":"unready"}}"#);
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, body.as_str()));
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert_eq!(world.get("http://10.0.0.7:9999/healthz").await.status, 200);
    }
    assert_eq!(ready.header("connection"), None);
    assert_eq!(world.get(&format!("{BASE}/")).await.header("connection"), Some("close"));
}
