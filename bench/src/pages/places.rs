//! The addresses that are visited: of every row of the console's table, filled in.

use std::collections::BTreeSet;

use signet_protocol::{id::RowId, jose, params::encode_pairs};
use signet_web::{api, console};

use super::{
    crowd::{BUSY, Crowd, LARGE, RARE, USUAL},
    fill::{records, uses},
};
use crate::{Failure, population::Population};

/// Rows that are nothing without what their query asks for.
const NEEDS_QUERY: &[&str] = &["/console/users/export", "/console/audit/export"];
/// Rows that are shown once something was begun, which is begun for the usual application alone.
const BEGUN: &[&str] = &["/console/applications/{app}/try/request"];
/// Rows that lead on to another page, and are none.
const LEADS_ON: &[&str] = &["/console", "/console/settings"];
/// Rows of the admin API about things that neither cast has.
const OF_OTHERS: &[&str] = &["/administrators/{user}"];

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The row it is of, as the table has it.
    pub row: &'static str,
    /// What is looked at there, in a word or two.
    pub what: String,
    /// Path and query.
    pub address: String,
}

impl Place {
    /// What it has to answer.
    pub fn status(&self) -> u16 {
        match self.row {
            row if LEADS_ON.contains(&row) => 303,
            // No trace has this reference.
            "/console/traces" if self.what == "none" => 404,
            _ => 200,
        }
    }

    /// Whether it is one of many files, of which those that are named are enough.
    pub fn is_file(row: &str) -> bool {
        NEEDS_QUERY.contains(&row)
    }
}

/// Whose pages they are: something with much of everything, and something like most others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cast {
    Large,
    Usual,
}

impl Cast {
    const ALL: [Cast; 2] = [Cast::Large, Cast::Usual];

    fn name(self) -> &'static str {
        match self {
            Cast::Large => "large",
            Cast::Usual => "usual",
        }
    }

    /// What stands for a part of a path. A part that is not here is looked for among the links of other pages.
    fn part(self, name: &str, crowd: &Crowd) -> Option<String> {
        let app = match self {
            Cast::Large => LARGE,
            Cast::Usual => USUAL,
        };
        match name {
            "app" => Some(Crowd::app(app).to_string()),
            "account" => Some(Crowd::account(app, 1).to_string()),
            "user" => Some(crowd.user_id(if self == Cast::Large { BUSY } else { USUAL }).to_string()),
            _ => None,
        }
    }
}

/// The names of the parts of a path.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The addresses of a path; none if one of its parts is not known.
fn filled(path: &'static str, crowd: &Crowd) -> Vec<Place> {
    let fill = |cast: Cast| {
        let address = parts(path).try_fold(path.to_owned(), |address, name| {
            Some(address.replace(&format!("{{{name}}}"), &cast.part(name, crowd)?))
        });
        Some(Place { row: path, what: cast.name().to_owned(), address: address? })
    };
    if parts(path).next().is_none() {
        return vec![Place { row: path, what: String::new(), address: path.to_owned() }];
    }
    let casts = Cast::ALL.into_iter().filter(|cast| *cast == Cast::Usual || !BEGUN.contains(&path));
    casts.filter_map(fill).collect()
}

/// Pages of the console that are there once.
pub fn of_console() -> impl Iterator<Item = &'static str> {
    console::ROWS.iter().filter(|row| !row.posts).map(|row| row.path)
}

/// Every address of the console that can be said beforehand, and the rows of which none can.
pub fn console(crowd: &Crowd) -> Result<(Vec<Place>, Vec<&'static str>), Failure> {
    let (mut places, mut unknown) = (Vec::new(), Vec::new());
    let more = further(crowd);
    if let Some((row, ..)) = more.iter().find(|(row, ..)| !of_console().any(|path| path == *row)) {
        return Err(
            format!("the console has no page {row} any more; change bench/src/pages/places.rs").into()
        );
    }
    for row in of_console() {
        let own = filled(row, crowd);
        if own.is_empty() {
            unknown.push(row);
        }
        for (_, what, query) in more.iter().filter(|(of, ..)| *of == row) {
            let large = own.iter().take(1).map(|place| Place {
                row,
                what: (*what).to_owned(),
                address: format!("{}?{query}", place.address),
            });
            places.extend(large);
        }
        if !NEEDS_QUERY.contains(&row) {
            places.extend(own);
        }
    }
    Ok((places, unknown))
}

/// Addresses of a row that was not known, among links that were seen.
pub fn among(row: &'static str, links: &BTreeSet<String>) -> Result<Vec<Place>, Failure> {
    let fits = |link: &&String| {
        let path = link.split(['?', '#']).next().unwrap_or_default();
        let pairs = path.split('/').zip(row.split('/'));
        path.split('/').count() == row.split('/').count()
            && pairs.into_iter().all(|(own, part)| own == part || (part.starts_with('{') && !own.is_empty()))
            && !of_console().any(|other| other == path)
    };
    let found: Vec<&String> = links.iter().filter(fits).collect();
    let chosen: Vec<_> =
        [found.first(), found.last()].into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
    if chosen.is_empty() {
        return Err(format!(
            "no page leads to {row}; say in bench/src/pages/places.rs what stands for its parts"
        )
        .into());
    }
    Ok(chosen
        .into_iter()
        .map(|link| Place { row, what: "linked".to_owned(), address: (*link).clone() })
        .collect())
}

/// A query.
fn query(pairs: &[(&str, &str)]) -> String {
    encode_pairs(pairs.iter().copied())
}

/// The position of a user in the list of all, as the console names it.
fn user_cursor(crowd: &Crowd, number: u64) -> String {
    jose::b64(&[&[0], crowd.user_id(number).bytes().as_slice()].concat())
}

/// Other pages of lists, and searches in them: row, what it is, and the query.
fn further(crowd: &Crowd) -> Vec<(&'static str, &'static str, String)> {
    let sizes = crowd.sizes;
    let audit = "/console/audit";
    let middle = jose::b64(&records::key(crowd, sizes.records / 2));
    let revision = jose::b64(&uses::revision(crowd, uses::revisions(crowd) / 2));
    let last_revision = jose::b64(&uses::revision(crowd, 3));
    let grant = jose::b64(&crowd.people.grant(crowd.people.size.grants / 2).bytes());
    let (app, busy) = (Crowd::app(USUAL).to_string(), crowd.user_id(BUSY).to_string());
    let mut all = applications(crowd);
    all.extend(users(crowd));
    all.extend([
        ("/console/applications/identifier", "free", query(&[("value", "nobody-has-this")])),
        ("/console/applications/{app}/callers", "last rules", query(&[("from", "1950")])),
        ("/console/applications/{app}/callers/resource", "edit", query(&[("code", "resource-77")])),
        ("/console/applications/{app}/callers/rule", "about an account", query(&[("account", &app)])),
        ("/console/applications/{app}/sessions", "middle", query(&[("before", &grant)])),
        ("/console/applications/{app}/code", "middle", query(&[("before", &revision)])),
        (
            "/console/traces",
            "middle",
            query(&[("after", &uses::trace_cursor(crowd, uses::traces(crowd) / 2))]),
        ),
        ("/console/traces", "last", query(&[("after", &uses::trace_cursor(crowd, 3))])),
        ("/console/traces", "by reference", query(&[("reference", &uses::reference(7))])),
        ("/console/traces", "none", query(&[("reference", "NOTHING000")])),
        ("/console/settings/history", "middle", query(&[("before", &revision)])),
        ("/console/settings/history", "last", query(&[("before", &last_revision)])),
        ("/console/users/{user}/history", "theirs", query(&[("of", "theirs")])),
        ("/console/users/export", "CSV", query(&[("format", "csv")])),
        ("/console/audit/export", "CSV", query(&[("format", "csv")])),
        (audit, "middle", query(&[("after", &middle)])),
        (audit, "last", query(&[("after", &jose::b64(&records::key(crowd, 3)))])),
        (audit, "of operators", query(&[("kind", "admin")])),
        (audit, "rare action", query(&[("kind", "admin"), ("action", "prune")])),
        (
            audit,
            "frequent action at a usual application",
            query(&[("action", "login"), ("application", &app)]),
        ),
        (audit, "failures of operators: none", query(&[("kind", "admin"), ("success", "false")])),
        (audit, "failures", query(&[("success", "false")])),
        (audit, "actor by name", query(&[("actor", "person-0")])),
        (audit, "actor, action: none", query(&[("actor", &busy), ("action", "consent")])),
        (audit, "application", query(&[("application", &app)])),
        (audit, "logouts in vain: none", query(&[("action", "logout"), ("success", "false")])),
        (audit, "address", query(&[("ip", "203.0.77.77")])),
        (audit, "request", query(&[("request_id", &format!("{:032x}", 77))])),
        (audit, "days", query(&[("from", "2020-01-01"), ("to", "2020-02-01")])),
    ]);
    all
}

fn applications(crowd: &Crowd) -> Vec<(&'static str, &'static str, String)> {
    let list = "/console/applications";
    let pages = crowd.sizes.applications / 50;
    vec![
        (list, "middle", query(&[("page", &(pages / 2).to_string())])),
        (list, "last", query(&[("page", &pages.to_string())])),
        (list, "rare word", query(&[("q", "everything")])),
        (list, "frequent word", query(&[("q", "orders")])),
        (list, "prefix", query(&[("q", "ware")])),
        (list, "Chinese", query(&[("q", "订单")])),
        (list, "App ID", query(&[("q", &Crowd::app(USUAL).to_string())])),
        (list, "none", query(&[("q", "nobody has this")])),
    ]
}

fn users(crowd: &Crowd) -> Vec<(&'static str, &'static str, String)> {
    let list = "/console/users";
    let middle = user_cursor(crowd, crowd.sizes.users / 2);
    vec![
        (list, "middle", query(&[("after", &middle)])),
        (list, "last", query(&[("after", &user_cursor(crowd, 3))])),
        (list, "rare word", query(&[("q", "quixote")])),
        (list, "frequent word", query(&[("q", "smith")])),
        (list, "word of everybody", query(&[("q", "example.com")])),
        (list, "two frequent words", query(&[("q", "emma smith")])),
        (list, "frequent words of different people", query(&[("q", "王 smith")])),
        (list, "frequent and rare word", query(&[("q", "quixote example.com")])),
        (list, "prefix", query(&[("q", "perso")])),
        (list, "letter", query(&[("q", "s")])),
        (list, "Chinese", query(&[("q", "王")])),
        (list, "Chinese given name", query(&[("q", "秀英")])),
        (list, "e-mail", query(&[("q", &format!("person-{RARE}@example.com"))])),
        (list, "phone", query(&[("q", &format!("138{USUAL:08}"))])),
        (list, "user name", query(&[("q", &Population::username(USUAL))])),
        (list, "id", query(&[("q", &crowd.user_id(USUAL).to_string())])),
        (list, "none", query(&[("q", "nobodyhasthis")])),
        (list, "blocked", query(&[("state", "blocked")])),
        (list, "blocked, middle", query(&[("state", "blocked"), ("after", &middle)])),
        (list, "role of everybody", query(&[("role", "member")])),
        (list, "role of one", query(&[("role", "archivist")])),
        (list, "role and group", query(&[("role", "editor"), ("group", "team-7")])),
        (list, "frequent word, rare role", query(&[("q", "example.com"), ("role", "archivist")])),
        (list, "frequent word, blocked", query(&[("q", "smith"), ("state", "blocked")])),
    ]
}

/// Every list of the admin API, and the things that have the same names as in the console.
pub fn api(crowd: &Crowd) -> Vec<Place> {
    let reads = api::ROWS
        .iter()
        .filter(|row| row.method == http::Method::GET && !OF_OTHERS.contains(&row.path))
        .map(|row| row.path);
    reads
        .flat_map(|path| filled(path, crowd))
        .map(|place| Place { address: format!("/api/v1{}", place.address), ..place })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_known_is_looked_for_among_links() {
        let links =
            BTreeSet::from(["/console/pools/p1?x=1".to_owned(), "/console/pools/p2/hosts".to_owned()]);
        let found = among("/console/pools/{pool}", &links).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address, "/console/pools/p1?x=1");
        let failure = among("/console/hosts/{host}", &links).unwrap_err().to_string();
        assert!(failure.contains("/console/hosts/{host}") && failure.contains("places.rs"), "{failure}");
    }
}
