//! The code flow from the first request to the last token.

use std::sync::Arc;

use crate::{
    rp::{OFFLINE, Rp, Tokens},
    support::{BASE, World, half_hash, on_both_engines},
};

async fn whole_flow(world: Arc<World>) {
    let pool = Rp::new(&world, "notes", |_| {}).await;
    let user = world.user("alice", |_| {}).await;
    for rp in [pool.clone(), pool.at_home()] {
        let mut browser = world.browser();
        let callback = rp.login(&mut browser, "alice", &[]).await.callback();
        assert_eq!((callback.get("state"), callback.get("iss")), (Some("st4te"), Some(rp.issuer.as_str())));
        let tokens = Tokens::of(&rp.redeem(callback.get("code").unwrap()).await);
        let jwks = rp.jwks().await;
        let id_token = tokens.id_token();
        assert!(id_token.verifies_with(&jwks), "{jwks}");
        assert_eq!(id_token.claims["sub"], user.id.to_string());
        assert_eq!(id_token.claims["aud"], rp.id);
        assert_eq!(id_token.claims["iss"], rp.issuer);
        assert_eq!(id_token.claims["nonce"], "n0nce");
        assert_eq!(id_token.claims["email"], "alice@example.com");
        assert_eq!(id_token.claims["at_hash"], half_hash(&tokens.access));
        assert!(tokens.access_token().verifies_with(&jwks));
        assert_eq!(tokens.access_token().header["typ"], "at+jwt");
        assert_eq!(tokens.refresh, None);

        let again = browser.open(&rp.url(&[])).await;
        assert!(again.callback().get("code").is_some(), "the session is remembered");
    }
}

async fn refresh_introspect_revoke(world: Arc<World>) {
    let rp = Rp::new(&world, "notes", |_| {}).await;
    world.user("alice", |_| {}).await;
    assert_eq!(rp.issuer, format!("{BASE}/oidc"));
    let first = rp.tokens("alice", OFFLINE).await;
    let next = Tokens::of(&rp.refresh(first.refresh()).await);
    assert_ne!(next.refresh, first.refresh);
    let repeated = Tokens::of(&rp.refresh(first.refresh()).await);
    assert_eq!(repeated.refresh, next.refresh, "a lost answer is given again");

    let seen = rp.introspect(&next.access).await;
    assert_eq!((&seen["active"], &seen["client_id"]), (&true.into(), &rp.id.clone().into()));
    assert_eq!(rp.me(&next.access).await.json()["email"], "alice@example.com");

    assert_eq!(rp.revoke(&next.access).await.status, 200);
    assert!(!rp.is_active(&next.access).await);
    assert_eq!(rp.me(&next.access).await.error(), (401, "invalid_token".to_owned()));
    assert_eq!(rp.refresh(next.refresh()).await.error(), (400, "invalid_grant".to_owned()));
}

on_both_engines!(whole_flow, refresh_introspect_revoke);
