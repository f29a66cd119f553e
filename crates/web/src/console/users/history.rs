//! `/console/users/{user}/history`: what was changed of somebody, to be undone, and what the audit log has about them.

use askama::Template;
use http::StatusCode;
use serde_json::Value;
use signet_store::{About, Revision, audit::Record};

use super::{
    frame::{Frame, Tab, user_id},
    words::UserWords,
};
use crate::{
    console::{
        Answer, Ask, Section, audit as records,
        history::{self, Alert, History},
        missing, moment,
        paging::{self, Pager},
        review::Around,
        shell::Shell,
        words::Words,
    },
    error::Failure,
    manage::{
        audit::{Asked, AuditError},
        plan::Plan,
    },
};

/// Characters of a value that are shown.
const VALUE_CHARS: usize = 300;

#[derive(Template)]
#[template(path = "console/users/history.html")]
struct HistoryPage {
    shell: Shell,
    frame: Frame,
    rows: Vec<Row>,
    /// Whether it is what they did, and not what was done to them.
    theirs: bool,
    pager: Pager,
    history: History,
}

struct Row {
    at: String,
    actor: String,
    action: String,
    at_application: String,
    success: bool,
    times: i64,
    details: Vec<String>,
    ip: String,
}

impl HistoryPage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

/// POST `…/undo`: undoes a change of them.
pub async fn undo(ask: Ask) -> Answer {
    let id = user_id(&ask)?;
    let user = ask.signet.store().person(id).await?.ok_or_else(missing)?.user;
    let back = Tab::History.path(id);
    let allow = |revision: &Revision, _: Option<&Plan>| revision.users.contains(&id);
    match history::undo(&ask, Around::of(user.display_name(), Section::Users, &back), allow).await {
        Ok(answer) => answer,
        Err(alert) => page(&ask, Some(alert)).await,
    }
}

async fn page(ask: &Ask, alert: Option<Alert>) -> Answer {
    let frame = Frame::of(ask, Tab::History).await?;
    let theirs = ask.query.get("of") == Some("theirs");
    let id = Some(frame.user.id.to_string());
    let asked = match theirs {
        true => Asked { actor: id, ..Asked::default() },
        false => Asked { target: id, ..Asked::default() },
    };
    let found = records::leaf(ask, &asked, false).await.map_err(|error| match error {
        AuditError::Store(error) => Failure::from(error),
        AuditError::Asked(_) => Failure::Internal("an id is no filter of the audit log"),
    })?;
    let keep = [("of", if theirs { "theirs" } else { "" })];
    let status = if alert.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = HistoryPage {
        shell: ask.shell(Section::Users),
        pager: Pager::of(ask, &found, (&frame.action, paging::USUAL), &keep, String::clone),
        rows: found.rows.iter().map(|record| row(ask.words(), record)).collect(),
        history: history::of(ask, About::User(frame.user.id), &frame.action, alert).await?,
        frame,
        theirs,
    };
    ask.page(status, &page)
}

fn row(t: &'static UserWords, record: &Record) -> Row {
    let named = |name: &Option<String>, id: &Option<String>| name.clone().or_else(|| id.clone());
    Row {
        at: moment(record.time()),
        actor: named(&record.actor_name, &record.actor_id).unwrap_or_else(|| t.somebody.to_owned()),
        action: record.action.clone(),
        at_application: named(&record.app_name, &record.app_id).unwrap_or_default(),
        success: record.success,
        times: record.times,
        details: record.details().iter().map(|(key, value)| detail(key, value)).collect(),
        ip: record.ip.clone().unwrap_or_default(),
    }
}

/// `email: "a@b.example" → "c@d.example"`.
fn detail(key: &str, value: &Value) -> String {
    let shown = match (value.get("old"), value.get("new")) {
        (Some(old), Some(new)) => format!("{} → {}", short(old), short(new)),
        _ => short(value.get("is").unwrap_or(value)),
    };
    format!("{key}: {shown}")
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "∅".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
