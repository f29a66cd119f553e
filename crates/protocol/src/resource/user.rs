//! What of a scope a user gets.

use std::net::IpAddr;

use super::{ApiIdentifier, Asked, Caller, Decision, Permissions, ScopeCase};
use crate::{
    amr::Amr,
    error::Refusal,
    pool::PoolSettings,
    scope::{Scope, ScopeValue},
    time::Timestamp,
    user::User,
};

/// What is asked for about a user, or was granted once, and all that the answer depends on besides resources and rules.
#[derive(Clone, Copy, Debug)]
pub struct UserCase<'a> {
    /// The scope.
    pub scope: &'a Scope,
    /// The API that the access token is for, if it is for one.
    pub api: Option<&'a str>,
    /// Whether the scope was granted for no API in particular: then an item that is about another resource in this one is not
    /// what the user granted.
    pub narrowed: bool,
    /// The user.
    pub user: &'a User,
    /// The pool's scopes and extended fields.
    pub settings: &'a PoolSettings,
    /// The user's address, where it is known.
    pub ip: Option<IpAddr>,
    /// How they proved who they are.
    pub amr: Amr,
    /// When.
    pub now: Timestamp,
}

/// What of a scope a user has at one moment. Only a [`UserCase`] makes one, and tokens are minted from nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserScope {
    granted: Scope,
    /// The items of it.
    items: Scope,
    rejected: Scope,
    api: Option<ApiIdentifier>,
}

/// What goes with the items of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantItems {
    /// Those that were asked for and not granted.
    pub rejected: Scope,
    /// The one API that its access tokens are for, if they are.
    pub api: Option<ApiIdentifier>,
    /// Where the user was then: rules about addresses are asked again with it, since the requests that follow may come from
    /// the application's server. Kept with items alone.
    pub ip: Option<IpAddr>,
}

impl UserCase<'_> {
    /// The answer, where no rule has a say in it: nothing is asked for but scopes of users.
    pub fn without_rules(&self) -> Option<UserScope> {
        let bare = self.api.is_none() && !self.scope.iter().any(|value| self.is_item(value));
        bare.then(|| UserScope {
            granted: self.settings.understood(self.scope.clone()),
            items: Scope::default(),
            rejected: Scope::default(),
            api: None,
        })
    }

    /// The answer by the rules of the application. A value that means nothing at all is ignored (OpenID Connect Core §3.1.2.1).
    ///
    /// # Errors
    /// `invalid_target`: there is no such API.
    pub fn decide(&self, permissions: &Permissions) -> Result<UserScope, Refusal> {
        let api = self.api.map(|api| permissions.target(api)).transpose()?;
        let Decision { granted, rejected } = permissions.decide(&ScopeCase {
            scope: self.scope,
            api,
            caller: Caller::User(self.user),
            settings: self.settings,
            ip: self.ip,
            now: self.now,
            mfa: self.amr.second_factor(),
        });
        let meant = |value: &ScopeValue| match (Asked::sort(value, self.settings), self.api) {
            (Asked::Item(item), Some(api)) if self.narrowed => permissions.means_the_same(item, api),
            _ => true,
        };
        let (granted, others) = granted.partition(meant);
        let rejected =
            self.scope.partition(|value| [&rejected, &others].iter().any(|s| s.has_value(value))).0;
        let items = |scope: &Scope| scope.partition(|value| self.is_item(value)).0;
        let api = api.map(|api| api.identifier().clone());
        Ok(UserScope { items: items(&granted), rejected: items(&rejected), granted, api })
    }

    fn is_item(&self, value: &ScopeValue) -> bool {
        matches!(Asked::sort(value, self.settings), Asked::Item(_))
    }
}

impl UserScope {
    /// What the user grants: scopes of users, and items.
    pub fn granted(&self) -> &Scope {
        &self.granted
    }

    /// `rejected_scope`: the items that are not granted.
    pub fn rejected(&self) -> &Scope {
        &self.rejected
    }

    /// The scope of the access token: one for an API has items of that alone.
    pub fn of_access_token(&self) -> &Scope {
        if self.api.is_some() { &self.items } else { &self.granted }
    }

    /// The API that the access token is for, if it is for one.
    pub fn api(&self) -> Option<&ApiIdentifier> {
        self.api.as_ref()
    }

    /// The same, where `earlier` was rejected before.
    pub fn after(mut self, earlier: &Scope) -> UserScope {
        self.rejected = earlier.union(&self.rejected);
        self
    }

    /// What is kept with a grant of it, made for a user at `ip`.
    pub fn kept(&self, ip: IpAddr) -> GrantItems {
        let ip = (!self.items.is_empty()).then_some(ip);
        GrantItems { rejected: self.rejected.clone(), api: self.api.clone(), ip }
    }
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
