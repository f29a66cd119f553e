//! The fields of an application or user by the keys of a file, and the lines that show how they differ.

use serde::Serialize;
use serde_json::{Map, Value};
use signet_protocol::{
    account::Account,
    application::Application,
    mail::MailServer,
    password_policy::PasswordPolicy,
    pool::{CustomScope, PoolSettings},
    resource::{Actions, Namespace, Part, Resource, ResourceName, Rule, Subject},
    throttle::Throttle,
    user::User,
};

use super::{Line, words};

/// The lines for an application that is new.
pub fn of_new_application(application: &Application, given: bool) -> Vec<Line> {
    let defaults = Application { settings: Default::default(), enabled: true, ..application.clone() };
    let mut lines =
        differences(&application_fields(&defaults), &application_fields(application), Line::is_new);
    let secret = application.secret.is_some();
    let words = if given { words::GIVEN } else { words::GENERATED };
    lines.extend(secret.then(|| Line::words("secret", &words.words())));
    lines
}

/// The lines for an application that changes.
pub fn of_application(old: &Application, new: &Application) -> Vec<Line> {
    let mut lines = differences(&application_fields(old), &application_fields(new), Line::change);
    let secret = match (&old.secret, &new.secret) {
        (Some(old), Some(new)) if !old.matches(new.expose()) => Some(words::CHANGED),
        (None, Some(_)) => Some(words::NEW),
        (Some(_), None) => Some(words::REMOVED),
        (Some(_), Some(_)) | (None, None) => None,
    };
    lines.extend(secret.map(|words| Line::words("secret", &words.words())));
    lines
}

/// The lines for a user who is new; `blank` is one without anything.
pub fn of_new_user(blank: &User, user: &User) -> Vec<Line> {
    let mut lines = differences(&user_fields(blank), &user_fields(user), Line::is_new);
    lines.extend(user.password.is_some().then(|| Line::words("password", &words::SET.words())));
    lines
}

/// The lines for a user who changes.
pub fn of_user(old: &User, new: &User) -> Vec<Line> {
    let mut lines = differences(&user_fields(old), &user_fields(new), Line::change);
    lines.extend((old.password != new.password).then(|| Line::words("password", &words::CHANGED.words())));
    lines
}

/// The lines for a scope that is new.
pub fn of_new_scope(scope: &CustomScope) -> Vec<Line> {
    differences(&object(&CustomScope::default()), &object(scope), Line::is_new)
}

/// The lines for a scope that changes.
pub fn of_scope(old: &CustomScope, new: &CustomScope) -> Vec<Line> {
    differences(&object(old), &object(new), Line::change)
}

/// The lines for another password policy.
pub fn of_policy(old: &PasswordPolicy, new: &PasswordPolicy) -> Vec<Line> {
    differences(&object(old), &object(new), Line::change)
}

/// The lines for other settings of the pool.
pub fn of_sign_in(old: &PoolSettings, new: &PoolSettings) -> Vec<Line> {
    let fields = |settings: &PoolSettings| {
        let mut fields = object(&settings.sign_in);
        fields.insert("name".into(), settings.name.as_str().into());
        fields
    };
    differences(&fields(old), &fields(new), Line::change)
}

/// The lines for other throttles.
pub fn of_throttle(old: &Throttle, new: &Throttle) -> Vec<Line> {
    differences(&object(old), &object(new), Line::change)
}

/// The lines for a mail server that is new.
pub fn of_new_mail(server: &MailServer) -> Vec<Line> {
    let mut lines = differences(&Map::new(), &mail_fields(server), Line::is_new);
    lines.extend(server.password.is_some().then(|| Line::words("password", &words::GIVEN.words())));
    lines
}

/// The lines for a mail server that changes.
pub fn of_mail(old: &MailServer, new: &MailServer) -> Vec<Line> {
    let mut lines = differences(&mail_fields(old), &mail_fields(new), Line::change);
    lines.extend((old.password != new.password).then(|| Line::words("password", &words::CHANGED.words())));
    lines
}

fn mail_fields(server: &MailServer) -> Map<String, Value> {
    let mut fields = object(server);
    fields.remove("password");
    fields
}

/// The lines for a resource that is new.
pub fn of_new_resource(resource: &Resource) -> Vec<Line> {
    let mut fields = object(resource);
    fields.remove("code");
    differences(&Map::new(), &fields, Line::is_new)
}

/// The lines for a resource that changes.
pub fn of_resource(old: &Resource, new: &Resource) -> Vec<Line> {
    let (mut before, mut after) = (object(old), object(new));
    // What is not there is not written either.
    for (key, _) in object(old) {
        after.entry(key).or_insert(Value::Null);
    }
    before.remove("code");
    after.remove("code");
    differences(&before, &after, Line::change)
}

/// The lines for an account that is new.
pub fn of_new_account(account: &Account, given: bool) -> Vec<Line> {
    let mut lines = differences(&Map::new(), &account_fields(account), Line::is_new);
    let words = if given { words::GIVEN } else { words::GENERATED };
    lines.push(Line::words("secret", &words.words()));
    lines
}

/// The lines for an account that changes.
pub fn of_account(old: &Account, new: &Account) -> Vec<Line> {
    let mut lines = differences(&account_fields(old), &account_fields(new), Line::change);
    lines.extend((old.secret != new.secret).then(|| Line::words("secret", &words::CHANGED.words())));
    lines
}

/// A rule in a line: `allow account d0…: book:*:read,write`.
pub fn rule(rule: &Rule) -> String {
    let (kind, subject) = match &rule.subject {
        Subject::Account(id) => ("account", id.to_string()),
        Subject::User(id) => ("user", id.to_string()),
        Subject::Role(code) => ("role", code.clone()),
        Subject::Group(code) => ("group", code.clone()),
    };
    let resource = match &rule.resource {
        Part::Any => "*".to_owned(),
        Part::One(ResourceName { namespace: Namespace::Application, code }) => code.as_str().to_owned(),
        Part::One(ResourceName { namespace: Namespace::Pool, code }) => format!("pool/{}", code.as_str()),
    };
    let actions = match &rule.actions {
        Actions::All => "*".to_owned(),
        Actions::Listed(list) => list.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(","),
    };
    let restricted = match object(&rule.restrictions) {
        none if none.is_empty() => String::new(),
        some => format!(" if {}", Value::Object(some)),
    };
    let identifier = rule.identifier.as_str();
    format!("{} {kind} {subject}: {resource}:{identifier}:{actions}{restricted}", rule.effect.as_str())
}

fn account_fields(account: &Account) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("enabled".into(), account.enabled.into());
    fields.insert("remarks".into(), account.remarks.clone().into());
    fields.insert("token_lifetime".into(), account.token_lifetime.0.into());
    fields
}

fn application_fields(application: &Application) -> Map<String, Value> {
    let mut fields = object(&application.settings);
    fields.insert("identifier".into(), application.identifier.as_str().into());
    fields.insert("name".into(), application.name.clone().into());
    fields.insert("enabled".into(), application.enabled.into());
    fields
}

fn user_fields(user: &User) -> Map<String, Value> {
    let mut fields = object(&user.details);
    if let Some(Value::Object(profile)) = fields.remove("profile") {
        fields.extend(profile);
    }
    // The profile has a claim of that name too.
    fields.insert("username".into(), user.username.clone().into());
    fields.insert("email".into(), user.email.clone().into());
    fields.insert("phone".into(), user.phone.clone().into());
    fields.insert("blocked".into(), user.blocked.into());
    fields
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// A line for each field that `new` has otherwise than `old`.
fn differences(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    show: fn(&str, &Value, &Value) -> Line,
) -> Vec<Line> {
    let changed = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
    changed.map(|(key, value)| show(key, old.get(key).unwrap_or(&Value::Null), value)).collect()
}
