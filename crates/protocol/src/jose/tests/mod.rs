mod client_keys;
mod jwe;
mod keys;
mod tokens;
mod vectors;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::*;

const SECRET: &[u8] = b"a client secret of forty-four ASCII letters.";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
}

fn joe() -> Claims {
    Claims { sub: "joe".into() }
}

fn rsa() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::Rs256).unwrap().0)
}

fn ec() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::Es256).unwrap().0)
}

fn ps() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::Ps256).unwrap().0)
}

fn ed() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::EdDsa).unwrap().0)
}

fn hmac() -> &'static HmacKey {
    static KEY: OnceLock<HmacKey> = OnceLock::new();
    KEY.get_or_init(|| HmacKey::new(SECRET).unwrap())
}

/// One key of each kind, to sign and to verify with.
fn pairs() -> [(Signer<'static>, Verifier<'static>); 5] {
    [
        (Signer::Key(rsa()), Verifier::Key(rsa().verifying_key())),
        (Signer::Key(ps()), Verifier::Key(ps().verifying_key())),
        (Signer::Key(ec()), Verifier::Key(ec().verifying_key())),
        (Signer::Key(ed()), Verifier::Key(ed().verifying_key())),
        (Signer::Hmac(hmac()), Verifier::Hmac(hmac())),
    ]
}

/// A token with this very header and payload, signed correctly: what refuses it is not its signature.
fn forge(signer: &Signer<'_>, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", b64(header.as_bytes()), b64(payload.as_bytes()));
    let signature = signer.signature(input.as_bytes()).unwrap();
    format!("{input}.{}", b64(&signature))
}

fn verify(token: &str, key: Verifier<'_>) -> Result<Claims, JoseError> {
    Parsed::parse(token)?.verify(key)
}
