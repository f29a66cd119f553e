//! The settings of an application, card by card.

use crate::console::{
    fields::{Card, Control, NO_HINT, field},
    words::Pair,
};

const AUTH_METHODS: &[&str] =
    &["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"];
const SIGNING: &[&str] = &["RS256", "HS256", "PS256", "ES256", "EdDSA"];
const PUBLIC_SIGNING: &[&str] = &["RS256", "PS256", "ES256", "EdDSA"];

/// What it is called and where it lives.
pub static BASIC: Card = Card {
    id: "basic",
    title: Pair("Basic settings", "基本设置"),
    lead: Pair(
        "What people see on the sign-in page, and what kind of program it is.",
        "登录页上显示的信息，以及应用的类型。",
    ),
    fields: &[
        field("name", Control::Text, Pair("Application name", "应用名称"), NO_HINT),
        field(
            "description",
            Control::Area,
            Pair("Description", "描述"),
            Pair("For the people who administer it.", "供管理人员参考。"),
        ),
        field(
            "type",
            Control::Choice(&["web", "spa", "native", "api"]),
            Pair("Type", "类型"),
            Pair(
                "Browser, mobile and desktop applications cannot keep a secret: they use the code with PKCE.",
                "浏览器、移动和桌面应用无法保存密钥，使用授权码 + PKCE。",
            ),
        ),
        field(
            "enabled",
            Control::Toggle,
            Pair("Enabled", "启用"),
            Pair(
                "Switched off, nobody signs in to it, and what it was given ends at once.",
                "停用后无人可登录，已发放的令牌立即失效。",
            ),
        ),
    ],
};

/// Where it is and where people come back to.
pub static ADDRESSES: Card = Card {
    id: "addresses",
    title: Pair("Authentication configuration", "认证配置"),
    lead: Pair(
        "Every address is compared byte by byte; write them exactly as the application sends them.",
        "地址按字节精确比较，请与应用发送的完全一致。",
    ),
    fields: &[
        field(
            "identifier",
            Control::Text,
            Pair("Authentication address", "认证地址"),
            Pair(
                "The first label of the application's own host. Changing it changes the issuer: tokens and bookmarks of the old address stop working.",
                "应用自有主机名的第一段。修改后发行方随之改变，旧地址的令牌和书签将失效。",
            ),
        ),
        field(
            "redirect_uris",
            Control::Lines,
            Pair("Login callback links", "登录回调链接"),
            Pair(
                "One on each line. Here the code and tokens are sent.",
                "每行一个，授权码和令牌将发送到这里。",
            ),
        ),
        field(
            "logout_redirect_uris",
            Control::Lines,
            Pair("Logout callback links", "登出回调链接"),
            Pair(
                "One on each line. Here people may come back to after signing out.",
                "每行一个，用户登出后可返回这些地址。",
            ),
        ),
        field(
            "web_origins",
            Control::Lines,
            Pair("Web origins", "允许的跨域来源"),
            Pair(
                "Origins whose scripts may call the endpoints. Empty: the origins of the callback links.",
                "允许其脚本调用端点的来源。留空则为回调链接的来源。",
            ),
        ),
        field(
            "frontchannel_logout_uri",
            Control::Text,
            Pair("Front-channel logout", "前端登出通知"),
            Pair("Opened in a hidden frame when a session ends.", "会话结束时在隐藏框架中打开。"),
        ),
        field(
            "backchannel_logout_uri",
            Control::Text,
            Pair("Back-channel logout", "后端登出通知"),
            Pair(
                "Called by this server with a logout token when a session ends.",
                "会话结束时由服务器携带登出令牌调用。",
            ),
        ),
        field(
            "session_management",
            Control::Toggle,
            Pair("Send session_state", "发送 session_state"),
            Pair(
                "For applications that watch the session by check_session_iframe.",
                "供通过 check_session_iframe 监视会话的应用使用。",
            ),
        ),
    ],
};

/// The seed's card of this name.
pub static AUTHORIZATION: Card = Card {
    id: "authorization",
    title: Pair("Authorization", "授权配置"),
    lead: Pair("What is not ticked is refused.", "未勾选的模式和类型一律拒绝。"),
    fields: &[
        field(
            "grant_types",
            Control::Checks(&[
                "authorization_code",
                "implicit",
                "refresh_token",
                "password",
                "client_credentials",
            ]),
            Pair("Authorization mode", "授权模式"),
            NO_HINT,
        ),
        field(
            "response_types",
            Control::Checks(&[
                "code id_token token",
                "code id_token",
                "code token",
                "code",
                "id_token token",
                "id_token",
                "none",
            ]),
            Pair("Return type", "返回类型"),
            NO_HINT,
        ),
        field(
            "id_token_signed_response_alg",
            Control::Choice(SIGNING),
            Pair("id_token signature algorithm", "id_token 签名算法"),
            Pair(
                "ES256 and EdDSA are signed about ten times as fast as RS256.",
                "ES256 和 EdDSA 的签名速度约为 RS256 的十倍。",
            ),
        ),
        field(
            "access_token_signed_response_alg",
            Control::Choice(PUBLIC_SIGNING),
            Pair("access_token signature algorithm", "access_token 签名算法"),
            NO_HINT,
        ),
        field(
            "skip_consent",
            Control::Opposite,
            Pair("Show the consent page", "启用授权确认页"),
            Pair(
                "Off: it is shown only where the request says prompt=consent.",
                "关闭时仅在请求携带 prompt=consent 时显示。",
            ),
        ),
        field(
            "offline_access_without_consent",
            Control::Toggle,
            Pair("Give refresh tokens without prompt=consent", "无 prompt=consent 也发放刷新令牌"),
            NO_HINT,
        ),
    ],
};

/// The seed's card of this name.
pub static SECURITY: Card = Card {
    id: "security",
    title: Pair("Security", "安全配置"),
    lead: Pair(
        "How the application shows who it is, and how what it gets is protected.",
        "应用如何证明身份，以及发放内容如何受到保护。",
    ),
    fields: &[
        field(
            "token_endpoint_auth_method",
            Control::Choice(AUTH_METHODS),
            Pair("Exchange token authentication method", "换取 token 身份验证方式"),
            NO_HINT,
        ),
        field(
            "introspection_endpoint_auth_method",
            Control::Choice(AUTH_METHODS),
            Pair("Verification token authentication method", "检验 token 身份验证方式"),
            NO_HINT,
        ),
        field(
            "revocation_endpoint_auth_method",
            Control::Choice(AUTH_METHODS),
            Pair("Withdrawal token authentication method", "撤回 token 身份验证方式"),
            NO_HINT,
        ),
        field(
            "allow_http_implicit_callbacks",
            Control::Toggle,
            Pair("Do not force implicit mode callback links to https", "不强制隐式模式回调链接为 https"),
            NO_HINT,
        ),
        field(
            "allow_plain_pkce",
            Control::Toggle,
            Pair("Accept plain PKCE challenges", "接受 plain 方式的 PKCE"),
            NO_HINT,
        ),
        field(
            "id_token_encrypted_response_alg",
            Control::Choice(&["", "RSA-OAEP-256", "ECDH-ES"]),
            Pair("Encrypt the id_token", "id_token 加密算法"),
            Pair("Needs a public key of the application below.", "需要在下方提供应用的公钥。"),
        ),
        field(
            "id_token_encrypted_response_enc",
            Control::Choice(&["", "A128CBC-HS256", "A256GCM"]),
            Pair("Its content encryption", "内容加密算法"),
            NO_HINT,
        ),
        field(
            "jwks_uri",
            Control::Text,
            Pair("Public keys, by address", "公钥地址"),
            Pair("An https address of a JWK set.", "JWK 集合的 https 地址。"),
        ),
        field(
            "token_endpoint_auth_signing_alg",
            Control::Choice(&["", "RS256", "PS256", "ES256", "EdDSA", "HS256"]),
            Pair("Algorithm of its assertions", "断言签名算法"),
            NO_HINT,
        ),
        field(
            "request_object_signing_alg",
            Control::Choice(&["", "none", "RS256", "PS256", "ES256", "EdDSA", "HS256"]),
            Pair("Algorithm of its request objects", "请求对象签名算法"),
            NO_HINT,
        ),
        field(
            "require_signed_request_object",
            Control::Toggle,
            Pair("Refuse requests that are not signed", "拒绝未签名的请求"),
            NO_HINT,
        ),
        field(
            "request_uris",
            Control::Lines,
            Pair("Addresses of its request objects", "请求对象地址"),
            NO_HINT,
        ),
    ],
};

/// The seed's card of this name.
pub static EXPIRY: Card = Card {
    id: "expiry",
    title: Pair("Expiry", "过期时间"),
    lead: Pair("How long what is given out is good for.", "发放内容的有效期。"),
    fields: &[
        field("authorization_code_expire", Control::Seconds, Pair("authorization code", "授权码"), NO_HINT),
        field("id_token_expire", Control::Seconds, Pair("id_token", "id_token"), NO_HINT),
        field("access_token_expire", Control::Seconds, Pair("access_token", "access_token"), NO_HINT),
        field(
            "refresh_token_expire",
            Control::Seconds,
            Pair("refresh_token", "refresh_token"),
            Pair("From the login on; refreshing does not extend it.", "自登录时起算，刷新不会延长。"),
        ),
    ],
};

/// What clients of other servers expect.
pub static COMPATIBILITY: Card = Card {
    id: "compatibility",
    title: Pair("Compatibility", "兼容性"),
    lead: Pair(
        "For clients that were written for another server. Leave everything off that is not needed.",
        "供为其他服务器编写的客户端使用，不需要的请保持关闭。",
    ),
    fields: &[
        field(
            "access_token_in_query",
            Control::Toggle,
            Pair("User info takes the token from the address", "用户信息端点接受地址中的令牌"),
            NO_HINT,
        ),
        field(
            "empty_claims_as_null",
            Control::Toggle,
            Pair("Send empty claims as null", "空声明以 null 发送"),
            NO_HINT,
        ),
        field(
            "updated_at_as_text",
            Control::Toggle,
            Pair("Send updated_at as text", "updated_at 以文本发送"),
            NO_HINT,
        ),
        field(
            "reuse_refresh_tokens",
            Control::Toggle,
            Pair("Keep refresh tokens until they expire", "刷新令牌在过期前不轮换"),
            NO_HINT,
        ),
        field(
            "token_request_in_url",
            Control::Toggle,
            Pair("The token endpoint takes parameters from the address", "令牌端点接受地址中的参数"),
            NO_HINT,
        ),
        field("password_in_url", Control::Toggle, Pair("Even the password", "包括密码"), NO_HINT),
        field(
            "refresh_without_client_id",
            Control::Toggle,
            Pair("Refresh by the header x-authing-app-id alone", "仅凭 x-authing-app-id 请求头刷新"),
            NO_HINT,
        ),
        field(
            "validate_token",
            Control::Toggle,
            Pair("Answer /api/v2/oidc/validate_token", "启用 /api/v2/oidc/validate_token"),
            NO_HINT,
        ),
    ],
};

/// Which claims it gets, and how its users are named to it.
pub static CLAIMS: Card = Card {
    id: "claims",
    title: Pair("Claims", "声明"),
    lead: Pair(
        "Scopes and claims of the pool are under Settings; here is what is this application's alone.",
        "用户池的 scope 和声明在“设置”中；这里只列出此应用特有的部分。",
    ),
    fields: &[
        field(
            "constant_claims",
            Control::Json,
            Pair("Constant claims", "固定声明"),
            Pair(
                "A JSON object: claims with the same value for everybody, in ID tokens and user info.",
                "JSON 对象：对所有人取相同值的声明，写入 ID Token 和用户信息。",
            ),
        ),
        field(
            "subject_type",
            Control::Choice(&["public", "pairwise"]),
            Pair("Subject type", "主体标识类型"),
            Pair(
                "Pairwise: two applications cannot tell that they have the same user.",
                "pairwise：两个应用无法得知彼此的用户是同一人。",
            ),
        ),
        field(
            "sector_identifier_uri",
            Control::Text,
            Pair("Sector identifier", "扇区标识地址"),
            Pair(
                "Only for pairwise with callback links at several hosts.",
                "仅在 pairwise 且回调链接位于多个主机时需要。",
            ),
        ),
        field(
            "userinfo_signed_response_alg",
            Control::Choice(&["", "RS256", "HS256", "PS256", "ES256", "EdDSA"]),
            Pair("Sign user info", "用户信息签名算法"),
            NO_HINT,
        ),
    ],
};

/// Who gets in.
pub static ACCESS: Card = Card {
    id: "access",
    title: Pair("Single sign-on and access", "单点登录与访问控制"),
    lead: Pair(
        "Who may sign in to this application, and whether a login at another one is enough.",
        "谁可以登录此应用，以及在其他应用的登录是否足够。",
    ),
    fields: &[
        field(
            "sso",
            Control::Toggle,
            Pair("Add to single sign-on", "加入单点登录"),
            Pair(
                "People who are signed in to one application of the list are signed in to all of them.",
                "登录列表中的一个应用即登录全部应用。",
            ),
        ),
        field(
            "access_default",
            Control::Choice(&["allow", "deny"]),
            Pair("Default permission", "默认权限"),
            NO_HINT,
        ),
    ],
};
