use signet_protocol::{
    amr::Amr, claims_request::ClaimsRequest, refresh::RefreshDecision, resource::GrantItems,
};

use super::{CLAIMS, World, after, at, until, winners};
use crate::on_worlds;

on_worlds!(
    a_code_comes_back,
    what_was_asked_for_one_by_one_is_read_by_its_grant,
    attack_06_one_of_many_redeems_a_code,
    one_of_many_answers_a_transaction,
    one_answer_whatever_it_gives,
    a_grant_without_a_code_is_stored_whole,
    an_ended_session_gives_no_code,
    ending_a_session_meets_every_code_it_gave,
    a_code_of_a_revoked_grant_is_not_redeemed,
    attack_05_a_code_redeems_only_its_own_grant,
    redeeming_keeps_the_grant_for_its_chain,
    redeeming_keeps_the_grant_for_its_access_token,
    a_refused_code_begins_no_chain,
);

async fn a_code_comes_back(world: World) {
    let new = world.code(true).await;
    let stored = world.again().await.code(new.id).await.unwrap().unwrap();
    assert_eq!(format!("{stored:?}"), format!("{new:?}"));
    assert!(stored.hash.matches(&new.hash));
    let mut plain = world.new_code(new.grant.clone());
    plain.grant.id = world.row_id();
    (plain.challenge, plain.nonce) = (None, None);
    (plain.grant.amr, plain.grant.claims) = (Amr::default(), ClaimsRequest::default());
    plain.grant.items = GrantItems::default();
    assert_eq!(world.store.issue_code(&plain, None, at(0)).await, Ok(true));
    let stored = world.store.code(plain.id).await.unwrap().unwrap();
    assert_eq!((stored.challenge, stored.nonce), (None, None));
    assert_eq!((stored.grant.amr, stored.grant.claims), (Amr::default(), ClaimsRequest::default()));
    assert_eq!(stored.grant.items, GrantItems::default());
    assert!(world.store.code(world.row_id()).await.unwrap().is_none());
}

async fn what_was_asked_for_one_by_one_is_read_by_its_grant(world: World) {
    let code = world.code(true).await;
    let asked = world.again().await.asked_claims(code.grant.id).await.unwrap();
    assert_eq!(asked, ClaimsRequest::parse(CLAIMS).unwrap());
    assert_eq!(world.store.asked_claims(world.row_id()).await, Ok(ClaimsRequest::default()));
}

async fn attack_06_one_of_many_redeems_a_code(world: World) {
    let code = world.code(true).await;
    let (id, grant) = (code.id, code.grant.id);
    let families: Vec<_> = (0..64).map(|_| world.new_family()).collect();
    let won = winners(&world, |store, number| {
        let family = families[number];
        async move { store.redeem_code(id, grant, Some(&family), until(4), at(4)).await.unwrap() }
    });
    assert_eq!(won.await, 1);
    let again = world.again().await;
    assert_eq!(again.redeem_code(id, grant, None, until(5), at(5)).await, Ok(false), "nor after a restart");
    assert_eq!(again.code(id).await.unwrap().unwrap().consumed_at, Some(after(4)));
    let mut begun = 0;
    for family in &families {
        begun += usize::from(again.refresh_family(family.id).await.unwrap().is_some());
    }
    assert_eq!(begun, 1, "one chain only");
}

async fn one_of_many_answers_a_transaction(world: World) {
    let transaction = world.transaction().await;
    let session = world.session(&world.user("alice").await).await;
    let codes: Vec<_> = (0..64)
        .map(|_| world.new_code(world.new_grant(&session, world.new_application("notes").id, false)))
        .collect();
    let won = winners(&world, |store, number| {
        let code = codes[number].clone();
        async move { store.issue_code(&code, Some(transaction), at(0)).await.unwrap() }
    });
    assert_eq!(won.await, 1);
    let mut stored = 0;
    for code in &codes {
        stored += usize::from(world.store.code(code.id).await.unwrap().is_some());
    }
    assert_eq!(stored, 1);
}

async fn one_answer_whatever_it_gives(world: World) {
    for turn in 0..8 {
        let transaction = world.transaction().await;
        let session = world.session(&world.user(&format!("alice{turn}")).await).await;
        let codes: Vec<_> = (0..64)
            .map(|_| world.new_code(world.new_grant(&session, world.new_application("notes").id, false)))
            .collect();
        let won = winners(&world, |store, number| {
            let code = codes[number].clone();
            async move {
                let (grant, to) = (&code.grant, Some(transaction));
                match number % 3 {
                    0 => store.issue_code(&code, to, at(0)).await.unwrap(),
                    1 => store.issue_grant(grant, to, at(0)).await.unwrap(),
                    _ => store.issue_nothing(grant.session, to, at(0)).await.unwrap(),
                }
            }
        });
        assert_eq!(won.await, 1);
        let mut stored = 0;
        for code in &codes {
            // Only a grant that was stored can be revoked.
            stored += usize::from(world.store.revoke_grant(code.grant.id, at(1)).await.unwrap());
        }
        assert!(stored <= 1, "{stored} grants");
        assert!(world.store.transaction(transaction).await.unwrap().unwrap().used_at.is_some());
    }
}

async fn a_grant_without_a_code_is_stored_whole(world: World) {
    let session = world.session(&world.user("alice").await).await;
    let grant = world.new_grant(&session, world.new_application("notes").id, false);
    assert_eq!(world.store.issue_grant(&grant, None, at(0)).await, Ok(true));
    assert_eq!(world.store.end_session(session.id, at(1)).await, Ok(true));
    assert!(world.store.is_revoked(Some(grant.id), "any"), "it hangs on its session");
    assert_eq!(world.store.revoke_grant(grant.id, at(2)).await, Ok(false));
}

async fn an_ended_session_gives_no_code(world: World) {
    let transaction = world.transaction().await;
    let session = world.session(&world.user("alice").await).await;
    assert_eq!(world.store.end_session(session.id, at(1)).await, Ok(true));
    let code = world.new_code(world.new_grant(&session, world.new_application("notes").id, false));
    assert_eq!(world.store.issue_code(&code, Some(transaction), at(2)).await, Ok(false));
    assert!(world.store.code(code.id).await.unwrap().is_none());
    assert_eq!(world.store.issue_grant(&code.grant, Some(transaction), at(2)).await, Ok(false));
    assert_eq!(world.store.revoke_grant(code.grant.id, at(2)).await, Ok(false), "it does not exist");
    assert_eq!(world.store.issue_nothing(session.id, Some(transaction), at(2)).await, Ok(false));
    assert_eq!(world.store.transaction(transaction).await.unwrap().unwrap().used_at, None);
}

/// However the two interleave, no grant of an ended session is left alive.
async fn ending_a_session_meets_every_code_it_gave(world: World) {
    let user = world.user("alice").await;
    for turn in 0..8 {
        let session = world.session(&user).await;
        let codes: Vec<_> = (0..16)
            .map(|_| world.new_code(world.new_grant(&session, world.new_application("notes").id, false)))
            .collect();
        let issued = crate::parallel(17, |number| {
            let (store, code, id) = (world.store.clone(), codes.get(number).cloned(), session.id);
            async move {
                match code {
                    Some(code) => store.issue_code(&code, None, at(0)).await.unwrap(),
                    None => !store.end_session(id, at(1)).await.unwrap(),
                }
            }
        })
        .await;
        assert!(!issued[16], "the session was ended");
        for (code, issued) in codes.iter().zip(issued) {
            assert_eq!(world.store.is_revoked(Some(code.grant.id), "any"), issued, "turn {turn}");
        }
    }
}

async fn a_code_of_a_revoked_grant_is_not_redeemed(world: World) {
    let code = world.code(true).await;
    assert_eq!(world.store.revoke_grant(code.grant.id, at(1)).await, Ok(true));
    assert_eq!(world.store.redeem_code(code.id, code.grant.id, None, until(2), at(2)).await, Ok(false));
    let stored = world.store.code(code.id).await.unwrap().unwrap();
    assert_eq!((stored.consumed_at, stored.grant.revoked_at), (None, Some(after(1))));
}

async fn attack_05_a_code_redeems_only_its_own_grant(world: World) {
    let (mine, other) = (world.code(true).await, world.code(true).await);
    assert_eq!(world.store.redeem_code(mine.id, other.grant.id, None, until(1), at(1)).await, Ok(false));
    assert_eq!(world.store.redeem_code(mine.id, mine.grant.id, None, until(1), at(1)).await, Ok(true));
}

async fn redeeming_keeps_the_grant_for_its_chain(world: World) {
    let (with, without) = (world.code(true).await, world.code(false).await);
    let family = world.new_family();
    assert_eq!(
        world.store.redeem_code(with.id, with.grant.id, Some(&family), until(3), at(3)).await,
        Ok(true)
    );
    assert_eq!(world.store.redeem_code(without.id, without.grant.id, None, until(3), at(3)).await, Ok(true));
    let stored = world.store.refresh_family(family.id).await.unwrap().unwrap();
    assert_eq!(stored.grant.expires_at, family.expires_at);
    assert_eq!((stored.generation, stored.repeats), (0, 0));
    assert_eq!((stored.rotated_at, stored.expires_at), (after(3), family.expires_at));
    let decision =
        signet_protocol::refresh::decide(&stored, 0, after(4), signet_protocol::refresh::GRACE_PUBLIC);
    assert_eq!(decision, RefreshDecision::Rotate { next: 1 });
    let stored = world.store.code(without.id).await.unwrap().unwrap();
    assert_eq!(stored.grant.expires_at, without.grant.expires_at);
}

async fn redeeming_keeps_the_grant_for_its_access_token(world: World) {
    for family in [None, Some(world.new_family())] {
        let code = world.code(true).await;
        let (id, grant, until) = (code.id, code.grant.id, after(5_000_000));
        assert_eq!(world.store.redeem_code(id, grant, family.as_ref(), until, at(3)).await, Ok(true));
        assert_eq!(world.store.code(id).await.unwrap().unwrap().grant.expires_at, until);
    }
}

async fn a_refused_code_begins_no_chain(world: World) {
    let code = world.code(true).await;
    assert_eq!(world.store.revoke_grant(code.grant.id, at(1)).await, Ok(true));
    let family = world.new_family();
    assert_eq!(
        world.store.redeem_code(code.id, code.grant.id, Some(&family), until(3), at(3)).await,
        Ok(false)
    );
    assert!(world.store.refresh_family(family.id).await.unwrap().is_none());
}
