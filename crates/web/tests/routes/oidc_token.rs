//! `/oidc/token`: what it asks of every request, and redeeming a code.

use std::sync::Arc;

use axum::body::Body;
use http::Method;
use serde_json::json;
use signet_protocol::{
    application::{Application, AuthMethod, GrantType},
    jose::SigningAlg,
    params::encode_pairs,
    redirect_uri::RedirectUri,
    time::Seconds,
};
use signet_testkit::{jwt::half_sha512, race::race};

use crate::{
    client,
    rp::{OFFLINE, Rp, Tokens},
    support::{
        Answer, BASE, CALLBACK, CHALLENGE, SECRET, VERIFIER, World, basic, half_hash, on_both_engines,
        request,
    },
};

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

/// A form with some parameters changed; `""` removes one.
fn changed<'a>(form: &[(&'a str, &'a str)], change: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = form.iter().filter(|(name, _)| change.iter().all(|(other, _)| other != name));
    kept.chain(change.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

fn refused(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[tokio::test]
async fn the_answer_has_what_was_granted_and_nobody_may_keep_it() {
    let (world, rp) = world_with_alice().await;
    let code = rp.code("alice", OFFLINE).await;
    let answer = rp.redeem(&code).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let tokens = Tokens::of(&answer);
    assert_eq!(tokens.json["token_type"], "Bearer");
    assert_eq!(tokens.json["expires_in"], 3600);
    assert_eq!(tokens.json["scope"], "openid profile email offline_access");
    let claims = tokens.access_token().claims;
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(rp.id), &json!(rp.id)));
    assert!(claims.get("email").is_none() && claims.get("name").is_none(), "no personal data: {claims}");
    let (now, exp) = (world.now(), claims["exp"].as_i64().unwrap());
    assert!((now + 3590..=now + 3600).contains(&exp));
    assert_eq!(rp.redeem("x").await.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn every_error_has_its_code_and_spends_nothing() {
    let (world, rp) = world_with_alice().await;
    let code = rp.code("alice", &[]).await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    let good = changed(&rp.redeeming(&code), &[("client_id", &rp.id), ("client_secret", SECRET)]);
    let truncated = &code[..63];
    let url = format!("{}/token", rp.issuer);
    for (change, status, error) in [
        (vec![("grant_type", "")], 400, "invalid_request"),
        (vec![("grant_type", "device_code")], 400, "unsupported_grant_type"),
        (vec![("grant_type", "client_credentials")], 400, "unauthorized_client"),
        (vec![("code", "")], 400, "invalid_request"),
        (vec![("code", "garbage")], 400, "invalid_grant"),
        (vec![("code", truncated)], 400, "invalid_grant"),
        (vec![("redirect_uri", "")], 400, "invalid_request"),
        (vec![("redirect_uri", "https://rp.example/cb/")], 400, "invalid_grant"),
        (vec![("redirect_uri", "https://rp.example/bye")], 400, "invalid_grant"),
        (vec![("code_verifier", "")], 400, "invalid_grant"),
        (vec![("code_verifier", CHALLENGE)], 400, "invalid_grant"),
        (vec![("code_verifier", "short")], 400, "invalid_grant"),
        (vec![("client_id", "")], 401, "invalid_client"),
        (vec![("client_id", "nobody")], 401, "invalid_client"),
        (vec![("client_id", "0123456789abcdef01234567")], 401, "invalid_client"),
        (vec![("client_secret", "")], 401, "invalid_client"),
        (vec![("client_secret", "wrong")], 401, "invalid_client"),
        (vec![("client_assertion", "x")], 400, "invalid_request"),
        (vec![("client_id", stranger.id.as_str())], 400, "invalid_grant"),
    ] {
        let answer = world.post(&url, &changed(&good, &change), None).await;
        assert_eq!(answer.error(), refused(status, error), "{change:?}");
        assert_eq!(answer.header("www-authenticate"), None, "{change:?}");
    }
    for name in ["code", "client_id", "foo"] {
        let mut twice = good.clone();
        twice.extend([(name, "x"), (name, "x")]);
        assert_eq!(world.post(&url, &twice, None).await.error(), refused(400, "invalid_request"), "{name}");
    }
    assert_eq!(world.post(&url, &good, None).await.status, 200, "none of them spent the code");
}

async fn with_body(world: &World, kind: Option<&str>, body: String) -> Answer {
    let mut builder = request(Method::POST, &format!("{BASE}/oidc/token"));
    if let Some(kind) = kind {
        builder = builder.header("content-type", kind);
    }
    world.send(builder.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn only_a_form_in_the_body_of_a_post_counts() {
    let (world, rp) = world_with_alice().await;
    let code = rp.code("alice", &[]).await;
    let form = changed(&rp.redeeming(&code), &[("client_id", &rp.id), ("client_secret", SECRET)]);
    let text = encode_pairs(form.iter().copied());
    let json = json!({ "grant_type": "authorization_code" }).to_string();
    for (kind, body) in [
        (Some("application/json"), json),
        (Some("text/plain"), text.clone()),
        (Some("multipart/form-data; boundary=x"), text.clone()),
        (Some(""), text.clone()),
        (None, text.clone()),
    ] {
        let answer = with_body(&world, kind, body).await;
        assert_eq!(answer.error(), refused(400, "invalid_request"), "{kind:?}");
        assert!(answer.body.contains("application/x-www-form-urlencoded"), "says what to send");
    }
    let url = format!("{}/token", rp.issuer);
    for query in [
        format!("?{text}"),
        format!("?client_id={}", rp.id),
        format!("?client_secret={SECRET}"),
        "?grant_type=authorization_code".to_owned(),
        format!("?code={code}"),
        "?client_secret".to_owned(),
    ] {
        let answer = world.post(&format!("{url}{query}"), &form, None).await;
        assert_eq!(answer.error(), refused(400, "invalid_request"), "{query}");
        assert!(answer.body.contains("form body"), "says where they belong: {}", answer.body);
    }
    let get = world.get(&format!("{url}?{text}")).await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, Some("POST, OPTIONS")));
    assert_eq!(get.json()["error"], "invalid_request");
    let big = with_body(&world, Some("application/x-www-form-urlencoded"), "x".repeat(40_000)).await;
    assert_eq!(big.error(), refused(413, "invalid_request"));
    let charset = Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8");
    assert_eq!(with_body(&world, charset, text).await.status, 200, "and nothing was spent");
}

#[tokio::test]
async fn exactly_the_registered_method_counts() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, registered) in AuthMethod::ALL.iter().copied().enumerate() {
        let rp = Rp::new(&world, &format!("app{number}"), |application| {
            application.settings.token_endpoint_auth_method = registered;
            application.settings.jwks = client::registered();
            // Registered for the other endpoints, it counts for nothing here.
            application.settings.introspection_endpoint_auth_method = AuthMethod::None;
        })
        .await;
        let code = rp.code("alice", &[]).await;
        let url = format!("{}/token", rp.issuer);
        let id = ("client_id", rp.id.as_str());
        let header = basic(&rp.id, SECRET);
        for (method, credentials, header) in [
            (AuthMethod::ClientSecretPost, vec![id, ("client_secret", SECRET)], None),
            (AuthMethod::ClientSecretBasic, vec![], Some(header.as_str())),
            (AuthMethod::None, vec![id], None),
        ] {
            if method == registered {
                continue;
            }
            let form = changed(&rp.redeeming(&code), &credentials);
            let answer = world.post(&url, &form, header).await;
            assert_eq!(answer.error(), refused(401, "invalid_client"), "{registered:?} by {method:?}");
            let challenge = header.map(|_| "Basic realm=\"signet\"");
            assert_eq!(answer.header("www-authenticate"), challenge, "answered in the scheme it used");
        }
        assert_eq!(rp.redeem(&code).await.status, 200, "{registered:?}");
    }
}

#[tokio::test]
async fn two_methods_at_once_and_broken_headers_are_refused() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |application| {
        application.settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
    })
    .await;
    let code = rp.code("alice", &[]).await;
    let (url, form) = (format!("{}/token", rp.issuer), rp.redeeming(&code));
    let good = basic(&rp.id, SECRET);
    let both = changed(&form, &[("client_secret", SECRET)]);
    assert_eq!(world.post(&url, &both, Some(&good)).await.error(), refused(400, "invalid_request"));
    let other = changed(&form, &[("client_id", "0123456789abcdef01234567")]);
    assert_eq!(world.post(&url, &other, Some(&good)).await.error(), refused(400, "invalid_request"));
    for header in ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x", &basic(&rp.id, "wrong")] {
        let answer = world.post(&url, &form, Some(header)).await;
        assert_eq!(answer.error(), refused(401, "invalid_client"), "{header}");
        assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic")));
    }
    let named = changed(&form, &[("client_id", rp.id.as_str())]);
    assert_eq!(world.post(&url, &named, Some(&good)).await.status, 200, "the same id twice is harmless");
}

#[tokio::test]
async fn a_grant_that_is_not_ticked_is_refused() {
    let (world, rp) = world_with_alice().await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    let code = rp.code("alice", &[]).await;
    let tick = async |grants: Vec<GrantType>| {
        world.update_application(rp.application.id, |app| app.settings.grant_types = grants).await;
    };
    tick(vec![GrantType::AuthorizationCode]).await;
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), refused(400, "unauthorized_client"));
    tick(vec![GrantType::RefreshToken]).await;
    assert_eq!(rp.redeem(&code).await.error(), refused(400, "unauthorized_client"));
    assert_eq!(rp.refresh(tokens.refresh()).await.status, 200);
}

#[tokio::test]
async fn a_code_ends_in_time() {
    let (world, rp) = world_with_alice().await;
    let code = rp.code("alice", &[]).await;
    world.advance(598);
    assert_eq!(rp.redeem(&code).await.status, 200);
    let code = rp.code("alice", &[]).await;
    world.advance(601);
    assert_eq!(rp.redeem(&code).await.error(), refused(400, "invalid_grant"));
    world
        .update_application(rp.application.id, |app| {
            app.settings.authorization_code_expire = Seconds(30);
            app.settings.access_token_expire = Seconds(120);
            app.settings.id_token_expire = Seconds(60);
        })
        .await;
    let code = rp.code("alice", &[]).await;
    world.advance(31);
    assert_eq!(rp.redeem(&code).await.error(), refused(400, "invalid_grant"));
    let tokens = rp.tokens("alice", &[]).await;
    assert_eq!(tokens.json["expires_in"], 120);
    let length =
        |claims: &serde_json::Value| claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!((length(&tokens.access_token().claims), length(&tokens.id_token().claims)), (120, 60));
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_another_client_or_at_another_issuer() {
    let (world, rp) = world_with_alice().await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    for (from, wrong) in [(&rp, &stranger), (&rp, &rp.at_home()), (&rp.at_home(), &rp)] {
        let code = from.code("alice", &[]).await;
        assert_eq!(wrong.redeem(&code).await.error(), refused(400, "invalid_grant"), "{}", wrong.issuer);
        assert_eq!(from.redeem(&code).await.status, 200, "and it did not spend the code");
    }
}

async fn attack_06_parallel_redemptions_give_tokens_once(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let code = rp.code("alice", OFFLINE).await;
    let answers = race(32, |_| {
        let (rp, code) = (rp.clone(), code.clone());
        async move { rp.redeem(&code).await }
    })
    .await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(good.len(), 1, "{answers:?}");
    for answer in bad {
        assert_eq!(answer.error(), refused(400, "invalid_grant"));
    }
    let tokens = Tokens::of(good[0]);
    assert!(!rp.is_active(&tokens.access).await, "used twice, it gives nothing");
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), refused(400, "invalid_grant"));
}
on_both_engines!(attack_06_parallel_redemptions_give_tokens_once);

async fn attack_27_a_code_used_again_takes_back_what_it_gave(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let code = rp.code("alice", OFFLINE).await;
    let tokens = Tokens::of(&rp.redeem(&code).await);
    // Only who could have used it can revoke: neither another client nor one without the verifier.
    let without = changed(&rp.redeeming(&code), &[("code_verifier", "")]);
    assert_eq!(rp.post("/token", &without).await.error(), refused(400, "invalid_grant"));
    assert_eq!(rp.at_home().redeem(&code).await.error(), refused(400, "invalid_grant"));
    let stranger = Rp::new(&world, "other", |_| {}).await;
    assert_eq!(stranger.redeem(&code).await.error(), refused(400, "invalid_grant"));
    let next = Tokens::of(&rp.refresh(tokens.refresh()).await);
    assert!(rp.is_active(&tokens.access).await);

    world.advance(1000);
    assert_eq!(rp.redeem(&code).await.error(), refused(400, "invalid_grant"));
    for access in [&tokens.access, &next.access] {
        assert_eq!(rp.me(access).await.error(), refused(401, "invalid_token"));
        assert_eq!(rp.introspect(access).await, json!({ "active": false }));
    }
    assert_eq!(rp.refresh(next.refresh()).await.error(), refused(400, "invalid_grant"));
}
on_both_engines!(attack_27_a_code_used_again_takes_back_what_it_gave);

#[tokio::test]
async fn attack_04_challenge_and_verifier_go_together() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |application| application.settings.allow_plain_pkce = true).await;
    let none: &[(&str, &str)] = &[("code_challenge", ""), ("code_challenge_method", "")];
    let s256: &[(&str, &str)] = &[];
    let plain: &[(&str, &str)] = &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
    let other = "x".repeat(43);
    for (asked, verifier, good) in [
        (none, "", true),
        (none, VERIFIER, false),
        (s256, "", false),
        (s256, VERIFIER, true),
        (s256, other.as_str(), false),
        (s256, CHALLENGE, false),
        (plain, "", false),
        (plain, VERIFIER, true),
        (plain, other.as_str(), false),
    ] {
        let code = rp.code("alice", asked).await;
        let answer = rp.post("/token", &changed(&rp.redeeming(&code), &[("code_verifier", verifier)])).await;
        assert_eq!(answer.status == 200, good, "{asked:?} {verifier}: {}", answer.body);
    }
}

#[tokio::test]
async fn tokens_are_signed_as_the_application_wants() {
    use SigningAlg::{EdDsa, Es256, Hs256, Ps256, Rs256};
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, (id_alg, access_alg)) in [
        (Rs256, Rs256),
        (Es256, Es256),
        (Hs256, Rs256),
        (Es256, Rs256),
        (Hs256, Es256),
        (Ps256, Ps256),
        (EdDsa, EdDsa),
        (Rs256, Ps256),
        (EdDsa, Rs256),
    ]
    .into_iter()
    .enumerate()
    {
        let rp = Rp::new(&world, &format!("app{number}"), |application| {
            application.settings.id_token_signed_response_alg = id_alg;
            application.settings.access_token_signed_response_alg = access_alg;
        })
        .await;
        for rp in [rp.at_home(), rp] {
            let tokens = rp.tokens("alice", &[]).await;
            let (id_token, access_token, jwks) = (tokens.id_token(), tokens.access_token(), rp.jwks().await);
            assert_eq!(id_token.header["alg"], id_alg.as_str());
            assert_eq!(access_token.header["alg"], access_alg.as_str());
            assert!(access_token.verifies_with(&jwks), "{} {jwks}", access_token.header);
            if id_alg == Hs256 {
                assert!(id_token.verifies_with_secret(SECRET));
                assert!(!id_token.verifies_with_secret("another"));
            } else {
                assert!(id_token.verifies_with(&jwks), "{} {jwks}", id_token.header);
            }
            let at_hash =
                if id_alg == EdDsa { half_sha512(&tokens.access) } else { half_hash(&tokens.access) };
            assert_eq!(id_token.claims["at_hash"], at_hash);
            assert_eq!(rp.me(&tokens.access).await.status, 200);
            let logout = format!("{}/session/end?id_token_hint={}", rp.issuer, tokens.id);
            assert_eq!(world.get(&logout).await.status, 200, "and is known again as a hint");
        }
    }
}

#[tokio::test]
async fn the_callback_stays_the_one_of_the_request() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let second = "https://rp.example/second";
    let rp = Rp::new(&world, "notes", |application: &mut Application| {
        application.settings.redirect_uris.push(RedirectUri::parse(second).unwrap());
    })
    .await;
    let code = rp.code("alice", &[("redirect_uri", second)]).await;
    assert_eq!(
        rp.redeem(&code).await.error(),
        refused(400, "invalid_grant"),
        "{CALLBACK} is registered, but not it"
    );
    let form = changed(&rp.redeeming(&code), &[("redirect_uri", second)]);
    assert_eq!(rp.post("/token", &form).await.status, 200);
}
