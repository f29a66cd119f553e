//! The keys of clients.

use serde_json::{Value, json};

use super::*;
use crate::limits::{CLIENT_KEYS_BYTES, CLIENT_KEYS_COUNT};

fn jwk(key: &SigningKey, change: Value) -> Value {
    let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
            value => jwk[name] = value.clone(),
        }
    }
    jwk
}

fn bare(key: &SigningKey) -> Value {
    jwk(key, json!({"alg": null, "use": null, "kid": null}))
}

fn set(keys: &[Value]) -> String {
    json!({"keys": keys, "a member of theirs": 1}).to_string()
}

fn keys(list: &[Value]) -> ClientKeys {
    ClientKeys::parse(&set(list)).unwrap()
}

fn token(key: &SigningKey) -> String {
    sign(&Signer::Key(key), Typ::IdToken, &joe()).unwrap()
}

fn verify(keys: &ClientKeys, token: &str, alg: KeyAlg) -> Result<Claims, JoseError> {
    keys.verify(&Parsed::parse(token).unwrap(), alg)
}

#[test]
fn every_kind_verifies_with_and_without_use_alg_and_kid() {
    for key in [rsa(), ps(), ec(), ed()] {
        let alg = key.alg().key_alg().unwrap();
        for one in
            [jwk(key, json!({})), jwk(key, json!({"alg": null})), jwk(key, json!({"use": null})), bare(key)]
        {
            assert_eq!(verify(&keys(&[one]), &token(key), alg), Ok(joe()), "{alg}");
        }
    }
}

#[test]
fn kid_narrows_and_is_no_proof() {
    let (other, _) = SigningKey::generate(KeyAlg::Es256).unwrap();
    let under_our_name = jwk(&other, json!({"kid": ec().kid()}));
    let both = keys(&[under_our_name.clone(), jwk(ec(), json!({}))]);
    assert_eq!(verify(&both, &token(ec()), KeyAlg::Es256), Ok(joe()));
    assert_eq!(verify(&keys(&[under_our_name]), &token(ec()), KeyAlg::Es256), Err(JoseError::BadSignature));
    let other = keys(&[jwk(&other, json!({}))]);
    assert_eq!(verify(&other, &token(ec()), KeyAlg::Es256), Err(JoseError::NoKey));
    assert!(both.names(ec().kid().as_str()) && !other.names(ec().kid().as_str()));
}

/// Attack 7: a key verifies by the algorithms of its type and its `alg` only, whatever is asked for.
#[test]
fn attack_07_a_clients_key_keeps_to_its_algorithms() {
    let rs_only = keys(&[jwk(rsa(), json!({}))]);
    let any_rsa = keys(&[bare(rsa())]);
    for alg in KeyAlg::ALL.iter().copied() {
        let fits = |keys: &ClientKeys| keys.verifying(None, alg).count() == 1;
        assert_eq!(fits(&rs_only), alg == KeyAlg::Rs256, "{alg}");
        assert_eq!(fits(&any_rsa), matches!(alg, KeyAlg::Rs256 | KeyAlg::Ps256), "{alg}");
    }
    assert_eq!(verify(&any_rsa, &token(rsa()), KeyAlg::Ps256), Err(JoseError::AlgMismatch));
    assert_eq!(verify(&any_rsa, &token(rsa()), KeyAlg::Es256), Err(JoseError::NoKey));
}

#[test]
fn a_key_for_encryption_verifies_nothing_and_the_other_way() {
    let enc = ContentEncryption::default();
    for (change, sig, to) in [
        (json!({"use": "enc", "alg": null}), false, true),
        (json!({"use": "sig", "alg": null}), true, false),
        (json!({"use": null, "alg": "ECDH-ES"}), false, true),
        (json!({"use": null, "alg": "ES256"}), true, false),
        (json!({"use": null, "alg": null, "key_ops": ["verify"]}), true, false),
        (json!({"use": null, "alg": null, "key_ops": ["deriveBits"]}), false, true),
        (json!({"use": null, "alg": null}), true, true),
    ] {
        let keys = keys(&[jwk(ec(), change.clone())]);
        let again: ClientKeys = serde_json::from_value(serde_json::to_value(&keys).unwrap()).unwrap();
        for keys in [keys, again] {
            assert_eq!(keys.verifying(None, KeyAlg::Es256).count(), usize::from(sig), "{change}");
            assert_eq!(keys.recipient(KeyManagementAlg::EcdhEs, enc).is_some(), to, "{change}");
            assert!(keys.recipient(KeyManagementAlg::RsaOaep256, enc).is_none());
        }
    }
}

#[test]
fn a_key_that_is_said_to_be_for_encryption_goes_before_one_that_may_be() {
    let said = jwk(ec(), json!({"use": "enc", "alg": null, "kid": "said"}));
    let may = jwk(ec(), json!({"use": null, "alg": null, "kid": "may"}));
    let recipient =
        keys(&[may, said]).recipient(KeyManagementAlg::EcdhEs, ContentEncryption::A256Gcm).unwrap();
    assert_eq!(format!("{recipient:?}"), r#"Recipient { kid: Some(Kid("said")), enc: A256Gcm, .. }"#);
}

#[test]
fn what_is_stored_is_the_public_members() {
    let pasted = jwk(rsa(), json!({"x5c": ["MII"], "key_ops": ["verify"], "use": null}));
    let keys = keys(&[pasted, bare(ed())]);
    let stored = serde_json::to_value(&keys).unwrap();
    assert_eq!(stored, json!({"keys": [jwk(rsa(), json!({})), bare(ed())]}));
    assert_eq!(serde_json::from_value::<ClientKeys>(stored).unwrap(), keys);
    assert_ne!(self::keys(&[bare(ed())]), keys);
}

#[test]
fn a_set_with_any_fault_is_refused_in_words() {
    let many = vec![bare(ed()); CLIENT_KEYS_COUNT + 1];
    let one = |change: Value| set(&[bare(ed()), jwk(ec(), change)]);
    for (text, words) in [
        (String::new(), "must be a JWK set"),
        ("[]".to_owned(), "must be a JWK set"),
        (jwk(ec(), json!({})).to_string(), "must be a JWK set"),
        (r#"{"keys": {}}"#.to_owned(), "must be a JWK set"),
        (set(&[]), "1 to 20 keys"),
        (set(&many), "1 to 20 keys"),
        (set(&[bare(ed())]) + &" ".repeat(CLIENT_KEYS_BYTES), "at most 65536 bytes"),
        (set(&[json!("key")]), "place 1 that cannot be used: it is not a JSON object"),
        (one(json!({"d": "AQAB"})), "private or shared key in place 2"),
        (one(json!({"p": "AQAB"})), "private or shared key in place 2"),
        (one(json!({"qi": true})), "private or shared key in place 2"),
        (set(&[json!({"kty": "oct", "k": "AQAB"})]), "private or shared key in place 1"),
        (set(&[json!({"kty": "oct"})]), "private or shared key in place 1"),
        (one(json!({"kty": null})), "place 2 that cannot be used: kty is missing"),
        (one(json!({"kid": "a b"})), "visible ASCII"),
        (one(json!({"kid": 7})), "visible ASCII"),
        (one(json!({"crv": "P-384"})), "type or curve is not supported"),
        (one(json!({"kty": "RSA"})), "type or curve is not supported"),
        (one(json!({"use": "both"})), "use must be sig or enc"),
        (one(json!({"key_ops": "verify"})), "key_ops must be a list"),
        (one(json!({"key_ops": ["sign"]})), "it is for nothing"),
        (one(json!({"alg": "ES512"})), "it is for nothing"),
        (one(json!({"alg": "HS256"})), "it is for nothing"),
        (one(json!({"alg": "ES256", "use": "enc"})), "it is for nothing"),
        (one(json!({"alg": "ECDH-ES", "use": "sig"})), "it is for nothing"),
        (one(json!({"x": b64(&[1; 32])})), "not a valid public key"),
        (one(json!({"x": "!"})), "missing or not base64url"),
    ] {
        let error = ClientKeys::parse(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}: {text:.200}");
        assert!(serde_json::from_str::<ClientKeys>(&text).is_err() || words.contains("bytes"), "{text:.200}");
    }
}

#[test]
fn of_a_published_set_what_is_not_understood_is_passed_over() {
    let published = set(&[
        json!({"kty": "EC", "crv": "P-521", "x": "AQ", "y": "AQ"}),
        json!({"kty": "oct", "k": "AQAB"}),
        jwk(ec(), json!({"d": "AQAB"})),
        json!(7),
        jwk(ed(), json!({})),
    ]);
    let keys = ClientKeys::parse_published(published.as_bytes()).unwrap();
    assert_eq!(keys, self::keys(&[jwk(ed(), json!({}))]));
    assert_eq!(
        ClientKeys::parse_published(br#"{"keys": []}"#).unwrap().verifying(None, KeyAlg::EdDsa).count(),
        0
    );
    for refused in ["", "[]", "{}", "\u{ff}"] {
        assert_eq!(ClientKeys::parse_published(refused.as_bytes()).unwrap_err(), ClientKeysError::NotASet);
    }
    let many = vec![json!(7); CLIENT_KEYS_COUNT + 1];
    assert_eq!(ClientKeys::parse_published(set(&many).as_bytes()).unwrap_err(), ClientKeysError::Count);
}
