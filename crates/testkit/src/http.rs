//! The least HTTP/1.1 client: one kept connection to this machine, and a browser without scripts on top of it.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Failure, forms::HtmlForm};

/// A kept connection.
pub struct Connection {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
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

    /// Where it redirects to; empty if it does not.
    pub fn location(&self) -> &str {
        self.headers("location").next().unwrap_or_default()
    }

    /// A parameter of the address it redirects to, as it is written there.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.location().split(['?', '&']).filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The answer if its status is as expected.
    ///
    /// # Errors
    /// What it is instead.
    pub fn expect(self, status: u16) -> Result<Answer, Failure> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("expected {status}, got {}: {}", self.status, self.body).into())
    }
}

impl Connection {
    /// Connects to this machine.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn open(port: u16) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, host: format!("localhost:{port}"), buffer: Vec::with_capacity(16 * 1024) })
    }

    /// GET with a `Cookie` header, which may be empty.
    ///
    /// # Errors
    /// There is no whole answer: whether the server has done what was asked is not known.
    pub async fn get(&mut self, path: &str, cookie: &str) -> Result<Answer, Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", self.host);
        self.send(&request).await
    }

    /// GET with a bearer token.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn get_as(&mut self, path: &str, token: &str) -> Result<Answer, Failure> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.host);
        self.send(&request).await
    }

    /// POST of a form.
    ///
    /// # Errors
    /// As [`Connection::get`].
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

/// A browser without scripts: it keeps cookies, follows redirects that stay here, and presses buttons.
pub struct Browser {
    /// The port of the server.
    pub port: u16,
    /// Its cookies, as it sends them.
    pub cookies: String,
    connection: Option<Connection>,
}

impl Browser {
    /// A browser without cookies.
    pub fn new(port: u16) -> Browser {
        Browser { port, cookies: String::new(), connection: None }
    }

    /// Lets go of its connection; the next request makes another. A broken one is let go by itself, and what was asked on
    /// it is not asked again: it may have been done.
    pub fn hang_up(&mut self) {
        self.connection = None;
    }

    /// GET.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        let mut connection = self.connect().await?;
        let answer = connection.get(path, &self.cookies).await?;
        Ok(self.keep(connection, answer))
    }

    /// GET with a bearer token.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn get_as(&mut self, path: &str, token: &str) -> Result<Answer, Failure> {
        let mut connection = self.connect().await?;
        let answer = connection.get_as(path, token).await?;
        Ok(self.keep(connection, answer))
    }

    /// POST of a form.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn post(&mut self, path: &str, form: &str) -> Result<Answer, Failure> {
        let mut connection = self.connect().await?;
        let answer = connection.post(path, form, &self.cookies).await?;
        Ok(self.keep(connection, answer))
    }

    /// GET, and what the redirects that stay here lead to.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn visit(&mut self, path: &str) -> Result<Answer, Failure> {
        let answer = self.get(path).await?;
        self.follow(answer).await
    }

    /// Fills the form of a page, presses the button with this id, and goes where that leads.
    ///
    /// # Errors
    /// As [`Browser::submit`].
    pub async fn press(
        &mut self,
        page: &Answer,
        values: &[(&str, &str)],
        id: &str,
    ) -> Result<Answer, Failure> {
        let answer = self.submit(page, values, id).await?;
        self.follow(answer).await
    }

    /// Fills the form of a page and presses the button with this id.
    ///
    /// # Errors
    /// As [`Connection::get`], or the page has no form.
    pub async fn submit(
        &mut self,
        page: &Answer,
        values: &[(&str, &str)],
        id: &str,
    ) -> Result<Answer, Failure> {
        let form = HtmlForm::find(&page.body)
            .ok_or_else(|| format!("a page without a form: {} {}", page.status, page.body))?;
        let pairs = form.fill(values, id);
        let fields: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        self.post(&form.action, &fields.join("&")).await
    }

    /// Goes where an answer redirects to, as long as that is here.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn follow(&mut self, mut answer: Answer) -> Result<Answer, Failure> {
        while answer.location().starts_with('/') {
            let path = answer.location().to_owned();
            answer = self.get(&path).await?;
        }
        Ok(answer)
    }

    async fn connect(&mut self) -> Result<Connection, Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(self.port).await,
        }
    }

    fn keep(&mut self, connection: Connection, answer: Answer) -> Answer {
        self.connection = Some(connection);
        for cookie in answer.headers("set-cookie").filter_map(|value| value.split(';').next()) {
            let name = cookie.split('=').next().unwrap_or_default();
            let others: Vec<&str> = self
                .cookies
                .split("; ")
                .filter(|own| !own.is_empty() && own.split('=').next() != Some(name))
                .collect();
            self.cookies = [&others[..], &[cookie]].concat().join("; ");
        }
        answer
    }
}

/// A value as a form has it.
pub fn escape(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
