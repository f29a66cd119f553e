//! What a request object may say, and what becomes of it.

use serde_json::{Value, json};

use super::*;
use crate::{
    application::ApplicationSettings,
    jose::{JwkSet, Signer, SigningKey, Typ, b64, hmac_sha256, sign},
    request_uri::RequestUri,
    samples::*,
};

fn jwks(key: &SigningKey) -> ClientKeys {
    let set = JwkSet { keys: vec![key.public_jwk().clone()] };
    ClientKeys::parse(&serde_json::to_string(&set).unwrap()).unwrap()
}

fn registered(change: impl FnOnce(&mut ApplicationSettings)) -> ActiveApplication {
    application_with(|settings| {
        settings.jwks = Some(jwks(ec()));
        change(settings);
    })
}

fn resolve_for(
    application: &ActiveApplication,
    outside: &[(&str, &str)],
    object: &str,
) -> Result<Vec<(String, String)>, ClientTokenError> {
    let id = app_id().to_string();
    let params = params(&[&[("client_id", id.as_str())], outside].concat());
    let around = Around { params: &params, application, issuer: &pool_issuer(), now: NOW };
    let resolved = around.resolve(object, application.settings.jwks.as_ref())?;
    assert!(!resolved.has("request") && !resolved.has("request_uri"));
    assert_eq!(resolved.get("client_id"), Some(id.as_str()));
    let others = resolved.pairs().filter(|(name, _)| *name != "client_id");
    Ok(others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn resolve(outside: &[(&str, &str)], members: Value) -> Result<Vec<(String, String)>, ClientTokenError> {
    resolve_for(&registered(|_| {}), outside, &signed(&members))
}

fn signed(members: &Value) -> String {
    forge(&json!({"alg": "ES256"}), members)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn code(outcome: Result<Vec<(String, String)>, ClientTokenError>) -> Result<(), ErrorCode> {
    outcome.map(drop).map_err(|error| match error {
        ClientTokenError::Key => UNVERIFIED.code,
        ClientTokenError::Refused(refusal) => {
            assert_tellable(refusal);
            refusal.code
        }
    })
}

const REFUSED: Result<(), ErrorCode> = Err(ErrorCode::InvalidRequestObject);

#[test]
fn what_the_object_says_counts() {
    let outside =
        [("state", "out"), ("nonce", "n"), ("scope", "openid"), ("request", "x"), ("unknown", "kept")];
    let inside = json!({"state": "in", "max_age": 60, "redirect_uri": CALLBACK, "unknown": "inside", "iss": app_id().to_string()});
    let expected = pairs(&[
        ("nonce", "n"),
        ("scope", "openid"),
        ("unknown", "kept"),
        ("redirect_uri", CALLBACK),
        ("state", "in"),
        ("max_age", "60"),
    ]);
    assert_eq!(resolve(&outside, inside).unwrap(), expected);
    // Said to be empty, it is absent.
    assert_eq!(resolve(&[("state", "out")], json!({"state": ""})).unwrap(), pairs(&[("state", "")]));
}

#[test]
fn where_it_must_be_signed_nothing_beside_it_counts() {
    let strict = registered(|settings| settings.require_signed_request_object = true);
    let outside = [("state", "out"), ("response_type", "code")];
    let object = signed(&json!({"response_type": "code", "scope": "openid"}));
    let expected = pairs(&[("response_type", "code"), ("scope", "openid")]);
    assert_eq!(resolve_for(&strict, &outside, &object).unwrap(), expected);
    let id = app_id().to_string();
    let bare = params(&[("client_id", &id)]);
    assert_eq!(carried(&bare, &strict).unwrap_err().code, ErrorCode::InvalidRequest);
    assert_eq!(carried(&bare, &registered(|_| {})), Ok(Carried::Nothing));
}

#[test]
fn the_object_is_this_clients_for_this_issuer_now() {
    let (id, other, url) = (app_id().to_string(), other_app_id().to_string(), pool_issuer().url().to_owned());
    for (members, good) in [
        (json!({}), true),
        (
            json!({"client_id": id, "iss": id, "aud": url, "exp": NOW.0 + 1, "nbf": NOW, "iat": NOW, "jti": "x"}),
            true,
        ),
        (json!({"aud": ["https://other.example", url]}), true),
        (json!({"exp": NOW.0 - 59}), true),
        (json!({"sub": "somebody"}), true),
        (json!({"client_id": other}), false),
        (json!({"client_id": 1}), false),
        (json!({"iss": other}), false),
        (json!({"iss": ["x"]}), false),
        (json!({"aud": "https://other.example"}), false),
        (json!({"aud": []}), false),
        (json!({"aud": app_issuer().url()}), false),
        (json!({"aud": 1}), false),
        (json!({"exp": NOW.0 - 60}), false),
        (json!({"exp": "x"}), false),
        (json!({"nbf": NOW.0 + 61}), false),
        (json!({"iat": NOW.0 + 61}), false),
        (json!({"sub": id}), false),
        (json!({"request": "x"}), false),
        (json!({"request_uri": "https://rp.example/req"}), false),
        (json!({"state": true}), false),
        (json!({"state": null}), false),
        (json!({"state": ["a"]}), false),
        (json!({"state": "x".repeat(40_000)}), false),
    ] {
        let outcome = code(resolve(&[], members.clone()));
        assert_eq!(outcome, if good { Ok(()) } else { REFUSED }, "{members}");
    }
}

#[test]
fn the_response_type_is_that_of_the_request() {
    for (outside, inside, good) in [
        ("code", "code", true),
        ("code id_token", "id_token code", true),
        ("code", "code id_token", false),
        ("code id_token", "code", false),
    ] {
        let outcome = resolve(&[("response_type", outside)], json!({"response_type": inside}));
        assert_eq!(code(outcome), if good { Ok(()) } else { REFUSED }, "{outside} {inside}");
    }
    assert_eq!(code(resolve(&[], json!({"response_type": "code"}))), Ok(()));
    assert_eq!(code(resolve(&[("response_type", "code")], json!({"response_type": 1}))), REFUSED);
}

#[test]
fn attack_07_an_object_is_signed_as_it_is_registered() {
    let members = json!({"state": "in"});
    let part = |value: &Value| b64(&serde_json::to_vec(value).unwrap());
    let none = |alg: &str, end: &str| format!("{}.{}.{end}", part(&json!({"alg": alg})), part(&members));
    let keyed = sign(&Signer::Hmac(hmac()), Typ::IdToken, &members).unwrap();
    let public = serde_json::to_string(ec().public_jwk()).unwrap();
    let input = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&members));
    let forged = format!("{input}.{}", b64(&hmac_sha256(public.as_bytes(), &[input.as_bytes()])));
    let by_ec = signed(&members);
    let by_rsa = sign(&Signer::Key(rsa()), Typ::IdToken, &members).unwrap();
    let with = |alg| registered(|settings| settings.request_object_signing_alg = alg);
    for (alg, object, good) in [
        (None, &by_ec, true),
        (None, &keyed, true),
        (None, &by_rsa, false),
        (None, &forged, false),
        (None, &none("none", ""), false),
        (None, &none("none", "AA"), false),
        (Some(RequestObjectAlg::Es256), &by_ec, true),
        (Some(RequestObjectAlg::Es256), &keyed, false),
        (Some(RequestObjectAlg::Hs256), &keyed, true),
        (Some(RequestObjectAlg::Hs256), &by_ec, false),
        (Some(RequestObjectAlg::Rs256), &by_ec, false),
        (Some(RequestObjectAlg::None), &none("none", ""), true),
        (Some(RequestObjectAlg::None), &none("none", "AA"), false),
        (Some(RequestObjectAlg::None), &none("None", ""), false),
        (Some(RequestObjectAlg::None), &none("HS256", ""), false),
        (Some(RequestObjectAlg::None), &by_ec, false),
    ] {
        let outcome = code(resolve_for(&with(alg), &[], object));
        assert_eq!(outcome, if good { Ok(()) } else { REFUSED }, "{alg:?} {object}");
    }
    let contradictory = registered(|settings| {
        settings.request_object_signing_alg = Some(RequestObjectAlg::None);
        settings.require_signed_request_object = true;
    });
    assert_eq!(code(resolve_for(&contradictory, &[], &none("none", ""))), REFUSED, "attack 18");
}

#[test]
fn what_is_no_object_is_refused() {
    let id = app_id().to_string();
    for (object, why) in [
        ("", "empty"),
        ("x.y.z", "not base64url"),
        ("a.b.c.d.e", "encrypted"),
        (&forge(&json!({"alg": "ES256"}), &json!(["state"])), "a list"),
        (&forge(&json!({"alg": "ES256", "typ": "at+jwt"}), &json!({})), "another kind"),
        (
            &forge(&json!({"alg": "ES256", "typ": "client-authentication+jwt"}), &json!({"iss": id})),
            "another kind",
        ),
        (&forge(&json!({"alg": "ES256", "crit": ["x"]}), &json!({})), "critical"),
    ] {
        assert_eq!(code(resolve_for(&registered(|_| {}), &[], object)), REFUSED, "{why}");
    }
    let part = |text: &str| b64(text.as_bytes());
    let input = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(r#"{"state":"a","state":"b"}"#));
    let twice = format!("{input}.{}", b64(&hmac_sha256(APP_SECRET.as_bytes(), &[input.as_bytes()])));
    assert_eq!(code(resolve_for(&registered(|_| {}), &[], &twice)), REFUSED, "a member twice");
    assert_eq!(
        code(resolve_for(
            &registered(|_| {}),
            &[],
            &forge(&json!({"alg": "ES256", "typ": "oauth-authz-req+jwt"}), &json!({}))
        )),
        Ok(())
    );
}

#[test]
fn a_request_carries_one_object_or_none() {
    let app = registered(|settings| {
        settings.request_uris = vec![RequestUri::parse("https://rp.example/req/").unwrap()];
    });
    let id = app_id().to_string();
    let look = |more: &[(&str, &str)]| {
        let params = params(&[&[("client_id", id.as_str())], more].concat());
        carried(&params, &app)
            .map(|carried| match carried {
                Carried::Nothing => "nothing",
                Carried::Object(_) => "object",
                Carried::Reference(_) => "reference",
            })
            .map_err(|refusal| {
                assert_tellable(refusal);
                refusal.code
            })
    };
    let uri = ("request_uri", "https://rp.example/req/1");
    assert_eq!(look(&[]), Ok("nothing"));
    assert_eq!(look(&[("request", ""), ("request_uri", "")]), Ok("nothing"));
    assert_eq!(look(&[("request", "x")]), Ok("object"));
    assert_eq!(look(&[("request", ""), uri]), Ok("reference"));
    assert_eq!(look(&[("request", "x"), uri]), Err(ErrorCode::InvalidRequest));
    assert_eq!(look(&[("request_uri", "https://rp.example/other")]), Err(ErrorCode::InvalidRequestUri));
    assert_eq!(look(&[("request", "x"), ("request", "y")]), Ok("nothing"), "the checks refuse it");
    for refusal in [UNVERIFIED, UNREADABLE, WRONG_ALG] {
        assert_tellable(refusal);
    }
}
