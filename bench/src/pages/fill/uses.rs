//! What use leaves behind: counts, active users, traces of refused requests, revisions.

use signet_protocol::{jose, time::Timestamp};
use signet_store::{TRACE_EXPIRE, args, usage};
use signet_web::trace::{Fix, Trace};

use super::super::crowd::{BUSY, Crowd, LARGE};
use crate::{Failure, seed::Sink};

/// Days of counts.
const DAYS: i64 = 40;
/// Traces of the last days, and revisions, for each application: three.
const EACH: u64 = 3;
/// Lines of a revision that changed much.
const LINES: usize = 150;

/// Writes all of it.
pub fn fill(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    fill_counts(sink, crowd)?;
    fill_active(sink, crowd)?;
    fill_traces(sink, crowd)?;
    fill_revisions(sink, crowd)
}

/// The day the pool was filled.
fn today(crowd: &Crowd) -> i64 {
    usage::day_of(Timestamp(now(crowd) / 1000))
}

/// The moment the pool was filled, in milliseconds: a day after the last grant.
fn now(crowd: &Crowd) -> i64 {
    crowd.people.grant_since(crowd.people.size.grants).millis() + 86_400_000
}

fn fill_counts(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let kinds = ["sign_in", "sign_in_failed", "tokens_authorization_code", "tokens_refresh_token"];
    let (pool, today) = (crowd.people.pool.id, today(crowd));
    let days = (0..DAYS).map(|back| today - (DAYS - 1 - back) * usage::DAY);
    let each = days.flat_map(|day| {
        let of_apps = (0..crowd.sizes.applications).flat_map(move |app| {
            kinds.map(|kind| {
                args![pool, day, Crowd::app(app), kind, i64::try_from(app % 97).unwrap_or_default() + 1]
            })
        });
        let active = i64::try_from(crowd.sizes.users / 40).unwrap_or_default();
        of_apps.chain([args![pool, day, "", usage::ACTIVE_USERS, active]])
    });
    sink.fill("use_count", &["pool_id", "day", "app_id", "kind", "count"], &mut each.into_iter())
}

fn fill_active(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let (pool, today) = (crowd.people.pool.id, today(crowd));
    let mut rows = (0..crowd.sizes.users).map(|number| {
        let back = i64::try_from(number % 61).unwrap_or_default();
        args![pool, crowd.user_id(number), today - back * usage::DAY, [7_u8; 16]]
    });
    sink.fill("active_user", &["pool_id", "user_id", "day", "mark"], &mut rows)
}

/// A key that begins with a moment.
fn key(at: i64, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    let time = at.to_be_bytes();
    let bytes = time.iter().skip(2).chain(&[0, 0]).chain(&number.to_be_bytes()).copied().collect::<Vec<u8>>();
    key.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    key
}

/// How many traces there are.
pub fn traces(crowd: &Crowd) -> u64 {
    EACH * crowd.sizes.applications
}

/// When a trace was written.
fn trace_at(crowd: &Crowd, number: u64) -> i64 {
    let week = 6 * 86_400_000;
    let back = week * i64::try_from(traces(crowd) - number).unwrap_or_default();
    now(crowd) - back / i64::try_from(traces(crowd).max(1)).unwrap_or(1)
}

/// The name of a trace in addresses of pages that come behind it.
pub fn trace_cursor(crowd: &Crowd, number: u64) -> String {
    jose::b64(&key(trace_at(crowd, number), number))
}

/// By which a person names a trace.
pub fn reference(number: u64) -> String {
    format!("{:04}-{:04}", number / 10_000, number % 10_000)
}

fn fill_traces(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let columns = ["trace_id", "pool_id", "reference", "request_id", "app_id", "content", "expires_at"];
    let mut rows = (0..traces(crowd)).map(|number| {
        let app = if number.is_multiple_of(2) { LARGE } else { number % crowd.sizes.applications };
        let at = trace_at(crowd, number);
        let trace = trace(number, app, at);
        let content = serde_json::to_string(&trace).unwrap_or_default();
        let ends = Timestamp(at / 1000).plus(TRACE_EXPIRE);
        args![
            key(at, number),
            crowd.people.pool.id,
            trace.reference,
            trace.request_id,
            Crowd::app(app),
            content,
            ends
        ]
    });
    sink.fill("trace", &columns, &mut rows)
}

fn trace(number: u64, app: u64, at: i64) -> Trace {
    let uri = format!("https://app.example.com/wrong/{number}");
    Trace {
        reference: reference(number),
        request_id: format!("{number:032x}"),
        at: Timestamp(at / 1000),
        method: "GET".to_owned(),
        endpoint: "/oidc/auth".to_owned(),
        issuer: format!("http://{}.localhost/oidc", Crowd::identifier(app)),
        app_id: Some(Crowd::app(app)),
        app_name: Some(Crowd::app_name(app)),
        check: "redirect_uri".to_owned(),
        clause: "OpenID Connect Core §3.1.2.1".to_owned(),
        error: "invalid_request".to_owned(),
        description: "redirect_uri is not one of the client's".to_owned(),
        expected: Some("https://app.example.com/cb".to_owned()),
        received: Some(uri.clone()),
        fix: Some(Fix::AddRedirectUri { uri: uri.clone() }),
        parameters: vec![
            ("client_id".to_owned(), Crowd::app(app).to_string()),
            ("redirect_uri".to_owned(), uri),
            ("response_type".to_owned(), "code".to_owned()),
            ("scope".to_owned(), "openid profile".to_owned()),
        ],
    }
}

/// How many revisions there are: no more than are kept.
pub fn revisions(crowd: &Crowd) -> u64 {
    (EACH * crowd.sizes.applications).min(signet_store::KEPT_REVISIONS.unsigned_abs() - 10)
}

/// The id of a revision.
pub fn revision(crowd: &Crowd, number: u64) -> [u8; 16] {
    let back = i64::try_from(revisions(crowd) - number).unwrap_or_default();
    key(now(crowd) - 60_000 * back, number)
}

fn fill_revisions(sink: &mut dyn Sink, crowd: &Crowd) -> Result<(), Failure> {
    let columns = [
        "pool_id",
        "revision_id",
        "at",
        "author_id",
        "author_name",
        "via",
        "reason",
        "title",
        "lines",
        "undo",
        "redo",
    ];
    let pool = crowd.people.pool.id;
    let app = |number: u64| if number.is_multiple_of(2) { LARGE } else { number % crowd.sizes.applications };
    let mut rows = (0..revisions(crowd)).map(|number| {
        let at = now(crowd) / 1000;
        // One in five changed much, at the limit of what is kept.
        let count = if number.is_multiple_of(5) { LINES } else { 3 };
        let line = |line: usize| format!("  ~ redirect_uris: https://app.example.com/tenant-{line}/cb → https://app.example.com/{line}/cb");
        let lines: Vec<String> = (0..count).map(line).collect();
        let text = format!("[[applications]]\nidentifier = \"{}\"\n", Crowd::identifier(app(number)));
        args![
            pool,
            revision(crowd, number),
            at,
            crowd.user_id(BUSY).to_string(),
            "person-0",
            "console",
            "Because the tenants moved",
            format!("Application {}", Crowd::app_name(app(number))),
            serde_json::to_string(&lines).unwrap_or_default(),
            &text,
            &text,
        ]
    });
    sink.fill("revision", &columns, &mut rows)?;
    let mut rows =
        (0..revisions(crowd)).map(|number| args![pool, Crowd::app(app(number)), revision(crowd, number)]);
    sink.fill("revision_application", &["pool_id", "app_id", "revision_id"], &mut rows)
}
