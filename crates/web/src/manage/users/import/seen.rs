//! What identifies the users of a file, to notice who is there twice.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use serde_json::Value;
use signet_protocol::{said, user::fold_email};

use super::{FieldProblem, LineProblem, Record};

/// The keys that were met, as keyed hashes: a million users take some fifty megabytes.
#[derive(Default)]
pub(super) struct Seen {
    key: RandomState,
    lines: HashMap<u64, u32>,
}

impl Seen {
    /// Notes a record; refused if an earlier one has one of its keys.
    pub(super) fn note(&mut self, record: &Record) -> Result<(), LineProblem> {
        let line = u32::try_from(record.line).unwrap_or(u32::MAX);
        let text = |key| record.fields.0.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let keys = [
            ("username", text("username").map(str::to_owned)),
            ("email", text("email").map(fold_email)),
            ("phone", text("phone").map(str::to_owned)),
        ];
        let keys = keys.into_iter().filter_map(|(key, value)| Some((key, self.key.hash_one((key, value?)))));
        let keys: Vec<_> = keys.collect();
        for (key, hash) in &keys {
            if let Some(earlier) = self.lines.get(hash) {
                let reason = said!("`{key}` is already on line {earlier}", "`{key}` 已在第 {earlier} 行出现");
                return Err(LineProblem::new(record.line, FieldProblem::new(*key, reason)));
            }
        }
        self.lines.extend(keys.into_iter().map(|(_, hash)| (hash, line)));
        Ok(())
    }
}
