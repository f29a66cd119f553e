//! `[pool]`, `[pool.throttle]` and `[pool.mail]`: the name of the pool, how its people sign in, what slows guesses down, and
//! by which server messages are sent.

use std::ops::RangeInclusive;

use signet_protocol::{
    jose::unb64,
    mail::{MailSecurity, MailServer, check_address, check_host},
    said,
    said::Pair,
    secret::Secret,
    sign_in::{CONSOLE_SESSION_LIFETIME, Language, LoginMethod, SESSION_LIFETIME, SignIn},
    throttle::{NAME_AND_NETWORK_FAILURES, NAME_FAILURES, NETWORK_FAILURES, PERIOD, Throttle},
    time::Seconds,
};
use signet_store::{MasterKey, SEALED, SecretOf};

use super::{SecretEntry, check, put};
use crate::manage::{
    problem::Problem,
    reader::{Lines, Table},
};

/// What a file says about the pool.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::sign_in")]
pub struct PoolEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub name: Option<String>,
    pub languages: Option<Vec<Language>>,
    pub login_methods: Option<Vec<LoginMethod>>,
    pub session_lifetime: Option<Seconds>,
    pub browser_session: Option<bool>,
    pub console_session_lifetime: Option<Seconds>,
    pub password_recovery: Option<bool>,
    pub throttle: Option<ThrottleEntry>,
    pub mail: Option<MailEntry>,
}

/// What a file says about failed logins.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::throttle")]
pub struct ThrottleEntry {
    pub name_and_network_failures: Option<i64>,
    pub name_and_network_period: Option<Seconds>,
    pub name_failures: Option<i64>,
    pub name_period: Option<Seconds>,
    pub network_failures: Option<i64>,
    pub network_period: Option<Seconds>,
}

/// What a file says about the mail server.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::mail")]
pub struct MailEntry {
    /// Where its keys stand.
    pub lines: Lines,
    /// `Some(None)`: there is no server.
    pub host: Option<Option<String>>,
    pub port: Option<u16>,
    pub security: Option<MailSecurity>,
    pub username: Option<Option<String>>,
    pub password: Option<Option<SecretEntry>>,
    pub from: Option<String>,
    pub from_name: Option<Option<String>>,
}

impl PoolEntry {
    pub(super) fn read(table: &mut Table) -> PoolEntry {
        let entry = PoolEntry {
            name: table.parsed("name", check::name),
            languages: several(table, "languages", Language::ALL, Language::as_str),
            login_methods: several(table, "login_methods", LoginMethod::ALL, LoginMethod::as_str),
            session_lifetime: seconds(table, "session_lifetime", SESSION_LIFETIME),
            browser_session: table.boolean("browser_session"),
            console_session_lifetime: seconds(table, "console_session_lifetime", CONSOLE_SESSION_LIFETIME),
            password_recovery: table.boolean("password_recovery"),
            throttle: table.table("throttle", ThrottleEntry::read),
            mail: table.table("mail", MailEntry::read),
            lines: Lines::default(),
        };
        PoolEntry { lines: table.lines(), ..entry }
    }

    /// Whether it says anything beside its tables.
    pub fn is_about_sign_in(&self) -> bool {
        self.lines.besides(&["throttle", "mail"]).next().is_some()
    }

    /// Lays what the entry says over `sign_in`.
    pub fn lay_over(&self, sign_in: &mut SignIn) {
        put(&mut sign_in.languages, &self.languages);
        put(&mut sign_in.login_methods, &self.login_methods);
        put(&mut sign_in.session_lifetime, &self.session_lifetime);
        put(&mut sign_in.browser_session, &self.browser_session);
        put(&mut sign_in.console_session_lifetime, &self.console_session_lifetime);
        put(&mut sign_in.password_recovery, &self.password_recovery);
    }
}

impl ThrottleEntry {
    pub(super) fn read(table: &mut Table) -> ThrottleEntry {
        ThrottleEntry {
            name_and_network_failures: table.failures("name_and_network_failures", NAME_AND_NETWORK_FAILURES),
            name_and_network_period: seconds(table, "name_and_network_period", PERIOD),
            name_failures: table.failures("name_failures", NAME_FAILURES),
            name_period: seconds(table, "name_period", PERIOD),
            network_failures: table.failures("network_failures", NETWORK_FAILURES),
            network_period: seconds(table, "network_period", PERIOD),
        }
    }

    /// Lays what the entry says over `throttle`.
    pub fn lay_over(&self, throttle: &mut Throttle) {
        put(&mut throttle.name_and_network_failures, &self.name_and_network_failures);
        put(&mut throttle.name_and_network_period, &self.name_and_network_period);
        put(&mut throttle.name_failures, &self.name_failures);
        put(&mut throttle.name_period, &self.name_period);
        put(&mut throttle.network_failures, &self.network_failures);
        put(&mut throttle.network_period, &self.network_period);
    }
}

impl MailEntry {
    pub(super) fn read(table: &mut Table) -> MailEntry {
        let port = table.port("port");
        let entry = MailEntry {
            host: table.text("host", check_host),
            port: port.and_then(|port| u16::try_from(port).ok()),
            security: table.choice("security", MailSecurity::ALL, MailSecurity::as_str),
            username: table.text("username", account),
            password: table.optional("password", password),
            from: table.parsed("from", |text| check_address(text).map(|()| text.to_owned())),
            from_name: table.optional("from_name", check::name),
            lines: Lines::default(),
        };
        MailEntry { lines: table.lines(), ..entry }
    }

    /// Opens its password with the key that came with it.
    pub(super) fn unseal(&mut self, key: &MasterKey, problems: &mut Vec<Problem>) {
        let Some(Some(SecretEntry::Sealed(text))) = &self.password else { return };
        let host = self.host.clone().flatten().unwrap_or_default();
        let mut server = MailServer::at(host, self.security.unwrap_or(MailSecurity::Tls));
        self.lay_over(&mut server);
        match key.open_exported(SecretOf::Mail(&server.place()), text) {
            Ok(opened) => self.password = Some(Some(SecretEntry::Plain(opened))),
            Err(_) => problems.push(Problem::new(
                self.lines.of("password"),
                Pair(
                    "`password` was sealed with another key or for another host, port, security or user name, or was changed since; export it again",
                    "`password` 是用另一个密钥或为另一个主机、端口、加密方式或用户名封存的，或此后被改动；请重新导出",
                ),
            )),
        }
    }

    /// Lays what the entry says over `server`, but for its host and its password.
    pub fn lay_over(&self, server: &mut MailServer) {
        if let Some(security) = self.security {
            // The port of a server that is secured otherwise is another, unless it is said.
            server.port = if server.security == security { server.port } else { security.port() };
            server.security = security;
        }
        put(&mut server.port, &self.port);
        put(&mut server.username, &self.username);
        put(&mut server.from, &self.from);
        put(&mut server.from_name, &self.from_name);
    }
}

fn seconds(table: &mut Table, key: &'static str, range: RangeInclusive<i64>) -> Option<Seconds> {
    table.seconds(key, range).map(Seconds)
}

/// Several of a list of names, one at least.
fn several<T: Copy + PartialEq>(
    table: &mut Table,
    key: &'static str,
    choices: &[T],
    name: fn(T) -> &'static str,
) -> Option<Vec<T>> {
    let chosen = table.choices(key, choices, name)?;
    if table.length(key) == Some(0) {
        let names = choices.iter().map(|choice| name(*choice)).collect::<Vec<_>>().join(", ");
        table.problem(
            table.lines().of(key),
            said!("`{key}` needs at least one of {names}", "`{key}` 至少需要以下之一：{names}"),
        );
        return None;
    }
    Some(chosen)
}

/// The name of an account at a mail server.
fn account(text: &str) -> Result<(), Pair> {
    let good = text.len() <= 256 && !text.chars().any(char::is_control);
    good.then_some(())
        .ok_or(Pair("must be at most 256 bytes, without control characters", "最多 256 字节，且不含控制字符"))
}

/// The password of such an account: that of somebody else's system, so whatever it is.
fn password(text: &str) -> Result<SecretEntry, Pair> {
    match text.strip_prefix(SEALED) {
        Some(rest) if unb64(rest).is_none() => {
            Err(Pair("is sealed, and was changed since; export it again", "已加密，但此后被改动；请重新导出"))
        }
        Some(_) => Ok(SecretEntry::Sealed(text.to_owned())),
        None => account(text).map(|()| SecretEntry::Plain(Secret::new(text))),
    }
}
