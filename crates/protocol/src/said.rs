//! What people are told, in both languages. One text cannot be had without the other, so that none is forgotten where it is written.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::lang::Lang;

/// A fixed text in English and in Chinese.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A text in English and in Chinese, made by [`said!`](crate::said!). What is not told on a page is told in English: its `Display`, and
/// as it is serialized.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Said {
    /// In English.
    pub en: Cow<'static, str>,
    /// In Chinese.
    pub zh: Cow<'static, str>,
}

/// What stands between several things that are said.
pub const SEMICOLON: Pair = Pair("; ", "；");

impl Said {
    /// In a language.
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }

    /// What only those are told who work on the machine: commands speak English.
    pub fn english_only(text: impl Into<String>) -> Said {
        let en = Cow::<'static, str>::Owned(text.into());
        Said { zh: en.clone(), en }
    }

    /// Several, with what stands between them in each language.
    pub fn join<'s>(all: impl IntoIterator<Item = &'s Said>, between: Pair) -> Said {
        let (en, zh): (Vec<&str>, Vec<&str>) =
            all.into_iter().map(|one| (one.of(Lang::En), one.of(Lang::Zh))).unzip();
        Said { en: en.join(between.0).into(), zh: zh.join(between.1).into() }
    }
}

impl From<Pair> for Said {
    fn from(Pair(en, zh): Pair) -> Said {
        Said { en: en.into(), zh: zh.into() }
    }
}

impl From<&Pair> for Said {
    fn from(pair: &Pair) -> Said {
        (*pair).into()
    }
}

impl From<&Said> for Said {
    fn from(said: &Said) -> Said {
        said.clone()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.en)
    }
}

/// What came from another process is English: it is read by commands alone.
impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Said, D::Error> {
        String::deserialize(deserializer).map(Said::english_only)
    }
}

/// A [`Said`](crate::said::Said) of two texts, English first, with what they name filled in: `said!("`{key}` is new", "`{key}` 是新的")`. What is itself
/// said in both languages is named behind the two: `said!("`{key}` {reason}", "`{key}` {reason}", reason)`.
#[macro_export]
macro_rules! said {
    ($en:literal, $zh:literal $(, $part:ident)* $(,)?) => {{
        let en = {
            $(let $part = $crate::said::english(&$part);)*
            ::std::format!($en)
        };
        let zh = {
            $(let $part = $crate::said::chinese(&$part);)*
            ::std::format!($zh)
        };
        $crate::said::Said { en: en.into(), zh: zh.into() }
    }};
}

/// The texts of an error, side by side: `says!(Error { Error::Form => "must be …", "必须 …"; })`. It is displayed in English, and becomes a
/// [`Said`](crate::said::Said).
#[macro_export]
macro_rules! says {
    ($name:ty { $($case:pat => $en:literal, $zh:literal $(, $part:ident)*;)+ }) => {
        impl ::std::convert::From<&$name> for $crate::said::Said {
            fn from(error: &$name) -> $crate::said::Said {
                match error { $($case => $crate::said!($en, $zh $(, $part)*),)+ }
            }
        }

        impl ::std::convert::From<$name> for $crate::said::Said {
            fn from(error: $name) -> $crate::said::Said {
                $crate::said::Said::from(&error)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&$crate::said::Said::from(self).en)
            }
        }

        impl ::std::error::Error for $name {}
    };
}

/// The English of what is filled in by [`said!`](crate::said!).
#[doc(hidden)]
pub fn english(part: &(impl Clone + Into<Said>)) -> Cow<'static, str> {
    part.clone().into().en
}

/// The Chinese of what is filled in by [`said!`](crate::said!).
#[doc(hidden)]
pub fn chinese(part: &(impl Clone + Into<Said>)) -> Cow<'static, str> {
    part.clone().into().zh
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLASH: Pair = Pair("a slash", "斜杠");

    #[derive(Clone, Debug)]
    enum Wrong {
        Short(usize),
        Has(Pair),
    }

    says!(Wrong {
        Wrong::Short(least) => "must have {least} characters", "至少须有 {least} 个字符";
        Wrong::Has(what) => "has {what}", "含有{what}", what;
    });

    #[test]
    fn each_text_is_filled_with_what_is_said_in_its_own_language() {
        let (key, wrong) = ("name", Wrong::Has(SLASH));
        let said = said!("`{key}` {wrong}", "`{key}` {wrong}", wrong);
        assert_eq!((said.of(Lang::En), said.of(Lang::Zh)), ("`name` has a slash", "`name` 含有斜杠"));
        assert_eq!(
            (wrong.to_string(), said.to_string()),
            ("has a slash".into(), "`name` has a slash".into())
        );
        let both = Said::join([&said, &Wrong::Short(3).into()], SEMICOLON);
        assert_eq!(both.of(Lang::Zh), "`name` 含有斜杠；至少须有 3 个字符");
        assert_eq!(both.of(Lang::En), "`name` has a slash; must have 3 characters");
    }

    #[test]
    fn what_leaves_the_process_is_english() {
        let sent = serde_json::to_string(&Said::from(SLASH)).unwrap();
        assert_eq!(sent, "\"a slash\"");
        assert_eq!(serde_json::from_str::<Said>(&sent).unwrap().of(Lang::Zh), "a slash");
    }
}
