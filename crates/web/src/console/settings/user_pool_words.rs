//! The texts about user pools.

use super::super::words::words;
use crate::manage::pools::Flaw;

words! {
    /// The texts about user pools.
    UserPoolWords {
        title: "User pools", "用户池";
        lead: "Each has its own users, applications, keys, administrators and address. Nobody who is in one is anybody in another.", "每个用户池都有自己的用户、应用、密钥、管理员和地址。某个用户池中的人在其他用户池中没有任何身份。";
        name: "Name", "名称";
        name_hint: "What its console and the people in it see.", "在其控制台和用户界面中显示的名称。";
        identifier: "Identifier", "标识";
        identifier_hint: "Lower-case letters, digits and hyphens. It cannot be changed later; commands name the pool by it.", "小写字母、数字和连字符。创建后不可更改，命令行以此指明用户池。";
        address: "Address", "地址";
        address_hint: "Leave it empty for its identifier below this pool's host. A name of its own needs DNS and a certificate that lead here.", "留空则使用本用户池主机名下的标识子域。若使用独立域名，其 DNS 和证书须指向此服务器。";
        address_moves: "Issuers, login pages and applications’ addresses move with it at once; tell the applications first.", "签发者、登录页和应用地址会立即随之改变，请先通知各应用。";
        created: "Created", "创建时间";
        this_one: "this one", "当前";
        open: "Open console", "打开控制台";
        new: "Create a user pool", "创建用户池";
        new_lead: "You get a link that sets up its console. Being an owner here gives you no right in it.", "创建后您会得到一个用于设置其控制台的链接。您在此处的所有者身份不会带来该用户池中的任何权限。";
        create: "Create user pool", "创建用户池";
        made: "The user pool was created", "用户池已创建";
        link_title: "Set up its console", "设置其控制台";
        link_lead: "Whoever opens this link becomes the first owner of the user pool. It is good once, for 24 hours, and is not shown again.", "打开此链接的人将成为该用户池的第一位所有者。链接仅可使用一次，24 小时内有效，且不会再次显示。";
        link: "Set-up link", "设置链接";
        link_make: "Make a set-up link", "生成设置链接";
        link_make_lead: "Nobody owns this user pool yet. A new link replaces the one before.", "此用户池尚无所有者。新链接将取代之前的链接。";
        link_owned: "Somebody owns this user pool already; owners give others a role at its console.", "此用户池已有所有者；所有者可在其控制台为他人分配角色。";
        back: "Back to the user pools", "返回用户池列表";
        general: "General", "常规";
        default_address: "The address of the default pool is configured where the server is started.", "默认用户池的地址在启动服务器时配置。";
        contents: "What is in it", "内容";
        applications: "Applications", "应用";
        users: "Users", "用户";
        accounts: "Programmatic accounts", "编程访问账号";
        administrators: "Administrators", "管理员";
        save: "Save", "保存";
        reason: "Reason, for the audit log", "原因（记入审计日志）";
        delete_title: "Delete this user pool", "删除此用户池";
        delete_lead: "Everybody in it is signed out, its applications stop working, and its address is free at once. This cannot be undone. Lost are:", "其中所有人都将退出登录，应用立即停止工作，地址立即释放。此操作不可撤销。将会丢失：";
        lost_applications: "applications: {}, with their secrets, resources and rules", "{} 个应用及其密钥、资源和规则";
        lost_users: "users: {}, with their passwords, sessions and what they allowed", "{} 位用户及其密码、会话和授权";
        lost_accounts: "programmatic accounts: {}", "{} 个编程访问账号";
        lost_administrators: "people with a role at its console: {}", "{} 人在其控制台的角色";
        lost_keys: "its signing keys, settings, history and audit log", "签名密钥、设置、历史和审计日志";
        delete_confirm: "Type “{}” to confirm", "输入“{}”以确认";
        delete: "Delete user pool", "删除用户池";
        delete_mistyped: "Nothing was deleted: that is not the name of the user pool.", "未删除：输入的不是该用户池的名称。";
        stale: "Somebody else changed it meanwhile. This is how it is now.", "他人已先行修改，以下为当前内容。";
        bad_identifier: "1 to 63 lower-case letters, digits and hyphens, without a hyphen at either end.", "1 至 63 个小写字母、数字或连字符，首尾不能是连字符。";
        reserved: "This name is reserved; choose another.", "该名称为保留名称，请换一个。";
        identifier_taken: "Another user pool is called so; choose another identifier.", "已有用户池使用该标识，请换一个。";
        bad_name: "1 to 128 characters on one line.", "1 至 128 个字符，不可换行。";
        bad_address: "http:// or https://, a lower-case host name and an optional port, without a path.", "须为 http:// 或 https:// 加小写主机名和可选端口，不含路径。";
        address_taken: "Another user pool has this host. Ports do not tell pools apart, because cookies know none.", "其他用户池已使用该主机名。端口不能区分用户池，因为 Cookie 不区分端口。";
        overlaps: "This is the address of an application, or an application of this pool would have the address of another pool. Choose another host.", "该地址与某个应用的地址相同，或此用户池的应用会占用其他用户池的地址。请换一个主机名。";
        full: "There are as many user pools as there can be.", "用户池数量已达上限。";
        none_to_switch: "There is one user pool so far. Create another for people and applications that are to have nothing in common with this one.", "目前只有一个用户池。如果某些用户和应用需要与此处完全隔离，请创建另一个用户池。";
    }
}

impl UserPoolWords {
    /// A flaw, beside its field.
    pub fn flaw(&self, flaw: Flaw) -> &'static str {
        match flaw {
            Flaw::Identifier => self.bad_identifier,
            Flaw::Reserved => self.reserved,
            Flaw::IdentifierTaken => self.identifier_taken,
            Flaw::Name => self.bad_name,
            Flaw::Address => self.bad_address,
            Flaw::AddressTaken => self.address_taken,
            Flaw::Overlaps => self.overlaps,
            Flaw::Configured => self.default_address,
            Flaw::Full => self.full,
        }
    }
}
