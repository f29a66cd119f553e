//! Every combination of a logout request.

use std::sync::Arc;

use super::*;
use crate::{application::ActiveApplication, id::UserId, samples::*};

const OTHER_CLIENT: &str = "b00000000000000000000002";
const OWN_CLIENT: &str = "b00000000000000000000001";

fn request(pairs: &[(&str, &str)]) -> EndSessionRequest {
    EndSessionRequest::parse(&params(pairs)).unwrap()
}

fn hint(user: UserId, client: AppId) -> Hint {
    Hint { user, client, session: None }
}

#[test]
fn a_request_is_read() {
    let all = [
        ("id_token_hint", "a.b.c"),
        ("logout_hint", "alice"),
        ("client_id", OWN_CLIENT),
        ("post_logout_redirect_uri", LOGOUT_CALLBACK),
        ("state", "s"),
        ("ui_locales", "zh-CN"),
    ];
    let read = request(&all);
    assert_eq!(read.id_token_hint.as_deref(), Some("a.b.c"));
    assert_eq!(read.logout_hint.as_deref(), Some("alice"));
    assert_eq!(read.client_id.as_deref(), Some(OWN_CLIENT));
    assert_eq!(read.post_logout_redirect_uri.as_deref(), Some(LOGOUT_CALLBACK));
    assert_eq!((read.state.as_deref(), read.ui_locales.as_deref()), (Some("s"), Some("zh-CN")));
    let empty: Vec<_> = all.iter().map(|(name, _)| (*name, "")).collect();
    assert_eq!(request(&empty), request(&[]));
}

#[test]
fn attack_02_repeated_and_oversize_parameters_are_refused() {
    let (fits, long) = ("s".repeat(STATE_BYTES), "s".repeat(STATE_BYTES + 1));
    assert_eq!(request(&[("state", &fits)]).state, Some(fits));
    for pairs in [
        &[("state", long.as_str())][..],
        &[("state", "a"), ("state", "a")],
        &[
            ("post_logout_redirect_uri", LOGOUT_CALLBACK),
            ("post_logout_redirect_uri", "https://evil.example"),
        ],
    ] {
        let refusal = EndSessionRequest::parse(&params(pairs)).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidRequest);
        assert_tellable(refusal);
    }
}

#[test]
fn the_client_is_the_one_named_or_the_one_of_the_hint() {
    let own_hint = hint(user_id(), app_id());
    for (named, hint, client) in [
        (None, None, Some(None)),
        (None, Some(&own_hint), Some(Some(app_id()))),
        (Some(OWN_CLIENT), None, Some(Some(app_id()))),
        (Some(OWN_CLIENT), Some(&own_hint), Some(Some(app_id()))),
        (Some(OTHER_CLIENT), Some(&own_hint), None),
        (Some("notes"), None, None),
        (Some("notes"), Some(&own_hint), None),
    ] {
        let pairs: Vec<_> = named.map(|named| ("client_id", named)).into_iter().collect();
        let found = request(&pairs).client(hint);
        found.as_ref().err().into_iter().for_each(|refusal| assert_tellable(*refusal));
        assert_eq!(found.map_err(|r| r.code), client.ok_or(ErrorCode::InvalidRequest), "{named:?} {hint:?}");
    }
}

#[test]
fn the_target_carries_state_and_nothing_else() {
    let application = active_application();
    for (uri, state, location) in [
        (None, None, None),
        (None, Some("s"), None),
        (Some(LOGOUT_CALLBACK), None, Some("https://rp.example/bye")),
        (Some(LOGOUT_CALLBACK), Some("a b&c"), Some("https://rp.example/bye?state=a%20b%26c")),
        (Some("https://rp.example/bye?x=1"), None, Some("https://rp.example/bye?x=1")),
        (Some("https://rp.example/bye?x=1"), Some("s"), Some("https://rp.example/bye?x=1&state=s")),
    ] {
        let uri = uri.map(|uri| ("post_logout_redirect_uri", uri));
        let state = state.map(|state| ("state", state));
        let pairs: Vec<_> = [uri, state, Some(("client_id", OWN_CLIENT))].into_iter().flatten().collect();
        let target = request(&pairs).target(Some(&application)).unwrap();
        assert_eq!(target.as_ref().map(LogoutTarget::location).as_deref(), location, "{pairs:?}");
        assert_eq!(target.map(|t| t.uri().uri().to_string()).as_deref(), uri.map(|(_, uri)| uri));
    }
}

#[test]
fn a_target_after_a_bare_question_mark_has_no_empty_pair() {
    let uris = vec!["https://rp.example/bye?".to_owned().try_into().unwrap()];
    let application = application_with(|settings| settings.logout_redirect_uris = uris);
    let asked = request(&[("post_logout_redirect_uri", "https://rp.example/bye?"), ("state", "s")]);
    let target = asked.target(Some(&application)).unwrap().unwrap();
    assert_eq!(target.location(), "https://rp.example/bye?state=s");
}

fn refused(uri: &str, application: Option<&ActiveApplication>) {
    let asked = request(&[("post_logout_redirect_uri", uri), ("state", "s")]);
    let refusal = asked.target(application.map(|application| &**application)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InvalidRequest, "{uri}");
    assert_tellable(refusal);
}

#[test]
fn attack_01_a_target_must_be_registered_for_the_logout_of_a_known_client() {
    let application = active_application();
    refused(LOGOUT_CALLBACK, None);
    for uri in [
        CALLBACK,
        "https://rp.example/bye/",
        "https://rp.example/bye?x=2",
        "https://rp.example/BYE",
        "https://rp.example:443/bye",
        "http://rp.example/bye",
        "https://rp.example/bye#x",
        "https://evil.example/bye",
        "https://rp.example@evil.example/bye",
    ] {
        refused(uri, Some(&application));
    }
}

#[test]
fn attack_03_a_target_is_never_a_script() {
    for uri in
        ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example"]
    {
        refused(uri, Some(&active_application()));
    }
}

#[test]
fn even_a_native_application_may_not_vary_the_port_of_a_logout_callback() {
    let application = application_with(|settings| {
        settings.kind = crate::application::ApplicationType::Native;
        settings.logout_redirect_uris = vec!["http://127.0.0.1/bye".to_owned().try_into().unwrap()];
    });
    refused("http://127.0.0.1:5000/bye", Some(&application));
}

#[test]
fn the_person_is_asked_unless_the_hint_is_theirs() {
    let (own, other) = (hint(user_id(), app_id()), hint(other_user_id(), app_id()));
    for (session, hint, asked) in [
        (None, None, false),
        (None, Some(&own), false),
        (Some(session()), None, true),
        (Some(session()), Some(&own), false),
        (Some(session()), Some(&other), true),
    ] {
        assert_eq!(must_confirm(session.as_ref(), hint), asked, "{hint:?}");
    }
}

#[test]
fn a_disabled_application_may_still_be_logged_out_of() {
    let disabled = Arc::new(crate::application::Application { enabled: false, ..application() });
    let asked = request(&[("post_logout_redirect_uri", LOGOUT_CALLBACK)]);
    assert!(asked.target(Some(&disabled)).unwrap().is_some());
}

#[test]
fn a_logout_hint_means_who_signs_in_so() {
    let user = User {
        username: Some("Alice".to_owned()),
        email: Some("Alice@Example.com".to_owned()),
        phone: Some("+8613800138000".to_owned()),
        ..user()
    };
    for own in ["Alice", " Alice ", "alice@example.COM", "+86 138-0013-8000", &user.id.to_string()] {
        assert!(!means_another(own, &user), "{own}");
    }
    for other in ["alice", "bob", "bob@example.com", "+86", "", &other_user_id().to_string()] {
        assert!(means_another(other, &user), "{other}");
    }
}

#[test]
fn without_a_registered_target_the_settings_are_at_fault() {
    let silent = application_with(|settings| settings.logout_redirect_uris.clear());
    let asked = request(&[("post_logout_redirect_uri", LOGOUT_CALLBACK)]);
    let refusal = asked.target(Some(&silent)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Misconfiguration);
    assert_tellable(refusal);
    assert_eq!(request(&[]).target(Some(&silent)), Ok(None), "unless none is asked for");
}
