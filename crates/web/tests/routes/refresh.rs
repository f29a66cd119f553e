//! `/oidc/token` with `grant_type=refresh_token`.

use std::sync::Arc;

use signet_protocol::application::{Application, AuthMethod};
use signet_testkit::race::race;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{Answer, World, on_both_engines},
};

async fn with_tokens(world: &Arc<World>, change: impl FnOnce(&mut Application)) -> (Rp, Tokens) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(world, "notes", change).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    (rp, tokens)
}

fn public(application: &mut Application) {
    application.secret = None;
    application.settings.token_endpoint_auth_method = AuthMethod::None;
    application.settings.introspection_endpoint_auth_method = AuthMethod::None;
}

fn invalid_grant(answer: &Answer) -> bool {
    answer.error() == (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn each_refresh_gives_new_tokens_of_the_same_login() {
    let world = World::new().await;
    let (rp, first) = with_tokens(&world, |_| {}).await;
    world.advance(100);
    let next = Tokens::of(&rp.refresh(first.refresh()).await);
    let (old, new) = (first.id_token().claims, next.id_token().claims);
    for same in ["iss", "sub", "aud", "auth_time", "sid", "email"] {
        assert_eq!(old[same], new[same], "{same} (OpenID Connect Core §12.2)");
    }
    assert!(new.get("nonce").is_none());
    assert!(new["iat"].as_i64() >= old["iat"].as_i64().map(|iat| iat + 100));
    assert_ne!(first.access_token().claims["jti"], next.access_token().claims["jti"]);
    assert!(next.id_token().verifies_with(&rp.jwks().await));
}

async fn attack_06_a_storm_of_refreshes_never_splits_the_chain(world: Arc<World>) {
    let (rp, tokens) = with_tokens(&world, |_| {}).await;
    let answers = race(32, |_| {
        let (rp, refresh) = (rp.clone(), tokens.refresh().to_owned());
        async move { rp.refresh(&refresh).await }
    })
    .await;
    let successors: Vec<String> =
        answers.iter().map(|answer| Tokens::of(answer).refresh().to_owned()).collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]), "{successors:?}");
    assert_eq!(rp.refresh(&successors[0]).await.status, 200);
}

async fn attack_06_too_many_repeats_are_refused_and_nothing_else(world: Arc<World>) {
    let (rp, tokens) = with_tokens(&world, |_| {}).await;
    let next = Tokens::of(&rp.refresh(tokens.refresh()).await);
    let mut refused = 0;
    for _ in 0..105 {
        refused += usize::from(invalid_grant(&rp.refresh(tokens.refresh()).await));
    }
    assert_eq!(refused, 5);
    assert_eq!(rp.refresh(next.refresh()).await.status, 200, "the chain goes on");
}

async fn attack_06_a_fork_revokes_the_grant(world: Arc<World>) {
    let (rp, first) = with_tokens(&world, |_| {}).await;
    let second = Tokens::of(&rp.refresh(first.refresh()).await);
    let third = Tokens::of(&rp.refresh(second.refresh()).await);
    assert!(invalid_grant(&rp.refresh(first.refresh()).await), "two generations back is nobody's retry");
    assert!(invalid_grant(&rp.refresh(third.refresh()).await), "the thief and the owner both lose it");
    for tokens in [&first, &second, &third] {
        assert!(!rp.is_active(&tokens.access).await);
        assert_eq!(rp.me(&tokens.access).await.error(), (401, "invalid_token".to_owned()));
    }
}

async fn attack_06_a_restart_forgets_nothing(world: Arc<World>) {
    let (rp, first) = with_tokens(&world, |_| {}).await;
    world.restart().await;
    let second = Tokens::of(&rp.refresh(first.refresh()).await);
    world.restart().await;
    let again = Tokens::of(&rp.refresh(first.refresh()).await);
    assert_eq!(again.refresh, second.refresh, "a lost answer, even across a restart");
    let third = Tokens::of(&rp.refresh(second.refresh()).await);
    world.restart().await;
    assert!(invalid_grant(&rp.refresh(first.refresh()).await), "an old token stays old");
    world.restart().await;
    assert!(invalid_grant(&rp.refresh(third.refresh()).await), "and what was revoked stays revoked");
    assert!(!rp.is_active(&third.access).await);
}

on_both_engines!(
    attack_06_too_many_repeats_are_refused_and_nothing_else,
    attack_06_a_storm_of_refreshes_never_splits_the_chain,
    attack_06_a_fork_revokes_the_grant,
    attack_06_a_restart_forgets_nothing,
);

#[tokio::test]
async fn the_grace_window_is_a_minute_or_for_public_clients_a_quarter() {
    for (change, grace) in [((|_| {}) as fn(&mut Application), 60), (public, 15)] {
        let world = World::new().await;
        let (rp, first) = with_tokens(&world, change).await;
        let second = Tokens::of(&rp.refresh(first.refresh()).await);
        world.advance(grace - 1);
        assert_eq!(Tokens::of(&rp.refresh(first.refresh()).await).refresh, second.refresh, "{grace}");
        world.advance(2);
        assert!(invalid_grant(&rp.refresh(first.refresh()).await), "{grace}");
        assert!(invalid_grant(&rp.refresh(second.refresh()).await), "{grace}: revoked with the whole grant");
    }
}

#[tokio::test]
async fn once_the_successor_was_used_a_repeat_is_a_fork() {
    let world = World::new().await;
    let (rp, first) = with_tokens(&world, |_| {}).await;
    let second = Tokens::of(&rp.refresh(first.refresh()).await);
    let third = Tokens::of(&rp.refresh(second.refresh()).await);
    assert!(invalid_grant(&rp.refresh(first.refresh()).await));
    assert!(!rp.is_active(third.refresh()).await);
}

#[tokio::test]
async fn the_chain_ends_with_its_time_however_often_it_is_refreshed() {
    let world = World::new().await;
    let (rp, mut tokens) = with_tokens(&world, |_| {}).await;
    for _ in 0..2 {
        world.advance(14 * 86_400);
        tokens = Tokens::of(&rp.refresh(tokens.refresh()).await);
    }
    world.advance(2 * 86_400);
    assert!(invalid_grant(&rp.refresh(tokens.refresh()).await));
    assert!(!rp.is_active(tokens.refresh()).await);
}

#[tokio::test]
async fn another_client_and_another_issuer_get_nothing_and_harm_nothing() {
    let world = World::new().await;
    let (rp, tokens) = with_tokens(&world, |_| {}).await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    for wrong in [&stranger, &rp.at_home(), &stranger.at_home()] {
        assert!(invalid_grant(&wrong.refresh(tokens.refresh()).await), "{}", wrong.issuer);
    }
    let next = Tokens::of(&rp.refresh(tokens.refresh()).await);
    assert!(invalid_grant(&stranger.refresh(tokens.refresh()).await));
    assert!(rp.is_active(next.refresh()).await);
}

#[tokio::test]
async fn a_part_of_the_scope_may_be_asked_for_and_never_more() {
    let world = World::new().await;
    let (rp, tokens) = with_tokens(&world, |_| {}).await;
    let refresh = async |token: &str, scope: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        rp.post("/token", &form).await
    };
    for more in ["openid phone", "openid profile email offline_access roles", "openid \""] {
        let refused = refresh(tokens.refresh(), more).await;
        assert_eq!(refused.error(), (400, "invalid_scope".to_owned()), "{more}");
    }
    let part = Tokens::of(&refresh(tokens.refresh(), "openid email").await);
    assert_eq!(part.json["scope"], "openid email");
    let info = rp.me(&part.access).await.json();
    assert!(info.get("email").is_some() && info.get("name").is_none(), "{info}");
    let whole = Tokens::of(&rp.refresh(part.refresh()).await);
    assert_eq!(whole.json["scope"], "openid profile email offline_access", "the grant is what it was");
}

#[tokio::test]
async fn what_the_user_is_now_is_what_the_tokens_say() {
    let world = World::new().await;
    let (rp, tokens) = with_tokens(&world, |_| {}).await;
    let user = tokens.id_token().claims["sub"].as_str().unwrap().to_owned();
    let id = signet_protocol::id::UserId::parse(&user).unwrap();
    world.update_user(id, |user| user.email = Some("new@example.com".to_owned())).await;
    let next = Tokens::of(&rp.refresh(tokens.refresh()).await);
    assert_eq!(next.id_token().claims["email"], "new@example.com");
    assert_eq!(rp.me(&tokens.access).await.json()["email"], "new@example.com");
}

#[tokio::test]
async fn attack_24_only_the_whole_token_is_the_token() {
    let world = World::new().await;
    let (rp, tokens) = with_tokens(&world, |_| {}).await;
    let refresh = tokens.refresh();
    let longer = format!("{refresh}A");
    for wrong in
        [&refresh[..74], &refresh[1..], longer.as_str(), &refresh.to_lowercase(), "x", &tokens.access]
    {
        assert!(invalid_grant(&rp.refresh(wrong).await), "{wrong}");
        assert!(!rp.is_active(wrong).await || wrong == tokens.access);
    }
    assert_eq!(rp.refresh(refresh).await.status, 200);
    let missing = rp.post("/token", &[("grant_type", "refresh_token")]).await;
    assert_eq!(missing.error(), (400, "invalid_request".to_owned()));
}
