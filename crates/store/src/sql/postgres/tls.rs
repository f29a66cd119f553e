//! TLS to PostgreSQL: what `sslmode` and `sslrootcert` in its address ask for, in the words of libpq.

use std::{
    borrow::Cow,
    fmt, fs,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Config, Socket,
    config::{Host, SslMode},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::errors::store_error;
use crate::StoreError;

/// What an address may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const MODES: [(&str, Mode); 5] = [
    ("disable", Mode::Disable),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

/// Reads an address: how the driver connects, and how TLS is spoken there.
///
/// # Errors
/// `database URL` where the driver does not understand it, `database TLS` where its TLS parameters are wrong or the file
/// they name is.
pub(super) fn read(url: &str) -> Result<(Config, Connector), StoreError> {
    let (rest, wish) = Wish::take(url).map_err(wrong)?;
    // The URL may hold a password: the parser's message is kept, the text is not.
    let mut config: Config = rest.parse().map_err(|error| store_error("database URL", &error))?;
    // As in libpq, the file system guards a socket, and TLS is not spoken there.
    let sockets = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    config.ssl_mode(match wish.mode {
        _ if sockets => SslMode::Disable,
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    Ok((config, Connector::new(wish.trust().map_err(wrong)?)?))
}

fn wrong(reason: String) -> StoreError {
    StoreError::Internal(format!("database TLS: {reason}"))
}

/// The parameters of an address that are about TLS.
struct Wish {
    mode: Mode,
    roots: Option<String>,
}

impl Wish {
    /// Takes them out of `url`: the driver knows only some of them.
    fn take(url: &str) -> Result<(Cow<'_, str>, Wish), String> {
        // The driver takes what is before the first @ for user and password, whatever it contains.
        let host = url.find('@').unwrap_or(0);
        let query = url.split_at(host).1.find('?').map(|at| url.split_at(host + at));
        let Some((before, query)) = query else {
            return Ok((Cow::Borrowed(url), Wish { mode: Mode::Prefer, roots: None }));
        };
        let (mut mode, mut roots, mut others) = (None, None, Vec::new());
        for parameter in query.trim_start_matches('?').split('&') {
            let twice = match parameter.split_once('=') {
                Some(("sslmode", value)) => mode.replace(parse_mode(value)?).is_some(),
                Some(("sslrootcert", value)) => roots.replace(decode(value)?).is_some(),
                _ => {
                    others.push(parameter);
                    false
                }
            };
            if twice {
                return Err("must have sslmode and sslrootcert once at most".to_owned());
            }
        }
        let wish = Wish { mode: mode.unwrap_or(Mode::Prefer), roots };
        Ok((Cow::Owned(format!("{before}?{}", others.join("&"))), wish))
    }

    fn trust(self) -> Result<Trust, String> {
        let named = match (self.mode, &self.roots) {
            (Mode::Disable | Mode::Prefer, Some(_)) => {
                return Err(
                    "has an sslrootcert that nothing is checked against: say sslmode=verify-full".to_owned()
                );
            }
            (Mode::VerifyCa | Mode::VerifyFull, None) => {
                return Err("needs sslrootcert=FILE, the PEM certificates of the authorities to trust, \
                            such as /etc/ssl/certs/ca-certificates.crt"
                    .to_owned());
            }
            (_, None) => return Ok(Trust::Anybody),
            (_, Some(path)) => Authorities::read(path)?,
        };
        // libpq, too, makes verify-ca of require with a root certificate.
        Ok(if self.mode == Mode::VerifyFull { Trust::Named(named) } else { Trust::Signed(named) })
    }
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    MODES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode).ok_or_else(|| {
        let names: Vec<&str> = MODES.iter().map(|(name, _)| *name).collect();
        format!("must have an sslmode of {}", names.join(", "))
    })
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| "has an sslrootcert that is not UTF-8".to_owned())
}

/// Whose certificate is taken.
#[derive(Debug)]
enum Trust {
    /// `prefer` and `require`: safe from listeners, not from somebody in between.
    Anybody,
    /// `verify-ca`: one that an authority has signed.
    Signed(Authorities),
    /// `verify-full`: and that names the host.
    Named(Authorities),
}

/// What is trusted: authorities, and single certificates of servers that signed themselves.
#[derive(Debug)]
struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
}

impl Authorities {
    fn read(path: &str) -> Result<Authorities, String> {
        let text = fs::read(path)
            .map_err(|error| format!("has an sslrootcert {path} that cannot be read: {error}"))?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let certificates = found.ok().filter(|found| !found.is_empty());
        let certificates =
            certificates.ok_or_else(|| format!("has an sslrootcert {path} without PEM certificates"))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        Ok(Authorities { certificates, roots })
    }

    fn vouch(
        &self,
        own: &CertificateDer,
        between: &[CertificateDer],
        now: UnixTime,
        provider: &CryptoProvider,
    ) -> Result<(), Error> {
        if self.certificates.contains(own) {
            return Ok(());
        }
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&own.try_into()?, &self.roots, between, now, algorithms)
    }
}

/// Checks the server's certificate. One of anybody is not even read, so that old forms of it do as they do with libpq.
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trust.fmt(f)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer,
        between: &[CertificateDer],
        host: &ServerName,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trust {
            Trust::Anybody => {}
            Trust::Signed(authorities) => authorities.vouch(own, between, now, &self.provider)?,
            Trust::Named(authorities) => {
                authorities.vouch(own, between, now, &self.provider)?;
                verify_server_name(&ParsedCertificate::try_from(own)?, host)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if matches!(self.trust, Trust::Anybody) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, own, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if matches!(self.trust, Trust::Anybody) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, own, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Speaks TLS for the driver.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    fn new(trust: Trust) -> Result<Connector, StoreError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier { trust, provider: Arc::clone(&provider) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Connector(Arc::new(config).into()))
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Secured;
    type TlsConnect = Handshake;
    type Error = io::Error;

    /// The driver asks for it without a host, too, and then makes no use of it.
    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, io::Error> {
        Ok(Handshake { connector: self.0.clone(), host: host.to_owned() })
    }
}

/// A handshake to be made with one host.
pub(super) struct Handshake {
    connector: TlsConnector,
    host: String,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Secured;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Secured>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let host = ServerName::try_from(self.host).map_err(io::Error::other)?;
            Ok(Secured(self.connector.connect(host, socket).await?))
        })
    }
}

/// A connection that speaks TLS.
pub(super) struct Secured(TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Secured {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
