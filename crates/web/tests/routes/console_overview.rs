//! The first page of the console: numbers, pictures, and what needs a look.

use http::{Method, StatusCode};
use signet_protocol::{
    application::{GrantType, ResponseType},
    operator::Role,
    redirect_uri::RedirectUri,
};

use crate::{
    console::{csrf, operator},
    rp::{OFFLINE, Rp},
    support::{BASE, World},
};

#[tokio::test]
async fn an_empty_pool_says_what_comes_next_and_each_role_comes_where_it_may() {
    let world = World::new().await;
    let own = world.application("own", |_| {}).await;
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&own]).await;
    let page = owner.open(&format!("{BASE}/console")).await;
    assert!(owner.address.ends_with("/console/overview"), "{}", owner.address);
    assert!(page.body.contains("Nothing yet in the last 30 days"), "{}", page.body);
    assert!(page.body.contains("no plain http callback"), "{}", page.body);
    let page = manager.open(&format!("{BASE}/console")).await;
    assert!(manager.address.ends_with("/console/applications"), "{}", manager.address);
    assert!(!page.body.contains("/console/overview"), "no link to what is not theirs");
    assert_eq!(manager.open(&format!("{BASE}/console/overview")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn numbers_are_pictures_with_tables_and_warnings_lead_to_where_they_are_mended() {
    let world = World::new().await;
    let rp = Rp::new(&world, "notes", |app| {
        let settings = &mut app.settings;
        app.name = "<b>Notes</b>".to_owned();
        settings.grant_types.extend([GrantType::Password, GrantType::Implicit]);
        settings.response_types.push(ResponseType::IdTokenToken);
        settings.redirect_uris.push(RedirectUri::parse("http://intranet.example/cb").unwrap());
    })
    .await;
    world.user("alice", |_| {}).await;
    rp.refresh(rp.tokens("alice", OFFLINE).await.refresh()).await;
    rp.post("/token", &[("grant_type", "password"), ("username", "alice"), ("password", "wrong")]).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/overview")).await;
    let body = &page.body;
    assert_eq!(page.status, StatusCode::OK);
    assert!(body.len() < 150 * 1024, "{} bytes", body.len());
    assert_eq!(body.matches("<svg class=\"chart\" viewBox").count(), 4, "{body}");
    assert_eq!(body.matches("<desc id=").count(), 4);
    for told in [
        "The last 30 days: 1 sign-ins, 1 failed.",
        "Signed in 1, Failed 1</title>",
        "authorization_code",
        "refresh_token",
        "&#60;b&#62;Notes",
        "Password mode in use: 1",
        "Callbacks over plain http: 1",
        "Tokens through the browser: 1",
        "1 failed",
    ] {
        assert!(body.contains(told), "{told}: {body}");
    }
    for tab in ["configuration", "protocol"] {
        assert!(body.contains(&format!("href=\"/console/applications/{}/{tab}\"", rp.id)), "{tab}");
    }
    assert!(!body.contains(" style=") && !body.contains("<style") && !body.contains("<b>Notes"));
    world.advance(86 * 86_400);
    let mut later = operator(&world, "later", Role::Auditor, &[]).await;
    let page = later.open(&format!("{BASE}/console/overview")).await;
    assert!(page.body.contains("/console/settings/keys") && page.body.contains("about to be replaced"));
    let page = browser.open(&format!("{BASE}/console/sign-in")).await;
    browser.sign_in(&page, "owner").await;
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    let form = [("csrf", csrf(&page)), ("lang", "zh-CN".to_owned())].map(|(n, v)| (n.to_owned(), v));
    browser.step(Method::POST, "/console/language", Some(&form)).await;
    let page = browser.open(&format!("{BASE}/console/overview")).await;
    assert!(
        page.body.contains("每日登录") && page.body.contains("启用密码模式的应用：1 个"),
        "{}",
        page.body
    );
}
