//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2).

use serde::Serialize;

use crate::{
    amr::Acr,
    application::{
        Application, ApplicationSettings, AuthMethod, GrantType, RequestObjectAlg, ResponseType, SubjectType,
    },
    authorize::{Display, ResponseMode},
    claims::CLAIMS_BY_SCOPE,
    issuer::Issuer,
    jose::{ContentEncryption, KeyManagementAlg, SigningAlg},
    pkce::ChallengeMethod,
    pool::PoolSettings,
    scope::KnownScope,
};

/// The document of one issuer. An application's issuer lists exactly what that application may use, the pool's what any may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the registered metadata members")]
pub struct Discovery {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: String,
    pub jwks_uri: String,
    pub introspection_endpoint: String,
    pub revocation_endpoint: String,
    pub end_session_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_session_iframe: Option<String>,
    pub frontchannel_logout_supported: bool,
    pub frontchannel_logout_session_supported: bool,
    pub backchannel_logout_supported: bool,
    pub backchannel_logout_session_supported: bool,
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<&'static str>,
    pub response_modes_supported: Vec<&'static str>,
    pub grant_types_supported: Vec<&'static str>,
    pub subject_types_supported: Vec<&'static str>,
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_encryption_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_encryption_enc_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo_signing_alg_values_supported: Vec<&'static str>,
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    pub code_challenge_methods_supported: Vec<&'static str>,
    pub claim_types_supported: Vec<&'static str>,
    pub claims_supported: Vec<String>,
    pub acr_values_supported: Vec<&'static str>,
    pub prompt_values_supported: Vec<&'static str>,
    pub display_values_supported: Vec<&'static str>,
    pub ui_locales_supported: Vec<&'static str>,
    pub claims_parameter_supported: bool,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
    pub require_request_uri_registration: bool,
    pub require_signed_request_object: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_object_signing_alg_values_supported: Vec<&'static str>,
    pub authorization_response_iss_parameter_supported: bool,
}

/// Builds the document of `issuer` in `pool`: of `application`'s own, or of the pool's when there is none.
pub fn discovery(issuer: &Issuer, application: Option<&Application>, pool: &PoolSettings) -> Discovery {
    let settings = application.map(|app| &app.settings);
    let grants: &[GrantType] = settings.map_or(GrantType::ALL, |s| &s.grant_types);
    let accounts = grants.contains(&GrantType::ClientCredentials);
    let methods = |own: Option<AuthMethod>| {
        let fits = |method: &AuthMethod| match own {
            Some(registered) => registered == *method || accounts && method.is_secret(),
            None => true,
        };
        AuthMethod::ALL.iter().copied().filter(fits).map(AuthMethod::as_str).collect()
    };
    let offline = grants.contains(&GrantType::RefreshToken);
    let scopes = KnownScope::ALL.iter().filter(|scope| offline || **scope != KnownScope::OfflineAccess);
    let scopes = scopes.map(|scope| scope.as_str()).chain(pool.scopes.keys().map(String::as_str));
    let algorithms: Vec<SigningAlg> = match settings {
        None => SigningAlg::ALL.to_vec(),
        Some(s) if s.id_token_signed_response_alg == SigningAlg::Rs256 => vec![SigningAlg::Rs256],
        Some(s) => vec![SigningAlg::Rs256, s.id_token_signed_response_alg],
    };
    let assertions = |own: fn(&ApplicationSettings) -> AuthMethod| match settings {
        None => SigningAlg::ALL.iter().map(|alg| alg.as_str()).collect(),
        Some(settings) => assertion_algs(settings, own(settings)),
    };
    let object_algs = application.map_or_else(all_object_algs, object_algs);
    let user_info =
        settings.map_or(SigningAlg::ALL.to_vec(), |s| s.userinfo_signed_response_alg.into_iter().collect());
    let encryption: Vec<KeyManagementAlg> = settings
        .map_or(KeyManagementAlg::ALL.to_vec(), |s| s.id_token_encrypted_response_alg.into_iter().collect());
    let contents: Vec<ContentEncryption> = match settings {
        None => ContentEncryption::ALL.to_vec(),
        Some(s) => encryption.iter().map(|_| s.id_token_encrypted_response_enc.unwrap_or_default()).collect(),
    };
    let plain = settings.is_some_and(|s| s.allow_plain_pkce);
    let challenges = [Some(ChallengeMethod::S256), plain.then_some(ChallengeMethod::Plain)];
    let protocol_claims = [
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
    ];
    Discovery {
        issuer: issuer.url().to_owned(),
        authorization_endpoint: issuer.endpoint("/auth"),
        token_endpoint: issuer.endpoint("/token"),
        userinfo_endpoint: issuer.endpoint("/me"),
        jwks_uri: issuer.endpoint("/.well-known/jwks.json"),
        introspection_endpoint: issuer.endpoint("/token/introspection"),
        revocation_endpoint: issuer.endpoint("/token/revocation"),
        end_session_endpoint: issuer.endpoint("/session/end"),
        check_session_iframe: settings
            .is_none_or(|s| s.session_management)
            .then(|| issuer.endpoint("/session/check")),
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        scopes_supported: scopes.map(str::to_owned).collect(),
        response_types_supported: ResponseType::ALL
            .iter()
            .filter(|kind| application.is_none_or(|app| app.may_answer(**kind)))
            .map(|kind| kind.as_str())
            .collect(),
        response_modes_supported: ResponseMode::ALL.iter().map(|mode| mode.as_str()).collect(),
        grant_types_supported: grants.iter().map(|grant| grant.as_str()).collect(),
        subject_types_supported: settings
            .map_or(SubjectType::ALL, |s| std::slice::from_ref(&s.subject_type))
            .iter()
            .map(|kind| kind.as_str())
            .collect(),
        id_token_signing_alg_values_supported: algorithms.iter().map(|alg| alg.as_str()).collect(),
        id_token_encryption_alg_values_supported: encryption.iter().map(|alg| alg.as_str()).collect(),
        id_token_encryption_enc_values_supported: contents.iter().map(|enc| enc.as_str()).collect(),
        userinfo_signing_alg_values_supported: user_info.iter().map(|alg| alg.as_str()).collect(),
        token_endpoint_auth_methods_supported: methods(settings.map(|s| s.token_endpoint_auth_method)),
        introspection_endpoint_auth_methods_supported: methods(
            settings.map(|s| s.introspection_endpoint_auth_method),
        ),
        revocation_endpoint_auth_methods_supported: methods(
            settings.map(|s| s.revocation_endpoint_auth_method),
        ),
        token_endpoint_auth_signing_alg_values_supported: assertions(|s| s.token_endpoint_auth_method),
        introspection_endpoint_auth_signing_alg_values_supported: assertions(|s| {
            s.introspection_endpoint_auth_method
        }),
        revocation_endpoint_auth_signing_alg_values_supported: assertions(|s| {
            s.revocation_endpoint_auth_method
        }),
        code_challenge_methods_supported: challenges
            .into_iter()
            .flatten()
            .map(ChallengeMethod::as_str)
            .collect(),
        claim_types_supported: vec!["normal"],
        claims_supported: protocol_claims
            .map(str::to_owned)
            .into_iter()
            .chain(user_claims(application, pool))
            .collect(),
        acr_values_supported: Acr::ALL.iter().map(|acr| acr.as_str()).collect(),
        prompt_values_supported: vec!["none", "login", "consent", "select_account"],
        display_values_supported: Display::ALL.iter().map(|display| display.as_str()).collect(),
        ui_locales_supported: pool.sign_in.languages.iter().map(|language| language.tag()).collect(),
        claims_parameter_supported: true,
        request_parameter_supported: !object_algs.is_empty(),
        request_uri_parameter_supported: settings.is_none_or(|s| !s.request_uris.is_empty()),
        require_request_uri_registration: true,
        require_signed_request_object: settings.is_some_and(|s| s.require_signed_request_object),
        request_object_signing_alg_values_supported: object_algs,
        authorization_response_iss_parameter_supported: true,
    }
}

/// The claims that some scope gives, and those that `application` always sends.
fn user_claims(application: Option<&Application>, pool: &PoolSettings) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let built_in = CLAIMS_BY_SCOPE.iter().flat_map(|(_, claims)| claims.iter().map(|(name, _)| *name));
    let own = pool.scopes.values().flat_map(|scope| &scope.claims).map(String::as_str);
    let constant = application.map(|app| app.settings.constant_claims.keys().map(String::as_str));
    for name in built_in.chain(own).chain(constant.into_iter().flatten()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What assertions at an endpoint with this method may be signed with.
fn assertion_algs(settings: &ApplicationSettings, method: AuthMethod) -> Vec<&'static str> {
    let fits = |alg: &SigningAlg| match method {
        AuthMethod::ClientSecretJwt => *alg == SigningAlg::Hs256,
        AuthMethod::PrivateKeyJwt => *alg != SigningAlg::Hs256,
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic | AuthMethod::None => false,
    };
    let registered = settings.token_endpoint_auth_signing_alg;
    let fits = SigningAlg::ALL.iter().copied().filter(fits);
    fits.filter(|alg| registered.is_none_or(|own| own == *alg)).map(SigningAlg::as_str).collect()
}

fn all_object_algs() -> Vec<&'static str> {
    RequestObjectAlg::ALL.iter().map(|alg| alg.as_str()).collect()
}

/// What an application's request objects may be signed with: as it is registered, else by whatever keys it has.
fn object_algs(application: &Application) -> Vec<&'static str> {
    let settings = &application.settings;
    let has_keys = settings.jwks.is_some() || settings.jwks_uri.is_some();
    let fits = |alg: &RequestObjectAlg| match (settings.request_object_signing_alg, alg) {
        (Some(registered), alg) => registered == *alg,
        (None, RequestObjectAlg::None) => false,
        (None, RequestObjectAlg::Hs256) => application.secret.is_some(),
        (None, _) => has_keys,
    };
    RequestObjectAlg::ALL.iter().copied().filter(fits).map(RequestObjectAlg::as_str).collect()
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
