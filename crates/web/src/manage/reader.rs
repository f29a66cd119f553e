//! Reads a TOML text key by key and collects everything that is wrong with it.
//!
//! A key is known because it is asked for: what remains unasked when a table is done is an unknown key, and a near
//! one of those that were asked for is named, or all of them. No message repeats a value, but for entries of lists and names of choices,
//! which are never secrets.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    ops::RangeInclusive,
};

use serde_json::Value as Json;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::{Problem, must_be_one_of, nearest};

/// Where a table and the keys that were asked of it stand, so that a later check can still name the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The line of the table itself.
    pub table: usize,
    keys: BTreeMap<&'static str, usize>,
}

impl Lines {
    /// The line of `key`, or of the table when it has no such key.
    pub fn of(&self, key: &str) -> usize {
        self.keys.get(key).copied().unwrap_or(self.table)
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
        // What a broken text seems to say would only add noise.
        return Err(log.problems);
    }
    let mut table = Table::new(root.get_ref(), 1, &mut log);
    let value = read(&mut table);
    table.finish();
    log.problems.sort();
    if log.problems.is_empty() { Ok(value) } else { Err(log.problems) }
}

/// What the parser says, on one line, and the name of a key that is there twice.
fn message(text: &str, error: &toml::de::Error) -> String {
    let key = error.span().and_then(|span| text.get(span));
    match (error.message(), key) {
        ("duplicate key", Some(key)) => format!("the key `{}` is there twice", key.trim()),
        (message, _) => message.replace('\n', ", "),
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

    fn report(&mut self, offset: usize, message: impl Into<String>) {
        self.problems.push(Problem::new(self.line(offset), message));
    }
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
        let lines = Lines { table: line, keys: BTreeMap::new() };
        Table { entries, asked: BTreeSet::new(), lines, log }
    }

    /// The lines of the keys that were asked for so far.
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// The text of `key`, turned into what it means by `parse`, whose error says what is valid ("must be …").
    pub fn parsed<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let found = self.find(key)?;
        let Some(text) = found.get_ref().as_str() else { return self.wrong_type(key, found, "a string") };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(found, format!("`{key}` {error}")),
        }
    }

    /// A text that keeps to `check`; `Some(None)` when it is empty, which takes a value away.
    pub fn text(
        &mut self,
        key: &'static str,
        check: impl FnOnce(&str) -> Result<(), &'static str>,
    ) -> Option<Option<String>> {
        self.parsed(key, |text| match text {
            "" => Ok(None),
            text => check(text).map(|()| Some(text.to_owned())),
        })
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
    pub fn list<T: PartialEq, E: Display>(
        &mut self,
        key: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let found = self.find(key)?;
        let Some(array) = found.get_ref().as_array() else {
            return self.wrong_type(key, found, "a list of strings");
        };
        if array.len() > most {
            return self.refuse(found, format!("`{key}` may have at most {most} entries"));
        }
        let mut values = Vec::new();
        for entry in array.iter() {
            let Some(text) = entry.get_ref().as_str() else {
                self.wrong_type::<T>(key, entry, "a list of strings");
                continue;
            };
            match parse(text) {
                Ok(value) if values.contains(&value) => {
                    self.refuse::<T>(entry, format!("{text:?} is twice in `{key}`"));
                }
                Ok(value) => values.push(value),
                Err(error) => drop(self.refuse::<T>(entry, format!("{text:?} in `{key}` {error}"))),
            }
        }
        Some(values)
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let found = self.find(key)?;
        match found.get_ref().as_bool() {
            Some(value) => Some(value),
            None => self.wrong_type(key, found, "true or false"),
        }
    }

    /// A number of seconds within `range`.
    pub fn seconds(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let found = self.find(key)?;
        if !found.get_ref().is_integer() {
            return self.wrong_type(key, found, "a whole number of seconds");
        }
        // A number that is too large to be read is also too large.
        if let Some(number) = integer(found.get_ref()).filter(|number| range.contains(number)) {
            return Some(number);
        }
        let (from, to) = range.into_inner();
        self.refuse(found, format!("`{key}` must be {from} to {to} seconds"))
    }

    /// A table of any content, as JSON.
    pub fn json(&mut self, key: &'static str) -> Option<serde_json::Map<String, Json>> {
        let found = self.find(key)?;
        let Some(table) = found.get_ref().as_table() else { return self.wrong_type(key, found, "a table") };
        match json_table(table) {
            Some(value) => Some(value),
            None => self.refuse(found, format!("`{key}` has a number that JSON cannot hold")),
        }
    }

    /// A table whose keys `read` asks for.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table) -> T) -> Option<T> {
        let found = self.find(key)?;
        match found.get_ref().as_table() {
            Some(table) => Some(self.nested(found, table, read)),
            None => self.wrong_type(key, found, "a table"),
        }
    }

    /// A list of tables, `[[key]]`, each of which `read` asks for its keys.
    pub fn tables<T>(&mut self, key: &'static str, read: impl Fn(&mut Table) -> T) -> Vec<T> {
        let Some(found) = self.find(key) else { return Vec::new() };
        let Some(array) = found.get_ref().as_array() else {
            return self.wrong_type(key, found, &format!("a list of tables: [[{key}]]")).unwrap_or_default();
        };
        let mut values = Vec::new();
        for entry in array.iter() {
            match entry.get_ref().as_table() {
                Some(table) => values.push(self.nested(entry, table, &read)),
                None => drop(self.wrong_type::<T>(key, entry, &format!("a list of tables: [[{key}]]"))),
            }
        }
        values
    }

    /// Notes a problem at `line` that only several keys together show.
    pub fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.log.problems.push(Problem::new(line, message));
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
            let valid = || self.asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let right = match nearest(name, self.asked.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("valid are {}", valid()),
            };
            self.log.report(key.span().start, format!("unknown key `{name}`, {right}"));
        }
    }

    fn find(&mut self, key: &'static str) -> Option<Found<'r>> {
        self.asked.insert(key);
        let (name, value) = self.entries.iter().find(|(name, _)| name.get_ref() == key)?;
        self.lines.keys.insert(key, self.log.line(name.span().start));
        Some(value)
    }

    fn refuse<T>(&mut self, found: Found, message: String) -> Option<T> {
        self.log.report(found.span().start, message);
        None
    }

    fn wrong_type<T>(&mut self, key: &str, found: Found, wanted: &str) -> Option<T> {
        let kind = match found.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a floating-point number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date without quotes",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(found, format!("`{key}` must be {wanted}, not {kind}"))
    }
}

fn choose<T: Copy>(text: &str, choices: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    if let Some(choice) = choices.iter().find(|choice| name(**choice) == text) {
        return Ok(*choice);
    }
    let names: Vec<&str> = choices.iter().map(|choice| name(*choice)).collect();
    Err(must_be_one_of(text, &names))
}

fn integer(value: &DeValue) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn json_table(table: &DeTable) -> Option<serde_json::Map<String, Json>> {
    table.iter().map(|(key, value)| Some((key.get_ref().to_string(), json(value.get_ref())?))).collect()
}

fn json(value: &DeValue) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(_) => Json::from(integer(value)?),
        DeValue::Float(number) => {
            serde_json::Number::from_f64(number.as_str().parse().ok()?).map(Json::from)?
        }
        DeValue::Boolean(truth) => Json::from(*truth),
        DeValue::Datetime(moment) => Json::from(moment.to_string()),
        DeValue::Array(list) => list.iter().map(|entry| json(entry.get_ref())).collect::<Option<_>>()?,
        DeValue::Table(table) => Json::Object(json_table(table)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(usize, String)> {
        let outcome = read(text, |root| {
            root.text("name", |_| Ok(()));
            root.parsed("secret", |_| Err::<(), _>("must be longer"));
            root.choice("colour", &["red", "green"], |name| name);
            root.choices("colours", &["red", "green"], |name| name);
            root.seconds("age", 1..=9);
            root.boolean("on");
            root.json("extra");
            root.table("place", |place| place.text("city", |_| Ok(())));
            root.tables("rows", |row| row.boolean("x"));
        });
        outcome.err().unwrap_or_default().into_iter().map(|p| (p.line, p.message)).collect()
    }

    #[test]
    fn every_kind_of_mistake_has_its_line_and_says_what_is_right() {
        for (text, line, message) in [
            ("nam = \"x\"", 1, "unknown key `nam`, did you mean `name`?"),
            ("\n\n[place]\nctiy = \"x\"", 4, "unknown key `ctiy`, did you mean `city`?"),
            ("[[rows]]\nx = true\n[[rows]]\ny = true", 4, "unknown key `y`, did you mean `x`?"),
            (
                "colour_of_the_sky = 1\n[place]",
                1,
                "unknown key `colour_of_the_sky`, valid are `age`, `colour`, `colours`, `extra`, `name`, `on`, `place`, `rows`, `secret`",
            ),
            ("name = \"x\"\nname = \"y\"", 2, "the key `name` is there twice"),
            ("[place]\ncity = \"x\"\n[place]", 3, "the key `place` is there twice"),
            ("place = { city = \"x\", city = \"y\" }", 1, "the key `city` is there twice"),
            ("name = 5", 1, "`name` must be a string, not a number"),
            ("name = 2001-02-03", 1, "`name` must be a string, not a date without quotes"),
            ("colour = \"gren\"", 1, "`colour` must be one of red, green; did you mean \"green\"?"),
            (
                "colours = [\n \"red\",\n \"rad\"]",
                3,
                "\"rad\" in `colours` must be one of red, green; did you mean \"red\"?",
            ),
            ("colours = [\"red\", \"red\"]", 1, "\"red\" is twice in `colours`"),
            ("colours = [\"red\", \"green\", \"red\"]", 1, "`colours` may have at most 2 entries"),
            ("colours = [1]", 1, "`colours` must be a list of strings, not a number"),
            ("age = 10", 1, "`age` must be 1 to 9 seconds"),
            ("age = -1", 1, "`age` must be 1 to 9 seconds"),
            ("age = 99999999999999999999", 1, "`age` must be 1 to 9 seconds"),
            ("age = 1.5", 1, "`age` must be a whole number of seconds, not a floating-point number"),
            ("age = \"5\"", 1, "`age` must be a whole number of seconds, not a string"),
            ("on = \"true\"", 1, "`on` must be true or false, not a string"),
            ("extra = { x = nan }", 1, "`extra` has a number that JSON cannot hold"),
            ("extra = []", 1, "`extra` must be a table, not a list"),
            ("place = true", 1, "`place` must be a table, not true or false"),
            ("[rows]\nx = true", 1, "`rows` must be a list of tables: [[rows]], not a table"),
            ("rows = [1]", 1, "`rows` must be a list of tables: [[rows]], not a number"),
        ] {
            assert_eq!(problems(text), [(line, message.to_owned())], "{text}");
        }
    }

    #[test]
    fn all_problems_come_at_once_in_the_order_of_lines() {
        let lines: Vec<usize> =
            problems("on = 1\nage = 0\nzzz = 1\n\ncolour = \"x\"").iter().map(|p| p.0).collect();
        assert_eq!(lines, [1, 2, 3, 5]);
    }

    #[test]
    fn a_text_that_is_not_toml_has_a_line_too() {
        let found = problems("name = \"x\"\non = = true\n");
        assert_eq!(found[0].0, 2);
    }

    #[test]
    fn attack_25_a_refused_secret_is_not_repeated() {
        let found = problems("secret = \"hunter2\"");
        assert_eq!(found, [(1, "`secret` must be longer".to_owned())]);
        let broken = problems("secret = \"hunter2\nname = 1");
        assert!(!broken.is_empty() && broken.iter().all(|p| !p.1.contains("hunter2")), "{broken:?}");
    }

    #[test]
    fn values_arrive() {
        let read = read("name=\"\"\nextra={a=[1,2.5,true,\"x\"],d=2001-02-03}\nage=0x0A", |root| {
            (root.text("name", |_| Err("x")), root.json("extra"), root.seconds("age", 1..=10))
        });
        let (name, extra, age) = read.unwrap();
        assert_eq!(name, Some(None));
        let extra = Json::Object(extra.unwrap());
        assert_eq!(extra, serde_json::json!({"a": [1, 2.5, true, "x"], "d": "2001-02-03"}));
        assert_eq!(age, Some(10));
    }
}
