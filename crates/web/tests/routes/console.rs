//! The console: the first run, signing in, and what stands before every page.

use std::{collections::BTreeSet, sync::Arc};

use http::{Method, StatusCode};
use signet_protocol::{
    application::Application,
    operator::{Administrator, Permission, Role},
    time::Timestamp,
    user::User,
};
use signet_store::{RoleChange, audit::Origin};
use signet_web::{console::ROWS, manage::setup};

use crate::{
    rp::Rp,
    support::{Answer, BASE, Browser, PASSWORD, SECRET, World, on_both_engines},
};

on_both_engines!(
    a_link_makes_one_owner_and_is_dead_then,
    attack_6_of_two_who_use_a_link_at_once_one_owns_the_pool,
    a_pool_never_loses_its_last_owner,
);

const SETUP: &[(&str, &str)] =
    &[("username", "root"), ("email", "root@example.com"), ("password", PASSWORD), ("again", PASSWORD)];

async fn link(world: &World) -> String {
    setup::offer(&world.signet(), &Origin::command_line()).await.unwrap().unwrap().url().to_owned()
}

/// Gives a user a role.
async fn appoint(world: &World, user: &User, role: Role, applications: &[&Application]) {
    let administrator = Administrator {
        user: user.id,
        role,
        applications: applications.iter().map(|app| app.id).collect::<BTreeSet<_>>(),
        created_at: Timestamp(0),
        version: 1,
    };
    let signet = world.signet();
    assert!(signet.store().change_role(&RoleChange::Give(administrator), world.clock_now()).await.unwrap());
}

/// A browser in which somebody of this role is signed in to the console. The first to come has to be an owner.
pub async fn operator(world: &Arc<World>, name: &str, role: Role, applications: &[&Application]) -> Browser {
    let user = world.user(name, |_| {}).await;
    appoint(world, &user, role, applications).await;
    let mut browser = world.browser();
    let page = sign_in(&mut browser, name).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    browser
}

async fn sign_in(browser: &mut Browser, name: &str) -> Answer {
    let page = browser.open(&format!("{BASE}/console/sign-in")).await;
    browser.sign_in(&page, name).await
}

/// The token in the forms of a page.
pub fn csrf(page: &Answer) -> String {
    page.form().fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1
}

async fn a_link_makes_one_owner_and_is_dead_then(world: Arc<World>) {
    let link = link(&world).await;
    let mut browser = world.browser();
    let page = browser.open(&link).await;
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    for (change, told) in [
        (("username", "a@b"), "1 to 128 characters"),
        (("email", "nowhere"), "An address such as"),
        (("password", "short"), "At least 8 characters"),
        (("again", "something else"), "not the same"),
    ] {
        let form: Vec<_> =
            SETUP.iter().copied().filter(|(name, _)| *name != change.0).chain([change]).collect();
        let again = browser.submit(&page, &form, "set-up").await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
        assert!(again.body.contains(told) && again.body.contains("aria-invalid"), "{told}: {}", again.body);
    }
    let page = browser.submit(&page, SETUP, "set-up").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("No application yet"), "{}", page.body);
    assert_eq!(world.browser().open(&link).await.status, StatusCode::NOT_FOUND);
    assert!(
        setup::offer(&world.signet(), &Origin::command_line()).await.unwrap().is_none(),
        "an owner needs no link"
    );
    let owners = world.signet().store().administrators().await.unwrap();
    assert_eq!(owners.iter().map(|one| one.role).collect::<Vec<_>>(), [Role::Owner]);
}

async fn attack_6_of_two_who_use_a_link_at_once_one_owns_the_pool(world: Arc<World>) {
    let link = link(&world).await;
    let mut racers = Vec::new();
    for name in ["one", "two", "three"] {
        let mut browser = world.browser();
        let page = browser.open(&link).await;
        racers.push(tokio::spawn(async move {
            let form: Vec<_> = SETUP
                .iter()
                .copied()
                .filter(|(key, _)| !["username", "email"].contains(key))
                .chain([("username", name)])
                .collect();
            browser.submit(&page, &form, "set-up").await.status
        }));
    }
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(won, 1);
    assert_eq!(world.signet().store().administrators().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_when_there_is_another() {
    let world = World::new().await;
    let (first, second) = (link(&world).await, link(&world).await);
    assert_eq!(world.browser().open(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.browser().open(&second).await.status, StatusCode::OK);
    world.advance(24 * 3600);
    assert_eq!(world.browser().open(&second).await.status, StatusCode::NOT_FOUND);
    for forged in ["", "a", &"a".repeat(43), &"a".repeat(500)] {
        let answer = world.browser().open(&format!("{BASE}/console/setup?link={forged}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_form_of_a_link_belongs_to_the_browser_it_was_shown_to() {
    let world = World::new().await;
    let link = link(&world).await;
    let page = world.browser().open(&link).await;
    let mut other = world.browser();
    other.open(&link).await;
    assert_eq!(other.submit(&page, SETUP, "set-up").await.status, StatusCode::FORBIDDEN);
    assert!(!world.signet().store().has_owner().await.unwrap());
}

async fn a_pool_never_loses_its_last_owner(world: Arc<World>) {
    let (one, other) = (world.user("one", |_| {}).await, world.user("other", |_| {}).await);
    appoint(&world, &one, Role::Owner, &[]).await;
    appoint(&world, &other, Role::Owner, &[]).await;
    let signet = world.signet();
    let now = world.clock_now();
    let mut racers = Vec::new();
    for owner in signet.store().administrators().await.unwrap() {
        let signet = signet.clone();
        racers.push(tokio::spawn(async move {
            signet.store().change_role(&RoleChange::Take(owner), now).await.unwrap()
        }));
    }
    let mut taken = 0;
    for racer in racers {
        taken += usize::from(racer.await.unwrap());
    }
    assert_eq!(taken, 1, "each owner was another's last");
    let left = signet.store().administrators().await.unwrap().remove(0);
    let demoted = Administrator { role: Role::Auditor, ..left.clone() };
    assert!(!signet.store().change_role(&RoleChange::Change(demoted), now).await.unwrap());
    let stale = Administrator { version: 7, ..left };
    assert!(!signet.store().change_role(&RoleChange::Change(stale), now).await.unwrap());
}

#[tokio::test]
async fn only_who_has_a_role_signs_in_and_every_time_anew() {
    let world = World::new().await;
    let owner = world.user("owner", |_| {}).await;
    appoint(&world, &owner, Role::Owner, &[]).await;
    let alice = world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "owner", &[]).await;
    let page = browser.open(&format!("{BASE}/console")).await;
    assert!(page.body.contains("Sign in to the console"), "a login to an application is none here");
    let refused = sign_in(&mut browser, "alice").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("you have no role"), "{}", refused.body);
    let wrong = browser.submit(&refused, &[("username", "owner"), ("password", "wrong")], "sign-in").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let page = browser.open(&format!("{BASE}/console/sign-in?to=/console/applications?q=x")).await;
    browser.sign_in(&page, "owner").await;
    assert!(browser.address.ends_with("/console/applications?q=x"), "{}", browser.address);
    appoint(&world, &alice, Role::Auditor, &[]).await;
    world.update_user(owner.id, |user| user.blocked = true).await;
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    assert!(page.body.contains("Sign in to the console"), "a blocked owner is out at once");
}

#[tokio::test]
async fn attack_12_a_login_has_a_new_cookie_that_is_strict_and_ends_with_it() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let cookie = browser.cookie("localhost:8080", "signet_console").unwrap();
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    let out =
        browser.step(Method::POST, "/console/sign-out", Some(&[("csrf".to_owned(), csrf(&page))])).await;
    assert_eq!(out.location(), "/console/sign-in");
    browser.plant("localhost:8080", "signet_console", &cookie);
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    assert!(page.body.contains("Sign in to the console"), "the old cookie is good for nothing");
    let page = browser.open(&format!("{BASE}/console/sign-in")).await;
    let form = page.form().fill(&[("username", "owner"), ("password", PASSWORD)], "sign-in");
    let answer = browser.step(Method::POST, "/console/sign-in", Some(&form)).await;
    let set: Vec<&str> = answer.set_cookies();
    let set = set.iter().find(|cookie| cookie.starts_with("signet_console=")).unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    assert_ne!(browser.cookie("localhost:8080", "signet_console").unwrap(), cookie);
    world.advance(12 * 3600);
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    assert!(page.body.contains("Sign in to the console"), "after twelve hours");
}

/// A user there is not.
const NOBODY: &str = "0123456789abcdef01234567";

/// The address of a row, for one application.
fn address(path: &str, application: &Application) -> String {
    let filled = path
        .replace("{app}", &application.id.to_string())
        .replace("{account}", "64f0c0ffee00000000000001")
        .replace("{user}", NOBODY)
        .replace("{pool}", NOBODY);
    assert!(!filled.contains('{'), "say here what stands for the parts of {path}");
    format!("{BASE}{filled}")
}

#[tokio::test]
async fn attack_19_no_row_is_open_and_each_role_gets_what_its_permission_says() {
    let world = World::new().await;
    let (own, other) = (world.application("own", |_| {}).await, world.application("other", |_| {}).await);
    let mut people = Vec::new();
    for (name, role) in [
        ("owner", Role::Owner),
        ("administrator", Role::Administrator),
        ("auditor", Role::Auditor),
        ("manager", Role::ApplicationManager),
    ] {
        let applications: &[&Application] = if name == "manager" { &[&own] } else { &[] };
        people.push((role, operator(&world, name, role, applications).await));
    }
    for row in ROWS {
        let method = if row.posts { Method::POST } else { Method::GET };
        let body = row.posts.then(Vec::new);
        for application in [&own, &other] {
            let url = address(row.path, application);
            let mut nobody = world.browser();
            let answer = nobody.step(method.clone(), &url, body.as_deref()).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{url}");
            assert!(answer.location().starts_with("/console/sign-in?to="), "{url}: {}", answer.location());
            for (role, browser) in &people {
                let mut browser = browser.clone();
                let answer = browser.step(method.clone(), &url, body.as_deref()).await;
                let named = row.path.contains("{app}").then_some(application.id);
                let applications = BTreeSet::from([own.id]);
                let me = Administrator {
                    user: signet_protocol::id::UserId::from_bytes([0; 12]),
                    role: *role,
                    applications,
                    created_at: Timestamp(0),
                    version: 1,
                };
                let allowed = me.may(row.permission, named);
                // A form without its token is refused to who may send it, too, with the same status and other words.
                let refused = answer.body.contains("Your role does not allow this");
                assert_eq!(refused, !allowed, "{role:?} {method} {url}: {}", answer.status);
                if row.posts {
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role:?} {url}");
                }
            }
        }
    }
    let writes = ROWS.iter().filter(|row| row.posts && row.permission.is_harmless());
    let writes: Vec<&str> = writes.map(|row| row.path).collect();
    assert_eq!(writes, ["/console/sign-out", "/console/language"], "a form that changes more must need more");
}

#[tokio::test]
async fn attack_19_a_form_needs_the_token_of_its_login_and_comes_from_this_host() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let mut other = operator(&world, "admin", Role::Administrator, &[]).await;
    let page = browser.open(&format!("{BASE}/console/applications/new")).await;
    let stranger = other.open(&format!("{BASE}/console/applications/new")).await;
    let form = |token: String| {
        [("csrf", token), ("name", "N".into()), ("identifier", "n".into()), ("type", "api".into())]
            .map(|(name, value)| (name.to_owned(), value))
    };
    for token in [String::new(), csrf(&stranger)] {
        let answer = browser.step(Method::POST, "/console/applications/new", Some(&form(token))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let encoded = form(csrf(&page));
    let pairs = encoded.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let cookie = browser.cookie("localhost:8080", "signet_console").unwrap();
    let request = crate::browser::request(Method::POST, &format!("{BASE}/console/applications/new"))
        .header("cookie", format!("signet_console={cookie}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://evil.localhost:8080")
        .body(axum::body::Body::from(signet_protocol::params::encode_pairs(pairs)))
        .unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::FORBIDDEN);
    assert!(world.signet().store().applications().await.unwrap().is_empty());
    let answer = browser.step(Method::POST, "/console/applications/new", Some(&form(csrf(&page)))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
}

#[tokio::test]
async fn the_console_is_at_the_pools_address_alone() {
    let world = World::new().await;
    world.application("notes", |_| {}).await;
    for path in ["/console", "/console/sign-in", "/console/setup", "/console/applications"] {
        let answer = world.get(&format!("http://notes.localhost:8080{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = world.get(&format!("{BASE}/console/applications/zz/danger")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "nobody learns what there is");
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let put = browser.step(Method::PUT, &format!("{BASE}/console/applications"), None).await;
    assert_eq!((put.status, put.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("GET")));
    for missing in
        ["/console/applications/zz", "/console/applications/0123456789abcdef01234567", "/console/nothing"]
    {
        assert_eq!(
            browser.open(&format!("{BASE}{missing}")).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn an_application_is_created_changed_after_a_review_and_never_over_somebody_elses_change() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/applications/new")).await;
    let token = csrf(&page);
    let new = |identifier: &'static str, callback: &'static str| {
        [("csrf", token.clone()), ("name", "Network Notes Project".to_owned()), ("type", "web".to_owned())]
            .into_iter()
            .chain([("identifier", identifier.to_owned()), ("redirect_uris", callback.to_owned())])
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Vec<_>>()
    };
    let bad =
        browser.step(Method::POST, "/console/applications/new", Some(&new("No Label", "ftp://x"))).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(bad.body.matches("note-bad").count(), 2, "{}", bad.body);
    assert!(bad.body.contains("Network Notes Project"), "nothing that was typed is lost");
    let good = new("notes", "https://rp.example/cb");
    let made = browser.step(Method::POST, "/console/applications/new", Some(&good)).await;
    let again = browser.step(Method::POST, "/console/applications/new", Some(&good)).await;
    assert_eq!(
        (made.status, again.status),
        (StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST),
        "{}",
        again.body
    );
    let home = made.location().split('?').next().unwrap().to_owned();
    let start = browser.open(&format!("{BASE}{home}")).await;
    assert!(start.body.contains("http://notes.localhost:8080/oidc/.well-known/jwks.json"));

    let protocol = format!("{home}/protocol");
    let seen = browser.open(&format!("{BASE}{protocol}")).await;
    let stored = world.signet().store().application_names().await.unwrap()[0].id;
    let version = world.signet().store().application(stored).await.unwrap().unwrap().version.to_string();
    let expiry = |seconds: &'static str, more: &[(&'static str, &'static str)]| {
        [("csrf", csrf(&seen)), ("card", "expiry".to_owned()), ("version", version.clone())]
            .into_iter()
            .chain(
                ["authorization_code_expire", "id_token_expire", "access_token_expire"]
                    .map(|key| (key, "600".to_owned())),
            )
            .chain([("refresh_token_expire", seconds.to_owned())])
            .chain(more.iter().map(|(name, value)| (*name, (*value).to_owned())))
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Vec<_>>()
    };
    let refused = browser.step(Method::POST, &protocol, Some(&expiry("soon", &[]))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("a whole number of seconds") && refused.body.contains("value=\"soon\""));
    let review = browser.step(Method::POST, &protocol, Some(&expiry("86400", &[]))).await;
    assert!(review.body.contains("refresh_token_expire: 2592000 → 86400"), "{}", review.body);
    let expires = async || {
        world.signet().store().application(stored).await.unwrap().unwrap().settings.refresh_token_expire.0
    };
    assert_eq!(expires().await, 2_592_000, "nothing is saved before it is confirmed");
    let confirmed = expiry("86400", &[("step", "confirm"), ("reason", "shorter")]);
    let saved = browser.step(Method::POST, &protocol, Some(&confirmed)).await;
    assert_eq!(saved.location(), format!("{protocol}?done=saved"));
    assert_eq!(expires().await, 86_400);
    let stale = expiry("60", &[("step", "confirm")]);
    let stale = browser.step(Method::POST, &protocol, Some(&stale)).await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST);
    assert!(stale.body.contains("Somebody else changed this"), "{}", stale.body);
    assert_eq!(expires().await, 86_400);
}

#[tokio::test]
async fn a_secret_is_shown_to_who_showed_a_password_a_moment_ago() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/applications/{}", application.id)).await;
    assert!(!page.body.contains(SECRET));
    let path = format!("/console/applications/{}/secret", application.id);
    let form = |page: &Answer, more: &[(&str, &str)]| {
        let token = ("csrf".to_owned(), csrf(page));
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        [token].into_iter().chain(more).collect::<Vec<_>>()
    };
    let shown = browser.step(Method::POST, &path, Some(&form(&page, &[]))).await;
    assert!(shown.body.contains(SECRET) && shown.header("cache-control") == Some("no-store"));
    world.advance(15 * 60);
    let asked = browser.step(Method::POST, &path, Some(&form(&page, &[]))).await;
    assert!(asked.body.contains("Is it still you?") && !asked.body.contains(SECRET), "{}", asked.body);
    let wrong = browser.step(Method::POST, &path, Some(&form(&page, &[("confirm_password", "wrong")]))).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(!wrong.body.contains(SECRET));
    let before = browser.cookie("localhost:8080", "signet_console").unwrap();
    let right =
        browser.step(Method::POST, &path, Some(&form(&page, &[("confirm_password", PASSWORD)]))).await;
    assert!(right.body.contains(SECRET), "{}", right.body);
    assert_ne!(
        browser.cookie("localhost:8080", "signet_console").unwrap(),
        before,
        "a new login, a new cookie"
    );
    assert!(!right.body.contains(PASSWORD));
}

#[tokio::test]
async fn attack_14_the_password_asked_for_again_is_counted_like_any_other() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/applications/{}", application.id)).await;
    world.advance(15 * 60);
    let path = format!("/console/applications/{}/secret", application.id);
    let form = [("csrf", csrf(&page)), ("confirm_password", "wrong".to_owned())]
        .map(|(name, value)| (name.to_owned(), value));
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(browser.step(Method::POST, &path, Some(&form)).await);
    }
    assert!(statuses.iter().any(|answer| answer.body.contains("Too many attempts")), "never throttled");
}

#[tokio::test]
async fn a_preset_is_reviewed_like_any_change_and_keeps_the_rules() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let home = format!("/console/applications/{}", application.id);
    for (preset, told) in [
        ("code", "[\"authorization_code\"]"),
        ("pkce", "token_endpoint_auth_method: \"client_secret_post\" → \"none\""),
        ("implicit", "RFC 9700 §2.1.2"),
        ("hybrid", "\"code id_token token\""),
        ("client_credentials", "[\"client_credentials\"]"),
        ("password", "RFC 9700 §2.4"),
        ("refresh", ""),
    ] {
        let page = browser.open(&format!("{BASE}{home}/protocol")).await;
        let form = [("csrf", csrf(&page)), ("preset", preset.to_owned())].map(|(n, v)| (n.to_owned(), v));
        let answer = browser.step(Method::POST, &format!("{home}/preset"), Some(&form)).await;
        if told.is_empty() {
            assert!(answer.location().ends_with("?done=nothing"), "{preset} is what there is");
        } else {
            let body = answer.body.replace("&#34;", "\"").replace("&quot;", "\"");
            assert!(body.contains(told), "{preset}: {body}");
            let confirm = browser.submit(&answer, &[], "confirm").await;
            assert_eq!(confirm.status, StatusCode::OK, "{preset}: {}", confirm.body);
            world.update_application(application.id, |app| app.settings = application.settings.clone()).await;
        }
    }
}

#[tokio::test]
async fn a_language_is_kept_and_a_form_of_it_leads_to_the_console_alone() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    let form = |to: &str| {
        [("csrf", csrf(&page)), ("lang", "zh-CN".to_owned()), ("to", to.to_owned())]
            .map(|(n, v)| (n.to_owned(), v))
    };
    let answer = browser.step(Method::POST, "/console/language", Some(&form("https://evil.example"))).await;
    assert_eq!(answer.location(), "/console");
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    assert!(page.body.contains("<html lang=\"zh-CN\">") && page.body.contains("创建应用"), "{}", page.body);
}

#[test]
fn every_permission_is_asked_by_some_row_or_waits_for_its_page() {
    let asked: BTreeSet<&str> = ROWS.iter().map(|row| row.permission.as_str()).collect();
    let unasked: Vec<&str> =
        Permission::ALL.iter().map(|one| one.as_str()).filter(|one| !asked.contains(one)).collect();
    assert_eq!(unasked, [] as [&str; 0]);
}
