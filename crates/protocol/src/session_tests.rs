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
