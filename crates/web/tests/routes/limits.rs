//! Each limit of `docs/limits.md` that a request can meet, just inside and just beyond.

use axum::body::Body;
use http::{Method, header};
use signet_protocol::{application::AuthMethod, limits::*, redirect_uri::RedirectUri};
use signet_web::manage::description::Description;

use crate::{
    rp::Rp,
    support::{Answer, BASE, World, request},
};

/// A form of exactly so many bytes, no value of which is too long.
fn form_of(bytes: usize) -> String {
    let most = "x".repeat(PARAM_VALUE_BYTES - 384);
    let form = format!("a={most}&b={most}&c=");
    let rest = bytes - form.len();
    form + &"x".repeat(rest)
}

fn params(count: usize) -> String {
    (0..count).map(|n| format!("p{n}=1&")).collect()
}

#[tokio::test]
async fn attack_21_a_form_and_a_query_are_bounded() {
    let world = World::new().await;
    let post = async |body: String| {
        let form = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request(Method::POST, &format!("{BASE}/oidc/token")).header(form.0, form.1);
        world.send(request.body(Body::from(body)).unwrap()).await
    };
    let get = async |query: String| world.get(&format!("{BASE}/oidc/me?{query}")).await;
    for (inside, beyond) in [
        (form_of(PARAMS_BYTES), form_of(PARAMS_BYTES + 1)),
        (params(PARAMS_COUNT), params(PARAMS_COUNT + 1)),
        (format!("{}&{}", "&".repeat(20_000), params(PARAMS_COUNT)), "a&".repeat(PARAMS_COUNT + 1)),
        (format!("{}=1", "n".repeat(PARAM_NAME_BYTES)), format!("{}=1", "n".repeat(PARAM_NAME_BYTES + 1))),
        (format!("a={}", "v".repeat(PARAM_VALUE_BYTES)), format!("a={}", "v".repeat(PARAM_VALUE_BYTES + 1))),
        // Decoded once: what looks like more escapes is text.
        (format!("a={}", "%25".repeat(10_000)), format!("a={}", "%25".repeat(11_000))),
    ] {
        assert_eq!(post(inside.clone()).await.error(), (401, "invalid_client".to_owned()), "{inside:.60}");
        assert_eq!(get(inside.clone()).await.error(), (401, "invalid_token".to_owned()), "{inside:.60}");
        for answer in [post(beyond.clone()).await, get(beyond.clone()).await] {
            assert_eq!(answer.error(), (413, "invalid_request".to_owned()), "{beyond:.60}");
            assert!(answer.body.contains("32 KiB, 64 parameters, and 16 KiB for each"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn attack_21_the_parameters_of_an_authorization_request_are_bounded() {
    let world = World::new().await;
    let uri = |bytes: usize| format!("https://rp.example/{}", "u".repeat(bytes - 19));
    let longest = RedirectUri::parse(&uri(REDIRECT_URI_BYTES)).unwrap();
    let rp = Rp::new(&world, "notes", |app| app.settings.redirect_uris.push(longest)).await;
    let known = |count: usize| format!("openid {}", "s ".repeat(count - 1));
    let text = |bytes: usize| "s".repeat(bytes);
    let scope = |bytes: usize| format!("openid {}", "s".repeat(bytes - 7));
    for (name, inside, beyond, error) in [
        ("state", text(STATE_BYTES), text(STATE_BYTES + 1), "invalid_request"),
        ("nonce", text(NONCE_BYTES), text(NONCE_BYTES + 1), "invalid_request"),
        ("scope", scope(SCOPE_BYTES), scope(SCOPE_BYTES + 1), "invalid_scope"),
        ("scope", known(SCOPE_COUNT), known(SCOPE_COUNT + 1), "invalid_scope"),
    ] {
        let answer = world.get(&rp.url(&[(name, &inside)])).await;
        assert!(answer.location().starts_with("/login?"), "{name}: {}", answer.location());
        let answer = world.get(&rp.url(&[(name, &beyond)])).await;
        assert_eq!(answer.callback().get("error"), Some(error), "{name}");
    }
    let answer = world.get(&rp.url(&[("redirect_uri", &uri(REDIRECT_URI_BYTES))])).await;
    assert!(answer.location().starts_with("/login?"), "{}", answer.location());
    assert_eq!(world.get(&rp.url(&[("redirect_uri", &uri(REDIRECT_URI_BYTES + 1))])).await.status, 400);
    let many = world.get(&rp.url(&[("scope", &"s ".repeat(8_000))])).await;
    assert_eq!(many.callback().get("error"), Some("invalid_scope"));
}

#[tokio::test]
async fn attack_21_what_is_sent_on_or_kept_is_bounded_as_it_is_written_again() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    // Each byte of it is three once it is escaped.
    let long = "/".repeat(PARAM_VALUE_BYTES);
    let url = rp.url(&[]);
    let (_, query) = url.split_once('?').unwrap();
    let raw = async |path: &str, body: String| {
        let form = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request(Method::POST, &format!("{BASE}{path}")).header(form.0, form.1);
        world.send(request.body(Body::from(body)).unwrap()).await
    };
    assert_eq!(raw("/oidc/auth", format!("{query}&login_hint=/")).await.status, 303);
    assert_eq!(raw("/oidc/session/end", "state=/".to_owned()).await.status, 303);
    assert_eq!(raw("/oidc/session/end", format!("state={long}")).await.status, 413);
    let refused = raw("/oidc/auth", format!("{query}&login_hint={long}")).await;
    assert!(refused.status == 413 || refused.callback().get("error").is_some(), "{}", refused.status);
}

#[tokio::test]
async fn attack_21_an_authorization_header_is_bounded() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |app| {
        app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic
    })
    .await;
    let header = |bytes: usize| {
        let start = "Basic ";
        let pair = format!("{}:{}", rp.id, "x".repeat(bytes));
        use base64::{Engine, engine::general_purpose::STANDARD};
        let whole = format!("{start}{}", STANDARD.encode(pair));
        whole + " "
    };
    let words = async |value: String| -> Answer {
        world.post(&format!("{BASE}/oidc/token"), &[("grant_type", "x")], Some(&value)).await
    };
    let mut inside = header(15_000);
    inside += &" ".repeat(AUTHORIZATION_BYTES - inside.len());
    let beyond = inside.clone() + " ";
    assert!(words(inside).await.body.contains("client authentication failed"));
    assert!(words(beyond).await.body.contains("not valid HTTP Basic"));
}

#[test]
fn attack_21_what_an_operator_writes_is_bounded() {
    let app = |line: String| format!("[[applications]]\nidentifier = \"notes\"\n{line}");
    let user = |line: String| format!("[[users]]\nusername = \"alice\"\n{line}");
    let list = |count: usize, start: &str| (0..count).map(|n| format!("\"{start}{n}\",")).collect::<String>();
    let uris = |count: usize| app(format!("redirect_uris = [{}]", list(count, "https://rp.example/")));
    let origins = |count: usize| app(format!("web_origins = [{}]", list(count, "https://rp.example:1")));
    let roles = |count: usize| user(format!("roles = [{}]", list(count, "r")));
    let fields = |bytes: usize| user(format!("extended_fields = {{ a = \"{}\" }}", "x".repeat(bytes - 8)));
    let levels = |depth: usize| {
        user(format!("extended_fields = {{ a = {}{} }}", "[".repeat(depth - 1), "]".repeat(depth - 1)))
    };
    let expire = |seconds: i64| app(format!("access_token_expire = {seconds}"));
    let label = |bytes: usize| format!("[[applications]]\nidentifier = \"{}\"", "a".repeat(bytes));
    let password = |bytes: usize| user(format!("password = \"{}\"", "p".repeat(bytes)));
    let email = |bytes: usize| user(format!("email = \"{}@x\"", "e".repeat(bytes - 2)));
    let hash = |memory: u32, cost: u32| {
        user(format!(
            "password_hash = \"$argon2id$v=19$m={memory},t={cost},p=1$c2FsdHNhbHQ${}\"",
            "A".repeat(22)
        ))
    };
    for (inside, beyond, words) in [
        (uris(URIS_PER_APPLICATION), uris(URIS_PER_APPLICATION + 1), "at most 100 entries"),
        (origins(URIS_PER_APPLICATION), origins(URIS_PER_APPLICATION + 1), "at most 100 entries"),
        (roles(ROLES_PER_USER), roles(ROLES_PER_USER + 1), "at most 200 entries"),
        (fields(EXTENDED_FIELDS_BYTES), fields(EXTENDED_FIELDS_BYTES + 1), "at most 16384 bytes"),
        (levels(EXTENDED_FIELDS_DEPTH), levels(EXTENDED_FIELDS_DEPTH + 1), "at most 32 levels deep"),
        (expire(ACCESS_TOKEN_EXPIRE_MAX), expire(ACCESS_TOKEN_EXPIRE_MAX + 1), "60 to 2592000 seconds"),
        (label(63), label(64), "1 to 63"),
        (password(PASSWORD_BYTES), password(PASSWORD_BYTES + 1), "8 to 1024 bytes"),
        (email(IDENTIFIER_BYTES), email(IDENTIFIER_BYTES + 1), "must be an e-mail address"),
        (hash(65_536, 10), hash(65_537, 10), "m up to 65536"),
        (hash(64, 10), hash(64, 11), "t and p up to 10"),
    ] {
        if let Err(problems) = Description::parse(&inside) {
            panic!("{}: {inside:.200}", problems[0]);
        }
        let problems = Description::parse(&beyond).unwrap_err();
        assert!(problems.len() == 1 && problems[0].message.en.contains(words), "{problems:?}");
        assert!(problems[0].line >= 2, "{problems:?}");
    }
}
