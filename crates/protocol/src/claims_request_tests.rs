//! What is read as a claims request, and what it means.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::samples::subject;

fn read(text: &str) -> ClaimsRequest {
    ClaimsRequest::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_example_of_the_specification_is_understood() {
    // OpenID Connect Core §5.5.
    let request = read(
        r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true},
                         "email_verified": {"essential": true}, "picture": null,
                         "http://example.info/claims/groups": null},
            "id_token": {"auth_time": {"essential": true},
                         "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}"#,
    );
    assert_eq!(request.userinfo.len(), 6);
    assert_eq!(request.userinfo["given_name"], Wish { essential: true, values: None });
    assert_eq!(request.userinfo["nickname"], Wish::default());
    let values = Some(vec![json!("urn:mace:incommon:iap:silver")]);
    assert_eq!(request.id_token["acr"], Wish { essential: false, values });
    assert_eq!(request.needed_acr(), None, "a wish is not a demand");
    assert_eq!(request.needed_subjects(), None);
}

#[test]
fn what_is_not_understood_is_ignored() {
    for (text, same) in [
        (r#"{}"#, r#"{}"#),
        (r#"{"userinfo":null,"id_token":null}"#, r#"{}"#),
        (r#"{"userinfo":{},"id_token":{},"verified_claims":[1]}"#, r#"{}"#),
        (r#"{"userinfo":{"a":{}}}"#, r#"{"userinfo":{"a":null}}"#),
        (r#"{"userinfo":{"a":{"essential":false,"purpose":"x"}}}"#, r#"{"userinfo":{"a":null}}"#),
        (r#"{"userinfo":{"a":{"value":"x"}}}"#, r#"{"userinfo":{"a":{"values":["x"]}}}"#),
        (r#"{"userinfo":{"a":{"value":null}}}"#, r#"{"userinfo":{"a":null}}"#),
    ] {
        assert_eq!(read(text), read(same), "{text}");
    }
    assert_eq!((read("{}").stored(), read("{}").is_empty()), (None, true));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for bad in [
        "",
        "email",
        "null",
        "[]",
        "\"userinfo\"",
        r#"{"userinfo":"email"}"#,
        r#"{"userinfo":["email"]}"#,
        r#"{"userinfo":{"email":true}}"#,
        r#"{"userinfo":{"email":[]}}"#,
        r#"{"userinfo":{"email":{"essential":"true"}}}"#,
        r#"{"userinfo":{"email":{"values":"x"}}}"#,
        r#"{"userinfo":{"email":{"value":"x","values":["y"]}}}"#,
        r#"{"userinfo":{"email":null,"email":{"essential":true}}}"#,
        r#"{"userinfo":{},"userinfo":{"email":null}}"#,
        r#"{"userinfo":{"email":null}} and more"#,
        r#"{"userinfo":{"email":null}"#,
    ] {
        assert_eq!(ClaimsRequest::parse(bad), Err(ClaimsRequestError), "{bad}");
    }
}

#[test]
fn attack_21_a_request_is_bounded_in_size_number_and_depth() {
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let many = |count: usize| {
        let claims: Vec<_> = (0..count).map(|n| format!("\"c{n}\":null")).collect();
        format!("{{\"id_token\":{{{}}}}}", claims.join(","))
    };
    let deep = |levels: usize| {
        format!("{{\"id_token\":{{\"c\":{{\"value\":{}1{}}}}}}}", "[".repeat(levels), "]".repeat(levels))
    };
    for (good, bad) in [
        (padded(CLAIMS_BYTES), padded(CLAIMS_BYTES + 1)),
        (many(CLAIMS_COUNT), many(CLAIMS_COUNT + 1)),
        (deep(CLAIMS_DEPTH), deep(CLAIMS_DEPTH + 1)),
    ] {
        assert!(ClaimsRequest::parse(&good).is_ok());
        assert!(ClaimsRequest::parse(&bad).is_err());
    }
    assert!(ClaimsRequest::parse(&deep(4000)).is_err(), "and nothing overflows");
}

#[test]
fn a_demanded_acr_is_a_list_of_known_ones() {
    let known = vec![Acr::Password];
    for (acr, needed) in [
        ("null", None),
        (r#"{"essential":true}"#, None),
        (r#"{"values":["2"]}"#, None),
        (r#"{"essential":true,"value":"urn:signet:acr:password"}"#, Some(known.clone())),
        (r#"{"essential":true,"values":["2","urn:signet:acr:password",3]}"#, Some(known)),
        (r#"{"essential":true,"values":["2"]}"#, Some(vec![])),
        (r#"{"essential":true,"values":[]}"#, Some(vec![])),
    ] {
        assert_eq!(read(&format!(r#"{{"id_token":{{"acr":{acr}}}}}"#)).needed_acr(), needed, "{acr}");
        assert_eq!(read(&format!(r#"{{"userinfo":{{"acr":{acr}}}}}"#)).needed_acr(), None, "{acr}");
    }
}

#[test]
fn a_subject_asked_for_by_value_is_the_only_one_that_will_do() {
    let (one, other) = (subject().to_string(), "c00000000000000000000002");
    let own = vec![subject()];
    for (request, needed) in [
        (r#"{"id_token":{"sub":null}}"#.to_owned(), None),
        (format!(r#"{{"id_token":{{"sub":{{"value":"{one}"}}}}}}"#), Some(own.clone())),
        (format!(r#"{{"userinfo":{{"sub":{{"value":"{one}"}}}}}}"#), Some(own.clone())),
        (format!(r#"{{"id_token":{{"sub":{{"values":["alice","{one}",7]}}}}}}"#), Some(own.clone())),
        (r#"{"id_token":{"sub":{"value":"alice"}}}"#.to_owned(), Some(vec![])),
        (
            format!(
                r#"{{"id_token":{{"sub":{{"values":["{one}","{other}"]}}}},"userinfo":{{"sub":{{"value":"{one}"}}}}}}"#
            ),
            Some(own),
        ),
        (
            format!(
                r#"{{"id_token":{{"sub":{{"value":"{one}"}}}},"userinfo":{{"sub":{{"value":"{other}"}}}}}}"#
            ),
            Some(vec![]),
        ),
    ] {
        assert_eq!(read(&request).needed_subjects(), needed, "{request}");
    }
}

#[test]
fn a_wish_for_certain_values_admits_no_other() {
    let wish = &read(r#"{"userinfo":{"a":{"values":["x",1]}}}"#).userinfo["a"];
    assert!(wish.admits(&json!("x")) && wish.admits(&json!(1)));
    assert!(!wish.admits(&json!("y")) && !wish.admits(&json!("1")));
    assert!(Wish::default().admits(&json!("anything")));
}

proptest! {
    #[test]
    fn any_text_is_judged_and_what_is_stored_means_the_same(text in "\\PC{0,60}") {
        if let Ok(request) = ClaimsRequest::parse(&text) {
            prop_assert_eq!(request.stored().map_or_else(ClaimsRequest::default, |text| read(&text)), request);
        }
    }

    #[test]
    fn what_is_stored_means_the_same(
        names in prop::collection::btree_set("\\PC{0,12}", 0..6),
        essential: bool,
        values in prop::option::of(prop::collection::vec("\\PC{0,8}", 0..4)),
    ) {
        let wish = Wish { essential, values: values.map(|list| list.into_iter().map(Value::from).collect()) };
        let userinfo: Wishes = names.iter().map(|name| (name.clone(), wish.clone())).collect();
        let id_token: Wishes = names.into_iter().map(|name| (name, Wish::default())).collect();
        let request = ClaimsRequest { userinfo, id_token };
        let stored = request.stored();
        prop_assert_eq!(stored.is_none(), request.is_empty());
        prop_assert_eq!(stored.map_or_else(ClaimsRequest::default, |text| read(&text)), request);
    }
}
