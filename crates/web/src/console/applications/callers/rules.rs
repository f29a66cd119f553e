//! Rules: the list, and one that is added, changed or removed after a review.

use std::collections::BTreeMap;

use askama::Template;
use http::StatusCode;
use serde_json::{Map, Value, json};
use signet_protocol::{
    id::{AccountId, AppId, UserId},
    jose,
    params::RawParams,
    resource::{Actions, Namespace, Part, Rule, Subject},
    user::LoginName,
};
use signet_store::{RulePlace, StoreError};

use super::{CallerWords, application, home, part, told};
use crate::{
    Signet,
    console::{
        Answer, Ask, Section,
        applications::frame::{Frame, Tab},
        missing,
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        words::Words,
    },
    error::Failure,
    manage::edit::Edit,
};

/// A rule as it is shown.
pub struct RuleRow {
    /// By which a form names it.
    pub key: String,
    pub kind: &'static str,
    pub subject: String,
    pub denies: bool,
    /// `book:*:read`, of the pool or not.
    pub what: Vec<String>,
    pub of_pool: bool,
    pub restrictions: Vec<String>,
}

#[derive(Template)]
#[template(path = "console/callers/rule.html")]
struct RulePage {
    shell: Shell,
    frame: Frame,
    home: String,
    alert: Option<String>,
    /// The rule that is changed.
    key: Option<String>,
    typed: BTreeMap<&'static str, String>,
    resources: Vec<(String, String)>,
    /// Whether there are others, which are typed.
    many: bool,
    accounts: Vec<super::AccountRow>,
}

/// Resources, and accounts, that a form offers; others can be typed.
const LISTED: usize = 100;

/// The fields of the form.
const FIELDS: [&str; 10] = [
    "subject_kind",
    "subject",
    "effect",
    "resource",
    "identifier",
    "actions",
    "ip",
    "time",
    "mfa",
    "attributes",
];

impl RulePage {
    fn t(&self) -> &'static CallerWords {
        CallerWords::of(self.shell.lang)
    }

    fn value(&self, field: &str) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }

    fn is(&self, field: &str, value: &str) -> bool {
        self.value(field) == value
    }

    fn has_restrictions(&self) -> bool {
        ["ip", "time", "mfa", "attributes"].iter().any(|field| !self.value(field).is_empty())
    }

    fn title(&self) -> &'static str {
        if self.key.is_some() { self.t().edit_rule } else { self.t().add_rule }
    }
}

/// The next `limit` rules of an application behind a place, those about one subject together, and where the page behind them begins.
pub async fn page_of(
    signet: &Signet,
    id: AppId,
    after: Option<RulePlace>,
    limit: usize,
) -> Result<(Vec<Rule>, Option<RulePlace>), StoreError> {
    let mut rules = signet.store().rule_page(id, after, limit + 1).await?;
    let more = rules.len() > limit;
    rules.truncate(limit);
    let end = rules.last().filter(|_| more).map(RulePlace::of).transpose()?;
    sort(&mut rules);
    Ok((rules, end))
}

/// Those about one subject together.
fn sort(rules: &mut [Rule]) {
    rules.sort_by(|a, b| {
        (&a.subject, &a.resource, &a.identifier).cmp(&(&b.subject, &b.resource, &b.identifier))
    });
}

/// The name of a place in addresses.
pub fn name_of(place: RulePlace) -> String {
    let account = place.account.map(|account| account.bytes());
    jose::b64(&[place.key.as_slice(), account.as_ref().map_or(&[], |bytes| bytes.as_slice())].concat())
}

/// A place by its name in addresses.
pub fn parse_place(text: &str) -> Option<RulePlace> {
    let bytes = jose::unb64(text)?;
    let (key, account) = bytes.split_first_chunk::<32>()?;
    let account = match account {
        [] => None,
        bytes => Some(AccountId::from_bytes(bytes.try_into().ok()?)),
    };
    Some(RulePlace { account, key: *key })
}

/// What a form names a rule by: it stays the same however many others come and go.
fn key(rule: &Rule) -> Result<String, StoreError> {
    Ok(jose::b64(&RulePlace::of(rule)?.key))
}

/// The rule of an application that a form names.
async fn named(signet: &Signet, id: AppId, name: &str) -> Result<Option<Rule>, StoreError> {
    match jose::unb64(name).and_then(|bytes| bytes.try_into().ok()) {
        Some(key) => signet.store().stored_rule(id, key).await,
        None => Ok(None),
    }
}

fn value(rule: &Rule) -> Value {
    serde_json::to_value(rule).unwrap_or_default()
}

/// A rule as a list shows it.
pub async fn row(ask: &Ask, rule: &Rule) -> Result<RuleRow, Failure> {
    let t: &'static CallerWords = ask.words();
    let (kind, subject) = match &rule.subject {
        Subject::Account(id) => (t.account, id.to_string()),
        Subject::User(id) => (t.user, user_name(&ask.signet, *id).await?),
        Subject::Role(code) => (t.role, code.clone()),
        Subject::Group(code) => (t.group, code.clone()),
    };
    let (resource, of_pool) = match &rule.resource {
        Part::Any => ("*", false),
        Part::One(name) => (name.code.as_str(), name.namespace == Namespace::Pool),
    };
    let item = |action: &str| format!("{resource}:{}:{action}", part(&rule.identifier));
    let what = match &rule.actions {
        Actions::All => vec![item("*")],
        Actions::Listed(list) => list.iter().map(|action| item(action.as_str())).collect(),
    };
    let restrictions = restrictions(&value(rule));
    let denies = rule.effect.as_str() == "deny";
    Ok(RuleRow { key: key(rule)?, kind, subject, denies, what, of_pool, restrictions })
}

/// What a user is called, or their id.
pub async fn user_name(signet: &Signet, id: UserId) -> Result<String, StoreError> {
    let user = signet.store().user(id).await?;
    Ok(user.map_or_else(|| id.to_string(), |user| user.account_name().to_owned()))
}

fn restrictions(rule: &Value) -> Vec<String> {
    let own = rule.get("restrictions").and_then(Value::as_object);
    own.into_iter().flatten().map(|(name, value)| format!("{name}: {}", shown(name, value))).collect()
}

/// A restriction as its field has it.
fn shown(name: &str, value: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let member = |value: &Value, key: &str| value.get(key).map(&word).unwrap_or_default();
    let list = |one: &dyn Fn(&Value) -> String| {
        value.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join("\n")
    };
    match name {
        "ip" => list(&word),
        "time" => ["from", "to", "offset"].map(|key| member(value, key)).join(" "),
        "attributes" => list(&|one| format!("{} = {}", member(one, "field"), equals(one.get("equals")))),
        _ => word(value),
    }
}

/// A text that could be read as something else is quoted.
fn equals(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) if scalar(text) == text.as_str() => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn scalar(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_) | Value::String(_))) => value,
        _ => text.into(),
    }
}

/// GET `/console/applications/{app}/callers/rule?rule=…`; without: a new one.
pub async fn show(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let Some(wanted) = ask.query.get("rule") else {
        let about = ask.query.get("account").unwrap_or_default().to_owned();
        let typed = BTreeMap::from([("subject", about), ("identifier", "*".to_owned())]);
        return page(&ask, None, typed, None).await;
    };
    let rule = named(&ask.signet, id, wanted).await?.ok_or_else(missing)?;
    page(&ask, Some(wanted.to_owned()), fields(&rule), None).await
}

/// What the form has of a rule.
fn fields(rule: &Rule) -> BTreeMap<&'static str, String> {
    let (kind, subject) = match &rule.subject {
        Subject::Account(id) => ("account", id.to_string()),
        Subject::User(id) => ("user", id.to_string()),
        Subject::Role(code) => ("role", code.clone()),
        Subject::Group(code) => ("group", code.clone()),
    };
    let resource = match &rule.resource {
        Part::Any => "*".to_owned(),
        Part::One(name) => format!("{}/{}", name.namespace.as_str(), name.code.as_str()),
    };
    let actions = match &rule.actions {
        Actions::All => String::new(),
        Actions::Listed(list) => list.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(" "),
    };
    let mut fields = BTreeMap::from([
        ("subject_kind", kind.to_owned()),
        ("subject", subject),
        ("effect", rule.effect.as_str().to_owned()),
        ("resource", resource),
        ("identifier", part(&rule.identifier)),
        ("actions", actions),
    ]);
    let value = value(rule);
    let of = |name: &str| value.get("restrictions").and_then(|own| own.get(name)).map(|own| shown(name, own));
    fields.extend(["ip", "time", "mfa", "attributes"].into_iter().filter_map(|name| Some((name, of(name)?))));
    fields
}

async fn page(
    ask: &Ask,
    key: Option<String>,
    typed: BTreeMap<&'static str, String>,
    alert: Option<String>,
) -> Answer {
    let frame = Frame::of(ask, Tab::Callers).await?;
    let (store, id) = (ask.signet.store(), frame.application.id);
    let t: &'static CallerWords = ask.words();
    let mut resources = vec![("*".to_owned(), t.resource_all.to_owned())];
    for (namespace, of) in [(Namespace::Application, Some(id)), (Namespace::Pool, None)] {
        let some = store.resource_page(of, None, LISTED + 1).await?;
        resources.extend(some.iter().map(|resource| {
            let code = resource.code.as_str();
            let whose = if of.is_none() { format!(" ({})", t.of_pool) } else { String::new() };
            (format!("{}/{code}", namespace.as_str()), format!("{code}{whose}"))
        }));
    }
    let many = resources.len() > LISTED;
    resources.truncate(LISTED);
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = RulePage {
        shell: ask.shell(Section::Applications),
        home: home(&frame),
        accounts: super::accounts::rows(ask, &frame.application, None, LISTED).await?,
        frame,
        alert,
        key,
        typed,
        resources,
        many,
    };
    ask.page(status, &page)
}

/// POST of the same: a rule comes, takes the place of another, or goes. The list is written as a whole.
pub async fn save(ask: Ask) -> Answer {
    let application = application(&ask).await?;
    let mut stored = ask.signet.store().stored_rules(application.id).await?;
    sort(&mut stored);
    let name = ask.form.get("rule").filter(|name| !name.is_empty());
    let replaced = match name {
        Some(name) => match named(&ask.signet, application.id, name).await? {
            None if ask.form.has("remove") => return Err(missing()),
            // It was changed or removed meanwhile: what was typed is shown as a new one.
            None => return again(&ask, None, ask.words::<CallerWords>().rule_gone.to_owned()).await,
            found => found,
        },
        None => None,
    };
    let mut list: Vec<Value> =
        stored.iter().filter(|rule| replaced.as_ref() != Some(rule)).map(value).collect();
    let t: &'static CallerWords = ask.words();
    if !ask.form.has("remove") {
        match entry(&ask).await? {
            Some(rule) => list.push(rule),
            None => return again(&ask, name, t.no_user.to_owned()).await,
        }
    }
    let edit = Edit::application(application.id, application.version).set("rules", &Value::Array(list));
    let back = format!("/console/applications/{}{}", application.id, Tab::Callers.path());
    let wanted = Wanted { edit, of: &application.name, section: Section::Applications, back: &back };
    match proceed(&ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => again(&ask, name, told(&ask, &problems)).await,
        Outcome::Failed(alert) => again(&ask, name, alert.to_owned()).await,
    }
}

async fn again(ask: &Ask, named: Option<&str>, alert: String) -> Answer {
    let typed = FIELDS.iter().filter_map(|name| Some((*name, ask.form.get(name)?.to_owned())));
    page(ask, named.map(str::to_owned), typed.collect(), Some(alert)).await
}

/// The rule of the form; `None`: it names a user that there is not.
async fn entry(ask: &Ask) -> Result<Option<Value>, Failure> {
    let text = |key: &str| ask.form.get(key).unwrap_or_default().trim();
    let kinds = ["account", "user", "role", "group"];
    let kind = Some(text("subject_kind")).filter(|kind| kinds.contains(kind)).unwrap_or("account");
    let subject = match kind {
        "user" => match user_id(&ask.signet, text("subject")).await? {
            Some(id) => id.to_string(),
            None => return Ok(None),
        },
        _ => text("subject").to_owned(),
    };
    let mut rule = Map::new();
    rule.insert("subject".to_owned(), json!({ kind: subject }));
    rule.insert("effect".to_owned(), text("effect").into());
    let (namespace, code) = text("resource").split_once('/').unwrap_or(("", text("resource")));
    if namespace == Namespace::Pool.as_str() {
        rule.insert("namespace".to_owned(), namespace.into());
    }
    rule.insert("resource".to_owned(), code.into());
    if !matches!(text("identifier"), "" | "*") {
        rule.insert("identifier".to_owned(), text("identifier").into());
    }
    let actions: Vec<&str> =
        text("actions").split([' ', ',', '\n', '\r']).filter(|one| !one.is_empty()).collect();
    rule.insert("actions".to_owned(), if actions.is_empty() { "all".into() } else { actions.into() });
    let restrictions = restrictions_of(&ask.form);
    if !restrictions.is_empty() {
        rule.insert("restrictions".to_owned(), restrictions.into());
    }
    Ok(Some(rule.into()))
}

fn restrictions_of(form: &RawParams) -> Map<String, Value> {
    let text = |key: &str| form.get(key).unwrap_or_default().trim();
    let lines = |key| text(key).lines().map(str::trim).filter(|line| !line.is_empty());
    let mut restrictions = Map::new();
    let ip: Vec<&str> = lines("ip").collect();
    if !ip.is_empty() {
        restrictions.insert("ip".to_owned(), ip.into());
    }
    if !text("time").is_empty() {
        let mut words = text("time").split_whitespace();
        let mut next = || words.next().unwrap_or_default();
        restrictions.insert("time".to_owned(), json!({ "from": next(), "to": next(), "offset": next() }));
    }
    match text("mfa") {
        "true" => drop(restrictions.insert("mfa".to_owned(), true.into())),
        "false" => drop(restrictions.insert("mfa".to_owned(), false.into())),
        _ => {}
    }
    let pair = |line: &str| {
        let (field, equals) = line.split_once('=').unwrap_or((line, ""));
        json!({ "field": field.trim(), "equals": scalar(equals.trim()) })
    };
    let attributes: Vec<Value> = lines("attributes").map(pair).collect();
    if !attributes.is_empty() {
        restrictions.insert("attributes".to_owned(), attributes.into());
    }
    restrictions
}

/// The user of an id, or of a user name, e-mail or phone.
pub async fn user_id(signet: &Signet, text: &str) -> Result<Option<UserId>, StoreError> {
    if let Some(id) = UserId::parse(text) {
        return Ok(Some(id));
    }
    match LoginName::parse(text) {
        Some(name) => Ok(signet.store().user_by_login(&name).await?.map(|user| user.id)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_shown_in_fields_that_read_as_the_same_restrictions() {
        let rule = json!({
            "subject": { "role": "staff" }, "effect": "allow", "resource": "book", "actions": ["read"],
            "restrictions": {
                "ip": ["10.0.0.0/8"], "time": { "from": "09:00", "to": "17:30", "offset": "+08:00" }, "mfa": true,
                "attributes": [
                    { "field": "locale", "equals": "Example" }, { "field": "extended_fields.level", "equals": 3 },
                    { "field": "extended_fields.code", "equals": "3" }, { "field": "extended_fields.member", "equals": true },
                ],
            },
        });
        let read: Rule = serde_json::from_value(rule.clone()).unwrap();
        let mut form = RawParams::default();
        for (name, value) in fields(&read) {
            form.add(name, &value);
        }
        assert_eq!(form.get("resource"), Some("application/book"));
        assert_eq!(form.get("actions"), Some("read"));
        assert_eq!(Value::Object(restrictions_of(&form)), rule["restrictions"]);
    }
}
