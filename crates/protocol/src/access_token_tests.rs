//! What is a live access token of this issuer, and who may know of it.

use serde_json::json;

use super::*;
use crate::{
    account::Account,
    application::GrantType,
    jose::{Signer, sign},
    pool::PoolSettings,
    samples::*,
    subject::Subjects,
    token::{Minting, Signers, allow},
};

fn claims() -> AccessTokenClaims {
    AccessTokenClaims {
        iss: pool_issuer().url().to_owned(),
        sub: subject(),
        aud: Audience::Client(app_id().into()),
        client_id: app_id().into(),
        azp: None,
        scope: scope("openid email"),
        iat: NOW,
        exp: Timestamp(NOW.0 + 3600),
        jti: new_jti(grant_id(), &mut Seeded(1)),
        sid: Some(session_id().to_string()),
        userinfo_claims: false,
        auth_time: Some(Timestamp(NOW.0 - 30)),
    }
}

fn signed(claims: &impl Serialize) -> String {
    sign(&Signer::Key(ec()), Typ::AccessToken, claims).unwrap()
}

fn validated(token: &str, now: Timestamp) -> Result<ValidAccessToken, AccessTokenError> {
    let parsed = Parsed::parse(token)?;
    Arc::new(verify(&parsed, ec().verifying_key(), &pool_issuer())?).alive(now, |_, _| false)
}

fn refused(token: &str, now: Timestamp) -> AccessTokenError {
    validated(token, now).unwrap_err()
}

#[test]
fn a_token_lives_until_the_second_it_expires() {
    let token = signed(&claims());
    let exp = claims().exp.0;
    assert_eq!(*validated(&token, NOW).unwrap(), claims());
    assert_eq!(*validated(&token, Timestamp(exp - 1)).unwrap(), claims());
    assert_eq!(refused(&token, Timestamp(exp)), AccessTokenError::Expired);
    assert_eq!(refused(&token, Timestamp(exp + 1)), AccessTokenError::Expired);
}

#[test]
fn a_minted_token_is_valid_at_its_issuer_alone() {
    let (issuer, other) = (pool_issuer(), app_issuer());
    let minting = Minting {
        issuer: &issuer,
        allowed: &allow(authenticated(active_application()), GrantType::AuthorizationCode).unwrap(),
        user: &admitted_user(),
        subjects: Subjects::of(pool_key()),
        grant: &grant(),
        scope: user_scope("openid"),
        pool: &PoolSettings::default(),
        nonce: None,
    };
    let signers = Signers { access_token: Signer::Key(ec()), id_token: Signer::Key(ec()), recipient: None };
    let response = minting.mint(&signers, None, NOW, &mut Seeded(1)).unwrap();
    let parsed = Parsed::parse(&response.access_token).unwrap();
    assert_eq!(key_id(&parsed).unwrap(), ec().kid().as_str());
    let at = |issuer| verify(&parsed, ec().verifying_key(), issuer);
    assert!(at(&issuer).is_ok());
    assert_eq!(at(&other).unwrap_err(), AccessTokenError::WrongIssuer);
    assert_eq!(refused(response.id_token.as_deref().unwrap(), NOW), AccessTokenError::NotAnAccessToken);
}

#[test]
fn attack_11_only_this_very_issuer() {
    for iss in ["https://evil.example/oidc", "https://id.example.com/oidc/", "https://id.example.com", ""] {
        let token = signed(&AccessTokenClaims { iss: iss.into(), ..claims() });
        assert_eq!(refused(&token, NOW), AccessTokenError::WrongIssuer, "{iss}");
    }
}

#[test]
fn attack_17_a_revocation_is_asked_by_grant_and_by_jti() {
    let token = signed(&claims());
    let parsed = Parsed::parse(&token).unwrap();
    let asked = |revoked: &dyn Fn(Option<GrantId>, &str) -> bool| {
        let verified = verify(&parsed, ec().verifying_key(), &pool_issuer())?;
        Arc::new(verified).alive(NOW, revoked).map(|token| token.jti.clone())
    };
    let jti = claims().jti;
    assert_eq!(asked(&|_, _| false), Ok(jti.clone()));
    assert_eq!(asked(&|_, shown| shown == jti), Err(AccessTokenError::Revoked));
    assert_eq!(asked(&|grant, _| grant == Some(grant_id())), Err(AccessTokenError::Revoked));
    assert_eq!(asked(&|grant, shown| grant.is_none() || shown.is_empty()), Ok(jti));
}

#[test]
fn attack_07_a_token_of_another_kind_is_not_an_access_token() {
    let id_token = sign(&Signer::Key(ec()), Typ::IdToken, &claims()).unwrap();
    assert_eq!(refused(&id_token, NOW), AccessTokenError::NotAnAccessToken);
    let kid = ec().kid();
    let good = json!({"alg": "ES256", "typ": "at+jwt", "kid": kid});
    assert!(validated(&forge(&good, &claims()), NOW).is_ok());
    for header in [
        json!({"alg": "ES256", "kid": kid}),
        json!({"alg": "ES256", "typ": "JWT", "kid": kid}),
        json!({"alg": "ES256", "typ": "AT+JWT", "kid": kid}),
        json!({"alg": "ES256", "typ": "logout+jwt", "kid": kid}),
    ] {
        assert_eq!(refused(&forge(&header, &claims()), NOW), AccessTokenError::NotAnAccessToken, "{header}");
    }
    let keyless = json!({"alg": "ES256", "typ": "at+jwt"});
    assert_eq!(refused(&forge(&keyless, &claims()), NOW), AccessTokenError::UnknownKey);
}

#[test]
fn attack_07_the_key_decides_the_algorithm() {
    let kid = ec().kid();
    for alg in ["none", "HS256", "RS256", "es256"] {
        let token = forge(&json!({"alg": alg, "typ": "at+jwt", "kid": kid}), &claims());
        assert_eq!(refused(&token, NOW), AccessTokenError::Jose(JoseError::AlgMismatch), "{alg}");
    }
    let by_secret = sign(&Signer::Hmac(hmac()), Typ::AccessToken, &claims()).unwrap();
    assert_eq!(refused(&by_secret, NOW), AccessTokenError::UnknownKey);
    let by_other_key = sign(&Signer::Key(rsa()), Typ::AccessToken, &claims()).unwrap();
    assert_eq!(refused(&by_other_key, NOW), AccessTokenError::Jose(JoseError::AlgMismatch));
}

#[test]
fn attack_07_a_changed_token_does_not_verify() {
    let token = signed(&claims());
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = rest.split_once('.').unwrap();
    let widened = AccessTokenClaims { scope: scope("openid email roles"), ..claims() };
    let payload = jose::b64(&serde_json::to_vec(&widened).unwrap());
    let forged = format!("{header}.{payload}.{signature}");
    assert_eq!(refused(&forged, NOW), AccessTokenError::Jose(JoseError::BadSignature));
}

#[test]
fn a_token_without_its_claims_is_refused() {
    let whole = serde_json::to_value(claims()).unwrap();
    for name in ["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"] {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(name);
        assert_eq!(refused(&signed(&part), NOW), AccessTokenError::Jose(JoseError::Claims), "{name}");
    }
}

#[test]
fn introspection_tells_the_audience_everything() {
    let valid = validated(&signed(&claims()), NOW).unwrap();
    let told = introspected(&valid, &own(), false);
    assert_eq!(
        told,
        json!({
            "active": true,
            "token_type": "Bearer",
            "iss": "https://id.example.com/oidc",
            "sub": user_id(),
            "aud": app_id(),
            "client_id": app_id(),
            "scope": "openid email",
            "iat": NOW.0,
            "exp": NOW.0 + 3600,
            "jti": claims().jti,
            "sid": session_id().to_string(),
            "auth_time": NOW.0 - 30,
        })
    );
}

fn own() -> Authenticated {
    Authenticated::Application(authenticated(active_application()))
}

fn other() -> Authenticated {
    Authenticated::Application(authenticated(other_application()))
}

fn by_account(id: AccountId) -> Authenticated {
    Authenticated::Account(authenticated_account(Account { id, ..account() }))
}

fn introspected(token: &ValidAccessToken, caller: &Authenticated, owns: bool) -> serde_json::Value {
    serde_json::to_value(Introspection::of_access_token(token, caller, owns)).unwrap()
}

/// The claims of the sample account's token.
fn of_account(aud: Audience) -> AccessTokenClaims {
    AccessTokenClaims {
        sub: Subject::of_account(account_id()),
        aud,
        client_id: account_id().into(),
        azp: Some(app_id()),
        scope: scope("book:read"),
        jti: new_jti_without_grant(&mut Seeded(1)),
        sid: None,
        auth_time: None,
        ..claims()
    }
}

const BOOKS: &str = "https://api.example.com/books";

#[test]
fn attack_17_introspection_tells_anybody_else_nothing() {
    let nothing = json!({"active": false});
    assert_eq!(serde_json::to_value(Introspection::INACTIVE).unwrap(), nothing);
    let valid = validated(&signed(&claims()), NOW).unwrap();
    // Nor an account that happens to have the id of the application.
    for caller in [other(), by_account(account_id())] {
        for owns in [false, true] {
            assert_eq!(introspected(&valid, &caller, owns), nothing);
        }
    }
    // The client it was given to is not asked, the audience is.
    let for_another = AccessTokenClaims { aud: Audience::Client(other_app_id().into()), ..claims() };
    let valid = validated(&signed(&for_another), NOW).unwrap();
    assert_eq!(introspected(&valid, &own(), false), nothing);
}

#[test]
fn attack_17_the_token_of_an_account_is_told_to_it_its_application_and_the_owner_of_its_api() {
    let api = Audience::Api(ApiIdentifier::parse(BOOKS).unwrap());
    for (aud, told_to_owner) in [(Audience::Client(account_id().into()), false), (api, true)] {
        let claims = of_account(aud.clone());
        let token = validated(&signed(&claims), NOW).unwrap();
        assert_eq!(*token, claims, "it is read as it was written");
        assert_eq!(token.holder(), Holder::Account { account: account_id(), application: app_id() });
        assert_eq!(grant_of(&token.jti), None);
        let strange = by_account(AccountId::from_bytes([9; 12]));
        for (caller, owns, told) in [
            (&by_account(account_id()), false, true),
            (&own(), false, true),
            (&other(), true, told_to_owner),
            (&other(), false, false),
            (&strange, false, false),
        ] {
            assert_eq!(introspected(&token, caller, owns)["active"], told, "{aud:?} {caller:?} {owns}");
            assert_eq!(token.holder().is(caller), told && !owns, "{caller:?}");
        }
        let told = introspected(&token, &own(), false);
        let ids = json!([account_id(), account_id(), app_id(), aud]);
        assert_eq!(json!([told["sub"], told["client_id"], told["azp"], told["aud"]]), ids);
        assert_eq!(told.get("sid"), None);
    }
    let account_by_id_of_application = of_account(Audience::Client(account_id().into()));
    let odd = AccessTokenClaims { client_id: other_app_id().into(), ..account_by_id_of_application };
    let token = validated(&signed(&odd), NOW).unwrap();
    assert!(!token.holder().is(&other()), "an AccessKey is no App ID, whatever its digits");
}
