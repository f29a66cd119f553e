//! `/console/settings/claims`: what the pool adds to the built-in scopes, claims and fields.

use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};
use signet_protocol::{operator::Permission, params::RawParams, user_field::FieldType};

use super::frame::{SettingsWords, Tab, TabLink, tabs};
use crate::{
    console::{
        Answer, Ask, Section, missing,
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        words::{Words, together},
    },
    manage::edit::Edit,
};

#[derive(Template)]
#[template(path = "console/settings/claims.html")]
struct ClaimsPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    version: i64,
    fields: Vec<(String, String)>,
    claims: Vec<(String, String)>,
    scopes: Vec<(String, String, String)>,
    types: Vec<&'static str>,
    alert: Option<String>,
    may_write: bool,
    form: RawParams,
}

impl ClaimsPage {
    /// What was typed into the form of a table, if that is shown again.
    fn typed(&self, table: &str, name: &str) -> &str {
        let again = self.alert.is_some() && self.form.get("table") == Some(table) && !self.form.has("remove");
        self.form.get(name).filter(|_| again).unwrap_or_default()
    }

    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }
}

/// GET `/console/settings/claims`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let pool = ask.signet.store().pool_settings().await?;
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let description = |text: &Option<String>| text.clone().unwrap_or_default();
    let page = ClaimsPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Claims),
        version: pool.version,
        fields: pool
            .extended_fields
            .iter()
            .map(|(name, kind)| (name.clone(), kind.as_str().to_owned()))
            .collect(),
        claims: pool.claims.iter().map(|(name, field)| (name.clone(), field.to_string())).collect(),
        scopes: pool
            .scopes
            .iter()
            .map(|(name, scope)| (name.clone(), scope.claims.join(", "), description(&scope.description)))
            .collect(),
        types: FieldType::ALL.iter().map(|kind| kind.as_str()).collect(),
        alert,
        may_write: ask.may(Permission::SettingsWrite),
        form: ask.form.clone(),
    };
    ask.page(status, &page)
}

/// POST `/console/settings/claims`: one entry that comes or goes.
pub async fn save(ask: Ask) -> Answer {
    let (table, keys) = match ask.form.get("table") {
        Some("extended_fields") => ("extended_fields", &["type"] as &[&str]),
        Some("claims") => ("claims", &["field"] as &[&str]),
        Some("scopes") => ("scopes", &["claims", "description", "description_zh"] as &[&str]),
        _ => return Err(missing()),
    };
    let stored = ask.signet.store().pool_settings().await?.version;
    let seen = ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(stored);
    let text = |key: &str| ask.form.get(key).unwrap_or_default().trim();
    // The button of an entry that goes has its name.
    let removed = ask.form.get("remove");
    let mut edit = Edit::pool(table, seen).set("name", &json!(removed.unwrap_or_else(|| text("name"))));
    if removed.is_some() {
        edit = edit.set("remove", &json!(true));
    } else {
        for key in keys {
            let value: Value = match *key {
                "claims" => text(key).split_whitespace().collect::<Vec<_>>().into(),
                _ => json!(text(key)),
            };
            edit = edit.set(key, &value);
        }
    }
    let t: &'static SettingsWords = ask.words();
    let wanted = Wanted { edit, of: t.settings, section: Section::Settings, back: Tab::Claims.path() };
    match proceed(&ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => {
            let told = together(problems.iter().map(|problem| &problem.message), ask.lang);
            page(&ask, Some(format!("{} {told}", t.problems))).await
        }
        Outcome::Failed(alert) => page(&ask, Some(alert.to_owned())).await,
    }
}
