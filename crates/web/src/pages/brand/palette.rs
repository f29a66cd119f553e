//! The colours that follow from one: so that every text keeps 4.5:1 and every edge 3:1 in both themes, whatever it is
//! (WCAG 2.1 §1.4.3 and §1.4.11).
//!
//! Buttons keep the colour as it is, and their text is white or black: one of both can always be read. Where the colour itself
//! is text, or an edge, it goes towards black or white as far as it has to.

use signet_protocol::branding::BrandColor;

/// What text needs against what is behind it.
pub const TEXT: f64 = 4.5;
/// What an edge needs.
pub const EDGE: f64 = 3.0;

pub const BLACK: BrandColor = BrandColor::of([0; 3]);
pub const WHITE: BrandColor = BrandColor::of([255; 3]);

/// A theme of the stylesheet, as far as a colour has to stand out in it. A test compares with the tokens.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// What everything is on.
    pub card: BrandColor,
    /// What else text is on.
    pub others: [BrandColor; 2],
    /// Where colours go that do not stand out.
    pub away: BrandColor,
}

/// The light theme.
pub const LIGHT: Ground = Ground {
    card: WHITE,
    others: [BrandColor::of([0xf4, 0xf3, 0xee]), BrandColor::of([0xf7, 0xf6, 0xf2])],
    away: BLACK,
};

/// The dark theme.
pub const DARK: Ground = Ground {
    card: BrandColor::of([0x18, 0x1f, 0x1d]),
    others: [BrandColor::of([0x0f, 0x14, 0x13]), BrandColor::of([0x1f, 0x27, 0x25])],
    away: WHITE,
};

/// What becomes of a colour in one theme.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Of links, marks and what has the keyboard.
    pub accent: BrandColor,
    /// The same, where something points at it.
    pub accent_strong: BrandColor,
    /// A shade behind marks.
    pub tint: BrandColor,
    /// The edge of a button.
    pub edge: BrandColor,
}

impl Palette {
    /// Of `color` on `ground`.
    pub fn of(color: BrandColor, ground: &Ground) -> Palette {
        let tint = mixed(ground.card, color, 8);
        let [one, other] = ground.others;
        let accent = readable(color, ground.away, &[ground.card, one, other, tint], TEXT);
        Palette {
            accent,
            accent_strong: mixed(accent, ground.away, 20),
            tint,
            edge: readable(color, ground.away, &[ground.card], EDGE),
        }
    }
}

/// What is written on a button of this colour: white where it can be read, else black, which then can.
pub fn text_on(color: BrandColor) -> BrandColor {
    if contrast(WHITE, color) >= TEXT { WHITE } else { BLACK }
}

/// A button that something points at: towards its text if that can be read still, else away from it.
pub fn pointed_at(color: BrandColor) -> BrandColor {
    let text = text_on(color);
    let towards = mixed(color, text, 14);
    let away = if text == WHITE { BLACK } else { WHITE };
    if contrast(text, towards) >= TEXT { towards } else { mixed(color, away, 14) }
}

/// The nearest on the way from `color` to `away` that has `least` against each of `grounds`.
fn readable(color: BrandColor, away: BrandColor, grounds: &[BrandColor], least: f64) -> BrandColor {
    let mut shades = (0..=100).map(|percent| mixed(color, away, percent));
    let stands_out = |shade: &BrandColor| grounds.iter().all(|ground| contrast(*shade, *ground) >= least);
    shades.find(stands_out).unwrap_or(away)
}

/// `one` with so many hundredths of `other`.
fn mixed(one: BrandColor, other: BrandColor, percent: u16) -> BrandColor {
    let ([r, g, b], [x, y, z]) = (one.rgb(), other.rgb());
    let part = |a: u8, b: u8| {
        let sum = u16::from(a) * (100 - percent) + u16::from(b) * percent;
        u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
    };
    BrandColor::of([part(r, x), part(g, y), part(b, z)])
}

/// The contrast ratio of WCAG 2.1.
pub fn contrast(one: BrandColor, other: BrandColor) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(color: BrandColor) -> f64 {
    let linear = color.rgb().map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    let [red, green, blue] = linear;
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lattice of colours, with the corners and the greys between.
    fn colors() -> impl Iterator<Item = BrandColor> {
        let parts = [0, 1, 37, 64, 100, 117, 118, 119, 128, 150, 180, 200, 220, 254, 255];
        parts.into_iter().flat_map(move |red| {
            parts
                .into_iter()
                .flat_map(move |green| parts.into_iter().map(move |blue| BrandColor::of([red, green, blue])))
        })
    }

    #[test]
    fn every_colour_keeps_the_contrast_of_wcag_aa_in_both_themes() {
        for color in colors() {
            let (text, pointed) = (text_on(color), pointed_at(color));
            assert!(contrast(text, color) >= TEXT && contrast(text, pointed) >= TEXT, "{color} {pointed}");
            assert_ne!(color, pointed, "pointing at it shows");
            for ground in [LIGHT, DARK] {
                let palette = Palette::of(color, &ground);
                let [one, other] = ground.others;
                for behind in [ground.card, one, other, palette.tint] {
                    for accent in [palette.accent, palette.accent_strong] {
                        assert!(contrast(accent, behind) >= TEXT, "{color}: {accent} on {behind}");
                    }
                }
                assert!(contrast(palette.edge, ground.card) >= EDGE, "{color}: {}", palette.edge);
            }
        }
    }

    #[test]
    fn a_colour_that_stands_out_stays_as_it_is() {
        let green = BrandColor::parse("#1d5c50").unwrap();
        let light = Palette::of(green, &LIGHT);
        assert_eq!((light.accent, light.edge, text_on(green)), (green, green, WHITE));
        let yellow = BrandColor::parse("#ffd400").unwrap();
        let dark = Palette::of(yellow, &DARK);
        assert_eq!((dark.accent, dark.edge, text_on(yellow)), (yellow, yellow, BLACK));
        assert_ne!(Palette::of(yellow, &LIGHT).accent, yellow);
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let near = |a: f64, b: f64| (a - b).abs() < 0.01;
        assert!(near(contrast(BLACK, WHITE), 21.0) && near(contrast(WHITE, WHITE), 1.0));
        assert!(near(contrast(BrandColor::of([0x77; 3]), WHITE), 4.48));
    }
}
