//! What there is to say of the steps, and what a client has to check of them.

use super::Said;

macro_rules! said {
    ($($name:ident: $en:literal, $zh:literal, $clause:literal;)*) => {
        $(pub static $name: Said = Said { en: $en, zh: $zh, clause: $clause };)*

        /// Every text.
        #[cfg(test)]
        pub static ALL: &[&Said] = &[$(&$name),*];
    };
}

said! {
    REQUEST: "The authorization request", "授权请求", "OpenID Connect Core §3.1.2.1";
    ANSWER: "The answer, posted by the browser", "由浏览器提交的响应", "OAuth 2.0 Form Post Response Mode §2";
    DISCOVERY: "Service discovery", "服务发现", "OpenID Connect Discovery §4";
    KEYS: "The public keys", "公钥", "RFC 7517 §5";
    FRONT: "The tokens in the answer", "响应中的令牌", "OpenID Connect Core §3.2.2.8";
    REDEEM: "The code is exchanged for tokens", "用授权码换取令牌", "RFC 6749 §4.1.3";
    PASSWORD: "The password is exchanged for tokens", "用密码换取令牌", "RFC 6749 §4.3.2";
    ACCOUNT: "The account asks for a token", "编程访问账号请求令牌", "RFC 6749 §4.4.2";
    USER_INFO: "User information", "用户信息", "OpenID Connect Core §5.3";
    INTROSPECTION: "Introspection", "检验令牌", "RFC 7662 §2";
    REFRESH: "The refresh token is used", "使用刷新令牌", "RFC 6749 §6";
    REVOCATION: "Revocation", "撤回", "RFC 7009 §2";

    OWN_KEY: "Not sent: the application authenticates with a key of its own, which Signet does not have.", "未发送：应用使用自己的私钥认证，Signet 没有该私钥。", "RFC 7523 §2.2";
    NO_REFRESH: "There was no refresh token in the answer: the scope needs offline_access, and the person has to consent.", "响应中没有刷新令牌：scope 须包含 offline_access，且须经用户同意。", "OpenID Connect Core §11";
    WITHOUT_CLIENT: "Done without the endpoint: the credentials of whoever was given the token are not known here.", "未经端点直接完成：此处没有令牌持有者的凭据。", "";
    NOT_LIVE: "There is nothing to revoke: the token has ended, or is none of this application.", "没有可撤回的内容：令牌已失效，或不属于此应用。", "RFC 7009 §2.2";
    ENCRYPTED: "Encrypted to a key of the application's own: only the application can read it.", "已用应用自己的密钥加密：只有应用能读取。", "OpenID Connect Core §16.14";
    UNREACHED: "The issuer did not answer as it should, so nothing further was asked.", "发行方未正确应答，因此没有继续请求。", "";

    STATE: "`state` is the one that was sent", "`state` 与发送的一致", "RFC 6749 §10.12";
    RESPONSE_ISS: "`iss` names the issuer that was asked", "`iss` 是所请求的发行方", "RFC 9207 §2.4";
    DISCOVERY_ISS: "`issuer` is the address it was found by", "`issuer` 与其地址一致", "OpenID Connect Discovery §4.3";
    FORM: "It is a signed token", "是已签名的令牌", "RFC 7515 §7.1";
    SIGNATURE: "The signature is that of the key `kid` among the public keys", "签名出自公钥集中 `kid` 对应的密钥", "OpenID Connect Core §3.1.3.7";
    SIGNATURE_SECRET: "The signature is keyed by the App Secret", "签名使用 App Secret", "OpenID Connect Core §3.1.3.7";
    ALG: "`alg` is what the application has registered", "`alg` 与应用的设置一致", "RFC 8725 §3.1";
    TYP_ID: "`typ` is that of an ID token", "`typ` 表明是 ID Token", "RFC 8725 §3.11";
    TYP_ACCESS: "`typ` is that of an access token", "`typ` 表明是访问令牌", "RFC 9068 §4";
    ISS: "`iss` is the issuer", "`iss` 是发行方", "OpenID Connect Core §3.1.3.7";
    AUD: "`aud` is whom the token is for", "`aud` 是令牌的接收方", "OpenID Connect Core §3.1.3.7";
    CLIENT: "`client_id` is who was given it", "`client_id` 是令牌的持有者", "RFC 9068 §2.2";
    EXP: "`exp` is in the future", "`exp` 尚未到期", "RFC 7519 §4.1.4";
    IAT: "`iat` is not in the future", "`iat` 不晚于现在", "RFC 7519 §4.1.6";
    NONCE: "`nonce` is the one that was sent", "`nonce` 与发送的一致", "OpenID Connect Core §3.1.3.7";
    AT_HASH: "`at_hash` is that of the access token", "`at_hash` 与访问令牌相符", "OpenID Connect Core §3.2.2.9";
    C_HASH: "`c_hash` is that of the code", "`c_hash` 与授权码相符", "OpenID Connect Core §3.3.2.10";
    S_HASH: "`s_hash` is that of the state", "`s_hash` 与 state 相符", "FAPI 1.0 Advanced §5.1";
    TOKEN_TYPE: "`token_type` is Bearer", "`token_type` 为 Bearer", "RFC 6749 §7.1";
    NO_STORE: "Nobody may keep the answer", "响应不得被缓存", "RFC 6749 §5.1";
    SAME_SUB: "`sub` is that of the ID token", "`sub` 与 ID Token 的一致", "OpenID Connect Core §5.3.2";
    SUB_STAYS: "`sub` is the same as before", "`sub` 与之前一致", "OpenID Connect Core §12.2";
    ACTIVE: "It is active", "令牌有效", "RFC 7662 §2.2";
    INACTIVE: "It is not active any more", "令牌已失效", "RFC 7009 §2";
    ROTATED: "There is a new refresh token in place of the one that was used", "刷新令牌已更换", "RFC 9700 §2.2.2";
    REUSED: "The refresh token stays the same, as the application has it", "刷新令牌保持不变（按应用设置）", "RFC 6749 §6";
}
