//! The console: an application's login, tried out.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;
use signet_protocol::{
    application::{Application, AuthMethod, GrantType, ResponseType},
    jose::{KeyAlg, SigningAlg, SigningKey},
    operator::Role,
    redirect_uri::RedirectUri,
};
use signet_testkit::forms::HtmlForm;

use crate::{
    client,
    console::{csrf, operator},
    machine::{KEY, Machine},
    rp::Rp,
    support::{Answer, BASE, Browser, PASSWORD, SECRET, World},
};

/// Where answers come back to.
const BACK: &str = "http://localhost:8080/console/try/callback";

/// An application with everything ticked, whose list has the callback link of trials.
fn everything(application: &mut Application) {
    let settings = &mut application.settings;
    settings.grant_types = GrantType::ALL.to_vec();
    settings.response_types = ResponseType::ALL.to_vec();
    settings.redirect_uris.push(RedirectUri::parse(BACK).unwrap());
}

/// An operator at the page of an application.
struct Trial {
    browser: Browser,
    home: String,
}

impl Trial {
    async fn of(world: &Arc<World>, application: &Application) -> Trial {
        let browser = operator(world, "owner", Role::Owner, &[]).await;
        Trial { browser, home: format!("{BASE}/console/applications/{}", application.id) }
    }

    async fn page(&mut self) -> Answer {
        self.browser.open(&format!("{}/try", self.home)).await
    }

    /// Sends the form that begins.
    async fn begin(&mut self, form: &[(&str, &str)]) -> Answer {
        let token = csrf(&self.page().await);
        let form: Vec<_> = [("csrf", token.as_str())].iter().chain(form).map(owned).collect();
        self.browser.step(Method::POST, &format!("{}/try", self.home), Some(&form)).await
    }

    /// Goes to the issuer with a mode, and signs a user in there: the page that posts the answer.
    async fn answer(&mut self, mode: &str, more: &[(&str, &str)]) -> Answer {
        let form: Vec<_> = [("mode", mode)].iter().chain(more).copied().collect();
        let begun = self.begin(&form).await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{mode}: {}", begun.body);
        let shown = self.browser.open(begun.location()).await;
        let link = link(&shown, "go");
        let mut page = self.browser.open(&link).await;
        if page.body.contains("id=\"sign-in\"") {
            page = self.browser.sign_in(&page, "alice").await;
        }
        if page.body.contains("id=\"allow\"") {
            page = self.browser.submit(&page, &[], "allow").await;
        }
        assert!(page.body.contains("document.forms[0].submit()"), "{mode}: {} {}", page.status, page.body);
        page
    }

    /// Has the browser post an answer.
    async fn arrive(&mut self, page: &Answer) -> Answer {
        let form = HtmlForm::find(&page.body).unwrap();
        assert_eq!(form.action, BACK);
        self.browser.step(Method::POST, BACK, Some(&form.fields)).await
    }

    /// The whole of a trial with a browser.
    async fn run(&mut self, mode: &str, more: &[(&str, &str)]) -> Answer {
        let page = self.answer(mode, more).await;
        let told = self.arrive(&page).await;
        assert_eq!(told.status, StatusCode::OK, "{mode}: {}", told.body);
        told
    }
}

fn owned((name, value): &(&str, &str)) -> (String, String) {
    ((*name).to_owned(), (*value).to_owned())
}

/// Where the link with this id leads.
fn link(page: &Answer, id: &str) -> String {
    let tag = page.body.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("{}", page.body));
    let href = tag.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    href.replace("&amp;", "&").replace("&#38;", "&")
}

/// Everything was checked and is as it should be: at least so many checks.
fn passed(page: &Answer, mode: &str, at_least: usize) {
    assert!(page.body.contains("Everything is as it should be"), "{mode}: {}", page.body);
    assert!(!page.body.contains("check-bad") && !page.body.contains("tag-bad"), "{mode}: {}", page.body);
    let checks = page.body.matches("check-good").count();
    assert!(checks >= at_least, "{mode}: {checks} checks");
    for secret in [SECRET, PASSWORD, KEY] {
        assert!(!page.body.contains(secret), "{mode} shows {secret}");
    }
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}

#[tokio::test]
async fn every_mode_of_a_browser_passes_at_both_issuers() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    let mut trial = Trial::of(&world, &application).await;
    for (mode, told, checks) in [
        ("code", &["code_verifier", "at_hash", "nonce", "/oidc/me", "/oidc/token/introspection"][..], 20),
        ("plain", &["client_secret", "••••••••"], 20),
        ("refresh_token", &["offline_access", "There is a new refresh token"], 35),
        ("id_token", &["The tokens in the answer"], 10),
        ("id_token token", &["at_hash", "/oidc/me"], 18),
        ("code id_token", &["c_hash", "code_verifier"], 28),
        ("code token", &["The code is exchanged"], 26),
        ("code id_token token", &["c_hash", "at_hash", "sub</code> is the same as before"], 36),
        ("none", &["session/end?client_id="], 2),
    ] {
        for place in ["pool", "own"] {
            let page = trial.run(mode, &[("scope", "openid profile"), ("place", place)]).await;
            passed(&page, &format!("{mode} at {place}"), checks);
            has(&page, told);
            let issuer = if place == "own" {
                "http://notes.localhost:8080/oidc"
            } else {
                "http://localhost:8080/oidc"
            };
            has(&page, &[issuer]);
            assert_eq!(
                page.body.contains("code_challenge<"),
                mode.contains("code") || mode == "refresh_token"
            );
            assert!(page.body.len() < 150_000, "{mode}: {} bytes", page.body.len());
        }
    }
}

#[tokio::test]
async fn every_way_to_authenticate_and_every_algorithm_passes() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    let mut trial = Trial::of(&world, &application).await;
    for (method, told) in [
        (AuthMethod::ClientSecretPost, "client_secret"),
        (AuthMethod::ClientSecretBasic, "Basic ••••••••"),
        (AuthMethod::ClientSecretJwt, "client_assertion"),
        (AuthMethod::None, "client_id"),
    ] {
        world.update_application(application.id, client::by(method)).await;
        let page = trial.run("code", &[("scope", "openid")]).await;
        passed(&page, method.as_str(), 20);
        has(&page, &[told]);
    }
    world.update_application(application.id, client::by(AuthMethod::ClientSecretPost)).await;
    for alg in SigningAlg::ALL {
        world
            .update_application(application.id, |application| {
                let settings = &mut application.settings;
                settings.id_token_signed_response_alg = *alg;
                settings.access_token_signed_response_alg = alg.key_alg().unwrap_or(KeyAlg::Rs256).into();
                settings.userinfo_signed_response_alg = Some(*alg);
            })
            .await;
        let page = trial.run("code id_token token", &[("scope", "openid")]).await;
        passed(&page, alg.as_str(), 36);
        has(&page, &["Signed user information", alg.as_str()]);
    }
}

#[tokio::test]
async fn what_only_the_application_can_do_is_told_and_not_done() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    world.update_application(application.id, client::by(AuthMethod::PrivateKeyJwt)).await;
    let mut trial = Trial::of(&world, &application).await;
    let page = trial.run("code token", &[("scope", "openid")]).await;
    passed(&page, "private_key_jwt", 10);
    has(&page, &["Not sent: the application authenticates with a key of its own"]);
    let revoked = trial.browser.submit(&page, &[], "revoke").await;
    has(&revoked, &["Done without the endpoint"]);
    let again = trial.browser.submit(&page, &[], "revoke").await;
    has(&again, &["There is nothing to revoke"]);
}

#[tokio::test]
async fn a_password_and_an_account_are_tried_without_a_browser() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let machine = Machine::new(&world, "library", everything).await;
    machine.resources(&[("book", &["read"], None)]).await;
    machine.rule(json!({ "resource": "book", "actions": ["read"] })).await;
    let mut trial = Trial::of(&world, &machine.rp.application).await;
    for place in ["pool", "own"] {
        let form = [("mode", "password"), ("username", "alice"), ("password", PASSWORD), ("place", place)];
        let page = trial.begin(&[&form[..], &[("scope", "openid profile")]].concat()).await;
        passed(&page, "password", 18);
        has(&page, &["alice Sample", "The password is exchanged for tokens"]);
        let key = [("mode", "client_credentials"), ("access_key", machine.id.as_str()), ("secret_key", KEY)];
        let page = trial.begin(&[&key[..], &[("scope", "book:read"), ("place", place)]].concat()).await;
        passed(&page, "client_credentials", 10);
        has(&page, &["book:read", &machine.id, "at+jwt"]);
        let revoked = trial.browser.submit(&page, &[], "revoke").await;
        passed(&revoked, "revoked", 2);
        has(&revoked, &["Done without the endpoint", "It is not active any more"]);
    }
}

#[tokio::test]
async fn refusals_are_told_with_their_clause_and_without_secrets() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let machine = Machine::new(&world, "library", everything).await;
    let mut trial = Trial::of(&world, &machine.rp.application).await;
    let page = trial.answer("code", &[("scope", "openid"), ("prompt", "none")]).await;
    let page = trial.arrive(&page).await;
    has(&page, &["It ended with a refusal: login_required", "OpenID Connect Core §3.1.2.6"]);
    let page = trial.answer("id_token", &[("scope", "profile")]).await;
    has(&trial.arrive(&page).await, &["It ended with a refusal: invalid_", "RFC 6749 §4.1.2.1"]);
    for wrong in ["not the password at all", "••••••••"] {
        let page = trial.begin(&[("mode", "password"), ("username", "alice"), ("password", wrong)]).await;
        has(&page, &["It ended with a refusal: invalid_grant", "RFC 6749 §5.2", "X-Signet-Reference: "]);
        assert!(!page.body.contains("not the password at all"));
    }
    let wrong = KEY.replace('5', "6");
    let key = [("mode", "client_credentials"), ("access_key", machine.id.as_str()), ("secret_key", &wrong)];
    let page = trial.begin(&[&key[..], &[("scope", "book:read")]].concat()).await;
    has(&page, &["It ended with a refusal: invalid_client"]);
    assert!(!page.body.contains(&wrong));
}

#[tokio::test]
async fn what_was_given_is_revoked_as_a_whole() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", everything).await;
    let mut trial = Trial::of(&world, &rp.application).await;
    let page = trial.run("refresh_token", &[("scope", "openid")]).await;
    let form = HtmlForm::with_button(&page.body, "revoke").unwrap();
    let refresh = form.fields.iter().find(|(name, _)| name == "token").unwrap().1.clone();
    assert!(rp.is_active(&refresh).await, "it is the last one, and lives");
    let revoked = trial.browser.submit(&page, &[], "revoke").await;
    passed(&revoked, "revoked", 2);
    has(&revoked, &["/oidc/token/revocation", "It is not active any more"]);
    assert!(!rp.is_active(&refresh).await);
    assert_eq!(rp.refresh(&refresh).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn attack_19_a_token_of_another_application_is_not_revoked_here() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let (own, other) = (world.application("own", everything).await, Rp::new(&world, "other", |_| {}).await);
    let tokens = other.tokens("alice", &[]).await;
    for method in [AuthMethod::ClientSecretPost, AuthMethod::PrivateKeyJwt] {
        world.update_application(own.id, client::by(method)).await;
        let mut manager = operator(&world, &format!("manager-{}", method.as_str()), Role::Owner, &[]).await;
        let home = format!("{BASE}/console/applications/{}/try", own.id);
        let token = csrf(&manager.open(&home).await);
        let form =
            [("csrf", token.as_str()), ("place", "pool"), ("token", &tokens.access)].map(|pair| owned(&pair));
        manager.step(Method::POST, &format!("{home}/revoke"), Some(&form)).await;
        assert!(other.is_active(&tokens.access).await, "{}", method.as_str());
    }
}

#[tokio::test]
async fn attack_12_an_answer_counts_once_and_in_the_login_that_asked_for_it() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    let mut trial = Trial::of(&world, &application).await;
    let stray = |page: &Answer| {
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
        has(page, &["belongs to no trial of yours"]);
    };

    let page = trial.answer("code", &[("scope", "openid")]).await;
    let mut forged = HtmlForm::find(&page.body).unwrap().fields;
    forged.iter_mut().filter(|(name, _)| name == "state").for_each(|(_, value)| *value = "a".repeat(43));
    stray(&trial.browser.step(Method::POST, BACK, Some(&forged)).await);
    forged.retain(|(name, _)| name != "state");
    stray(&trial.browser.step(Method::POST, BACK, Some(&forged)).await);

    // The cookie of the trial is worth nothing in another login.
    let kept = trial.browser.cookie("localhost:8080", "signet_trial").unwrap();
    let mut other = operator(&world, "other", Role::Administrator, &[]).await;
    other.plant("localhost:8080", "signet_trial", &kept);
    let answer = HtmlForm::find(&page.body).unwrap().fields;
    stray(&other.step(Method::POST, BACK, Some(&answer)).await);

    // What it says cannot be changed.
    let mut changed = trial.browser.clone();
    changed.plant("localhost:8080", "signet_trial", &format!("{}A{}", &kept[..1], &kept[2..]));
    stray(&changed.step(Method::POST, BACK, Some(&answer)).await);

    passed(&trial.arrive(&page).await, "the right one", 20);
    stray(&trial.arrive(&page).await);
    // Even with the cookie kept the code is spent.
    trial.browser.plant("localhost:8080", "signet_trial", &kept);
    has(&trial.arrive(&page).await, &["It ended with a refusal: invalid_grant"]);

    let page = trial.answer("code", &[("scope", "openid")]).await;
    world.advance(3601);
    stray(&trial.arrive(&page).await);
}

#[tokio::test]
async fn attack_18_what_is_not_ticked_is_not_tried() {
    let world = World::new().await;
    let application = world
        .application("notes", |application| {
            application.settings.redirect_uris.push(RedirectUri::parse(BACK).unwrap());
        })
        .await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    let mut trial = Trial::of(&world, &application).await;
    let page = trial.page().await;
    assert!(!page.body.contains("value=\"password\"") && !page.body.contains("value=\"id_token\""));
    for mode in ["id_token", "code id_token token", "password", "client_credentials", "none", "", "evil"] {
        let page = trial
            .begin(&[("mode", mode), ("username", "alice"), ("password", PASSWORD), ("secret_key", KEY)])
            .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{mode}");
        has(&page, &["This mode is not ticked"]);
        assert!(!page.body.contains(PASSWORD) && !page.body.contains(KEY));
    }
    world
        .update_application(application.id, |application| {
            application.settings.grant_types.push(GrantType::ClientCredentials);
        })
        .await;
    let key = [("mode", "client_credentials"), ("access_key", machine.id.as_str()), ("secret_key", KEY)];
    let page = trial.begin(&[&key[..], &[("scope", "book:read")]].concat()).await;
    has(&page, &["There is no account with this AccessKey in this application"]);
    let page = trial.begin(&[("mode", "code"), ("scope", &"a".repeat(801))]).await;
    has(&page, &["at most 800 bytes"]);
    world
        .update_application(application.id, |application| {
            application.settings.token_endpoint_auth_method = AuthMethod::None;
        })
        .await;
    has(&trial.begin(&[("mode", "plain")]).await, &["This mode is not ticked"]);
    world.update_application(application.id, |application| application.enabled = false).await;
    has(&trial.begin(&[("mode", "code")]).await, &["The application is disabled"]);
}

#[tokio::test]
async fn attack_01_the_callback_link_is_registered_like_any_other() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut trial = Trial::of(&world, &application).await;
    let refused = trial.begin(&[("mode", "code"), ("scope", "openid")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    has(&refused, &["Add the callback link above first"]);
    assert!(!refused.body.contains("id=\"start\""));
    let links = async || {
        let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
        stored.settings.redirect_uris.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let before = links().await;
    let review = trial.browser.submit(&refused, &[], "add-link").await;
    has(&review, &["Review the change", BACK]);
    assert_eq!(links().await, before, "nothing is saved before it is confirmed");
    let page = trial.browser.submit(&review, &[], "confirm").await;
    has(&page, &["id=\"start\"", "id=\"remove-link\"", "Saved."]);
    assert_eq!(links().await, [&before[..], &[BACK.to_owned()]].concat());
    let review = trial.browser.submit(&page, &[], "remove-link").await;
    trial.browser.submit(&review, &[], "confirm").await;
    assert_eq!(links().await, before);
}

#[tokio::test]
async fn an_answer_from_another_site_is_posted_once_more_by_this_host() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    let mut trial = Trial::of(&world, &application).await;
    let page = trial.answer("code", &[("scope", "openid"), ("place", "own")]).await;
    let answer = [("evil".to_owned(), "<script>".to_owned())];
    let answer = [&HtmlForm::find(&page.body).unwrap().fields[..], &answer].concat();
    // The browser keeps its strict cookies back.
    let mut without = world.browser();
    let hop = without.step(Method::POST, BACK, Some(&answer)).await;
    let form = HtmlForm::find(&hop.body).unwrap();
    assert_eq!(form.action, "/console/try/callback");
    assert!(!hop.body.contains("evil") && hop.set_cookies().is_empty());
    let policy = hop.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'nonce-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let again = without.step(Method::POST, BACK, Some(&form.fields)).await;
    assert_eq!(again.location(), "/console/sign-in?to=%2Fconsole", "nobody is signed in: no loop");
    passed(&trial.browser.step(Method::POST, BACK, Some(&form.fields)).await, "after the hop", 20);
    let get = trial.browser.step(Method::GET, BACK, None).await;
    assert_eq!(get.location(), "/console/applications");
    let own =
        without.step(Method::POST, "http://notes.localhost:8080/console/try/callback", Some(&answer)).await;
    assert_eq!(own.status, StatusCode::NOT_FOUND, "the console is at the pool's address alone");
}

#[tokio::test]
async fn attack_19_whose_role_was_taken_meanwhile_gets_no_tokens() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    let other = world.application("other", |_| {}).await;
    operator(&world, "first", Role::Owner, &[]).await;
    let browser = operator(&world, "manager", Role::ApplicationManager, &[&application]).await;
    let home = format!("{BASE}/console/applications/{}", application.id);
    let mut trial = Trial { browser, home };
    let page = trial.answer("code", &[("scope", "openid")]).await;
    let signet = world.signet();
    let mut me = signet
        .store()
        .administrators()
        .await
        .unwrap()
        .into_iter()
        .find(|one| one.role == Role::ApplicationManager)
        .unwrap();
    me.applications = [other.id].into();
    assert!(
        signet.store().change_role(&signet_store::RoleChange::Change(me), world.clock_now()).await.unwrap()
    );
    let refused = trial.arrive(&page).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert!(!refused.body.contains("access_token"));
}

#[tokio::test]
async fn a_signature_or_a_nonce_that_is_not_right_is_named() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let application = world.application("notes", everything).await;
    let mut trial = Trial::of(&world, &application).await;
    let page = trial.answer("id_token", &[("scope", "openid")]).await;
    let mut answer = HtmlForm::find(&page.body).unwrap().fields;
    let forger = SigningKey::generate(KeyAlg::Rs256).unwrap().0;
    let forged = client::signed_by(
        &forger,
        &json!({"iss": "http://evil.example/oidc", "aud": "another", "sub": "x", "nonce": "n", "exp": 1, "iat": 4_000_000_000_i64}),
    );
    for (name, value) in &mut answer {
        match name.as_str() {
            "id_token" => forged.clone_into(value),
            "iss" => "http://notes.localhost:8080/oidc".clone_into(value),
            _ => {}
        }
    }
    let kept = trial.browser.cookie("localhost:8080", "signet_trial").unwrap();
    let told = trial.browser.step(Method::POST, BACK, Some(&answer)).await;
    // The first that is wrong ends it: the answer is another issuer's.
    has(&told, &["Checks that failed: 1", "check-bad", "expected <code>http://localhost:8080/oidc</code>"]);
    trial.browser.plant("localhost:8080", "signet_trial", &kept);
    answer
        .iter_mut()
        .filter(|(name, _)| name == "iss")
        .for_each(|(_, value)| format!("{BASE}/oidc").clone_into(value));
    let told = trial.browser.step(Method::POST, BACK, Some(&answer)).await;
    // Signature, issuer, audience, exp, iat and nonce.
    has(&told, &["Checks that failed: 6", "The signature is that of the key"]);
}

#[tokio::test]
async fn the_pages_are_complete_in_chinese() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let machine = Machine::new(&world, "library", everything).await;
    let mut trial = Trial::of(&world, &machine.rp.application).await;
    let page = trial.page().await;
    let form =
        [("csrf", csrf(&page).as_str()), ("lang", "zh-CN"), ("to", "/console")].map(|pair| owned(&pair));
    trial.browser.step(Method::POST, "/console/language", Some(&form)).await;
    has(&trial.page().await, &["体验登录", "通过浏览器", "通过密码", "以编程访问账号", "本页的回调链接"]);
    let told = trial.run("refresh_token", &[("scope", "openid")]).await;
    has(&told, &["一切正常", "用授权码换取令牌", "签名出自公钥集中", "这些令牌有效", "分钟后"]);
    assert!(!told.body.contains("The signature"));
    let home = trial.browser.open(&trial.home.clone()).await;
    has(&home, &["id=\"experience\"", "/try\""]);
}
