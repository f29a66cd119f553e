//! `resource[:id]:action`: the values of `scope` that stand for resources.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::{is_action, is_code, is_id};
use crate::{pool::PoolSettings, said::Pair, scope::ScopeValue};

/// Stands for all, now and later.
const ANY: &str = "*";

/// One part of an item or of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part<T> {
    /// `*`: all there are and will be.
    Any,
    /// This one alone.
    One(T),
}

impl<T> Part<T> {
    /// From `*`, or what `one` reads.
    ///
    /// # Errors
    /// Those of `one`.
    pub fn parse<E>(text: &str, one: impl FnOnce(&str) -> Result<T, E>) -> Result<Part<T>, E> {
        if text == ANY { Ok(Part::Any) } else { one(text).map(Part::One) }
    }

    /// The same of what `change` makes of the one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Part<U> {
        match self {
            Part::Any => Part::Any,
            Part::One(one) => Part::One(change(one)),
        }
    }

    /// The one.
    pub fn one(self) -> Option<T> {
        match self {
            Part::Any => None,
            Part::One(one) => Some(one),
        }
    }

    /// Whether all of `other` is in it.
    pub(super) fn covers(&self, other: &Part<T>) -> bool
    where
        T: PartialEq,
    {
        match (self, other) {
            (Part::Any, _) => true,
            (Part::One(own), Part::One(other)) => own == other,
            (Part::One(_), Part::Any) => false,
        }
    }

    /// Whether anything of `other` is in it.
    pub(super) fn meets(&self, other: &Part<T>) -> bool
    where
        T: PartialEq,
    {
        match (self, other) {
            (Part::One(own), Part::One(other)) => own == other,
            _ => true,
        }
    }
}

impl<T: AsRef<str>> Part<T> {
    /// The same as text.
    pub fn as_deref(&self) -> Part<&str> {
        match self {
            Part::Any => Part::Any,
            Part::One(one) => Part::One(one.as_ref()),
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Part::Any => ANY,
            Part::One(one) => one.as_ref(),
        }
    }
}

impl<T: AsRef<str>> Serialize for Part<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: TryFrom<String, Error = Pair>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Part::parse(&text, |text| T::try_from(text.to_owned())).map_err(serde::de::Error::custom)
    }
}

/// What an item says, part by part. What it denotes is every combination of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeItem<'a> {
    /// The code of the resource.
    pub resource: Part<&'a str>,
    /// Which thing of it.
    pub id: Part<&'a str>,
    /// What is done with it.
    pub action: Part<&'a str>,
}

impl<'a> ScopeItem<'a> {
    /// Reads a value of `scope`: `resource`, `resource:action` or `resource:id:action`, where `*` may stand for any part
    /// and a part that is left out is `*`. Two parts are never resource and identifier.
    ///
    /// `None`: it is no item.
    pub fn parse(text: &'a str) -> Option<ScopeItem<'a>> {
        let mut parts = text.splitn(4, ':');
        let (resource, second, third) = (parts.next()?, parts.next(), parts.next());
        let (id, action) = match (second, third) {
            (Some(id), Some(action)) => (id, action),
            (action, _) => (ANY, action.unwrap_or(ANY)),
        };
        let item = ScopeItem {
            resource: part(resource, is_code)?,
            id: part(id, is_id)?,
            action: part(action, is_action)?,
        };
        parts.next().is_none().then_some(item)
    }
}

fn part(text: &str, is_one: fn(&str) -> bool) -> Option<Part<&str>> {
    match text {
        ANY => Some(Part::Any),
        text => is_one(text).then_some(Part::One(text)),
    }
}

/// What a value of a request's `scope` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// A scope of users: a built-in one, or one of the pool's own. Neither has a colon, so only a resource that is asked
    /// for by its code alone can be hidden by one; `book:*` says the same as `book` and never is.
    User,
    /// An item.
    Item(ScopeItem<'a>),
    /// Neither: it means nothing.
    Malformed,
}

impl<'a> Asked<'a> {
    /// Sorts `value`, asked in a pool with `settings`.
    pub fn sort(value: &'a ScopeValue, settings: &PoolSettings) -> Asked<'a> {
        match value {
            ScopeValue::Known(_) => Asked::User,
            ScopeValue::Custom(text) if settings.scopes.contains_key(&**text) => Asked::User,
            ScopeValue::Custom(text) => ScopeItem::parse(text).map_or(Asked::Malformed, Asked::Item),
        }
    }
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
