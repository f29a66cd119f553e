//! The texts of the console: each in English and in Chinese side by side, so that none can be forgotten.

pub use signet_protocol::said::Pair;
use signet_protocol::said::{SEMICOLON, Said};

use crate::pages::Lang;

/// The texts of one room.
pub trait Words: Sized + 'static {
    /// In a language.
    fn of(lang: Lang) -> &'static Self;

    /// Every text by its name, in English and in Chinese.
    #[cfg(test)]
    fn pairs() -> Vec<(&'static str, &'static str, &'static str)>;
}

/// Several things that are wrong, in a sentence.
pub fn together<'s>(all: impl IntoIterator<Item = &'s Said>, lang: Lang) -> String {
    Said::join(all, SEMICOLON).of(lang).to_owned()
}

/// Declares the texts of a room: `name: "English", "中文";`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $en:literal, $zh:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name { $(pub $field: &'static str,)* }

        impl $crate::console::words::Words for $name {
            fn of(lang: $crate::pages::Lang) -> &'static Self {
                static EN: $name = $name { $($field: $en,)* };
                static ZH: $name = $name { $($field: $zh,)* };
                match lang {
                    $crate::pages::Lang::En => &EN,
                    $crate::pages::Lang::Zh => &ZH,
                }
            }

            #[cfg(test)]
            fn pairs() -> Vec<(&'static str, &'static str, &'static str)> {
                vec![$((stringify!($field), $en, $zh),)*]
            }
        }
    };
}
pub(crate) use words;

/// A text whose gap, written `{}`, is filled.
pub fn fill(text: &str, value: impl std::fmt::Display) -> String {
    text.replacen("{}", &value.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{
        applications, audit, history, overview, paging, review, settings, shell, traces, users,
    };

    /// What has no Chinese name.
    const TERMS: &[&str] = &["App ID", "App Secret", "Scope", "AccessKey", "SecretKey", "IP", "Prompt"];

    /// The rooms, each with its texts. A room that is missing here is found by the count of `words!` in the sources.
    fn rooms() -> Vec<Vec<(&'static str, &'static str, &'static str)>> {
        vec![
            shell::ShellWords::pairs(),
            review::ReviewWords::pairs(),
            applications::words::AppWords::pairs(),
            applications::try_it::words::TryWords::pairs(),
            applications::callers::words::CallerWords::pairs(),
            applications::branding::BrandingWords::pairs(),
            history::HistoryWords::pairs(),
            settings::frame::SettingsWords::pairs(),
            settings::user_pool_words::UserPoolWords::pairs(),
            settings::pool::PoolWords::pairs(),
            overview::words::OverviewWords::pairs(),
            paging::PagerWords::pairs(),
            audit::words::AuditWords::pairs(),
            traces::words::TraceWords::pairs(),
            users::words::UserWords::pairs(),
            users::words::ImportWords::pairs(),
        ]
    }

    #[test]
    fn every_text_is_there_in_both_languages_with_the_same_gaps() {
        for (name, en, zh) in rooms().into_iter().flatten() {
            assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{name}");
            assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{name}");
            let written = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(!en.chars().any(written), "{name} is not English: {en}");
            assert!(zh.chars().any(written) || TERMS.contains(&zh), "{name} is not Chinese: {zh}");
        }
    }

    #[test]
    fn no_room_is_forgotten() {
        fn count(directory: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
            entries
                .map(|path| match path.is_dir() {
                    true => count(&path),
                    false => {
                        let text = std::fs::read_to_string(&path).unwrap();
                        text.lines().filter(|line| line.starts_with("words! {")).count()
                    }
                })
                .sum()
        }
        let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console");
        assert_eq!(rooms().len(), count(&sources));
    }
}
