use signet_protocol::sign_in::LoginMethod;

use super::{ClaimNames, ItemWords, Line, LoginNames, Messages, Phrase, ProblemText};

/// The texts in Simplified Chinese.
pub const ZH: Messages = Messages {
    error_prefix: "错误：",
    footer: Phrase("由 {} 提供安全保障"),

    login_title: "登录",
    login_lead: Phrase("以继续使用 {}"),
    login_identifier: LoginNames {
        words: |method| match method {
            LoginMethod::Username => "用户名",
            LoginMethod::Email => "邮箱",
            LoginMethod::Phone => "手机号",
        },
        separator: "、",
        last: "或",
    },
    login_password: "密码",
    login_submit: "登录",
    login_promise: "密码只在此处验证，应用无法看到。",
    login_wrong: "账号与密码不匹配，请检查后重试。",
    login_throttled: Phrase("尝试次数过多，请在 {}后重试。"),
    login_busy: "当前访问人数较多，请稍后再试。",
    login_again: "应用需要确认是您本人，请重新登录。",
    login_missing: "请输入账号和密码。",
    login_too_long: "输入的内容过长，请检查后重试。",

    one_second: "1 秒",
    seconds: Phrase("{} 秒"),
    one_minute: "1 分钟",
    minutes: Phrase("{} 分钟"),

    account_title: "选择账号",
    account_lead: Phrase("以继续使用 {}"),
    account_continue: Phrase("以 {} 的身份继续"),
    account_another: "使用其他账号",
    account_another_detail: "用另一个账号登录",

    consent_title: "授权访问",
    consent_heading: Phrase("{} 请求访问您的账号"),
    consent_signed_in: "当前账号",
    consent_lead: "允许后，该应用可以：",
    consent_trust: "请仅在信任该应用时允许。",
    consent_allow: "允许",
    consent_deny: "拒绝",
    scope_openid: Line { title: "确认您的身份", detail: "每次登录都保持不变的标识" },
    scope_profile: Line {
        title: "查看您的个人资料", detail: "姓名、昵称、头像、性别、生日、语言、时区"
    },
    scope_email: Line { title: "查看您的邮箱地址", detail: "以及邮箱是否已验证" },
    scope_phone: Line { title: "查看您的手机号", detail: "以及手机号是否已验证" },
    scope_address: Line {
        title: "查看您的通信地址", detail: "国家、地区、街道和邮政编码"
    },
    scope_username: Line { title: "查看您的用户名", detail: "您登录时使用的名称" },
    scope_roles: Line { title: "查看您的角色", detail: "您的组织授予您的角色" },
    scope_external_id: Line {
        title: "查看您的外部 ID", detail: "您的账号在其他系统中的标识"
    },
    scope_extended_fields: Line {
        title: "查看更多信息", detail: "您的组织为您保存的其他字段"
    },
    scope_custom: Phrase("使用“{}”"),
    items: ItemWords {
        separator: "：",
        every_resource: "所有受保护的资源",
        every_action: "您可以执行的所有操作",
    },
    scope_offline: Line {
        title: "在您离开时保持访问", detail: "保持登录状态，并在您未使用时代表您操作"
    },
    consent_details: "查看以下信息",
    claim_names: ClaimNames {
        separator: "、",
        words: &[
            ("name", "姓名"),
            ("given_name", "名"),
            ("family_name", "姓"),
            ("middle_name", "中间名"),
            ("nickname", "昵称"),
            ("preferred_username", "首选用户名"),
            ("profile", "个人主页"),
            ("picture", "头像"),
            ("website", "网站"),
            ("gender", "性别"),
            ("birthdate", "生日"),
            ("zoneinfo", "时区"),
            ("locale", "语言"),
            ("updated_at", "资料更新时间"),
            ("email", "邮箱地址"),
            ("email_verified", "邮箱是否已验证"),
            ("phone_number", "手机号"),
            ("phone_number_verified", "手机号是否已验证"),
            ("address", "通信地址"),
            ("username", "用户名"),
            ("roles", "角色"),
            ("external_id", "外部 ID"),
            ("extended_fields", "组织保存的其他字段"),
            ("formatted", "完整地址"),
            ("street_address", "街道地址"),
            ("locality", "城市"),
            ("region", "地区"),
            ("postal_code", "邮政编码"),
            ("country", "国家"),
            ("groups", "用户组"),
            ("userpool_id", "用户池"),
        ],
    },

    error_status: Phrase("错误 {}"),
    error_developer: "开发者信息",
    error_code: "错误码",
    error_detail: "详情",
    error_reference: "参考编号",
    bad_client: ProblemText {
        title: "此应用无法为您登录",
        message: "您打开的链接有误，其中的应用未知或已停用。这是应用的问题，与您的操作无关。",
        hint: "请返回后重试。如果问题依旧，请告知该应用的运营方。",
    },
    bad_redirect_uri: ProblemText {
        title: "此应用无法为您登录",
        message: "应用要求跳转到未登记的地址，为保护您的安全，我们已停止操作。\
                  这是应用的问题，与您的操作无关。",
        hint: "请返回后重试。如果问题依旧，请告知该应用的运营方。",
    },
    bad_request: ProblemText {
        title: "无法识别此请求",
        message: "应用发送的请求有误，与您的操作无关。",
        hint: "请返回后重试。如果问题依旧，请告知该应用的运营方。",
    },
    too_large: ProblemText {
        title: "提交的内容过大",
        message: "此请求超出了我们接受的大小。",
        hint: "请返回后重试。如果是某个应用带您来到这里，请告知其运营方。",
    },
    too_slow: ProblemText {
        title: "等待时间过长",
        message: "我们未能及时收到您的提交，可能是网络较慢。",
        hint: "请返回后重新提交。",
    },
    unknown_host: ProblemText {
        title: "此地址没有内容",
        message: "服务器可以访问，但不提供您所用主机名的服务。",
        hint: "请检查地址是否有误，或前往下方的地址。",
    },
    not_found: ProblemText {
        title: "页面不存在",
        message: "此地址没有对应的页面。",
        hint: "请检查地址，或返回您之前使用的应用。",
    },
    method_not_allowed: ProblemText {
        title: "无法这样打开此页面",
        message: "该地址存在，但需要另一种类型的请求。",
        hint: "请返回应用，从那里重新开始。",
    },
    transaction_expired: ProblemText {
        title: "页面已过期",
        message: "为保护您的账号，登录需要在限定时间内完成。",
        hint: "请返回应用，重新开始登录。",
    },
    transaction_used: ProblemText {
        title: "此次登录已完成",
        message: "您已完成过此页面，可能是在其他标签页中，或在点击返回之前。",
        hint: "请返回应用。如果尚未登录，请从应用重新开始。",
    },
    cookies_blocked: ProblemText {
        title: "浏览器阻止了 Cookie",
        message: "登录需要通过 Cookie 识别您的浏览器，但我们没有收到。",
        hint: "请允许此地址使用 Cookie，然后返回应用重新开始。",
    },
    wrong_browser: ProblemText {
        title: "请重新开始",
        message: "此次登录并非由本浏览器发起，因此我们没有继续。",
        hint: "请返回应用并从那里登录。如果此页面的链接是他人发给您的，请勿在其中输入密码。",
    },
    forbidden: ProblemText {
        title: "您无权执行此操作",
        message: "您已登录控制台，但您的角色不允许您请求的操作。",
        hint: "请联系用户池的所有者代为操作，或为您调整角色。",
    },
    unavailable: ProblemText {
        title: "请稍候",
        message: "我们暂时无法响应，您的账号没有问题。",
        hint: "请稍等片刻再试。",
    },
    server_error: ProblemText {
        title: "我们这边出了问题",
        message: "与您的操作无关，问题已被记录。",
        hint: "请重试。如果问题依旧，请将下方编号告知服务的运营方。",
    },
    bad_logout: ProblemText {
        title: "您尚未退出登录",
        message: "应用发送的退出请求有误，因此我们没有作任何更改。",
        hint: "请返回后重试。如果问题依旧，请告知该应用的运营方。",
    },
    link_dead: ProblemText {
        title: "该链接无法使用",
        message: "它可能已超过一天，或已被新链接取代，或未复制完整。",
        hint: "请联系发送者或管理员，索取新的链接。",
    },
    link_used: ProblemText {
        title: "该链接已被使用",
        message: "已通过它设置过密码，每个链接只能用一次。",
        hint: "请用当时设置的密码登录。如果不是您本人设置，请立即告知管理员。",
    },

    reset_title: "设置密码",
    reset_account: "账号",
    reset_new: "新密码",
    reset_again: "再次输入",
    reset_submit: "保存密码",
    reset_effect: "保存后，该账号将在所有设备上退出登录。",
    reset_rule_length: Phrase("至少 {} 个字符，可使用几个词语"),
    reset_rule_common: "不是人人都会先试的常用密码",
    reset_rule_names: "不能只是您的姓名、用户名、邮箱或手机号",
    reset_too_short: Phrase("密码太短，请至少使用 {} 个字符。"),
    reset_too_long: Phrase("密码太长，请最多使用 {} 个字符。"),
    reset_is_common: "这是容易被猜到的常用密码，请换一个。",
    reset_has_name: "密码几乎只是您的姓名、用户名、邮箱或手机号，请换一个。",
    reset_differ: "两次输入的密码不一致，请重新输入。",
    reset_done_title: "密码已保存",
    reset_done_lead: "请返回应用，用新密码登录。",

    logout_title: "退出登录？",
    logout_lead: "退出后，使用相关应用时需要重新登录。",
    logout_lead_app: Phrase("{} 请求让您退出登录。退出后需要重新登录才能继续使用。"),
    logout_devices: "同时退出我的其他设备",
    logout_only: Phrase("仅退出 {}"),
    logout_submit: "退出登录",
    logout_stay: "保持登录",
    signing_out_title: "正在退出登录",
    signing_out_lead: "正在通知您使用过的应用。如果没有反应，请点击按钮。",
    signing_out_continue: "继续",
    signed_out_title: "您已退出登录",
    signed_out_lead: "现在可以关闭此窗口。",
    signed_out_back: "返回",
    signed_out_back_app: Phrase("返回 {}"),

    form_post_title: "请稍候",
    form_post_lead: "正在带您返回应用。如果没有反应，请点击下方按钮。",
    form_post_submit: "继续",

    web_message_lead: "结果会交给打开本页面的窗口。如果此页面一直没有关闭，请关闭它并回到那个窗口继续。",
    web_message_no_script: "本页面需要脚本才能交付结果。请允许此地址运行脚本，或换用其他浏览器，然后从应用重新开始。",

    start_title: "登录服务",
    start_title_app: Phrase("{} 的登录服务"),
    start_lead: "应用会将用户带到此地址进行登录。",
    start_hint: "如需登录，请打开您要使用的应用，从那里开始。",
    start_developer: "开发者信息",
    start_issuer: "颁发者（Issuer）",
    start_discovery: "发现文档（Discovery）",
};
