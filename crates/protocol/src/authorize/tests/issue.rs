//! What a code is bound to.

use super::{addressee, checked};
use crate::{
    application::{GrantType, ResponseType},
    authorize::{AllowedResponse, Issued, IssuedCode, Issuing, issue},
    id::CodeId,
    issuer::Issuer,
    opaque::Opaque,
    resource::GrantItems,
    samples::*,
    time::{Seconds, Timestamp},
};

/// What an answer of `kind` hangs on, for `granted`, asked for with `changes`, issued by `issuer`.
fn issued_as(
    kind: ResponseType,
    changes: &[(&str, Option<&str>)],
    granted: &str,
    issuer: &Issuer,
    seed: u64,
) -> Issued {
    let application = application_with(|settings| {
        settings.grant_types = GrantType::ALL.to_vec();
        settings.response_types = ResponseType::ALL.to_vec();
        settings.id_token_expire = Seconds(900);
        settings.authorization_code_expire = Seconds(120);
        settings.access_token_expire = Seconds(1800);
    });
    let from = Issuing {
        issuer,
        allowed: &AllowedResponse::of(&application, kind).unwrap(),
        user: &admitted_user(),
        session: &session(),
        request: &checked(changes, &application),
        addressee: &addressee(changes),
        scope: scope(granted),
        items: GrantItems::default(),
    };
    issue(from, now(), &mut Seeded(seed))
}

/// A code.
fn issued(changes: &[(&str, Option<&str>)], granted: &str, issuer: &Issuer, seed: u64) -> IssuedCode {
    match issued_as(ResponseType::Code, changes, granted, issuer, seed) {
        Issued::Code(code) => *code,
        _ => panic!("no code"),
    }
}

#[test]
fn each_return_type_hangs_on_what_it_needs_and_as_long_as_it_needs_it() {
    for (kind, lasts) in [
        (ResponseType::Code, Some(120 + 1800)),
        (ResponseType::IdToken, Some(900)),
        (ResponseType::IdTokenToken, Some(1800)),
        (ResponseType::CodeIdToken, Some(120 + 1800)),
        (ResponseType::CodeToken, Some(120 + 1800)),
        (ResponseType::CodeIdTokenToken, Some(120 + 1800)),
        (ResponseType::None, None),
    ] {
        let issued = issued_as(kind, &[], "openid email", &pool_issuer(), 1);
        assert_eq!(issued.code().is_some(), kind.gives_code(), "{kind:?}");
        let grant = issued.grant();
        assert_eq!(grant.map(|grant| grant.expires_at.0 - NOW.0), lasts, "{kind:?}");
        assert_eq!(grant.map(|grant| grant.scope.clone()), lasts.map(|_| scope("openid email")));
    }
}

#[test]
fn attack_18_nothing_is_issued_for_a_return_type_that_is_not_ticked_with_its_modes() {
    for kind in ResponseType::ALL {
        for ticked in [false, true] {
            for modes in [0, 1, 2, 3] {
                let application = application_with(|settings| {
                    let all = [GrantType::AuthorizationCode, GrantType::Implicit];
                    let some = all.into_iter().enumerate().filter(|(at, _)| modes & (1 << at) != 0);
                    settings.grant_types = some.map(|(_, mode)| mode).collect();
                    settings.response_types =
                        ResponseType::ALL.iter().copied().filter(|own| ticked || own != kind).collect();
                });
                let text = kind.as_str();
                let needs = usize::from(text.contains("code")) | usize::from(text.contains("token")) << 1;
                let allowed = AllowedResponse::of(&application, *kind);
                assert_eq!(allowed.is_ok(), ticked && modes & needs == needs, "{kind:?} {ticked} {modes}");
                assert_eq!(application.may_answer(*kind), allowed.is_ok());
            }
        }
    }
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
