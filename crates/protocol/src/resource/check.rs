//! What an operator's rules cannot mean.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use super::{
    ActionName, Actions, AttributeEquals, Namespace, Part, ResourceCode, Resources, Rule, Scalar, Subject,
    admin,
};
use crate::{
    limits::{ATTRIBUTES_PER_RULE, IP_RANGES_PER_RULE, RULES_PER_APPLICATION, RULES_PER_SUBJECT},
    pool::PoolSettings,
    user_field::{BasicField, FieldType, UserField},
};

/// What is wrong with a rule, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The resource does not exist in the namespace named.
    #[error("there is no resource `{}` {}", .0.as_str(), elsewhere(*.1))]
    NoResource(ResourceCode, Namespace),
    /// The resource has no such action.
    #[error("the resource `{}` has no action `{}`; add it there or name another", .0.as_str(), .1.as_str())]
    NoAction(ResourceCode, ActionName),
    /// No resource at all has such an action.
    #[error("no resource has an action `{}`; add it to one or name another", .0.as_str())]
    NoSuchAction(ActionName),
    /// An action is listed twice.
    #[error("the action `{}` is there twice; keep one", .0.as_str())]
    ActionTwice(ActionName),
    /// An account is restricted by what only a user has.
    #[error("an account has no attributes and no second factor; restrict it by `ip` or `time`")]
    NotOfAccounts,
    /// The field has no single value.
    #[error("`{0}` has parts and equals nothing; name one of its parts, or roles and groups as the subject")]
    NotScalar(UserField),
    /// The pool declares extended fields, and not this one.
    #[error("the pool has no field `{0}`; declare it or name another")]
    NoField(UserField),
    /// The field never has such a value.
    #[error("`{0}` must equal {1}")]
    WrongType(UserField, &'static str),
    /// One field is compared twice.
    #[error("`{0}` is there twice; keep one")]
    FieldTwice(UserField),
    /// The number cannot be compared exactly.
    #[error("a number must be within 9007199254740991 of 0")]
    TooGreat,
    /// Too many ranges.
    #[error("a rule has at most {IP_RANGES_PER_RULE} IP ranges; make two of it")]
    TooManyRanges,
    /// Too many attributes.
    #[error("a rule compares at most {ATTRIBUTES_PER_RULE} attributes; leave some out")]
    TooManyAttributes,
    /// Too many about one subject.
    #[error("an application has at most {RULES_PER_SUBJECT} rules about the same; use `*`, roles or groups")]
    TooManyOfOne,
    /// Too many altogether.
    #[error("an application has at most {RULES_PER_APPLICATION} rules; use roles or groups")]
    TooMany,
}

fn elsewhere(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Application => {
            "of the application; add it, or say namespace = \"pool\" for one of the pool's"
        }
        Namespace::Pool => "of the pool; add it, or leave `namespace` out for one of the application's",
    }
}

/// Whether `rules` can be meant in an application with the resources `own`, in a pool with `pool` and `settings`. Whether
/// their accounts and users exist is for whoever knows those.
///
/// # Errors
/// What is wrong, by place in the list; of one rule, the first thing.
pub fn check_rules(
    rules: &[Rule],
    own: &Resources,
    pool: &Resources,
    settings: &PoolSettings,
) -> Result<(), Vec<(usize, RuleError)>> {
    let mut count: HashMap<&Subject, usize> = HashMap::new();
    let mut errors = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let about = count.entry(&rule.subject).or_default();
        *about += 1;
        let crowded = (*about == RULES_PER_SUBJECT + 1).then_some(RuleError::TooManyOfOne);
        let full = (at == RULES_PER_APPLICATION).then_some(RuleError::TooMany);
        let own = check_actions(rule, own, pool).and_then(|()| check_restrictions(rule, settings));
        errors.extend(own.err().or(crowded).or(full).map(|error| (at, error)));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn check_actions(rule: &Rule, own: &Resources, pool: &Resources) -> Result<(), RuleError> {
    let listed: &[ActionName] = match &rule.actions {
        Actions::All => &[],
        Actions::Listed(listed) => listed,
    };
    if let Some(name) = twice(listed) {
        return Err(RuleError::ActionTwice(name.clone()));
    }
    let Part::One(name) = &rule.resource else {
        let known = |action: &&ActionName| {
            let action = Part::One(action.as_str());
            own.define(action, None) || pool.define(action, None)
        };
        let unknown = listed.iter().find(|action| !known(action));
        return unknown.map_or(Ok(()), |action| Err(RuleError::NoSuchAction(action.clone())));
    };
    let resources = match name.namespace {
        Namespace::Application => own,
        Namespace::Pool => pool,
    };
    let built_in = name.namespace == Namespace::Pool && admin::is_admin(name.code.as_str());
    let resource = if built_in { admin::resource(None) } else { resources.find(name.code.as_str()) };
    let resource = resource.ok_or_else(|| RuleError::NoResource(name.code.clone(), name.namespace))?;
    let unknown = listed.iter().find(|action| !resource.defines(Part::One(action.as_str())));
    unknown.map_or(Ok(()), |action| Err(RuleError::NoAction(name.code.clone(), action.clone())))
}

fn check_restrictions(rule: &Rule, settings: &PoolSettings) -> Result<(), RuleError> {
    let restrictions = &rule.restrictions;
    let of_users = restrictions.mfa.is_some() || !restrictions.attributes.is_empty();
    if of_users && matches!(rule.subject, Subject::Account(_)) {
        return Err(RuleError::NotOfAccounts);
    }
    if restrictions.ip.len() > IP_RANGES_PER_RULE {
        return Err(RuleError::TooManyRanges);
    }
    if restrictions.attributes.len() > ATTRIBUTES_PER_RULE {
        return Err(RuleError::TooManyAttributes);
    }
    if let Some(field) = twice(restrictions.attributes.iter().map(|attribute| &attribute.field)) {
        return Err(RuleError::FieldTwice(field.clone()));
    }
    restrictions.attributes.iter().try_for_each(|attribute| check_attribute(attribute, settings))
}

fn check_attribute(attribute: &AttributeEquals, settings: &PoolSettings) -> Result<(), RuleError> {
    let AttributeEquals { field, equals } = attribute;
    if matches!(equals, Scalar::Whole(number) if number.unsigned_abs() >= 1 << 53) {
        return Err(RuleError::TooGreat);
    }
    let kind = match field {
        UserField::Basic(basic) => match basic {
            BasicField::Roles | BasicField::Groups | BasicField::Address | BasicField::ExtendedFields => {
                return Err(RuleError::NotScalar(field.clone()));
            }
            BasicField::EmailVerified | BasicField::PhoneVerified => FieldType::Boolean,
            BasicField::UpdatedAt => FieldType::Number,
            _ => FieldType::Text,
        },
        UserField::Extended(_) if settings.extended_fields.is_empty() => FieldType::Any,
        UserField::Extended(name) => match settings.extended_fields.get(name) {
            None => return Err(RuleError::NoField(field.clone())),
            Some(FieldType::List) => return Err(RuleError::NotScalar(field.clone())),
            Some(kind) => *kind,
        },
    };
    let fits = kind.takes(&equals.to_value());
    if fits { Ok(()) } else { Err(RuleError::WrongType(field.clone(), kind.what())) }
}

/// The first that stands there a second time.
pub(super) fn twice<'a, T: Eq + Hash>(list: impl IntoIterator<Item = &'a T>) -> Option<&'a T> {
    let mut seen = HashSet::new();
    list.into_iter().find(|one| !seen.insert(*one))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
