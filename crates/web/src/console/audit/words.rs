//! The texts of the audit log.

use signet_store::audit::Action;

use crate::console::words::{Pair, words};

words! {
    /// The texts.
    AuditWords {
        title: "Audit log", "审计日志";
        lead: "Who did what, when, to what, and whether it was done. Times are UTC.", "谁在何时对什么做了什么，以及是否成功。时间为 UTC。";
        of_user: "User behaviour", "用户行为";
        of_admin: "Administrator operations", "管理员操作";
        filter: "Filter", "筛选";
        actor: "Who", "操作者";
        actor_hint: "User name, e-mail, phone or id", "用户名、邮箱、手机号或 ID";
        action: "What", "操作";
        any: "any", "不限";
        application: "Application", "应用";
        application_hint: "App ID or identifier", "App ID 或标识";
        target: "To what", "操作对象";
        target_hint: "A name or an id", "名称或 ID";
        ip: "IP address", "IP 地址";
        from: "From", "起始日期";
        to: "Before", "截止日期（不含）";
        success: "Was it done?", "是否成功";
        done: "done", "成功";
        in_vain: "in vain", "失败";
        apply: "Show", "查询";
        clear: "Clear", "清除";
        none: "No record is like that", "没有符合条件的记录";
        none_lead: "Ask for less, or for another time.", "请放宽条件或更换时间范围。";
        somebody: "somebody", "未知";
        none_yet_lead: "None among the newest thousands of records that were looked at. Look further in older ones, or narrow the filter.", "在已查看的最近数千条记录中没有找到。请继续查看更早的记录，或缩小筛选范围。";
        walking: "{} records are being walked over; what it comes to is shown here in a moment.", "正在核验 {} 条记录，结果稍后显示在此处。";
        older: "Older", "更早";
        times: "{} times", "{} 次";
        number: "Number", "序号";
        door: "By which door", "入口";
        request: "Request", "请求";
        agent: "Program", "客户端";
        hash: "Hash", "哈希";
        changed: "What changed", "变更内容";
        field: "Field", "字段";
        old: "Before", "变更前";
        new: "After", "变更后";
        only_this: "only these", "只看此项";
        export: "Download", "下载";
        export_lead: "Everything that the filter finds, oldest first.", "筛选结果的全部记录，由旧到新。";
        chain: "The chain", "哈希链";
        chain_lead: "Each record is numbered and hashed with the one before it. Keep this line elsewhere, once a day: whoever changes a record later cannot change your copy.", "每条记录都有序号，并与前一条一起计算哈希。请每天将此行保存在别处：之后若有人篡改记录，将与您的副本不符。";
        verify: "Verify now", "立即校验";
        verify_head: "A line that was kept, to compare with", "用于比对的已保存行";
        whole: "The log is whole: {} records were looked at.", "日志完整：已校验 {} 条记录。";
        gone: "{} older ones were deleted by an administrator.", "较早的 {} 条已由管理员删除。";
        wrong_head: "This is not a line of this log: it is NUMBER:HASH, as shown here.", "这不是本日志的行：格式为“序号:哈希”，如此处所示。";
        broken: "The log is not whole.", "日志不完整。";
        broken_changed: "Record {} was changed.", "第 {} 条记录被更改。";
        broken_missing: "Record {} is missing.", "第 {} 条记录缺失。";
        broken_inserted: "Record {} was inserted behind the end.", "第 {} 条记录是在末尾之后插入的。";
        broken_base: "The records up to {} were deleted, and no record says so.", "第 {} 条及之前的记录被删除，却没有相应的删除记录。";
        broken_expected: "Record {} is not the one whose hash was kept.", "第 {} 条记录与保存的哈希不符。";
        bad_filter: "A date is written 2026-11-30, or with a time 2026-11-30T12:00:00Z.", "日期格式为 2026-11-30，或带时间 2026-11-30T12:00:00Z。";
        empty: "nothing", "无";
    }
}

/// An action in words; what it was done to stands in the place of `…`.
pub fn action(action: Action) -> Pair {
    match action {
        Action::Login => Pair("signed in", "登录"),
        Action::Logout => Pair("signed out", "登出"),
        Action::Consent => Pair("answered a consent", "回应授权"),
        Action::ConsentWithdrawn => Pair("took a consent back", "撤销授权"),
        Action::ChangePassword => Pair("changed the password", "修改密码"),
        Action::ResetPassword => Pair("set a new password by a link", "通过链接重置密码"),
        Action::RecoverPassword => Pair("asked for a link to reset the password", "请求重设密码的链接"),
        Action::UpdateProfile => Pair("changed the profile", "修改资料"),
        Action::ConsoleLogin => Pair("signed in to the console", "登录控制台"),
        Action::ConsoleLogout => Pair("signed out of the console", "退出控制台"),
        Action::Create => Pair("created …", "创建 …"),
        Action::Update => Pair("changed …", "修改 …"),
        Action::Delete => Pair("deleted …", "删除 …"),
        Action::Disable => Pair("disabled …", "停用 …"),
        Action::Enable => Pair("enabled …", "启用 …"),
        Action::ForceLogout => Pair("signed … out", "强制登出 …"),
        Action::SendMail => Pair("sent a message to …", "发送邮件至 …"),
        Action::MakeLink => Pair("made a one-time link for …", "生成一次性链接 …"),
        Action::ShowSecret => Pair("saw the secret of …", "查看密钥 …"),
        Action::RefreshSecret => Pair("replaced the secret of …", "更换密钥 …"),
        Action::RotateKeys => Pair("rotated the signing keys of …", "轮换签名密钥 …"),
        Action::Import => Pair("imported …", "导入 …"),
        Action::Export => Pair("exported …", "导出 …"),
        Action::Undo => Pair("brought back an earlier state of …", "撤销变更 …"),
        Action::AssignRole => Pair("changed the role of …", "更改角色 …"),
        Action::Prune => Pair("deleted old records", "清理旧记录"),
    }
}

/// A kind of thing in words; one that is not known stands as it is stored.
pub fn kind(kind: &str) -> Option<Pair> {
    Some(match kind {
        "user" => Pair("user", "用户"),
        "application" => Pair("application", "应用"),
        "account" => Pair("account", "账户"),
        "resource" => Pair("resource", "资源"),
        "rule" => Pair("rule", "规则"),
        "issuer" => Pair("issuer", "发行方"),
        "mail" => Pair("mailbox", "邮箱"),
        "pool" => Pair("pool", "用户池"),
        "audit_log" => Pair("audit log", "审计日志"),
        _ => return None,
    })
}

/// By which door, in words.
pub fn door(via: &str) -> Option<Pair> {
    Some(match via {
        "page" => Pair("a page", "页面"),
        "endpoint" => Pair("an endpoint of the protocol", "协议端点"),
        "console" => Pair("the console", "控制台"),
        "api" => Pair("the admin API", "管理 API"),
        "command_line" => Pair("the command line", "命令行"),
        "apply" => Pair("signet apply", "signet apply"),
        "automatic" => Pair("Signet itself", "Signet 自动"),
        _ => return None,
    })
}
