//! Cross-origin requests.

use axum::body::Body;
use http::{Method, header::ORIGIN};
use signet_protocol::redirect_uri::RedirectUri;

use crate::{
    rp::Rp,
    support::{Answer, World, request},
};

const ENDPOINTS: &[&str] = &["/token", "/me", "/token/introspection", "/token/revocation"];

async fn send(world: &World, method: Method, url: &str, origin: &str) -> Answer {
    let request = request(method, url)
        .header(ORIGIN, origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-authing-app-id,x-authing-lang");
    world.send(request.body(Body::empty()).unwrap()).await
}

fn allowed(answer: &Answer) -> Option<&str> {
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    answer.header("access-control-allow-origin")
}

async fn two_applications(world: &std::sync::Arc<World>) -> (Rp, Rp) {
    let notes = Rp::new(world, "notes", |_| {}).await;
    let spa = Rp::new(world, "spa", |application| {
        application.settings.redirect_uris = vec![RedirectUri::parse("https://callback.example/cb").unwrap()];
        application.settings.web_origins = vec!["https://spa.example".to_owned()];
    })
    .await;
    (notes, spa)
}

#[tokio::test]
async fn attack_26_preflight_names_registered_origins_only() {
    let world = World::new().await;
    let (notes, spa) = two_applications(&world).await;
    for path in ENDPOINTS {
        for (rp, origin, registered) in [
            (&notes.at_home(), "https://rp.example", true),
            (&notes.at_home(), "https://spa.example", false),
            (&spa.at_home(), "https://spa.example", true),
            (&spa.at_home(), "https://callback.example", false),
            (&notes, "https://rp.example", true),
            (&notes, "https://spa.example", true),
            (&notes, "https://callback.example", false),
            (&notes, "https://evil.example", false),
            (&notes, "https://rp.example.evil.example", false),
            (&notes, "http://rp.example", false),
            (&notes, "https://rp.example:8443", false),
            (&notes, "null", false),
            (&notes, "*", false),
        ] {
            let answer = send(&world, Method::OPTIONS, &format!("{}{path}", rp.issuer), origin).await;
            assert_eq!(answer.status, 204);
            assert_eq!(allowed(&answer), registered.then_some(origin), "{} {path} {origin}", rp.issuer);
            assert_eq!(answer.header("vary"), Some("Origin"));
            let headers = answer.header("access-control-allow-headers");
            let vendor = registered.then_some("authorization,x-authing-app-id,x-authing-lang");
            assert_eq!(headers, vendor, "client libraries add headers of their own");
            assert_eq!(answer.header("access-control-allow-methods"), registered.then_some("GET, POST"));
        }
    }
}

#[tokio::test]
async fn attack_26_errors_are_readable_by_registered_origins_only() {
    let world = World::new().await;
    let (notes, _) = two_applications(&world).await;
    for path in ENDPOINTS {
        let url = format!("{}{path}", notes.issuer);
        for (origin, registered) in [("https://rp.example", true), ("https://evil.example", false)] {
            let answer = send(&world, Method::POST, &url, origin).await;
            assert!(answer.status.is_client_error(), "{path}");
            assert_eq!(allowed(&answer), registered.then_some(origin), "{path}");
            let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
            assert_eq!(exposed.contains("WWW-Authenticate"), registered, "{path}");
        }
        assert_eq!(allowed(&world.get(&url).await), None, "without an origin nothing is said");
    }
}

#[tokio::test]
async fn answers_are_readable_by_registered_origins() {
    let world = World::new().await;
    let (notes, _) = two_applications(&world).await;
    world.user("alice", |_| {}).await;
    let tokens = notes.tokens("alice", &[]).await;
    for (origin, registered) in [("https://rp.example", true), ("https://evil.example", false)] {
        let request = request(Method::GET, &format!("{}/me", notes.issuer))
            .header(ORIGIN, origin)
            .header("authorization", format!("Bearer {}", tokens.access));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(allowed(&answer), registered.then_some(origin));
    }
}

#[tokio::test]
async fn a_changed_list_of_origins_counts_at_once() {
    let world = World::new().await;
    let (notes, spa) = two_applications(&world).await;
    let token = format!("{}/token", notes.issuer);
    let seen = async |origin: &str| allowed(&send(&world, Method::OPTIONS, &token, origin).await).is_some();
    assert!(seen("https://spa.example").await);
    world
        .update_application(spa.application.id, |application| {
            application.settings.web_origins = vec!["https://new.example".to_owned()];
        })
        .await;
    assert!(!seen("https://spa.example").await);
    assert!(seen("https://new.example").await);
}

#[tokio::test]
async fn public_documents_are_open_to_every_origin() {
    let world = World::new().await;
    let (notes, _) = two_applications(&world).await;
    for path in ["openid-configuration", "jwks.json"] {
        let url = format!("{}/.well-known/{path}", notes.at_home().issuer);
        let document = send(&world, Method::GET, &url, "https://anybody.example").await;
        assert_eq!((document.status.as_u16(), allowed(&document)), (200, Some("*")));
        // A library with headers of its own asks first.
        let preflight = send(&world, Method::OPTIONS, &url, "https://anybody.example").await;
        assert_eq!((preflight.status.as_u16(), allowed(&preflight)), (204, Some("*")), "{path}");
        assert!(preflight.header("access-control-allow-headers").is_some());
    }
}

#[tokio::test]
async fn pages_are_never_readable_across_origins() {
    let world = World::new().await;
    let (notes, _) = two_applications(&world).await;
    for url in [
        notes.url(&[]),
        format!("{}/session/end", notes.issuer),
        "http://localhost:8080/login".to_owned(),
        "http://localhost:8080/".to_owned(),
    ] {
        let answer = send(&world, Method::GET, &url, "https://rp.example").await;
        assert_eq!(allowed(&answer), None, "{url}");
    }
}
