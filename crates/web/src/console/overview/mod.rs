//! `/console/overview`: how the pool is used, as pictures, and what needs a look.

mod chart;
mod warning;
pub mod words;

use askama::Template;
use http::StatusCode;
use signet_protocol::{operator::Permission, time::Timestamp};

pub use self::chart::grouped;
use self::{
    chart::{Days, Names},
    warning::Told,
    words::OverviewWords,
};
use super::{
    Answer, Ask, Section,
    shell::Shell,
    words::{Words, fill},
};
use crate::manage::overview::{self, Day, Overview};

/// A number of a day.
type Number = fn(&Day) -> i64;

/// Columns of those who signed in, or did something.
const GOOD: &str = "bar-a";
/// Columns of what failed.
const BAD: &str = "bar-b";

#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    shell: Shell,
    tiles: Vec<Tile>,
    pictures: Vec<Picture>,
    warnings: Vec<Told>,
    empty: bool,
    may_create: bool,
}

/// A number.
struct Tile {
    name: &'static str,
    number: String,
    note: String,
    href: Option<&'static str>,
}

/// A picture with the table of its numbers.
struct Picture {
    id: &'static str,
    title: &'static str,
    desc: String,
    drawn: Drawn,
    legend: Vec<(&'static str, &'static str)>,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

enum Drawn {
    Days(Days),
    Names(Names),
    Nothing,
}

impl OverviewPage {
    fn t(&self) -> &'static OverviewWords {
        OverviewWords::of(self.shell.lang)
    }
}

/// GET `/console/overview`.
pub async fn show(ask: Ask) -> Answer {
    let seen = overview::overview(&ask.signet).await?;
    let t: &'static OverviewWords = ask.words();
    let may_write = ask.may(Permission::ApplicationsWrite);
    let page = OverviewPage {
        shell: ask.shell(Section::Overview),
        tiles: tiles(&seen, t),
        pictures: vec![sign_ins(&seen, t), active(&seen, t), tokens(&seen, t), top(&seen, t)],
        warnings: seen.warnings.iter().map(|warning| warning::told(warning, may_write, t)).collect(),
        empty: seen.totals.applications == 0,
        may_create: ask.may(Permission::ApplicationsCreate),
    };
    ask.page(StatusCode::OK, &page)
}

fn tiles(seen: &Overview, t: &'static OverviewWords) -> Vec<Tile> {
    let today = seen.days.last().cloned().unwrap_or_default();
    let totals = &seen.totals;
    let tile = |name, number: i64, note: String, href| Tile { name, number: grouped(number), note, href };
    let applications = i64::try_from(totals.applications).unwrap_or(i64::MAX);
    let active = fill(&fill(t.active_rest, grouped(totals.active_week)), grouped(totals.active_month));
    vec![
        tile(t.sign_ins_today, today.sign_ins, fill(t.failed_today, grouped(today.failures)), None),
        tile(t.active_today, totals.active_today, active, None),
        tile(t.tokens_today, today.tokens.values().sum(), fill(t.tokens_rest, grouped(totals.tokens)), None),
        tile(t.applications, applications, String::new(), Some("/console/applications")),
        tile(t.users, totals.users, String::new(), Some("/console/users")),
    ]
}

/// The date of a day.
fn date(day: &Day) -> String {
    Timestamp(day.day).to_text().chars().take(10).collect()
}

/// Days as a picture, each with the values that `of` takes from it.
fn drawn(days: &[Day], of: &[(&'static str, &'static str, Number)]) -> Drawn {
    if days.iter().all(|day| of.iter().all(|(_, _, value)| value(day) == 0)) {
        return Drawn::Nothing;
    }
    let day = |day: &Day| {
        let told: Vec<String> =
            of.iter().map(|(_, name, value)| format!("{name} {}", grouped(value(day)))).collect();
        chart::Day {
            name: date(day).chars().skip(5).collect(),
            title: format!("{}: {}", date(day), told.join(", ")),
            values: of.iter().map(|(class, _, value)| (*class, value(day))).collect(),
        }
    };
    Drawn::Days(Days::draw(&days.iter().map(day).collect::<Vec<_>>()))
}

fn rows(days: &[Day], of: &[Number]) -> Vec<Vec<String>> {
    let row = |day: &Day| [date(day)].into_iter().chain(of.iter().map(|value| grouped(value(day)))).collect();
    days.iter().rev().map(row).collect()
}

fn sign_ins(seen: &Overview, t: &'static OverviewWords) -> Picture {
    let (good, bad): (Number, Number) = (|day| day.sign_ins, |day| day.failures);
    let totals = &seen.totals;
    Picture {
        id: "sign-ins",
        title: t.sign_ins,
        desc: fill(&fill(t.sign_ins_desc, grouped(totals.sign_ins)), grouped(totals.failures)),
        drawn: drawn(&seen.days, &[(GOOD, t.good, good), (BAD, t.bad, bad)]),
        legend: vec![(GOOD, t.good), (BAD, t.bad)],
        head: vec![t.day, t.good, t.bad],
        rows: rows(&seen.days, &[good, bad]),
    }
}

fn active(seen: &Overview, t: &'static OverviewWords) -> Picture {
    let users: Number = |day| day.active_users;
    Picture {
        id: "active",
        title: t.active,
        desc: fill(t.active_desc, grouped(seen.totals.active_today)),
        drawn: drawn(&seen.days, &[(GOOD, t.users_of_day, users)]),
        legend: Vec::new(),
        head: vec![t.day, t.users_of_day],
        rows: rows(&seen.days, &[users]),
    }
}

fn named(rows: &[(String, i64)]) -> Drawn {
    if rows.is_empty() { Drawn::Nothing } else { Drawn::Names(Names::draw(rows)) }
}

fn tokens(seen: &Overview, t: &'static OverviewWords) -> Picture {
    let mut sums = std::collections::BTreeMap::<&str, i64>::new();
    for (grant, count) in seen.days.iter().flat_map(|day| &day.tokens) {
        *sums.entry(grant).or_default() += count;
    }
    let mut sums: Vec<(String, i64)> =
        sums.into_iter().map(|(grant, count)| (grant.to_owned(), count)).collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Picture {
        id: "tokens",
        title: t.tokens,
        desc: fill(t.tokens_desc, grouped(seen.totals.tokens)),
        drawn: named(&sums),
        legend: Vec::new(),
        head: vec![t.grant, t.count],
        rows: sums.into_iter().map(|(grant, count)| vec![grant, grouped(count)]).collect(),
    }
}

fn top(seen: &Overview, t: &'static OverviewWords) -> Picture {
    let sums: Vec<(String, i64)> =
        seen.top.iter().map(|one| (one.name.clone(), one.sign_ins + one.tokens)).collect();
    let row = |one: &overview::Top| vec![one.name.clone(), grouped(one.sign_ins), grouped(one.tokens)];
    Picture {
        id: "top",
        title: t.top,
        desc: t.top_desc.to_owned(),
        drawn: named(&sums),
        legend: Vec::new(),
        head: vec![t.application, t.good, t.token_count],
        rows: seen.top.iter().map(row).collect(),
    }
}
