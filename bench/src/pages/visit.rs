//! A visit to an address, again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    client::{Answer, Client},
    crowd::{Crowd, USUAL},
    places::{self, Place},
};
use crate::{Failure, server::Server, signatures::median};

/// Bytes that no page exceeds.
pub const PAGE_BYTES: u64 = 150_000;
/// How long the server may take for a page.
pub const PAGE_TIME: Duration = Duration::from_millis(50);
/// Visits after a change, whose worst counts: each has to read again what the change made worthless.
const AFTER_CHANGES: usize = 5;

/// What is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page of the console.
    Page,
    /// A list of the admin API.
    Api,
    /// A file.
    Download,
}

/// What the visits to an address showed.
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// The address.
    pub place: Place,
    /// The first visit.
    pub first: Duration,
    /// The median of the others.
    pub median: Duration,
    /// The longest of them.
    pub worst: Duration,
    /// The processor time of the server, and of its database, for one.
    pub cpu: Duration,
    /// The length of the longest answer.
    pub bytes: u64,
}

/// Whoever visits.
pub struct Visitor<'a> {
    server: &'a Server,
    client: Client,
    visits: usize,
    /// Links that were seen in pages.
    links: BTreeSet<String>,
    /// What was found.
    pub lines: Vec<Line>,
    /// What must not be, however slow the machine.
    pub faults: Vec<String>,
}

impl<'a> Visitor<'a> {
    /// Somebody who is signed in, and visits each address so many times.
    pub fn new(server: &'a Server, client: Client, visits: usize) -> Visitor<'a> {
        Visitor { server, client, visits, links: BTreeSet::new(), lines: Vec::new(), faults: Vec::new() }
    }

    /// Visits every page of the console.
    pub fn console(&mut self, crowd: &Crowd) -> Result<(), Failure> {
        let (places, unknown) = places::console(crowd)?;
        let mut seen = BTreeSet::new();
        for place in places {
            seen.insert(shape(&place.address).unwrap_or_default());
            self.visit(Kind::Page, place)?;
        }
        for row in unknown {
            for place in places::among(row, &self.links)? {
                seen.insert(shape(&place.address).unwrap_or_default());
                self.visit(Kind::Page, place)?;
            }
        }
        self.follow(&mut seen)?;
        let visited: BTreeSet<&str> = self.lines.iter().map(|line| line.place.row).collect();
        let missed = places::of_console().filter(|row| !visited.contains(row));
        self.faults.extend(missed.map(|row| format!("{row} was not visited")));
        Ok(())
    }

    /// Follows one link of each kind that was not visited: of each path, one for each set of names in its query.
    fn follow(&mut self, seen: &mut BTreeSet<Shape>) -> Result<(), Failure> {
        let mut further = BTreeMap::new();
        for link in &self.links {
            if let Some(shape) = shape(link).filter(|shape| !seen.contains(shape)) {
                further.entry(shape).or_insert_with(|| link.clone());
            }
        }
        for ((row, names), link) in further.into_iter().filter(|((row, _), _)| !Place::is_file(row)) {
            let address = link.split('#').next().unwrap_or_default().to_owned();
            let what = format!("linked: {}", names.into_iter().collect::<Vec<_>>().join(", "));
            self.visit(Kind::Page, Place { row, what, address })?;
        }
        Ok(())
    }

    /// Visits every list of the admin API.
    pub fn api(&mut self, crowd: &Crowd) -> Result<(), Failure> {
        places::api(crowd).into_iter().try_for_each(|place| self.visit(Kind::Api, place))
    }

    /// Visits what depends on all applications, each time after one of them was changed.
    pub fn after_changes(&mut self, api: &mut Client) -> Result<(), Failure> {
        for row in ["/console/overview", "/console/applications", "/console/settings/keys"] {
            let (mut each, mut bytes) = (Vec::new(), 0);
            for number in 0..AFTER_CHANGES.min(self.visits) {
                let path = format!("/api/v1/applications/{}", Crowd::app(USUAL));
                let changed =
                    api.patch(&path, &format!("{{\"description\": \"Change {number} of {row}\"}}"))?;
                if changed.status != 200 {
                    return Err(changed.unexpected("a change"));
                }
                let answer = self.client.get(row)?;
                bytes = answer.bytes.max(bytes);
                each.push(answer.took);
            }
            let place = Place { row, what: "after a change".to_owned(), address: row.to_owned() };
            let (worst, median) = (each.iter().max().copied(), median(each));
            let (worst, median) = (worst.unwrap_or_default(), median.unwrap_or_default());
            let cpu = Duration::ZERO;
            self.lines.push(Line { kind: Kind::Page, place, first: worst, median, worst, cpu, bytes });
        }
        Ok(())
    }

    fn visit(&mut self, kind: Kind, place: Place) -> Result<(), Failure> {
        self.client.language = "en";
        let first = self.client.get(&place.address)?;
        let kind = if first.is_download() { Kind::Download } else { kind };
        self.look(kind, &place, &first);
        let mut line = Line {
            kind,
            place,
            first: first.took,
            median: first.took,
            worst: first.took,
            cpu: Duration::ZERO,
            bytes: first.bytes,
        };
        if kind != Kind::Download && self.visits > 1 {
            self.repeat(&mut line)?;
        }
        self.lines.push(line);
        Ok(())
    }

    /// In both languages by turns.
    fn repeat(&mut self, line: &mut Line) -> Result<(), Failure> {
        let before = self.server.cpu_with_database()?;
        let mut each = Vec::new();
        for number in 1..self.visits {
            self.client.language = if number % 2 == 1 { "zh-CN" } else { "en" };
            let answer = self.client.get(&line.place.address)?;
            self.look(line.kind, &line.place, &answer);
            line.bytes = answer.bytes.max(line.bytes);
            each.push(answer.took);
        }
        let visits = u32::try_from(each.len())?;
        line.cpu = self.server.cpu_with_database()?.saturating_sub(before) / visits;
        line.worst = each.iter().max().copied().unwrap_or_default();
        line.median = median(each).unwrap_or_default();
        Ok(())
    }

    /// Notes what is wrong with an answer, and what it links to.
    fn look(&mut self, kind: Kind, place: &Place, answer: &Answer) {
        if answer.status != place.status() {
            let fault = format!("{} {}: got {}", place.address, place.what, answer.status);
            self.faults.extend((!self.faults.contains(&fault)).then_some(fault));
        }
        if kind == Kind::Page && answer.bytes > PAGE_BYTES {
            let language = self.client.language;
            self.faults.push(format!("{} {}, {language}: {} bytes", place.address, place.what, answer.bytes));
        }
        self.links.extend(answer.links().filter(|link| link.starts_with("/console")));
    }
}

/// The row of an address, and the names in its query.
type Shape = (&'static str, BTreeSet<String>);

fn shape(address: &str) -> Option<Shape> {
    let address = address.split('#').next().unwrap_or_default();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let fits = |row: &&str| {
        row.split('/').count() == path.split('/').count()
            && row.split('/').zip(path.split('/')).all(|(part, own)| part == own || part.starts_with('{'))
    };
    // What is written out is that page, and not a part of another.
    let row = places::of_console().filter(|row| fits(row)).min_by_key(|row| row.matches('{').count())?;
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    // That something was done, or a language chosen, makes no other page.
    let names = names.filter(|name| !name.is_empty() && *name != "done").map(str::to_owned);
    Some((row, names.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_of_a_row_and_has_names() {
        let (row, names) = shape("/console/users/new?q=a&after=b#top").unwrap();
        assert_eq!(row, "/console/users/new");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["after", "q"]);
        assert_eq!(shape("/console/users/0123").unwrap().0, "/console/users/{user}");
        assert!(shape("/console/nothing/like/this/one").is_none());
    }
}
