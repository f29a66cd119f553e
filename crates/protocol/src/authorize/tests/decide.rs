//! What happens next, over every combination of what can be known.

use std::sync::LazyLock;

use super::checked;
use crate::{
    amr::Amr,
    application::{ActiveApplication, GrantType, ResponseType},
    authorize::{AuthorizationRequest, Next, Situation, asked_consent, decide, granted_scope},
    consent::Consent,
    error::ErrorCode,
    id::UserId,
    samples::*,
    scope::KnownScope,
    session::Session,
    time::Timestamp,
    transaction::Chosen,
};

const PROMPTS: &[&str] = &[
    "",
    "none",
    "login",
    "consent",
    "select_account",
    "login consent",
    "login select_account",
    "consent select_account",
    "login consent select_account",
];

/// Which session this transaction has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    None,
    /// One that is not the browser's any more.
    Another,
    /// The browser's, without a password.
    Kept,
    /// The browser's, by a password entered in this transaction.
    Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    None,
    Same,
    Other,
    Nobody,
}

static EITHER: LazyLock<[UserId; 2]> = LazyLock::new(|| [user_id(), other_user_id()]);

fn consent(scopes: &str) -> Consent {
    Consent { scope: scope(scopes), ..Consent::default() }
}

/// One combination. The session is 30 seconds old, the request asks for `openid profile`.
#[derive(Clone, Copy, Debug)]
struct Case {
    prompt: &'static str,
    max_age: Option<&'static str>,
    signed_in: bool,
    chosen: Pick,
    hint: Hint,
    remembered: Option<&'static str>,
    skip_consent: bool,
    answer: Option<bool>,
}

/// Signed in, consent given earlier, nothing special asked.
const PLAIN: Case = Case {
    prompt: "",
    max_age: None,
    signed_in: true,
    chosen: Pick::None,
    hint: Hint::None,
    remembered: Some("openid profile email"),
    skip_consent: false,
    answer: None,
};

impl Case {
    fn asks(&self, value: &str) -> bool {
        self.prompt.split(' ').any(|asked| asked == value)
    }

    fn request(&self) -> AuthorizationRequest {
        checked(&[("prompt", Some(self.prompt)), ("max_age", self.max_age)], &active_application())
    }

    fn application(&self) -> ActiveApplication {
        application_with(|settings| settings.skip_consent = self.skip_consent)
    }

    fn next(&self, request: &AuthorizationRequest, application: &ActiveApplication) -> Next {
        let session = session();
        let remembered = self.remembered.map(consent);
        decide(request, application, &self.situation(&session, remembered.as_ref()))
    }

    fn situation<'a>(&self, session: &'a Session, remembered: Option<&'a Consent>) -> Situation<'a> {
        let chosen = |session, by_login| Some(Chosen { session, by_login });
        let expected: Option<&[UserId]> = match self.hint {
            Hint::None => None,
            Hint::Same => Some(&*EITHER),
            Hint::Other => Some(&EITHER[1..]),
            Hint::Nobody => Some(&[]),
        };
        Situation {
            now: NOW,
            session: self.signed_in.then_some(session),
            chosen: match self.chosen {
                Pick::None => None,
                Pick::Another => chosen(other_session_id(), true),
                Pick::Kept => chosen(session_id(), false),
                Pick::Login => chosen(session_id(), true),
            },
            answer: self.answer,
            remembered,
            expected,
        }
    }

    fn outcome(&self) -> &'static str {
        name(&self.next(&self.request(), &self.application()))
    }

    /// What is still missing, thought of as a list of needs and not as a walk.
    fn expected(&self) -> &'static str {
        let here = matches!(self.chosen, Pick::Kept | Pick::Login);
        let proved = self.chosen == Pick::Login;
        let stale = matches!(self.max_age, Some("0" | "29"));
        let unfit = matches!(self.hint, Hint::Other | Hint::Nobody);
        let covered = self.remembered == Some("openid profile email");
        let needs = [
            (self.answer == Some(false), "access_denied", "access_denied"),
            (!self.signed_in, "sign in", "login_required"),
            (self.asks("login") && !proved, "sign in again", "login_required"),
            (stale && !proved, "sign in again", "login_required"),
            (unfit && !proved, "sign in again", "login_required"),
            (unfit, "login_required", "login_required"),
            (
                (self.asks("select_account") || self.chosen == Pick::Another) && !here,
                "choose account",
                "account_selection_required",
            ),
            (
                (self.asks("consent") || !self.skip_consent && !covered)
                    && !(here && self.answer == Some(true)),
                "ask consent",
                "consent_required",
            ),
        ];
        let missing = needs.into_iter().find(|(missing, _, _)| *missing);
        missing.map_or("issue", |(_, shown, told)| if self.asks("none") { told } else { shown })
    }
}

fn name(next: &Next) -> &'static str {
    match next {
        Next::SignIn { again: false } => "sign in",
        Next::SignIn { again: true } => "sign in again",
        Next::ChooseAccount => "choose account",
        Next::AskConsent => "ask consent",
        Next::Issue { .. } => "issue",
        Next::Refuse(refusal) => refusal.code.as_str(),
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let mut cases = Vec::new();
    for &prompt in PROMPTS {
        for max_age in [None, Some("60"), Some("30"), Some("29"), Some("0")] {
            for signed_in in [false, true] {
                for chosen in [Pick::None, Pick::Another, Pick::Kept, Pick::Login] {
                    cases.push(Case { prompt, max_age, signed_in, chosen, ..PLAIN });
                }
            }
        }
    }
    let hints = [Hint::None, Hint::Same, Hint::Other, Hint::Nobody];
    let with_hint = move |case: Case| hints.map(|hint| Case { hint, ..case });
    let scopes = [None, Some("openid"), Some("openid profile email")];
    let with_scope = move |case: Case| scopes.map(|remembered| Case { remembered, ..case });
    let with_skip = |case: Case| [false, true].map(|skip_consent| Case { skip_consent, ..case });
    let with_answer = |case: Case| [None, Some(true), Some(false)].map(|answer| Case { answer, ..case });
    cases.into_iter().flat_map(with_hint).flat_map(with_scope).flat_map(with_skip).flat_map(with_answer)
}

#[test]
fn every_combination() {
    let mut count = 0;
    for case in cases() {
        let next = case.next(&case.request(), &case.application());
        let shown = name(&next);
        assert_eq!(shown, case.expected(), "{case:?}");
        count += 1;

        match next {
            Next::SignIn { .. } | Next::ChooseAccount | Next::AskConsent => {
                assert!(!case.asks("none"), "a page in spite of prompt=none: {case:?}");
            }
            Next::Issue { scope: granted } => {
                assert_eq!(granted, scope("openid profile"));
                assert!(case.signed_in, "a code for nobody: {case:?}");
                assert!(!case.asks("login") || case.chosen == Pick::Login, "no password: {case:?}");
                assert!(!case.asks("consent") || case.answer == Some(true), "no consent: {case:?}");
                assert!(matches!(case.hint, Hint::None | Hint::Same), "a code for another user: {case:?}");
            }
            Next::Refuse(refusal) => assert_tellable(refusal),
        }
        assert_eq!(shown == "access_denied", case.answer == Some(false), "{case:?}");
    }
    assert_eq!(count, 9 * 5 * 2 * 4 * 4 * 3 * 2 * 3);
}

#[test]
fn the_combinations_that_matter_row_by_row() {
    let nobody = Case { signed_in: false, ..PLAIN };
    let first_time = Case { remembered: None, ..PLAIN };
    let login = Case { prompt: "login", ..PLAIN };
    let select = Case { prompt: "select_account", ..PLAIN };
    let consent = Case { prompt: "consent", ..PLAIN };
    let silent = Case { prompt: "none", ..PLAIN };
    for (case, outcome) in [
        (PLAIN, "issue"),
        (nobody, "sign in"),
        (Case { answer: Some(false), ..nobody }, "access_denied"),
        (Case { answer: Some(false), ..PLAIN }, "access_denied"),
        (login, "sign in again"),
        (Case { chosen: Pick::Kept, ..login }, "sign in again"),
        (Case { chosen: Pick::Another, ..login }, "sign in again"),
        (Case { chosen: Pick::Login, ..login }, "issue"),
        (Case { chosen: Pick::Login, signed_in: false, ..login }, "sign in"),
        (Case { max_age: Some("60"), ..PLAIN }, "issue"),
        (Case { max_age: Some("30"), ..PLAIN }, "issue"),
        (Case { max_age: Some("29"), ..PLAIN }, "sign in again"),
        (Case { max_age: Some("0"), chosen: Pick::Kept, ..PLAIN }, "sign in again"),
        (Case { max_age: Some("0"), chosen: Pick::Login, ..PLAIN }, "issue"),
        (select, "choose account"),
        (Case { chosen: Pick::Kept, ..select }, "issue"),
        (Case { chosen: Pick::Login, ..select }, "issue"),
        (Case { chosen: Pick::Another, ..select }, "choose account"),
        (Case { hint: Hint::Same, ..PLAIN }, "issue"),
        (Case { hint: Hint::Other, ..PLAIN }, "sign in again"),
        (Case { hint: Hint::Other, chosen: Pick::Login, ..PLAIN }, "login_required"),
        (first_time, "ask consent"),
        (Case { remembered: Some("openid"), ..PLAIN }, "ask consent"),
        (Case { skip_consent: true, ..first_time }, "issue"),
        (Case { answer: Some(true), chosen: Pick::Kept, ..first_time }, "issue"),
        (consent, "ask consent"),
        (Case { skip_consent: true, ..consent }, "ask consent"),
        (Case { answer: Some(true), chosen: Pick::Login, ..consent }, "issue"),
        (silent, "issue"),
        (Case { signed_in: false, ..silent }, "login_required"),
        (Case { max_age: Some("29"), ..silent }, "login_required"),
        (Case { hint: Hint::Other, ..silent }, "login_required"),
        (Case { remembered: None, ..silent }, "consent_required"),
        (Case { remembered: None, skip_consent: true, ..silent }, "issue"),
    ] {
        assert_eq!(case.outcome(), outcome, "{case:?}");
    }
}

#[test]
fn attack_12_a_yes_of_one_session_is_not_a_yes_of_another() {
    for prompt in ["", "consent"] {
        for (chosen, outcome) in [(Pick::None, "ask consent"), (Pick::Another, "choose account")] {
            let case = Case { prompt, chosen, remembered: None, answer: Some(true), ..PLAIN };
            assert_eq!(case.outcome(), outcome, "{case:?}");
        }
    }
}

#[test]
fn an_old_session_becomes_too_old_with_the_next_second() {
    let (request, session) = (Case { max_age: Some("60"), ..PLAIN }.request(), session());
    let remembered = consent("openid profile");
    let at = |seconds| Situation {
        now: Timestamp(session.auth_time.0 + seconds),
        ..PLAIN.situation(&session, Some(&remembered))
    };
    assert_eq!(name(&decide(&request, &active_application(), &at(60))), "issue");
    assert_eq!(name(&decide(&request, &active_application(), &at(61))), "sign in again");
}

#[test]
fn a_login_satisfies_its_own_request_for_five_minutes() {
    let case = Case { max_age: Some("0"), chosen: Pick::Login, ..PLAIN };
    let (request, session, remembered) = (case.request(), session(), consent("openid profile"));
    let at = |seconds| Situation {
        now: Timestamp(session.auth_time.0 + seconds),
        ..case.situation(&session, Some(&remembered))
    };
    assert_eq!(name(&decide(&request, &active_application(), &at(300))), "issue");
    assert_eq!(name(&decide(&request, &active_application(), &at(301))), "sign in again");
}

#[test]
fn max_age_0_asks_even_who_signed_in_this_very_second() {
    let request = Case { max_age: Some("0"), ..PLAIN }.request();
    let (session, remembered) = (Session { auth_time: NOW, ..session() }, consent("openid profile"));
    let next = |chosen| {
        let case = Case { chosen, ..PLAIN };
        name(&decide(&request, &active_application(), &case.situation(&session, Some(&remembered))))
    };
    assert_eq!((next(Pick::None), next(Pick::Login)), ("sign in again", "issue"));
}

#[test]
fn offline_access_is_granted_only_on_consent_and_with_the_refresh_token_mode() {
    let without = application_with(|settings| settings.grant_types = vec![GrantType::AuthorizationCode]);
    let with = active_application();
    let open = application_with(|settings| settings.offline_access_without_consent = true);
    for (prompt, application, granted) in [
        ("consent", &with, "openid offline_access email"),
        ("login consent", &with, "openid offline_access email"),
        ("consent", &without, "openid email"),
        ("", &with, "openid email"),
        ("login", &with, "openid email"),
        ("none", &with, "openid email"),
        ("", &open, "openid offline_access email"),
        ("none", &open, "openid offline_access email"),
        ("", &without, "openid email"),
    ] {
        let changes = [("prompt", Some(prompt)), ("scope", Some("openid offline_access email"))];
        let request = checked(&changes, application);
        assert_eq!(granted_scope(&request, application), scope(granted), "{prompt}");
        let session = session();
        let allowed = Case { chosen: Pick::Login, answer: Some(true), ..PLAIN };
        let next = decide(&request, application, &allowed.situation(&session, None));
        assert_eq!(next, Next::Issue { scope: scope(granted) }, "{prompt}");
    }
}

#[test]
fn without_a_code_there_is_no_offline_access() {
    let everything = application_with(|settings| {
        settings.grant_types = GrantType::ALL.to_vec();
        settings.response_types = ResponseType::ALL.to_vec();
    });
    for kind in ResponseType::ALL {
        let changes = [
            ("response_type", Some(kind.as_str())),
            ("prompt", Some("consent")),
            ("scope", Some("openid offline_access")),
        ];
        let granted = granted_scope(&checked(&changes, &everything), &everything);
        assert_eq!(granted.has(KnownScope::OfflineAccess), kind.as_str().contains("code"), "{kind:?}");
    }
}

#[test]
fn a_remembered_consent_need_not_cover_what_is_not_granted() {
    let changes = [("scope", Some("openid profile offline_access"))];
    let request = checked(&changes, &active_application());
    let (session, remembered) = (session(), consent("openid profile"));
    let next = decide(&request, &active_application(), &PLAIN.situation(&session, Some(&remembered)));
    assert_eq!(next, Next::Issue { scope: scope("openid profile") });
}

#[test]
fn silence_has_an_error_for_each_page() {
    // prompt=none cannot be sent with another value, so the account page is reached by a request made here.
    let mut request = Case { prompt: "none", ..PLAIN }.request();
    request.prompt.select_account = true;
    let session = session();
    let remembered = consent("openid profile");
    let next = decide(&request, &active_application(), &PLAIN.situation(&session, Some(&remembered)));
    assert!(matches!(next, Next::Refuse(refusal) if refusal.code == ErrorCode::AccountSelectionRequired));
}

/// What is decided when `claims` asks for something, of a user who agreed to `openid email` earlier.
fn asking(claims: &str, chosen: Pick, session: &Session) -> Next {
    let application = active_application();
    let request = checked(&[("claims", Some(claims)), ("scope", Some("openid email"))], &application);
    let case = Case { chosen, answer: None, ..PLAIN };
    let application = application_with(|settings| settings.skip_consent = false);
    decide(&request, &application, &case.situation(session, Some(&consent("openid email"))))
}

#[test]
fn claims_that_no_scope_gives_need_a_consent_of_their_own() {
    for (claims, outcome) in [
        (r#"{"userinfo":{"email":null}}"#, "issue"),
        (r#"{"id_token":{"auth_time":{"essential":true},"acr":null,"unheard-of":null}}"#, "issue"),
        (r#"{"userinfo":{"phone_number":null}}"#, "ask consent"),
        (r#"{"id_token":{"name":{"essential":true}}}"#, "ask consent"),
    ] {
        assert_eq!(name(&asking(claims, Pick::None, &session())), outcome, "{claims}");
    }
    let request = checked(
        &[(
            "claims",
            Some(r#"{"userinfo":{"email":null,"name":null},"id_token":{"name":null,"phone_number":null}}"#),
        )],
        &active_application(),
    );
    let asked = asked_consent(&request, &active_application());
    assert_eq!(asked.scope, scope("openid profile"));
    assert_eq!(asked.claims.into_iter().collect::<Vec<_>>(), ["email", "phone_number"]);
}

#[test]
fn an_essential_acr_is_reached_or_refused() {
    let demand = r#"{"id_token":{"acr":{"essential":true,"value":"urn:signet:acr:password"}}}"#;
    let wish = r#"{"id_token":{"acr":{"values":["urn:signet:acr:password"]}}}"#;
    let unknown = Session { amr: Amr::default(), ..session() };
    for (claims, chosen, session, outcome) in [
        (demand, Pick::None, &session(), "issue"),
        (demand, Pick::None, &unknown, "sign in again"),
        (demand, Pick::Login, &unknown, "unmet_authentication_requirements"),
        (wish, Pick::None, &unknown, "issue"),
    ] {
        assert_eq!(name(&asking(claims, chosen, session)), outcome, "{claims} {chosen:?}");
    }
}
