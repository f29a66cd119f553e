//! The description of a pool that `signet apply` reads: a TOML text, parsed once into types.
//!
//! Every key is optional here. A missing key means the default when the entry is created and "leave it" when it is
//! updated; an empty text takes a value away. What an entry comes to is known only beside what is stored, so the rules
//! between keys are in [`rules`](super::rules).

mod application;
mod branding;
pub(super) mod check;
mod permission;
mod pool;
mod user;

use std::collections::BTreeMap;

pub use application::ApplicationEntry;
pub use branding::BrandingEntry;
pub use check::SecretEntry;
pub use permission::{AccountEntry, ResourceEntry, RuleEntries};
pub use pool::{ClaimEntry, FieldEntry, PolicyEntry, ScopeEntry};
pub use user::{PasswordEntry, UserEntry};

use signet_protocol::{
    id::{AppId, UserId},
    user::fold_email,
};

use super::{
    problem::Problem,
    reader::{self, Lines, Table},
};

/// What a file says about a pool.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// `[[extended_fields]]`.
    pub extended_fields: Vec<FieldEntry>,
    /// `[[claims]]`.
    pub claims: Vec<ClaimEntry>,
    /// `[[scopes]]`.
    pub scopes: Vec<ScopeEntry>,
    /// `[password_policy]`.
    pub password_policy: Option<PolicyEntry>,
    /// `[[resources]]`: the pool's own.
    pub resources: Vec<ResourceEntry>,
    /// `[[applications]]`.
    pub applications: Vec<ApplicationEntry>,
    /// `[[users]]`.
    pub users: Vec<UserEntry>,
    /// Where its lists begin.
    pub lines: Lines,
}

impl Description {
    /// Parses a file. Refused, all problems at once: a text that is not TOML, an unknown key, a wrong type, an invalid
    /// value, and two entries that claim the same identifier, id, user name, e-mail or phone.
    pub fn parse(text: &str) -> Result<Description, Vec<Problem>> {
        reader::read(text, |root| {
            let description = Description {
                extended_fields: root.tables("extended_fields", FieldEntry::read),
                claims: root.tables("claims", ClaimEntry::read),
                scopes: root.tables("scopes", ScopeEntry::read),
                password_policy: root.table("password_policy", PolicyEntry::read),
                resources: root.tables("resources", ResourceEntry::read),
                applications: root.tables("applications", ApplicationEntry::read),
                users: root.tables("users", UserEntry::read),
                lines: Lines::default(),
            };
            let description = Description { lines: root.lines(), ..description };
            description.check_unique(root);
            description
        })
    }

    /// That an application goes, and nothing else.
    pub fn without_application(id: AppId) -> Description {
        let entry =
            ApplicationEntry { id: Some(id), remove: true, lines: Lines::at(1), ..Default::default() };
        Description { applications: vec![entry], ..Description::default() }
    }

    /// That a user goes, and nothing else.
    pub fn without_user(id: UserId) -> Description {
        Description { users: vec![UserEntry::removal(id, 1)], ..Description::default() }
    }

    /// Whether what it says depends on the pool's own fields, claims and scopes, or changes them.
    pub fn is_about_pool(&self) -> bool {
        let asks = |user: &UserEntry| {
            user.extended_fields.is_some()
                || user.remove
                || matches!(user.password, Some(PasswordEntry::Plain(_)))
        };
        self.users.iter().any(asks)
            || self.applications.iter().any(|application| application.remove)
            || self.password_policy.is_some()
            || self.is_about_permissions()
            || !(self.extended_fields.is_empty() && self.claims.is_empty() && self.scopes.is_empty())
    }

    /// Whether it says anything about resources, accounts and rules.
    pub fn is_about_permissions(&self) -> bool {
        !self.resources.is_empty() || self.applications.iter().any(ApplicationEntry::is_about_permissions)
    }

    /// The keys that are read, by where they stand.
    #[cfg(test)]
    pub fn known_keys() -> BTreeMap<&'static str, std::collections::BTreeSet<&'static str>> {
        [
            ("extended_fields", reader::asked_by(FieldEntry::read)),
            ("claims", reader::asked_by(ClaimEntry::read)),
            ("scopes", reader::asked_by(ScopeEntry::read)),
            ("password_policy", reader::asked_by(PolicyEntry::read)),
            ("resources", reader::asked_by(ResourceEntry::read)),
            ("resources.actions", reader::asked_by(permission::action)),
            ("applications", reader::asked_by(ApplicationEntry::read)),
            ("applications.access_rules", reader::asked_by(application::access_rule)),
            ("applications.resources", reader::asked_by(ResourceEntry::read)),
            ("applications.resources.actions", reader::asked_by(permission::action)),
            ("applications.accounts", reader::asked_by(AccountEntry::read)),
            ("applications.rules", reader::asked_by(permission::rule)),
            ("applications.rules.subject", reader::asked_by(permission::subject)),
            ("applications.rules.restrictions", reader::asked_by(permission::restrictions)),
            ("applications.rules.restrictions.time", reader::asked_by(permission::time)),
            ("applications.rules.restrictions.attributes", reader::asked_by(permission::attribute)),
            ("users", reader::asked_by(UserEntry::read)),
            ("users.address", reader::asked_by(user::address)),
        ]
        .into()
    }

    fn check_unique(&self, root: &mut Table) {
        unique(root, "name", self.extended_fields.iter().map(|entry| (&entry.lines, entry.name.clone())));
        unique(root, "name", self.claims.iter().map(|entry| (&entry.lines, entry.name.clone())));
        unique(root, "name", self.scopes.iter().map(|entry| (&entry.lines, entry.name.clone())));
        let apps = || self.applications.iter();
        unique(root, "id", apps().map(|app| (&app.lines, app.id.map(|id| id.to_string()))));
        unique(
            root,
            "identifier",
            apps().map(|app| (&app.lines, app.identifier.as_ref().map(|label| label.to_string()))),
        );
        let code = |entry: &ResourceEntry| entry.code.clone().map(String::from);
        let codes = |list: &[ResourceEntry], root: &mut Table| {
            unique(root, "code", list.iter().map(|entry| (&entry.lines, code(entry))));
        };
        codes(&self.resources, root);
        self.applications.iter().for_each(|app| codes(&app.resources, root));
        let accounts = || self.applications.iter().flat_map(|app| &app.accounts);
        unique(root, "id", accounts().map(|entry| (&entry.lines, entry.id.map(|id| id.to_string()))));
        let users = || self.users.iter();
        unique(root, "id", users().map(|user| (&user.lines, user.id.map(|id| id.to_string()))));
        unique(root, "username", users().map(|user| (&user.lines, user.username.clone().flatten())));
        let email = |user: &UserEntry| user.email.clone().flatten().map(|email| fold_email(&email));
        unique(root, "email", users().map(|user| (&user.lines, email(user))));
        unique(root, "phone", users().map(|user| (&user.lines, user.phone.clone().flatten())));
    }
}

fn unique<'e>(
    root: &mut Table,
    key: &'static str,
    values: impl Iterator<Item = (&'e reader::Lines, Option<String>)>,
) {
    let mut first = BTreeMap::new();
    for (lines, value) in values {
        let Some(value) = value else { continue };
        let line = lines.of(key);
        if let Some(earlier) = first.get(&value) {
            root.problem(line, format!("`{key}` {value:?} is already on line {earlier}"));
        } else {
            first.insert(value, line);
        }
    }
}

/// One that is removed has nothing but what it is found by.
fn nothing_besides(table: &mut Table, lines: &Lines, found_by: &[&str]) {
    for (key, line) in lines.besides(found_by) {
        table.problem(line, format!("`{key}` and `remove` exclude each other"));
    }
}

/// Replaces what the entry names.
fn put<T: Clone>(to: &mut T, from: &Option<T>) {
    if let Some(value) = from {
        to.clone_from(value);
    }
}
