//! What messages say, in each language.

use super::message::Letter;
use crate::{manage::users::link::NewLink, pages::Lang};

/// That messages arrive.
pub fn test(lang: Lang, pool: &str, host: &str) -> Letter {
    let (subject, text) = match lang {
        Lang::En => (
            format!("Test message of {pool}"),
            format!("This message shows that Signet can send mail for {pool} by {host}."),
        ),
        Lang::Zh => (
            format!("{pool} 的测试邮件"),
            format!("收到此邮件说明 Signet 可以通过 {host} 为 {pool} 发送邮件。"),
        ),
    };
    Letter { lang, subject, paragraphs: vec![text], link: None, closing: Vec::new() }
}

/// A link that an operator has made.
pub fn link(lang: Lang, pool: &str, made: &NewLink) -> Letter {
    let account = &made.account;
    let (subject, text) = match lang {
        Lang::En => (
            format!("Set your password for {pool}"),
            format!(
                "An administrator of {pool} has made a link by which you choose the password of your account {account}."
            ),
        ),
        Lang::Zh => (
            format!("设置您在 {pool} 的密码"),
            format!("{pool} 的管理员为您的账号 {account} 生成了设置密码的链接。"),
        ),
    };
    with_link(lang, subject, text, made)
}

/// A link for who has forgotten their password.
pub fn recovery(lang: Lang, pool: &str, made: &NewLink) -> Letter {
    let account = &made.account;
    let (subject, text) = match lang {
        Lang::En => (
            format!("Choose a new password for {pool}"),
            format!(
                "Somebody asked at the login page of {pool} for a link to choose a new password for your account {account}."
            ),
        ),
        Lang::Zh => (
            format!("重设您在 {pool} 的密码"),
            format!("有人在 {pool} 的登录页请求为您的账号 {account} 重设密码。"),
        ),
    };
    with_link(lang, subject, text, made)
}

fn with_link(lang: Lang, subject: String, text: String, made: &NewLink) -> Letter {
    let (name, closing) = match lang {
        Lang::En => (
            "Choose a password",
            [
                "The link can be used once, within 24 hours. Give it to nobody: whoever has it can set the password.",
                "If this was not for you, or you did not ask for it, ignore this message. Nothing has changed.",
            ],
        ),
        Lang::Zh => (
            "设置密码",
            [
                "链接只能使用一次，24 小时内有效。请勿转发：任何持有者都可以设置密码。",
                "如果这不是您的操作或与您无关，请忽略此邮件，您的账号没有任何变化。",
            ],
        ),
    };
    Letter {
        lang,
        subject,
        paragraphs: vec![text],
        link: Some((made.url.clone(), name)),
        closing: closing.map(str::to_owned).to_vec(),
    }
}
