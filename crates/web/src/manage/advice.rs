//! What works and is better not done: said beside the setting, with the clause, in both languages.

use signet_protocol::{
    application::{Application, AuthMethod, GrantType},
    jose::SigningAlg,
    redirect_uri::Scheme,
    time::Seconds,
};

/// A remark about one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The key.
    pub key: &'static str,
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// Where it is said.
    pub clause: &'static str,
}

type Rule = (fn(&Application) -> bool, Advice);

const DAY: Seconds = Seconds(86_400);

/// Everything that is remarked on.
pub const ADVICE: &[Rule] = &[
    (
        |app| app.allows_grant(GrantType::Password),
        Advice {
            key: "grant_types",
            en: "The password mode shows the application its users' passwords, and knows no second factor. Use it for nothing new.",
            zh: "密码模式会让应用接触到用户的密码，且不支持第二因素。请勿在新应用中使用。",
            clause: "RFC 9700 §2.4",
        },
    ),
    (
        |app| app.allows_grant(GrantType::Implicit),
        Advice {
            key: "grant_types",
            en: "With implicit, tokens travel in the address of a page, where histories and scripts see them. Prefer the code with PKCE.",
            zh: "隐式模式下令牌出现在页面地址中，可能被历史记录和脚本看到。建议改用授权码 + PKCE。",
            clause: "RFC 9700 §2.1.2",
        },
    ),
    (
        |app| app.settings.redirect_uris.iter().any(|uri| uri.scheme() == Scheme::Http),
        Advice {
            key: "redirect_uris",
            en: "A callback over plain http can be read and changed on its way.",
            zh: "明文 http 的回调链接在传输中可能被窃听或篡改。",
            clause: "RFC 9700 §2.1.1",
        },
    ),
    (
        |app| app.settings.id_token_signed_response_alg == SigningAlg::Hs256,
        Advice {
            key: "id_token_signed_response_alg",
            en: "With HS256 whoever can verify an ID token can also make one. RS256 needs no shared secret.",
            zh: "使用 HS256 时，能验证 ID Token 的一方也能伪造它。RS256 无需共享密钥。",
            clause: "OpenID Connect Core §10.1",
        },
    ),
    (
        |app| app.settings.allow_plain_pkce,
        Advice {
            key: "allow_plain_pkce",
            en: "A plain challenge is the verifier itself: whoever sees the request can redeem the code. Use S256.",
            zh: "plain 质询就是校验码本身，看到请求的人即可兑换授权码。请使用 S256。",
            clause: "RFC 9700 §2.1.1",
        },
    ),
    (
        |app| app.settings.access_token_in_query,
        Advice {
            key: "access_token_in_query",
            en: "Tokens in addresses end up in logs and histories.",
            zh: "放在地址中的令牌会留在日志和历史记录里。",
            clause: "RFC 9700 §4.3.2",
        },
    ),
    (
        |app| app.settings.token_request_in_url,
        Advice {
            key: "token_request_in_url",
            en: "Secrets in addresses end up in logs of every proxy on the way.",
            zh: "放在地址中的密钥会留在沿途每个代理的日志里。",
            clause: "RFC 6749 §2.3.1",
        },
    ),
    (
        |app| DAY < app.settings.access_token_expire,
        Advice {
            key: "access_token_expire",
            en: "An access token that leaks is good until it expires. An hour is usual; a refresh token keeps people signed in.",
            zh: "泄露的访问令牌在过期前一直有效。通常设为一小时，并用刷新令牌保持登录。",
            clause: "RFC 9700 §2.2.1",
        },
    ),
    (
        |app| app.settings.token_endpoint_auth_method == AuthMethod::None && !app.settings.kind.is_public(),
        Advice {
            key: "token_endpoint_auth_method",
            en: "This application could keep a secret, but does not show it: anybody with its App ID can redeem a code they got hold of, but for PKCE.",
            zh: "该应用能够保存密钥却未使用：除 PKCE 外，任何知道 App ID 的人都能兑换其截获的授权码。",
            clause: "RFC 6749 §2.3",
        },
    ),
    (
        |app| app.settings.reuse_refresh_tokens,
        Advice {
            key: "reuse_refresh_tokens",
            en: "A refresh token that is not replaced can be used by a thief unnoticed.",
            zh: "不轮换的刷新令牌被盗用时无法察觉。",
            clause: "RFC 9700 §4.14",
        },
    ),
];

/// What there is to say of `application`.
pub fn advice(application: &Application) -> Vec<Advice> {
    ADVICE.iter().filter(|(fits, _)| fits(application)).map(|(_, advice)| *advice).collect()
}

#[cfg(test)]
mod tests {
    use signet_protocol::{
        application::ApplicationSettings,
        id::{AppId, PoolId},
        issuer::Identifier,
        redirect_uri::RedirectUri,
        secret::Secret,
    };

    use super::*;

    fn application(change: impl FnOnce(&mut ApplicationSettings)) -> Application {
        let mut settings = ApplicationSettings {
            redirect_uris: vec![RedirectUri::parse("https://rp.example/cb").unwrap()],
            ..ApplicationSettings::default()
        };
        change(&mut settings);
        Application {
            id: AppId::from_bytes([1; 12]),
            pool: PoolId::from_bytes([1; 12]),
            identifier: Identifier::parse("notes").unwrap(),
            name: "Notes".to_owned(),
            enabled: true,
            secret: Some(Secret::new("s")),
            settings,
            version: 1,
        }
    }

    #[test]
    fn nothing_is_said_of_the_defaults_and_each_remark_has_its_occasion() {
        assert_eq!(advice(&application(|_| {})), []);
        let told = |change: fn(&mut ApplicationSettings)| {
            advice(&application(change)).iter().map(|advice| advice.clause).collect::<Vec<_>>()
        };
        assert_eq!(told(|s| s.grant_types.push(GrantType::Password)), ["RFC 9700 §2.4"]);
        assert_eq!(told(|s| s.grant_types.push(GrantType::Implicit)), ["RFC 9700 §2.1.2"]);
        assert_eq!(
            told(|s| s.redirect_uris = vec![RedirectUri::parse("http://rp.example/cb").unwrap()]),
            ["RFC 9700 §2.1.1"]
        );
        assert_eq!(
            told(|s| s.id_token_signed_response_alg = SigningAlg::Hs256),
            ["OpenID Connect Core §10.1"]
        );
        assert_eq!(told(|s| s.allow_plain_pkce = true), ["RFC 9700 §2.1.1"]);
        assert_eq!(told(|s| s.access_token_in_query = true), ["RFC 9700 §4.3.2"]);
        assert_eq!(told(|s| s.token_request_in_url = true), ["RFC 6749 §2.3.1"]);
        assert_eq!(told(|s| s.access_token_expire = Seconds(86_401)), ["RFC 9700 §2.2.1"]);
        assert_eq!(told(|s| s.token_endpoint_auth_method = AuthMethod::None), ["RFC 6749 §2.3"]);
        assert_eq!(told(|s| s.reuse_refresh_tokens = true), ["RFC 9700 §4.14"]);
    }
}
