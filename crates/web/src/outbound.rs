//! The one way by which Signet itself asks others: for the keys and request objects of applications, and to tell them of
//! logouts. Where it goes is said by whoever registered an application, so it goes to few places (attack 10).
//!
//! A name is resolved once, every address is tested, and the connection is made to exactly those. No redirect is followed,
//! no proxy of the environment used; size, time and the number of connections are bounded.

mod target;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::{Body, to_bytes};
use http::{Request, Response, StatusCode, header};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use signet_protocol::says;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OnceCell, Semaphore, SemaphorePermit},
    task::{JoinSet, spawn_blocking},
    time::timeout,
};
use tokio_rustls::TlsConnector;

pub use target::{Allow, Opened, Permitted, Target, URL_BYTES};

/// How long an answer may take, from the name to the last byte.
const TIMEOUT_SECONDS: u64 = 5;
const TIMEOUT: Duration = Duration::from_secs(TIMEOUT_SECONDS);
/// How long one of several addresses may take to be connected to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of the head of an answer.
const HEAD_BYTES: usize = 32 * 1024;
/// Requests at once.
const MOST: usize = 64;
/// Requests at once to one host, so that a slow one does not hold up the others.
const MOST_OF_ONE: usize = 8;

/// Why nothing was fetched, in words for an operator. It names addresses, so callers from outside are not told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message says it")]
pub enum OutboundError {
    Url,
    Closed(IpAddr),
    Plain,
    Unresolved,
    Unreachable(String),
    Tls(String),
    Protocol(String),
    Redirect(u16),
    Status(u16),
    TooLarge(usize),
    Timeout,
    Busy,
    Authorities(String),
}

says!(OutboundError {
    OutboundError::Url =>
        "it is not an https:// URL of at most {URL_BYTES} bytes without user and fragment",
        "不是不超过 {URL_BYTES} 字节、不含用户名和片段的 https:// URL";
    OutboundError::Closed(ip) =>
        "its host leads to {ip}, which is not a public address; outbound_allow opens such a host or network",
        "其主机指向 {ip}，不是公网地址；可用 outbound_allow 放行该主机或网段";
    OutboundError::Plain =>
        "it is plain http; use https, or open its host or network by outbound_allow",
        "是明文 http；请使用 https，或用 outbound_allow 放行其主机或网段";
    OutboundError::Unresolved =>
        "the name of its host leads to no address; correct it, or see that this machine can resolve it",
        "其主机名解析不到任何地址；请更正，或确认本机能够解析";
    OutboundError::Unreachable(reason) =>
        "there is no connection to its host: {reason}",
        "无法连接其主机（{reason}）";
    OutboundError::Tls(reason) =>
        "its certificate is not accepted: {reason}; outbound_ca names authorities other than those of this machine",
        "其证书不被接受（{reason}）；可用 outbound_ca 指定本机之外的证书颁发机构";
    OutboundError::Protocol(reason) =>
        "what answers there does not speak HTTP: {reason}",
        "对方的响应不是 HTTP（{reason}）";
    OutboundError::Redirect(status) =>
        "it answers with a redirect ({status}), which is not followed; register the address it leads to",
        "其响应为重定向（{status}），不会跟随；请登记它所指向的地址";
    OutboundError::Status(status) =>
        "it answers with status {status}",
        "其响应状态为 {status}";
    OutboundError::TooLarge(most) =>
        "it answers with more than {most} bytes",
        "其响应超过 {most} 字节";
    OutboundError::Timeout =>
        "it did not answer within {TIMEOUT_SECONDS} s",
        "在 {TIMEOUT_SECONDS} 秒内没有响应";
    OutboundError::Busy =>
        "too many requests to its host are under way; try again",
        "对其主机的并发请求过多，请稍后重试";
    OutboundError::Authorities(reason) =>
        "the trusted authorities cannot be used: {reason}",
        "无法使用受信任的证书颁发机构（{reason}）";
});

/// Whose certificates are accepted.
#[derive(Clone, Debug)]
pub enum Authorities {
    /// Those that this machine trusts, read when they are first needed.
    Machine,
    /// These alone.
    Named(Vec<CertificateDer<'static>>),
}

impl Authorities {
    /// Those in a PEM file.
    ///
    /// # Errors
    /// What the file must be.
    pub fn parse(pem: &[u8]) -> Result<Authorities, &'static str> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.ok().filter(|found| !found.is_empty());
        found.map(Authorities::Named).ok_or("must hold the certificates of authorities, PEM")
    }
}

/// What is looked up by a name.
type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Where names are looked up: the system's resolver, but for tests.
type Resolver = Arc<dyn Fn(&str, u16) -> Lookup + Send + Sync>;

/// The guarded client. Cheap to clone; clones share their bounds.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    allow: Allow,
    authorities: Authorities,
    resolver: Resolver,
    tls: OnceCell<TlsConnector>,
    all: Semaphore,
    by_host: Mutex<HashMap<String, usize>>,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("allow", &self.0.allow).finish_non_exhaustive()
    }
}

impl Default for Outbound {
    /// Only the public internet, by the authorities of this machine.
    fn default() -> Outbound {
        Outbound::new(Allow::default(), Authorities::Machine)
    }
}

impl Outbound {
    /// A client that goes to the public internet and to what `allow` opens.
    pub fn new(allow: Allow, authorities: Authorities) -> Outbound {
        let system: Resolver = Arc::new(|host: &str, port| {
            let host = host.to_owned();
            Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
        });
        Outbound::resolving(allow, authorities, system)
    }

    fn resolving(allow: Allow, authorities: Authorities, resolver: Resolver) -> Outbound {
        Outbound(Arc::new(Inner {
            allow,
            authorities,
            resolver,
            tls: OnceCell::new(),
            all: Semaphore::new(MOST),
            by_host: Mutex::default(),
        }))
    }

    /// The body of a document, of `most` bytes at most, that is there with status 200.
    ///
    /// # Errors
    /// Why there is none, in words for an operator.
    pub async fn get(&self, url: &str, accept: &str, most: usize) -> Result<Vec<u8>, OutboundError> {
        self.within_time(async {
            let target = Target::parse(url)?;
            let request = Request::get(&target.path).header(header::ACCEPT, accept);
            let _place = self.place(&target.host).await?;
            let answer = self.ask(&target, request, Body::empty()).await?;
            let status = answer.response.status();
            if status != StatusCode::OK {
                return Err(OutboundError::Status(status.as_u16()));
            }
            let body = to_bytes(Body::new(answer.response.into_body()), most).await;
            let body = body.map_err(|error| match of_connection(&error) {
                Some(broken) => OutboundError::Protocol(broken.to_string()),
                None => OutboundError::TooLarge(most),
            });
            Ok(body?.to_vec())
        })
        .await
    }

    /// Sends a form (`application/x-www-form-urlencoded`). Only a status from 200 to 299 is a success; the body of the
    /// answer is not read.
    ///
    /// # Errors
    /// Why it was not taken, in words for an operator.
    pub async fn post_form(&self, url: &str, form: String) -> Result<(), OutboundError> {
        self.within_time(async {
            let target = Target::parse(url)?;
            let request = Request::post(&target.path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::CONTENT_LENGTH, form.len());
            let _place = self.place(&target.host).await?;
            let answer = self.ask(&target, request, Body::from(form)).await?;
            let status = answer.response.status();
            if status.is_success() { Ok(()) } else { Err(OutboundError::Status(status.as_u16())) }
        })
        .await
    }

    /// Whether `url` could be asked, as far as that shows without asking: its form, an address in place of a name, and
    /// plain http to a host that is not opened.
    ///
    /// # Errors
    /// Why not, in words for an operator.
    pub fn check(&self, url: &str) -> Result<(), OutboundError> {
        let target = Target::parse(url)?;
        match target.host.parse() {
            Ok(ip) => target.permit(vec![SocketAddr::new(ip, target.port)], &self.0.allow).map(drop),
            Err(_) if !target.https && !self.0.allow.may_open(&target.host) => Err(OutboundError::Plain),
            Err(_) => Ok(()),
        }
    }

    async fn within_time<T>(
        &self,
        asked: impl Future<Output = Result<T, OutboundError>>,
    ) -> Result<T, OutboundError> {
        timeout(TIMEOUT, asked).await.unwrap_or(Err(OutboundError::Timeout))
    }

    async fn ask(
        &self,
        target: &Target,
        request: http::request::Builder,
        body: Body,
    ) -> Result<Answer, OutboundError> {
        let request = request
            .header(header::HOST, &target.authority)
            .header(header::CONNECTION, "close")
            .header(header::USER_AGENT, concat!("Signet/", env!("CARGO_PKG_VERSION")))
            .body(body)
            .map_err(|_| OutboundError::Url)?;
        let permitted = target.permit(self.resolve(target).await?, &self.0.allow)?;
        let stream = connect(&permitted).await?;
        let answer = match target.https {
            true => send(self.secure(target, stream).await?, request).await?,
            false => send(stream, request).await?,
        };
        let status = answer.response.status();
        if status.is_redirection() { Err(OutboundError::Redirect(status.as_u16())) } else { Ok(answer) }
    }

    async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, OutboundError> {
        match target.host.parse() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, target.port)]),
            Err(_) => {
                let found = (self.0.resolver)(&target.host, target.port).await;
                found.map_err(|_| OutboundError::Unresolved)
            }
        }
    }

    async fn secure(
        &self,
        target: &Target,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, OutboundError> {
        let name = ServerName::try_from(target.host.clone()).map_err(|_| OutboundError::Url)?;
        let secured = self.tls().await?.connect(name, stream).await;
        secured.map_err(|error| OutboundError::Tls(error.to_string()))
    }

    /// What makes a connection secure, by the authorities that are trusted. Mail servers are trusted by the same.
    pub(crate) async fn tls(&self) -> Result<&TlsConnector, OutboundError> {
        let authorities = self.0.authorities.clone();
        let connector = self.0.tls.get_or_try_init(async || {
            let made = spawn_blocking(move || connector(authorities)).await;
            made.unwrap_or_else(|error| Err(OutboundError::Authorities(error.to_string())))
        });
        connector.await
    }

    /// A place among the requests under way.
    async fn place(&self, host: &str) -> Result<(Place<'_>, SemaphorePermit<'_>), OutboundError> {
        let place = Place::take(&self.0.by_host, host).ok_or(OutboundError::Busy)?;
        Ok((place, self.0.all.acquire().await.map_err(|_| OutboundError::Busy)?))
    }
}

/// A place among the requests to one host.
struct Place<'a> {
    by_host: &'a Mutex<HashMap<String, usize>>,
    host: String,
}

impl<'a> Place<'a> {
    fn take(by_host: &'a Mutex<HashMap<String, usize>>, host: &str) -> Option<Place<'a>> {
        let mut counts = by_host.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(host.to_owned()).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Place { by_host, host: host.to_owned() })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.host) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.host);
            }
        }
    }
}

async fn connect(permitted: &Permitted) -> Result<TcpStream, OutboundError> {
    let mut last = OutboundError::Unresolved;
    for address in permitted.addresses() {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = OutboundError::Unreachable(error.to_string()),
            Err(_) => last = OutboundError::Timeout,
        }
    }
    Err(last)
}

fn connector(authorities: Authorities) -> Result<TlsConnector, OutboundError> {
    let mut roots = RootCertStore::empty();
    let certificates = match authorities {
        Authorities::Machine => rustls_native_certs::load_native_certs().certs,
        Authorities::Named(certificates) => certificates,
    };
    roots.add_parsable_certificates(certificates);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OutboundError::Authorities(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What went wrong with the connection, if anything did.
fn of_connection<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e hyper::Error> {
    error.downcast_ref().or_else(|| of_connection(error.source()?))
}

/// An answer whose body is still to be read, and the connection, which ends when this is dropped.
struct Answer {
    response: Response<Incoming>,
    _connection: JoinSet<hyper::Result<()>>,
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
) -> Result<Answer, OutboundError> {
    let garbled = |error: hyper::Error| OutboundError::Protocol(error.to_string());
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(garbled)?;
    let mut running = JoinSet::new();
    running.spawn(connection);
    let response = sender.send_request(request).await.map_err(garbled)?;
    Ok(Answer { response, _connection: running })
}
