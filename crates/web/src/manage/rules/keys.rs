//! The rules about the keys an application proves itself by.

use signet_protocol::{
    application::{Application, AuthMethod, RequestObjectAlg},
    jose::SigningAlg,
    said,
    said::{Pair, Said},
};

/// Whether there are public keys to verify with.
pub fn has_keys(app: &Application) -> bool {
    app.settings.jwks.is_some() || app.settings.jwks_uri.is_some()
}

/// OpenID Connect Registration §2: one place for the keys.
pub fn keys_are_at_one_place(app: &Application) -> Option<Pair> {
    (app.settings.jwks.is_some() && app.settings.jwks_uri.is_some()).then_some(Pair(
        "and `jwks` exclude each other: take one away with \"\"",
        "与 `jwks` 不能同时使用：请用 \"\" 去掉其中一个",
    ))
}

/// An algorithm of assertions that no method would let through would lock the application out.
pub fn assertions_fit_the_methods(app: &Application) -> Option<Said> {
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
        let misfit = misfit.as_str();
        said!(
            "is {alg}, which {misfit} never has; leave it out where endpoints differ",
            "为 {alg}，而 {misfit} 不会使用它；各端点不同时请不要设置"
        )
    })
}

/// OpenID Connect Core §6.1: a signature needs a key to verify it with.
pub fn objects_can_be_verified(app: &Application) -> Option<Said> {
    match app.settings.request_object_signing_alg? {
        RequestObjectAlg::None if app.settings.require_signed_request_object => Some(said!(
            "is none, and `require_signed_request_object` is true: take one of them away",
            "为 none，而 `require_signed_request_object` 为 true：请去掉其中一个"
        )),
        RequestObjectAlg::Hs256 if app.secret.is_none() => Some(said!(
            "is HS256, which is keyed by a secret, and there is none",
            "为 HS256，以密钥签名，但没有密钥"
        )),
        RequestObjectAlg::None | RequestObjectAlg::Hs256 => None,
        alg => (!has_keys(app)).then(|| {
            let alg = alg.as_str();
            said!("is {alg}, which needs `jwks` or `jwks_uri`", "为 {alg}，需要 `jwks` 或 `jwks_uri`")
        }),
    }
}

/// RFC 9101 §10.5.
pub fn signing_is_possible(app: &Application) -> Option<Pair> {
    (app.settings.require_signed_request_object && !has_keys(app) && app.secret.is_none()).then_some(Pair(
        "is true, but there is no key to verify them with: it needs `jwks`, `jwks_uri` or a secret",
        "为 true，但没有可用于验证的密钥：需要 `jwks`、`jwks_uri` 或密钥",
    ))
}
