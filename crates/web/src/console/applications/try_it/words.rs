//! The texts of the pages where a login is tried.

use crate::console::words::words;

words! {
    /// The texts.
    TryWords {
        lead: "Runs the real flow and shows every request, every answer, and every token, taken apart and checked. What is ticked for this application can be tried.", "运行真实流程，展示每个请求、每个响应，以及解析并校验后的每个令牌。可体验此应用已勾选的各种模式。";
        live: "Everything is real: whoever signs in gets a session, and the tokens on the page are good until they are revoked or end. Use an account for tests.", "一切都是真实的：登录者会获得会话，页面上的令牌在撤回或到期之前均有效。请使用测试账号。";
        nothing: "Nothing can be tried yet", "暂无可体验的模式";
        nothing_lead: "Tick an authorization mode and a return type first.", "请先勾选授权模式和返回类型。";
        to_protocol: "To the protocol settings", "前往协议配置";
        disabled: "The application is disabled: nobody can sign in to it. Enable it first, in the danger zone.", "应用已停用，无法登录。请先在危险操作中启用。";
        link_title: "The callback link of this page", "本页的回调链接";
        link_missing: "Answers are sent only to callback links that are in the application's list, character by character. Add this one to try a login with a browser; you see the change before it is saved, and can take it away afterwards.", "响应只会发送到应用列表中完全一致的回调链接。添加此链接后即可通过浏览器体验登录；保存前会显示变更，之后也可移除。";
        link_there: "It is in the application's list. Take it away when nobody tries logins here any more.", "已在应用的列表中。不再需要体验登录时请将其移除。";
        link_add: "Add this callback link", "添加此回调链接";
        link_remove: "Take it away", "移除";
        link_first: "Add the callback link above first.", "请先添加上方的回调链接。";
        browser_title: "With a browser", "通过浏览器";
        browser_lead: "You are shown the request, then sign in as a user, and come back here with the answer.", "先展示请求，然后以用户身份登录，最后带着响应返回此处。";
        mode: "Mode", "模式";
        scope: "Scope", "Scope";
        scope_hint: "Separated by spaces. Without openid there is no ID token.", "以空格分隔。不含 openid 则没有 ID Token。";
        refresh_hint: "“then a refresh” adds offline_access and prompt=consent by itself.", "“然后刷新令牌”会自动加上 offline_access 和 prompt=consent。";
        prompt: "Prompt", "Prompt";
        prompt_none: "not sent", "不发送";
        issuer: "Issuer", "发行方";
        issuer_pool: "the pool's", "用户池";
        issuer_own: "the application's own", "应用自有";
        start: "Begin", "开始";
        own_key: "The application authenticates with a key of its own, which Signet does not have: a code is not exchanged here, but the answer with it is shown.", "应用使用自己的私钥认证，Signet 没有该私钥：此处不会换取令牌，但会显示带授权码的响应。";
        signed_requests: "The application takes signed requests only, and this page does not sign: the answer will be a refusal.", "应用只接受已签名的请求，而本页不会签名：响应将是拒绝。";
        not_https: "Tokens are sent to https callbacks or to this machine only, and this console has neither: modes with tokens in the answer are refused, unless the application allows http callbacks for them.", "令牌只会发送到 https 或本机的回调链接，而此控制台两者都不是：响应中带令牌的模式会被拒绝，除非应用允许此类 http 回调。";
        password_title: "With a password", "通过密码";
        password_lead: "The application is shown the password of a user. It is sent on once, counts like any sign-in, and is not shown or kept.", "应用会接触到用户的密码。密码只转发一次，计入登录次数，不会显示或保存。";
        username: "User name, e-mail or phone", "用户名、邮箱或手机号";
        password: "Password", "密码";
        account_title: "As a programmatic access account", "以编程访问账号";
        account_lead: "A machine caller of this application asks for itself. Its SecretKey is sent on once, and is not shown or kept.", "此应用的机器调用方为自己请求令牌。SecretKey 只转发一次，不会显示或保存。";
        account_scope_hint: "Items of the form resource:action, separated by spaces.", "形如 resource:action，以空格分隔。";
        ask: "Ask for tokens", "请求令牌";
        unticked: "This mode is not ticked for the application. Tick it in the protocol settings, or choose another.", "此应用未勾选该模式。请在协议配置中勾选，或选择其他模式。";
        too_long: "The scope is too long to be tried here: at most 800 bytes.", "Scope 过长，此处最多 800 字节。";
        incomplete: "Fill in both the name and the secret.", "请填写名称和密码。";
        other_account: "There is no account with this AccessKey in this application.", "此应用没有使用该 AccessKey 的账号。";
        request_title: "The request", "请求";
        request_lead: "Your browser sends it when you go on. Sign in as the user you want to try with; you come back here.", "继续后由您的浏览器发送。请以要体验的用户登录，之后会返回此处。";
        go: "Send it and sign in", "发送并登录";
        back: "Back", "返回";
        result: "What came of it", "结果";
        all_passed: "Everything is as it should be. Checks: {}", "一切正常。校验项：{}";
        some_failed: "Checks that failed: {}", "未通过的校验：{}";
        refused: "It ended with a refusal: {}", "以拒绝告终：{}";
        checks: "Checks", "校验";
        passed: "passed", "通过";
        failed: "failed", "未通过";
        expected: "expected", "应为";
        answer: "Answer", "响应";
        header: "Header", "头部";
        id_token: "ID token", "ID 令牌";
        access_token: "Access token", "访问令牌";
        user_info: "Signed user information", "已签名的用户信息";
        alive_title: "These tokens are live", "这些令牌有效";
        alive: "Whoever has them can use them until they end. Revoke them when you have seen enough: everything that this login gave the application ends with them.", "在到期之前，任何持有者都可使用。查看完毕后请撤回：此次登录给予应用的一切都将随之失效。";
        revoke: "Revoke what was given", "撤回已给予的令牌";
        session: "Whoever signed in is signed in at this address, in this browser, until they sign out.", "登录者在此浏览器中于该地址保持登录状态，直至退出。";
        sign_out: "Sign them out", "退出其登录";
        again: "Try again", "再次体验";
        stray_title: "This answer belongs to no trial of yours", "此响应不属于您的任何体验";
        stray_lead: "It was shown already, took more than an hour, or you began another trial or signed in again meanwhile. Nothing was done with it. Begin again.", "它已显示过、已超过一小时，或您期间开始了另一次体验或重新登录。未对其做任何处理。请重新开始。";
        seconds: "{} s", "{} 秒";
        minutes: "{} min", "{} 分钟";
        hours: "{} h", "{} 小时";
        days: "{} d", "{} 天";
        ahead: "in {}", "{}后";
        ago: "{} ago", "{}前";
    }
}
