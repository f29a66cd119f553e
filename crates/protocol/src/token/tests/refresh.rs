//! Rows for [`RefreshCase::CHECKS`], and the scope of what is refreshed.

use crate::{
    client_auth::AuthenticatedClient,
    error::ErrorCode::*,
    id::{FamilyId, RowId},
    issuer::IssuerId,
    pool::PoolSettings,
    refresh::RefreshFamily,
    samples::*,
    time::Timestamp,
    token::{INVALID_GRANT, RefreshCase, RefreshRequest, RefreshedScope, check_refresh, refreshed_scope},
};

struct Attempt {
    family: RefreshFamily,
    client: AuthenticatedClient,
    issuer: IssuerId,
}

fn good() -> Attempt {
    let family = RefreshFamily {
        id: FamilyId::from_bytes([9; 16]),
        grant: grant(),
        generation: 0,
        rotated_at: NOW,
        repeats: 0,
        expires_at: Timestamp(NOW.0 + 1000),
    };
    Attempt { family, client: authenticated(active_application()), issuer: pool_issuer().id() }
}

type Row = (&'static str, fn(&mut Attempt), bool);

const ROWS: &[Row] = &[
    ("client_id", |_| {}, true),
    ("client_id", |a| a.client = authenticated(other_application()), false),
    ("client_id", |a| a.family.grant.application = other_app_id(), false),
    ("issuer", |_| {}, true),
    (
        "issuer",
        |a| {
            a.issuer = app_issuer().id();
            a.family.grant.issuer = app_issuer().id();
        },
        true,
    ),
    ("issuer", |a| a.issuer = app_issuer().id(), false),
    ("issuer", |a| a.family.grant.issuer = app_issuer().id(), false),
    ("issuer", |a| a.issuer = IssuerId::Pool(other_pool_id()), false),
];

#[test]
fn each_row_is_refused_by_its_own_check_alone() {
    for (index, (about, change, passes)) in ROWS.iter().enumerate() {
        let mut attempt = good();
        change(&mut attempt);
        let Attempt { family, client, issuer } = &attempt;
        let case = RefreshCase { family, client, issuer: *issuer };
        let failing: Vec<_> =
            RefreshCase::CHECKS.iter().filter(|check| (check.run)(&case).is_err()).map(|c| c.name).collect();
        let expected: &[&str] = if *passes { &[] } else { &[*about] };
        assert_eq!(failing, expected, "row {index}");
        let verdict = if *passes { Ok(()) } else { Err(INVALID_GRANT) };
        assert_eq!(check_refresh(&case), verdict, "row {index}: one answer whatever was wrong");
    }
}

#[test]
fn every_check_has_a_clause_a_passing_row_and_a_failing_row() {
    for check in RefreshCase::CHECKS {
        assert!(!check.clause.is_empty());
        for expected in [false, true] {
            let found = ROWS.iter().any(|(about, _, passes)| *about == check.name && *passes == expected);
            assert!(found, "{} has no row with passes = {expected}", check.name);
        }
    }
    assert!(ROWS.iter().all(|(about, _, _)| RefreshCase::CHECKS.iter().any(|check| check.name == *about)));
}

#[test]
fn the_parameters_of_the_grant_are_read() {
    let read = |pairs| RefreshRequest::parse(&params(pairs));
    let plain = read(&[("refresh_token", "t")]).ok().unwrap();
    assert_eq!((plain.token.as_str(), plain.scope), ("t", None));
    let narrowed = read(&[("refresh_token", "t"), ("scope", "openid")]).ok().unwrap();
    assert_eq!(narrowed.scope, Some(scope("openid")));
    let empty = read(&[("refresh_token", "t"), ("scope", "")]).ok().unwrap();
    assert_eq!(empty.scope, None, "a parameter without a value is omitted");
    for (pairs, code) in [
        (&[("scope", "openid")][..], InvalidRequest),
        (&[("refresh_token", "")], InvalidRequest),
        (&[("refresh_token", "t"), ("scope", "open\"id")], InvalidScope),
    ] {
        let refusal = read(pairs).err().unwrap();
        assert_eq!(refusal.code, code, "{pairs:?}");
        assert_tellable(refusal);
    }
}

#[test]
fn a_refresh_may_narrow_the_scope_and_never_widen_it() {
    let granted = scope("openid email book:read offline_access");
    for (asked, result) in [
        (None, Some(("openid email book:read offline_access", ""))),
        (Some("openid email offline_access"), Some(("openid email offline_access", ""))),
        (Some("offline_access openid"), Some(("offline_access openid", ""))),
        (Some("email"), Some(("email", ""))),
        (Some("book:*:read openid book:read book"), Some(("openid book:read", "book:*:read book"))),
        (Some("openid unheard-of"), Some(("openid", "unheard-of"))),
        (Some("openid book:read profile"), None),
        (Some("book:write"), None),
        (Some("profile"), None),
        (Some("openid profile"), None),
        (Some("unheard-of"), None),
    ] {
        let refreshed = refreshed_scope(&granted, asked.map(scope).as_ref(), &PoolSettings::default());
        refreshed.as_ref().err().into_iter().for_each(|refusal| assert_tellable(*refusal));
        let told = |refreshed: RefreshedScope| (refreshed.scope.to_string(), refreshed.rejected.to_string());
        let result = result.map(|(kept, rejected)| (kept.to_owned(), rejected.to_owned()));
        assert_eq!(refreshed.map(told).map_err(|r| r.code), result.ok_or(InvalidScope), "{asked:?}");
    }
}

#[test]
fn a_value_that_means_nothing_in_the_pool_is_not_asked() {
    let pool =
        PoolSettings { scopes: [("work".to_owned(), Default::default())].into(), ..Default::default() };
    let asked = |text| {
        let request = RefreshRequest::parse(&params(&[("refresh_token", "t"), ("scope", text)])).unwrap();
        request.within(&pool).scope.unwrap().to_string()
    };
    assert_eq!(asked("openid un+heard+of work book:read"), "openid work book:read");
    let none = RefreshRequest::parse(&params(&[("refresh_token", "t")])).unwrap().within(&pool);
    assert_eq!(none.scope, None);
}
