//! What accounts are granted, and the tokens they get.

use std::{net::IpAddr, sync::Arc};

use serde_json::{Map, Value, json};

use crate::{
    access::Effect,
    account::Account,
    application::{Application, GrantType},
    error::ErrorCode,
    id::AccountId,
    jose::Signer,
    params::RawParams,
    pool::PoolSettings,
    resource::{Permissions, Resource, Resources, Rule},
    samples::*,
    time::Timestamp,
    token::{AccountMinting, AccountRefusal, AccountRequest, AllowedAccount, TokenResponse, allow_account},
};

const BOOKS: &str = "https://api.example.com/books";
const SHELVES: &str = "https://api.example.com/shelves";

fn resources(list: Value) -> Arc<Resources> {
    Arc::new(Resources::new(serde_json::from_value::<Vec<Resource>>(list).unwrap()).unwrap())
}

fn permissions() -> Permissions {
    let own = json!([
        {"code": "book", "type": "API", "actions": ["read", "write"], "api_identifier": BOOKS},
        {"code": "note", "type": "DATA", "actions": ["read"]},
    ]);
    let of_pool = json!([{"code": "shelf", "type": "API", "actions": ["read"], "api_identifier": SHELVES}]);
    let rules = json!([
        {"subject": {"account": account_id()}, "effect": "allow", "resource": "book", "actions": ["read"]},
        {"subject": {"account": account_id()}, "effect": "allow", "resource": "note", "actions": "all",
         "restrictions": {"ip": ["10.0.0.0/8"]}},
        {"subject": {"account": account_id()}, "effect": "allow", "namespace": "pool", "resource": "shelf",
         "actions": "all"},
    ]);
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    assert!(rules.iter().all(|rule| rule.effect == Effect::Allow));
    Permissions::new(resources(own), resources(of_pool), rules)
}

fn allowed(account: Account) -> AllowedAccount {
    allow_account(authenticated_account(account), GrantType::ClientCredentials).unwrap()
}

fn decided(account: Account, form: &RawParams, ip: &str) -> Result<TokenResponse, AccountRefusal> {
    let allowed = allowed(account);
    let request = AccountRequest::parse(form)?;
    let ip: IpAddr = ip.parse().unwrap();
    let allotted = request.decide(&allowed, &permissions(), &PoolSettings::default(), ip, NOW)?;
    let minting = AccountMinting { issuer: &pool_issuer(), allotted };
    Ok(minting.mint(&Signer::Key(ec()), NOW, &mut Seeded(1)).unwrap())
}

fn asked(form: &[(&str, &str)]) -> Result<TokenResponse, AccountRefusal> {
    decided(account(), &params(form), "192.0.2.1")
}

fn code(refusal: AccountRefusal) -> (ErrorCode, Option<String>) {
    let (refusal, rejected) = match refusal {
        AccountRefusal::Refused(refusal) => (refusal, None),
        AccountRefusal::Rejected(refusal, scope) => (refusal, Some(scope.to_string())),
    };
    assert_tellable(refusal);
    (refusal.code, rejected)
}

#[test]
fn a_token_of_an_account_says_exactly_this() {
    let response = asked(&[("scope", "book:write book:read openid")]).unwrap();
    let header: Value = jws_part(&response.access_token, 0);
    assert_eq!(header, json!({"alg": "ES256", "typ": "at+jwt", "kid": ec().kid()}));
    let mut claims: Map<String, Value> = jws_part(&response.access_token, 1);
    assert_eq!(claims.remove("jti").unwrap().as_str().unwrap().len(), 22);
    assert_eq!(
        Value::Object(claims),
        json!({
            "iss": "https://id.example.com/oidc",
            "sub": account_id(),
            "aud": account_id(),
            "client_id": account_id(),
            "azp": app_id(),
            "scope": "book:read",
            "iat": NOW.0,
            "exp": NOW.0 + 77,
        })
    );
    let mut told = serde_json::to_value(&response).unwrap();
    told.as_object_mut().unwrap().remove("access_token");
    let (scope, rejected) = ("book:read", "book:write openid");
    assert_eq!(
        told,
        json!({"token_type": "Bearer", "expires_in": 77, "scope": scope, "rejected_scope": rejected})
    );
    let whole = serde_json::to_value(asked(&[("scope", "book:read")]).unwrap()).unwrap();
    assert_eq!(whole.get("rejected_scope"), None, "nothing was rejected");
}

#[test]
fn an_api_is_the_audience_and_narrows_what_items_mean() {
    for (api, scope, granted) in [
        (BOOKS, "book:read shelf:read", Some("book:read")),
        (SHELVES, "book:read shelf:read", Some("shelf:read")),
        (SHELVES, "book:read", None),
    ] {
        let response = asked(&[("scope", scope), ("resource", api)]);
        match granted {
            Some(granted) => {
                let response = response.unwrap();
                let claims: Map<String, Value> = jws_part(&response.access_token, 1);
                assert_eq!((&claims["aud"], &claims["scope"]), (&json!(api), &json!(granted)));
                assert_eq!(claims["client_id"], json!(account_id()));
            }
            None => {
                assert_eq!(code(response.unwrap_err()), (ErrorCode::InvalidScope, Some(scope.to_owned())))
            }
        }
    }
    for targets in [&["https://api.example.com/"][..], &["book"], &[BOOKS, SHELVES], &[BOOKS, BOOKS]] {
        let form = [("scope", "book:read")].into_iter().chain(targets.iter().map(|api| ("resource", *api)));
        let refusal = asked(&form.collect::<Vec<_>>()).unwrap_err();
        assert_eq!(code(refusal), (ErrorCode::InvalidTarget, None), "{targets:?}");
    }
}

#[test]
fn nothing_granted_is_an_error_that_says_what_was_rejected() {
    for (scope, rejected) in [
        ("", ""),
        ("openid profile", "openid profile"),
        ("book note:read book:x", "book note:read book:x"),
        ("book:read:x:y", "book:read:x:y"),
    ] {
        let refusal = asked(&[("scope", scope)]).unwrap_err();
        assert_eq!(code(refusal), (ErrorCode::InvalidScope, Some(rejected.to_owned())), "{scope}");
    }
    assert_eq!(code(asked(&[]).unwrap_err()).1.as_deref(), Some(""));
    assert_eq!(code(asked(&[("scope", "a\"b")]).unwrap_err()), (ErrorCode::InvalidScope, None));
}

#[test]
fn the_address_of_the_request_and_the_account_itself_decide() {
    let form = params(&[("scope", "note:read")]);
    assert_eq!(decided(account(), &form, "10.1.2.3").unwrap().scope, scope("note:read"));
    assert!(decided(account(), &form, "192.0.2.1").is_err());
    let another = Account { id: AccountId::from_bytes([7; 12]), ..account() };
    assert!(decided(another, &form, "10.1.2.3").is_err(), "its rules are not those of another");
}

#[test]
fn attack_18_an_account_gets_nothing_by_another_grant_or_where_its_own_is_not_ticked() {
    for grant in GrantType::ALL {
        for ticked in [false, true] {
            let mut application: Application = application();
            application.settings.grant_types = GrantType::ALL.to_vec();
            application.settings.grant_types.retain(|own| ticked || own != grant);
            let allowed = allow_account(account_of(account(), application), *grant);
            let right = ticked && *grant == GrantType::ClientCredentials;
            let error = match grant {
                GrantType::Implicit => ErrorCode::UnsupportedGrantType,
                _ => ErrorCode::UnauthorizedClient,
            };
            match allowed {
                Ok(allowed) => assert!(right && allowed.account().id == account_id(), "{grant:?}"),
                Err(refusal) => {
                    assert_tellable(refusal);
                    assert!(!right && refusal.code == error, "{grant:?} {ticked}");
                }
            }
        }
    }
}

#[test]
fn a_token_ends_when_its_account_says() {
    for seconds in [60, 600, 2_592_000] {
        let account = Account { token_lifetime: crate::time::Seconds(seconds), ..account() };
        let response = decided(account, &params(&[("scope", "book:read")]), "192.0.2.1").unwrap();
        let claims: Map<String, Value> = jws_part(&response.access_token, 1);
        assert_eq!(claims["exp"], json!(Timestamp(NOW.0 + seconds)));
        assert_eq!(response.expires_in.0, seconds);
    }
}
