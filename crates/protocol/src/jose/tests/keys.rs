//! Algorithms, keys and key sets.

use serde_json::json;

use super::material::Material;
use super::*;
use crate::said::Pair;

#[test]
fn algorithms_by_name() {
    let names: Vec<&str> = SigningAlg::ALL.iter().map(|alg| alg.as_str()).collect();
    assert_eq!(names, ["RS256", "PS256", "ES256", "EdDSA", "HS256"]);
    for alg in SigningAlg::ALL {
        assert_eq!(SigningAlg::parse(alg.as_str()), Some(*alg));
        assert_eq!(alg.to_string(), alg.as_str());
        assert_eq!(serde_json::to_value(alg).unwrap(), json!(alg.as_str()));
        assert_eq!(serde_json::from_value::<SigningAlg>(json!(alg.as_str())).unwrap(), *alg);
    }
    for name in ["none", "rs256", "RS256 ", "", "PS384", "EDDSA", "Ed25519"] {
        assert_eq!(SigningAlg::parse(name), None, "{name}");
        assert!(serde_json::from_value::<SigningAlg>(json!(name)).is_err(), "{name}");
    }
}

#[test]
fn key_algorithms_are_the_asymmetric_ones() {
    let asymmetric: Vec<KeyAlg> = SigningAlg::ALL.iter().filter_map(|alg| alg.key_alg()).collect();
    assert_eq!(asymmetric, KeyAlg::ALL);
    assert_eq!(SigningAlg::Hs256.key_alg(), None);
    assert_eq!(KeyAlg::parse("HS256"), None);
    assert!(serde_json::from_value::<KeyAlg>(json!("HS256")).is_err());
    for alg in KeyAlg::ALL {
        assert_eq!(KeyAlg::parse(alg.as_str()), Some(*alg));
        assert_eq!(SigningAlg::from(*alg).key_alg(), Some(*alg));
        assert_eq!(alg.to_string(), SigningAlg::from(*alg).to_string());
        assert_eq!(serde_json::to_value(alg).unwrap(), json!(alg.as_str()));
    }
}

#[test]
fn a_kid_is_visible_ascii() {
    let longest = "k".repeat(128);
    for text in ["a", "2011-04-29", "!\"\\~", &longest] {
        assert_eq!(Kid::parse(text).unwrap().as_str(), text);
        assert_eq!(serde_json::from_value::<Kid>(json!(text)).unwrap().to_string(), text);
    }
    let too_long = "k".repeat(129);
    for text in ["", "a b", "a\n", "é", "\u{7f}", &too_long] {
        assert_eq!(Kid::parse(text), None, "{text:?}");
        assert!(serde_json::from_value::<Kid>(json!(text)).is_err(), "{text:?}");
    }
}

#[test]
fn pkcs8_gives_the_same_key_back() {
    for alg in KeyAlg::ALL.iter().copied() {
        let (key, der) = SigningKey::generate(alg).unwrap();
        let again = SigningKey::from_pkcs8(alg, &der).unwrap();
        assert_eq!(again.public_jwk(), key.public_jwk());
        assert_eq!(again.alg(), alg.into());
        assert_eq!(key.verifying_key().alg(), alg.into());
        let token = sign(&Signer::Key(&again), Typ::IdToken, &joe()).unwrap();
        assert_eq!(verify(&token, Verifier::Key(key.verifying_key())), Ok(joe()));
        assert!(
            der.windows(3).take(5).any(|bytes| bytes == [0x02, 0x01, 0x00]),
            "PKCS#8 version 1 is written 0"
        );
    }
}

#[test]
fn pkcs8_of_another_type_or_damaged_is_refused() {
    for (alg, other) in [
        (KeyAlg::Rs256, KeyAlg::Es256),
        (KeyAlg::Ps256, KeyAlg::EdDsa),
        (KeyAlg::Es256, KeyAlg::Rs256),
        (KeyAlg::EdDsa, KeyAlg::Es256),
    ] {
        let (_, der) = SigningKey::generate(alg).unwrap();
        for (alg, der) in [(other, &der[..]), (alg, &der[..der.len() - 1]), (alg, &[]), (alg, b"-----BEGIN")]
        {
            assert!(matches!(SigningKey::from_pkcs8(alg, der), Err(JoseError::KeyRefused(_))), "{alg}");
        }
    }
}

#[test]
fn keys_are_named_by_their_thumbprint_and_differ() {
    for key in [rsa(), ps(), ec(), ed()] {
        assert_eq!(key.kid().as_str().len(), 43);
        assert_eq!(*key.kid(), key.public_jwk().thumbprint());
    }
    assert_ne!(rsa().kid(), ec().kid());
    assert_ne!(SigningKey::generate(KeyAlg::Es256).unwrap().0.kid(), ec().kid());
}

#[test]
fn a_key_set_has_public_members_only() {
    let set = JwkSet { keys: [rsa(), ec(), ed(), ps()].map(|key| key.public_jwk().clone()).to_vec() };
    let json = serde_json::to_value(&set).unwrap();
    let members =
        |index: usize| -> Vec<&String> { json["keys"][index].as_object().unwrap().keys().collect() };
    assert_eq!(members(0), ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(members(1), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(members(2), ["alg", "crv", "kid", "kty", "use", "x"]);
    assert_eq!(members(3), members(0));
    assert_eq!(json["keys"][2]["kty"], "OKP");
    assert_eq!(json["keys"][2]["crv"], "Ed25519");
    assert_eq!(json["keys"][2]["alg"], "EdDSA");
    assert_eq!(json["keys"][3]["alg"], "PS256");
    assert_eq!(json["keys"][0]["kty"], "RSA");
    assert_eq!(json["keys"][0]["alg"], "RS256");
    assert_eq!(json["keys"][0]["use"], "sig");
    assert_eq!(json["keys"][0]["e"], "AQAB");
    assert_eq!(json["keys"][0]["n"].as_str().unwrap().len(), 342);
    assert_eq!(json["keys"][1]["crv"], "P-256");
    assert_eq!(json["keys"][1]["x"].as_str().unwrap().len(), 43);
    assert_eq!(serde_json::to_string(&JwkSet::default()).unwrap(), r#"{"keys":[]}"#);
}

#[test]
fn a_jwk_read_back_verifies() {
    for key in [rsa(), ps(), ec(), ed()] {
        let json = serde_json::to_string(key.public_jwk()).unwrap();
        let jwk: PublicJwk = serde_json::from_str(&json).unwrap();
        assert_eq!(jwk, *key.public_jwk());
        assert_eq!(jwk.alg(), key.alg().key_alg().unwrap());
        let token = sign(&Signer::Key(key), Typ::IdToken, &joe()).unwrap();
        assert_eq!(verify(&token, Verifier::Key(&jwk.verifying_key().unwrap())), Ok(joe()));
    }
}

#[test]
fn a_jwk_with_any_fault_is_refused() {
    let faults = [
        (rsa(), json!({"d": "AQAB"})),
        (ec(), json!({"d": "AQAB"})),
        (rsa(), json!({"use": "enc"})),
        (rsa(), json!({"alg": "ES256"})),
        (ec(), json!({"alg": "RS256"})),
        (rsa(), json!({"alg": "HS256"})),
        (rsa(), json!({"alg": null})),
        (rsa(), json!({"kid": ""})),
        (rsa(), json!({"kty": "oct", "k": "AQAB"})),
        (rsa(), json!({"crv": "P-256"})),
        (rsa(), json!({"n": null})),
        (rsa(), json!({"e": "AQAB="})),
        (rsa(), json!({"e": "AQABA"})),
        (rsa(), json!({"e": b64(&[1])})),
        (rsa(), json!({"e": b64(&[1, 0, 0])})),
        (rsa(), json!({"e": b64(&[0, 3])})),
        (rsa(), json!({"e": b64(&[1, 0, 0, 0, 1])})),
        (rsa(), json!({"e": ""})),
        (ec(), json!({"crv": "P-384"})),
        (ec(), json!({"crv": null})),
        (ec(), json!({"x": b64(&[1; 31])})),
        (ec(), json!({"y": b64(&[1; 33])})),
        (ec(), json!({"y": null})),
        (ed(), json!({"d": "AQAB"})),
        (ed(), json!({"crv": "Ed448"})),
        (ed(), json!({"crv": "X25519"})),
        (ed(), json!({"alg": "ES256"})),
        (ed(), json!({"x": b64(&[1; 31])})),
        (ps(), json!({"alg": "EdDSA"})),
    ];
    for (key, fault) in faults {
        let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
        assert!(serde_json::from_value::<PublicJwk>(jwk.clone()).is_ok());
        jwk.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
        assert!(serde_json::from_value::<PublicJwk>(jwk).is_err(), "{fault}");
    }
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let mut jwk = serde_json::to_value(ec().public_jwk()).unwrap();
    jwk["x"] = json!(b64(&[1; 32]));
    jwk["y"] = json!(b64(&[1; 32]));
    let jwk: PublicJwk = serde_json::from_value(jwk).unwrap();
    assert!(matches!(jwk.verifying_key(), Err(JoseError::KeyRefused(_))));
}

/// The DER form of an RSA public key whose modulus has this many bits, all of them one.
fn rsa_der(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] >>= modulus.len() * 8 - bits;
    if modulus[0] >= 0x80 {
        modulus.insert(0, 0);
    }
    let [high, low] = u16::try_from(modulus.len()).unwrap().to_be_bytes();
    let body = [&[0x02, 0x82, high, low], modulus.as_slice(), &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82, high, low], body.as_slice()].concat()
}

#[test]
fn rsa_keys_have_2048_to_4096_bits() {
    for bits in [2048, 2049, 3072, 4095, 4096] {
        let Ok(Material::Rsa { n, e }) = Material::rsa_from_der(&rsa_der(bits)) else { panic!("{bits}") };
        assert_eq!((n.len(), e), (bits.div_ceil(8), vec![1, 0, 1]));
    }
    for bits in [1024, 2047, 4097, 8192] {
        let refused = Err(JoseError::KeyRefused(Pair(
            "an RSA key has 2048 to 4096 bits",
            "RSA 密钥须为 2048 到 4096 位",
        )));
        assert_eq!(Material::rsa_from_der(&rsa_der(bits)), refused, "{bits}");
    }
}

#[test]
fn damaged_rsa_der_is_refused() {
    let der = rsa_der(2048);
    for end in 0..der.len() {
        assert!(Material::rsa_from_der(&der[..end]).is_err(), "{end}");
    }
    assert!(Material::rsa_from_der(&[&der[..], &[0]].concat()).is_err());
}

#[test]
fn an_hmac_secret_has_at_least_32_bytes() {
    assert!(matches!(HmacKey::new(&[7; 31]), Err(JoseError::KeyRefused(_))));
    assert!(HmacKey::new(&[7; 32]).is_ok());
}

#[test]
fn debug_of_keys_shows_nothing_secret() {
    let kid = rsa().kid().as_str();
    assert_eq!(format!("{:?}", rsa()), format!(r#"SigningKey {{ alg: Rs256, kid: Kid("{kid}"), .. }}"#));
    assert_eq!(format!("{:?}", Signer::Key(rsa())), format!("Key({:?})", rsa()));
    assert_eq!(format!("{:?}", Signer::Hmac(hmac())), "Hmac(HmacKey { .. })");
    assert_eq!(format!("{:?}", Verifier::Hmac(hmac())), "Hmac(HmacKey { .. })");
    assert_eq!(format!("{:?}", ec().verifying_key()), "VerifyingKey { alg: Es256, .. }");
}

#[test]
fn keys_cross_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<SigningKey>();
    shared::<VerifyingKey>();
    shared::<HmacKey>();
}

#[test]
fn errors_carry_no_input() {
    let jwk = json!({"kty": "a kty of theirs", "alg": "RS256", "kid": "k"});
    let error = serde_json::from_value::<PublicJwk>(jwk).unwrap_err();
    assert_eq!(error.to_string(), "key refused: the key type or curve is not supported");
}
