//! Users at the console: lists, one user, files of many, and who is signed in where.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;
use signet_protocol::{
    id::UserId,
    operator::Role,
    user::{LoginName, User},
};
use signet_store::audit::{Filter, Record, Select};
use signet_web::upload::UPLOAD_BYTES;

use crate::{
    browser::request,
    console::{csrf, operator},
    rp::{OFFLINE, Rp},
    support::{Answer, BASE, Browser, PASSWORD, World, on_both_engines},
};

on_both_engines!(
    somebody_is_created_changed_after_a_review_blocked_and_deleted,
    who_is_signed_in_is_shown_and_signed_out,
    a_file_is_looked_through_and_then_taken_in,
);

const HOSTILE: &str = "<script>alert(1)</script>\"'&{{x}}";

async fn open(browser: &mut Browser, path: &str) -> Answer {
    browser.open(&format!("{BASE}{path}")).await
}

/// Sends a form to `path` with the token of `page`.
async fn send(browser: &mut Browser, page: &Answer, path: &str, more: &[(&str, &str)]) -> Answer {
    let token = csrf(page);
    let form: Vec<(String, String)> = [("csrf", token.as_str())]
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    browser.step(Method::POST, path, Some(&form)).await
}

async fn stored(world: &World, id: UserId) -> Option<User> {
    world.signet().store().person(id).await.unwrap().map(|listed| listed.user)
}

/// What the audit log has about a user, the newest first.
async fn records(world: &World, id: UserId) -> Vec<Record> {
    let signet = world.signet();
    signet.store().seal_audit().await.unwrap();
    let filter = Filter { target: Some(id.to_string()), ..Filter::default() };
    let page = Select { after: None, limit: 100, ..Select::default() };
    signet.store().audit(&filter, &page).await.unwrap().records
}

fn actions(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.action.as_str()).collect()
}

async fn somebody_is_created_changed_after_a_review_blocked_and_deleted(world: Arc<World>) {
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = open(&mut browser, "/console/users/new").await;
    let wrong = send(&mut browser, &page, "/console/users/new", &[("username", "a@b"), ("phone", "1")]).await;
    assert_eq!((wrong.status, wrong.body.matches("aria-invalid").count()), (StatusCode::BAD_REQUEST, 2));
    let taken = send(&mut browser, &page, "/console/users/new", &[("username", "owner")]).await;
    assert!(taken.body.contains("exists already"), "{}", taken.body);
    let typed = [("username", "alice"), ("email", "alice@example.com"), ("name", HOSTILE), ("phone", "")];
    let made = send(&mut browser, &page, "/console/users/new", &typed).await;
    let home =
        made.location().strip_suffix("?done=created").unwrap_or_else(|| panic!("{}", made.body)).to_owned();
    let id = UserId::parse(home.rsplit('/').next().unwrap()).unwrap();

    let page = open(&mut browser, &home).await;
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let change =
        [("card", "profile"), ("version", "1"), ("name", "Alice"), ("website", "javascript:alert(1)")];
    let refused = send(&mut browser, &page, &home, &change).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("value=\"javascript:alert(1)\""), "what was typed is kept");
    let change = [("card", "profile"), ("version", "1"), ("name", "Alice"), ("nickname", "Al")];
    let review = send(&mut browser, &page, &home, &change).await;
    assert!(review.body.contains("nickname") && review.body.contains("Review the change"), "{}", review.body);
    assert_eq!(stored(&world, id).await.unwrap().version, 1, "nothing is saved before it is confirmed");
    let saved = browser.submit(&review, &[("reason", "they said so")], "confirm").await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let user = stored(&world, id).await.unwrap();
    assert_eq!((user.details.profile.nickname.as_deref(), user.version), (Some("Al"), 2));
    // The other editor has the first version open.
    let stale = [("card", "address"), ("version", "1"), ("country", "中国"), ("step", "confirm")];
    let stale = send(&mut browser, &page, &home, &stale).await;
    assert!(stale.body.contains("Somebody else changed this"), "{}", stale.body);
    let fresh = [("card", "address"), ("version", "2"), ("country", "中国"), ("step", "confirm")];
    assert_eq!(send(&mut browser, &page, &home, &fresh).await.status, StatusCode::SEE_OTHER);
    let access =
        [("version", "3"), ("card", "access"), ("roles", "editor\r\n\r\nadmin"), ("step", "confirm")];
    send(&mut browser, &page, &format!("{home}/access"), &access).await;
    let user = stored(&world, id).await.unwrap();
    assert_eq!(user.details.roles, ["editor", "admin"]);
    assert_eq!(user.details.profile.address.unwrap().country.as_deref(), Some("中国"));

    let review = send(&mut browser, &page, &format!("{home}/block"), &[("act", "block")]).await;
    assert!(review.body.contains("blocked: false → true"), "{}", review.body);
    assert!(!stored(&world, id).await.unwrap().blocked, "nothing is saved before it is confirmed");
    let confirmed = [("act", "block"), ("step", "confirm")];
    let blocked = send(&mut browser, &page, &format!("{home}/block"), &confirmed).await;
    assert!(blocked.location().ends_with("/sign-in?done=saved"));
    assert!(stored(&world, id).await.unwrap().blocked);
    let link = send(&mut browser, &page, &format!("{home}/link"), &[]).await;
    assert_eq!(link.status, StatusCode::BAD_REQUEST, "no link for who is blocked");
    send(&mut browser, &page, &format!("{home}/block"), &[("act", "unblock"), ("step", "confirm")]).await;

    let code = open(&mut browser, &format!("{home}/code")).await;
    assert!(code.body.contains("[[users]]") && code.body.contains("country"), "{}", code.body);
    let ask = open(&mut browser, &format!("{home}/delete")).await;
    assert!(ask.body.contains("Delete Alice") && ask.body.contains("For thirty days"), "{}", ask.body);
    world.advance(15 * 60);
    let again = browser.submit(&ask, &[("reason", "left")], "delete").await;
    assert!(again.body.contains("Is it still you?") && stored(&world, id).await.is_some());
    let version = stored(&world, id).await.unwrap().version.to_string();
    let confirmed = [("version", version.as_str()), ("confirm_password", PASSWORD), ("reason", "left")];
    let gone = send(&mut browser, &ask, &format!("{home}/delete"), &confirmed).await;
    assert_eq!(gone.location(), "/console/users?done=removed", "{}", gone.body);
    assert!(stored(&world, id).await.is_none());
    assert_eq!(open(&mut browser, &home).await.status, StatusCode::NOT_FOUND);

    let told = records(&world, id).await;
    assert_eq!(
        actions(&told),
        ["delete", "enable", "disable", "update", "update", "update", "create"],
        "every act is written down"
    );
    assert!(told.iter().all(|one| one.actor_name.as_deref() == Some("owner") && one.via == "console"));
    assert_eq!(told[0].details()["reason"], json!("left"));
    assert_eq!(told[5].details()["nickname"], json!({"old": null, "new": "Al"}));
}

#[tokio::test]
async fn attack_13_an_email_that_changes_is_not_verified_by_the_box_of_the_old_one() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let user = world
        .user("alice", |user| {
            user.email = Some("old@example.com".into());
            user.details.email_verified = true;
        })
        .await;
    let path = format!("/console/users/{}/sign-in", user.id);
    let page = open(&mut browser, &path).await;
    let form = |email: &'static str| {
        [
            ("username", "alice"),
            ("email", email),
            ("email_verified", "on"),
            ("phone", ""),
            ("step", "confirm"),
        ]
    };
    let saved = send(&mut browser, &page, &path, &form("New@example.com")).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let now = stored(&world, user.id).await.unwrap();
    assert_eq!((now.email.as_deref(), now.details.email_verified), (Some("New@example.com"), false));
    send(&mut browser, &page, &path, &form("new@example.com")).await;
    assert!(stored(&world, user.id).await.unwrap().details.email_verified, "ticked of the one that is there");
}

#[tokio::test]
async fn attack_19_who_may_not_say_who_administers_becomes_nobody_who_does() {
    let world = World::new().await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut browser = operator(&world, "admin", Role::Administrator, &[]).await;
    let alice = world.user("alice", |_| {}).await;
    let owner =
        world.signet().store().user_by_login(&LoginName::Username("owner".into())).await.unwrap().unwrap();
    let page = open(&mut browser, "/console/users/new").await;
    let before = stored(&world, owner.id).await.unwrap();
    for (end, form) in [
        ("", &[("card", "profile"), ("name", "x"), ("step", "confirm")] as &[(&str, &str)]),
        ("/sign-in", &[("username", "owner"), ("email", "mine@example.com"), ("step", "confirm")]),
        ("/access", &[("card", "access"), ("roles", "x"), ("step", "confirm")]),
        ("/block", &[("act", "block")]),
        ("/password", &[("new_password", "correct horse battery staple")]),
        ("/link", &[("act", "make")]),
        ("/link", &[("act", "take")]),
        ("/delete", &[]),
    ] {
        let path = |id: UserId| format!("/console/users/{id}{end}");
        let refused = send(&mut browser, &page, &path(owner.id), form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{end}: {}", refused.body);
        let allowed = send(&mut browser, &page, &path(alice.id), form).await;
        assert_ne!(allowed.status, StatusCode::FORBIDDEN, "{end}: {}", allowed.body);
    }
    let now = stored(&world, owner.id).await.unwrap();
    assert_eq!((now.version, now.password), (before.version, before.password));
    let shown = open(&mut browser, &format!("/console/users/{}/sign-in", owner.id)).await;
    assert!(shown.body.contains("changed by an owner") && !shown.body.contains("set-password"));
    // Nor by a file.
    let file = "username,password\nowner,correct horse battery staple\nbob,\n";
    upload(&mut browser, &page, file, &[("format", "csv"), ("update", "on")]).await;
    let report = finished(&mut browser).await;
    assert!(report.body.contains("this user administers the pool"), "{}", report.body);
    browser.submit(&report, &[], "begin").await;
    finished(&mut browser).await;
    assert_eq!(stored(&world, owner.id).await.unwrap().version, before.version);
    assert!(
        world.signet().store().user_by_login(&LoginName::Username("bob".into())).await.unwrap().is_some()
    );
}

#[tokio::test]
async fn the_only_owner_stays() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let owner =
        world.signet().store().user_by_login(&LoginName::Username("owner".into())).await.unwrap().unwrap();
    let home = format!("/console/users/{}", owner.id);
    let page = open(&mut browser, &format!("{home}/delete")).await;
    for end in ["/delete", "/block"] {
        let refused = send(&mut browser, &page, &format!("{home}{end}"), &[("act", "block")]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{end}");
        assert!(refused.body.contains("the only owner of the pool"), "{end}: {}", refused.body);
    }
    let now = stored(&world, owner.id).await.unwrap();
    assert!(!now.blocked);
}

#[tokio::test]
async fn a_link_is_shown_once_and_sets_the_password() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let alice = world.user("alice", |user| user.password = None).await;
    let home = format!("/console/users/{}", alice.id);
    let page = open(&mut browser, &format!("{home}/sign-in")).await;
    let shown = browser.submit(&page, &[], "make-link").await;
    assert_eq!(shown.header("referrer-policy"), Some("no-referrer"));
    let url = shown.body.split("<code id=\"link\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut theirs = world.browser();
    let form = theirs.open(&url).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    let page = open(&mut browser, &format!("{home}/sign-in")).await;
    assert!(page.body.contains("good until") && !page.body.contains(&url));
    browser.submit(&page, &[], "take-link").await;
    assert_eq!(world.browser().open(&url).await.status, StatusCode::BAD_REQUEST);
    world.advance(15 * 60);
    let asked = browser.submit(&page, &[], "make-link").await;
    assert!(asked.body.contains("Is it still you?"), "{}", asked.body);

    let weak = send(
        &mut browser,
        &page,
        &format!("{home}/password"),
        &[("new_password", "short"), ("confirm_password", PASSWORD)],
    )
    .await;
    assert_eq!(weak.status, StatusCode::BAD_REQUEST, "{}", weak.body);
    assert!(weak.body.contains("8 to 1024"), "{}", weak.body);
    let set = [("new_password", "zebra piano lantern")];
    let page = open(&mut browser, &format!("{home}/sign-in")).await;
    let set = send(&mut browser, &page, &format!("{home}/password"), &set).await;
    assert!(set.location().ends_with("?done=saved"), "{}", set.body);
    assert!(stored(&world, alice.id).await.unwrap().password.is_some());
    let told = records(&world, alice.id).await;
    assert_eq!(actions(&told), ["update", "make_link", "make_link"]);
    assert!(told.iter().all(|one| !one.detail.contains("zebra")));
}

async fn who_is_signed_in_is_shown_and_signed_out(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let other = world.application("other", |_| {}).await;
    let (alice, bob) = (world.user("alice", |_| {}).await, world.user("bob", |_| {}).await);
    let (mut at_work, mut at_home, mut bobs) = (world.browser(), world.browser(), world.browser());
    rp.login(&mut at_work, "alice", OFFLINE).await;
    rp.login(&mut at_home, "alice", &[]).await;
    rp.login(&mut bobs, "bob", &[]).await;
    let app = format!("/console/applications/{}/sessions", rp.application.id);
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&rp.application]).await;

    let page = open(&mut manager, &app).await;
    assert_eq!(page.body.matches("Force logout: ").count(), 3, "{}", page.body);
    assert!(!page.body.contains("/console/users/"), "a manager has no page of users");
    let strange = open(&mut manager, &format!("/console/applications/{}/sessions", other.id)).await;
    assert_eq!(strange.status, StatusCode::FORBIDDEN);
    assert_eq!(open(&mut manager, "/console/users").await.status, StatusCode::FORBIDDEN);

    let home = format!("/console/users/{}", alice.id);
    let sessions = open(&mut owner, &format!("{home}/sessions")).await;
    let ids: Vec<&str> = sessions
        .body
        .split("name=\"session\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    let one = [("session", ids[0])];
    let ended = send(&mut owner, &sessions, &format!("{home}/sessions"), &one).await;
    assert!(ended.location().ends_with("?done=removed"));
    let theirs =
        send(&mut owner, &sessions, &format!("/console/users/{}/sessions", bob.id), &[("session", ids[1])])
            .await;
    assert!(theirs.location().ends_with("?done=nothing"), "a session of somebody else is none of theirs");
    let grants = open(&mut owner, &format!("{home}/grants")).await;
    assert!(
        grants.body.contains("offline access") && grants.body.contains("name=\"application\""),
        "{}",
        grants.body
    );
    let application = rp.application.id.to_string();
    send(&mut owner, &grants, &format!("{home}/grants"), &[("application", &application)]).await;
    let grants = open(&mut owner, &format!("{home}/grants")).await;
    assert!(grants.body.contains("No application holds anything"), "{}", grants.body);
    assert!(grants.body.contains("They allowed no application anything"));
    send(&mut owner, &sessions, &format!("{home}/sessions"), &[("act", "all")]).await;
    assert!(open(&mut owner, &format!("{home}/sessions")).await.body.contains("signed in nowhere"));
    let told = records(&world, alice.id).await;
    assert_eq!(actions(&told), ["force_logout", "consent_withdrawn", "force_logout", "force_logout"]);

    let page = open(&mut manager, &app).await;
    assert_eq!(page.body.matches("Force logout: ").count(), 1, "{}", page.body);
    send(&mut manager, &page, &app, &[("act", "everybody")]).await;
    let page = open(&mut manager, &app).await;
    assert!(page.body.contains("Nobody is signed in"), "{}", page.body);
    assert_eq!(actions(&records(&world, bob.id).await), ["force_logout"]);
    let history = open(&mut owner, &format!("{home}/history?of=theirs")).await;
    assert!(history.body.contains("<code>login</code>"), "{}", history.body);
}

/// Sends a file as a browser does.
async fn upload(browser: &mut Browser, page: &Answer, file: &str, more: &[(&str, &str)]) -> Answer {
    let token = csrf(page);
    let mut body = String::new();
    for (name, value) in [("csrf", token.as_str())].iter().chain(more) {
        body += &format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!(
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.txt\"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n--B--\r\n"
    );
    let cookie = browser.cookie("localhost:8080", "signet_console").unwrap_or_default();
    let request = request(Method::POST, &format!("{BASE}/console/users/import"))
        .header("cookie", format!("signet_console={cookie}"))
        .header("content-type", "multipart/form-data; boundary=B")
        .body(Body::from(body))
        .unwrap();
    browser.world.send(request).await
}

/// The page of an import when it has come to its end.
async fn finished(browser: &mut Browser) -> Answer {
    for _ in 0..2000 {
        let page = open(browser, "/console/users/import").await;
        assert_eq!(page.status, StatusCode::OK);
        if page.header("refresh").is_none() {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("an import does not end")
}

async fn a_file_is_looked_through_and_then_taken_in(world: Arc<World>) {
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = open(&mut browser, "/console/users/import").await;
    let people: String = (0..1200).map(|number| format!("p{number},p{number}@example.com\n")).collect();
    let file = format!("username,email\n{people}<b>@,x\nowner,\n");
    for (more, told) in [(&[] as &[(&str, &str)], "cannot be told"), (&[("format", "csv")], "")] {
        let answer = upload(&mut browser, &page, &file, more).await;
        assert!(answer.body.contains(told), "{}", answer.body);
    }
    let report = finished(&mut browser).await;
    assert!(report.body.contains("people.txt was checked"), "{}", report.body);
    assert!(report.body.contains("<b>1200</b>") && report.body.contains("the user owner exists already"));
    assert!(!report.body.contains("<b>@"), "{}", report.body);
    let by_name = async |name: &str| {
        world.signet().store().user_by_login(&LoginName::Username(name.to_owned())).await.unwrap()
    };
    assert!(by_name("p7").await.is_none(), "nothing is written yet");
    let begun = browser.submit(&report, &[], "begin").await;
    assert_eq!(begun.status, StatusCode::OK);
    let done = finished(&mut browser).await;
    assert!(done.body.contains("was imported") && done.body.contains("left out"), "{}", done.body);
    assert!(by_name("p7").await.is_some() && by_name("p1199").await.is_some());
    let gone = send(&mut browser, &done, "/console/users/import/job", &[("act", "begin")]).await;
    assert_eq!(gone.status, StatusCode::BAD_REQUEST, "a file is taken in once");
    let clear = browser.submit(&done, &[], "away").await;
    assert!(!clear.body.contains("id=\"job\""));

    let download = open(&mut browser, "/console/users/export?format=csv").await;
    assert_eq!(download.header("content-disposition"), Some("attachment; filename=\"users.csv\""));
    assert_eq!(download.body.lines().count(), 1 + 1201);
    assert!(!download.body.contains("argon2"));
    let lines = open(&mut browser, "/console/users/export?format=jsonl").await;
    assert!(lines.body.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let signet = world.signet();
    signet.store().seal_audit().await.unwrap();
    let all = signet.store().audit(&Filter::default(), &Select::default()).await;
    let all = all.unwrap().records;
    let of = |action: &str| all.iter().filter(|record| record.action == action).count();
    assert_eq!((of("import"), of("export")), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_says_where_a_file_is_and_how_far() {
    let world = World::on_postgres().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = open(&mut browser, "/console/users/import").await;
    let people: String = (0..700).map(|number| format!("p{number},p{number}@example.com\n")).collect();
    let file = format!("username,email\n{people}");
    upload(&mut browser, &page, &file, &[("format", "csv")]).await;
    let here = finished(&mut browser).await;
    assert!(here.body.contains("id=\"job\"") && !here.body.contains("elsewhere-1"), "{}", here.body);
    let second = world.second_node().await;
    let mut other = operator(&second, "second", Role::Owner, &[]).await;
    let mut seen = open(&mut other, "/console/users/import").await;
    for _ in 0..50 {
        if seen.body.contains("was checked") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        seen = open(&mut other, "/console/users/import").await;
    }
    assert!(
        seen.body.contains("people.txt was checked") && seen.body.contains("<b>700</b>"),
        "{}",
        seen.body
    );
    assert!(seen.body.contains("It lies in the memory of the node"), "{}", seen.body);
    assert!(!seen.body.contains("id=\"begin\""), "it cannot be started from here");
    for act in ["begin", "away"] {
        let refused = send(&mut other, &seen, "/console/users/import/job", &[("act", act)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{act}");
        assert!(refused.body.contains("in the memory of another node"), "{}", refused.body);
    }
    let here = open(&mut browser, "/console/users/import").await;
    assert!(here.body.contains("id=\"begin\""), "and is where it was");
    browser.submit(&here, &[], "away").await;
    for _ in 0..50 {
        seen = open(&mut other, "/console/users/import").await;
        if !seen.body.contains("elsewhere-1") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it is put away: {}", seen.body);
}

#[tokio::test]
async fn attack_21_a_file_is_bounded_and_read_of_nobody_who_may_not_send_one() {
    let world = World::new().await;
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let mut auditor = operator(&world, "auditor", Role::Auditor, &[]).await;
    let page = open(&mut owner, "/console/users/import").await;
    let large = "x".repeat(UPLOAD_BYTES);
    let answer = upload(&mut owner, &page, &large, &[("format", "csv")]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        upload(&mut auditor, &page, "username\na\n", &[("format", "csv")]).await.status,
        StatusCode::FORBIDDEN
    );
    let nobody = upload(&mut world.browser(), &page, "username\na\n", &[]).await;
    assert!(nobody.location().starts_with("/console/sign-in"), "{}", nobody.status);
    let strange = open(&mut auditor, "/console/users").await;
    let forged = upload(&mut owner, &strange, "username\na\n", &[("format", "csv")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "the token of another login");
    assert_eq!(
        upload(&mut owner, &page, "nonsense\na\n", &[("format", "csv")]).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_list_is_searched_filtered_and_turned_page_by_page() {
    let world = World::new().await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut browser = operator(&world, "auditor", Role::Auditor, &[]).await;
    let long = "长".repeat(66);
    for number in 0..120 {
        let name = if number == 7 { HOSTILE.to_owned() } else { format!("Person {number}") };
        world
            .user(&format!("person{number}"), |user| {
                user.details.profile.name = Some(if number == 8 { long.clone() } else { name });
                user.blocked = number % 60 == 0;
                user.details.groups = if number < 3 { vec!["first".into()] } else { Vec::new() };
            })
            .await;
    }
    let (mut path, mut seen) = ("/console/users".to_owned(), 0);
    loop {
        let page = open(&mut browser, &path).await;
        assert!(page.status == StatusCode::OK && page.body.len() < 150_000);
        assert!(!page.body.contains("<script>alert"));
        seen += page.body.matches("<a class=\"title\"").count();
        match page.body.split("rel=\"next\" href=\"").nth(1) {
            Some(rest) => path = rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"),
            None => break,
        }
    }
    assert_eq!(seen, 122);
    for (query, found) in [
        ("q=person11", 11),
        ("q=PERSON117", 1),
        ("state=blocked", 2),
        ("group=first", 3),
        ("group=first&state=active", 2),
        ("q=nobody-like-that", 0),
        ("q=%3Cscript%3E&role=%27", 0),
        ("after=%27%20OR%201=1", 50),
        ("after=AAAA", 50),
    ] {
        let page = open(&mut browser, &format!("/console/users?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.body.matches("<a class=\"title\"").count(), found, "{query}");
    }
    let page = open(&mut browser, "/console/users").await;
    assert!(!page.body.contains("/console/users/new"), "an auditor creates nobody");
}

#[tokio::test]
async fn extended_fields_have_the_types_the_pool_declares() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let alice = world.user("alice", |_| {}).await;
    let home = format!("/console/users/{}", alice.id);
    let page = open(&mut browser, &home).await;
    let json = |text: &'static str| [("card", "extended"), ("json", text), ("step", "confirm")];
    let bad = send(&mut browser, &page, &home, &json("[1]")).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(send(&mut browser, &page, &home, &json("{\"any\": [1]}")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(stored(&world, alice.id).await.unwrap().details.extended_fields["any"], json!([1]));

    let settings = open(&mut browser, "/console/settings/claims").await;
    for (name, kind) in [("level", "number"), ("vip", "boolean"), ("a-b_c", "text")] {
        let form = [("table", "extended_fields"), ("name", name), ("type", kind), ("step", "confirm")];
        let saved = send(&mut browser, &settings, "/console/settings/claims", &form).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{name}: {}", saved.body);
    }
    let form = |level: &'static str| {
        [("card", "extended"), ("x.level", level), ("x.vip", "true"), ("x.a-b_c", "1"), ("step", "confirm")]
    };
    let bad = send(&mut browser, &page, &home, &form("high")).await;
    assert!(bad.status == StatusCode::BAD_REQUEST && bad.body.contains("value=\"high\""), "{}", bad.body);
    let good = send(&mut browser, &page, &home, &form("3")).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER, "{}", good.body);
    let fields = stored(&world, alice.id).await.unwrap().details.extended_fields;
    assert_eq!(json!(fields), json!({"level": 3, "vip": true, "a-b_c": "1"}));
}
