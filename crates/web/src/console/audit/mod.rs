//! `/console/audit`: who did what.

pub mod download;
mod record;
pub mod words;

use askama::Template;
use http::{HeaderValue, StatusCode, header::REFRESH};
use signet_protocol::{
    id::{RowId, TraceId},
    params::encode_pairs,
};
use signet_store::{
    Leaf, Turn,
    audit::{Action, Break, Kind, Page, Record, Select, Verified},
};

use self::{record::Shown, words::AuditWords};
use super::{
    Answer, Ask, Section,
    paging::{self, Pager},
    shell::Shell,
    words::{Words, fill},
};
use crate::manage::audit::{self, Asked, AuditError, Walked};

/// Records on one page.
const PER_PAGE: i64 = 50;
/// About how many bytes of records a page has at most.
const WEIGHT: usize = 110_000;
/// About how many bytes a record is on a page without what it has to say.
const BARE: usize = 1500;

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage {
    shell: Shell,
    kind: Kind,
    tabs: Vec<(String, &'static str, bool)>,
    asked: Asked,
    actions: Vec<(&'static str, &'static str)>,
    records: Vec<Shown>,
    pager: Option<Pager>,
    /// The filter as a query.
    query: String,
    filtered: bool,
    head: String,
    verdict: Option<Verdict>,
    alert: Option<&'static str>,
}

impl AuditPage {
    /// Where the next page is.
    fn older(&self) -> Option<&str> {
        self.pager.as_ref().and_then(|pager| pager.next.as_deref())
    }
}

/// What a walk over the chain came to.
struct Verdict {
    whole: bool,
    /// Whether it is not known yet.
    walking: bool,
    text: Vec<String>,
}

impl Verdict {
    fn broken(text: Vec<String>) -> Verdict {
        Verdict { whole: false, walking: false, text }
    }
}

impl AuditPage {
    fn t(&self) -> &'static AuditWords {
        AuditWords::of(self.shell.lang)
    }

    fn value<'a>(&self, of: &'a Option<String>) -> &'a str {
        of.as_deref().unwrap_or_default()
    }
}

/// GET `/console/audit`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

/// GET `/console/audit/verify`: walks over the chain, which changes nothing.
pub async fn verify(ask: Ask) -> Answer {
    let t: &'static AuditWords = ask.words();
    let kept = ask.query.get("expected").map(str::trim).filter(|text| !text.is_empty());
    let verdict = match audit::walk(&ask.signet, kept).await {
        Ok(Walked::Done(verified)) => verdict(&verified, t),
        Ok(Walked::Walking(records)) => return walking(&ask, fill(t.walking, records)).await,
        Err(AuditError::Asked(_)) => Verdict::broken(vec![t.wrong_head.to_owned()]),
        Err(AuditError::Store(error)) => return Err(error.into()),
    };
    page(&ask, Some(verdict)).await
}

/// A page that looks again by itself until the walk has come to an end.
async fn walking(ask: &Ask, text: String) -> Answer {
    let mut answer = page(ask, Some(Verdict { whole: false, walking: true, text: vec![text] })).await?;
    answer.headers_mut().insert(REFRESH, HeaderValue::from_static("2"));
    Ok(answer)
}

fn verdict(verified: &Verified, t: &'static AuditWords) -> Verdict {
    let Some(broken) = &verified.broken else {
        let gone = verified.head.base_seq;
        let gone = (gone > 0).then(|| fill(t.gone, gone));
        let text = [fill(t.whole, verified.records)].into_iter().chain(gone).collect();
        return Verdict { whole: true, walking: false, text };
    };
    let (text, seq) = match broken {
        Break::Changed(seq) => (t.broken_changed, seq),
        Break::Missing(seq) => (t.broken_missing, seq),
        Break::Inserted(seq) => (t.broken_inserted, seq),
        Break::Base(seq) => (t.broken_base, seq),
        Break::Expected(seq) => (t.broken_expected, seq),
    };
    Verdict::broken(vec![t.broken.to_owned(), fill(text, seq)])
}

/// What is asked for by the query of a page.
fn asked(ask: &Ask) -> Asked {
    let text = |name| ask.query.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let kind = ask.query.get("kind").and_then(Kind::parse).unwrap_or(Kind::User);
    Asked {
        kind: Some(kind.as_str().to_owned()),
        action: text("action").filter(|action| Action::parse(action).is_some()),
        actor: text("actor"),
        application: text("application"),
        target: text("target"),
        ip: text("ip"),
        request_id: text("request_id"),
        success: text("success").and_then(|text| text.parse().ok()),
        from: text("from"),
        to: text("to"),
    }
}

/// The filter as the query of an address, without its beginning.
fn query(asked: &Asked) -> Vec<(&'static str, String)> {
    let text = |name, value: &Option<String>| value.clone().map(|value| (name, value));
    [
        text("kind", &asked.kind),
        text("action", &asked.action),
        text("actor", &asked.actor),
        text("application", &asked.application),
        text("target", &asked.target),
        text("ip", &asked.ip),
        text("request_id", &asked.request_id),
        asked.success.map(|success| ("success", success.to_string())),
        text("from", &asked.from),
        text("to", &asked.to),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn encoded(pairs: &[(&'static str, String)]) -> String {
    encode_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}

/// The actions of one of the two logs.
fn actions(kind: Kind) -> impl Iterator<Item = Action> {
    let of_users = |action: &Action| {
        matches!(
            action,
            Action::Login
                | Action::Logout
                | Action::Consent
                | Action::ConsentWithdrawn
                | Action::ChangePassword
                | Action::ResetPassword
                | Action::UpdateProfile
        )
    };
    Action::ALL.iter().copied().filter(move |action| of_users(action) == (kind == Kind::User))
}

/// As many of a page's records as fit it, in the order in which they were read, and where more are.
fn fitting(found: Page) -> (Vec<Record>, Option<String>) {
    let Page { mut records, mut next } = found;
    let mut weight = 0;
    let fits = |record: &Record| {
        weight += BARE + 2 * record.detail.len();
        weight <= WEIGHT
    };
    let kept = records.iter().map(fits).take_while(|fits| *fits).count().max(1);
    if kept < records.len() {
        records.truncate(kept);
        next = records.last().map(Record::cursor);
    }
    (records, next)
}

/// A page of what is asked for, the newest first, no longer than a page may be. One that is `bounded` looks at so many records
/// only, and may have few, or none, while more follow.
pub async fn leaf(ask: &Ask, asked: &Asked, bounded: bool) -> Result<Leaf<Record, String>, AuditError> {
    let read = async |after: Option<&String>, forward| {
        let select = Select { after: after.cloned(), limit: PER_PAGE, forward, bounded };
        audit::list(&ask.signet, asked, &select).await.map(fitting)
    };
    let ours = |text: &str| TraceId::parse(text).map(|_| text.to_owned());
    let turn = paging::turn(ask, paging::USUAL, ours);
    if let Turn::Before(one) = &turn {
        let (mut rows, end) = read(Some(one), true).await?;
        // Where nothing is in front of it, it is the first page.
        if end.is_some() {
            rows.reverse();
            let next = rows.last().map_or_else(|| one.clone(), Record::cursor);
            return Ok(Leaf { rows, previous: end, next: Some(next) });
        }
    }
    let from = match turn {
        Turn::Behind(one) => Some(one),
        _ => None,
    };
    let (rows, next) = read(from.as_ref(), false).await?;
    let previous = from.map(|from| rows.first().map_or(from, Record::cursor));
    Ok(Leaf { previous, next, rows })
}

async fn page(ask: &Ask, verdict: Option<Verdict>) -> Answer {
    let t: &'static AuditWords = ask.words();
    let asked = asked(ask);
    let kind = asked.kind.as_deref().and_then(Kind::parse).unwrap_or(Kind::User);
    let (found, alert) = match leaf(ask, &asked, true).await {
        Ok(found) => (Some(found), None),
        Err(AuditError::Asked(_)) => (None, Some(t.bad_filter)),
        Err(AuditError::Store(error)) => return Err(error.into()),
    };
    let pairs = query(&asked);
    let keep: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pager = found
        .as_ref()
        .map(|found| Pager::of(ask, found, ("/console/audit", paging::USUAL), &keep, String::clone));
    let records = found.map(|found| found.rows).unwrap_or_default();
    let filter = encoded(&pairs);
    let tab = |one: Kind| {
        let name = if one == Kind::User { t.of_user } else { t.of_admin };
        (format!("/console/audit?kind={}", one.as_str()), name, one == kind)
    };
    let page = AuditPage {
        shell: ask.shell(Section::Audit),
        kind,
        tabs: Kind::ALL.iter().copied().map(tab).collect(),
        actions: actions(kind).map(|one| (one.as_str(), words::action(one).of(ask.lang))).collect(),
        records: records.iter().map(|record| Shown::of(record, ask.lang, t)).collect(),
        pager,
        query: filter,
        filtered: pairs.len() > 1,
        head: ask.signet.store().audit_head().await?.text(),
        verdict,
        alert,
        asked,
    };
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    ask.page(status, &page)
}
