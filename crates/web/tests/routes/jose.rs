//! What is encrypted for a client, and user info that is signed.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use signet_protocol::{
    application::{GrantType, ResponseType},
    jose::{ClientKeys, ContentEncryption, KeyManagementAlg, SigningAlg},
    params::encode_pairs,
};
use signet_testkit::{jwe::Reader, jwt::Jwt};

use crate::{
    delivery::Delivery,
    rp::{OFFLINE, Rp, Tokens},
    support::{SECRET, World, half_hash},
};

fn jwks(keys: &[&Value]) -> Option<ClientKeys> {
    Some(ClientKeys::parse(&json!({"keys": keys}).to_string()).unwrap())
}

/// A client whose ID tokens are encrypted to `reader`.
async fn encrypting(world: &Arc<World>, name: &str, reader: &Reader, enc: Option<ContentEncryption>) -> Rp {
    let alg = match reader {
        Reader::Rsa(..) => KeyManagementAlg::RsaOaep256,
        Reader::P256(..) => KeyManagementAlg::EcdhEs,
    };
    // Another key that may be encrypted to stands before the one that is said to be for it.
    let other = match reader {
        Reader::Rsa(..) => Reader::rsa("other"),
        Reader::P256(..) => Reader::p256("other"),
    };
    let mut other = other.jwk().clone();
    other.as_object_mut().unwrap().remove("use");
    Rp::new(world, name, |application| {
        let settings = &mut application.settings;
        settings.grant_types.push(GrantType::Implicit);
        settings.response_types = vec![ResponseType::Code, ResponseType::CodeIdToken];
        settings.id_token_encrypted_response_alg = Some(alg);
        settings.id_token_encrypted_response_enc = enc;
        settings.jwks = jwks(&[&other, reader.jwk()]);
    })
    .await
}

#[tokio::test]
async fn id_tokens_are_encrypted_to_the_clients_key_wherever_they_are_made() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let readers = [Reader::rsa("rsa"), Reader::p256("ec")];
    let strangers = [Reader::rsa("rsa"), Reader::p256("ec")];
    for (number, reader) in readers.iter().enumerate() {
        for enc in [None, Some(ContentEncryption::A128CbcHs256), Some(ContentEncryption::A256Gcm)] {
            let name = format!("app{number}-{}", enc.map_or("default", |enc| enc.as_str()).to_lowercase());
            let rp = encrypting(&world, &name, reader, enc).await;
            let jwks = rp.jwks().await;
            let read = |token: &str| {
                let (header, inner) = reader.read(token).unwrap_or_else(|| panic!("{token}"));
                assert_eq!(header["cty"], "JWT");
                assert_eq!(header["kid"], reader.jwk()["kid"]);
                assert_eq!(header["enc"], enc.unwrap_or_default().as_str());
                assert!(strangers.iter().all(|stranger| stranger.read(token).is_none()));
                let jwt = Jwt::decode(&inner).unwrap();
                assert!(jwt.verifies_with(&jwks), "{inner}");
                jwt
            };
            let tokens = rp.tokens("alice", OFFLINE).await;
            assert_eq!(read(&tokens.id).claims["at_hash"], half_hash(&tokens.access));
            let refreshed = Tokens::of(&rp.refresh(tokens.refresh()).await);
            assert_eq!(read(&refreshed.id).claims["at_hash"], half_hash(&refreshed.access));
            assert!(tokens.access_token().verifies_with(&jwks), "access tokens are for others to read");

            let change = [("response_type", "code id_token"), ("nonce", "n")];
            let answer = rp.login(&mut world.browser(), "alice", &change).await;
            let front = Delivery::of(&answer);
            let claims = read(front.get("id_token").unwrap()).claims;
            assert_eq!(claims["c_hash"], half_hash(front.code()));
            assert_eq!(read(&Tokens::of(&rp.redeem(front.code()).await).id).claims["nonce"], "n");
        }
    }
}

#[tokio::test]
async fn an_encrypted_hint_needs_the_client_beside_it_and_proves_nothing() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let reader = Reader::p256("key");
    let rp = encrypting(&world, "notes", &reader, None).await;
    let mut browser = world.browser();
    let callback = rp.login(&mut browser, "alice", &[]).await.callback();
    let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    let end = |params: &[(&str, &str)]| {
        format!("{}/session/end?{}", rp.issuer, encode_pairs(params.iter().copied()))
    };
    let bye = ("post_logout_redirect_uri", "https://rp.example/bye");

    let alone = browser.open(&end(&[("id_token_hint", &tokens.id), bye])).await;
    assert_eq!(alone.status, 400);
    assert!(alone.body.contains("id_token_hint is encrypted"), "{}", alone.body);

    let named = browser.open(&end(&[("id_token_hint", &tokens.id), ("client_id", &rp.id), bye])).await;
    assert!(named.body.contains("id=\"sign-out\""), "the person is asked: {}", named.body);
    let out = browser.submit(&named, &[], "sign-out").await;
    assert_eq!(out.location(), "https://rp.example/bye");

    // The client decrypts it, as OpenID Connect Core §3.1.2.1 wants: then it is a hint like any other.
    let callback = rp.login(&mut browser, "alice", &[]).await.callback();
    let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    let (_, inner) = reader.read(&tokens.id).unwrap();
    let answer = browser.step(Method::GET, &end(&[("id_token_hint", &inner), bye]), None).await;
    assert_eq!(answer.location(), "https://rp.example/bye");
}

#[tokio::test]
async fn user_info_is_signed_for_those_who_want_it() {
    use SigningAlg::{EdDsa, Es256, Hs256, Ps256, Rs256};
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, alg) in [Rs256, Ps256, Es256, EdDsa, Hs256].into_iter().enumerate() {
        let rp = Rp::new(&world, &format!("app{number}"), |application| {
            application.settings.userinfo_signed_response_alg = Some(alg);
        })
        .await;
        for rp in [rp.at_home(), rp] {
            // The key is published before it is used.
            let jwks = rp.jwks().await;
            let tokens = rp.tokens("alice", &[("scope", "openid email")]).await;
            let answer = rp.me(&tokens.access).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("content-type")),
                (200, Some("application/jwt"))
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let jwt = Jwt::decode(&answer.body).unwrap();
            assert_eq!(jwt.header["alg"], alg.as_str());
            match alg {
                Hs256 => assert!(jwt.verifies_with_secret(SECRET)),
                _ => assert!(jwt.verifies_with(&jwks), "{} {jwks}", jwt.header),
            }
            assert_eq!(
                jwt.claims,
                json!({
                    "iss": rp.issuer, "aud": rp.id, "sub": tokens.id_token().claims["sub"],
                    "email": "alice@example.com", "email_verified": true,
                })
            );
            assert_eq!(rp.me("no token").await.error(), (401, "invalid_token".to_owned()), "errors are JSON");
        }
    }
}

/// Attack 7: what is signed with the same key for another purpose is no ID token.
#[tokio::test]
async fn attack_07_signed_user_info_is_no_id_token() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |application| {
        application.settings.userinfo_signed_response_alg = Some(SigningAlg::Rs256);
    })
    .await;
    let tokens = rp.tokens("alice", &[]).await;
    let user_info = rp.me(&tokens.access).await.body;
    assert_eq!(Jwt::decode(&user_info).unwrap().header.get("typ"), None);
    let end = |hint: &str| format!("{}/session/end?id_token_hint={hint}", rp.issuer);
    assert_eq!(world.get(&end(&tokens.id)).await.status, 200);
    assert_eq!(world.get(&end(&user_info)).await.status, 400);
    assert_eq!(rp.me(&user_info).await.error(), (401, "invalid_token".to_owned()));
}
