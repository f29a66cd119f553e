//! What a code is bound to.

use super::{addressee, checked};
use crate::{
    authorize::{IssuedCode, Issuing, issue_code},
    id::CodeId,
    issuer::Issuer,
    opaque::Opaque,
    samples::*,
    time::{Seconds, Timestamp},
};

/// A code for `granted`, asked for with `changes`, issued by `issuer`.
fn issued(changes: &[(&str, Option<&str>)], granted: &str, issuer: &Issuer, seed: u64) -> IssuedCode {
    let application = application_with(|settings| {
        settings.authorization_code_expire = Seconds(120);
        settings.access_token_expire = Seconds(1800);
    });
    let from = Issuing {
        issuer,
        application: &application,
        user: &admitted_user(),
        session: &session(),
        request: &checked(changes, &application),
        addressee: &addressee(changes),
        scope: scope(granted),
    };
    issue_code(from, now(), &mut Seeded(seed))
}

#[test]
fn a_code_is_bound_to_everything_it_was_asked_with() {
    for issuer in [pool_issuer(), app_issuer()] {
        let row = issued(&[("redirect_uri", Some(CALLBACK_WITH_QUERY))], "openid email", &issuer, 1).row;
        assert_eq!(row.redirect_uri, CALLBACK_WITH_QUERY, "the exact text");
        assert_eq!(row.challenge.as_ref().map(|challenge| challenge.value()), Some(CHALLENGE));
        assert_eq!(row.nonce.as_deref(), Some("n"));
        assert_eq!(row.consumed_at, None);
        let grant = row.grant;
        assert_eq!((grant.pool, grant.issuer), (pool_id(), issuer.id()));
        assert_eq!((grant.application, grant.user, grant.session), (app_id(), user_id(), session_id()));
        assert_eq!((grant.scope, grant.offline), (scope("openid email"), false));
        assert_eq!((grant.auth_time, grant.created_at), (Timestamp(NOW.0 - 30), NOW));
        assert_eq!(grant.revoked_at, None);
    }
}

#[test]
fn what_was_not_sent_is_not_bound() {
    let changes = [("nonce", None), ("code_challenge", None), ("code_challenge_method", None)];
    let row = issued(&changes, "openid", &pool_issuer(), 1).row;
    assert_eq!((row.nonce, row.challenge), (None, None));
}

#[test]
fn a_code_and_its_grant_end() {
    let row = issued(&[], "openid", &pool_issuer(), 1).row;
    assert_eq!(row.expires_at, Timestamp(NOW.0 + 120));
    let last_access_token_ends = row.expires_at.plus(Seconds(1800));
    assert_eq!(row.grant.expires_at, last_access_token_ends);
}

#[test]
fn a_grant_is_offline_when_offline_access_was_granted() {
    assert!(issued(&[], "openid offline_access", &pool_issuer(), 1).row.grant.offline);
}

#[test]
fn attack_24_the_text_finds_and_fits_its_own_row_only() {
    let (one, other) = (issued(&[], "openid", &pool_issuer(), 1), issued(&[], "openid", &pool_issuer(), 2));
    let read = Opaque::<CodeId>::parse(&one.text).unwrap();
    assert_eq!(read.id, one.row.id);
    assert!(read.hash().matches(&one.row.hash));
    assert!(!read.hash().matches(&other.row.hash));
    assert_ne!(one.row.id, other.row.id);
    assert_ne!(one.row.grant.id, other.row.grant.id);
}
