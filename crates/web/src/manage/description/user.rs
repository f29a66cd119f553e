//! `[[users]]`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use signet_protocol::{
    id::UserId,
    limits::{EXTENDED_FIELDS_BYTES, EXTENDED_FIELDS_DEPTH, GROUPS_PER_USER, ROLES_PER_USER},
    password::{PasswordHash, check_new_password},
    said,
    said::Pair,
    secret::Secret,
    user::{Address, Profile, User, check_email, check_phone, check_username, fold_email},
};

use super::{HEX, check, exclude_each_other, nothing_besides, put};
use crate::manage::reader::{Lines, Table};

/// One profile claim: its name, what its text must look like, and where it is kept.
type Claim = (&'static str, fn(&str) -> Result<(), Pair>, fn(&mut Profile) -> &mut Option<String>);

const PROFILE: &[Claim] = &[
    ("name", check::line, |profile| &mut profile.name),
    ("given_name", check::line, |profile| &mut profile.given_name),
    ("family_name", check::line, |profile| &mut profile.family_name),
    ("middle_name", check::line, |profile| &mut profile.middle_name),
    ("nickname", check::line, |profile| &mut profile.nickname),
    ("preferred_username", check::line, |profile| &mut profile.preferred_username),
    ("profile", check::link, |profile| &mut profile.profile),
    ("picture", check::link, |profile| &mut profile.picture),
    ("website", check::link, |profile| &mut profile.website),
    ("gender", check::line, |profile| &mut profile.gender),
    ("birthdate", check::birthdate, |profile| &mut profile.birthdate),
    ("zoneinfo", check::line, |profile| &mut profile.zoneinfo),
    ("locale", check::line, |profile| &mut profile.locale),
];

/// What a file says about somebody's password.
#[derive(Clone, Debug)]
pub enum PasswordEntry {
    /// `password`.
    Plain(Secret),
    /// `password_hash`.
    Hash(PasswordHash),
    /// `password_hash = ""`: they have none.
    Nothing,
}

/// What a file says about one user. The outer `Option` is whether the key is there, an inner one whether it has a value.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::user")]
pub struct UserEntry {
    /// Where its keys stand.
    pub lines: Lines,
    pub id: Option<UserId>,
    pub username: Option<Option<String>>,
    pub email: Option<Option<String>>,
    pub email_verified: Option<bool>,
    pub phone: Option<Option<String>>,
    pub phone_verified: Option<bool>,
    pub blocked: Option<bool>,
    pub roles: Option<Vec<String>>,
    pub groups: Option<Vec<String>>,
    pub external_id: Option<Option<String>>,
    pub extended_fields: Option<BTreeMap<String, Value>>,
    /// Where each of them stands.
    pub field_lines: BTreeMap<String, usize>,
    pub address: Option<Option<Address>>,
    pub password: Option<PasswordEntry>,
    pub remove: bool,
    profile: Vec<(&'static Claim, Option<String>)>,
}

impl UserEntry {
    pub(super) fn read(table: &mut Table) -> UserEntry {
        let entry = UserEntry {
            lines: Lines::default(),
            id: table.parsed("id", |text| UserId::parse(text).ok_or(HEX)),
            username: table.text("username", check_username),
            email: table.text("email", check_email),
            email_verified: table.boolean("email_verified"),
            phone: table.text("phone", check_phone),
            phone_verified: table.boolean("phone_verified"),
            blocked: table.boolean("blocked"),
            roles: table.list("roles", ROLES_PER_USER, check::role),
            groups: table.list("groups", GROUPS_PER_USER, check::role),
            external_id: table.text("external_id", check::line),
            extended_fields: extended_fields(table),
            field_lines: table.lines_in("extended_fields"),
            address: table
                .table("address", address)
                .map(|address| (address != Address::default()).then_some(address)),
            password: password(table),
            remove: table.boolean("remove").unwrap_or(false),
            profile: profile(table),
        };
        let lines = table.lines();
        if entry.remove {
            nothing_besides(table, &lines, &["id", "username", "email", "phone", "remove"]);
        }
        if !["id", "username", "email", "phone"].iter().any(|key| lines.has(key)) {
            let reason = Pair(
                "a user needs a `username`, an `email` or a `phone`",
                "用户须有 `username`、`email` 或 `phone`",
            );
            table.problem(lines.table, reason);
        }
        UserEntry { lines, ..entry }
    }

    /// That this user goes, as `line` says.
    pub fn removal(id: UserId, line: usize) -> UserEntry {
        UserEntry { id: Some(id), remove: true, lines: Lines::at(line), ..UserEntry::default() }
    }

    /// Lays what the entry says over `user`, but for the password, which takes time. An e-mail or phone that changes is
    /// no longer a proved one, unless the entry says that it is.
    pub fn lay_over(&self, user: &mut User) {
        let folded = |user: &User| user.email.as_deref().map(fold_email);
        let (email, phone) = (folded(user), user.phone.clone());
        put(&mut user.username, &self.username);
        put(&mut user.email, &self.email);
        put(&mut user.phone, &self.phone);
        let (same_email, same_phone) = (folded(user) == email, user.phone == phone);
        let details = &mut user.details;
        details.email_verified &= same_email;
        details.phone_verified &= same_phone;
        put(&mut details.email_verified, &self.email_verified);
        put(&mut details.phone_verified, &self.phone_verified);
        put(&mut user.blocked, &self.blocked);
        put(&mut details.roles, &self.roles);
        put(&mut details.groups, &self.groups);
        put(&mut details.external_id, &self.external_id);
        put(&mut details.extended_fields, &self.extended_fields);
        put(&mut details.profile.address, &self.address);
        for ((_, _, place), value) in &self.profile {
            place(&mut details.profile).clone_from(value);
        }
    }
}

fn profile(table: &mut Table) -> Vec<(&'static Claim, Option<String>)> {
    PROFILE.iter().filter_map(|claim| Some((claim, table.text(claim.0, claim.1)?))).collect()
}

pub(super) fn address(table: &mut Table) -> Address {
    let mut part = |key| table.text(key, check::lines).flatten();
    Address {
        formatted: part("formatted"),
        street_address: part("street_address"),
        locality: part("locality"),
        region: part("region"),
        postal_code: part("postal_code"),
        country: part("country"),
    }
}

fn extended_fields(table: &mut Table) -> Option<BTreeMap<String, Value>> {
    let fields: Map<String, Value> = table.json("extended_fields", EXTENDED_FIELDS_DEPTH)?;
    let fields: BTreeMap<String, Value> = fields.into_iter().collect();
    let size = serde_json::to_vec(&fields).map_or(usize::MAX, |bytes| bytes.len());
    if size > EXTENDED_FIELDS_BYTES {
        let line = table.lines().of("extended_fields");
        table.problem(
            line,
            said!(
                "`extended_fields` must be at most {EXTENDED_FIELDS_BYTES} bytes as JSON",
                "`extended_fields` 以 JSON 表示时最多 {EXTENDED_FIELDS_BYTES} 字节"
            ),
        );
        return None;
    }
    Some(fields)
}

fn password(table: &mut Table) -> Option<PasswordEntry> {
    let plain = table.parsed("password", |text| check_new_password(text).map(|()| Secret::new(text)));
    let hash = table.optional("password_hash", PasswordHash::parse);
    let lines = table.lines();
    if lines.has("password") && lines.has("password_hash") {
        table.problem(lines.of("password_hash"), exclude_each_other("password", "password_hash"));
    }
    plain
        .map(PasswordEntry::Plain)
        .or(hash.map(|hash| hash.map_or(PasswordEntry::Nothing, PasswordEntry::Hash)))
}
