//! How an application's pages look: its colour, logo, texts and links, where they are seen and where they are not.

use std::sync::Arc;

use http::{Method, StatusCode};
use signet_protocol::{
    application::Application,
    branding::{BrandColor, Branding},
    operator::Role,
};

use crate::{
    console::{csrf, operator},
    rp::Rp,
    support::{Answer, BASE, Browser, World},
};

const SHEET: &str = "/static/brand/1/ffd400.css";
const LOGO: &str = "https://pictures.example:8443/logo.png";

fn branded(application: &mut Application) {
    let said = |text: &str| Some(text.to_owned());
    application.settings.sso = application.identifier.as_str() != "alone";
    application.settings.logo_uri = said(LOGO);
    application.settings.branding = Branding {
        brand_color: BrandColor::parse("#ffd400").ok(),
        login_title: said("Welcome back"),
        login_title_zh: said("欢迎回来"),
        login_text: said("Use your <staff> number"),
        login_text_zh: None,
        support_uri: said("https://help.example/sign-in#lost"),
        support_text: said("Ask the desk"),
        support_text_zh: said("联系服务台"),
        policy_uri: said("https://rp.example/privacy"),
        tos_uri: said("https://rp.example/terms"),
    };
}

/// The colour, the logo and the links of the sample, on a page that may load the logo and no other picture.
fn assert_branded(page: &Answer) {
    for part in [
        SHEET,
        LOGO,
        "https://help.example/sign-in#lost",
        "https://rp.example/privacy",
        "https://rp.example/terms",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("img-src 'self' https://pictures.example:8443;"), "{policy}");
    assert!(policy.contains("style-src 'self';") && !page.body.contains("style="), "{policy}");
    assert!(page.body.len() < 30 * 1024);
}

/// Nothing of any application.
fn assert_plain(page: &Answer) {
    for part in ["/static/brand/", "class=\"logo\"", "class=\"legal\"", "_blank", "Welcome back"] {
        assert!(!page.body.contains(part), "{part}: {}", page.body);
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("img-src 'self';"), "{policy}");
}

#[tokio::test]
async fn an_application_shows_itself_at_both_addresses() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for identifier in ["alone", "listed"] {
        let rp = Rp::new(&world, identifier, branded).await.at_home();
        world.update_application(rp.application.id, |app| app.settings.skip_consent = false).await;
        let mut browser = world.browser();
        let page = browser.open(&rp.url(&[("prompt", "login consent")])).await;
        let host = if identifier == "alone" { "alone.localhost:8080" } else { "localhost:8080" };
        assert!(browser.address.starts_with(&format!("http://{host}/login?")), "{}", browser.address);
        assert_branded(&page);
        assert!(page.body.contains("<h1><bdi>Welcome back</bdi></h1>"), "{}", page.body);
        assert!(page.body.contains("Use your &#60;staff&#62; number"), "{}", page.body);
        assert!(page.body.contains(&rp.application.name), "whoever signs in reads where to");
        let wrong = browser.submit(&page, &[("username", "alice"), ("password", "wrong")], "sign-in").await;
        assert_branded(&wrong);
        let page = browser.sign_in(&page, "alice").await;
        assert!(page.body.contains("id=\"allow\""), "{}", page.body);
        assert_branded(&page);
        let page = browser.open(&rp.url(&[("prompt", "select_account")])).await;
        assert!(page.body.contains("id=\"another\""), "{}", page.body);
        assert_branded(&page);
        let own = format!("http://{identifier}.localhost:8080");
        for path in ["/", "/nothing", "/login/reset?link=x", "/login?txn=x", "/oidc/session/end"] {
            assert_branded(&world.get(&format!("{own}{path}")).await);
        }
    }
    let rp = Rp::new(&world, "third", branded).await;
    let mut browser = world.browser();
    browser.open(&rp.url(&[])).await;
    let address = browser.address.clone();
    let stuck = world.browser().open(&address).await;
    assert_eq!(stuck.status, StatusCode::BAD_REQUEST);
    world.advance(3600);
    let expired = browser.open(&address).await;
    assert_eq!(expired.status, StatusCode::BAD_REQUEST);
    assert_branded(&expired);
    for path in ["/", "/nothing", "/login/reset?link=x", "/oidc/session/end", "/console/sign-in"] {
        let page = world.get(&format!("{BASE}{path}")).await;
        assert!(!page.body.contains("/static/brand/") && !page.body.contains("class=\"legal\""), "{path}");
    }
}

#[tokio::test]
async fn an_application_that_says_nothing_looks_as_ever() {
    let world = World::new().await;
    Rp::new(&world, "branded", branded).await;
    let rp = Rp::new(&world, "plain", |_| {}).await.at_home();
    let page = world.browser().open(&rp.url(&[])).await;
    assert_plain(&page);
    assert!(page.body.contains("<h1>Sign in</h1>") && page.body.contains("class=\"seal\""), "{}", page.body);
    assert_plain(&world.get("http://plain.localhost:8080/nothing").await);
}

#[tokio::test]
async fn texts_follow_the_language_of_the_page() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", branded).await;
    for (locale, there, missing) in [
        ("en", ["Welcome back", "Use your", "Ask the desk", "Privacy policy"], "欢迎回来"),
        ("zh", ["欢迎回来", "Use your", "联系服务台", "隐私政策"], "Welcome back"),
    ] {
        let page = world.browser().open(&rp.url(&[("ui_locales", locale)])).await;
        assert!(there.iter().all(|text| page.body.contains(text)), "{locale}: {}", page.body);
        assert!(!page.body.contains(missing), "{locale}");
    }
    world.update_application(rp.application.id, |app| app.settings.branding.support_text = None).await;
    let page = world.browser().open(&rp.url(&[("ui_locales", "en")])).await;
    assert!(page.body.contains("<bdi>Help</bdi>"), "{}", page.body);
}

#[tokio::test]
async fn the_stylesheet_of_a_colour_is_kept_for_ever() {
    let world = World::new().await;
    for path in [SHEET, "/static/brand/1/ffd400-dark.css", "/static/brand/1/ffd400-light.css"] {
        let sheet = world.get(&format!("{BASE}{path}")).await;
        assert_eq!(sheet.status, StatusCode::OK);
        assert_eq!(sheet.header("content-type"), Some("text/css; charset=utf-8"));
        assert_eq!(sheet.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(sheet.header("x-content-type-options"), Some("nosniff"));
        assert!(sheet.body.contains("--brand: #ffd400;") && sheet.body.len() < 1024, "{}", sheet.body);
    }
    for path in [
        "/static/brand/1/FFD400.css",
        "/static/brand/1/ffd4.css",
        "/static/brand/1/ffd400;}*{display:none}.css",
        "/static/brand/1/ffd400%3B.css",
        "/static/brand/1/ffd400.css/",
        "/static/brand/2/ffd400.css",
    ] {
        assert_eq!(world.get(&format!("{BASE}{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

struct Desk {
    world: Arc<World>,
    browser: Browser,
    application: Application,
    tab: String,
}

impl Desk {
    async fn new() -> Desk {
        let world = World::new().await;
        let application = world.application("notes", |_| {}).await;
        let browser = operator(&world, "owner", Role::Owner, &[]).await;
        let tab = format!("{BASE}/console/applications/{}/branding", application.id);
        Desk { world, browser, application, tab }
    }

    /// Fills the card in and sends it by one of its buttons.
    async fn fill(&mut self, values: &[(&str, &str)], button: &str) -> Answer {
        let page = self.browser.open(&self.tab).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let token = csrf(&page);
        let version = self.stored().await.version.to_string();
        let usual = [("csrf", token.as_str()), ("card", "branding"), ("version", version.as_str())];
        let form: Vec<(String, String)> = usual
            .iter()
            .chain(values)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let url = if button == "preview" { format!("{}/preview", self.tab) } else { self.tab.clone() };
        self.browser.step(Method::POST, &url, Some(&form)).await
    }

    async fn stored(&self) -> Arc<Application> {
        self.world.signet().store().application(self.application.id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn branding_is_set_at_the_console_after_a_review_and_undone() {
    let mut desk = Desk::new().await;
    let page = desk.browser.open(&desk.tab).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-src 'self'"), "{policy}");
    let values =
        [("brand_color", "#FFD400"), ("login_title", " Welcome "), ("tos_uri", "https://rp.example/t#a")];
    let review = desk.fill(&values, "save").await;
    assert!(review.body.contains("brand_color") && review.body.contains("#ffd400"), "{}", review.body);
    assert!(desk.stored().await.settings.branding == Branding::default(), "nothing is saved yet");
    let confirmed: Vec<_> =
        values.into_iter().chain([("step", "confirm"), ("reason", "Our colours")]).collect();
    let saved = desk.fill(&confirmed, "save").await;
    assert!(saved.location().ends_with("/branding?done=saved"), "{}", saved.body);
    let branding = desk.stored().await.settings.branding.clone();
    assert_eq!(branding.brand_color, BrandColor::parse("#ffd400").ok());
    assert_eq!(branding.login_title.as_deref(), Some("Welcome"));
    assert_eq!(branding.tos_uri.as_deref(), Some("https://rp.example/t#a"));
    let page = desk.browser.open(&desk.tab).await;
    assert!(page.body.contains("black, 14.6:1"), "what becomes of the colour is told: {}", page.body);
    let code = desk.browser.open(&desk.tab.replace("/branding", "/code")).await;
    assert!(
        code.body.contains("brand_color = &#34;#ffd400&#34;") && code.body.contains("Our colours"),
        "{}",
        code.body
    );
    let emptied = desk.fill(&[("step", "confirm")], "save").await;
    assert_eq!(emptied.status, StatusCode::SEE_OTHER, "{}", emptied.body);
    assert_eq!(desk.stored().await.settings.branding, Branding::default());
}

#[tokio::test]
async fn attack_03_colours_texts_and_links_are_nothing_else() {
    let mut desk = Desk::new().await;
    let (long, many) = ("x".repeat(61), "名".repeat(201));
    for (key, value, told) in [
        ("brand_color", "red", "as #rrggbb"),
        ("brand_color", "#fff;}*{x:url(//evil.example)}", "as #rrggbb"),
        ("brand_color", "#12345g", "as #rrggbb"),
        ("login_title", long.as_str(), "at most 60 characters"),
        ("login_text_zh", many.as_str(), "at most 200 characters"),
        ("login_title", "a\nb", "one line"),
        ("support_text", "a\u{7}b", "control characters"),
        ("support_uri", "javascript:alert(1)", "https:// URL"),
        ("support_uri", "JaVaScRiPt:alert(1)//https://a", "https:// URL"),
        ("policy_uri", "http://rp.example/privacy", "https:// URL"),
        ("policy_uri", "https://user@rp.example/privacy", "https:// URL"),
        ("tos_uri", "data:text/html,<script>alert(1)</script>", "https:// URL"),
        ("tos_uri", "https://rp.example/#\" onclick=\"x", "https:// URL"),
        ("logo_uri", "https://rp.example/;script-src", "https:// URL"),
        ("logo_uri", "https://rp.example;/logo.png", "https:// URL"),
    ] {
        let refused = desk.fill(&[(key, value), ("step", "confirm")], "save").await;
        // A semicolon is fine in a path, and no part of an origin.
        if value.contains("/;script") {
            let preview = desk.fill(&[(key, value)], "preview").await;
            let policy = preview.header("content-security-policy").unwrap();
            assert!(
                policy.contains("img-src 'self' https://rp.example;") && !policy.contains("script"),
                "{policy}"
            );
            continue;
        }
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{key} {value}");
        assert!(refused.body.contains(told), "{key} {value}: {}", refused.body);
    }
    let hostile = "</h1><script>alert(1)</script><style>*{}</style>\u{202e}";
    let texts = ["login_title", "login_text", "support_text"].map(|key| (key, hostile));
    let shown = desk.fill(&[&texts[..], &[("support_uri", "https://a.example")]].concat(), "preview").await;
    assert!(shown.body.contains("&#60;script&#62;"), "{}", shown.body);
    assert!(!shown.body.contains("<script") && !shown.body.contains("<style"), "{}", shown.body);
}

#[tokio::test]
async fn attack_03_what_is_typed_is_previewed_for_the_console_alone() {
    let mut desk = Desk::new().await;
    let typed = [
        ("brand_color", "#ffd400"),
        ("login_title", "Our house"),
        ("tos_uri", "not a link"),
        ("logo_uri", LOGO),
        ("preview_theme", "dark"),
        ("preview_lang", "zh-CN"),
    ];
    let shown = desk.fill(&typed, "preview").await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(shown.body.contains("Our house") && shown.body.contains("lang=\"zh-CN\""), "{}", shown.body);
    assert!(shown.body.contains("/static/brand/1/ffd400-dark.css"), "{}", shown.body);
    assert!(!shown.body.contains("not a link"), "what cannot be read is as it is stored");
    assert!(shown.body.contains("inert") && !shown.body.contains("autofocus"), "{}", shown.body);
    let policy = shown.header("content-security-policy").unwrap();
    for part in [
        "frame-ancestors 'self'",
        "form-action 'none'",
        "default-src 'none'",
        "img-src 'self' https://pictures.example:8443;",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(shown.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert_eq!(desk.stored().await.version, 1, "nothing is saved");

    let link = format!("{}/preview?login_title=Type+your+old+password&preview_theme=light", desk.tab);
    let page = desk.browser.open(&link).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("old password"), "{}", page.body);
    let forged = [("login_title", "Our house")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = desk.browser.step(Method::POST, &format!("{}/preview", desk.tab), Some(&forged)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let mut auditor = operator(&desk.world, "auditor", Role::Auditor, &[]).await;
    let page = auditor.open(&desk.tab).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("formaction"), "{}", page.body);
}
