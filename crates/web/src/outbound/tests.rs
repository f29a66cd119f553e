use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use signet_testkit::certificates::Authority;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

use super::*;

fn loopback() -> Allow {
    Opened::parse("loopback").into_iter().collect()
}

fn client() -> Outbound {
    Outbound::new(loopback(), Authorities::Machine)
}

/// Leads every name to `addresses`, and counts how often it is asked.
fn leading(addresses: &'static [&'static str], asked: Arc<AtomicUsize>) -> Resolver {
    Arc::new(move |_, port| {
        let nth = asked.fetch_add(1, Ordering::SeqCst);
        let address = addresses[nth.min(addresses.len() - 1)].parse().unwrap();
        Box::pin(async move { Ok(vec![SocketAddr::new(address, port)]) })
    })
}

/// A listener that hands over the head of each request and answers it with `answer`, or with silence.
async fn listener(answer: Option<String>) -> (u16, mpsc::UnboundedReceiver<String>) {
    let (listener, (seen, requests)) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), mpsc::unbounded_channel());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, seen) = (answer.clone(), seen.clone());
            tokio::spawn(async move {
                let request = read_request(&mut stream).await;
                seen.send(request).unwrap();
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                    None => std::future::pending().await,
                }
            });
        }
    });
    (port, requests)
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap_or(0);
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "no request: {text}");
            continue;
        };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

fn ok(body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

async fn get(port: u16) -> Result<Vec<u8>, OutboundError> {
    client().get(&format!("http://127.0.0.1:{port}/keys?x=1"), "application/json", 100).await
}

#[tokio::test]
async fn a_document_is_fetched() {
    let (port, mut requests) = listener(ok("{}")).await;
    assert_eq!(get(port).await, Ok(b"{}".to_vec()));
    let request = requests.recv().await.unwrap().to_lowercase();
    assert!(request.starts_with("get /keys?x=1 http/1.1\r\n"), "{request}");
    for header in [&format!("host: 127.0.0.1:{port}"), "accept: application/json", "connection: close"] {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_form_is_sent_and_its_status_told() {
    let (port, mut requests) = listener(ok("")).await;
    let url = format!("http://127.0.0.1:{port}/logout");
    assert_eq!(client().post_form(&url, "logout_token=x.y.z".into()).await, Ok(()));
    let request = requests.recv().await.unwrap();
    assert!(
        request.starts_with("POST /logout HTTP/1.1\r\n") && request.ends_with("\r\n\r\nlogout_token=x.y.z")
    );
    let (port, _requests) =
        listener(Some("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".into())).await;
    let url = format!("http://127.0.0.1:{port}/logout");
    assert_eq!(client().post_form(&url, "a=b".into()).await, Err(OutboundError::Status(400)));
}

#[tokio::test]
async fn attack_10_a_redirect_is_not_followed() {
    let (inner, mut reached) = listener(ok("secret")).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n"
        );
        let (port, _requests) = listener(Some(answer)).await;
        assert_eq!(get(port).await, Err(OutboundError::Redirect(status)));
    }
    assert!(reached.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn attack_10_a_document_has_a_size() {
    let (port, _requests) = listener(ok(&"x".repeat(101))).await;
    assert_eq!(get(port).await, Err(OutboundError::TooLarge(100)));
    let (port, _requests) = listener(Some(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20)))).await;
    assert_eq!(get(port).await, Err(OutboundError::TooLarge(100)));
    let (port, _requests) =
        listener(Some(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n{{}}", "x".repeat(3 * HEAD_BYTES)))).await;
    assert!(matches!(get(port).await, Err(OutboundError::Protocol(_))));
}

#[tokio::test(start_paused = true)]
async fn attack_10_a_silent_host_is_left() {
    let (port, mut requests) = listener(None).await;
    let asked = tokio::spawn(get(port));
    requests.recv().await.unwrap();
    assert_eq!(asked.await.unwrap(), Err(OutboundError::Timeout));
}

#[tokio::test]
async fn what_is_no_document_is_said() {
    let (port, _requests) = listener(Some("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf".into())).await;
    assert!(matches!(get(port).await, Err(OutboundError::Protocol(_))));
    let (port, _requests) =
        listener(Some("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into())).await;
    assert_eq!(get(port).await, Err(OutboundError::Status(404)));
    let (port, _requests) = listener(Some("SSH-2.0-OpenSSH_9\r\n".into())).await;
    assert!(matches!(get(port).await, Err(OutboundError::Protocol(_))));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(get(closed).await, Err(OutboundError::Unreachable(_))));
}

#[tokio::test]
async fn attack_10_what_is_not_opened_is_not_connected_to() {
    let (port, mut requests) = listener(ok("secret")).await;
    for url in [
        "http://127.0.0.1",
        "https://127.0.0.1",
        "http://[::ffff:127.0.0.1]",
        "http://localhost",
        "https://localhost",
    ] {
        let url = format!("{url}:{port}/");
        let refused = Outbound::default().get(&url, "*/*", 100).await;
        assert!(matches!(refused, Err(OutboundError::Closed(_))), "{url} {refused:?}");
        assert!(Outbound::default().check(&url).is_err() || url.contains("localhost"), "{url}");
    }
    // The older spellings of an address are for the resolver to read, and what it makes of them is tested.
    for host in ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1"] {
        let url = format!("http://{host}:{port}/");
        assert!(Outbound::default().get(&url, "*/*", 100).await.is_err(), "{url}");
    }
    assert!(requests.try_recv().is_err(), "it was connected to");
}

#[tokio::test]
async fn attack_10_a_name_is_resolved_once() {
    let (port, mut requests) = listener(ok("secret")).await;
    // Public when it is tested, private when it is asked again.
    let asked = Arc::new(AtomicUsize::new(0));
    let resolver = leading(&["192.0.2.1", "127.0.0.1"], asked.clone());
    let only = |open: &str| [Opened::parse(open).unwrap()].into_iter().collect();
    let outbound = Outbound::resolving(only("192.0.2.1"), Authorities::Machine, resolver);
    let refused = outbound.get(&format!("http://rebinding.example:{port}/"), "*/*", 100).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(requests.try_recv().is_err(), "it was connected to");

    let resolver = leading(&["127.0.0.1", "192.0.2.1"], Arc::default());
    let outbound = Outbound::resolving(loopback(), Authorities::Machine, resolver);
    assert_eq!(outbound.get(&format!("http://a.example:{port}/"), "*/*", 100).await, Ok(b"secret".to_vec()));
    assert!(requests.recv().await.unwrap().contains(&format!("host: a.example:{port}")));
}

#[tokio::test]
async fn one_slow_host_does_not_hold_up_the_others() {
    let (slow, mut requests) = listener(None).await;
    let outbound = client();
    let mut waiting = JoinSet::new();
    for _ in 0..MOST_OF_ONE {
        let outbound = outbound.clone();
        waiting.spawn(async move { outbound.get(&format!("http://127.0.0.1:{slow}/"), "*/*", 100).await });
        requests.recv().await.unwrap();
    }
    let url = format!("http://127.0.0.1:{slow}/");
    assert_eq!(outbound.get(&url, "*/*", 100).await, Err(OutboundError::Busy));
    let (quick, _requests) = listener(ok("{}")).await;
    assert_eq!(outbound.get(&format!("http://localhost:{quick}/"), "*/*", 100).await, Ok(b"{}".to_vec()));
    waiting.shutdown().await;
    assert!(outbound.0.by_host.lock().unwrap().is_empty(), "a place was not given back");
    assert_eq!(outbound.0.all.available_permits(), MOST);
}

/// A listener that speaks TLS by a certificate of `hosts`.
async fn tls_listener(authority: &Authority, hosts: &[&str]) -> u16 {
    let issued = authority.issue(hosts);
    let chain = vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            read_request(&mut stream).await;
            stream.write_all(ok("{}").unwrap().as_bytes()).await.unwrap();
            drop(stream.shutdown().await);
        }
    });
    port
}

#[tokio::test]
async fn attack_10_the_certificate_must_be_the_hosts() {
    let (authority, other) = (Authority::new(), Authority::new());
    let trusting = |authority: &Authority| {
        Outbound::new(loopback(), Authorities::parse(authority.certificate.as_bytes()).unwrap())
    };
    let own = tls_listener(&authority, &["localhost", "127.0.0.1"]).await;
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{own}/");
        assert_eq!(trusting(&authority).get(&url, "*/*", 100).await, Ok(b"{}".to_vec()), "{host}");
        let refused = trusting(&other).get(&url, "*/*", 100).await;
        assert!(matches!(refused, Err(OutboundError::Tls(_))), "{host} {refused:?}");
    }
    let elsewhere = tls_listener(&authority, &["other.example"]).await;
    let refused = trusting(&authority).get(&format!("https://localhost:{elsewhere}/"), "*/*", 100).await;
    assert!(matches!(refused, Err(OutboundError::Tls(_))), "{refused:?}");
    assert!(Authorities::parse(b"").is_err() && Authorities::parse(b"-----BEGIN X").is_err());
}
