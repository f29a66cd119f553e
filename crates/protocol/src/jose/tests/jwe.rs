//! Encryption: the worked examples of the standards, and what a token looks like from outside. That others can read one is
//! shown at the endpoints.

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use serde_json::{Value, json};

use super::super::jwe::{concat_kdf, seal};
use super::super::material::point;
use super::*;
use crate::{entropy::Entropy, samples::Seeded};

/// The bytes of an example where chance would be.
struct Given<'b>(&'b [u8]);

impl Entropy for Given<'_> {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.copy_from_slice(self.0);
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn rfc7518_b1_a128cbc_hs256() {
    let key: [u8; 32] = std::array::from_fn(|at| at as u8);
    let text = "A cipher system must not be required to be secret, and it must be able to fall into the hands of the \
                enemy without inconvenience";
    let iv = hex("1af38c2dc2b96ffdd86694092341bc04");
    let header = "The second principle of Auguste Kerckhoffs";
    let sealed =
        seal(ContentEncryption::A128CbcHs256, &key, text.as_bytes(), header, &mut Given(&iv)).unwrap();
    assert_eq!(
        sealed.ciphertext,
        hex("c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef71427e2
             fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b
             384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e2db")
    );
    assert_eq!(sealed.tag, hex("652c3fa36b0a7c5b3219fab3a30bc1c4"));
}

#[test]
fn rfc7516_a1_a256gcm() {
    let key = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46,
        34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let iv = [227, 197, 117, 252, 2, 219, 233, 68, 180, 225, 77, 219];
    let text = "The true sign of intelligence is not knowledge but imagination.";
    let header = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    let sealed = seal(ContentEncryption::A256Gcm, &key, text.as_bytes(), header, &mut Given(&iv)).unwrap();
    assert_eq!(
        b64(&sealed.ciphertext),
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A"
    );
    assert_eq!(b64(&sealed.tag), "XFBoMYUZodetZdvTiFvSkQ");
}

#[test]
fn rfc7518_c_concat_kdf() {
    let own = unb64("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo").unwrap();
    let own = PrivateKey::from_private_key(&ECDH_P256, &own).unwrap();
    let half = |text| unb64(text).unwrap().try_into().unwrap();
    let peer = point(
        &half("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"),
        &half("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"),
    );
    let derive = |secret: &[u8]| Ok::<_, ()>(concat_kdf(secret, "A128GCM", ["Alice", "Bob"], 128));
    let key = agreement::agree(&own, UnparsedPublicKey::new(&ECDH_P256, peer), (), derive).unwrap();
    assert_eq!(b64(&key[..16]), "VqqN6vgjbSBcIijNcacQGg");
}

fn recipient(key: &SigningKey, enc: ContentEncryption) -> Recipient {
    let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
    jwk["use"] = json!("enc");
    jwk.as_object_mut().unwrap().remove("alg");
    let alg = if jwk["kty"] == "RSA" { KeyManagementAlg::RsaOaep256 } else { KeyManagementAlg::EcdhEs };
    ClientKeys::parse(&json!({"keys": [jwk]}).to_string()).unwrap().recipient(alg, enc).unwrap()
}

#[test]
fn a_token_has_five_parts_and_says_how_to_read_it() {
    let jwt = sign(&Signer::Hmac(hmac()), Typ::IdToken, &joe()).unwrap();
    for (key, alg, key_bytes) in [(rsa(), "RSA-OAEP-256", 256), (ec(), "ECDH-ES", 0)] {
        for enc in ContentEncryption::ALL.iter().copied() {
            let token = recipient(key, enc).encrypt(&jwt, &mut Seeded(1)).unwrap();
            let parts: Vec<Vec<u8>> = token.split('.').map(|part| unb64(part).unwrap()).collect();
            let padded = (jwt.len() / 16 + 1) * 16;
            let (iv, text) = if enc == ContentEncryption::A256Gcm { (12, jwt.len()) } else { (16, padded) };
            assert_eq!(parts[1..].iter().map(Vec::len).collect::<Vec<_>>(), [key_bytes, iv, text, 16]);
            let mut header: Value = serde_json::from_slice(&parts[0]).unwrap();
            let epk = header.as_object_mut().unwrap().remove("epk");
            assert_eq!(
                header,
                json!({"alg": alg, "enc": enc.as_str(), "cty": "JWT", "kid": key.kid().as_str()})
            );
            assert_eq!(epk.is_some(), alg == "ECDH-ES");
            if let Some(epk) = epk {
                assert_eq!(epk.as_object().unwrap().keys().collect::<Vec<_>>(), ["crv", "kty", "x", "y"]);
            }
            assert!(matches!(Parsed::parse(&token), Err(JoseError::Malformed(_))), "it is no signed token");
        }
    }
}

#[test]
fn nothing_of_a_token_comes_twice() {
    let mut entropy = Seeded(1);
    for key in [rsa(), ec()] {
        let recipient = recipient(key, ContentEncryption::A256Gcm);
        let mut token = || recipient.encrypt("e.f.g", &mut entropy).unwrap();
        let (one, two) = (token(), token());
        let (one, two): (Vec<&str>, Vec<&str>) = (one.split('.').collect(), two.split('.').collect());
        for at in [2, 3, 4] {
            assert_ne!(one[at], two[at], "part {at}");
        }
        assert_ne!(one[..2], two[..2], "the key is another, too");
    }
}

#[test]
fn names_are_the_registered_ones() {
    for alg in KeyManagementAlg::ALL {
        assert_eq!(KeyManagementAlg::parse(alg.as_str()), Some(*alg));
        assert_eq!(serde_json::to_value(alg).unwrap(), json!(alg.as_str()));
    }
    for enc in ContentEncryption::ALL {
        assert_eq!(serde_json::to_value(enc).unwrap(), json!(enc.as_str()));
    }
    assert_eq!(KeyManagementAlg::parse("RSA1_5"), None);
    assert_eq!(ContentEncryption::default().as_str(), "A128CBC-HS256");
}
