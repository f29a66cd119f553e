//! The static files, each at a path that names its content, so that a browser may keep it for ever.

use std::sync::LazyLock;

/// The stylesheet of every page.
pub const STYLESHEET: &str = include_str!("../../static/signet.css");

/// The stylesheet that the console has besides.
pub const CONSOLE_STYLESHEET: &str = include_str!("../../static/console.css");

/// The script of the console, without which all of it works.
const CONSOLE_SCRIPT: &str = include_str!("../../static/console.js");
const ICON: &str = include_str!("../../static/signet.svg");

/// A static file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub body: &'static str,
}

/// Every file with its path: `/static/signet-<hash>.css`.
static FILES: LazyLock<[(String, Asset); 4]> = LazyLock::new(|| {
    let css = "text/css; charset=utf-8";
    [
        file(STYLESHEET, css, "css"),
        file(CONSOLE_STYLESHEET, css, "css"),
        file(CONSOLE_SCRIPT, "text/javascript; charset=utf-8", "js"),
        file(ICON, "image/svg+xml", "svg"),
    ]
});

fn file(body: &'static str, content_type: &'static str, extension: &str) -> (String, Asset) {
    (path(body, extension), Asset { content_type, body })
}

/// Where the stylesheet is served.
pub fn stylesheet_path() -> &'static str {
    let [(path, _), ..] = &*FILES;
    path
}

/// Where the stylesheet of the console is served.
pub fn console_stylesheet_path() -> &'static str {
    let [_, (path, _), ..] = &*FILES;
    path
}

/// Where the script of the console is served.
pub fn console_script_path() -> &'static str {
    let [_, _, (path, _), ..] = &*FILES;
    path
}

/// Where the icon of the browser tab is served.
pub fn icon_path() -> &'static str {
    let [.., (path, _)] = &*FILES;
    path
}

/// The file at a path; any other path, that of an earlier version too, has none.
pub fn asset(path: &str) -> Option<Asset> {
    FILES.iter().find(|(own, _)| own == path).map(|(_, asset)| *asset)
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
        for path in ["", "/static/", "/static/signet.css", "/static/signet-000000000000.css"] {
            assert_eq!(asset(path), None, "{path}");
        }
    }
}
