//! One GET, the way a relying party would send it.

use std::{io, sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName};
use signet_protocol::issuer::{BaseUrl, Site};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::failure::plain;

/// Bytes of an answer. A discovery document has some thousand.
const ANSWER_BYTES: usize = 1 << 20;

/// What came back.
pub struct Answer {
    pub status: u16,
    /// Its `Date`, in seconds since 1970.
    pub date: Option<i64>,
    pub body: Vec<u8>,
}

/// Asks for `path` at `base`, trusting the authorities that this machine trusts. Refused, in words for people: no
/// connection, a certificate that is not trusted or of another name, no HTTP, no answer in time.
pub async fn get(base: &BaseUrl, path: &str, patience: Duration) -> Result<Answer, String> {
    let asked = async {
        let origin = base.origin(&Site::Pool);
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        let default = if base.is_https() { 443 } else { 80 };
        let port = authority.split_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(default);
        let stream = TcpStream::connect((base.host(), port)).await.map_err(in_words)?;
        let request = Request::get(path)
            .header(header::HOST, authority)
            .header(header::CONNECTION, "close")
            .body(Body::empty())
            .map_err(|error| error.to_string())?;
        match base.is_https() {
            true => send(secured(base.host(), stream).await?, request).await,
            false => send(stream, request).await,
        }
    };
    timeout(patience, asked)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", patience.as_secs())))
}

async fn secured(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(in_words)
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
) -> Result<Answer, String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| format!("no HTTP answer: {error}"))?;
    let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let date = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
    let status = answer.status().as_u16();
    let body =
        to_bytes(Body::new(answer.into_body()), ANSWER_BYTES).await.map_err(|error| error.to_string())?;
    Ok(Answer { status, date: date.and_then(|date| i64::try_from(date.as_secs()).ok()), body: body.to_vec() })
}

fn in_words(error: io::Error) -> String {
    plain(&error.to_string())
}
