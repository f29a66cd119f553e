//! Every method against every way to present credentials.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;
use crate::{
    account::Account,
    application::{Application, ApplicationSettings},
    id::AccountId,
    params::encode_pairs,
    samples::*,
};

/// The sample application, registered for `method` at the token endpoint.
fn registered(method: AuthMethod) -> ActiveApplication {
    application_with(|settings| settings.token_endpoint_auth_method = method)
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn encoded(text: &str) -> String {
    encode_pairs([("", text)].into_iter())[1..].to_owned()
}

/// A form body and an `Authorization` header.
type Request<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);

fn code_of((body, header): Request<'_>, found: Option<ActiveApplication>) -> Result<AppId, Refusal> {
    let presented = presented(&params(body), header)?;
    let client = authenticate(found, &presented, |app| app.settings.token_endpoint_auth_method)?;
    Ok(client.application().id)
}

#[test]
fn each_method_accepts_its_own_presentation_and_no_other() {
    let id = app_id().to_string();
    let (raw, form) = (basic(&format!("{id}:{APP_SECRET}")), basic(&format!("{id}:{}", encoded(APP_SECRET))));
    let lower = raw.replacen("Basic", "bAsIc", 1);
    let (raw, form, lower) = (Some(raw.as_str()), Some(form.as_str()), Some(lower.as_str()));
    let own = ("client_id", id.as_str());
    let post = [own, ("client_secret", APP_SECRET)];
    let (secret_post, secret_basic, public) =
        (AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic, AuthMethod::None);
    let presentations: &[(Request<'_>, AuthMethod)] = &[
        ((&post, None), secret_post),
        ((&[], raw), secret_basic),
        ((&[], form), secret_basic),
        ((&[], lower), secret_basic),
        ((&[own], raw), secret_basic),
        ((&[own, ("client_secret", "")], raw), secret_basic),
        ((&[own], None), public),
        ((&[own, ("client_secret", "")], None), public),
        ((&[own, ("client_assertion", "")], None), public),
    ];
    for (request, fits) in presentations {
        for method in AuthMethod::ALL {
            let expected = if method == fits { Ok(app_id()) } else { Err(INVALID_CLIENT) };
            assert_eq!(code_of(*request, Some(registered(*method))), expected, "{method:?}: {request:?}");
        }
    }
    assert_ne!(encoded(APP_SECRET), APP_SECRET, "the sample secret has something to encode");
}

#[test]
fn attack_22_unknown_client_and_wrong_proof_are_refused_alike() {
    let id = app_id().to_string();
    let post = [("client_id", id.as_str()), ("client_secret", APP_SECRET)];
    let secret_post = || registered(AuthMethod::ClientSecretPost);
    let refused = |request: Request<'_>, found: Option<ActiveApplication>, why: &str| {
        assert_eq!(code_of(request, found), Err(INVALID_CLIENT), "{why}");
    };
    assert_eq!(code_of((&post, None), Some(secret_post())), Ok(app_id()));
    refused((&post, None), None, "unknown or disabled");
    refused((&post, None), Some(other_application()), "another was found");
    for wrong in ["x", &APP_SECRET[1..], &format!("{APP_SECRET}x"), &APP_SECRET.to_uppercase()] {
        refused((&[post[0], ("client_secret", wrong)], None), Some(secret_post()), wrong);
        let header = basic(&format!("{id}:{wrong}"));
        refused((&[], Some(&header)), Some(registered(AuthMethod::ClientSecretBasic)), wrong);
    }
    let encoded_secret = encoded(APP_SECRET);
    refused((&[post[0], ("client_secret", &encoded_secret)], None), Some(secret_post()), "decoded twice");
    let empty = basic(&format!("{id}:"));
    refused((&[], Some(&empty)), Some(registered(AuthMethod::ClientSecretBasic)), "empty secret");
    refused((&post, None), Some(registered(AuthMethod::None)), "a secret from a public client");
    refused((&[], Some(&empty)), Some(registered(AuthMethod::None)), "Basic from a public client");
    for malformed in ["notes", "B00000000000000000000001", "b0000000000000000000000", "' or 1=1"] {
        let pairs = [("client_id", malformed), post[1]];
        assert_eq!(presented(&params(&pairs), None).unwrap().id, None);
        refused((&pairs, None), None, malformed);
        refused((&pairs, None), Some(secret_post()), malformed);
    }
    assert_tellable(INVALID_CLIENT);
}

/// The sample account as it is found.
fn found_account(change: impl FnOnce(&mut Account)) -> Option<ActiveAccount> {
    let mut account = account();
    change(&mut account);
    Arc::new(account).active(&Arc::new(application()))
}

fn account_code((body, header): Request<'_>, found: Option<ActiveAccount>) -> Result<AccountId, Refusal> {
    let presented = presented(&params(body), header)?;
    Ok(authenticate_account(found, &presented, NOW)?.account().id)
}

#[test]
fn an_account_shows_its_secret_in_the_body_or_by_basic() {
    let id = account_id().to_string();
    let own = ("client_id", id.as_str());
    let header = basic(&format!("{id}:{ACCOUNT_SECRET}"));
    let overlapping = |account: &mut Account| account.refresh(Secret::new("new"), Some(Timestamp(NOW.0 + 1)));
    for request in [(&[own, ("client_secret", ACCOUNT_SECRET)][..], None), (&[], Some(header.as_str()))] {
        assert_eq!(account_code(request, found_account(|_| {})), Ok(account_id()));
        assert_eq!(account_code(request, found_account(overlapping)), Ok(account_id()));
        let replaced = found_account(|account| account.refresh(Secret::new("new"), Some(NOW)));
        assert_eq!(account_code(request, replaced), Err(INVALID_CLIENT));
    }
    let both = [own, ("client_secret", ACCOUNT_SECRET)];
    let refusal = account_code((&both, Some(&header)), found_account(|_| {})).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::InvalidRequest, "one method for each request");
}

#[test]
fn attack_22_unknown_account_and_wrong_secret_are_refused_alike() {
    let id = account_id().to_string();
    let own = ("client_id", id.as_str());
    let right = [own, ("client_secret", ACCOUNT_SECRET)];
    assert_eq!(account_code((&right, None), None), Err(INVALID_CLIENT), "unknown or disabled");
    let another = found_account(|account| account.id = AccountId::from_bytes([8; 12]));
    assert_eq!(account_code((&right, None), another), Err(INVALID_CLIENT), "another was found");
    for wrong in ["x", APP_SECRET, &ACCOUNT_SECRET[1..], &ACCOUNT_SECRET.to_uppercase()] {
        let header = basic(&format!("{id}:{wrong}"));
        for request in [(&[own, ("client_secret", wrong)][..], None), (&[], Some(header.as_str()))] {
            assert_eq!(account_code(request, found_account(|_| {})), Err(INVALID_CLIENT), "{wrong}");
        }
    }
    let asserted = [own, ("client_assertion_type", JWT_BEARER), ("client_assertion", "a.b.c")];
    for request in [&[own][..], &[own, ("client_secret", "")], &asserted] {
        assert_eq!(account_code((request, None), found_account(|_| {})), Err(INVALID_CLIENT));
    }
    assert!(found_account(|account| account.enabled = false).is_none());
}

#[test]
fn an_application_without_a_secret_cannot_authenticate_by_one() {
    let id = app_id().to_string();
    let post = [("client_id", id.as_str()), ("client_secret", "anything")];
    for method in [AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic] {
        let settings = ApplicationSettings { token_endpoint_auth_method: method, ..application().settings };
        let bare = Arc::new(Application { secret: None, settings, ..application() });
        let header = basic(&format!("{id}:anything"));
        for request in [(&post[..], None), (&[], Some(header.as_str()))] {
            assert_eq!(code_of(request, bare.active()), Err(INVALID_CLIENT));
        }
    }
}

#[test]
fn attack_09_a_disabled_application_has_no_proof_to_authenticate_with() {
    assert!(Arc::new(Application { enabled: false, ..application() }).active().is_none());
}

#[test]
fn the_method_is_the_one_of_the_endpoint_in_question() {
    let application = application_with(|settings| {
        settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
        settings.introspection_endpoint_auth_method = AuthMethod::ClientSecretPost;
    });
    let id = app_id().to_string();
    let shown = presented(&params(&[("client_id", &id), ("client_secret", APP_SECRET)]), None).unwrap();
    let at = |method: fn(&ActiveApplication) -> AuthMethod| {
        authenticate(Some(application.clone()), &shown, method)
    };
    assert!(at(|app| app.settings.introspection_endpoint_auth_method).is_ok());
    assert_eq!(at(|app| app.settings.token_endpoint_auth_method).err(), Some(INVALID_CLIENT));
}

#[test]
fn attack_21_what_is_not_one_method_well_formed_is_refused_before_any_look_up() {
    let id = app_id().to_string();
    let other = other_app_id().to_string();
    let own = ("client_id", id.as_str());
    let good = basic(&format!("{id}:{APP_SECRET}"));
    let oversize = basic(&format!("{id}:{}", "x".repeat(AUTHORIZATION_BYTES)));
    let (invalid_client, invalid_request) = (ErrorCode::InvalidClient, ErrorCode::InvalidRequest);
    let rows: &[(Request<'_>, ErrorCode)] = &[
        ((&[], None), invalid_client),
        ((&[("client_id", "")], None), invalid_client),
        ((&[("client_secret", APP_SECRET)], None), invalid_client),
        ((&[own, ("client_secret", APP_SECRET)], Some(&good)), invalid_request),
        ((&[("client_secret", "x")], Some(&good)), invalid_request),
        ((&[("client_id", &other)], Some(&good)), invalid_request),
        ((&[own, ("client_assertion", "a.b.c")], None), invalid_request),
        ((&[own, ("client_assertion_type", "urn:x")], Some(&good)), invalid_request),
        ((&[own], Some("")), invalid_client),
        ((&[own], Some("Basic")), invalid_client),
        ((&[own], Some("Basic ")), invalid_client),
        ((&[own], Some("Basic !!!")), invalid_client),
        ((&[own], Some("Basic YjA")), invalid_client),
        ((&[own], Some(&format!("Bearer {}", &good[6..]))), invalid_client),
        ((&[], Some(&basic(&id))), invalid_client),
        ((&[], Some(&basic("%zz:x"))), invalid_client),
        ((&[], Some("Basic /zo=")), invalid_client),
        ((&[], Some(&oversize)), invalid_client),
    ];
    for ((body, header), code) in rows {
        let refusal = presented(&params(body), *header).unwrap_err();
        assert_eq!(refusal.code, *code, "{body:?} {header:?}");
        assert_tellable(refusal);
    }
}

#[test]
fn attack_25_what_was_presented_does_not_print_its_secret() {
    let id = app_id().to_string();
    let shown = presented(&params(&[]), Some(&basic(&format!("{id}:hunter2")))).unwrap();
    assert!(!format!("{shown:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn attack_21_no_header_panics_or_authenticates(header in "(Basic |bearer )?\\PC{0,80}") {
        if let Ok(shown) = presented(&params(&[]), Some(&header)) {
            let found = Some(registered(AuthMethod::ClientSecretBasic));
            prop_assert!(authenticate(found, &shown, |_| AuthMethod::ClientSecretBasic).is_err());
        }
    }

    #[test]
    fn any_secret_survives_basic_plain_and_form_encoded(secret in "[ -~]{1,60}") {
        let application = Application { secret: Some(Secret::new(secret.clone())), ..application() };
        let application = Arc::new(application).active();
        for written in [secret.clone(), encoded(&secret)] {
            let shown = presented(&params(&[]), Some(&basic(&format!("{}:{written}", app_id())))).unwrap();
            let method = |_: &ActiveApplication| AuthMethod::ClientSecretBasic;
            prop_assert!(authenticate(application.clone(), &shown, method).is_ok(), "{written}");
        }
    }
}
