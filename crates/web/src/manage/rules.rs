//! The rules between the settings of one application or user, whoever changes them and by whatever way.
//!
//! Each rule is a row of a list: the key it is about and the function that says what is wrong, if anything is.

mod keys;

use signet_protocol::{
    application::{Application, ApplicationType, AuthMethod, GrantType, ResponseType, SubjectType},
    jose::{KeyManagementAlg, SigningAlg},
    limits::CONSTANT_CLAIMS_BYTES,
    pool::check_claim_name,
    redirect_uri::{RedirectUri, Scheme},
    user::User,
};

use super::problem::shown;

/// A rule about one key of an application: what is wrong with it, or nothing.
type Rule = (&'static str, fn(&Application) -> Option<String>);

/// What every application keeps to.
pub const APPLICATION_RULES: &[Rule] = &[
    ("secret", |app| public_has_no_secret(app).map(str::to_owned)),
    ("token_endpoint_auth_method", |app| method(app, app.settings.token_endpoint_auth_method)),
    ("introspection_endpoint_auth_method", |app| {
        method(app, app.settings.introspection_endpoint_auth_method)
    }),
    ("revocation_endpoint_auth_method", |app| method(app, app.settings.revocation_endpoint_auth_method)),
    ("token_endpoint_auth_signing_alg", keys::assertions_fit_the_methods),
    ("jwks_uri", |app| keys::keys_are_at_one_place(app).map(str::to_owned)),
    ("request_object_signing_alg", keys::objects_can_be_verified),
    ("require_signed_request_object", |app| keys::signing_is_possible(app).map(str::to_owned)),
    ("id_token_signed_response_alg", |app| hs256_has_a_key(app).map(str::to_owned)),
    ("access_token_signed_response_alg", |app| others_can_verify(app).map(str::to_owned)),
    ("userinfo_signed_response_alg", |app| signed_user_info_has_a_key(app).map(str::to_owned)),
    ("id_token_encrypted_response_alg", has_a_key_to_encrypt_to),
    ("id_token_encrypted_response_enc", |app| encryption_has_both(app).map(str::to_owned)),
    ("subject_type", |app| pairwise_has_a_sector(app).map(str::to_owned)),
    ("redirect_uris", |app| schemes(app.settings.kind, &app.settings.redirect_uris)),
    ("logout_redirect_uris", |app| schemes(app.settings.kind, &app.settings.logout_redirect_uris)),
    ("frontchannel_logout_uri", frames_are_at_a_callback),
    ("backchannel_logout_uri", notices_can_be_sent),
    ("redirect_uris", |app| answers_have_a_callback(app).map(str::to_owned)),
    ("redirect_uris", tokens_go_by_https),
    ("response_types", |app| modes_are_used(app).map(str::to_owned)),
    ("response_types", types_have_their_modes),
    ("reuse_refresh_tokens", |app| reuse_is_for_the_confidential(app).map(str::to_owned)),
    ("password_in_url", |app| password_goes_with_the_rest(app).map(str::to_owned)),
    ("refresh_without_client_id", |app| only_the_public_are_named(app).map(str::to_owned)),
    ("constant_claims", constant_claims_fit),
    ("grant_types", |app| refresh_has_an_origin(app).map(str::to_owned)),
];

/// What is wrong with `application`: the key and the reason of each rule it breaks.
pub fn check_application(application: &Application) -> Vec<(&'static str, String)> {
    let broken = |(key, rule): &Rule| rule(application).map(|reason| (*key, format!("`{key}` {reason}")));
    APPLICATION_RULES.iter().filter_map(broken).collect()
}

/// What is wrong with `user`: nobody can sign in without a name to sign in by.
pub fn check_user(user: &User) -> Option<&'static str> {
    let nameless = user.username.is_none() && user.email.is_none() && user.phone.is_none();
    nameless.then_some("a user must keep a `username`, an `email` or a `phone`")
}

/// RFC 6749 §2.1.
fn public_has_no_secret(app: &Application) -> Option<&'static str> {
    (app.settings.kind.is_public() && app.secret.is_some())
        .then_some("must not be set: a spa or native application cannot keep a secret")
}

/// RFC 6749 §2.3: only who has a secret or a key can authenticate by it.
fn method(app: &Application, method: AuthMethod) -> Option<String> {
    let confidential = method != AuthMethod::None;
    let by_key = method == AuthMethod::PrivateKeyJwt;
    if confidential && app.settings.kind.is_public() {
        Some("must be none: a spa or native application cannot keep a secret".to_owned())
    } else if by_key && !keys::has_keys(app) {
        Some("is private_key_jwt, which needs `jwks` or `jwks_uri`".to_owned())
    } else if confidential && !by_key && app.secret.is_none() {
        Some(format!("is {}, which needs a secret", method.as_str()))
    } else {
        None
    }
}

/// OpenID Connect Core §10.1.
fn hs256_has_a_key(app: &Application) -> Option<&'static str> {
    (app.settings.id_token_signed_response_alg == SigningAlg::Hs256 && app.secret.is_none())
        .then_some("is HS256, which is keyed by a secret; without one use RS256, PS256, ES256 or EdDSA")
}

/// OpenID Connect Core §10.1.
fn signed_user_info_has_a_key(app: &Application) -> Option<&'static str> {
    (app.settings.userinfo_signed_response_alg == Some(SigningAlg::Hs256) && app.secret.is_none())
        .then_some("is HS256, which is keyed by a secret; without one use RS256, PS256, ES256 or EdDSA")
}

/// OpenID Connect Core §10.2.
fn has_a_key_to_encrypt_to(app: &Application) -> Option<String> {
    let alg = app.settings.id_token_encrypted_response_alg?;
    let found = app.settings.jwks.as_ref().and_then(|keys| keys.recipient(alg, Default::default()));
    // What is at an address of theirs is theirs to keep right.
    let fits = found.is_some() || app.settings.jwks_uri.is_some();
    let wanted = match alg {
        KeyManagementAlg::RsaOaep256 => "an RSA key",
        KeyManagementAlg::EcdhEs => "a P-256 key",
    };
    (!fits).then(|| {
        format!("is {}, which needs {wanted} in `jwks` that may encrypt: `use` enc, or none", alg.as_str())
    })
}

fn encryption_has_both(app: &Application) -> Option<&'static str> {
    let settings = &app.settings;
    let lonely = settings.id_token_encrypted_response_enc.is_some()
        && settings.id_token_encrypted_response_alg.is_none();
    lonely.then_some("needs `id_token_encrypted_response_alg`: by itself it encrypts nothing")
}

fn others_can_verify(app: &Application) -> Option<&'static str> {
    (app.settings.access_token_signed_response_alg == SigningAlg::Hs256).then_some(
        "must be RS256, PS256, ES256 or EdDSA: whoever receives an access token verifies it by the published keys",
    )
}

/// OpenID Connect Core §8.1: what several hosts share has to be named, since any of them could be taken away.
fn pairwise_has_a_sector(app: &Application) -> Option<&'static str> {
    let settings = &app.settings;
    let pairwise = settings.subject_type == SubjectType::Pairwise;
    (pairwise && settings.sector_identifier_uri.is_none() && settings.callback_host().is_none()).then_some(
        "is pairwise, which needs `redirect_uris` that are all at one host, or a `sector_identifier_uri` whose host stands for them",
    )
}

/// Where each type of application can receive what is sent to it: RFC 8252 §7 for native ones, and never over an open
/// network for public ones.
fn schemes(kind: ApplicationType, uris: &[RedirectUri]) -> Option<String> {
    let fits = |uri: &&RedirectUri| match uri.scheme() {
        Scheme::Https | Scheme::HttpLoopback => true,
        Scheme::Http => !kind.is_public(),
        Scheme::Private => kind == ApplicationType::Native,
    };
    let uri = uris.iter().find(|uri| !fits(uri))?;
    let reason = match uri.scheme() {
        Scheme::Private => "a private-use scheme is for native applications only",
        _ => "a spa or native application needs https:// (or http:// to this machine)",
    };
    Some(format!("has \"{uri}\": {reason}"))
}

/// OpenID Connect Front-Channel Logout §2: at the origin of a callback, where the application's cookies are.
fn frames_are_at_a_callback(app: &Application) -> Option<String> {
    let uri = app.settings.frontchannel_logout_uri.as_ref()?;
    let there = app.settings.redirect_uris.iter().any(|callback| callback.origin() == uri.origin());
    let framed = uri.scheme() != Scheme::Private;
    (!there || !framed || repeats_sid(uri)).then(|| {
        "must be an http or https URI at the origin of one of the `redirect_uris`, without `sid` in its query".to_owned()
    })
}

/// OpenID Connect Back-Channel Logout §2.2: https, or plain http for who can keep a secret.
fn notices_can_be_sent(app: &Application) -> Option<String> {
    let uri = app.settings.backchannel_logout_uri.as_ref()?;
    match uri.scheme() {
        Scheme::Private => Some("must be https:// or http://: it is called by this server".to_owned()),
        Scheme::Http | Scheme::HttpLoopback | Scheme::Https => {
            schemes(app.settings.kind, std::slice::from_ref(uri))
        }
    }
}

/// The frame's own parameter, which nobody could tell from ours.
fn repeats_sid(uri: &RedirectUri) -> bool {
    let query = uri.as_str().split_once('?').map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair == "sid" || pair.starts_with("sid="))
}

fn answers_have_a_callback(app: &Application) -> Option<&'static str> {
    let answers = app.allows_grant(GrantType::AuthorizationCode) || app.allows_grant(GrantType::Implicit);
    (answers && app.settings.redirect_uris.is_empty())
        .then_some("must have at least one URI: authorization_code and implicit answer there")
}

/// OpenID Connect Registration §2, `application_type`.
fn tokens_go_by_https(app: &Application) -> Option<String> {
    let refused = |uri: &&RedirectUri| app.allows_grant(GrantType::Implicit) && !app.may_receive_tokens(uri);
    let uri = app.settings.redirect_uris.iter().find(refused)?;
    let way_out = "or set allow_http_implicit_callbacks";
    Some(format!(
        "has \"{uri}\": with implicit, tokens are sent there; use https:// (or http:// to this machine), {way_out}"
    ))
}

/// Each mode that answers at the authorization endpoint begins with a return type.
fn modes_are_used(app: &Application) -> Option<&'static str> {
    let lacks = |mode, begins: fn(ResponseType) -> bool| {
        app.allows_grant(mode) && !app.settings.response_types.iter().copied().any(begins)
    };
    if lacks(GrantType::AuthorizationCode, ResponseType::gives_code) {
        Some("must have one with code: the authorization_code grant starts with it")
    } else if lacks(GrantType::Implicit, ResponseType::is_front) {
        Some("must have one with id_token or token: that is what implicit is for")
    } else {
        None
    }
}

/// A return type whose modes are not ticked would be refused each time. `code` may stand there all the same: it is the
/// default, and means nothing to an application that sends nobody to the authorization endpoint.
fn types_have_their_modes(app: &Application) -> Option<String> {
    let idle = |kind: &&ResponseType| **kind != ResponseType::Code;
    app.settings.response_types.iter().filter(idle).find_map(|kind| {
        let mode = kind.modes().find(|mode| !app.allows_grant(*mode))?;
        Some(format!("has \"{}\", which needs {} in `grant_types`", kind.as_str(), mode.as_str()))
    })
}

/// They travel in every ID token, and none takes the place of what Signet says.
fn constant_claims_fit(app: &Application) -> Option<String> {
    let claims = &app.settings.constant_claims;
    let refused = |name: &String| {
        check_claim_name(name).err().map(|reason| format!("has {:?}, which {reason}", shown(name)))
    };
    let size = serde_json::to_vec(claims).map_or(usize::MAX, |bytes| bytes.len());
    let large = || {
        (size > CONSTANT_CLAIMS_BYTES)
            .then(|| format!("must be at most {CONSTANT_CLAIMS_BYTES} bytes as JSON; it is {size}"))
    };
    claims.keys().find_map(refused).or_else(large)
}

fn refresh_has_an_origin(app: &Application) -> Option<&'static str> {
    let origins = [GrantType::AuthorizationCode, GrantType::Password];
    (app.allows_grant(GrantType::RefreshToken) && !origins.iter().any(|grant| app.allows_grant(*grant)))
        .then_some("has refresh_token without authorization_code or password, which alone can hand one out")
}

/// RFC 9700 §2.2.2: whoever has no secret must have a new refresh token each time.
fn reuse_is_for_the_confidential(app: &Application) -> Option<&'static str> {
    let public = app.settings.token_endpoint_auth_method == AuthMethod::None;
    (app.settings.reuse_refresh_tokens && public).then_some(
        "must be false where `token_endpoint_auth_method` is none: a stolen token would serve unseen",
    )
}

fn password_goes_with_the_rest(app: &Application) -> Option<&'static str> {
    (app.settings.password_in_url && !app.settings.token_request_in_url)
        .then_some("needs token_request_in_url")
}

fn only_the_public_are_named(app: &Application) -> Option<&'static str> {
    let public = app.settings.token_endpoint_auth_method == AuthMethod::None;
    (app.settings.refresh_without_client_id && !public)
        .then_some("must be false unless `token_endpoint_auth_method` is none: a header proves nothing")
}
