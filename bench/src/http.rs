//! The least HTTP/1.1 client that measures a server and not itself: one connection, kept alive.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Failure;

/// A kept connection.
pub struct Connection {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, as text.
    pub head: String,
    /// Its body, as text.
    pub body: String,
}

impl Answer {
    /// The values of a header.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The answer if its status is as expected.
    pub fn expect(self, status: u16) -> Result<Answer, Failure> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("expected {status}, got {}: {}", self.status, self.body).into())
    }
}

impl Connection {
    /// Connects to this machine.
    pub async fn open(port: u16) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, host: format!("localhost:{port}"), buffer: Vec::with_capacity(16 * 1024) })
    }

    /// GET with a `Cookie` header, which may be empty.
    pub async fn get(&mut self, path: &str, cookie: &str) -> Result<Answer, Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", self.host);
        self.send(&request).await
    }

    /// GET with a bearer token.
    pub async fn get_as(&mut self, path: &str, token: &str) -> Result<Answer, Failure> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.host);
        self.send(&request).await
    }

    /// POST of a form.
    pub async fn post(&mut self, path: &str, form: &str, cookie: &str) -> Result<Answer, Failure> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            self.host,
            form.len()
        );
        self.send(&request).await
    }

    async fn send(&mut self, request: &str) -> Result<Answer, Failure> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (head_end, length) = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default());
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
                });
                break (end, length.unwrap_or(0));
            }
            self.read().await?;
        };
        let total = head_end + 4 + length;
        while self.buffer.len() < total {
            self.read().await?;
        }
        let text =
            |from, to| String::from_utf8_lossy(self.buffer.get(from..to).unwrap_or_default()).into_owned();
        let head = text(0, head_end);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status line")?;
        Ok(Answer { status, body: text(head_end + 4, total), head })
    }

    async fn read(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
