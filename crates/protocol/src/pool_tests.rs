//! The pool's own scopes and claims.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    claims::{CLAIMS_BY_SCOPE, FURTHER_CLAIMS, user_claims},
    samples::*,
    user_field::BasicField,
};

/// A pool with two fields, three claims and three scopes.
fn pool() -> PoolSettings {
    serde_json::from_value(json!({
        "extended_fields": {"level": "number", "desk": "text"},
        "claims": {
            "https://example.com/level": "extended_fields.level",
            "desk": "extended_fields.desk",
            "callsign": "nickname",
        },
        "scopes": {
            "work": {"claims": ["https://example.com/level", "desk", "email"]},
            "game": {"claims": ["callsign", "https://example.com/level", "country"], "description": "Play"},
            "mark": {},
        },
    }))
    .unwrap()
}

fn told(granted: &str, pool: &PoolSettings) -> Value {
    Value::Object(user_claims(&user(), &scope(granted), &active_application(), pool))
}

#[test]
fn a_scope_gives_its_claims_and_no_other() {
    let pool = pool();
    for (granted, claims) in [
        ("openid", json!({})),
        ("openid mark", json!({})),
        ("openid unheard", json!({})),
        ("openid work", json!({"https://example.com/level": 3, "email": "alice@example.com"})),
        (
            "work openid game",
            json!({
                "https://example.com/level": 3,
                "email": "alice@example.com",
                "callsign": "Al",
                "country": "CN",
            }),
        ),
        (
            "username game",
            json!({"username": "alice", "https://example.com/level": 3, "callsign": "Al", "country": "CN"}),
        ),
    ] {
        assert_eq!(told(granted, &pool), claims, "{granted}");
    }
    assert_eq!(
        told("openid work game", &PoolSettings::default()),
        json!({}),
        "in another pool they mean nothing"
    );
}

#[test]
fn what_means_nothing_here_is_left_out_of_the_scope() {
    let understood = |text| pool().understood(scope(text)).to_string();
    assert_eq!(
        understood("mark openid game re+ad:all offline_access work a:b:c:d book:1:read"),
        "mark openid game offline_access work book:1:read"
    );
    assert_eq!(PoolSettings::default().understood(scope("openid wo+rk email")).to_string(), "openid email");
}

#[test]
fn older_systems_get_null_for_what_is_unknown() {
    let application = application_with(|settings| settings.empty_claims_as_null = true);
    let mut pool = pool();
    pool.claims.insert("sex".to_owned(), UserField::Basic(BasicField::Gender));
    pool.scopes.insert(
        "more".to_owned(),
        CustomScope { claims: vec!["sex".into(), "desk".into()], ..Default::default() },
    );
    let claims = user_claims(&bare_user(), &scope("more game"), &application, &pool);
    assert_eq!(
        Value::Object(claims),
        json!({"sex": "U", "desk": null, "callsign": null, "https://example.com/level": null, "country": null})
    );
}

#[test]
fn a_value_of_another_type_than_its_field_is_not_told() {
    let mut pool = pool();
    pool.extended_fields.insert("level".to_owned(), FieldType::Text);
    assert_eq!(told("openid work", &pool), json!({"email": "alice@example.com"}));
    pool.extended_fields.insert("level".to_owned(), FieldType::Any);
    assert_eq!(told("openid work", &pool)["https://example.com/level"], 3);
}

#[test]
fn an_empty_value_is_no_value() {
    let mut user = user();
    let mut pool = pool();
    pool.extended_fields.insert("desk".to_owned(), FieldType::Any);
    for blank in [json!(""), json!([]), json!({}), Value::Null] {
        user.details.extended_fields.insert("desk".to_owned(), blank.clone());
        assert_eq!(pool.value(&user, &UserField::Extended("desk".to_owned())), Value::Null, "{blank}");
    }
    for value in [json!(false), json!(0), json!(["x"])] {
        user.details.extended_fields.insert("desk".to_owned(), value.clone());
        assert_eq!(pool.value(&user, &UserField::Extended("desk".to_owned())), value);
    }
}

#[test]
fn a_constant_claim_stands_in_the_place_of_the_pools_own() {
    let constant = json!({"KEY": "VALUE", "callsign": "Maverick", "sub": "mallory", "Iss": "x"});
    let application = application_with(|settings| {
        settings.constant_claims = serde_json::from_value(constant).unwrap();
    });
    let claims = |granted| Value::Object(user_claims(&user(), &scope(granted), &application, &pool()));
    assert_eq!(claims("openid"), json!({"KEY": "VALUE", "callsign": "Maverick"}));
    assert_eq!(claims("openid game")["callsign"], "Maverick");
}

#[test]
fn no_stored_setting_makes_a_claim_of_the_protocol() {
    let mut pool = pool();
    for name in PROTOCOL_CLAIMS {
        pool.claims.insert((*name).to_owned(), UserField::Basic(BasicField::Nickname));
    }
    let claims = PROTOCOL_CLAIMS.iter().map(|name| (*name).to_owned()).collect();
    pool.scopes.insert("all".to_owned(), CustomScope { claims, ..Default::default() });
    assert_eq!(told("openid all", &pool), json!({}));
}

#[test]
fn names_that_are_taken_or_misformed_are_refused() {
    for name in PROTOCOL_CLAIMS {
        for taken in [(*name).to_owned(), name.to_uppercase(), format!("{name}#zh")] {
            assert!(check_claim_name(&taken).is_err_and(|why| why.0.contains("protocol")), "{taken}");
        }
    }
    for (name, _) in built_in_claims() {
        for taken in [name.to_owned(), name.to_uppercase()] {
            assert!(check_claim_name(&taken).is_err_and(|why| why.0.contains("built-in")), "{taken}");
        }
    }
    for bad in ["", "a b", "a\"b", "a\\b", "é", "1st", "__proto__", "#zh", &"x".repeat(CLAIM_NAME_BYTES + 1)]
    {
        assert!(check_claim_name(bad).is_err(), "{bad}");
    }
    for good in ["KEY", "name#zh-CN", "https://example.com/claims/a", "iss2", &"x".repeat(CLAIM_NAME_BYTES)] {
        assert_eq!(check_claim_name(good), Ok(()), "{good}");
    }
    for known in KnownScope::ALL {
        assert!(check_scope_name(known.as_str()).is_err());
        assert!(check_scope_name(&known.as_str().to_uppercase()).is_err());
    }
    for bad in ["", "a b", "book:read", "*", "a/b", "你", &"x".repeat(SCOPE_NAME_BYTES + 1)] {
        assert!(check_scope_name(bad).is_err(), "{bad}");
    }
    for good in ["work", "tenant_id", "v1.read-all", &"x".repeat(SCOPE_NAME_BYTES)] {
        assert_eq!(check_scope_name(good), Ok(()), "{good}");
    }
    for bad in ["", "a.b", "a b", "é", &"x".repeat(FIELD_NAME_BYTES + 1)] {
        assert!(check_field_name(bad).is_err(), "{bad}");
    }
    assert_eq!(check_field_name("desk_no-1"), Ok(()));
}

/// The names in the second column of the row of `docs/scopes.md` that begins with `first`.
fn documented(first: &str) -> Vec<&'static str> {
    let page = include_str!("../../../docs/scopes.md");
    let row = page.lines().find(|line| line.starts_with(&format!("| {first} |"))).unwrap();
    row.split('|').nth(2).unwrap().split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_page_lists_what_is_built_in() {
    for (scope, claims) in CLAIMS_BY_SCOPE {
        let names: Vec<&str> = claims.iter().map(|(name, _)| *name).collect();
        assert_eq!(documented(&format!("`{}`", scope.as_str())), names);
    }
    assert_eq!((documented("`openid`"), documented("`offline_access`")), (vec!["sub"], vec![]));
    let page = include_str!("../../../docs/scopes.md");
    let names = |from: &str, to: &str| -> Vec<&str> {
        let part = page.split(from).nth(1).unwrap().split(to).next().unwrap();
        part.split('`').skip(1).step_by(2).collect()
    };
    let further: Vec<&str> = FURTHER_CLAIMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names("| claim | is |", "\n\n"), further);
    assert_eq!(names("in whatever case:", ". The"), PROTOCOL_CLAIMS);
}

#[test]
fn what_is_stored_of_an_older_version_is_read() {
    assert_eq!(serde_json::from_str::<PoolSettings>("{}").unwrap(), PoolSettings::default());
    let stored = serde_json::to_string(&pool()).unwrap();
    assert_eq!(serde_json::from_str::<PoolSettings>(&stored).unwrap(), pool());
}

proptest! {
    #[test]
    fn a_scope_name_that_is_taken_is_a_custom_value_of_one_request(name in "[ -~]{0,50}") {
        if check_scope_name(&name).is_ok() {
            let parsed = Scope::parse(&name).unwrap();
            prop_assert_eq!(parsed.customs().collect::<Vec<_>>(), [name.as_str()]);
        }
    }

    #[test]
    fn a_claim_name_that_is_taken_is_neither_the_protocols_nor_built_in(name in "\\PC{0,12}|[a-zA-Z_#]{1,16}") {
        if check_claim_name(&name).is_ok() {
            prop_assert!(!is_protocol_claim(&name));
            prop_assert!(PoolSettings::default().field_of(&name).is_none());
        }
    }
}
