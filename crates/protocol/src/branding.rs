//! How an application shows itself to the people who sign in to it: one colour, a few texts and a few links.
//!
//! There is no place for HTML or CSS of its own: whoever manages one application would write it, and people type the
//! password of the whole pool beside it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::said::Pair;

/// A colour as `#rrggbb`, in small letters. Nothing else of CSS fits into it (attack 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BrandColor([u8; 3]);

impl BrandColor {
    /// Reads one.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(text: &str) -> Result<BrandColor, Pair> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, rgb @ ..] = number
            .ok_or(Pair(
                "must be a colour as #rrggbb, for example #1d5c50",
                "须为 #rrggbb 格式的颜色，例如 #1d5c50",
            ))?
            .to_be_bytes();
        Ok(BrandColor(rgb))
    }

    /// Of these parts of red, green and blue.
    pub const fn of(rgb: [u8; 3]) -> BrandColor {
        BrandColor(rgb)
    }

    /// Red, green and blue.
    pub fn rgb(self) -> [u8; 3] {
        self.0
    }
}

impl fmt::Display for BrandColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl From<BrandColor> for String {
    fn from(color: BrandColor) -> String {
        color.to_string()
    }
}

impl TryFrom<String> for BrandColor {
    type Error = Pair;

    fn try_from(text: String) -> Result<BrandColor, Pair> {
        BrandColor::parse(&text)
    }
}

/// What an application says of its looks. Texts are plain, of one line; links are https.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Branding {
    /// The colour of buttons, marks and links.
    pub brand_color: Option<BrandColor>,
    /// The heading of the sign-in page.
    pub login_title: Option<String>,
    /// The same in Chinese.
    pub login_title_zh: Option<String>,
    /// A line below it.
    pub login_text: Option<String>,
    /// The same in Chinese.
    pub login_text_zh: Option<String>,
    /// Where people find help.
    pub support_uri: Option<String>,
    /// What the link to it says.
    pub support_text: Option<String>,
    /// The same in Chinese.
    pub support_text_zh: Option<String>,
    /// The privacy policy (RFC 7591 §2).
    pub policy_uri: Option<String>,
    /// The terms of service (RFC 7591 §2).
    pub tos_uri: Option<String>,
}

impl Branding {
    /// Its keys, as they are stored and described.
    pub const KEYS: [&str; 10] = [
        "brand_color",
        "login_title",
        "login_title_zh",
        "login_text",
        "login_text_zh",
        "support_uri",
        "support_text",
        "support_text_zh",
        "policy_uri",
        "tos_uri",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits_and_comes_back_in_small_letters() {
        for (text, shown) in [("#1d5c50", "#1d5c50"), ("#FFD400", "#ffd400"), ("#000000", "#000000")] {
            assert_eq!(BrandColor::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn attack_03_nothing_but_a_colour_is_a_colour() {
        for text in [
            "",
            "#",
            "1d5c50",
            "#fff",
            "#1d5c5",
            "#1d5c500",
            "#1d5c5g",
            " #1d5c50",
            "#1d5c50 ",
            "#+12345",
            "red",
            "#1d5c50;}",
            "#1d5c\n0",
            "#1d5c5é",
            "url(https://evil.example)",
            "var(--ink)",
            "#12345\u{0}",
        ] {
            assert!(BrandColor::parse(text).is_err(), "{text:?}");
            assert!(serde_json::from_value::<BrandColor>(text.into()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_keys_are_those_that_are_stored() {
        let stored = serde_json::to_value(Branding::default()).unwrap();
        let mut keys = Branding::KEYS.to_vec();
        keys.sort_unstable();
        assert_eq!(stored.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), keys);
    }
}
