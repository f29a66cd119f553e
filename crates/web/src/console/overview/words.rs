//! The texts of the overview.

use crate::console::words::words;

words! {
    /// The texts.
    OverviewWords {
        title: "Overview", "概览";
        lead: "How this pool is used, and what needs a look. Days are counted in UTC.", "此用户池的使用情况与待关注事项。日期按 UTC 计算。";
        sign_ins_today: "Sign-ins today", "今日登录";
        failed_today: "{} failed", "{} 次失败";
        active_today: "Active users today", "今日活跃用户";
        active_rest: "{} in 7 days, {} in 30", "7 天内 {}，30 天内 {}";
        tokens_today: "Tokens today", "今日签发令牌";
        tokens_rest: "{} in 30 days", "30 天内 {}";
        applications: "Applications", "应用";
        users: "Users", "用户";
        sign_ins: "Sign-ins per day", "每日登录";
        sign_ins_desc: "The last 30 days: {} sign-ins, {} failed.", "最近 30 天：登录 {} 次，失败 {} 次。";
        good: "Signed in", "成功";
        bad: "Failed", "失败";
        active: "Active users per day", "每日活跃用户";
        active_desc: "Users who did something, for each of the last 30 days; today {}.", "最近 30 天每日有操作的用户数；今日 {}。";
        users_of_day: "Active users", "活跃用户";
        tokens: "Tokens by grant type", "按授权类型统计的令牌";
        tokens_desc: "Answers with tokens in the last 30 days: {}.", "最近 30 天签发令牌的响应：{} 次。";
        grant: "Grant type", "授权类型";
        count: "Count", "次数";
        top: "Applications by use", "应用使用排行";
        top_desc: "The applications with the most sign-ins and tokens in the last 30 days.", "最近 30 天登录与令牌最多的应用。";
        application: "Application", "应用";
        token_count: "Tokens", "令牌";
        day: "Day", "日期";
        numbers: "The numbers", "查看数据";
        nothing: "Nothing yet in the last 30 days.", "最近 30 天暂无数据。";
        none_yet: "No application yet", "还没有应用";
        none_yet_lead: "Create one, hand its App ID and App Secret to its developer, and people can sign in to it.", "创建一个应用，将 App ID 和 App Secret 交给开发者，用户即可登录。";
        create: "Create application", "创建应用";
        warnings: "What needs a look", "待关注事项";
        all_well: "Nothing: no plain http callback, no password or implicit mode, no old secret, no key that is about to be replaced.", "暂无：没有明文 http 回调、密码或隐式模式、过旧的密钥，也没有即将更换的签名密钥。";
        http: "Callbacks over plain http: {}", "使用明文 http 回调的应用：{} 个";
        http_why: "Codes and tokens can be read on their way. Register https addresses.", "授权码和令牌在传输中可能被窃听，请登记 https 地址。";
        password: "Password mode in use: {}", "启用密码模式的应用：{} 个";
        password_why: "These applications see their users' passwords. Move them to the code with PKCE.", "这些应用会接触用户密码，请改用授权码 + PKCE。";
        implicit: "Tokens through the browser: {}", "通过浏览器传递令牌的应用：{} 个";
        implicit_why: "Tokens stand in addresses of pages. Move them to the code with PKCE.", "令牌出现在页面地址中，请改用授权码 + PKCE。";
        secrets: "App Secrets older than a year: {}", "App Secret 已超过一年的应用：{} 个";
        secrets_why: "Replace them now and then: people who had them move on.", "请定期更换：曾持有密钥的人可能已离开。";
        key: "A signing key of {} is about to be replaced", "{} 的签名密钥即将更换";
        key_why: "{} signs anew from {}. Clients that keep key sets longer than a day have to read them again.", "{} 将于 {} 启用新密钥。缓存密钥集超过一天的客户端需要重新读取。";
        keys_link: "Signing keys", "签名密钥";
        more: "and {} more", "另有 {} 个";
        find: "Why did it fail?", "为什么失败？";
        find_lead: "The reference that the error page shows, or the x-request-id of an answer.", "错误页显示的编号，或响应的 x-request-id。";
        reference: "Reference", "编号";
        look: "Look it up", "查询";
    }
}
