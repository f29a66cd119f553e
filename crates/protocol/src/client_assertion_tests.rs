//! Every claim of an assertion, and every key it may and may not be signed with.

use serde_json::{Value, json};

use super::*;
use crate::{
    application::ApplicationSettings,
    client_auth::{authenticate, presented},
    jose::{JwkSet, KeyAlg, Signer, SigningKey, Typ, b64, sign},
    samples::*,
};

fn jwks(keys: &[&SigningKey]) -> ClientKeys {
    let set = JwkSet { keys: keys.iter().map(|key| key.public_jwk().clone()).collect() };
    ClientKeys::parse(&serde_json::to_string(&set).unwrap()).unwrap()
}

/// The sample application with this method at the token endpoint, and the sample P-256 key registered.
fn registered(method: AuthMethod, change: fn(&mut ApplicationSettings)) -> ActiveApplication {
    application_with(|settings| {
        settings.token_endpoint_auth_method = method;
        settings.jwks = Some(jwks(&[ec()]));
        change(settings);
    })
}

fn by_key() -> ActiveApplication {
    registered(AuthMethod::PrivateKeyJwt, |_| {})
}

fn by_secret() -> ActiveApplication {
    registered(AuthMethod::ClientSecretJwt, |_| {})
}

/// A good set of claims, changed.
fn claims(change: Value) -> Value {
    let id = app_id().to_string();
    let mut claims =
        json!({"iss": id, "sub": id, "aud": pool_issuer().url(), "jti": "1", "iat": NOW, "exp": NOW.0 + 60});
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn shown(assertion: &str) -> PresentedClient {
    presented(&params(&[("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]), None)
        .unwrap()
}

fn verify(app: &ActiveApplication, assertion: &str) -> Result<Verified, Refusal> {
    let shown = shown(assertion);
    let asserted = asserted(Some(app.clone()), &shown, |app| app.settings.token_endpoint_auth_method)?;
    let verified = asserted.verify(app.settings.jwks.as_ref(), &pool_issuer(), NOW);
    verified.map_err(|error| error.told(INVALID_CLIENT))
}

fn signed(claims: &Value) -> String {
    forge(&json!({"alg": "ES256"}), claims)
}

fn keyed(claims: &Value) -> String {
    sign(&Signer::Hmac(hmac()), Typ::IdToken, claims).unwrap()
}

#[test]
fn a_right_assertion_authenticates_once() {
    for (app, assertion) in [(by_key(), signed(&claims(json!({})))), (by_secret(), keyed(&claims(json!({}))))]
    {
        let first = verify(&app, &assertion).unwrap();
        let again = verify(&app, &assertion).unwrap();
        assert_eq!((first.key, first.until), (again.key, Timestamp(NOW.0 + 120)));
        assert_eq!(first.spent(true).unwrap().application().id, app_id());
        assert_eq!(again.spent(false).unwrap_err(), USED);
        assert_tellable(USED);
    }
    let other = verify(&by_key(), &signed(&claims(json!({"jti": "2"})))).unwrap();
    assert_ne!(other.key, verify(&by_key(), &signed(&claims(json!({})))).unwrap().key);
}

#[test]
fn every_algorithm_of_a_registered_key_is_accepted() {
    for alg in KeyAlg::ALL {
        let (key, _) = SigningKey::generate(*alg).unwrap();
        let assertion = sign(&Signer::Key(&key), Typ::IdToken, &claims(json!({}))).unwrap();
        let mut app = crate::samples::application();
        app.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        app.settings.jwks = Some(jwks(&[&key]));
        assert!(verify(&std::sync::Arc::new(app).active().unwrap(), &assertion).is_ok(), "{alg:?}");
    }
}

#[test]
fn claims_are_what_they_must_be() {
    let url = pool_issuer().url().to_owned();
    for (change, good) in [
        (json!({"iat": null}), true),
        (json!({"iat": NOW.0 + 60, "nbf": NOW.0 + 60}), true),
        (json!({"exp": NOW.0 - 59}), true),
        (json!({"exp": NOW.0 + 660}), true),
        (json!({"exp": NOW.0 as f64 + 0.5}), true),
        (json!({"aud": format!("{url}/token")}), true),
        (json!({"aud": format!("{url}/token/revocation")}), true),
        (json!({"aud": [url, format!("{url}/token")]}), true),
        (json!({"other": "claim"}), true),
        (json!({"exp": NOW.0 - 60}), false),
        (json!({"exp": NOW.0 + 661}), false),
        (json!({"exp": 1e300}), false),
        (json!({"exp": null}), false),
        (json!({"exp": "soon"}), false),
        (json!({"iat": NOW.0 + 61}), false),
        (json!({"nbf": NOW.0 + 61}), false),
        (json!({"iss": other_app_id().to_string()}), false),
        (json!({"iss": null}), false),
        (json!({"sub": other_app_id().to_string()}), false),
        (json!({"sub": null}), false),
        (json!({"aud": null}), false),
        (json!({"aud": []}), false),
        (json!({"aud": "https://evil.example"}), false),
        (json!({"aud": [url, "https://evil.example"]}), false),
        (json!({"aud": format!("{url}/me")}), false),
        (json!({"aud": format!("{url}.evil")}), false),
        (json!({"aud": app_issuer().url()}), false),
        (json!({"jti": null}), false),
        (json!({"jti": ""}), false),
        (json!({"jti": 1}), false),
    ] {
        for (app, assertion) in
            [(by_key(), signed(&claims(change.clone()))), (by_secret(), keyed(&claims(change.clone())))]
        {
            let outcome = verify(&app, &assertion);
            assert_eq!(outcome.is_ok(), good, "{change} {outcome:?}");
            let _ = outcome.map_err(|refusal| {
                assert_eq!(refusal.code, ErrorCode::InvalidClient);
                assert_tellable(refusal);
            });
        }
    }
}

#[test]
fn attack_07_the_key_and_not_the_header_says_how_an_assertion_is_verified() {
    let good = claims(json!({}));
    let part = |value: &Value| b64(&serde_json::to_vec(value).unwrap());
    // Keyed with what everybody knows: the public key, in whatever form it is written.
    let public = serde_json::to_string(ec().public_jwk()).unwrap();
    let forged = keyed_by(public.as_bytes(), r#"{"alg":"HS256"}"#, &good.to_string());
    assert!(
        verify(&by_secret(), &keyed_by(APP_SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &good.to_string()))
            .is_ok()
    );
    let none = format!("{}.{}.", part(&json!({"alg": "none"})), part(&good));
    let with_signature = format!("{}.{}.AA", part(&json!({"alg": "none"})), part(&good));
    for (app, assertion) in [
        (by_key(), &forged),
        (by_secret(), &forged),
        (by_key(), &none),
        (by_secret(), &none),
        (by_key(), &with_signature),
        // A right signature of the other kind.
        (by_key(), &keyed(&good)),
        (by_secret(), &signed(&good)),
        // By the right key under another name of an algorithm.
        (by_key(), &forge(&json!({"alg": "RS256"}), &good)),
        (by_key(), &forge(&json!({"alg": "EdDSA"}), &good)),
        // By a key that the token itself brings.
        (
            registered(AuthMethod::PrivateKeyJwt, |settings| settings.jwks = Some(jwks(&[rsa()]))),
            &forge(&json!({"alg": "ES256", "jwk": ec().public_jwk()}), &good),
        ),
        // Not by the registered algorithm.
        (
            registered(AuthMethod::PrivateKeyJwt, |settings| {
                settings.jwks = Some(jwks(&[rsa(), ec()]));
                settings.token_endpoint_auth_signing_alg = Some(SigningAlg::Rs256);
            }),
            &signed(&good),
        ),
    ] {
        assert_eq!(verify(&app, assertion).unwrap_err(), INVALID_CLIENT, "{assertion}");
    }
    let es256 = registered(AuthMethod::PrivateKeyJwt, |settings| {
        settings.token_endpoint_auth_signing_alg = Some(SigningAlg::Es256);
    });
    assert!(verify(&es256, &signed(&good)).is_ok());
}

#[test]
fn an_assertion_is_no_other_kind_of_token() {
    for (typ, good) in [
        ("JWT", true),
        ("jwt", true),
        ("client-authentication+jwt", true),
        ("oauth-authz-req+jwt", false),
        ("at+jwt", false),
        ("logout+jwt", false),
        ("", false),
    ] {
        let outcome = verify(&by_key(), &forge(&json!({"alg": "ES256", "typ": typ}), &claims(json!({}))));
        assert_eq!(outcome.is_ok(), good, "{typ} {outcome:?}");
    }
}

#[test]
fn another_method_takes_no_assertion_and_assertions_pass_for_no_other() {
    let assertion = keyed(&claims(json!({})));
    for method in AuthMethod::ALL {
        let app = registered(*method, |_| {});
        assert_eq!(verify(&app, &assertion).is_ok(), *method == AuthMethod::ClientSecretJwt, "{method:?}");
        let shown = shown(&assertion);
        let otherwise = authenticate(Some(app), &shown, |_| *method);
        assert_eq!(otherwise.unwrap_err(), INVALID_CLIENT, "{method:?}");
    }
    let ours = shown(&assertion);
    let wrong = asserted(Some(other_application()), &ours, |_| AuthMethod::ClientSecretJwt);
    assert_eq!(wrong.unwrap_err(), INVALID_CLIENT);
    let secret = [("client_id", app_id().to_string()), ("client_secret", APP_SECRET.to_owned())];
    let secret = presented(&params(&secret.each_ref().map(|(n, v)| (*n, v.as_str()))), None).unwrap();
    assert_eq!(asserted(Some(by_key()), &secret, |_| AuthMethod::PrivateKeyJwt).unwrap_err(), INVALID_CLIENT);
}

#[test]
fn one_way_to_authenticate_is_presented() {
    let assertion = keyed(&claims(json!({})));
    let pair = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
    let id = app_id().to_string();
    let with = |more: &[(&str, &str)], header| presented(&params(&[&pair, more].concat()), header);
    assert_eq!(with(&[], None).unwrap().id, Some(app_id().into()));
    assert_eq!(with(&[("client_id", &id)], None).unwrap().id, Some(app_id().into()));
    let other = other_app_id().to_string();
    assert_eq!(with(&[("client_id", &other)], None).unwrap().id, None);
    for both in [with(&[("client_secret", "x")], None), with(&[], Some("Basic eDp5"))] {
        assert_eq!(both.unwrap_err().code, ErrorCode::InvalidRequest);
    }
    for half in [&pair[..1], &pair[1..], &[("client_assertion_type", "urn:x"), pair[1]]] {
        assert_eq!(presented(&params(half), None).unwrap_err().code, ErrorCode::InvalidRequest);
    }
    assert!(!format!("{:?}", shown(&assertion)).contains(&assertion), "attack 25");
}
