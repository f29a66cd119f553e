//! Transactions and sessions.

use signet_protocol::{
    id::{GrantId, SessionId},
    secret::SecretHash,
    session::Session,
    transaction::{Chosen, Ticket, Transaction, Trips},
};

use super::{World, after, at, winners};
use crate::on_worlds;

on_worlds!(
    a_transaction_comes_back,
    attack_12_a_transaction_is_bound_to_one_browser,
    a_choice_forgets_the_consent_before_it,
    consent_is_given_as_the_chosen_session_only,
    a_transaction_is_answered_once,
    a_used_transaction_takes_no_choice,
    a_session_comes_back,
    a_login_is_recorded_in_its_transaction,
    a_login_in_a_used_transaction_leaves_nothing,
    a_login_ends_the_session_it_replaces,
    attack_27_logout_reaches_what_an_earlier_login_gave,
    attack_27_another_persons_login_revokes_what_is_not_offline,
    a_session_ends_once,
    a_transaction_departs_so_often_and_no_more,
    attack_12_a_transaction_is_bound_to_one_browser_at_the_pools_address,
    attack_05_a_ticket_is_spent_once,
    a_ticket_needs_its_login_and_its_transaction,
    a_new_ticket_replaces_the_one_before,
    a_lent_login_ends_the_one_it_replaces,
);

async fn load(world: &World, transaction: &Transaction) -> Transaction {
    world.again().await.transaction(transaction.id).await.unwrap().unwrap()
}

async fn inserted(world: &World) -> Transaction {
    let transaction = world.new_transaction();
    world.store.insert_transaction(&transaction).await.unwrap();
    transaction
}

fn browser(name: &str) -> SecretHash {
    SecretHash::of("browser", name.as_bytes())
}

async fn a_transaction_comes_back(world: World) {
    let session: SessionId = world.row_id();
    for chosen in [None, Some(Chosen { session, by_login: true }), Some(Chosen { session, by_login: false })]
    {
        let new = Transaction {
            browser: chosen.map(|_| browser("mine")),
            consent: chosen.map(|chosen| chosen.by_login),
            chosen,
            ..world.new_transaction()
        };
        world.store.insert_transaction(&new).await.unwrap();
        assert_eq!(format!("{:?}", load(&world, &new).await), format!("{new:?}"));
    }
    let absent = world.new_transaction();
    assert!(world.store.transaction(absent.id).await.unwrap().is_none());
}

async fn attack_12_a_transaction_is_bound_to_one_browser(world: World) {
    let id = inserted(&world).await.id;
    let won = winners(&world, |store, number| async move {
        store.bind_transaction(id, browser(&number.to_string())).await.unwrap()
    });
    assert_eq!(won.await, 1);
}

async fn a_choice_forgets_the_consent_before_it(world: World) {
    let transaction = inserted(&world).await;
    let (first, second) = (world.row_id(), world.row_id());
    let by = |session| Chosen { session, by_login: true };
    assert_eq!(world.store.choose_session(transaction.id, by(first)).await, Ok(true));
    assert_eq!(world.store.answer_consent(transaction.id, first, true, at(0)).await, Ok(true));
    let stored = load(&world, &transaction).await;
    assert_eq!((stored.chosen, stored.consent), (Some(by(first)), Some(true)));
    assert_eq!(world.store.choose_session(transaction.id, by(second)).await, Ok(true));
    let stored = load(&world, &transaction).await;
    assert_eq!((stored.chosen, stored.consent), (Some(by(second)), None));
}

async fn consent_is_given_as_the_chosen_session_only(world: World) {
    let transaction = inserted(&world).await;
    let (mine, other) = (world.row_id(), world.row_id());
    assert_eq!(world.store.answer_consent(transaction.id, mine, false, at(0)).await, Ok(true));
    assert_eq!(world.store.answer_consent(transaction.id, other, true, at(0)).await, Ok(false));
    let stored = load(&world, &transaction).await;
    assert_eq!(stored.chosen, Some(Chosen { session: mine, by_login: false }));
    assert_eq!(stored.consent, Some(false));
}

async fn a_transaction_is_answered_once(world: World) {
    let transaction = inserted(&world).await;
    let id = transaction.id;
    let won = winners(&world, |store, _| async move { store.use_transaction(id, at(5)).await.unwrap() });
    assert_eq!(won.await, 1);
    assert_eq!(load(&world, &transaction).await.used_at, Some(after(5)));
}

async fn a_used_transaction_takes_no_choice(world: World) {
    let id = inserted(&world).await.id;
    let session = world.row_id();
    assert_eq!(world.store.use_transaction(id, at(5)).await, Ok(true));
    assert_eq!(world.store.choose_session(id, Chosen { session, by_login: true }).await, Ok(false));
    assert_eq!(world.store.answer_consent(id, session, true, at(0)).await, Ok(false));
}

async fn a_session_comes_back(world: World) {
    let user = world.user("alice").await;
    let mut new = world.new_session(&user);
    new.application = Some(world.new_application("notes").id);
    assert_eq!(world.store.begin_session(&new, None, None, None, at(0)).await, Ok(true));
    let stored = world.again().await.session(new.id).await.unwrap().unwrap();
    assert_eq!(format!("{stored:?}"), format!("{new:?}"));
    assert!(stored.hash.matches(&new.hash));
    assert!(world.store.session(world.row_id()).await.unwrap().is_none());
}

async fn a_login_is_recorded_in_its_transaction(world: World) {
    let transaction = inserted(&world).await;
    let session = world.new_session(&world.user("alice").await);
    let chosen = Chosen { session: session.id, by_login: true };
    let begun = world.store.begin_session(&session, None, None, Some((transaction.id, chosen)), at(0)).await;
    assert_eq!(begun, Ok(true));
    assert_eq!(load(&world, &transaction).await.chosen, Some(chosen));
}

async fn a_login_in_a_used_transaction_leaves_nothing(world: World) {
    let transaction = inserted(&world).await;
    let user = world.user("alice").await;
    let (old, new) = (world.session(&user).await, world.new_session(&user));
    assert_eq!(world.store.use_transaction(transaction.id, at(1)).await, Ok(true));
    let chosen = Chosen { session: new.id, by_login: true };
    let begun =
        world.store.begin_session(&new, None, Some(&old), Some((transaction.id, chosen)), at(2)).await;
    assert_eq!(begun, Ok(false));
    assert!(world.store.session(new.id).await.unwrap().is_none());
    assert_eq!(world.store.session(old.id).await.unwrap().unwrap().ended_at, None);
}

async fn a_login_ends_the_session_it_replaces(world: World) {
    let user = world.user("alice").await;
    let (old, new) = (world.session(&user).await, world.new_session(&user));
    let code = world.new_code(world.new_grant(&old, world.new_application("notes").id, false));
    assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    assert_eq!(world.store.begin_session(&new, None, Some(&old), None, at(7)).await, Ok(true));
    assert_eq!(world.store.session(old.id).await.unwrap().unwrap().ended_at, Some(after(7)));
    assert_eq!(world.store.session(new.id).await.unwrap().unwrap().ended_at, None);
    assert!(!world.is_revoked(code.grant.id).await, "its grants live on");
    let grant = world.store.code(code.id).await.unwrap().unwrap().grant;
    assert_eq!((grant.session, grant.sid), (new.id, old.id), "with the new one, called as before");
}

/// The grants of a session: one that ends with it, one that does not.
async fn grants_of(world: &World, session: &Session) -> [GrantId; 2] {
    let application = world.new_application("notes").id;
    let codes = [false, true].map(|offline| world.new_code(world.new_grant(session, application, offline)));
    for code in &codes {
        assert_eq!(world.store.issue_code(code, None, at(0)).await, Ok(true));
    }
    codes.map(|code| code.grant.id)
}

async fn attack_27_logout_reaches_what_an_earlier_login_gave(world: World) {
    let user = world.user("alice").await;
    let first = world.session(&user).await;
    let [plain, offline] = grants_of(&world, &first).await;
    let mut old = first;
    for _ in 0..2 {
        let new = world.new_session(&user);
        assert_eq!(world.store.begin_session(&new, None, Some(&old), None, at(1)).await, Ok(true));
        old = new;
    }
    assert_eq!(world.store.end_session(old.id, at(2)).await, Ok(true));
    assert!(world.is_revoked(plain).await);
    assert!(!world.is_revoked(offline).await);
}

async fn attack_27_another_persons_login_revokes_what_is_not_offline(world: World) {
    let old = world.session(&world.user("alice").await).await;
    let [plain, offline] = grants_of(&world, &old).await;
    let new = world.new_session(&world.user("bob").await);
    assert_eq!(world.store.begin_session(&new, None, Some(&old), None, at(1)).await, Ok(true));
    assert!(world.is_revoked(plain).await);
    assert!(!world.is_revoked(offline).await);
    assert_eq!(world.store.session(old.id).await.unwrap().unwrap().ended_at, Some(after(1)));
}

async fn a_session_ends_once(world: World) {
    let session = world.session(&world.user("alice").await).await;
    let id = session.id;
    let won = winners(&world, |store, _| async move { store.end_session(id, at(3)).await.unwrap() });
    assert_eq!(won.await, 1);
    assert_eq!(world.store.session(id).await.unwrap().unwrap().ended_at, Some(after(3)));
}

async fn a_transaction_departs_so_often_and_no_more(world: World) {
    let new = Transaction { trips: Trips { taken: 1, ..Trips::default() }, ..world.new_transaction() };
    world.store.insert_transaction(&new).await.unwrap();
    let id = new.id;
    let won = winners(&world, |store, _| async move { store.depart(id, 5).await.unwrap() });
    assert_eq!(won.await, 4);
    assert_eq!(load(&world, &new).await.trips.taken, 5);
    let used = inserted(&world).await.id;
    assert_eq!(world.store.use_transaction(used, at(5)).await, Ok(true));
    assert_eq!(world.store.depart(used, 5).await, Ok(false));
}

async fn attack_12_a_transaction_is_bound_to_one_browser_at_the_pools_address(world: World) {
    let transaction = inserted(&world).await;
    let id = transaction.id;
    let won = winners(&world, |store, number| async move {
        store.bind_at_pool(id, browser(&number.to_string())).await.unwrap()
    });
    assert_eq!(won.await, 1);
    let stored = load(&world, &transaction).await;
    assert!(stored.browser.is_none() && stored.trips.browser.is_some());
}

fn ticket(session: &Session, name: &str) -> Ticket {
    let hash = SecretHash::of("transaction", name.as_bytes());
    Ticket { hash, session: session.id, expires_at: after(30) }
}

async fn attack_05_a_ticket_is_spent_once(world: World) {
    let transaction = inserted(&world).await;
    let session = world.session(&world.user("alice").await).await;
    let (id, given) = (transaction.id, ticket(&session, "one"));
    assert_eq!(world.store.give_ticket(id, &given).await, Ok(true));
    let stored = load(&world, &transaction).await.trips.ticket;
    assert_eq!(format!("{stored:?}"), format!("{:?}", Some(given)));
    let other = ticket(&session, "two").hash;
    assert_eq!(world.store.spend_ticket(id, other, &session, None, at(1)).await, Ok(false));
    let elsewhere = inserted(&world).await.id;
    assert_eq!(world.store.spend_ticket(elsewhere, given.hash, &session, None, at(1)).await, Ok(false));
    let won = winners(&world, |store, _| {
        let session = session.clone();
        async move { store.spend_ticket(id, given.hash, &session, None, at(1)).await.unwrap() }
    });
    assert_eq!(won.await, 1);
    assert!(load(&world, &transaction).await.trips.ticket.is_none());
}

async fn a_ticket_needs_its_login_and_its_transaction(world: World) {
    let session = world.session(&world.user("alice").await).await;
    let given = ticket(&session, "one");
    let (used, ended) = (inserted(&world).await.id, inserted(&world).await.id);
    for id in [used, ended] {
        assert_eq!(world.store.give_ticket(id, &given).await, Ok(true));
    }
    assert_eq!(world.store.use_transaction(used, at(1)).await, Ok(true));
    assert_eq!(world.store.spend_ticket(used, given.hash, &session, None, at(2)).await, Ok(false));
    assert_eq!(world.store.give_ticket(used, &given).await, Ok(false));
    assert_eq!(world.store.end_session(session.id, at(3)).await, Ok(true));
    assert_eq!(world.store.spend_ticket(ended, given.hash, &session, None, at(4)).await, Ok(false));
    assert_eq!(world.store.give_ticket(ended, &given).await, Ok(false));
}

async fn a_new_ticket_replaces_the_one_before(world: World) {
    let id = inserted(&world).await.id;
    let session = world.session(&world.user("alice").await).await;
    let spend = async |name| {
        world.store.spend_ticket(id, ticket(&session, name).hash, &session, None, at(1)).await.unwrap()
    };
    for name in ["one", "two"] {
        assert_eq!(world.store.give_ticket(id, &ticket(&session, name)).await, Ok(true));
    }
    assert!(!spend("one").await);
    assert!(spend("two").await);
    assert_eq!(world.store.give_ticket(id, &ticket(&session, "three")).await, Ok(true));
    assert_eq!(world.store.depart(id, 5).await, Ok(true));
    assert!(!spend("three").await, "another trip forgets the ticket of the one before");
}

async fn a_lent_login_ends_the_one_it_replaces(world: World) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    for (number, (old, same)) in [(&alice, true), (&bob, false)].into_iter().enumerate() {
        let (old, new) = (world.session(old).await, world.session(&alice).await);
        let [plain, offline] = grants_of(&world, &old).await;
        let (id, given) = (inserted(&world).await.id, ticket(&new, "one"));
        assert_eq!(world.store.give_ticket(id, &given).await, Ok(true));
        let now = at(7 + i64::try_from(number).unwrap());
        assert_eq!(world.store.spend_ticket(id, given.hash, &new, Some(&old), now).await, Ok(true));
        assert!(world.store.session(old.id).await.unwrap().unwrap().ended_at.is_some());
        assert_eq!(world.is_revoked(plain).await, !same);
        assert!(!world.is_revoked(offline).await);
    }
}
