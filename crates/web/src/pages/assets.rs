//! The static files, each at a path that names its content, so that a browser may keep it for ever.

use std::{borrow::Cow, sync::LazyLock};

use super::brand;

/// The stylesheet of every page.
pub const STYLESHEET: &str = include_str!("../../static/signet.css");

/// The stylesheet that the console has besides.
pub const CONSOLE_STYLESHEET: &str = include_str!("../../static/console.css");

/// The script of the console, without which all of it works.
const CONSOLE_SCRIPT: &str = include_str!("../../static/console.js");
const ICON: &str = include_str!("../../static/signet.svg");

const CSS: &str = "text/css; charset=utf-8";

/// A static file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub body: Cow<'static, str>,
}

/// What a page is shown in, where that is not left to the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Both.
    pub const ALL: [Theme; 2] = [Theme::Light, Theme::Dark];

    /// As it stands in names of files and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// A stylesheet in this theme, whatever the browser prefers.
    pub fn of(self, css: &str) -> String {
        let dark = if self == Theme::Dark { "all" } else { "not all" };
        let scheme = format!("color-scheme: {};", self.as_str());
        css.replace("color-scheme: light dark;", &scheme).replace("(prefers-color-scheme: dark)", dark)
    }
}

/// Every file with its path: `/static/signet-<hash>.css`.
static FILES: LazyLock<[(String, Asset); 6]> = LazyLock::new(|| {
    [
        file(STYLESHEET.into(), CSS, "css"),
        file(Theme::Light.of(STYLESHEET).into(), CSS, "css"),
        file(Theme::Dark.of(STYLESHEET).into(), CSS, "css"),
        file(CONSOLE_STYLESHEET.into(), CSS, "css"),
        file(CONSOLE_SCRIPT.into(), "text/javascript; charset=utf-8", "js"),
        file(ICON.into(), "image/svg+xml", "svg"),
    ]
});

fn file(body: Cow<'static, str>, content_type: &'static str, extension: &str) -> (String, Asset) {
    (path(&body, extension), Asset { content_type, body })
}

/// Where the stylesheet is served.
pub fn stylesheet_path() -> &'static str {
    stylesheet_path_in(None)
}

/// Where the stylesheet is served that shows a page in this theme.
pub fn stylesheet_path_in(theme: Option<Theme>) -> &'static str {
    let [(either, _), (light, _), (dark, _), ..] = &*FILES;
    match theme {
        None => either,
        Some(Theme::Light) => light,
        Some(Theme::Dark) => dark,
    }
}

/// Where the stylesheet of the console is served.
pub fn console_stylesheet_path() -> &'static str {
    let [_, _, _, (path, _), ..] = &*FILES;
    path
}

/// Where the script of the console is served.
pub fn console_script_path() -> &'static str {
    let [.., (path, _), _] = &*FILES;
    path
}

/// Where the icon of the browser tab is served.
pub fn icon_path() -> &'static str {
    let [.., (path, _)] = &*FILES;
    path
}

/// The file at a path; any other path, that of an earlier version too, has none.
pub fn asset(path: &str) -> Option<Asset> {
    let own = FILES.iter().find(|(own, _)| own == path).map(|(_, asset)| asset.clone());
    let of_a_colour = || brand::stylesheet_at(path).map(|css| Asset { content_type: CSS, body: css.into() });
    own.or_else(of_a_colour)
}

fn path(body: &str, extension: &str) -> String {
    let hash = format!("{:016x}", fnv1a(body.as_bytes()));
    format!("/static/signet-{hash:.12}.{extension}")
}

/// FNV-1a, 64 bits: equal in every build, which the standard hasher does not promise. Not a security measure.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn paths_name_the_content() {
        assert_eq!(path("foobar", "css"), "/static/signet-85944171f739.css");
        assert_ne!(path("foobar", "css"), path("foobaz", "css"));
    }

    #[test]
    fn assets_are_found_by_their_path_only() {
        assert_eq!(asset(stylesheet_path()).unwrap().body, STYLESHEET);
        assert_eq!(asset(icon_path()).unwrap().content_type, "image/svg+xml");
        for theme in Theme::ALL {
            let css = asset(stylesheet_path_in(Some(theme))).unwrap().body;
            assert!(
                css.contains(&format!("color-scheme: {};", theme.as_str())) && !css.contains("prefers-color")
            );
        }
        for path in ["", "/static/", "/static/signet.css", "/static/signet-000000000000.css"] {
            assert_eq!(asset(path), None, "{path}");
        }
    }
}
