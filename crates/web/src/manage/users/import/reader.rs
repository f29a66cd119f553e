//! A file of users, record by record.

use std::{collections::BTreeMap, io::BufRead};

use serde_json::{Map, Value};
use signet_protocol::{
    pool::check_field_name,
    said,
    said::{Pair, Said},
    says,
    user_field::FieldType,
};

use super::{
    COLUMNS, LineProblem, RECORD_BYTES, Record,
    csv::{self, Line},
};
use crate::manage::{
    problem::{nearest, shown},
    users::fields::{FieldProblem, Fields},
};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, the names of the fields in the first row.
    Csv,
    /// A JSON object on each line.
    JsonLines,
}

impl Format {
    /// By the name of a file.
    pub fn of_file(name: &str) -> Option<Format> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::JsonLines),
            _ => None,
        }
    }

    /// By its own name.
    pub fn parse(name: &str) -> Option<Format> {
        match name {
            "csv" => Some(Format::Csv),
            "jsonl" => Some(Format::JsonLines),
            _ => None,
        }
    }
}

/// The fields that a column can be called after, beside `address.…` and `extended_fields.…`.
pub const FIELDS: &[&str] = &[
    "username",
    "email",
    "email_verified",
    "phone",
    "phone_verified",
    "password",
    "password_hash",
    "blocked",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "address.formatted",
    "address.street_address",
    "address.locality",
    "address.region",
    "address.postal_code",
    "address.country",
    "roles",
    "groups",
    "external_id",
    "extended_fields",
];

/// Why nothing of a file can be read.
#[derive(Debug)]
pub enum FileError {
    /// Its first row is not one of names.
    Header(Said),
    /// It cannot be read.
    Io(std::io::Error),
}

says!(FileError {
    FileError::Header(reason) => "line 1: {reason}", "第 1 行：{reason}", reason;
    FileError::Io(error) => "the file cannot be read: {error}", "无法读取文件（{error}）";
});

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> FileError {
        FileError::Io(error)
    }
}

/// Reads a file of users.
pub struct Reader<R> {
    source: R,
    format: Format,
    columns: Vec<String>,
    line: usize,
    bytes: u64,
}

/// Counts what goes through.
struct Counting<'s, R>(&'s mut R, u64);

impl<R: BufRead> std::io::Read for Counting<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(into)?;
        self.1 += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counting<'_, R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.1 += amount as u64;
        self.0.consume(amount);
    }
}

impl<R: BufRead> Reader<R> {
    /// Begins a file; of CSV this reads the first row.
    pub fn new(source: R, format: Format) -> Result<Reader<R>, FileError> {
        let mut reader = Reader { source, format, columns: Vec::new(), line: 0, bytes: 0 };
        reader.pass_byte_order_mark()?;
        if format == Format::Csv {
            reader.read_header()?;
        }
        Ok(reader)
    }

    /// The line that was read last.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Bytes that were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next user, or what is wrong with the next line; `None` at the end. Empty lines are passed over.
    pub fn read(&mut self) -> Result<Option<Result<Record, LineProblem>>, FileError> {
        match self.format {
            Format::Csv => self.next_row(),
            Format::JsonLines => self.next_object(),
        }
    }

    /// What editors put before UTF-8.
    fn pass_byte_order_mark(&mut self) -> Result<(), FileError> {
        if self.source.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
            self.source.consume(3);
            self.bytes += 3;
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<(), FileError> {
        let row = self.row()?;
        let empty = Pair("the file is empty; its first row names the fields", "文件为空；第一行应为字段名称");
        let row = row.ok_or_else(|| FileError::Header(empty.into()))?;
        let wrong = |error: csv::CsvError| said!("the first row {error}", "第一行{error}", error);
        let row = row.map_err(|(error, _)| FileError::Header(wrong(error)))?;
        self.line += row.lines;
        let columns: Vec<String> = row.values.iter().map(|name| name.trim().to_owned()).collect();
        for (number, name) in columns.iter().enumerate() {
            check_column(name).map_err(FileError::Header)?;
            if columns.iter().take(number).any(|earlier| earlier == name) {
                let name = shown(name);
                let twice = said!("the column `{name}` is there twice", "列 `{name}` 出现了两次");
                return Err(FileError::Header(twice));
            }
        }
        if !["username", "email", "phone"].iter().any(|key| columns.iter().any(|column| column == key)) {
            let reason = Pair(
                "there must be a column `username`, `email` or `phone`",
                "须有 `username`、`email` 或 `phone` 列",
            );
            return Err(FileError::Header(reason.into()));
        }
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self) -> std::io::Result<Option<Result<csv::Row, (csv::CsvError, usize)>>> {
        let mut source = Counting(&mut self.source, 0);
        let row = csv::row(&mut source, RECORD_BYTES, COLUMNS);
        self.bytes += source.1;
        row
    }

    fn next_row(&mut self) -> Result<Option<Result<Record, LineProblem>>, FileError> {
        loop {
            let Some(row) = self.row()? else { return Ok(None) };
            let line = self.line + 1;
            let row = match row {
                Ok(row) => row,
                Err((error, lines)) => {
                    self.line += lines;
                    return Ok(Some(Err(problem(line, error))));
                }
            };
            self.line += row.lines;
            if row.values.iter().all(String::is_empty) && row.values.len() <= 1 {
                continue;
            }
            if row.values.len() != self.columns.len() {
                let (have, want) = (row.values.len(), self.columns.len());
                let reason = said!(
                    "has {have} values, and the first row names {want}",
                    "有 {have} 个值，而第一行有 {want} 个名称"
                );
                return Ok(Some(Err(problem(line, reason))));
            }
            return Ok(Some(match self.fields(row.values) {
                Ok(fields) => Ok(Record { line, fields, texts: true }),
                Err(found) => Err(LineProblem::new(line, found)),
            }));
        }
    }

    /// An empty value says nothing.
    fn fields(&self, values: Vec<String>) -> Result<Fields, FieldProblem> {
        let mut fields = Map::new();
        for (name, text) in self.columns.iter().zip(values).filter(|(_, text)| !text.is_empty()) {
            let wrong = |reason: Pair| {
                FieldProblem::new(name, said!("`{name}` {reason}", "`{name}` {reason}", reason))
            };
            let value = typed(name, text).map_err(wrong)?;
            match (name.split_once('.'), value) {
                (Some((table, part)), value) => insert(&mut fields, table, part, value),
                (None, Value::Object(members)) => {
                    for (part, value) in members {
                        insert(&mut fields, name, &part, value);
                    }
                }
                (None, value) => drop(fields.insert(name.clone(), value)),
            }
        }
        Ok(Fields(fields))
    }

    fn next_object(&mut self) -> Result<Option<Result<Record, LineProblem>>, FileError> {
        loop {
            let mut text = Vec::new();
            let mut source = Counting(&mut self.source, 0);
            let read = csv::line(&mut source, RECORD_BYTES, &mut text);
            self.bytes += source.1;
            match read? {
                Line::End => return Ok(None),
                Line::TooLong => {
                    self.line += 1;
                    return Ok(Some(Err(problem(self.line, csv::CsvError::TooLong))));
                }
                Line::Whole => self.line += 1,
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(match serde_json::from_slice(&text) {
                Ok(Value::Object(fields)) => {
                    Ok(Record { line: self.line, fields: Fields(fields), texts: false })
                }
                Ok(_) => Err(problem(
                    self.line,
                    Pair(
                        "must be a JSON object: {\"username\": \"alice\"}",
                        "须为 JSON 对象：{\"username\": \"alice\"}",
                    ),
                )),
                // The parser's own words may repeat a value.
                Err(error) => {
                    let column = error.column();
                    let reason = said!("is not JSON from column {column} on", "从第 {column} 列起不是 JSON");
                    Err(problem(self.line, reason))
                }
            }));
        }
    }
}

fn problem(line: usize, reason: impl Into<Said>) -> LineProblem {
    let reason = reason.into();
    LineProblem::new(line, FieldProblem::new("", said!("the line {reason}", "该行{reason}", reason)))
}

fn insert(fields: &mut Map<String, Value>, table: &str, part: &str, value: Value) {
    let members = fields.entry(table).or_insert_with(|| Value::Object(Map::new()));
    if let Some(members) = members.as_object_mut() {
        members.insert(part.to_owned(), value);
    }
}

fn check_column(name: &str) -> Result<(), Said> {
    let extended = name.strip_prefix("extended_fields.");
    if FIELDS.contains(&name) || extended.is_some_and(|name| check_field_name(name).is_ok()) {
        return Ok(());
    }
    let right = match nearest(name, FIELDS.iter().copied()) {
        Some(meant) => said!("did you mean `{meant}`?", "您是否想写 `{meant}`？"),
        None => {
            let all = FIELDS.join(", ");
            said!("valid are {all} and extended_fields.NAME", "有效的有 {all} 和 extended_fields.名称")
        }
    };
    let name = shown(name).escape_debug().to_string();
    Err(said!("unknown column `{name}`, {right}", "未知的列 `{name}`，{right}", right))
}

/// A text as the field of the column has it.
fn typed(name: &str, text: String) -> Result<Value, Pair> {
    match name {
        "email_verified" | "phone_verified" | "blocked" => {
            truth(&text).map(Value::Bool).ok_or(Pair("must be true or false", "须为 true 或 false"))
        }
        "roles" | "groups" => list(&text),
        "extended_fields" => match serde_json::from_str(&text) {
            Ok(Value::Object(members)) => Ok(Value::Object(members)),
            _ => Err(Pair("must be a JSON object", "须为 JSON 对象")),
        },
        _ => Ok(Value::from(text)),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// A JSON list, or codes with semicolons between them.
pub(super) fn list(text: &str) -> Result<Value, Pair> {
    if text.trim_start().starts_with('[') {
        return match serde_json::from_str(text) {
            Ok(Value::Array(list)) => Ok(Value::Array(list)),
            _ => Err(Pair(
                "must be a list: codes with semicolons between them, or a JSON list",
                "须为列表：以分号分隔的编码，或 JSON 列表",
            )),
        };
    }
    let codes = text.split(';').map(str::trim).filter(|code| !code.is_empty());
    Ok(codes.map(Value::from).collect())
}

/// Gives the extended fields of a record of texts the types that the pool declares. What does not fit stays as it is, and is
/// refused for that.
pub(super) fn type_extended(fields: &mut Fields, declared: &BTreeMap<String, FieldType>) {
    let Some(Value::Object(members)) = fields.0.get_mut("extended_fields") else { return };
    for (name, value) in members {
        if let (Some(kind), Some(text)) = (declared.get(name), value.as_str()) {
            *value = typed_field(*kind, text);
        }
    }
}

/// An extended field as somebody wrote it; what is not of its type stays a text, for the rules to say so.
pub fn typed_field(kind: FieldType, text: &str) -> Value {
    let typed = match kind {
        FieldType::Text | FieldType::Date => None,
        FieldType::Number => serde_json::from_str(text.trim()).ok().filter(Value::is_number),
        FieldType::Boolean => truth(text).map(Value::Bool),
        FieldType::List => list(text).ok(),
        FieldType::Any => serde_json::from_str(text).ok(),
    };
    typed.unwrap_or_else(|| text.into())
}
