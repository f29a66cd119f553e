//! What would mend a refused request, for a program that offers it and for a person who reads it.

use serde::{Deserialize, Serialize};

/// A remedy. In JSON `do` is its name, beside its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Fix {
    /// Add this exact callback link to the application.
    AddRedirectUri {
        /// As it was sent.
        uri: String,
    },
    /// Add this exact logout callback to the application.
    AddLogoutRedirectUri {
        /// As it was sent.
        uri: String,
    },
    /// Tick these authorization modes.
    TickGrantTypes {
        /// `authorization_code`, …
        grant_types: Vec<String>,
    },
    /// Tick this return type.
    TickResponseType {
        /// `code id_token`, …
        response_type: String,
    },
    /// Register the method that the client uses at an endpoint.
    SetAuthMethod {
        /// The key: `token_endpoint_auth_method`, …
        setting: String,
        /// The method.
        method: String,
    },
    /// Switch something on in the application's settings.
    SwitchOn {
        /// The key: `allow_plain_pkce`, …
        setting: String,
    },
    /// Enable the application.
    EnableApplication,
    /// Add rules that allow these items of a scope, or register what they name.
    RegisterScope {
        /// The values.
        values: Vec<String>,
    },
    /// Add a rule that admits the user.
    AdmitUser,
    /// The client has to send this parameter.
    SendParameter {
        /// Its name.
        name: String,
        /// What it should be, if that can be said.
        value: Option<String>,
    },
    /// The client has to leave this parameter out, or send it once.
    DropParameter {
        /// Its name.
        name: String,
    },
    /// The client has to send its parameters in the form body of a POST.
    SendInBody,
    /// The client has to use another method.
    UseMethod {
        /// `POST`, …
        method: String,
    },
    /// The client's App ID is wrong.
    CheckClientId,
    /// The client's secret or key is wrong.
    CheckSecret,
    /// The client has to send the `code_verifier` of the same login.
    KeepVerifier,
    /// What was shown is worth nothing any more: the person signs in again.
    SignInAgain,
    /// Nobody is signed in: the request has to be sent without `prompt=none`.
    ShowPages,
    /// The client has to speak to the issuer that made what it shows.
    UseIssuer {
        /// The address.
        issuer: String,
    },
    /// The client has to make a new request object for each request, with a clock that is right.
    MakeNewRequestObject,
}

impl Fix {
    /// Whether an administrator can carry it out: it is a change of the application's settings.
    pub fn is_setting(&self) -> bool {
        matches!(
            self,
            Fix::AddRedirectUri { .. }
                | Fix::AddLogoutRedirectUri { .. }
                | Fix::TickGrantTypes { .. }
                | Fix::TickResponseType { .. }
                | Fix::SetAuthMethod { .. }
                | Fix::SwitchOn { .. }
                | Fix::EnableApplication
        )
    }

    /// It in words.
    pub fn in_words(&self) -> String {
        match self {
            Fix::AddRedirectUri { uri } => {
                format!("Add the callback link {uri} to the application, exactly so, or have it send one that is there.")
            }
            Fix::AddLogoutRedirectUri { uri } => {
                format!("Add the logout callback {uri} to the application, exactly so.")
            }
            Fix::TickGrantTypes { grant_types } => {
                format!("Tick {} among the application's authorization modes.", grant_types.join(" and "))
            }
            Fix::TickResponseType { response_type } => {
                format!("Tick {response_type} among the application's return types.")
            }
            Fix::SetAuthMethod { setting, method } => {
                format!("Set {setting} to {method}, or have the client use the method that is registered.")
            }
            Fix::SwitchOn { setting } => {
                format!("Mend the client; if that cannot be done, switch {setting} on for this application.")
            }
            Fix::EnableApplication => "Enable the application.".to_owned(),
            Fix::RegisterScope { values } => {
                format!("Register {} and a rule that allows it, or have it ask for less.", values.join(" "))
            }
            Fix::AdmitUser => "Add a rule to the application's access control that admits the user.".to_owned(),
            Fix::SendParameter { name, value: Some(value) } => format!("Have the client send {name}={value}."),
            Fix::SendParameter { name, value: None } => format!("Have the client send {name}."),
            Fix::DropParameter { name } => format!("Have the client send {name} once, or not at all."),
            Fix::SendInBody => "Have the client send its parameters in the form body of a POST.".to_owned(),
            Fix::UseMethod { method } => format!("Have the client use {method}."),
            Fix::CheckClientId => "Compare the client_id with the App ID in the application's settings.".to_owned(),
            Fix::CheckSecret => "Give the client the secret in the application's settings anew.".to_owned(),
            Fix::KeepVerifier => {
                "Have the client keep the code_verifier of each login, and send the one that belongs to the code.".to_owned()
            }
            Fix::SignInAgain => "Have the client send the person to sign in again.".to_owned(),
            Fix::ShowPages => "Have the client send the request again without prompt=none.".to_owned(),
            Fix::UseIssuer { issuer } => format!("Have the client use the endpoints of {issuer}."),
            Fix::MakeNewRequestObject => {
                "Have the client make a request object for each request, and set its clock.".to_owned()
            }
        }
    }
}
