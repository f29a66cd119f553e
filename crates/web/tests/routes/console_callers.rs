//! Machine callers at the console: accounts, resources, rules, the tester; and what goes with an application.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_protocol::{id::AccountId, operator::Role, resource::Subject};
use signet_store::audit::{Action, Filter, Kind, Select};
use signet_testkit::forms::HtmlForm;

use crate::{
    console::{csrf, operator},
    machine::Machine,
    support::{Answer, BASE, Browser, PASSWORD, SECRET, World},
};

fn callers(machine: &Machine) -> String {
    format!("/console/applications/{}/callers", machine.rp.application.id)
}

async fn send(browser: &mut Browser, path: &str, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let token = ("csrf".to_owned(), csrf(page));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let form: Vec<_> = [token].into_iter().chain(more).collect();
    browser.step(Method::POST, path, Some(&form)).await
}

/// Sends a form, and confirms what is shown of it.
async fn saved(browser: &mut Browser, path: &str, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let review = send(browser, path, page, more).await;
    assert!(review.body.contains("id=\"confirm\""), "{}", review.body);
    browser.submit(&review, &[("reason", "because")], "confirm").await
}

/// The text of an element.
fn text_of(page: &Answer, id: &str) -> String {
    let rest =
        page.body.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("{id}: {}", page.body)).1;
    rest.split('<').next().unwrap().to_owned()
}

/// What the admin log says, newest first: action, target, detail.
async fn log(world: &World) -> Vec<(Action, String, Value)> {
    let store = world.signet().store().clone();
    store.seal_audit().await.unwrap();
    let filter = Filter { kind: Some(Kind::Admin), ..Filter::default() };
    let page = store.audit(&filter, &Select { after: None, limit: 50, ..Select::default() }).await.unwrap();
    page.records
        .into_iter()
        .map(|record| {
            let detail = Value::Object(record.details());
            (Action::parse(&record.action).unwrap(), record.target_id.unwrap_or_default(), detail)
        })
        .collect()
}

#[tokio::test]
async fn an_account_is_led_through_its_life_and_its_keys_are_shown_once() {
    let world = World::new().await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let home = callers(&machine);
    let page = browser.open(&format!("{BASE}{home}")).await;
    let path = format!("{home}/accounts");
    for (lifetime, told) in [("59", "60 to 2592000"), ("soon", "60 to 2592000")] {
        let bad = send(&mut browser, &path, &page, &[("token_lifetime", lifetime), ("remarks", "")]).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        assert!(bad.body.contains(told), "{}", bad.body);
    }
    let made =
        send(&mut browser, &path, &page, &[("token_lifetime", "900"), ("remarks", "Nightly job")]).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let (key, secret) = (text_of(&made, "access-key"), text_of(&made, "secret-key"));
    let id = AccountId::parse(&key).unwrap();
    let stored = async || world.signet().store().stored_account(id).await.unwrap();
    assert_eq!(stored().await.unwrap().secret.expose(), secret.as_bytes());
    let list = browser.open(&format!("{BASE}{home}")).await;
    assert!(list.body.contains("Nightly job") && list.body.contains(&key) && !list.body.contains(&secret));

    let path = format!("{home}/accounts/{key}");
    let one = browser.open(&format!("{BASE}{path}")).await;
    assert!(one.body.contains("Nightly job") && !one.body.contains(&secret), "{}", one.body);
    let typed = [("token_lifetime", "60"), ("remarks", "Hourly"), ("version", "1")];
    let review = send(&mut browser, &path, &one, &typed).await;
    assert!(review.body.contains("token_lifetime: 900 → 60"), "{}", review.body);
    assert_eq!(stored().await.unwrap().version, 1, "nothing is saved before it is confirmed");
    let edited = browser.submit(&review, &[("reason", "quicker")], "confirm").await;
    assert!(edited.body.contains("Saved.") && edited.body.contains("Hourly"), "{}", edited.body);
    let stale = send(&mut browser, &path, &one, &[("token_lifetime", "61"), ("version", "1")]).await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST);
    assert!(stale.body.contains("Somebody else changed this account"), "{}", stale.body);
    assert_eq!(
        send(&mut browser, &path, &one, &[("act", "disable"), ("step", "confirm")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(!stored().await.unwrap().enabled);
    assert_eq!(
        send(&mut browser, &path, &one, &[("act", "enable"), ("step", "confirm")]).await.status,
        StatusCode::SEE_OTHER
    );

    let refresh = format!("{path}/key");
    let bad = send(&mut browser, &refresh, &one, &[("overlap", "-5")]).await;
    assert!(bad.body.contains("The overlap must be"), "{}", bad.body);
    let again = send(&mut browser, &refresh, &one, &[("overlap", "3600")]).await;
    let second = text_of(&again, "secret-key");
    assert!(second != secret && again.body.contains("The secret before is valid until"), "{}", again.body);
    let now = stored().await.unwrap();
    assert_eq!(now.secret.expose(), second.as_bytes());
    assert_eq!(now.previous.unwrap().0.expose(), secret.as_bytes());

    let one = browser.open(&format!("{BASE}{path}")).await;
    assert!(one.body.contains("rules about it: 0"), "{}", one.body);
    let gone = send(&mut browser, &format!("{path}/delete"), &one, &[]).await;
    assert_eq!(gone.location(), format!("{home}?done=removed"));
    assert!(stored().await.is_none());
    assert_eq!(browser.open(&format!("{BASE}{path}")).await.status, StatusCode::NOT_FOUND);

    let log = log(&world).await;
    let about: Vec<Action> =
        log.iter().filter(|(_, target, _)| *target == key).map(|(action, ..)| *action).collect();
    assert_eq!(
        about,
        [
            Action::Delete,
            Action::RefreshSecret,
            Action::Enable,
            Action::Disable,
            Action::Update,
            Action::Create
        ]
    );
    let text = format!("{log:?}");
    assert!(!text.contains(&secret) && !text.contains(&second), "no secret is in the log");
    let (_, _, detail) = log.iter().find(|(action, ..)| *action == Action::Update).unwrap();
    assert_eq!(detail["token_lifetime"], json!({ "old": 900, "new": 60 }));
}

#[tokio::test]
async fn attack_19_an_account_is_reached_only_by_its_own_application_and_keys_need_a_password() {
    let world = World::new().await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    let other = Machine::new(&world, "other", |_| {}).await;
    let mut owner = operator(&world, "owner", Role::Owner, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&other.rp.application]).await;
    let mut auditor = operator(&world, "auditor", Role::Auditor, &[]).await;
    let home = callers(&other);
    let page = manager.open(&format!("{BASE}{home}")).await;
    let foreign = format!("{home}/accounts/{}", machine.id);
    assert_eq!(manager.open(&format!("{BASE}{foreign}")).await.status, StatusCode::NOT_FOUND);
    for (end, more) in [("", ("act", "disable")), ("/key", ("overlap", "0")), ("/delete", ("x", "y"))] {
        let answer = send(&mut manager, &format!("{foreign}{end}"), &page, &[more]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{end}");
    }
    let untouched = world.signet().store().stored_account(machine.account).await.unwrap().unwrap();
    assert_eq!((untouched.version, untouched.enabled), (1, true));
    let read = auditor.open(&format!("{BASE}{}", callers(&machine))).await;
    assert!(read.body.contains(&machine.id) && !read.body.contains("create-account"), "{}", read.body);
    for end in ["/resource", "/rule"] {
        assert_eq!(auditor.open(&format!("{BASE}{home}{end}")).await.status, StatusCode::FORBIDDEN);
    }
    let own = format!("{home}/accounts/{}", other.id);
    let page = owner.open(&format!("{BASE}{own}")).await;
    world.advance(15 * 60);
    for end in ["/key", "/delete"] {
        let asked = send(&mut owner, &format!("{own}{end}"), &page, &[("overlap", "0")]).await;
        assert!(asked.body.contains("Is it still you?"), "{}", asked.body);
    }
    let more = [("overlap", "0"), ("confirm_password", PASSWORD)];
    let shown = send(&mut owner, &format!("{own}/key"), &page, &more).await;
    assert_eq!(text_of(&shown, "secret-key").len(), 32);
}

#[tokio::test]
async fn resources_and_rules_are_made_changed_and_removed_after_a_review() {
    let world = World::new().await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    let alice = world.user("alice", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let home = callers(&machine);
    let page = browser.open(&format!("{BASE}{home}/resource")).await;
    let path = format!("{home}/resource");
    let book = [
        ("code", "book"),
        ("type", "API"),
        ("actions", "read: to look at one\r\nwrite\r\n"),
        ("name", "Book"),
        ("description", ""),
        ("api_identifier", "https://api.example.com/books"),
    ];
    let bad = send(&mut browser, &path, &page, &[("code", "a book"), ("type", "DATA")]).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert!(bad.body.contains("value=\"a book\""), "nothing that was typed is lost: {}", bad.body);
    let done = saved(&mut browser, &path, &page, &book).await;
    assert!(done.body.contains("Saved.") && done.body.contains("to look at one"), "{}", done.body);
    let shown = browser.open(&format!("{BASE}{path}?code=book")).await;
    assert!(shown.body.contains("read: to look at one\nwrite"), "{}", shown.body);
    let same = send(&mut browser, &path, &shown, &book).await;
    assert!(same.location().ends_with("?done=nothing"), "a form that was not touched changes nothing");

    let page = browser.open(&format!("{BASE}{home}/rule")).await;
    let path = format!("{home}/rule");
    let rule = |kind: &'static str, subject: &'static str, effect: &'static str, actions: &'static str| {
        [
            ("subject_kind", kind),
            ("subject", subject),
            ("effect", effect),
            ("resource", "application/book"),
            ("identifier", "*"),
            ("actions", actions),
        ]
    };
    let nobody = send(&mut browser, &path, &page, &rule("user", "nobody", "allow", "read")).await;
    assert!(nobody.body.contains("There is no user with this name or id."), "{}", nobody.body);
    let unknown = send(&mut browser, &path, &page, &rule("role", "staff", "allow", "fly")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(unknown.body.contains("fly"), "{}", unknown.body);
    let done = saved(&mut browser, &path, &page, &rule("user", "alice", "deny", "write")).await;
    assert!(done.body.contains("book:*:write") && done.body.contains("alice"), "{}", done.body);
    let restricted: Vec<_> = rule("role", "staff", "allow", "")
        .into_iter()
        .chain([("ip", "10.0.0.0/8"), ("time", "09:00 17:00 +01:00")])
        .collect();
    saved(&mut browser, &path, &page, &restricted).await;
    let stored = async || world.signet().store().stored_rules(machine.rp.application.id).await.unwrap();
    assert_eq!(stored().await.len(), 2);
    let list = browser.open(&format!("{BASE}{home}")).await;
    let links: Vec<&str> =
        list.body.split("/rule?rule=").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.len(), 2);
    for link in links {
        let one = browser.open(&format!("{BASE}{path}?rule={link}")).await;
        let about_user = one.body.contains(&alice.id.to_string());
        if about_user {
            let mut changed = rule("user", "alice", "deny", "read write").to_vec();
            changed.push(("rule", link));
            saved(&mut browser, &path, &one, &changed).await;
        } else {
            assert!(
                one.body.contains("10.0.0.0/8") && one.body.contains("09:00 17:00 +01:00"),
                "{}",
                one.body
            );
            saved(&mut browser, &path, &one, &[("rule", link), ("remove", "yes")]).await;
        }
        let again = send(&mut browser, &path, &one, &[("rule", link), ("remove", "yes")]).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND, "a rule that went is not found");
    }
    let left = stored().await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].subject, Subject::User(alice.id));
    let ruled = browser.open(&format!("{BASE}{home}/resource?code=book")).await;
    let refused = send(
        &mut browser,
        &format!("{home}/resource"),
        &ruled,
        &[("code", "book"), ("remove", "yes"), ("known", "yes")],
    )
    .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "a rule is about it");
}

fn answers(page: &Answer) -> Vec<(String, bool, bool)> {
    let table = page.body.split_once("id=\"answer\"").map(|(_, rest)| rest.split("</table>").next().unwrap());
    let rows = table.unwrap_or_else(|| panic!("{}", page.body)).split("<tr><td><code>").skip(1);
    rows.map(|row| {
        let item = row.split('<').next().unwrap().to_owned();
        (item, row.contains("tag-good"), row.contains("this rule"))
    })
    .collect()
}

#[tokio::test]
async fn the_tester_says_which_rule_decides() {
    let world: Arc<World> = World::new().await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    machine.resources(&[("book", &["read", "write"], None), ("film", &["read"], None)]).await;
    machine.rule(json!({ "resource": "book", "actions": "all" })).await;
    machine
        .rule(json!({ "effect": "deny", "resource": "book", "identifier": "7", "actions": ["write"] }))
        .await;
    machine
        .rule(json!({ "resource": "film", "actions": "all", "restrictions": { "ip": ["10.0.0.0/8"] } }))
        .await;
    world.user("alice", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let ask = |who: &str, scope: &str, ip: &str| {
        let query =
            signet_protocol::params::encode_pairs([("who", who), ("scope", scope), ("ip", ip)].into_iter());
        format!("{BASE}{}?{query}", callers(&machine))
    };
    let scope = "book:read book:7:write book:* film:read car openid a:b:c:d";
    let page = browser.open(&ask(&machine.id, scope, "")).await;
    let expected = [
        ("book:read", true, true),
        ("book:7:write", false, true),
        ("book:*", false, true),
        ("film:read", false, false),
        ("car", false, false),
        ("openid", false, false),
        ("a:b:c:d", false, false),
    ];
    let found = answers(&page);
    assert_eq!(found.len(), expected.len());
    for ((item, granted, by_rule), wanted) in found.iter().zip(expected) {
        assert_eq!(
            (item.as_str(), *granted, *by_rule || wanted.0 == "film:read"),
            (wanted.0, wanted.1, wanted.2 || wanted.0 == "film:read")
        );
    }
    for told in [
        "this rule would allow it",
        "there is no such resource or action",
        "which accounts never get",
        "neither a scope nor",
    ] {
        assert!(page.body.to_lowercase().contains(told), "{told}: {}", page.body);
    }
    let page = browser.open(&ask(&machine.id, "film:read", "10.1.2.3")).await;
    assert_eq!(answers(&page), [("film:read".to_owned(), true, true)]);
    let page = browser.open(&ask("alice", "openid book:read", "")).await;
    assert_eq!(answers(&page), [("openid".to_owned(), true, false), ("book:read".to_owned(), false, false)]);
    machine.change(|account| account.enabled = false).await;
    let page = browser.open(&ask(&machine.id, "book:read", "")).await;
    assert!(page.body.contains("This account is disabled"), "{}", page.body);
    for (who, scope, ip, told) in [
        ("nobody", "book", "", "There is no such account of this application, and no such user."),
        (machine.id.as_str(), "bo\"ok", "", "This is no scope"),
        (machine.id.as_str(), "book", "999", "This is no IP address"),
    ] {
        let page = browser.open(&ask(who, scope, ip)).await;
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    // Who may not look at users learns nothing of them here.
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&machine.rp.application]).await;
    let page = manager.open(&ask("alice", "openid", "")).await;
    assert!(page.body.contains("There is no such account of this application."), "{}", page.body);
}

#[tokio::test]
async fn a_page_has_fifty_rules_of_many() {
    let world = World::new().await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    machine.resources(&[("book", &["read"], None)]).await;
    for number in 0..60 {
        machine.rule(json!({ "subject": { "role": format!("r{number:02}") }, "resource": "book", "actions": "all" })).await;
    }
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let first = browser.open(&format!("{BASE}{}", callers(&machine))).await;
    let met = |body: &str| -> Vec<String> {
        let all = (0..60).map(|number| format!("<bdi>r{number:02}</bdi>"));
        all.filter(|role| body.contains(role.as_str())).collect()
    };
    assert_eq!(met(&first.body).len(), 50, "{}", first.body);
    let (_, rest) = first.body.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split(['"', '#']).next().unwrap();
    let second = browser.open(&format!("{BASE}{next}")).await;
    let mut all = [met(&first.body), met(&second.body)].concat();
    all.sort();
    all.dedup();
    assert_eq!((met(&second.body).len(), all.len()), (10, 60), "each is met once");
    assert!(second.body.contains("First page") && !second.body.contains("rel=\"next\""));
    for forged in ["rules=x", "rules=AAAA", "accounts=zz", "resources=%27%20OR%201", "from=99999999999"] {
        let page = browser.open(&format!("{BASE}{}?{forged}", callers(&machine))).await;
        assert_eq!((page.status, met(&page.body)), (StatusCode::OK, met(&first.body)), "{forged}");
    }
}

#[tokio::test]
async fn an_application_is_deleted_by_who_types_its_name_and_comes_back_from_the_history() {
    let world = World::new().await;
    let machine = Machine::new(&world, "library", |_| {}).await;
    machine.resources(&[("book", &["read"], None)]).await;
    machine.rule(json!({ "resource": "book", "actions": "all" })).await;
    let id = machine.rp.application.id;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let mut manager = operator(&world, "manager", Role::ApplicationManager, &[&machine.rp.application]).await;
    let home = format!("/console/applications/{id}");
    let page = browser.open(&format!("{BASE}{home}/danger")).await;
    for lost in [
        "its App Secret and its signing keys",
        "accounts: 1",
        "resources: 1",
        "rules: 1",
        "Type “library” to confirm",
    ] {
        assert!(page.body.contains(lost), "{lost}: {}", page.body);
    }
    let theirs = manager.open(&format!("{BASE}{home}/danger")).await;
    assert!(
        !theirs.body.contains("id=\"delete\"") && theirs.body.contains("id=\"disable\""),
        "{}",
        theirs.body
    );
    let path = format!("{home}/delete");
    let refused = send(&mut manager, &path, &theirs, &[("confirm", "library")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mistyped = send(&mut browser, &path, &page, &[("confirm", "librari")]).await;
    assert_eq!(mistyped.status, StatusCode::BAD_REQUEST);
    assert!(mistyped.body.contains("Nothing was deleted"), "{}", mistyped.body);
    let gone = send(&mut browser, &path, &page, &[("confirm", "library")]).await;
    assert_eq!(gone.location(), "/console/applications?done=removed");
    assert!(world.signet().store().application(id).await.unwrap().is_none());
    let history = browser.open(&format!("{BASE}/console/settings/history")).await;
    let review = browser.submit(&history, &[], "undo-1").await;
    assert!(review.body.contains("+ create application library"), "{}", review.body);
    browser.submit(&review, &[], "confirm").await;
    let back = world.signet().store().application(id).await.unwrap().unwrap();
    assert_eq!(back.secret.as_ref().map(|secret| secret.expose().to_vec()), Some(SECRET.as_bytes().to_vec()));
    assert_eq!(world.signet().store().stored_rules(id).await.unwrap().len(), 1);
    assert!(world.signet().store().stored_account(machine.account).await.unwrap().is_some());
}

#[tokio::test]
async fn another_app_secret_is_shown_once_and_every_showing_is_written_down() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let home = format!("/console/applications/{}", application.id);
    let page = browser.open(&format!("{BASE}{home}/danger")).await;
    let form = HtmlForm::with_button(&page.body, "refresh-secret").unwrap();
    assert_eq!(form.action, format!("{home}/secret/refresh"));
    let shown = send(&mut browser, &form.action, &page, &[]).await;
    let secret = text_of(&shown, "secret");
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    assert_eq!(stored.secret.as_ref().unwrap().expose(), secret.as_bytes());
    assert_ne!(secret, SECRET);
    send(&mut browser, &format!("{home}/secret"), &page, &[]).await;
    let log = log(&world).await;
    let done: Vec<Action> = log.iter().map(|(action, ..)| *action).take(2).collect();
    assert_eq!(done, [Action::ShowSecret, Action::RefreshSecret]);
    assert!(!format!("{log:?}").contains(&secret));
}

#[tokio::test]
async fn exceptions_of_access_name_users() {
    let world = World::new().await;
    let application = world.application("notes", |_| {}).await;
    let alice = world.user("alice", |_| {}).await;
    let mut browser = operator(&world, "owner", Role::Owner, &[]).await;
    let path = format!("/console/applications/{}/access", application.id);
    let page = browser.open(&format!("{BASE}{path}")).await;
    let add = |who: &'static str| {
        [("rule", "add"), ("rule_kind", "user"), ("rule_value", who), ("rule_effect", "deny")]
    };
    let nobody = send(&mut browser, &path, &page, &add("nobody")).await;
    assert!(nobody.body.contains("There is no user with this name or id."), "{}", nobody.body);
    let done = saved(&mut browser, &path, &page, &add("alice@example.com")).await;
    assert!(done.body.contains("<bdi>alice</bdi>"), "{}", done.body);
    let stored = world.signet().store().application(application.id).await.unwrap().unwrap();
    let rule = stored.settings.access_rules.first().unwrap();
    assert_eq!(rule.whom, signet_protocol::access::Whom::User(alice.id));
}
