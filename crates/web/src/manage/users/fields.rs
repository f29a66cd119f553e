//! What is said about one user, field by field, from wherever: a form, JSON or a line of a file. It is read by the reader of
//! descriptions, so that a field means the same and is refused for the same everywhere.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use signet_protocol::{
    said,
    said::{Pair, Said},
};

use crate::manage::{
    description::{Description, UserEntry},
    problem::{Problem, shown},
};

/// Fields by the names of a description: `username`, `roles`, `address`, `extended_fields` … `Null` and an empty text take a
/// value away. It may hold a password, so it has no `Debug`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Map<String, Value>);

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// Its name, `extended_fields.level` for one of those; empty when it is about the user as a whole.
    pub field: String,
    /// What is wrong and what would be right. It never holds the value of a secret.
    pub message: Said,
}

impl FieldProblem {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<Said>) -> FieldProblem {
        FieldProblem { field: field.into(), message: message.into() }
    }
}

/// Fields as they were read, with the way back from the lines of problems to their names.
pub(in crate::manage) struct Read {
    /// What they say.
    pub entry: UserEntry,
    names: Vec<String>,
}

impl Read {
    /// The same problems by field.
    pub(in crate::manage) fn by_field(&self, problems: Vec<Problem>) -> Vec<FieldProblem> {
        by_field(&self.names, problems)
    }
}

fn by_field(names: &[String], problems: Vec<Problem>) -> Vec<FieldProblem> {
    let name = |line: usize| line.checked_sub(1).and_then(|line| names.get(line)).cloned();
    let named = |problem: Problem| FieldProblem::new(name(problem.line).unwrap_or_default(), problem.message);
    problems.into_iter().map(named).collect()
}

impl Fields {
    /// Says one field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Fields {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// What is wrong with them by themselves, whoever else there is.
    pub fn check(&self) -> Vec<FieldProblem> {
        self.read().err().unwrap_or_default()
    }

    /// What they say, or everything that is wrong with it.
    pub(in crate::manage) fn read(&self) -> Result<Read, Vec<FieldProblem>> {
        let mut text = Text::default();
        text.line("", "[[users]]");
        let (tables, values): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, value)| value.is_object());
        for (name, value) in values {
            text.value(name, name, value);
        }
        for (name, value) in tables {
            text.line(name, &format!("[users.{}]", key(name)));
            for (part, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null())
            {
                text.value(&format!("{name}.{part}"), part, value);
            }
        }
        let Text { text, names, unreadable } = text;
        if !unreadable.is_empty() {
            return Err(unreadable);
        }
        match Description::parse(&text) {
            Err(problems) => Err(by_field(&names, problems)),
            Ok(mut description) => match description.users.pop() {
                Some(entry) => Ok(Read { entry, names }),
                None => Err(vec![FieldProblem::new("", Pair("nothing is said", "没有任何内容"))]),
            },
        }
    }
}

/// A description of one user, a field on each line.
#[derive(Default)]
struct Text {
    text: String,
    names: Vec<String>,
    unreadable: Vec<FieldProblem>,
}

impl Text {
    fn line(&mut self, name: &str, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.names.push(name.to_owned());
    }

    fn value(&mut self, name: &str, own: &str, value: &Value) {
        let mut line = format!("{} = ", key(own));
        match inline(value, &mut line) {
            Ok(()) => self.line(name, &line),
            Err(reason) => {
                let told = shown(name).escape_debug().to_string();
                let message = said!("`{told}` {reason}", "`{told}` {reason}", reason);
                self.unreadable.push(FieldProblem::new(name, message));
            }
        }
    }
}

/// A key as TOML has it: in quotes, which a JSON text is.
fn key(name: &str) -> String {
    quoted(name)
}

/// A text of JSON is one of TOML but for one character, which JSON leaves as it is.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn inline(value: &Value, line: &mut String) -> Result<(), Pair> {
    match value {
        Value::Null => line.push_str("\"\""),
        Value::Bool(truth) => line.push_str(if *truth { "true" } else { "false" }),
        // Writing to a text cannot fail.
        Value::Number(number) => drop(write!(line, "{number}")),
        Value::String(text) => line.push_str(&quoted(text)),
        Value::Array(list) => {
            line.push('[');
            for entry in list {
                nested(entry, line)?;
                line.push_str(", ");
            }
            line.push(']');
        }
        Value::Object(members) => {
            line.push('{');
            for (number, (name, value)) in members.iter().enumerate() {
                line.push_str(if number == 0 { " " } else { ", " });
                line.push_str(&key(name));
                line.push_str(" = ");
                nested(value, line)?;
            }
            line.push('}');
        }
    }
    Ok(())
}

fn nested(value: &Value, line: &mut String) -> Result<(), Pair> {
    if value.is_null() {
        return Err(Pair(
            "must not have null within lists and objects; leave it out",
            "列表和对象中不得有 null；请去掉",
        ));
    }
    inline(value, line)
}
