//! Messages to people: by the mail server that the pool is set to use, and by nothing else.
//!
//! Where they go is what an operator set up, so the guard of [`outbound`](crate::outbound), which keeps strangers from having
//! Signet ask addresses of this network, does not stand before it. The authorities it trusts are the same.

mod letters;
mod message;
mod recovery;
mod smtp;
#[cfg(test)]
mod tests;

pub use recovery::{Recoveries, Recovery, keep};

use std::fmt;

use signet_protocol::{id::UserId, mail::check_address, pool::PoolSettings, time::Timestamp, user::User};
use signet_store::{
    SecretOf, StoreError,
    audit::{Act, Action, Entry, Named, Origin},
};

use crate::{
    Signet,
    clock::SystemEntropy,
    mail::message::Letter,
    manage::users::{
        edit::EditError,
        link::{self, NewLink},
    },
    pages::Lang,
};

/// Why a message was not sent, in words for an operator, with what to do. What a server said is in it as one short line.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says it")]
pub enum MailError {
    #[error("there is no mail server; set one up under Settings, Mail, or as [pool.mail]")]
    NoServer,
    #[error("the user has no e-mail address; give them one, or take the link without sending it")]
    NoAddress,
    #[error("the address cannot be written to; Signet sends to ASCII addresses such as name@example.com")]
    Address,
    #[error(
        "the name of the server leads to no address; correct the host, or see that this machine can resolve it"
    )]
    Unresolved,
    #[error(
        "there is no connection to the server: {0}; see that host and port are right and no firewall is between"
    )]
    Unreachable(String),
    #[error("the server did not answer in time; see that host, port and security belong together")]
    Timeout,
    #[error(
        "its certificate is not accepted: {0}; use the name that is in it, or name its authority by outbound_ca"
    )]
    Tls(String),
    #[error("the trusted authorities cannot be used: {0}")]
    Authorities(String),
    #[error(
        "what answers there does not speak SMTP; see that port and security belong together (465 tls, 587 starttls)"
    )]
    NotSmtp,
    #[error("the server does not offer STARTTLS; use tls, or another port")]
    NoStarttls,
    #[error("without TLS only a server on this machine is sent to; choose tls or starttls")]
    Unsecured,
    #[error(
        "the server takes neither AUTH PLAIN nor LOGIN here; leave the user name empty, or use another port"
    )]
    NoLogin,
    #[error("the server does not accept user name and password: {0}")]
    Login(String),
    #[error("the server refuses at {stage}: {code} {told}")]
    Refused { stage: &'static str, code: u16, told: String },
    #[error("the stored password cannot be opened with this master key; give it again")]
    Password,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MailError {
    /// The same in a language.
    pub fn text(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::En, _) | (_, MailError::Store(_)) => self.to_string(),
            (_, MailError::NoServer) => {
                "尚未配置邮件服务器；请在“设置 > 邮件”或 [pool.mail] 中配置".to_owned()
            }
            (_, MailError::NoAddress) => "该用户没有邮箱；请先填写邮箱，或不通过邮件直接生成链接".to_owned(),
            (_, MailError::Address) => {
                "无法向该地址发送邮件；请使用 ASCII 字符的邮箱地址，例如 name@example.com".to_owned()
            }
            (_, MailError::Unresolved) => "无法解析服务器名称；请检查主机名，或确认本机可以解析".to_owned(),
            (_, MailError::Unreachable(why)) => {
                format!("无法连接服务器：{why}；请检查主机与端口，并确认没有防火墙阻拦")
            }
            (_, MailError::Timeout) => "服务器未及时响应；请确认主机、端口与安全方式相符".to_owned(),
            (_, MailError::Tls(why)) => {
                format!("服务器证书未被接受：{why}；请使用证书中的名称，或通过 outbound_ca 指定其颁发机构")
            }
            (_, MailError::Authorities(why)) => format!("无法使用受信任的颁发机构：{why}"),
            (_, MailError::NotSmtp) => {
                "对方不是 SMTP 服务；请确认端口与安全方式相符（465 对应 tls，587 对应 starttls）".to_owned()
            }
            (_, MailError::NoStarttls) => "服务器不支持 STARTTLS；请改用 tls 或其他端口".to_owned(),
            (_, MailError::Unsecured) => "未加密时只能使用本机服务器；请选择 tls 或 starttls".to_owned(),
            (_, MailError::NoLogin) => {
                "服务器在此不支持 AUTH PLAIN 或 LOGIN；请将用户名留空，或改用其他端口".to_owned()
            }
            (_, MailError::Login(told)) => format!("服务器不接受此用户名和密码：{told}"),
            (_, MailError::Refused { stage, code, told }) => {
                format!("服务器在 {stage} 阶段拒绝：{code} {told}")
            }
            (_, MailError::Password) => "无法用当前主密钥解密已保存的密码；请重新填写".to_owned(),
        }
    }
}

/// Whether somebody may be offered a link by mail: there is a server.
pub fn is_set_up(pool: &PoolSettings) -> bool {
    pool.mail.is_some()
}

/// Hands `letter` for `to` to the server of the pool.
async fn send(signet: &Signet, pool: &PoolSettings, to: &str, letter: &Letter) -> Result<(), MailError> {
    let server = pool.mail.as_ref().ok_or(MailError::NoServer)?;
    check_address(to).map_err(|_| MailError::Address)?;
    let now = signet.now().timestamp();
    let message = letter.written(server, &pool.name, to, (now, &mut SystemEntropy));
    let place = server.place();
    let opened = server.password.as_ref().map(|sealed| {
        signet.store().open_exported(SecretOf::Mail(&place), sealed.as_str()).map_err(|_| MailError::Password)
    });
    let (password, envelope) =
        (opened.transpose()?, smtp::Envelope { from: &server.from, to, message: &message });
    let tls = signet.outbound().tls().await.map_err(|error| MailError::Authorities(error.to_string()));
    let tls = if server.is_loopback() { tls.ok() } else { Some(tls?) };
    smtp::send(server, password.as_ref(), tls, &envelope).await
}

/// Sends a message that says that messages arrive, and writes down that it was tried.
pub async fn send_test(signet: &Signet, to: &str, lang: Lang, origin: &Origin) -> Result<(), MailError> {
    check_address(to).map_err(|_| MailError::Address)?;
    let pool = signet.store().stored_pool_settings().await?;
    let host = pool.mail.as_ref().map(|server| server.host.clone()).ok_or(MailError::NoServer)?;
    let sent = send(signet, &pool, to, &letters::test(lang, &pool.name, &host)).await;
    let entry =
        Entry::of_admin(Action::SendMail, origin.clone()).on("mail", Named::only(to)).with("test", true);
    let entry = match &sent {
        Ok(()) => entry,
        Err(error) => entry.failed().with("why", error.to_string()),
    };
    signet.store().write_audit(&Act::new(signet.now(), entry)).await?;
    sent
}

/// Why a link was not sent to a user.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// None was made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// It was made and taken back, or not made, because no message can be sent.
    #[error("the link was not sent: {0}")]
    Mail(#[from] MailError),
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> LinkError {
        LinkError::Mail(error.into())
    }
}

/// A link that was sent. Whoever has it made does not see it.
pub struct SentLink {
    /// Where it went.
    pub to: String,
    /// Whose it is.
    pub account: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Display for SentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SentLink { to, account, .. } = self;
        write!(f, "A link was sent to {to}. It sets the password of {account}, once, within 24 hours.")
    }
}

/// The same for a user by name, e-mail, phone or id, as a command names them.
pub async fn send_link_for(signet: &Signet, named: &str, origin: &Origin) -> Result<SentLink, LinkError> {
    let found = link::find(signet, named).await?.ok_or(EditError::NoUser)?;
    send_link(signet, found, origin).await
}

/// Makes a one-time link for a user and sends it to their address.
pub async fn send_link(signet: &Signet, user: UserId, origin: &Origin) -> Result<SentLink, LinkError> {
    let pool = signet.store().stored_pool_settings().await?;
    if pool.mail.is_none() {
        return Err(MailError::NoServer.into());
    }
    let stored = signet.store().person(user).await?.ok_or(EditError::NoUser)?.user;
    let to = address(&stored)?;
    let made = link::create_sent(signet, user, origin).await?;
    let wish = stored.details.profile.locale.as_deref();
    let letter = letters::link(Lang::choose(&pool.sign_in.languages, wish, None), &pool.name, &made);
    if let Err(error) = send(signet, &pool, &to, &letter).await {
        tracing::warn!(%error, sub = %user, "a link was not sent");
        link::withdraw(signet, user, origin).await?;
        return Err(error.into());
    }
    Ok(SentLink { to, account: made.account, expires_at: made.expires_at })
}

fn address(user: &User) -> Result<String, MailError> {
    let address = user.email.clone().ok_or(MailError::NoAddress)?;
    check_address(&address).map_err(|_| MailError::Address).map(|()| address)
}

/// The link for who has forgotten their password.
async fn send_recovery(
    signet: &Signet,
    pool: &PoolSettings,
    to: &str,
    (lang, made): (Lang, &NewLink),
) -> Result<(), MailError> {
    send(signet, pool, to, &letters::recovery(lang, &pool.name, made)).await
}
