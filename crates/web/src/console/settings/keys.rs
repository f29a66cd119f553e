//! `/console/settings/keys`.

use askama::Template;
use http::StatusCode;

use super::frame::{SettingsWords, Tab, TabLink, tabs};
use crate::{
    console::{
        Answer, Ask, Section, moment,
        shell::Shell,
        words::{Words, fill},
    },
    manage::keys::{self, KeysError},
};
use signet_protocol::{
    operator::Permission,
    params::encode_pairs,
    said::{Pair, Said},
};

#[derive(Template)]
#[template(path = "console/settings/keys.html")]
struct KeysPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    rows: Vec<Row>,
    /// The issuer whose keys are asked for.
    wanted: String,
    alert: Option<&'static str>,
    further: bool,
    next: Option<String>,
    told: Option<String>,
    may_write: bool,
}

/// Keys of a page.
const PAGE: usize = 50;
/// Lines that are shown of what was done.
const TOLD: usize = 100;

struct Row {
    issuer: String,
    alg: &'static str,
    state: &'static str,
    kid: String,
    created: String,
    days: i64,
}

impl KeysPage {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }
}

/// GET `/console/settings/keys`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

/// POST `/console/settings/keys`: takes the next step of every issuer's keys, or of one's, or replaces them at once.
pub async fn rotate(ask: Ask) -> Answer {
    let at_once = ask.form.get("act") == Some("now");
    let told = match keys::rotate(&ask.signet, ask.form.get("issuer"), at_once, &ask.origin()).await {
        Ok(rotated) => first_lines(Said::join(&rotated.said(), Pair("\n", "\n")).of(ask.lang), ask.words()),
        Err(KeysError::Store(error)) => return Err(error.into()),
        Err(error) => Said::from(error).of(ask.lang).to_owned(),
    };
    page(&ask, Some(told)).await
}

/// As much of what was done as a page has room for.
fn first_lines(text: &str, t: &SettingsWords) -> String {
    let more = text.lines().count().saturating_sub(TOLD);
    let mut lines: Vec<&str> = text.lines().take(TOLD).collect();
    let rest = fill(t.more_lines, more);
    lines.extend((more > 0).then_some(rest.as_str()));
    lines.join("\n")
}

async fn page(ask: &Ask, told: Option<String>) -> Answer {
    let t: &'static SettingsWords = ask.words();
    let wanted = ask.query.get("issuer").unwrap_or_default().trim();
    let after = ask.query.get("after").and_then(keys::parse_place);
    let (listing, alert) = if wanted.is_empty() {
        (Some(keys::page(&ask.signet, after, PAGE).await?), None)
    } else {
        match keys::of_issuer(&ask.signet, wanted).await {
            Ok(listing) => (Some(listing), None),
            Err(KeysError::Store(error)) => return Err(error.into()),
            Err(_) => (None, Some(t.no_issuer)),
        }
    };
    let row = |line: keys::KeyLine| Row {
        issuer: line.issuer,
        alg: line.key.alg.as_str(),
        state: line.key.state.as_str(),
        kid: line.key.kid.clone(),
        created: moment(line.key.created_at),
        days: line.age.0 / 86_400,
    };
    let rows: Vec<Row> = listing.iter().flat_map(|listing| listing.lines().map(row)).collect();
    let end =
        listing.as_ref().and_then(keys::Listing::end).filter(|_| wanted.is_empty() && rows.len() == PAGE);
    let link = |end| {
        let query = encode_pairs([("after", keys::name_of(end).as_str())].into_iter());
        format!("{}?{query}", Tab::Keys.path())
    };
    let page = KeysPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Keys),
        rows,
        wanted: wanted.chars().take(64).collect(),
        alert,
        further: after.is_some(),
        next: end.map(link),
        told,
        may_write: ask.may(Permission::SettingsWrite),
    };
    ask.page(StatusCode::OK, &page)
}
