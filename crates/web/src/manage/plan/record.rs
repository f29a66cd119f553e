//! A plan as the audit log has it: one record for each entry that is created, changed or removed.

use serde_json::Value;
use signet_store::{
    Change,
    audit::{Action as Done, Entry, Named, Origin},
};

use super::{Action, Line, Plan, Step};

/// What entries are called in a plan, and as targets of records.
const KINDS: &[(&str, &str)] = &[
    ("application ", "application"),
    ("user ", "user"),
    ("account ", "account"),
    ("resource ", "resource"),
    ("rules of ", "rules"),
    ("extended field ", "extended_field"),
    ("claim ", "claim"),
    ("scope ", "scope"),
];

/// The id of what a change is about, if that has one.
pub(super) fn id_of(change: &Change) -> Option<String> {
    match change {
        Change::InsertApplication(one) | Change::UpdateApplication(one) => Some(one.id.to_string()),
        Change::InsertAccount(one) | Change::UpdateAccount(one) | Change::DeleteAccount(one) => {
            Some(one.id.to_string())
        }
        Change::DeleteApplication(one) => Some(one.id.to_string()),
        Change::InsertUser(one) | Change::UpdateUser(one) | Change::DeleteUser(one) => {
            Some(one.id.to_string())
        }
        Change::Resources { of, .. } => of.map(|of| of.to_string()),
        Change::Rules { of, .. } => Some(of.to_string()),
        _ => None,
    }
}

impl Plan {
    /// The records of what it does, as acts of `origin`.
    pub fn entries(&self, origin: &Origin) -> Vec<Entry> {
        self.steps.iter().filter_map(|step| step.entry(origin)).collect()
    }
}

impl Step {
    fn entry(&self, origin: &Origin) -> Option<Entry> {
        let (done, lines) = match &self.action {
            Action::Create(lines) => (Done::Create, lines.as_slice()),
            Action::Update(lines) => (switched(lines).unwrap_or(Done::Update), lines.as_slice()),
            Action::Remove(_) => (Done::Delete, [].as_slice()),
            Action::Unchanged | Action::Absent => return None,
        };
        let known =
            KINDS.iter().find_map(|(begins, kind)| Some((*kind, self.what.as_str().strip_prefix(begins)?)));
        let (kind, name) = known.unwrap_or(("pool", self.what.as_str()));
        let target = Named { id: self.id.clone(), ..Named::only(name) };
        let entry = Entry::of_admin(done, origin.clone()).on(kind, target);
        Some(lines.iter().map(Line::entry).fold(entry, told))
    }
}

/// The same with one line more; several of one key are a list.
fn told(mut entry: Entry, (key, value): (String, Value)) -> Entry {
    match entry.detail.get_mut(&key) {
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
        None => return entry.with(&key, value),
    }
    entry
}

/// An update that does nothing but switch something on or off, or replace its secret.
fn switched(lines: &[Line]) -> Option<Done> {
    let [line] = lines else { return None };
    if line.to_string() == "secret: changed" {
        return Some(Done::RefreshSecret);
    }
    match line.becomes()? {
        ("enabled", Value::Bool(true)) | ("blocked", Value::Bool(false)) => Some(Done::Enable),
        ("enabled", Value::Bool(false)) | ("blocked", Value::Bool(true)) => Some(Done::Disable),
        _ => None,
    }
}
