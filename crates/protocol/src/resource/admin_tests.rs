use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    id::AccountId,
    pool::PoolSettings,
    resource::{Caller, Permissions, Resources, ScopeCase, check_rules},
    time::Timestamp,
};

fn rule(about: Value) -> Rule {
    let mut whole = json!({ "subject": { "account": "010101010101010101010101" }, "effect": "allow" });
    whole.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn admin(about: Value) -> Rule {
    let mut whole = json!({ "namespace": "pool", "resource": "admin" });
    whole.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    rule(whole)
}

fn own() -> Resources {
    let like_it = json!({ "code": "admin", "type": "API", "actions": ["read", "write", "create"] });
    let other = json!({ "code": "book", "type": "API", "actions": ["read"] });
    Resources::new(vec![serde_json::from_value(like_it).unwrap(), serde_json::from_value(other).unwrap()])
        .unwrap()
}

fn granted(rules: Vec<Rule>, scope: &str) -> Scope {
    let permissions = Permissions::new(Arc::new(own()), Arc::new(own()), rules);
    let (scope, settings) = (Scope::parse(scope).unwrap(), PoolSettings::default());
    let case = ScopeCase {
        scope: &scope,
        api: None,
        caller: Caller::Account(AccountId::from_bytes([1; 12])),
        settings: &settings,
        ip: None,
        now: Timestamp(0),
        mfa: None,
    };
    permissions.decide(&case).granted
}

#[test]
fn every_permission_has_an_item_that_gives_it_alone() {
    for permission in Permission::ALL {
        let scope = Scope::parse(&permission.item()).unwrap();
        assert_eq!(permitted(&scope), [*permission]);
    }
    let all = permitted(&Scope::parse("admin:*:*").unwrap());
    assert_eq!(all, Permission::ALL);
    let reads = permitted(&Scope::parse("admin:*:read").unwrap());
    let named = |permission: &&Permission| permission.as_str().ends_with(":read");
    assert_eq!(reads, Permission::ALL.iter().filter(named).copied().collect::<Vec<_>>());
    assert_eq!(reads.len(), 8);
    for nothing in ["admin", "*", "*:*:*", "*:users:read", "admin:nothing:read", "openid", "Admin:*:*"] {
        assert_eq!(permitted(&Scope::parse(nothing).unwrap()), [], "{nothing}");
    }
    assert_eq!(permitted(&Scope::parse("admin:read").unwrap()), reads);
}

#[test]
fn attack_19_only_a_rule_that_names_it_gives_of_it() {
    let all = json!({ "resource": "*", "actions": "all" });
    let like_it = json!({ "resource": "admin", "actions": "all" });
    for rules in [vec![rule(all.clone())], vec![rule(like_it)]] {
        for scope in ["admin:users:read", "admin:*:*", "admin", "admin:read"] {
            assert_eq!(granted(rules.clone(), scope), Scope::default(), "{scope}");
        }
    }
    let users = admin(json!({ "identifier": "users", "actions": ["read"] }));
    let scope = "admin:users:read admin:users:write admin:*:read book:read";
    assert_eq!(granted(vec![users.clone()], scope).to_string(), "admin:users:read");
    assert_eq!(granted(vec![users, rule(all)], "admin:users:write"), Scope::default());
    let (every, denied) = (admin(json!({ "actions": "all" })), json!({ "resource": "*", "actions": "all" }));
    assert_eq!(granted(vec![every.clone()], "admin:*:*").to_string(), "admin:*:*");
    let mut denied = rule(denied);
    denied.effect = crate::access::Effect::Deny;
    assert_eq!(granted(vec![every, denied], "admin:users:read"), Scope::default());
}

#[test]
fn a_rule_about_it_is_checked_like_any_other() {
    let settings = PoolSettings::default();
    let check = |rule| check_rules(&[rule], &own(), &Resources::default(), &settings);
    assert_eq!(check(admin(json!({ "actions": ["read", "write", "create"] }))), Ok(()));
    assert!(check(admin(json!({ "actions": ["destroy"] }))).is_err());
}

#[test]
fn what_a_rule_is_about_is_what_it_gives() {
    for (about, permissions) in [
        (json!({ "identifier": "users", "actions": ["read"] }), vec![Permission::UsersRead]),
        (json!({ "identifier": "audit", "actions": "all" }), vec![Permission::AuditRead]),
        (json!({ "actions": "all" }), Permission::ALL.to_vec()),
        (json!({ "identifier": "nothing", "actions": "all" }), vec![]),
    ] {
        assert_eq!(concerned(&admin(about)), permissions);
    }
    assert_eq!(concerned(&rule(json!({ "resource": "*", "actions": "all" }))), []);
    assert_eq!(concerned(&rule(json!({ "resource": "admin", "actions": "all" }))), []);
}
