//! Consent: what a user is asked to allow an application, and what they allowed it before.

use std::collections::BTreeSet;

use crate::{
    claims::gives,
    limits::ITEMS_REMEMBERED,
    pool::PoolSettings,
    resource::Asked,
    scope::{Scope, ScopeValue},
};

/// What is allowed: scopes, and claims that were asked for one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Scopes.
    pub scope: Scope,
    /// Names of claims that none of the scopes gives.
    pub claims: BTreeSet<String>,
}

impl Consent {
    /// Whether everything in `asked` is allowed in `pool`.
    pub fn covers(&self, asked: &Consent, pool: &PoolSettings) -> bool {
        let allowed = |name: &String| self.claims.contains(name) || gives(&self.scope, name, pool);
        self.scope.covers(&asked.scope) && asked.claims.iter().all(allowed)
    }

    /// What is remembered once this is allowed, beside what was `earlier` and still means something. What has no colon is
    /// remembered as an item only for the time being: it may have been a scope of the pool's own, which is gone. So are
    /// items when there are many: some applications ask for one thing after the other.
    pub fn remembered(&self, earlier: &Consent, pool: &PoolSettings) -> Consent {
        let is_item = |value: &ScopeValue| matches!(Asked::sort(value, pool), Asked::Item(_));
        let (mut kept, _) = earlier.scope.partition(|value| match Asked::sort(value, pool) {
            Asked::User => true,
            Asked::Item(_) => value.as_str().contains(':'),
            Asked::Malformed => false,
        });
        if kept.iter().filter(|value| is_item(value)).count() > ITEMS_REMEMBERED {
            kept = kept.partition(|value| !is_item(value)).0;
        }
        Consent { scope: kept, ..earlier.clone() }.union(self)
    }

    /// Both together.
    pub fn union(&self, other: &Consent) -> Consent {
        Consent { scope: self.scope.union(&other.scope), claims: &self.claims | &other.claims }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pool::CustomScope, samples::scope};

    fn consent(scopes: &str, claims: &[&str]) -> Consent {
        Consent { scope: scope(scopes), claims: claims.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn what_was_allowed_is_not_asked_again_and_what_was_not_is() {
        let pool = PoolSettings::default();
        let earlier = consent("openid email", &["phone_number"]);
        for (scopes, claims, covered) in [
            ("openid", &[][..], true),
            ("openid email", &["phone_number"], true),
            ("openid", &["email_verified"], true),
            ("openid", &["name"], false),
            ("openid phone", &["phone_number"], false),
        ] {
            assert_eq!(earlier.covers(&consent(scopes, claims), &pool), covered, "{scopes} {claims:?}");
        }
        let work = CustomScope { claims: vec!["locality".to_owned()], ..CustomScope::default() };
        let own = PoolSettings { scopes: [("work".to_owned(), work)].into(), ..PoolSettings::default() };
        let city = consent("", &["locality"]);
        assert!(consent("openid work", &[]).covers(&city, &own), "a scope of the pool's own gives it");
        assert!(!consent("openid work", &[]).covers(&city, &pool));
        let both = earlier.union(&consent("phone", &["name"]));
        let last = consent("phone", &["name", "phone_number"]);
        assert!(both.covers(&earlier, &pool) && both.covers(&last, &pool));
        assert!(!both.covers(&consent("profile", &[]), &pool));
    }

    #[test]
    fn items_are_remembered_and_not_without_end() {
        let pool = PoolSettings::default();
        let remembered = |earlier: &str, allowed: &str| {
            let all = consent(allowed, &["name"]).remembered(&consent(earlier, &["locality"]), &pool);
            assert_eq!(all.claims.len(), 2);
            all.scope.to_string()
        };
        assert_eq!(remembered("openid book:read work", "email desk"), "openid book:read email desk");
        assert_eq!(remembered("openid a:b:c:d", "openid"), "openid");
        let items = |count: usize| (0..count).map(|n| format!("book:{n}:read")).collect::<Vec<_>>().join(" ");
        let many = |count| Consent { scope: Scope::read(&items(count)).unwrap(), ..Consent::default() };
        let count =
            |earlier| consent("desk:move", &[]).remembered(&many(earlier), &pool).scope.iter().count();
        assert_eq!((count(ITEMS_REMEMBERED), count(ITEMS_REMEMBERED + 1)), (ITEMS_REMEMBERED + 1, 1));
    }
}
