//! A stylesheet that is made of one colour, and of nothing else that anybody says.

use std::fmt::Write;

use signet_protocol::branding::BrandColor;

use super::palette::{DARK, Ground, LIGHT, Palette, pointed_at, text_on};
use crate::pages::assets::Theme;

/// Part of the path, because browsers keep what they have of it for ever: another one with each change of what is made of a
/// colour.
const EDITION: &str = "1";

/// Where the stylesheet of a colour is served, for a page in this theme.
pub fn path(color: BrandColor, theme: Option<Theme>) -> String {
    let [red, green, blue] = color.rgb();
    let theme = theme.map(|theme| format!("-{}", theme.as_str())).unwrap_or_default();
    format!("/static/brand/{EDITION}/{red:02x}{green:02x}{blue:02x}{theme}.css")
}

/// The stylesheet at `at`, whose path is spelt in one way.
pub fn stylesheet_at(at: &str) -> Option<String> {
    let (_, name) = at.rsplit_once('/')?;
    let color = BrandColor::parse(&format!("#{}", name.get(..6)?)).ok()?;
    let themes = [None, Some(Theme::Light), Some(Theme::Dark)];
    let theme = themes.into_iter().find(|theme| path(color, *theme) == at)?;
    let css = stylesheet(color);
    Some(theme.map(|theme| theme.of(&css)).unwrap_or(css))
}

/// The stylesheet of a colour: tokens of the page's own with other values, and its buttons.
fn stylesheet(color: BrandColor) -> String {
    let (text, pointed) = (text_on(color), pointed_at(color));
    let mut css = format!(":root {{ --brand: {color}; --brand-strong: {pointed}; --on-brand: {text};");
    css.push_str(&tokens(color, &LIGHT));
    css.push_str(" }\n@media (prefers-color-scheme: dark) {\n  :root {");
    css.push_str(&tokens(color, &DARK));
    css.push_str(
        " }\n}\n\
         .button-main { background: var(--brand); border-color: var(--brand-edge); color: var(--on-brand); }\n\
         .button-main:hover { background: var(--brand-strong); border-color: var(--brand-edge); }\n",
    );
    css
}

fn tokens(color: BrandColor, ground: &Ground) -> String {
    let Palette { accent, accent_strong, tint, edge } = Palette::of(color, ground);
    let mut css = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        css,
        " --accent: {accent}; --accent-strong: {accent_strong}; --on-accent: {}; --tint: {tint}; --brand-edge: {edge};",
        ground.card
    );
    let _ = write!(css, " --wax: {color}; --brass: {};", text_on(color));
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes this text writes another [`EDITION`].
    #[test]
    fn the_stylesheet_of_a_colour_is_known_by_its_edition() {
        let color = BrandColor::parse("#ffd400").unwrap();
        assert_eq!(path(color, None), "/static/brand/1/ffd400.css");
        let expected = "\
:root { --brand: #ffd400; --brand-strong: #dbb600; --on-brand: #000000; --accent: #826c00; --accent-strong: #685600; \
--on-accent: #ffffff; --tint: #fffceb; --brand-edge: #b09200; --wax: #ffd400; --brass: #000000; }
@media (prefers-color-scheme: dark) {
  :root { --accent: #ffd400; --accent-strong: #ffdd33; --on-accent: #181f1d; --tint: #2a2d1b; --brand-edge: #ffd400; \
--wax: #ffd400; --brass: #000000; }
}
.button-main { background: var(--brand); border-color: var(--brand-edge); color: var(--on-brand); }
.button-main:hover { background: var(--brand-strong); border-color: var(--brand-edge); }
";
        assert_eq!(stylesheet(color), expected);
    }

    #[test]
    fn attack_03_a_path_is_a_colour_or_nothing() {
        let css = stylesheet_at("/static/brand/1/1d5c50.css").unwrap();
        assert!(css.contains("--brand: #1d5c50;") && css.contains("prefers-color-scheme"), "{css}");
        let dark = stylesheet_at("/static/brand/1/1d5c50-dark.css").unwrap();
        assert!(dark.contains("@media all"), "{dark}");
        for at in [
            "/static/brand/1/1D5C50.css",
            "/static/brand/0/1d5c50.css",
            "/static/brand/1d5c50.css",
            "/static/brand/1/#1d5c50.css",
            "/static/brand/1/1d5c50",
            "/static/brand/1/1d5c50-blue.css",
            "/static/brand/1/1d5c50-dark-dark.css",
            "/static/brand/1/é1d5c50.css",
            "/static/brand/1/red.css",
            "/static/brand/1/1d5c50;}body{display:none.css",
            "/static/brand/1/x/../1d5c50.css",
        ] {
            assert_eq!(stylesheet_at(at), None, "{at}");
        }
    }
}
