//! Entries of a description, from what is stored: the keys and forms that `description` reads.

use serde::Serialize;
use serde_json::{Map, Value};
use signet_protocol::{
    account::{Account, TOKEN_LIFETIME},
    application::{Application, ApplicationSettings},
    pool::PoolSettings,
    resource::{Resource, Rule},
    user::{User, UserDetails},
};

use super::{Form, toml::Table};

/// Which keys come first, in the order in which people think of them; the others follow by name.
const APPLICATION: &[&str] = &[
    "id",
    "identifier",
    "name",
    "enabled",
    "type",
    "secret",
    "description",
    "logo_uri",
    "brand_color",
    "redirect_uris",
    "logout_redirect_uris",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "introspection_endpoint_auth_method",
    "revocation_endpoint_auth_method",
];
const MAIL: &[&str] = &["host", "port", "security", "username", "password", "from", "from_name"];
const RESOURCE: &[&str] = &["code", "type", "name", "description", "api_identifier", "actions"];
const RULE: &[&str] =
    &["subject", "effect", "namespace", "resource", "identifier", "actions", "restrictions"];
const USER: &[&str] = &[
    "id",
    "username",
    "email",
    "email_verified",
    "phone",
    "phone_verified",
    "blocked",
    "password_hash",
    "name",
    "roles",
    "groups",
    "external_id",
];

/// A secret as it is written, or nothing of it.
pub type Sealed = Option<String>;

/// All of an application.
#[derive(Clone, Debug)]
pub struct ApplicationParts<'a> {
    /// Its settings.
    pub application: &'a Application,
    /// Its secret.
    pub secret: Sealed,
    /// Its resources.
    pub resources: &'a [Resource],
    /// Its accounts, each with its secret.
    pub accounts: &'a [(Account, Sealed)],
    /// Its rules, in any order.
    pub rules: &'a [Rule],
}

/// `[[applications]]`, with its resources, accounts and rules.
pub fn application(parts: &ApplicationParts, form: Form) -> String {
    let app = parts.application;
    let mut fields = differing(&app.settings, &ApplicationSettings::default(), form);
    // What is left out of these two follows from others when an application is made.
    for key in ["grant_types", "response_types"] {
        fields.extend(object(&app.settings).remove_entry(key));
    }
    if let Some(keys @ Value::Object(_)) = fields.get("jwks") {
        let text = keys.to_string();
        fields.insert("jwks".into(), text.into());
    }
    // Of this one 0 means something.
    if let Some(age) = fields.get_mut("default_max_age").filter(|age| **age == "") {
        *age = (-1).into();
    }
    fields.insert("id".into(), app.id.to_string().into());
    fields.insert("identifier".into(), app.identifier.as_str().into());
    fields.insert("name".into(), app.name.as_str().into());
    if form == Form::Whole || !app.enabled {
        fields.insert("enabled".into(), app.enabled.into());
    }
    fields.insert("secret".into(), parts.secret.clone().into());
    let mut table = Table::entry("applications");
    table.put_all(&fields, APPLICATION);
    let mut text = table.text();
    text.push_str(&resources("applications.resources", parts.resources, form));
    text.extend(parts.accounts.iter().map(|(own, secret)| account(own, secret, form)));
    let mut rules: Vec<String> = parts.rules.iter().map(rule).collect();
    rules.sort();
    text.extend(rules);
    text
}

/// `[[resources]]` of an application or of the pool. Sorted here, because databases do not agree how to.
fn resources(list: &str, all: &[Resource], form: Form) -> String {
    let mut all: Vec<&Resource> = all.iter().collect();
    all.sort_by(|a, b| a.code.cmp(&b.code));
    all.into_iter().map(|own| resource(list, own, form)).collect()
}

fn resource(list: &str, resource: &Resource, form: Form) -> String {
    let mut fields = object(resource);
    if form == Form::Short && resource.actions.is_empty() {
        fields.remove("actions");
    }
    for key in ["name", "description", "api_identifier"].into_iter().filter(|_| form == Form::Whole) {
        fields.entry(key).or_insert("".into());
    }
    let mut table = Table::entry(list);
    table.put_all(&fields, RESOURCE);
    table.text()
}

fn account(account: &Account, secret: &Sealed, form: Form) -> String {
    let whole = form == Form::Whole;
    let mut table = Table::entry("applications.accounts");
    table.put("id", &account.id.to_string().into());
    table.put("secret", &secret.clone().into());
    if whole || account.token_lifetime != TOKEN_LIFETIME {
        table.put("token_lifetime", &account.token_lifetime.0.into());
    }
    let blank = whole.then(String::new);
    table.put("remarks", &account.remarks.clone().or(blank).into());
    if whole || !account.enabled {
        table.put("enabled", &account.enabled.into());
    }
    table.text()
}

fn rule(rule: &Rule) -> String {
    let mut fields = object(rule);
    // That it is about every thing is said by saying nothing.
    fields.retain(|key, value| !(key == "identifier" && value == "*"));
    let mut table = Table::entry("applications.rules");
    table.put_all(&fields, RULE);
    table.text()
}

/// `[[users]]`. The hash of the password is left out unless `with_password` says otherwise.
pub fn user(user: &User, form: Form, with_password: bool) -> String {
    let (own, blank) = (flat(&user.details), flat(&UserDetails::default()));
    let mut fields = unlike(own, &blank, form);
    // What it remembers is of this installation.
    fields.remove("imported");
    if form == Form::Whole {
        let address = fields.entry("address").or_insert("".into());
        if *address == "" {
            *address = Value::Object(Map::new());
        }
    }
    let text = |key: &Option<String>| match form {
        Form::Whole => Value::from(key.clone().unwrap_or_default()),
        Form::Short => Value::from(key.clone()),
    };
    fields.insert("id".into(), user.id.to_string().into());
    fields.insert("username".into(), text(&user.username));
    fields.insert("email".into(), text(&user.email));
    fields.insert("phone".into(), text(&user.phone));
    if form == Form::Whole || user.blocked {
        fields.insert("blocked".into(), user.blocked.into());
    }
    if with_password {
        let hash = user.password.as_ref().map(|hash| hash.as_str().to_owned());
        fields.insert("password_hash".into(), text(&hash));
    }
    let mut table = Table::entry("users");
    table.put_all(&fields, USER);
    table.text()
}

/// The pool's own fields, claims, scopes and resources.
pub fn pool(settings: &PoolSettings, resources: &[Resource], form: Form) -> String {
    let PoolSettings { extended_fields, claims, scopes, password_policy, .. } = settings;
    // Whole in either form: there is one for sure, and what is left out of it would stay as it is.
    let mut text = self::settings(settings);
    let mut policy = Table::single("password_policy");
    policy.put_all(&object(password_policy), &["min_length", "max_length"]);
    text.push_str(&policy.text());
    for (name, kind) in extended_fields {
        let mut table = Table::entry("extended_fields");
        table.put("name", &name.as_str().into());
        table.put("type", &kind.as_str().into());
        text.push_str(&table.text());
    }
    for (name, field) in claims {
        let mut table = Table::entry("claims");
        table.put("name", &name.as_str().into());
        table.put("field", &field.to_string().into());
        text.push_str(&table.text());
    }
    for (name, scope) in scopes {
        let mut table = Table::entry("scopes");
        table.put("name", &name.as_str().into());
        table.put_all(&written(object(scope), form), &["claims"]);
        text.push_str(&table.text());
    }
    text + &self::resources("resources", resources, form)
}

/// `[pool]`, with its tables.
fn settings(settings: &PoolSettings) -> String {
    let PoolSettings { name, sign_in, throttle, mail, .. } = settings;
    let mut pool = Table::single("pool");
    pool.put("name", &name.as_str().into());
    pool.put_all(&object(sign_in), &["languages", "login_methods"]);
    let mut limits = Table::single("pool.throttle");
    limits.put_all(&object(throttle), &[]);
    let mut server = Table::single("pool.mail");
    match mail {
        None => server.put("host", &"".into()),
        Some(mail) => {
            let mut fields = written(object(mail), Form::Whole);
            // Its password is nothing when its account is.
            if mail.password.is_none() {
                fields.remove("password");
            }
            server.put_all(&fields, MAIL);
        }
    }
    [pool, limits, server].map(Table::text).concat()
}

/// The keys of the file: those of the profile stand beside the others.
fn flat(details: &UserDetails) -> Map<String, Value> {
    let mut fields = object(details);
    if let Some(Value::Object(profile)) = fields.remove("profile") {
        fields.extend(profile);
    }
    fields
}

fn differing(value: &impl Serialize, default: &impl Serialize, form: Form) -> Map<String, Value> {
    unlike(object(value), &object(default), form)
}

/// The fields that are not as in `default`, or all of them.
fn unlike(mut fields: Map<String, Value>, default: &Map<String, Value>, form: Form) -> Map<String, Value> {
    if form == Form::Short {
        fields.retain(|key, value| default.get(key) != Some(value));
    }
    written(fields, form)
}

/// Where all is said, an empty text says that there is nothing.
fn written(mut fields: Map<String, Value>, form: Form) -> Map<String, Value> {
    for value in fields.values_mut().filter(|value| form == Form::Whole && value.is_null()) {
        *value = "".into();
    }
    fields
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}
