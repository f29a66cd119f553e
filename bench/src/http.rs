//! The least HTTP/1.1 client that measures a server and not itself: one kept connection, no allocation for a request.

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Failure;

/// More than any answer, so that one read takes all of it.
const BUFFER: usize = 32 * 1024;
/// More than any honest answer: a server that sends more is not measured.
const ANSWER_MAX: usize = 1024 * 1024;

/// A kept connection.
pub struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its status line and headers.
    pub head: &'a [u8],
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The values of a header; `name` in lower case, as the server writes it.
    pub fn headers(self, name: &str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": ").map(str::trim_end))
    }

    /// Where it leads.
    pub fn location(self) -> Result<&'a str, Failure> {
        self.headers("location").next().ok_or_else(|| self.unexpected("no redirect"))
    }

    /// The answer if its status is as expected.
    pub fn expect(self, status: u16) -> Result<Answer<'a>, Failure> {
        if self.status == status { Ok(self) } else { Err(self.unexpected(&format!("expected {status}"))) }
    }

    /// What is wrong with it.
    pub fn unexpected(self, what: &str) -> Failure {
        format!("{what}, got {}: {}", self.status, String::from_utf8_lossy(self.body)).into()
    }
}

impl Connection {
    /// Connects to this machine.
    pub async fn open(port: u16) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, out: Vec::new(), buffer: Vec::with_capacity(BUFFER) })
    }

    /// Sends a request, given in parts, and reads the answer to it.
    pub async fn send(&mut self, parts: &[&[u8]]) -> Result<Answer<'_>, Failure> {
        self.out.clear();
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
        self.stream.write_all(&self.out).await?;
        self.buffer.clear();
        let head = self.read_head().await?;
        let (status, length) = read_head(self.buffer.get(..head).unwrap_or_default())?;
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        let (head, body) = self.buffer.split_at_checked(head).unwrap_or_default();
        Ok(Answer { status, head, body })
    }

    /// Reads until the end of the head, and says where that is.
    async fn read_head(&mut self) -> Result<usize, Failure> {
        let mut seen = 0_usize;
        loop {
            self.read().await?;
            let from = seen.saturating_sub(3);
            if let Some(end) = memmem::find(self.buffer.get(from..).unwrap_or_default(), b"\r\n\r\n") {
                return Ok(from + end + 4);
            }
            seen = self.buffer.len();
        }
    }

    async fn read(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ if self.buffer.len() > ANSWER_MAX => Err("an answer is longer than a megabyte".into()),
            _ => Ok(()),
        }
    }
}

/// Status and length of the body. Every answer of the server has a length: one without is none we understand.
fn read_head(head: &[u8]) -> Result<(u16, usize), Failure> {
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let number = |from: usize| {
        let digits =
            head.get(from..).unwrap_or_default().iter().map_while(|byte| (*byte as char).to_digit(10));
        digits.fold(0_usize, |number, digit| number.saturating_mul(10).saturating_add(digit as usize))
    };
    let length = memmem::find(head, LENGTH).map(|at| number(at + LENGTH.len()));
    let unreadable = || format!("an answer without a length: {}", String::from_utf8_lossy(head));
    let status = u16::try_from(number("HTTP/1.1 ".len()))?;
    Ok((status, length.ok_or_else(unreadable)?))
}

/// A GET; `more` are further headers, each with its line's end.
pub fn get(port: u16, path: &str, more: &str) -> Vec<u8> {
    get_at(&format!("localhost:{port}"), path, more)
}

/// The same at another host.
pub fn get_at(host: &str, path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{more}\r\n").into_bytes()
}

/// The head of a POST of a form of `length` bytes.
pub fn post(port: u16, path: &str, length: usize, more: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-length: {length}\r\n\
         content-type: application/x-www-form-urlencoded\r\n{more}\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_status_and_length() {
        let head = b"HTTP/1.1 303 See Other\r\nlocation: /x\r\ncontent-length: 120\r\n\r\n";
        assert_eq!(read_head(head).unwrap(), (303, 120));
        assert_eq!(Answer { status: 303, head, body: b"" }.location().unwrap(), "/x");
        assert!(read_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
