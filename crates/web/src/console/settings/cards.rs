//! The pool's settings, card by card. The keys are those of a description.

use crate::console::{
    fields::{Card, Control, Field},
    words::Pair,
};

/// Short for the tables below.
const fn field(key: &'static str, control: Control, label: Pair, hint: Pair) -> Field {
    Field { key, control, label, hint }
}

const FAILURES: Control = Control::Number(Pair("failures", "次失败"));
const CHARACTERS: Control = Control::Number(Pair("characters", "个字符"));
const PERIOD: Pair =
    Pair("For how long failures are remembered: 900 to 86400.", "失败记录保留的时间：900 到 86400。");

/// What people see of the pool.
pub static GENERAL: Card = Card {
    id: "general",
    title: Pair("Name and languages", "名称与语言"),
    lead: Pair(
        "What people see of this pool on its pages and in messages.",
        "用户在页面和邮件中看到的用户池信息。",
    ),
    fields: &[
        field(
            "name",
            Control::Text,
            Pair("Pool name", "用户池名称"),
            Pair(
                "Shown on the pool's start page, in messages and above this console.",
                "显示在用户池首页、邮件以及控制台顶部。",
            ),
        ),
        field(
            "languages",
            Control::Ranked(&["en zh", "zh en", "en", "zh"]),
            Pair("Languages", "语言"),
            Pair(
                "Of the pages people sign in on. The application (ui_locales) and the browser choose among them; the first is for everybody else. The console always has both.",
                "登录相关页面的语言。由应用（ui_locales）和浏览器在其中选择，其余情况使用第一种。控制台始终提供两种语言。",
            ),
        ),
    ],
};

/// What people sign in by.
pub static LOGIN: Card = Card {
    id: "login",
    title: Pair("Signing in", "登录方式"),
    lead: Pair("What people type to say who they are.", "用户登录时用来表明身份的信息。"),
    fields: &[
        field(
            "login_methods",
            Control::Checks(&["username", "email", "phone"]),
            Pair("Login methods", "登录方式"),
            Pair(
                "At the login page and in the password mode. Signing in to the console takes all of them.",
                "用于登录页和密码模式。登录控制台时三种均可使用。",
            ),
        ),
        field(
            "password_recovery",
            Control::Toggle,
            Pair("Offer “Forgot password?” on the login page", "在登录页提供“忘记密码？”"),
            Pair(
                "Sends a one-time link to the person's e-mail address. Needs a mail server; who administers the pool gets none.",
                "向用户邮箱发送一次性链接。需要配置邮件服务器；管理员账号不可通过此方式找回。",
            ),
        ),
    ],
};

/// How long logins last.
pub static SESSIONS: Card = Card {
    id: "sessions",
    title: Pair("How long a login lasts", "登录有效期"),
    lead: Pair(
        "Shorter times hold at once, for those who are signed in, too.",
        "缩短时间立即生效，已登录的用户也受影响。",
    ),
    fields: &[
        field(
            "session_lifetime",
            Control::Seconds,
            Pair("Session lifetime", "会话有效期"),
            Pair(
                "300 (five minutes) to 31536000 (a year); 1209600 are 14 days.",
                "300（五分钟）到 31536000（一年）；1209600 为 14 天。",
            ),
        ),
        field(
            "browser_session",
            Control::Toggle,
            Pair("Sign out when the browser is closed", "关闭浏览器后退出登录"),
            Pair(
                "The cookie then has no expiry of its own. Some browsers bring such cookies back when they are opened again; the lifetime above ends the login in any case.",
                "Cookie 不再设置过期时间。部分浏览器重新打开时会恢复此类 Cookie；无论如何，登录都会在上述有效期后结束。",
            ),
        ),
        field(
            "console_session_lifetime",
            Control::Seconds,
            Pair("Console session lifetime", "控制台会话有效期"),
            Pair("900 to 86400 (a day).", "900 到 86400（一天）。"),
        ),
    ],
};

/// What a new password must be.
pub static PASSWORDS: Card = Card {
    id: "password_policy",
    title: Pair("Password policy", "密码策略"),
    lead: Pair(
        "What a password must be that somebody chooses from now on (NIST SP 800-63B §5.1.1.2: length counts, mixtures of signs do not).",
        "今后设置的密码须满足的要求（NIST SP 800-63B §5.1.1.2：长度重要，字符混合并不重要）。",
    ),
    fields: &[
        field("min_length", CHARACTERS, Pair("At least", "最少"), Pair("8 to 64.", "8 到 64。")),
        field("max_length", CHARACTERS, Pair("At most", "最多"), Pair("64 to 1024.", "64 到 1024。")),
        field(
            "refuse_common",
            Control::Toggle,
            Pair("Refuse passwords that everybody tries first", "拒绝常见密码"),
            Pair("", ""),
        ),
        field(
            "refuse_names",
            Control::Toggle,
            Pair(
                "Refuse passwords that are little more than a name of the user",
                "拒绝与用户姓名、邮箱等几乎相同的密码",
            ),
            Pair("", ""),
        ),
    ],
};

/// What slows guesses down.
pub static THROTTLE: Card = Card {
    id: "throttle",
    title: Pair("Failed logins", "登录失败限制"),
    lead: Pair(
        "After so many failures each further attempt has to wait, longer every time. Nobody is locked out for good, and none of these can be switched off.",
        "超过次数后，每次重试都需要等待，且时间逐渐延长。不会永久锁定账号，这些限制也不能关闭。",
    ),
    fields: &[
        field(
            "name_and_network_failures",
            FAILURES,
            Pair("One name from one network", "同一账号、同一网络"),
            Pair("3 to 50.", "3 到 50。"),
        ),
        field(
            "name_and_network_period",
            Control::Seconds,
            Pair("Period: one name, one network", "时段：同一账号、同一网络"),
            PERIOD,
        ),
        field(
            "name_failures",
            FAILURES,
            Pair("One name from anywhere", "同一账号、任意网络"),
            Pair("10 to 100.", "10 到 100。"),
        ),
        field("name_period", Control::Seconds, Pair("Period: one name", "时段：同一账号"), PERIOD),
        field(
            "network_failures",
            FAILURES,
            Pair("One network, any name", "同一网络、任意账号"),
            Pair("20 to 2000. Many people may share a network.", "20 到 2000。多人可能共用同一网络。"),
        ),
        field("network_period", Control::Seconds, Pair("Period: one network", "时段：同一网络"), PERIOD),
    ],
};

/// By which server messages are sent.
pub static MAIL: Card = Card {
    id: "mail",
    title: Pair("Mail server", "邮件服务器"),
    lead: Pair(
        "By it Signet sends links to set a password. Without one, links are shown to whoever makes them.",
        "用于发送设置密码的链接。未配置时，链接只显示给创建者。",
    ),
    fields: &[
        field(
            "host",
            Control::Text,
            Pair("Host", "主机"),
            Pair(
                "The name or address of the server, such as smtp.example.com. Empty: there is none.",
                "服务器名称或地址，例如 smtp.example.com。留空表示不使用。",
            ),
        ),
        field(
            "security",
            Control::Choice(&["tls", "starttls", "none"]),
            Pair("Security", "安全连接"),
            Pair(
                "tls from the first byte (RFC 8314 §3.3), starttls, or none for a server on this machine only.",
                "tls：全程加密（RFC 8314 §3.3）；starttls；none：仅限本机服务器。",
            ),
        ),
        field(
            "port",
            Control::Number(Pair("", "")),
            Pair("Port", "端口"),
            Pair(
                "Empty: 465 for tls, 587 for starttls, 25 for none.",
                "留空：tls 为 465，starttls 为 587，none 为 25。",
            ),
        ),
        field(
            "username",
            Control::Text,
            Pair("User name", "用户名"),
            Pair("Empty if the server asks for none.", "服务器不要求登录时留空。"),
        ),
        field(
            "password",
            Control::Secret,
            Pair("Password", "密码"),
            Pair(
                "Empty: stays as it is. It is kept sealed and shown to nobody, and has to be given again when something above changes.",
                "留空表示不变。密码加密保存且不会显示；以上内容变更后须重新填写。",
            ),
        ),
        field(
            "from",
            Control::Text,
            Pair("Sender address", "发件地址"),
            Pair("Such as no-reply@example.com.", "例如 no-reply@example.com。"),
        ),
        field(
            "from_name",
            Control::Text,
            Pair("Sender name", "发件人名称"),
            Pair("Empty: the name of the pool.", "留空则使用用户池名称。"),
        ),
    ],
};
