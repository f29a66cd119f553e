//! Switches for older clients (`docs/compatibility.md`): each is off by default, and does what it says and nothing more.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, header};
use serde_json::{Value, json};
use signet_protocol::{
    application::{Application, AuthMethod, GrantType},
    params::encode_pairs,
    user::Profile,
};

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, CALLBACK, PASSWORD, SECRET, VERIFIER, World, on_both_engines, request},
};

async fn rp(world: &Arc<World>, change: impl FnOnce(&mut Application)) -> Rp {
    world.user("alice", |_| {}).await;
    Rp::new(world, "notes", |application| {
        application.settings.grant_types.push(GrantType::Password);
        change(application);
    })
    .await
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

fn invalid_request() -> (u16, String) {
    (400, "invalid_request".to_owned())
}

/// POST to the token endpoint with these parameters in the URL, and those in the body.
async fn post(rp: &Rp, url: &[(&str, &str)], body: &[(&str, &str)]) -> Answer {
    let query = encode_pairs(url.iter().copied());
    rp.world.post(&format!("{}/token?{query}", rp.issuer), body, None).await
}

async fn a_refresh_token_can_be_reused_until_its_chain_ends(world: Arc<World>) {
    let rp = rp(&world, |app| app.settings.reuse_refresh_tokens = true).await;
    let first = rp.tokens("alice", OFFLINE).await;
    let mut last = first.clone();
    for _ in 0..3 {
        world.advance(9 * 86_400);
        last = Tokens::of(&rp.refresh(first.refresh()).await);
        assert_eq!(last.refresh, first.refresh, "the field is there, with the same token");
        assert!(rp.is_active(&last.access).await && rp.is_active(first.refresh()).await);
    }
    let more = [("grant_type", "refresh_token"), ("refresh_token", first.refresh()), ("scope", "roles")];
    assert_eq!(rp.post("/token", &more).await.error(), (400, "invalid_scope".to_owned()));
    world.update_application(rp.application.id, |app| app.settings.reuse_refresh_tokens = false).await;
    let next = Tokens::of(&rp.refresh(first.refresh()).await);
    assert_ne!(next.refresh, first.refresh, "switched off, the chain moves on");
    world.update_application(rp.application.id, |app| app.settings.reuse_refresh_tokens = true).await;
    assert_eq!(Tokens::of(&rp.refresh(next.refresh()).await).refresh, next.refresh);
    world.advance(61);
    assert_eq!(
        rp.refresh(first.refresh()).await.error(),
        invalid_grant(),
        "one out of turn is a fork all the same"
    );
    assert!(!rp.is_active(&last.access).await && !rp.is_active(next.refresh()).await);
}

async fn a_reused_refresh_token_dies_with_its_grant_and_its_time(world: Arc<World>) {
    let rp = rp(&world, |app| app.settings.reuse_refresh_tokens = true).await;
    let (revoked, expired) = (rp.tokens("alice", OFFLINE).await, rp.tokens("alice", OFFLINE).await);
    let again = Tokens::of(&rp.refresh(revoked.refresh()).await);
    assert_eq!(rp.revoke(&again.access).await.status, 200);
    assert_eq!(rp.refresh(revoked.refresh()).await.error(), invalid_grant());
    world.advance(30 * 86_400);
    assert_eq!(rp.refresh(expired.refresh()).await.error(), invalid_grant());
}

on_both_engines!(
    a_refresh_token_can_be_reused_until_its_chain_ends,
    a_reused_refresh_token_dies_with_its_grant_and_its_time,
);

#[tokio::test]
async fn attack_06_a_public_client_never_reuses() {
    let world = World::new().await;
    let rp = rp(&world, |app| {
        // No rule lets this be stored.
        app.settings.reuse_refresh_tokens = true;
        app.settings.token_endpoint_auth_method = AuthMethod::None;
    })
    .await;
    let first = rp.tokens("alice", OFFLINE).await;
    assert_ne!(Tokens::of(&rp.refresh(first.refresh()).await).refresh, first.refresh);
}

#[tokio::test]
async fn a_token_request_can_have_its_parameters_in_the_url() {
    let world = World::new().await;
    let rp = rp(&world, |app| app.settings.token_request_in_url = true).await;
    let code = rp.code("alice", OFFLINE).await;
    // The form of the vendor's documentation.
    let redeeming = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("client_id", &rp.id),
        ("client_secret", SECRET),
    ];
    let answer = post(&rp, &redeeming, &[]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = Tokens::of(&answer);
    let refreshing =
        [("grant_type", "refresh_token"), ("client_id", rp.id.as_str()), ("client_secret", SECRET)];
    let next = Tokens::of(&post(&rp, &refreshing, &[("refresh_token", tokens.refresh())]).await);
    let without_body = request(
        Method::POST,
        &format!(
            "{}/token?{}&refresh_token={}",
            rp.issuer,
            encode_pairs(refreshing.into_iter()),
            next.refresh()
        ),
    );
    Tokens::of(&world.send(without_body.body(Body::empty()).unwrap()).await);

    for (url, body) in [
        (&refreshing[..], &[("refresh_token", next.refresh()), ("client_id", rp.id.as_str())][..]),
        (&[("client_id", rp.id.as_str()), ("client_id", rp.id.as_str())], &[("grant_type", "refresh_token")]),
    ] {
        assert_eq!(post(&rp, url, body).await.error(), invalid_request(), "in both, or twice");
    }
    let wrong = [("grant_type", "refresh_token"), ("client_id", rp.id.as_str()), ("client_secret", "wrong")];
    assert_eq!(post(&rp, &wrong, &[]).await.error(), (401, "invalid_client".to_owned()));
    let get = world.get(&format!("{}/token?{}", rp.issuer, encode_pairs(refreshing.into_iter()))).await;
    assert_eq!(get.status, 405);
    for path in ["introspection", "revocation"] {
        let query = encode_pairs(
            [("client_id", rp.id.as_str()), ("client_secret", SECRET), ("token", "x")].into_iter(),
        );
        let refused = world.post(&format!("{}/token/{path}?{query}", rp.issuer), &[], None).await;
        assert_eq!(refused.error(), invalid_request(), "{path} is another endpoint");
    }
}

#[tokio::test]
async fn the_password_needs_a_switch_of_its_own_to_be_in_the_url() {
    let world = World::new().await;
    let rp = rp(&world, |app| app.settings.token_request_in_url = true).await;
    let rest = [
        ("grant_type", "password"),
        ("client_id", rp.id.as_str()),
        ("client_secret", SECRET),
        ("username", "alice"),
        ("scope", "openid offline_access"),
    ];
    let whole = [&rest[..], &[("password", PASSWORD)]].concat();
    assert_eq!(post(&rp, &whole, &[]).await.error(), invalid_request());
    assert!(Tokens::of(&post(&rp, &rest, &[("password", PASSWORD)]).await).refresh.is_some());
    world.update_application(rp.application.id, |app| app.settings.password_in_url = true).await;
    assert!(Tokens::of(&post(&rp, &whole, &[]).await).refresh.is_some());
    world.update_application(rp.application.id, |app| app.settings.token_request_in_url = false).await;
    for url in [&rest[..], &whole, &[("password", PASSWORD)]] {
        assert_eq!(post(&rp, url, &[]).await.error(), invalid_request(), "alone it allows nothing");
    }
}

#[tokio::test]
async fn attack_25_nothing_is_taken_from_the_url_of_others() {
    let world = World::new().await;
    let rp = rp(&world, |_| {}).await;
    let stranger = Rp::new(&world, "other", |app| app.settings.token_request_in_url = true).await;
    let body = [("client_id", rp.id.as_str()), ("client_secret", SECRET), ("grant_type", "refresh_token")];
    for name in ["refresh_token", "code", "username", "email", "phone", "password", "grant_type"] {
        let left: Vec<_> = body.into_iter().filter(|(own, _)| *own != name).collect();
        assert_eq!(post(&rp, &[(name, "x")], &left).await.error(), invalid_request(), "{name}");
    }
    let nobody = [("client_id", "0123456789abcdef01234567"), ("grant_type", "refresh_token")];
    assert_eq!(post(&rp, &nobody, &[]).await.error(), invalid_request());
    let theirs = [
        ("client_id", stranger.id.as_str()),
        ("client_secret", SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
    ];
    assert_eq!(post(&stranger, &theirs, &[]).await.error(), invalid_grant());
}

#[tokio::test]
async fn a_refresh_can_name_its_application_by_a_header() {
    let world = World::new().await;
    let public = |app: &mut Application| {
        app.secret = None;
        app.settings.token_endpoint_auth_method = AuthMethod::None;
    };
    let rp = rp(&world, |app| {
        public(app);
        app.settings.refresh_without_client_id = true;
    })
    .await;
    let stranger = Rp::new(&world, "other", public).await;
    let send = async |form: &[(&str, &str)], app_id: Option<&str>, basic: Option<String>| {
        let mut builder = request(Method::POST, &format!("{}/token", rp.issuer))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        builder = app_id.into_iter().fold(builder, |builder, id| builder.header("x-authing-app-id", id));
        builder = basic.into_iter().fold(builder, |builder, value| builder.header("authorization", value));
        world.send(builder.body(encode_pairs(form.iter().copied()).into()).unwrap()).await
    };
    let tokens = rp.tokens("alice", OFFLINE).await;
    // As the web SDK sends it.
    let form = [("grant_type", "refresh_token"), ("redirect_uri", ""), ("refresh_token", tokens.refresh())];
    let next = Tokens::of(&send(&form, Some(&rp.id), None).await);

    let refreshing = [("grant_type", "refresh_token"), ("refresh_token", next.refresh())];
    let code = rp.code("alice", &[]).await;
    let with_secret = [&refreshing[..], &[("client_secret", SECRET)]].concat();
    let named = [&refreshing[..], &[("client_id", stranger.id.as_str())]].concat();
    let basic = crate::support::basic(&rp.id, "x");
    for (form, app_id, basic, status, error) in [
        (&refreshing[..], None, None, 401, "invalid_client"),
        (&refreshing, Some("nobody"), None, 401, "invalid_client"),
        (&refreshing, Some("0123456789abcdef01234567"), None, 401, "invalid_client"),
        (&refreshing, Some(stranger.id.as_str()), None, 401, "invalid_client"),
        (&with_secret, Some(&rp.id), None, 401, "invalid_client"),
        (&refreshing, Some(&rp.id), Some(basic), 401, "invalid_client"),
        (&named, Some(&rp.id), None, 400, "invalid_grant"),
        (&rp.redeeming(&code), Some(&rp.id), None, 401, "invalid_client"),
    ] {
        let answer = send(form, app_id, basic).await;
        assert_eq!(answer.error(), (status, error.to_owned()), "{form:?} {app_id:?}");
    }
    Tokens::of(&send(&refreshing, Some(&rp.id), None).await);

    world
        .update_application(rp.application.id, |app| {
            // No rule lets this be stored.
            app.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        })
        .await;
    let answer = send(&refreshing, Some(&rp.id), None).await;
    assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "a header proves nothing");
}

#[tokio::test]
async fn with_both_switches_the_id_token_is_the_one_of_older_systems() {
    let world = World::new().await;
    world
        .user("alice", |user| {
            (user.username, user.details.profile) = (None, Profile::default());
        })
        .await;
    let rp = Rp::new(&world, "notes", |app| {
        let settings = &mut app.settings;
        settings.grant_types = vec![GrantType::Password];
        (settings.empty_claims_as_null, settings.updated_at_as_text) = (true, true);
    })
    .await;
    let form = [("grant_type", "password"), ("email", "alice@example.com"), ("password", PASSWORD)];
    let tokens = Tokens::of(&rp.post("/token", &form).await);
    let shown = json!({
        "birthdate": null, "family_name": null, "gender": "U", "given_name": null, "locale": null, "middle_name": null,
        "name": null, "nickname": null, "picture": null, "preferred_username": null, "profile": null,
        "updated_at": tokens.id_token().claims["updated_at"], "website": null, "zoneinfo": null,
    });
    let moment = shown["updated_at"].as_str().unwrap();
    assert!(
        moment.starts_with("20")
            && moment.ends_with(".000Z")
            && moment.len() == "2021-02-23T14:44:18.085Z".len()
    );
    for claims in [&tokens.id_token().claims, &rp.me(&tokens.access).await.json()] {
        for (name, value) in shown.as_object().unwrap() {
            assert_eq!(claims.get(name), Some(value), "{name}");
        }
    }
}

async fn validate(rp: &Rp, query: &[(&str, &str)]) -> Answer {
    let host = rp.issuer.strip_suffix("/oidc").unwrap();
    rp.world.get(&format!("{host}/api/v2/oidc/validate_token?{}", encode_pairs(query.iter().copied()))).await
}

fn is_refused(answer: &Answer) -> bool {
    let json = answer.json();
    answer.status == 400 && json["code"] == 400 && json["message"].is_string() && json.get("sub").is_none()
}

async fn validate_token_tells_what_live_tokens_say(world: Arc<World>) {
    let on = |app: &mut Application| app.settings.validate_token = true;
    let rp = rp(&world, on).await;
    let alice = rp.tokens("alice", &[]).await;
    for (name, jwt) in [("access_token", alice.access_token()), ("id_token", alice.id_token())] {
        let text = if name == "id_token" { &alice.id } else { &alice.access };
        let answer = validate(&rp, &[(name, text)]).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, Value::clone(&jwt.claims)), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(is_refused(&validate(&rp.at_home(), &[(name, text)]).await), "another issuer");
        for wrong in ["", "x", &text[..text.len() - 2], &format!("{text}A")] {
            assert!(is_refused(&validate(&rp, &[(name, wrong)]).await), "{name} {wrong}");
        }
    }
    for query in [
        &[][..],
        &[("access_token", alice.id.as_str())],
        &[("id_token", alice.access.as_str())],
        &[("access_token", alice.access.as_str()), ("id_token", alice.id.as_str())],
        &[("access_token", alice.access.as_str()), ("access_token", alice.access.as_str())],
    ] {
        assert!(is_refused(&validate(&rp, query).await), "{query:?}");
    }
    let secret = Rp::new(&world, "keyed", |app| {
        on(app);
        app.settings.id_token_signed_response_alg = signet_protocol::jose::SigningAlg::Hs256;
    })
    .await;
    let keyed = secret.tokens("alice", &[]).await;
    assert_eq!(validate(&secret, &[("id_token", &keyed.id)]).await.json()["aud"], secret.id);

    assert_eq!(rp.revoke(&alice.access).await.status, 200);
    assert!(is_refused(&validate(&rp, &[("access_token", &alice.access)]).await), "revoked");
    let other = rp.tokens("alice", &[]).await;
    let id = signet_protocol::id::UserId::parse(other.id_token().claims["sub"].as_str().unwrap()).unwrap();
    let both = [("access_token", &other.access), ("id_token", &other.id)];
    world.update_user(id, |user| user.blocked = true).await;
    for (name, text) in both {
        assert!(is_refused(&validate(&rp, &[(name, text)]).await), "attack 9: {name} of somebody blocked");
    }
    world.update_user(id, |user| user.blocked = false).await;
    assert_eq!(validate(&rp, &[("id_token", &other.id)]).await.status, 200);
    world.advance(3600);
    for (name, text) in both {
        assert!(is_refused(&validate(&rp, &[(name, text)]).await), "{name} too late");
    }
}

on_both_engines!(validate_token_tells_what_live_tokens_say);

#[tokio::test]
async fn validate_token_is_off_until_it_is_switched_on() {
    let world = World::new().await;
    let rp = rp(&world, |_| {}).await;
    let tokens = rp.tokens("alice", &[]).await;
    for query in [("access_token", tokens.access.as_str()), ("id_token", &tokens.id)] {
        let answer = validate(&rp, &[query]).await;
        assert!(is_refused(&answer) && answer.body.contains("not switched on"), "{}", answer.body);
    }
    let host = rp.issuer.strip_suffix("/oidc").unwrap();
    let posted =
        world.post(&format!("{host}/api/v2/oidc/validate_token"), &[("id_token", &tokens.id)], None).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn attack_26_the_headers_of_vendor_libraries_pass_the_preflight_of_registered_origins() {
    let world = World::new().await;
    let rp = rp(&world, |_| {}).await;
    let vendor =
        "x-authing-app-id,x-authing-request-from,x-authing-sdk-version,x-authing-lang,x-genauth-app-id";
    let host = rp.issuer.strip_suffix("/oidc").unwrap();
    for path in ["/oidc/token", "/oidc/me", "/api/v2/oidc/validate_token", "/oidc/.well-known/jwks.json"] {
        for (origin, registered) in [("https://rp.example", true), ("https://evil.example", false)] {
            let preflight = request(Method::OPTIONS, &format!("{host}{path}"))
                .header("origin", origin)
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", vendor);
            let answer = world.send(preflight.body(Body::empty()).unwrap()).await;
            let open = registered || path.ends_with("jwks.json");
            assert_eq!(
                answer.header("access-control-allow-headers"),
                open.then_some(vendor),
                "{path} {origin}"
            );
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}
