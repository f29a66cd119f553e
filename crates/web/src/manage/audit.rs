//! The audit log, for whoever has to know who did what.

mod walk;

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};
use signet_protocol::{
    id::{AppId, UserId},
    time::Timestamp,
    user::LoginName,
};
use signet_store::{
    StoreError,
    audit::{Act, Action, Entry, Filter, Head, Kind, Origin, Page, Record, Select, Verified},
};

pub use self::walk::{Walked, Walks, walk};
use super::show;
use crate::Signet;

/// What is looked for, as somebody wrote it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// `user` or `admin`.
    pub kind: Option<String>,
    /// What was done: `login`, `update`, …
    pub action: Option<String>,
    /// Who did it: a user by name, e-mail, phone or id, or `command_line`.
    pub actor: Option<String>,
    /// At which application, by its App ID or identifier.
    pub application: Option<String>,
    /// To what: an id, or the name of a user or application.
    pub target: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// By which request.
    pub request_id: Option<String>,
    /// Whether it was done.
    pub success: Option<bool>,
    /// Not before this: `2026-11-30`, or with a time, in UTC.
    pub from: Option<String>,
    /// Before this.
    pub to: Option<String>,
}

/// Why nothing was looked for.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Something is asked that nothing can be.
    #[error("{0}")]
    Asked(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of the records that are asked for, newest first unless `page` says otherwise.
pub async fn list(signet: &Signet, asked: &Asked, page: &Select) -> Result<Page, AuditError> {
    // What was done a moment ago is there.
    signet.store().seal_audit().await?;
    let filter = filter(signet, asked).await?;
    Ok(signet.store().audit(&filter, page).await?)
}

/// Walks over the whole chain: see [`signet_store::Store::verify_audit`]. `expected` is what [`Head::text`] wrote earlier.
pub async fn verify(signet: &Signet, expected: Option<&str>) -> Result<Verified, AuditError> {
    let kept = expected.map(|text| parse_head(text).ok_or_else(|| wrong_head(text))).transpose()?;
    Ok(signet.store().verify_audit(kept).await?)
}

/// Deletes the records that are older than `days`, and writes one that says so. How many went.
pub async fn prune(signet: &Signet, days: i64, origin: &Origin) -> Result<u64, AuditError> {
    if days < 1 {
        return Err(AuditError::Asked("keep at least the records of one day".to_owned()));
    }
    let now = signet.now();
    let entry = Entry::of_admin(Action::Prune, origin.clone()).with("older_than_days", days);
    let before = now.millis().saturating_sub(days.saturating_mul(DAY));
    Ok(signet.store().prune_audit(before, Act::new(now, entry)).await?)
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Deletes what is older than `days`, once the oldest is a day older still, so that it is one act a day. How many went. Of several
/// nodes that look at the same time one deletes, and the others find that it was done.
pub async fn retain(signet: &Signet, days: i64) -> Result<u64, AuditError> {
    let due = signet.now().millis().saturating_sub(days.saturating_add(1).saturating_mul(DAY));
    match signet.store().oldest_audit().await? {
        Some(oldest) if oldest < due => prune(signet, days, &Origin::automatic()).await,
        _ => Ok(0),
    }
}

fn wrong_head(text: &str) -> AuditError {
    AuditError::Asked(format!("{text:?} is not NUMBER:HASH as signet audit verify prints it"))
}

fn parse_head(text: &str) -> Option<(i64, [u8; 32])> {
    let (seq, hash) = text.trim().split_once(':')?;
    let mut bytes = [0; 32];
    let digits = Some(hash).filter(|hash| hash.len() == 64 && hash.is_ascii())?;
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some((seq.parse().ok()?, bytes))
}

async fn filter(signet: &Signet, asked: &Asked) -> Result<Filter, AuditError> {
    let known = |text: &Option<String>, what: &str, all: Vec<&str>| match text {
        Some(text) if !all.contains(&text.as_str()) => {
            Err(AuditError::Asked(format!("there is no {what} {text:?}; there is {}", all.join(", "))))
        }
        _ => Ok(()),
    };
    known(&asked.kind, "kind", Kind::ALL.iter().map(|kind| kind.as_str()).collect())?;
    known(&asked.action, "action", Action::ALL.iter().map(|action| action.as_str()).collect())?;
    let time = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => parse_time(text).map(Some).ok_or_else(|| {
            AuditError::Asked(format!("{text:?} is no time; write 2026-11-30 or 2026-11-30T12:00:00Z"))
        }),
    };
    let application = match &asked.application {
        None => None,
        Some(named) => Some(application(signet, named).await?.unwrap_or_else(|| named.clone())),
    };
    let target = match &asked.target {
        None => None,
        Some(named) => match application_or_user(signet, named).await? {
            Some(id) => Some(id),
            None => Some(named.clone()),
        },
    };
    Ok(Filter {
        kind: asked.kind.as_deref().and_then(Kind::parse),
        action: asked.action.as_deref().and_then(Action::parse),
        actor: match &asked.actor {
            None => None,
            Some(named) => Some(user(signet, named).await?.unwrap_or_else(|| named.clone())),
        },
        application,
        target,
        ip: asked.ip.clone(),
        request_id: asked.request_id.clone(),
        success: asked.success,
        from: time(&asked.from)?,
        to: time(&asked.to)?,
    })
}

async fn application(signet: &Signet, named: &str) -> Result<Option<String>, StoreError> {
    Ok(match AppId::parse(named) {
        Some(_) => None,
        None => show::find(signet, named).await?.map(|found| found.id.to_string()),
    })
}

/// The id of a user; one who is gone is still found by it.
async fn user(signet: &Signet, named: &str) -> Result<Option<String>, StoreError> {
    match (UserId::parse(named), LoginName::parse(named)) {
        (None, Some(name)) => {
            Ok(signet.store().user_by_login(&name).await?.map(|found| found.id.to_string()))
        }
        _ => Ok(None),
    }
}

async fn application_or_user(signet: &Signet, named: &str) -> Result<Option<String>, StoreError> {
    match application(signet, named).await? {
        Some(id) => Ok(Some(id)),
        None => user(signet, named).await,
    }
}

/// `2026-11-30` or `2026-11-30T12:00:00Z`, both in UTC; seconds may be left out.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (date, time) =
        text.trim().trim_end_matches('Z').split_once(['T', ' ']).unwrap_or((text.trim(), "0:0"));
    let numbers =
        |text: &str, by| text.split(by).map(|part| part.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
    let [year, month, day] = <[i64; 3]>::try_from(numbers(date, '-')?).ok()?;
    let time = numbers(time, ':')?;
    let (hour, minute) = (*time.first()?, *time.get(1)?);
    let second = time.get(2).copied().unwrap_or_default();
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    valid.then(|| Timestamp(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second))
}

/// The days from 1970-01-01 to a date. Years are counted from March, so that the leap day is the last of one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let in_year = (153 * month + 2) / 5 + day - 1;
    let in_cycle = (year % 400) * 365 + (year % 400) / 4 - (year % 400) / 100 + in_year;
    (year / 400) * 146_097 + in_cycle - 719_468
}

/// A record as one line of JSON, with its number and hash: `signet audit export`.
pub fn as_json(record: &Record) -> Value {
    let mut line = serde_json::to_value(record).unwrap_or_default();
    if let Some(members) = line.as_object_mut() {
        members.insert("time".to_owned(), record.time().to_text().into());
        members.insert("detail".to_owned(), Value::Object(record.details()));
        members.insert("hash".to_owned(), json!(record.hash_text()));
        members.remove("pool");
    }
    line
}

/// The columns of [`as_csv`].
pub const CSV_HEAD: &str = "seq,time,kind,action,success,times,via,actor_id,actor_name,target_kind,target_id,target_name,app_id,app_name,ip,user_agent,request_id,detail,hash";

/// A record as a line of comma-separated values (RFC 4180).
pub fn as_csv(record: &Record) -> String {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        record.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        record.time().to_text(),
        record.kind.clone(),
        record.action.clone(),
        record.success.to_string(),
        record.times.to_string(),
        record.via.clone(),
        some(&record.actor_id),
        some(&record.actor_name),
        some(&record.target_kind),
        some(&record.target_id),
        some(&record.target_name),
        some(&record.app_id),
        some(&record.app_name),
        some(&record.ip),
        some(&record.user_agent),
        some(&record.request_id),
        record.detail.clone(),
        record.hash_text().unwrap_or_default(),
    ];
    cells.map(|cell| csv(&cell)).join(",")
}

/// A cell. One that a table program would take for a formula is kept from being one.
fn csv(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// Records as an operator reads them, one in a line.
pub struct Lines<'r>(pub &'r [Record]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "No record is like that.");
        }
        self.0.iter().try_for_each(|record| line(f, record))
    }
}

fn line(f: &mut fmt::Formatter<'_>, record: &Record) -> fmt::Result {
    let named = |id: &Option<String>, name: &Option<String>| name.clone().or(id.clone());
    let seq = record.seq.map(|seq| seq.to_string()).unwrap_or_default();
    let actor = named(&record.actor_id, &record.actor_name).unwrap_or_else(|| "somebody".to_owned());
    write!(f, "{seq:>6}  {}  {actor}: {}", record.time().to_text(), record.action)?;
    if let Some(target) = named(&record.target_id, &record.target_name) {
        write!(f, " {} {target}", record.target_kind.as_deref().unwrap_or_default())?;
    }
    if let Some(at) = named(&record.app_id, &record.app_name) {
        write!(f, " at {at}")?;
    }
    if !record.success {
        write!(f, ", in vain")?;
    }
    if record.times > 1 {
        write!(f, ", {} times", record.times)?;
    }
    if let Some(ip) = &record.ip {
        write!(f, ", from {ip}")?;
    }
    let changed: BTreeMap<_, _> = record.details().into_iter().collect();
    for (key, value) in changed {
        let shown = match (value.get("old"), value.get("new")) {
            (Some(old), Some(new)) => format!("{old} → {new}"),
            _ => value.get("is").unwrap_or(&value).to_string(),
        };
        write!(f, "\n          {key}: {shown}")?;
    }
    writeln!(f)
}

/// What a walk over the chain came to, for a person.
pub fn verdict(verified: &Verified) -> Result<String, String> {
    let Head { seq, base_seq, .. } = verified.head;
    match &verified.broken {
        Some(broken) => Err(format!("the audit log is not whole: {broken}")),
        None => {
            let gone =
                if base_seq > 0 { format!(" ({base_seq} older ones were deleted)") } else { String::new() };
            Ok(format!(
                "The audit log is whole: {} records up to number {seq}{gone}.\nKeep this elsewhere and compare with it later: {}",
                verified.records,
                verified.head.text()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_utc() {
        for (text, at) in [
            ("1970-01-01", 0),
            ("2021-02-23T14:44:18Z", 1_614_091_458),
            ("2024-02-29", 1_709_164_800),
            ("2000-03-01T00:00", 951_868_800),
            ("2026-11-30 12:00:00", 1_796_040_000),
        ] {
            let read = parse_time(text).unwrap();
            assert_eq!(read, Timestamp(at), "{text}");
        }
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-30T25:00", "2026-11", "1e3-1-1", "-5-1-1"] {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
        for day in (0..40_000).step_by(13) {
            let at = Timestamp(day * 86_400 + 3661);
            assert_eq!(parse_time(&at.to_text().replace(".000", "")), Some(at));
        }
    }

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_commas() {
        for (cell, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("", ""),
        ] {
            assert_eq!(csv(cell), written);
        }
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head { seq: 412, hash: [0xab; 32], base_seq: 0, base_hash: [0; 32] };
        assert_eq!(parse_head(&head.text()), Some((412, [0xab; 32])));
        for wrong in ["", "412", "412:ab", "x:y", &format!("1:{}", "é".repeat(32))] {
            assert_eq!(parse_head(wrong), None, "{wrong}");
        }
    }
}
