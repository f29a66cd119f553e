//! `/console/settings/general`, `/login`, `/security` and `/mail`: pages of cards about the pool.

use askama::Template;
use http::StatusCode;
use serde_json::{Map, Value};
use signet_protocol::{operator::Permission, params::RawParams, pool::PoolSettings};

use super::{
    cards,
    frame::{SettingsWords, Tab, TabLink, tabs},
};
use crate::{
    console::{
        Answer, Ask, Section,
        fields::{Card, FieldView},
        missing,
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        words::{Words, fill, words},
    },
    mail::{self, MailError},
    manage::edit::{Edit, FieldProblem},
};

words! {
    /// The texts.
    PoolWords {
        save: "Save", "保存";
        unsaved: "Not saved yet", "尚未保存";
        seconds: "seconds", "秒";
        problems: "Nothing was saved. To correct: {}", "未保存，需更正 {} 处。";
        mail: "Mail", "邮件";
        test: "Send a test message", "发送测试邮件";
        test_lead: "Shows whether the settings that are saved work. What the server answers is shown here.", "检验已保存的设置是否可用，并在此显示服务器的答复。";
        test_to: "To", "收件地址";
        test_send: "Send", "发送";
        test_sent: "The server has taken the message for {}. Look into that mailbox, and among the spam.", "服务器已接收发往 {} 的邮件，请查看该邮箱及垃圾邮件。";
        test_failed: "Nothing was sent: {}", "未发送：{}";
        test_address: "That is not an address Signet can send to; it takes one of ASCII characters such as name@example.com.", "无法向该地址发送邮件，请填写 ASCII 字符的邮箱地址，例如 name@example.com。";
        no_server: "There is no mail server yet: “Forgot password?” is not shown.", "尚未配置邮件服务器，“忘记密码？”不会显示。";
    }
}

/// A page: its tab, and its cards with the table that each is about.
struct Page {
    tab: Tab,
    cards: &'static [(&'static str, &'static Card)],
}

static GENERAL: Page = Page { tab: Tab::General, cards: &[("pool", &cards::GENERAL)] };
static LOGIN: Page = Page { tab: Tab::Login, cards: &[("pool", &cards::LOGIN), ("pool", &cards::SESSIONS)] };
static SECURITY: Page = Page {
    tab: Tab::Security,
    cards: &[("password_policy", &cards::PASSWORDS), ("pool.throttle", &cards::THROTTLE)],
};
static MAIL: Page = Page { tab: Tab::Mail, cards: &[("pool.mail", &cards::MAIL)] };

#[derive(Template)]
#[template(path = "console/settings/pool.html")]
struct PoolPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    version: i64,
    cards: Vec<CardView>,
    action: &'static str,
    alert: Option<String>,
    told: Option<String>,
    advice: Option<&'static str>,
    /// Whom a test message would go to; `None`: none can be sent.
    test: Option<String>,
}

struct CardView {
    card: &'static Card,
    views: Vec<FieldView>,
    others: Vec<String>,
    may_write: bool,
    seconds: &'static str,
}

impl PoolPage {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }

    fn own(&self) -> &'static PoolWords {
        PoolWords::of(self.shell.lang)
    }
}

/// GET of name and languages.
pub async fn general(ask: Ask) -> Answer {
    page(&ask, &GENERAL, Shown::default()).await
}

/// POST of its card.
pub async fn save_general(ask: Ask) -> Answer {
    save(&ask, &GENERAL).await
}

/// GET of how people sign in.
pub async fn login(ask: Ask) -> Answer {
    page(&ask, &LOGIN, Shown::default()).await
}

/// POST of one of its cards.
pub async fn save_login(ask: Ask) -> Answer {
    save(&ask, &LOGIN).await
}

/// GET of passwords and throttles.
pub async fn security(ask: Ask) -> Answer {
    page(&ask, &SECURITY, Shown::default()).await
}

/// POST of one of its cards.
pub async fn save_security(ask: Ask) -> Answer {
    save(&ask, &SECURITY).await
}

/// GET of the mail server.
pub async fn mail(ask: Ask) -> Answer {
    page(&ask, &MAIL, Shown::default()).await
}

/// POST of its card.
pub async fn save_mail(ask: Ask) -> Answer {
    save(&ask, &MAIL).await
}

/// POST `/console/settings/mail/test`: a message to whoever is named.
pub async fn test_mail(ask: Ask) -> Answer {
    let t: &'static PoolWords = ask.words();
    let to = ask.form.get("to").unwrap_or_default().trim();
    let shown = match mail::send_test(&ask.signet, to, ask.lang, &ask.origin()).await {
        Ok(()) => Shown { told: Some(fill(t.test_sent, to)), ..Shown::default() },
        Err(MailError::Address) => Shown { alert: Some(t.test_address.to_owned()), ..Shown::default() },
        Err(MailError::Store(error)) => return Err(error.into()),
        Err(error) => Shown { alert: Some(fill(t.test_failed, error.text(ask.lang))), ..Shown::default() },
    };
    page(&ask, &MAIL, shown).await
}

/// What is shown besides what is stored.
#[derive(Default)]
struct Shown<'a> {
    /// The card whose form was sent, and the form.
    typed: Option<(&'static Card, &'a RawParams)>,
    problems: Vec<FieldProblem>,
    alert: Option<String>,
    told: Option<String>,
}

async fn page(ask: &Ask, of: &'static Page, shown: Shown<'_>) -> Answer {
    let pool = ask.signet.store().stored_pool_settings().await?;
    let may_write = ask.may(Permission::SettingsWrite);
    let t: &'static PoolWords = ask.words();
    let view = |(table, card): &(&'static str, &'static Card)| {
        let sent = shown.typed.filter(|(sent, _)| sent.id == card.id).map(|(_, form)| form);
        let problems = if sent.is_some() { shown.problems.as_slice() } else { &[] };
        CardView {
            card,
            views: card.views(ask.lang, &stored(&pool, table), sent, problems, &[]),
            others: card.others(problems, ask.lang),
            may_write,
            seconds: t.seconds,
        }
    };
    let status = if shown.alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let own = ask.operator.user().email.clone().unwrap_or_default();
    let unsent = of.tab == Tab::Login && pool.sign_in.password_recovery && pool.mail.is_none();
    let page = PoolPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, of.tab),
        version: pool.version,
        cards: of.cards.iter().map(view).collect(),
        action: of.tab.path(),
        advice: unsent.then_some(t.no_server),
        test: (of.tab == Tab::Mail && may_write && pool.mail.is_some())
            .then(|| ask.form.get("to").map_or(own, str::to_owned)),
        alert: shown.alert,
        told: shown.told,
    };
    ask.page(status, &page)
}

/// The settings by the keys of a table.
fn stored(pool: &PoolSettings, table: &str) -> Map<String, Value> {
    let value = match table {
        "pool" => serde_json::to_value(&pool.sign_in),
        "pool.throttle" => serde_json::to_value(&pool.throttle),
        "pool.mail" => serde_json::to_value(&pool.mail),
        _ => serde_json::to_value(&pool.password_policy),
    };
    let mut fields = match value {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    match table {
        "pool" => drop(fields.insert("name".to_owned(), pool.name.as_str().into())),
        // The control of a secret shows nothing, whatever it is given.
        "pool.mail" if pool.mail.is_none() => drop(fields.insert("security".to_owned(), "tls".into())),
        _ => {}
    }
    fields
}

async fn save(ask: &Ask, of: &'static Page) -> Answer {
    let sent = of.cards.iter().find(|(_, card)| ask.form.get("card") == Some(card.id));
    let (table, card) = sent.ok_or_else(missing)?;
    let seen = ask.form.get("version").and_then(|text| text.parse().ok());
    let edit = card.read(Edit::section(table, seen), &ask.form);
    let wanted =
        Wanted { edit, of: card.title.of(ask.lang), section: Section::Settings, back: of.tab.path() };
    match proceed(ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => {
            let alert = Some(fill(ask.words::<PoolWords>().problems, problems.len()));
            page(ask, of, Shown { typed: Some((card, &ask.form)), problems, alert, told: None }).await
        }
        Outcome::Failed(alert) => {
            page(ask, of, Shown { alert: Some(alert.to_owned()), ..Shown::default() }).await
        }
    }
}
