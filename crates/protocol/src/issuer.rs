//! Issuers and the hosts they live at (RFC 8414 §2, OpenID Connect Discovery §3, RFC 9207).
//!
//! An issuer comes from configuration and a stored identifier; a request's host only selects among them (attack 11).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    id::{AppId, PoolId},
    says,
};

/// The label of an application in its authentication address: a DNS label that is not one of ours.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identifier(String);

/// Bytes of a DNS label (RFC 1035 §2.3.4).
const IDENTIFIER_LABEL_BYTES: usize = 63;
/// Bytes of the base host: with a label and its dot in front it is still a DNS name of at most 255.
const HOST_BYTES: usize = 190;

/// Labels that could be mistaken for Signet itself.
const RESERVED: &[&str] = &[
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "apps",
    "auth",
    "cdn",
    "console",
    "dashboard",
    "docs",
    "help",
    "id",
    "identity",
    "idp",
    "issuer",
    "localhost",
    "login",
    "logout",
    "mail",
    "metrics",
    "oauth",
    "oidc",
    "openid",
    "pool",
    "root",
    "security",
    "session",
    "signet",
    "signin",
    "signup",
    "sso",
    "static",
    "status",
    "support",
    "system",
    "token",
    "well-known",
    "www",
];

/// Why a text cannot be an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifierError {
    /// Not a DNS label.
    Form,
    /// One of the names kept for Signet itself.
    Reserved,
}

says!(IdentifierError {
    IdentifierError::Form =>
        "must be 1 to 63 lower-case letters, digits and hyphens, without a hyphen at either end",
        "须为 1 到 63 个小写字母、数字或连字符，且首尾不能是连字符";
    IdentifierError::Reserved => "is reserved; choose another name", "是保留名称，请另选一个";
});

impl Identifier {
    /// Parses an identifier.
    pub fn parse(text: &str) -> Result<Identifier, IdentifierError> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let ends = text.starts_with('-') || text.ends_with('-') || text.starts_with("xn--");
        if !(1..=IDENTIFIER_LABEL_BYTES).contains(&text.len()) || !text.bytes().all(legal) || ends {
            return Err(IdentifierError::Form);
        }
        if RESERVED.contains(&text) {
            Err(IdentifierError::Reserved)
        } else {
            Ok(Identifier(text.to_owned()))
        }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({})", self.0)
    }
}

impl From<Identifier> for String {
    fn from(identifier: Identifier) -> String {
        identifier.0
    }
}

impl TryFrom<String> for Identifier {
    type Error = IdentifierError;

    fn try_from(text: String) -> Result<Identifier, IdentifierError> {
        Identifier::parse(&text)
    }
}

/// Where the pool lives: scheme, host and port, from configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    https: bool,
    host: String,
    port: Option<u16>,
}

/// Why a text cannot be the base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be http:// or https://, a lower-case host name and an optional port, without a path: http://localhost:8080"
)]
pub struct BaseUrlError;

/// What a request's host names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// The pool's own address.
    Pool,
    /// The address of the application with this identifier, if there is one.
    Application(Identifier),
}

impl BaseUrl {
    /// Parses the configured value.
    pub fn parse(text: &str) -> Result<BaseUrl, BaseUrlError> {
        let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(BaseUrlError),
        };
        let (host, port) = split_host(rest.strip_suffix('/').unwrap_or(rest)).ok_or(BaseUrlError)?;
        let label = |part: &str| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-');
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        if host.is_empty()
            || host.len() > HOST_BYTES
            || !host.bytes().all(legal)
            || !host.split('.').all(label)
        {
            return Err(BaseUrlError);
        }
        let default = if https { 443 } else { 80 };
        Ok(BaseUrl { https, host: host.to_owned(), port: port.filter(|p| *p != default) })
    }

    /// Whether it is https, on which the names and attributes of cookies depend.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The host without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The origin of `site`, without a slash at the end.
    pub fn origin(&self, site: &Site) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let label = match site {
            Site::Pool => String::new(),
            Site::Application(identifier) => format!("{identifier}."),
        };
        let port = self.port.map(|p| format!(":{p}")).unwrap_or_default();
        format!("{scheme}://{label}{}{port}", self.host)
    }

    /// What the `Host` of a request names; `None` when it is none of ours.
    pub fn resolve(&self, host_header: &str) -> Option<Site> {
        let lower = host_header.to_ascii_lowercase();
        let (host, port) = split_host(&lower)?;
        let default = if self.https { 443 } else { 80 };
        if port.unwrap_or(default) != self.port.unwrap_or(default) {
            return None;
        }
        if host == self.host {
            return Some(Site::Pool);
        }
        let label = host.strip_suffix(self.host.as_str())?.strip_suffix('.')?;
        Identifier::parse(label).ok().map(Site::Application)
    }
}

fn split_host(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.split_once(':') {
        None => Some((authority, None)),
        Some((host, digits)) => {
            let numeric = (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            let port = numeric.then(|| digits.parse::<u16>().ok()).flatten().filter(|p| *p != 0)?;
            Some((host, Some(port)))
        }
    }
}

/// Whose issuer it is: the pool's own, or an application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssuerId {
    /// `{base_url}/oidc`, which serves every application of the pool.
    Pool(PoolId),
    /// `{identifier}.{base host}/oidc`, which serves one.
    Application(AppId),
}

impl IssuerId {
    /// How it is stored in keys, codes and grants.
    pub fn stored(&self) -> String {
        match self {
            IssuerId::Pool(id) => format!("pool:{id}"),
            IssuerId::Application(id) => format!("app:{id}"),
        }
    }

    /// From its stored form.
    pub fn parse(text: &str) -> Option<IssuerId> {
        match text.split_once(':')? {
            ("pool", id) => PoolId::parse(id).map(IssuerId::Pool),
            ("app", id) => AppId::parse(id).map(IssuerId::Application),
            _ => None,
        }
    }
}

/// An issuer as resolved for one request: whose it is and its identifier, the exact `iss` of everything it says. Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    id: IssuerId,
    pool: PoolId,
    url: Arc<str>,
}

impl Issuer {
    /// The issuer at `site`.
    pub fn at(base: &BaseUrl, site: &Site, pool: PoolId, id: IssuerId) -> Issuer {
        Issuer { id, pool, url: format!("{}/oidc", base.origin(site)).into() }
    }

    /// Whose it is.
    pub fn id(&self) -> IssuerId {
        self.id
    }

    /// The pool it belongs to.
    pub fn pool(&self) -> PoolId {
        self.pool
    }

    /// The issuer identifier: the `iss` claim, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of an endpoint below it: `path` begins with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Whether it serves `application`.
    pub fn serves(&self, application: AppId) -> bool {
        match self.id {
            IssuerId::Pool(_) => true,
            IssuerId::Application(own) => own == application,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(label: &str) -> Site {
        Site::Application(Identifier::parse(label).unwrap())
    }

    #[test]
    fn identifiers_are_dns_labels_that_are_not_ours() {
        for good in ["notes", "a", "notes-spa", "0x", &"a".repeat(63)] {
            assert!(Identifier::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", "é", "xn--a", &"a".repeat(64)] {
            assert_eq!(Identifier::parse(bad), Err(IdentifierError::Form), "{bad}");
        }
        for ours in ["www", "api", "console", "admin", "login"] {
            assert_eq!(Identifier::parse(ours), Err(IdentifierError::Reserved), "{ours}");
        }
    }

    #[test]
    fn base_urls_give_origins() {
        let local = BaseUrl::parse("http://localhost:8080").unwrap();
        assert_eq!(local.origin(&Site::Pool), "http://localhost:8080");
        assert_eq!(local.origin(&site("notes")), "http://notes.localhost:8080");
        let public = BaseUrl::parse("https://id.example.com:443/").unwrap();
        assert_eq!(public.origin(&site("notes")), "https://notes.id.example.com");
        for bad in [
            "",
            "localhost",
            "ftp://x",
            "http://",
            "http://x/y",
            "http://X",
            "http://a..b",
            "http://x:0",
            "http://x:1x",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn attack_11_only_known_hosts_name_a_site() {
        let base = BaseUrl::parse("http://localhost:8080").unwrap();
        assert_eq!(base.resolve("localhost:8080"), Some(Site::Pool));
        assert_eq!(base.resolve("LocalHost:8080"), Some(Site::Pool));
        assert_eq!(base.resolve("Notes.localhost:8080"), Some(site("notes")));
        for other in [
            "localhost",
            "localhost:80",
            "localhost:8081",
            "evil.example:8080",
            "notes.localhost.evil.example:8080",
            "evillocalhost:8080",
            "a.notes.localhost:8080",
            "www.localhost:8080",
            ".localhost:8080",
            "localhost:8080:8080",
            "user@localhost:8080",
            "",
        ] {
            assert_eq!(base.resolve(other), None, "{other}");
        }
        let public = BaseUrl::parse("https://id.example.com").unwrap();
        assert_eq!(public.resolve("id.example.com"), Some(Site::Pool));
        assert_eq!(public.resolve("id.example.com:443"), Some(Site::Pool));
        assert_eq!(public.resolve("id.example.com:80"), None);
    }

    #[test]
    fn issuer_ids_round_trip() {
        let pool = IssuerId::Pool(PoolId::parse("0123456789abcdef01234567").unwrap());
        let app = IssuerId::Application(AppId::parse("0123456789abcdef01234567").unwrap());
        assert_eq!(IssuerId::parse(&pool.stored()), Some(pool));
        assert_eq!(IssuerId::parse(&app.stored()), Some(app));
        assert_ne!(pool.stored(), app.stored());
        assert_eq!(IssuerId::parse("x:0123456789abcdef01234567"), None);
    }
}
