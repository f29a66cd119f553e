//! One-time links, and what hangs on a user.

use signet_protocol::{
    consent::Consent, id::LinkId, opaque::Opaque, password::PasswordHash, scope::Scope, user::User,
};
use signet_store::{Applied, Change, LinkState, Turn, UserLink};

use super::{World, after, at, winners};
use crate::on_worlds;

on_worlds!(
    a_user_has_one_link_at_most,
    attack_06_a_link_is_spent_once_with_what_it_is_for,
    an_expired_or_foreign_link_spends_nothing,
    a_link_ends_with_a_block_or_another_password,
    what_is_alive_of_a_user_is_listed,
);

const HASH: &str = "$argon2id$v=19$m=16,t=2,p=1$c2FsdHNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";

pub fn new(world: &World, user: &User) -> UserLink {
    let token = Opaque::<LinkId>::generate(at(0), &mut *world.seed.lock().unwrap());
    UserLink {
        id: token.id,
        user: user.id,
        hash: token.hash(),
        created_at: after(0),
        expires_at: after(86_400),
        used_at: None,
    }
}

fn with_password(user: &User, passes: usize) -> User {
    let hash = HASH.replace("t=2", &format!("t={passes}"));
    User { password: Some(PasswordHash::parse(&hash).unwrap()), ..user.clone() }
}

async fn state(world: &World, link: &UserLink) -> Option<LinkState> {
    world.store.link(link.id).await.unwrap().map(|stored| {
        assert!(stored.hash.matches(&link.hash) && stored.user == link.user);
        stored.state(after(1))
    })
}

async fn a_user_has_one_link_at_most(world: World) {
    let user = world.user("alice").await;
    let (first, second) = (new(&world, &user), new(&world, &user));
    assert_eq!(world.store.put_link(&first, at(1)).await, Ok(true));
    assert_eq!(state(&world, &first).await, Some(LinkState::Live));
    assert_eq!(world.store.put_link(&second, at(1)).await, Ok(true));
    assert_eq!(state(&world, &first).await, None);
    assert_eq!(world.store.link_of_user(user.id).await.unwrap().unwrap().id, second.id);
    assert_eq!(world.store.withdraw_link(user.id, at(1)).await, Ok(true));
    assert_eq!(world.store.withdraw_link(user.id, at(1)).await, Ok(false));
    assert_eq!(state(&world, &second).await, None);
    let nobody = new(&world, &world.new_user("nobody"));
    assert_eq!(world.store.put_link(&nobody, at(1)).await, Ok(false));
}

async fn attack_06_a_link_is_spent_once_with_what_it_is_for(world: World) {
    let user = world.user("alice").await;
    let session = world.session(&user).await;
    let link = new(&world, &user);
    assert_eq!(world.store.put_link(&link, at(1)).await, Ok(true));
    let won = winners(&world, |store, number| {
        let spend = Change::SpendLink { link: link.id, user: user.id };
        // Each as if it had read the user after the others.
        let user = with_password(&user, 1 + number % 10);
        async move {
            let plan = vec![spend, Change::UpdateUser(user)];
            store.apply(plan, at(1), &mut signet_testkit::seed::Seeded(number as u64)).await
                == Ok(Applied::Done)
        }
    })
    .await;
    assert_eq!(won, 1);
    assert_eq!(state(&world, &link).await, Some(LinkState::Used));
    assert!(world.store.session(session.id).await.unwrap().unwrap().ended_at.is_some());
    // Nor does it go with what could be written.
    let now = User::clone(&world.store.user(user.id).await.unwrap().unwrap());
    let plan = vec![Change::SpendLink { link: link.id, user: user.id }, Change::UpdateUser(now.clone())];
    assert_eq!(world.try_apply(plan).await, Ok(Applied::Changed));
    assert_eq!(world.store.user(user.id).await.unwrap().unwrap().version, now.version);
    // And a new one takes the place of the used one.
    assert_eq!(world.store.put_link(&new(&world, &user), at(1)).await, Ok(true));
}

async fn an_expired_or_foreign_link_spends_nothing(world: World) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let mut link = new(&world, &alice);
    assert_eq!(world.store.put_link(&link, at(1)).await, Ok(true));
    for (link, user) in [(link.id, bob.id), (world.row_id(), alice.id)] {
        assert_eq!(world.try_apply(vec![Change::SpendLink { link, user }]).await, Ok(Applied::Changed));
    }
    link.expires_at = after(0);
    assert_eq!(world.store.put_link(&link, at(1)).await, Ok(true));
    assert_eq!(state(&world, &link).await, Some(LinkState::Expired));
    let spend = Change::SpendLink { link: link.id, user: alice.id };
    assert_eq!(world.try_apply(vec![spend]).await, Ok(Applied::Changed));
    assert_eq!(world.store.sweep(at(86_400)).await, Ok(1));
    assert_eq!(state(&world, &link).await, None);
}

async fn a_link_ends_with_a_block_or_another_password(world: World) {
    for change in [|user: &User| User { blocked: true, ..user.clone() }, |user: &User| with_password(user, 2)]
    {
        let user = world.user(&format!("user{}", world.number())).await;
        let link = new(&world, &user);
        assert_eq!(world.store.put_link(&link, at(1)).await, Ok(true));
        let renamed = User { username: Some(format!("renamed{}", world.number())), ..user.clone() };
        world.apply(Change::UpdateUser(renamed.clone())).await;
        assert_eq!(state(&world, &link).await, Some(LinkState::Live));
        world.apply(Change::UpdateUser(User { version: 2, ..change(&renamed) })).await;
        assert_eq!(state(&world, &link).await, None);
        let blocked = change(&renamed).blocked;
        assert_eq!(world.store.put_link(&new(&world, &user), at(1)).await, Ok(!blocked));
    }
}

async fn what_is_alive_of_a_user_is_listed(world: World) {
    let user = world.user("alice").await;
    let application = world.application("notes").await;
    let other = world.user("bob").await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let session = world.session(&user).await;
        let code = world.new_code(world.new_grant(&session, application.id, true));
        assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
        sessions.push((session.id, code.grant.id));
    }
    let theirs = world.session(&other).await;
    let allowed = Consent { scope: Scope::parse("openid profile").unwrap(), ..Consent::default() };
    world.store.remember_consent(user.id, application.id, &allowed, at(0)).await.unwrap();
    let store = &world.store;
    assert_eq!(store.sessions_of(user.id, Turn::First, after(1), 2).await.unwrap().rows.len(), 2);
    let all = store.sessions_of(user.id, Turn::First, after(1), 10).await.unwrap().rows;
    assert!(all.len() == 3 && all.is_sorted_by(|a, b| a.id > b.id));
    let rest = store.sessions_of(user.id, Turn::Behind(all[0].id), after(1), 10).await.unwrap();
    assert_eq!((rest.rows.len(), rest.previous, rest.next), (2, Some(all[1].id), None));
    let back = store.sessions_of(user.id, Turn::Before(all[2].id), after(1), 1).await.unwrap();
    assert_eq!((back.rows[0].id, back.previous, back.next), (all[1].id, Some(all[1].id), Some(all[1].id)));
    let back = store.grants_of(user.id, Turn::Before(sessions[0].1), after(1), 1).await.unwrap();
    assert_eq!((back.rows.len(), back.previous), (1, Some(back.rows[0].id)));
    assert_eq!(store.grants_of(user.id, Turn::First, after(1), 10).await.unwrap().rows.len(), 3);
    assert!(store.sessions_of(user.id, Turn::First, after(1_209_600), 10).await.unwrap().rows.is_empty());
    assert_eq!(store.has_session(user.id, all[0].id).await, Ok(true));
    assert_eq!(store.has_session(user.id, theirs.id).await, Ok(false));
    assert_eq!(store.has_grant(user.id, sessions[0].1).await, Ok(true));
    assert_eq!(store.has_grant(other.id, sessions[0].1).await, Ok(false));
    let given = async |turn, most| {
        let page = store.grants_given_to(application.id, turn, after(1), most).await.unwrap();
        (page.rows.iter().map(|grant| grant.id).collect::<Vec<_>>(), page.next)
    };
    let mut newest: Vec<_> = sessions.iter().map(|(_, grant)| *grant).collect();
    newest.sort();
    newest.reverse();
    assert_eq!(given(Turn::First, 10).await, (newest.clone(), None));
    assert_eq!(given(Turn::First, 2).await, (newest[..2].to_vec(), Some(newest[1])));
    assert_eq!(given(Turn::Behind(newest[1]), 2).await, (newest[2..].to_vec(), None));
    let back = given(Turn::Before(newest[2]), 1).await;
    assert_eq!(back, (vec![newest[1]], Some(newest[1])));
    assert_eq!(given(Turn::Before(newest[1]), 2).await.0, newest[..2], "less is in front: the first page");
    assert_eq!(store.revoke_grant(sessions[0].1, at(1)).await, Ok(true));
    assert_eq!(given(Turn::First, 10).await.0.len(), 2);
    assert_eq!(store.end_session(sessions[1].0, at(1)).await, Ok(true));
    assert_eq!(store.sessions_of(user.id, Turn::First, after(1), 10).await.unwrap().rows.len(), 2);
    assert_eq!(store.grants_of(user.id, Turn::First, after(1), 10).await.unwrap().rows.len(), 2);
    let consents = store.consents_of(user.id, Turn::First, 10).await.unwrap().rows;
    assert_eq!((consents.len(), &consents[0].consent), (1, &allowed));
    assert_eq!(store.consents_of(user.id, Turn::Behind(application.id), 10).await.unwrap().rows.len(), 0);
    let mut three = [application.id, world.application("two").await.id, world.application("three").await.id];
    for other in &three[1..] {
        store.remember_consent(user.id, *other, &allowed, at(0)).await.unwrap();
    }
    three.sort_by_key(ToString::to_string);
    let back = store.consents_of(user.id, Turn::Before(three[2]), 1).await.unwrap();
    assert_eq!(
        (back.rows[0].application, back.previous, back.next),
        (three[1], Some(three[1]), Some(three[1]))
    );
    let first = store.consents_of(user.id, Turn::Before(three[1]), 1).await.unwrap();
    assert_eq!((first.rows[0].application, first.previous, first.next), (three[0], None, Some(three[0])));
    assert_eq!(store.forget_consent(user.id, application.id, at(1)).await, Ok(true));
    assert_eq!(store.forget_consent(user.id, application.id, at(1)).await, Ok(false));
    assert_eq!(store.consent(user.id, application.id).await, Ok(None));
}
