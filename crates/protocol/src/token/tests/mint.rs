//! What the tokens say.

use serde_json::{Map, Value, json};

use crate::{
    access_token::grant_of,
    application::{ActiveApplication, GrantType},
    jose::{Parsed, Signer, SigningAlg, Verifier, half_hash},
    samples::*,
    subject::Subjects,
    time::Seconds,
    token::{Minting, Signers, TokenResponse, allow},
};

/// Tokens of `granted` for `application`, the ID token signed by `id_token`.
fn minted(
    application: ActiveApplication,
    granted: &str,
    nonce: Option<&str>,
    id_token: Signer<'_>,
    refresh_token: Option<&str>,
) -> TokenResponse {
    let minting = Minting {
        issuer: &pool_issuer(),
        allowed: &allow(authenticated(application), GrantType::AuthorizationCode).unwrap(),
        user: &active_user(),
        subjects: Subjects::of(pool_key()),
        grant: &grant(),
        scope: scope(granted),
        nonce: nonce.map(str::to_owned),
    };
    let signers = Signers { access_token: Signer::Key(ec()), id_token };
    minting.mint(&signers, refresh_token.map(str::to_owned), NOW, &mut Seeded(1)).unwrap()
}

fn plain(granted: &str) -> TokenResponse {
    minted(active_application(), granted, None, Signer::Key(ec()), None)
}

fn claims(token: &str) -> Map<String, Value> {
    jws_part(token, 1)
}

#[test]
fn an_access_token_says_exactly_this() {
    let application = application_with(|settings| settings.access_token_expire = Seconds(77));
    let response = minted(application, "openid email", Some("n"), Signer::Key(rsa()), None);
    let header: Value = jws_part(&response.access_token, 0);
    assert_eq!(header, json!({"alg": "ES256", "typ": "at+jwt", "kid": ec().kid()}));
    let mut claims = claims(&response.access_token);
    let jti = claims.remove("jti").unwrap();
    assert_eq!(grant_of(jti.as_str().unwrap()), Some(grant_id()));
    assert_eq!(
        Value::Object(claims),
        json!({
            "iss": "https://id.example.com/oidc",
            "sub": user_id(),
            "aud": app_id(),
            "client_id": app_id(),
            "scope": "openid email",
            "iat": NOW.0,
            "exp": NOW.0 + 77,
            "sid": session_id().to_string(),
            "auth_time": NOW.0 - 30,
        })
    );
}

#[test]
fn an_id_token_says_exactly_this() {
    let application = application_with(|settings| settings.id_token_expire = Seconds(88));
    let response = minted(application, "openid email", Some("n-0"), Signer::Key(ec()), None);
    assert_eq!(
        Value::Object(claims(&response.id_token)),
        json!({
            "iss": "https://id.example.com/oidc",
            "sub": user_id(),
            "aud": app_id(),
            "iat": NOW.0,
            "exp": NOW.0 + 88,
            "auth_time": NOW.0 - 30,
            "nonce": "n-0",
            "at_hash": half_hash(SigningAlg::Es256, &response.access_token),
            "sid": session_id().to_string(),
            "email": "alice@example.com",
            "email_verified": true,
        })
    );
}

#[test]
fn a_nonce_is_there_only_when_one_was_given() {
    assert!(!claims(&plain("openid").id_token).contains_key("nonce"));
}

#[test]
fn each_key_signs_an_id_token_that_its_own_half_verifies() {
    let keys = [
        (Signer::Key(rsa()), Verifier::Key(rsa().verifying_key()), "RS256", Some(rsa().kid())),
        (Signer::Key(ec()), Verifier::Key(ec().verifying_key()), "ES256", Some(ec().kid())),
        (Signer::Hmac(hmac()), Verifier::Hmac(hmac()), "HS256", None),
    ];
    assert_eq!(keys.len(), SigningAlg::ALL.len());
    for (signer, verifier, alg, kid) in keys {
        let response = minted(active_application(), "openid", None, signer, None);
        let header: Value = jws_part(&response.id_token, 0);
        assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!("JWT")));
        assert_eq!(header.get("kid"), kid.map(|kid| json!(kid)).as_ref());
        let verified: Map<String, Value> =
            Parsed::parse(&response.id_token).unwrap().verify(verifier).unwrap();
        assert_eq!(verified["at_hash"], half_hash(signer.alg(), &response.access_token));
    }
}

#[test]
fn the_answer_has_the_members_of_the_standard() {
    let application = application_with(|settings| settings.access_token_expire = Seconds(77));
    let response = minted(application, "openid email", None, Signer::Key(ec()), Some("r"));
    let body = serde_json::to_value(&response).unwrap();
    assert_eq!(
        body,
        json!({
            "access_token": response.access_token,
            "token_type": "Bearer",
            "expires_in": 77,
            "refresh_token": "r",
            "id_token": response.id_token,
            "scope": "openid email",
        })
    );
    let without = serde_json::to_value(plain("openid")).unwrap();
    assert!(without.get("refresh_token").is_none(), "and none that is null");
}

#[test]
fn attack_05_no_two_access_tokens_share_a_jti() {
    let mut entropy = Seeded(1);
    let one = crate::access_token::new_jti(grant_id(), &mut entropy);
    let two = crate::access_token::new_jti(grant_id(), &mut entropy);
    assert_ne!(one, two);
    assert_eq!((one.len(), grant_of(&one), grant_of(&two)), (32, Some(grant_id()), Some(grant_id())));
    for wrong in ["", "short", &one[..31], &format!("{one}AAAA"), "not base64url, but of 32 letters"] {
        assert_eq!(grant_of(wrong), None, "{wrong}");
    }
}
