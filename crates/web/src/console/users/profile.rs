//! `/console/users/{user}` and `/access`: who and what somebody is, in cards.

use std::collections::BTreeMap;

use askama::Template;
use http::StatusCode;
use serde_json::{Map, Value};
use signet_protocol::{params::RawParams, user::User, user_field::FieldType};

use super::{
    cards,
    frame::{Frame, Tab, user_id},
    words::UserWords,
};
use crate::{
    console::{
        Answer, Ask, Section,
        fields::{Card, FieldView},
        missing,
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        words::{Pair, Words, fill},
    },
    manage::{
        edit::{Edit, FieldProblem},
        users::import::typed_field,
    },
    pages::Lang,
};

/// The name of the card of extended fields.
const EXTENDED: &str = "extended";
/// What is told of extended fields that cannot be read.
const EXTENDED_BAD: Pair = Pair("must be JSON: an object of fields", "必须是 JSON 对象");
/// What stands before the name of an extended field in a form.
const PREFIX: &str = "x.";

#[derive(Template)]
#[template(path = "console/users/profile.html")]
struct ProfilePage {
    shell: Shell,
    frame: Frame,
    cards: Vec<CardView>,
    extended: Option<Extended>,
    alert: Option<String>,
    facts: bool,
    updated: String,
}

struct CardView {
    card: &'static Card,
    views: Vec<FieldView>,
    others: Vec<String>,
    /// Whether it is shown again as it was filled in.
    again: bool,
}

/// The extended fields: those that are declared, or where none are, all as JSON.
struct Extended {
    rows: Vec<ExtendedRow>,
    json: String,
    declared: bool,
    others: Vec<String>,
    /// Whether it is shown again as it was filled in.
    again: bool,
    /// What is stored, where that is something else.
    stored: Option<String>,
}

struct ExtendedRow {
    name: String,
    kind: FieldType,
    text: String,
    /// What is stored, where a form that is shown again says something else.
    stored: Option<String>,
}

impl ProfilePage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

static PROFILE: [&Card; 2] = [&cards::PROFILE, &cards::ADDRESS];
static ACCESS: [&Card; 1] = [&cards::ACCESS];

fn cards_of(tab: Tab) -> &'static [&'static Card] {
    match tab {
        Tab::Profile => &PROFILE,
        Tab::Access => &ACCESS,
        _ => &[],
    }
}

/// GET of the profile.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, Tab::Profile, Shown::default()).await
}

/// POST of one of its cards.
pub async fn save(ask: Ask) -> Answer {
    submit(&ask, Tab::Profile).await
}

/// GET of roles and groups.
pub async fn access(ask: Ask) -> Answer {
    page(&ask, Tab::Access, Shown::default()).await
}

/// POST of them.
pub async fn save_access(ask: Ask) -> Answer {
    submit(&ask, Tab::Access).await
}

/// What is shown besides what is stored.
#[derive(Default)]
struct Shown<'a> {
    /// The name of the card whose form was sent, and the form.
    typed: Option<(&'a str, &'a RawParams)>,
    problems: Vec<FieldProblem>,
    alert: Option<String>,
}

async fn page(ask: &Ask, tab: Tab, shown: Shown<'_>) -> Answer {
    let frame = Frame::of(ask, tab).await?;
    let status = if shown.alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let stored = cards::stored(&frame.user);
    let view = |card: &'static Card| {
        let sent = shown.typed.filter(|(id, _)| *id == card.id).map(|(_, form)| form);
        let problems = if sent.is_some() { shown.problems.as_slice() } else { &[] };
        CardView {
            card,
            views: card.views(ask.lang, &stored, sent, problems, &[]),
            others: card.others(problems, ask.lang),
            again: sent.is_some(),
        }
    };
    let declared = ask.signet.store().pool_settings().await?.extended_fields.clone();
    let page = ProfilePage {
        shell: ask.shell(Section::Users),
        cards: cards_of(tab).iter().copied().map(view).collect(),
        extended: (tab == Tab::Profile).then(|| extended(&frame.user, &declared, &shown, ask.lang)),
        alert: shown.alert,
        facts: tab == Tab::Profile,
        updated: crate::console::moment(frame.user.updated_at),
        frame,
    };
    ask.page(status, &page)
}

fn extended(user: &User, declared: &BTreeMap<String, FieldType>, shown: &Shown<'_>, lang: Lang) -> Extended {
    let sent = shown.typed.filter(|(id, _)| *id == EXTENDED).map(|(_, form)| form);
    let stored = &user.details.extended_fields;
    let row = |(name, kind): (&String, &FieldType)| {
        let now = stored.get(name).map(as_text).unwrap_or_default();
        let (text, stored) = match sent {
            Some(form) => again(form.get(&format!("{PREFIX}{name}")).unwrap_or_default(), now),
            None => (now, None),
        };
        ExtendedRow { name: name.clone(), kind: *kind, text, stored }
    };
    let all = || match stored.is_empty() {
        true => String::new(),
        false => serde_json::to_string_pretty(stored).unwrap_or_default(),
    };
    let (json, now) = match sent.and_then(|form| form.get("json")) {
        Some(text) => again(text, all()),
        None => (all(), None),
    };
    Extended {
        rows: declared.iter().map(row).collect(),
        json,
        again: sent.is_some(),
        stored: now,
        declared: !declared.is_empty(),
        others: match sent {
            Some(_) => shown.problems.iter().map(|problem| problem.message.of(lang).to_owned()).collect(),
            None => Vec::new(),
        },
    }
}

/// What was typed, and what is stored where that is something else.
fn again(typed: &str, stored: String) -> (String, Option<String>) {
    let same = typed.trim().replace("\r\n", "\n") == stored.trim();
    (typed.to_owned(), (!same).then_some(stored))
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// What the form says of the extended fields; the error is a problem with it.
fn read_extended(form: &RawParams, declared: &BTreeMap<String, FieldType>) -> Option<Map<String, Value>> {
    if declared.is_empty() {
        let text = form.get("json").unwrap_or_default().trim();
        return if text.is_empty() { Some(Map::new()) } else { serde_json::from_str(text).ok() };
    }
    let said = declared.iter().filter_map(|(name, kind)| {
        let text = form.get(&format!("{PREFIX}{name}")).unwrap_or_default();
        (!text.trim().is_empty()).then(|| (name.clone(), typed_field(*kind, text)))
    });
    Some(said.collect())
}

async fn submit(ask: &Ask, tab: Tab) -> Answer {
    let id = user_id(ask)?;
    let user = ask.signet.store().person(id).await?.ok_or_else(missing)?.user;
    let seen = ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(user.version);
    let name = ask.form.get("card").unwrap_or_default();
    let edit = Edit::user(id, seen);
    if tab == Tab::Profile && name == EXTENDED {
        let declared = ask.signet.store().pool_settings().await?.extended_fields.clone();
        let Some(fields) = read_extended(&ask.form, &declared) else {
            let message = EXTENDED_BAD.into();
            return refused(ask, tab, EXTENDED, vec![FieldProblem { key: None, message }]).await;
        };
        return finish(ask, edit.set("extended_fields", &Value::Object(fields)), (tab, EXTENDED), &user)
            .await;
    }
    let card = cards_of(tab).iter().copied().find(|card| card.id == name).ok_or_else(missing)?;
    finish(ask, cards::read(card, edit, &ask.form, &user), (tab, card.id), &user).await
}

async fn finish(ask: &Ask, edit: Edit, (tab, card): (Tab, &str), user: &User) -> Answer {
    let back = tab.path(user.id);
    let wanted = Wanted { edit, of: user.display_name(), section: Section::Users, back: &back };
    match proceed(ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => refused(ask, tab, card, problems).await,
        Outcome::Failed(alert) => {
            let typed = Some((card, &ask.form));
            page(ask, tab, Shown { typed, alert: Some(alert.to_owned()), ..Shown::default() }).await
        }
    }
}

async fn refused(ask: &Ask, tab: Tab, card: &str, problems: Vec<FieldProblem>) -> Answer {
    let alert = Some(fill(ask.words::<UserWords>().problems, problems.len()));
    page(ask, tab, Shown { typed: Some((card, &ask.form)), problems, alert }).await
}
