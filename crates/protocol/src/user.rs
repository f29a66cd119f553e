//! A user of a pool and their profile (OpenID Connect Core §5.1).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    id::{PoolId, UserId},
    limits::IDENTIFIER_BYTES,
    password::PasswordHash,
    said::Pair,
    time::Timestamp,
};

/// The profile by its OpenID claim names. Absent and empty are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the name is the claim")]
pub struct Profile {
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub middle_name: Option<String>,
    pub nickname: Option<String>,
    pub preferred_username: Option<String>,
    pub profile: Option<String>,
    pub picture: Option<String>,
    pub website: Option<String>,
    pub gender: Option<String>,
    pub birthdate: Option<String>,
    pub zoneinfo: Option<String>,
    pub locale: Option<String>,
    pub address: Option<Address>,
}

/// The `address` claim (OpenID Connect Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the name is the member")]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// What the store keeps of a user besides keys and password.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserDetails {
    /// Whether the e-mail was proved to be theirs.
    pub email_verified: bool,
    /// Whether the phone was proved to be theirs.
    pub phone_verified: bool,
    /// Their id in another system.
    pub external_id: Option<String>,
    /// Profile claims.
    pub profile: Profile,
    /// Role codes.
    pub roles: Vec<String>,
    /// Codes of the groups they are in.
    pub groups: Vec<String>,
    /// Fields of the pool's own.
    pub extended_fields: BTreeMap<String, Value>,
    /// [`PasswordHash::fingerprint`] of the imported hash that a hash of our own has replaced since: importing the same
    /// again is no other password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported: Option<String>,
}

/// A user as stored.
#[derive(Clone, Debug)]
pub struct User {
    /// `sub`.
    pub id: UserId,
    /// The pool they belong to.
    pub pool: PoolId,
    /// Unique, case-sensitive.
    pub username: Option<String>,
    /// Unique without regard to case.
    pub email: Option<String>,
    /// Unique, `+` and digits (E.164).
    pub phone: Option<String>,
    /// `None`: cannot sign in by password.
    pub password: Option<PasswordHash>,
    /// A blocked user gets nothing.
    pub blocked: bool,
    /// Everything else.
    pub details: UserDetails,
    /// When anything of it last changed: `updated_at`.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
}

impl User {
    /// What to call them on a page.
    pub fn display_name(&self) -> &str {
        let profile = &self.details.profile;
        [&profile.name, &profile.nickname, &self.username, &self.email, &self.phone]
            .into_iter()
            .find_map(|name| name.as_deref())
            .unwrap_or("?")
    }

    /// The key they know themselves by.
    pub fn account_name(&self) -> &str {
        [&self.username, &self.email, &self.phone].into_iter().find_map(|n| n.as_deref()).unwrap_or("?")
    }

    /// Proof that they may have tokens, or nothing (attack 9).
    pub fn active(self: &Arc<Self>) -> Option<ActiveUser> {
        (!self.blocked).then(|| ActiveUser(Arc::clone(self)))
    }
}

/// A user found not blocked. Only [`User::active`] makes one, and tokens are minted for nobody else.
#[derive(Clone, Debug)]
pub struct ActiveUser(Arc<User>);

impl std::ops::Deref for ActiveUser {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0
    }
}

/// What a person typed to say who they are, sorted into the kinds of key that can match. The kinds exclude each other,
/// so that nobody can take a user name that is another's e-mail or phone (attack 13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginName {
    /// Contains `@`: the folded e-mail.
    Email(String),
    /// Begins with `+`: the phone.
    Phone(String),
    /// Anything else.
    Username(String),
}

impl LoginName {
    /// Sorts what was typed; `None` when it is empty or too long.
    pub fn parse(typed: &str) -> Option<LoginName> {
        let typed = typed.trim();
        if typed.is_empty() || typed.len() > IDENTIFIER_BYTES {
            return None;
        }
        Some(if typed.contains('@') {
            LoginName::Email(fold_email(typed))
        } else if typed.starts_with('+') {
            LoginName::Phone(typed.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect())
        } else {
            LoginName::Username(typed.to_owned())
        })
    }

    /// The text it is looked up and counted by.
    pub fn key(&self) -> &str {
        match self {
            LoginName::Email(text) | LoginName::Phone(text) | LoginName::Username(text) => text,
        }
    }
}

/// The form under which e-mail addresses are compared.
pub fn fold_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether `text` can be a user name: no `@`, no `+` in front, no control characters or outer spaces.
pub fn check_username(text: &str) -> Result<(), Pair> {
    let bad = text.is_empty()
        || text.len() > 128
        || text.contains('@')
        || text.starts_with('+')
        || text.trim() != text
        || text.chars().any(char::is_control);
    if bad {
        Err(Pair(
            "must be 1 to 128 bytes without @, a leading +, outer spaces or control characters",
            "须为 1 到 128 字节，不含 @ 和控制字符，不以 + 开头，首尾没有空格",
        ))
    } else {
        Ok(())
    }
}

/// Whether `text` can be an e-mail address.
pub fn check_email(text: &str) -> Result<(), Pair> {
    let good = text.len() <= IDENTIFIER_BYTES
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.rsplit_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && !local.contains('@')
                && !host.is_empty()
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
    if good {
        Ok(())
    } else {
        Err(Pair(
            "must be an e-mail address such as alice@example.com",
            "须为邮箱地址，例如 alice@example.com",
        ))
    }
}

/// Whether `text` can be a phone number.
pub fn check_phone(text: &str) -> Result<(), Pair> {
    let good = text
        .strip_prefix('+')
        .is_some_and(|digits| (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    if good {
        Ok(())
    } else {
        Err(Pair(
            "must be + and 5 to 15 digits, country code first: +8613800138000",
            "须为 + 和 5 到 15 位数字，以国家代码开头：+8613800138000",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_matches_one_kind_of_key_only() {
        for (typed, name) in [
            (" Alice@Example.com ", LoginName::Email("alice@example.com".into())),
            ("+86 138-0013-8000", LoginName::Phone("+8613800138000".into())),
            ("alice", LoginName::Username("alice".into())),
            ("10023", LoginName::Username("10023".into())),
        ] {
            assert_eq!(LoginName::parse(typed), Some(name));
        }
        assert_eq!(LoginName::parse("  "), None);
        assert_eq!(LoginName::parse(&"a".repeat(IDENTIFIER_BYTES + 1)), None);
    }

    #[test]
    fn attack_13_a_user_name_can_never_be_an_email_or_a_phone() {
        for taken in ["victim@example.com", "+8613800138000", "", " a", "a\u{0}", &"a".repeat(129)] {
            assert!(check_username(taken).is_err(), "{taken:?}");
        }
        assert!(check_username("王小明").is_ok());
    }

    #[test]
    fn emails_and_phones_have_a_form() {
        for good in ["a@b", "alice+x@example.com", "王@例子.中国"] {
            assert!(check_email(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@.b"] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
        assert!(check_phone("+8613800138000").is_ok());
        for bad in ["13800138000", "+", "+12a45678", "+1234567890123456"] {
            assert!(check_phone(bad).is_err(), "{bad}");
        }
    }
}
