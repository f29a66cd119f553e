//! What ends together, and who is to be told of it.

use signet_protocol::{application::Application, grant::Grant, id::AppId, session::Session, user::User};
use signet_store::{Applied, Change, LogoutNotice, NOTICE_EXPIRE, SignOut, Store};

use super::{World, after, at, winners};
use crate::on_worlds;

const HOUR: i64 = 3600;

on_worlds!(
    each_mode_ends_what_it_says,
    a_session_of_one_application_ends_with_it,
    only_those_who_registered_are_told_and_once_each,
    a_notice_names_the_session_as_its_application_knows_it,
    everywhere_tells_nothing_that_was_told_before,
    whoever_takes_the_browser_over_signs_the_other_out,
    a_block_tells_too,
    a_notice_is_in_one_hand,
    a_session_that_ends_anew_is_told_anew,
    receivers_are_found_one_after_the_other,
    old_notices_are_swept,
    however_much_there_is_all_of_it_ends,
);

/// Hands out what `application` gets in `session`.
async fn given(world: &World, session: &Session, application: AppId, offline: bool) -> Grant {
    let code = world.new_code(world.new_grant(session, application, offline));
    assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    code.grant
}

async fn notices(store: &Store, application: &Application) -> Vec<LogoutNotice> {
    store.due_notices(application.id, 1000, at(1)).await.unwrap()
}

async fn each_mode_ends_what_it_says(world: World) {
    let applications = [world.told_application("a").await, world.told_application("b").await];
    for (number, (mode, ended, revoked)) in [
        // Of two devices: which sessions end, and which of a, a offline, b on each.
        (0, [true, false], [[true, false, true], [false; 3]]),
        (1, [false, false], [[true, true, false], [false; 3]]),
        (2, [true, true], [[true; 3], [true; 3]]),
        (3, [false, false], [[true, true, false], [true, true, false]]),
    ]
    .into_iter()
    .enumerate()
    {
        let user = world.user(&format!("user{number}")).await;
        let (sessions, a) = ([world.session(&user).await, world.session(&user).await], applications[0].id);
        let mut grants = Vec::new();
        for session in &sessions {
            for (application, offline) in [(a, false), (a, true), (applications[1].id, false)] {
                grants.push(given(&world, session, application, offline).await);
            }
        }
        let what = [
            SignOut::Session(sessions[0].id),
            SignOut::Application(sessions[0].id, a),
            SignOut::User(user.id),
            SignOut::UserApplication(user.id, a),
        ][mode];
        assert_eq!(world.store.sign_out(what, at(1)).await, Ok(true));
        for (session, ended) in sessions.iter().zip(ended) {
            let stored = world.store.session(session.id).await.unwrap().unwrap();
            assert_eq!(stored.ended_at.is_some(), ended, "{what:?}");
        }
        for (grant, revoked) in grants.iter().zip(revoked.concat()) {
            assert_eq!(world.is_revoked(grant.id).await, revoked, "{what:?}, offline {}", grant.offline);
        }
        // Everyone who has something in a session that ends, or loses something.
        let told = [[1, 1], [1, 0], [2, 2], [2, 0]][mode];
        for (application, told) in applications.iter().zip(told) {
            let mine = notices(&world.store, application).await;
            assert_eq!(mine.iter().filter(|notice| notice.user == user.id).count(), told, "{what:?}");
        }
    }
}

async fn a_session_of_one_application_ends_with_it(world: World) {
    let application = world.application("a").await;
    let user = world.user("alice").await;
    let own = Session { application: Some(application.id), ..world.new_session(&user) };
    let other = Session { application: Some(world.new_application("b").id), ..world.new_session(&user) };
    let again = Session { application: Some(application.id), ..world.new_session(&user) };
    for session in [&own, &other, &again] {
        assert_eq!(world.store.begin_session(session, None, None, None, at(0)).await, Ok(true));
    }
    let ended =
        async |session: &Session| world.store.session(session.id).await.unwrap().unwrap().ended_at.is_some();
    let sign_out = async |what| assert_eq!(world.store.sign_out(what, at(1)).await, Ok(true));
    sign_out(SignOut::Application(other.id, application.id)).await;
    assert!(!ended(&other).await, "it serves another");
    sign_out(SignOut::Application(own.id, application.id)).await;
    assert!(ended(&own).await && !ended(&again).await);
    sign_out(SignOut::UserApplication(user.id, application.id)).await;
    assert!(ended(&again).await && !ended(&other).await);
}

async fn only_those_who_registered_are_told_and_once_each(world: World) {
    let (told, silent) = (world.told_application("a").await, world.application("b").await);
    let user = world.user("alice").await;
    let (session, elsewhere) = (world.session(&user).await, world.session(&user).await);
    for application in [told.id, told.id, silent.id] {
        given(&world, &session, application, false).await;
    }
    given(&world, &elsewhere, told.id, false).await;
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), at(1)).await, Ok(true));
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), at(1)).await, Ok(false), "a second time");
    let expected = LogoutNotice {
        application: told.id,
        session: session.id,
        issuer: signet_protocol::issuer::IssuerId::Pool(session.pool),
        user: user.id,
        due_at: after(1),
        tries: 0,
        expires_at: after(1).plus(NOTICE_EXPIRE),
    };
    assert_eq!(notices(&world.again().await, &told).await, [expected]);
    assert_eq!(notices(&world.store, &silent).await, []);
    let mut other = Application::clone(&told);
    other.settings.backchannel_logout_uri = None;
    world.apply(Change::UpdateApplication(other)).await;
    assert_eq!(world.store.sign_out(SignOut::Session(elsewhere.id), at(1)).await, Ok(true));
    assert_eq!(notices(&world.store, &told).await.len(), 1, "it no longer wants to know");
}

async fn a_notice_names_the_session_as_its_application_knows_it(world: World) {
    let application = world.told_application("a").await;
    let user = world.user("alice").await;
    let first = world.session(&user).await;
    given(&world, &first, application.id, false).await;
    let mut last = first.clone();
    for _ in 0..2 {
        let next = world.new_session(&user);
        assert_eq!(world.store.begin_session(&next, None, Some(&last), None, at(0)).await, Ok(true));
        last = next;
    }
    assert_eq!(notices(&world.store, &application).await, [], "the person is still there");
    given(&world, &last, application.id, false).await;
    assert_eq!(world.store.sign_out(SignOut::Session(last.id), at(1)).await, Ok(true));
    let mut named: Vec<_> =
        notices(&world.store, &application).await.iter().map(|notice| notice.session).collect();
    named.sort_unstable();
    let mut known = [first.id, last.id];
    known.sort_unstable();
    assert_eq!(named, known);
}

async fn everywhere_tells_nothing_that_was_told_before(world: World) {
    let application = world.told_application("a").await;
    let user = world.user("alice").await;
    let (session, elsewhere) = (world.session(&user).await, world.session(&user).await);
    for session in [&session, &elsewhere] {
        given(&world, session, application.id, false).await;
    }
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), at(1)).await, Ok(true));
    for notice in notices(&world.store, &application).await {
        world.store.delete_notice(&notice).await.unwrap();
    }
    assert_eq!(world.store.sign_out(SignOut::User(user.id), at(2)).await, Ok(true));
    let named: Vec<_> = world.store.due_notices(application.id, 9, at(2)).await.unwrap();
    assert_eq!(named.iter().map(|notice| notice.session).collect::<Vec<_>>(), [elsewhere.id]);
}

async fn whoever_takes_the_browser_over_signs_the_other_out(world: World) {
    let application = world.told_application("a").await;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let session = world.session(&alice).await;
    given(&world, &session, application.id, false).await;
    let next = world.new_session(&bob);
    assert_eq!(world.store.begin_session(&next, None, Some(&session), None, at(1)).await, Ok(true));
    let told = notices(&world.store, &application).await;
    assert_eq!(told.iter().map(|notice| notice.user).collect::<Vec<_>>(), [alice.id]);
}

async fn a_block_tells_too(world: World) {
    let application = world.told_application("a").await;
    let user = world.user("alice").await;
    let session = world.session(&user).await;
    given(&world, &session, application.id, true).await;
    let stale = User { blocked: true, version: 7, ..user.clone() };
    assert_eq!(world.try_apply(vec![Change::UpdateUser(stale)]).await, Ok(Applied::Changed));
    assert_eq!(notices(&world.store, &application).await, []);
    world.apply(Change::UpdateUser(User { blocked: true, ..user })).await;
    assert_eq!(notices(&world.store, &application).await.len(), 1);
}

/// A world with one notice.
async fn with_notice(world: &World) -> (Session, LogoutNotice) {
    let application = world.told_application("a").await;
    let session = world.session(&world.user("alice").await).await;
    given(world, &session, application.id, false).await;
    assert_eq!(world.store.sign_out(SignOut::Application(session.id, application.id), at(1)).await, Ok(true));
    let notice = notices(&world.store, &application).await.pop().unwrap();
    (session, notice)
}

async fn a_notice_is_in_one_hand(world: World) {
    let (_, notice) = with_notice(&world).await;
    let claiming = |store: Store, _| {
        let notice = notice.clone();
        async move { store.claim_notice(&notice, after(60)).await.unwrap().is_some() }
    };
    assert_eq!(winners(&world, claiming).await, 1);
    let due = async |seconds| world.store.due_notices(notice.application, 9, at(seconds)).await.unwrap();
    assert_eq!(due(59).await, [], "while it is in hand");
    let left = due(60).await;
    assert_eq!((left.len(), left[0].tries), (1, 1), "whoever had it has not come back");
    world.store.postpone_notice(&notice, after(9)).await.unwrap();
    world.store.delete_notice(&notice).await.unwrap();
    assert_eq!(due(60).await, left, "it is no longer in that hand");
    world.store.postpone_notice(&left[0], after(90)).await.unwrap();
    assert_eq!((due(89).await.len(), due(90).await.len()), (0, 1));
    world.store.delete_notice(&due(90).await[0]).await.unwrap();
    assert_eq!(due(90).await, []);
}

async fn a_session_that_ends_anew_is_told_anew(world: World) {
    let (session, notice) = with_notice(&world).await;
    let claimed = world.store.claim_notice(&notice, after(60)).await.unwrap().unwrap();
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), at(2)).await, Ok(true));
    world.store.delete_notice(&claimed).await.unwrap();
    let again = world.store.due_notices(notice.application, 9, at(2)).await.unwrap();
    assert_eq!((again.len(), again[0].tries), (1, 0), "the answer was to the earlier one");
}

async fn receivers_are_found_one_after_the_other(world: World) {
    let session = world.session(&world.user("alice").await).await;
    let mut known = Vec::new();
    for label in ["a", "b", "c"] {
        let application = world.told_application(label).await;
        given(&world, &session, application.id, false).await;
        known.push(application.id);
    }
    known.sort_unstable();
    assert_eq!(world.store.notice_receiver(None).await, Ok(None));
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), at(1)).await, Ok(true));
    let (mut found, mut last) = (Vec::new(), None);
    while let Some(receiver) = world.store.notice_receiver(last).await.unwrap() {
        found.push(receiver);
        last = Some(receiver);
    }
    assert_eq!(found, known);
}

async fn old_notices_are_swept(world: World) {
    let (_, notice) = with_notice(&world).await;
    let end = 1 + NOTICE_EXPIRE.0 + HOUR;
    let left = async || world.store.due_notices(notice.application, 9, at(end)).await.unwrap().len();
    world.store.sweep(at(end - 1)).await.unwrap();
    assert_eq!(left().await, 1);
    world.store.sweep(at(end)).await.unwrap();
    assert_eq!(left().await, 0);
}

/// More than twice what a batch goes through.
async fn however_much_there_is_all_of_it_ends(world: World) {
    let application = world.told_application("a").await;
    let user = world.user("alice").await;
    let mut all = crate::parallel(1100, |_| {
        let (store, session) = (world.store.clone(), world.new_session(&user));
        let code = world.new_code(world.new_grant(&session, application.id, true));
        async move {
            assert_eq!(store.begin_session(&session, None, None, None, at(0)).await, Ok(true));
            assert_eq!(store.issue_code(&code, None, at(0)).await, Ok(true));
            (session.id, code.grant.id)
        }
    })
    .await;
    let session = world.session(&user).await;
    let there = crate::parallel(1100, |_| {
        let (store, code) =
            (world.store.clone(), world.new_code(world.new_grant(&session, application.id, false)));
        async move {
            assert_eq!(store.issue_code(&code, None, at(0)).await, Ok(true));
            code.grant.id
        }
    })
    .await;
    assert_eq!(world.store.sign_out(SignOut::Session(session.id), at(1)).await, Ok(true));
    let again = world.again().await;
    let revoked = |store: &Store, grant| store.is_revoked(Some(grant), "any");
    assert!(there.iter().all(|grant| revoked(&world.store, *grant) && revoked(&again, *grant)));
    assert!(!all.iter().any(|(_, grant)| revoked(&world.store, *grant)));
    world.apply(Change::UpdateUser(User { blocked: true, ..user })).await;
    let again = world.again().await;
    assert!(all.iter().all(|(_, grant)| revoked(&world.store, *grant) && revoked(&again, *grant)));
    for (session, _) in all.drain(..) {
        assert!(world.store.session(session).await.unwrap().unwrap().ended_at.is_some());
    }
    assert_eq!(world.store.due_notices(application.id, 2000, at(1)).await.unwrap().len(), 1101);
}
