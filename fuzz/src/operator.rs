//! What an operator writes: descriptions, database addresses, imported hashes.

use std::collections::BTreeMap;

use signet_protocol::{
    limits::EXTENDED_FIELDS_BYTES, password::PasswordHash, pool::check_claim_name, scope::Scope,
    user_field::UserField,
};
use signet_store::Database;
use signet_web::manage::{description::Description, problem::PROBLEMS_MAX};

use crate::utf8;

/// A file for `signet apply`: what is wrong with it has lines that exist, is bounded, and tells no secret.
pub fn description(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let problems = match Description::parse(text) {
        Ok(description) => return readable(&description),
        Err(problems) => problems,
    };
    assert!(!problems.is_empty() && problems.len() <= PROBLEMS_MAX + 1, "{}", problems.len());
    assert!(problems.is_sorted_by_key(|problem| problem.line));
    let lines = text.lines().count() + 1;
    for problem in &problems {
        assert!((1..=lines).contains(&problem.line), "{problem}");
        for text in [&problem.message.en, &problem.message.zh] {
            assert!(text.len() <= 4096 && !text.contains('\n'), "{text}");
        }
    }
    for secret in secrets(text) {
        assert!(
            problems.iter().all(|problem| {
                !problem.message.en.contains(&secret) && !problem.message.zh.contains(&secret)
            }),
            "{secret} in {problems:?}"
        );
    }
}

/// What is accepted can be read again once it is stored, and takes no name that is taken.
fn readable(description: &Description) {
    for claims in description.applications.iter().filter_map(|app| app.constant_claims.as_ref()) {
        let stored = serde_json::to_vec(claims).unwrap();
        let read: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&stored).unwrap();
        assert_eq!(&read, claims);
        assert!(claims.keys().all(|name| check_claim_name(name).is_ok()), "{claims:?}");
    }
    for claim in &description.claims {
        assert!(claim.name.as_ref().is_none_or(|name| check_claim_name(name).is_ok()), "{claim:?}");
        let path = claim.field.as_ref().map(ToString::to_string);
        assert_eq!(path.map(|path| UserField::parse(&path).unwrap()), claim.field);
    }
    for name in description.scopes.iter().filter_map(|scope| scope.name.as_ref()) {
        assert_eq!(Scope::parse(name).unwrap().customs().collect::<Vec<_>>(), [name]);
    }
    for fields in description.users.iter().filter_map(|user| user.extended_fields.as_ref()) {
        let stored = serde_json::to_vec(fields).unwrap();
        assert!(stored.len() <= EXTENDED_FIELDS_BYTES);
        let read: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&stored).unwrap();
        assert_eq!(&read, fields);
    }
}

/// The values of secret keys that stand in the text only once, so that nothing else can explain a mention.
fn secrets(text: &str) -> Vec<String> {
    let Ok(file) = text.parse::<toml::Table>() else { return Vec::new() };
    let entries = ["users", "applications"].iter().filter_map(|kind| file.get(*kind)?.as_array()).flatten();
    let tables = entries.filter_map(toml::Value::as_table);
    let values = tables.flat_map(|entry| {
        ["password", "password_hash", "secret"].iter().filter_map(|key| entry.get(*key)?.as_str())
    });
    let lone = |value: &&str| value.len() >= 6 && text.matches(*value).count() == 1;
    values.filter(lone).map(str::to_owned).collect()
}

/// A database address. Neither its `Debug` nor its description tells user or password.
pub fn database(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let database = Database::Postgres(text.to_owned());
    assert_eq!(format!("{database:?}"), "Postgres(…)");
    let place = database.place();
    assert!(place.len() <= 1024 && !place.chars().any(char::is_control));
    if text.contains("hunter2") {
        assert!(!is_password(text) || !place.contains("hunter2"), "{text} is shown as {place}");
        return;
    }
    let with_password = format!("postgres://user:{}hunter2@db.example/signet", text.replace('@', ""));
    assert!(!Database::Postgres(with_password.clone()).place().contains("hunter2"), "{with_password}");
    let with_parameter = format!("{text}&password=hunter2");
    assert!(!Database::Postgres(with_parameter).place().contains("hunter2"));
}

/// Whether the marker stands where an address has its password, and only there: between the first colon and the first
/// at-sign.
fn is_password(text: &str) -> bool {
    if text.matches("hunter2").count() > 1 {
        return false;
    }
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split_once('@')
        .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, p)| p.contains("hunter2")))
}

/// What is accepted as a hash stays as it is, and says nothing of itself.
pub fn password_hash(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let Ok(hash) = PasswordHash::parse(text) else { return };
    assert_eq!(hash.as_str(), text);
    assert!(text.len() <= 512, "a hash is short");
    assert_eq!(PasswordHash::parse(hash.as_str()).unwrap(), hash);
    assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
}
