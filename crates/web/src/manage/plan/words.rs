//! The words of plans. A plan is kept in English, in revisions and in the audit log; a page in Chinese finds the row that it was made
//! of. Nothing but a row makes a [`Worded`], so that none of them is without its Chinese.

use std::fmt::{self, Display};

use signet_protocol::{
    lang::Lang,
    said::{Pair, Said},
};

use crate::sayings;

/// A text that was made of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worded(String);

/// A row: a text with gaps, in English and in Chinese.
#[derive(Clone, Copy, Debug)]
pub struct Row(Pair);

macro_rules! rows {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        $(pub(super) const $name: Row = Row(Pair($en, $zh));)*
        const ROWS: &[Pair] = &[$($name.0,)*];
    };
}

rows! {
    // What becomes of an entry.
    CREATE: "+ create {}", "+ 新建 {}";
    CHANGE: "~ change {}", "~ 更改 {}";
    REMOVE: "- remove {}", "- 移除 {}";
    KEEP: "= keep   {}", "= 保留 {}";
    ABSENT: "= absent {}", "= 不存在 {}";
    COUNTS: "{} to create, {} to change, {} unchanged", "新建 {} 项，更改 {} 项，不变 {} 项";
    // What entries are called.
    APPLICATION: "application {}", "应用 {}";
    USER: "user {}", "用户 {}";
    ACCOUNT: "account {} of {}", "账户 {}（应用 {}）";
    RESOURCE_OF: "resource {} of {}", "资源 {}（应用 {}）";
    RESOURCE: "resource {}", "资源 {}";
    RULES: "rules of {}", "应用 {} 的规则";
    FIELD: "extended field {}", "扩展字段 {}";
    CLAIM: "claim {}", "声明 {}";
    SCOPE: "scope {}", "Scope {}";
    PASSWORD_POLICY: "password policy", "密码策略";
    POOL_SETTINGS: "pool settings", "用户池设置";
    THROTTLES: "throttles", "登录限制";
    MAIL_SERVER: "mail server", "邮件服务器";
    // Of secrets only that they are, and that they change.
    GIVEN: "as given", "使用所给的值";
    GENERATED: "generated", "自动生成";
    CHANGED: "changed", "已更改";
    NEW: "new", "新设";
    REMOVED: "removed", "已移除";
    SET: "set", "已设置";
    // Rules.
    NEW_RULES: "{} new", "新增 {} 条";
    REMOVED_RULES: "{} removed", "移除 {} 条";
    RULES_OF_LEAVING: "{} removed, about users who go", "移除 {} 条，因为相关用户将被移除";
    NEW_RULE: "new: {}", "新增：{}";
    REMOVED_RULE: "removed: {}", "移除：{}";
    // What follows from a removal or a change.
    LOST: "lost: {}", "一并失去：{}";
    LOST_KEYS: "its signing keys", "其签名密钥";
    LOST_SECRET_AND_KEYS: "its secret and its signing keys", "其密钥和签名密钥";
    LOST_ACCOUNT: "1 account", "1 个账户";
    LOST_ACCOUNTS: "{} accounts", "{} 个账户";
    LOST_RESOURCE: "1 resource", "1 个资源";
    LOST_RESOURCES: "{} resources", "{} 个资源";
    RULES_ABOUT: "rules about it: {}", "相关规则：{} 条";
    LOST_RULE: "1 rule", "1 条规则";
    LOST_RULES: "{} rules", "{} 条规则";
    LOST_NO_GRANT: "no grant", "无授权";
    LOST_GRANT: "1 grant, whose tokens are worth nothing any more", "1 个授权，其令牌立即失效";
    LOST_MORE_GRANTS: "more than {} grants, whose tokens are worth nothing any more", "超过 {} 个授权，其令牌立即失效";
    LOST_GRANTS: "{} grants, whose tokens are worth nothing any more", "{} 个授权，其令牌立即失效";
    LOST_PERSON: "their profile, logins and consents, and {}", "其资料、登录和授权同意，以及{}";
    FIELD_GOES: "values that users have stay, and nothing is made of them", "用户已有的值会保留，但不再用于任何声明";
    FIELD_TYPE: "claims are made only of values that are {}", "只有类型为{}的值才会用于声明";
    MAIL_GOES: "no message is sent any more; who forgets their password asks an administrator", "不再发送任何邮件；忘记密码的用户需联系管理员";
    CLAIM_GOES: "it is in no token and no user info", "不再出现在任何令牌和用户信息中";
    SCOPE_GOES: "applications that ask for it get nothing for it, also where it was granted before", "请求该 scope 的应用不再得到任何内容，此前已授予的也不例外";
    RESOURCE_GOES: "nobody is granted it any more", "不再授予任何人";
    ACCOUNT_GOES: "its tokens are worth nothing any more, and the rules about it go as well", "其令牌立即失效，相关规则也一并移除";
    // What extended fields take.
    TEXT: "a text", "文本";
    NUMBER: "a number", "数字";
    BOOLEAN: "true or false", " true 或 false ";
    DATE: "a date as YYYY-MM-DD", "日期（YYYY-MM-DD）";
    LIST: "a list of texts", "文本列表";
    ANY: "anything", "任意值";
}

impl Row {
    /// It without gaps.
    pub(super) fn words(self) -> Worded {
        Worded(self.0.of(Lang::En).to_owned())
    }

    /// It with one gap, and what stands there.
    pub(super) fn with(self, value: impl Display) -> Worded {
        Worded(self.0.of(Lang::En).replacen("{}", &value.to_string(), 1))
    }

    /// It with several gaps.
    pub(super) fn with_all<const N: usize>(self, values: [impl Display; N]) -> Worded {
        let mut values = values.iter();
        let pieces = self.0.of(Lang::En).split("{}").enumerate();
        let filled = pieces.map(|(at, piece)| match at {
            0 => piece.to_owned(),
            _ => values.next().map_or_else(|| piece.to_owned(), |value| format!("{value}{piece}")),
        });
        Worded(filled.collect())
    }
}

impl Worded {
    /// In English, as it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Worded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A line of a plan in both languages: values stand as they are.
pub fn said(line: &str) -> Said {
    Said { en: line.to_owned().into(), zh: chinese(line).into() }
}

/// A line of a plan, or the title of several, in a language.
pub fn told(line: &str, lang: Lang) -> String {
    match lang {
        Lang::En => line.to_owned(),
        Lang::Zh => chinese(line),
    }
}

/// What a revision is called, which names the entries that it changed, in a language.
pub fn title(text: &str, lang: Lang) -> String {
    let between = Pair(", ", "、").of(lang);
    text.split(", ").map(|what| told(what, lang)).collect::<Vec<_>>().join(between)
}

fn chinese(line: &str) -> String {
    let text = line.trim_start();
    let indent = line.get(..line.len() - text.len()).unwrap_or_default();
    let whole = sayings::told(ROWS, text, Lang::Zh);
    if whole != text {
        return format!("{indent}{whole}");
    }
    // The words of a key.
    match text.split_once(": ") {
        Some((key, words)) => format!("{indent}{key}: {}", sayings::told(ROWS, words, Lang::Zh)),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use signet_protocol::user_field::FieldType;

    use super::*;

    #[test]
    fn every_row_has_both_languages_and_is_found_by_itself() {
        sayings::check(ROWS, &["Scope {}"]);
        for kind in FieldType::ALL {
            assert!(ROWS.iter().any(|row| row.of(Lang::En) == kind.what().of(Lang::En)), "{kind:?}");
        }
    }

    #[test]
    fn lines_are_told_in_chinese_and_values_stand_as_they_are() {
        for (en, zh) in [
            ("+ create application notes", "+ 新建 应用 notes"),
            ("- remove resource book of notes", "- 移除 资源 book（应用 notes）"),
            ("      secret: changed", "      secret: 已更改"),
            ("      name: \"lost: 3 rules\" → none", "      name: \"lost: 3 rules\" → none"),
            ("      lost: 3 rules", "      一并失去：3 条规则"),
            (
                "      lost: their profile, logins and consents, and no grant",
                "      一并失去：其资料、登录和授权同意，以及无授权",
            ),
            ("      new: allow role editor: book:*:read", "      新增：allow role editor: book:*:read"),
            (
                "      redirect_uris: [] → [\"https://a.example/cb\"]",
                "      redirect_uris: [] → [\"https://a.example/cb\"]",
            ),
            ("1 to create, 0 to change, 12 unchanged", "新建 1 项，更改 0 项，不变 12 项"),
        ] {
            assert_eq!(told(en, Lang::Zh), zh);
            assert_eq!((said(en).of(Lang::En), told(en, Lang::En)), (en, en.to_owned()));
        }
    }
}
