//! What the parser of TOML says, in Chinese.

use signet_protocol::{
    said,
    said::{Pair, Said},
};

use crate::manage::problem::shown;

/// What it says before what it expected.
const MESSAGES: &[Pair] = &[
    Pair("carriage return must be followed by newline", "回车符之后须为换行符"),
    Pair("missing opening quote", "缺少起始引号"),
    Pair("missing comma between array elements", "数组元素之间缺少逗号"),
    Pair("missing comma between key-value pairs", "键值对之间缺少逗号"),
    Pair("missing assignment between key-value pairs", "键与值之间缺少等号"),
    Pair("missing key for inline table element", "内联表的元素缺少键"),
    Pair("missing inline table opening", "内联表缺少左大括号"),
    Pair("missing array opening", "数组缺少左方括号"),
    Pair("missing table open", "表缺少左方括号"),
    Pair("missing escaped value", "转义符之后缺少内容"),
    Pair("missing comment start", "注释缺少起始的 #"),
    Pair("missing value for key", "键没有值"),
    Pair("missing value", "缺少值"),
    Pair("key with no value", "键没有值"),
    Pair("integers with a radix cannot be signed", "带进制前缀的整数不能有符号"),
    Pair("radix must be lowercase", "进制前缀须为小写"),
    Pair("redundant integer number prefix", "多余的整数前缀"),
    Pair("redundant numeric sign", "多余的正负号"),
    Pair("unexpected leading zero", "多余的前导零"),
    Pair("unexpected sign", "此处不应有正负号"),
    Pair("unexpected key or value", "此处不应有键或值"),
    Pair("unexpected content between comment and newline", "注释与换行之间有多余的内容"),
    Pair("unexpected content", "多余的内容"),
    Pair("unexpected `=` in array", "数组中不应有等号"),
    Pair("unclosed array table", "表数组的标题没有闭合"),
    Pair("unclosed inline table", "内联表没有闭合"),
    Pair("unclosed table", "表的标题没有闭合"),
    Pair("unclosed array", "数组没有闭合"),
    Pair("invalid unquoted key", "不带引号的键含有不允许的字符"),
    Pair("unquoted keys cannot be empty", "不带引号的键不能为空"),
    Pair("invalid multi-line basic string", "多行字符串无效"),
    Pair("invalid basic string", "字符串无效"),
    Pair("invalid multi-line literal string", "多行字符串无效"),
    Pair("invalid literal string", "字符串无效"),
    Pair("invalid key-value pair", "键值对无效"),
    Pair("invalid inline table element", "内联表的元素无效"),
    Pair("invalid comment character", "注释中含有不允许的字符"),
    Pair("too few unicode value digits", "Unicode 转义的位数不足"),
    Pair("string values must be quoted", "字符串须加引号"),
    Pair("keys cannot be multi-line literal strings", "键不能是多行字符串"),
    Pair("keys cannot be multi-line basic strings", "键不能是多行字符串"),
    Pair("extra comma in inline table", "内联表中有多余的逗号"),
    Pair("extra comma in array", "数组中有多余的逗号"),
    Pair("extra assignment between key-value pairs", "多余的等号"),
    Pair("extra `=`", "多余的等号"),
    Pair("`_` may only go between digits", "下划线只能位于数字之间"),
    Pair("invalid", "值无效"),
];

/// What the parser says, on one line, and the name of a key that is there twice.
pub fn message(text: &str, error: &toml::de::Error) -> Said {
    let key = error.span().and_then(|span| text.get(span));
    match (error.message(), key) {
        ("duplicate key", Some(key)) => {
            let key = shown(key.trim());
            said!("the key `{key}` is there twice", "键 `{key}` 出现了两次")
        }
        // Its two ways to say so do not say what to do.
        (message, _) if message.contains("recur") => {
            Pair("is nested too deep; at most 80 levels are read", "嵌套过深；最多读取 80 层").into()
        }
        (message, _) => told(message),
    }
}

/// It in both languages. What it expected is told in English alone; a message that is not known is told as what it is about.
fn told(message: &str) -> Said {
    let known = MESSAGES.iter().find(|known| message.starts_with(known.0));
    let zh = known.map_or("不符合 TOML 语法", |known| known.1);
    Said { en: message.replace('\n', ", ").into(), zh: zh.into() }
}

#[cfg(test)]
mod tests {
    use signet_protocol::lang::Lang;

    use super::*;

    #[test]
    fn what_the_parser_says_is_known() {
        for text in [
            "= 1",
            "a",
            "a = ",
            "a = b",
            "a = [1",
            "[a",
            "[[a]",
            "a = {b",
            "a = \"\\q\"",
            "a = 'x",
            "a b = 1",
            "a = +-1",
            "a = 01",
        ] {
            let (_, errors) = toml::de::DeTable::parse_recoverable(text);
            assert!(!errors.is_empty(), "{text}");
            for error in errors {
                let said = told(error.message());
                assert_ne!(said.of(Lang::Zh), "不符合 TOML 语法", "{text}: {said}");
            }
        }
    }
}
