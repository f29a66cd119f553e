//! TLS to PostgreSQL, by what its address asks for.

use std::{fs, path::Path, process::Command};

use signet_store::{
    StoreError,
    sql::{Engine, Sql},
};
use signet_testkit::{
    certificates::{Authority, Issued},
    postgres::ThrowawayPostgres,
};
use tempfile::TempDir;

use crate::int;

/// 1 if this connection is encrypted.
const ENCRYPTED: Sql = Sql {
    name: "encrypted",
    text: "SELECT CAST(ssl AS INT)::BIGINT FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
};

/// A server whose certificate names `localhost` only, and the files to trust it by.
struct Secured {
    server: ThrowawayPostgres,
    files: TempDir,
}

impl Secured {
    fn new(authority: &Authority, issued: &Issued) -> Secured {
        let files = tempfile::tempdir().unwrap();
        fs::write(files.path().join("authority.crt"), &authority.certificate).unwrap();
        fs::write(files.path().join("own.crt"), &issued.certificate).unwrap();
        fs::write(files.path().join("other.crt"), Authority::new().certificate).unwrap();
        Secured { server: ThrowawayPostgres::with_tls(issued), files }
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        let at = self.files.path().display().to_string().replace('/', "%2F");
        format!("{}?{}", self.server.tcp_url(host), parameters.replace("AT", &at))
    }

    /// Whether a connection is encrypted, or why there is none.
    async fn encrypted(&self, host: &str, parameters: &str) -> Result<bool, String> {
        let engine = Engine::open(&self.url(host, parameters)).unwrap();
        match engine.ping().await {
            Ok(()) => Ok(int(&engine, &ENCRYPTED, vec![]).await == 1),
            Err(StoreError::Unavailable(reason)) => Err(reason),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn tls_is_spoken_and_checked_as_the_address_asks() {
    let authority = Authority::new();
    let server = Secured::new(&authority, &authority.issue(&["localhost"]));
    for (host, parameters, expected) in [
        ("localhost", "sslmode=disable", Ok(false)),
        ("localhost", "", Ok(true)),
        ("localhost", "connect_timeout=3&sslmode=prefer", Ok(true)),
        ("localhost", "sslmode=require", Ok(true)),
        ("127.0.0.1", "sslmode=require", Ok(true)),
        ("127.0.0.1", "sslmode=require&sslrootcert=AT%2Fauthority.crt", Ok(true)),
        ("localhost", "sslmode=require&sslrootcert=AT%2Fother.crt", Err("invalid peer certificate")),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=AT/authority.crt", Ok(true)),
        ("localhost", "sslmode=verify-ca&sslrootcert=AT%2Fother.crt", Err("invalid peer certificate")),
        ("localhost", "sslrootcert=AT%2Fauthority.crt&sslmode=verify-full&connect_timeout=3", Ok(true)),
        ("localhost", "sslmode=verify-full&sslrootcert=AT%2Fown.crt", Ok(true)),
        ("localhost", "sslmode=verify-full&sslrootcert=AT%2Fother.crt", Err("invalid peer certificate")),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=AT%2Fauthority.crt", Err("not valid for name")),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=AT%2Fown.crt", Err("not valid for name")),
    ] {
        let found = server.encrypted(host, parameters).await;
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(*found, expected, "{host} {parameters}"),
            (Err(reason), Err(words)) => assert!(reason.contains(words), "{host} {parameters}: {reason}"),
            _ => panic!("{host} {parameters}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_where_one_is_checked() {
    let authority = Authority::new();
    let server = Secured::new(&authority, &authority.issue_expired(&["localhost"]));
    assert_eq!(server.encrypted("localhost", "sslmode=require").await, Ok(true));
    let refused = server.encrypted("localhost", "sslmode=verify-full&sslrootcert=AT%2Fauthority.crt").await;
    assert!(refused.as_ref().is_err_and(|reason| reason.contains("expired")), "{refused:?}");
}

/// As PostgreSQL's own manual makes one: X.509 version 1, or an authority's that signs itself, and no host in it but
/// the common name.
#[tokio::test]
async fn a_certificate_that_signs_itself_is_trusted_by_name_only() {
    let authority = Authority::new();
    let own = self_signed(tempfile::tempdir().unwrap().path());
    let server = Secured::new(&authority, &own);
    assert_eq!(server.encrypted("localhost", "sslmode=require").await, Ok(true));
    assert_eq!(server.encrypted("localhost", "sslmode=verify-ca&sslrootcert=AT%2Fown.crt").await, Ok(true));
    let refused = server.encrypted("localhost", "sslmode=verify-ca&sslrootcert=AT%2Fauthority.crt").await;
    assert!(refused.is_err(), "{refused:?}");
}

fn self_signed(directory: &Path) -> Issued {
    let make =
        "openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -newkey rsa:2048 -keyout key -out crt";
    let made = Command::new("sh").args(["-c", make]).current_dir(directory).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let read = |name| fs::read_to_string(directory.join(name)).unwrap();
    Issued { certificate: read("crt"), key: read("key") }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8];
            drop(stream.read_exact(&mut request).await);
            drop(stream.write_all(b"N").await);
        }
    });
    let engine = Engine::open(&format!("postgres://u@127.0.0.1:{port}/x?sslmode=require")).unwrap();
    let refused = format!("{:?}", engine.ping().await);
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

#[tokio::test]
async fn at_a_socket_tls_is_not_spoken() {
    let url = signet_testkit::postgres::fresh_database();
    let engine = Engine::open(&format!("{url}?sslmode=require")).unwrap();
    assert_eq!(engine.ping().await, Ok(()));
}

#[test]
fn what_an_address_asks_for_in_vain_is_told() {
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("empty.crt");
    fs::write(&empty, "").unwrap();
    let without = format!("sslmode=verify-full&sslrootcert={}", empty.display());
    for (parameters, words) in [
        ("sslmode=allow", "must have an sslmode of disable, prefer, require, verify-ca, verify-full"),
        ("sslmode=verify-full", "needs sslrootcert=FILE"),
        ("sslmode=verify-ca", "needs sslrootcert=FILE"),
        ("sslrootcert=%2Fauthority.crt", "nothing is checked against"),
        ("sslmode=disable&sslrootcert=%2Fauthority.crt", "nothing is checked against"),
        ("sslmode=disable&sslmode=verify-full", "once at most"),
        ("sslmode=verify-full&sslrootcert=%2Fno%2Fsuch.crt", "/no/such.crt that cannot be read"),
        ("sslmode=verify-full&sslrootcert=%FF", "is not UTF-8"),
        (&without, "without PEM certificates"),
    ] {
        for user in ["u", "u:pass?word"] {
            let refused = Engine::open(&format!("postgres://{user}@db/x?{parameters}")).err();
            let Some(StoreError::Internal(reason)) = refused else { panic!("{parameters}: {refused:?}") };
            assert!(reason.starts_with("database TLS: ") && reason.contains(words), "{parameters}: {reason}");
            assert!(!reason.contains("word@"), "{reason}");
        }
    }
}
