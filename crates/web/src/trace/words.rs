//! What each rule asks, and what was expected and received, in words of both languages. A trace is kept in English.

use signet_protocol::said::Pair;

use crate::{pages::Lang, sayings};

/// What the rule of a name asks: in English and in Chinese.
const CHECKS: &[(&str, &str, &str)] = &[
    ("access_token", "The access token is of this issuer and alive.", "访问令牌由此发行方签发且仍然有效。"),
    (
        "access_token_in_query",
        "An access token does not stand in a URL, unless the application has that switched on.",
        "访问令牌不应出现在 URL 中，除非应用已开启该选项。",
    ),
    ("access_token_missing", "There is an access token.", "请求中须有访问令牌。"),
    ("acr", "What is asked of the authentication can be given.", "所要求的认证级别须能满足。"),
    ("admission", "The application's access control admits the user.", "应用的访问授权须允许该用户。"),
    ("application_host", "The host is that of an enabled application.", "主机名须属于已启用的应用。"),
    ("browser", "A page is answered in the browser that it was shown to.", "页面须在显示它的浏览器中提交。"),
    ("claims", "The claims parameter is JSON as it is specified.", "claims 参数须为规范的 JSON。"),
    (
        "client_authentication",
        "The client proves who it is by the method that is registered.",
        "客户端须以登记的方式证明身份。",
    ),
    (
        "client_id",
        "The client is known here, and what it shows was given to it.",
        "客户端须为此处所知，且所出示的内容须是发给它的。",
    ),
    ("code", "The code is one that was handed out.", "授权码须是已签发的。"),
    ("code_challenge", "PKCE is used as it must be.", "PKCE 须按要求使用。"),
    ("code_expired", "The code is not older than allowed.", "授权码须未过期。"),
    ("code_known", "The code is one of this server.", "授权码须由本服务器签发。"),
    ("code_revoked", "The login that the code came from still stands.", "授权码所属的登录须仍然有效。"),
    ("code_used", "A code is used once.", "授权码只能使用一次。"),
    (
        "code_verifier",
        "The code_verifier fits the code_challenge of the authorization request.",
        "code_verifier 须与授权请求中的 code_challenge 匹配。",
    ),
    ("consent", "The person consents.", "用户须同意授权。"),
    ("content_type", "The body is a form.", "请求正文须为表单。"),
    ("cookies", "The browser keeps cookies.", "浏览器须保存 Cookie。"),
    ("credentials", "User name and password are right.", "用户名和密码须正确。"),
    ("display", "display is one of its values.", "display 须为规定的值之一。"),
    ("expected_user", "Who is signed in is the one who is expected.", "登录的用户须是预期的用户。"),
    ("grant_allowed", "The authorization mode is ticked for the application.", "应用须已勾选该授权模式。"),
    (
        "grant_type",
        "The authorization mode is known, and ticked for the application.",
        "授权模式须为已知，且应用已勾选。",
    ),
    ("host", "The host is one of this server.", "主机名须属于本服务器。"),
    (
        "id_token_hint",
        "id_token_hint is an ID token of this issuer for this client.",
        "id_token_hint 须是此发行方为此客户端签发的 ID Token。",
    ),
    ("issuer", "What is shown is used at the issuer that made it.", "所出示的内容须在签发它的发行方使用。"),
    ("max_age", "max_age is a number of seconds.", "max_age 须为秒数。"),
    ("method", "The endpoint is asked by a method it takes.", "须使用端点接受的 HTTP 方法。"),
    (
        "nonce",
        "A nonce is sent where an ID token comes through the browser.",
        "通过浏览器返回 ID Token 时须发送 nonce。",
    ),
    ("parameters", "Every parameter that is needed is there, and well formed.", "所需参数须齐全且格式正确。"),
    (
        "parameters_in_url",
        "Parameters do not stand in the URL, where logs see them.",
        "参数不应出现在 URL 中，以免被日志记录。",
    ),
    (
        "post_logout_redirect_uri",
        "The logout callback is registered, exactly as it is sent.",
        "登出回调须与登记的完全一致。",
    ),
    ("prompt", "The values of prompt go together.", "prompt 的各值须可同时使用。"),
    (
        "prompt_none",
        "With prompt=none nobody has to be asked anything.",
        "使用 prompt=none 时不得需要用户交互。",
    ),
    (
        "redirect_uri",
        "The callback link is registered, and the same each time, exactly as it is sent.",
        "回调链接须与登记的完全一致，且前后相同。",
    ),
    (
        "redirect_uri_https",
        "Tokens go through the browser to an https address only.",
        "通过浏览器的令牌只能发往 https 地址。",
    ),
    ("refresh_token_expired", "The refresh token is not older than allowed.", "刷新令牌须未过期。"),
    ("refresh_token_known", "The refresh token is one of this server.", "刷新令牌须由本服务器签发。"),
    ("refresh_token_order", "The refresh token is the newest of its chain.", "刷新令牌须是其链中最新的。"),
    ("refresh_token_revoked", "What the person gave still stands.", "用户的授权须仍然有效。"),
    ("registration", "The registration parameter is not sent.", "不应发送 registration 参数。"),
    ("repeated_parameter", "A parameter is sent once.", "每个参数只能发送一次。"),
    (
        "request_object",
        "The request object is signed as registered, and good.",
        "请求对象须按登记签名且有效。",
    ),
    ("resource", "The resource is one of the application or the pool.", "资源须属于应用或用户池。"),
    ("response_mode", "The answer comes in a way that fits its type.", "响应方式须与返回类型相符。"),
    (
        "response_type",
        "The return type is known, and ticked for the application.",
        "返回类型须为已知，且应用已勾选。",
    ),
    ("scope", "The scope is well formed, and may be given.", "scope 须格式正确且可授予。"),
    ("size", "The request is not too large.", "请求不得过大。"),
    ("state", "state is not too long.", "state 不得过长。"),
    ("throttled", "There were not too many attempts.", "尝试次数不得过多。"),
    ("transaction_expired", "The person did not take too long.", "用户操作不得超时。"),
    ("transaction_used", "A login is finished once.", "一次登录只能完成一次。"),
    ("user", "The user is there and not blocked.", "用户须存在且未被锁定。"),
];

/// What was expected and received, in English and in Chinese. A gap takes anything; the first that fits is taken.
const SAYINGS: &[Pair] = &[
    Pair(
        "the parameters in the form body of a POST, as application/x-www-form-urlencoded",
        "参数位于 POST 的表单正文中（application/x-www-form-urlencoded）",
    ),
    Pair("a body of another type", "其他类型的正文"),
    Pair("parameters in the URL", "参数位于 URL 中"),
    Pair("Authorization: Bearer with an access token", "Authorization: Bearer 携带访问令牌"),
    Pair("no access token", "没有访问令牌"),
    Pair(
        "an ID token of this issuer for this application, or none",
        "此发行方为此应用签发的 ID Token，或不发送",
    ),
    Pair("a login that needs no page", "无需页面的登录"),
    Pair("nobody is signed in as asked", "没有符合要求的已登录用户"),
    Pair("a request object that is still good", "仍然有效的请求对象"),
    Pair("the address of the pool, or that of an enabled application", "用户池的地址，或已启用应用的地址"),
    Pair("a host that is neither", "两者皆非的主机名"),
    Pair("the App ID of an enabled application at this address", "此地址上已启用应用的 App ID"),
    Pair("that of {}, which is disabled", "{} 的 App ID，但该应用已停用"),
    Pair("that of {}, which this issuer does not serve", "{} 的 App ID，但此发行方不服务该应用"),
    Pair("one that is registered, and none is", "已登记的链接，但尚未登记任何链接"),
    Pair("one of the modes that are ticked: {}", "已勾选的模式之一：{}"),
    Pair("one method of authentication", "一种认证方式"),
    Pair("{}, which differs from {} by the slash at its end", "{}，与 {} 仅差末尾的斜杠"),
    Pair(
        "{}, which differs from {} by its scheme, its case or a slash",
        "{}，与 {} 的差别在于协议、大小写或斜杠",
    ),
    Pair("{}, which cannot be registered", "{}，无法登记"),
    Pair("the AccessKey of an account", "账户的 AccessKey"),
    Pair("the App ID of an application", "应用的 App ID"),
    Pair("an access token with the scope openid", "带有 scope openid 的访问令牌"),
    Pair("one without", "不带该 scope 的令牌"),
    Pair("a scope with openid", "包含 openid 的 scope"),
    Pair("no more than was granted", "不超过已授予的范围"),
    Pair("something that rules allow", "规则允许的内容"),
    Pair(
        "the api_identifier of a resource of the application or the pool",
        "应用或用户池中某资源的 api_identifier",
    ),
    Pair("code_challenge_method S256", "code_challenge_method 为 S256"),
    Pair("no code_challenge_method, which means plain", "没有 code_challenge_method，即 plain"),
    Pair("43 characters of base64url", "43 个 base64url 字符"),
    Pair("each parameter once", "每个参数一次"),
    Pair("{} more than once", "{} 多于一次"),
    Pair("a parameter of another name", "其他名称的参数"),
    Pair("two at once", "同时两种"),
    Pair("the App Secret or key of the application", "应用的 App Secret 或密钥"),
    Pair("an assertion that is not accepted", "未被接受的断言"),
    Pair("another secret", "其他密钥"),
    Pair("the SecretKey of an enabled account", "已启用账户的 SecretKey"),
    Pair("the SecretKey of the account", "账户的 SecretKey"),
    Pair("the client it was given to, another application", "它所签发给的客户端（另一个应用）"),
    Pair("the client it was given to, {}", "它所签发给的客户端 {}"),
    Pair("that of the authorization request", "授权请求中的值"),
    Pair("the issuer that made it", "签发它的发行方"),
    Pair("none: the authorization request had no code_challenge", "不发送：授权请求中没有 code_challenge"),
    Pair("a code_verifier", "code_verifier"),
    Pair(
        "the one whose code_challenge was in the authorization request",
        "与授权请求中 code_challenge 对应的值",
    ),
    Pair("a code that was not used yet", "尚未使用的授权码"),
    Pair("one that was used, {}: {}", "已于 {} 使用：{}"),
    Pair("one that was used, {}", "已于 {} 使用"),
    Pair("a code that is still good", "仍然有效的授权码"),
    Pair("one that expired, {}: {}", "已于 {} 过期：{}"),
    Pair("one that expired, {}", "已于 {} 过期"),
    Pair("one whose login has ended: {}", "所属登录已结束：{}"),
    Pair("one whose login has ended", "所属登录已结束"),
    Pair("a code of this server", "本服务器的授权码"),
    Pair("the newest refresh token", "最新的刷新令牌"),
    Pair("one that was revoked, or whose login has ended: {}", "已被撤回，或所属登录已结束：{}"),
    Pair("one that was revoked, or whose login has ended", "已被撤回，或所属登录已结束"),
    Pair(
        "one that was revoked, or whose user or application may no longer have it, or that is forged: {}",
        "已被撤回，或用户、应用不再有权持有，或系伪造：{}",
    ),
    Pair(
        "one that was revoked, or whose user or application may no longer have it, or that is forged",
        "已被撤回，或用户、应用不再有权持有，或系伪造",
    ),
    Pair(
        "one that was replaced before: what was given with it is revoked: {}",
        "此前已被替换，由其签发的内容均已撤回：{}",
    ),
    Pair(
        "one that was replaced before: what was given with it is revoked",
        "此前已被替换，由其签发的内容均已撤回",
    ),
    Pair("one that has expired: {}", "已过期：{}"),
    Pair("one that has expired", "已过期"),
    Pair("an access token of this issuer that is alive", "此发行方签发且仍有效的访问令牌"),
    Pair("no signed token: {}", "不是签名令牌：{}"),
    Pair("no signed token", "不是签名令牌"),
    Pair("a token of another kind, such as an ID token", "其他种类的令牌，例如 ID Token"),
    Pair("an access token of another application", "另一个应用的访问令牌"),
    Pair("an access token of {}", "{} 签发的访问令牌"),
    Pair("something else: {}", "其他内容：{}"),
    Pair("something else", "其他内容"),
    Pair("another application", "另一个应用"),
    Pair("another", "另一个"),
    Pair("nothing", "无"),
    Pair("(not shown)", "（不显示）"),
    Pair("(not kept)", "（未保存）"),
    Pair("before", "之前"),
    Pair("fragment, or leave it out", "fragment，或不发送"),
    Pair("GET or POST", "GET 或 POST"),
    Pair("{} of other names", "另有 {} 个其他名称的参数"),
    Pair("{} characters, SHA-256 {}", "{} 个字符，SHA-256 {}"),
    Pair("{} characters that are no App ID", "{} 个字符，不是 App ID"),
    Pair("one of {}", "其中之一：{}"),
];

/// What a rule asks.
pub fn check(name: &str, lang: Lang) -> Option<&'static str> {
    let (_, en, zh) = CHECKS.iter().find(|(known, _, _)| *known == name)?;
    Some(if lang == Lang::Zh { zh } else { en })
}

/// What a trace says, in the language of a page. A value stands as it is.
pub fn said(text: &str, lang: Lang) -> String {
    sayings::told(SAYINGS, text, lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trace_says_is_told_in_chinese_and_values_stand_as_they_are() {
        for (en, zh) in [
            ("nothing", "无"),
            ("https://rp.example/cb", "https://rp.example/cb"),
            (
                "one of https://a.example/cb, https://b.example/cb",
                "其中之一：https://a.example/cb, https://b.example/cb",
            ),
            (
                "https://a.example/cb/, which differs from https://a.example/cb by the slash at its end",
                "https://a.example/cb/，与 https://a.example/cb 仅差末尾的斜杠",
            ),
            ("something else: 43 characters, SHA-256 0a1b2c…", "其他内容：43 个字符，SHA-256 0a1b2c…"),
            ("that of Notes, which is disabled", "Notes 的 App ID，但该应用已停用"),
            ("S256", "S256"),
        ] {
            assert_eq!(said(en, Lang::Zh), zh);
            assert_eq!(said(en, Lang::En), en);
        }
    }

    #[test]
    fn every_saying_has_both_languages_and_is_found_by_itself() {
        sayings::check(SAYINGS, &["code_verifier"]);
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for (name, en, zh) in CHECKS {
            assert!(!chinese(en) && chinese(zh), "{name}");
        }
        assert!(CHECKS.is_sorted_by_key(|(name, _, _)| *name));
    }

    #[test]
    fn every_rule_of_the_protocol_is_told_in_words() {
        // The table of docs/traces.md has them all.
        let docs = include_str!("../../../../docs/traces.md");
        let table = docs
            .split("## Which rules there are")
            .nth(1)
            .unwrap()
            .split("The client is told less")
            .next()
            .unwrap();
        let names: Vec<&str> =
            table.split('`').skip(1).step_by(2).filter(|name| !name.starts_with("invalid_")).collect();
        assert!(names.len() > 50, "{names:?}");
        for name in names {
            assert!(check(name, Lang::Zh).is_some(), "{name}");
        }
    }
}
