//! Somebody who is called: a listener on this machine that keeps what it is sent.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};

use crate::Failure;

/// How long something may be waited for that must come: also what a killed node had in hand, which is its for a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// A listener that answers each request with the next of its statuses, and with the last of them from then on.
pub struct Receiver {
    address: SocketAddr,
    bodies: UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free port.
    ///
    /// # Errors
    /// The system's.
    pub async fn start(statuses: &[u16]) -> io::Result<Receiver> {
        Receiver::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), statuses).await
    }

    /// Listens there.
    ///
    /// # Errors
    /// The system's, such as that the port is taken.
    pub async fn start_at(address: SocketAddr, statuses: &[u16]) -> io::Result<Receiver> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, bodies) = unbounded_channel();
        let mut statuses = statuses.to_vec();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = if statuses.len() > 1 {
                    statuses.remove(0)
                } else {
                    statuses.first().copied().unwrap_or(200)
                };
                // Whoever breaks off has sent nothing.
                drop(answer(stream, status, &sender).await);
            }
        });
        Ok(Receiver { address, bodies, task })
    }

    /// The address it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The body of the next request.
    ///
    /// # Errors
    /// None came in a minute and a half.
    pub async fn next(&mut self) -> Result<String, Failure> {
        let body = timeout(PATIENCE, self.bodies.recv()).await?;
        body.ok_or_else(|| "the receiver has ended".into())
    }

    /// Whether nothing has come that was not taken by [`Receiver::next`].
    pub fn is_silent(&self) -> bool {
        self.bodies.is_empty()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, status: u16, bodies: &UnboundedSender<String>) -> Result<(), Failure> {
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    let body = loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Err("broken off".into());
        }
        read.extend(chunk.iter().take(count));
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let length = lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if body.len() >= length.map_or(0, |(_, value)| value.trim().parse().unwrap_or(0)) {
            break body.to_owned();
        }
    };
    bodies.send(body)?;
    let head = format!(
        "HTTP/1.1 {status} -\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(())
}
