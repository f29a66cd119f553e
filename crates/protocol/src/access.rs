//! Which users may use an application: its default, and its entries for users, roles and groups.

use serde::{Deserialize, Serialize};

use crate::{
    application::{ActiveApplication, names},
    error::{ErrorCode, Refusal, refuse},
    id::UserId,
    user::{ActiveUser, User},
};

names!(
    /// What an entry, or the default, says.
    Effect {
        /// They may use it.
        Allow = "allow",
        /// They may not.
        Deny = "deny",
    }
);

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// One user.
    User(UserId),
    /// Whoever has the role of this code.
    Role(String),
    /// Whoever is in the group of this code.
    Group(String),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// Whom it is about.
    #[serde(flatten)]
    pub whom: Whom,
    /// What it says of them.
    pub effect: Effect,
    /// One that is not enabled counts for nothing.
    pub enabled: bool,
}

impl AccessRule {
    fn is_about(&self, user: &User) -> bool {
        match &self.whom {
            Whom::User(id) => *id == user.id,
            Whom::Role(code) => user.details.roles.contains(code),
            Whom::Group(code) => user.details.groups.contains(code),
        }
    }
}

/// What `rules` say of `user`: an entry beats the default, and among entries one that denies beats those that allow.
pub fn effect(default: Effect, rules: &[AccessRule], user: &User) -> Effect {
    let about = rules.iter().filter(|rule| rule.enabled && rule.is_about(user));
    // `Deny` is the greater of the two.
    about.map(|rule| rule.effect).max().unwrap_or(default)
}

/// The application's rules do not admit the user.
pub const NOT_ADMITTED: Refusal =
    refuse(ErrorCode::AccessDenied, "the user may not use this application; ask its administrator")
        .by("admission", "RFC 6749 §4.1.2.1");

impl ActiveApplication {
    /// Proof that `user` may use this application, or nothing (attack 18).
    pub fn admit(&self, user: ActiveUser) -> Option<AdmittedUser> {
        let settings = &self.settings;
        let allowed = effect(settings.access_default, &settings.access_rules, &user) == Effect::Allow;
        allowed.then_some(AdmittedUser(user))
    }
}

/// A user whom an application's rules admit. Only [`ActiveApplication::admit`] makes one, and nothing is issued or minted
/// for anybody else.
#[derive(Clone, Debug)]
pub struct AdmittedUser(ActiveUser);

impl std::ops::Deref for AdmittedUser {
    type Target = ActiveUser;

    fn deref(&self) -> &ActiveUser {
        &self.0
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
