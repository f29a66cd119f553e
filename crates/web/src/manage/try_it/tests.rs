//! What trials are made of.

use std::collections::HashSet;

use signet_protocol::{
    application::ResponseType,
    id::{AppId, ConsoleSessionId, RowId},
    params::{RawParams, encode_pairs},
    time::Timestamp,
};
use signet_testkit::seed::Seeded;

use super::{Attempt, Mode, Place, refusal::*, rules, wire::pretty};

fn attempt(mode: Mode, scope: &str) -> Attempt {
    let application = AppId::parse("0123456789abcdef01234567").unwrap();
    Attempt::new(application, (mode, Place::Own), (scope, "login"), Timestamp(1000), &mut Seeded(5))
}

#[test]
fn modes_have_names_of_their_own() {
    let names: HashSet<&str> = Mode::all().map(Mode::name).collect();
    assert_eq!(names.len(), Mode::all().count());
    for mode in Mode::all() {
        assert_eq!(Mode::parse(mode.name()), Some(mode));
    }
    assert_eq!(Mode::parse("implicit"), None);
}

#[test]
fn a_cookie_counts_in_its_login_for_an_hour_and_unchanged() {
    let (one, other) = (ConsoleSessionId::from_bytes([1; 16]), ConsoleSessionId::from_bytes([2; 16]));
    for mode in Mode::all() {
        let attempt = attempt(mode, "openid a:b &=%");
        let sealed = attempt.seal(b"key", one);
        let open =
            |cookie: &str, key: &[u8], session, now| Attempt::open(cookie, key, session, Timestamp(now));
        assert_eq!(open(&sealed, b"key", one, 4599), Some(attempt));
        assert_eq!(open(&sealed, b"key", one, 4600), None);
        assert_eq!(open(&sealed, b"key", other, 1000), None);
        assert_eq!(open(&sealed, b"kez", one, 1000), None);
        for at in [0, 40, sealed.len() - 1] {
            let mut changed = sealed.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(open(std::str::from_utf8(&changed).unwrap(), b"key", one, 1000), None);
        }
        assert_eq!(open(sealed.split('.').next().unwrap(), b"key", one, 1000), None);
    }
    let longest = attempt(Mode::Refresh, &"%".repeat(super::SCOPE_MAX)).seal(b"key", one);
    // Three bytes each when escaped, four thirds as base64url; browsers keep 4096 with the name and what else there is.
    assert!(longest.len() < 3900, "{}", longest.len());
}

#[test]
fn a_request_has_what_its_mode_needs() {
    let pairs = |mode, scope| {
        let encoded = attempt(mode, scope).request("http://localhost:8080/console/try/callback");
        let encoded = encode_pairs(encoded.iter().map(|(name, value)| (*name, value.as_str())));
        RawParams::parse(encoded.as_bytes()).unwrap()
    };
    for mode in Mode::all().filter(|mode| mode.response_type().is_some()) {
        let request = pairs(mode, "openid");
        assert_eq!(request.get("response_mode"), Some("form_post"));
        let code = mode.response_type().is_some_and(ResponseType::gives_code);
        assert_eq!(request.has("code_challenge"), code && mode != Mode::Code, "{mode:?}");
        assert!(request.has("state") && request.has("nonce") && !request.has("code_verifier"));
    }
    let refresh = pairs(Mode::Refresh, "openid");
    assert_eq!(
        (refresh.get("scope"), refresh.get("prompt")),
        (Some("openid offline_access"), Some("consent"))
    );
    assert_eq!(pairs(Mode::Refresh, "").get("scope"), Some("offline_access"));
    assert_eq!(pairs(Mode::Refresh, "offline_access openid").get("scope"), Some("offline_access openid"));
}

#[test]
fn json_is_laid_out_without_being_moved() {
    let shown = pretty(r#"{"b":1,"a":[true,{"x":"{\"y\", z}\\"}],"e":{},"f":[]}"#);
    let wanted = "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    {\n      \"x\": \"{\\\"y\\\", z}\\\\\"\n    }\n  ],\n  \"e\": {},\n  \"f\": []\n}";
    assert_eq!(shown, wanted);
    assert_eq!(pretty("}]"), "\n}\n]", "whatever it is, it is not lost");
}

#[test]
fn errors_are_told_with_where_they_are_defined() {
    for (by, error, clause) in [
        (By::Authorization, "access_denied", "RFC 6749 §4.1.2.1"),
        (By::Authorization, "login_required", "OpenID Connect Core §3.1.2.6"),
        (By::Token, "invalid_grant", "RFC 6749 §5.2"),
        (By::Token, "invalid_target", "RFC 8707 §2"),
        (By::Bearer, "insufficient_scope", "RFC 6750 §3.1"),
    ] {
        assert_eq!(Refused::told(by, error, None).clause, clause, "{error}");
    }
}

#[test]
fn every_text_is_in_both_languages() {
    for said in rules::ALL.iter().copied().chain(Mode::all().map(Mode::said)) {
        assert!(!said.en.is_empty() && !said.zh.is_empty());
        assert_eq!(said.en.matches('`').count(), said.zh.matches('`').count(), "{}", said.en);
        assert_eq!(said.en.matches('`').count() % 2, 0);
    }
}
