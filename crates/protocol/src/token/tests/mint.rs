//! What the tokens say.

use serde_json::{Map, Value, json};

use crate::{
    access_token::grant_of,
    application::{ActiveApplication, GrantType, ResponseType},
    authorize::AllowedResponse,
    claims_request::ClaimsRequest,
    grant::Grant,
    jose::{KeyAlg, Parsed, Signer, SigningAlg, SigningKey, Verifier, half_hash},
    pool::PoolSettings,
    samples::*,
    subject::Subjects,
    time::Seconds,
    token::{FrontTokens, Minting, Signers, TokenResponse, allow},
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
        user: &admitted_user(),
        subjects: Subjects::of(pool_key()),
        grant: &grant(),
        scope: user_scope(granted),
        pool: &PoolSettings::default(),
        nonce: nonce.map(str::to_owned),
    };
    let signers = Signers { access_token: Signer::Key(ec()), id_token, recipient: None };
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
        Value::Object(claims(response.id_token.as_deref().unwrap())),
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

/// The answer of `kind` from the authorization endpoint.
fn front(kind: ResponseType, id_token: Signer<'_>, state: Option<&str>) -> FrontTokens {
    let application = application_with(|settings| {
        settings.grant_types = GrantType::ALL.to_vec();
        settings.response_types = ResponseType::ALL.to_vec();
        settings.access_token_expire = Seconds(77);
    });
    let minting = Minting {
        issuer: &pool_issuer(),
        allowed: &AllowedResponse::of(&application, kind).unwrap(),
        user: &admitted_user(),
        subjects: Subjects::of(pool_key()),
        grant: &grant(),
        scope: user_scope("openid work email"),
        pool: &PoolSettings::default(),
        nonce: Some("n-0".to_owned()),
    };
    let signers = Signers { access_token: Signer::Key(ec()), id_token, recipient: None };
    let code = kind.gives_code().then_some("c0de");
    minting.mint_front(&signers, code, state, NOW, &mut Seeded(1)).unwrap()
}

#[test]
fn each_return_type_gets_its_tokens_and_hashes() {
    for kind in ResponseType::ALL {
        for (signer, alg) in [
            (Signer::Key(rsa()), SigningAlg::Rs256),
            (Signer::Key(ec()), SigningAlg::Es256),
            (Signer::Hmac(hmac()), SigningAlg::Hs256),
        ] {
            for state in [None, Some("st4te")] {
                let tokens = front(*kind, signer, state);
                assert_eq!(tokens.access.is_some(), kind.gives_token(), "{kind:?}");
                assert_eq!(tokens.id_token.is_some(), kind.gives_id_token(), "{kind:?}");
                let Some(id_token) = &tokens.id_token else { continue };
                let claims = claims(id_token);
                let hash = |text: Option<&str>| text.map(|text| json!(half_hash(alg, text)));
                let access = tokens.access.as_ref().map(|access| access.token.as_str());
                assert_eq!(claims.get("at_hash"), hash(access).as_ref(), "{kind:?}");
                let code = kind.as_str().contains("code").then_some("c0de");
                assert_eq!(claims.get("c_hash"), hash(code).as_ref(), "{kind:?}");
                assert_eq!(claims.get("s_hash"), hash(state).as_ref(), "{kind:?}");
                assert_eq!(
                    (&claims["nonce"], &claims["email"]),
                    (&json!("n-0"), &json!("alice@example.com"))
                );
            }
        }
    }
}

#[test]
fn a_front_access_token_is_one_of_its_grant() {
    let access = front(ResponseType::CodeToken, Signer::Key(ec()), None).access.unwrap();
    assert_eq!((access.expires_in, access.scope), (Seconds(77), scope("openid email")));
    let claims = claims(&access.token);
    assert_eq!(grant_of(claims["jti"].as_str().unwrap()), Some(grant_id()));
    assert_eq!(claims["exp"], json!(NOW.0 + 77));
}

#[test]
fn attack_18_neither_gate_keeps_a_scope_that_means_nothing_in_the_pool() {
    let response = plain("openid work email");
    let front = front(ResponseType::IdTokenToken, Signer::Key(ec()), None).access.unwrap();
    for (token, told) in [(response.access_token, response.scope), (front.token, front.scope)] {
        assert_eq!((&claims(&token)["scope"], told), (&json!("openid email"), scope("openid email")));
    }
}

#[test]
fn a_nonce_is_there_only_when_one_was_given() {
    assert!(!claims(plain("openid").id_token.as_deref().unwrap()).contains_key("nonce"));
}

#[test]
fn each_key_signs_an_id_token_that_its_own_half_verifies() {
    let [ps, ed] = [KeyAlg::Ps256, KeyAlg::EdDsa].map(|alg| SigningKey::generate(alg).unwrap().0);
    let keys = [
        (Signer::Key(rsa()), Verifier::Key(rsa().verifying_key()), "RS256", Some(rsa().kid())),
        (Signer::Key(&ps), Verifier::Key(ps.verifying_key()), "PS256", Some(ps.kid())),
        (Signer::Key(&ed), Verifier::Key(ed.verifying_key()), "EdDSA", Some(ed.kid())),
        (Signer::Key(ec()), Verifier::Key(ec().verifying_key()), "ES256", Some(ec().kid())),
        (Signer::Hmac(hmac()), Verifier::Hmac(hmac()), "HS256", None),
    ];
    assert_eq!(keys.len(), SigningAlg::ALL.len());
    for (signer, verifier, alg, kid) in keys {
        let response = minted(active_application(), "openid", None, signer, None);
        let header: Value = jws_part(response.id_token.as_deref().unwrap(), 0);
        assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!("JWT")));
        assert_eq!(header.get("kid"), kid.map(|kid| json!(kid)).as_ref());
        let verified: Map<String, Value> =
            Parsed::parse(response.id_token.as_deref().unwrap()).unwrap().verify(verifier).unwrap();
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

/// Tokens of `openid email` for a request that asked for `claims` one by one.
fn minted_with(claims: &str) -> TokenResponse {
    let minting = Minting {
        issuer: &pool_issuer(),
        allowed: &allow(authenticated(active_application()), GrantType::AuthorizationCode).unwrap(),
        user: &admitted_user(),
        subjects: Subjects::of(pool_key()),
        grant: &Grant { claims: ClaimsRequest::parse(claims).unwrap(), ..grant() },
        scope: user_scope("openid email"),
        pool: &PoolSettings::default(),
        nonce: None,
    };
    let signers = Signers { access_token: Signer::Key(ec()), id_token: Signer::Key(ec()), recipient: None };
    minting.mint(&signers, None, NOW, &mut Seeded(1)).unwrap()
}

#[test]
fn an_id_token_says_more_when_more_was_asked_for_it() {
    let usual: Vec<String> =
        claims(plain("openid email").id_token.as_deref().unwrap()).keys().cloned().collect();
    let class = json!("urn:signet:acr:password");
    for (asked, more) in [
        (r#"{"userinfo":{"name":null,"acr":null}}"#, json!({})),
        (r#"{"id_token":{"email":null,"sub":null,"iss":null,"unheard-of":null}}"#, json!({})),
        (
            r#"{"id_token":{"name":{"essential":true},"phone_number":null}}"#,
            json!({"name": "Alice Liddell", "phone_number": "+8613800138000"}),
        ),
        (r#"{"id_token":{"name":{"value":"Bob"},"gender":{"values":["M","F"]}}}"#, json!({"gender": "F"})),
        (r#"{"id_token":{"acr":{"values":["2"]}}}"#, json!({"acr": class, "amr": ["pwd"]})),
        (r#"{"id_token":{"amr":null}}"#, json!({"amr": ["pwd"]})),
    ] {
        let mut told = claims(minted_with(asked).id_token.as_deref().unwrap());
        usual.iter().for_each(|name| assert!(told.remove(name).is_some(), "{name}"));
        assert_eq!(Value::Object(told), more, "{asked}");
    }
}

#[test]
fn an_access_token_says_whether_user_info_tells_more_than_its_scope() {
    for (asked, mark) in [
        ("{}", None),
        (r#"{"id_token":{"name":null}}"#, None),
        (r#"{"userinfo":{"name":null}}"#, Some(&json!(true))),
    ] {
        assert_eq!(claims(&minted_with(asked).access_token).get("userinfo_claims"), mark, "{asked}");
    }
}

#[test]
fn attack_17_no_token_of_a_pairwise_application_names_the_user_or_the_session() {
    let response = minted(application_with(pairwise), "openid", None, Signer::Key(ec()), None);
    let tokens = [claims(&response.access_token), claims(response.id_token.as_deref().unwrap())];
    for told in &tokens {
        let text = serde_json::to_string(told).unwrap();
        assert!(
            !text.contains(&user_id().to_string()) && !text.contains(&session_id().to_string()),
            "{text}"
        );
        assert_eq!((&told["sub"], &told["sid"]), (&tokens[0]["sub"], &tokens[0]["sid"]));
    }
}
