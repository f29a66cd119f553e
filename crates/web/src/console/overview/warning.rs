//! What an administrator should look at, in words, with a link to where it is mended.

use super::words::OverviewWords;
use crate::{
    console::{moment, words::fill},
    manage::overview::{Affected, Warning},
};

/// Applications that a warning links to.
const LINKED: usize = 5;

/// A warning as it is shown.
pub struct Told {
    /// What it is.
    pub title: String,
    /// Why it matters, and what to do.
    pub why: String,
    /// Where it is mended: address and name.
    pub links: Vec<(String, String)>,
    /// How many more there are.
    pub more: Option<String>,
}

/// A warning in words, for who may change applications or not: to replace a secret is on a page for those who may.
pub fn told(warning: &Warning, may_write: bool, t: &'static OverviewWords) -> Told {
    match warning {
        Warning::HttpCallbacks(of) => affected(of, (t.http, t.http_why), "/configuration", t),
        Warning::PasswordMode(of) => affected(of, (t.password, t.password_why), "/protocol", t),
        Warning::ImplicitMode(of) => affected(of, (t.implicit, t.implicit_why), "/protocol", t),
        Warning::OldSecrets(of) => {
            affected(of, (t.secrets, t.secrets_why), if may_write { "/danger" } else { "" }, t)
        }
        Warning::KeyRotation { key, more } => Told {
            title: fill(t.key, &key.issuer),
            why: fill(&fill(t.key_why, key.alg), moment(key.at)),
            links: vec![("/console/settings/keys".to_owned(), t.keys_link.to_owned())],
            more: (*more > 0).then(|| fill(t.more, more)),
        },
    }
}

fn affected(
    of: &Affected,
    (title, why): (&'static str, &'static str),
    tab: &str,
    t: &'static OverviewWords,
) -> Told {
    let links: Vec<_> = of
        .applications
        .iter()
        .take(LINKED)
        .map(|(id, name)| (format!("/console/applications/{id}{tab}"), name.clone()))
        .collect();
    let more = of.count.saturating_sub(links.len());
    Told {
        title: fill(title, of.count),
        why: why.to_owned(),
        links,
        more: (more > 0).then(|| fill(t.more, more)),
    }
}
