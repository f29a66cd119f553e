//! User pools: which there are, that none sees another's rows, and that one that is removed leaves none.

use signet_protocol::{
    id::PoolId,
    issuer::{BaseUrl, Identifier},
    secret::SecretHash,
    time::Now,
};
use signet_store::{
    Applied, Change, MAX_POOLS, POOL_HOST, POOL_IDENTIFIER, PoolContents, Registered, Registry, Store,
    StoredPool,
    audit::{Act, Action, Entry, Named, Origin},
    migrations::TABLES,
    sql::{self, Sql},
};
use signet_testkit::seed::Seeded;

use super::{
    World, after, at,
    dump::{populate, written},
};
use crate::on_worlds;
use rusqlite::types::Value as Cell;

on_worlds!(
    a_pool_has_keys_of_its_own_and_takes_the_names_of_another,
    attack_11_an_address_is_one_pools_alone,
    of_a_pool_and_an_application_that_want_an_address_at_once_one_gets_it,
    a_pool_is_changed_from_the_version_that_was_read,
    there_are_no_more_pools_than_a_node_keeps_up_with,
    what_is_removed_leaves_no_row,
    a_set_up_link_is_of_one_pool,
);

fn act() -> Act {
    act_at(at(0))
}

fn act_at(now: Now) -> Act {
    Act::new(now, Entry::of_admin(Action::Create, Origin::command_line()).on("pool", Named::only("x")))
}

fn new_pool(world: &World, identifier: &str, base_url: &str) -> StoredPool {
    StoredPool {
        id: PoolId::generate(at(0), &mut Seeded(world.number())),
        identifier: Some(Identifier::parse(identifier).unwrap()),
        name: format!("The {identifier}"),
        base_url: Some(BaseUrl::parse(base_url).unwrap()),
        created_at: after(0),
        version: 1,
    }
}

/// The list of pools, with the default one at `http://localhost:8080`.
async fn registry(store: &Store) -> Registry<'_> {
    let registry = store.registry().unwrap();
    registry.note_address(&BaseUrl::parse("http://localhost:8080").unwrap(), true).await.unwrap();
    registry
}

async fn make(world: &World, identifier: &str, base_url: &str) -> StoredPool {
    let pool = new_pool(world, identifier, base_url);
    let registry = registry(&world.store).await;
    let made = registry.create(&pool, &act(), &mut Seeded(world.number())).await;
    assert_eq!(made, Ok(Registered::Done));
    pool
}

/// The same for the store of another pool.
async fn beside(world: &World, pool: &StoredPool) -> World {
    let registry = world.store.registry().unwrap();
    let store = registry.open(pool.id, at(0), &mut Seeded(world.number())).await.unwrap().unwrap();
    World {
        store,
        options: world.options.clone(),
        seed: std::sync::Mutex::new(Seeded(world.number())),
        _directory: tempfile::tempdir().unwrap(),
    }
}

async fn a_pool_has_keys_of_its_own_and_takes_the_names_of_another(world: World) {
    let shop = make(&world, "shop", "http://shop.localhost:8080").await;
    let registry = world.store.registry().unwrap();
    let listed = registry.list().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&shop), "{listed:?}");
    let first = listed.iter().find(|pool| pool.id == registry.default_pool()).unwrap();
    assert_eq!((&first.identifier, &first.base_url), (&None, &None));
    let other = beside(&world, &shop).await;
    assert!(other.store.registry().is_none(), "pools are managed from the default one");
    assert_eq!(other.store.pool_name().as_ref(), "The shop");
    let (one, two) = (world.store.pool(), other.store.pool());
    for (mine, theirs) in [
        (&one.refresh_key, &two.refresh_key),
        (&one.csrf_key, &two.csrf_key),
        (&one.device_key, &two.device_key),
    ] {
        assert_ne!(mine.expose(), theirs.expose());
    }
    let (mine, theirs) = (world.user("alice").await, other.user("alice").await);
    assert_ne!(mine.id, theirs.id);
    let (mine, theirs) = (world.application("notes").await, other.application("notes").await);
    assert!(world.store.application(theirs.id).await.unwrap().is_none());
    assert!(other.store.application(mine.id).await.unwrap().is_none());
    let contents = PoolContents { applications: 1, users: 1, ..PoolContents::default() };
    assert_eq!(registry.contents(shop.id).await, Ok(contents));
    let nobody = PoolId::generate(at(0), &mut Seeded(world.number()));
    assert!(registry.open(nobody, at(0), &mut Seeded(1)).await.unwrap().is_none());
}

async fn attack_11_an_address_is_one_pools_alone(world: World) {
    let shop = make(&world, "shop", "http://shop.localhost:8080").await;
    world.application("notes").await;
    let registry = registry(&world.store).await;
    let try_make = async |pool: &StoredPool| registry.create(pool, &act(), &mut Seeded(world.number())).await;
    for (identifier, base_url, taken) in [
        ("shop", "https://elsewhere.example", POOL_IDENTIFIER),
        ("other", "http://shop.localhost:8080", POOL_HOST),
        ("other", "https://shop.localhost", POOL_HOST),
        ("other", "https://localhost", POOL_HOST),
    ] {
        let refused = try_make(&new_pool(&world, identifier, base_url)).await.unwrap_err();
        assert!(refused.is_conflict_on(taken), "{base_url}: {refused:?}");
    }
    let notes = new_pool(&world, "other", "https://notes.localhost");
    assert_eq!(try_make(&notes).await, Ok(Registered::Overlaps), "the address of an application");
    // And the other way round.
    let identifier = Identifier::parse("shop").unwrap();
    assert_eq!(world.store.label_is_free(&identifier).await, Ok(false));
    let refused = world.try_apply(vec![Change::InsertApplication(world.new_application("shop"))]).await;
    assert_eq!(refused, Ok(Applied::Changed));
    let mut memos = signet_protocol::application::Application::clone(&*world.application("memos").await);
    memos.identifier = identifier;
    assert_eq!(world.try_apply(vec![Change::UpdateApplication(memos)]).await, Ok(Applied::Changed));
    let other = beside(&world, &shop).await;
    other.application("shop").await;
    // A pool that moves above another one with an application of that one's label.
    other.application("deep").await;
    make(&world, "deep", "http://deep.example").await;
    let moved = StoredPool { base_url: Some(BaseUrl::parse("http://example").unwrap()), ..shop.clone() };
    assert_eq!(registry.change(&shop, &moved, &act()).await, Ok(Registered::Overlaps));
    let moved =
        StoredPool { base_url: Some(BaseUrl::parse("http://other.example").unwrap()), ..shop.clone() };
    assert_eq!(registry.change(&shop, &moved, &act()).await, Ok(Registered::Done));
    // What was left is free.
    world.application("shop").await;
}

async fn of_a_pool_and_an_application_that_want_an_address_at_once_one_gets_it(world: World) {
    registry(&world.store).await;
    for round in 0..16 {
        let label = format!("label{round}");
        let pool = new_pool(&world, &label, &format!("http://{label}.localhost:8080"));
        let application = Change::InsertApplication(world.new_application(&label));
        let (one, other) = (world.store.clone(), world.store.clone());
        let seeds = [world.number(), world.number()];
        let makes = tokio::spawn(async move {
            let made = one.registry().unwrap().create(&pool, &act(), &mut Seeded(seeds[0])).await;
            made.unwrap() == Registered::Done
        });
        let applies = tokio::spawn(async move {
            let applied = other.apply(vec![application], at(0), &mut Seeded(seeds[1])).await;
            applied.unwrap() == Applied::Done
        });
        let (pool, application) = (makes.await.unwrap(), applies.await.unwrap());
        assert!(pool != application, "{label}: {pool} {application}");
    }
}

async fn a_pool_is_changed_from_the_version_that_was_read(world: World) {
    let shop = make(&world, "shop", "http://shop.localhost:8080").await;
    let registry = world.store.registry().unwrap();
    let named = StoredPool { name: "The store".to_owned(), ..shop.clone() };
    assert_eq!(registry.change(&shop, &named, &act()).await, Ok(Registered::Done));
    assert_eq!(registry.change(&shop, &named, &act()).await, Ok(Registered::Changed));
    assert_eq!(registry.remove(&shop, &act()).await, Ok(Registered::Changed));
    let listed = registry.list().await.unwrap();
    let now = listed.iter().find(|pool| pool.id == shop.id).unwrap();
    assert_eq!(*now, StoredPool { version: 2, ..named });
    let other = beside(&world, now).await;
    registry.call(&other.store, &StoredPool { name: "Another".to_owned(), ..now.clone() });
    assert_eq!(other.store.pool_name().as_ref(), "Another");
    let first = listed.iter().find(|pool| pool.id == registry.default_pool()).unwrap();
    assert_eq!(registry.remove(first, &act()).await, Ok(Registered::Changed), "the default pool stays");
    assert_eq!(registry.remove(now, &act()).await, Ok(Registered::Done));
    assert_eq!(registry.list().await.unwrap().len(), 1);
    assert!(registry.open(shop.id, at(0), &mut Seeded(1)).await.unwrap().is_none());
    // Its identifier and address are free at once.
    make(&world, "shop", "http://shop.localhost:8080").await;
}

async fn there_are_no_more_pools_than_a_node_keeps_up_with(world: World) {
    for number in 1..MAX_POOLS {
        make(&world, &format!("p{number}"), &format!("http://p{number}.localhost:8080")).await;
    }
    let one_more = new_pool(&world, "more", "http://more.localhost:8080");
    let registry = world.store.registry().unwrap();
    assert_eq!(registry.create(&one_more, &act(), &mut Seeded(1)).await, Ok(Registered::Full));
}

async fn what_is_removed_leaves_no_row(world: World) {
    populate(&world).await;
    let shop = make(&world, "shop", "http://shop.localhost:8080").await;
    let other = beside(&world, &shop).await;
    populate(&other).await;
    let id = shop.id.to_string();
    let rows = async || {
        let backup = written(&world.options.database).await.0;
        let all: Vec<String> =
            backup.lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect();
        (all.iter().filter(|row| row.contains(&id)).count(), all.len())
    };
    let (theirs, before) = rows().await;
    assert!(theirs > TABLES.len() - 2, "{theirs}");
    let registry = world.store.registry().unwrap();
    assert_eq!(registry.remove(&shop, &act()).await, Ok(Registered::Done));
    other.store.settle().await;
    drop(other);
    assert_eq!(registry.purge(at(59)).await, Ok(0), "another node may not know yet");
    assert_eq!(registry.purge(at(60)).await, Ok(1));
    let (left, after) = rows().await;
    assert_eq!(left, 0);
    // The record of the removal is new.
    assert_eq!(before - after, theirs - 1);
    assert_eq!(registry.purge(at(60)).await, Ok(0));
    let alice = signet_protocol::user::LoginName::Username("alice".to_owned());
    assert!(world.store.user_by_login(&alice).await.unwrap().is_some());
}

async fn a_set_up_link_is_of_one_pool(world: World) {
    let shop = make(&world, "shop", "http://shop.localhost:8080").await;
    let other = beside(&world, &shop).await;
    let link = SecretHash::of("test", b"a-link");
    let registry = world.store.registry().unwrap();
    let offered = registry.offer_setup(shop.id, (link, after(60)), act(), &mut Seeded(1)).await;
    assert_eq!(offered, Ok(true));
    assert_eq!(world.store.setup_is_offered(link, at(1)).await, Ok(false));
    assert_eq!(other.store.setup_is_offered(link, at(1)).await, Ok(true));
    let root = world.new_user("root");
    assert_eq!(world.store.set_up(link, &root, at(1)).await, Ok(false));
    assert_eq!(other.store.set_up(link, &other.new_user("root"), at(1)).await, Ok(true));
    let again = registry.offer_setup(shop.id, (link, after(60)), act(), &mut Seeded(1)).await;
    assert_eq!(again, Ok(false), "it has an owner");
}

/// Reads that are about the installation, and not about one pool.
const OF_ALL: &[&str] = &[
    "address_hold",
    "inspect_identifiers",
    "inspect_keys",
    "installation_load",
    "ping",
    "pool_list",
    "pool_removed",
    "pool_room",
    "schema_applied",
    "schema_applied_first",
    "schema_oldest_load",
    "sweep_pools",
];

/// Every statement that reads: with the id of a pool that has nothing it finds as much as with that of no pool at all,
/// whatever else it is given.
#[tokio::test(flavor = "multi_thread")]
async fn attack_19_no_read_finds_a_row_of_another_pool() {
    let world = World::sqlite().await;
    populate(&world).await;
    let shop = make(&world, "shop", "http://shop.localhost:8080").await;
    let file = rusqlite::Connection::open(world.file().unwrap()).unwrap();
    let (here, there) = (world.store.pool().id.to_string(), shop.id.to_string());
    let nowhere = "f".repeat(24);
    let (mut found, mut blind) = (0, Vec::new());
    for statement in sql::all().into_iter().filter(|sql| sql.text.trim_start().starts_with("SELECT")) {
        if OF_ALL.contains(&statement.name) || statement.name.starts_with("purge_far_") {
            continue;
        }
        let places = places(statement);
        let whose = places.iter().position(|place| place.column == "pool_id" || place.is_pool);
        assert!(whose.is_some(), "{} does not say of which pool", statement.name);
        let mut seen = false;
        for row in rows(&file, statement) {
            let read = |pool: &str| answer(&file, statement, &places, &row, pool);
            let (mine, theirs, none) = (read(&here), read(&there), read(&nowhere));
            seen |= mine != none;
            // Each pool has a row of its own in the table of pools, and so is held.
            let of_pools = statement.text.contains("FROM pool");
            let told = theirs.concat().into_iter().filter(|cell| !matches!(cell, Cell::Integer(_)));
            let mine = mine.concat();
            let apart = of_pools && told.into_iter().all(|cell| !mine.contains(&cell));
            assert!(theirs == none || apart, "{} finds {theirs:?}", statement.name);
        }
        if seen {
            found += 1;
        } else {
            blind.push(statement.name);
        }
    }
    assert!(found >= 60, "only {found} statements were seen to find something; not: {blind:?}");
}

/// Where an argument stands: what it is compared with, and how.
#[derive(Clone, Debug, Default)]
struct Place {
    column: String,
    operator: String,
    is_pool: bool,
}

/// The places of `$1…$n`.
fn places(statement: &Sql) -> Vec<Place> {
    let text = statement.text.replace(['(', ')', ','], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut places = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(number) = word.strip_prefix('$').and_then(|number| number.parse::<usize>().ok()) else {
            continue;
        };
        let before = |back: usize| at.checked_sub(back).map_or("", |at| words[at]);
        let column = before(2).rsplit('.').next().unwrap().to_owned();
        if places.len() < number {
            places.resize(number, Place::default());
        }
        let place: &mut Place = &mut places[number - 1];
        place.is_pool |= column == "pool_id";
        if place.column.is_empty() || place.column == "pool_id" {
            (place.column, place.operator) = (column, before(1).to_owned());
        }
    }
    places
}

type Cells = Vec<(String, Cell)>;

/// What there is in the table that a statement reads first.
fn rows(file: &rusqlite::Connection, statement: &Sql) -> Vec<Cells> {
    let table = TABLES.iter().filter_map(|table| {
        let of = format!("FROM {}", table.name);
        let at = statement.text.match_indices(&of).find(|(at, _)| {
            let next = statement.text[at + of.len()..].chars().next();
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        });
        at.map(|(at, _)| (at, table.name))
    });
    let table = table.min().map_or("pool", |(_, name)| name);
    let mut all = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let names: Vec<String> = all.column_names().map(str::to_owned).collect();
    let cells = |row: &rusqlite::Row<'_>| {
        Ok(names.iter().enumerate().map(|(at, name)| (name.clone(), row.get_unwrap(at))).collect())
    };
    all.query_map([], cells).unwrap().map(Result::unwrap).collect()
}

/// What a statement finds for `pool`, asked for just what `row` has.
fn answer(
    file: &rusqlite::Connection,
    statement: &Sql,
    places: &[Place],
    row: &Cells,
    pool: &str,
) -> Vec<Vec<Cell>> {
    let mut prepared = file.prepare(statement.text).unwrap();
    let arguments = places.iter().map(|place| {
        if place.is_pool {
            return Cell::Text(pool.to_owned());
        }
        let value = row.iter().find(|(name, _)| *name == place.column).map(|(_, value)| value.clone());
        match (place.operator.as_str(), place.column.as_str(), value) {
            ("LIMIT", _, _) | (_, "LIMIT", _) => Cell::Integer(100),
            ("<" | "<=", _, Some(Cell::Integer(_))) => Cell::Integer(i64::MAX),
            (">" | ">=", _, Some(Cell::Integer(_))) => Cell::Integer(i64::MIN),
            ("<" | "<=", _, Some(Cell::Text(_))) => Cell::Text("~".repeat(30)),
            (">" | ">=", _, Some(Cell::Text(_))) => Cell::Text(String::new()),
            ("<" | "<=", _, Some(Cell::Blob(_))) => Cell::Blob(vec![0xff; 40]),
            (">" | ">=", _, Some(Cell::Blob(_))) => Cell::Blob(Vec::new()),
            (_, _, Some(value)) => value,
            _ => Cell::Integer(100),
        }
    });
    let width = prepared.column_count();
    let read = |row: &rusqlite::Row<'_>| Ok((0..width).map(|at| row.get_unwrap(at)).collect());
    let found: Vec<_> = prepared
        .query_map(rusqlite::params_from_iter(arguments), read)
        .unwrap()
        .map(|row| row.unwrap_or_default())
        .collect();
    found
}

/// Writes that are about the installation, and not about one pool.
const OF_ALL_WRITTEN: &[&str] = &["schema_insert", "schema_oldest_set"];

/// Every statement that writes: it names the pool whose rows it changes, or puts one into.
#[test]
fn attack_19_every_write_says_of_which_pool() {
    let writes = sql::all().into_iter().filter(|sql| !sql.text.trim_start().starts_with("SELECT"));
    let named = |sql: &Sql| match sql.text.trim_start().starts_with("INSERT") {
        true => sql.text.split(')').next().unwrap().contains("pool_id"),
        false => places(sql).iter().any(|place| place.is_pool),
    };
    let silent: Vec<&str> = writes.filter(|sql| !named(sql)).map(|sql| sql.name).collect();
    let expected: Vec<&str> = silent.iter().copied().filter(|name| !OF_ALL_WRITTEN.contains(name)).collect();
    assert!(expected.is_empty(), "{expected:?} do not say of which pool");
}
