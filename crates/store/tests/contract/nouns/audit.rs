//! The audit log: written with the act, sealed in one chain, and whatever is changed in it is found.

use signet_protocol::time::{Now, Timestamp};
use signet_store::{
    Applied, Change, Database, SignOut, Store,
    audit::{Act, Action, Break, Entry, Filter, Kind, Named, Origin, Select, Via},
    sql::{Batch, Engine, Sql, Written},
};

use super::{World, at, winners};
use crate::on_worlds;

on_worlds!(
    a_record_stands_or_falls_with_its_act,
    what_was_written_is_what_is_read,
    a_whole_chain_verifies_and_goes_on,
    whatever_is_changed_is_found,
    a_row_that_is_gone_or_too_many_is_found,
    somebody_who_hashes_anew_is_found_by_a_head_kept_elsewhere,
    nodes_that_seal_at_once_make_one_chain,
    what_a_crash_left_unsealed_is_sealed_by_the_next_start,
    old_records_go_when_asked_and_the_rest_verifies,
    of_nodes_that_delete_at_once_each_record_goes_once,
    records_are_found_by_what_is_looked_for,
    pages_meet_every_record_once,
    failures_are_written_without_an_act,
    a_page_that_is_bounded_says_where_it_goes_on,
);

pub fn origin() -> Origin {
    Origin {
        ip: Some("192.0.2.7".to_owned()),
        user_agent: Some("test/1.0".to_owned()),
        request_id: Some("abcdefghijklmnop".to_owned()),
        ..Origin::new(Via::Page, Named::new("u1", "alice"))
    }
}

pub fn login(number: i64) -> Entry {
    Entry::of_user(Action::Login, origin()).at(Named::new("a1", "Notes")).with("number", number)
}

fn changed() -> Entry {
    let by = Origin::new(Via::Console, Named::new("u2", "bob")).because("asked for");
    Entry::of_admin(Action::Update, by).on("application", Named::new("a1", "Notes"))
}

async fn write(store: &Store, entries: Vec<Entry>, now: Now) {
    store.write_audit(&Act { now, entries }).await.unwrap();
}

/// Ten sealed records.
async fn ten(world: &World) {
    for number in 0..9 {
        write(&world.store, vec![login(number)], at(number)).await;
    }
    write(&world.store, vec![changed()], at(9)).await;
    world.store.seal_audit().await.unwrap();
}

async fn broken(world: &World) -> Option<Break> {
    world.store.verify_audit(None).await.unwrap().broken
}

/// Raw SQL, as somebody who can write the database would use it.
async fn tamper(world: &World, text: String) {
    let address = match &world.options.database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(url) => url.clone(),
    };
    let sql: &'static Sql = Box::leak(Box::new(Sql { name: "tamper", text: text.leak() }));
    let done = Engine::open(&address).unwrap().write(Batch::new().guard(sql, vec![])).await;
    assert_eq!(done, Ok(Written::Done));
}

async fn a_record_stands_or_falls_with_its_act(world: World) {
    let user = world.user("alice").await;
    let session = world.new_session(&user);
    let act = Act::new(at(0), login(1));
    assert_eq!(world.store.begin_session(&session, None, None, None, act.clone()).await, Ok(true));
    world.store.seal_audit().await.unwrap();
    assert_eq!(world.store.audit_head().await.unwrap().seq, 1);
    let mut blocked = user.clone();
    blocked.blocked = true;
    world.apply(Change::UpdateUser(blocked.clone())).await;
    let another = world.new_session(&user);
    assert_eq!(world.store.begin_session(&another, None, None, None, act.clone()).await, Ok(false));
    let stale = world.store.apply(vec![Change::UpdateUser(user)], act, &mut signet_testkit::seed::Seeded(1));
    assert_eq!(stale.await, Ok(Applied::Changed));
    let out = Act::new(at(1), Entry::of_user(Action::Logout, origin()));
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), out.clone()).await, Ok(false), "blocked");
    world.store.seal_audit().await.unwrap();
    assert_eq!(world.store.audit_head().await.unwrap().seq, 1, "nothing was done, so nothing is written");
}

async fn what_was_written_is_what_is_read(world: World) {
    write(&world.store, vec![login(7), changed().failed()], at(0)).await;
    world.store.seal_audit().await.unwrap();
    let page = world.store.audit(&Filter::default(), &Select::default()).await.unwrap();
    let [admin, user] = <[_; 2]>::try_from(page.records).unwrap();
    assert_eq!((user.kind.as_str(), user.action.as_str(), user.success), ("user", "login", true));
    assert_eq!((user.actor_id.as_deref(), user.actor_name.as_deref()), (Some("u1"), Some("alice")));
    assert_eq!((user.app_name.as_deref(), user.ip.as_deref()), (Some("Notes"), Some("192.0.2.7")));
    assert_eq!((user.user_agent.as_deref(), user.via.as_str()), (Some("test/1.0"), "page"));
    assert_eq!(user.details()["number"], 7);
    assert_eq!((user.time(), user.seq), (at(0).timestamp(), Some(1)));
    assert_eq!((admin.kind.as_str(), admin.success, admin.seq), ("admin", false, Some(2)));
    assert_eq!(admin.target_kind.as_deref(), Some("application"));
    assert_eq!(admin.details()["reason"], "asked for");
    assert_ne!(user.hash, admin.hash);
}

async fn a_whole_chain_verifies_and_goes_on(world: World) {
    assert_eq!(world.store.verify_audit(None).await.unwrap().records, 0);
    ten(&world).await;
    let first = world.store.verify_audit(None).await.unwrap();
    assert_eq!((first.records, first.broken, first.head.seq), (10, None, 10));
    for number in 0..600 {
        write(&world.store, vec![login(number)], at(10)).await;
    }
    let kept = (first.head.seq, first.head.hash);
    let then = world.store.verify_audit(Some(kept)).await.unwrap();
    assert_eq!((then.records, then.broken), (610, None), "what is not sealed yet is sealed first");
}

async fn whatever_is_changed_is_found(world: World) {
    ten(&world).await;
    let sqlite = world.file().is_some();
    let wrong = |text: &'static str, bytes: &'static str| if sqlite { text } else { bytes };
    let changes = [
        ("pool_id", "'x' || pool_id"),
        ("at", "at + 1"),
        ("kind", "'usfr'"),
        ("action", "'logim'"),
        ("success", wrong("1 - success", "NOT success")),
        ("times", "times + 1"),
        ("via", "'pagf'"),
        ("actor_id", "'u2'"),
        ("actor_name", "'alicf'"),
        ("target_kind", "'user'"),
        ("target_id", "'t'"),
        ("target_name", "''"),
        ("app_id", "'a2'"),
        ("app_name", "NULL"),
        ("ip", "'192.0.2.8'"),
        ("user_agent", "'test/1.1'"),
        ("request_id", "'abcdefghijklmnoq'"),
        ("detail", "'{\"number\":9}'"),
        ("seq", "9999"),
        ("hash", wrong("zeroblob(32)", "decode(repeat('00', 32), 'hex')")),
        ("hash", wrong("zeroblob(3)", "decode('000000', 'hex')")),
        ("audit_id", wrong("zeroblob(16)", "decode(repeat('00', 16), 'hex')")),
        ("audit_id", wrong("zeroblob(3)", "decode('000000', 'hex')")),
    ];
    assert_eq!(broken(&world).await, None);
    let count = changes.len();
    for (number, (column, value)) in changes.into_iter().enumerate() {
        let again = restored(&world, number).await;
        tamper(&again, format!("UPDATE audit SET {column} = {value} WHERE seq = 5")).await;
        let found = broken(&again).await;
        assert!(
            matches!(found, Some(Break::Changed(5) | Break::Missing(5))),
            "{column} = {value}: {found:?} of {count}"
        );
    }
    for change in ["seq = seq + 1", "seq = seq - 1", "hash = (SELECT hash FROM audit WHERE seq = 3)"] {
        let again = restored(&world, 100).await;
        tamper(&again, format!("UPDATE audit_head SET {change}")).await;
        assert!(broken(&again).await.is_some(), "the head: {change}");
    }
}

/// Another installation with ten records.
async fn restored(world: &World, _number: usize) -> World {
    let again = if world.file().is_some() { World::sqlite().await } else { World::postgres().await };
    ten(&again).await;
    again
}

async fn a_row_that_is_gone_or_too_many_is_found(world: World) {
    ten(&world).await;
    tamper(&world, "DELETE FROM audit WHERE seq = 4".to_owned()).await;
    assert_eq!(broken(&world).await, Some(Break::Missing(4)));
    let last = restored(&world, 1).await;
    tamper(&last, "DELETE FROM audit WHERE seq = 10".to_owned()).await;
    assert_eq!(broken(&last).await, Some(Break::Missing(10)));
    let more = restored(&world, 2).await;
    let columns = "pool_id, at, kind, action, success, times, via, detail, hash";
    let id = if more.file().is_some() { "zeroblob(16)" } else { "decode(repeat('00', 16), 'hex')" };
    tamper(
        &more,
        format!(
            "INSERT INTO audit (audit_id, seq, {columns}) SELECT {id}, 12, {columns} FROM audit WHERE seq = 9"
        ),
    )
    .await;
    assert_eq!(broken(&more).await, Some(Break::Inserted(12)));
}

async fn somebody_who_hashes_anew_is_found_by_a_head_kept_elsewhere(world: World) {
    ten(&world).await;
    let kept = world.store.audit_head().await.unwrap();
    let other = if world.file().is_some() { World::sqlite().await } else { World::postgres().await };
    write(&other.store, vec![login(99)], at(0)).await;
    ten(&other).await;
    let forged = other.store.verify_audit(Some((kept.seq, kept.hash))).await.unwrap();
    assert_eq!(forged.broken, Some(Break::Expected(10)), "a chain that is whole, and another");
    let longer = world.store.verify_audit(Some((11, kept.hash))).await.unwrap();
    assert_eq!(longer.broken, Some(Break::Expected(11)), "cut off since");
}

async fn nodes_that_seal_at_once_make_one_chain(world: World) {
    let other = world.again().await;
    let written = winners(&world, |store, number| {
        let store = if number % 2 == 0 { other.clone() } else { store };
        async move {
            for again in 0..5 {
                write(&store, vec![login(again)], at(i64::try_from(number).unwrap())).await;
                store.seal_audit().await.unwrap();
            }
            true
        }
    });
    assert_eq!(written.await, 64);
    for store in [&world.store, &other] {
        let verified = store.verify_audit(None).await.unwrap();
        assert_eq!((verified.records, verified.broken, verified.head.seq), (320, None, 320));
    }
}

async fn what_a_crash_left_unsealed_is_sealed_by_the_next_start(world: World) {
    ten(&world).await;
    let session = world.new_session(&world.user("alice").await);
    let act = Act::new(at(20), login(1));
    assert_eq!(world.store.begin_session(&session, None, None, None, act).await, Ok(true));
    // Nobody seals in this process: another one finds it.
    let next = world.again().await;
    let verified = next.verify_audit(None).await.unwrap();
    assert_eq!((verified.records, verified.broken), (11, None));
}

async fn old_records_go_when_asked_and_the_rest_verifies(world: World) {
    ten(&world).await;
    let told = || Act::new(at(20), Entry::of_admin(Action::Prune, Origin::command_line()));
    assert_eq!(world.store.prune_audit(at(4).millis(), told()).await, Ok(4));
    let verified = world.store.verify_audit(None).await.unwrap();
    assert_eq!((verified.records, verified.broken), (7, None), "six and the one that says so");
    assert_eq!(world.store.prune_audit(at(4).millis(), told()).await, Ok(0));
    assert_eq!(world.store.prune_audit(at(6).millis(), told()).await, Ok(2));
    assert_eq!(broken(&world).await, None);
    // Whoever deletes without saying so cannot make up the record that the rest would have to have.
    tamper(&world, "DELETE FROM audit WHERE seq = 7".to_owned()).await;
    assert_eq!(broken(&world).await, Some(Break::Missing(7)));
    tamper(&world, "UPDATE audit_head SET base_seq = 7, base_hash = hash".to_owned()).await;
    assert!(broken(&world).await.is_some());
    let silent = restored(&world, 0).await;
    tamper(
        &silent,
        "UPDATE audit_head SET base_seq = 2, base_hash = (SELECT hash FROM audit WHERE seq = 2)".to_owned(),
    )
    .await;
    tamper(&silent, "DELETE FROM audit WHERE seq = 1".to_owned()).await;
    tamper(&silent, "DELETE FROM audit WHERE seq = 2".to_owned()).await;
    assert_eq!(broken(&silent).await, Some(Break::Base(2)));
}

async fn records_are_found_by_what_is_looked_for(world: World) {
    ten(&world).await;
    let mut other = login(100).failed();
    other.origin = Origin::new(Via::Endpoint, Named::new("u9", "carol"));
    write(&world.store, vec![other.on("user", Named::new("t1", "dave"))], at(60)).await;
    world.store.seal_audit().await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let all = Filter::default;
    for (what, filter, count) in [
        ("all", all(), 11),
        ("kind", Filter { kind: Some(Kind::Admin), ..all() }, 1),
        ("action", Filter { action: Some(Action::Login), ..all() }, 10),
        ("actor", Filter { actor: text("u9"), ..all() }, 1),
        ("application", Filter { application: text("a1"), ..all() }, 10),
        ("target", Filter { target: text("t1"), ..all() }, 1),
        ("another target", Filter { target: text("a1"), ..all() }, 1),
        ("address", Filter { ip: text("192.0.2.7"), ..all() }, 9),
        ("request", Filter { request_id: text("abcdefghijklmnop"), ..all() }, 9),
        ("failed", Filter { success: Some(false), ..all() }, 1),
        ("done", Filter { success: Some(true), ..all() }, 10),
        ("from", Filter { from: Some(Timestamp(at(8).timestamp().0)), ..all() }, 3),
        ("to", Filter { to: Some(Timestamp(at(8).timestamp().0)), ..all() }, 8),
        ("several", Filter { kind: Some(Kind::User), actor: text("u1"), success: Some(true), ..all() }, 9),
        ("none", Filter { kind: Some(Kind::Admin), actor: text("u1"), ..all() }, 0),
    ] {
        for forward in [false, true] {
            let page = Select { forward, ..Select::default() };
            let found = world.store.audit(&filter, &page).await.unwrap();
            assert_eq!((found.records.len(), found.next), (count, None), "{what}");
        }
    }
}

async fn pages_meet_every_record_once(world: World) {
    for number in 0..25 {
        write(&world.store, vec![login(number)], at(0)).await;
    }
    world.store.seal_audit().await.unwrap();
    for forward in [false, true] {
        let (mut met, mut page) = (Vec::new(), Select { limit: 10, forward, ..Select::default() });
        loop {
            let found = world.store.audit(&Filter::default(), &page).await.unwrap();
            met.extend(found.records.iter().map(|record| record.seq.unwrap()));
            match found.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        if !forward {
            met.reverse();
        }
        assert_eq!(met, (1..=25).collect::<Vec<_>>(), "forward: {forward}");
    }
}

async fn failures_are_written_without_an_act(world: World) {
    for _ in 0..1000 {
        let failed = signet_store::audit::Failed {
            whose: "alice".to_owned(),
            network: "192.0.2.0".to_owned(),
            entry: login(1).failed(),
        };
        world.store.note_failure(failed, at(0));
    }
    world.store.clone().close().await;
    let again = world.again().await;
    let found = again.audit(&Filter { success: Some(false), ..Filter::default() }, &Select::default()).await;
    let records = found.unwrap().records;
    assert!((1..=2).contains(&records.len()), "{}", records.len());
    assert_eq!(records.iter().map(|record| record.times).sum::<i64>(), 1000);
}

/// A million records: each kind of page is found by an index, without a look at the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_million_records_is_found_fast() {
    let world = World::sqlite().await;
    write(&world.store, vec![login(1)], at(0)).await;
    world.store.seal_audit().await.unwrap();
    let path = world.file().unwrap();
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = OFF;
             WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= 1000000)
             INSERT INTO audit (audit_id, pool_id, at, kind, action, success, times, via, actor_id, actor_name,
                 app_id, app_name, ip, detail, seq, hash)
             SELECT CAST(printf('%016d', i) AS BLOB), pool_id, at + i, kind, action,
                 CASE WHEN i % 100000 = 0 THEN 0 ELSE 1 END, 1, via, 'u' || (i % 10000), 'name', 'a' || (i % 100),
                 'app', '10.0.' || (i % 200) || '.1', detail, i, hash
             FROM n, audit WHERE seq = 1",
        )
        .unwrap();
    let text = |text: &str| Some(text.to_owned());
    let all = Filter::default;
    for (what, filter) in [
        ("all", all()),
        ("kind", Filter { kind: Some(Kind::User), ..all() }),
        ("no such kind", Filter { kind: Some(Kind::Admin), ..all() }),
        ("action", Filter { action: Some(Action::Login), ..all() }),
        ("actor", Filter { actor: text("u77"), ..all() }),
        ("application", Filter { application: text("a7"), kind: Some(Kind::User), ..all() }),
        ("target", Filter { target: text("nothing"), ..all() }),
        ("address", Filter { ip: text("10.0.7.1"), ..all() }),
        ("failed", Filter { success: Some(false), ..all() }),
    ] {
        let since = std::time::Instant::now();
        world.store.audit(&filter, &Select::default()).await.unwrap();
        let took = since.elapsed();
        assert!(took < std::time::Duration::from_millis(50), "{what}: {took:?}");
    }
}

async fn of_nodes_that_delete_at_once_each_record_goes_once(world: World) {
    ten(&world).await;
    assert_eq!(world.store.oldest_audit().await, Ok(Some(at(0).millis())));
    let nodes = [world.store.clone(), world.again().await];
    let gone = crate::parallel(8, |number| {
        let store = nodes[number % 2].clone();
        async move {
            let told = Act::new(at(20), Entry::of_admin(Action::Prune, Origin::automatic()));
            store.prune_audit(at(6).millis(), told).await.unwrap()
        }
    })
    .await;
    assert_eq!(gone.iter().sum::<u64>(), 6, "{gone:?}");
    let verified = world.store.verify_audit(None).await.unwrap();
    assert_eq!((verified.records, verified.broken), (5, None), "four and the one that says so");
    let oldest = world.store.oldest_audit().await.unwrap();
    assert!(oldest >= Some(at(6).millis()), "{oldest:?}");
    let told = Filter { action: Some(Action::Prune), ..Filter::default() };
    let page = world.store.audit(&told, &Select::default()).await.unwrap();
    assert_eq!(page.records.len(), 1, "who came late did nothing and says nothing");
}

/// Of many records that all but one do not fit, so many are looked at for a page; following its pages meets the one.
async fn a_page_that_is_bounded_says_where_it_goes_on(world: World) {
    let store = &world.store;
    let vain = |number: i64| login(number).failed();
    for _ in 0..42 {
        write(store, vec![changed(); 100], at(0)).await;
    }
    write(store, vec![changed().failed()], at(1)).await;
    for chunk in 0..42_i64 {
        write(store, (0..200).map(|number| vain(200 * chunk + number)).collect(), at(chunk + 2)).await;
    }
    for number in 0..42_i64 {
        write(store, vec![changed(); 100], at(50 + number)).await;
    }
    // The node does so by itself, too: of two at once one leaves it to the other.
    while store.audit_head().await.unwrap().seq < 16_801 {
        store.seal_audit().await.unwrap();
    }
    let filter = Filter { kind: Some(Kind::Admin), success: Some(false), ..Filter::default() };
    let whole = store.audit(&filter, &Select::default()).await.unwrap();
    assert_eq!((whole.records.len(), whole.next.clone()), (1, None));
    for forward in [false, true] {
        let (mut met, mut pages, mut after) = (Vec::new(), 0, None);
        loop {
            let select = Select { after, limit: 10, forward, bounded: true };
            let page = store.audit(&filter, &select).await.unwrap();
            met.extend(page.records);
            pages += 1;
            after = page.next;
            if after.is_none() || pages > 9 {
                break;
            }
        }
        assert_eq!(met, whole.records, "{forward}");
        assert_eq!(pages, 3, "4000 records for a page, {forward}");
    }
    let few = Filter { target: Some("a1".to_owned()), kind: Some(Kind::User), ..Filter::default() };
    let select = Select { bounded: true, ..Select::default() };
    assert!(store.audit(&few, &select).await.unwrap().records.is_empty());
}
