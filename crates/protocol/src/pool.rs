//! What a pool adds to the built-in scopes and claims (OpenID Connect Core §5.1.2 and §5.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    claims::built_in_claims,
    limits::{CLAIM_NAME_BYTES, FIELD_NAME_BYTES, SCOPE_NAME_BYTES},
    mail::MailServer,
    password_policy::PasswordPolicy,
    resource::Asked,
    said::Pair,
    scope::{KnownScope, Scope},
    sign_in::SignIn,
    throttle::Throttle,
    user::User,
    user_field::{FieldType, UserField},
};

/// What a pool is called until somebody names it.
pub const DEFAULT_NAME: &str = "Default pool";

/// The settings of a pool that are stored together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolSettings {
    /// The extended fields that users have, by name. When none is declared, they have any.
    pub extended_fields: BTreeMap<String, FieldType>,
    /// The pool's own claims: name and what each is made of.
    pub claims: BTreeMap<String, UserField>,
    /// The pool's own scopes, by value.
    pub scopes: BTreeMap<String, CustomScope>,
    /// What new passwords must be.
    pub password_policy: PasswordPolicy,
    /// Languages, names that people sign in by, and how long logins last.
    pub sign_in: SignIn,
    /// When failed logins have to wait.
    pub throttle: Throttle,
    /// By which messages are sent.
    pub mail: Option<MailServer>,
    /// What the pool is called.
    #[serde(skip)]
    pub name: String,
    /// Counts the changes; an update names the version it was made from.
    #[serde(skip)]
    pub version: i64,
}

/// A scope of the pool's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomScope {
    /// The claims it gives, by name: built-in ones and the pool's own.
    pub claims: Vec<String>,
    /// What the consent page says of it.
    pub description: Option<String>,
    /// The same in Chinese.
    pub description_zh: Option<String>,
}

impl PoolSettings {
    /// `scope` without the values that mean nothing: neither scopes of users here nor scope items (OpenID Connect Core §3.1.2.1: they should be ignored).
    pub fn understood(&self, scope: Scope) -> Scope {
        scope.partition(|value| Asked::sort(value, self) != Asked::Malformed).0
    }

    /// What the claim `name` is made of, if this pool has such a claim of the user.
    pub fn field_of(&self, name: &str) -> Option<UserField> {
        let built_in = built_in_claims().find(|(claim, _)| *claim == name);
        built_in.map(|(_, field)| UserField::Basic(field)).or_else(|| self.claims.get(name).cloned())
    }

    /// The claims that the custom values of `scope` give, and what they are made of. None is a claim of the protocol.
    pub fn claims_of<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a str, UserField)> {
        let scopes = scope.customs().filter_map(|name| self.scopes.get(name));
        let names = scopes.flat_map(|scope| scope.claims.iter().map(String::as_str));
        let own = names.filter(|name| !is_protocol_claim(name));
        own.filter_map(|name| self.field_of(name).map(|field| (name, field)))
    }

    /// What `user` has in `field`; `Null` for nothing, and for what is not of the type that an extended field has today.
    pub fn value(&self, user: &User, field: &UserField) -> Value {
        match field {
            UserField::Basic(basic) => basic.value(user),
            UserField::Extended(name) => {
                let typed =
                    |value: &&Value| self.extended_fields.get(name).is_none_or(|kind| kind.takes(value));
                let value = user.details.extended_fields.get(name).filter(typed);
                value.filter(|value| !is_blank(value)).cloned().unwrap_or(Value::Null)
            }
        }
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Claims that tokens, user info or logout tokens have for the protocol's own use, now or by a registered extension (the
/// IANA registry of JSON Web Token Claims). Nobody else can make one.
pub const PROTOCOL_CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "rt_hash",
    "acr",
    "amr",
    "sub_jwk",
    "sid",
    "sub_id",
    "scope",
    "client_id",
    "cnf",
    "act",
    "may_act",
    "events",
    "toe",
    "txn",
    "vot",
    "vtm",
    "active",
    "token_type",
    "token_introspection",
    "authorization_details",
    "verified_claims",
    "_claim_names",
    "_claim_sources",
];

/// Whether `name` is one of [`PROTOCOL_CLAIMS`], in whatever case: some clients read the members of a token without
/// regard to it. A language tag (`name#zh`, OpenID Connect Core §5.2) is no part of the name.
pub fn is_protocol_claim(name: &str) -> bool {
    let base = name.split('#').next().unwrap_or_default();
    PROTOCOL_CLAIMS.iter().any(|claim| claim.eq_ignore_ascii_case(base))
}

/// Whether `name` can be a claim of an operator's own.
///
/// Refused, with what is wrong: a name of another form, of the protocol, or of a built-in claim.
pub fn check_claim_name(name: &str) -> Result<(), Pair> {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    let shaped = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(legal);
    if is_protocol_claim(name) {
        Err(Pair(
            "is a claim of the protocol, which only Signet makes; take another name",
            "是协议自身的声明，只能由 Signet 生成，请另选名称",
        ))
    } else if !shaped || name.len() > CLAIM_NAME_BYTES {
        Err(Pair(
            "must be 1 to 128 printable ASCII characters without spaces, quotes and backslashes, a letter first",
            "须为 1 到 128 个可打印 ASCII 字符，以字母开头，不含空格、引号和反斜杠",
        ))
    } else if built_in_claims().any(|(claim, _)| claim.eq_ignore_ascii_case(name)) {
        Err(Pair(
            "is a built-in claim, which cannot be changed; take another name",
            "是内置声明，不能更改，请另选名称",
        ))
    } else {
        Ok(())
    }
}

/// Whether `name` can be a scope of the pool's own: no built-in one, and without a colon, which resources have.
pub fn check_scope_name(name: &str) -> Result<(), Pair> {
    if KnownScope::ALL.iter().any(|known| known.as_str().eq_ignore_ascii_case(name)) {
        Err(Pair(
            "is a built-in scope, which cannot be changed; take another name",
            "是内置的 scope，不能更改，请另选名称",
        ))
    } else if !is_word(name, "_-.", SCOPE_NAME_BYTES) {
        Err(Pair(
            "must be 1 to 48 letters, digits, underscores, hyphens and full stops",
            "须为 1 到 48 个字母、数字、下划线、连字符或点",
        ))
    } else {
        Ok(())
    }
}

/// Whether `name` can be an extended field.
pub fn check_field_name(name: &str) -> Result<(), Pair> {
    let good = is_word(name, "_-", FIELD_NAME_BYTES);
    good.then_some(()).ok_or(Pair(
        "must be 1 to 64 letters, digits, underscores and hyphens",
        "须为 1 到 64 个字母、数字、下划线或连字符",
    ))
}

/// Whether `text` has 1 to `most` letters, digits and characters of `besides`.
pub(crate) fn is_word(text: &str, besides: &str, most: usize) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || besides.contains(c);
    (1..=most).contains(&text.len()) && text.chars().all(legal)
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
