//! `signet serve` with a certificate.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use signet_testkit::certificates::{Authority, Issued};
use tempfile::{TempDir, tempdir};

use crate::support::{Server, fail, signet};

const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

/// A place with a certificate, its key and a data directory.
struct Place {
    home: TempDir,
    authority: Authority,
}

impl Place {
    fn new() -> Place {
        let place = Place { home: tempdir().unwrap(), authority: Authority::new() };
        place.install(&place.authority.issue(&["localhost"]));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn install(&self, issued: &Issued) {
        fs::write(self.path("cert.pem"), &issued.certificate).unwrap();
        fs::write(self.path("key.pem"), &issued.key).unwrap();
    }

    fn command(&self) -> std::process::Command {
        let mut command = signet(&self.path("data"), &[]);
        command.env("SIGNET_TLS_CERTIFICATE", self.path("cert.pem"));
        command.env("SIGNET_TLS_KEY", self.path("key.pem"));
        command
    }

    fn serve(&self) -> Server {
        Server::spawn_until(&mut self.command(), &self.path("data"), |server| {
            self.get(server, "/healthz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
        })
    }

    /// Why it does not start.
    fn refusal(&self) -> String {
        fail(self.command().args(["serve", "--listen", "127.0.0.1:0"]))
    }

    fn connect(&self, server: &Server, versions: &[&'static SupportedProtocolVersion]) -> Tls {
        connect(&self.authority, server, versions)
    }

    fn get(&self, server: &Server, path: &str) -> std::io::Result<String> {
        let stream = TcpStream::connect(("127.0.0.1", server.port))?;
        get(&mut secure(&self.authority, stream, BOTH), server.port, path)
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn secure(authority: &Authority, stream: TcpStream, versions: &[&'static SupportedProtocolVersion]) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    StreamOwned::new(connection, stream)
}

fn connect(authority: &Authority, server: &Server, versions: &[&'static SupportedProtocolVersion]) -> Tls {
    secure(authority, server.connect(), versions)
}

fn get(stream: &mut Tls, port: u16, path: &str) -> std::io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_speaks_tls_1_2_and_1_3_and_is_an_issuer_under_https() {
    let place = Place::new();
    let server = place.serve();
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut stream = place.connect(&server, &[version]);
        let answer = get(&mut stream, server.port, "/oidc/.well-known/openid-configuration").unwrap();
        assert!(
            answer.contains(&format!("\"issuer\":\"https://localhost:{}/oidc\"", server.port)),
            "{answer}"
        );
        assert_eq!(stream.conn.protocol_version(), Some(expected));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    server.stop();
}

#[test]
fn a_caller_without_tls_is_told() {
    let place = Place::new();
    let server = place.serve();
    let answer = server.get("localhost", "/healthz");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");
    let mut stream = server.connect();
    stream.write_all(b"\0\0\0 no protocol of ours").unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    assert_eq!(answer, b"", "nothing is said to what is not HTTP");
    server.stop();
}

#[test]
fn handshakes_that_do_not_end_hold_up_nobody_and_no_stop() {
    let place = Place::new();
    let mut server = place.serve();
    let silent: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    let mut begun = server.connect();
    begun.write_all(b"\x16\x03\x01").unwrap();
    assert!(place.get(&server, "/healthz").unwrap().starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    assert!(!server.log().contains("took too long"), "{}", server.log());
    drop((silent, begun));
}

#[test]
fn a_handshake_does_not_last_for_ever() {
    let place = Place::new();
    let server = place.serve();
    for first in [&b""[..], b"\x16\x03\x01"] {
        let mut begun = server.connect();
        begun.write_all(first).unwrap();
        begun.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        assert_eq!(begun.read(&mut [0]).unwrap(), 0, "it is closed by the server");
    }
    server.stop();
}

/// Whether new connections show a certificate of `authority`.
fn is_of(authority: &Authority, server: &Server) -> bool {
    get(&mut connect(authority, server, BOTH), server.port, "/healthz").is_ok()
}

#[test]
fn a_new_certificate_is_taken_up_without_a_restart() {
    let place = Place::new();
    let server = place.serve();
    let mut open = place.connect(&server, BOTH);
    write!(open, "GET /healthz HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", server.port).unwrap();
    let new = Authority::new();
    assert!(!is_of(&new, &server));
    place.install(&new.issue(&["localhost"]));
    eventually("it is taken up when the files have changed", || is_of(&new, &server));
    assert!(!is_of(&place.authority, &server));
    assert!(
        get(&mut open, server.port, "/healthz").unwrap().contains("200 OK"),
        "an open connection goes on"
    );

    let newer = Authority::new();
    place.install(&newer.issue(&["localhost"]));
    server.signal("HUP");
    eventually("it is taken up at SIGHUP", || is_of(&newer, &server));
    let log = server.stop();
    assert!(log.contains("took up the certificate and its key anew"), "{log}");
}

#[test]
fn a_new_certificate_that_cannot_be_used_is_told_once_and_the_old_one_kept() {
    let place = Place::new();
    let server = place.serve();
    let told = |words: &str| server.log().matches(words).count();
    fs::write(place.path("key.pem"), place.authority.issue(&["localhost"]).key).unwrap();
    eventually("a key that does not fit", || told("is not that of the certificate") == 1);
    fs::remove_file(place.path("cert.pem")).unwrap();
    eventually("a missing file", || told("cannot read the certificate") == 1);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(told("the certificate in use is kept"), 2, "{}", server.log());
    assert!(is_of(&place.authority, &server));
    server.signal("HUP");
    eventually("SIGHUP asks anew", || told("the certificate in use is kept") == 3);
    place.install(&place.authority.issue(&["localhost"]));
    eventually("it is taken up once it is right", || told("took up the certificate") == 1);
    server.stop();
}

#[test]
fn what_is_wrong_with_the_files_is_told_with_the_remedy() {
    let place = Place::new();
    let other = Authority::new().issue(&["localhost"]);
    let good = place.authority.issue(&["localhost"]);
    let with = |certificate: &str, key: &str| {
        place.install(&Issued { certificate: certificate.to_owned(), key: key.to_owned() });
        place.refusal()
    };
    for (certificate, key, words) in [
        (&*good.certificate, &*other.key, "is not that of the certificate"),
        (&*good.key, &*good.key, "cert.pem does not hold a certificate"),
        ("", &*good.key, "cert.pem does not hold a certificate"),
        ("-----BEGIN CERTIFICATE-----\nMAA\n", &*good.key, "cert.pem does not hold a certificate"),
        (&*good.certificate, &*good.certificate, "key.pem does not hold a private key"),
        (
            &*good.certificate,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "and not encrypted",
        ),
        (
            &*good.certificate,
            "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
            "cannot use the certificate",
        ),
    ] {
        let said = with(certificate, key);
        assert!(said.contains(words) && said.contains("\n  "), "{said}");
    }
    for (name, flag) in [("key.pem", "--tls-key FILE"), ("cert.pem", "--tls-certificate FILE")] {
        fs::remove_file(place.path(name)).unwrap();
        let said = place.refusal();
        assert!(said.contains(&format!("{name}: No such file")) && said.contains(flag), "{said}");
    }
    assert!(!is_there(&place.path("data")), "nothing is begun before the files are right");
}

fn is_there(path: &Path) -> bool {
    path.join("master.key").exists()
}

#[test]
fn an_expired_certificate_is_served_with_a_warning() {
    let place = Place::new();
    place.install(&place.authority.issue_expired(&["localhost"]));
    let server = Server::spawn_until(&mut place.command(), &place.path("data"), |server| {
        server.log().contains("Signet is ready")
    });
    assert!(server.log().contains("has expired"), "{}", server.log());
    let refused = place.get(&server, "/healthz").unwrap_err().to_string();
    assert!(refused.contains("expired"), "{refused}");
    server.stop();
}
