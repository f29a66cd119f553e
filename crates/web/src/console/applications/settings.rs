//! The settings of an application, on five pages of cards.

use askama::Template;
use http::StatusCode;
use serde_json::{Map, Value, json};
use signet_protocol::{
    access::{AccessRule, Whom},
    application::Application,
    claims::CLAIMS_BY_SCOPE,
    params::RawParams,
};

use super::{
    branding::{self, Preview},
    callers::rules::{user_id, user_name},
    cards,
    frame::{Frame, Tab},
    words::AppWords,
};
use crate::{
    console::{
        Answer, Ask, Section,
        fields::{Card, FieldView},
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        words::{Words, fill, together},
    },
    error::Failure,
    manage::{
        advice::advice,
        edit::{Edit, FieldProblem},
        presets::{PRESETS, Preset},
    },
};

#[derive(Template)]
#[template(path = "console/applications/settings.html")]
struct SettingsPage {
    shell: Shell,
    frame: Frame,
    cards: Vec<CardView>,
    alert: Option<String>,
    presets: &'static [Preset],
    scopes: Vec<(String, String)>,
    rules: Option<Vec<RuleView>>,
    preview: Option<Preview>,
    action: String,
    form: RawParams,
}

struct CardView {
    card: &'static Card,
    views: Vec<FieldView>,
    others: Vec<String>,
    /// Whether it is shown again as it was filled in.
    again: bool,
    may_write: bool,
    seconds: &'static str,
}

struct RuleView {
    kind: &'static str,
    value: String,
    effect: &'static str,
    on: bool,
}

impl SettingsPage {
    /// What was typed of an exception that was not added.
    fn typed(&self, name: &str) -> &str {
        let again = self.alert.is_some() && self.form.get("rule") == Some("add");
        self.form.get(name).filter(|_| again).unwrap_or_default()
    }

    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }
}

static CONFIGURATION: [&Card; 2] = [&cards::BASIC, &cards::ADDRESSES];
static PROTOCOL: [&Card; 4] =
    [&cards::AUTHORIZATION, &cards::SECURITY, &cards::EXPIRY, &cards::COMPATIBILITY];
static CLAIMS: [&Card; 1] = [&cards::CLAIMS];
static BRANDING: [&Card; 1] = [&branding::CARD];
static ACCESS: [&Card; 1] = [&cards::ACCESS];

/// The cards of a page.
fn cards_of(tab: Tab) -> &'static [&'static Card] {
    match tab {
        Tab::Configuration => &CONFIGURATION,
        Tab::Protocol => &PROTOCOL,
        Tab::Claims => &CLAIMS,
        Tab::Access => &ACCESS,
        Tab::Branding => &BRANDING,
        _ => &[],
    }
}

/// GET of the page with names and addresses.
pub async fn configuration(ask: Ask) -> Answer {
    page(&ask, Tab::Configuration, Shown::default()).await
}

/// POST of one of its cards.
pub async fn save_configuration(ask: Ask) -> Answer {
    save(&ask, Tab::Configuration).await
}

/// GET of the page with modes, methods and lifetimes.
pub async fn protocol(ask: Ask) -> Answer {
    page(&ask, Tab::Protocol, Shown::default()).await
}

/// POST of one of its cards.
pub async fn save_protocol(ask: Ask) -> Answer {
    save(&ask, Tab::Protocol).await
}

/// GET of the page with claims.
pub async fn claims(ask: Ask) -> Answer {
    page(&ask, Tab::Claims, Shown::default()).await
}

/// POST of it.
pub async fn save_claims(ask: Ask) -> Answer {
    save(&ask, Tab::Claims).await
}

/// GET of the page that says who gets in.
pub async fn access(ask: Ask) -> Answer {
    page(&ask, Tab::Access, Shown::default()).await
}

/// POST of its card, or of an exception that comes or goes.
pub async fn save_access(ask: Ask) -> Answer {
    match ask.form.get("rule") {
        Some("add") => match rule_of(&ask).await? {
            Some(rule) => change_rules(&ask, |rules| rules.push(rule)).await,
            None => {
                let alert = ask.words::<AppWords>().no_user.to_owned();
                page(&ask, Tab::Access, Shown { alert: Some(alert), ..Shown::default() }).await
            }
        },
        Some(remove) => {
            let place = remove.strip_prefix("remove.").and_then(|text| text.parse::<usize>().ok());
            change_rules(&ask, |rules| {
                if place.is_some_and(|place| place < rules.len()) {
                    rules.remove(place.unwrap_or_default());
                }
            })
            .await
        }
        None => save(&ask, Tab::Access).await,
    }
}

/// POST of a preset: what a mode needs, to be reviewed.
pub async fn preset(ask: Ask) -> Answer {
    let preset = ask.form.get("preset").and_then(|id| PRESETS.iter().find(|preset| preset.id == id));
    let preset = preset.ok_or_else(crate::console::missing)?;
    let edit =
        preset.settings().into_iter().fold(entry(&ask).await?, |edit, (key, value)| edit.set(key, &value));
    finish(&ask, edit, Tab::Protocol, None).await
}

/// What is shown besides what is stored.
#[derive(Default)]
pub struct Shown<'a> {
    /// The card whose form was sent, and the form.
    typed: Option<(&'static Card, &'a RawParams)>,
    problems: Vec<FieldProblem>,
    alert: Option<String>,
}

/// A page, with what is shown on it besides what is stored.
pub async fn page(ask: &Ask, tab: Tab, shown: Shown<'_>) -> Answer {
    let frame = Frame::of(ask, tab).await?;
    let status = if shown.alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let stored = stored(&frame.application);
    let said = advice(&frame.application);
    let view = |card: &'static Card| {
        let sent = shown.typed.filter(|(sent, _)| sent.id == card.id).map(|(_, form)| form);
        let problems = if sent.is_some() { shown.problems.as_slice() } else { &[] };
        CardView {
            card,
            views: card.views(ask.lang, &stored, sent, problems, &said),
            others: card.others(problems, ask.lang),
            again: sent.is_some(),
            may_write: frame.may_write,
            seconds: ask.words::<AppWords>().seconds,
        }
    };
    let page = SettingsPage {
        shell: ask.shell(Section::Applications),
        cards: cards_of(tab).iter().copied().map(view).collect(),
        alert: shown.alert,
        presets: if tab == Tab::Protocol && frame.may_write { PRESETS } else { &[] },
        scopes: if tab == Tab::Claims { scopes(ask).await? } else { Vec::new() },
        rules: if tab == Tab::Access { Some(rules(ask, &frame.application).await?) } else { None },
        preview: (tab == Tab::Branding).then(|| Preview::of(&frame, ask.lang, &ask.form)),
        action: format!("/console/applications/{}{}", frame.application.id, tab.path()),
        form: ask.form.clone(),
        frame,
    };
    ask.page(status, &page)
}

/// An application by the keys of a description.
fn stored(application: &Application) -> Map<String, Value> {
    let mut fields = match serde_json::to_value(&application.settings) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    fields.insert("name".to_owned(), application.name.clone().into());
    fields.insert("identifier".to_owned(), application.identifier.as_str().into());
    fields.insert("enabled".to_owned(), application.enabled.into());
    fields
}

/// The entry of the application of the path, as whoever sent the form has seen it.
async fn entry(ask: &Ask) -> Result<Edit, Failure> {
    let id = ask.app_id().ok_or_else(crate::console::missing)?;
    let stored = ask.signet.store().application(id).await?.ok_or_else(crate::console::missing)?;
    let seen = ask.form.get("version").and_then(|text| text.parse().ok());
    Ok(Edit::application(id, seen.unwrap_or(stored.version)))
}

/// Saves the card that was sent, of those of a page.
pub async fn save(ask: &Ask, tab: Tab) -> Answer {
    let card = cards_of(tab).iter().copied().find(|card| ask.form.get("card") == Some(card.id));
    let card = card.ok_or_else(crate::console::missing)?;
    let edit = card.read(entry(ask).await?, &ask.form);
    finish(ask, edit, tab, Some(card)).await
}

async fn finish(ask: &Ask, edit: Edit, tab: Tab, card: Option<&'static Card>) -> Answer {
    let t: &'static AppWords = ask.words();
    let id = ask.app_id().ok_or_else(crate::console::missing)?;
    let stored = ask.signet.store().application(id).await?.ok_or_else(crate::console::missing)?;
    let back = format!("/console/applications/{id}{}", tab.path());
    let wanted = Wanted { edit, of: &stored.name, section: Section::Applications, back: &back };
    match proceed(ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => {
            let count = fill(t.problems, problems.len());
            // What no card on the page has is told above.
            let alert = if card.is_some() {
                count
            } else {
                together(problems.iter().map(|problem| &problem.message), ask.lang)
            };
            page(ask, tab, Shown { typed: card.map(|card| (card, &ask.form)), problems, alert: Some(alert) })
                .await
        }
        Outcome::Failed(alert) => {
            let typed = card.map(|card| (card, &ask.form));
            page(ask, tab, Shown { typed, alert: Some(alert.to_owned()), ..Shown::default() }).await
        }
    }
}

/// Scopes that can be asked for, with what they give.
async fn scopes(ask: &Ask) -> Result<Vec<(String, String)>, Failure> {
    let built_in = CLAIMS_BY_SCOPE.iter().map(|(scope, claims)| {
        let names: Vec<&str> = claims.iter().map(|(name, _)| *name).collect();
        (scope.as_str().to_owned(), names.join(", "))
    });
    let pool = ask.signet.store().pool_settings().await?;
    let own = pool.scopes.iter().map(|(name, scope)| (name.to_string(), scope.claims.join(", ")));
    Ok(built_in.chain(own).collect())
}

async fn rules(ask: &Ask, application: &Application) -> Result<Vec<RuleView>, Failure> {
    let t: &'static AppWords = ask.words();
    let mut rules = Vec::new();
    for rule in &application.settings.access_rules {
        let (kind, value) = match &rule.whom {
            Whom::User(id) => (t.user, user_name(&ask.signet, *id).await?),
            Whom::Role(code) => (t.role, code.clone()),
            Whom::Group(code) => (t.group, code.clone()),
        };
        rules.push(RuleView { kind, value, effect: rule.effect.as_str(), on: rule.enabled });
    }
    Ok(rules)
}

fn whom(whom: &Whom) -> (&'static str, String) {
    match whom {
        Whom::User(id) => ("user", id.to_string()),
        Whom::Role(code) => ("role", code.clone()),
        Whom::Group(code) => ("group", code.clone()),
    }
}

/// The exception of the form; `None`: it is about a user that there is not.
async fn rule_of(ask: &Ask) -> Result<Option<Value>, Failure> {
    let form = &ask.form;
    let kind =
        form.get("rule_kind").filter(|kind| ["user", "role", "group"].contains(kind)).unwrap_or("user");
    let value = form.get("rule_value").unwrap_or_default().trim();
    let value = match kind {
        "user" => match user_id(&ask.signet, value).await? {
            Some(id) => id.to_string(),
            None => return Ok(None),
        },
        _ => value.to_owned(),
    };
    Ok(Some(json!({ kind: value, "effect": form.get("rule_effect").unwrap_or("allow") })))
}

/// Changes the list of exceptions, which is written as a whole.
async fn change_rules(ask: &Ask, change: impl FnOnce(&mut Vec<Value>)) -> Answer {
    let id = ask.app_id().ok_or_else(crate::console::missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(crate::console::missing)?;
    let as_value = |rule: &AccessRule| {
        let (kind, value) = whom(&rule.whom);
        json!({ kind: value, "effect": rule.effect.as_str(), "enabled": rule.enabled })
    };
    let mut list: Vec<Value> = application.settings.access_rules.iter().map(as_value).collect();
    change(&mut list);
    let edit = entry(ask).await?.set("access_rules", &Value::Array(list));
    finish(ask, edit, Tab::Access, None).await
}
