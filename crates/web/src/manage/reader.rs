//! Reads a TOML text key by key and collects everything that is wrong with it.
//!
//! A key is known because it is asked for: what remains unasked when a table is done is an unknown key, and a near
//! one of those that were asked for is named, or the few nearest. No message repeats a value, but for entries of lists and names of choices,
//! which are never secrets.

mod syntax;
mod values;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use serde_json::Value as Json;
use signet_protocol::{
    said,
    said::{Pair, Said},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use self::{
    syntax::message,
    values::{NotJson, integer, json_table},
    words::{STRING, STRINGS, TABLE, TRUTH, about, tables, valid, within},
};
use super::problem::{PROBLEMS_MAX, Problem, must_be_one_of, nearest, shown};

/// Where a table and the keys that were asked of it stand, so that a later check can still name the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The line of the table itself.
    pub table: usize,
    keys: BTreeMap<&'static str, usize>,
}

impl Lines {
    /// Of a table without keys.
    pub fn at(line: usize) -> Lines {
        Lines { table: line, keys: BTreeMap::new() }
    }

    /// The line of `key`, or of the table when it has no such key.
    pub fn of(&self, key: &str) -> usize {
        self.keys.get(key).copied().unwrap_or(self.table)
    }

    /// The keys it has other than these, right or wrong, with their lines.
    pub fn besides<'l>(&'l self, keys: &'l [&str]) -> impl Iterator<Item = (&'static str, usize)> + 'l {
        let others = self.keys.iter().filter(|(key, _)| !keys.contains(key));
        others.map(|(key, line)| (*key, *line))
    }

    /// Whether the table has `key`, right or wrong.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }
}

/// Reads `text`: `read` asks for its keys. All problems come together, in the order of their lines.
pub fn read<T>(text: &str, read: impl FnOnce(&mut Table) -> T) -> Result<T, Vec<Problem>> {
    let mut log = Log::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        log.report(at, message(text, &error));
    }
    if !log.problems.is_empty() {
        dismantle(root.into_inner());
        // What a broken text seems to say would only add noise.
        return Err(log.all());
    }
    let mut table = Table::new(root.get_ref(), 1, &mut log);
    let value = read(&mut table);
    table.finish();
    dismantle(root.into_inner());
    if log.problems.is_empty() { Ok(value) } else { Err(log.all()) }
}

/// Drops a tree level by level. The parser bounds brackets and dots each by themselves, so together they go thousands of
/// levels deep, and a drop that calls itself for each would end the process.
fn dismantle(root: DeTable) {
    let mut values: Vec<DeValue> = vec![DeValue::Table(root)];
    while let Some(value) = values.pop() {
        match value {
            DeValue::Table(table) => values.extend(table.into_iter().map(|(_, value)| value.into_inner())),
            DeValue::Array(list) => values.extend(list.into_iter().map(Spanned::into_inner)),
            _ => {}
        }
    }
}

struct Log {
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
}

impl Log {
    fn new(text: &str) -> Log {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Log { line_starts: after_breaks.collect(), problems: Vec::new() }
    }

    fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset) + 1
    }

    fn report(&mut self, offset: usize, message: impl Into<Said>) {
        self.note(Problem::new(self.line(offset), message));
    }

    fn note(&mut self, problem: Problem) {
        if self.problems.len() <= PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    fn is_full(&self) -> bool {
        self.problems.len() > PROBLEMS_MAX
    }

    /// All of them by line; of too many, the first found.
    fn all(mut self) -> Vec<Problem> {
        let full = self.is_full();
        self.problems.truncate(PROBLEMS_MAX);
        self.problems.sort();
        if full {
            let line = self.problems.last().map_or(1, |problem| problem.line);
            self.problems.push(Problem::new(
                line,
                Pair("and there is more; correct these first", "还有更多问题；请先改正以上各项"),
            ));
        }
        self.problems
    }
}

/// The keys that `read` asks of a table.
#[cfg(test)]
pub fn asked_by<T>(read: impl FnOnce(&mut Table) -> T) -> BTreeSet<&'static str> {
    let (entries, mut log) = (DeTable::new(), Log::new(""));
    let mut table = Table::new(&entries, 1, &mut log);
    read(&mut table);
    table.asked
}

/// A table being read. Every getter answers `None` for a missing key, and for a wrong value after noting it.
pub struct Table<'r> {
    entries: &'r DeTable<'r>,
    asked: BTreeSet<&'static str>,
    lines: Lines,
    log: &'r mut Log,
}

type Found<'r> = &'r Spanned<DeValue<'r>>;

impl<'r> Table<'r> {
    fn new(entries: &'r DeTable<'r>, line: usize, log: &'r mut Log) -> Table<'r> {
        Table { entries, asked: BTreeSet::new(), lines: Lines::at(line), log }
    }

    /// The lines of the keys that were asked for so far.
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// The text of `key`, turned into what it means by `parse`, whose error says what is valid ("must be …").
    pub fn parsed<T, E: Into<Said>>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let found = self.find(key)?;
        let Some(text) = found.get_ref().as_str() else { return self.wrong_type(key, found, STRING) };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(found, about(key, error)),
        }
    }

    /// A text that keeps to `check`; `Some(None)` when it is empty, which takes a value away.
    pub fn text(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<(), Pair>,
    ) -> Option<Option<String>> {
        self.optional(key, |text| check(text).map(|()| text.to_owned()))
    }

    /// The text of `key`, turned into what it means by `parse`; `Some(None)` when it is empty, which takes a value away.
    pub fn optional<T, E: Into<Said>>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        self.parsed(key, |text| if text.is_empty() { Ok(None) } else { parse(text).map(Some) })
    }

    /// One of a list of names.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        self.parsed(key, |text| choose(text, choices, name))
    }

    /// One of a list of names; `Some(None)` when it is empty, which takes a value away.
    pub fn optional_choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<Option<T>> {
        self.optional(key, |text| choose(text, choices, name))
    }

    /// Several of a list of names, none of them twice.
    pub fn choices<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        choices: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<Vec<T>> {
        self.list(key, choices.len(), |text| choose(text, choices, name))
    }

    /// A list of at most `most` different texts.
    pub fn list<T: PartialEq, E: Into<Said>>(
        &mut self,
        key: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let found = self.find(key)?;
        let Some(array) = found.get_ref().as_array() else {
            return self.wrong_type(key, found, STRINGS);
        };
        if array.len() > most {
            return self
                .refuse(found, said!("`{key}` may have at most {most} entries", "`{key}` 最多有 {most} 项"));
        }
        let mut values = Vec::new();
        for entry in array.iter() {
            let Some(text) = entry.get_ref().as_str() else {
                self.wrong_type::<T>(key, entry, STRINGS);
                continue;
            };
            match parse(text) {
                Ok(value) if values.contains(&value) => {
                    let text = shown(text);
                    self.refuse::<T>(
                        entry,
                        said!("{text:?} is twice in `{key}`", "{text:?} 在 `{key}` 中出现了两次"),
                    );
                }
                Ok(value) => values.push(value),
                Err(error) => drop(self.refuse::<T>(entry, within(key, text, error))),
            }
        }
        Some(values)
    }

    /// How many entries the list of `key` has; `None`: it is no list.
    pub fn length(&self, key: &str) -> Option<usize> {
        let (_, value) = self.entries.iter().find(|(name, _)| name.get_ref() == key)?;
        value.get_ref().as_array().map(|list| list.len())
    }

    /// A list of at most `most` texts or tables of the same meaning.
    pub fn texts_or_tables<T, E: Into<Said>>(
        &mut self,
        key: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, E>,
        read: impl Fn(&mut Table) -> Option<T>,
    ) -> Option<Vec<T>> {
        let found = self.find(key)?;
        let wanted = Pair("a list of strings or tables", "字符串或表的列表");
        let Some(array) = found.get_ref().as_array() else { return self.wrong_type(key, found, wanted) };
        if array.len() > most {
            return self
                .refuse(found, said!("`{key}` may have at most {most} entries", "`{key}` 最多有 {most} 项"));
        }
        let mut values = Vec::new();
        for entry in array.iter() {
            match entry.get_ref() {
                DeValue::Table(table) => values.extend(self.nested(entry, table, &read)),
                DeValue::String(text) => match parse(text) {
                    Ok(value) => values.push(value),
                    Err(error) => drop(self.refuse::<T>(entry, within(key, text, error))),
                },
                _ => drop(self.wrong_type::<T>(key, entry, wanted)),
            }
        }
        Some(values)
    }

    /// A text, a whole number or a boolean, as JSON.
    pub fn scalar(&mut self, key: &'static str) -> Option<Json> {
        let found = self.find(key)?;
        match found.get_ref() {
            DeValue::String(text) => Some(Json::from(text.as_ref())),
            DeValue::Boolean(truth) => Some(Json::from(*truth)),
            DeValue::Integer(_) => match integer(found.get_ref()) {
                Some(number) => Some(Json::from(number)),
                None => self.refuse(found, said!("`{key}` is too large a number", "`{key}` 的数值过大")),
            },
            _ => self.wrong_type(
                key,
                found,
                Pair("a string, a whole number or true or false", "字符串、整数、true 或 false"),
            ),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let found = self.find(key)?;
        match found.get_ref().as_bool() {
            Some(value) => Some(value),
            None => self.wrong_type(key, found, TRUTH),
        }
    }

    /// A number of seconds within `range`.
    pub fn seconds(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.number(key, range, Pair("seconds", "秒"))
    }

    /// A number of days within `range`.
    pub fn days(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.number(key, range, Pair("days", "天"))
    }

    /// A number of characters within `range`.
    pub fn characters(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.number(key, range, Pair("characters", "个字符"))
    }

    /// A number of failures within `range`.
    pub fn failures(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.number(key, range, Pair("failures", "次失败"))
    }

    /// A port.
    pub fn port(&mut self, key: &'static str) -> Option<i64> {
        self.number(key, 1..=65_535, Pair("a port", "端口"))
    }

    fn number(&mut self, key: &'static str, range: RangeInclusive<i64>, of: Pair) -> Option<i64> {
        let found = self.find(key)?;
        if !found.get_ref().is_integer() {
            return self.wrong_type(key, found, said!("a whole number of {of}", "整数（{of}）", of));
        }
        // A number that is too large to be read is also too large.
        if let Some(number) = integer(found.get_ref()).filter(|number| range.contains(number)) {
            return Some(number);
        }
        let (from, to) = range.into_inner();
        self.refuse(
            found,
            said!("`{key}` must be {from} to {to} {of}", "`{key}` 须为 {from} 到 {to} {of}", of),
        )
    }

    /// A table of any content, as JSON, of at most `depth` levels.
    pub fn json(&mut self, key: &'static str, depth: usize) -> Option<serde_json::Map<String, Json>> {
        let found = self.find(key)?;
        let Some(table) = found.get_ref().as_table() else { return self.wrong_type(key, found, TABLE) };
        match json_table(table, depth) {
            Ok(value) => Some(value),
            Err(NotJson::Number) => self.refuse(
                found,
                said!("`{key}` has a number that JSON cannot hold", "`{key}` 中有 JSON 无法表示的数字"),
            ),
            Err(NotJson::Deep) => self.refuse(
                found,
                said!("`{key}` may be at most {depth} levels deep", "`{key}` 最多嵌套 {depth} 层"),
            ),
        }
    }

    /// The lines of the keys of the table `key`, whatever they are; none if it is no table.
    pub fn lines_in(&self, key: &str) -> BTreeMap<String, usize> {
        let found = self.entries.iter().find(|(name, _)| name.get_ref() == key);
        let table = found.and_then(|(_, value)| value.get_ref().as_table());
        let keys = table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| (key.get_ref().to_string(), self.log.line(key.span().start))).collect()
    }

    /// A table whose keys `read` asks for.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table) -> T) -> Option<T> {
        let found = self.find(key)?;
        match found.get_ref().as_table() {
            Some(table) => Some(self.nested(found, table, read)),
            None => self.wrong_type(key, found, TABLE),
        }
    }

    /// A list of tables, `[[key]]`, each of which `read` asks for its keys.
    pub fn tables<T>(&mut self, key: &'static str, read: impl Fn(&mut Table) -> T) -> Vec<T> {
        let Some(found) = self.find(key) else { return Vec::new() };
        let Some(array) = found.get_ref().as_array() else {
            return self.wrong_type(key, found, tables(key)).unwrap_or_default();
        };
        let mut values = Vec::new();
        for entry in array.iter() {
            match entry.get_ref().as_table() {
                Some(table) => values.push(self.nested(entry, table, &read)),
                None => drop(self.wrong_type::<T>(key, entry, tables(key))),
            }
        }
        values
    }

    /// Notes a problem at `line` that only several keys together show.
    pub fn problem(&mut self, line: usize, message: impl Into<Said>) {
        self.log.note(Problem::new(line, message));
    }

    fn nested<T>(
        &mut self,
        found: Found<'r>,
        entries: &'r DeTable<'r>,
        read: impl FnOnce(&mut Table) -> T,
    ) -> T {
        let mut table = Table::new(entries, self.log.line(found.span().start), &mut *self.log);
        let value = read(&mut table);
        table.finish();
        value
    }

    fn finish(self) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if self.asked.contains(name) {
                continue;
            }
            if self.log.is_full() {
                // To find the nearest key takes time, and nobody would be told.
                return;
            }
            let right = match nearest(name, self.asked.iter().copied()) {
                Some(meant) => said!("did you mean `{meant}`?", "您是否想写 `{meant}`？"),
                None => valid(name, &self.asked),
            };
            let name = shown(name).escape_debug().to_string();
            self.log.report(
                key.span().start,
                said!("unknown key `{name}`, {right}", "未知的键 `{name}`，{right}", right),
            );
        }
    }

    fn find(&mut self, key: &'static str) -> Option<Found<'r>> {
        self.asked.insert(key);
        let (name, value) = self.entries.iter().find(|(name, _)| name.get_ref() == key)?;
        self.lines.keys.insert(key, self.log.line(name.span().start));
        Some(value)
    }

    fn refuse<T>(&mut self, found: Found, message: Said) -> Option<T> {
        self.log.report(found.span().start, message);
        None
    }

    fn wrong_type<T>(&mut self, key: &str, found: Found, wanted: impl Into<Said>) -> Option<T> {
        let kind = match found.get_ref() {
            DeValue::String(_) => STRING,
            DeValue::Integer(_) => Pair("a number", "数字"),
            DeValue::Float(_) => Pair("a floating-point number", "浮点数"),
            DeValue::Boolean(_) => TRUTH,
            DeValue::Datetime(_) => Pair("a date without quotes", "不带引号的日期"),
            DeValue::Array(_) => Pair("a list", "列表"),
            DeValue::Table(_) => TABLE,
        };
        let wanted = wanted.into();
        self.refuse(
            found,
            said!("`{key}` must be {wanted}, not {kind}", "`{key}` 须为{wanted}，而不是{kind}", wanted, kind),
        )
    }
}

/// The one of `choices` that `text` names.
///
/// # Errors
/// Which there are.
pub fn choose<T: Copy>(text: &str, choices: &[T], name: fn(T) -> &'static str) -> Result<T, Said> {
    if let Some(choice) = choices.iter().find(|choice| name(**choice) == text) {
        return Ok(*choice);
    }
    let names: Vec<&str> = choices.iter().map(|choice| name(*choice)).collect();
    Err(must_be_one_of(text, &names))
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
