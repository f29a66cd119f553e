//! Rows for [`Asked::CHECKS`].

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{GOOD, checked, good_but};
use crate::{
    amr::Acr,
    application::{ApplicationSettings, AuthMethod, GrantType, ResponseType},
    authorize::{Asked, Draft, Prompt, check},
    claims_request::ClaimsRequest,
    error::{ErrorCode, ErrorCode::*},
    limits::{NONCE_BYTES, SCOPE_COUNT, STATE_BYTES},
    params::RawParams,
    pkce::ChallengeMethod,
    samples::*,
    scope::KnownScope,
    time::Seconds,
};

/// One request at one application: which check it is about, and what that check says.
struct Row {
    about: &'static str,
    changes: Vec<(&'static str, Option<String>)>,
    settings: fn(&mut ApplicationSettings),
    refused: Option<ErrorCode>,
}

fn row(about: &'static str, changes: &[(&'static str, &str)], refused: Option<ErrorCode>) -> Row {
    let changes = changes.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
    Row { about, changes, settings: |_| {}, refused }
}

impl Row {
    fn without(mut self, name: &'static str) -> Row {
        self.changes.push((name, None));
        self
    }

    fn with(mut self, name: &'static str, value: &str) -> Row {
        self.changes.push((name, Some(value.to_owned())));
        self
    }

    fn at(mut self, settings: fn(&mut ApplicationSettings)) -> Row {
        self.settings = settings;
        self
    }

    fn params(&self) -> RawParams {
        let changes: Vec<_> = self.changes.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        good_but(&changes)
    }
}

fn public(settings: &mut ApplicationSettings) {
    settings.token_endpoint_auth_method = AuthMethod::None;
}

fn plain(settings: &mut ApplicationSettings) {
    settings.allow_plain_pkce = true;
}

fn everything(settings: &mut ApplicationSettings) {
    settings.grant_types = GrantType::ALL.to_vec();
    settings.response_types = ResponseType::ALL.to_vec();
}

fn public_everything(settings: &mut ApplicationSettings) {
    public(settings);
    everything(settings);
}

fn rows() -> Vec<Row> {
    let repeats = "repeated_parameter";
    let challenge = |text: &'static str, method: &'static str, refused| {
        row("code_challenge", &[("code_challenge", text), ("code_challenge_method", method)], refused)
    };
    vec![
        row(repeats, &[], None),
        row(repeats, &[("vendor", "1"), ("tenant_id", "2")], None),
        row(repeats, &[("state", "a"), ("state", "a")], Some(InvalidRequest)),
        row(repeats, &[("nonce", "a"), ("nonce", "b")], Some(InvalidRequest)),
        row(repeats, &[("vendor", "1"), ("vendor", "")], Some(InvalidRequest)),
        row("state", &[], None).without("state"),
        row("state", &[("state", &"s".repeat(STATE_BYTES))], None),
        row("state", &[("state", &"s".repeat(STATE_BYTES + 1))], Some(InvalidRequest)),
        row("registration", &[("registration", "")], None),
        row("registration", &[("registration", "{}")], Some(RegistrationNotSupported)),
        row("response_type", &[], None),
        row("response_type", &[], Some(InvalidRequest)).without("response_type"),
        row("response_type", &[("response_type", "")], Some(InvalidRequest)),
        row("response_type", &[("response_type", "token")], Some(UnsupportedResponseType)),
        row("response_type", &[("response_type", "token code")], None).at(everything),
        row("response_type", &[("response_type", "token id_token code")], None).at(everything),
        row("response_type", &[("response_type", "none")], None).at(everything),
        row("response_type", &[("response_type", "none code")], Some(UnsupportedResponseType)).at(everything),
        row("response_type", &[("response_type", "code code")], Some(UnsupportedResponseType)).at(everything),
        row("response_type", &[("response_type", "code  token")], Some(UnsupportedResponseType))
            .at(everything),
        row("response_type", &[("response_type", "code id_token")], Some(UnauthorizedClient)).at(|s| {
            s.grant_types = GrantType::ALL.to_vec();
        }),
        row("response_type", &[("response_type", "Code")], Some(UnsupportedResponseType)),
        row("response_type", &[], Some(UnauthorizedClient)).at(|s| s.response_types.clear()),
        row("grant_type", &[], None).at(|s| s.grant_types = vec![GrantType::AuthorizationCode]),
        row("grant_type", &[], Some(UnauthorizedClient))
            .at(|s| s.grant_types = vec![GrantType::RefreshToken]),
        row("grant_type", &[("response_type", "none")], None).at(|s| {
            s.response_types = ResponseType::ALL.to_vec();
            s.grant_types.clear();
        }),
        row("grant_type", &[("response_type", "id_token")], Some(UnauthorizedClient))
            .at(|s| s.response_types = ResponseType::ALL.to_vec()),
        row("grant_type", &[("response_type", "code token")], Some(UnauthorizedClient)).at(|s| {
            s.response_types = ResponseType::ALL.to_vec();
            s.grant_types = vec![GrantType::Implicit];
        }),
        row("response_mode", &[], None),
        row("response_mode", &[("response_mode", "query")], None),
        row("response_mode", &[("response_mode", "form_post")], None),
        row("response_mode", &[("response_mode", "fragment")], None),
        row("response_mode", &[("response_mode", "web_message")], None),
        row("response_mode", &[("response_mode", "query"), ("response_type", "none")], None).at(everything),
        row(
            "response_mode",
            &[("response_mode", "query"), ("response_type", "id_token")],
            Some(InvalidRequest),
        )
        .at(everything),
        row(
            "response_mode",
            &[("response_mode", "query"), ("response_type", "code token")],
            Some(InvalidRequest),
        )
        .at(everything),
        row("response_mode", &[("response_mode", "form_post"), ("response_type", "id_token")], None)
            .at(everything),
        row(
            "response_mode",
            &[("response_mode", "web_message"), ("redirect_uri", "http://intranet/cb")],
            Some(InvalidRequest),
        ),
        row(
            "response_mode",
            &[("response_mode", "web_message"), ("redirect_uri", "com.example.app:/cb")],
            Some(InvalidRequest),
        ),
        row("response_mode", &[("response_mode", "web_message"), ("redirect_uri", "http://[::1]/cb")], None),
        row("response_mode", &[("response_mode", "Query")], Some(InvalidRequest)),
        row("scope", &[("scope", "email openid")], None),
        row("scope", &[("scope", "openid book:* unheard-of")], None),
        row("scope", &[], Some(InvalidScope)).without("scope"),
        row("scope", &[("scope", "")], Some(InvalidScope)),
        row("scope", &[("scope", "profile email")], Some(InvalidScope)),
        row("scope", &[("scope", "OpenID")], Some(InvalidScope)),
        row("scope", &[("scope", "openid,email")], Some(InvalidScope)),
        row("scope", &[("scope", "openid \"x\"")], Some(InvalidScope)),
        row("scope", &[("scope", &"openid ".repeat(SCOPE_COUNT))], None),
        row("scope", &[("scope", &"openid ".repeat(SCOPE_COUNT + 1))], Some(InvalidScope)),
        row("nonce", &[], None).without("nonce"),
        row("nonce", &[("response_type", "code token")], None).without("nonce").at(everything),
        row("nonce", &[("response_type", "id_token")], Some(InvalidRequest)).without("nonce").at(everything),
        row("nonce", &[("response_type", "token id_token"), ("nonce", "")], Some(InvalidRequest))
            .at(everything),
        row("nonce", &[("response_type", "code id_token")], Some(InvalidRequest))
            .without("nonce")
            .at(everything),
        row("nonce", &[("response_type", "code id_token token")], Some(InvalidRequest))
            .without("nonce")
            .at(everything),
        row("resource", &[("resource", "urn:unheard-of")], None),
        row("resource", &[("resource", "urn:a"), ("resource", "urn:b")], Some(InvalidTarget)),
        row("resource", &[("resource", "urn:a"), ("resource", "urn:a")], Some(InvalidTarget)),
        row("nonce", &[("nonce", &"n".repeat(NONCE_BYTES))], None),
        row("nonce", &[("nonce", &"n".repeat(NONCE_BYTES + 1))], Some(InvalidRequest)),
        row("prompt", &[], None),
        row("prompt", &[("prompt", "none")], None),
        row("prompt", &[("prompt", "consent  login select_account")], None),
        row("prompt", &[("prompt", "none login")], Some(InvalidRequest)),
        row("prompt", &[("prompt", "consent none")], Some(InvalidRequest)),
        row("prompt", &[("prompt", "none select_account")], Some(InvalidRequest)),
        row("prompt", &[("prompt", "create")], Some(InvalidRequest)),
        row("prompt", &[("prompt", "LOGIN")], Some(InvalidRequest)),
        row("max_age", &[("max_age", "0")], None),
        row("max_age", &[("max_age", "9999999999")], None),
        row("max_age", &[("max_age", "-1")], Some(InvalidRequest)),
        row("max_age", &[("max_age", "+1")], Some(InvalidRequest)),
        row("max_age", &[("max_age", "1.5")], Some(InvalidRequest)),
        row("max_age", &[("max_age", "1e3")], Some(InvalidRequest)),
        row("max_age", &[("max_age", "99999999999999999999")], Some(InvalidRequest)),
        row("display", &[], None),
        row("display", &[("display", "page")], None),
        row("display", &[("display", "popup")], None),
        row("display", &[("display", "touch")], None),
        row("display", &[("display", "wap")], None),
        row("display", &[("display", "")], None),
        row("display", &[("display", "window")], Some(InvalidRequest)),
        row("display", &[("display", "page popup")], Some(InvalidRequest)),
        row("claims", &[("claims", "")], None),
        row("claims", &[("claims", "{}")], None),
        row(
            "claims",
            &[("claims", r#"{"userinfo":{"email":{"essential":true}},"id_token":{"acr":null}}"#)],
            None,
        ),
        row("claims", &[("claims", "email")], Some(InvalidRequest)),
        row("claims", &[("claims", r#"{"userinfo":["email"]}"#)], Some(InvalidRequest)),
        row("acr", &[("acr_values", "urn:signet:acr:password")], None),
        row("acr", &[("acr_values", "urn:unheard-of 2")], None),
        row("acr", &[("claims", r#"{"id_token":{"acr":{"values":["2"]}}}"#)], None),
        row("acr", &[("claims", r#"{"id_token":{"acr":{"essential":true}}}"#)], None),
        row("acr", &[("claims", r#"{"userinfo":{"acr":{"essential":true,"value":"2"}}}"#)], None),
        row(
            "acr",
            &[(
                "claims",
                r#"{"id_token":{"acr":{"essential":true,"values":["2","urn:signet:acr:password"]}}}"#,
            )],
            None,
        ),
        row(
            "acr",
            &[("claims", r#"{"id_token":{"acr":{"essential":true,"value":"2"}}}"#)],
            Some(UnmetAuthenticationRequirements),
        ),
        challenge(CHALLENGE, "S256", None),
        challenge(CHALLENGE, "S256", None).at(public),
        challenge(VERIFIER, "plain", None).at(plain),
        challenge(VERIFIER, "", None).at(plain),
        challenge("", "", None),
        challenge("", "", Some(InvalidRequest)).at(public),
        challenge("", "", Some(InvalidRequest)).with("response_type", "code id_token").at(public_everything),
        challenge("", "", None).with("response_type", "id_token token").at(public_everything),
        challenge("", "", None).with("response_type", "none").at(public_everything),
        challenge(VERIFIER, "plain", Some(InvalidRequest)),
        challenge(VERIFIER, "", Some(InvalidRequest)),
        challenge(CHALLENGE, "s256", Some(InvalidRequest)),
        challenge(CHALLENGE, "S512", Some(InvalidRequest)).at(plain),
        challenge("", "S256", Some(InvalidRequest)),
        challenge("too-short", "S256", Some(InvalidRequest)),
        challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "S256", Some(InvalidRequest)),
        challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "S256", Some(InvalidRequest)),
    ]
}

#[test]
fn each_row_is_refused_by_its_own_check_alone() {
    for (index, row) in rows().iter().enumerate() {
        let application = application_with(row.settings);
        let draft = Draft::parse(&row.params());
        let asked = Asked { draft: &draft, application: &application };
        let refusals: Vec<_> = Asked::CHECKS
            .iter()
            .filter_map(|check| (check.run)(&asked).err().map(|refusal| (check.name, refusal.code)))
            .collect();
        let expected: Vec<_> = row.refused.map(|code| (row.about, code)).into_iter().collect();
        assert_eq!(refusals, expected, "row {index}, about {}", row.about);
        let verdict = check(&draft, &application);
        assert_eq!(verdict.as_ref().err().map(|refusal| refusal.code), row.refused, "row {index}");
        verdict.err().into_iter().for_each(assert_tellable);
    }
}

#[test]
fn every_check_has_a_clause_a_passing_row_and_a_failing_row() {
    let rows = rows();
    for check in Asked::CHECKS {
        assert!(!check.clause.is_empty());
        for refused in [false, true] {
            let found = rows.iter().any(|row| row.about == check.name && row.refused.is_some() == refused);
            assert!(found, "{} has no row with refused = {refused}", check.name);
        }
    }
    assert!(rows.iter().all(|row| Asked::CHECKS.iter().any(|check| check.name == row.about)));
}

#[test]
fn the_first_check_that_fails_answers() {
    let everything = [
        ("registration", Some("x")),
        ("response_type", Some("token")),
        ("scope", Some("email")),
        ("prompt", Some("none login")),
    ];
    let mut left = &everything[..];
    for code in [RegistrationNotSupported, UnsupportedResponseType, InvalidScope, InvalidRequest] {
        let draft = Draft::parse(&good_but(left));
        assert_eq!(check(&draft, &active_application()).unwrap_err().code, code);
        left = &left[1..];
    }
}

#[test]
fn attack_18_what_is_not_ticked_is_refused_at_the_entry() {
    let draft = Draft::parse(&params(GOOD));
    for settings in [
        (|s| s.response_types.clear()) as fn(&mut ApplicationSettings),
        |s| s.grant_types.clear(),
        |s| s.grant_types = vec![GrantType::RefreshToken],
    ] {
        assert_eq!(check(&draft, &application_with(settings)).unwrap_err().code, UnauthorizedClient);
    }
}

#[test]
fn a_checked_request_says_what_was_asked() {
    let request = checked(
        &[
            ("prompt", Some("login consent")),
            ("max_age", Some("60")),
            ("login_hint", Some("alice")),
            ("ui_locales", Some("zh-CN en")),
            ("id_token_hint", Some("a.b.c")),
            ("claims", Some(r#"{"userinfo":{"email":null}}"#)),
        ],
        &active_application(),
    );
    assert_eq!(request.response_type, ResponseType::Code);
    assert_eq!(request.scope, scope("openid profile"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.prompt, Prompt { login: true, consent: true, ..Prompt::default() });
    assert_eq!(request.max_age, Some(Seconds(60)));
    let challenge = request.challenge.unwrap();
    assert_eq!((challenge.method, challenge.value()), (ChallengeMethod::S256, CHALLENGE));
    assert_eq!(request.login_hint.as_deref(), Some("alice"));
    assert_eq!(request.ui_locales.as_deref(), Some("zh-CN en"));
    assert_eq!(request.id_token_hint.as_deref(), Some("a.b.c"));
    assert_eq!(request.claims.names().collect::<Vec<_>>(), ["email"]);
    let bare = checked(&[("nonce", None), ("state", None)], &active_application());
    assert_eq!((bare.nonce, bare.max_age, bare.prompt), (None, None, Prompt::default()));
    assert!(bare.claims.is_empty());
}

#[test]
fn an_applications_defaults_stand_where_the_request_is_silent() {
    let application = application_with(|settings| {
        settings.default_max_age = Some(Seconds(90));
        settings.default_acr_values = vec![Acr::Password];
    });
    assert_eq!(checked(&[], &application).max_age, Some(Seconds(90)));
    assert_eq!(checked(&[("max_age", Some("0"))], &application).max_age, Some(Seconds(0)));
    assert_eq!(checked(&[("max_age", Some("900"))], &application).max_age, Some(Seconds(900)));
    assert_eq!(
        checked(&[], &application).claims,
        ClaimsRequest::parse(r#"{"id_token":{"acr":null}}"#).unwrap()
    );
    let demand = r#"{"id_token":{"acr":{"essential":true,"values":["urn:signet:acr:password"]}}}"#;
    let asked = checked(&[("claims", Some(demand)), ("acr_values", Some("2"))], &application).claims;
    assert_eq!(asked, ClaimsRequest::parse(demand).unwrap(), "the claim says more than acr_values");
}

const NAMES: &[&str] = &[
    "response_type",
    "response_mode",
    "scope",
    "prompt",
    "max_age",
    "nonce",
    "state",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "claims",
    "acr_values",
    "display",
    "vendor",
];

const VALUES: &[&str] = &[
    "code",
    "id_token token",
    "code id_token",
    "fragment",
    "openid",
    "openid email",
    "none",
    "login",
    "S256",
    "plain",
    CHALLENGE,
    "5",
    "",
];

/// Other values for some parameters, or none: sometimes ones that mean something.
fn changes() -> impl Strategy<Value = BTreeMap<&'static str, Option<String>>> {
    let value = prop_oneof![
        3 => prop::sample::select(VALUES).prop_map(|value| Some(value.to_owned())),
        1 => Just(None),
        1 => "\\PC{0,50}".prop_map(Some),
    ];
    prop::collection::btree_map(prop::sample::select(NAMES), value, 0..4)
}

proptest! {
    #[test]
    fn no_request_panics_or_passes_without_openid(changes in changes(), is_public: bool) {
        let changes: Vec<_> = changes.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        let application = application_with(if is_public { public_everything } else { everything });
        if let Ok(request) = check(&Draft::parse(&good_but(&changes)), &application) {
            prop_assert!(request.scope.has(KnownScope::Openid));
            prop_assert!(request.challenge.is_some() || !is_public || !request.response_type.gives_code());
            prop_assert!(request.nonce.is_some() || !request.response_type.gives_id_token());
            prop_assert!(request.challenge.is_none_or(|challenge| challenge.method == ChallengeMethod::S256));
        }
    }

    #[test]
    fn any_bytes_that_parse_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(params) = RawParams::parse(&bytes) {
            let accepted = check(&Draft::parse(&params), &active_application()).is_ok();
            prop_assert!(!accepted || params.get("scope").is_some_and(|scope| scope.contains("openid")));
        }
    }
}
