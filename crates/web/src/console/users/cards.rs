//! What is stored of a user, card by card.

use serde_json::{Map, Value};
use signet_protocol::{
    params::RawParams,
    user::{User, fold_email},
};

use crate::{
    console::{
        fields::{Card, Control, Field, NO_HINT, field},
        words::Pair,
    },
    manage::{edit::Edit, users::export},
};

const LINK_HINT: Pair = Pair("An https address.", "https 地址。");

/// Who they are (OpenID Connect Core §5.1).
pub static PROFILE: Card = Card {
    id: "profile",
    title: Pair("Profile", "资料"),
    lead: Pair(
        "The standard claims. What is empty is told to nobody.",
        "标准声明。留空的字段不会提供给应用。",
    ),
    fields: &[
        field("name", Control::Text, Pair("Full name", "姓名"), NO_HINT),
        field("given_name", Control::Text, Pair("Given name", "名"), NO_HINT),
        field("family_name", Control::Text, Pair("Family name", "姓"), NO_HINT),
        field("middle_name", Control::Text, Pair("Middle name", "中间名"), NO_HINT),
        field("nickname", Control::Text, Pair("Nickname", "昵称"), NO_HINT),
        field(
            "preferred_username",
            Control::Text,
            Pair("Preferred user name", "首选用户名"),
            Pair("What applications show; nobody signs in by it.", "供应用显示，不用于登录。"),
        ),
        field("gender", Control::Text, Pair("Gender", "性别"), NO_HINT),
        field(
            "birthdate",
            Control::Text,
            Pair("Birthdate", "出生日期"),
            Pair(
                "1990-05-04, or 1990 alone, or 0000-05-04 without the year.",
                "1990-05-04，或仅年份 1990，或不含年份 0000-05-04。",
            ),
        ),
        field(
            "zoneinfo",
            Control::Text,
            Pair("Time zone", "时区"),
            Pair("Asia/Shanghai", "例如 Asia/Shanghai（上海）"),
        ),
        field("locale", Control::Text, Pair("Language", "语言"), Pair("zh-CN", "例如 zh-CN（简体中文）")),
        field("picture", Control::Text, Pair("Picture", "头像"), LINK_HINT),
        field("profile", Control::Text, Pair("Profile page", "个人主页"), LINK_HINT),
        field("website", Control::Text, Pair("Website", "网站"), LINK_HINT),
        field(
            "external_id",
            Control::Text,
            Pair("ID in another system", "外部系统 ID"),
            Pair("From where they were imported, for example.", "例如导入来源系统中的 ID。"),
        ),
    ],
};

/// Where they live (OpenID Connect Core §5.1.1).
pub static ADDRESS: Card = Card {
    id: "address",
    title: Pair("Address", "地址"),
    lead: Pair("Told to applications with the scope address.", "随 address scope 提供给应用。"),
    fields: &[
        field("formatted", Control::Area, Pair("In full", "完整地址"), NO_HINT),
        field("street_address", Control::Area, Pair("Street", "街道"), NO_HINT),
        field("locality", Control::Text, Pair("Town", "城市"), NO_HINT),
        field("region", Control::Text, Pair("Region", "省/州"), NO_HINT),
        field("postal_code", Control::Text, Pair("Postal code", "邮政编码"), NO_HINT),
        field("country", Control::Text, Pair("Country", "国家/地区"), NO_HINT),
    ],
};

/// By what they sign in.
pub static KEYS: Card = Card {
    id: "keys",
    title: Pair("Signing in", "登录标识"),
    lead: Pair(
        "Each is one user's alone. One of the three is needed.",
        "每项仅属于一位用户，三项至少填写一项。",
    ),
    fields: &[
        field(
            "username",
            Control::Text,
            Pair("User name", "用户名"),
            Pair(
                "1 to 128 characters, without @, a leading + or outer spaces.",
                "1 至 128 个字符，不含 @、开头的 + 或首尾空格。",
            ),
        ),
        field("email", Control::Text, Pair("E-mail", "邮箱"), NO_HINT),
        field(
            "email_verified",
            Control::Toggle,
            Pair("The e-mail is verified", "邮箱已验证"),
            Pair(
                "Of an e-mail that changes it is taken back; tick it again afterwards if you know it is theirs.",
                "邮箱变更后会自动取消；确认属于本人后可再次勾选。",
            ),
        ),
        field(
            "phone",
            Control::Text,
            Pair("Phone", "手机号"),
            Pair("With the country code: +8613800138000", "含国家代码：+8613800138000"),
        ),
        field(
            "phone_verified",
            Control::Toggle,
            Pair("The phone is verified", "手机号已验证"),
            Pair("Like that of the e-mail.", "规则与邮箱相同。"),
        ),
    ],
};

/// What they are.
pub static ACCESS: Card = Card {
    id: "access",
    title: Pair("Roles and groups", "角色与分组"),
    lead: Pair(
        "Rules and the access control of applications name these codes.",
        "规则和应用的访问控制使用这些代码。",
    ),
    fields: &[
        field("roles", Control::Lines, Pair("Roles", "角色"), Pair("A code on each line.", "每行一个代码。")),
        field(
            "groups",
            Control::Lines,
            Pair("Groups", "分组"),
            Pair("A code on each line.", "每行一个代码。"),
        ),
    ],
};

/// A user by the keys of the cards.
pub fn stored(user: &User) -> Map<String, Value> {
    let mut fields = export::fields(user, false).0;
    if let Some(Value::Object(address)) = fields.remove("address") {
        fields.extend(address);
    }
    fields
}

/// What a form says of a card's fields, added to an entry about `user`.
pub fn read(card: &'static Card, edit: Edit, form: &RawParams, user: &User) -> Edit {
    if card.id == ADDRESS.id {
        let part = |field: &Field| (field.key.to_owned(), field.read(form));
        return edit.set("address", &Value::Object(card.fields.iter().map(part).collect()));
    }
    // Whether a new e-mail or phone is theirs was not known when the box was ticked (attack 13).
    let typed = |key| form.get(key).unwrap_or_default().trim();
    let same_email = fold_email(typed("email")) == user.email.as_deref().map(fold_email).unwrap_or_default();
    let same_phone = typed("phone") == user.phone.as_deref().unwrap_or_default();
    let said = |field: &&Field| match field.key {
        "email_verified" => same_email,
        "phone_verified" => same_phone,
        _ => true,
    };
    card.fields.iter().filter(said).fold(edit, |edit, field| edit.set(field.key, &field.read(form)))
}
