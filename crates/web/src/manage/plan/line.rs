//! One difference, for people and for the audit log.

use std::fmt;

use serde_json::{Value, json};

use super::words::Worded;

/// Bytes of a value that the audit log keeps.
const VALUE_BYTES: usize = 4096;

/// One line of a plan. The values of secrets are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    text: String,
    field: Option<(String, Value, Value)>,
}

impl Line {
    /// A field that is new, whatever it would be by default.
    pub fn is_new(key: &str, _: &Value, value: &Value) -> Line {
        Line {
            text: format!("{key}: {}", shown(value)),
            field: Some((key.to_owned(), Value::Null, kept(value))),
        }
    }

    /// A field of which no value is told.
    pub fn words(key: &str, words: &Worded) -> Line {
        Line { text: format!("{key}: {words}"), field: None }
    }

    /// A field that changes.
    pub fn change(key: &str, old: &Value, new: &Value) -> Line {
        let text = format!("{key}: {} → {}", shown(old), shown(new));
        Line { text, field: Some((key.to_owned(), kept(old), kept(new))) }
    }

    /// The field with its old and new value; of a line that is only words those are its words.
    pub fn entry(&self) -> (String, Value) {
        match &self.field {
            Some((key, old, new)) => (key.clone(), json!({ "old": old, "new": new })),
            None => match self.text.split_once(": ") {
                Some((key, words)) => (key.to_owned(), json!({ "is": words })),
                None => ("note".to_owned(), self.text.clone().into()),
            },
        }
    }

    /// The field and what it becomes.
    pub fn becomes(&self) -> Option<(&str, &Value)> {
        self.field.as_ref().map(|(key, _, new)| (key.as_str(), new))
    }
}

impl From<Worded> for Line {
    fn from(text: Worded) -> Line {
        Line { text: text.to_string(), field: None }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    }
}

/// What of a value is kept: of one that is very long its beginning, as text.
fn kept(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= VALUE_BYTES {
        return value.clone();
    }
    let end = (0..=VALUE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}…", text.get(..end).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manage::plan::words;

    #[test]
    fn a_change_is_told_and_kept_with_both_values() {
        let line = Line::change("name", &"Notes".into(), &Value::Null);
        assert_eq!(line.to_string(), "name: \"Notes\" → none");
        assert_eq!(line.entry(), ("name".to_owned(), json!({ "old": "Notes", "new": null })));
        let words = Line::words("secret", &words::CHANGED.words());
        assert_eq!(words.entry(), ("secret".to_owned(), json!({ "is": "changed" })));
    }

    #[test]
    fn of_a_very_long_value_the_beginning_is_kept() {
        let (_, entry) = Line::is_new("picture", &Value::Null, &"é".repeat(5000).into()).entry();
        let new = entry["new"].as_str().unwrap();
        assert!(new.len() < VALUE_BYTES + 8 && new.ends_with('…'), "{}", new.len());
    }
}
