//! Values of any content, as JSON.

use serde_json::Value as Json;
use toml::de::{DeArray, DeTable, DeValue};

/// A whole number of TOML, if 64 bits hold it.
pub fn integer(value: &DeValue) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Why a value cannot be kept as JSON.
pub enum NotJson {
    /// A number that JSON has not.
    Number,
    /// It has too many levels.
    Deep,
}

/// A table of at most `depth` levels.
pub fn json_table(table: &DeTable, depth: usize) -> Result<serde_json::Map<String, Json>, NotJson> {
    let depth = depth.checked_sub(1).ok_or(NotJson::Deep)?;
    table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref(), depth)?))).collect()
}

fn json_list(list: &DeArray, depth: usize) -> Result<Json, NotJson> {
    let depth = depth.checked_sub(1).ok_or(NotJson::Deep)?;
    list.iter().map(|entry| json(entry.get_ref(), depth)).collect()
}

fn json(value: &DeValue, depth: usize) -> Result<Json, NotJson> {
    Ok(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(_) => Json::from(integer(value).ok_or(NotJson::Number)?),
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            Json::from(number.ok_or(NotJson::Number)?)
        }
        DeValue::Boolean(truth) => Json::from(*truth),
        DeValue::Datetime(moment) => Json::from(moment.to_string()),
        DeValue::Array(list) => json_list(list, depth)?,
        DeValue::Table(table) => Json::Object(json_table(table, depth)?),
    })
}
