//! A message handed to a mail server (RFC 5321), over TLS from the first byte (RFC 8314) or from STARTTLS on (RFC 3207), with
//! AUTH PLAIN or LOGIN (RFC 4954) where there is an account.
//!
//! Nothing goes over a connection that is not secured as is set: a server that does not offer STARTTLS is not sent to, and
//! what came before TLS is forgotten.

use std::{io, net::SocketAddr, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::ServerName;
use signet_protocol::{
    mail::{MailSecurity, MailServer},
    secret::Secret,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::MailError;

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a line of an answer; RFC 5321 §4.5.3.1.5 has 512.
const LINE_BYTES: usize = 2048;
/// Lines of an answer.
const LINES: usize = 100;
/// Characters of what a server says that are told.
const TOLD: usize = 200;

/// Who sends what to whom. The addresses are those of [`check_address`](signet_protocol::mail::check_address), without
/// which they could end a line.
pub struct Envelope<'a> {
    /// The sender.
    pub from: &'a str,
    /// The one recipient.
    pub to: &'a str,
    /// Head and body, with lines that end in CR LF.
    pub message: &'a str,
}

/// Hands a message over.
pub async fn send(
    server: &MailServer,
    password: Option<&Secret>,
    tls: Option<&TlsConnector>,
    envelope: &Envelope<'_>,
) -> Result<(), MailError> {
    timeout(TIMEOUT, attempt(server, password, tls, envelope)).await.unwrap_or(Err(MailError::Timeout))
}

async fn attempt(
    server: &MailServer,
    password: Option<&Secret>,
    tls: Option<&TlsConnector>,
    envelope: &Envelope<'_>,
) -> Result<(), MailError> {
    let stream = connect(server).await?;
    let me = greeting_name(&stream);
    match (server.security, tls) {
        (MailSecurity::Tls, Some(tls)) => {
            let mut talk = Talk::new(secure(tls, server, stream).await?);
            talk.expect(220, "greeting").await?;
            let offers = talk.hello(&me).await?;
            talk.deliver(server, password, envelope, &offers).await
        }
        (MailSecurity::Starttls, Some(tls)) => {
            let mut talk = Talk::new(stream);
            talk.expect(220, "greeting").await?;
            if !talk.hello(&me).await?.starttls {
                return Err(MailError::NoStarttls);
            }
            talk.command("STARTTLS", 220, "STARTTLS").await?;
            // Whatever somebody slipped in before would be read as if it came through TLS.
            let stream = talk.into_bare().ok_or(MailError::NotSmtp)?;
            let mut talk = Talk::new(secure(tls, server, stream).await?);
            let offers = talk.hello(&me).await?;
            talk.deliver(server, password, envelope, &offers).await
        }
        (MailSecurity::None, _) if server.is_loopback() => {
            let mut talk = Talk::new(stream);
            talk.expect(220, "greeting").await?;
            let offers = talk.hello(&me).await?;
            talk.deliver(server, password, envelope, &offers).await
        }
        _ => Err(MailError::Unsecured),
    }
}

async fn connect(server: &MailServer) -> Result<TcpStream, MailError> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|_| MailError::Unresolved)?.collect();
    let mut last = MailError::Unresolved;
    for address in addresses {
        // Where nothing is secured, the name has to lead to this machine, too.
        if server.security == MailSecurity::None && !address.ip().is_loopback() {
            last = MailError::Unsecured;
            continue;
        }
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = MailError::Unreachable(error.to_string()),
            Err(_) => last = MailError::Timeout,
        }
    }
    Err(last)
}

/// The address of this end as it is said to the server (RFC 5321 §4.1.3): the name of this machine is nobody's business.
fn greeting_name(stream: &TcpStream) -> String {
    match stream.local_addr() {
        Ok(SocketAddr::V6(own)) => format!("[IPv6:{}]", own.ip()),
        Ok(SocketAddr::V4(own)) => format!("[{}]", own.ip()),
        Err(_) => "[127.0.0.1]".to_owned(),
    }
}

async fn secure(
    tls: &TlsConnector,
    server: &MailServer,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, MailError> {
    let name = ServerName::try_from(server.host.clone()).map_err(|_| MailError::Unresolved)?;
    tls.connect(name, stream).await.map_err(|error| MailError::Tls(error.to_string()))
}

/// What a server offers in answer to EHLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offers {
    starttls: bool,
    plain: bool,
    login: bool,
}

impl Offers {
    fn of(lines: &[String]) -> Offers {
        let mut offers = Offers::default();
        for line in lines {
            let mut words = line.split([' ', '=']).map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("STARTTLS") => offers.starttls = true,
                Some("AUTH") => words.for_each(|word| match word.as_str() {
                    "PLAIN" => offers.plain = true,
                    "LOGIN" => offers.login = true,
                    _ => {}
                }),
                _ => {}
            }
        }
        offers
    }
}

/// A conversation.
struct Talk<S> {
    stream: S,
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S) -> Talk<S> {
        Talk { stream, read: Vec::new() }
    }

    /// The connection, if nothing came that was not asked for.
    fn into_bare(self) -> Option<S> {
        self.read.is_empty().then_some(self.stream)
    }

    async fn hello(&mut self, me: &str) -> Result<Offers, MailError> {
        Ok(Offers::of(&self.command(&format!("EHLO {me}"), 250, "EHLO").await?))
    }

    async fn deliver(
        &mut self,
        server: &MailServer,
        password: Option<&Secret>,
        envelope: &Envelope<'_>,
        offers: &Offers,
    ) -> Result<(), MailError> {
        if let (Some(username), Some(password)) = (&server.username, password) {
            self.authenticate(username, password, offers).await?;
        }
        self.command(&format!("MAIL FROM:<{}>", envelope.from), 250, "MAIL FROM").await?;
        self.command(&format!("RCPT TO:<{}>", envelope.to), 250, "RCPT TO").await?;
        self.command("DATA", 354, "DATA").await?;
        self.write(&dotted(envelope.message)).await?;
        self.expect(250, "DATA").await?;
        // It is theirs now, whether they say goodbye or not.
        let _ = self.command("QUIT", 221, "QUIT").await;
        Ok(())
    }

    async fn authenticate(
        &mut self,
        username: &str,
        password: &Secret,
        offers: &Offers,
    ) -> Result<(), MailError> {
        let coded = |bytes: &[u8]| STANDARD.encode(bytes);
        let done = if offers.plain {
            let proof = [b"\0", username.as_bytes(), b"\0", password.expose()].concat();
            self.command(&format!("AUTH PLAIN {}", coded(&proof)), 235, "AUTH").await
        } else if offers.login {
            self.command("AUTH LOGIN", 334, "AUTH").await?;
            self.command(&coded(username.as_bytes()), 334, "AUTH").await?;
            self.command(&coded(password.expose()), 235, "AUTH").await
        } else {
            return Err(MailError::NoLogin);
        };
        match done {
            Err(MailError::Refused { code: 535, told, .. }) => Err(MailError::Login(told)),
            other => other.map(drop),
        }
    }

    /// Says a line, and gets the lines of an answer with this code.
    async fn command(
        &mut self,
        line: &str,
        code: u16,
        stage: &'static str,
    ) -> Result<Vec<String>, MailError> {
        self.write(&format!("{line}\r\n")).await?;
        self.expect(code, stage).await
    }

    async fn write(&mut self, text: &str) -> Result<(), MailError> {
        self.stream.write_all(text.as_bytes()).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)
    }

    /// The lines of an answer, if it has this code or, for 250, any that says yes.
    async fn expect(&mut self, code: u16, stage: &'static str) -> Result<Vec<String>, MailError> {
        let (got, lines) = self.answer().await?;
        if got == code || code == 250 && (250..260).contains(&got) {
            return Ok(lines);
        }
        Err(MailError::Refused { stage, code: got, told: shown(&lines) })
    }

    /// Code and lines of an answer (RFC 5321 §4.2).
    async fn answer(&mut self) -> Result<(u16, Vec<String>), MailError> {
        let mut lines = Vec::new();
        while lines.len() < LINES {
            let line = self.line().await?;
            let (code, rest) = line.split_at_checked(3).ok_or(MailError::NotSmtp)?;
            let code: u16 = code.parse().map_err(|_| MailError::NotSmtp)?;
            let last = match rest.chars().next() {
                Some('-') => false,
                Some(' ') | None => true,
                Some(_) => return Err(MailError::NotSmtp),
            };
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if last {
                return Ok((code, lines));
            }
        }
        Err(MailError::NotSmtp)
    }

    async fn line(&mut self) -> Result<String, MailError> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.read.len() > LINE_BYTES {
                return Err(MailError::NotSmtp);
            }
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk).await.map_err(broken)? {
                0 => return Err(MailError::Unreachable("it hung up".to_owned())),
                count => self.read.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            }
        }
    }
}

fn broken(error: io::Error) -> MailError {
    MailError::Unreachable(error.to_string())
}

/// A message as it is sent, with its end: a line that begins with a dot begins with two (RFC 5321 §4.5.2).
fn dotted(message: &str) -> String {
    let lines = message.strip_suffix("\r\n").unwrap_or(message).split("\r\n");
    let mut text: String = lines
        .map(|line| if line.starts_with('.') { format!(".{line}\r\n") } else { format!("{line}\r\n") })
        .collect();
    text.push_str(".\r\n");
    text
}

/// What a server said, for a person: one line of bounded length.
fn shown(lines: &[String]) -> String {
    let text = lines.join(" ");
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TOLD)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_in_whatever_case() {
        let lines = |all: &[&str]| all.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let all = lines(&["mail.example", "starttls", "AUTH PLAIN LOGIN XOAUTH2", "SIZE 10"]);
        assert_eq!(Offers::of(&all), Offers { starttls: true, plain: true, login: true });
        let old = lines(&["mail.example", "AUTH=LOGIN", "XSTARTTLS"]);
        assert_eq!(Offers::of(&old), Offers { login: true, ..Offers::default() });
    }

    #[test]
    fn attack_02_no_line_of_a_message_ends_it() {
        assert_eq!(dotted("a\r\n.\r\n..b\r\n"), "a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(dotted("a"), "a\r\n.\r\n");
    }

    #[test]
    fn what_a_server_says_is_one_bounded_line() {
        let told = shown(&["a\u{1b}[31m".to_owned(), "x".repeat(500)]);
        assert!(told.starts_with("a [31m x") && told.chars().count() == TOLD, "{told}");
    }
}
