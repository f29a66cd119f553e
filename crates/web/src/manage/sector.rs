//! Sectors of pairwise applications: whoever publishes the list of a sector says which callbacks belong to it (OpenID Connect
//! Registration §5).

use signet_protocol::{redirect_uri::RedirectUri, said, said::Said};

use super::problem::shown;
use crate::outbound::Outbound;

/// Bytes of such a list.
const LIST_BYTES: usize = 256 * 1024;

/// Fetches the list at `uri`, a `sector_identifier_uri`, and sees that every callback is in it.
///
/// # Errors
/// What is wrong, to be told behind the name of the key.
pub async fn check(outbound: &Outbound, uri: &str, callbacks: &[RedirectUri]) -> Result<(), Said> {
    let fetched = outbound.get(uri, "application/json", LIST_BYTES).await;
    let document =
        fetched.map_err(|error| said!("cannot be fetched: {error}", "无法获取：{error}", error))?;
    let listed: Vec<String> = serde_json::from_slice(&document).map_err(|_| {
        said!(
            "must lead to a JSON list of the callbacks of its applications",
            "须指向其各应用回调链接的 JSON 列表"
        )
    })?;
    match callbacks.iter().find(|callback| !listed.iter().any(|own| own == callback.as_str())) {
        Some(missing) => {
            let missing = shown(missing.as_str());
            Err(said!(
                "leads to a list without \"{missing}\": add it there",
                "所指的列表中没有 \"{missing}\"：请在那里添加"
            ))
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

    async fn found(body: &'static str, callbacks: &[&str]) -> Result<(), Said> {
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
            assert!(error.en.contains(missing), "{error}");
        }
        for other in ["", "{}", r#"[1]"#, r#"{"redirect_uris":[]}"#, "null"] {
            let error = found(other, &["https://a.example/cb"]).await.unwrap_err();
            assert!(error.en.contains("JSON list"), "{error}");
        }
    }

    #[tokio::test]
    async fn attack_10_what_cannot_be_asked_says_why() {
        let error = check(&Outbound::default(), "https://127.0.0.1/s.json", &[]).await.unwrap_err();
        assert!(error.en.contains("not a public address"), "{error}");
    }
}
