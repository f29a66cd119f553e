//! How an application shows itself on the pages for its people.

pub mod palette;
mod stylesheet;

pub use stylesheet::stylesheet_at;

use signet_protocol::{application::Application, branding::BrandColor, redirect_uri::RedirectUri};

use super::{Catalogue, Lang, Link, Theme, stylesheet_path_in};

/// What an application says of its looks, in the language of a page. Nothing, where a page belongs to none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brand<'a> {
    /// Its logo: an https URL that was checked when it was stored.
    pub logo: Option<&'a str>,
    /// Its colour.
    pub color: Option<BrandColor>,
    /// The heading of its sign-in page.
    pub title: Option<&'a str>,
    /// The line below it.
    pub text: Option<&'a str>,
    /// Help, by https URLs that were checked when they were stored, like the two that follow.
    pub support: Option<Link<'a>>,
    /// Its privacy policy.
    pub policy: Option<&'a str>,
    /// Its terms of service.
    pub terms: Option<&'a str>,
    /// The theme of a page that only shows how it looks: its forms take nothing, its links lead nowhere.
    pub preview: Option<Theme>,
}

impl<'a> Brand<'a> {
    /// Of an application. What it says in one language only is said in that one, to readers of Chinese; its texts in
    /// Chinese are for them alone.
    pub fn of(application: &'a Application, lang: Lang) -> Brand<'a> {
        let (settings, own) = (&application.settings, &application.settings.branding);
        let said = |text: &'a Option<String>, zh: &'a Option<String>| match lang {
            Lang::En => text.as_deref(),
            Lang::Zh => zh.as_deref().or(text.as_deref()),
        };
        let help = said(&own.support_text, &own.support_text_zh).unwrap_or(lang.messages().brand_support);
        Brand {
            logo: settings.logo_uri.as_deref(),
            color: own.brand_color,
            title: said(&own.login_title, &own.login_title_zh),
            text: said(&own.login_text, &own.login_text_zh),
            support: own.support_uri.as_deref().map(|href| Link { href, text: help }),
            policy: own.policy_uri.as_deref(),
            terms: own.tos_uri.as_deref(),
            preview: None,
        }
    }

    /// Whether a page only shows how it looks.
    pub fn is_preview(&self) -> bool {
        self.preview.is_some()
    }

    /// Where the stylesheet of its page is served.
    pub fn page_stylesheet(&self) -> &'static str {
        stylesheet_path_in(self.preview)
    }

    /// Where the stylesheet of its colour is served.
    pub fn stylesheet(&self) -> Option<String> {
        self.color.map(|color| stylesheet::path(color, self.preview))
    }

    /// The links below the page.
    pub fn links(&self, lang: Lang) -> Vec<Link<'a>> {
        let t = lang.messages();
        let policy = self.policy.map(|href| Link { href, text: t.brand_policy });
        let terms = self.terms.map(|href| Link { href, text: t.brand_terms });
        [self.support, policy, terms].into_iter().flatten().collect()
    }

    /// The one origin from which the page loads a picture.
    pub fn picture_origin(&self) -> Option<String> {
        let logo = RedirectUri::parse(self.logo?).ok()?;
        Some(logo.origin().to_owned())
    }
}
