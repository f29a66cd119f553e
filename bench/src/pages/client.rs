//! An operator's browser: one kept connection, cookies, forms, and answers of any length.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use signet_protocol::params::encode_pairs;

use crate::Failure;

/// Bytes of an answer that are kept; of those beyond only the number counts.
const KEPT: u64 = 4 * 1024 * 1024;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A browser.
pub struct Client {
    port: u16,
    stream: BufReader<TcpStream>,
    cookies: Vec<String>,
    bearer: Option<String>,
    /// `en` or `zh-CN`.
    pub language: &'static str,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// From the request to the last byte.
    pub took: Duration,
    /// How long its body is.
    pub bytes: u64,
    /// The body, or its beginning.
    pub body: String,
    head: Vec<String>,
}

impl Answer {
    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Whether it is a file and not a page.
    pub fn is_download(&self) -> bool {
        self.header("content-disposition").is_some_and(|value| value.starts_with("attachment"))
    }

    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split('"').next().map(unescaped)
    }

    /// What its links lead to.
    pub fn links(&self) -> impl Iterator<Item = String> {
        self.body.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(unescaped)
    }

    /// What is wrong with it.
    pub fn unexpected(&self, what: &str) -> Failure {
        let told: String = self.body.chars().take(2000).collect();
        format!("{what}: got {} {}\n{told}", self.status, self.header("location").unwrap_or_default()).into()
    }
}

/// An attribute's value, as askama escapes it.
fn unescaped(text: &str) -> String {
    let pairs =
        [("&#38;", "&"), ("&amp;", "&"), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

impl Client {
    /// Connects to this machine.
    pub fn open(port: u16) -> Result<Client, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = BufReader::with_capacity(256 * 1024, stream);
        Ok(Client { port, stream, cookies: Vec::new(), bearer: None, language: "en" })
    }

    /// The same with an access token in place of cookies.
    pub fn with_token(self, token: &str) -> Client {
        Client { bearer: Some(token.to_owned()), ..self }
    }

    /// Asks for a page.
    pub fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.send("GET", path, "")
    }

    /// Sends a form.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Failure> {
        let form = encode_pairs(fields.iter().copied());
        let head = format!(
            "content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        self.send("POST", path, &head)
    }

    /// Changes something of the API.
    pub fn patch(&mut self, path: &str, json: &str) -> Result<Answer, Failure> {
        let head = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}", json.len());
        self.send("PATCH", path, &head)
    }

    fn send(&mut self, method: &str, path: &str, rest: &str) -> Result<Answer, Failure> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\naccept-language: {}\r\n",
            self.port, self.language
        );
        match &self.bearer {
            Some(token) => request.push_str(&format!("authorization: Bearer {token}\r\n")),
            None => request.push_str(&format!("cookie: {}\r\n", self.cookies.join("; "))),
        }
        request.push_str(if rest.is_empty() { "\r\n" } else { rest });
        let since = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut answer = self.read().map_err(|error| format!("{method} {path}: {error}"))?;
        answer.took = since.elapsed();
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        let set = answer.head.iter().filter_map(|line| line.strip_prefix("set-cookie: "));
        for cookie in set.filter_map(|value| value.split(';').next()) {
            let name = cookie.split('=').next();
            self.cookies.retain(|own| own.split('=').next() != name);
            self.cookies.push(cookie.to_owned());
        }
    }

    fn read(&mut self) -> Result<Answer, Failure> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut head = Vec::new();
        loop {
            match self.line()? {
                line if line.is_empty() => break,
                line => head.push(line),
            }
        }
        let status = status.ok_or_else(|| format!("no status line: {first}"))?;
        let mut answer = Answer { status, took: Duration::ZERO, bytes: 0, body: String::new(), head };
        let mut body = Vec::new();
        match answer.header("content-length").map(str::parse) {
            Some(length) => self.take(length?, &mut answer.bytes, &mut body)?,
            None if answer.header("transfer-encoding") == Some("chunked") => loop {
                let length = u64::from_str_radix(&self.line()?, 16)?;
                self.take(length, &mut answer.bytes, &mut body)?;
                self.line()?;
                if length == 0 {
                    break;
                }
            },
            None => return Err("an answer without a length".into()),
        }
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Ok(answer)
    }

    /// Reads so many bytes of a body, and keeps them as long as it is not long.
    fn take(&mut self, length: u64, seen: &mut u64, kept: &mut Vec<u8>) -> Result<(), Failure> {
        let keep = length.min(KEPT.saturating_sub(*seen));
        let read = (&mut self.stream).take(keep).read_to_end(kept)?;
        let rest = std::io::copy(&mut (&mut self.stream).take(length - keep), &mut std::io::sink())?;
        *seen += length;
        if u64::try_from(read)? + rest == length { Ok(()) } else { Err("the answer was broken off".into()) }
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_fields_are_read_as_they_were_written() {
        let body =
            r#"<a class="x" href="/console/users?q=a&#38;after=b">…</a><input name="csrf" value="t&#39;k">"#;
        let answer = Answer {
            status: 200,
            took: Duration::ZERO,
            bytes: 0,
            body: body.to_owned(),
            head: vec!["content-disposition: attachment; filename=\"a\"".to_owned()],
        };
        assert_eq!(answer.links().collect::<Vec<_>>(), ["/console/users?q=a&after=b"]);
        assert_eq!(answer.hidden("csrf").as_deref(), Some("t'k"));
        assert!(answer.is_download());
    }
}
