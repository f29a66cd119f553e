//! The documents, whole.

use serde_json::{Value, json};

use super::*;
use crate::{request_uri::RequestUri, samples::*, scope::Scope};

const CLAIMS: &[&str] = &[
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
    "username",
    "roles",
    "external_id",
    "extended_fields",
];

/// What every document says of the issuer at `url`.
fn common(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/me"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "introspection_endpoint": format!("{url}/token/introspection"),
        "revocation_endpoint": format!("{url}/token/revocation"),
        "end_session_endpoint": format!("{url}/session/end"),
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "response_modes_supported": ["query", "fragment", "form_post", "web_message"],
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "acr_values_supported": ["urn:signet:acr:password"],
        "ui_locales_supported": ["en", "zh-CN"],
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "require_request_uri_registration": true,
        "authorization_response_iss_parameter_supported": true,
    })
}

fn assert_document(document: &Discovery, url: &str, own: Value) {
    let mut expected = common(url);
    let members = expected.as_object_mut().unwrap();
    for (name, value) in own.as_object().unwrap() {
        assert!(members.insert(name.clone(), value.clone()).is_none(), "{name} is said twice");
    }
    let written = serde_json::to_value(document).unwrap();
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&written[name], value, "{name}");
    }
    assert_eq!(written, expected, "and nothing else");
}

#[test]
fn the_pools_document_lists_what_any_application_may_use() {
    let methods =
        ["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"];
    let algs = ["RS256", "PS256", "ES256", "EdDSA", "HS256"];
    assert_document(
        &discovery(&pool_issuer(), None, &PoolSettings::default()),
        "https://id.example.com/oidc",
        json!({
            "check_session_iframe": "https://id.example.com/oidc/session/check",
            "scopes_supported": [
                "openid", "profile", "email", "phone", "address",
                "username", "roles", "external_id", "extended_fields", "offline_access",
            ],
            "response_types_supported": [
                "code", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none",
            ],
            "grant_types_supported": ["authorization_code", "refresh_token", "password", "implicit", "client_credentials"],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA", "HS256"],
            "id_token_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
            "id_token_encryption_enc_values_supported": ["A128CBC-HS256", "A256GCM"],
            "userinfo_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA", "HS256"],
            "token_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algs,
            "introspection_endpoint_auth_signing_alg_values_supported": algs,
            "revocation_endpoint_auth_signing_alg_values_supported": algs,
            "request_uri_parameter_supported": true,
            "require_signed_request_object": false,
            "request_object_signing_alg_values_supported":
                ["none", "RS256", "PS256", "ES256", "EdDSA", "HS256"],
            "code_challenge_methods_supported": ["S256"],
        }),
    );
}

#[test]
fn an_applications_document_lists_what_it_may_use() {
    let application = application_with(|settings| {
        settings.grant_types = vec![GrantType::AuthorizationCode];
        // Those that need implicit are ticked in vain.
        settings.response_types = ResponseType::ALL.to_vec();
        settings.token_endpoint_auth_method = AuthMethod::None;
        settings.introspection_endpoint_auth_method = AuthMethod::ClientSecretBasic;
        settings.revocation_endpoint_auth_method = AuthMethod::ClientSecretPost;
        settings.id_token_signed_response_alg = SigningAlg::Hs256;
        settings.allow_plain_pkce = true;
        pairwise(settings);
    });
    assert_document(
        &discovery(&app_issuer(), Some(&application), &PoolSettings::default()),
        "https://notes.id.example.com/oidc",
        json!({
            "scopes_supported": [
                "openid", "profile", "email", "phone", "address",
                "username", "roles", "external_id", "extended_fields",
            ],
            "response_types_supported": ["code", "none"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
            "revocation_endpoint_auth_methods_supported": ["client_secret_post"],
            "request_uri_parameter_supported": false,
            "require_signed_request_object": false,
            "request_object_signing_alg_values_supported": ["HS256"],
            "code_challenge_methods_supported": ["S256", "plain"],
        }),
    );
}

#[test]
fn assertions_and_request_objects_are_listed_as_they_are_registered() {
    let listed = |change: fn(&mut ApplicationSettings)| {
        let d = discovery(&app_issuer(), Some(&application_with(change)), &PoolSettings::default());
        (
            d.token_endpoint_auth_signing_alg_values_supported.join(" "),
            d.revocation_endpoint_auth_signing_alg_values_supported.join(" "),
            d.request_object_signing_alg_values_supported.join(" "),
            d.request_uri_parameter_supported,
        )
    };
    let row = |token: &str, revocation: &str, objects: &str, by_uri| {
        (token.to_owned(), revocation.to_owned(), objects.to_owned(), by_uri)
    };
    assert_eq!(listed(|_| {}), row("", "", "HS256", false));
    let by_keys = listed(|settings| {
        settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        settings.revocation_endpoint_auth_method = AuthMethod::ClientSecretJwt;
        settings.jwks_uri = Some("https://rp.example/jwks".into());
        settings.request_uris = vec![RequestUri::parse("https://rp.example/req/").unwrap()];
    });
    let all = "RS256 PS256 ES256 EdDSA";
    assert_eq!(by_keys, row(all, "HS256", &format!("{all} HS256"), true));
    let registered = listed(|settings| {
        settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        settings.token_endpoint_auth_signing_alg = Some(SigningAlg::Es256);
        settings.request_object_signing_alg = Some(RequestObjectAlg::None);
    });
    assert_eq!(registered, row("ES256", "", "none", false));
}

#[test]
fn encryption_and_signed_user_info_are_listed_once_they_are_set() {
    let application = application_with(|settings| {
        settings.userinfo_signed_response_alg = Some(SigningAlg::EdDsa);
        settings.id_token_encrypted_response_alg = Some(KeyManagementAlg::EcdhEs);
    });
    let document = discovery(&app_issuer(), Some(&application), &PoolSettings::default());
    assert_eq!(document.userinfo_signing_alg_values_supported, ["EdDSA"]);
    assert_eq!(document.id_token_encryption_alg_values_supported, ["ECDH-ES"]);
    assert_eq!(document.id_token_encryption_enc_values_supported, ["A128CBC-HS256"]);
}

#[test]
fn rs256_is_always_listed_and_once() {
    for alg in SigningAlg::ALL {
        let application = application_with(|settings| settings.id_token_signed_response_alg = *alg);
        let listed = discovery(&app_issuer(), Some(&application), &PoolSettings::default())
            .id_token_signing_alg_values_supported;
        let expected = if *alg == SigningAlg::Rs256 { vec!["RS256"] } else { vec!["RS256", alg.as_str()] };
        assert_eq!(listed, expected);
    }
}

#[test]
fn a_return_type_that_is_not_ticked_is_not_listed() {
    let application = application_with(|settings| settings.response_types.clear());
    assert!(
        discovery(&app_issuer(), Some(&application), &PoolSettings::default())
            .response_types_supported
            .is_empty()
    );
}

#[test]
fn every_listed_value_is_understood() {
    let application = application_with(|settings| settings.allow_plain_pkce = true);
    for document in [
        discovery(&pool_issuer(), None, &PoolSettings::default()),
        discovery(&app_issuer(), Some(&application), &PoolSettings::default()),
    ] {
        let d = &document;
        for value in &d.scopes_supported {
            assert_eq!(Scope::parse(value).unwrap().to_string(), *value);
        }
        assert!(d.response_types_supported.iter().all(|value| ResponseType::parse(value).is_some()));
        assert!(d.response_modes_supported.iter().all(|value| ResponseMode::parse(value).is_some()));
        assert!(d.grant_types_supported.iter().all(|value| GrantType::parse(value).is_some()));
        for methods in [
            &d.token_endpoint_auth_methods_supported,
            &d.introspection_endpoint_auth_methods_supported,
            &d.revocation_endpoint_auth_methods_supported,
        ] {
            assert!(!methods.is_empty() && methods.iter().all(|value| AuthMethod::parse(value).is_some()));
        }
        let algorithms = &d.id_token_signing_alg_values_supported;
        assert!(algorithms.iter().all(|value| SigningAlg::parse(value).is_some()));
        let challenges = &d.code_challenge_methods_supported;
        assert!(challenges.iter().all(|value| ChallengeMethod::parse(value).is_some()));
    }
}

#[test]
fn accounts_may_show_their_secret_both_ways_where_they_get_tokens() {
    for (ticked, methods) in [
        (false, json!(["private_key_jwt"])),
        (true, json!(["client_secret_post", "client_secret_basic", "private_key_jwt"])),
    ] {
        let application = application_with(|settings| {
            settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
            if ticked {
                settings.grant_types.push(GrantType::ClientCredentials);
            }
        });
        let document = discovery(&app_issuer(), Some(&application), &PoolSettings::default());
        let document = serde_json::to_value(document).unwrap();
        assert_eq!(document["token_endpoint_auth_methods_supported"], methods);
        let listed = document["grant_types_supported"].as_array().unwrap();
        assert_eq!(listed.contains(&json!("client_credentials")), ticked);
    }
}
