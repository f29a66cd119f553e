//! `scope` (RFC 6749 §3.3, OpenID Connect Core §5.4).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{SCOPE_BYTES, SCOPE_COUNT};

/// A scope value Signet gives a meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the name is the scope value")]
pub enum KnownScope {
    Openid,
    Profile,
    Email,
    Phone,
    Address,
    Username,
    Roles,
    ExternalId,
    ExtendedFields,
    OfflineAccess,
}

impl KnownScope {
    /// Every one, in the order they are shown.
    pub const ALL: &[KnownScope] = &[
        KnownScope::Openid,
        KnownScope::Profile,
        KnownScope::Email,
        KnownScope::Phone,
        KnownScope::Address,
        KnownScope::Username,
        KnownScope::Roles,
        KnownScope::ExternalId,
        KnownScope::ExtendedFields,
        KnownScope::OfflineAccess,
    ];

    /// The value as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            KnownScope::Openid => "openid",
            KnownScope::Profile => "profile",
            KnownScope::Email => "email",
            KnownScope::Phone => "phone",
            KnownScope::Address => "address",
            KnownScope::Username => "username",
            KnownScope::Roles => "roles",
            KnownScope::ExternalId => "external_id",
            KnownScope::ExtendedFields => "extended_fields",
            KnownScope::OfflineAccess => "offline_access",
        }
    }

    fn parse(text: &str) -> Option<KnownScope> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text)
    }
}

/// A set of scope values, in the order asked, without those Signet does not know
/// (OpenID Connect Core §3.1.2.1: scope values not understood should be ignored).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scope(Vec<KnownScope>);

/// The text is not a scope: an illegal character (RFC 6749 §3.3), too long or too many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope must be values of printable ASCII without quotes or backslashes, separated by single spaces")]
pub struct ScopeError;

impl Scope {
    /// Parses a `scope` parameter.
    pub fn parse(text: &str) -> Result<Scope, ScopeError> {
        if text.len() > SCOPE_BYTES {
            return Err(ScopeError);
        }
        let mut scope = Scope::default();
        for (count, token) in text.split(' ').filter(|token| !token.is_empty()).enumerate() {
            let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            if count == SCOPE_COUNT || !token.bytes().all(legal) {
                return Err(ScopeError);
            }
            if let Some(known) = KnownScope::parse(token) {
                scope.insert(known);
            }
        }
        Ok(scope)
    }

    /// Whether `value` is in it.
    pub fn has(&self, value: KnownScope) -> bool {
        self.0.contains(&value)
    }

    /// Adds `value` at the end unless it is there.
    pub fn insert(&mut self, value: KnownScope) {
        if !self.has(value) {
            self.0.push(value);
        }
    }

    /// The same without `value`.
    pub fn without(&self, value: KnownScope) -> Scope {
        Scope(self.0.iter().copied().filter(|v| *v != value).collect())
    }

    /// Whether every value of `other` is in it.
    pub fn covers(&self, other: &Scope) -> bool {
        other.0.iter().all(|value| self.has(*value))
    }

    /// Both together, `self` first.
    pub fn union(&self, other: &Scope) -> Scope {
        let mut all = self.clone();
        other.iter().for_each(|value| all.insert(value));
        all
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = KnownScope> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", value.as_str())?;
        }
        Ok(())
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> String {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Scope, ScopeError> {
        Scope::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_order_and_drops_unknown_and_repeated_values() {
        let scope = Scope::parse("openid  custom email openid offline_access").unwrap();
        assert_eq!(scope.to_string(), "openid email offline_access");
        assert_eq!(scope.without(KnownScope::OfflineAccess).to_string(), "openid email");
        assert_eq!(Scope::parse("OPENID Email").unwrap().to_string(), "", "values are case-sensitive");
    }

    #[test]
    fn attack_21_illegal_long_and_many_values_are_refused() {
        for bad in ["a\"b", "a\\b", "open\tid", "你", "a\nb", "\u{7f}"] {
            assert_eq!(Scope::parse(bad), Err(ScopeError), "{bad:?}");
        }
        assert_eq!(Scope::parse(&"x".repeat(SCOPE_BYTES + 1)), Err(ScopeError));
        assert_eq!(Scope::parse(&"a ".repeat(SCOPE_COUNT + 1)), Err(ScopeError));
        assert!(Scope::parse(&"a ".repeat(SCOPE_COUNT)).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_parses_to_something_that_prints_and_parses_alike(text in "\\PC{0,80}") {
            if let Ok(scope) = Scope::parse(&text) {
                prop_assert_eq!(Scope::parse(&scope.to_string()).unwrap(), scope);
            }
        }

        #[test]
        fn a_union_covers_both(a in "(openid|email|phone|roles| ){0,8}", b in "(profile|email|username| ){0,8}") {
            let (a, b) = (Scope::parse(&a).unwrap(), Scope::parse(&b).unwrap());
            let both = a.union(&b);
            prop_assert!(both.covers(&a) && both.covers(&b));
            prop_assert!(both.iter().all(|v| a.has(v) || b.has(v)));
        }
    }
}
