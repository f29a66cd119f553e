//! What is wrong with a file, and the nearest thing that would have been right.

use std::fmt;

use signet_protocol::{
    said,
    said::{Pair, Said},
};

/// Problems of one file that are told; there is no end to what can be wrong with one.
pub const PROBLEMS_MAX: usize = 100;
/// Characters of a name or value that a message repeats.
const SHOWN_CHARS: usize = 100;

/// `text` as far as a message repeats it.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// One thing that is wrong, and where. The message never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: Said,
}

impl Problem {
    /// A problem at `line`.
    pub fn new(line: usize, message: impl Into<Said>) -> Problem {
        Problem { line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

/// The one of `choices` that takes the fewest edits to reach from `text`, the first of equals. None is named that is
/// farther than two edits or a third of the text: it would not be what was meant.
pub fn nearest<'a>(text: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is compared is bounded: a choice is short, and a text that is far longer is far from all of them.
    let start: String = text.chars().take(64).collect();
    let near = (start.chars().count() / 3).max(2);
    let distances = choices.into_iter().map(|choice| (distance(&start, choice), choice));
    distances.min_by_key(|(edits, _)| *edits).filter(|(edits, _)| *edits <= near).map(|(_, choice)| choice)
}

/// `choices` from the nearest to the farthest: first those that have a word of `text`, then by edits.
pub fn ranked<'a>(text: &str, choices: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let start: String = text.chars().take(64).collect();
    let foreign = |choice: &str| !choice.split('_').any(|word| start.split('_').any(|own| own == word));
    let rank = |choice: &'a str| (foreign(choice), distance(&start, choice), choice);
    let mut all: Vec<_> = choices.into_iter().map(rank).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, _, choice)| choice).collect()
}

/// That `text` is none of `choices`: which they are, and which of them was probably meant.
pub fn must_be_one_of(text: &str, choices: &[&str]) -> Said {
    let (all, guess) = (choices.join(", "), guess(text, choices.iter().copied()));
    said!("must be one of {all}{guess}", "须为以下之一：{all}{guess}", guess)
}

/// The one of `choices` that was probably meant, as a question behind a message; nothing if none is near.
pub fn guess<'a>(text: &str, choices: impl IntoIterator<Item = &'a str>) -> Said {
    match nearest(text, choices) {
        Some(meant) => said!("; did you mean \"{meant}\"?", "；您是否想写 \"{meant}\"？"),
        None => Pair("", "").into(),
    }
}

/// How many insertions, deletions and substitutions of a character lead from `from` to `to` (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, have) in from.chars().enumerate() {
        let mut diagonal = done;
        let mut left = done + 1;
        let mut next = vec![left];
        for (want, above) in to.iter().zip(row.iter().skip(1)) {
            let substituted = diagonal + usize::from(have != *want);
            left = substituted.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_key() {
        let keys = ["name", "identifier", "redirect_uris", "logout_redirect_uris", "sso"];
        for (typed, meant) in [
            ("redirect_uri", "redirect_uris"),
            ("post_logout_redirect_uris", "logout_redirect_uris"),
            ("identifer", "identifier"),
            ("Name", "name"),
            ("s", "sso"),
        ] {
            assert_eq!(nearest(typed, keys), Some(meant), "{typed}");
        }
        for far in ["", "client_name", "scopes", "colour", "a_key_that_nothing_resembles"] {
            assert_eq!(nearest(far, keys), None, "{far}");
        }
        assert_eq!(nearest("x", []), None);
        assert_eq!(ranked("logout_uri", keys).first(), Some(&"logout_redirect_uris"));
        assert_eq!(
            ranked("sos", keys),
            ["sso", "name", "identifier", "redirect_uris", "logout_redirect_uris"]
        );
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    proptest! {
        #[test]
        fn the_distance_is_a_metric(a in "[a-c]{0,8}", b in "[a-c]{0,8}", c in "[a-c]{0,8}") {
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
            prop_assert!(distance(&a, &b) <= a.len().max(b.len()));
        }

        #[test]
        fn one_edit_costs_one(text in "[a-z]{1,12}", at in 0usize..12, letter in "[A-Z]") {
            let at = at.min(text.len());
            let inserted = format!("{}{letter}{}", &text[..at], &text[at..]);
            prop_assert_eq!(distance(&text, &inserted), 1);
        }

        #[test]
        fn nothing_is_nearer_than_the_nearest_and_nothing_far_is_named(text in ".{0,20}", keys in prop::collection::vec("[a-z_]{1,12}", 1..8)) {
            let least = keys.iter().map(|key| distance(&text, key)).min().unwrap();
            let found = nearest(&text, keys.iter().map(String::as_str)).map(|key| distance(&text, key));
            prop_assert_eq!(found, (least <= 2.max(text.chars().count() / 3)).then_some(least));
        }
    }
}
