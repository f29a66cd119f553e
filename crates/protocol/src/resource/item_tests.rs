//! The grammar, form by form, and what is none of it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    limits::{ACTION_BYTES, RESOURCE_CODE_BYTES, RESOURCE_ID_BYTES, SCOPE_BYTES},
    pool::{CustomScope, check_scope_name},
    resource::{ActionName, ApiIdentifier, ResourceCode, ResourceId},
    samples::scope,
    scope::KnownScope,
};

fn written(text: &str) -> Option<[&str; 3]> {
    ScopeItem::parse(text).map(|item| {
        [item.resource, item.id, item.action].map(|part| match part {
            Part::Any => "*",
            Part::One(one) => one,
        })
    })
}

#[test]
fn every_writing_has_one_of_eight_meanings() {
    let table = [
        ("book:1:read", ["book", "1", "read"]),
        ("book:*:read", ["book", "*", "read"]),
        ("book:read", ["book", "*", "read"]),
        ("book:1:*", ["book", "1", "*"]),
        ("book:*:*", ["book", "*", "*"]),
        ("book:*", ["book", "*", "*"]),
        ("book", ["book", "*", "*"]),
        ("*:1:read", ["*", "1", "read"]),
        ("*:*:read", ["*", "*", "read"]),
        ("*:read", ["*", "*", "read"]),
        ("*:1:*", ["*", "1", "*"]),
        ("*:*:*", ["*", "*", "*"]),
        ("*:*", ["*", "*", "*"]),
        ("*", ["*", "*", "*"]),
    ];
    for (text, meaning) in table {
        assert_eq!(written(text), Some(meaning), "{text}");
    }
    assert_eq!(table.iter().map(|(_, meaning)| meaning).collect::<BTreeSet<_>>().len(), 8);
}

#[test]
fn two_parts_are_resource_and_action() {
    assert_eq!(written("book:1"), Some(["book", "*", "1"]));
    assert_eq!(written("write:article"), Some(["write", "*", "article"]));
    assert_eq!(written("book:a@b"), None, "an identifier's characters are no action's");
}

#[test]
fn attack_21_what_is_no_item_is_refused() {
    for bad in [
        "",
        ":",
        "::",
        "book:",
        ":read",
        "book::read",
        "book:1:",
        ":1:read",
        "a:b:c:d",
        "a:b:c:",
        "*:*:*:*",
        "**",
        "bo*k",
        "book:1*:read",
        "book:re*",
        "book:read,write",
        "book,shelf",
        "book:%2A",
        "book:1+2:read",
        "book/1",
        "book:1=1:read",
        "https://example.com/read",
        "böok",
        "book:1 :read",
        "book:\t:read",
        "book:\"1\":read",
        "book:1\\:read",
        "book:read#zh",
    ] {
        assert_eq!(ScopeItem::parse(bad), None, "{bad:?}");
    }
    let longest = [RESOURCE_CODE_BYTES, RESOURCE_ID_BYTES, ACTION_BYTES].map(|most| "x".repeat(most));
    let whole = longest.join(":");
    assert!(written(&whole).is_some() && whole.len() <= SCOPE_BYTES);
    for at in 0..3 {
        let mut longer = longest.clone();
        longer[at].push('x');
        assert_eq!(ScopeItem::parse(&longer.join(":")), None, "{at}");
    }
}

#[test]
fn names_are_what_items_can_say() {
    for good in ["book", "user-growth", "a.b_c", "0", "Openly"] {
        assert!(ResourceCode::parse(good).is_ok() && ActionName::parse(good).is_ok(), "{good}");
    }
    for good in ["42", "a@example.com", "owner/name", "~x.y_z-1", "0f8fad5b-d9cb-469f-a165-70867728950e"] {
        assert!(ResourceId::parse(good).is_ok(), "{good}");
    }
    for known in KnownScope::ALL {
        assert!(ResourceCode::parse(known.as_str()).is_err());
        assert!(ResourceCode::parse(&known.as_str().to_ascii_uppercase()).is_err());
    }
    for bad in ["*", "all", "All", "", "book:read", "a b", "a/b", "a+b"] {
        assert!(ActionName::parse(bad).is_err(), "{bad}");
    }
    for bad in ["*", "", "a:b", "a b", "a+b", "a%20", "a,b", "a=b"] {
        assert!(ResourceCode::parse(bad).is_err() && ResourceId::parse(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<ResourceCode>("\"book:read\"").is_err());
    assert_eq!(serde_json::from_str::<Part<ResourceId>>("\"*\"").unwrap(), Part::Any);
    assert_eq!(serde_json::to_string(&Part::One(ResourceId::parse("a@b").unwrap())).unwrap(), "\"a@b\"");
    assert!(serde_json::from_str::<Part<ResourceId>>("\"**\"").is_err());
}

#[test]
fn an_api_identifier_is_an_absolute_uri_without_fragment() {
    for good in
        ["https://api.example.com/books", "http://localhost:8080", "urn:example:books", "https://a/?v=1"]
    {
        assert_eq!(ApiIdentifier::parse(good).unwrap().as_str(), good);
    }
    let long = format!("https://a/{}", "x".repeat(503));
    for bad in [
        "",
        "books",
        "/books",
        "//a/b",
        ":x",
        "urn:",
        "https:",
        "https:books",
        "https:///books",
        "https://?v",
        "https://a@b/c",
        "HTTPS://a/b",
        "1urn:x",
        "https://a/#x",
        "https://a/ b",
        "https://a/\"",
        "https://a/\u{e9}",
        &long,
    ] {
        assert!(ApiIdentifier::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_value_is_a_users_scope_an_item_or_nothing() {
    let mut settings = PoolSettings::default();
    settings.scopes.insert("work".into(), CustomScope::default());
    let asked = scope("openid OpenID work book work:read https://x/y a::b *");
    let sorted: Vec<_> = asked.iter().map(|value| Asked::sort(value, &settings)).collect();
    let item = |text| Asked::Item(ScopeItem::parse(text).unwrap());
    let expected = [
        Asked::User,
        item("OpenID"),
        Asked::User,
        item("book"),
        item("work:read"),
        Asked::Malformed,
        Asked::Malformed,
        item("*"),
    ];
    assert_eq!(sorted, expected);
}

proptest! {
    #[test]
    fn an_item_says_what_stands_between_its_colons(text in "[a1*:.@ ]{0,9}|\\PC{0,12}|[a*](:[1@*]){0,3}") {
        let parts: Vec<&str> = text.split(':').collect();
        let spread = match parts.as_slice() {
            [resource] => Some([*resource, "*", "*"]),
            [resource, action] => Some([*resource, "*", *action]),
            [resource, id, action] => Some([*resource, *id, *action]),
            _ => None,
        };
        let legal = |part: &str, also: &str| {
            let one = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c) || also.contains(c);
            part == "*" || !part.is_empty() && part.chars().all(one)
        };
        let expected = spread.filter(|[r, i, a]| legal(r, "") && legal(i, "~@/") && legal(a, ""));
        prop_assert_eq!(written(&text), expected);
    }

    #[test]
    fn no_scope_of_a_pool_is_an_item_of_several_parts(name in "[a-z:*._-]{0,8}") {
        if check_scope_name(&name).is_ok() {
            let item = ScopeItem::parse(&name).unwrap();
            prop_assert_eq!((item.resource, item.id, item.action), (Part::One(name.as_str()), Part::Any, Part::Any));
        }
    }
}
