//! `/login/reset`: a password is chosen by a one-time link.

use std::sync::Arc;

use signet_protocol::{password::PasswordHash, user::User};
use signet_store::audit::Origin;
use signet_testkit::race::race;
use signet_web::manage::users::{edit, link};

use crate::{
    rp::{OFFLINE, Rp},
    support::{Answer, BASE, PASSWORD, World, on_both_engines},
};

const NEW: &str = "zebra piano lantern";

async fn world_with_alice() -> (Arc<World>, Rp, User) {
    let world = World::new().await;
    let user = world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp, user)
}

async fn link_for(world: &World, user: &User) -> String {
    link::create(&world.signet(), user.id, &Origin::command_line()).await.unwrap().url
}

async fn choose(world: &Arc<World>, url: &str, password: &str) -> Answer {
    let mut browser = world.browser();
    let page = browser.open(url).await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser.submit(&page, &[("password", password), ("repeat", password)], "save").await
}

async fn signs_in(rp: &Rp, password: &str) -> bool {
    let mut browser = rp.world.browser();
    let page = browser.open(&rp.url(&[])).await;
    browser.submit(&page, &[("username", "alice"), ("password", password)], "sign-in").await.status == 303
}

#[tokio::test]
async fn a_person_chooses_a_password_and_signs_in_by_it() {
    let (world, rp, user) = world_with_alice().await;
    let url = link_for(&world, &user).await;
    let page = world.browser().open(&url).await;
    assert!(page.body.contains("alice") && page.body.contains("At least 8 characters"), "{}", page.body);
    assert_eq!(page.body.matches("autocomplete=\"new-password\"").count(), 2);
    assert!(!page.body.contains("<script"));
    let done = choose(&world, &url, NEW).await;
    assert_eq!(done.status, 200);
    assert!(done.body.contains("Your password is saved"), "{}", done.body);
    assert!(!done.body.contains("zebra"));
    assert!(done.set_cookies().is_empty(), "nobody is signed in by it");
    assert!(signs_in(&rp, NEW).await && !signs_in(&rp, PASSWORD).await);
}

#[tokio::test]
async fn who_has_no_password_yet_is_invited_by_one() {
    let (world, rp, _) = world_with_alice().await;
    let invited = world.user("bob", |user| user.password = None).await;
    assert_eq!(choose(&world, &link_for(&world, &invited).await, NEW).await.status, 200);
    let mut browser = world.browser();
    let page = browser.open(&rp.url(&[])).await;
    let answer = browser.submit(&page, &[("username", "bob"), ("password", NEW)], "sign-in").await;
    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn the_address_of_a_link_is_told_to_nobody() {
    let (world, _, user) = world_with_alice().await;
    let url = link_for(&world, &user).await;
    let pages = [
        world.get(&url).await,
        world.get(&format!("{BASE}/login/reset?link=x")).await,
        choose(&world, &url, "short").await,
        choose(&world, &url, NEW).await,
        world.get(&url).await,
    ];
    for page in pages {
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{}", page.status);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(
            !page.body.contains("http://") || !page.body.contains("<img"),
            "nothing is loaded from elsewhere"
        );
    }
}

#[tokio::test]
async fn what_the_password_must_be_is_said_and_the_link_stays() {
    let (world, rp, user) = world_with_alice().await;
    let url = link_for(&world, &user).await;
    let mut browser = world.browser();
    let page = browser.open(&url).await;
    let long = "x".repeat(1025);
    for (password, repeat, told) in [
        ("", "", "too short"),
        ("seven77", "seven77", "too short"),
        (long.as_str(), long.as_str(), "too long"),
        ("password123", "password123", "tried first"),
        ("alice2024!", "alice2024!", "little more than your name"),
        (NEW, "another one", "passwords differ"),
        (NEW, "", "passwords differ"),
    ] {
        let answer = browser.submit(&page, &[("password", password), ("repeat", repeat)], "save").await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.body.contains(told) && answer.body.contains("aria-invalid"),
            "{told}: {}",
            answer.body
        );
        assert!(password.is_empty() || !answer.body.contains(password), "what was typed is not repeated");
    }
    assert!(signs_in(&rp, PASSWORD).await);
    assert_eq!(choose(&world, &url, NEW).await.status, 200);
}

#[tokio::test]
async fn pages_of_links_speak_chinese() {
    let (world, _, user) = world_with_alice().await;
    let url = link_for(&world, &user).await;
    let in_chinese = |url: String| {
        let request = crate::support::request(http::Method::GET, &url).header("accept-language", "zh-CN");
        world.send(request.body(axum::body::Body::empty()).unwrap())
    };
    assert!(in_chinese(url).await.body.contains("至少 8 个字符"));
    assert!(in_chinese(format!("{BASE}/login/reset")).await.body.contains("该链接无法使用"));
}

async fn attack_06_a_link_is_used_once_however_often_it_is_sent(world: Arc<World>) {
    let user = world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let url = link_for(&world, &user).await;
    let token = url.split_once('=').unwrap().1.to_owned();
    let answers = race(8, |number| {
        let (world, token) = (world.clone(), token.clone());
        async move {
            let password = format!("zebra piano {number}{number}{number}");
            let form = [("link", token.as_str()), ("password", &password), ("repeat", &password)];
            (world.post(&format!("{BASE}/login/reset"), &form, None).await, password)
        }
    })
    .await;
    let won: Vec<&String> =
        answers.iter().filter(|(answer, _)| answer.status == 200).map(|(_, password)| password).collect();
    assert_eq!(won.len(), 1);
    for (answer, _) in answers.iter().filter(|(answer, _)| answer.status != 200) {
        assert!(answer.status == 400 && answer.body.contains("was used before"), "{}", answer.body);
    }
    assert!(signs_in(&rp, won[0]).await);
    let again = world.browser().open(&url).await;
    assert!(again.status == 400 && again.body.contains("was used before"));
    assert!(again.body.contains("tell your administrator at once"));
}

on_both_engines!(attack_06_a_link_is_used_once_however_often_it_is_sent);

#[tokio::test]
async fn attack_06_a_link_ends_with_its_day_its_successor_and_another_password() {
    let (world, rp, user) = world_with_alice().await;
    let dead = |url: String| {
        let world = world.clone();
        async move {
            let page = world.get(&url).await;
            let form = [("link", url.split_once('=').unwrap().1), ("password", NEW), ("repeat", NEW)];
            let posted = world.post(&format!("{BASE}/login/reset"), &form, None).await;
            let says = |answer: &Answer| {
                answer.status == 400
                    && answer.body.contains("does not work")
                    && answer.body.contains("Ask whoever sent it")
            };
            says(&page) && says(&posted)
        }
    };
    let first = link_for(&world, &user).await;
    let second = link_for(&world, &user).await;
    assert!(dead(first).await, "another has taken its place");
    assert_eq!(world.get(&second).await.status, 200);
    world.advance(86_400);
    assert!(dead(second).await, "a day has passed");
    let third = link_for(&world, &user).await;
    world.update_user(user.id, |user| user.password = Some(PasswordHash::decoy())).await;
    assert!(dead(third).await, "another password was set since");
    assert!(!signs_in(&rp, NEW).await);
}

#[tokio::test]
async fn attack_09_a_link_of_a_blocked_user_sets_nothing() {
    let (world, rp, user) = world_with_alice().await;
    let url = link_for(&world, &user).await;
    let mut browser = world.browser();
    let page = browser.open(&url).await;
    edit::set_blocked(&world.signet(), user.id, true, &Origin::command_line()).await.unwrap();
    let answer = browser.submit(&page, &[("password", NEW), ("repeat", NEW)], "save").await;
    assert!(answer.status == 400 && answer.body.contains("does not work"));
    edit::set_blocked(&world.signet(), user.id, false, &Origin::command_line()).await.unwrap();
    assert_eq!(world.get(&url).await.status, 400, "nor once they are let in again");
    assert!(signs_in(&rp, PASSWORD).await && !signs_in(&rp, NEW).await);
}

#[tokio::test]
async fn attack_24_only_the_whole_link_is_the_link() {
    let (world, _, user) = world_with_alice().await;
    let url = link_for(&world, &user).await;
    let (path, token) = url.split_once('=').unwrap();
    let other = link_for(&world, &world.user("bob", |_| {}).await).await;
    let (_, others) = other.split_once('=').unwrap();
    let mixed = format!("{}{}", &token[..22], &others[22..]);
    for wrong in ["", &token[..63], &format!("{token}A"), &token.to_lowercase(), &mixed, "' OR 1=1 --"] {
        let answer = world.get(&format!("{path}={}", wrong.replace(' ', "%20"))).await;
        assert!(answer.status == 400 && answer.body.contains("does not work"), "{wrong}");
    }
    assert_eq!(world.get(&url).await.status, 200);
}

#[tokio::test]
async fn attack_27_a_new_password_ends_sessions_and_grants() {
    let (world, rp, user) = world_with_alice().await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    assert!(rp.is_active(&tokens.access).await);
    assert_eq!(choose(&world, &link_for(&world, &user).await, NEW).await.status, 200);
    assert!(!rp.is_active(&tokens.access).await);
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn an_imported_hash_is_replaced_at_the_next_login() {
    let (world, rp, user) = world_with_alice().await;
    for hash in [
        "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
        "pbkdf2_sha256$1000$somesalt$3UXLHR2dsBArfqHwukhrdUO9gJfc1BvmMq0GPd9sP6E=",
        "$scrypt$ln=4,r=8,p=1$c29tZXNhbHRzb21lc2FsdA$VcmBslm12/xG8Ih6pCP1Kc4ks/rabtsHzPeQoipJ0Jw",
    ] {
        world.update_user(user.id, |user| user.password = Some(PasswordHash::parse(hash).unwrap())).await;
        assert!(!signs_in(&rp, "correct horsf").await);
        assert!(signs_in(&rp, "correct horse").await, "{hash}");
        let stored = world.signet().store().user(user.id).await.unwrap().unwrap();
        assert!(stored.password.as_ref().unwrap().is_current() && stored.details.imported.is_some());
        assert!(signs_in(&rp, "correct horse").await);
    }
}
