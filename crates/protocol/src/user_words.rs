//! The words by which users are found: folded by our own rules, so that every database compares them alike.
//!
//! A word is bytes: one for its kind, then text. Whoever is looked for by the beginning of a word, or has a role or is in a
//! group, has a word in a [`Span`] of them.

use std::collections::BTreeSet;

use crate::{
    limits::{SEARCH_TERMS, SEARCH_WORD_BYTES, WORDS_PER_USER},
    user::{User, fold_email},
};

/// Part of a name, or a whole e-mail, user name or phone.
const NAME: u8 = b'n';
/// A role.
const ROLE: u8 = b'r';
/// A group.
const GROUP: u8 = b'g';
/// That they are blocked.
const BLOCKED: u8 = b'b';

/// The words from one on and before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: Vec<u8>,
    /// Behind the last.
    pub until: Vec<u8>,
}

impl Span {
    fn exactly(word: Vec<u8>) -> Span {
        let until = word.iter().copied().chain([0]).collect();
        Span { from: word, until }
    }

    fn beginning(word: Vec<u8>) -> Span {
        let mut until = word.clone();
        // No byte of UTF-8 is the greatest, so there is a next one.
        if let Some(last) = until.last_mut() {
            *last = last.saturating_add(1);
        }
        Span { from: word, until }
    }

    /// Who has this role.
    pub fn role(code: &str) -> Span {
        Span::exactly(word(ROLE, code))
    }

    /// Who is in this group.
    pub fn group(code: &str) -> Span {
        Span::exactly(word(GROUP, code))
    }

    /// Who is blocked.
    pub fn blocked() -> Span {
        Span::exactly(vec![BLOCKED])
    }

    /// What was typed into a search, the longest word first: that one finds the fewest. A word that begins another one says
    /// nothing more, and of too many the shortest are not looked at.
    pub fn of_search(typed: &str) -> Vec<Span> {
        let mut terms: Vec<String> = match phone_digits(typed) {
            Some(digits) => vec![digits],
            None => fold(typed).split_whitespace().map(term).collect(),
        };
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        let mut kept: Vec<String> = Vec::new();
        for term in terms {
            if !kept.iter().any(|longer| longer.starts_with(&term)) && kept.len() < SEARCH_TERMS {
                kept.push(term);
            }
        }
        kept.iter().map(|term| Span::beginning(word(NAME, term))).collect()
    }
}

/// Every word of `user`.
pub fn words_of(user: &User) -> BTreeSet<Vec<u8>> {
    let names = names_of(user).into_iter().take(WORDS_PER_USER).map(|name| word(NAME, &name));
    let roles = user.details.roles.iter().map(|code| word(ROLE, code));
    let groups = user.details.groups.iter().map(|code| word(GROUP, code));
    let blocked = user.blocked.then(|| vec![BLOCKED]);
    names.chain(roles).chain(groups).chain(blocked).collect()
}

fn word(kind: u8, text: &str) -> Vec<u8> {
    let text = if kind == NAME { cut(text) } else { text };
    [&[kind], text.as_bytes()].concat()
}

/// As much of a word as is kept.
fn cut(text: &str) -> &str {
    let end = (0..=SEARCH_WORD_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// What identifies comes first: of too many words, those of long names are left out.
fn names_of(user: &User) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(phone) = &user.phone {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        words.extend(digits.get(country_code(&digits)..).map(str::to_owned));
        words.push(digits);
    }
    if let Some(email) = &user.email {
        let email = fold(&fold_email(email));
        let (local, host) = email.rsplit_once('@').unwrap_or((&email, ""));
        add_words(local, &mut words);
        words.extend([host.to_owned(), email.clone()]);
    }
    let (details, profile) = (&user.details, &user.details.profile);
    words.extend(details.external_id.as_deref().map(|id| term(&fold(id))));
    for name in [
        &user.username,
        &profile.name,
        &profile.given_name,
        &profile.family_name,
        &profile.nickname,
        &profile.preferred_username,
        &profile.middle_name,
    ] {
        name.iter().for_each(|name| add_words(&fold(name), &mut words));
    }
    let mut seen = BTreeSet::new();
    words.retain(|word| !word.is_empty() && seen.insert(word.clone()));
    words
}

/// How many digits of a phone number are its country code (ITU-T E.164, annex D).
fn country_code(digits: &str) -> usize {
    let two = digits.get(..2).and_then(|two| two.parse::<u8>().ok()).unwrap_or(0);
    match two {
        10..=19 | 70..=79 => 1,
        20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => {
            2
        }
        _ => 3,
    }
}

/// Adds each word of a folded name, the parts of a compound one, and the rest of one that is written without spaces from each
/// of its characters on.
fn add_words(name: &str, words: &mut Vec<String>) {
    for token in name.split_whitespace().map(term) {
        let parts = token.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        words.extend(parts.map(str::to_owned));
        words.extend(phone_digits(&token));
        let starts = token.char_indices().skip(1).filter(|(_, c)| is_ideograph(*c));
        words.extend(starts.filter_map(|(at, _)| token.get(at..)).map(str::to_owned));
        words.push(token);
    }
}

/// A word without the punctuation around it, unless it is nothing else.
fn term(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() { word.to_owned() } else { bare.to_owned() }
}

/// The digits of what can only be a phone number.
fn phone_digits(typed: &str) -> Option<String> {
    let phone = typed.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c));
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    (phone && digits.len() >= 5).then_some(digits)
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{20000}'..='\u{323af}')
}

/// Without case, accents of Latin letters and the width of full-width forms.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().map(half_width).flat_map(char::to_lowercase) {
        match c {
            '\u{300}'..='\u{36f}' => {}
            c => match bare_letter(c) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(c),
            },
        }
    }
    folded
}

fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    }
}

/// A lower-case Latin letter without what is above, below or through it.
fn bare_letter(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ǒ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ǔ' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
#[path = "user_words_tests.rs"]
mod tests;
