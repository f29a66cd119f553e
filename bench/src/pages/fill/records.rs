//! A year of the audit log, chained as the server chains it (`docs/audit.md`).

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use serde_json::json;
use signet_protocol::jose;
use signet_store::{args, sql::Value};

use super::super::crowd::{BUSY, Crowd, LARGE};
use crate::{Failure, seed::Sink};

/// The columns of a record but its hash, in the order in which they are hashed.
#[derive(Serialize)]
struct Record {
    seq: u64,
    id: String,
    pool: String,
    at: i64,
    kind: &'static str,
    action: &'static str,
    success: bool,
    times: i64,
    via: &'static str,
    actor_id: Option<String>,
    actor_name: Option<String>,
    target_kind: Option<&'static str>,
    target_id: Option<String>,
    target_name: Option<String>,
    app_id: Option<String>,
    app_name: Option<String>,
    ip: Option<String>,
    user_agent: Option<&'static str>,
    request_id: Option<String>,
    detail: String,
    #[serde(skip)]
    key: [u8; 16],
}

const COLUMNS: [&str; 21] = [
    "audit_id",
    "pool_id",
    "at",
    "kind",
    "action",
    "success",
    "times",
    "via",
    "actor_id",
    "actor_name",
    "target_kind",
    "target_id",
    "target_name",
    "app_id",
    "app_name",
    "ip",
    "user_agent",
    "request_id",
    "detail",
    "seq",
    "hash",
];
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// When a record was written.
pub fn at(crowd: &Crowd, number: u64) -> i64 {
    let year = Duration::from_secs(365 * 86_400);
    let back =
        year.as_millis() * u128::from(crowd.sizes.records - number) / u128::from(crowd.sizes.records.max(1));
    let last = crowd.people.grant_since(crowd.people.size.grants).millis();
    last - i64::try_from(back).unwrap_or_default()
}

/// The key of a record: milliseconds, then its number.
pub fn key(crowd: &Crowd, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    let time = at(crowd, number).to_be_bytes();
    key.iter_mut()
        .zip(time.iter().skip(2).chain(&[0, 0]).chain(&number.to_be_bytes()))
        .for_each(|(to, from)| *to = *from);
    key
}

/// What nine in ten do is sign in; operators do a hundredth of all.
fn record(crowd: &Crowd, number: u64) -> Record {
    let user = if number.is_multiple_of(1000) { BUSY } else { (number * 7919) % crowd.sizes.users };
    let app = if number.is_multiple_of(2) { LARGE } else { (number / 2) % crowd.sizes.applications };
    let (app_id, app_name) = (Crowd::app(app).to_string(), Crowd::app_name(app));
    let key = key(crowd, number);
    let mut record = Record {
        // Those of `signet apply`, which made the pool, come first.
        seq: number + 1,
        id: jose::b64(&key),
        pool: crowd.people.pool.id.to_string(),
        at: at(crowd, number),
        kind: "user",
        action: if number % 10 == 9 { "logout" } else { "login" },
        success: true,
        times: 1,
        via: "page",
        actor_id: Some(crowd.user_id(user).to_string()),
        actor_name: Some(format!("person-{user}")),
        target_kind: None,
        target_id: None,
        target_name: None,
        app_id: Some(app_id.clone()),
        app_name: Some(app_name.clone()),
        ip: Some(format!("203.0.{}.{}", number % 199, number % 251)),
        user_agent: Some(BROWSER),
        request_id: Some(format!("{number:032x}")),
        detail: "{}".to_owned(),
        key,
    };
    match number % 100 {
        50 => {
            record.kind = "admin";
            record.via = "console";
            record.actor_id = Some(crowd.user_id(BUSY).to_string());
            record.actor_name = Some("person-0".to_owned());
            (record.action, record.target_kind) = ("update", Some("application"));
            (record.target_id, record.target_name) = (Some(app_id), Some(app_name));
            let links: Vec<String> =
                (0..number / 100 % 40).map(|link| format!("https://app.example.com/{link}")).collect();
            record.detail =
                json!({ "redirect_uris": { "old": links, "new": ["https://app.example.com/cb"] } })
                    .to_string();
        }
        1..=5 => {
            record.success = false;
            record.detail = json!({ "reason": "wrong_password" }).to_string();
        }
        _ => {}
    }
    if number == crowd.sizes.records / 3 {
        (record.kind, record.action, record.via) = ("admin", "prune", "command_line");
    }
    record
}

/// Writes them, and where the chain ends.
pub fn fill(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let mut hash = [0; 32];
    let mut rows = (0..crowd.sizes.records).map(|number| {
        let record = record(crowd, number);
        hash = link(&hash, &record);
        row(record, hash)
    });
    sink.fill("audit", &COLUMNS, &mut rows)?;
    let end = args![crowd.people.pool.id, i64::try_from(crowd.sizes.records)?, hash, 0_i64, [0_u8; 32],];
    sink.fill("audit_head", &["pool_id", "seq", "hash", "base_seq", "base_hash"], &mut std::iter::once(end))
}

fn link(before: &[u8; 32], record: &Record) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    digest.update(before);
    digest.update(&serde_json::to_vec(record).unwrap_or_default());
    let mut hash = [0; 32];
    hash.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

fn row(record: Record, hash: [u8; 32]) -> Vec<Value> {
    args![
        record.key,
        record.pool,
        record.at,
        record.kind,
        record.action,
        record.success,
        record.times,
        record.via,
        record.actor_id,
        record.actor_name,
        record.target_kind,
        record.target_id,
        record.target_name,
        record.app_id,
        record.app_name,
        record.ip,
        record.user_agent,
        record.request_id,
        record.detail,
        i64::try_from(record.seq).unwrap_or_default(),
        hash,
    ]
}
