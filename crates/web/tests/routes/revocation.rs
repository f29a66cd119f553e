//! `/oidc/token/revocation`.

use std::sync::Arc;

use signet_protocol::application::AuthMethod;

use crate::{
    client,
    rp::{OFFLINE, Rp, Tokens},
    support::{SECRET, World, basic, on_both_engines},
};

async fn world_with_alice() -> (Arc<World>, Rp) {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    (world, rp)
}

async fn attack_27_revoking_either_token_kills_both(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let pick: [fn(&Tokens) -> &str; 2] = [|tokens| &tokens.access, |tokens| tokens.refresh()];
    for revoked in pick {
        let first = rp.tokens("alice", OFFLINE).await;
        let next = Tokens::of(&rp.refresh(first.refresh()).await);
        let bystander = rp.tokens("alice", OFFLINE).await;
        let answer = rp.revoke(revoked(&next)).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"));
        for access in [&first.access, &next.access] {
            assert!(!rp.is_active(access).await);
            assert_eq!(rp.me(access).await.error(), (401, "invalid_token".to_owned()));
        }
        assert!(!rp.is_active(next.refresh()).await);
        assert_eq!(rp.refresh(next.refresh()).await.error(), (400, "invalid_grant".to_owned()));
        assert!(rp.is_active(&bystander.access).await, "another login is another grant");
        assert_eq!(rp.refresh(bystander.refresh()).await.status, 200);
    }
}

async fn a_revocation_outlives_a_restart(world: Arc<World>) {
    world.user("alice", |_| {}).await;
    let rp = Rp::new(&world, "notes", |_| {}).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    rp.revoke(&tokens.access).await;
    world.restart().await;
    assert!(!rp.is_active(&tokens.access).await);
    assert_eq!(rp.refresh(tokens.refresh()).await.error(), (400, "invalid_grant".to_owned()));
}

on_both_engines!(attack_27_revoking_either_token_kills_both, a_revocation_outlives_a_restart);

#[tokio::test]
async fn an_older_token_of_the_chain_revokes_it_too() {
    let (_, rp) = world_with_alice().await;
    let first = rp.tokens("alice", OFFLINE).await;
    let next = Tokens::of(&rp.refresh(first.refresh()).await);
    assert_eq!(rp.revoke(first.refresh()).await.status, 200);
    assert!(!rp.is_active(&next.access).await);
}

#[tokio::test]
async fn the_tokens_of_others_stay_alive() {
    let (world, rp) = world_with_alice().await;
    let stranger = Rp::new(&world, "other", |_| {}).await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    for wrong in [&stranger, &rp.at_home()] {
        for token in [tokens.access.as_str(), tokens.refresh()] {
            assert_eq!(wrong.revoke(token).await.status, 200, "and nobody learns that it is one");
        }
    }
    assert!(rp.is_active(&tokens.access).await && rp.is_active(tokens.refresh()).await);
}

#[tokio::test]
async fn what_is_no_token_is_as_good_as_revoked() {
    let (world, rp) = world_with_alice().await;
    let tokens = rp.tokens("alice", OFFLINE).await;
    for text in ["garbage", "a.b.c", &tokens.id, &tokens.refresh()[..74]] {
        let answer = rp.revoke(text).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"), "{text}");
    }
    assert!(rp.is_active(&tokens.access).await, "an ID token revokes nothing");
    world.advance(3601);
    assert_eq!(rp.revoke(&tokens.access).await.status, 200);
    let missing = rp.post("/token/revocation", &[]).await;
    assert_eq!(missing.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn it_has_an_authentication_method_of_its_own() {
    let world = World::new().await;
    world.user("alice", |_| {}).await;
    for (number, own) in AuthMethod::ALL.iter().copied().enumerate() {
        let rp = Rp::new(&world, &format!("app{number}"), |application| {
            application.settings.revocation_endpoint_auth_method = own;
            application.settings.jwks = client::registered();
        })
        .await;
        let tokens = rp.tokens("alice", &[]).await;
        let url = format!("{}/token/revocation", rp.issuer);
        let header = basic(&rp.id, SECRET);
        let (token, id) = (("token", tokens.access.as_str()), ("client_id", rp.id.as_str()));
        for (method, form, header) in [
            (AuthMethod::ClientSecretPost, vec![token, id, ("client_secret", SECRET)], None),
            (AuthMethod::ClientSecretBasic, vec![token], Some(header.as_str())),
            (AuthMethod::None, vec![token, id], None),
        ] {
            if method != own {
                let answer = world.post(&url, &form, header).await;
                assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{own:?} by {method:?}");
            }
        }
        assert!(rp.is_active(&tokens.access).await);
        assert_eq!(rp.revoke(&tokens.access).await.status, 200, "{own:?}");
        assert!(!rp.is_active(&tokens.access).await);
    }
}
