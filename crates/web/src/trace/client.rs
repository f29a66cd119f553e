//! Why a client was not authenticated.

use signet_protocol::{
    application::{Application, AuthMethod},
    client_auth::presented,
    id::ClientId,
    jose::{Parsed, SigningAlg},
    params::RawParams,
};

use super::{
    Fix,
    diagnose::{Case, Finding},
};

/// The `client_id` in an `Authorization: Basic` header.
pub fn basic_id(header: &str) -> Option<ClientId> {
    presented(&RawParams::default(), Some(header)).ok()?.id
}

/// What the request used to prove who it is.
fn sent(case: &Case<'_>) -> AuthMethod {
    let params = case.params;
    if let Some(assertion) = params.get("client_assertion") {
        return match Parsed::parse(assertion).ok().and_then(|token| token.alg()) {
            Some(SigningAlg::Hs256) => AuthMethod::ClientSecretJwt,
            _ => AuthMethod::PrivateKeyJwt,
        };
    }
    match (case.refused.authorization.is_some(), params.has("client_secret")) {
        (true, _) => AuthMethod::ClientSecretBasic,
        (false, true) => AuthMethod::ClientSecretPost,
        (false, false) => AuthMethod::None,
    }
}

/// The setting that counts at the endpoint of the request, and its value.
fn registered(case: &Case<'_>, application: &Application) -> (&'static str, AuthMethod) {
    let settings = &application.settings;
    match case.refused.path.as_str() {
        "/oidc/token/introspection" => {
            ("introspection_endpoint_auth_method", settings.introspection_endpoint_auth_method)
        }
        "/oidc/token/revocation" => {
            ("revocation_endpoint_auth_method", settings.revocation_endpoint_auth_method)
        }
        _ => ("token_endpoint_auth_method", settings.token_endpoint_auth_method),
    }
}

/// What of the authentication was wrong.
pub async fn look(case: &Case<'_>) -> Finding {
    let header = case.refused.authorization.is_some();
    if case.params.has("client_secret") && (header || case.params.has("client_assertion")) {
        let fix = Fix::DropParameter { name: "client_secret".to_owned() };
        return Finding::new("one method of authentication", "two at once", fix);
    }
    let Some(application) = &case.application else { return case.client() };
    if !application.enabled || !case.refused.issuer.serves(application.id) {
        return case.client();
    }
    let sent = sent(case);
    if case.by_account {
        return of_account(sent);
    }
    let (setting, registered) = registered(case, application);
    if sent != registered {
        return Finding::new(
            registered.as_str(),
            sent.as_str(),
            another(application, sent, (setting, registered)),
        );
    }
    let what = match sent {
        AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretJwt => "an assertion that is not accepted",
        _ => "another secret",
    };
    Finding::new("the App Secret or key of the application", what, Fix::CheckSecret)
}

fn of_account(sent: AuthMethod) -> Finding {
    match sent {
        AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic => {
            Finding::new("the SecretKey of an enabled account", "another secret", Fix::CheckSecret)
        }
        other => {
            let fix = Fix::SendParameter { name: "client_secret".to_owned(), value: None };
            Finding::new("the SecretKey of the account", other.as_str(), fix)
        }
    }
}

/// What mends a method that is not the registered one.
fn another(application: &Application, sent: AuthMethod, (setting, registered): (&str, AuthMethod)) -> Fix {
    let public = application.settings.kind.is_public();
    match (sent, registered) {
        (AuthMethod::None, _) => Fix::SendParameter { name: "client_secret".to_owned(), value: None },
        (AuthMethod::ClientSecretPost, AuthMethod::None) if public => {
            Fix::DropParameter { name: "client_secret".to_owned() }
        }
        (AuthMethod::ClientSecretBasic, AuthMethod::None) if public => {
            Fix::DropParameter { name: "Authorization".to_owned() }
        }
        _ => Fix::SetAuthMethod { setting: setting.to_owned(), method: sent.as_str().to_owned() },
    }
}
