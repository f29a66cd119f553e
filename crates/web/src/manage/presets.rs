//! What the settings of an application are for each authorization mode: one recipe each.

use serde_json::{Value, json};

/// A recipe.
#[derive(Debug)]
pub struct Preset {
    /// Its name in forms.
    pub id: &'static str,
    /// What it is called, in English.
    pub en: &'static str,
    /// The same in Chinese.
    pub zh: &'static str,
    grants: &'static [&'static str],
    types: &'static [&'static str],
    /// How the application authenticates at all three endpoints; nothing: as it does.
    method: Option<&'static str>,
    id_token_alg: Option<&'static str>,
}

/// The seven of them.
pub const PRESETS: &[Preset] = &[
    Preset {
        id: "code",
        en: "Authorization code",
        zh: "授权码模式",
        grants: &["authorization_code"],
        types: &["code"],
        method: None,
        id_token_alg: None,
    },
    Preset {
        id: "pkce",
        en: "Authorization code + PKCE",
        zh: "授权码 + PKCE 模式",
        grants: &["authorization_code"],
        types: &["code"],
        method: Some("none"),
        id_token_alg: None,
    },
    Preset {
        id: "implicit",
        en: "Implicit",
        zh: "隐式模式",
        grants: &["implicit"],
        types: &["id_token token", "id_token"],
        method: None,
        id_token_alg: None,
    },
    Preset {
        id: "hybrid",
        en: "Hybrid",
        zh: "混合模式",
        grants: &["authorization_code", "implicit"],
        types: &["code id_token token", "code id_token", "code token"],
        method: None,
        id_token_alg: None,
    },
    Preset {
        id: "client_credentials",
        en: "Client credentials",
        zh: "Client Credentials 模式",
        grants: &["client_credentials"],
        types: &[],
        method: None,
        id_token_alg: Some("RS256"),
    },
    Preset {
        id: "password",
        en: "Password",
        zh: "密码模式",
        grants: &["password"],
        types: &[],
        method: None,
        id_token_alg: None,
    },
    Preset {
        id: "refresh",
        en: "Code with refresh tokens",
        zh: "授权码 + 刷新令牌",
        grants: &["authorization_code", "refresh_token"],
        types: &["code"],
        method: None,
        id_token_alg: None,
    },
];

impl Preset {
    /// What is set, by the keys of a description.
    pub fn settings(&self) -> Vec<(&'static str, Value)> {
        let mut settings = vec![("grant_types", json!(self.grants)), ("response_types", json!(self.types))];
        if let Some(method) = self.method {
            let endpoints = [
                "token_endpoint_auth_method",
                "introspection_endpoint_auth_method",
                "revocation_endpoint_auth_method",
            ];
            settings.extend(endpoints.map(|key| (key, json!(method))));
        }
        settings.extend(self.id_token_alg.map(|alg| ("id_token_signed_response_alg", json!(alg))));
        settings
    }
}
