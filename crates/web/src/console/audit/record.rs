//! A record as a page shows it.

use serde_json::Value;
use signet_protocol::params::encode_pairs;
use signet_store::audit::{Action, Record};

use super::words::{self, AuditWords};
use crate::{console::words::fill, manage::plan::words as words_of_plans, pages::Lang};

/// Characters of a value that are shown.
const SHOWN: usize = 2000;

/// A record.
pub struct Shown {
    /// When, to the second.
    pub time: String,
    /// Who.
    pub actor: String,
    /// Did what, before and behind what it was done to.
    pub action: (String, String),
    /// To what, if not to the actor.
    pub target: Option<String>,
    /// At which application.
    pub application: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// Whether it was done.
    pub success: bool,
    /// How often, if more than once.
    pub times: Option<String>,
    /// Everything else: a name, a value, and where the list of all like it is.
    pub facts: Vec<(&'static str, String, Option<String>)>,
    /// Fields that changed, with old and new values.
    pub changes: Vec<(String, String, String)>,
    /// What else it has to say.
    pub says: Vec<(String, String)>,
}

impl Shown {
    /// Of a record.
    pub fn of(record: &Record, lang: Lang, t: &'static AuditWords) -> Shown {
        let actor = record.actor_name.clone().or_else(|| record.actor_id.clone());
        let action = Action::parse(&record.action).map_or(&*record.action, |one| words::action(one).of(lang));
        let (before, behind) = action.split_once('…').unwrap_or((action, ""));
        let (changes, says) = details(record, lang, t);
        Shown {
            time: time(record),
            actor: actor.unwrap_or_else(|| t.somebody.to_owned()),
            action: (before.trim().to_owned(), behind.trim().to_owned()),
            target: target(record, lang),
            application: record.app_name.clone().or_else(|| record.app_id.clone()),
            ip: record.ip.clone(),
            success: record.success,
            times: (record.times > 1).then(|| fill(t.times, record.times)),
            facts: facts(record, lang, t),
            changes,
            says,
        }
    }
}

/// `2026-11-30 21:04:09`.
fn time(record: &Record) -> String {
    let text = record.time().to_text().replacen('T', " ", 1);
    text.get(..19).unwrap_or(&text).to_owned()
}

fn target(record: &Record, lang: Lang) -> Option<String> {
    let name = record.target_name.clone().or_else(|| record.target_id.clone());
    let stored = record.target_kind.as_deref()?;
    let kind = words::kind(stored).map_or(stored, |pair| pair.of(lang));
    Some(name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}")))
}

fn facts(record: &Record, lang: Lang, t: &'static AuditWords) -> Vec<(&'static str, String, Option<String>)> {
    let all = |key: &str, value: &str| {
        format!("/console/audit?{}", encode_pairs([("kind", record.kind.as_str()), (key, value)].into_iter()))
    };
    let linked = |name, key: &str, value: &Option<String>| {
        value.as_ref().map(|value| (name, value.clone(), Some(all(key, value))))
    };
    let door = words::door(&record.via).map_or(record.via.clone(), |pair| pair.of(lang).to_owned());
    let plain = |name, value: Option<String>| value.map(|value| (name, value, None));
    [
        plain(t.number, record.seq.map(|seq| seq.to_string())),
        linked(t.actor, "actor", &record.actor_id),
        linked(t.target, "target", &record.target_id),
        linked(t.application, "application", &record.app_id),
        linked(t.ip, "ip", &record.ip),
        plain(t.door, Some(door)),
        linked(t.request, "request_id", &record.request_id),
        plain(t.agent, record.user_agent.clone()),
        plain(t.hash, record.hash_text()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type Details = (Vec<(String, String, String)>, Vec<(String, String)>);

/// The fields that changed, and what else the record has to say.
fn details(record: &Record, lang: Lang, t: &'static AuditWords) -> Details {
    let (mut changes, mut says) = (Vec::new(), Vec::new());
    for (key, value) in record.details() {
        match (value.get("old"), value.get("new")) {
            (Some(old), Some(new)) => changes.push((key, shown(old, t), shown(new, t))),
            _ => {
                let text = shown(value.get("is").unwrap_or(&value), t);
                let told: Vec<String> = text.lines().map(|line| words_of_plans::told(line, lang)).collect();
                says.push((key, told.join("\n")));
            }
        }
    }
    (changes, says)
}

fn shown(value: &Value, t: &'static AuditWords) -> String {
    let text = match value {
        Value::Null => t.empty.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.iter().all(Value::is_string) => {
            all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        value => value.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
