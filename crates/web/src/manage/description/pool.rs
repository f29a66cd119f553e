//! `[[extended_fields]]`, `[[claims]]`, `[[scopes]]` and `[password_policy]`: what the pool adds to the built-in ones.

use signet_protocol::{
    limits::CLAIMS_PER_POOL,
    password_policy::{MAX_LENGTH, MIN_LENGTH, PasswordPolicy},
    pool::{CustomScope, check_claim_name, check_field_name, check_scope_name},
    said,
    said::{Pair, Said},
    user_field::{FieldType, UserField},
};

use super::{check, exclude_each_other, put};
use crate::manage::reader::{Lines, Table};

/// What a file says about an extended field.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::pool")]
pub struct FieldEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub name: Option<String>,
    pub kind: Option<FieldType>,
    pub remove: bool,
}

/// What a file says about a claim.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::pool")]
pub struct ClaimEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub name: Option<String>,
    pub field: Option<UserField>,
    pub remove: bool,
}

/// What a file says about a scope.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::pool")]
pub struct ScopeEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub name: Option<String>,
    pub claims: Option<Vec<String>>,
    pub description: Option<Option<String>>,
    pub description_zh: Option<Option<String>>,
    pub remove: bool,
}

/// What a file says about new passwords.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::password_policy")]
pub struct PolicyEntry {
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub refuse_common: Option<bool>,
    pub refuse_names: Option<bool>,
}

impl PolicyEntry {
    pub(super) fn read(table: &mut Table) -> PolicyEntry {
        let length = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        PolicyEntry {
            min_length: length(table.characters("min_length", MIN_LENGTH)),
            max_length: length(table.characters("max_length", MAX_LENGTH)),
            refuse_common: table.boolean("refuse_common"),
            refuse_names: table.boolean("refuse_names"),
        }
    }

    /// Lays what the entry says over `policy`.
    pub fn lay_over(&self, policy: &mut PasswordPolicy) {
        put(&mut policy.min_length, &self.min_length);
        put(&mut policy.max_length, &self.max_length);
        put(&mut policy.refuse_common, &self.refuse_common);
        put(&mut policy.refuse_names, &self.refuse_names);
    }
}

impl FieldEntry {
    pub(super) fn read(table: &mut Table) -> FieldEntry {
        let (name, remove) = (name(table, check_field_name), table.boolean("remove").unwrap_or(false));
        let kind = table.choice("type", FieldType::ALL, FieldType::as_str);
        FieldEntry {
            lines: finish(table, Pair("an extended field", "扩展字段"), remove, &["type"]),
            name,
            kind,
            remove,
        }
    }
}

impl ClaimEntry {
    pub(super) fn read(table: &mut Table) -> ClaimEntry {
        let (name, remove) = (name(table, check_claim_name), table.boolean("remove").unwrap_or(false));
        let field = table.parsed("field", UserField::parse);
        ClaimEntry {
            lines: finish(table, Pair("a claim", "声明"), remove, &["field"]), name, field, remove
        }
    }
}

impl ScopeEntry {
    pub(super) fn read(table: &mut Table) -> ScopeEntry {
        let (name, remove) = (name(table, check_scope_name), table.boolean("remove").unwrap_or(false));
        let claims = table.list("claims", CLAIMS_PER_POOL, |text| Ok::<_, Said>(text.to_owned()));
        let description = table.text("description", check::line);
        let description_zh = table.text("description_zh", check::line);
        let lines =
            finish(table, Pair("a scope", "Scope "), remove, &["claims", "description", "description_zh"]);
        ScopeEntry { lines, name, claims, description, description_zh, remove }
    }

    /// Lays what the entry says over `scope`.
    pub fn lay_over(&self, scope: &mut CustomScope) {
        put(&mut scope.claims, &self.claims);
        put(&mut scope.description, &self.description);
        put(&mut scope.description_zh, &self.description_zh);
    }
}

fn name(table: &mut Table, check: fn(&str) -> Result<(), Pair>) -> Option<String> {
    table.parsed("name", |text| check(text).map(|()| text.to_owned()))
}

/// What every such entry keeps to: it has a name, and one that is removed has nothing else.
fn finish(table: &mut Table, what: Pair, remove: bool, others: &[&'static str]) -> Lines {
    let lines = table.lines();
    if !lines.has("name") {
        table.problem(lines.table, said!("{what} needs a `name`", "{what}须有 `name`", what));
    }
    for key in others.iter().filter(|key| remove && lines.has(key)) {
        table.problem(lines.of(key), exclude_each_other(key, "remove"));
    }
    lines
}
