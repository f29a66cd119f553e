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
    Permissions::new(Arc::new(own), Arc::default(), [rule("book"), rule("note")])
}

fn decided(asked: &str, api: Option<&str>) -> Result<UserScope, Refusal> {
    let (scope, user, settings) = (scope(asked), user(), PoolSettings::default());
    let case = UserCase {
        scope: &scope,
        api,
        user: &user,
        settings: &settings,
        ip: None,
        amr: Amr::PASSWORD,
        now: NOW,
    };
    case.decide(&permissions())
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
            scope: &scope, api: None, user: &user, settings: &settings, ip: None, amr: Amr::PASSWORD, now: NOW,
        };
        let without = case.without_rules();
        prop_assert_eq!(without.is_some(), item.is_empty());
        if let Some(without) = without {
            prop_assert_eq!(Ok(without), case.decide(&permissions()));
        }
    }
}
