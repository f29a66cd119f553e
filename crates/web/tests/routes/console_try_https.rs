//! A login that is tried at the console of a server that speaks https: every address that is shown and gone to is https.

use http::{Method, StatusCode};
use signet_protocol::{
    application::{GrantType, ResponseType},
    operator::Role,
    redirect_uri::RedirectUri,
};
use signet_testkit::forms::HtmlForm;

use crate::{
    console::{csrf, operator},
    support::{BASE, World},
};

const BACK: &str = "https://localhost:8080/console/try/callback";

#[tokio::test]
async fn a_login_is_tried_over_https_at_both_issuers() {
    let world = World::at("https://localhost:8080").await;
    world.user("alice", |_| {}).await;
    let application = world
        .application("notes", |application| {
            let settings = &mut application.settings;
            settings.sso = true;
            settings.grant_types = GrantType::ALL.to_vec();
            settings.response_types = ResponseType::ALL.to_vec();
            settings.redirect_uris.push(RedirectUri::parse(BACK).unwrap());
        })
        .await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = format!("{BASE}/console/applications/{}/try", application.id);
    for place in ["pool", "own"] {
        for mode in ["code", "id_token token", "code id_token token", "refresh_token"] {
            let offer = browser.open(&page).await;
            assert!(offer.body.contains(BACK), "{}", offer.body);
            let token = csrf(&offer);
            let form =
                [("csrf", token.as_str()), ("mode", mode), ("place", place), ("scope", "openid profile")];
            let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let begun = browser.step(Method::POST, &page, Some(&form)).await;
            assert_eq!(begun.status, StatusCode::SEE_OTHER, "{mode}: {}", begun.body);
            let shown = browser.open(begun.location()).await;
            let host = if place == "own" { "notes.localhost:8080" } else { "localhost:8080" };
            let begins = format!("https://{host}/oidc/auth?");
            let at = shown.body.find(&format!("href=\"{begins}")).unwrap_or_else(|| panic!("{}", shown.body));
            let link = shown.body[at + 6..].split('"').next().unwrap().replace("&#38;", "&");
            let mut answer = browser.open(&link).await;
            if answer.body.contains("id=\"sign-in\"") {
                answer = browser.sign_in(&answer, "alice").await;
            }
            if answer.body.contains("id=\"allow\"") {
                answer = browser.submit(&answer, &[], "allow").await;
            }
            let form = HtmlForm::find(&answer.body).unwrap_or_else(|| panic!("{mode}: {}", answer.body));
            assert_eq!(form.action, BACK);
            let told = browser.step(Method::POST, BACK, Some(&form.fields)).await;
            assert_eq!(told.status, StatusCode::OK, "{mode} at {place}: {}", told.body);
            assert!(told.body.contains("Everything is as it should be"), "{mode} at {place}: {}", told.body);
            assert!(
                !told.body.contains("http://"),
                "{mode} at {place} names an address without TLS: {}",
                told.body
            );
        }
    }
}
