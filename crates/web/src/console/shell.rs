//! What every page of the console has around what is its own: the parts, who is signed in, and what was just done.

use signet_protocol::{
    issuer::Site,
    operator::{Permission, Role},
};

use super::{
    Ask, Section,
    words::{Pair, Words, words},
};
use crate::{cookies, edge::Edge, pages::Lang};

words! {
    /// The texts around every page, and of the pages before the gate.
    ShellWords {
        waits: "Your login had ended. What you typed is not lost: it waits here until you have signed in again. Passwords and secrets are not kept.", "您的登录已失效。您填写的内容没有丢失，重新登录后即可继续。密码和密钥不会保留。";
        waits_lost: "Your login had ended, and what you typed is too long to wait here. Go back with your browser and copy it before you sign in again.", "您的登录已失效，而您填写的内容过长，无法在此保留。请先用浏览器返回上一页并复制内容，然后再登录。";
        go_on_title: "Signed in again", "已重新登录";
        go_on_lead: "Nothing is saved yet. Go on with what you had typed.", "尚未保存。请继续处理您之前填写的内容。";
        go_on_shown: "What you had typed", "您之前填写的内容";
        go_on: "Go on", "继续";
        go_on_discard: "Discard it", "放弃";
        take_stored: "Discard mine, keep what is stored", "放弃我的修改，保留当前内容";
        stored_now: "Stored now:", "当前保存的内容：";
        console: "Console", "控制台";
        skip: "Skip to the content", "跳到主要内容";
        language: "Language", "语言";
        account: "Your account", "您的账号";
        sign_out: "Sign out", "退出登录";
        switch_pool: "Switch user pool", "切换用户池";
        sign_in_title: "Sign in to the console", "登录控制台";
        sign_in_lead: "For people who administer this pool.", "仅供管理此用户池的人员使用。";
        identifier: "User name, e-mail or phone", "用户名、邮箱或手机号";
        password: "Password", "密码";
        sign_in: "Sign in", "登录";
        no_role: "Your password is right, but you have no role at this console. Ask an owner of the pool to give you one.", "密码正确，但您在此控制台没有角色。请联系用户池的所有者为您分配角色。";
        unowned: "Nobody owns this pool yet. Run “signet setup-link” on the server and open the link it prints.", "此用户池尚无所有者。请在服务器上运行“signet setup-link”，并打开其输出的链接。";
        confirm_title: "Is it still you?", "请确认是您本人";
        confirm_lead: "What you are about to do cannot be taken back or shows a secret, and you signed in a while ago. Enter your password once more.", "此操作不可撤销或会显示机密信息，而您已登录较长时间。请再次输入密码。";
        confirm: "Continue", "继续";
        cancel: "Cancel", "取消";
        setup_title: "Set up the console", "设置控制台";
        setup_lead: "You are the first to come here. Make yourself the owner of this pool; you can invite others afterwards.", "您是第一位访问者。请创建此用户池的所有者账号，之后即可邀请他人。";
        username: "User name", "用户名";
        email: "E-mail", "邮箱";
        optional: "optional", "选填";
        again: "The password again", "再次输入密码";
        set_up: "Create the owner", "创建所有者";
        username_rule: "1 to 128 characters, without @, a leading + or outer spaces.", "1 至 128 个字符，不含 @、开头的 + 或首尾空格。";
        email_rule: "An address such as alice@example.com, or nothing.", "形如 alice@example.com 的地址，或留空。";
        password_rule: "At least 8 characters; a few unrelated words are easy to keep in mind and hard to guess.", "至少 8 个字符；几个不相关的词既好记又难猜。";
        passwords_differ: "The two passwords are not the same.", "两次输入的密码不一致。";
        name_taken: "Somebody in this pool has this user name or e-mail already; choose another.", "此用户池中已有人使用该用户名或邮箱，请换一个。";
        setup_gone_title: "This link does not work any more", "此链接已失效";
        setup_gone: "It was used, it is older than 24 hours, or the pool has an owner.", "它已被使用、已超过 24 小时，或用户池已有所有者。";
        setup_gone_hint: "If nobody owns the pool yet, run “signet setup-link” on the server for a new one. Otherwise sign in.", "如果用户池尚无所有者，请在服务器上运行“signet setup-link”获取新链接；否则请登录。";
        to_sign_in: "To the sign-in page", "前往登录页";
        copy: "Copy", "复制";
        copied: "Copied", "已复制";
        unsaved: "There are changes that were not saved.", "有尚未保存的更改。";
        saved: "Saved.", "已保存。";
        created: "Created.", "已创建。";
        removed: "Removed.", "已删除。";
        undone: "Undone.", "已撤销。";
        nothing_changed: "Nothing was changed.", "没有任何更改。";
    }
}

/// A part in the navigation: what leads there, what it is called and what it needs.
struct Part {
    section: Section,
    path: &'static str,
    name: Pair,
    icon: &'static str,
    needs: Permission,
}

/// The parts, in their order.
const PARTS: &[Part] = &[
    Part {
        section: Section::Overview,
        path: "/console/overview",
        name: Pair("Overview", "概览"),
        icon: "M4 13h6V4H4zM14 20h6v-9h-6zM14 4v4h6V4zM4 20h6v-4H4z",
        needs: Permission::OverviewRead,
    },
    Part {
        section: Section::Applications,
        path: "/console/applications",
        name: Pair("Applications", "应用"),
        icon: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7",
        needs: Permission::ApplicationsRead,
    },
    Part {
        section: Section::Users,
        path: "/console/users",
        name: Pair("Users", "用户"),
        icon: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0",
        needs: Permission::UsersRead,
    },
    Part {
        section: Section::Audit,
        path: "/console/audit",
        name: Pair("Audit log", "审计日志"),
        icon: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
        needs: Permission::AuditRead,
    },
    Part {
        section: Section::Settings,
        path: "/console/settings",
        name: Pair("Settings", "设置"),
        icon: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
        needs: Permission::SettingsRead,
    },
];

/// A link of the navigation.
pub struct NavLink {
    /// Where it leads.
    pub href: &'static str,
    /// What it says.
    pub name: &'static str,
    /// The path of its icon.
    pub icon: &'static str,
    /// Whether this is where the page is.
    pub here: bool,
}

/// What was just done: told once, on the page that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was saved.
    Saved,
    /// It was created.
    Created,
    /// It was removed.
    Removed,
    /// It was undone.
    Undone,
    /// There was nothing to do.
    Nothing,
}

impl Notice {
    const ALL: [Notice; 5] =
        [Notice::Saved, Notice::Created, Notice::Removed, Notice::Undone, Notice::Nothing];

    /// As it stands in the query of an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Notice::Saved => "saved",
            Notice::Created => "created",
            Notice::Removed => "removed",
            Notice::Undone => "undone",
            Notice::Nothing => "nothing",
        }
    }

    fn parse(text: &str) -> Option<Notice> {
        Notice::ALL.into_iter().find(|notice| notice.as_str() == text)
    }

    fn text(self, t: &'static ShellWords) -> &'static str {
        match self {
            Notice::Saved => t.saved,
            Notice::Created => t.created,
            Notice::Removed => t.removed,
            Notice::Undone => t.undone,
            Notice::Nothing => t.nothing_changed,
        }
    }
}

/// The frame of a page.
pub struct Shell {
    /// The language of the page.
    pub lang: Lang,
    /// The pool.
    pub pool: String,
    /// Where the user pools are listed, for who may see that.
    pub pools: Option<String>,
    /// Who is signed in.
    pub who: String,
    /// Their user name or e-mail.
    pub account: String,
    /// Their role.
    pub role: &'static str,
    /// The token of every form.
    pub csrf: String,
    /// Where the page is, for a form that comes back to it.
    pub target: String,
    /// The parts they may see.
    pub nav: Vec<NavLink>,
    /// What was just done.
    pub notice: Option<&'static str>,
}

impl Shell {
    /// The frame of the page that answers `ask`.
    pub fn of(ask: &Ask, section: Section) -> Shell {
        let user = ask.operator.user();
        let lang = ask.lang;
        let seen = |part: &&Part| ask.operator.may(part.needs, None);
        let link = |part: &Part| NavLink {
            href: part.path,
            name: part.name.of(lang),
            icon: part.icon,
            here: part.section == section,
        };
        Shell {
            lang,
            pools: pools(ask),
            pool: ask.edge.pool().map(|pool| pool.name.clone()).unwrap_or_default(),
            who: user.display_name().to_owned(),
            account: user.account_name().to_owned(),
            role: role(ask.operator.administrator().role).of(lang),
            csrf: ask.operator.csrf(&ask.signet),
            target: without_notice(&ask.target),
            nav: PARTS.iter().filter(seen).map(link).collect(),
            notice: ask
                .query
                .get("done")
                .and_then(Notice::parse)
                .map(|notice| notice.text(ShellWords::of(lang))),
        }
    }

    /// The texts around the page.
    pub fn t(&self) -> &'static ShellWords {
        ShellWords::of(self.lang)
    }

    /// The letter shown for a person without a picture.
    pub fn initial(&self) -> String {
        crate::pages::initial(&self.who)
    }
}

/// The list of the user pools is in the default one.
fn pools(ask: &Ask) -> Option<String> {
    let path = super::settings::frame::Tab::Pools.path();
    match ask.signet.first() {
        Some(first) => Some(format!("{}{path}", first.origin(&Site::Pool))),
        None => ask.operator.may(Permission::PoolsRead, None).then(|| path.to_owned()),
    }
}

fn without_notice(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("done=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// A role in words.
pub fn role(role: Role) -> Pair {
    match role {
        Role::Owner => Pair("Owner", "所有者"),
        Role::Administrator => Pair("Administrator", "管理员"),
        Role::Auditor => Pair("Auditor", "审计员"),
        Role::ApplicationManager => Pair("Application manager", "应用管理员"),
    }
}

/// The language of the console: the one that was chosen, else what the browser prefers.
pub fn language(edge: &Edge) -> Lang {
    edge.operators_lang(edge.cookies.get(cookies::LANG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_told_once() {
        assert_eq!(without_notice("/console/users?q=a&done=saved&x=1"), "/console/users?q=a&x=1");
        assert_eq!(without_notice("/console/users?done=saved"), "/console/users");
        assert_eq!(without_notice("/console/users"), "/console/users");
        for notice in Notice::ALL {
            assert_eq!(Notice::parse(notice.as_str()), Some(notice));
        }
    }
}
