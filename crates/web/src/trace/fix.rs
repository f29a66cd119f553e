//! What would mend a refused request, for a program that offers it and for a person who reads it.

use serde::{Deserialize, Serialize};

use crate::pages::Lang;

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
    pub fn in_words(&self, lang: Lang) -> String {
        let say = |en: &'static str, zh: &'static str| if lang == Lang::Zh { zh } else { en };
        match self {
            Fix::AddRedirectUri { .. }
            | Fix::AddLogoutRedirectUri { .. }
            | Fix::TickGrantTypes { .. }
            | Fix::TickResponseType { .. }
            | Fix::SetAuthMethod { .. }
            | Fix::SwitchOn { .. }
            | Fix::EnableApplication => self.setting_in_words(lang),
            Fix::RegisterScope { values } => {
                let (before, behind) = (say("Register ", "登记 "), say(" and a rule that allows it, or have it ask for less.", " 并添加允许它的规则，或让客户端请求更少的权限。"));
                format!("{before}{}{behind}", values.join(" "))
            }
            Fix::AdmitUser => {
                say("Add a rule to the application's access control that admits the user.", "在应用的访问授权中添加允许该用户的规则。").to_owned()
            }
            Fix::SendParameter { name, value: Some(value) } => {
                format!("{} {name}={value}{}", say("Have the client send", "让客户端发送"), say(".", "。"))
            }
            Fix::SendParameter { name, value: None } => {
                format!("{} {name}{}", say("Have the client send", "让客户端发送"), say(".", "。"))
            }
            Fix::DropParameter { name } => {
                format!("{} {name} {}", say("Have the client send", "让客户端将"), say("once, or not at all.", "只发送一次，或不发送。"))
            }
            Fix::SendInBody => {
                say("Have the client send its parameters in the form body of a POST.", "让客户端在 POST 的表单正文中发送参数。").to_owned()
            }
            Fix::UseMethod { method } => {
                format!("{} {method}{}", say("Have the client use", "让客户端使用"), say(".", "。"))
            }
            Fix::CheckClientId => {
                say("Compare the client_id with the App ID in the application's settings.", "将 client_id 与应用配置中的 App ID 进行比对。").to_owned()
            }
            Fix::CheckSecret => {
                say("Give the client the secret in the application's settings anew.", "将应用配置中的密钥重新提供给客户端。").to_owned()
            }
            Fix::KeepVerifier => say(
                "Have the client keep the code_verifier of each login, and send the one that belongs to the code.",
                "让客户端保存每次登录的 code_verifier，并发送与该授权码对应的那一个。",
            )
            .to_owned(),
            Fix::SignInAgain => say("Have the client send the person to sign in again.", "让客户端引导用户重新登录。").to_owned(),
            Fix::ShowPages => {
                say("Have the client send the request again without prompt=none.", "让客户端去掉 prompt=none 后重新发送请求。").to_owned()
            }
            Fix::UseIssuer { issuer } => {
                format!("{} {issuer} {}", say("Have the client use the endpoints of", "让客户端使用"), say("and no others.", "的端点。"))
            }
            Fix::MakeNewRequestObject => say(
                "Have the client make a request object for each request, and set its clock.",
                "让客户端为每个请求生成新的请求对象，并校准其时钟。",
            )
            .to_owned(),
        }
    }

    /// A change of the settings in words.
    fn setting_in_words(&self, lang: Lang) -> String {
        let chinese = lang == Lang::Zh;
        match self {
            Fix::AddRedirectUri { uri } if chinese => {
                format!("将回调链接 {uri} 原样添加到应用，或让客户端发送已登记的链接。")
            }
            Fix::AddRedirectUri { uri } => {
                format!(
                    "Add the callback link {uri} to the application, exactly so, or have it send one that is there."
                )
            }
            Fix::AddLogoutRedirectUri { uri } if chinese => format!("将登出回调 {uri} 原样添加到应用。"),
            Fix::AddLogoutRedirectUri { uri } => {
                format!("Add the logout callback {uri} to the application, exactly so.")
            }
            Fix::TickGrantTypes { grant_types } if chinese => {
                format!("在应用的授权模式中勾选 {}。", grant_types.join("、"))
            }
            Fix::TickGrantTypes { grant_types } => {
                format!("Tick {} among the application's authorization modes.", grant_types.join(" and "))
            }
            Fix::TickResponseType { response_type } if chinese => {
                format!("在应用的返回类型中勾选 {response_type}。")
            }
            Fix::TickResponseType { response_type } => {
                format!("Tick {response_type} among the application's return types.")
            }
            Fix::SetAuthMethod { setting, method } if chinese => {
                format!("将 {setting} 设为 {method}，或让客户端使用已登记的方式。")
            }
            Fix::SetAuthMethod { setting, method } => {
                format!("Set {setting} to {method}, or have the client use the method that is registered.")
            }
            Fix::SwitchOn { setting } if chinese => {
                format!("请修正客户端；若无法修正，可为此应用开启 {setting}。")
            }
            Fix::SwitchOn { setting } => {
                format!("Mend the client; if that cannot be done, switch {setting} on for this application.")
            }
            Fix::EnableApplication if chinese => "启用该应用。".to_owned(),
            _ => "Enable the application.".to_owned(),
        }
    }
}
