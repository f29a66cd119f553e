//! Scope items, and what a caller is granted of them.

use std::sync::{Arc, OnceLock};

use serde_json::json;
use signet_protocol::{
    id::AccountId,
    ip_range::IpRange,
    pool::PoolSettings,
    resource::{
        ActionName, ApiIdentifier, Caller, Part, Permissions, Resource, ResourceCode, ResourceId, Resources,
        Rule, ScopeCase, ScopeItem,
    },
    scope::{Scope, ScopeValue},
    time::Timestamp,
};

use crate::utf8;

const ACCOUNT: &str = "d00000000000000000000001";

/// A value of a scope is an item or none, by its parts alone; what is granted is what was asked for, and not more.
pub fn scope_item(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    names(text);
    let Ok(scope) = Scope::parse(text) else { return };
    for value in scope.iter() {
        assert_eq!(read(value.as_str()), spread(value.as_str()), "{}", value.as_str());
    }
    let settings = PoolSettings::default();
    let decide = |permissions: &Permissions, scope: &Scope| {
        let caller = Caller::Account(AccountId::parse(ACCOUNT).unwrap());
        let case = ScopeCase {
            scope,
            api: None,
            caller,
            settings: &settings,
            ip: None,
            now: Timestamp(0),
            mfa: None,
        };
        permissions.decide(&case)
    };
    let [some, all] = permissions();
    let decision = decide(some, &scope);
    let is_granted = |value: &ScopeValue| decision.granted.iter().any(|granted| granted == value);
    assert_eq!(scope.partition(is_granted), (decision.granted.clone(), decision.rejected));
    assert_eq!(decide(some, &decision.granted).granted, decision.granted);
    let most = decide(all, &scope).granted;
    assert!(most.covers(&decision.granted));
    for value in most.iter() {
        let [resource, _, action] = spread(value.as_str()).expect("nothing else is granted");
        assert!(["*", "book", "menu"].contains(&resource) && ["*", "read", "write"].contains(&action));
    }
    for value in decision.granted.iter() {
        let [resource, id, action] = spread(value.as_str()).unwrap();
        let read = resource == "book" && action == "read" && id != "9" && id != "*";
        assert!(read || resource == "menu" && action == "*", "{}", value.as_str());
    }
}

/// Whoever may read any book but the ninth and use menus, and whoever may do everything.
fn permissions() -> &'static [Permissions; 2] {
    static BOTH: OnceLock<[Permissions; 2]> = OnceLock::new();
    BOTH.get_or_init(|| {
        let list = json!([
            { "code": "book", "type": "API", "actions": ["read", "write"] },
            { "code": "menu", "type": "MENU" },
        ]);
        let own = Resources::new(serde_json::from_value::<Vec<Resource>>(list).unwrap()).unwrap();
        let rule = |effect: &str, resource: &str, identifier: &str, actions| {
            let subject = json!({ "account": ACCOUNT });
            let rule = json!({
                "subject": subject, "effect": effect, "resource": resource, "identifier": identifier,
                "actions": actions,
            });
            serde_json::from_value::<Rule>(rule).unwrap()
        };
        let some = [
            rule("allow", "book", "*", json!(["read"])),
            rule("deny", "book", "9", json!("all")),
            rule("allow", "menu", "*", json!("all")),
        ];
        let all = [rule("allow", "*", "*", json!("all"))];
        let own = Arc::new(own);
        [Permissions::new(own.clone(), Arc::default(), some), Permissions::new(own, Arc::default(), all)]
    })
}

fn read(text: &str) -> Option<[&str; 3]> {
    let item = ScopeItem::parse(text)?;
    Some([item.resource, item.id, item.action].map(|part| match part {
        Part::Any => "*",
        Part::One(one) => one,
    }))
}

/// The parts of an item, by the words of the documentation.
fn spread(text: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = text.split(':').collect();
    let parts = match parts.as_slice() {
        [resource] => [*resource, "*", "*"],
        [resource, action] => [*resource, "*", *action],
        [resource, id, action] => [*resource, *id, *action],
        _ => return None,
    };
    let legal = |part: &str, most: usize, also: &str| {
        let one = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c) || also.contains(c);
        part == "*" || (1..=most).contains(&part.len()) && part.chars().all(one)
    };
    let [resource, id, action] = parts;
    (legal(resource, 64, "") && legal(id, 128, "~@/") && legal(action, 64, "")).then_some(parts)
}

/// A name that is taken can stand in an item, and reads back as it was; so does a range of addresses.
fn names(text: &str) {
    if let Ok(code) = ResourceCode::parse(text) {
        assert_eq!((code.as_str(), read(text)), (text, Some([text, "*", "*"])));
    }
    if let Ok(action) = ActionName::parse(text) {
        assert_eq!(read(&format!("a:{}", action.as_str())), Some(["a", "*", text]));
    }
    if let Ok(id) = ResourceId::parse(text) {
        assert_eq!(read(&format!("a:{}:b", id.as_str())), Some(["a", text, "b"]));
    }
    if let Ok(api) = ApiIdentifier::parse(text) {
        assert!(api.as_str() == text && !text.contains(['#', ' ', '"', '\\']) && text.len() <= 512);
    }
    if let Ok(range) = IpRange::parse(text) {
        assert_eq!(IpRange::parse(&range.to_string()), Ok(range));
        let first = text.split('/').next().unwrap().parse().unwrap();
        assert!(range.contains(first));
    }
}
