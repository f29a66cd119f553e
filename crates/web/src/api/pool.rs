//! Settings of the pool: scopes, claims, extended fields and the password policy.

use serde_json::{Map, Value, json};
use signet_protocol::pool::PoolSettings;

use super::{
    Answer, Ask, PREFIX, Reply,
    ask::found,
    body::check_members,
    problem::{CONFLICT, Problem},
};
use crate::manage::edit::Edit;

/// One of the three lists of a pool.
struct List {
    /// The table of a description, and the end of the path.
    table: &'static str,
    /// The members of an entry besides `name`.
    members: &'static [&'static str],
    /// What one is called.
    what: &'static str,
    all: fn(&PoolSettings) -> Vec<(String, Value)>,
}

static SCOPES: List = List {
    table: "scopes",
    members: &["claims", "description", "description_zh"],
    what: "scope",
    all: |settings| settings.scopes.iter().map(|(name, scope)| named(name, json!(scope))).collect(),
};
static CLAIMS: List = List {
    table: "claims",
    members: &["field"],
    what: "claim",
    all: |settings| {
        let entry =
            |(name, field): (&String, &_)| named(name, json!({ "field": ToString::to_string(field) }));
        settings.claims.iter().map(entry).collect()
    },
};
static FIELDS: List = List {
    table: "extended_fields",
    members: &["type"],
    what: "field",
    all: |settings| {
        let entry = |(name, kind): (&String, &signet_protocol::user_field::FieldType)| {
            named(name, json!({ "type": kind.as_str() }))
        };
        settings.extended_fields.iter().map(entry).collect()
    },
};

fn named(name: &str, mut entry: Value) -> (String, Value) {
    if let Some(members) = entry.as_object_mut() {
        members.insert("name".to_owned(), name.into());
    }
    (name.to_owned(), entry)
}

/// GET `/scopes`.
pub async fn scopes(ask: Ask) -> Answer {
    list(ask, &SCOPES).await
}

/// PUT `/scopes/{name}`.
pub async fn put_scope(ask: Ask) -> Answer {
    put(ask, &SCOPES).await
}

/// DELETE `/scopes/{name}`.
pub async fn remove_scope(ask: Ask) -> Answer {
    remove(ask, &SCOPES).await
}

/// GET `/claims`.
pub async fn claims(ask: Ask) -> Answer {
    list(ask, &CLAIMS).await
}

/// PUT `/claims/{name}`.
pub async fn put_claim(ask: Ask) -> Answer {
    put(ask, &CLAIMS).await
}

/// DELETE `/claims/{name}`.
pub async fn remove_claim(ask: Ask) -> Answer {
    remove(ask, &CLAIMS).await
}

/// GET `/extended-fields`.
pub async fn fields(ask: Ask) -> Answer {
    list(ask, &FIELDS).await
}

/// PUT `/extended-fields/{name}`.
pub async fn put_field(ask: Ask) -> Answer {
    put(ask, &FIELDS).await
}

/// DELETE `/extended-fields/{name}`.
pub async fn remove_field(ask: Ask) -> Answer {
    remove(ask, &FIELDS).await
}

/// GET `/password-policy`.
pub async fn policy(ask: Ask) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    Ok(Reply::ok(json!(settings.password_policy)).at(settings.version))
}

/// PATCH `/password-policy`.
pub async fn change_policy(ask: Ask) -> Answer {
    let members = ["min_length", "max_length", "refuse_common", "refuse_names"];
    check_members(&ask.body, members.into_iter())?;
    let edit = Edit::section("password_policy", ask.version);
    let edit = ask.body.iter().fold(edit, |edit, (name, value)| edit.set(name, value));
    edit.save(&ask.signet, &ask.origin()).await?;
    policy(ask).await
}

async fn list(ask: Ask, list: &List) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    let version = settings.version;
    super::permissions::by_name(&ask, (list.all)(&settings).into_iter()).map(|reply| reply.at(version))
}

async fn put(ask: Ask, list: &List) -> Answer {
    check_members(&ask.body, list.members.iter().copied())?;
    let before = ask.signet.store().stored_pool_settings().await?;
    let known = one(&before, list, ask.part("name")).is_some();
    let mut entry: Map<String, Value> = ask.body.clone();
    // It is as is said, whole: what is not said is nothing.
    for member in list.members.iter().filter(|member| member.starts_with("description")) {
        let value = entry.entry((*member).to_owned()).or_insert(Value::Null);
        if value.is_null() {
            *value = "".into();
        }
    }
    entry.insert("name".to_owned(), ask.part("name").into());
    save(&ask, list, entry).await?;
    let settings = ask.signet.store().stored_pool_settings().await?;
    let made = one(&settings, list, ask.part("name"));
    let made = made.ok_or_else(|| Problem::new(CONFLICT, "somebody else removed it just now"))?;
    let reply = match known {
        true => Reply::ok(made),
        false => {
            let path = list.table.replace('_', "-");
            Reply { status: 200, ..Reply::created(made, format!("{PREFIX}/{path}/{}", ask.part("name"))) }
        }
    };
    Ok(reply.at(settings.version))
}

async fn remove(ask: Ask, list: &List) -> Answer {
    let settings = ask.signet.store().stored_pool_settings().await?;
    found(one(&settings, list, ask.part("name")).is_some(), list.what)?;
    let entry = [("name".to_owned(), ask.part("name").into()), ("remove".to_owned(), true.into())];
    save(&ask, list, entry.into_iter().collect()).await?;
    Ok(Reply::nothing())
}

async fn save(ask: &Ask, list: &List, entry: Map<String, Value>) -> Result<(), Problem> {
    let edit = match ask.version {
        Some(version) => Edit::pool(list.table, version),
        None => Edit::of(list.table),
    };
    let edit = entry.iter().fold(edit, |edit, (name, value)| edit.set(name, value));
    edit.save(&ask.signet, &ask.origin()).await?;
    Ok(())
}

fn one(settings: &PoolSettings, list: &List, name: &str) -> Option<Value> {
    (list.all)(settings).into_iter().find(|(own, _)| own == name).map(|(_, entry)| entry)
}
