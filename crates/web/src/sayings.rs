//! What is kept in English and told in the language of a page: rows of a table, each with gaps for what stands as it is.

use signet_protocol::{lang::Lang, said::Pair};

/// `text`, which was made of the row of `table` that fits first, in a language. A value in a gap stands as it is, unless a row fits it,
/// too; so does what no row fits.
pub fn told(table: &[Pair], text: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return text.to_owned();
    }
    let found = table.iter().find_map(|row| Some((gaps(row.of(Lang::En), text)?, row.of(lang))));
    let Some((values, pattern)) = found else { return text.to_owned() };
    let mut values = values.into_iter().map(|value| told(table, value, lang));
    let pieces = pattern.split("{}").enumerate();
    pieces
        .map(|(at, piece)| if at == 0 { piece.to_owned() } else { values.next().unwrap_or_default() + piece })
        .collect()
}

/// What stands in the gaps of `pattern` in `text`, if it is like that.
fn gaps<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at = match pieces.peek() {
            Some(_) => rest.find(piece)?,
            None => rest.len().checked_sub(piece.len()).filter(|at| rest.get(*at..) == Some(piece))?,
        };
        values.push(rest.get(..at)?);
        rest = rest.get(at + piece.len()..)?;
    }
    rest.is_empty().then_some(values).filter(|values| values.iter().all(|value| !value.is_empty()))
}

/// What is said, in English, after it was seen that it is in Chinese too: in characters of it, and without a sentence of the other.
#[cfg(test)]
pub fn english_of(said: &signet_protocol::said::Said) -> String {
    let (en, zh) = (said.of(Lang::En), said.of(Lang::Zh));
    assert!(
        en != zh && zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
        "{said:?} is not in Chinese"
    );
    en.to_owned()
}

/// Every row has both languages with the same gaps, and is the first that fits what is made of it; names of `terms` are no words.
#[cfg(test)]
pub fn check(table: &[Pair], terms: &[&str]) {
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for Pair(en, zh) in table {
        assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{en}");
        assert!(!chinese(en) && (chinese(zh) || terms.contains(zh)), "{en}: {zh}");
        let sample = en.replace("{}", "X1");
        let found = table.iter().find(|Pair(known, _)| gaps(known, &sample).is_some());
        assert_eq!(found.map(|Pair(known, _)| known), Some(en), "hidden by an earlier one");
    }
}
