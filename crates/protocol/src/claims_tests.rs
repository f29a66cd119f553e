//! What each scope tells of a user.

use serde_json::json;

use super::*;
use crate::{
    application::ActiveApplication,
    samples::*,
    user::{Address, Profile, UserDetails},
};

fn with_nulls() -> ActiveApplication {
    application_with(|settings| settings.empty_claims_as_null = true)
}

fn told(user: &User, granted: &str, application: &ActiveApplication) -> Value {
    Value::Object(user_claims(user, &scope(granted), application))
}

#[test]
fn each_scope_gives_its_own_claims() {
    for (granted, claims) in [
        ("openid", json!({})),
        ("openid offline_access", json!({})),
        (
            "profile",
            json!({
                "name": "Alice Liddell",
                "given_name": "Alice",
                "family_name": "Liddell",
                "middle_name": "P",
                "nickname": "Al",
                "preferred_username": "al",
                "profile": "https://example.com/al",
                "picture": "https://example.com/al.png",
                "website": "https://al.example",
                "gender": "F",
                "birthdate": "1990-05-04",
                "zoneinfo": "Asia/Shanghai",
                "locale": "zh-CN",
                "updated_at": 1_600_000_000,
            }),
        ),
        ("email", json!({"email": "alice@example.com", "email_verified": true})),
        ("phone", json!({"phone_number": "+8613800138000", "phone_number_verified": false})),
        ("address", json!({"address": {"country": "CN"}})),
        ("username", json!({"username": "alice"})),
        ("roles", json!({"roles": ["admin", "editor"]})),
        ("external_id", json!({"external_id": "hr-17"})),
        ("extended_fields", json!({"extended_fields": {"level": 3}})),
        ("openid username external_id", json!({"username": "alice", "external_id": "hr-17"})),
    ] {
        assert_eq!(told(&user(), granted, &active_application()), claims, "{granted}");
        assert_eq!(told(&user(), granted, &with_nulls()), claims, "a value is a value: {granted}");
    }
}

#[test]
fn every_scope_is_in_the_table_once() {
    for value in KnownScope::ALL {
        let rows = CLAIMS_BY_SCOPE.iter().filter(|(scope, _)| scope == value).count();
        let gives_claims = !matches!(value, KnownScope::Openid | KnownScope::OfflineAccess);
        assert_eq!(rows, usize::from(gives_claims), "{value:?}");
    }
}

#[test]
fn no_claim_of_a_user_can_take_the_place_of_a_claim_of_the_protocol() {
    let protocol = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "at_hash",
        "c_hash",
        "s_hash",
        "sid",
        "azp",
    ];
    let mut names: Vec<_> = CLAIMS_BY_SCOPE.iter().flat_map(|(_, names)| *names).collect();
    assert!(names.iter().all(|name| !protocol.contains(name)));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CLAIMS_BY_SCOPE.iter().map(|(_, names)| names.len()).sum::<usize>());
}

#[test]
fn what_is_not_known_is_left_out_or_null() {
    for (scope, names) in CLAIMS_BY_SCOPE {
        let nothing: Map<String, Value> = match scope {
            KnownScope::Profile => [("updated_at".to_owned(), json!(1_600_000_000))].into_iter().collect(),
            _ => Map::new(),
        };
        let granted = scope.as_str();
        assert_eq!(told(&bare_user(), granted, &active_application()), Value::Object(nothing.clone()));
        let unset = |name: &str| match name {
            "email_verified" | "phone_number_verified" => json!(false),
            "gender" => json!("U"),
            _ => Value::Null,
        };
        let null =
            |name: &&str| ((*name).to_owned(), nothing.get(*name).cloned().unwrap_or_else(|| unset(name)));
        let nulls: Map<String, Value> = names.iter().map(null).collect();
        assert_eq!(told(&bare_user(), granted, &with_nulls()), Value::Object(nulls), "{granted}");
    }
}

#[test]
fn an_empty_text_or_address_counts_as_unknown() {
    let profile =
        Profile { nickname: Some(String::new()), address: Some(Address::default()), ..Profile::default() };
    let details = UserDetails { profile, external_id: Some(String::new()), ..UserDetails::default() };
    let user = User { details, email: Some(String::new()), ..bare_user() };
    assert_eq!(
        told(&user, "profile address external_id", &active_application()),
        json!({"updated_at": 1_600_000_000})
    );
}

#[test]
fn the_user_name_stands_in_for_a_preferred_one() {
    let mut user = user();
    user.details.profile.preferred_username = None;
    let claims = user_claims(&user, &scope("profile"), &active_application());
    assert_eq!(claims["preferred_username"], "alice");
}

#[test]
fn a_hint_is_read_of_any_token_and_believed_of_its_issuer_only() {
    let hint: HintClaims = serde_json::from_value(json!({
        "iss": "https://id.example.com/oidc",
        "sub": user_id(),
        "aud": app_id(),
        "exp": 1,
        "sid": session_id().to_string(),
    }))
    .unwrap();
    assert!(hint.made_by(&pool_issuer()));
    assert!(!hint.made_by(&app_issuer()));
    let subjects = Subjects::of(pool_key());
    let meant = hint.clone().resolve(subjects, &application()).unwrap();
    let session = Some(session_id());
    assert_eq!(meant, Hint { user: user_id(), client: app_id(), session });
    for sid in [None, Some("not a session".to_owned())] {
        let hint = HintClaims { sid, ..hint.clone() };
        assert_eq!(hint.resolve(subjects, &application()).unwrap().session, None);
    }
    assert_eq!(hint.clone().resolve(subjects, &other_application()), None);
    assert_eq!(hint.resolve(subjects, &application_with(pairwise)), None, "it is told otherwise today");
}
