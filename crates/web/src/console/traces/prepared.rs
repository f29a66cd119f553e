//! The change of settings that mends a refused request.

use serde_json::{Value, json};
use signet_protocol::application::{Application, GrantType, ResponseType};

use crate::{manage::edit::Edit, trace::Fix};

/// Settings that a fix may switch on: what a trace says is data, and is not believed to name a setting.
const SWITCHES: &[&str] = &["allow_plain_pkce", "allow_http_implicit_callbacks", "access_token_in_query"];
/// Settings of a method that a fix may choose.
const METHODS: &[&str] =
    &["token_endpoint_auth_method", "introspection_endpoint_auth_method", "revocation_endpoint_auth_method"];

/// What `fix` makes of `application`; `None` when it is no change of settings.
pub fn prepared(fix: &Fix, application: &Application, edit: Edit) -> Option<Edit> {
    let settings = &application.settings;
    Some(match fix {
        Fix::AddRedirectUri { uri } => edit.set("redirect_uris", &with(&settings.redirect_uris, uri)),
        Fix::AddLogoutRedirectUri { uri } => {
            edit.set("logout_redirect_uris", &with(&settings.logout_redirect_uris, uri))
        }
        Fix::TickGrantTypes { grant_types } => {
            let ticked: Vec<GrantType> =
                grant_types.iter().filter_map(|text| GrantType::parse(text)).collect();
            let edit = edit.set("grant_types", &grants(application, ticked.iter().copied()));
            // The code begins at the authorization endpoint.
            let begins = settings.response_types.iter().any(|kind| kind.gives_code());
            match ticked.contains(&GrantType::AuthorizationCode) && !begins {
                true => edit.set("response_types", &types(application, ResponseType::Code)),
                false => edit,
            }
        }
        Fix::TickResponseType { response_type } => {
            let kind = ResponseType::read(response_type)?;
            edit.set("response_types", &types(application, kind))
                .set("grant_types", &grants(application, kind.modes()))
        }
        Fix::SetAuthMethod { setting, method } if METHODS.contains(&setting.as_str()) => {
            edit.set(setting, &json!(method))
        }
        Fix::SwitchOn { setting } if SWITCHES.contains(&setting.as_str()) => edit.set(setting, &json!(true)),
        Fix::EnableApplication => edit.set("enabled", &json!(true)),
        _ => return None,
    })
}

fn with(registered: &[impl ToString], uri: &str) -> Value {
    let mut all: Vec<String> = registered.iter().map(ToString::to_string).collect();
    if !all.iter().any(|own| own == uri) {
        all.push(uri.to_owned());
    }
    all.into()
}

fn grants(application: &Application, more: impl Iterator<Item = GrantType>) -> Value {
    let mut all: Vec<&str> = application.settings.grant_types.iter().map(|grant| grant.as_str()).collect();
    for grant in more.map(GrantType::as_str) {
        if !all.contains(&grant) {
            all.push(grant);
        }
    }
    all.into()
}

fn types(application: &Application, more: ResponseType) -> Value {
    let mut all: Vec<&str> = application.settings.response_types.iter().map(|kind| kind.as_str()).collect();
    if !all.contains(&more.as_str()) {
        all.push(more.as_str());
    }
    all.into()
}
