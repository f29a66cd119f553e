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
    said::Pair,
    says,
    user_field::{BasicField, FieldType, UserField},
};

/// What is wrong with a rule, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// The resource does not exist in the namespace named.
    NoResource(ResourceCode, Namespace),
    /// The resource has no such action.
    NoAction(ResourceCode, ActionName),
    /// No resource at all has such an action.
    NoSuchAction(ActionName),
    /// An action is listed twice.
    ActionTwice(ActionName),
    /// An account is restricted by what only a user has.
    NotOfAccounts,
    /// The field has no single value.
    NotScalar(UserField),
    /// The pool declares extended fields, and not this one.
    NoField(UserField),
    /// The field never has such a value.
    WrongType(UserField, Pair),
    /// One field is compared twice.
    FieldTwice(UserField),
    /// The number cannot be compared exactly.
    TooGreat,
    /// Too many ranges.
    TooManyRanges,
    /// Too many attributes.
    TooManyAttributes,
    /// Too many about one subject.
    TooManyOfOne,
    /// Too many altogether.
    TooMany,
}

says!(RuleError {
    RuleError::NoResource(code, Namespace::Application) =>
        "there is no resource `{code}` of the application; add it, or say namespace = \"pool\" for one of the pool's",
        "应用没有资源 `{code}`；请添加该资源，若指用户池的资源，请设置 namespace = \"pool\"";
    RuleError::NoResource(code, Namespace::Pool) =>
        "there is no resource `{code}` of the pool; add it, or leave `namespace` out for one of the application's",
        "用户池没有资源 `{code}`；请添加该资源，若指应用的资源，请去掉 `namespace`";
    RuleError::NoAction(code, action) =>
        "the resource `{code}` has no action `{action}`; add it there or name another",
        "资源 `{code}` 没有操作 `{action}`；请在资源中添加，或改用其他操作";
    RuleError::NoSuchAction(action) =>
        "no resource has an action `{action}`; add it to one or name another",
        "没有任何资源具有操作 `{action}`；请在某个资源中添加，或改用其他操作";
    RuleError::ActionTwice(action) =>
        "the action `{action}` is there twice; keep one",
        "操作 `{action}` 出现了两次；请只保留一个";
    RuleError::NotOfAccounts =>
        "an account has no attributes and no second factor; restrict it by `ip` or `time`",
        "账户没有用户属性，也没有第二因素；请用 `ip` 或 `time` 加以限制";
    RuleError::NotScalar(field) =>
        "`{field}` has parts and equals nothing; name one of its parts, or roles and groups as the subject",
        "`{field}` 由多个部分组成，无法与单个值比较；请指定其中一个部分，或将角色、分组作为主体";
    RuleError::NoField(field) =>
        "the pool has no field `{field}`; declare it or name another",
        "用户池没有字段 `{field}`；请先声明该字段，或改用其他字段";
    RuleError::WrongType(field, wanted) => "`{field}` must equal {wanted}", "`{field}` 须等于{wanted}", wanted;
    RuleError::FieldTwice(field) => "`{field}` is there twice; keep one", "`{field}` 出现了两次；请只保留一个";
    RuleError::TooGreat => "a number must be within 9007199254740991 of 0", "数字的绝对值不得超过 9007199254740991";
    RuleError::TooManyRanges =>
        "a rule has at most {IP_RANGES_PER_RULE} IP ranges; make two of it",
        "一条规则最多有 {IP_RANGES_PER_RULE} 个 IP 段；请拆分为两条规则";
    RuleError::TooManyAttributes =>
        "a rule compares at most {ATTRIBUTES_PER_RULE} attributes; leave some out",
        "一条规则最多比较 {ATTRIBUTES_PER_RULE} 个属性；请减少一些";
    RuleError::TooManyOfOne =>
        "an application has at most {RULES_PER_SUBJECT} rules about the same; use `*`, roles or groups",
        "一个应用针对同一主体最多有 {RULES_PER_SUBJECT} 条规则；请使用 `*`、角色或分组";
    RuleError::TooMany =>
        "an application has at most {RULES_PER_APPLICATION} rules; use roles or groups",
        "一个应用最多有 {RULES_PER_APPLICATION} 条规则；请使用角色或分组";
});

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
