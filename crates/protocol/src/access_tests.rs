//! What entries say, against the sentence that describes them.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{samples::*, user::UserDetails};

fn user_in(roles: &[&str], groups: &[&str]) -> User {
    let own = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    User {
        details: UserDetails { roles: own(roles), groups: own(groups), ..Default::default() },
        ..bare_user()
    }
}

fn rule(whom: Whom, effect: Effect) -> AccessRule {
    AccessRule { whom, effect, enabled: true }
}

#[test]
fn the_default_decides_for_whom_no_entry_is_about() {
    let user = user_in(&["editor"], &["staff"]);
    let strangers = [
        rule(Whom::User(other_user_id()), Effect::Deny),
        rule(Whom::Role("staff".into()), Effect::Deny),
        rule(Whom::Group("editor".into()), Effect::Deny),
        rule(Whom::Role("Editor".into()), Effect::Deny),
        AccessRule { enabled: false, ..rule(Whom::User(user.id), Effect::Deny) },
    ];
    for default in [Effect::Allow, Effect::Deny] {
        assert_eq!(effect(default, &[], &user), default);
        assert_eq!(effect(default, &strangers, &user), default);
    }
}

#[test]
fn attack_18_only_who_is_admitted_is_proved_to_be() {
    let user = Arc::new(user_in(&[], &["staff"]));
    for (default, rules, admitted) in [
        (Effect::Allow, vec![], true),
        (Effect::Deny, vec![], false),
        (Effect::Deny, vec![rule(Whom::Group("staff".into()), Effect::Allow)], true),
        (Effect::Allow, vec![rule(Whom::Group("staff".into()), Effect::Deny)], false),
    ] {
        let application = application_with(|settings| {
            (settings.access_default, settings.access_rules) = (default, rules.clone());
        });
        assert_eq!(application.admit(user.active().unwrap()).is_some(), admitted, "{default:?} {rules:?}");
    }
    assert_tellable(NOT_ADMITTED);
}

#[test]
fn an_entry_is_stored_as_it_is_written() {
    let json = |rule: &AccessRule| serde_json::to_value(rule).unwrap();
    for (whom, key, value) in [
        (Whom::User(user_id()), "user", user_id().to_string()),
        (Whom::Role("a".into()), "role", "a".to_owned()),
        (Whom::Group("b".into()), "group", "b".to_owned()),
    ] {
        let rule = rule(whom, Effect::Deny);
        assert_eq!(json(&rule), serde_json::json!({ key: value, "effect": "deny", "enabled": true }));
        assert_eq!(serde_json::from_value::<AccessRule>(json(&rule)).unwrap(), rule);
    }
}

fn any_rule() -> impl Strategy<Value = AccessRule> {
    let whom = prop_oneof![
        any::<bool>().prop_map(|own| Whom::User(if own { user_id() } else { other_user_id() })),
        "[ab]".prop_map(Whom::Role),
        "[ab]".prop_map(Whom::Group),
    ];
    let effect = prop_oneof![Just(Effect::Allow), Just(Effect::Deny)];
    (whom, effect, any::<bool>()).prop_map(|(whom, effect, enabled)| AccessRule { whom, effect, enabled })
}

proptest! {
    #[test]
    fn entries_beat_the_default_and_denials_the_rest(
        rules in prop::collection::vec(any_rule(), 0..8),
        role in any::<bool>(),
        group in any::<bool>(),
        deny in any::<bool>(),
    ) {
        let user = user_in(if role { &["a"] } else { &[] }, if group { &["a"] } else { &[] });
        let says = |wanted: Effect| rules.iter().any(|rule| {
            let about = match &rule.whom {
                Whom::User(id) => *id == user_id(),
                Whom::Role(code) => role && code == "a",
                Whom::Group(code) => group && code == "a",
            };
            about && rule.enabled && rule.effect == wanted
        });
        let default = if deny { Effect::Deny } else { Effect::Allow };
        let expected = match (says(Effect::Deny), says(Effect::Allow)) {
            (true, _) => Effect::Deny,
            (false, true) => Effect::Allow,
            (false, false) => default,
        };
        prop_assert_eq!(effect(default, &rules, &user), expected);
        let backwards: Vec<_> = rules.iter().rev().cloned().collect();
        prop_assert_eq!(effect(default, &backwards, &user), expected, "their order is nothing");
    }
}
