//! `docs/conformance.md` names tests that exist.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "docs/conformance.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of each row that is neither the head of a table nor the line below it.
fn rows() -> Vec<Vec<String>> {
    let page = read(&root().join(PAGE));
    let lines = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = lines.map(|line| line.split(" | ").map(str::to_owned).collect());
    cells.filter(|cells: &Vec<String>| cells.first().is_some_and(|first| first != "what")).collect()
}

/// The tests of a source: functions below `#[test]` or `#[tokio::test]`, and those a macro runs on both engines.
fn tests_of(source: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for attribute in ["#[test]", "#[tokio::test"] {
        for rest in source.split(attribute).skip(1) {
            let name =
                rest.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name);
            found.extend(name);
        }
    }
    for call in ["on_both_engines!(", "on_worlds!(", "contract!("] {
        for rest in source.split(call).skip(1) {
            let (names, _) = rest.split_once(')').unwrap_or_default();
            found.extend(names.split(',').map(str::trim).filter(|name| !name.is_empty()));
        }
    }
    found
}

/// Every source of the workspace by its path without `.rs`, with its text.
fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path.with_extension("").display().to_string(), read(&path));
        }
    }
}

/// What is wrong with the tests that a cell names.
fn problems(shown: &str, all: &BTreeMap<String, String>) -> Vec<String> {
    let names: Vec<&str> = shown.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).collect();
    let links: Vec<&str> = shown.split('[').skip(1).collect();
    let mut problems = Vec::new();
    for name in &names {
        let (file, test) = name.split_once("::").unwrap();
        let place = format!("/{file}");
        let mut places = all.iter().filter(|(path, _)| path.ends_with(&place));
        if !places.any(|(_, text)| tests_of(text).contains(test)) {
            problems.push(format!("there is no test {name}"));
        }
    }
    for link in &links {
        let (title, rest) = link.split_once("](../").unwrap_or_else(|| panic!("no test: {link}"));
        let (file, _) = rest.split_once(')').unwrap();
        let source = read(&root().join(file));
        let titled = |quote: &str| source.contains(&format!("test({quote}{title}{quote},"));
        if !["'", "`", "\""].into_iter().any(titled) {
            problems.push(format!("{file} has no test of the title {title}"));
        }
    }
    if names.is_empty() && links.is_empty() && !shown.contains("not yet") {
        problems.push(format!("neither a test nor a word about it: {shown}"));
    }
    problems
}

#[test]
fn every_row_names_tests_that_exist_or_says_that_it_is_not_yet() {
    let mut all = BTreeMap::new();
    sources(&root().join("crates"), &mut all);
    let rows = rows();
    assert!(rows.len() > 60, "{}", rows.len());
    let problems: Vec<String> =
        rows.iter().filter_map(|cells| cells.last()).flat_map(|shown| problems(shown, &all)).collect();
    assert_eq!(problems, Vec::<String>::new());
}
