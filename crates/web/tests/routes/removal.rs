//! Nothing of an application or a user that was deleted does anything any more.

use std::sync::Arc;

use http::StatusCode;
use signet_protocol::{application::Application, user::User};
use signet_store::Change;

use crate::{
    machine::{Machine, guarded},
    rp::{OFFLINE, Rp, Tokens},
    support::{World, on_both_engines},
};

on_both_engines!(
    attack_09_what_a_deleted_user_had_is_worth_nothing_at_once,
    attack_09_what_a_deleted_application_had_is_worth_nothing_at_once,
);

async fn delete_user(world: &World, user: &User) {
    let found = world.signet().store().user(user.id).await.unwrap().unwrap();
    world.change(Change::DeleteUser(User::clone(&found))).await;
}

async fn delete_application(world: &World, application: &Application) {
    let found = world.signet().store().application(application.id).await.unwrap().unwrap();
    guarded(world, vec![Change::DeleteApplication(Application::clone(&found))]).await;
}

async fn attack_09_what_a_deleted_user_had_is_worth_nothing_at_once(world: Arc<World>) {
    let alice = world.user("alice", |_| {}).await;
    world.user("bob", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    let others = rp.tokens("bob", OFFLINE).await;
    let code = rp.code("alice", &[]).await;
    assert!(rp.is_active(&tokens.access).await && rp.is_active(tokens.refresh()).await);

    delete_user(&world, &alice).await;
    for restarted in [false, true] {
        if restarted {
            world.restart().await;
        }
        assert!(!rp.is_active(&tokens.access).await && !rp.is_active(tokens.refresh()).await);
        assert_eq!(rp.me(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(rp.refresh(tokens.refresh()).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!(rp.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
        assert!(rp.is_active(&others.access).await);
    }
    let silent = browser.open(&rp.url(&[("prompt", "none")])).await;
    assert!(silent.location().contains("error=login_required"), "{}", silent.location());
    let refused = rp.login(&mut world.browser(), "alice", &[]).await;
    assert_ne!(refused.status, StatusCode::SEE_OTHER, "nobody signs in by that name");

    // Somebody else of that name is somebody else.
    let other = world.user("alice", |_| {}).await;
    let new = rp.tokens("alice", &[]).await;
    assert_ne!(alice.id, other.id);
    assert!(rp.is_active(&new.access).await && !rp.is_active(&tokens.access).await);
    Tokens::of(&rp.refresh(others.refresh()).await);
}

async fn attack_09_what_a_deleted_application_had_is_worth_nothing_at_once(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let machine = Machine::with_books(&world).await;
    let (rp, other) = (machine.rp.clone(), Rp::new(&world, "other", |_| {}).await);
    let mut browser = world.browser();
    rp.login(&mut browser, "alice", &[]).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    let at_home = rp.at_home().tokens("alice", OFFLINE).await;
    let kept = other.tokens("alice", OFFLINE).await;
    let code = rp.code("alice", &[]).await;
    let of_account = machine.token("book:read").await;

    delete_application(&world, &rp.application).await;
    for restarted in [false, true] {
        if restarted {
            world.restart().await;
        }
        assert_eq!(rp.redeem(&code).await.error(), (401, "invalid_client".to_owned()));
        assert_eq!(rp.refresh(tokens.refresh()).await.error(), (401, "invalid_client".to_owned()));
        assert_eq!(rp.me(&tokens.access).await.status, StatusCode::UNAUTHORIZED);
        let asked = machine.ask(&[("scope", "book:read")]).await;
        assert_eq!(asked.error(), (401, "invalid_client".to_owned()));
        for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
            let gone = world.get(&format!("{}{path}", rp.at_home().issuer)).await;
            assert_eq!(gone.status, StatusCode::NOT_FOUND, "{path}");
        }
        let page = browser.open(&rp.url(&[])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
        assert!(other.is_active(&kept.access).await);
    }

    // It is made again as it was: what it had before is still worth nothing.
    world.change(Change::InsertApplication(rp.application.clone())).await;
    for token in [&tokens.access, &of_account] {
        assert!(!rp.is_active(token).await);
    }
    assert!(!rp.at_home().is_active(&at_home.access).await, "its keys are others");
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(rp.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
    let new = rp.tokens("alice", OFFLINE).await;
    assert!(rp.is_active(&new.access).await && !rp.is_active(&tokens.access).await);
}
