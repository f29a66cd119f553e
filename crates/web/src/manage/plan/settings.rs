//! What becomes of the pool's name, sign-in, throttles and mail server.

use signet_protocol::{
    mail::{MailSecurity, MailServer, SealedPassword},
    pool::PoolSettings,
    said::Pair,
};
use signet_store::{SecretOf, StoreError};

use super::{Action, Draft, PlanError, fields, pool::changed, words};
use crate::{
    Signet,
    manage::description::{MailEntry, PoolEntry, SecretEntry},
};

/// Lays what `entry` says over `new`.
pub(super) fn plan(
    signet: &Signet,
    entry: &PoolEntry,
    new: &mut PoolSettings,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let stored = new.clone();
    if entry.is_about_sign_in() {
        entry.lay_over(&mut new.sign_in);
        new.name.clone_from(entry.name.as_ref().unwrap_or(&stored.name));
        let lines = fields::of_sign_in(&stored, new);
        draft.step(words::POOL_SETTINGS.words(), changed(Some(lines), Vec::new));
    }
    if let Some(entry) = &entry.throttle {
        entry.lay_over(&mut new.throttle);
        let lines = fields::of_throttle(&stored.throttle, &new.throttle);
        draft.step(words::THROTTLES.words(), changed(Some(lines), Vec::new));
    }
    if let Some(entry) = &entry.mail {
        new.mail = mail(signet, entry, stored.mail.as_ref(), draft)?;
        draft.step(words::MAIL_SERVER.words(), step(stored.mail.as_ref(), new.mail.as_ref()));
    }
    Ok(())
}

fn step(old: Option<&MailServer>, new: Option<&MailServer>) -> Action {
    match (old, new) {
        (None, None) => Action::Absent,
        (None, Some(new)) => Action::Create(fields::of_new_mail(new)),
        (Some(old), Some(new)) => changed(Some(fields::of_mail(old, new)), Vec::new),
        (Some(_), None) => Action::Remove(vec![words::MAIL_GOES.words().into()]),
    }
}

/// The server as the entry leaves it.
fn mail(
    signet: &Signet,
    entry: &MailEntry,
    old: Option<&MailServer>,
    draft: &mut Draft,
) -> Result<Option<MailServer>, PlanError> {
    let lines = &entry.lines;
    let host = match (&entry.host, old) {
        (Some(None), _) => return Ok(None),
        (Some(Some(host)), _) => host.clone(),
        (None, Some(old)) => old.host.clone(),
        (None, None) => {
            draft.refuse(lines.table, Pair("a mail server needs a `host`", "邮件服务器需要 `host`"));
            return Ok(None);
        }
    };
    let mut new = old
        .cloned()
        .unwrap_or_else(|| MailServer::at(String::new(), entry.security.unwrap_or(MailSecurity::Tls)));
    new.host = host;
    entry.lay_over(&mut new);
    if new.from.is_empty() {
        draft.refuse(
            lines.table,
            Pair(
                "a mail server needs `from`, the address messages come from",
                "邮件服务器需要 `from`，即发件地址",
            ),
        );
    }
    if new.security == MailSecurity::None && !new.is_loopback() {
        draft.refuse(
            lines.of("security"),
            Pair(
                "`security` may be \"none\" only for a server on this machine; choose tls or starttls (RFC 8314 §3)",
                "只有本机上的服务器才能将 `security` 设为 \"none\"；请选择 tls 或 starttls（RFC 8314 §3）",
            ),
        );
    }
    new.password = password(signet, entry, (old, &new), draft)?;
    Ok(Some(new))
}

fn password(
    signet: &Signet,
    entry: &MailEntry,
    (old, new): (Option<&MailServer>, &MailServer),
    draft: &mut Draft,
) -> Result<Option<SealedPassword>, PlanError> {
    let line = entry.lines.of("password");
    if new.username.is_none() {
        if matches!(entry.password, Some(Some(_))) {
            draft.refuse(line, Pair("`password` needs a `username`", "填写 `password` 时还需要 `username`"));
        }
        return Ok(None);
    }
    let kept = old.and_then(|old| old.password.clone());
    let given = match &entry.password {
        Some(given) => given.as_ref(),
        // Otherwise who may change the server could read the password at a server of their own (attack 25).
        None if kept.is_some() && old.is_some_and(|old| old.leads_elsewhere(new)) => {
            draft.refuse(
                line,
                Pair(
                    "`password` must be given again when `host`, `port`, `security` or `username` changes",
                    "更改 `host`、`port`、`security` 或 `username` 时，必须重新填写 `password`",
                ),
            );
            return Ok(kept);
        }
        None if kept.is_some() => return Ok(kept),
        None => None,
    };
    match given {
        Some(given) => Ok(sealed(signet, given, &new.place())?.unwrap_or_else(|problem| {
            draft.refuse(line, problem);
            None
        })),
        None => {
            draft.refuse(line, Pair("`username` needs a `password`", "填写 `username` 时还需要 `password`"));
            Ok(None)
        }
    }
}

/// The password sealed for its account. The same is sealed the same, so that what was not changed is not.
fn sealed(
    signet: &Signet,
    given: &SecretEntry,
    place: &str,
) -> Result<Result<Option<SealedPassword>, Pair>, StoreError> {
    let of = SecretOf::Mail(place);
    let opened = match given {
        SecretEntry::Plain(password) => Ok(password.clone()),
        SecretEntry::Sealed(text) => signet.store().open_exported(of, text),
    };
    match opened {
        Ok(password) => Ok(Ok(Some(SealedPassword::new(signet.store().seal_exported(of, &password)?)))),
        Err(StoreError::KeyMismatch) => Ok(Err(Pair(
            "`password` was sealed with another master key; apply it where that key is, or write the password itself",
            "`password` 是用另一个主密钥加密的；请在持有该密钥的安装上应用，或直接填写密码",
        ))),
        Err(StoreError::Corrupt { .. }) => Ok(Err(Pair(
            "`password` was sealed for another host, port, security or user name, or was changed since; write the password itself",
            "`password` 是为另一个主机、端口、加密方式或用户名加密的，或此后被改动；请直接填写密码",
        ))),
        Err(error) => Err(error),
    }
}
