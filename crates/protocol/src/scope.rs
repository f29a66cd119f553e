//! `scope` (RFC 6749 §3.3, OpenID Connect Core §5.4).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

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

/// One value of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ScopeValue {
    /// A built-in one.
    Known(KnownScope),
    /// Any other: the pool says whether it means something.
    Custom(Arc<str>),
}

impl ScopeValue {
    /// The value as it stands in a request.
    pub fn as_str(&self) -> &str {
        match self {
            ScopeValue::Known(known) => known.as_str(),
            ScopeValue::Custom(text) => text,
        }
    }

    fn parse(text: &str) -> ScopeValue {
        KnownScope::parse(text).map_or_else(|| ScopeValue::Custom(text.into()), ScopeValue::Known)
    }
}

/// A set of scope values, in the order asked. Which of the custom ones mean something,
/// [`PoolSettings::understood`](crate::pool::PoolSettings::understood) knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Scope(Vec<ScopeValue>);

/// The text is not a scope: an illegal character (RFC 6749 §3.3), too long or too many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope must be values of printable ASCII without quotes or backslashes, separated by single spaces")]
pub struct ScopeError;

impl Scope {
    /// Parses a `scope` parameter.
    pub fn parse(text: &str) -> Result<Scope, ScopeError> {
        let count = || text.split(' ').filter(|token| !token.is_empty()).nth(SCOPE_COUNT);
        if text.len() > SCOPE_BYTES || count().is_some() {
            return Err(ScopeError);
        }
        Scope::read(text)
    }

    /// Reads what was written by us, in a row or a token: what several requests asked for may be more than one may.
    pub fn read(text: &str) -> Result<Scope, ScopeError> {
        let mut scope = Scope::default();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            if !token.bytes().all(legal) {
                return Err(ScopeError);
            }
            scope.add(ScopeValue::parse(token));
        }
        Ok(scope)
    }

    fn add(&mut self, value: ScopeValue) {
        if !self.0.contains(&value) {
            self.0.push(value);
        }
    }

    /// Whether `value` is in it.
    pub fn has_value(&self, value: &ScopeValue) -> bool {
        self.0.contains(value)
    }

    /// Whether the built-in `value` is in it.
    pub fn has(&self, value: KnownScope) -> bool {
        self.0.contains(&ScopeValue::Known(value))
    }

    /// Adds the built-in `value` at the end unless it is there.
    pub fn insert(&mut self, value: KnownScope) {
        self.add(ScopeValue::Known(value));
    }

    /// The same without the built-in `value`.
    pub fn without(&self, value: KnownScope) -> Scope {
        let value = ScopeValue::Known(value);
        Scope(self.0.iter().filter(|own| **own != value).cloned().collect())
    }

    /// Those values that `keep` says, and the others, each in order.
    pub fn partition(&self, keep: impl FnMut(&ScopeValue) -> bool) -> (Scope, Scope) {
        let (kept, others) = self.0.iter().cloned().partition(keep);
        (Scope(kept), Scope(others))
    }

    /// Whether every value of `other` is in it.
    pub fn covers(&self, other: &Scope) -> bool {
        other.0.iter().all(|value| self.0.contains(value))
    }

    /// Both together, `self` first.
    pub fn union(&self, other: &Scope) -> Scope {
        let mut all = self.clone();
        other.0.iter().for_each(|value| all.add(value.clone()));
        all
    }

    /// Whether there is no value in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &ScopeValue> {
        self.0.iter()
    }

    /// The values that are not built in.
    pub fn customs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|value| match value {
            ScopeValue::Known(_) => None,
            ScopeValue::Custom(text) => Some(&**text),
        })
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

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Scope, ScopeError> {
        Scope::read(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{SCOPE_NAME_BYTES, SCOPES_PER_POOL};
    use proptest::prelude::*;

    #[test]
    fn keeps_order_and_drops_repeated_values() {
        let scope = Scope::parse("openid  custom email openid custom offline_access book:read").unwrap();
        assert_eq!(scope.to_string(), "openid custom email offline_access book:read");
        assert_eq!(scope.without(KnownScope::OfflineAccess).to_string(), "openid custom email book:read");
        assert_eq!(scope.customs().collect::<Vec<_>>(), ["custom", "book:read"]);
        let (built_in, others) = scope.partition(|value| matches!(value, ScopeValue::Known(_)));
        assert_eq!(built_in.to_string(), "openid email offline_access");
        assert_eq!(others.to_string(), "custom book:read");
        let other_case = Scope::parse("OPENID Email").unwrap();
        assert_eq!(other_case.customs().count(), 2, "values are case-sensitive");
        assert!(!other_case.has(KnownScope::Openid));
    }

    #[test]
    fn what_was_written_is_read_however_long() {
        let text: Vec<String> = (0..SCOPE_COUNT * 2).map(|n| format!("{n}-{}", "x".repeat(40))).collect();
        let text = text.join(" ");
        assert_eq!(Scope::parse(&text), Err(ScopeError));
        assert_eq!(Scope::read(&text).unwrap().to_string(), text);
        assert_eq!(Scope::read("a\"b"), Err(ScopeError));
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap().to_string(), text);
    }

    #[test]
    fn one_request_has_room_for_every_scope_of_a_pool() {
        let built_in = KnownScope::ALL.iter().map(|known| known.as_str().len() + 1).sum::<usize>();
        assert!(built_in + SCOPES_PER_POOL * (SCOPE_NAME_BYTES + 1) <= SCOPE_BYTES);
        assert!(KnownScope::ALL.len() + SCOPES_PER_POOL <= SCOPE_COUNT);
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
        fn every_value_that_was_asked_is_in_it_once_and_in_order(values in prop::collection::vec("[a-z:]{1,3}|openid|email", 0..20)) {
            let scope = Scope::parse(&values.join(" ")).unwrap();
            let mut expected: Vec<&str> = Vec::new();
            for value in &values {
                if !expected.contains(&value.as_str()) {
                    expected.push(value);
                }
            }
            prop_assert_eq!(scope.iter().map(ScopeValue::as_str).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn a_union_covers_both(a in "(openid|email|phone|x|y:z| ){0,8}", b in "(profile|email|x|w| ){0,8}") {
            let (a, b) = (Scope::read(&a).unwrap(), Scope::read(&b).unwrap());
            let both = a.union(&b);
            prop_assert!(both.covers(&a) && both.covers(&b));
            prop_assert!(both.iter().all(|v| a.iter().chain(b.iter()).any(|w| v == w)));
        }
    }
}
