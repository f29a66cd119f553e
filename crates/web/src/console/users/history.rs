//! `/console/users/{user}/history`: what the audit log has about somebody.

use askama::Template;
use http::StatusCode;
use serde_json::Value;
use signet_store::audit::{Record, Select};

use super::{
    frame::{Frame, Tab},
    words::UserWords,
};
use crate::{
    console::{Answer, Ask, Section, moment, shell::Shell, words::Words},
    error::Failure,
    manage::audit::{self, Asked, AuditError},
};

/// Records on one page.
const PER_PAGE: i64 = 50;
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
    further: bool,
    next: Option<String>,
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
    let frame = Frame::of(&ask, Tab::History).await?;
    let theirs = ask.query.get("of") == Some("theirs");
    let id = Some(frame.user.id.to_string());
    let asked = match theirs {
        true => Asked { actor: id, ..Asked::default() },
        false => Asked { target: id, ..Asked::default() },
    };
    let after = ask.query.get("after").map(str::to_owned);
    let further = after.is_some();
    let select = Select { after, limit: PER_PAGE, forward: false, bounded: false };
    let found = audit::list(&ask.signet, &asked, &select).await.map_err(|error| match error {
        AuditError::Store(error) => Failure::from(error),
        AuditError::Asked(_) => Failure::Internal("an id is no filter of the audit log"),
    })?;
    let of = if theirs { "of=theirs&" } else { "" };
    let page = HistoryPage {
        shell: ask.shell(Section::Users),
        rows: found.records.iter().map(|record| row(ask.words(), record)).collect(),
        next: found.next.map(|next| format!("{}?{of}after={next}", frame.action)),
        frame,
        theirs,
        further,
    };
    ask.page(StatusCode::OK, &page)
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
