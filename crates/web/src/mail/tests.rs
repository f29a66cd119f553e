//! What goes wrong with a server, over connections that are secured and that are not.

use std::sync::Arc;

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use signet_protocol::{
    mail::{MailSecurity, MailServer},
    secret::Secret,
};
use signet_testkit::certificates::Authority;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, split},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{
    MailError,
    smtp::{self, Envelope},
};

/// What a server says to each line, by how the line begins; the first that fits.
type Script = &'static [(&'static str, &'static str)];

const YES: (&str, &str) = ("", "250 ok");
const HELLO: (&str, &str) = ("EHLO", "250-mail\r\n250 AUTH PLAIN LOGIN");
const DATA: (&str, &str) = ("DATA", "354 go on");

/// How the server listens.
#[derive(Clone, Copy, PartialEq)]
enum Listens {
    Plain,
    Tls,
    Starttls,
}

struct Certified {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

fn certified(name: &str) -> Certified {
    let authority = Authority::new();
    let issued = authority.issue(&[name]);
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Certified {
        acceptor: TlsAcceptor::from(Arc::new(server)),
        connector: TlsConnector::from(Arc::new(client)),
    }
}

/// A conversation by the script; what was said comes back, and whether it ended with STARTTLS.
async fn talk(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    script: Script,
    greet: bool,
) -> (String, bool) {
    let (read, mut write) = split(stream);
    let mut lines = BufReader::new(read).lines();
    let (mut said, mut in_data) = (String::new(), false);
    if greet {
        write.write_all(b"220 mail.example\r\n").await.unwrap();
    }
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&format!("{line}\n"));
        if in_data && line != "." {
            continue;
        }
        in_data = line == "DATA";
        let answer =
            script.iter().find(|(begins, _)| line.starts_with(begins)).map_or("250 ok", |(_, say)| say);
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            break;
        }
        if line == "STARTTLS" && answer.starts_with("220") {
            return (said, true);
        }
    }
    (said, false)
}

/// Sends to a server of this script, and what it heard.
async fn attempt(listens: Listens, server: MailServer, script: Script) -> (Result<(), MailError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let Certified { acceptor, connector } = certified("localhost");
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        match listens {
            Listens::Plain => talk(&mut stream, script, true).await.0,
            Listens::Tls => match acceptor.accept(stream).await {
                Ok(mut stream) => talk(&mut stream, script, true).await.0,
                Err(error) => error.to_string(),
            },
            Listens::Starttls => {
                let (said, on) = talk(&mut stream, script, true).await;
                if !on {
                    return said;
                }
                match acceptor.accept(stream).await {
                    Ok(mut stream) => format!("{said}--\n{}", talk(&mut stream, script, false).await.0),
                    Err(error) => format!("{said}--\n{error}"),
                }
            }
        }
    });
    let envelope = Envelope { from: "a@b.example", to: "c@d.example", message: "Subject: x\r\n\r\n.\r\n" };
    let password = server.username.as_ref().map(|_| Secret::new("hush"));
    let sent =
        smtp::send(&MailServer { port, ..server }, password.as_ref(), Some(&connector), &envelope).await;
    (sent, heard.await.unwrap())
}

fn server(security: MailSecurity) -> MailServer {
    MailServer { username: Some("signet".to_owned()), ..MailServer::at("localhost".to_owned(), security) }
}

#[tokio::test]
async fn a_message_goes_over_tls_and_over_starttls() {
    let script: Script =
        &[HELLO, ("AUTH PLAIN AHNpZ25ldABodXNo", "235 welcome"), DATA, ("QUIT", "221 bye"), YES];
    let (sent, heard) = attempt(Listens::Tls, server(MailSecurity::Tls), script).await;
    sent.unwrap();
    assert!(heard.contains("MAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\nDATA\n"), "{heard}");
    assert!(heard.contains("Subject: x\n\n..\n.\n"), "{heard}");
    let script: Script = &[
        ("EHLO", "250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
        ("STARTTLS", "220 go on"),
        ("AUTH", "235 welcome"),
        DATA,
        ("QUIT", "221 bye"),
        YES,
    ];
    let (sent, heard) = attempt(Listens::Starttls, server(MailSecurity::Starttls), script).await;
    sent.unwrap();
    let (before, within) = heard.split_once("--\n").unwrap();
    assert!(!before.contains("AUTH") && !before.contains("MAIL"), "{before}");
    assert!(within.contains("AUTH PLAIN") && within.contains("DATA"), "{within}");
}

#[tokio::test]
async fn attack_25_no_password_goes_over_what_is_not_secured() {
    // A server, or whoever sits before it, that does not offer STARTTLS.
    let (sent, heard) = attempt(Listens::Plain, server(MailSecurity::Starttls), &[HELLO, YES]).await;
    assert!(matches!(sent, Err(MailError::NoStarttls)), "{sent:?}");
    assert!(!heard.contains("AUTH"), "{heard}");
    // One that slips an answer in before TLS.
    let script: Script =
        &[("EHLO", "250-mail\r\n250 STARTTLS"), ("STARTTLS", "220 go on\r\n250-x\r\n250 AUTH PLAIN")];
    let (sent, heard) = attempt(Listens::Plain, server(MailSecurity::Starttls), script).await;
    assert!(matches!(sent, Err(MailError::NotSmtp)), "{sent:?}");
    assert!(!heard.contains("AUTH"), "{heard}");
    // A certificate of another name.
    let other = MailServer { host: "127.0.0.1".to_owned(), ..server(MailSecurity::Tls) };
    let (sent, _) = attempt(Listens::Tls, other, &[YES]).await;
    assert!(matches!(sent, Err(MailError::Tls(_))), "{sent:?}");
    // Unsecured settings that lead elsewhere are not followed, however they came to be stored.
    let far = MailServer { host: "mail.example".to_owned(), ..server(MailSecurity::None) };
    let envelope = Envelope { from: "a@b.example", to: "c@d.example", message: "x" };
    let sent = smtp::send(&far, None, None, &envelope).await;
    assert!(matches!(sent, Err(MailError::Unsecured | MailError::Unresolved)), "{sent:?}");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let cases: &[(Listens, MailSecurity, Script, &str)] = &[
        (Listens::Tls, MailSecurity::Tls, &[("EHLO", "250 mail"), YES], "neither AUTH PLAIN nor LOGIN"),
        (Listens::Tls, MailSecurity::Tls, &[HELLO, ("AUTH", "535 no"), YES], "user name and password: no"),
        (
            Listens::Tls,
            MailSecurity::Tls,
            &[HELLO, ("AUTH", "235 yes"), ("MAIL", "550-not\r\n550 you"), YES],
            "refuses at MAIL FROM: 550 not you",
        ),
        (
            Listens::Tls,
            MailSecurity::Tls,
            &[HELLO, ("AUTH", "235 yes"), DATA, (".", "554 spam"), YES],
            "refuses at DATA: 554 spam",
        ),
        (Listens::Plain, MailSecurity::None, &[("EHLO", "HTTP/1.1 400"), YES], "does not speak SMTP"),
        (Listens::Plain, MailSecurity::Tls, &[YES], "its certificate is not accepted"),
    ];
    for (listens, security, script, told) in cases {
        let (sent, _) = attempt(*listens, server(*security), script).await;
        let error = sent.unwrap_err();
        assert!(error.to_string().contains(told), "{told}: {error}");
        let zh = error.text(crate::pages::Lang::Zh);
        assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{zh}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let nobody = MailServer { port, ..server(MailSecurity::None) };
    let envelope = Envelope { from: "a@b.example", to: "c@d.example", message: "x" };
    let error = smtp::send(&nobody, None, None, &envelope).await.unwrap_err();
    assert!(matches!(error, MailError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn attack_21_an_answer_without_end_is_given_up() {
    let script: Script = &[("EHLO", "250-a\r\n250-b\r\n250 c"), YES];
    let long: &'static str = Box::leak(format!("250 {}", "x".repeat(100_000)).into_boxed_str());
    let endless: Script = Box::leak(Box::new([("EHLO", long)]));
    let anonymous = MailServer::at("localhost".to_owned(), MailSecurity::None);
    assert!(attempt(Listens::Plain, anonymous.clone(), script).await.0.is_err(), "250 is no answer to DATA");
    let (sent, _) = attempt(Listens::Plain, anonymous, endless).await;
    assert!(matches!(sent, Err(MailError::NotSmtp)), "{sent:?}");
}
