//! The decision.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use super::{
    ApiIdentifier, Asked, Namespace, Part, Resource, Resources, Rule, ScopeItem, Subject, admin,
    indicator::UNKNOWN_API,
};
use crate::{
    access::Effect,
    error::Refusal,
    id::{AccountId, UserId},
    pool::PoolSettings,
    scope::{Scope, ScopeValue},
    time::Timestamp,
    user::User,
};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A programmatic access account, which gets no scope of users.
    Account(AccountId),
    /// A user, through the application: with the roles and groups they have.
    User(&'a User),
}

/// An API that resources of the application or the pool belong to. Only [`Permissions::api`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api<'a>(&'a ApiIdentifier);

impl<'a> Api<'a> {
    /// Its identifier: the audience of a token for it.
    pub fn identifier(self) -> &'a ApiIdentifier {
        self.0
    }

    /// Its identifier as text.
    pub fn as_str(self) -> &'a str {
        self.0.as_str()
    }
}

/// What is asked for, and all that the answer depends on besides resources and rules.
#[derive(Clone, Copy, Debug)]
pub struct ScopeCase<'a> {
    /// What is asked for.
    pub scope: &'a Scope,
    /// The one API the token is for, if the request names one (RFC 8707 §2).
    pub api: Option<Api<'a>>,
    /// Who asks.
    pub caller: Caller<'a>,
    /// The pool's scopes and extended fields.
    pub settings: &'a PoolSettings,
    /// Whom the request comes from: for a user's tokens the user's browser, and nobody where that is not known.
    pub ip: Option<IpAddr>,
    /// When.
    pub now: Timestamp,
    /// Whether the login had a second factor, where that is known.
    pub mfa: Option<bool>,
}

/// What was asked for, sorted. Together the two have each value once, as it was written and in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the token gets: scopes of users, unless an account asks, and items that rules allow.
    pub granted: Scope,
    /// `rejected_scope`.
    pub rejected: Scope,
}

/// Why one value is granted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because<'a> {
    /// It is a scope of users, and a user asks.
    ScopeOfUsers,
    /// It is a scope of users, and an account asks.
    OnlyUsers,
    /// It is neither a scope nor an item.
    Malformed,
    /// No resource, or no action of it, is meant by it today.
    Undefined,
    /// This rule denies some of it.
    Denied(&'a Rule),
    /// This rule allows all of it, and none denies any.
    Allowed(&'a Rule),
    /// This rule would allow all of it, but is restricted, and that does not hold now.
    Unmet(&'a Rule),
    /// No rule allows all of it.
    NoRule,
}

impl Because<'_> {
    /// Whether it is granted.
    pub fn grants(self) -> bool {
        matches!(self, Because::ScopeOfUsers | Because::Allowed(_))
    }
}

/// What the rules of one application allow whom: a snapshot, to be shared and replaced as a whole.
#[derive(Debug, Default)]
pub struct Permissions {
    own: Arc<Resources>,
    pool: Arc<Resources>,
    accounts: HashMap<AccountId, Vec<Rule>>,
    users: HashMap<UserId, Vec<Rule>>,
    roles: HashMap<String, Vec<Rule>>,
    groups: HashMap<String, Vec<Rule>>,
}

impl Permissions {
    /// Of an application with these resources and rules, in a pool with those. A rule about a resource that does not
    /// exist allows nothing.
    pub fn new(
        own: Arc<Resources>,
        pool: Arc<Resources>,
        rules: impl IntoIterator<Item = Rule>,
    ) -> Permissions {
        let mut permissions = Permissions { own, pool, ..Permissions::default() };
        for rule in rules {
            let about = match &rule.subject {
                Subject::Account(id) => permissions.accounts.entry(*id).or_default(),
                Subject::User(id) => permissions.users.entry(*id).or_default(),
                Subject::Role(code) => permissions.roles.entry(code.clone()).or_default(),
                Subject::Group(code) => permissions.groups.entry(code.clone()).or_default(),
            };
            about.push(rule);
        }
        permissions
    }

    /// Whether the pool's resources are kept once for both.
    pub fn shares_the_pool_with(&self, other: &Permissions) -> bool {
        Arc::ptr_eq(&self.pool, &other.pool)
    }

    /// The rules about an account.
    pub fn about_account(&self, account: AccountId) -> &[Rule] {
        self.accounts.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The API of this identifier. `None`: no resource has it, and the request is refused with `invalid_target` (RFC 8707
    /// §2).
    pub fn api(&self, identifier: &str) -> Option<Api<'_>> {
        self.own.api(identifier).or_else(|| self.pool.api(identifier)).map(Api)
    }

    /// The API of a `resource` parameter.
    ///
    /// # Errors
    /// `invalid_target`: there is none.
    pub fn target(&self, identifier: &str) -> Result<Api<'_>, Refusal> {
        self.api(identifier).ok_or(UNKNOWN_API)
    }

    /// Whether a resource of the application's own belongs to the API of this identifier: it is a resource server of it.
    pub fn owns(&self, identifier: &ApiIdentifier) -> bool {
        self.own.api(identifier.as_str()).is_some()
    }

    /// Sorts what is asked for.
    ///
    /// An item is granted if it means something today, a rule that allows covers all it denotes, and no rule that denies
    /// meets any of it. An exact repetition of a value is the value itself, as a scope is a set (RFC 6749 §3.3); two ways
    /// to write the same are two values.
    pub fn decide(&self, case: &ScopeCase) -> Decision {
        let rules = self.counting(case);
        let (granted, rejected) = case.scope.partition(|value| self.judge(value, case, &rules).grants());
        Decision { granted, rejected }
    }

    /// Why each value of what is asked for is granted or not, in order.
    pub fn explain<'a>(&'a self, case: &'a ScopeCase) -> Vec<(&'a ScopeValue, Because<'a>)> {
        let rules = self.counting(case);
        let why = |value| {
            let because = self.judge(value, case, &rules);
            (
                value,
                match because {
                    Because::NoRule => self.unmet(value, case),
                    other => other,
                },
            )
        };
        case.scope.iter().map(why).collect()
    }

    fn judge<'a>(&'a self, value: &'a ScopeValue, case: &ScopeCase<'a>, rules: &Counting<'a>) -> Because<'a> {
        match (Asked::sort(value, case.settings), case.caller) {
            (Asked::User, Caller::User(_)) => Because::ScopeOfUsers,
            (Asked::User, Caller::Account(_)) => Because::OnlyUsers,
            (Asked::Malformed, _) => Because::Malformed,
            (Asked::Item(item), _) => match self.resolve(item, case.api) {
                Some(wanted) => rules.judge(&wanted),
                None => Because::Undefined,
            },
        }
    }

    /// Whether a rule would allow `value`, if only its restrictions held.
    fn unmet<'a>(&'a self, value: &'a ScopeValue, case: &ScopeCase<'a>) -> Because<'a> {
        let Asked::Item(item) = Asked::sort(value, case.settings) else { return Because::NoRule };
        let Some(wanted) = self.resolve(item, case.api) else { return Because::NoRule };
        let would = |rule: &&Rule| {
            rule.effect == Effect::Allow && self.concerns(rule, case.api) && wanted.is_in(rule)
        };
        self.about(case.caller).find(would).map_or(Because::NoRule, Because::Unmet)
    }

    /// An item as people read it, in a request for the API `api` if for one: with the name of the resource and what is said of
    /// the action, where there are such.
    pub fn in_words<'a>(&'a self, item: ScopeItem<'a>, api: Option<&'a str>) -> ScopeItem<'a> {
        let Part::One(code) = item.resource else { return item };
        let Some((_, resource)) = self.called(code, api) else { return item };
        let action = |name| resource.actions.iter().find(|action| action.name.as_str() == name);
        let said = |name| action(name).and_then(|action| action.description.as_deref()).unwrap_or(name);
        ScopeItem {
            resource: Part::One(resource.name.as_deref().unwrap_or(code)),
            id: item.id,
            action: item.action.map(said),
        }
    }

    /// The rules about the caller that count now. One that cannot be told to hold allows nothing, and one that cannot be
    /// told to fail denies.
    fn counting(&self, case: &ScopeCase) -> Counting<'_> {
        let mut counting = Counting::default();
        for rule in self.about(case.caller).filter(|rule| self.concerns(rule, case.api)) {
            match (rule.effect, rule.restrictions.hold(case)) {
                (Effect::Allow, Some(true)) => counting.allow.push(rule),
                (Effect::Deny, Some(true) | None) => counting.deny.push(rule),
                _ => {}
            }
        }
        counting
    }

    /// Whether a token for `api` can be about what `rule` is: not if its resource is known to be of no or another API.
    fn concerns(&self, rule: &Rule, api: Option<Api>) -> bool {
        match &rule.resource {
            Part::Any => true,
            Part::One(name) => {
                let resource = self.find(name.namespace, name.code.as_str());
                resource.is_none_or(|resource| resource.is_of(api.map(Api::as_str)))
            }
        }
    }

    fn find(&self, namespace: Namespace, code: &str) -> Option<&Resource> {
        match namespace {
            Namespace::Pool if admin::is_admin(code) => admin::resource(None),
            namespace => self.at(namespace).find(code),
        }
    }

    fn at(&self, namespace: Namespace) -> &Resources {
        match namespace {
            Namespace::Application => &self.own,
            Namespace::Pool => &self.pool,
        }
    }

    fn about(&self, caller: Caller) -> impl Iterator<Item = &Rule> {
        let (account, user) = match caller {
            Caller::Account(id) => (self.accounts.get(&id), None),
            Caller::User(user) => (None, Some(user)),
        };
        let by_user = user.into_iter().flat_map(|user| {
            let roles = user.details.roles.iter().filter_map(|code| self.roles.get(code));
            let groups = user.details.groups.iter().filter_map(|code| self.groups.get(code));
            self.users.get(&user.id).into_iter().chain(roles).chain(groups)
        });
        account.into_iter().chain(by_user).flatten()
    }

    /// The resource that `code` means in a token for `api`: the application's own, and the pool's where it has none (the
    /// order of [`Namespace::ALL`]), among those of the API. The built-in one is nobody else's, whatever is stored.
    fn called(&self, code: &str, api: Option<&str>) -> Option<(Namespace, &Resource)> {
        if admin::is_admin(code) {
            return admin::resource(api).map(|resource| (Namespace::Pool, resource));
        }
        let mut called = Namespace::ALL.iter().filter_map(|at| Some((*at, self.at(*at).find(code)?)));
        called.find(|(_, resource)| resource.is_of(api))
    }

    /// Whether `item` is about the same resource in a token for `api` as in one for none in particular.
    pub(super) fn means_the_same(&self, item: ScopeItem, api: &str) -> bool {
        let namespace = |code, api| self.called(code, api).map(|(namespace, _)| namespace);
        item.resource.one().is_none_or(|code| namespace(code, None) == namespace(code, Some(api)))
    }

    /// What `item` denotes in a token for `api`; `None` if no resource, or no action of it, is meant by it today.
    fn resolve<'a>(&'a self, item: ScopeItem<'a>, api: Option<Api<'a>>) -> Option<Wanted<'a>> {
        let api = api.map(Api::as_str);
        let (resource, defined) = match item.resource {
            Part::Any => (Part::Any, Namespace::ALL.iter().any(|at| self.at(*at).define(item.action, api))),
            Part::One(code) => {
                let (namespace, resource) = self.called(code, api)?;
                (Part::One((namespace, code)), resource.defines(item.action))
            }
        };
        defined.then_some(Wanted { resource, id: item.id, action: item.action })
    }
}

/// What an item denotes: every combination of the three.
struct Wanted<'a> {
    resource: Part<(Namespace, &'a str)>,
    id: Part<&'a str>,
    action: Part<&'a str>,
}

/// The rules that count.
#[derive(Default)]
struct Counting<'a> {
    allow: Vec<&'a Rule>,
    deny: Vec<&'a Rule>,
}

impl<'a> Counting<'a> {
    /// A denial goes first. One rule has to cover an item by itself, and that is no less than all of them together would have to: `*` stands
    /// for what does not exist yet, too, so only a rule with `*` in that place covers it there; in any other place an item
    /// has one name. The rule that covers what is not yet named anywhere thus covers the whole item.
    fn judge(&self, wanted: &Wanted) -> Because<'a> {
        let denies = self.deny.iter().find(|rule| wanted.meets(rule));
        let allows = self.allow.iter().find(|rule| wanted.is_in(rule));
        match (denies, allows) {
            (Some(rule), _) => Because::Denied(rule),
            (None, Some(rule)) => Because::Allowed(rule),
            (None, None) => Because::NoRule,
        }
    }
}

impl Wanted<'_> {
    /// Whether all of it is in what `rule` is about.
    fn is_in(&self, rule: &Rule) -> bool {
        let unnamed =
            rule.resource == Part::Any && self.resource.one().is_some_and(|(_, code)| admin::is_admin(code));
        !unnamed
            && rule.named().covers(&self.resource)
            && rule.identifier.as_deref().covers(&self.id)
            && rule.actions.cover(self.action)
    }

    /// Whether any of it is.
    fn meets(&self, rule: &Rule) -> bool {
        rule.named().meets(&self.resource)
            && rule.identifier.as_deref().meets(&self.id)
            && rule.actions.meet(self.action)
    }
}

#[cfg(test)]
#[path = "decide_model_tests.rs"]
mod model_tests;
#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
