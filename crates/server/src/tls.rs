//! TLS for the connections of callers, by a certificate and a key in files that may change while the server runs.

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    CertificateError, Error, InconsistentKeys, RootCertStore, ServerConfig,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::failure::Failure;

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Bytes of a file: many times what a long chain needs.
const FILE_BYTES: u64 = 1024 * 1024;
/// The first byte of the record that begins a handshake (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 0x16;
/// What a caller is told that speaks HTTP without TLS.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
     This port speaks HTTPS only: the URL must begin with https://\n";
/// How long that caller's request is taken in and thrown away, so that the answer is not lost to a reset.
const LINGER: Duration = Duration::from_secs(1);
/// How much of it.
const LINGER_BYTES: u64 = 64 * 1024;

const NO_CERTIFICATE: &str = "It must be PEM: the server's own certificate first, then those of the intermediate authorities, \
     each between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----.";
const NO_KEY: &str = "It must be PEM and not encrypted: between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----, \
     or RSA PRIVATE KEY, or EC PRIVATE KEY.";
const MISMATCH: &str = "Name the key that the certificate was made for. The server's own certificate must be the first in its file.";

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// The server's side of TLS.
pub struct Tls {
    files: TlsFiles,
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    marks: RandomState,
    /// What the files held at the start.
    first: u64,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is not there or not PEM, or the key is another certificate's.
    pub fn load(files: &TlsFiles) -> Result<Arc<Tls>, Failure> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let marks = RandomState::new();
        let contents = files.read()?;
        let first = marks.hash_one(&contents);
        let key = files.certified(&contents, &provider)?;
        let current = Arc::new(Current(RwLock::new(key)));
        let unusable = |error: Error| Failure::new(format!("cannot speak TLS: {error}"));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Arc::new(Tls { files: files.clone(), acceptor, current, marks, first }))
    }

    /// The handshake with a caller. One that speaks HTTP without TLS is told so.
    ///
    /// # Errors
    /// It takes too long, breaks off, or is none.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let handshake = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            match first {
                [HANDSHAKE_RECORD] => self.acceptor.accept(stream).await,
                [first] => Err(turn_away(stream, first).await),
            }
        };
        timeout(HANDSHAKE_TIMEOUT, handshake).await?
    }

    /// Takes up what the files hold when it has changed, and at each SIGHUP.
    ///
    /// # Errors
    /// The signal cannot be received.
    pub fn follow(self: Arc<Self>, mut stopped: watch::Receiver<()>) -> io::Result<impl Future<Output = ()>> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(async move {
            let (mut judged, mut seen) = (self.first, self.first);
            loop {
                let told = tokio::select! {
                    _ = ticks.tick() => false,
                    _ = hangup.recv() => true,
                    _ = stopped.changed() => return,
                };
                let files = self.files.clone();
                let Ok(found) = spawn_blocking(move || files.read()).await else { continue };
                let mark = match &found {
                    Ok(contents) => self.marks.hash_one(contents),
                    Err(failure) => self.marks.hash_one(failure.to_string()),
                };
                // Two files are not replaced at once: only what two looks have seen is complete.
                if told || (mark == seen && mark != judged) {
                    judged = mark;
                    self.take_up(found);
                }
                seen = mark;
            }
        })
    }

    fn take_up(&self, found: Result<Contents, Failure>) {
        let provider = self.acceptor.config().crypto_provider();
        match found.and_then(|contents| self.files.certified(&contents, provider)) {
            Ok(key) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = key;
                tracing::info!(certificate = %self.files.certificate.display(), "took up the certificate and its key anew");
            }
            Err(failure) => tracing::error!("the certificate in use is kept: {failure}"),
        }
    }
}

/// Tells a caller without TLS what this port speaks, as far as it is likely to understand.
async fn turn_away(mut stream: TcpStream, first: u8) -> io::Error {
    if first.is_ascii_uppercase() {
        let answer = async {
            stream.write_all(PLAIN_HTTP).await?;
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
        };
        drop(timeout(LINGER, answer).await);
    }
    io::Error::new(io::ErrorKind::InvalidData, "no TLS handshake")
}

/// What the two files hold.
#[derive(Hash)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// What an operator wants to know of a certificate.
pub struct Facts {
    /// When it ends, in seconds since 1970.
    pub not_after: Option<i64>,
    /// Whether its time has not come yet.
    pub not_yet: bool,
    /// Of the hosts asked for, those it is not for.
    pub missing: Vec<String>,
}

impl TlsFiles {
    /// Reads the files and looks at the certificate.
    ///
    /// # Errors
    /// A file is not there or not PEM, or the key is another certificate's.
    pub fn facts(&self, hosts: &[&str]) -> Result<Facts, Failure> {
        let provider = aws_lc_rs::default_provider();
        let certified = self.certified(&self.read()?, &provider)?;
        let own = certified.cert.first().and_then(|own| ParsedCertificate::try_from(own).ok());
        let is_for = |host: &str| match (&own, ServerName::try_from(host)) {
            (Some(own), Ok(name)) => verify_server_name(own, &name).is_ok(),
            _ => false,
        };
        let own_der = certified.cert.first();
        Ok(Facts {
            not_after: own_der.and_then(|own| not_after(own, &provider)),
            not_yet: own_der.and_then(|own| problem_of_time(own, &provider)) == Some("is not valid yet"),
            missing: hosts.iter().filter(|host| !is_for(host)).map(|host| (*host).to_owned()).collect(),
        })
    }

    fn read(&self) -> Result<Contents, Failure> {
        let certificate = read(&self.certificate).map_err(|error| {
            Failure::io(format!("cannot read the certificate {}", self.certificate.display()), &error)
                .help("Name a PEM file that signet may read with --tls-certificate FILE.")
        })?;
        let key = read(&self.key).map_err(|error| {
            Failure::io(format!("cannot read the key {}", self.key.display()), &error)
                .help("Name a PEM file that signet may read with --tls-key FILE.")
        })?;
        Ok(Contents { certificate, key })
    }

    fn certified(
        &self,
        contents: &Contents,
        provider: &CryptoProvider,
    ) -> Result<Arc<CertifiedKey>, Failure> {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        let no_certificate =
            || Failure::new(format!("{certificate} does not hold a certificate")).help(NO_CERTIFICATE);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&contents.certificate).collect();
        let chain = chain.map_err(|_| no_certificate())?;
        let own = chain.first().cloned().ok_or_else(no_certificate)?;
        let secret = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(|_| Failure::new(format!("{key} does not hold a private key")).help(NO_KEY))?;
        let certified = CertifiedKey::from_der(chain, secret, provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                Failure::new(format!("the key {key} is not that of the certificate {certificate}"))
                    .help(MISMATCH)
            }
            error => Failure::new(format!("cannot use the certificate {certificate} with {key}: {error}"))
                .help(NO_CERTIFICATE),
        })?;
        if let Some(problem) = problem_of_time(&own, provider) {
            tracing::warn!(%certificate, "the certificate {problem}: browsers will refuse it until it is renewed");
        }
        Ok(Arc::new(certified))
    }
}

/// The verifier looks at the time before anything else, so it needs no authority to tell.
fn problem_of_time(own: &CertificateDer, provider: &CryptoProvider) -> Option<&'static str> {
    let own = ParsedCertificate::try_from(own).ok()?;
    let (nobody, algorithms) = (RootCertStore::empty(), provider.signature_verification_algorithms.all);
    match verify_server_cert_signed_by_trust_anchor(&own, &nobody, &[], UnixTime::now(), algorithms) {
        Err(Error::InvalidCertificate(error)) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some("has expired"),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Some("is not valid yet")
            }
            _ => None,
        },
        _ => None,
    }
}

/// The verifier names the end of a certificate to whom it is past: far enough in the future, to everybody.
fn not_after(own: &CertificateDer, provider: &CryptoProvider) -> Option<i64> {
    const FAR: Duration = Duration::from_secs(253_402_300_799);
    let own = ParsedCertificate::try_from(own).ok()?;
    let (nobody, algorithms) = (RootCertStore::empty(), provider.signature_verification_algorithms.all);
    let then = UnixTime::since_unix_epoch(FAR);
    match verify_server_cert_signed_by_trust_anchor(&own, &nobody, &[], then, algorithms) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            i64::try_from(not_after.as_secs()).ok()
        }
        _ => None,
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The certificate and key that new handshakes use.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
