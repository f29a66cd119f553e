//! What of a scope a user gets, and the API that it is for.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    error::ErrorCode::InvalidTarget,
    resource::{ApiIdentifier, Resources, indicated, narrowed},
    samples::{NOW, params, scope, user},
};

const BOOKS: &str = "https://api.example.com/books";

/// Books of an API, and notes of none, of which the sample user may read.
fn permissions() -> Permissions {
    permissions_with(&[])
}

/// The same beside resources of the pool, all of the API, of which the user may do everything.
fn permissions_with(pool: &[&str]) -> Permissions {
    let resource = |code: &str, api: Option<&str>| {
        let resource =
            json!({ "code": code, "type": "API", "actions": ["read", "write"], "api_identifier": api });
        serde_json::from_value(resource).unwrap()
    };
    let own = Resources::new(vec![resource("book", Some(BOOKS)), resource("note", None)]).unwrap();
    let rule = |code: &str| {
        let subject = json!({ "user": user().id });
        let rule = json!({ "subject": subject, "effect": "allow", "resource": code, "actions": ["read"] });
        serde_json::from_value(rule).unwrap()
    };
    let of_pool = Resources::new(pool.iter().map(|code| resource(code, Some(BOOKS))).collect()).unwrap();
    let everything =
        json!({ "subject": { "user": user().id }, "effect": "allow", "resource": "*", "actions": "all" });
    let everything = (!pool.is_empty()).then(|| serde_json::from_value(everything).unwrap());
    Permissions::new(
        Arc::new(own),
        Arc::new(of_pool),
        [rule("book"), rule("note")].into_iter().chain(everything),
    )
}

fn decided(asked: &str, api: Option<&str>) -> Result<UserScope, Refusal> {
    decided_by(&permissions(), asked, api, false)
}

fn decided_by(
    by: &Permissions,
    asked: &str,
    api: Option<&str>,
    narrowed: bool,
) -> Result<UserScope, Refusal> {
    let (scope, user, settings) = (scope(asked), user(), PoolSettings::default());
    let case = UserCase {
        scope: &scope,
        api,
        narrowed,
        user: &user,
        settings: &settings,
        ip: None,
        amr: Amr::PASSWORD,
        now: NOW,
    };
    case.decide(by)
}

#[test]
fn items_are_sorted_and_scopes_of_users_stay() {
    for (api, asked, granted, token, rejected) in [
        (None, "openid book:read email", "openid book:read email", "openid book:read email", ""),
        (None, "book:write openid book desk", "openid", "openid", "book:write book desk"),
        (None, "openid un+heard+of a:b:c:d", "openid", "openid", ""),
        (Some(BOOKS), "openid note:read book:read", "openid book:read", "book:read", "note:read"),
        (Some(BOOKS), "openid email", "openid email", "", ""),
    ] {
        let decided = decided(asked, api).unwrap();
        assert_eq!(decided.granted(), &scope(granted), "{asked}");
        assert_eq!(decided.of_access_token(), &scope(token), "{asked}");
        assert_eq!(decided.rejected(), &scope(rejected), "{asked}");
        assert_eq!(decided.api().map(ApiIdentifier::as_str), api);
    }
    assert_eq!(decided("openid", Some("https://api.example.com/notes")).unwrap_err().code, InvalidTarget);
}

#[test]
fn what_is_kept_with_a_grant_is_what_is_needed_again() {
    let ip: IpAddr = "192.0.2.7".parse().unwrap();
    let kept = |asked, api| decided(asked, api).unwrap().kept(ip);
    assert_eq!(kept("openid un+heard+of", None), GrantItems::default());
    let nothing = GrantItems { rejected: scope("book"), ..GrantItems::default() };
    assert_eq!(kept("openid book", None), nothing, "no address without an item");
    let all = kept("openid book:read note:read", Some(BOOKS));
    assert_eq!((all.rejected, all.ip), (scope("note:read"), Some(ip)));
    assert_eq!(all.api, Some(ApiIdentifier::parse(BOOKS).unwrap()));
    let later = decided("openid book", None).unwrap().after(&scope("note desk"));
    assert_eq!(later.rejected(), &scope("note desk book"));
}

#[test]
fn attack_18_an_item_is_not_narrowed_to_another_resource() {
    let by = permissions_with(&["note", "desk"]);
    let asked = "note:read book:read desk:read *";
    for (narrowed, token, rejected) in [(false, asked, ""), (true, "book:read desk:read *", "note:read")] {
        let decided = decided_by(&by, asked, Some(BOOKS), narrowed).unwrap();
        assert_eq!(decided.of_access_token(), &scope(token), "the application's note is of no API");
        assert_eq!(decided.rejected(), &scope(rejected));
    }
}

#[test]
fn one_api_is_named_and_a_grant_for_one_is_for_no_other() {
    let named = |pairs: &[(&str, &str)]| indicated(&params(pairs)).map(|api| api.map(str::to_owned));
    assert_eq!(named(&[("resource", BOOKS)]), Ok(Some(BOOKS.to_owned())));
    assert_eq!((named(&[("resource", "")]), named(&[])), (Ok(None), Ok(None)));
    for second in [BOOKS, "urn:x", ""] {
        assert_eq!(named(&[("resource", BOOKS), ("resource", second)]).unwrap_err().code, InvalidTarget);
    }
    let books = ApiIdentifier::parse(BOOKS).unwrap();
    for (granted, asked, narrow) in [
        (None, None, Ok(None)),
        (None, Some("urn:x"), Ok(Some("urn:x"))),
        (Some(&books), None, Ok(Some(BOOKS))),
        (Some(&books), Some(BOOKS), Ok(Some(BOOKS))),
        (Some(&books), Some("urn:x"), Err(InvalidTarget)),
    ] {
        assert_eq!(narrowed(granted, asked).map_err(|refusal| refusal.code), narrow, "{granted:?} {asked:?}");
    }
}

proptest! {
    #[test]
    fn rules_are_not_asked_exactly_where_they_have_no_say(
        asked in "(openid |email |work |a:b:c:d |x[+]y ){0,5}", item in "(book:read|work:read|desk|[*])?",
    ) {
        let settings = PoolSettings {
            scopes: [("work".to_owned(), Default::default())].into(), ..PoolSettings::default()
        };
        let (scope, user) = (scope(&format!("{asked}{item}")), user());
        let case = UserCase {
            scope: &scope, api: None, narrowed: false, user: &user, settings: &settings, ip: None, amr: Amr::PASSWORD, now: NOW,
        };
        let without = case.without_rules();
        prop_assert_eq!(without.is_some(), item.is_empty());
        if let Some(without) = without {
            prop_assert_eq!(Ok(without), case.decide(&permissions()));
        }
    }
}
