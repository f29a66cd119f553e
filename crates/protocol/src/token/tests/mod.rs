//! Every rule of the token endpoint as a table.

mod account;
mod code;
mod mint;
mod password;
mod refresh;

use crate::{
    application::{ApplicationSettings, GrantType},
    error::ErrorCode,
    samples::*,
    token::{INVALID_GRANT, allow, check_form, grant_type},
};

#[test]
fn the_grant_type_is_read() {
    for (pairs, result) in [
        (&[("grant_type", "authorization_code")][..], Ok(GrantType::AuthorizationCode)),
        (&[("grant_type", "refresh_token")], Ok(GrantType::RefreshToken)),
        (&[("grant_type", "password")], Ok(GrantType::Password)),
        (&[("grant_type", "client_credentials")], Ok(GrantType::ClientCredentials)),
        (&[("grant_type", "Authorization_Code")], Err(ErrorCode::UnsupportedGrantType)),
        (&[("grant_type", "authorization_code ")], Err(ErrorCode::UnsupportedGrantType)),
        (&[("grant_type", "")], Err(ErrorCode::InvalidRequest)),
        (&[], Err(ErrorCode::InvalidRequest)),
    ] {
        let read = grant_type(&params(pairs));
        read.err().into_iter().for_each(assert_tellable);
        assert_eq!(read.map_err(|refusal| refusal.code), result, "{pairs:?}");
    }
    assert_tellable(INVALID_GRANT);
}

#[test]
fn attack_02_a_form_names_each_parameter_once() {
    assert_eq!(check_form(&params(&[("code", "1"), ("state", "1")])), Ok(()));
    assert_eq!(check_form(&params(&[("resource", "1"), ("resource", "2")])), Ok(()), "RFC 8707 §2");
    for repeated in [&[("code", "1"), ("code", "1")], &[("vendor", ""), ("vendor", "1")]] {
        let refusal = check_form(&params(repeated)).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidRequest);
        assert_tellable(refusal);
    }
}

#[test]
fn attack_18_a_grant_that_is_not_ticked_never_reaches_minting() {
    for ticked in [&[][..], &[GrantType::AuthorizationCode], &[GrantType::RefreshToken], GrantType::ALL] {
        for grant in GrantType::ALL {
            let tick = |settings: &mut ApplicationSettings| settings.grant_types = ticked.to_vec();
            let allowed = allow(authenticated(application_with(tick)), *grant);
            let exchanged = *grant != GrantType::Implicit;
            let own = exchanged && *grant != GrantType::ClientCredentials;
            assert_eq!(allowed.is_ok(), ticked.contains(grant) && own, "{grant:?} of {ticked:?}");
            match allowed {
                Ok(allowed) => {
                    assert_eq!((allowed.grant(), allowed.client().application().id), (*grant, app_id()));
                }
                Err(refusal) => {
                    let code = [ErrorCode::UnsupportedGrantType, ErrorCode::UnauthorizedClient];
                    assert_eq!(refusal.code, code[usize::from(exchanged)]);
                    assert_tellable(refusal);
                }
            }
        }
    }
}
