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
    said,
    said::{Pair, Said},
    user::User,
};

use super::problem::shown;

/// A rule about one key of an application: what is wrong with it, or nothing.
type Rule = (&'static str, fn(&Application) -> Option<Said>);

/// What every application keeps to.
pub const APPLICATION_RULES: &[Rule] = &[
    ("secret", |app| public_has_no_secret(app).map(Said::from)),
    ("token_endpoint_auth_method", |app| method(app, app.settings.token_endpoint_auth_method)),
    ("introspection_endpoint_auth_method", |app| {
        method(app, app.settings.introspection_endpoint_auth_method)
    }),
    ("revocation_endpoint_auth_method", |app| method(app, app.settings.revocation_endpoint_auth_method)),
    ("token_endpoint_auth_signing_alg", keys::assertions_fit_the_methods),
    ("jwks_uri", |app| keys::keys_are_at_one_place(app).map(Said::from)),
    ("request_object_signing_alg", keys::objects_can_be_verified),
    ("require_signed_request_object", |app| keys::signing_is_possible(app).map(Said::from)),
    ("id_token_signed_response_alg", |app| hs256_has_a_key(app).map(Said::from)),
    ("access_token_signed_response_alg", |app| others_can_verify(app).map(Said::from)),
    ("userinfo_signed_response_alg", |app| signed_user_info_has_a_key(app).map(Said::from)),
    ("id_token_encrypted_response_alg", has_a_key_to_encrypt_to),
    ("id_token_encrypted_response_enc", |app| encryption_has_both(app).map(Said::from)),
    ("subject_type", |app| pairwise_has_a_sector(app).map(Said::from)),
    ("redirect_uris", |app| schemes(app.settings.kind, &app.settings.redirect_uris)),
    ("logout_redirect_uris", |app| schemes(app.settings.kind, &app.settings.logout_redirect_uris)),
    ("frontchannel_logout_uri", frames_are_at_a_callback),
    ("backchannel_logout_uri", notices_can_be_sent),
    ("redirect_uris", |app| answers_have_a_callback(app).map(Said::from)),
    ("redirect_uris", tokens_go_by_https),
    ("response_types", |app| modes_are_used(app).map(Said::from)),
    ("response_types", types_have_their_modes),
    ("reuse_refresh_tokens", |app| reuse_is_for_the_confidential(app).map(Said::from)),
    ("password_in_url", |app| password_goes_with_the_rest(app).map(Said::from)),
    ("refresh_without_client_id", |app| only_the_public_are_named(app).map(Said::from)),
    ("constant_claims", constant_claims_fit),
    ("grant_types", |app| refresh_has_an_origin(app).map(Said::from)),
];

/// What is wrong with `application`: the key and the reason of each rule it breaks.
pub fn check_application(application: &Application) -> Vec<(&'static str, Said)> {
    let broken = |(key, rule): &Rule| {
        let reason = rule(application)?;
        Some((*key, said!("`{key}` {reason}", "`{key}` {reason}", reason)))
    };
    APPLICATION_RULES.iter().filter_map(broken).collect()
}

/// What is wrong with `user`: nobody can sign in without a name to sign in by.
pub fn check_user(user: &User) -> Option<Pair> {
    let nameless = user.username.is_none() && user.email.is_none() && user.phone.is_none();
    nameless.then_some(Pair(
        "a user must keep a `username`, an `email` or a `phone`",
        "用户须保留 `username`、`email` 或 `phone`",
    ))
}

/// RFC 6749 §2.1.
fn public_has_no_secret(app: &Application) -> Option<Pair> {
    (app.settings.kind.is_public() && app.secret.is_some()).then_some(Pair(
        "must not be set: a spa or native application cannot keep a secret",
        "不得设置：spa 或 native 应用无法保守密钥",
    ))
}

/// RFC 6749 §2.3: only who has a secret or a key can authenticate by it.
fn method(app: &Application, method: AuthMethod) -> Option<Said> {
    let confidential = method != AuthMethod::None;
    let by_key = method == AuthMethod::PrivateKeyJwt;
    if confidential && app.settings.kind.is_public() {
        Some(said!(
            "must be none: a spa or native application cannot keep a secret",
            "须为 none：spa 或 native 应用无法保守密钥"
        ))
    } else if by_key && !keys::has_keys(app) {
        Some(said!(
            "is private_key_jwt, which needs `jwks` or `jwks_uri`",
            "为 private_key_jwt，需要 `jwks` 或 `jwks_uri`"
        ))
    } else if confidential && !by_key && app.secret.is_none() {
        let method = method.as_str();
        Some(said!("is {method}, which needs a secret", "为 {method}，需要密钥"))
    } else {
        None
    }
}

const HS256_NEEDS_A_SECRET: Pair = Pair(
    "is HS256, which is keyed by a secret; without one use RS256, PS256, ES256 or EdDSA",
    "为 HS256，以密钥签名；没有密钥时请使用 RS256、PS256、ES256 或 EdDSA",
);

/// OpenID Connect Core §10.1.
fn hs256_has_a_key(app: &Application) -> Option<Pair> {
    (app.settings.id_token_signed_response_alg == SigningAlg::Hs256 && app.secret.is_none())
        .then_some(HS256_NEEDS_A_SECRET)
}

/// OpenID Connect Core §10.1.
fn signed_user_info_has_a_key(app: &Application) -> Option<Pair> {
    (app.settings.userinfo_signed_response_alg == Some(SigningAlg::Hs256) && app.secret.is_none())
        .then_some(HS256_NEEDS_A_SECRET)
}

/// OpenID Connect Core §10.2.
fn has_a_key_to_encrypt_to(app: &Application) -> Option<Said> {
    let alg = app.settings.id_token_encrypted_response_alg?;
    let found = app.settings.jwks.as_ref().and_then(|keys| keys.recipient(alg, Default::default()));
    // What is at an address of theirs is theirs to keep right.
    let fits = found.is_some() || app.settings.jwks_uri.is_some();
    let wanted = match alg {
        KeyManagementAlg::RsaOaep256 => Pair("an RSA key", "RSA 密钥"),
        KeyManagementAlg::EcdhEs => Pair("a P-256 key", "P-256 密钥"),
    };
    let alg = alg.as_str();
    (!fits).then(|| {
        said!(
            "is {alg}, which needs {wanted} in `jwks` that may encrypt: `use` enc, or none",
            "为 {alg}，`jwks` 中需要可用于加密的 {wanted}（`use` 为 enc，或不填写）",
            wanted
        )
    })
}

fn encryption_has_both(app: &Application) -> Option<Pair> {
    let settings = &app.settings;
    let lonely = settings.id_token_encrypted_response_enc.is_some()
        && settings.id_token_encrypted_response_alg.is_none();
    lonely.then_some(Pair(
        "needs `id_token_encrypted_response_alg`: by itself it encrypts nothing",
        "需要同时设置 `id_token_encrypted_response_alg`：单独设置不会加密任何内容",
    ))
}

fn others_can_verify(app: &Application) -> Option<Pair> {
    (app.settings.access_token_signed_response_alg == SigningAlg::Hs256).then_some(Pair(
        "must be RS256, PS256, ES256 or EdDSA: whoever receives an access token verifies it by the published keys",
        "须为 RS256、PS256、ES256 或 EdDSA：访问令牌的接收方用公布的公钥验证",
    ))
}

/// OpenID Connect Core §8.1: what several hosts share has to be named, since any of them could be taken away.
fn pairwise_has_a_sector(app: &Application) -> Option<Pair> {
    let settings = &app.settings;
    let pairwise = settings.subject_type == SubjectType::Pairwise;
    (pairwise && settings.sector_identifier_uri.is_none() && settings.callback_host().is_none()).then_some(Pair(
        "is pairwise, which needs `redirect_uris` that are all at one host, or a `sector_identifier_uri` whose host stands for them",
        "为 pairwise，要求所有 `redirect_uris` 在同一主机上，或以 `sector_identifier_uri` 的主机代表它们",
    ))
}

/// Where each type of application can receive what is sent to it: RFC 8252 §7 for native ones, and never over an open
/// network for public ones.
fn schemes(kind: ApplicationType, uris: &[RedirectUri]) -> Option<Said> {
    let fits = |uri: &&RedirectUri| match uri.scheme() {
        Scheme::Https | Scheme::HttpLoopback => true,
        Scheme::Http => !kind.is_public(),
        Scheme::Private => kind == ApplicationType::Native,
    };
    let uri = uris.iter().find(|uri| !fits(uri))?;
    let reason = match uri.scheme() {
        Scheme::Private => {
            Pair("a private-use scheme is for native applications only", "私有协议仅适用于 native 应用")
        }
        _ => Pair(
            "a spa or native application needs https:// (or http:// to this machine)",
            "spa 或 native 应用须使用 https://（或指向本机的 http://）",
        ),
    };
    Some(said!("has \"{uri}\": {reason}", "含有 \"{uri}\"：{reason}", reason))
}

/// OpenID Connect Front-Channel Logout §2: at the origin of a callback, where the application's cookies are.
fn frames_are_at_a_callback(app: &Application) -> Option<Said> {
    let uri = app.settings.frontchannel_logout_uri.as_ref()?;
    let there = app.settings.redirect_uris.iter().any(|callback| callback.origin() == uri.origin());
    let framed = uri.scheme() != Scheme::Private;
    (!there || !framed || repeats_sid(uri)).then(|| {
        said!(
            "must be an http or https URI at the origin of one of the `redirect_uris`, without `sid` in its query",
            "须为 http 或 https URI，与 `redirect_uris` 之一同源，且查询部分不含 `sid`"
        )
    })
}

/// OpenID Connect Back-Channel Logout §2.2: https, or plain http for who can keep a secret.
fn notices_can_be_sent(app: &Application) -> Option<Said> {
    let uri = app.settings.backchannel_logout_uri.as_ref()?;
    match uri.scheme() {
        Scheme::Private => Some(said!(
            "must be https:// or http://: it is called by this server",
            "须为 https:// 或 http://：由本服务器调用"
        )),
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

fn answers_have_a_callback(app: &Application) -> Option<Pair> {
    let answers = app.allows_grant(GrantType::AuthorizationCode) || app.allows_grant(GrantType::Implicit);
    (answers && app.settings.redirect_uris.is_empty()).then_some(Pair(
        "must have at least one URI: authorization_code and implicit answer there",
        "须至少有一个链接：authorization_code 和 implicit 的响应发往那里",
    ))
}

/// OpenID Connect Registration §2, `application_type`.
fn tokens_go_by_https(app: &Application) -> Option<Said> {
    let refused = |uri: &&RedirectUri| app.allows_grant(GrantType::Implicit) && !app.may_receive_tokens(uri);
    let uri = app.settings.redirect_uris.iter().find(refused)?;
    Some(said!(
        "has \"{uri}\": with implicit, tokens are sent there; use https:// (or http:// to this machine), or set \
         allow_http_implicit_callbacks",
        "含有 \"{uri}\"：隐式模式会将令牌发往那里；请使用 https://（或指向本机的 http://），或开启 \
         allow_http_implicit_callbacks"
    ))
}

/// Each mode that answers at the authorization endpoint begins with a return type.
fn modes_are_used(app: &Application) -> Option<Pair> {
    let lacks = |mode, begins: fn(ResponseType) -> bool| {
        app.allows_grant(mode) && !app.settings.response_types.iter().copied().any(begins)
    };
    if lacks(GrantType::AuthorizationCode, ResponseType::gives_code) {
        Some(Pair(
            "must have one with code: the authorization_code grant starts with it",
            "须有含 code 的类型：authorization_code 模式以它开始",
        ))
    } else if lacks(GrantType::Implicit, ResponseType::is_front) {
        Some(Pair(
            "must have one with id_token or token: that is what implicit is for",
            "须有含 id_token 或 token 的类型：隐式模式正是为此",
        ))
    } else {
        None
    }
}

/// A return type whose modes are not ticked would be refused each time. `code` may stand there all the same: it is the
/// default, and means nothing to an application that sends nobody to the authorization endpoint.
fn types_have_their_modes(app: &Application) -> Option<Said> {
    let idle = |kind: &&ResponseType| **kind != ResponseType::Code;
    app.settings.response_types.iter().filter(idle).find_map(|kind| {
        let mode = kind.modes().find(|mode| !app.allows_grant(*mode))?;
        let (kind, mode) = (kind.as_str(), mode.as_str());
        Some(said!(
            "has \"{kind}\", which needs {mode} in `grant_types`",
            "含有 \"{kind}\"，需要在 `grant_types` 中启用 {mode}"
        ))
    })
}

/// They travel in every ID token, and none takes the place of what Signet says.
fn constant_claims_fit(app: &Application) -> Option<Said> {
    let claims = &app.settings.constant_claims;
    let refused = |name: &String| {
        let (reason, name) = (check_claim_name(name).err()?, shown(name));
        Some(said!("has {name:?}, which {reason}", "含有 {name:?}，它{reason}", reason))
    };
    let size = serde_json::to_vec(claims).map_or(usize::MAX, |bytes| bytes.len());
    let large = || {
        (size > CONSTANT_CLAIMS_BYTES).then(|| {
            said!(
                "must be at most {CONSTANT_CLAIMS_BYTES} bytes as JSON; it is {size}",
                "以 JSON 表示时最多 {CONSTANT_CLAIMS_BYTES} 字节，现为 {size} 字节"
            )
        })
    };
    claims.keys().find_map(refused).or_else(large)
}

fn refresh_has_an_origin(app: &Application) -> Option<Pair> {
    let origins = [GrantType::AuthorizationCode, GrantType::Password];
    (app.allows_grant(GrantType::RefreshToken) && !origins.iter().any(|grant| app.allows_grant(*grant)))
        .then_some(Pair(
            "has refresh_token without authorization_code or password, which alone can hand one out",
            "含有 refresh_token，却没有 authorization_code 或 password；只有后两者才会签发刷新令牌",
        ))
}

/// RFC 9700 §2.2.2: whoever has no secret must have a new refresh token each time.
fn reuse_is_for_the_confidential(app: &Application) -> Option<Pair> {
    let public = app.settings.token_endpoint_auth_method == AuthMethod::None;
    (app.settings.reuse_refresh_tokens && public).then_some(Pair(
        "must be false where `token_endpoint_auth_method` is none: a stolen token would serve unseen",
        "在 `token_endpoint_auth_method` 为 none 时须为 false：否则被盗的令牌可被暗中使用",
    ))
}

fn password_goes_with_the_rest(app: &Application) -> Option<Pair> {
    (app.settings.password_in_url && !app.settings.token_request_in_url)
        .then_some(Pair("needs token_request_in_url", "需要同时开启 token_request_in_url"))
}

fn only_the_public_are_named(app: &Application) -> Option<Pair> {
    let public = app.settings.token_endpoint_auth_method == AuthMethod::None;
    (app.settings.refresh_without_client_id && !public).then_some(Pair(
        "must be false unless `token_endpoint_auth_method` is none: a header proves nothing",
        "仅在 `token_endpoint_auth_method` 为 none 时才能为 true：请求头不能证明身份",
    ))
}
