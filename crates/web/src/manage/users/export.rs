//! Users as an import reads them.

use serde_json::{Map, Value};
use signet_protocol::user::User;
use signet_store::StoreError;

use super::{
    fields::Fields,
    import::{FIELDS, Format, write_row},
    list::{Cursor, Filter, list},
};
use crate::Signet;

/// Some users, and where the next begin.
pub async fn page(
    signet: &Signet,
    after: Option<Cursor>,
    hashes: bool,
) -> Result<(Vec<Fields>, Option<Cursor>), StoreError> {
    let page = list(signet, &Filter::default(), after.into(), usize::MAX).await?;
    Ok((page.rows.iter().map(|listed| fields(&listed.user, hashes)).collect(), page.next))
}

/// Everything an import would read of a user, and their password hash only if that is wanted.
pub fn fields(user: &User, hashes: bool) -> Fields {
    let mut fields = match serde_json::to_value(&user.details) {
        Ok(Value::Object(details)) => details,
        _ => Map::new(),
    };
    fields.remove("imported");
    if let Some(Value::Object(profile)) = fields.remove("profile") {
        fields.extend(profile);
    }
    // The profile has a claim of that name too.
    fields.insert("username".into(), user.username.clone().into());
    fields.insert("email".into(), user.email.clone().into());
    fields.insert("phone".into(), user.phone.clone().into());
    fields.insert("blocked".into(), user.blocked.into());
    let hash = user.password.as_ref().filter(|_| hashes).map(|hash| hash.as_str());
    fields.insert("password_hash".into(), hash.into());
    fields.retain(|_, value| !is_nothing(value));
    Fields(fields)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// What a file begins with.
pub fn head(format: Format, hashes: bool) -> String {
    match format {
        Format::JsonLines => String::new(),
        Format::Csv => write_row(&columns(hashes).map(str::to_owned).collect::<Vec<_>>()),
    }
}

/// A user in a file.
pub fn line(fields: &Fields, format: Format, hashes: bool) -> String {
    match format {
        Format::JsonLines => Value::Object(fields.0.clone()).to_string() + "\n",
        Format::Csv => write_row(&columns(hashes).map(|name| text(fields, name)).collect::<Vec<_>>()),
    }
}

/// The columns of a file; nobody has a password in it.
fn columns(hashes: bool) -> impl Iterator<Item = &'static str> {
    let wanted = move |name: &&str| *name != "password" && (hashes || *name != "password_hash");
    FIELDS.iter().copied().filter(wanted)
}

fn text(fields: &Fields, name: &str) -> String {
    let value = match name.split_once('.') {
        Some((table, part)) => fields.0.get(table).and_then(|table| table.get(part)),
        None => fields.0.get(name),
    };
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => codes(list),
        Some(value) => value.to_string(),
    }
}

/// Codes with semicolons between them, or where one would not come back, a JSON list.
fn codes(list: &[Value]) -> String {
    let codes: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let plain = |code: &&str| !code.contains(';') && code.trim() == *code && !code.starts_with('[');
    if codes.iter().all(plain) { codes.join(";") } else { Value::from(codes).to_string() }
}
