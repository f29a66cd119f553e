//! What a client signs, and what it serves.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use signet_protocol::{
    application::{Application, AuthMethod},
    client_assertion::JWT_BEARER,
    jose::{ClientKeys, HmacKey, JwkSet, KeyAlg, Signer, SigningKey, Typ, sign},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{rp::Rp, support::SECRET};

/// The key that sample clients sign with.
pub fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(KeyAlg::Es256).unwrap().0)
}

/// A key set with these public keys, as a client publishes it.
pub fn jwks(keys: &[&SigningKey]) -> String {
    let keys = keys.iter().map(|key| key.public_jwk().clone()).collect();
    serde_json::to_string(&JwkSet { keys }).unwrap()
}

/// Registers the sample client's key, and this method at all three endpoints.
pub fn by(method: AuthMethod) -> impl FnOnce(&mut Application) {
    move |application| {
        let settings = &mut application.settings;
        settings.token_endpoint_auth_method = method;
        settings.introspection_endpoint_auth_method = method;
        settings.revocation_endpoint_auth_method = method;
        settings.jwks = Some(ClientKeys::parse(&jwks(&[key()])).unwrap());
    }
}

/// A JWT of the client's own key.
pub fn signed(claims: &Value) -> String {
    signed_by(key(), claims)
}

/// A JWT of any key.
pub fn signed_by(key: &SigningKey, claims: &Value) -> String {
    sign(&Signer::Key(key), Typ::IdToken, claims).unwrap()
}

/// A JWT keyed by the sample secret.
pub fn keyed(claims: &Value) -> String {
    sign(&Signer::Hmac(&HmacKey::new(SECRET.as_bytes()).unwrap()), Typ::IdToken, claims).unwrap()
}

/// The claims of a good assertion of `rp`, each time with another `jti`.
pub fn claims(rp: &Rp) -> Value {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let jti = NUMBER.fetch_add(1, Ordering::SeqCst).to_string();
    json!({"iss": rp.id, "sub": rp.id, "aud": rp.issuer, "exp": rp.world.now() + 60, "jti": jti})
}

/// The parameters that present `assertion`.
pub fn presenting(assertion: &str) -> [(&'static str, &str); 2] {
    [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]
}

/// What the client's web server answers, and how often it was asked.
#[derive(Clone)]
pub struct Site {
    pub origin: String,
    answer: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Site {
    /// A web server of a client, at an address of this machine.
    pub async fn new() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let site = Site { origin, answer: Arc::default(), asked: Arc::default() };
        let serving = site.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let site = serving.clone();
                tokio::spawn(async move {
                    let mut head = [0; 8192];
                    drop(stream.read(&mut head).await);
                    site.asked.fetch_add(1, Ordering::SeqCst);
                    let answer = site.answer.lock().unwrap().clone();
                    match answer {
                        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                        // It hangs, until the other side gives up.
                        None => drop(stream.read(&mut head).await),
                    }
                });
            }
        });
        site
    }

    /// From now on it serves this document.
    pub fn serves(&self, document: &str) {
        self.answers(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}", document.len()));
    }

    /// From now on it answers with this.
    pub fn answers(&self, response: &str) {
        *self.answer.lock().unwrap() = Some(response.to_owned());
    }

    /// From now on it says nothing.
    pub fn hangs(&self) {
        *self.answer.lock().unwrap() = None;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
