//! What every page of the settings has: the tabs.

use signet_protocol::operator::Permission;

use crate::console::{
    Ask,
    words::{Pair, words},
};

words! {
    /// The texts of the settings.
    SettingsWords {
        settings: "Settings", "设置";
        lead: "What holds for the whole pool.", "适用于整个用户池的设置。";
        add: "Add", "添加";
        remove: "Remove", "移除";
        name: "Name", "名称";
        fields: "Extended fields", "扩展字段";
        fields_lead: "Fields that users have besides the standard profile.", "用户在标准资料之外的字段。";
        field_type: "Type", "类型";
        claims: "Claims", "声明";
        claims_lead: "Claims of the pool's own, and what of a user each is made of.", "用户池自有的声明及其来源字段。";
        claim_field: "User field", "用户字段";
        claim_field_hint: "A basic field such as company, or extended_fields.NAME.", "基本字段（如 company），或 extended_fields.名称。";
        scopes: "Scopes", "Scope";
        scopes_lead: "Scopes of the pool's own. The consent page says their description.", "用户池自有的 scope，授权页显示其描述。";
        scope_claims: "Claims, separated by spaces", "声明，以空格分隔";
        description: "Description", "描述";
        description_zh: "Description in Chinese", "中文描述";
        none: "None yet.", "暂无。";
        keys: "Signing keys", "签名密钥";
        keys_lead: "Made at first use, replaced by themselves. A key is published for a day before it signs, and verifies until its last token has expired.", "首次使用时生成，并自动轮换。密钥在签名前公布一天，并在最后一个令牌过期前继续用于验证。";
        keys_none: "No signing keys yet: an issuer's is made at its first use.", "暂无签名密钥：发行方首次使用时生成。";
        find_issuer: "Keys of one issuer: pool, App ID or identifier", "按发行方查找密钥：pool、App ID 或标识";
        find: "Find", "查找";
        no_issuer: "There is no application with this App ID or identifier.", "没有此 App ID 或标识的应用。";
        all_keys: "All keys", "全部密钥";
        first_page: "First page", "首页";
        next_page: "Next", "下一页";
        more_lines: "and {} more", "及另外 {} 项";
        issuer: "Issuer", "发行方";
        algorithm: "Algorithm", "算法";
        state: "State", "状态";
        key_id: "Key ID", "密钥 ID";
        created: "Created", "创建时间";
        age: "Age", "已用时间";
        rotate: "Take the next step", "执行下一步轮换";
        rotate_hint: "Publishes the next key, or has it sign if it was published a day ago.", "公布下一个密钥；若已公布满一天则启用。";
        rotate_now: "Replace at once", "立即更换";
        rotate_now_hint: "Only if a key is no longer secret: clients that keep keys may refuse tokens until they look again.", "仅在密钥泄露时使用：缓存了密钥的客户端可能暂时拒绝新令牌。";
        rotated: "What was done", "执行结果";
        administrators: "Administrators", "管理员";
        administrators_lead: "People of this pool who may use the console.", "可使用控制台的用户。";
        who: "Who", "用户";
        role: "Role", "角色";
        since: "Since", "起始时间";
        change: "Change", "更改";
        take: "Take the role away", "撤销角色";
        give: "Give a role", "分配角色";
        give_who: "User name, e-mail or phone", "用户名、邮箱或手机号";
        give_applications: "App IDs, for an application manager", "App ID（仅应用管理员）";
        you: "you", "您";
        no_user: "There is no user with this name.", "没有此用户。";
        has_role: "They have a role already; change it in the list.", "该用户已有角色，请在列表中更改。";
        bad_applications: "These are not App IDs of this pool: {}", "以下不是此用户池的 App ID：{}";
        needs_applications: "An application manager needs at least one application.", "应用管理员至少需要一个应用。";
        last_owner: "Nothing was changed: somebody else was quicker, or the pool would have no owner.", "未作更改：他人已先行修改，或用户池将没有所有者。";
        code_export: "The pool as code", "用户池配置代码";
        code_export_lead: "Applications, users, resources, rules and settings as one file, without secrets and passwords, in an order that does not change by itself: keep it where code is kept. “signet export” writes secrets, too, sealed.", "应用、用户、资源、规则和设置汇成一个文件，不含密钥和密码，顺序固定，适合纳入版本管理。“signet export”可另外写出密封的密钥。";
        code_download: "Download", "下载";
        code_apply: "Apply a description", "应用配置";
        code_apply_lead: "Paste all of such a file, or a part of it, or choose it: up to 1 MiB. What would change is shown first. Larger ones: “signet apply --plan”.", "粘贴完整或部分文件内容，或选择文件，最大 1 MiB。将先显示变更。更大的文件请使用“signet apply --plan”。";
        code_file: "Or a file", "或选择文件";
        code_text: "Description (TOML)", "配置 (TOML)";
        code_prune: "What is not in it", "未列出的内容";
        code_prune_nothing: "stays", "保留";
        code_prune_within: "of the applications in it, and of the pool: resources, accounts, rules, fields, claims and scopes are removed", "移除所列应用及用户池中未列出的资源、账号、规则、字段、声明和 scope";
        code_prune_all: "is removed, applications and users as well", "全部移除，包括应用和用户";
        code_plan: "Show the plan", "查看变更";
        code_line: "line {}", "第 {} 行";
        code_refused: "Nothing was changed. To correct:", "未作更改，需更正：";
        code_busy: "The server cannot do this now; try again in a moment.", "服务器暂时无法处理，请稍后重试。";
        problems: "Nothing was saved.", "未保存。";
    }
}

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Name and languages.
    General,
    /// How people sign in.
    Login,
    /// Passwords and throttles.
    Security,
    /// The mail server.
    Mail,
    /// Scopes, claims and fields.
    Claims,
    /// Signing keys.
    Keys,
    /// Who administers.
    Administrators,
    /// The whole pool as code.
    Code,
    /// What was changed.
    History,
    /// The user pools of the installation.
    Pools,
}

impl Tab {
    const ALL: [(Tab, Pair, Permission); 10] = [
        (Tab::General, Pair("General", "常规"), Permission::SettingsRead),
        (Tab::Login, Pair("Login", "登录"), Permission::SettingsRead),
        (Tab::Security, Pair("Security", "安全"), Permission::SettingsRead),
        (Tab::Mail, Pair("Mail", "邮件"), Permission::SettingsRead),
        (Tab::Claims, Pair("Scopes and claims", "Scope 与声明"), Permission::SettingsRead),
        (Tab::Keys, Pair("Keys", "密钥"), Permission::SettingsRead),
        (Tab::Administrators, Pair("Administrators", "管理员"), Permission::AdministratorsRead),
        (Tab::Code, Pair("As code", "配置代码"), Permission::SettingsWrite),
        (Tab::History, Pair("History", "历史"), Permission::SettingsRead),
        (Tab::Pools, Pair("User pools", "用户池"), Permission::PoolsRead),
    ];

    /// Its path.
    pub fn path(self) -> &'static str {
        match self {
            Tab::General => "/console/settings/general",
            Tab::Login => "/console/settings/login",
            Tab::Security => "/console/settings/security",
            Tab::Mail => "/console/settings/mail",
            Tab::Claims => "/console/settings/claims",
            Tab::Keys => "/console/settings/keys",
            Tab::Administrators => "/console/settings/administrators",
            Tab::Code => "/console/settings/code",
            Tab::History => "/console/settings/history",
            Tab::Pools => "/console/settings/pools",
        }
    }
}

/// A tab as it is shown.
pub struct TabLink {
    /// Where it leads.
    pub href: &'static str,
    /// What it says.
    pub name: &'static str,
    /// Whether this is it.
    pub here: bool,
}

/// The tabs that whoever asks may see.
pub fn tabs(ask: &Ask, here: Tab) -> Vec<TabLink> {
    let here_too = |tab: &Tab| *tab != Tab::Pools || ask.signet.first().is_none();
    let seen = Tab::ALL.iter().filter(|(tab, _, needs)| ask.may(*needs) && here_too(tab));
    seen.map(|(tab, name, _)| TabLink { href: tab.path(), name: name.of(ask.lang), here: *tab == here })
        .collect()
}
