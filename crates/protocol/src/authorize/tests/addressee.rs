//! Whom an answer goes to, and what it says.

use proptest::prelude::*;

use super::{addressee, good_but};
use crate::{
    application::{ApplicationSettings, ApplicationType},
    authorize::{Addressee, AuthorizationResponse, AuthorizeError, ResponseMode, UNKNOWN_CLIENT, client_id},
    error::{ErrorCode, refuse},
    limits::STATE_BYTES,
    params::RawParams,
    samples::*,
    time::Seconds,
    token::{FrontAccess, FrontTokens},
};

const REFUSAL: crate::error::Refusal = refuse(ErrorCode::LoginRequired, "nobody is signed in");

fn with_code(to: &Addressee, code: impl Into<String>) -> AuthorizationResponse {
    to.success(Some(code.into()), FrontTokens::default())
}

fn pairs(response: &crate::authorize::AuthorizationResponse) -> Vec<(&str, &str)> {
    response.pairs().collect()
}

/// The code of a refusal that is shown on a page; a redirect fails the test.
fn page<T: std::fmt::Debug>(result: Result<T, AuthorizeError>) -> ErrorCode {
    match result {
        Err(AuthorizeError::Page(refusal)) => {
            assert_tellable(refusal);
            refusal.code
        }
        other => panic!("not a page: {other:?}"),
    }
}

#[test]
fn a_bad_client_is_told_on_a_page() {
    assert_eq!(client_id(&good_but(&[])).unwrap(), app_id());
    let id = Some("b00000000000000000000001");
    for (changes, code) in [
        (vec![("client_id", None)], ErrorCode::InvalidRequest),
        (vec![("client_id", Some(""))], ErrorCode::InvalidRequest),
        (vec![("client_id", id), ("client_id", id)], ErrorCode::InvalidRequest),
        (vec![("client_id", Some("notes"))], ErrorCode::InvalidClient),
        (vec![("client_id", Some("B00000000000000000000001"))], ErrorCode::InvalidClient),
        (vec![("client_id", Some("b00000000000000000000001 "))], ErrorCode::InvalidClient),
    ] {
        assert_eq!(page(client_id(&good_but(&changes))), code, "{changes:?}");
    }
    assert_tellable(UNKNOWN_CLIENT);
}

#[test]
fn attack_01_a_bad_redirect_uri_is_told_on_a_page() {
    let long = format!("{CALLBACK}?{}", "x".repeat(2048));
    let mut rows = vec![
        vec![("redirect_uri", None)],
        vec![("redirect_uri", Some(CALLBACK)), ("redirect_uri", Some(CALLBACK))],
        vec![("redirect_uri", Some(CALLBACK)), ("redirect_uri", Some("https://evil.example/"))],
    ];
    for other in [
        "",
        "https://evil.example/cb",
        "https://rp.example/cb/",
        "https://rp.example/cb?tenant=a%20c",
        "https://rp.example/cb#x",
        "https://rp.example/c%62",
        "https://rp.example@evil.example/cb",
        "http://127.0.0.1:5000/cb",
        "javascript:alert(1)",
        &long,
    ] {
        rows.push(vec![("redirect_uri", Some(other))]);
    }
    for changes in rows {
        let found = Addressee::find(&good_but(&changes), &active_application(), &pool_issuer());
        assert_eq!(page(found), ErrorCode::InvalidRedirectUri, "{changes:?}");
    }
    let none_registered = application_with(|settings| settings.redirect_uris.clear());
    let found = Addressee::find(&good_but(&[]), &none_registered, &pool_issuer());
    assert_eq!(page(found), ErrorCode::InvalidRedirectUri);
}

#[test]
fn only_a_native_application_may_answer_at_another_loopback_port() {
    let asked = good_but(&[("redirect_uri", Some("http://127.0.0.1:49152/cb"))]);
    for kind in ApplicationType::ALL {
        let application = application_with(|settings: &mut ApplicationSettings| settings.kind = *kind);
        let found = Addressee::find(&asked, &application, &pool_issuer());
        assert_eq!(found.is_ok(), *kind == ApplicationType::Native, "{kind:?}");
    }
}

#[test]
fn an_answer_is_exactly_its_parameters() {
    let to = addressee(&[("state", Some("a b&c=d\u{4f60}"))]);
    let iss = "https://id.example.com/oidc";
    let state = "a b&c=d\u{4f60}";
    assert_eq!(
        pairs(&to.error(REFUSAL)),
        [
            ("error", "login_required"),
            ("error_description", "nobody is signed in"),
            ("state", state),
            ("iss", iss)
        ]
    );
    assert_eq!(pairs(&with_code(&to, "c0de")), [("code", "c0de"), ("state", state), ("iss", iss)]);
    let stateless = addressee(&[("state", None)]);
    assert_eq!(pairs(&with_code(&stateless, "c0de")), [("code", "c0de"), ("iss", iss)]);
    assert_eq!(pairs(&stateless.error(REFUSAL))[2..], [("iss", iss)]);
}

#[test]
fn iss_is_the_issuer_that_was_asked() {
    for issuer in [pool_issuer(), app_issuer()] {
        let to = Addressee::find(&good_but(&[]), &active_application(), &issuer).unwrap();
        for response in [with_code(&to, "c"), to.error(REFUSAL)] {
            assert_eq!(response.pairs().last(), Some(("iss", issuer.url())));
        }
    }
    assert_ne!(pool_issuer().url(), app_issuer().url());
}

#[test]
fn attack_02_an_ambiguous_or_oversize_state_is_not_echoed() {
    let (fits, long) = ("s".repeat(STATE_BYTES), "s".repeat(STATE_BYTES + 1));
    for (changes, echoed) in [
        (vec![("state", Some("x"))], Some("x")),
        (vec![("state", Some(fits.as_str()))], Some(fits.as_str())),
        (vec![("state", Some(long.as_str()))], None),
        (vec![("state", Some(""))], None),
        (vec![("state", Some("x")), ("state", Some("x"))], None),
        (vec![("state", Some("x")), ("state", Some("y"))], None),
    ] {
        let response = addressee(&changes).error(REFUSAL);
        let state = response.pairs().find_map(|(name, value)| (name == "state").then_some(value));
        assert_eq!(state, echoed);
    }
}

#[test]
fn attack_02_nothing_that_was_sent_can_add_a_parameter() {
    let to = addressee(&[
        ("state", Some("x&code=evil&iss=https://evil.example#&error=y")),
        ("code", Some("evil")),
        ("iss", Some("https://evil.example")),
        ("error", Some("evil")),
    ]);
    let location = with_code(&to, "c0de").query_location();
    assert_eq!(
        location,
        "https://rp.example/cb?code=c0de\
         &state=x%26code%3Devil%26iss%3Dhttps%3A%2F%2Fevil.example%23%26error%3Dy\
         &iss=https%3A%2F%2Fid.example.com%2Foidc"
    );
    let read = RawParams::parse(location.split_once('?').unwrap().1.as_bytes()).unwrap();
    assert_eq!((read.get("code"), read.duplicate()), (Some("c0de"), false));
}

#[test]
fn the_mode_is_the_one_asked_if_it_can_carry_the_answer_else_the_default() {
    use ResponseMode::{FormPost, Fragment, Query, WebMessage};
    let callbacks = [CALLBACK, "http://127.0.0.1/cb", "http://intranet/cb", "com.example.app:/cb"];
    let application = application_with(|settings| {
        settings.redirect_uris = callbacks.map(|uri| uri.to_owned().try_into().unwrap()).into();
        settings.allow_http_implicit_callbacks = true;
    });
    let mode = |callback, response_type, asked: &str| {
        let asked = good_but(&[
            ("redirect_uri", Some(callback)),
            ("response_type", Some(response_type)),
            ("response_mode", Some(asked)),
        ]);
        let to = Addressee::find(&asked, &application, &pool_issuer()).unwrap();
        assert_eq!(with_code(&to, "c").mode(), to.error(REFUSAL).mode());
        to.error(REFUSAL).mode()
    };
    for callback in callbacks {
        for (response_type, default) in [
            ("code", Query),
            ("none", Query),
            ("", Query),
            ("banana", Query),
            ("id_token", Fragment),
            ("token", Fragment),
            ("token code", Fragment),
            ("code id_token", Fragment),
            ("id_token banana", Fragment),
        ] {
            let message =
                if callback.contains("rp.") || callback.contains("127") { WebMessage } else { default };
            for (asked, expected) in [
                ("", default),
                ("Fragment", default),
                ("query", default),
                ("fragment", Fragment),
                ("form_post", FormPost),
                ("web_message", message),
            ] {
                assert_eq!(
                    mode(callback, response_type, asked),
                    expected,
                    "{callback} {response_type} {asked}"
                );
            }
        }
    }
    for mode in ResponseMode::ALL {
        assert_eq!(ResponseMode::parse(mode.as_str()), Some(*mode));
    }
}

#[test]
fn tokens_go_only_to_callbacks_that_nobody_reads_along() {
    let (plain, private) = ("http://intranet/cb", "com.example.app:/cb");
    for (callback, safe) in
        [(CALLBACK, true), ("http://127.0.0.1/cb", true), (plain, false), (private, false)]
    {
        for allowed in [false, true] {
            let application = application_with(|settings| {
                settings.redirect_uris = vec![callback.to_owned().try_into().unwrap()];
                settings.allow_http_implicit_callbacks = allowed;
            });
            for (response_type, front) in
                [("code", false), ("none", false), ("id_token", true), ("code token", true), ("token", true)]
            {
                let asked =
                    good_but(&[("redirect_uri", Some(callback)), ("response_type", Some(response_type))]);
                let found = Addressee::find(&asked, &application, &pool_issuer());
                if safe || allowed || !front {
                    assert!(found.is_ok(), "{callback} {response_type}");
                } else {
                    assert_eq!(page(found), ErrorCode::InvalidRedirectUri, "{callback} {response_type}");
                }
            }
        }
    }
}

#[test]
fn an_answer_with_tokens_is_exactly_its_parameters() {
    let to = addressee(&[("response_type", Some("code id_token token"))]);
    let access = FrontAccess {
        token: "a".into(),
        expires_in: Seconds(77),
        scope: scope("openid email"),
        rejected: None,
    };
    let tokens = FrontTokens { access: Some(access), id_token: Some("i".into()) };
    let all = [
        ("code", "c"),
        ("access_token", "a"),
        ("token_type", "Bearer"),
        ("expires_in", "77"),
        ("scope", "openid email"),
        ("id_token", "i"),
        ("state", "s"),
        ("iss", "https://id.example.com/oidc"),
    ];
    assert_eq!(pairs(&to.success(Some("c".into()), tokens.clone())), all);
    assert_eq!(pairs(&to.success(None, tokens.clone())), all[1..]);
    let no_access = FrontTokens { access: None, ..tokens };
    assert_eq!(pairs(&to.success(None, no_access)), all[5..]);
    assert_eq!(pairs(&to.success(None, FrontTokens::default())), all[6..], "response_type=none");
}

#[test]
fn a_fragment_follows_the_whole_callback() {
    let to = addressee(&[("redirect_uri", Some(CALLBACK_WITH_QUERY)), ("state", Some("#&code=evil"))]);
    assert_eq!(
        with_code(&to, "c").fragment_location(),
        "https://rp.example/cb?tenant=a%20b#code=c&state=%23%26code%3Devil&iss=https%3A%2F%2Fid.example.com%2Foidc"
    );
}

#[test]
fn a_callback_keeps_its_own_query_in_front() {
    let state = ("state", None);
    for (registered, location) in [
        (CALLBACK, "https://rp.example/cb?code=c&iss=https%3A%2F%2Fid.example.com%2Foidc"),
        (
            CALLBACK_WITH_QUERY,
            "https://rp.example/cb?tenant=a%20b&code=c&iss=https%3A%2F%2Fid.example.com%2Foidc",
        ),
        ("https://rp.example/cb?", "https://rp.example/cb?code=c&iss=https%3A%2F%2Fid.example.com%2Foidc"),
        ("com.example.app:/cb", "com.example.app:/cb?code=c&iss=https%3A%2F%2Fid.example.com%2Foidc"),
    ] {
        let uris = vec![registered.to_owned().try_into().unwrap()];
        let application = application_with(|settings| settings.redirect_uris = uris);
        let asked = good_but(&[("redirect_uri", Some(registered)), state]);
        let to = Addressee::find(&asked, &application, &pool_issuer()).unwrap();
        let response = with_code(&to, "c");
        assert_eq!(response.query_location(), location);
        assert_eq!(response.redirect_uri().uri().as_str(), registered);
    }
}

proptest! {
    #[test]
    fn a_location_reads_back_as_the_answer(
        state in "[^\0]{1,80}",
        code in "[A-Za-z0-9_-]{64}",
        with_query: bool,
    ) {
        let callback = if with_query { CALLBACK_WITH_QUERY } else { CALLBACK };
        let to = addressee(&[("redirect_uri", Some(callback)), ("state", Some(&state))]);
        for response in [with_code(&to, code.clone()), to.error(REFUSAL)] {
            let location = response.query_location();
            prop_assert!(location.starts_with(callback) && location.is_ascii());
            let read = RawParams::parse(location.split_once('?').unwrap().1.as_bytes()).unwrap();
            let own = usize::from(with_query);
            prop_assert_eq!(read.pairs().skip(own).collect::<Vec<_>>(), pairs(&response));
            prop_assert!(!read.duplicate());
        }
    }
}
