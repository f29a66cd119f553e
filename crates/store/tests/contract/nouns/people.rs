//! Finding users, and catching up with those who were written without words.

use std::collections::BTreeSet;

use signet_protocol::{id::UserId, limits::USERS_PER_PAGE, user::User, user_words::Span};
use signet_store::{
    Applied, Change, Database, Listed, Position, Turn, Wanted,
    sql::{Batch, Engine, Sql},
};

use super::{World, after, at};
use crate::on_worlds;

on_worlds!(
    the_newest_come_first_and_pages_follow_each_other,
    words_find_whoever_has_them,
    filters_narrow_a_list,
    a_change_of_a_user_changes_what_finds_them,
    rare_ones_among_many_are_found_by_going_on,
    users_without_words_are_caught_up_with,
    attack_20_a_position_is_only_a_value,
);

fn search(text: &str) -> Wanted {
    Wanted { terms: Span::of_search(text), ..Wanted::default() }
}

/// The names of all pages, whose sizes are looked at. The way back meets the same people.
async fn all(world: &World, wanted: &Wanted, most: usize) -> Vec<String> {
    let (mut names, mut turn) = (Vec::new(), Turn::First);
    for _ in 0..1000 {
        let page = world.store.people(wanted, turn, most).await.unwrap();
        assert!(page.rows.len() <= most);
        names.extend(page.rows.into_iter().map(name));
        turn = page.next.into();
        if turn == Turn::First {
            let different: BTreeSet<&String> = names.iter().collect();
            assert_eq!(different.len(), names.len(), "somebody is there twice: {names:?}");
            assert_eq!(back(world, wanted, most, page.previous).await, names, "{wanted:?} and back");
            return names;
        }
    }
    panic!("there is no end");
}

fn name(listed: Listed) -> String {
    listed.user.username.unwrap()
}

/// The names of all pages from the last one back, of which that before `previous` is the first that is met.
async fn back(world: &World, wanted: &Wanted, most: usize, previous: Option<Position>) -> Vec<String> {
    let Some(previous) = previous else {
        let only = world.store.people(wanted, Turn::First, most).await.unwrap();
        return only.rows.into_iter().map(name).collect();
    };
    let mut page = world.store.people(wanted, Turn::Before(previous), most).await.unwrap();
    // Behind the page that is met first there is the last one again.
    let last = world.store.people(wanted, page.next.clone().into(), most).await.unwrap();
    let mut names: Vec<String> = last.rows.into_iter().map(name).collect();
    for _ in 0..1000 {
        let mut rows: Vec<String> = page.rows.into_iter().map(name).collect();
        // The first page is full, and may have some of what was met before.
        rows.retain(|name| !names.contains(name));
        names.splice(0..0, rows);
        let Some(previous) = page.previous else { return names };
        page = world.store.people(wanted, Turn::Before(previous), most).await.unwrap();
    }
    panic!("there is no beginning");
}

async fn insert(world: &World, number: usize, change: impl FnOnce(&mut User)) -> User {
    let mut user = world.new_user(&format!("person{number:03}"));
    user.id = UserId::generate(at(number as i64), &mut *world.seed.lock().unwrap());
    change(&mut user);
    world.apply(Change::InsertUser(user.clone())).await;
    user
}

async fn the_newest_come_first_and_pages_follow_each_other(world: World) {
    assert!(world.store.people(&Wanted::default(), Turn::First, 10).await.unwrap().rows.is_empty());
    for number in 0..23 {
        insert(&world, number, |_| {}).await;
    }
    let expected: Vec<String> = (0..23).rev().map(|number| format!("person{number:03}")).collect();
    for most in [1, 7, 22, 23, 24, USERS_PER_PAGE] {
        assert_eq!(all(&world, &Wanted::default(), most).await, expected, "{most} on a page");
    }
    let page = world.store.people(&Wanted::default(), Turn::First, 1000).await.unwrap();
    assert!(page.rows.len() == 23 && page.next.is_none());
    assert_eq!(page.rows[0].created_at, after(0));
    assert_eq!(world.store.people(&Wanted::default(), Turn::First, 0).await.unwrap().rows.len(), 1);
}

async fn words_find_whoever_has_them(world: World) {
    insert(&world, 1, |user| {
        user.username = Some("alice".to_owned());
        user.email = Some("Alice.Liddell@Example.com".to_owned());
        user.details.profile.name = Some("Alice Liddell".to_owned());
    })
    .await;
    insert(&world, 2, |user| {
        user.username = Some("al".to_owned());
        user.details.profile.name = Some("王小明".to_owned());
        user.phone = Some("+8613800138000".to_owned());
    })
    .await;
    insert(&world, 3, |user| user.username = Some("bob".to_owned())).await;
    for (typed, found) in [
        ("al", vec!["al", "alice"]),
        ("ali", vec!["alice"]),
        ("ALICE lid", vec!["alice"]),
        ("alice.liddell@example", vec!["alice"]),
        ("小明", vec!["al"]),
        ("138001", vec!["al"]),
        ("b", vec!["bob"]),
        ("alice bob", vec![]),
        ("nobody", vec![]),
        ("%", vec![]),
    ] {
        for most in [1, 10] {
            assert_eq!(all(&world, &search(typed), most).await, found, "{typed}");
        }
    }
}

async fn filters_narrow_a_list(world: World) {
    for number in 0..12 {
        insert(&world, number, |user| {
            user.blocked = number % 3 == 0;
            user.details.roles = if number % 2 == 0 { vec!["even".to_owned()] } else { vec![] };
            user.details.groups =
                if number < 6 { vec!["low".to_owned(), "all".to_owned()] } else { vec!["all".to_owned()] };
        })
        .await;
    }
    let role = |code: &str| Some(code.to_owned());
    let none = Wanted::default;
    for (wanted, found) in [
        (Wanted { role: role("even"), ..none() }, vec![10, 8, 6, 4, 2, 0]),
        (Wanted { role: role("eve"), ..none() }, vec![]),
        (Wanted { group: role("low"), ..none() }, vec![5, 4, 3, 2, 1, 0]),
        (Wanted { blocked: Some(true), ..none() }, vec![9, 6, 3, 0]),
        (Wanted { blocked: Some(false), ..none() }, vec![11, 10, 8, 7, 5, 4, 2, 1]),
        (Wanted { role: role("even"), group: role("low"), ..none() }, vec![4, 2, 0]),
        (Wanted { role: role("even"), blocked: Some(true), ..none() }, vec![6, 0]),
        (Wanted { role: role("even"), group: role("low"), blocked: Some(false), ..none() }, vec![4, 2]),
        (Wanted { role: role("even"), blocked: Some(true), ..search("person") }, vec![0, 6]),
        (Wanted { group: role("all"), ..search("person00") }, (0..10).collect()),
    ] {
        let names: Vec<String> = found.iter().map(|number| format!("person{number:03}")).collect();
        for most in [2, 50] {
            assert_eq!(all(&world, &wanted, most).await, names, "{wanted:?}");
        }
    }
}

async fn a_change_of_a_user_changes_what_finds_them(world: World) {
    let user = insert(&world, 1, |user| user.details.roles = vec!["admin".to_owned()]).await;
    let renamed = User { username: Some("renamed".to_owned()), ..user.clone() };
    world.apply(Change::UpdateUser(renamed)).await;
    assert_eq!(all(&world, &search("ren"), 5).await, ["renamed"]);
    assert!(all(&world, &search("person"), 5).await.is_empty());
    // Refused as a whole, words and all.
    let stale = User { username: Some("stale".to_owned()), ..user };
    assert_eq!(world.try_apply(vec![Change::UpdateUser(stale)]).await, Ok(Applied::Changed));
    assert!(all(&world, &search("stale"), 5).await.is_empty());
    assert_eq!(all(&world, &search("ren"), 5).await, ["renamed"]);
}

async fn rare_ones_among_many_are_found_by_going_on(world: World) {
    let many: Vec<Change> = (0..2200)
        .map(|number| {
            let mut user = world.new_user(&format!("person{number:04}"));
            user.id = UserId::generate(at(number), &mut *world.seed.lock().unwrap());
            user.blocked = number == 3;
            user.details.groups = if number == 5 { vec!["few".to_owned()] } else { vec![] };
            Change::InsertUser(user)
        })
        .collect();
    assert_eq!(world.try_apply(many).await, Ok(Applied::Done));
    let wanted = Wanted { blocked: Some(true), ..search("person") };
    assert_eq!(all(&world, &wanted, 50).await, ["person0003"]);
    let wanted = Wanted { group: Some("few".to_owned()), ..search("p") };
    let first = world.store.people(&wanted, Turn::First, 50).await.unwrap();
    assert_eq!(first.rows.len(), 1, "it is among the first candidates");
    assert!(first.next.is_some(), "and whether there are more takes another look");
    assert_eq!(all(&world, &wanted, 50).await, ["person0005"]);
}

fn engine(database: &Database) -> Engine {
    match database {
        Database::Sqlite(path) => Engine::sqlite(path).unwrap(),
        Database::Postgres(url) => Engine::postgres(url).unwrap(),
    }
}

/// As a version before this one leaves them.
const FORGET: Sql = Sql { name: "forget_words", text: "UPDATE pool_user SET indexed = 0 WHERE indexed > $1" };
const DROP: Sql = Sql { name: "drop_words", text: "DELETE FROM user_word WHERE pool_id <> $1" };

async fn users_without_words_are_caught_up_with(world: World) {
    for number in 0..230 {
        insert(&world, number, |_| {}).await;
    }
    let other = engine(&world.options.database);
    let batch = Batch::new()
        .then(&FORGET, vec![signet_store::sql::Value::Int(-1)])
        .then(&DROP, vec![signet_store::sql::Value::Text("none".to_owned())]);
    let _ = other.write(batch).await.unwrap();
    assert!(all(&world, &search("person"), 50).await.is_empty());
    assert_eq!(all(&world, &Wanted::default(), 50).await.len(), 230, "a list needs no words");
    let nodes = [world.store.clone(), world.again().await];
    let rounds = crate::parallel(2, |number| {
        let store = nodes[number].clone();
        async move {
            let (mut after, mut rounds) = (None, 0);
            while let Some(last) = store.index_users(after).await.unwrap() {
                (after, rounds) = (Some(last), rounds + 1);
            }
            rounds
        }
    })
    .await;
    // What one has done the other need not do, and neither does anything twice.
    assert!(rounds.iter().all(|rounds| *rounds <= 3) && rounds.iter().sum::<i32>() >= 3, "{rounds:?}");
    assert_eq!(all(&world, &search("person"), 50).await.len(), 230);
    assert_eq!(world.store.index_users(None).await, Ok(None));
    // A login that hashes anew needs no words anew.
    let hash = |cost: u32| {
        let text = format!(
            "$argon2id$v=19$m=16,t={cost},p=1$c2FsdHNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo"
        );
        signet_protocol::password::PasswordHash::parse(&text).unwrap()
    };
    let user = insert(&world, 500, |user| user.password = Some(hash(2))).await;
    assert_eq!(world.store.rehash_password(&user, &hash(3), at(0)).await, Ok(true));
    assert_eq!(world.store.index_users(None).await, Ok(None));
}

async fn attack_20_a_position_is_only_a_value(world: World) {
    let user = insert(&world, 1, |_| {}).await;
    for word in [b"' OR 1=1 --".to_vec(), vec![], vec![0, 255], b"nperson001".to_vec()] {
        let position = Position { word: Some(word), user: user.id };
        for wanted in [Wanted::default(), search("person"), search("x' OR '1'='1")] {
            let page = world.store.people(&wanted, Turn::Behind(position.clone()), 10).await.unwrap();
            assert!(page.rows.len() <= 1 && page.next.is_none());
            let page = world.store.people(&wanted, Turn::Before(position.clone()), 10).await.unwrap();
            assert!(page.rows.len() <= 1);
        }
    }
}
