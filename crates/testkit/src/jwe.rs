//! A reader of encrypted tokens that shares no code with the writer under test.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    digest::{SHA256, digest},
    encoding::AsDer,
    hmac,
    rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::{KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A client's key pair for encryption.
pub enum Reader {
    /// Reads RSA-OAEP-256: the decrypting key, and its JWK.
    Rsa(Box<OaepPrivateDecryptingKey>, Value),
    /// Reads ECDH-ES: the private key, and its JWK.
    P256(Box<PrivateKey>, Value),
}

#[expect(clippy::expect_used, reason = "a test without its keys has to fail at once")]
impl Reader {
    /// A new RSA key that is called `kid`.
    pub fn rsa(kid: &str) -> Reader {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let key = PrivateDecryptingKey::from_pkcs8(pair.as_der().expect("its DER").as_ref()).expect("a key");
        // The public key is SEQUENCE { n, e }: of 2048 bits, n begins after 9 bytes; e are the last three.
        let der = pair.public_key().as_ref();
        let (n, e) = (der.get(9..9 + 256).expect("n"), der.last_chunk::<3>().expect("e"));
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        let jwk = json!({"kty": "RSA", "use": "enc", "kid": kid, "n": n, "e": e});
        Reader::Rsa(Box::new(OaepPrivateDecryptingKey::new(key).expect("a key")), jwk)
    }

    /// A new P-256 key that is called `kid`.
    pub fn p256(kid: &str) -> Reader {
        let key = PrivateKey::generate(&ECDH_P256).expect("a key");
        let point = key.compute_public_key().expect("its public half");
        let (_, halves) = point.as_ref().split_at(1);
        let (x, y) = halves.split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Reader::P256(
            Box::new(key),
            json!({"kty": "EC", "crv": "P-256", "use": "enc", "kid": kid, "x": x, "y": y}),
        )
    }

    /// Its public half.
    pub fn jwk(&self) -> &Value {
        match self {
            Reader::Rsa(_, jwk) | Reader::P256(_, jwk) => jwk,
        }
    }

    /// The header and the content of a compact JWE that was encrypted to it, or nothing.
    pub fn read(&self, token: &str) -> Option<(Value, String)> {
        let part = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let parts: Vec<&str> = token.split('.').collect();
        let [header_text, key, iv, text, tag] = parts[..] else { return None };
        let header: Value = serde_json::from_slice(&part(header_text)?).ok()?;
        let key = self.content_key(&header, &part(key)?)?;
        let (iv, text, tag) = (part(iv)?, part(text)?, part(tag)?);
        let plain = match header.get("enc")?.as_str()? {
            "A256GCM" => gcm(&key, &iv, [text, tag].concat(), header_text)?,
            "A128CBC-HS256" => cbc(&key, &iv, text, &tag, header_text)?,
            _ => return None,
        };
        Some((header, String::from_utf8(plain).ok()?))
    }

    fn content_key(&self, header: &Value, encrypted: &[u8]) -> Option<Vec<u8>> {
        match (self, header.get("alg")?.as_str()?) {
            (Reader::Rsa(key, _), "RSA-OAEP-256") => {
                let mut out = vec![0; key.min_output_size()];
                Some(key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None).ok()?.to_vec())
            }
            (Reader::P256(key, _), "ECDH-ES") => {
                let half = |name: &str| URL_SAFE_NO_PAD.decode(header.get("epk")?.get(name)?.as_str()?).ok();
                let point = [vec![4], half("x")?, half("y")?].concat();
                let enc = header.get("enc")?.as_str()?;
                agree(key, UnparsedPublicKey::new(&ECDH_P256, point), (), |secret| {
                    // RFC 7518 §4.6.2, in one piece.
                    let length = (enc.len() as u32).to_be_bytes();
                    let input =
                        [&[0, 0, 0, 1], secret, &length, enc.as_bytes(), &[0; 8], &[0, 0, 1, 0]].concat();
                    Ok(digest(&SHA256, &input).as_ref().to_vec())
                })
                .ok()
            }
            _ => None,
        }
    }
}

fn gcm(key: &[u8], iv: &[u8], mut sealed: Vec<u8>, header: &str) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
    Some(key.open_in_place(nonce, Aad::from(header), &mut sealed).ok()?.to_vec())
}

fn cbc(key: &[u8], iv: &[u8], mut text: Vec<u8>, tag: &[u8], header: &str) -> Option<Vec<u8>> {
    let (mac, cipher) = key.split_at_checked(16)?;
    let bits = (header.len() as u64 * 8).to_be_bytes();
    let signed = [header.as_bytes(), iv, &text, &bits].concat();
    let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, mac), &signed);
    if expected.as_ref().get(..16) != Some(tag) {
        return None;
    }
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, cipher).ok()?).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    Some(key.decrypt(&mut text, DecryptionContext::Iv128(iv.into())).ok()?.to_vec())
}
