//! The worked examples of the standards.

use serde_json::{Value, json};

use super::*;

const PAYLOAD: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn payload() -> Value {
    json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true})
}

fn verifying_key(jwk: Value) -> VerifyingKey {
    serde_json::from_value::<PublicJwk>(jwk).unwrap().verifying_key().unwrap()
}

/// The example as printed verifies, and with another payload it does not.
fn check(header: &str, signature: &str, key: Verifier<'_>) {
    let token = format!("{header}.{PAYLOAD}.{signature}");
    assert_eq!(Parsed::parse(&token).unwrap().verify::<Value>(key), Ok(payload()));
    let other = format!("{header}.{}.{signature}", b64(b"{}"));
    assert_eq!(Parsed::parse(&other).unwrap().verify::<Value>(key), Err(JoseError::BadSignature));
}

#[test]
fn rfc7515_a1_hs256() {
    let secret =
        unb64("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
    check(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        Verifier::Hmac(&HmacKey::new(&secret).unwrap()),
    );
}

#[test]
fn rfc7515_a2_rs256() {
    let key = verifying_key(json!({"kty": "RSA", "alg": "RS256", "kid": "A.2", "e": "AQAB", "n": concat!(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2l",
        "ZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEM",
        "a2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2P",
        "AcDTW9gb54h4FRWyuXpoQ",
    )}));
    check(
        "eyJhbGciOiJSUzI1NiJ9",
        concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb",
            "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383",
            "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy",
            "wlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        Verifier::Key(&key),
    );
}

#[test]
fn rfc7515_a3_es256() {
    let key = verifying_key(json!({
        "kty": "EC", "alg": "ES256", "kid": "A.3", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    check(
        "eyJhbGciOiJFUzI1NiJ9",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        Verifier::Key(&key),
    );
}

/// The signature is deterministic, so that the key signs what is printed, too.
#[test]
fn rfc8037_a4_eddsa() {
    let jwk = json!({
        "kty": "OKP", "alg": "EdDSA", "kid": "A.2", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let jwk: PublicJwk = serde_json::from_value(jwk).unwrap();
    assert_eq!(jwk.thumbprint().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = jwk.verifying_key().unwrap();
    let check = |text: &str| Verifier::Key(&key).check(text.as_bytes(), &unb64(signature).unwrap());
    assert_eq!(check(signed), Ok(()));
    assert_eq!(check(&signed.replace('R', "S")), Err(JoseError::BadSignature));

    let seed = unb64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let key = SigningKey::from_pkcs8(KeyAlg::EdDsa, &[&prefix[..], &seed].concat()).unwrap();
    assert_eq!(key.kid().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(b64(&Signer::Key(&key).signature(signed.as_bytes()).unwrap()), signature);
}

#[test]
fn ps256_and_rs256_signatures_are_not_taken_for_each_other() {
    for (alg, other) in [(KeyAlg::Rs256, KeyAlg::Ps256), (KeyAlg::Ps256, KeyAlg::Rs256)] {
        let (key, der) = SigningKey::generate(alg).unwrap();
        let twin = SigningKey::from_pkcs8(other, &der).unwrap();
        assert_eq!(key.kid(), twin.kid());
        let signature = Signer::Key(&key).signature(b"text").unwrap();
        assert_eq!(Verifier::Key(key.verifying_key()).check(b"text", &signature), Ok(()));
        let by_twin = Verifier::Key(twin.verifying_key()).check(b"text", &signature);
        assert_eq!(by_twin, Err(JoseError::BadSignature));
    }
}

#[test]
fn rfc7638_thumbprint() {
    let jwk: PublicJwk = serde_json::from_value(json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": concat!(
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3",
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd",
        "AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCu",
        "r-kEgU8awapJzKnqDKgw",
    )}))
    .unwrap();
    assert_eq!(jwk.kid().as_str(), "2011-04-29");
    assert_eq!(jwk.thumbprint().as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/// OIDC Core A.3 and A.4.
#[test]
fn oidc_at_hash_and_c_hash() {
    let at_hash = half_hash(SigningAlg::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    assert_eq!(at_hash, "77QmUPtjPfzWtF2AnpK9RQ");
    let c_hash = half_hash(SigningAlg::Rs256, "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk");
    assert_eq!(c_hash, "LDktKdoQak3Pk0cnXxCltA");
}

/// FIPS 180-4, "abc".
#[test]
fn sha256_abc() {
    assert_eq!(b64(&sha256(b"abc")), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

#[test]
fn hmac_parts_are_kept_apart() {
    let hex: String =
        hmac_sha256(&[b'k'; 32], &[b"family", b"7"]).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "4884e54f0b9656c8b4df230b3f41dca6bc199b07829de2dd24814a3e6ffd4c59");
    let mac = |parts: &[&[u8]]| hmac_sha256(SECRET, parts);
    let same_text = [mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]), mac(&[b"abc"]), mac(&[b"abc", b""])];
    for (index, one) in same_text.iter().enumerate() {
        assert!(!same_text[index + 1..].contains(one));
    }
    assert_ne!(hmac_sha256(b"other", &[b"abc"]), mac(&[b"abc"]));
}

#[test]
fn base64url_has_one_spelling() {
    assert_eq!(b64(&[0xfb, 0xff, 0xfe, 0x01]), "-__-AQ");
    assert_eq!(unb64("-__-AQ"), Some(vec![0xfb, 0xff, 0xfe, 0x01]));
    assert_eq!(unb64(""), Some(vec![]));
    for refused in ["-__-AQ==", "+//+AQ", "-__-AR", "-__-A", "-__-AQ\n", " -__-AQ", "-__-A Q", "-__-é"] {
        assert_eq!(unb64(refused), None, "{refused}");
    }
}
