//! The words of which items and rules are made. All are compared byte by byte.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    limits::{ACTION_BYTES, API_IDENTIFIER_BYTES, RESOURCE_CODE_BYTES, RESOURCE_ID_BYTES},
    pool::is_word,
    said::Pair,
    scope::KnownScope,
};

/// A text that passed a check, which `parse` and serde both apply.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads one.
            ///
            /// # Errors
            /// What it must be.
            pub fn parse(text: &str) -> Result<$name, Pair> {
                $check(text).map(|()| $name(text.into()))
            }

            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = Pair;

            fn try_from(text: String) -> Result<$name, Pair> {
                $name::parse(&text)
            }
        }
    };
}

checked_text!(
    /// The code of a resource, unique in its namespace: `book`.
    ResourceCode,
    check_code
);
checked_text!(
    /// The name of something that can be done with a resource: `read`.
    ActionName,
    check_action
);
checked_text!(
    /// The identifier of one thing of a resource, as its resource server knows it: `42`.
    ResourceId,
    check_id
);
checked_text!(
    /// The URI of an API: what a request names by `resource` (RFC 8707 §2), and then the audience of its token.
    ApiIdentifier,
    check_api_identifier
);

/// Whether `text` can stand for a resource in an item.
pub(super) fn is_code(text: &str) -> bool {
    is_word(text, "_-.", RESOURCE_CODE_BYTES)
}

/// Whether `text` can stand for an action in an item.
pub(super) fn is_action(text: &str) -> bool {
    is_word(text, "_-.", ACTION_BYTES)
}

/// Whether `text` can stand for one thing in an item. Left out of what a scope may have (RFC 6749 §3.3) are the colon
/// and the asterisk, which are the grammar's own, and what a form or a URL may turn into something else, like `+` and `%`.
pub(super) fn is_id(text: &str) -> bool {
    is_word(text, "_-.~@/", RESOURCE_ID_BYTES)
}

fn check_code(text: &str) -> Result<(), Pair> {
    if KnownScope::ALL.iter().any(|known| known.as_str().eq_ignore_ascii_case(text)) {
        Err(Pair(
            "is a built-in scope, which no resource can be called; take another code",
            "是内置的 scope，资源不能使用这个编码，请另选一个",
        ))
    } else if is_code(text) {
        Ok(())
    } else {
        Err(Pair(
            "must be 1 to 64 letters, digits, underscores, hyphens and full stops",
            "须为 1 到 64 个字母、数字、下划线、连字符或点",
        ))
    }
}

fn check_action(text: &str) -> Result<(), Pair> {
    if text == "*" || text.eq_ignore_ascii_case("all") {
        Err(Pair(
            "is no name of an action; a rule about every action has actions = \"all\"",
            "不能作为操作的名称；针对所有操作的规则请使用 actions = \"all\"",
        ))
    } else if is_action(text) {
        Ok(())
    } else {
        Err(Pair(
            "must be 1 to 64 letters, digits, underscores, hyphens and full stops, without the resource's code",
            "须为 1 到 64 个字母、数字、下划线、连字符或点，且不带资源编码",
        ))
    }
}

fn check_id(text: &str) -> Result<(), Pair> {
    let good = is_id(text);
    good.then_some(()).ok_or(Pair(
        "must be * or 1 to 128 letters, digits and characters of _-.~@/",
        "须为 * 或 1 到 128 个字母、数字或 _-.~@/ 中的字符",
    ))
}

/// An absolute URI without fragment (RFC 8707 §2, RFC 3986 §4.3).
fn check_api_identifier(text: &str) -> Result<(), Pair> {
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let in_scheme = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let in_uri = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
    let named = scheme.starts_with(|c: char| c.is_ascii_lowercase()) && scheme.bytes().all(in_scheme);
    let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let placed = !matches!(scheme, "http" | "https") || !host.is_empty() && !host.contains('@');
    let good = text.len() <= API_IDENTIFIER_BYTES && named && placed && !rest.is_empty();
    (good && rest.bytes().all(in_uri)).then_some(()).ok_or(Pair(
        "must be a URI of at most 512 bytes without fragment, such as https://api.example.com/books",
        "须为不超过 512 字节且不含片段的 URI，例如 https://api.example.com/books",
    ))
}
