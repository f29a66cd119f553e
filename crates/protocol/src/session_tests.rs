//! Which session may sign somebody in where.

use super::*;
use crate::samples::*;

#[test]
fn a_session_serves_one_application_or_those_that_share_the_login() {
    let own = active_application();
    let other = other_application();
    let sharing = application_with(|settings| settings.sso = true);
    let alone = session();
    let shared = Session { application: None, ..session() };
    for (session, application, serves) in [
        (&alone, &own, true),
        (&alone, &other, false),
        // One that joined the list later asks once more, at the address the list shares.
        (&alone, &sharing, false),
        (&shared, &sharing, true),
        (&shared, &own, false),
        (&shared, &other, false),
    ] {
        assert_eq!(session.serves(application, NOW), serves, "{session:?} {:?}", application.id);
    }
}

#[test]
fn a_session_ends_by_time_by_hand_and_at_the_border_of_its_pool() {
    let application = active_application();
    let end = session().expires_at.0;
    assert!(session().serves(&application, Timestamp(end - 1)));
    assert!(!session().serves(&application, Timestamp(end)));
    let ended = Session { ended_at: Some(NOW), ..session() };
    assert!(!ended.serves(&application, NOW));
    let foreign = Session { pool: other_pool_id(), ..session() };
    assert!(!foreign.serves(&application, NOW));
}

#[test]
fn attack_12_a_lent_session_shows_at_its_host_only() {
    let (own, other) = (active_application().id, other_application().id);
    let session = session().id;
    let cookie = Lent::cookie(b"key", own, session);
    assert_eq!(Lent::find(b"key", own, &cookie).map(Lent::session), Some(session));
    assert!(Lent::find(b"key", other, &cookie).is_none());
    assert!(Lent::find(b"kez", own, &cookie).is_none());
    let elsewhere = Lent::cookie(b"key", own, other_session_id());
    let mixed = format!("{}{}", &elsewhere[..22], &cookie[22..]);
    assert!(Lent::find(b"key", own, &mixed).is_none());
    // The secret of a session's own cookie is none of these.
    let random = Opaque::beside(session, &mut Seeded(1)).encode();
    assert!(Lent::find(b"key", own, &random).is_none());
}

#[test]
fn attack_24_only_the_whole_lent_cookie_is_the_cookie() {
    let own = active_application().id;
    let cookie = Lent::cookie(b"key", own, session().id);
    for cut in 0..cookie.len() {
        assert!(Lent::find(b"key", own, &cookie[..cut]).is_none());
    }
    assert!(Lent::find(b"key", own, &format!("{cookie}A")).is_none());
}
