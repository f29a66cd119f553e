//! `docs/limits.md` says what the constants say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

const OWN: &str = "crates/protocol/src/limits.rs";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows that name a constant: its name, its file, and the documented value.
fn rows() -> Vec<(String, String, String)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (value, place) = (cells.get(2)?, cells.get(4)?);
        let mut quoted = place.split('`').skip(1).step_by(2);
        let name = quoted.next().filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))?;
        Some((name.to_owned(), quoted.next().unwrap_or(OWN).to_owned(), (*value).to_owned()))
    };
    read("docs/limits.md").lines().filter_map(row).collect()
}

/// The value of a constant of `source`, in bytes, seconds or pieces.
fn value(source: &str, name: &str) -> f64 {
    let start = source.find(&format!("const {name}: ")).unwrap_or_else(|| panic!("there is no {name}"));
    let (_, rest) = source[start..].split_once(" = ").unwrap();
    let (expression, _) = rest.split_once(';').unwrap();
    let inner = ["Duration::from_secs(", "Seconds("].iter().find_map(|call| expression.strip_prefix(call));
    let expression = inner.map_or(expression, |inner| inner.trim_end_matches(')'));
    let mut words = expression.split_whitespace();
    let number = |word: &str| match word.replace('_', "").parse() {
        Ok(number) => number,
        Err(_) => value(source, word),
    };
    let mut total: f64 = number(words.next().unwrap());
    while let Some(operator) = words.next() {
        let right = number(words.next().unwrap());
        total = match operator {
            "*" => total * right,
            "/" => total / right,
            "-" => total - right,
            other => panic!("{other} in {expression}"),
        };
    }
    total
}

/// A documented value in the same units.
fn documented(text: &str) -> f64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "" | "B" | "s" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "min" => 60.0,
        "days" => 86_400.0,
        other => panic!("{other} is no unit"),
    };
    number.parse::<f64>().unwrap() * unit
}

#[test]
fn every_documented_value_is_the_one_of_its_constant() {
    let rows = rows();
    assert!(rows.len() > 40, "{}", rows.len());
    for (name, file, shown) in rows {
        // Memory of hashes is counted in KiB by Argon2 itself.
        let unit = if name.ends_with("_KIB_MAX") { 1024.0 } else { 1.0 };
        assert_eq!(documented(&shown), value(&read(&file), &name) * unit, "{name} in {file}");
    }
}

#[test]
fn every_constant_of_the_list_is_documented() {
    let source = read(OWN);
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    let constants: BTreeSet<String> = constants.map(str::to_owned).collect();
    let named: BTreeSet<String> =
        rows().into_iter().filter(|(_, file, _)| file == OWN).map(|(name, ..)| name).collect();
    assert_eq!(named, constants);
}
