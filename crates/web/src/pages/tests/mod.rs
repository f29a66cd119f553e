//! Every page, in both languages, with ordinary and with hostile values, read by a small HTML reader that is
//! stricter than any browser.

mod html;
mod stylesheet;

use std::collections::{BTreeSet, HashSet};

use askama::Template;

use super::*;
use html::{Tag, read};
use signet_protocol::branding::BrandColor;

/// The values a page is filled with.
struct Values {
    name: String,
    text: String,
    url: String,
}

fn sample() -> Values {
    Values {
        name: "Ada".to_owned(),
        text: "a1".to_owned(),
        url: "https://notes.example/x?a=1&b=2".to_owned(),
    }
}

fn hostile() -> Vec<Values> {
    let attacks = [
        "<script>alert(1)</script>".to_owned(),
        "\" autofocus onfocus=\"alert(1)\" x=\"".to_owned(),
        "' onclick='alert(1)".to_owned(),
        "</title></textarea><!-- <img src=x onerror=alert(1)>".to_owned(),
        "{{ csrf }} {% raw %} &lt;b&gt; &amp;".to_owned(),
        "محمد \u{202e}dlrow\u{2066} 👩‍👩‍👧‍👦 \0\r\n".to_owned(),
        "N".repeat(200),
        "名".repeat(200),
        String::new(),
    ];
    attacks.map(|attack| Values { name: attack.clone(), text: attack.clone(), url: attack }).into()
}

const ALERTS: [LoginAlert; 6] = [
    LoginAlert::WrongCredentials,
    LoginAlert::Throttled { seconds: 45 },
    LoginAlert::Busy,
    LoginAlert::SignInAgain,
    LoginAlert::Missing,
    LoginAlert::TooLong,
];

const SCOPES: [ScopeLine<'static>; 8] = [
    ScopeLine::Profile,
    ScopeLine::Email,
    ScopeLine::Phone,
    ScopeLine::Address,
    ScopeLine::Username,
    ScopeLine::Roles,
    ScopeLine::ExternalId,
    ScopeLine::ExtendedFields,
];

fn problems(known: &str) -> [Problem<'_>; 18] {
    [
        Problem::BadClient,
        Problem::BadRedirectUri,
        Problem::BadRequest,
        Problem::TooLarge,
        Problem::TooSlow,
        Problem::UnknownHost { known },
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::TransactionExpired,
        Problem::TransactionUsed,
        Problem::CookiesBlocked,
        Problem::WrongBrowser,
        Problem::Forbidden,
        Problem::Unavailable,
        Problem::ServerError,
        Problem::BadLogout,
        Problem::LinkDead,
        Problem::LinkUsed,
    ]
}

/// Everything that an application can say of itself.
fn brand(v: &Values) -> Brand<'_> {
    Brand {
        logo: Some(&v.url),
        color: BrandColor::parse("#ffd400").ok(),
        title: Some(&v.name),
        text: Some(&v.text),
        support: Some(Link { href: &v.url, text: &v.name }),
        policy: Some(&v.url),
        terms: Some(&v.url),
        preview: None,
    }
}

fn login<'a>(lang: Lang, v: &'a Values, alert: Option<LoginAlert>) -> LoginPage<'a> {
    LoginPage {
        lang,
        methods: LoginMethod::ALL,
        app_name: &v.name,
        brand: brand(v),
        identifier: &v.text,
        transaction: &v.text,
        csrf: &v.text,
        recovery: true,
        alert,
    }
}

fn forgot<'a>(lang: Lang, v: &'a Values, alert: Option<ForgotAlert>) -> ForgotPage<'a> {
    ForgotPage {
        lang,
        app_name: &v.name,
        brand: brand(v),
        methods: LoginMethod::ALL,
        identifier: &v.text,
        transaction: &v.text,
        csrf: &v.text,
        alert,
    }
}

fn account<'a>(lang: Lang, v: &'a Values) -> AccountPage<'a> {
    AccountPage {
        lang,
        app_name: &v.name,
        brand: brand(v),
        display_name: &v.name,
        account: &v.text,
        transaction: &v.text,
        csrf: &v.text,
    }
}

fn consent<'a>(lang: Lang, v: &'a Values, scopes: &'a [ScopeLine<'a>], offline: bool) -> ConsentPage<'a> {
    ConsentPage {
        lang,
        app_name: &v.name,
        brand: Brand::default(),
        display_name: &v.name,
        account: &v.text,
        scopes,
        claims: &[],
        offline,
        transaction: &v.text,
        csrf: &v.text,
    }
}

fn form_post<'a>(lang: Lang, v: &'a Values, fields: &'a [(&'a str, &'a str)]) -> FormPostPage<'a> {
    FormPostPage { lang, action: &v.url, fields, nonce: &v.text }
}

fn signing_out<'a>(lang: Lang, v: &'a Values, frames: &'a BTreeSet<String>) -> SigningOutPage<'a> {
    SigningOutPage { lang, next: &v.url, frames, nonce: &v.text }
}

fn web_message<'a>(lang: Lang, v: &'a Values) -> WebMessagePage<'a> {
    WebMessagePage { lang, origin: &v.url, message: &v.text, nonce: &v.text }
}

const RESET_ALERTS: [ResetAlert; 6] = [
    ResetAlert::Policy(PolicyProblem::TooShort(8)),
    ResetAlert::Policy(PolicyProblem::TooLong(64)),
    ResetAlert::Policy(PolicyProblem::Common),
    ResetAlert::Policy(PolicyProblem::HasName),
    ResetAlert::Differ,
    ResetAlert::Busy,
];

fn reset<'a>(
    lang: Lang,
    v: &'a Values,
    policy: &'a PasswordPolicy,
    alert: Option<ResetAlert>,
) -> ResetPage<'a> {
    ResetPage { lang, brand: Brand::default(), account: &v.name, link: &v.text, policy, alert }
}

/// Every page there is, in every shape it has.
fn pages(lang: Lang, v: &Values) -> Vec<(String, String)> {
    let fields = [(v.name.as_str(), v.text.as_str()), ("state", "s")];
    let frames = BTreeSet::from([v.url.clone(), "https://frame.example/".to_owned()]);
    let none = BTreeSet::new();
    let (name, text, url) = (v.name.as_str(), v.text.as_str(), v.url.as_str());
    let claims = [v.text.clone(), v.name.clone()];
    let custom = [
        ScopeLine::Custom { name, description: Some(text), claims: &claims },
        ScopeLine::Custom { name, description: None, claims: &claims },
        ScopeLine::Custom { name, description: None, claims: &[] },
        ScopeLine::Item { value: text, resource: Some(name), id: Some(text), action: Some(name) },
        ScopeLine::Item { value: "*", resource: None, id: None, action: None },
    ];
    let plain = LoginPage { brand: Brand::default(), ..login(lang, v, None) };
    let preview = Brand { preview: Some(Theme::Dark), ..brand(v) };
    let mut pages: Vec<(String, askama::Result<String>)> = vec![
        ("plain login".to_owned(), plain.render()),
        ("preview".to_owned(), LoginPage { brand: preview, ..login(lang, v, None) }.render()),
        ("login".to_owned(), login(lang, v, None).render()),
        ("account".to_owned(), account(lang, v).render()),
        ("consent".to_owned(), consent(lang, v, &SCOPES, true).render()),
        ("consent custom".to_owned(), consent(lang, v, &custom, false).render()),
        ("form_post".to_owned(), form_post(lang, v, &fields).render()),
        ("signing out".to_owned(), signing_out(lang, v, &frames).render()),
        ("web_message".to_owned(), web_message(lang, v).render()),
    ];
    for alert in ALERTS {
        pages.push((format!("login {alert:?}"), login(lang, v, Some(alert)).render()));
    }
    let strict = PasswordPolicy::default();
    let lax = PasswordPolicy { refuse_common: false, refuse_names: false, ..PasswordPolicy::default() };
    pages.push((
        "forgot sent".to_owned(),
        ForgotSentPage { lang, brand: brand(v), transaction: text }.render(),
    ));
    for alert in [None, Some(ForgotAlert::Missing), Some(ForgotAlert::Throttled { seconds: 90 })] {
        pages.push((format!("forgot {alert:?}"), forgot(lang, v, alert).render()));
    }
    pages.push(("reset lax".to_owned(), reset(lang, v, &lax, None).render()));
    pages.push(("reset done".to_owned(), ResetDonePage { lang, brand: brand(v) }.render()));
    for alert in [None].into_iter().chain(RESET_ALERTS.map(Some)) {
        pages.push((format!("reset {alert:?}"), reset(lang, v, &strict, alert).render()));
    }
    for problem in problems(url) {
        let page = problem.page(lang, text).for_developer(name, text);
        pages.push((format!("error {}", problem.status()), page.render()));
        let page = problem.page(lang, text).branded(brand(v));
        pages.push((format!("error {} branded", problem.status()), page.render()));
    }
    for (app_name, home) in [(None, None), (None, Some(url)), (Some(name), None), (Some(name), Some(url))] {
        let brand = if app_name.is_some() { brand(v) } else { Brand::default() };
        let logout = LogoutPage { lang, brand, app_name, account: app_name, csrf: text, fields: &fields };
        pages.push(("logout".to_owned(), logout.render()));
        let signed_out = SignedOutPage { lang, brand, app_name, home, frames: &none };
        pages.push(("signed out".to_owned(), signed_out.render()));
        let start = StartPage { lang, brand, app_name, issuer: url, discovery: url };
        pages.push(("start".to_owned(), start.render()));
    }
    pages.into_iter().map(|(name, page)| (format!("{name} {}", lang.tag()), page.unwrap())).collect()
}

fn both_languages(v: &Values) -> Vec<(String, String)> {
    [pages(Lang::En, v), pages(Lang::Zh, v)].concat()
}

/// The skeleton of a page: everything but its texts and the values of its attributes.
fn skeleton(html: &str) -> Vec<(String, Vec<String>)> {
    let keys = |tag: Tag| (tag.name, tag.attributes.into_iter().map(|(key, _)| key).collect());
    read(html).0.into_iter().map(keys).collect()
}

#[test]
fn no_value_changes_the_structure_of_a_page() {
    let ordinary = both_languages(&sample());
    for v in hostile().into_iter().filter(|v| !v.text.is_empty()) {
        for ((name, html), (_, ordinary)) in both_languages(&v).iter().zip(&ordinary) {
            assert_eq!(skeleton(html), skeleton(ordinary), "{name} with {:?}", v.name);
        }
    }
}

#[test]
fn values_arrive_unchanged() {
    for v in hostile() {
        let (tags, text) = read(&login(Lang::En, &v, None).render().unwrap());
        let value =
            |name| tags.iter().find(|tag| tag.get("name") == Some(name)).unwrap().get("value").unwrap();
        assert_eq!([value("username"), value("txn"), value("csrf")], [v.text.as_str(); 3]);
        assert!(text.contains(&format!("to continue to {}", v.name)), "{text}");
        let fields = [("code", v.text.as_str())];
        let (tags, _) = read(&form_post(Lang::En, &v, &fields).render().unwrap());
        assert!(tags.iter().any(|tag| tag.is("input", "name", "code") && tag.get("value") == Some(&v.text)));
        assert!(tags.iter().any(|tag| tag.is("form", "action", &v.url)));
        let (tags, _) = read(&web_message(Lang::En, &v).render().unwrap());
        let script = tags.iter().find(|tag| tag.name == "script").unwrap();
        let data = [script.get("data-origin"), script.get("data-message")];
        assert_eq!(data, [Some(v.url.as_str()), Some(v.text.as_str())]);
    }
}

#[test]
fn pages_keep_to_a_strict_content_security_policy() {
    for v in hostile() {
        for (name, html) in both_languages(&v) {
            let (tags, _) = read(&html);
            let scripts = tags.iter().filter(|tag| tag.name == "script").count();
            let scripted =
                ["form_post", "web_message", "signing out"].iter().any(|page| name.starts_with(page));
            assert_eq!(scripts, usize::from(scripted), "{name}");
            assert!(tags.iter().all(|tag| tag.name != "style" && tag.name != "base"));
            let framing = tags.iter().any(|tag| tag.name == "iframe");
            assert_eq!(framing, name.starts_with("signing out"), "{name}");
            let inline = |key: &str| key == "style" || key.starts_with("on") || key == "formaction";
            assert!(tags.iter().all(|tag| tag.attributes.iter().all(|(key, _)| !inline(key))), "{name}");
        }
    }
}

#[test]
fn values_reach_urls_only_where_handlers_have_checked_them() {
    let v = Values { name: "NAME".to_owned(), text: "TEXT".to_owned(), url: "URL".to_owned() };
    let own = [
        "/login",
        "/login/account",
        "/login/forgot",
        "/login/reset",
        "/consent",
        "/oidc/session/end",
        stylesheet_path(),
        stylesheet_path_in(Some(Theme::Dark)),
        icon_path(),
        "/static/brand/1/ffd400.css",
        "/static/brand/1/ffd400-dark.css",
    ];
    for (name, html) in both_languages(&v) {
        for tag in read(&html).0 {
            for (key, value) in &tag.attributes {
                let checked = tag.get("class") == Some("logo")
                    || tag.get("id") == Some("home")
                    || tag.get("target") == Some("_blank")
                    || (tag.name == "form" && name.starts_with("form_post"));
                let url = ["href", "src", "action"].contains(&key.as_str());
                let framed =
                    tag.name == "iframe" && ["URL", "https://frame.example/"].contains(&value.as_str());
                // The name of a transaction stands behind a question mark, where it leads nowhere else.
                let path = value.strip_suffix("?txn=TEXT").unwrap_or(value);
                let fine = own.contains(&path) || (checked && value == "URL") || framed;
                assert!(!url || fine, "{name}: {key}={value}");
            }
        }
    }
}

#[test]
fn pages_are_small() {
    for v in hostile() {
        for (name, html) in both_languages(&v) {
            assert!(html.len() < 30 * 1024, "{name}: {}", html.len());
        }
    }
}

#[test]
fn pages_are_clean_for_keyboards_and_screen_readers() {
    for (name, html) in both_languages(&sample()) {
        let (tags, _) = read(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let known: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "{name}: an id twice in {ids:?}");
        for reference in ["for", "aria-describedby", "aria-labelledby"] {
            let mut targets = tags.iter().filter_map(|tag| tag.get(reference));
            assert!(targets.all(|id| known.contains(id)), "{name}: {reference} without its target");
        }
        let labelled = |id| tags.iter().any(|tag| tag.is("label", "for", id));
        let inputs = tags.iter().filter(|tag| tag.name == "input" && tag.get("type") != Some("hidden"));
        assert!(inputs.into_iter().all(|input| input.get("id").is_some_and(labelled)), "{name}: no label");
        for (element, count) in [("h1", 1), ("main", 1), ("title", 1)] {
            assert_eq!(tags.iter().filter(|tag| tag.name == element).count(), count, "{name}: {element}");
        }
        assert!(tags.iter().filter(|tag| tag.get("autofocus").is_some()).count() <= 1, "{name}");
        let lang = if name.ends_with("zh-CN") { "zh-CN" } else { "en" };
        assert!(tags.iter().any(|tag| tag.is("html", "lang", lang)), "{name}");
        assert!(tags.iter().filter(|tag| tag.name == "img").all(|img| img.get("alt") == Some("")));
    }
}

/// The form of a page: where it posts, the names of its fields, and its buttons as (id, name, value).
type Form = (String, Vec<String>, Vec<[String; 3]>);

fn form(html: &str) -> Form {
    let (tags, _) = read(html);
    let text = |tag: &Tag, key| tag.get(key).unwrap_or_default().to_owned();
    let form = tags.iter().find(|tag| tag.name == "form").unwrap();
    assert_eq!(form.get("method"), Some("post"));
    let inputs = tags.iter().filter(|tag| tag.name == "input").map(|tag| text(tag, "name"));
    let buttons = tags.iter().filter(|tag| tag.name == "button");
    assert!(buttons.clone().all(|button| button.get("type") == Some("submit")));
    let buttons = buttons.map(|tag| [text(tag, "id"), text(tag, "name"), text(tag, "value")]);
    (text(form, "action"), inputs.collect(), buttons.collect())
}

fn expected(action: &str, inputs: &[&str], buttons: &[[&str; 3]]) -> Form {
    let owned = |text: &&str| (*text).to_owned();
    let buttons = buttons.iter().map(|button| button.map(str::to_owned));
    (action.to_owned(), inputs.iter().map(owned).collect(), buttons.collect())
}

#[test]
fn forms_post_what_handlers_read() {
    let v = sample();
    for lang in [Lang::En, Lang::Zh] {
        assert_eq!(
            form(&login(lang, &v, None).render().unwrap()),
            expected("/login", &["txn", "csrf", "username", "password"], &[["sign-in", "", ""]])
        );
        let choices = [["continue", "choice", "continue"], ["another", "choice", "another"]];
        assert_eq!(
            form(&account(lang, &v).render().unwrap()),
            expected("/login/account", &["txn", "csrf"], &choices)
        );
        let decisions = [["allow", "decision", "allow"], ["deny", "decision", "deny"]];
        assert_eq!(
            form(&consent(lang, &v, &[], false).render().unwrap()),
            expected("/consent", &["txn", "csrf"], &decisions)
        );
        let fields = [("state", "s"), ("client_id", "c")];
        let brand = Brand::default();
        let logout = LogoutPage { lang, brand, app_name: None, account: None, csrf: "t", fields: &fields };
        let decisions = [["sign-out", "decision", "sign-out"], ["stay", "decision", "stay"]];
        assert_eq!(
            form(&logout.render().unwrap()),
            expected("/oidc/session/end", &["csrf", "state", "client_id", "devices"], &decisions)
        );
        let named = LogoutPage { app_name: Some("Notes"), ..logout };
        let inputs = ["csrf", "state", "client_id", "devices", "applications"];
        assert_eq!(form(&named.render().unwrap()), expected("/oidc/session/end", &inputs, &decisions));
        assert_eq!(
            form(&form_post(lang, &v, &fields).render().unwrap()),
            expected(&v.url, &["state", "client_id"], &[["continue", "", ""]])
        );
    }
}

#[test]
fn password_managers_find_the_login_fields() {
    let (tags, _) = read(&login(Lang::En, &sample(), None).render().unwrap());
    let input = |name| tags.iter().find(|tag| tag.is("input", "name", name)).unwrap();
    let (username, password) = (input("username"), input("password"));
    assert_eq!(username.get("autocomplete"), Some("username"));
    assert_eq!((username.get("autocapitalize"), username.get("spellcheck")), (Some("none"), Some("false")));
    assert_eq!(password.get("autocomplete"), Some("current-password"));
    assert_eq!((password.get("type"), password.get("value")), (Some("password"), None));
}

#[test]
fn the_login_form_starts_where_something_is_missing() {
    let focused = |identifier: &str| {
        let v = Values { text: identifier.to_owned(), ..sample() };
        let (tags, _) = read(&login(Lang::En, &v, None).render().unwrap());
        tags.iter().find(|tag| tag.get("autofocus").is_some()).unwrap().get("id").unwrap().to_owned()
    };
    assert_eq!(focused(""), "username");
    assert_eq!(focused("ada"), "password");
}

#[test]
fn login_alerts_are_announced_and_tied_to_the_fields() {
    for lang in [Lang::En, Lang::Zh] {
        let v = sample();
        let (tags, _) = read(&login(lang, &v, None).render().unwrap());
        assert!(tags.iter().all(|tag| tag.get("role").is_none() && tag.get("aria-describedby").is_none()));
        for alert in ALERTS {
            let (tags, text) = read(&login(lang, &v, Some(alert)).render().unwrap());
            assert!(text.contains(&alert.text(lang)), "{alert:?}");
            let role = if alert == LoginAlert::SignInAgain { "status" } else { "alert" };
            assert!(tags.iter().any(|tag| tag.is("p", "id", "alert") && tag.get("role") == Some(role)));
            assert_eq!(tags.iter().filter(|tag| tag.is("input", "aria-describedby", "alert")).count(), 2);
            assert_eq!(
                text.trim_start().starts_with(lang.messages().error_prefix),
                role == "alert",
                "{alert:?}"
            );
            let invalid = tags.iter().filter(|tag| tag.is("input", "aria-invalid", "true")).count();
            assert_eq!(invalid, if alert.blames_input() { 2 } else { 0 }, "{alert:?}");
        }
    }
}

#[test]
fn waiting_times_are_words() {
    let table = [
        (0, "1 second"),
        (1, "1 second"),
        (2, "2 seconds"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "61 seconds"),
        (90, "90 seconds"),
        (91, "2 minutes"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (u64::MAX, "307445734561825861 minutes"),
    ];
    for (seconds, words) in table {
        assert_eq!(duration(&messages::EN, seconds), words);
    }
    let text = LoginAlert::Throttled { seconds: 300 }.text(Lang::Zh);
    assert_eq!(text, "尝试次数过多，请在 5 分钟后重试。");
}

#[test]
fn consent_lists_what_is_asked_for_and_nothing_else() {
    let v = sample();
    let t = Lang::En.messages();
    let titles = |scopes: &[ScopeLine], offline| -> Vec<String> {
        consent(Lang::En, &v, scopes, offline).lines().iter().map(|line| line.title.to_string()).collect()
    };
    assert_eq!(titles(&[], false), [t.scope_openid.title]);
    assert_eq!(
        titles(&[ScopeLine::Roles, ScopeLine::Email], true),
        [t.scope_openid.title, t.scope_roles.title, t.scope_email.title, t.scope_offline.title]
    );
    let all: HashSet<String> = titles(&SCOPES, true).into_iter().collect();
    assert_eq!(all.len(), SCOPES.len() + 2, "two scopes in the same words");
    let html = consent(Lang::En, &v, &[ScopeLine::Roles], false).render().unwrap();
    let (tags, text) = read(&html);
    assert_eq!(tags.iter().filter(|tag| tag.name == "li").count(), 2);
    assert!(text.contains(t.scope_roles.detail) && !text.contains(t.scope_offline.title));
}

#[test]
fn consent_lists_single_claims_in_words_before_what_lasts() {
    let v = sample();
    let claims = &["email", "<i>"];
    let page = ConsentPage { claims, ..consent(Lang::En, &v, &[ScopeLine::Roles], true) };
    let lines = page.lines();
    let [_, _, details, offline] = lines.as_slice() else { panic!("{}", lines.len()) };
    let t = Lang::En.messages();
    assert_eq!((&*details.title, &*details.detail), (t.consent_details, "email address, <i>"));
    assert_eq!(offline.title, t.scope_offline.title);
    let html = page.render().unwrap();
    assert!(read(&html).1.contains("email address, <i>") && !html.contains("<i>"), "{html}");
}

#[test]
fn attack_03_a_scope_of_the_pool_is_told_in_the_words_of_its_operator_and_as_text() {
    for v in hostile() {
        let claims = [v.name.clone(), "desk".to_owned()];
        let lines = [
            ScopeLine::Custom { name: "work", description: Some(&v.text), claims: &claims },
            ScopeLine::Custom { name: &v.name, description: None, claims: &[] },
        ];
        for (lang, use_it) in
            [(Lang::En, format!("Use “{}”", v.name)), (Lang::Zh, format!("使用“{}”", v.name))]
        {
            let (tags, text) = read(&consent(lang, &v, &lines, false).render().unwrap());
            assert_eq!(tags.iter().filter(|tag| tag.name == "li").count(), 3);
            assert_eq!(
                tags.iter().filter(|tag| tag.name == "bdi" && tag.get("class") == Some("quiet")).count(),
                3
            );
            for words in [&v.text, &format!("{}, desk", v.name), &use_it] {
                assert!(text.contains(words.as_str()), "{words}: {text}");
            }
        }
    }
}

#[test]
fn every_problem_has_its_own_words_and_an_error_status() {
    for lang in [Lang::En, Lang::Zh] {
        let pages = problems("http://localhost:8080").map(|problem| problem.page(lang, "r-1"));
        let messages: HashSet<&str> = pages.iter().map(|page| page.message).collect();
        assert_eq!(messages.len(), pages.len());
        for page in pages {
            assert!((400..600).contains(&page.status));
            let (tags, text) = read(&page.render().unwrap());
            for part in [page.title, page.message, page.hint, "r-1", &page.status.to_string()] {
                assert!(text.contains(part), "{part:?} is not on the page");
            }
            assert!(tags.iter().all(|tag| tag.name != "section"), "a developer's block without content");
            let link = tags.iter().any(|tag| tag.is("a", "href", "http://localhost:8080"));
            assert_eq!(link, page.status == 421);
        }
    }
}

#[test]
fn faults_of_the_application_are_told_apart_from_the_developers_detail() {
    for problem in [Problem::BadClient, Problem::BadRedirectUri, Problem::BadRequest] {
        let page = problem.page(Lang::En, "r-1").for_developer("invalid_thing", "a constant detail");
        assert!(page.message.contains("nothing you did") || page.message.contains("not in anything you did"));
        let html = page.render().unwrap();
        let (person, developer) = html.split_once("For the developer").unwrap();
        assert!(!person.contains("invalid_thing") && !person.contains("constant detail"));
        assert!(developer.contains("invalid_thing") && developer.contains("a constant detail"));
    }
}

#[test]
fn an_error_page_can_name_a_place_to_continue_from() {
    let page = Problem::NotFound.page(Lang::En, "r-1").with_home(Link { href: "/a", text: "B" });
    let (tags, text) = read(&page.render().unwrap());
    assert!(tags.iter().any(|tag| tag.is("a", "href", "/a")) && text.contains('B'));
}

#[test]
fn the_form_post_script_has_the_nonce_and_submits_the_form() {
    let html = form_post(Lang::En, &sample(), &[]).render().unwrap();
    assert!(html.contains("<script nonce=\"a1\">document.forms[0].submit()</script>"));
}

#[test]
fn initials() {
    let table = [("ada", "A"), ("王小明", "王"), ("ß", "SS"), (" <x>", "X"), ("👩‍👧", "•"), ("", "•")];
    for (name, letter) in table {
        assert_eq!(initial(name), letter);
    }
}

#[test]
fn attack_03_what_an_application_says_of_itself_is_text_and_https_links() {
    for v in hostile() {
        for lang in [Lang::En, Lang::Zh] {
            let page = LoginPage { recovery: false, ..login(lang, &v, None) };
            let (tags, text) = read(&page.render().unwrap());
            assert!(text.contains(&v.name) && text.contains(&v.text));
            let links = tags.iter().filter(|tag| tag.name == "a");
            assert_eq!(links.clone().count(), 3);
            assert!(links.into_iter().all(|link| link.get("rel") == Some("noopener noreferrer")));
        }
    }
}

#[test]
fn a_page_of_an_application_that_says_nothing_has_nothing_of_it() {
    for lang in [Lang::En, Lang::Zh] {
        let v = sample();
        let page = LoginPage { brand: Brand::default(), recovery: false, ..login(lang, &v, None) };
        let (tags, text) = read(&page.render().unwrap());
        assert_eq!(tags.iter().filter(|tag| tag.name == "link").count(), 2, "icon and stylesheet");
        assert!(
            tags.iter().all(|tag| tag.name != "img" && tag.name != "a" && tag.get("class") != Some("legal"))
        );
        assert!(tags.iter().any(|tag| tag.get("class") == Some("seal")));
        assert!(text.contains(lang.messages().login_title));
    }
}

#[test]
fn a_preview_takes_nothing_and_asks_for_nothing() {
    let v = sample();
    let brand = Brand { preview: Some(Theme::Dark), ..brand(&v) };
    let (tags, _) = read(&LoginPage { brand, ..login(Lang::En, &v, None) }.render().unwrap());
    assert!(tags.iter().all(|tag| tag.get("autofocus").is_none()));
    assert!(tags.iter().any(|tag| tag.name == "form" && tag.get("inert").is_some()));
    assert!(tags.iter().any(|tag| tag.get("class") == Some("legal") && tag.get("inert").is_some()));
    let sheets: Vec<_> = tags.iter().filter(|tag| tag.is("link", "rel", "stylesheet")).collect();
    let paths: Vec<_> = sheets.iter().filter_map(|tag| tag.get("href")).collect();
    assert_eq!(paths, [stylesheet_path_in(Some(Theme::Dark)), "/static/brand/1/ffd400-dark.css"]);
}
