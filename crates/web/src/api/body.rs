//! The body of a request: an object of JSON, of bounded size and depth.

use axum::extract::Request;
use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use super::problem::{MALFORMED, MEDIA_TYPE, Problem, TOO_LARGE};
use crate::{
    edge::read_bytes,
    error,
    manage::problem::{nearest, shown},
};

/// Bytes of a body.
pub const API_BODY_BYTES: usize = 256 * 1024;
/// Bytes of the body of an import or a whole description.
pub const API_LARGE_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Levels of a value in a body.
pub const API_BODY_DEPTH: usize = 40;

/// Reads the body of a request: nothing, or an object.
pub async fn read(request: Request, large: bool) -> Result<Vec<u8>, Problem> {
    let most = if large { API_LARGE_BODY_BYTES } else { API_BODY_BYTES };
    match read_bytes(request, most).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(refusal) if refusal == error::TOO_LARGE => {
            Err(Problem::new(TOO_LARGE, format!("the body may have {most} bytes; send less at once")))
        }
        Err(refusal) => Err(Problem::new(MALFORMED, refusal.description)),
    }
}

/// Whether the body says that it is JSON (RFC 8259), or a merge patch of it (RFC 7396).
pub fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "application/merge-patch+json" => Ok(()),
        _ => Err(Problem::new(MEDIA_TYPE, "send the body as JSON, with Content-Type: application/json")),
    }
}

/// The members of a body.
pub fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(MALFORMED, format!("the body is no JSON: {error}")))?;
    if depth(&value) > API_BODY_DEPTH {
        let detail = format!("values may be {API_BODY_DEPTH} levels deep");
        return Err(Problem::new(MALFORMED, detail));
    }
    if has_nul(&value) {
        return Err(Problem::new(MALFORMED, "the character U+0000 cannot be stored; leave it out"));
    }
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::new(MALFORMED, "the body must be an object")),
    }
}

/// That every member is one of `known`.
pub fn check_members<'k>(
    members: &Map<String, Value>,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Result<(), Problem> {
    let wrong = members.keys().filter(|name| !known.clone().any(|own| own == name.as_str()));
    let wrong: Vec<_> = wrong.map(|name| unknown(name, known.clone())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Problem::fields(wrong)) }
}

/// That there is no such member or parameter, and which may have been meant.
pub fn unknown<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> super::problem::Wrong {
    let meant = nearest(name, known);
    let guess = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
    super::problem::Wrong {
        field: shown(name),
        message: format!("there is no `{}` here{guess}", shown(name)),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_a_bounded_object_is_taken() {
        assert!(parse(b"{\"a\": [1, {\"b\": null}]}").is_ok());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(API_BODY_DEPTH), "]".repeat(API_BODY_DEPTH));
        let deeper = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for wrong in
            ["", "[]", "1", "{", "{\"a\": \"\\u0000\"}", "{\"\\u0000\": 1}", &deep, &deeper, "\u{feff}{}"]
        {
            assert_eq!(parse(wrong.as_bytes()).unwrap_err().kind, MALFORMED, "{}", shown(wrong));
        }
    }

    #[test]
    fn an_unknown_member_names_the_nearest() {
        let members = parse(b"{\"nmae\": 1, \"name\": 2}").unwrap();
        let problem = check_members(&members, ["name", "type"].into_iter()).unwrap_err();
        assert_eq!(problem.errors.len(), 1);
        assert_eq!(problem.detail, "there is no `nmae` here; did you mean `name`?");
    }

    #[test]
    fn the_type_is_json() {
        let typed = |kind: &'static str| {
            check_type(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))])).is_ok()
        };
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(typed(good), "{good}");
        }
        for bad in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            assert!(!typed(bad), "{bad}");
        }
    }
}
