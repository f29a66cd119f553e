//! `/console/settings/keys`.

use askama::Template;
use http::StatusCode;

use super::frame::{SettingsWords, Tab, TabLink, tabs};
use crate::{
    console::{Answer, Ask, Section, moment, shell::Shell, words::Words},
    manage::keys::{self, KeysError},
};
use signet_protocol::{
    operator::Permission,
    said::{Pair, Said},
};

#[derive(Template)]
#[template(path = "console/settings/keys.html")]
struct KeysPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    rows: Vec<Row>,
    told: Option<String>,
    may_write: bool,
}

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
        Ok(rotated) => Said::join(&rotated.said(), Pair("\n", "\n")).of(ask.lang).to_owned(),
        Err(KeysError::Store(error)) => return Err(error.into()),
        Err(error) => Said::from(error).of(ask.lang).to_owned(),
    };
    page(&ask, Some(told)).await
}

async fn page(ask: &Ask, told: Option<String>) -> Answer {
    let listing = keys::list(&ask.signet).await?;
    let row = |line: keys::KeyLine| Row {
        issuer: line.issuer,
        alg: line.key.alg.as_str(),
        state: line.key.state.as_str(),
        kid: line.key.kid.clone(),
        created: moment(line.key.created_at),
        days: line.age.0 / 86_400,
    };
    let page = KeysPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Keys),
        rows: listing.lines().map(row).collect(),
        told,
        may_write: ask.may(Permission::SettingsWrite),
    };
    ask.page(StatusCode::OK, &page)
}
