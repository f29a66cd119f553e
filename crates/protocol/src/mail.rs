//! The mail server of a pool, by which Signet sends messages (RFC 5321, RFC 8314).

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{said::Pair, user::check_email};

/// How the connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// `STARTTLS` (RFC 3207), without which nothing is sent.
    Starttls,
    /// Nothing: for a server on this machine only.
    None,
}

impl MailSecurity {
    /// All of them.
    pub const ALL: &'static [MailSecurity] = &[MailSecurity::Tls, MailSecurity::Starttls, MailSecurity::None];

    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            MailSecurity::Tls => "tls",
            MailSecurity::Starttls => "starttls",
            MailSecurity::None => "none",
        }
    }

    /// The port where such servers listen.
    pub fn port(self) -> u16 {
        match self {
            MailSecurity::Tls => 465,
            MailSecurity::Starttls => 587,
            MailSecurity::None => 25,
        }
    }
}

/// A password as it is stored: sealed by the master key, for one pool.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedPassword(String);

impl SealedPassword {
    /// What sealing made.
    pub fn new(text: String) -> SealedPassword {
        SealedPassword(text)
    }

    /// To be opened, or to be written to an export.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedPassword(…)")
    }
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailSecurity,
    /// The account there.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SealedPassword>,
    /// The address messages come from.
    pub from: String,
    /// The name beside it; without one it is that of the pool.
    pub from_name: Option<String>,
}

impl MailServer {
    /// A server where nothing else is said.
    pub fn at(host: String, security: MailSecurity) -> MailServer {
        let port = security.port();
        MailServer {
            host,
            port,
            security,
            username: None,
            password: None,
            from: String::new(),
            from_name: None,
        }
    }

    /// Whether a password that was given for `self` would go somewhere else, or less well guarded, with `other`. Who may
    /// change settings may not learn a secret by sending it to a server of their own.
    pub fn leads_elsewhere(&self, other: &MailServer) -> bool {
        (&self.host, self.port, self.security, &self.username)
            != (&other.host, other.port, other.security, &other.username)
    }

    /// What its password is sealed for: it opens for the same account at the same server alone.
    pub fn place(&self) -> String {
        let account = self.username.as_deref().unwrap_or_default();
        format!("{} {}:{} {account}", self.security.as_str(), self.host, self.port)
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

/// Whether `text` can be the name or address of a mail server.
pub fn check_host(text: &str) -> Result<(), Pair> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let good = text.parse::<IpAddr>().is_ok() || text.len() <= 253 && text.split('.').all(label);
    good.then_some(()).ok_or(Pair(
        "must be the name or IP address of a mail server, without scheme and port",
        "必须是邮件服务器的名称或 IP 地址，不含协议和端口",
    ))
}

/// Whether a message can be sent to or from `text`: an address of one line, whose characters mean nothing else in the head
/// of a message or to a mail server (RFC 5321 §4.1.2). Not every address that a user may have can be written to.
pub fn check_address(text: &str) -> Result<(), Pair> {
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | '"' | ',' | ':' | ';' | '\\');
    let host = text.rsplit_once('@').map(|(_, host)| host);
    let good =
        check_email(text).is_ok() && text.chars().all(plain) && host.is_some_and(|h| check_host(h).is_ok());
    good.then_some(()).ok_or(Pair(
        "must be one e-mail address of ASCII characters such as no-reply@example.com",
        "必须是一个仅含 ASCII 字符的邮箱地址，例如 no-reply@example.com",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_02_an_address_cannot_add_headers_or_recipients() {
        for bad in [
            "",
            "a",
            "a@b\r\nBcc: x@y.example",
            "a@b\nBcc: x@y.example",
            "a@b,c@d.example",
            "<a@b.example>",
            "Name <a@b.example>",
            "\"a b\"@c.example",
            "a@b@c.example",
            "a\0@b.example",
            "王@例子.中国",
            "a@-b.example",
            "a@b.example>",
            "a(x)@b.example",
        ] {
            assert!(check_address(bad).is_err(), "{bad:?}");
        }
        for good in ["no-reply@example.com", "a+b@localhost", "o'neil@b.example"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn hosts_are_names_and_addresses() {
        for good in ["smtp.example.com", "localhost", "127.0.0.1", "::1", "mail"] {
            assert_eq!(check_host(good), Ok(()), "{good}");
        }
        for bad in ["", "smtp://x", "a:25", "a b", "a..b", "-a.example", "a\r\nb", "[::1]"] {
            assert!(check_host(bad).is_err(), "{bad:?}");
        }
        let at = |host: &str| MailServer::at(host.to_owned(), MailSecurity::None);
        for (host, here) in [("localhost", true), ("127.0.0.2", true), ("::1", true), ("10.0.0.1", false)] {
            assert_eq!(at(host).is_loopback(), here, "{host}");
        }
        assert!(!at("localhost.example.com").is_loopback());
    }

    #[test]
    fn attack_25_a_password_is_not_shown_and_not_sent_elsewhere() {
        let password = Some(SealedPassword::new("sealed:abc".to_owned()));
        let server = MailServer { password, ..MailServer::at("a.example".to_owned(), MailSecurity::Tls) };
        assert!(!format!("{server:?}").contains("abc"));
        let others = [
            MailServer { host: "b.example".to_owned(), ..server.clone() },
            MailServer { port: 1, ..server.clone() },
            MailServer { security: MailSecurity::Starttls, ..server.clone() },
            MailServer { username: Some("x".to_owned()), ..server.clone() },
        ];
        assert!(others.iter().all(|other| server.leads_elsewhere(other)));
        assert!(!server.leads_elsewhere(&MailServer { from: "x@y.example".to_owned(), ..server.clone() }));
    }
}
