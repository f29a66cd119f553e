//! What an application says of its looks.

use signet_protocol::{
    branding::{BrandColor, Branding},
    limits::{LOGIN_TEXT_CHARS, LOGIN_TITLE_CHARS, SUPPORT_TEXT_CHARS},
    said,
};

use super::{check, put};
use crate::manage::reader::Table;

/// What a file says about it.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the name is the key, whose meaning is in signet_protocol::branding")]
pub struct BrandingEntry {
    pub brand_color: Option<Option<BrandColor>>,
    pub login_title: Option<Option<String>>,
    pub login_title_zh: Option<Option<String>>,
    pub login_text: Option<Option<String>>,
    pub login_text_zh: Option<Option<String>>,
    pub support_uri: Option<Option<String>>,
    pub support_text: Option<Option<String>>,
    pub support_text_zh: Option<Option<String>>,
    pub policy_uri: Option<Option<String>>,
    pub tos_uri: Option<Option<String>>,
}

impl BrandingEntry {
    pub(super) fn read(table: &mut Table) -> BrandingEntry {
        BrandingEntry {
            brand_color: table.optional("brand_color", BrandColor::parse),
            login_title: text(table, "login_title", LOGIN_TITLE_CHARS),
            login_title_zh: text(table, "login_title_zh", LOGIN_TITLE_CHARS),
            login_text: text(table, "login_text", LOGIN_TEXT_CHARS),
            login_text_zh: text(table, "login_text_zh", LOGIN_TEXT_CHARS),
            support_uri: table.text("support_uri", check::web_page),
            support_text: text(table, "support_text", SUPPORT_TEXT_CHARS),
            support_text_zh: text(table, "support_text_zh", SUPPORT_TEXT_CHARS),
            policy_uri: table.text("policy_uri", check::web_page),
            tos_uri: table.text("tos_uri", check::web_page),
        }
    }

    /// Lays what the entry says over `branding`.
    pub fn lay_over(&self, branding: &mut Branding) {
        put(&mut branding.brand_color, &self.brand_color);
        put(&mut branding.login_title, &self.login_title);
        put(&mut branding.login_title_zh, &self.login_title_zh);
        put(&mut branding.login_text, &self.login_text);
        put(&mut branding.login_text_zh, &self.login_text_zh);
        put(&mut branding.support_uri, &self.support_uri);
        put(&mut branding.support_text, &self.support_text);
        put(&mut branding.support_text_zh, &self.support_text_zh);
        put(&mut branding.policy_uri, &self.policy_uri);
        put(&mut branding.tos_uri, &self.tos_uri);
    }
}

/// A text of one line and at most `most` characters; `Some(None)` when it is empty, which takes it away.
fn text(table: &mut Table, key: &'static str, most: usize) -> Option<Option<String>> {
    table.optional(key, |text| match check::is_short(text, most) {
        true => Ok(text.to_owned()),
        false => Err(said!(
            "must be one line of at most {most} characters, without control characters",
            "须为一行，最多 {most} 个字符，不含控制字符"
        )),
    })
}
