//! What many do at once, each with rows of their own, comes to the same as if they had come one after the other. (On PostgreSQL
//! a group of them is said in bulk.)

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use signet_protocol::{
    claims_request::ClaimsRequest, code::AuthorizationCode, resource::GrantItems, time::Timestamp,
};
use signet_store::{Database, NewFamily, Store, sql};

use super::{World, after, at};
use crate::{on_worlds, parallel, postgres::holding};

on_worlds!(
    each_of_many_codes_is_stored_as_it_is,
    each_of_many_finds_its_own,
    each_of_many_codes_begins_its_own_chain,
    each_of_many_chains_moves_on_by_itself,
    one_that_is_refused_keeps_none_of_the_others,
);

const MANY: usize = 100;

/// The number of a task, in seconds.
fn seconds(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

/// Does `work` with each at once; what came of it, in order.
async fn all<T, F>(world: &World, each: &[T], work: impl Fn(Store, usize, T) -> F) -> Vec<bool>
where
    T: Clone,
    F: Future<Output = bool> + Send + 'static,
{
    let outcomes = parallel(each.len(), |number| {
        let work = work(world.store.clone(), number, each[number].clone());
        async move { (number, work.await) }
    });
    let mut outcomes = outcomes.await;
    outcomes.sort_unstable();
    outcomes.into_iter().map(|(_, done)| done).collect()
}

/// Does `work` with each at once, which must come to `true` for all, and in groups: none of them had to be done again alone.
async fn all_done<T, F>(world: &World, each: &[T], work: impl Fn(Store, usize, T) -> F)
where
    T: Clone,
    F: Future<Output = bool> + Send + 'static,
{
    let grouped = || (world.store.stats().group.sum(), world.store.stats().group.count());
    let (batches, groups) = grouped();
    assert_eq!(all(world, each, work).await, [true; MANY]);
    let (batches, groups) = (grouped().0 - batches, grouped().1 - groups);
    // Records may have been sealed meanwhile, which is a batch, too.
    assert!(batches > 99.5 && groups < 100, "{batches} batches in {groups} groups");
}

/// Codes of one session, no two alike.
async fn codes(world: &World) -> Vec<AuthorizationCode> {
    let session = world.session(&world.user("alice").await).await;
    let application = world.new_application("notes").id;
    let new = |number: usize| {
        let mut code = world.new_code(world.new_grant(&session, application, number.is_multiple_of(2)));
        code.redirect_uri = format!("https://notes.example/callback?n={number}");
        code.expires_at = after(600 + seconds(number));
        code.grant.expires_at = after(4200 + seconds(number));
        if number.is_multiple_of(3) {
            (code.challenge, code.nonce) = (None, None);
            (code.grant.claims, code.grant.items) = (ClaimsRequest::default(), GrantItems::default());
        }
        code
    };
    let codes: Vec<_> = (0..MANY).map(new).collect();
    all_done(
        world,
        &codes,
        |store, _, code| async move { store.issue_code(&code, None, at(0)).await.unwrap() },
    )
    .await;
    codes
}

/// When chain `number` ends, and when its grant does that has none.
fn end(number: usize) -> Timestamp {
    after(9_000_000 + seconds(number))
}

/// The codes redeemed, with a chain each.
async fn chains(world: &World) -> Vec<(AuthorizationCode, NewFamily)> {
    let chain = |(number, code)| (code, NewFamily { expires_at: end(number), ..world.new_family() });
    let chains: Vec<_> = codes(world).await.into_iter().enumerate().map(chain).collect();
    all_done(world, &chains, |store, number, (code, family)| async move {
        let now = at(seconds(number));
        store.redeem_code(code.id, code.grant.id, Some(&family), after(0), now).await.unwrap()
    })
    .await;
    chains
}

async fn each_of_many_codes_is_stored_as_it_is(world: World) {
    let codes = codes(&world).await;
    let again = world.again().await;
    for code in codes {
        let stored = again.code(code.id).await.unwrap().unwrap();
        assert_eq!(format!("{stored:?}"), format!("{code:?}"));
        assert!(stored.hash.matches(&code.hash));
    }
}

async fn each_of_many_finds_its_own(world: World) {
    let codes = codes(&world).await;
    let (store, absent) = (&world.store, world.row_id());
    let found = parallel(MANY, |number| {
        let (store, code) = (store.clone(), codes[number].clone());
        async move {
            // Of every third one something else is asked at the same time, and of every fifth what is not there.
            let id = if number.is_multiple_of(5) { absent } else { code.id };
            let found = store.code(id).await.unwrap().map(|found| found.id);
            assert_eq!(found, (!number.is_multiple_of(5)).then_some(code.id));
            if number.is_multiple_of(3) {
                let session = store.session(code.grant.session).await.unwrap().unwrap();
                assert_eq!((session.id, session.user), (code.grant.session, code.grant.user));
                let user = store.user(code.grant.user).await.unwrap().unwrap();
                assert_eq!(user.username.as_deref(), Some("alice"));
            }
        }
    });
    assert_eq!(found.await.len(), MANY);
}

async fn each_of_many_codes_begins_its_own_chain(world: World) {
    let chains = chains(&world).await;
    let again = world.again().await;
    for (number, (code, family)) in chains.iter().enumerate() {
        let then = after(seconds(number));
        assert_eq!(again.code(code.id).await.unwrap().unwrap().consumed_at, Some(then));
        let stored = again.refresh_family(family.id).await.unwrap().unwrap();
        assert_eq!((stored.grant.id, stored.generation, stored.repeats), (code.grant.id, 0, 0));
        assert_eq!((stored.rotated_at, stored.expires_at), (then, end(number)));
        assert_eq!(stored.grant.expires_at, end(number), "kept for its chain");
    }
    let twice = all(&world, &chains, |store, _, (code, _)| async move {
        store.redeem_code(code.id, code.grant.id, None, after(0), at(1)).await.unwrap()
    });
    assert_eq!(twice.await, [false; MANY], "attack 6");
}

async fn each_of_many_chains_moves_on_by_itself(world: World) {
    let chains = chains(&world).await;
    all_done(&world, &chains, |store, number, (code, family)| async move {
        // Of every second the grant has to be kept for longer.
        let until = (!number.is_multiple_of(2)).then(|| after(10_000_000 + seconds(number)));
        let now = at(1000 + seconds(number));
        store.rotate(family.id, code.grant.id, 0, until, now).await.unwrap()
    })
    .await;
    for (number, (_, family)) in chains.iter().enumerate() {
        let stored = world.again().await.refresh_family(family.id).await.unwrap().unwrap();
        assert_eq!((stored.generation, stored.rotated_at), (1, after(1000 + seconds(number))));
        let kept = if number.is_multiple_of(2) { end(number) } else { after(10_000_000 + seconds(number)) };
        assert_eq!(stored.grant.expires_at, kept);
    }
}

async fn one_that_is_refused_keeps_none_of_the_others(world: World) {
    let chains = chains(&world).await;
    assert_eq!(world.store.revoke_grant(chains[7].0.grant.id, at(0)).await, Ok(true));
    // Number 7 has a grant that is revoked, 8 a generation that never was, 9 the grant of another chain, and 11 is 10.
    let mut asked: Vec<_> = chains.iter().map(|(code, family)| (family.id, code.grant.id, 0_i64)).collect();
    asked[8].2 = 1;
    asked[9].1 = chains[1].0.grant.id;
    asked[11] = asked[10];
    let moved = all(&world, &asked, |store, _, (family, grant, from)| async move {
        store.rotate(family, grant, from, None, at(1)).await.unwrap()
    });
    let moved = moved.await;
    let refused: BTreeSet<usize> = (0..MANY).filter(|number| !moved[*number]).collect();
    let twins = [10, 11].iter().filter(|twin| refused.contains(twin)).count();
    assert_eq!(twins, 1, "attack 6: of two that move the same chain one does");
    assert_eq!(refused.difference(&BTreeSet::from([10, 11])).copied().collect::<Vec<_>>(), [7, 8, 9]);
    for (number, (_, family)) in chains.iter().enumerate() {
        let stored = world.store.refresh_family(family.id).await.unwrap().unwrap();
        assert_eq!(stored.generation, i64::from(![7, 8, 9, 11].contains(&number)), "{number}");
    }
}

/// Whoever looks for what somebody has locked waits for it by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_keeps_only_who_needs_what_is_locked() {
    let world = World::postgres().await;
    let codes = codes(&world).await;
    let Database::Postgres(url) = &world.options.database else { panic!("{:?}", world.options) };
    let lock = holding(url, "LOCK TABLE session IN ACCESS EXCLUSIVE MODE").await;
    let (store, session) = (world.store.clone(), codes[0].grant.session);
    let waiting = tokio::spawn(async move { store.session(session).await });
    for code in &codes {
        let found = tokio::time::timeout(Duration::from_secs(5), world.store.code(code.id)).await;
        assert!(found.unwrap().unwrap().is_some());
    }
    assert!(!waiting.is_finished());
    lock.batch_execute("ROLLBACK").await.unwrap();
    assert!(waiting.await.unwrap().unwrap().is_some());
}

/// A text for many rows is about one pool, and takes what the text for one does.
#[test]
fn attack_19_a_statement_for_many_says_of_which_pool() {
    let mut seen = HashSet::new();
    for bulk in sql::bulks() {
        let name = bulk.one.name;
        assert!(seen.insert(name) && sql::all().iter().any(|sql| sql.name == name), "{name}");
        let last = |text: &str| (1..=20).filter(|number| text.contains(&format!("${number}"))).max();
        assert_eq!(last(bulk.one.text), last(bulk.many), "{name}");
        let of_pool =
            ["NOT pool_id <> $2", "SELECT family_id, $2,", "SELECT grant_id, $2,", "SELECT code_id, $2,"];
        assert!(of_pool.iter().any(|of_pool| bulk.many.contains(of_pool)), "{name}");
        assert!(!bulk.each.is_empty() && !bulk.each.contains(&2), "{name}");
    }
}
