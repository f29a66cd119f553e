//! Signed tokens, keys, and opaque texts.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use serde_json::Value;
use signet_protocol::{
    access_token::{AccessTokenClaims, grant_of, key_id},
    claims::HintClaims,
    id::{AppId, CodeId, FamilyId, RowId, SessionId},
    jose::{
        ClientKeys, HmacKey, KeyAlg, MAX_HEADER, MAX_JWT, Parsed, PublicJwk, Signer, SigningKey, Typ,
        Verifier, b64, sign, unb64,
    },
    opaque::Opaque,
    refresh::{parse_refresh_token, refresh_token},
    secret::Secret,
};
use signet_testkit::jwt::Jwt;

use crate::{first_line, utf8};

const SECRET: &str = "an application secret of enough bytes";

const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

static HMAC: LazyLock<HmacKey> = LazyLock::new(|| HmacKey::new(SECRET.as_bytes()).unwrap());
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(KeyAlg::Es256).unwrap().0);

/// The text as a token, and a token that is made of it: the first line as header, the rest as claims, signed.
pub fn jwt(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    judge(text);
    let (header, claims) = first_line(text);
    let input = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let token = format!("{input}.{}", b64(hmac::sign(&key, input.as_bytes()).as_ref()));
    if judge(&token) {
        assert!(text.len() <= MAX_JWT);
        // Each character of an accepted token counts.
        let at = data.iter().map(|byte| usize::from(*byte)).sum::<usize>() % token.len();
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        if other != token.as_bytes() {
            assert!(!judge(std::str::from_utf8(&other).unwrap()), "{token} at {at}");
        }
    }
    if let Ok(claims) = serde_json::from_str::<serde_json::Map<String, Value>>(claims) {
        let token = sign(&Signer::Key(&KEY), Typ::AccessToken, &claims).unwrap();
        if token.len() <= MAX_JWT {
            let parsed = Parsed::parse(&token).unwrap();
            let back: serde_json::Map<String, Value> =
                parsed.verify(Verifier::Key(KEY.verifying_key())).unwrap();
            assert_eq!(back, claims);
            assert!(parsed.verify::<Value>(Verifier::Hmac(&HMAC)).is_err());
            assert_eq!(key_id(&parsed).unwrap(), KEY.kid().as_str());
        }
    }
}

/// Whether the token is good under one of the fixed keys; a second reader, which is not ours, must not think less of it.
fn judge(token: &str) -> bool {
    let Ok(parsed) = Parsed::parse(token) else { return false };
    assert!(token.len() <= MAX_JWT && token.split('.').count() == 3);
    let header = unb64(token.split('.').next().unwrap()).unwrap();
    assert!(header.len() <= MAX_HEADER);
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert!(header.get("crit").is_none());
    assert_eq!(parsed.kid(), header.get("kid").and_then(Value::as_str));
    assert_eq!(parsed.typ(), header.get("typ").and_then(Value::as_str));
    let by_secret = parsed.verify::<Value>(Verifier::Hmac(&HMAC));
    let by_key = parsed.verify::<Value>(Verifier::Key(KEY.verifying_key()));
    assert!(by_secret.is_err() || by_key.is_err(), "one algorithm, one key");
    if let Ok(claims) = &by_secret {
        let other = Jwt::decode(token).expect("the other reader understands it");
        assert!(other.verifies_with_secret(SECRET));
        assert_eq!((&other.claims, &other.header), (claims, &header));
        assert_eq!(header["alg"], "HS256");
        assert!(claims.is_object());
        // The claims we read give no more than what stands in the token.
        if let Ok(known) = parsed.verify::<AccessTokenClaims>(Verifier::Hmac(&HMAC)) {
            assert_eq!(claims["iss"], known.iss.as_str());
            let _ = grant_of(&known.jti);
        }
        let _ = parsed.verify::<HintClaims>(Verifier::Hmac(&HMAC));
    }
    by_secret.is_ok() || by_key.is_ok()
}

/// A key that is accepted is a public one, the same after being written and read again, and has one name.
pub fn jwk(data: &[u8]) {
    if let Some(text) = utf8(data) {
        client_keys(text);
    }
    let Ok(jwk) = serde_json::from_slice::<PublicJwk>(data) else { return };
    let written = serde_json::to_vec(&jwk).unwrap();
    let back: PublicJwk = serde_json::from_slice(&written).unwrap();
    assert_eq!(back, jwk);
    assert_eq!(back.thumbprint(), jwk.thumbprint());
    assert!(written.len() <= 2048, "a key is small");
    let members: Value = serde_json::from_slice(&written).unwrap();
    assert!(PRIVATE.iter().all(|member| members.get(member).is_none()));
    if let Ok(key) = jwk.verifying_key() {
        assert_eq!(key.alg(), jwk.alg().into());
    }
}

/// The text as a client's key set, and as the one key of a set: what is taken is written and read back the same, has no
/// private member, and what is taken from an operator is taken from a client, too.
fn client_keys(text: &str) {
    for text in [text.to_owned(), format!(r#"{{"keys":[{text}]}}"#)] {
        let published = ClientKeys::parse_published(text.as_bytes());
        let Ok(keys) = ClientKeys::parse(&text) else { continue };
        assert_eq!(published.as_ref(), Ok(&keys));
        let written = serde_json::to_string(&keys).unwrap();
        assert_eq!(ClientKeys::parse(&written).unwrap(), keys);
        let written: Value = serde_json::from_str(&written).unwrap();
        for key in written["keys"].as_array().unwrap() {
            assert!(PRIVATE.iter().all(|member| key.get(member).is_none()));
        }
        for alg in KeyAlg::ALL {
            assert!(keys.verifying(None, *alg).all(|key| key.alg() == (*alg).into()));
        }
    }
}

/// Codes, cookies, refresh tokens and ids have one spelling, and only the whole of them is one.
pub fn opaque(data: &[u8]) {
    let key = Secret::new([7; 32]);
    if let Some((family, rest)) = data.split_first_chunk::<16>()
        && let Some((generation, _)) = rest.split_first_chunk::<8>()
    {
        let (family, generation) = (FamilyId::from_bytes(*family), i64::from_be_bytes(*generation));
        let token = refresh_token(&key, family, generation);
        let read = parse_refresh_token(&key, &token).unwrap();
        assert_eq!((read.family, read.generation), (family, generation));
        assert_eq!(parse_refresh_token(&Secret::new([8; 32]), &token), None);
    }
    let Some(text) = utf8(data) else { return };
    if let Some(code) = Opaque::<CodeId>::parse(text) {
        assert_eq!(code.encode(), text);
        let session = Opaque::<SessionId>::parse(text).unwrap();
        assert!(!session.hash().matches(&code.hash()), "a code is not a session");
        let shown = format!("{code:?}");
        assert!(!shown.contains(&text[24..]), "the secret is not shown");
    }
    if let Some(read) = parse_refresh_token(&key, text) {
        assert_eq!(refresh_token(&key, read.family, read.generation), text);
    }
    if let Some(id) = AppId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(id) = CodeId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(bytes) = unb64(text) {
        assert_eq!(b64(&bytes), text, "one spelling");
    }
}
