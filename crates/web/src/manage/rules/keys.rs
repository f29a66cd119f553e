//! The rules about the keys an application proves itself by.

use signet_protocol::{
    application::{Application, AuthMethod, RequestObjectAlg},
    jose::SigningAlg,
};

/// Whether there are public keys to verify with.
pub fn has_keys(app: &Application) -> bool {
    app.settings.jwks.is_some() || app.settings.jwks_uri.is_some()
}

/// OpenID Connect Registration §2: one place for the keys.
pub fn keys_are_at_one_place(app: &Application) -> Option<&'static str> {
    (app.settings.jwks.is_some() && app.settings.jwks_uri.is_some())
        .then_some("and `jwks` exclude each other: take one away with \"\"")
}

/// An algorithm of assertions that no method would let through would lock the application out.
pub fn assertions_fit_the_methods(app: &Application) -> Option<String> {
    let settings = &app.settings;
    let alg = settings.token_endpoint_auth_signing_alg?;
    let misfit = match alg {
        SigningAlg::Hs256 => AuthMethod::PrivateKeyJwt,
        _ => AuthMethod::ClientSecretJwt,
    };
    let methods = [
        settings.token_endpoint_auth_method,
        settings.introspection_endpoint_auth_method,
        settings.revocation_endpoint_auth_method,
    ];
    methods.contains(&misfit).then(|| {
        format!("is {alg}, which {} never has; leave it out where endpoints differ", misfit.as_str())
    })
}

/// OpenID Connect Core §6.1: a signature needs a key to verify it with.
pub fn objects_can_be_verified(app: &Application) -> Option<String> {
    match app.settings.request_object_signing_alg? {
        RequestObjectAlg::None if app.settings.require_signed_request_object => {
            Some("is none, and `require_signed_request_object` is true: take one of them away".to_owned())
        }
        RequestObjectAlg::Hs256 if app.secret.is_none() => {
            Some("is HS256, which is keyed by a secret, and there is none".to_owned())
        }
        RequestObjectAlg::None | RequestObjectAlg::Hs256 => None,
        alg => (!has_keys(app)).then(|| format!("is {}, which needs `jwks` or `jwks_uri`", alg.as_str())),
    }
}

/// RFC 9101 §10.5.
pub fn signing_is_possible(app: &Application) -> Option<&'static str> {
    (app.settings.require_signed_request_object && !has_keys(app) && app.secret.is_none()).then_some(
        "is true, but there is no key to verify them with: it needs `jwks`, `jwks_uri` or a secret",
    )
}
