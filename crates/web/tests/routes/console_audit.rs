//! The audit log at the console, and that what is done at the console is in it.

use std::{collections::BTreeSet, sync::Arc};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_protocol::operator::Role;
use signet_store::audit::{Act, Action, Entry, Filter, Kind, Origin, Record, Select};
use signet_web::manage::{apply, audit, description::Description, setup};

use crate::{
    browser::Browser,
    console::{csrf, operator},
    rp::Rp,
    support::{Answer, BASE, PASSWORD, World, on_both_engines},
};

on_both_engines!(
    what_is_done_at_the_console_is_in_the_log_with_the_act,
    the_log_is_found_page_by_page_and_downloaded_as_a_whole,
);

/// Records of what administrators did, oldest first.
async fn records(world: &World) -> Vec<Record> {
    let store = world.signet().store().clone();
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    store.seal_audit().await.unwrap();
    let page = Select { limit: 1000, forward: true, ..Select::default() };
    let filter = Filter { kind: Some(Kind::Admin), ..Filter::default() };
    store.audit(&filter, &page).await.unwrap().records
}

/// POST of a form of the console, with the token of `page`.
async fn post(browser: &mut Browser, page: &Answer, path: &str, form: &[(&str, &str)]) -> Answer {
    let token = csrf(page);
    let fields = [("csrf", token.as_str())].into_iter().chain(form.iter().copied());
    let fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    browser.step(Method::POST, &format!("{BASE}{path}"), Some(&fields)).await
}

async fn what_is_done_at_the_console_is_in_the_log_with_the_act(world: Arc<World>) {
    let link =
        setup::offer(&world.signet(), &Origin::command_line()).await.unwrap().unwrap().url().to_owned();
    let mut browser = world.browser();
    browser.peer = Some("192.0.2.7".parse().unwrap());
    let page = browser.open(&link).await;
    let form = [("username", "root"), ("email", ""), ("password", PASSWORD), ("again", PASSWORD)];
    browser.submit(&page, &form, "set-up").await;
    let application = world.application("notes", |_| {}).await;
    let alice = world.user("alice", |_| {}).await;
    let page = browser.open(&format!("{BASE}/console/settings/administrators")).await;
    let path = "/console/settings/administrators";
    let give = [("act", "give"), ("who", "alice"), ("role", "auditor"), ("reason", "she asked")];
    let answer = post(&mut browser, &page, path, &give).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let (id, app) = (alice.id.to_string(), application.id.to_string());
    let change =
        [("act", "change"), ("user", &*id), ("role", "application_manager"), ("applications", &*app)];
    post(&mut browser, &page, path, &change).await;
    let stale = [("act", "take"), ("user", &*id), ("version", "1")];
    let refused = post(&mut browser, &page, path, &stale).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "nothing is done and nothing written down");
    post(&mut browser, &page, path, &[("act", "take"), ("user", &id)]).await;
    world.advance(16 * 60);
    let secret = format!("/console/applications/{}/secret", application.id);
    post(&mut browser, &page, &secret, &[("confirm_password", PASSWORD)]).await;
    let page = browser.open(&format!("{BASE}/console/applications")).await;
    post(&mut browser, &page, "/console/sign-out", &[]).await;
    let mut other = world.browser();
    let page = other.open(&format!("{BASE}/console/sign-in")).await;
    assert_eq!(other.sign_in(&page, "alice").await.status, StatusCode::FORBIDDEN);

    let all = records(&world).await;
    let told: Vec<_> = all
        .iter()
        .filter(|record| record.via == "console")
        .map(|record| (record.action.as_str(), record.actor_name.as_deref().unwrap(), record.success))
        .collect();
    assert_eq!(
        told,
        [
            ("create", "root", true),
            ("assign_role", "root", true),
            ("console_login", "root", true),
            ("assign_role", "root", true),
            ("assign_role", "root", true),
            ("assign_role", "root", true),
            ("console_login", "root", true),
            ("show_secret", "root", true),
            ("console_logout", "root", true),
            ("console_login", "alice", false),
        ]
    );
    let roles: Vec<Value> = all
        .iter()
        .filter(|record| record.action == "assign_role")
        .map(|record| Value::Object(record.details()))
        .collect();
    assert_eq!(roles[0]["role"], json!({ "old": null, "new": "owner" }));
    assert_eq!(roles[1]["role"], json!({ "old": null, "new": "auditor" }));
    assert_eq!(roles[1]["reason"], "she asked");
    assert_eq!(roles[2]["role"], json!({ "old": "auditor", "new": "application_manager" }));
    assert_eq!(roles[2]["applications"], json!({ "old": [], "new": [app] }));
    assert_eq!(roles[3]["role"], json!({ "old": "application_manager", "new": null }));
    let shown = all.iter().find(|record| record.action == "show_secret").unwrap();
    assert_eq!((shown.app_id.as_deref(), shown.ip.as_deref()), (Some(&*app), Some("192.0.2.7")));
    let again: Vec<_> = all
        .iter()
        .filter(|record| record.action == "console_login" && record.success)
        .map(|record| record.details()["again"].clone())
        .collect();
    assert_eq!(again, [json!(false), json!(true)]);
    assert!(all.iter().all(|record| !record.detail.contains(PASSWORD)), "attack 25");
}

/// A page of the log.
async fn log(browser: &mut Browser, query: &str) -> Answer {
    browser.open(&format!("{BASE}/console/audit?{query}")).await
}

async fn the_log_is_found_page_by_page_and_downloaded_as_a_whole(world: Arc<World>) {
    let signet = world.signet();
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    browser.peer = Some("192.0.2.7".parse().unwrap());
    let file = |number: usize| {
        format!(
            "[[applications]]\nid = \"65f000000000000000000001\"\nname = \"=Name {number}\"\nidentifier = \"notes\"\nredirect_uris = [\"https://rp.example/cb\"]\n"
        )
    };
    for number in 0..60 {
        let description = Description::parse(&file(number)).unwrap();
        let origin = signet_store::audit::Origin::command_line();
        apply::apply(&signet, &description, &origin).await.unwrap();
    }
    let rp = Rp::new(&world, "other", |_| {}).await;
    world.user("alice", |_| {}).await;
    rp.code("alice", &[]).await;
    let page = log(&mut browser, "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains(">alice</bdi> signed in") && page.body.contains("Sample other"),
        "{}",
        page.body
    );
    let page = log(&mut browser, "kind=admin").await;
    assert_eq!(page.body.matches("<li><details>").count(), 50, "{}", page.body);
    assert!(
        page.body.contains("<td class=\"lines\">=Name 58</td><td class=\"lines\">=Name 59</td>"),
        "{}",
        page.body
    );
    let older = page.body.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let older = older.replace("&#38;", "&").replace("&amp;", "&");
    let page = browser.open(&format!("{BASE}{older}")).await;
    let rest = page.body.matches("<li><details>").count();
    assert!((10..=15).contains(&rest), "{rest}: {}", page.body);
    assert!(!page.body.contains("rel=\"next\"") && page.body.contains(">First</a>"), "{}", page.body);
    let newer = page.body.split("rel=\"prev\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let newer = newer.replace("&#38;", "&").replace("&amp;", "&");
    let page = browser.open(&format!("{BASE}{newer}")).await;
    assert_eq!(page.body.matches("<li><details>").count(), 50, "{}", page.body);
    assert!(page.body.contains("rel=\"next\""), "and from there on again: {}", page.body);
    for (query, count) in [
        ("kind=admin&action=update", 50),
        ("kind=admin&action=create&actor=command_line", 1),
        ("kind=admin&target=notes&action=create", 1),
        ("kind=admin&actor=owner&action=console_login", 1),
        ("kind=admin&ip=203.0.113.9", 0),
        ("kind=admin&success=false", 0),
        ("kind=admin&to=2001-01-01", 0),
        ("kind=user&application=other&success=true&action=login", 1),
        ("kind=admin&after=%27%20OR%201%3D1&action=create&actor=command_line", 1),
    ] {
        let page = log(&mut browser, query).await;
        assert_eq!(page.body.matches("<li><details>").count(), count, "{query}: {}", page.body);
    }
    let wrong = log(&mut browser, "from=yesterday").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("A date is written"), "{}", wrong.body);

    let export = format!("{BASE}/console/audit/export?kind=admin&actor=command_line&format=");
    let csv = browser.open(&format!("{export}csv")).await;
    assert!(csv.header("content-disposition").unwrap().starts_with("attachment; filename=\"signet-audit-"));
    assert!(csv.body.starts_with(audit::CSV_HEAD), "{}", csv.body);
    assert_eq!(csv.body.lines().count(), 61, "a head and every record");
    assert!(!csv.body.contains(",=Name"), "attack 3: no cell is a formula");
    let lines = browser.open(&format!("{export}jsonl")).await;
    let seqs: Vec<i64> = lines
        .body
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs.len(), 60);
    assert!(seqs.is_sorted() && seqs.iter().collect::<BTreeSet<_>>().len() == 60, "oldest first, each once");
    assert_eq!(browser.open(&format!("{export}exe")).await.status, StatusCode::NOT_FOUND);
    let page = log(&mut browser, "kind=admin&action=export").await;
    assert_eq!(page.body.matches("<li><details>").count(), 2, "who takes the log is in it");
    assert!(page.body.contains("192.0.2.7"), "{}", page.body);
}

#[tokio::test]
async fn the_chain_is_shown_and_verified_against_a_line_that_was_kept() {
    let world = World::new().await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let page = log(&mut browser, "kind=admin").await;
    let head = page.body.split("<code id=\"head\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(head.len(), 2 + 64, "{head}");
    let verify = |text: &str| format!("{BASE}/console/audit/verify?expected={text}");
    let page = browser.open(&verify(&head)).await;
    assert!(page.body.contains("The log is whole"), "{}", page.body);
    let last = if head.ends_with('0') { "1" } else { "0" };
    let other = format!("{}{last}", &head[..head.len() - 1]);
    let page = browser.open(&verify(&other)).await;
    assert!(page.body.contains("Record 1 is not the one whose hash was kept"), "{}", page.body);
    let page = browser.open(&verify("nonsense")).await;
    assert!(page.body.contains("NUMBER:HASH"), "{}", page.body);
}

#[tokio::test]
async fn attack_19_the_log_is_for_who_may_read_it() {
    let world = World::new().await;
    let own = world.application("own", |_| {}).await;
    operator(&world, "owner", Role::Owner, &[]).await;
    let mut auditor = operator(&world, "auditor", Role::Auditor, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&own]).await;
    for path in ["audit", "audit/verify", "audit/export?format=csv"] {
        let url = format!("{BASE}/console/{path}");
        assert_eq!(auditor.open(&url).await.status, StatusCode::OK, "{path}");
        assert_eq!(manager.open(&url).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_page_of_large_records_is_not_large_and_none_is_left_out() {
    let world = World::new().await;
    let signet = world.signet();
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    for number in 0..30 {
        let uris: Vec<String> = (0..60)
            .map(|uri| format!("\"https://rp.example/{}/{number}/{uri}\"", "long".repeat(8)))
            .collect();
        let text = format!(
            "[[applications]]\nid = \"65f000000000000000000001\"\nname = \"Notes\"\nidentifier = \"notes\"\nredirect_uris = [{}]\n",
            uris.join(", ")
        );
        let description = Description::parse(&text).unwrap();
        let origin = signet_store::audit::Origin::command_line();
        apply::apply(&signet, &description, &origin).await.unwrap();
    }
    let (mut next, mut seen) = (format!("{BASE}/console/audit?kind=admin&actor=command_line"), 0);
    for _ in 0..20 {
        let page = browser.open(&next).await;
        assert!(page.body.len() < 150 * 1024, "{} bytes", page.body.len());
        seen += page.body.matches("<li><details>").count();
        let Some(older) = page.body.split("rel=\"next\" href=\"").nth(1) else { break };
        let older = older.split('"').next().unwrap();
        next = format!("{BASE}{}", older.replace("&#38;", "&").replace("&amp;", "&"));
    }
    assert_eq!(seen, 30);
}

#[tokio::test]
async fn old_records_go_by_themselves_once_a_day_and_the_log_is_right_without_them() {
    let world = World::new().await;
    let signet = world.signet();
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    world.application("notes", |_| {}).await;
    let note = async || {
        let entry = Entry::of_admin(Action::Import, Origin::command_line());
        signet.store().write_audit(&Act::new(world.clock_now(), entry)).await.unwrap();
    };
    for _ in 0..40 {
        note().await;
    }
    world.advance(30 * 86_400);
    for _ in 0..3 {
        note().await;
    }
    let before = signet.store().verify_audit(None).await.unwrap();
    assert_eq!(audit::retain(&signet, 30).await.unwrap(), 0, "not before they are a day older still");
    world.advance(86_400 + 1);
    let gone = audit::retain(&signet, 30).await.unwrap();
    assert_eq!(gone, before.records - 3);
    assert_eq!(audit::retain(&signet, 30).await.unwrap(), 0);
    let verified = signet.store().verify_audit(None).await.unwrap();
    assert_eq!((verified.broken, verified.records), (None, 4), "three and the one that says so");
    // Filters, downloads and the chain go on without them, and a cursor of a record that is gone is a place still.
    let mut owner = operator(&world, "second", Role::Owner, &[]).await;
    let page = log(&mut owner, "kind=admin&action=import").await;
    assert_eq!(page.body.matches("<li><details>").count(), 3, "{}", page.body);
    let page = log(&mut owner, "kind=admin&action=prune").await;
    assert!(page.body.contains("Signet") && page.body.contains("older_than_days"), "{}", page.body);
    let file = owner.open(&format!("{BASE}/console/audit/export?kind=admin&format=jsonl")).await;
    let first: Value = serde_json::from_str(file.body.lines().next().unwrap()).unwrap();
    assert_eq!(first["seq"].as_u64(), Some(gone + 1), "the oldest that is left");
    let page = owner.open(&format!("{BASE}/console/audit/verify")).await;
    assert!(page.body.contains("The log is whole") && page.body.contains(&gone.to_string()), "{}", page.body);
    let old = browser.open(&format!("{BASE}/console/audit")).await;
    assert!(old.body.contains("Sign in to the console"), "that login has ended");
}

#[tokio::test]
async fn attack_19_a_link_that_makes_an_owner_is_written_down_without_its_secret() {
    let world = World::new().await;
    let signet = world.signet();
    let link = setup::offer(&signet, &Origin::automatic()).await.unwrap().unwrap();
    setup::offer(&signet, &Origin::command_line()).await.unwrap().unwrap();
    let records = async || {
        signet.store().seal_audit().await.unwrap();
        let filter = Filter { action: Some(Action::MakeLink), ..Filter::default() };
        signet.store().audit(&filter, &Select::default()).await.unwrap().records
    };
    let made = records().await;
    let by: Vec<&str> = made.iter().map(|record| record.via.as_str()).collect();
    assert_eq!(by, ["command_line", "automatic"]);
    assert!(made.iter().all(|one| one.target_kind.as_deref() == Some("setup")), "{made:?}");
    let secret = link.url().split("link=").nth(1).unwrap();
    assert!(!format!("{made:?}").contains(secret), "a link is never in it");
    operator(&world, "owner", Role::Owner, &[]).await;
    assert!(setup::offer(&signet, &Origin::command_line()).await.unwrap().is_none());
    assert_eq!(records().await.len(), 2, "where no link is made, none is told of");
}
