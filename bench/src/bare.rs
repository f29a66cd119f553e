//! Bare handlers: what this machine could do at best, by the same web framework and for the same load. They check nothing, and
//! answer with a fixed document, or with as many signatures and durable writes as the real answer takes.
//!
//! A floor in requests a second belongs to the machine it was set on. As a share of the bare handler, measured in the same
//! run, it holds anywhere.

mod writer;

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::Arc,
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{StatusCode, header};
use memchr::memmem;

use self::writer::Writer;
use crate::{Failure, flows::Alg, population::Population, server::Server};

/// About as long as the real documents.
const DISCOVERY: &[u8] = &[b'd'; 3400];
const JWKS: &[u8] = &[b'k'; 1300];
/// About as many bytes as the claims of a token.
const CLAIMS: [u8; 330] = [b'c'; 330];
const FOR_ACCOUNT: &[u8] = b"grant_type=client_credentials";
const CALLBACK: &str =
    "http://localhost:1/cb?code=barebarebarebarebarebarebarebarebarebarebarebarebarebarebarebare";

/// Starts them in a process of their own, with their rows in `database`: a new file, or an empty database of a server.
pub fn start(database: &str) -> Result<Server, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child =
        command.args(["--bare", database]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("the bare handlers say nothing")?).read_line(&mut line)?;
    let port = line.trim().parse().map_err(|_| "the bare handlers did not start")?;
    Ok(Server::attach(child, port))
}

/// Serves until whoever started it is gone.
pub fn serve(database: &str) -> Result<(), Failure> {
    let handlers = Handlers { keys: Keys::new()?, writer: Writer::open(database)? };
    let routes = Router::new()
        .route("/oidc/.well-known/openid-configuration", get(|| document(DISCOVERY)))
        .route("/oidc/.well-known/jwks.json", get(|| document(JWKS)))
        .route("/oidc/auth", get(|| async { (StatusCode::SEE_OTHER, [(header::LOCATION, CALLBACK)]) }))
        .route("/oidc/token", post(token))
        .with_state(Arc::new(handlers));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        let orphaned = tokio::task::spawn_blocking(|| io::stdin().read(&mut [0]));
        tokio::select! {
            ended = axum::serve(listener, routes) => Ok(ended?),
            _ = orphaned => Ok(()),
        }
    })
}

struct Handlers {
    keys: Keys,
    writer: Writer,
}

async fn document(bytes: &'static [u8]) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

async fn token(State(handlers): State<Arc<Handlers>>, form: Bytes) -> Response {
    let sign = |alg| handlers.keys.token(alg).unwrap_or_default();
    let has = |text: &str| memmem::find(&form, text.as_bytes()).is_some();
    let answer = if form.starts_with(FOR_ACCOUNT) {
        let prefix = Population::account(Alg::Es256, 0).to_string();
        let alg = if has(prefix.get(..8).unwrap_or_default()) { Alg::Es256 } else { Alg::Rs256 };
        format!(
            r#"{{"access_token":"{}","token_type":"Bearer","expires_in":600,"scope":"book:read"}}"#,
            sign(alg)
        )
    } else {
        let alg = if has(Alg::Es256.client_id()) { Alg::Es256 } else { Alg::Rs256 };
        if handlers.writer.write().await.is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let (access, id) = (sign(alg), sign(alg));
        format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":600,"id_token":"{id}"}}"#)
    };
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], answer)
        .into_response()
}

struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    random: SystemRandom,
}

impl Keys {
    fn new() -> Result<Keys, Failure> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref())?;
        Ok(Keys { rsa: RsaKeyPair::generate(KeySize::Rsa2048)?, ec, random })
    }

    /// As long as a token, and signed.
    fn token(&self, alg: Alg) -> Result<String, Failure> {
        let mut text = BASE64_URL_SAFE_NO_PAD.encode(CLAIMS);
        let signature = match alg {
            Alg::Rs256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, text.as_bytes(), &mut signature)?;
                signature
            }
            Alg::Es256 => self.ec.sign(&self.random, text.as_bytes())?.as_ref().to_vec(),
        };
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Ok(text)
    }
}
