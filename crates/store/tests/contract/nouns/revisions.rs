//! Revisions: kept with the change they are of, undone once.

use signet_protocol::id::{AppId, RevisionId, RowId, UserId};
use signet_store::{
    About, Applied, Change, IMPORT_DESK_KEPT, ImportDesk, KEPT_OF_USERS, KEPT_REVISIONS, Leaf, Revision,
    RevisionTexts, Turn, audit::Named,
};

use super::{World, after, at, winners};
use crate::on_worlds;

on_worlds!(
    what_is_kept_is_read_again_newest_first,
    attack_19_a_revision_is_not_kept_without_its_change,
    of_several_who_undo_the_same_one_does,
    an_undoing_that_is_undone_leaves_the_first_to_be_undone_again,
    the_oldest_of_too_many_go,
    what_users_were_is_forgotten_after_a_month,
    what_a_node_has_in_memory_is_known_to_the_others,
);

pub fn revision(world: &World, seconds: i64, applications: &[AppId]) -> Revision {
    Revision {
        id: RevisionId::generate(at(seconds), &mut *world.seed.lock().unwrap()),
        at: after(seconds),
        author: Named::new("an-id", "alice"),
        via: "console".to_owned(),
        reason: Some("because".to_owned()),
        title: "application notes".to_owned(),
        lines: vec!["~ change application notes".to_owned(), "name: 1 → 2".to_owned()],
        texts: Some(RevisionTexts { undo: "a".to_owned(), redo: "b".to_owned() }),
        applications: applications.to_vec(),
        users: Vec::new(),
        undoes: None,
        undone_by: None,
    }
}

pub fn of_user(world: &World, seconds: i64, user: UserId) -> Revision {
    Revision { users: vec![user], ..revision(world, seconds, &[]) }
}

fn ids(page: Leaf<Revision, RevisionId>) -> Vec<RevisionId> {
    page.rows.into_iter().map(|one| one.id).collect()
}

fn undoing(world: &World, seconds: i64, of: &Revision) -> Revision {
    Revision { undoes: Some(of.id), ..revision(world, seconds, &[]) }
}

async fn keep(world: &World, revision: &Revision) -> Applied {
    world.try_apply(vec![Change::Keep(Box::new(revision.clone()))]).await.unwrap()
}

async fn what_is_kept_is_read_again_newest_first(world: World) {
    let (notes, other) = (world.application("notes").await, world.application("other").await);
    let mut both = vec![notes.id, other.id];
    both.sort_by_key(ToString::to_string);
    let first = revision(&world, 0, &both);
    let second = Revision { texts: None, reason: None, ..revision(&world, 1, &[other.id]) };
    let third = Revision { author: Named::default(), ..revision(&world, 2, &[]) };
    for one in [&first, &second, &third] {
        assert_eq!(keep(&world, one).await, Applied::Done);
        assert_eq!(world.store.revision(one.id).await.unwrap().as_ref(), Some(one));
    }
    let list = async |of, turn, limit| ids(world.store.revisions(of, turn, limit).await.unwrap());
    let (every, of_notes, of_other) =
        (About::Everything, About::Application(notes.id), About::Application(other.id));
    assert_eq!(list(every, Turn::First, 10).await, [third.id, second.id, first.id]);
    assert_eq!(list(every, Turn::First, 1).await, [third.id]);
    assert_eq!(list(every, Turn::Behind(third.id), 10).await, [second.id, first.id]);
    assert_eq!(list(of_other, Turn::First, 10).await, [second.id, first.id]);
    assert_eq!(list(of_other, Turn::Behind(second.id), 10).await, [first.id]);
    assert_eq!(list(of_notes, Turn::First, 10).await, [first.id]);
    assert_eq!(list(every, Turn::Before(first.id), 1).await, [second.id], "the nearest in front");
    assert_eq!(list(of_other, Turn::Before(first.id), 1).await, [second.id]);
    let nothing = revision(&world, 9, &[]);
    assert_eq!(world.store.revision(nothing.id).await, Ok(None));
}

async fn attack_19_a_revision_is_not_kept_without_its_change(world: World) {
    let application = world.application("notes").await;
    let kept = revision(&world, 0, &[application.id]);
    let mut stale = (*application).clone();
    stale.version += 7;
    let plan = vec![Change::UpdateApplication(stale), Change::Keep(Box::new(kept.clone()))];
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Changed));
    assert_eq!(world.store.revision(kept.id).await, Ok(None));
    assert_eq!(
        ids(world.store.revisions(About::Application(application.id), Turn::First, 9).await.unwrap()),
        []
    );
}

async fn of_several_who_undo_the_same_one_does(world: World) {
    let first = revision(&world, 0, &[]);
    assert_eq!(keep(&world, &first).await, Applied::Done);
    let undoings: Vec<Revision> = (1..65).map(|number| undoing(&world, number, &first)).collect();
    let won = winners(&world, |store, number| {
        let plan = vec![Change::Keep(Box::new(undoings[number].clone()))];
        async move {
            let mut entropy = signet_testkit::seed::Seeded(number as u64);
            store.apply(plan, at(1), &mut entropy).await == Ok(Applied::Done)
        }
    })
    .await;
    assert_eq!(won, 1);
    let kept = world.store.revisions(About::Everything, Turn::First, 99).await.unwrap().rows;
    assert_eq!(kept.len(), 2);
    let stored = world.store.revision(first.id).await.unwrap().unwrap();
    assert_eq!(stored.undone_by, Some(kept[0].id));
}

async fn an_undoing_that_is_undone_leaves_the_first_to_be_undone_again(world: World) {
    let first = revision(&world, 0, &[]);
    let second = undoing(&world, 1, &first);
    let third = undoing(&world, 2, &second);
    let undone = async || world.store.revision(first.id).await.unwrap().unwrap().undone_by;
    for one in [&first, &second] {
        assert_eq!(keep(&world, one).await, Applied::Done);
    }
    assert_eq!(undone().await, Some(second.id));
    assert_eq!(keep(&world, &third).await, Applied::Done);
    assert_eq!(undone().await, None);
    assert_eq!(world.store.revision(second.id).await.unwrap().unwrap().undone_by, Some(third.id));
    assert_eq!(keep(&world, &undoing(&world, 3, &first)).await, Applied::Done);
    let unknown = undoing(&world, 4, &revision(&world, 4, &[]));
    assert_eq!(keep(&world, &unknown).await, Applied::Changed);
}

async fn the_oldest_of_too_many_go(world: World) {
    let application = world.application("notes").await;
    let count = KEPT_REVISIONS + 150;
    let all: Vec<Revision> = (0..count).map(|second| revision(&world, second, &[application.id])).collect();
    for some in all.chunks(1000) {
        let plan = some.iter().map(|one| Change::Keep(Box::new(one.clone()))).collect();
        assert_eq!(world.try_apply(plan).await, Ok(Applied::Done));
    }
    assert_eq!(world.store.sweep(at(0)).await, Ok(150));
    assert_eq!(world.store.sweep(at(0)).await, Ok(0));
    let kept = async |place: usize| world.store.revision(all[place].id).await.unwrap().is_some();
    assert!(!kept(0).await && !kept(149).await && kept(150).await && kept(all.len() - 1).await);
    let (of, oldest) = (About::Application(application.id), Turn::Behind(all[151].id));
    assert_eq!(world.store.revisions(of, oldest, 9).await.unwrap().rows.len(), 1);
}

async fn what_users_were_is_forgotten_after_a_month(world: World) {
    let (alice, bob) = (world.user("alice").await.id, world.user("bob").await.id);
    let (first, second) = (of_user(&world, 0, alice), of_user(&world, 9, bob));
    let setting = revision(&world, 1, &[]);
    for one in [&first, &second, &setting] {
        assert_eq!(keep(&world, one).await, Applied::Done);
        assert_eq!(world.store.revision(one.id).await.unwrap().as_ref(), Some(one));
    }
    let list = async |of| ids(world.store.revisions(of, Turn::First, 9).await.unwrap());
    assert_eq!(list(About::User(alice)).await, [first.id]);
    assert_eq!(list(About::Everything).await, [second.id, setting.id, first.id]);
    let end = KEPT_OF_USERS.0 + 5;
    assert_eq!(world.store.sweep(at(end)).await, Ok(1));
    assert_eq!(list(About::Everything).await, [second.id, setting.id]);
    assert_eq!((list(About::User(alice)).await, list(About::User(bob)).await), (vec![], vec![second.id]));
    assert_eq!(world.store.sweep(at(end + 9)).await, Ok(1));
    assert_eq!(list(About::Everything).await, [setting.id]);
}

/// A file of users in the memory of a node.
pub fn desk(seconds: i64, name: &str) -> ImportDesk {
    ImportDesk {
        host: "one".to_owned(),
        name: name.to_owned(),
        begun_at: after(0),
        seen_at: after(seconds),
        content: "{}".to_owned(),
    }
}

async fn what_a_node_has_in_memory_is_known_to_the_others(world: World) {
    let other = world.again().await;
    let (first, later) = (desk(0, "a.csv"), desk(9, "b.csv"));
    world.store.put_import_desk(&first).await.unwrap();
    assert_eq!(other.import_desks_elsewhere(at(1)).await, Ok(vec![first]));
    assert_eq!(world.store.import_desks_elsewhere(at(1)).await, Ok(vec![]), "its own it knows");
    world.store.put_import_desk(&later).await.unwrap();
    assert_eq!(other.import_desks_elsewhere(at(9)).await, Ok(vec![later.clone()]));
    world.store.clear_import_desk().await.unwrap();
    assert_eq!(other.import_desks_elsewhere(at(9)).await, Ok(vec![]));
    world.store.put_import_desk(&later).await.unwrap();
    let end = IMPORT_DESK_KEPT.0 + 9;
    assert_eq!(
        other.import_desks_elsewhere(at(end)).await,
        Ok(vec![]),
        "a node that says nothing is forgotten"
    );
    other.sweep(at(end)).await.unwrap();
    assert_eq!(other.import_desks_elsewhere(at(9)).await, Ok(vec![]));
}
