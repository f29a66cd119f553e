//! The texts of the console: each in English and in Chinese side by side, so that none can be forgotten.

use crate::pages::Lang;

/// The texts of one room.
pub trait Words: Sized + 'static {
    /// In a language.
    fn of(lang: Lang) -> &'static Self;

    /// Every text by its name, in English and in Chinese.
    #[cfg(test)]
    fn pairs() -> Vec<(&'static str, &'static str, &'static str)>;
}

/// A text in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Pair(pub &'static str, pub &'static str);

impl Pair {
    /// In a language.
    pub fn of(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.0,
            Lang::Zh => self.1,
        }
    }
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
