//! Consent: what a user is asked to allow an application, and what they allowed it before.

use std::collections::BTreeSet;

use crate::{claims::gives, scope::Scope};

/// What is allowed: scopes, and claims that were asked for one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Scopes.
    pub scope: Scope,
    /// Names of claims that none of the scopes gives.
    pub claims: BTreeSet<String>,
}

impl Consent {
    /// Whether everything in `asked` is allowed.
    pub fn covers(&self, asked: &Consent) -> bool {
        let allowed = |name: &String| self.claims.contains(name) || gives(&self.scope, name);
        self.scope.covers(&asked.scope) && asked.claims.iter().all(allowed)
    }

    /// Both together.
    pub fn union(&self, other: &Consent) -> Consent {
        Consent { scope: self.scope.union(&other.scope), claims: &self.claims | &other.claims }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::scope;

    fn consent(scopes: &str, claims: &[&str]) -> Consent {
        Consent { scope: scope(scopes), claims: claims.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn what_was_allowed_is_not_asked_again_and_what_was_not_is() {
        let earlier = consent("openid email", &["phone_number"]);
        for (scopes, claims, covered) in [
            ("openid", &[][..], true),
            ("openid email", &["phone_number"], true),
            ("openid", &["email_verified"], true),
            ("openid", &["name"], false),
            ("openid phone", &["phone_number"], false),
        ] {
            assert_eq!(earlier.covers(&consent(scopes, claims)), covered, "{scopes} {claims:?}");
        }
        let both = earlier.union(&consent("phone", &["name"]));
        assert!(both.covers(&earlier) && both.covers(&consent("phone", &["name", "phone_number"])));
        assert!(!both.covers(&consent("profile", &[])));
    }
}
