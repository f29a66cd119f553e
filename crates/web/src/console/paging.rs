//! Turning the pages of a list: links to the first page, the one before and the one behind, which need no script.

use signet_protocol::{id::RowId, params::encode_pairs};
use signet_store::{Leaf, Turn};

use super::{Ask, words::words};

words! {
    /// The texts.
    PagerWords {
        pages: "Pages", "分页";
        first: "First", "首页";
        previous: "Previous", "上一页";
        next: "Next", "下一页";
    }
}

/// The parameters by which a list is turned.
#[derive(Clone, Copy)]
pub struct Names {
    /// Behind which row the page begins.
    pub after: &'static str,
    /// In front of which it ends.
    pub before: &'static str,
}

/// Those of a page with one list.
pub const USUAL: Names = Names { after: "after", before: "before" };

/// The links, of which none is there where there is one page.
pub struct Pager {
    /// The texts.
    pub t: &'static PagerWords,
    /// The first page, where this is another.
    pub first: Option<String>,
    /// The page before.
    pub previous: Option<String>,
    /// The page behind.
    pub next: Option<String>,
}

impl Pager {
    /// Those around a page of the list at `home`. `keep` are the other parameters of its address, and `text` writes a key.
    pub fn of<T, K>(
        ask: &Ask,
        leaf: &Leaf<T, K>,
        (home, names): (&str, Names),
        keep: &[(&str, &str)],
        text: impl Fn(&K) -> String,
    ) -> Pager {
        // What leads to a place of the page stays at its end.
        let (path, place) = home.split_once('#').map_or((home, None), |(path, place)| (path, Some(place)));
        let link = |turned: Option<(&str, String)>| {
            let turned = turned.as_ref().map(|(name, value)| (*name, value.as_str()));
            let pairs = keep.iter().copied().chain(turned).filter(|(_, value)| !value.is_empty());
            let query = encode_pairs(pairs);
            let query = if query.is_empty() { query } else { format!("?{query}") };
            let place = place.map(|place| format!("#{place}")).unwrap_or_default();
            format!("{path}{query}{place}")
        };
        Pager {
            t: ask.words(),
            first: leaf.previous.as_ref().map(|_| link(None)),
            previous: leaf.previous.as_ref().map(|key| link(Some((names.before, text(key))))),
            next: leaf.next.as_ref().map(|key| link(Some((names.after, text(key))))),
        }
    }

    /// Whether there is another page.
    pub fn leads_on(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}

/// The page that is asked for. What is none of our keys begins at the beginning (attack 20).
pub fn turn<K>(ask: &Ask, names: Names, parse: impl Fn(&str) -> Option<K>) -> Turn<K> {
    let key = |name| ask.query.get(name).and_then(&parse);
    match (key(names.after), key(names.before)) {
        (Some(one), _) => Turn::Behind(one),
        (None, Some(one)) => Turn::Before(one),
        (None, None) => Turn::First,
    }
}

/// The same of a list of rows with ids.
pub fn by_id<K: RowId>(ask: &Ask, names: Names) -> Turn<K> {
    turn(ask, names, K::parse)
}
