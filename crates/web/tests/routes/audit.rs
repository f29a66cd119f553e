//! What people and operators do is in the audit log, with the act; and what is counted of use.

use std::sync::Arc;

use http::Method;
use signet_protocol::{
    application::{GrantType, ResponseType},
    redirect_uri::RedirectUri,
};
use signet_store::audit::{Filter, Origin, Record, Select, Via};
use signet_web::manage::{
    apply, audit,
    description::Description,
    overview::{Warning, overview},
};

use crate::{
    machine::Machine,
    rp::{OFFLINE, Rp, Tokens},
    support::{PASSWORD, World, on_both_engines},
};

on_both_engines!(
    what_people_do_is_recorded,
    what_operators_do_is_recorded_with_old_and_new_values,
    attack_14_wrong_passwords_are_counted_in_few_records,
    use_is_counted_by_day_and_application,
);

/// Every record, oldest first, once what is counted in memory is written.
async fn records(world: &World) -> Vec<Record> {
    let store = world.signet().store().clone();
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    store.seal_audit().await.unwrap();
    let page = Select { limit: 1000, forward: true, ..Select::default() };
    store.audit(&Filter::default(), &page).await.unwrap().records
}

fn told(record: &Record) -> (&str, bool, Option<&str>, Option<&str>) {
    (&record.action, record.success, record.actor_name.as_deref(), record.app_name.as_deref())
}

async fn what_people_do_is_recorded(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", |app| app.settings.grant_types.push(GrantType::Password)).await;
    world.user("alice", |_| {}).await;
    let mut browser = world.browser();
    browser.peer = Some("192.0.2.7".parse().unwrap());
    let page = browser.open(&rp.url(OFFLINE)).await;
    let typed = [("username", "alice"), ("password", "Tr0ub4dor&3")];
    let page = browser.submit(&page, &typed, "sign-in").await;
    // Somebody types the password where the name belongs.
    let page = browser.submit(&page, &[("username", PASSWORD), ("password", PASSWORD)], "sign-in").await;
    let consent = browser.sign_in(&page, "alice").await;
    let callback = browser.submit(&consent, &[], "deny").await.callback();
    assert_eq!(callback.get("error"), Some("access_denied"));
    let consent = browser.open(&rp.url(OFFLINE)).await;
    let callback = browser.submit(&consent, &[], "allow").await.callback();
    let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
    browser.step(Method::GET, &format!("{}/session/end?id_token_hint={}", rp.issuer, tokens.id), None).await;
    let form = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    assert_eq!(rp.post("/token", &form).await.status, 200);
    let all = records(&world).await;
    let mut shown: Vec<_> = all.iter().map(told).collect();
    shown.sort_unstable();
    let (alice, notes) = (Some("alice"), Some("Sample notes"));
    let mut expected = vec![
        ("consent", false, alice, notes),
        ("consent", true, alice, notes),
        ("login", false, None, notes),
        ("login", false, alice, notes),
        ("login", true, alice, notes),
        ("login", true, alice, notes),
        ("logout", true, alice, notes),
    ];
    expected.sort_unstable();
    assert_eq!(shown, expected);
    let by_page = all.iter().find(|record| record.action == "consent").unwrap();
    assert_eq!((by_page.ip.as_deref(), by_page.via.as_str()), (Some("192.0.2.7"), "page"));
    assert!(by_page.request_id.is_some() && by_page.details()["scope"].as_str().unwrap().contains("openid"));
    let text = all.iter().map(|record| audit::as_json(record).to_string()).collect::<String>();
    for secret in [PASSWORD, "Tr0ub4dor&3", tokens.access.as_str(), tokens.refresh()] {
        assert!(!text.contains(secret), "{secret}");
    }
    let verified = audit::verify(&world.signet(), None).await.unwrap();
    assert_eq!((verified.broken, verified.records), (None, 7));
}

async fn what_operators_do_is_recorded_with_old_and_new_values(world: Arc<World>) {
    let signet = world.signet();
    let by = Origin { via: Via::Apply, ..Origin::command_line() }.because("a new callback");
    let run = async |text: &str| {
        apply::apply(&signet, &Description::parse(text).unwrap(), &by).await.unwrap();
    };
    let notes = |uri: &str| {
        format!(
            "[[applications]]\nidentifier = \"notes\"\nname = \"Notes\"\nredirect_uris = [\"{uri}\"]\nsecret = \"{}\"\n",
            "s3cret-of-notes-0123456789abcdef012"
        )
    };
    run(&notes("https://a.example/cb")).await;
    run(&notes("https://a.example/cb")).await;
    run(&notes("https://b.example/cb")).await;
    run("[[applications]]\nidentifier = \"notes\"\nenabled = false\n").await;
    run("[[users]]\nusername = \"alice\"\npassword = \"the password of alice\"\n").await;
    let all = records(&world).await;
    let shown: Vec<_> =
        all.iter().map(|one| (one.action.as_str(), one.target_kind.as_deref().unwrap())).collect();
    assert_eq!(
        shown,
        [
            ("create", "application"),
            ("update", "application"),
            ("disable", "application"),
            ("create", "user")
        ],
        "what changes nothing is no act"
    );
    let changed = all[1].details();
    assert_eq!(changed["redirect_uris"]["old"][0], "https://a.example/cb");
    assert_eq!(changed["redirect_uris"]["new"][0], "https://b.example/cb");
    assert_eq!(changed["reason"], "a new callback");
    assert_eq!((all[1].via.as_str(), all[1].actor_id.as_deref()), ("apply", Some("command_line")));
    assert_eq!(all[1].target_name.as_deref(), Some("notes"));
    assert!(all[1].target_id.is_some());
    assert_eq!(all[2].details()["enabled"], serde_json::json!({ "old": true, "new": false }));
    let text = all.iter().map(audit::as_csv).collect::<String>();
    for secret in ["s3cret-of-notes", "the password of alice", "$argon2"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let asked = audit::Asked {
        target: Some("notes".to_owned()),
        kind: Some("admin".to_owned()),
        ..Default::default()
    };
    let found = audit::list(&signet, &asked, &Select::default()).await.unwrap();
    assert_eq!(found.records.len(), 3);
    let wrong = audit::Asked { action: Some("logn".to_owned()), ..Default::default() };
    let refused = audit::list(&signet, &wrong, &Select::default()).await.unwrap_err().to_string();
    assert!(refused.contains("there is no action \"logn\"") && refused.contains("login"), "{refused}");
}

async fn attack_14_wrong_passwords_are_counted_in_few_records(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", |app| app.settings.grant_types.push(GrantType::Password)).await;
    world.user("alice", |_| {}).await;
    for number in 0..60 {
        let name = format!("nobody{}", number % 40);
        let form = [("grant_type", "password"), ("username", name.as_str()), ("password", "wrong")];
        assert_ne!(rp.post("/token", &form).await.status, 200);
    }
    world.signet().store().clone().close().await;
    let next = world.second_node().await;
    let all = records(&next).await;
    assert!(all.len() <= 70, "{} records", all.len());
    assert_eq!(all.iter().map(|record| record.times).sum::<i64>(), 60);
    assert!(
        all.iter().any(|record| record.details().contains_key("several")),
        "names beyond the twentieth are summed up"
    );
    assert!(all.iter().all(|record| record.actor_name.is_none() && !record.detail.contains("nobody")));
}

async fn use_is_counted_by_day_and_application(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", |app| {
        let settings = &mut app.settings;
        settings.grant_types.extend([GrantType::Password, GrantType::Implicit]);
        settings.response_types.push(ResponseType::IdTokenToken);
        settings.redirect_uris.push(RedirectUri::parse("http://intranet.example/cb").unwrap());
    })
    .await;
    for name in ["alice", "bob"] {
        world.user(name, |_| {}).await;
        let tokens = rp.tokens(name, OFFLINE).await;
        rp.refresh(tokens.refresh()).await;
    }
    let form = [("grant_type", "password"), ("username", "alice"), ("password", "wrong")];
    rp.post("/token", &form).await;
    let machine = Machine::with_books(&world).await;
    machine.token("book:read").await;
    let signet = world.signet();
    let seen = overview(&signet).await.unwrap();
    assert_eq!(seen.days.len(), 30);
    let today = seen.days.last().unwrap();
    assert_eq!((today.sign_ins, today.failures, today.active_users), (2, 1, 2));
    let tokens: Vec<_> = today.tokens.iter().map(|(grant, count)| (*grant, *count)).collect();
    assert_eq!(tokens, [("authorization_code", 2), ("client_credentials", 1), ("refresh_token", 2)]);
    assert!(seen.days[..29].iter().all(|day| day.sign_ins == 0 && day.tokens.is_empty()));
    let totals = &seen.totals;
    assert_eq!((totals.sign_ins, totals.failures, totals.tokens), (2, 1, 5));
    assert_eq!((totals.active_today, totals.active_week, totals.active_month), (2, 2, 2));
    assert_eq!((totals.applications, totals.users), (2, 2));
    let top: Vec<_> = seen.top.iter().map(|one| (one.name.as_str(), one.sign_ins, one.tokens)).collect();
    assert_eq!(top, [("Sample notes", 2, 4), ("Sample library", 0, 1)]);
    let kinds = |seen: &[Warning]| {
        seen.iter()
            .map(|warning| match warning {
                Warning::HttpCallbacks(of) => ("http", of.count),
                Warning::PasswordMode(of) => ("password", of.count),
                Warning::ImplicitMode(of) => ("implicit", of.count),
                Warning::OldSecrets(of) => ("secrets", of.count),
                Warning::KeyRotation { .. } => ("key", 1),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&seen.warnings), [("http", 1), ("password", 1), ("implicit", 1)]);
    world.advance(86 * 86_400);
    let later = overview(&signet).await.unwrap();
    assert!(later.days.iter().all(|day| day.sign_ins == 0), "that was long ago");
    assert_eq!((later.totals.active_today, later.totals.active_month), (0, 0));
    assert!(kinds(&later.warnings).contains(&("key", 1)), "{:?}", later.warnings);
    world.advance(366 * 86_400);
    let old = overview(&signet).await.unwrap();
    assert!(kinds(&old.warnings).contains(&("secrets", 2)), "{:?}", old.warnings);
}
