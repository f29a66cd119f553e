//! Values as TOML: the same value is always the same text.

use serde_json::{Map, Value};

/// Characters beyond which a list has a line for each entry.
const LINE: usize = 100;

/// A table, key by key.
pub struct Table(String);

impl Table {
    /// An entry of a list of tables: `[[name]]`.
    pub fn entry(name: &str) -> Table {
        Table(format!("\n[[{name}]]\n"))
    }

    /// A table that there is one of: `[name]`.
    pub fn single(name: &str) -> Table {
        Table(format!("\n[{name}]\n"))
    }

    /// Adds a key; nothing for `null`, which TOML has not.
    pub fn put(&mut self, name: &str, value: &Value) {
        let whole = match value {
            Value::Array(entries) => list(name, entries),
            other => inline(other),
        };
        if let Some(text) = whole {
            self.0.push_str(&format!("{} = {text}\n", key(name)));
        }
    }

    /// Adds the keys of `fields`: those of `order` first and in that order, then the others by name.
    pub fn put_all(&mut self, fields: &Map<String, Value>, order: &[&str]) {
        for name in order {
            if let Some(value) = fields.get(*name) {
                self.put(name, value);
            }
        }
        for (name, value) in fields.iter().filter(|(name, _)| !order.contains(&name.as_str())) {
            self.put(name, value);
        }
    }

    /// As it is written.
    pub fn text(self) -> String {
        self.0
    }
}

fn list(name: &str, entries: &[Value]) -> Option<String> {
    let whole = inline_list(entries);
    if name.len() + whole.len() <= LINE || entries.len() < 2 {
        return Some(whole);
    }
    let lines = entries.iter().filter_map(inline).map(|entry| format!("  {entry},\n"));
    Some(format!("[\n{}]", lines.collect::<String>()))
}

fn inline_list(entries: &[Value]) -> String {
    format!("[{}]", entries.iter().filter_map(inline).collect::<Vec<_>>().join(", "))
}

/// A value on one line; nothing for `null`.
pub(in crate::manage) fn inline(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text),
        Value::Array(entries) => inline_list(entries),
        Value::Object(fields) => {
            let pairs = fields
                .iter()
                .filter_map(|(name, value)| inline(value).map(|value| format!("{} = {value}", key(name))));
            match pairs.collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => "{}".to_owned(),
                pairs => format!("{{ {pairs} }}"),
            }
        }
    })
}

/// A key, quoted where it must be.
pub(in crate::manage) fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { string(name) }
}

/// A basic string (TOML 1.0): control characters are escaped, everything else stands for itself.
fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            // Text directions and line separators are written so that nobody reads another file than the parser.
            c if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manage::reader;

    /// Values that a file can hold.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(fields in prop::collection::btree_map(any::<String>(), values(), 0..4)) {
            let fields: Map<String, Value> = fields.into_iter().collect();
            let mut table = Table::entry("entries");
            table.put("fields", &Value::Object(fields.clone()));
            let text = table.text();
            let read = reader::read(&text, |root| root.tables("entries", |entry| entry.json("fields", 99)));
            prop_assert_eq!(read, Ok(vec![Some(fields)]), "{}", text);
        }
    }

    #[test]
    fn the_text_is_for_people() {
        let mut table = Table::entry("applications");
        let long: Vec<String> =
            (0..4).map(|number| format!("https://notes-{number}.example.com/callback")).collect();
        let fields = json!({
            "name": "Notes \"of\" 王小明\u{202e}\u{7f}", "uris": ["https://a/b", "https://a/c"], "many": long,
            "one": ["x".repeat(200)], "empty": [], "none": null, "of": { "a b": 1.5, "c": {}, "d": [null] },
            "lines": "a\nb",
        });
        table.put_all(fields.as_object().unwrap(), &["name", "uris", "absent"]);
        let expected = r#"
[[applications]]
name = "Notes \"of\" 王小明\u202E\u007F"
uris = ["https://a/b", "https://a/c"]
empty = []
lines = "a\nb"
many = [
  "https://notes-0.example.com/callback",
  "https://notes-1.example.com/callback",
  "https://notes-2.example.com/callback",
  "https://notes-3.example.com/callback",
]
of = { "a b" = 1.5, c = {}, d = [] }
one = ["LONG"]
"#;
        assert_eq!(table.text(), expected.replace("LONG", &"x".repeat(200)));
    }
}
