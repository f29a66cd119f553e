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
mod settings;
mod user;

use std::collections::BTreeMap;

pub use application::ApplicationEntry;
pub use branding::BrandingEntry;
pub use check::SecretEntry;
pub use permission::{AccountEntry, ResourceEntry, RuleEntries};
pub use pool::{ClaimEntry, FieldEntry, PolicyEntry, ScopeEntry};
pub use settings::{MailEntry, PoolEntry, ThrottleEntry};
pub use user::{PasswordEntry, UserEntry};

use signet_protocol::{
    id::{AppId, UserId},
    said,
    said::{Pair, Said},
    user::fold_email,
};

use signet_store::{MasterKey, SecretOf};

use super::{
    export::{SEALED_WITH, Wrapped},
    problem::Problem,
    reader::{self, Lines, Table},
};

/// What a file says about a pool.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// `[pool]`.
    pub pool: Option<PoolEntry>,
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
    /// `[sealed_with]`: the key of its sealed secrets, until they are opened with it.
    pub sealed_with: Option<Wrapped>,
    /// Where its lists begin.
    pub lines: Lines,
}

impl Description {
    /// Parses a file. Refused, all problems at once: a text that is not TOML, an unknown key, a wrong type, an invalid
    /// value, and two entries that claim the same identifier, id, user name, e-mail or phone.
    pub fn parse(text: &str) -> Result<Description, Vec<Problem>> {
        reader::read(text, |root| {
            let description = Description {
                pool: root.table("pool", PoolEntry::read),
                extended_fields: root.tables("extended_fields", FieldEntry::read),
                claims: root.tables("claims", ClaimEntry::read),
                scopes: root.tables("scopes", ScopeEntry::read),
                password_policy: root.table("password_policy", PolicyEntry::read),
                resources: root.tables("resources", ResourceEntry::read),
                applications: root.tables("applications", ApplicationEntry::read),
                users: root.tables("users", UserEntry::read),
                sealed_with: sealed_with(root),
                lines: Lines::default(),
            };
            let description = Description { lines: root.lines(), ..description };
            description.check_unique(root);
            description
        })
    }

    /// Opens its secrets with the key that came with it; all that does not open is refused with its line.
    pub fn unseal(&mut self, key: &MasterKey) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for application in &mut self.applications {
            let of = application.id.map(SecretOf::Application);
            unseal(key, &mut application.secret, (of, &application.lines), &mut problems);
            for account in &mut application.accounts {
                let of = account.id.map(SecretOf::Account);
                unseal(key, &mut account.secret, (of, &account.lines), &mut problems);
            }
        }
        if let Some(mail) = self.pool.as_mut().and_then(|pool| pool.mail.as_mut()) {
            mail.unseal(key, &mut problems);
        }
        self.sealed_with = None;
        if problems.is_empty() { Ok(()) } else { Err(problems) }
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
            || self.pool.is_some()
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
            ("pool", reader::asked_by(PoolEntry::read)),
            ("pool.throttle", reader::asked_by(ThrottleEntry::read)),
            ("pool.mail", reader::asked_by(MailEntry::read)),
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

fn sealed_with(root: &mut Table) -> Option<Wrapped> {
    let members = root.json(SEALED_WITH, 1)?;
    let line = root.lines().of(SEALED_WITH);
    let wrapped = Wrapped::read(members, line);
    if wrapped.is_none() {
        root.problem(
            line,
            Pair(
                "`sealed_with` is not as signet export wrote it; export it again",
                "`sealed_with` 与 signet export 写出的不一致；请重新导出",
            ),
        );
    }
    wrapped
}

fn unseal(
    key: &MasterKey,
    secret: &mut Option<SecretEntry>,
    (of, lines): (Option<SecretOf>, &Lines),
    problems: &mut Vec<Problem>,
) {
    let Some(SecretEntry::Sealed(text)) = secret else { return };
    let opened = match of {
        None => Err(Pair(
            "`secret` is sealed for one `id`, which has to be there as well",
            "`secret` 是为某个 `id` 封存的，须同时填写该 `id`",
        )),
        Some(of) => key.open_exported(of, text).map_err(|_| {
            Pair(
                "`secret` was sealed with another key or for another `id`, or was changed since; export it again",
                "`secret` 是用另一个密钥或为另一个 `id` 封存的，或此后被改动；请重新导出",
            )
        }),
    };
    match opened {
        Ok(opened) => *secret = Some(SecretEntry::Plain(opened)),
        Err(reason) => problems.push(Problem::new(lines.of("secret"), reason)),
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
            root.problem(
                line,
                said!(
                    "`{key}` {value:?} is already on line {earlier}",
                    "`{key}` {value:?} 已在第 {earlier} 行出现"
                ),
            );
        } else {
            first.insert(value, line);
        }
    }
}

/// One that is removed has nothing but what it is found by.
fn nothing_besides(table: &mut Table, lines: &Lines, found_by: &[&str]) {
    for (key, line) in lines.besides(found_by) {
        table.problem(line, exclude_each_other(key, "remove"));
    }
}

/// What an id is.
const HEX: Pair = Pair("must be 24 lower-case hexadecimal digits", "须为 24 位小写十六进制数字");

/// Two keys of which an entry has one at the most.
fn exclude_each_other(one: &str, other: &str) -> Said {
    said!("`{one}` and `{other}` exclude each other", "`{one}` 与 `{other}` 不能同时使用")
}

/// Replaces what the entry names.
fn put<T: Clone>(to: &mut T, from: &Option<T>) {
    if let Some(value) = from {
        to.clone_from(value);
    }
}
