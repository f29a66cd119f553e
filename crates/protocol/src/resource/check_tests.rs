//! What of a description is refused, and the forms in which it is written and stored.

use serde_json::{Value, json};

use super::*;
use crate::{
    limits::{ACTIONS_PER_RESOURCE, RESOURCES_PER_NAMESPACE},
    resource::{Resource, ResourceError, TimeOfDay},
};

const AK: &str = "d00000000000000000000001";

fn resource(json: Value) -> Resource {
    serde_json::from_value(json).unwrap()
}

fn resources(list: Value) -> Result<Resources, Vec<(usize, ResourceError)>> {
    Resources::new(serde_json::from_value(list).unwrap())
}

fn rule(change: impl FnOnce(&mut Value)) -> Result<Rule, String> {
    let mut json = json!({
        "subject": { "account": AK }, "effect": "allow", "resource": "book", "identifier": "*", "actions": ["read"],
    });
    change(&mut json);
    serde_json::from_value(json).map_err(|error| error.to_string())
}

#[test]
fn a_rule_is_stored_as_it_is_written() {
    for json in [
        json!({
            "subject": { "account": AK }, "effect": "allow", "resource": "book", "identifier": "*", "actions": ["read"],
        }),
        json!({
            "subject": { "role": "a b" }, "effect": "deny", "namespace": "pool", "resource": "book",
            "identifier": "a@b", "actions": "all",
        }),
        json!({
            "subject": { "group": "g" }, "effect": "deny", "resource": "*", "identifier": "*", "actions": ["read", "w"],
            "restrictions": {
                "ip": ["10.0.0.0/8", "::1"], "time": { "from": "22:00", "to": "06:30", "offset": "-03:30" },
                "mfa": false,
                "attributes": [
                    { "field": "address.country", "equals": "CN" }, { "field": "extended_fields.level", "equals": 3 },
                    { "field": "email_verified", "equals": true },
                ],
            },
        }),
        json!({
            "subject": { "user": AK }, "effect": "allow", "resource": "*", "identifier": "7", "actions": "all",
        }),
    ] {
        let rule: Rule = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&rule).unwrap(), json);
    }
    let short = rule(|rule| drop(rule.as_object_mut().unwrap().remove("identifier"))).unwrap();
    assert_eq!(short, rule(|_| {}).unwrap(), "no identifier is every one");
    let own = rule(|rule| rule["namespace"] = json!("application")).unwrap();
    assert_eq!(own, rule(|_| {}).unwrap(), "no namespace is the application's");
}

#[test]
fn what_no_rule_can_be_is_refused_where_it_is_read() {
    let set = |key: &'static str, value: Value| move |rule: &mut Value| rule[key] = value;
    let without = |key: &'static str| move |rule: &mut Value| drop(rule.as_object_mut().unwrap().remove(key));
    for key in ["subject", "effect", "resource", "actions"] {
        assert!(rule(without(key)).unwrap_err().contains(key));
    }
    for (key, value, told) in [
        ("subject", json!({ "account": "D00000000000000000000001" }), "24 hexadecimal digits"),
        ("subject", json!({ "account": AK, "role": "x" }), "expected"),
        ("subject", json!({ "organization": "x" }), "unknown variant"),
        ("effect", json!("refuse"), "unknown variant"),
        ("resource", json!("book:read"), "must be 1 to 64"),
        ("resource", json!("openid"), "built-in scope"),
        ("identifier", json!("a:b"), "must be * or 1 to 128"),
        ("actions", json!([]), "at least one action"),
        ("actions", json!("read"), "at least one action"),
        ("namespace", json!("application "), "unknown variant"),
        ("when", json!("now"), "unknown field"),
        ("restrictions", json!({ "country": "CN" }), "unknown field"),
        ("restrictions", json!({ "ip": ["10.0.0.1/8"] }), "it must be 10.0.0.0/8"),
        ("restrictions", json!({ "time": { "from": "9:00", "to": "10:00", "offset": "+00:00" } }), "`from`"),
        ("restrictions", json!({ "attributes": [{ "field": "nick", "equals": "x" }] }), "field of users"),
        (
            "restrictions",
            json!({ "attributes": [{ "field": "nickname", "equals": ["x"] }] }),
            "did not match",
        ),
        ("restrictions", json!({ "attributes": [{ "field": "nickname", "equals": 1.5 }] }), "did not match"),
    ] {
        let error = rule(set(key, value.clone())).unwrap_err();
        assert!(error.contains(told), "{key} {value}: {error}");
    }
    for (text, told) in
        [("*", "actions = \"all\""), ("all", "actions = \"all\""), ("book:read", "without the resource")]
    {
        assert!(ActionName::parse(text).unwrap_err().0.contains(told), "{text}");
    }
    let error = rule(|rule| (rule["resource"], rule["namespace"]) = (json!("*"), json!("pool"))).unwrap_err();
    assert!(error.contains("both namespaces"), "{error}");
}

#[test]
fn a_rule_is_about_what_exists() {
    let own = resources(json!([{ "code": "book", "type": "API", "actions": ["read", "write"] }])).unwrap();
    let pool = resources(json!([{ "code": "desk", "type": "DATA", "actions": ["move"] }])).unwrap();
    let mut settings = PoolSettings::default();
    settings.extended_fields.insert("level".into(), FieldType::Number);
    settings.extended_fields.insert("tags".into(), FieldType::List);
    let error = |change: &dyn Fn(&mut Value)| {
        let rules = [rule(|_| {}).unwrap(), rule(change).unwrap()];
        let errors = check_rules(&rules, &own, &pool, &settings).err().unwrap_or_default();
        assert!(errors.iter().all(|(at, _)| *at == 1), "{errors:?}");
        errors.into_iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(error(&|_| {}), "");
    for (changes, told) in [
        (json!({ "namespace": "pool", "resource": "desk", "actions": "all" }), ""),
        (json!({ "resource": "*", "actions": ["read", "move"] }), ""),
        (
            json!({ "resource": "desk" }),
            "there is no resource `desk` of the application; add it, or say namespace",
        ),
        (json!({ "namespace": "pool" }), "there is no resource `book` of the pool; add it, or leave"),
        (json!({ "actions": ["read", "raed"] }), "the resource `book` has no action `raed`"),
        (json!({ "actions": ["move"] }), "the resource `book` has no action `move`"),
        (json!({ "resource": "*", "actions": ["raed"] }), "no resource has an action `raed`"),
        (json!({ "actions": ["read", "write", "read"] }), "the action `read` is there twice"),
        (json!({ "restrictions": { "mfa": true } }), "an account has no attributes"),
        (json!({ "restrictions": { "ip": ["10.0.0.0/8"] } }), ""),
    ] {
        let told_now = error(&|rule| {
            let members = changes.as_object().unwrap().clone();
            rule.as_object_mut().unwrap().extend(members);
        });
        assert_eq!(told_now.is_empty(), told.is_empty(), "{changes}: {told_now}");
        assert!(told_now.contains(told), "{changes}: {told_now}");
    }
    for (field, equals, told) in [
        ("nickname", json!("x"), ""),
        ("nickname", json!(1), "must equal a text"),
        ("email_verified", json!(true), ""),
        ("email_verified", json!("true"), "must equal true or false"),
        ("updated_at", json!(1), ""),
        ("roles", json!("x"), "has parts"),
        ("address", json!("x"), "has parts"),
        ("extended_fields.tags", json!("x"), "has parts"),
        ("extended_fields.level", json!(3), ""),
        ("extended_fields.level", json!("3"), "must equal a number"),
        ("extended_fields.level", json!(9_007_199_254_740_991_i64), ""),
        ("extended_fields.level", json!(-9_007_199_254_740_992_i64), "9007199254740991"),
        ("extended_fields.lever", json!(3), "the pool has no field `extended_fields.lever`"),
    ] {
        let restriction = json!({ "attributes": [{ "field": field, "equals": equals }] });
        let told_now = error(&|rule| {
            (rule["subject"], rule["restrictions"]) = (json!({ "role": "r" }), restriction.clone());
        });
        assert_eq!(told_now.is_empty(), told.is_empty(), "{field} {equals}: {told_now}");
        assert!(told_now.contains(told), "{field} {equals}: {told_now}");
    }
    let twice = json!({ "field": "nickname", "equals": "x" });
    let told_now = error(&|rule| {
        (rule["subject"], rule["restrictions"]) =
            (json!({ "role": "r" }), json!({ "attributes": [twice, twice] }));
    });
    assert_eq!(told_now, "`nickname` is there twice; keep one");
    let undeclared = PoolSettings::default();
    let free = rule(|rule| {
        rule["subject"] = json!({ "role": "r" });
        rule["restrictions"] = json!({ "attributes": [{ "field": "extended_fields.any", "equals": 3 }] });
    });
    assert_eq!(check_rules(&[free.unwrap()], &own, &pool, &undeclared), Ok(()));
}

#[test]
fn attack_21_rules_and_resources_are_bounded() {
    let own = resources(json!([{ "code": "book", "type": "API", "actions": ["read"] }])).unwrap();
    let check = |rules: &[Rule]| check_rules(rules, &own, &Resources::default(), &PoolSettings::default());
    let same = vec![rule(|_| {}).unwrap(); RULES_PER_SUBJECT + 2];
    assert_eq!(check(&same), Err(vec![(RULES_PER_SUBJECT, RuleError::TooManyOfOne)]));
    assert_eq!(check(&same[..RULES_PER_SUBJECT]), Ok(()));
    let ranges =
        |count| rule(|rule| rule["restrictions"] = json!({ "ip": vec!["10.0.0.1"; count] })).unwrap();
    assert_eq!(check(&[ranges(IP_RANGES_PER_RULE)]), Ok(()));
    assert_eq!(check(&[ranges(IP_RANGES_PER_RULE + 1)]), Err(vec![(0, RuleError::TooManyRanges)]));
    let attributes = |count| {
        rule(|rule| {
            let each = |n: usize| json!({ "field": format!("extended_fields.f{n}"), "equals": 1 });
            rule["subject"] = json!({ "role": "r" });
            rule["restrictions"] = json!({ "attributes": (0..count).map(each).collect::<Vec<_>>() });
        })
        .unwrap()
    };
    assert_eq!(check(&[attributes(ATTRIBUTES_PER_RULE)]), Ok(()));
    assert_eq!(check(&[attributes(ATTRIBUTES_PER_RULE + 1)]), Err(vec![(0, RuleError::TooManyAttributes)]));
    let many = |count: usize| {
        let one = |n| json!({ "code": format!("r{n}"), "type": "DATA" });
        resources((0..count).map(one).collect())
    };
    assert_eq!(many(RESOURCES_PER_NAMESPACE).unwrap().iter().count(), RESOURCES_PER_NAMESPACE);
    assert_eq!(
        many(RESOURCES_PER_NAMESPACE + 2),
        Err(vec![(RESOURCES_PER_NAMESPACE, ResourceError::TooMany)])
    );
    let acting = |count: usize| {
        let actions: Vec<String> = (0..count).map(|n| format!("a{n}")).collect();
        resources(json!([{ "code": "x", "type": "UI", "actions": actions }]))
    };
    assert!(acting(ACTIONS_PER_RESOURCE).is_ok());
    assert_eq!(acting(ACTIONS_PER_RESOURCE + 1), Err(vec![(0, ResourceError::TooManyActions)]));
}

#[test]
fn an_application_has_no_more_rules_than_are_documented() {
    let own = resources(json!([{ "code": "book", "type": "API", "actions": ["read"] }])).unwrap();
    let one = rule(|_| {}).unwrap();
    let about = |n: usize| Rule { subject: Subject::Role(n.to_string()), ..one.clone() };
    let all: Vec<Rule> = (0..RULES_PER_APPLICATION + 2).map(about).collect();
    let check = |rules: &[Rule]| check_rules(rules, &own, &Resources::default(), &PoolSettings::default());
    assert_eq!(check(&all[..RULES_PER_APPLICATION]), Ok(()));
    assert_eq!(check(&all), Err(vec![(RULES_PER_APPLICATION, RuleError::TooMany)]));
}

#[test]
fn a_resource_is_stored_as_it_is_written_and_checked_with_the_others() {
    let book = json!({
        "code": "book", "name": "Books", "type": "API", "description": "All our books",
        "actions": ["read", { "name": "write", "description": "Change books" }],
        "api_identifier": "https://api.example.com/books",
    });
    assert_eq!(serde_json::to_value(resource(book.clone())).unwrap(), book);
    let bare = json!({ "code": "menu", "type": "MENU", "actions": [] });
    assert_eq!(serde_json::to_value(resource(bare.clone())).unwrap(), bare);
    assert!(serde_json::from_value::<Resource>(json!({ "code": "x", "type": "api" })).is_err());
    assert!(resources(json!([book, bare])).is_ok());
    let line = |text: String| json!({ "code": "x", "type": "UI", "name": text });
    for (list, at, told) in [
        (json!([bare, book, bare]), 2, "the resource `menu` is there twice"),
        (json!([book, { "code": "x", "type": "DATA", "api_identifier": "urn:x" }]), 1, "type API"),
        (
            json!([{ "code": "x", "type": "UI", "actions": ["a", "b", "a"] }]),
            0,
            "the action `a` is there twice",
        ),
        (json!([line("x".repeat(1001))]), 0, "at most 1000 bytes"),
        (json!([line("a\nb".into())]), 0, "control characters"),
    ] {
        let errors = resources(list).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].0 == at && errors[0].1.to_string().contains(told), "{errors:?}");
    }
}

#[test]
fn a_part_of_the_day_has_a_beginning_an_end_and_an_offset() {
    for (from, to, offset) in [
        ("9:00", "10:00", "+00:00"),
        ("09:00", "24:01", "+00:00"),
        ("24:00", "10:00", "+00:00"),
        ("09:60", "10:00", "+00:00"),
        ("09:00", "09:00", "+00:00"),
        ("00:00", "24:00", "+00:00"),
        ("09:00", "10:00", "Z"),
        ("09:00", "10:00", "08:00"),
        ("09:00", "10:00", "+8"),
        ("09:00", "10:00", "+14:01"),
        ("09:00", "10:00", "Asia/Shanghai"),
        ("+9:00", "10:00", "+00:00"),
    ] {
        assert!(TimeOfDay::parse(from, to, offset).is_err(), "{from} {to} {offset}");
    }
    let all = TimeOfDay::parse("00:00", "00:01", "+14:00").unwrap();
    for (seconds, expected) in
        [(0, false), (36_000, true), (36_059, true), (36_060, false), (-50_400, true), (-50_401, false)]
    {
        assert_eq!(all.contains(crate::time::Timestamp(seconds)), expected, "{seconds}");
    }
    for extreme in [i64::MIN, i64::MAX] {
        _ = all.contains(crate::time::Timestamp(extreme));
    }
}
