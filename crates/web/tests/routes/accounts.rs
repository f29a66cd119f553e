//! The life of an account, as an operator leads it and its tokens show it.

use std::sync::Arc;

use serde_json::json;
use signet_protocol::{application::GrantType, id::AccountId, time::Seconds};
use signet_store::audit::Origin;
use signet_testkit::race::race;
use signet_web::manage::accounts::{self, AccountEdit, AccountError, NewAccount, NewKey, Which};

use crate::{
    machine::{GRANT, Machine, put_resources, token_of},
    rp::Rp,
    support::{Answer, World, on_both_engines},
};

on_both_engines!(
    an_account_lives_as_its_operator_says,
    of_many_refreshes_the_last_secret_counts_and_the_one_before_it,
    attack_09_an_account_that_is_made_again_has_no_old_tokens,
);

fn by() -> Origin {
    Origin::command_line()
}

async fn library(world: &Arc<World>) -> Rp {
    let rp = Rp::new(world, "library", |application| {
        application.settings.grant_types.push(GrantType::ClientCredentials);
    })
    .await;
    put_resources(world, Some(rp.application.id), &[("book", &["read"], None)]).await;
    rp
}

/// An account that may read books, and the secret it has.
async fn new(rp: &Rp) -> (Machine, String) {
    let new = NewAccount { token_lifetime: Some(Seconds(900)), remarks: Some("The shop".to_owned()) };
    let made = accounts::create(&rp.world.signet(), "library", new, &by()).await.unwrap();
    let id = made.account.id;
    let machine = Machine { rp: rp.clone(), account: id, id: id.to_string() };
    machine.rule(json!({ "resource": "book", "actions": ["read"] })).await;
    (machine, made.secret_key())
}

async fn ask(machine: &Machine, secret: &str) -> Answer {
    let form = [GRANT, ("client_id", &machine.id), ("client_secret", secret), ("scope", "book:read")];
    machine.rp.world.post(&machine.url("/token"), &form, None).await
}

fn which(machine: &Machine) -> Which {
    Which { id: machine.account, version: None }
}

async fn an_account_lives_as_its_operator_says(world: Arc<World>) {
    let rp = library(&world).await;
    let (machine, first) = new(&rp).await;
    let signet = world.signet();
    let listed = || async { accounts::list(&signet, &rp.id).await.unwrap().0.remove(0) };
    let made = listed().await;
    assert_eq!((made.id, made.enabled, made.token_lifetime), (machine.account, true, Seconds(900)));
    assert_eq!((made.last_used, made.overlap_until), (None, None));
    let answer = ask(&machine, &first).await;
    assert_eq!(answer.json()["expires_in"], 900);
    let token = token_of(&answer);
    assert!(rp.is_active(&token).await);
    assert_eq!(listed().await.last_used.map(|at| world.now() - at.0 < 5), Some(true));

    // With an overlap both secrets are good, and then the new one alone.
    let second = accounts::refresh(&signet, which(&machine), Seconds(60), &by()).await.unwrap();
    let (until, second) = (second.account.overlap_until.unwrap(), second.secret_key());
    assert_eq!(listed().await.overlap_until, Some(until));
    assert_eq!(
        (ask(&machine, &first).await.status.as_u16(), ask(&machine, &second).await.status.as_u16()),
        (200, 200)
    );
    world.advance(61);
    assert_eq!(ask(&machine, &first).await.error(), (401, "invalid_client".to_owned()));
    assert_eq!(ask(&machine, &second).await.status.as_u16(), 200);
    assert_eq!(listed().await.overlap_until, None);
    assert!(rp.is_active(&token).await, "what was given stays good");

    // Without one the old secret ends at once.
    let third = accounts::refresh(&signet, which(&machine), Seconds(0), &by()).await.unwrap().secret_key();
    assert_eq!(
        (ask(&machine, &second).await.status.as_u16(), ask(&machine, &third).await.status.as_u16()),
        (401, 200)
    );

    let edited = AccountEdit { token_lifetime: Some(Seconds(60)), remarks: Some(None), enabled: None };
    let edited = accounts::edit(&signet, which(&machine), edited, &by()).await.unwrap();
    assert_eq!((edited.remarks, edited.token_lifetime), (None, Seconds(60)));
    assert_eq!(ask(&machine, &third).await.json()["expires_in"], 60);

    assert!(!accounts::enable(&signet, machine.account, false, &by()).await.unwrap().enabled);
    assert_eq!(ask(&machine, &third).await.error(), (401, "invalid_client".to_owned()));
    assert!(!rp.is_active(&token).await);
    assert!(accounts::enable(&signet, machine.account, true, &by()).await.unwrap().enabled);
    assert!(rp.is_active(&token).await);

    let deleted = accounts::delete(&signet, which(&machine), &by()).await.unwrap();
    assert_eq!((deleted.account.id, deleted.rules), (machine.account, 1));
    assert_eq!(ask(&machine, &third).await.error(), (401, "invalid_client".to_owned()));
    assert!(!rp.is_active(&token).await);
    assert_eq!(accounts::list(&signet, "library").await.unwrap().0, []);
    assert_eq!(signet.store().stored_rules(rp.application.id).await.unwrap(), []);
}

async fn of_many_refreshes_the_last_secret_counts_and_the_one_before_it(world: Arc<World>) {
    let rp = library(&world).await;
    let (machine, first) = new(&rp).await;
    let (signet, id) = (world.signet(), machine.account);
    let outcomes = race(8, |_| {
        let signet = signet.clone();
        async move { accounts::refresh(&signet, Which { id, version: Some(1) }, Seconds(600), &by()).await }
    })
    .await;
    let made: Vec<NewKey> = outcomes.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 1, "whoever saw the first version is told that it changed");
    for (secret, status) in [(made[0].secret_key(), 200), (first, 200), ("x".repeat(32), 401)] {
        assert_eq!(ask(&machine, &secret).await.status.as_u16(), status);
    }
}

/// The row is put back as it was, in the lifetime of a token of the account that was deleted.
async fn attack_09_an_account_that_is_made_again_has_no_old_tokens(world: Arc<World>) {
    let rp = library(&world).await;
    let (machine, _) = new(&rp).await;
    let again = Machine { ..machine.clone() };
    let stored = world.signet().store().stored_account(machine.account).await.unwrap().unwrap();
    let secret = String::from_utf8(stored.secret.expose().to_vec()).unwrap();
    let token = token_of(&ask(&machine, &secret).await);
    accounts::delete(&world.signet(), which(&machine), &by()).await.unwrap();
    world.advance(60);
    world.change(signet_store::Change::InsertAccount(stored)).await;
    again.rule(json!({ "resource": "book", "actions": ["read"] })).await;
    let new = token_of(&ask(&again, &secret).await);
    assert!(rp.is_active(&new).await && !rp.is_active(&token).await);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_nothing_is_done() {
    let world = World::new().await;
    let rp = library(&world).await;
    let (machine, secret) = new(&rp).await;
    let signet = world.signet();
    let nobody = Which { id: AccountId::from_bytes([9; 12]), version: None };
    let remarks = |text: &str| NewAccount { remarks: Some(text.to_owned()), ..NewAccount::default() };
    let lifetime = |seconds| NewAccount { token_lifetime: Some(Seconds(seconds)), ..NewAccount::default() };
    for (application, account, words) in [
        ("nothing", NewAccount::default(), "there is no application"),
        ("library", lifetime(59), "60 to 2592000 seconds"),
        ("library", lifetime(2_592_001), "60 to 2592000 seconds"),
        ("library", remarks("two\nlines"), "remarks must be"),
    ] {
        let refused = accounts::create(&signet, application, account, &by()).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
    for overlap in [-1, 2_592_001, i64::MAX, i64::MIN] {
        let refused = accounts::refresh(&signet, which(&machine), Seconds(overlap), &by()).await;
        assert!(matches!(refused, Err(AccountError::Overlap)));
    }
    assert!(matches!(accounts::one(&signet, nobody.id).await, Err(AccountError::NoAccount(_))));
    assert!(matches!(accounts::delete(&signet, nobody, &by()).await, Err(AccountError::NoAccount(_))));
    let stale = Which { version: Some(7), ..which(&machine) };
    assert!(matches!(accounts::delete(&signet, stale, &by()).await, Err(AccountError::Changed)));
    assert!(matches!(accounts::refresh(&signet, stale, Seconds(0), &by()).await, Err(AccountError::Changed)));
    assert_eq!(ask(&machine, &secret).await.status.as_u16(), 200);
    assert_eq!(accounts::list(&signet, "library").await.unwrap().0.len(), 1);
}
