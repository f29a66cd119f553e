//! Messages by the mail server of the pool: links for who has forgotten their password, and those that operators send.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use serde_json::json;
use signet_protocol::{
    operator::Role,
    user::{LoginName, User},
};
use signet_store::audit::{Action, Filter, Record, Select};
use signet_testkit::forms::HtmlForm;

use crate::{
    console::{csrf, operator},
    rp::Rp,
    scopes::apply,
    smtp::{Manners, Smtp},
    support::{Answer, BASE, Browser, PASSWORD, World, on_both_engines, request},
};

const NEW: &str = "quite another sentence";

async fn offered(world: &Arc<World>) -> (Rp, Smtp) {
    let smtp = Smtp::start(Manners::default()).await;
    apply(world, &format!("[pool]\nname = \"Network Notes\"\npassword_recovery = true\n{}", smtp.settings()))
        .await;
    world.user("alice", |user| user.phone = Some("+4915112345678".to_owned())).await;
    (Rp::new(world, "notes", |_| {}).await, smtp)
}

async fn alice(world: &World) -> User {
    let name = LoginName::parse("alice").unwrap();
    world.signet().store().user_by_login(&name).await.unwrap().unwrap()
}

/// Goes from the login page to the form, and asks for a link.
async fn ask(browser: &mut Browser, rp: &Rp, name: &str) -> Answer {
    let login = browser.open(&rp.url(&[])).await;
    let form = browser.open(&forgot(&login).expect("it is offered")).await;
    browser.submit(&form, &[("username", name)], "send-link").await
}

fn forgot(login: &Answer) -> Option<String> {
    let link = login.body.split("id=\"forgot\" href=\"").nth(1)?.split('"').next()?;
    Some(format!("{BASE}{}", link.replace("&amp;", "&")))
}

/// What the audit log has of an action.
async fn records(world: &World, action: Action) -> Vec<Record> {
    let signet = world.signet();
    signet.store().seal_audit().await.unwrap();
    let page = Select { limit: 100, ..Select::default() };
    let all = signet.store().audit(&Filter::default(), &page).await.unwrap().records;
    all.into_iter().filter(|record| record.action.as_str() == action.as_str()).collect()
}

/// The fields of the form of a card.
fn form_of(page: &Answer, card: &str) -> Vec<(String, String)> {
    HtmlForm::with_button(&page.body, &format!("save-{card}")).unwrap().fields
}

/// A page without what is of one transaction.
fn bare(answer: &Answer) -> String {
    let mut parts = answer.body.split("txn=");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c| c != '"'))
}

async fn a_forgotten_password_is_chosen_anew_by_a_link(world: Arc<World>) {
    let (rp, smtp) = offered(&world).await;
    let sent = ask(&mut world.browser(), &rp, "alice").await;
    assert_eq!(sent.status, StatusCode::OK);
    assert!(sent.body.contains("If there is an account of this name"), "{}", sent.body);
    let message = smtp.wait_for(1).await.remove(0);
    assert_eq!(message.to, "alice@example.com");
    assert_eq!(message.header("From"), "Network Notes <no-reply@example.com>");
    assert_eq!(message.header("Subject"), "Choose a new password for Network Notes");
    assert!(message.plain().contains("account alice."), "{}", message.plain());
    let mut browser = world.browser();
    let page = browser.open(&message.link()).await;
    let done = browser.submit(&page, &[("password", NEW), ("repeat", NEW)], "save").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert!(browser.open(&message.link()).await.status.is_client_error(), "once");
    let login = browser.open(&rp.url(&[])).await;
    let answer = browser.submit(&login, &[("username", "alice"), ("password", NEW)], "sign-in").await;
    assert!(answer.callback().get("code").is_some());
    let asked = records(&world, Action::RecoverPassword).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].actor_name.as_deref(), Some("alice"));
}

on_both_engines!(a_forgotten_password_is_chosen_anew_by_a_link);

#[tokio::test]
async fn it_is_there_only_where_it_is_allowed_and_can_be_sent() {
    let world = World::new().await;
    let (rp, smtp) = offered(&world).await;
    let mut browser = world.browser();
    let address = forgot(&browser.open(&rp.url(&[])).await).unwrap();
    for closed in
        ["[pool]\npassword_recovery = false", "[pool]\npassword_recovery = true\n[pool.mail]\nhost = \"\""]
    {
        apply(&world, closed).await;
        assert!(forgot(&browser.open(&rp.url(&[])).await).is_none(), "{closed}");
        assert_eq!(browser.open(&address).await.status, StatusCode::NOT_FOUND, "{closed}");
    }
    assert!(smtp.taken().is_empty());
}

#[tokio::test]
async fn attack_22_nothing_tells_whether_there_is_an_account() {
    let world = World::new().await;
    let (rp, smtp) = offered(&world).await;
    world.user("blocked", |user| user.blocked = true).await;
    world.user("mute", |user| user.email = None).await;
    world.user("odd", |user| user.email = Some("\"x\"<y>@example.com".to_owned())).await;
    operator(&world, "root", Role::Owner, &[]).await;
    let expected = ask(&mut world.browser(), &rp, "alice").await;
    for name in [
        "nobody",
        "nobody@example.com",
        "+8613800138000",
        "blocked",
        "mute",
        "odd",
        "root",
        "root@example.com",
    ] {
        let answer = ask(&mut world.browser(), &rp, name).await;
        assert_eq!((answer.status, bare(&answer)), (expected.status, bare(&expected)), "{name}");
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&answer), names(&expected), "{name}");
    }
    // The second of alice comes behind all of them in the queue.
    ask(&mut world.browser(), &rp, "alice@example.com").await;
    let taken = smtp.wait_for(2).await;
    let to: Vec<&str> = taken.iter().map(|message| message.to.as_str()).collect();
    assert_eq!(to, ["alice@example.com", "alice@example.com"], "who administers gets none either");
}

#[tokio::test]
async fn attack_22_waits_are_the_same_for_nobody() {
    let world = World::new().await;
    let (rp, _smtp) = offered(&world).await;
    let mut seen = Vec::new();
    for name in ["alice", "nobody"] {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(ask(&mut world.browser(), &rp, name).await.status.as_u16());
        }
        seen.push(statuses);
    }
    assert_eq!(seen, [[200, 200, 200, 429], [200, 200, 200, 429]]);
    world.advance(300);
    assert_eq!(ask(&mut world.browser(), &rp, "alice").await.status, StatusCode::OK);
    // Asking for links costs nobody their attempts to sign in.
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[])).await;
    let answer = browser.submit(&login, &[("username", "alice"), ("password", PASSWORD)], "sign-in").await;
    assert!(answer.callback().get("code").is_some());
}

#[tokio::test]
async fn one_network_is_slowed_whatever_the_names() {
    let world = World::new().await;
    let (rp, _smtp) = offered(&world).await;
    let mut statuses = Vec::new();
    for number in 0..21 {
        let mut browser = world.browser();
        browser.peer = Some(IpAddr::from([192, 0, 2, 1]));
        statuses.push(ask(&mut browser, &rp, &format!("user-{number}")).await.status.as_u16());
    }
    assert_eq!(statuses, [vec![200; 20], vec![429]].concat());
}

#[tokio::test]
async fn attack_11_the_link_leads_to_the_configured_address_whatever_host_was_asked() {
    let world = World::new().await;
    let (rp, smtp) = offered(&world).await;
    world.update_application(rp.application.id, |application| application.settings.sso = false).await;
    let home = rp.at_home();
    let mut browser = world.browser();
    let login = browser.open(&home.url(&[])).await;
    let path = forgot(&login).unwrap();
    let own = home.issuer.strip_suffix("/oidc").unwrap();
    let form = browser.open(&path.replace(BASE, own)).await;
    browser.submit(&form, &[("username", "alice")], "send-link").await;
    let link = smtp.wait_for(1).await.remove(0).link();
    assert!(link.starts_with(&format!("{BASE}/login/reset?link=")), "{link}");
    // A host that is none of ours has no such page at all.
    let strange = request(Method::GET, "http://evil.example/login/forgot").body(Default::default()).unwrap();
    assert_eq!(world.send(strange).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn attack_19_another_site_cannot_have_messages_sent() {
    let world = World::new().await;
    let (rp, smtp) = offered(&world).await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[])).await;
    let page = browser.open(&forgot(&login).unwrap()).await;
    let txn = page.form().fields.iter().find(|(name, _)| name == "txn").unwrap().1.clone();
    for form in [
        vec![("txn", txn.as_str()), ("username", "alice")],
        vec![("txn", txn.as_str()), ("csrf", "x"), ("username", "alice")],
        vec![("username", "alice")],
    ] {
        let answer = browser.post(&format!("{BASE}/login/forgot"), &form).await;
        assert!(answer.status.is_client_error(), "{}", answer.body);
    }
    let form = page.form().fill(&[("username", "alice")], "send-link");
    let fields: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(world.post(&format!("{BASE}/login/forgot"), &fields, None).await.status.is_client_error());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(smtp.taken().is_empty());
}

#[tokio::test]
async fn a_message_is_in_the_language_of_the_page() {
    let world = World::new().await;
    let (rp, smtp) = offered(&world).await;
    let mut browser = world.browser();
    let login = browser.open(&rp.url(&[("ui_locales", "zh")])).await;
    let form = browser.open(&forgot(&login).unwrap()).await;
    assert!(form.body.contains("忘记密码"), "{}", form.body);
    browser.submit(&form, &[("username", "alice")], "send-link").await;
    let message = smtp.wait_for(1).await.remove(0);
    assert_eq!(message.header("Subject"), "重设您在 Network Notes 的密码");
    assert!(message.plain().contains("有人在 Network Notes 的登录页请求"), "{}", message.plain());
}

#[tokio::test]
async fn attack_02_names_of_people_and_pools_add_no_header_to_a_message() {
    let world = World::new().await;
    let (rp, smtp) = offered(&world).await;
    apply(&world, "[pool]\nname = \"Notes: <x>, \\\"y\\\"; =?UTF-8?Q?z?=\"").await;
    world.update_user(alice(&world).await.id, |user| user.username = Some("a: b, <c>".to_owned())).await;
    ask(&mut world.browser(), &rp, "alice@example.com").await;
    let message = smtp.wait_for(1).await.remove(0);
    assert_eq!(message.header("From"), "Notes: <x>, \"y\"; =?UTF-8?Q?z?= <no-reply@example.com>");
    assert!(!message.text.contains("From: Notes"), "it is coded: {}", message.text);
    assert!(message.plain().contains("a: b, <c>"));
}

#[tokio::test]
async fn an_operator_sends_a_link_and_does_not_see_it() {
    let world = World::new().await;
    let (_, smtp) = offered(&world).await;
    let mut browser = operator(&world, "root", Role::Owner, &[]).await;
    let alice = alice(&world).await;
    world.update_user(alice.id, |user| user.details.profile.locale = Some("zh-CN".to_owned())).await;
    let address = format!("{BASE}/console/users/{}/sign-in", alice.id);
    let page = browser.open(&address).await;
    assert!(page.body.contains("id=\"send-link\""), "{}", page.body);
    let form = [("csrf", csrf(&page)), ("act", "send".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = browser.post(&format!("{BASE}/console/users/{}/link", alice.id), &form).await;
    assert!(answer.body.contains("A link was sent to alice@example.com."), "{}", answer.body);
    assert!(!answer.body.contains("/login/reset"), "{}", answer.body);
    let message = smtp.wait_for(1).await.remove(0);
    assert_eq!(message.header("Subject"), "设置您在 Network Notes 的密码");
    assert_eq!(world.get(&message.link()).await.status, StatusCode::OK);
    // Without a server there is no such button.
    apply(&world, "[pool.mail]\nhost = \"\"").await;
    assert!(!browser.open(&address).await.body.contains("id=\"send-link\""));
}

#[tokio::test]
async fn a_test_message_tells_what_the_server_said() {
    let world = World::new().await;
    let mut browser = operator(&world, "root", Role::Owner, &[]).await;
    let page_address = format!("{BASE}/console/settings/mail");
    assert!(!browser.open(&page_address).await.body.contains("send-test"), "nothing to test yet");
    let refusing = Manners { to_recipient: Some("550 5.1.1 no <b>such</b> mailbox"), ..Manners::default() };
    let wrong = Manners { to_login: Some("535 5.7.8 who are you"), ..Manners::default() };
    let login = "username = \"signet\"\npassword = \"hush-hush\"\n";
    for (manners, login, told) in [
        (Manners::default(), "", "The server has taken the message for root@example.com."),
        (refusing, "", "the server refuses at RCPT TO: 550 5.1.1 no &#60;b&#62;such&#60;/b&#62; mailbox"),
        (Manners::default(), login, "The server has taken the message"),
        (wrong, login, "does not accept user name and password: 5.7.8 who are you"),
    ] {
        let smtp = Smtp::start(manners).await;
        apply(&world, "[pool.mail]\nhost = \"\"").await;
        apply(&world, &format!("{}{login}", smtp.settings())).await;
        let page = browser.open(&page_address).await;
        assert!(!page.body.contains("hush") && !page.body.contains("sealed:"), "{}", page.body);
        let token = csrf(&page);
        let form = [("csrf", token.as_str()), ("to", "root@example.com")];
        let answer = browser.post(&format!("{BASE}/console/settings/mail/test"), &form).await;
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
        if !login.is_empty() {
            assert_eq!(*smtp.proofs.lock().unwrap(), ["\0signet\0hush-hush"]);
        }
    }
    let smtp = Smtp::start(Manners::default()).await;
    apply(&world, "[pool.mail]\nhost = \"\"").await;
    apply(&world, &smtp.settings()).await;
    let token = csrf(&browser.open(&page_address).await);
    for bad in ["x", "a@b\r\nBcc: c@d.example", "a@b.example,c@d.example"] {
        let form = [("csrf", token.as_str()), ("to", bad)];
        let answer = browser.post(&format!("{BASE}/console/settings/mail/test"), &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert!(smtp.taken().is_empty());
    let tests: Vec<bool> =
        records(&world, Action::SendMail).await.iter().map(|record| record.success).collect();
    assert_eq!(tests.len(), 4, "each that was tried");
    assert_eq!(tests.iter().filter(|success| **success).count(), 2);
}

#[tokio::test]
async fn the_pages_of_the_settings_save_what_they_show() {
    let world = World::new().await;
    let mut browser = operator(&world, "root", Role::Owner, &[]).await;
    for (page, id, values, told) in [
        (
            "general",
            "general",
            vec![("name", "Network Notes"), ("languages", "zh en")],
            "name: &#34;Default pool&#34;",
        ),
        (
            "login",
            "sessions",
            vec![("session_lifetime", "3600"), ("browser_session", "on")],
            "session_lifetime: 1209600",
        ),
        ("security", "throttle", vec![("name_failures", "20")], "name_failures: 50"),
        ("security", "password_policy", vec![("min_length", "12")], "min_length: 8"),
    ] {
        let address = format!("{BASE}/console/settings/{page}");
        let shown = browser.open(&address).await;
        let mut form: Vec<(String, String)> = form_of(&shown, id);
        form.retain(|(name, _)| values.iter().all(|(own, _)| own != name));
        form.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let pairs: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let review = browser.post(&address, &pairs).await;
        assert!(review.body.contains(told), "{told}: {}", review.body);
        let confirmed: Vec<(&str, &str)> = pairs.iter().copied().chain([("step", "confirm")]).collect();
        let saved = browser.post(&address, &confirmed).await;
        assert!(saved.body.contains("class=\"toast\""), "{}", saved.body);
    }
    let settings = world.signet().store().pool_settings().await.unwrap();
    assert_eq!((settings.name.as_str(), settings.throttle.name_failures), ("Network Notes", 20));
    assert_eq!((settings.sign_in.session_lifetime.0, settings.password_policy.min_length), (3600, 12));
    assert!(settings.sign_in.browser_session);
    assert_eq!(json!(settings.sign_in.languages), json!(["zh", "en"]));
    // What is out of bounds is told beside its field, and nothing is saved.
    let address = format!("{BASE}/console/settings/security");
    let shown = browser.open(&address).await;
    let mut form: Vec<(String, String)> = form_of(&shown, "throttle");
    form.iter_mut()
        .filter(|(name, _)| name == "name_failures")
        .for_each(|(_, value)| *value = "0".to_owned());
    let pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = browser.post(&address, &pairs).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("must be 10 to 100 failures"), "{}", refused.body);
}
