//! Small builders of JSON schemas (draft 2020-12, as OpenAPI 3.1 has them).

use serde_json::{Map, Value, json};

/// Schemas by their names.
pub type Schemas = Vec<(&'static str, Value)>;

/// A text.
pub fn text() -> Value {
    json!({ "type": "string" })
}

/// A text, or nothing.
pub fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

/// `true` or `false`.
pub fn truth() -> Value {
    json!({ "type": "boolean" })
}

/// A whole number.
pub fn number() -> Value {
    json!({ "type": "integer" })
}

/// A whole number in a range.
pub fn number_in(least: i64, most: i64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A moment, in seconds of the epoch.
pub fn moment() -> Value {
    json!({ "type": "integer", "description": "Seconds since 1970-01-01, UTC." })
}

/// One of these texts.
pub fn one_of<'a>(all: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": all.into_iter().collect::<Vec<_>>() })
}

/// An id of 24 hexadecimal digits.
pub fn id() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" })
}

/// The same, or nothing.
pub fn or_null(mut schema: Value) -> Value {
    let kind = schema.get("type").cloned();
    match (schema.as_object_mut(), kind) {
        (Some(members), Some(Value::String(kind))) => {
            members.insert("type".to_owned(), json!([kind, "null"]));
            if let Some(Value::Array(all)) = members.get_mut("enum") {
                all.push(Value::Null);
            }
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// A list.
pub fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// A list of at most so many.
pub fn list_of(of: Value, most: usize) -> Value {
    json!({ "type": "array", "items": of, "maxItems": most })
}

/// Any object.
pub fn any_object() -> Value {
    json!({ "type": "object", "additionalProperties": true })
}

/// A named schema.
pub fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A page of a named schema.
pub fn page(of: &str) -> Value {
    object(&[("items", list(named(of))), ("next", text_or_null())], &["items", "next"])
}

/// An object with these members and no others.
pub fn object(members: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// An object of which every member is there.
pub fn whole(members: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    object(members, &required)
}
