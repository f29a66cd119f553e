//! Which of the two languages a page is shown in.

use crate::sign_in::Language;

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English, which is also the answer when nothing better is known.
    En,
    /// Simplified Chinese.
    Zh,
}

/// Wishes beyond this many are not read, so a long list costs no more than a short one.
const MOST_WISHES: usize = 32;

/// The longest language tag that is looked at (RFC 5646, section 4.4.1).
const LONGEST_TAG: usize = 35;

/// One element of `Accept-Language`: what is wanted, and how much, in thousandths.
struct Wish<'a> {
    range: &'a str,
    quality: u16,
}

impl Lang {
    /// Whose pages are in this language.
    pub fn of(language: Language) -> Lang {
        match language {
            Language::En => Lang::En,
            Language::Zh => Lang::Zh,
        }
    }

    /// The BCP 47 tag for the page's `lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh-CN",
        }
    }

    /// The language of a page: of those that are offered the first of `ui_locales` (OIDC Core, section 3.1.2.1), else the
    /// best of `Accept-Language` (RFC 9110, section 12.5.4), else the first offered. A tag fits by its primary subtag,
    /// so every Chinese tag is answered in Chinese; malformed elements are passed over.
    pub fn choose(offered: &[Language], ui_locales: Option<&str>, accept_language: Option<&str>) -> Lang {
        let chosen = ui_locales
            .and_then(|wanted| first_spoken(offered, wanted))
            .or_else(|| accept_language.and_then(|wanted| best_accepted(offered, wanted)))
            .or_else(|| offered.first().copied());
        chosen.map_or(Lang::En, Lang::of)
    }
}

fn fits(tag: &str, language: Language) -> bool {
    let primary = tag.split('-').next().unwrap_or_default();
    well_formed(tag) && primary.eq_ignore_ascii_case(language.as_str())
}

fn first_spoken(offered: &[Language], ui_locales: &str) -> Option<Language> {
    let wishes = ui_locales.split(' ').take(MOST_WISHES);
    wishes.filter_map(|tag| offered.iter().find(|language| fits(tag, **language))).next().copied()
}

fn best_accepted(offered: &[Language], header: &str) -> Option<Language> {
    let wishes: Vec<Wish> = header.split(',').take(MOST_WISHES).filter_map(Wish::parse).collect();
    let ranked = offered.iter().filter_map(|one| rank(*one, &wishes).map(|rank| (rank, *one)));
    // A lone `*` wants all equally: reversed, because of equals `max_by_key` takes the last, which is the first offered.
    ranked.rev().max_by_key(|(rank, _)| *rank).map(|(_, language)| language)
}

/// How much `language` is wanted; of two equal qualities the one named earlier ranks higher. `None`: not acceptable.
fn rank(language: Language, wishes: &[Wish]) -> Option<(u16, std::cmp::Reverse<usize>)> {
    let best = |meant: &dyn Fn(&Wish) -> bool| {
        let fitting = wishes.iter().enumerate().filter(|(_, wish)| meant(wish));
        fitting.map(|(place, wish)| (wish.quality, std::cmp::Reverse(place))).max()
    };
    best(&|wish| fits(wish.range, language))
        .or_else(|| best(&|wish| wish.range == "*"))
        .filter(|(quality, _)| *quality > 0)
}

impl<'a> Wish<'a> {
    fn parse(element: &'a str) -> Option<Wish<'a>> {
        let (range, weight) = match element.split_once(';') {
            Some((range, weight)) => (range.trim(), Some(weight.trim())),
            None => (element.trim(), None),
        };
        let quality = match weight {
            Some(weight) => thousandths(weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?)?,
            None => 1000,
        };
        (range == "*" || well_formed(range)).then_some(Wish { range, quality })
    }
}

/// A `qvalue` of RFC 9110, section 12.4.2, in thousandths: at most three decimals, at most 1.
fn thousandths(qvalue: &str) -> Option<u16> {
    let (whole, decimals) = qvalue.split_once('.').unwrap_or((qvalue, ""));
    if !matches!(whole, "0" | "1") || decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = format!("{whole}{decimals:0<3}").parse().ok()?;
    (value <= 1000).then_some(value)
}

fn well_formed(tag: &str) -> bool {
    let subtag = |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
    tag.len() <= LONGEST_TAG && tag.split('-').all(subtag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses() {
        let long = format!("{}zh", "fr,".repeat(5000));
        let long_locales = format!("{}zh", "fr ".repeat(5000));
        let endless = format!("zh-{}", "a".repeat(100_000));
        let table: &[(Option<&str>, Option<&str>, Lang)] = &[
            (None, None, Lang::En),
            (Some(""), Some(""), Lang::En),
            (Some("zh"), None, Lang::Zh),
            (Some("zh-CN"), Some("en"), Lang::Zh),
            (Some("en-GB"), Some("zh"), Lang::En),
            (Some("ZH-hant-TW"), None, Lang::Zh),
            (Some("fr zh en"), None, Lang::Zh),
            (Some("fr-CA fr en zh"), None, Lang::En),
            (Some("fr"), Some("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh),
            (Some("zhx"), None, Lang::En),
            (Some("zh_CN"), None, Lang::En),
            (Some("<script> zh"), None, Lang::Zh),
            (Some(&long_locales), None, Lang::En),
            (None, Some("zh"), Lang::Zh),
            (None, Some("en-US,en;q=0.9,zh;q=0.8"), Lang::En),
            (None, Some("en;q=0.8, zh;q=0.9"), Lang::Zh),
            (None, Some("en;q=0.899,zh;q=0.9"), Lang::Zh),
            (None, Some("zh;q=0.5,en;q=0.5"), Lang::Zh),
            (None, Some("en;q=0.5,zh;q=0.5"), Lang::En),
            (None, Some("de, zh;q=0.1"), Lang::Zh),
            (None, Some("zh;q=0"), Lang::En),
            (None, Some("zh;q=0, en;q=0"), Lang::En),
            (None, Some("*"), Lang::En),
            (None, Some("en;q=0, *"), Lang::Zh),
            (None, Some("en;q=0.2, *;q=0.5"), Lang::Zh),
            (None, Some("zh;q=0.4, *;q=0.5"), Lang::En),
            (None, Some("zh ; q=0.7 , en ; Q=0.6"), Lang::Zh),
            (None, Some("zh;q=1.0,en;q=1.000"), Lang::Zh),
            (None, Some("zh;q=2,en;q=0.1"), Lang::En),
            (None, Some("zh;q=1.001,en;q=0.1"), Lang::En),
            (None, Some("zh;q=0.1234,en;q=0.1"), Lang::En),
            (None, Some("zh;q=,en;q=0.1"), Lang::En),
            (None, Some("zh;q=-1,en;q=0.1"), Lang::En),
            (None, Some("zh;level=1,en;q=0.1"), Lang::En),
            (None, Some(",,;;,zh"), Lang::Zh),
            (None, Some("中文,zh"), Lang::Zh),
            (None, Some(&long), Lang::En),
            (None, Some(&endless), Lang::En),
        ];
        for (ui_locales, accept_language, expected) in table {
            let chosen = Lang::choose(Language::ALL, *ui_locales, *accept_language);
            assert_eq!(
                chosen, *expected,
                "ui_locales {ui_locales:.60?}, accept-language {accept_language:.60?}"
            );
        }
    }

    #[test]
    fn what_is_not_offered_is_never_shown_and_the_first_is_the_fallback() {
        let (zh, both) = ([Language::Zh], [Language::Zh, Language::En]);
        type Case<'a> = (&'a [Language], Option<&'a str>, Option<&'a str>, Lang);
        let table: &[Case<'_>] = &[
            (&zh, Some("en"), Some("en"), Lang::Zh),
            (&[Language::En], Some("zh"), Some("zh"), Lang::En),
            (&both, None, None, Lang::Zh),
            (&both, None, Some("*"), Lang::Zh),
            (&both, None, Some("fr"), Lang::Zh),
            (&both, None, Some("en-GB"), Lang::En),
            (&both, Some("fr en"), Some("zh"), Lang::En),
        ];
        for (offered, ui_locales, accepted, expected) in table {
            assert_eq!(
                Lang::choose(offered, *ui_locales, *accepted),
                *expected,
                "{offered:?} {ui_locales:?} {accepted:?}"
            );
        }
    }
}
