//! Sectors of pairwise applications: whoever publishes the list of a sector says which callbacks belong to it (OpenID Connect
//! Registration §5).

use signet_protocol::redirect_uri::RedirectUri;

use super::problem::shown;
use crate::outbound::Outbound;

/// Bytes of such a list.
const LIST_BYTES: usize = 256 * 1024;

/// Fetches the list at `uri`, a `sector_identifier_uri`, and sees that every callback is in it.
///
/// # Errors
/// What is wrong, to be told behind the name of the key.
pub async fn check(outbound: &Outbound, uri: &str, callbacks: &[RedirectUri]) -> Result<(), String> {
    let fetched = outbound.get(uri, "application/json", LIST_BYTES).await;
    let document = fetched.map_err(|error| format!("cannot be fetched: {error}"))?;
    let listed: Vec<String> = serde_json::from_slice(&document)
        .map_err(|_| "must lead to a JSON list of the callbacks of its applications".to_owned())?;
    match callbacks.iter().find(|callback| !listed.iter().any(|own| own == callback.as_str())) {
        Some(missing) => {
            Err(format!("leads to a list without \"{}\": add it there", shown(missing.as_str())))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::outbound::{Authorities, Opened};

    async fn found(body: &'static str, callbacks: &[&str]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/sector.json", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let outbound = Outbound::new(Opened::parse("loopback").into_iter().collect(), Authorities::Machine);
        let callbacks: Vec<_> = callbacks.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect();
        check(&outbound, &uri, &callbacks).await
    }

    #[tokio::test]
    async fn every_callback_must_be_in_the_list() {
        let list = r#"["https://a.example/cb", "https://b.example/cb"]"#;
        assert_eq!(found(list, &["https://a.example/cb"]).await, Ok(()));
        assert_eq!(found(list, &["https://b.example/cb", "https://a.example/cb"]).await, Ok(()));
        for missing in ["https://a.example/cb/", "https://c.example/cb", "https://a.example/CB"] {
            let error = found(list, &["https://a.example/cb", missing]).await.unwrap_err();
            assert!(error.contains(missing), "{error}");
        }
        for other in ["", "{}", r#"[1]"#, r#"{"redirect_uris":[]}"#, "null"] {
            let error = found(other, &["https://a.example/cb"]).await.unwrap_err();
            assert!(error.contains("JSON list"), "{error}");
        }
    }

    #[tokio::test]
    async fn attack_10_what_cannot_be_asked_says_why() {
        let error = check(&Outbound::default(), "https://127.0.0.1/s.json", &[]).await.unwrap_err();
        assert!(error.contains("not a public address"), "{error}");
    }
}
