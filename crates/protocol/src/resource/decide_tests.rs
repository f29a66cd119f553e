//! The decision, case by case.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::{
    pool::{CustomScope, PoolSettings},
    resource::{Resource, ResourceType},
    samples::*,
    user_field::FieldType,
};

const AK: &str = "d00000000000000000000001";

fn account() -> AccountId {
    AccountId::parse(AK).unwrap()
}

/// `code action action`, and of which API.
fn resources(list: &[(&str, Option<&str>)]) -> Arc<Resources> {
    let resource = |(text, api): &(&str, Option<&str>)| {
        let mut words = text.split(' ');
        let (code, actions) = (words.next().unwrap(), words.collect::<Vec<_>>());
        let resource = json!({ "code": code, "type": "API", "actions": actions, "api_identifier": api });
        serde_json::from_value::<Resource>(resource).unwrap()
    };
    Arc::new(Resources::new(list.iter().map(resource).collect()).unwrap())
}

/// `allow book 1 read,write`, about `subject`.
fn rule_of(subject: Value, text: &str) -> Rule {
    let words: Vec<&str> = text.split(' ').collect();
    let actions = match words[3] {
        "all" => json!("all"),
        list => json!(list.split(',').collect::<Vec<_>>()),
    };
    let (namespace, code) = match words[1].strip_prefix("pool/") {
        Some(code) => (Some("pool"), code),
        None => (None, words[1]),
    };
    let rule = json!({
        "subject": subject, "effect": words[0], "namespace": namespace, "resource": code, "identifier": words[2],
        "actions": actions,
    });
    serde_json::from_value(rule).unwrap()
}

fn rules(list: &[&str]) -> Vec<Rule> {
    list.iter().map(|text| rule_of(json!({ "account": AK }), text)).collect()
}

fn of_account<'a>(scope: &'a Scope, settings: &'a PoolSettings) -> ScopeCase<'a> {
    let caller = Caller::Account(account());
    ScopeCase { scope, api: None, caller, settings, ip: None, now: NOW, mfa: None }
}

/// What the account is granted and refused.
fn answer(permissions: &Permissions, asked: &str) -> [String; 2] {
    let decision = permissions.decide(&of_account(&scope(asked), &PoolSettings::default()));
    [decision.granted.to_string(), decision.rejected.to_string()]
}

fn shop() -> Arc<Resources> {
    resources(&[
        ("announce read update", None),
        ("revenue create read update", None),
        ("customer read", None),
        ("user-growth read", None),
        ("book read", None),
        ("message", None),
        ("table", None),
    ])
}

#[test]
fn what_decides_is_told() {
    let mut restricted = rules(&["allow message * all"]).remove(0);
    restricted.restrictions.mfa = Some(true);
    let own = rules(&["allow book * all", "deny book 7 read"]);
    let all = own.iter().cloned().chain([restricted.clone()]);
    let permissions = Permissions::new(shop(), Arc::default(), all);
    let asked = scope("book:read book:7:read book:* message table car openid a:b:c:d");
    let settings = PoolSettings::default();
    let case = of_account(&asked, &settings);
    let told: Vec<Because> = permissions.explain(&case).into_iter().map(|(_, because)| because).collect();
    assert_eq!(
        told,
        [
            Because::Denied(&own[1]),
            Because::Denied(&own[1]),
            Because::Denied(&own[1]),
            Because::Unmet(&restricted),
            Because::NoRule,
            Because::Undefined,
            Because::OnlyUsers,
            Because::Malformed,
        ]
    );
    let one = scope("book:8:read");
    let case = of_account(&one, &settings);
    assert_eq!(permissions.explain(&case)[0].1, Because::Allowed(&own[0]));
    let decision = permissions.decide(&of_account(&asked, &settings));
    assert!(decision.granted.is_empty() && told.iter().all(|because| !because.grants()));
}

#[test]
fn the_worked_cases() {
    for (own, asked, granted, rejected) in [
        (
            &["allow announce * read"][..],
            "announce:read announce:update revenue:read customer user-growth:read",
            "announce:read",
            "announce:update revenue:read customer user-growth:read",
        ),
        (
            &["allow user-growth 2019 all", "allow revenue * create,read,update", "allow customer * read"],
            "user-growth:2020:read user-growth:2019:* user-growth:2019:read revenue:create revenue:*:read customer:read",
            "user-growth:2019:* user-growth:2019:read revenue:create revenue:*:read customer:read",
            "user-growth:2020:read",
        ),
        (&["allow book * all"], "book message table", "book", "message table"),
    ] {
        let permissions = Permissions::new(shop(), Arc::default(), rules(own));
        assert_eq!(answer(&permissions, asked), [granted, rejected]);
    }
}

const MEANINGS: [&str; 8] =
    ["book:1:read", "book:*:read", "book:1:*", "book:*:*", "*:1:read", "*:*:read", "*:1:*", "*:*:*"];

/// Each meaning of an item, and a letter for each of 16 kinds of rule: whether one that allows covers it, and whether one
/// that denies meets it.
#[test]
fn an_item_is_granted_by_what_covers_it_and_refused_by_what_meets_it() {
    let book = resources(&[("book read write", None), ("shelf read", None)]);
    let kinds = [
        ("book 1 read", "x.......", "xxxxxxxx"),
        ("book 1 read,write", "x.......", "xxxxxxxx"),
        ("book 1 all", "x.x.....", "xxxxxxxx"),
        ("book 2 all", "........", ".x.x.x.x"),
        ("book 1 write", "........", "..xx..xx"),
        ("book * read", "xx......", "xxxxxxxx"),
        ("book * read,write", "xx......", "xxxxxxxx"),
        ("book * all", "xxxx....", "xxxxxxxx"),
        ("shelf * all", "........", "....xxxx"),
        ("* 1 read", "x...x...", "xxxxxxxx"),
        ("* 2 read", "........", ".x.x.x.x"),
        ("* 1 all", "x.x.x.x.", "xxxxxxxx"),
        ("* * read", "xx..xx..", "xxxxxxxx"),
        ("* * write", "........", "..xx..xx"),
        ("* * read,write", "xx..xx..", "xxxxxxxx"),
        ("* * all", "xxxxxxxx", "xxxxxxxx"),
    ];
    let marks = |shown: &dyn Fn(&str) -> bool| -> String {
        MEANINGS.iter().map(|item| if shown(item) { 'x' } else { '.' }).collect()
    };
    for (kind, covers, meets) in kinds {
        let allow = Permissions::new(book.clone(), Arc::default(), rules(&[&format!("allow {kind}")]));
        assert_eq!(marks(&|item| answer(&allow, item)[0] == item), covers, "allow {kind}");
        let both = rules(&["allow * * all", &format!("deny {kind}")]);
        let deny = Permissions::new(book.clone(), Arc::default(), both);
        assert_eq!(marks(&|item| answer(&deny, item)[1] == item), meets, "deny {kind}");
    }
}

#[test]
fn what_names_everything_there_is_does_not_cover_what_will_be() {
    let own = resources(&[("book read", None)]);
    let each = rules(&["allow book 1 read", "allow book * read", "allow book 1 all"]);
    let permissions = Permissions::new(own, Arc::default(), each);
    assert_eq!(
        answer(&permissions, "book:read book:1:* book * book:*"),
        ["book:read book:1:*", "book * book:*"]
    );
}

#[test]
fn what_means_nothing_is_refused_whatever_the_rules_say() {
    let own = resources(&[("book read", None), ("menu", None)]);
    let permissions = Permissions::new(own, Arc::default(), rules(&["allow * * all", "allow gone * all"]));
    assert_eq!(
        answer(
            &permissions,
            "book:read book:raed *:raed shelf gone menu menu:1:* menu:click Book book::read *"
        ),
        ["book:read menu menu:1:* *", "book:raed *:raed shelf gone menu:click Book book::read"]
    );
    let empty = Permissions::new(Arc::default(), Arc::default(), rules(&["allow * * all"]));
    assert_eq!(answer(&empty, "* *:* *:read"), ["", "* *:* *:read"]);
}

#[test]
fn items_are_echoed_as_they_were_asked_for() {
    let permissions = Permissions::new(shop(), Arc::default(), rules(&["allow book * all"]));
    assert_eq!(
        answer(&permissions, "book:*:read x book  table book:*:* book book:read book:* x"),
        ["book:*:read book book:*:* book:read book:*", "x table"]
    );
}

#[test]
fn only_a_user_gets_scopes_of_users() {
    let mut settings = PoolSettings::default();
    settings.scopes.insert("work".into(), CustomScope::default());
    settings.scopes.insert("book".into(), CustomScope::default());
    let user = bare_user();
    let own = shop();
    assert_eq!(own.hidden(&settings).map(|code| code.as_str()).collect::<Vec<_>>(), ["book"]);
    let all = ["account", "user"].map(|kind| {
        let id = if kind == "account" { AK.to_owned() } else { user.id.to_string() };
        rule_of(json!({ kind: id }), "allow * * all")
    });
    let permissions = Permissions::new(own, Arc::default(), all);
    let asked = scope("openid table work other book offline_access book:* a::b");
    let case = of_account(&asked, &settings);
    let decision = permissions.decide(&case);
    assert_eq!(decision.granted.to_string(), "table book:*");
    assert_eq!(decision.rejected.to_string(), "openid work other book offline_access a::b");
    let decision = permissions.decide(&ScopeCase { caller: Caller::User(&user), ..case });
    assert_eq!(decision.granted.to_string(), "openid table work book offline_access book:*");
    assert_eq!(decision.rejected.to_string(), "other a::b");
}

#[test]
fn rules_are_about_the_caller_their_roles_and_their_groups() {
    let mut user = bare_user();
    user.details.roles = vec!["admin".into(), "editor".into()];
    user.details.groups = vec!["staff".into()];
    let other = AccountId::parse("d00000000000000000000002").unwrap();
    let (own, settings, asked) = (shop(), PoolSettings::default(), scope("book"));
    for (subject, of_user, of_account) in [
        (json!({ "account": AK }), false, true),
        (json!({ "account": other }), false, false),
        (json!({ "user": user_id() }), true, false),
        (json!({ "user": other_user_id() }), false, false),
        (json!({ "role": "editor" }), true, false),
        (json!({ "role": "staff" }), false, false),
        (json!({ "role": "Editor" }), false, false),
        (json!({ "group": "staff" }), true, false),
        (json!({ "group": "editor" }), false, false),
    ] {
        let permissions =
            Permissions::new(own.clone(), Arc::default(), [rule_of(subject.clone(), "allow book * all")]);
        for (caller, expected) in [(Caller::User(&user), of_user), (Caller::Account(account()), of_account)] {
            let case = ScopeCase { caller, ..self::of_account(&asked, &settings) };
            assert_eq!(permissions.decide(&case).granted == asked, expected, "{subject} {caller:?}");
        }
    }
    let both = [
        rule_of(json!({ "role": "admin" }), "allow book * all"),
        rule_of(json!({ "group": "staff" }), "deny book 7 read"),
    ];
    let permissions = Permissions::new(own, Arc::default(), both);
    let asked = scope("book book:7:read book:8:read");
    let case = ScopeCase { caller: Caller::User(&user), ..self::of_account(&asked, &settings) };
    assert_eq!(
        permissions.decide(&case).granted.to_string(),
        "book:8:read",
        "a denial beats whatever allows"
    );
}

const BOOKS: &str = "https://api.example.com/books";
const SHELVES: &str = "https://api.example.com/shelves";

#[test]
fn equal_codes_in_two_namespaces_are_two_resources() {
    let own = resources(&[("book read", Some(BOOKS))]);
    let pool = resources(&[("book write", Some(SHELVES)), ("desk write", None)]);
    let decide = |list: &[&str], api: Option<&str>, asked: &str| {
        let permissions = Permissions::new(own.clone(), pool.clone(), rules(list));
        let (asked, settings) = (scope(asked), PoolSettings::default());
        let api = api.map(|api| permissions.api(api).unwrap());
        permissions.decide(&ScopeCase { api, ..of_account(&asked, &settings) }).granted.to_string()
    };
    let asked = "book book:read book:write desk";
    assert_eq!(decide(&["allow book * all"], None, asked), "book book:read");
    assert_eq!(decide(&["allow pool/book * all", "allow pool/desk * all"], None, asked), "desk");
    assert_eq!(decide(&["allow book * all"], Some(BOOKS), asked), "book book:read");
    assert_eq!(decide(&["allow pool/book * all"], Some(BOOKS), asked), "");
    assert_eq!(decide(&["allow pool/book * all"], Some(SHELVES), asked), "book book:write");
    assert_eq!(decide(&["allow book * all", "deny pool/book * all"], None, asked), "book book:read");
    assert_eq!(
        decide(&["allow * * all", "deny pool/book * all"], None, "* book:read desk"),
        "book:read desk"
    );
    assert_eq!(decide(&["allow desk * all"], None, asked), "", "the application has no desk");
}

#[test]
fn an_api_narrows_what_an_item_denotes() {
    let own =
        resources(&[("book read", Some(BOOKS)), ("page read", Some(BOOKS)), ("shelf move", Some(SHELVES))]);
    let pool = resources(&[("desk write", None)]);
    let decide = |list: &[&str], api: Option<&str>, asked: &str| {
        let permissions = Permissions::new(own.clone(), pool.clone(), rules(list));
        let (asked, settings) = (scope(asked), PoolSettings::default());
        let api = api.map(|api| permissions.api(api).unwrap());
        permissions.decide(&ScopeCase { api, ..of_account(&asked, &settings) }).granted.to_string()
    };
    let asked = "book page:read shelf desk *:read *:move *:write *";
    let all = "allow * * all";
    assert_eq!(decide(&[all], None, asked), asked);
    assert_eq!(decide(&[all], Some(BOOKS), asked), "book page:read *:read *");
    assert_eq!(decide(&[all], Some(SHELVES), asked), "shelf *:move *");
    assert_eq!(decide(&[all, "deny shelf * all", "deny pool/desk * all"], Some(BOOKS), "book *"), "book *");
    assert_eq!(decide(&[all, "deny page 7 read"], Some(BOOKS), "book *:read *:8:read *"), "book *:8:read");
    assert_eq!(
        decide(&[all, "deny gone 7 read"], Some(BOOKS), "book *"),
        "book",
        "it may come and be of this API"
    );
    assert_eq!(
        decide(&["allow book * all", "allow page * all"], Some(BOOKS), "book page *"),
        "book page",
        "another resource of this API may come"
    );
    let permissions = Permissions::new(own, pool, []);
    for unknown in [
        "",
        "https://api.example.com/book",
        "https://api.example.com/books/",
        "https://API.example.com/books",
    ] {
        assert_eq!(permissions.api(unknown), None, "{unknown}");
    }
    assert_eq!(permissions.api(BOOKS).unwrap().as_str(), BOOKS);
    let pools = Permissions::new(Arc::default(), resources(&[("x", Some(SHELVES))]), []);
    assert!(pools.api(SHELVES).is_some() && pools.api(BOOKS).is_none());
}

/// Whether a rule with `restrictions` counts for a user in a case, if it allows, and if it denies.
fn counts_in(restrictions: &Value, case: &ScopeCase) -> [bool; 2] {
    let restricted = |effect: &str| Rule {
        restrictions: serde_json::from_value(restrictions.clone()).unwrap(),
        ..rule_of(json!({ "user": user_id() }), &format!("{effect} book * all"))
    };
    let always = rule_of(json!({ "user": user_id() }), "allow * * all");
    let granted = |rules: Vec<Rule>| {
        Permissions::new(shop(), Arc::default(), rules).decide(case).granted == *case.scope
    };
    [granted(vec![restricted("allow")]), !granted(vec![always, restricted("deny")])]
}

/// The same in the sample user's case after a change.
fn counts(restrictions: &Value, settings: &PoolSettings, change: impl Fn(&mut ScopeCase)) -> [bool; 2] {
    let (user, asked) = (user(), scope("book"));
    let mut case = ScopeCase { caller: Caller::User(&user), ..of_account(&asked, settings) };
    change(&mut case);
    counts_in(restrictions, &case)
}

const HOLDS: [bool; 2] = [true, true];
const FAILS: [bool; 2] = [false, false];
/// It allows nothing, and denies.
const UNKNOWN: [bool; 2] = [false, true];

#[test]
fn a_rule_counts_where_its_restrictions_hold() {
    let settings = PoolSettings::default();
    let office = json!({ "ip": ["10.0.0.0/8", "2001:db8::/32"] });
    for (from, expected) in [
        (Some("10.1.2.3"), HOLDS),
        (Some("::ffff:10.1.2.3"), HOLDS),
        (Some("2001:db8::7"), HOLDS),
        (Some("11.0.0.1"), FAILS),
        (Some("::10.1.2.3"), FAILS),
        (Some("0.0.0.0"), UNKNOWN),
        (Some("::"), UNKNOWN),
        (Some("::ffff:0.0.0.0"), UNKNOWN),
        (None, UNKNOWN),
    ] {
        let ip = from.map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(counts(&office, &settings, |case| case.ip = ip), expected, "{from:?}");
    }
    for (wanted, known, expected) in [
        (true, Some(true), HOLDS),
        (true, Some(false), FAILS),
        (false, Some(false), HOLDS),
        (false, Some(true), FAILS),
        (true, None, UNKNOWN),
        (false, None, UNKNOWN),
    ] {
        let restrictions = json!({ "mfa": wanted });
        assert_eq!(counts(&restrictions, &settings, |case| case.mfa = known), expected, "{wanted} {known:?}");
    }
    assert_eq!(NOW.to_text(), "2023-11-14T22:13:20.000Z");
    for (from, to, offset, expected) in [
        ("22:13", "22:14", "+00:00", HOLDS),
        ("22:00", "22:13", "+00:00", FAILS),
        ("22:14", "22:00", "+00:00", FAILS),
        ("22:14", "22:13", "+00:00", FAILS),
        ("22:00", "06:00", "-00:00", HOLDS),
        ("09:00", "17:30", "+08:00", FAILS),
        ("06:00", "07:00", "+08:00", HOLDS),
        ("03:43", "03:44", "+05:30", HOLDS),
        ("23:00", "24:00", "+01:00", HOLDS),
        ("17:00", "18:00", "-05:00", HOLDS),
        ("12:00", "00:00", "+00:00", HOLDS),
    ] {
        let time = json!({ "time": { "from": from, "to": to, "offset": offset } });
        assert_eq!(counts(&time, &settings, |_| {}), expected, "{from} {to} {offset}");
    }
}

#[test]
fn all_restrictions_of_a_rule_have_to_hold() {
    let settings = PoolSettings::default();
    let both = json!({ "ip": ["10.0.0.0/8"], "mfa": true });
    for (ip, mfa, expected) in [
        (Some([10, 0, 0, 1]), Some(true), HOLDS),
        (Some([10, 0, 0, 1]), Some(false), FAILS),
        (Some([11, 0, 0, 1]), Some(true), FAILS),
        (Some([10, 0, 0, 1]), None, UNKNOWN),
        (Some([11, 0, 0, 1]), None, FAILS),
        (None, Some(false), FAILS),
        (None, None, UNKNOWN),
    ] {
        let facts = |case: &mut ScopeCase| (case.ip, case.mfa) = (ip.map(IpAddr::from), mfa);
        assert_eq!(counts(&both, &settings, facts), expected, "{ip:?} {mfa:?}");
    }
    assert_eq!(counts(&json!({}), &settings, |_| {}), HOLDS);
}

fn equals(field: &str, equals: Value) -> Value {
    json!({ "attributes": [{ "field": field, "equals": equals }] })
}

#[test]
fn an_attribute_is_what_the_user_has_of_the_type_of_today() {
    let mut settings = PoolSettings::default();
    for (field, value, expected) in [
        ("nickname", json!("Al"), HOLDS),
        ("nickname", json!("al"), FAILS),
        ("address.country", json!("CN"), HOLDS),
        ("address.region", json!("CN"), FAILS),
        ("email_verified", json!(true), HOLDS),
        ("phone_verified", json!(true), FAILS),
        ("extended_fields.level", json!(3), HOLDS),
        ("extended_fields.level", json!(4), FAILS),
        ("extended_fields.level", json!("3"), FAILS),
        ("extended_fields.other", json!("x"), FAILS),
    ] {
        assert_eq!(counts(&equals(field, value.clone()), &settings, |_| {}), expected, "{field} {value}");
    }
    let level = equals("extended_fields.level", json!(3));
    settings.extended_fields.insert("level".into(), FieldType::Number);
    assert_eq!(counts(&level, &settings, |_| {}), HOLDS);
    let mut user = user();
    user.details.extended_fields.insert("level".into(), json!(3.0));
    let asked = scope("book");
    let case = ScopeCase { caller: Caller::User(&user), ..of_account(&asked, &settings) };
    assert_eq!(counts_in(&level, &case), HOLDS, "3.0 is 3");
    settings.extended_fields.insert("level".into(), FieldType::Text);
    assert_eq!(counts(&level, &settings, |_| {}), UNKNOWN, "what they have is not of its type");
}

#[test]
fn an_account_has_no_attributes() {
    for effect in ["allow", "deny"] {
        let restricted = Rule {
            restrictions: serde_json::from_value(equals("nickname", json!("Al"))).unwrap(),
            ..rule_of(json!({ "account": AK }), &format!("{effect} book * all"))
        };
        let open = if effect == "allow" { "allow table * all" } else { "allow * * all" };
        let list = [restricted, rule_of(json!({ "account": AK }), open)];
        assert_eq!(answer(&Permissions::new(shop(), Arc::default(), list), "book table"), ["table", "book"]);
    }
}

#[test]
fn a_decision_reads_the_rules_about_its_caller_alone() {
    let others = (0..100_u32).map(|n| rule_of(json!({ "account": format!("e{n:023x}") }), "deny * * all"));
    let permissions = Permissions::new(shop(), Arc::default(), others.chain(rules(&["allow book * all"])));
    assert_eq!(permissions.about(Caller::Account(account())).count(), 1);
    assert_eq!(answer(&permissions, "book table"), ["book", "table"]);
    let user = bare_user();
    assert_eq!(permissions.about(Caller::User(&user)).count(), 0);
}

#[test]
fn types_only_sort() {
    for kind in ResourceType::ALL {
        let resource = json!({ "code": "x", "type": kind, "actions": ["read"] });
        let own = Resources::new(vec![serde_json::from_value(resource).unwrap()]).unwrap();
        let permissions = Permissions::new(Arc::new(own), Arc::default(), rules(&["allow x * read"]));
        assert_eq!(answer(&permissions, "x:read x"), ["x:read", "x"]);
    }
}
