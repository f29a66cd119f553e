//! The stylesheet: its colours, its size and its classes.

use signet_protocol::branding::BrandColor;

use super::{
    STYLESHEET, both_languages,
    html::read,
    palette::{DARK, LIGHT, Palette},
    sample,
};

/// A colour of the stylesheet by its token, in the light or the dark theme.
fn colour(token: &str, dark: bool) -> [f64; 3] {
    let (light_theme, dark_theme) = STYLESHEET.split_once("prefers-color-scheme: dark").unwrap();
    let find = |theme: &str| {
        let (_, value) = theme.split_once(&format!("--{token}: #"))?;
        let hex = value.split(';').next()?.to_owned();
        Some(if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex })
    };
    let hex = dark.then(|| find(dark_theme)).flatten().or_else(|| find(light_theme)).unwrap();
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0)
}

/// The contrast ratio of WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn colours_keep_the_contrast_of_wcag_aa() {
    let pairs = [
        ("ink", "card", 4.5),
        ("ink", "paper", 4.5),
        ("ink", "sunk", 4.5),
        ("ink", "tint", 4.5),
        ("quiet", "card", 4.5),
        ("quiet", "paper", 4.5),
        ("quiet", "sunk", 4.5),
        ("accent", "tint", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-strong", 4.5),
        ("danger", "danger-tint", 4.5),
        ("edge", "card", 3.0),
        ("danger", "card", 3.0),
        ("accent", "card", 3.0),
        ("brass", "wax", 3.0),
    ];
    for dark in [false, true] {
        for (text, background, least) in pairs {
            let ratio = contrast(colour(text, dark), colour(background, dark));
            assert!(ratio >= least, "{text} on {background}, dark {dark}: {ratio:.2}");
        }
    }
}

#[test]
fn the_stylesheet_is_small_and_asks_nobody_else() {
    assert!(STYLESHEET.len() < 12 * 1024, "{}", STYLESHEET.len());
    assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import"));
}

#[test]
fn every_class_of_a_page_has_a_rule() {
    for (name, html) in both_languages(&sample()) {
        for class in read(&html).0.iter().filter_map(|tag| tag.get("class")).flat_map(|list| list.split(' '))
        {
            let ruled = |rest: &str| rest.starts_with([' ', ',', ':', '[']);
            assert!(STYLESHEET.split(&format!(".{class}")).skip(1).any(ruled), "{name}: {class}");
        }
    }
}

/// What a brand's colours are computed against, and what the stylesheet has.
#[test]
fn the_grounds_of_a_palette_are_those_of_the_stylesheet() {
    let shown = |color: BrandColor| color.rgb().map(|part| f64::from(part) / 255.0);
    for (ground, dark) in [(LIGHT, false), (DARK, true)] {
        let [paper, sunk] = ground.others;
        for (token, color) in [("card", ground.card), ("paper", paper), ("sunk", sunk)] {
            assert_eq!(colour(token, dark), shown(color), "{token}, dark {dark}");
        }
    }
}

#[test]
fn text_can_be_read_on_the_shade_of_any_colour() {
    for part in [0, 64, 128, 192, 255] {
        for color in [[part, 0, 0], [0, part, 0], [0, 0, part], [part; 3], [255, part, 0], [part, 255, 255]] {
            for (ground, dark) in [(LIGHT, false), (DARK, true)] {
                let tint = Palette::of(BrandColor::of(color), &ground).tint;
                let tint = tint.rgb().map(|part| f64::from(part) / 255.0);
                assert!(contrast(colour("ink", dark), tint) >= 4.5, "{color:?}");
            }
        }
    }
}
