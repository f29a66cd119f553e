//! What a reader says of values that are not as they have to be.

use std::collections::BTreeSet;

use signet_protocol::{
    said,
    said::{Pair, Said},
};

use crate::manage::problem::{ranked, shown};

pub const STRING: Pair = Pair("a string", "字符串");
pub const STRINGS: Pair = Pair("a list of strings", "字符串列表");
pub const TRUTH: Pair = Pair("true or false", " true 或 false");
pub const TABLE: Pair = Pair("a table", "表");

pub fn tables(key: &str) -> Said {
    said!("a list of tables: [[{key}]]", "表的列表：[[{key}]]")
}

/// What is wrong with the value of a key.
pub fn about(key: &str, reason: impl Into<Said>) -> Said {
    let reason = reason.into();
    said!("`{key}` {reason}", "`{key}` {reason}", reason)
}

/// What is wrong with an entry of a list.
pub fn within(key: &str, text: &str, reason: impl Into<Said>) -> Said {
    let (text, reason) = (shown(text), reason.into());
    said!("{text:?} in `{key}` {reason}", "`{key}` 中的 {text:?} {reason}", reason)
}

/// Keys that an error names.
const NAMED: usize = 10;

/// Which keys there are, or the nearest of many.
pub fn valid(name: &str, keys: &BTreeSet<&'static str>) -> Said {
    let quoted = |keys: Vec<&str>| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    if keys.len() <= NAMED {
        let all = quoted(keys.iter().copied().collect());
        return said!("valid are {all}", "有效的有 {all}");
    }
    let near = quoted(ranked(name, keys.iter().copied()).into_iter().take(3).collect());
    let number = keys.len();
    said!(
        "the nearest are {near}; docs/configuration.md has all {number}",
        "最接近的有 {near}；全部 {number} 个见 docs/configuration.md"
    )
}
