//! The parameters of the password mode.

use crate::{
    access::NOT_ADMITTED,
    application::{Application, GrantType},
    error::ErrorCode::*,
    limits::IDENTIFIER_BYTES,
    pool::PoolSettings,
    samples::*,
    token::{INVALID_CREDENTIALS, PasswordRequest, RIGHT_BUT_NOT_ADMITTED},
    user::LoginName,
};

fn application(grants: &[GrantType]) -> Application {
    Application::clone(&application_with(|settings| settings.grant_types = grants.to_vec()))
}

fn asked(pairs: &[(&str, &str)]) -> Result<PasswordRequest, crate::error::Refusal> {
    let known = [("password", "p4ssw0rd")].iter().chain(pairs).copied().collect::<Vec<_>>();
    let application = application(&[GrantType::Password, GrantType::RefreshToken]);
    PasswordRequest::parse(&params(&known), &application, &PoolSettings::default())
}

#[test]
fn a_name_is_given_in_exactly_one_parameter_and_is_what_that_says() {
    for (pairs, name) in [
        (("username", "alice"), LoginName::Username("alice".into())),
        (("username", "Alice@Example.com"), LoginName::Email("alice@example.com".into())),
        (("username", "+86 138-0013-8000"), LoginName::Phone("+8613800138000".into())),
        (("email", "Alice@Example.com"), LoginName::Email("alice@example.com".into())),
        (("phone", "+86 138-0013-8000"), LoginName::Phone("+8613800138000".into())),
    ] {
        let request = asked(&[pairs]).ok().unwrap();
        assert_eq!((request.name, request.password.as_str()), (name, "p4ssw0rd"), "{pairs:?}");
        assert_eq!(request.scope, scope("openid profile"), "the default");
    }
    let endless = "a".repeat(IDENTIFIER_BYTES + 1);
    for (pairs, code) in [
        (&[][..], InvalidRequest),
        (&[("username", "")], InvalidRequest),
        (&[("username", "alice"), ("email", "alice@example.com")], InvalidRequest),
        (&[("username", "alice"), ("phone", "+8613800138000")], InvalidRequest),
        (&[("email", "alice@example.com"), ("phone", "+8613800138000")], InvalidRequest),
        (&[("email", "alice")], InvalidRequest),
        (&[("email", "+8613800138000")], InvalidRequest),
        (&[("phone", "alice@example.com")], InvalidRequest),
        (&[("phone", "13800138000")], InvalidRequest),
        (&[("username", "  ")], InvalidGrant),
        (&[("username", &endless)], InvalidGrant),
    ] {
        let refusal = asked(pairs).err().unwrap();
        assert_eq!(refusal.code, code, "{pairs:?}");
        assert_tellable(refusal);
    }
    for pairs in [&[("username", "alice")][..], &[("username", "alice"), ("password", "")]] {
        let refusal = PasswordRequest::parse(&params(pairs), &application(&[]), &PoolSettings::default())
            .err()
            .unwrap();
        assert_eq!(refusal.code, InvalidRequest);
        assert_tellable(refusal);
    }
}

#[test]
fn the_scope_is_what_can_be_granted() {
    let pool =
        PoolSettings { scopes: [("work".to_owned(), Default::default())].into(), ..Default::default() };
    for (grants, text, granted) in [
        (&[GrantType::RefreshToken][..], "openid offline_access", Some("openid offline_access")),
        (&[], "openid offline_access", Some("openid")),
        (&[], "email openid", Some("email openid")),
        (&[], "email", Some("email")),
        (&[], "", Some("openid profile")),
        (&[], "work openid un+heard+of book:read", Some("work openid book:read")),
        (&[], "work", Some("work")),
        (&[], "un+heard+of b:o:o:k", None),
        (&[], "offline_access", None),
        (&[], "openid un+heard+of", Some("openid")),
        (&[], "un+heard+of", None),
        (&[], "open\"id", None),
    ] {
        let pairs = params(&[("username", "alice"), ("password", "p"), ("scope", text)]);
        let request = PasswordRequest::parse(&pairs, &application(grants), &pool);
        assert_eq!(
            request.map(|request| request.scope).map_err(|refusal| refusal.code),
            granted.map(scope).ok_or(InvalidScope),
            "{text:?}"
        );
    }
}

#[test]
fn attack_22_one_sentence_for_whatever_is_wrong() {
    assert_eq!(INVALID_CREDENTIALS.description, "invalid credentials provided");
    assert_eq!((RIGHT_BUT_NOT_ADMITTED.code, NOT_ADMITTED.code), (InvalidGrant, AccessDenied));
    assert_tellable(RIGHT_BUT_NOT_ADMITTED);
}
