//! Signing, and everything that must not verify.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn malformed(reason: &'static str) -> JoseError {
    JoseError::Malformed(reason)
}

/// The parts of a token, one of them with a bit of its decoded bytes flipped.
fn flip(token: &str, part: usize, byte: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut bytes = unb64(&parts[part]).unwrap();
    bytes[byte] ^= 1;
    parts[part] = b64(&bytes);
    parts.join(".")
}

#[test]
fn round_trip() {
    for (signer, verifier) in pairs() {
        for (typ, name) in [(Typ::AccessToken, "at+jwt"), (Typ::IdToken, "JWT")] {
            let token = sign(&signer, typ, &joe()).unwrap();
            let parsed = Parsed::parse(&token).unwrap();
            assert_eq!(parsed.verify::<Claims>(verifier), Ok(joe()));
            assert_eq!(parsed.unverified_claims::<Claims>(), Ok(joe()));
            assert_eq!(parsed.alg(), Some(signer.alg()));
            assert_eq!(parsed.typ(), Some(name));
        }
    }
}

#[test]
fn header_is_alg_typ_and_the_kid_of_an_asymmetric_key() {
    let header = |signer, typ| -> Value {
        let token = sign(&signer, typ, &joe()).unwrap();
        serde_json::from_slice(&unb64(token.split('.').next().unwrap()).unwrap()).unwrap()
    };
    assert_eq!(
        header(Signer::Key(rsa()), Typ::AccessToken),
        json!({"alg": "RS256", "typ": "at+jwt", "kid": rsa().kid()})
    );
    assert_eq!(
        header(Signer::Key(ec()), Typ::IdToken),
        json!({"alg": "ES256", "typ": "JWT", "kid": ec().kid()})
    );
    assert_eq!(header(Signer::Hmac(hmac()), Typ::IdToken), json!({"alg": "HS256", "typ": "JWT"}));
}

#[test]
fn kid_is_read_from_the_header() {
    let token = sign(&Signer::Key(ec()), Typ::IdToken, &joe()).unwrap();
    assert_eq!(Parsed::parse(&token).unwrap().kid(), Some(ec().kid().as_str()));
    let token = sign(&Signer::Hmac(hmac()), Typ::IdToken, &joe()).unwrap();
    assert_eq!(Parsed::parse(&token).unwrap().kid(), None);
}

#[test]
fn es256_signature_has_its_fixed_64_bytes() {
    for _ in 0..32 {
        let token = sign(&Signer::Key(ec()), Typ::IdToken, &joe()).unwrap();
        assert_eq!(unb64(token.rsplit('.').next().unwrap()).unwrap().len(), 64);
    }
}

/// Attack 7: a verifier that follows the header's `alg` would take the published RSA key for an HMAC secret.
#[test]
fn attack_07_public_key_bytes_as_hmac_secret() {
    let jwk = rsa().public_jwk();
    let json = serde_json::to_value(jwk).unwrap();
    let modulus = unb64(json["n"].as_str().unwrap()).unwrap();
    for secret in [serde_json::to_vec(jwk).unwrap(), modulus] {
        let secret = HmacKey::new(&secret).unwrap();
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, rsa().kid());
        let forged = forge(&Signer::Hmac(&secret), &header, r#"{"sub":"joe"}"#);
        assert_eq!(verify(&forged, Verifier::Hmac(&secret)), Ok(joe()));
        assert_eq!(verify(&forged, Verifier::Key(rsa().verifying_key())), Err(JoseError::AlgMismatch));
    }
}

/// Attack 7: the header may name only the key's own algorithm, even over a signature that is right.
#[test]
fn attack_07_header_cannot_choose_the_algorithm() {
    for (signer, verifier) in pairs() {
        let own = signer.alg().as_str();
        for alg in ["none", "None", "NONE", "", "RS256", "ES256", "HS256", "PS256", "EdDSA", "rs256", "RS512"]
        {
            let token = forge(&signer, &json!({"alg": alg}).to_string(), r#"{"sub":"joe"}"#);
            let expected = if alg == own { Ok(joe()) } else { Err(JoseError::AlgMismatch) };
            assert_eq!(verify(&token, verifier), expected, "{alg} with a key for {own}");
        }
        let unsigned = format!("{}.{}.", b64(br#"{"alg":"none"}"#), b64(br#"{"sub":"joe"}"#));
        assert_eq!(verify(&unsigned, verifier), Err(malformed("the signature is empty or not base64url")));
    }
}

#[test]
fn another_key_does_not_verify() {
    for own in [rsa(), ps(), ec(), ed()] {
        let alg = own.alg().key_alg().unwrap();
        let (other, _) = SigningKey::generate(alg).unwrap();
        let token = sign(&Signer::Key(own), Typ::IdToken, &joe()).unwrap();
        assert_eq!(verify(&token, Verifier::Key(other.verifying_key())), Err(JoseError::BadSignature));
    }
    let other = HmacKey::new(&[b'x'; 32]).unwrap();
    let token = sign(&Signer::Hmac(hmac()), Typ::IdToken, &joe()).unwrap();
    assert_eq!(verify(&token, Verifier::Hmac(&other)), Err(JoseError::BadSignature));
}

#[test]
fn a_flipped_bit_in_any_part_does_not_verify() {
    for (signer, verifier) in pairs() {
        let token = sign(&signer, Typ::IdToken, &joe()).unwrap();
        // Byte 22 of the header is the J of JWT, byte 9 of the payload the o of joe: both stay valid JSON.
        for (part, byte) in [(0, 22), (1, 9), (2, 0), (2, 31)] {
            let flipped = flip(&token, part, byte);
            assert_eq!(verify(&flipped, verifier), Err(JoseError::BadSignature), "part {part} of {flipped}");
        }
    }
}

#[test]
fn no_prefix_verifies() {
    for (signer, verifier) in pairs() {
        let token = sign(&signer, Typ::IdToken, &joe()).unwrap();
        for end in 0..token.len() {
            assert!(verify(&token[..end], verifier).is_err(), "{end} of {} bytes", token.len());
        }
        assert_eq!(verify(&token, verifier), Ok(joe()));
    }
}

#[test]
fn three_parts_exactly() {
    let token = sign(&Signer::Hmac(hmac()), Typ::IdToken, &joe()).unwrap();
    let header = token.split('.').next().unwrap();
    let encrypted = format!("{header}.AAAA.AAAA.AAAA.AAAA");
    for text in [format!("{token}.AAAA"), encrypted, format!("{header}.AAAA"), header.into(), String::new()] {
        assert_eq!(Parsed::parse(&text).unwrap_err(), malformed("it does not have three parts"), "{text}");
    }
}

#[test]
fn base64url_is_strict_in_every_part() {
    let payload = r#"{"sub":"joe"}"#;
    let token = forge(&Signer::Hmac(hmac()), r#"{"alg":"HS256" }"#, payload);
    assert_eq!(verify(&token, Verifier::Hmac(hmac())), Ok(joe()));
    let parts: Vec<&str> = token.split('.').collect();
    let reasons = [
        "the header is not base64url",
        "the payload is not base64url",
        "the signature is empty or not base64url",
    ];
    for (index, reason) in reasons.into_iter().enumerate() {
        let part = parts[index];
        // A canonical last character is followed, in the alphabet as in ASCII, by one with a spare bit set.
        let last = char::from(part.as_bytes()[part.len() - 1] + 1);
        let trailing_bits = format!("{}{last}", &part[..part.len() - 1]);
        assert_ne!(part.len() % 4, 0, "a part without spare bits tests nothing");
        for bad in
            [format!("{part}="), format!("{part}=="), format!("{part}\n"), format!(" {part}"), trailing_bits]
        {
            let mut parts = parts.clone();
            parts[index] = &bad;
            assert_eq!(Parsed::parse(&parts.join(".")).unwrap_err(), malformed(reason), "{bad:?}");
        }
    }
}

#[test]
fn header_is_an_object_with_each_member_once() {
    let not_an_object = malformed("the header is not a JSON object with each member once");
    let not_text = malformed("alg, kid or typ is not a string");
    let cases = [
        (r#"{"alg":"HS256","kid":"a","kid":"a"}"#, not_an_object.clone()),
        (r#"{"alg":"HS256","alg":"HS256"}"#, not_an_object.clone()),
        (r#"{"alg":"HS256","al\u0067":"HS256"}"#, not_an_object.clone()),
        (r#"{"alg":"HS256","x":1,"x":2}"#, not_an_object.clone()),
        (r#"["HS256"]"#, not_an_object.clone()),
        (r#"{"alg":"HS256"} x"#, not_an_object.clone()),
        (r#"{"alg":"HS256""#, not_an_object.clone()),
        ("", not_an_object),
        (r#"{"typ":"JWT"}"#, malformed("the header has no alg")),
        (r#"{"alg":256}"#, not_text.clone()),
        (r#"{"alg":null}"#, not_text.clone()),
        (r#"{"alg":"HS256","kid":7}"#, not_text.clone()),
        (r#"{"alg":"HS256","typ":["JWT"]}"#, not_text),
        (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, JoseError::Critical),
        (r#"{"alg":"HS256","crit":[]}"#, JoseError::Critical),
        (r#"{"alg":"HS256","crit":null}"#, JoseError::Critical),
    ];
    for (header, error) in cases {
        let token = forge(&Signer::Hmac(hmac()), header, r#"{"sub":"joe"}"#);
        assert_eq!(Parsed::parse(&token).unwrap_err(), error, "{header}");
    }
}

#[test]
fn keys_in_the_header_are_never_used() {
    let (stranger, _) = SigningKey::generate(KeyAlg::Es256).unwrap();
    let header = json!({"alg": "ES256", "jwk": stranger.public_jwk(), "jku": "https://evil.example/jwks"});
    let token = forge(&Signer::Key(&stranger), &header.to_string(), r#"{"sub":"joe"}"#);
    assert_eq!(verify(&token, Verifier::Key(ec().verifying_key())), Err(JoseError::BadSignature));
    assert_eq!(verify(&token, Verifier::Key(stranger.verifying_key())), Ok(joe()));
}

#[test]
fn oversize_is_refused() {
    let header = b64(br#"{"alg":"HS256"}"#);
    let of_length = |length: usize| format!("{header}.{}.AA", "A".repeat(length - header.len() - 4));
    assert!(Parsed::parse(&of_length(MAX_JWT)).is_ok());
    assert_eq!(Parsed::parse(&of_length(MAX_JWT + 4)).unwrap_err(), JoseError::TooLarge);
    assert_eq!(Parsed::parse(&(of_length(MAX_JWT) + "A")).unwrap_err(), JoseError::TooLarge);

    let with_header = |length: usize| {
        let header = format!("{:length$}", r#"{"alg":"HS256"}"#);
        forge(&Signer::Hmac(hmac()), &header, r#"{"sub":"joe"}"#)
    };
    assert_eq!(verify(&with_header(MAX_HEADER), Verifier::Hmac(hmac())), Ok(joe()));
    assert_eq!(Parsed::parse(&with_header(MAX_HEADER + 1)).unwrap_err(), JoseError::TooLarge);
}

#[test]
fn deeply_nested_header_is_refused() {
    let header = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(900), "]".repeat(900));
    let token = forge(&Signer::Hmac(hmac()), &header, r#"{"sub":"joe"}"#);
    assert!(matches!(Parsed::parse(&token), Err(JoseError::Malformed(_))));
}

#[test]
fn claims_are_an_object_of_the_expected_shape() {
    for payload in
        [r#"["joe"]"#, r#""joe""#, "7", "", "{}", r#"{"sub":7}"#, r#"{"sub":"joe"} x"#, "{\"sub\":\"\u{0}\"}"]
    {
        let token = forge(&Signer::Hmac(hmac()), r#"{"alg":"HS256"}"#, payload);
        assert_eq!(verify(&token, Verifier::Hmac(hmac())), Err(JoseError::Claims), "{payload}");
        assert_eq!(Parsed::parse(&token).unwrap().unverified_claims::<Claims>(), Err(JoseError::Claims));
    }
}

#[test]
fn claims_that_are_not_json_are_not_signed() {
    let by_number_pairs = std::collections::BTreeMap::from([((1, 2), "a key that is no text")]);
    assert_eq!(sign(&Signer::Hmac(hmac()), Typ::IdToken, &by_number_pairs), Err(JoseError::Claims));
}

#[test]
fn debug_of_a_parsed_token_shows_nothing_of_it() {
    let token = sign(&Signer::Hmac(hmac()), Typ::IdToken, &joe()).unwrap();
    assert_eq!(format!("{:?}", Parsed::parse(&token).unwrap()), "Parsed { alg: Some(Hs256), .. }");
}

fn signed() -> &'static [(String, Verifier<'static>); 5] {
    static TOKENS: OnceLock<[(String, Verifier<'static>); 5]> = OnceLock::new();
    TOKENS.get_or_init(|| pairs().map(|(signer, key)| (sign(&signer, Typ::IdToken, &joe()).unwrap(), key)))
}

proptest! {
    #[test]
    fn no_mutated_byte_verifies(which in 0..5_usize, at in any::<prop::sample::Index>(), to in 0..128_u8) {
        let (token, key) = &signed()[which];
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        prop_assert!(verify(&String::from_utf8(bytes).unwrap(), *key).is_err());
    }

    #[test]
    fn parsing_any_text_ends_in_an_answer(text in "[ -~]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}") {
        if let Ok(parsed) = Parsed::parse(&text) {
            prop_assert!(parsed.verify::<Value>(Verifier::Hmac(hmac())).is_err());
        }
    }
}
