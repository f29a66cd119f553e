//! What the visits showed: as a table, as JSON, and as the generated part of a page.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    crowd::Sizes,
    visit::{Kind, Line, PAGE_BYTES, PAGE_TIME},
};
use crate::{
    Failure,
    machine::Machine,
    report::{describe, micros, number, row, table, time, write_into},
};

/// What one database showed.
pub struct Run {
    /// `SQLite` or `PostgreSQL`.
    pub engine: &'static str,
    /// How long it took to fill.
    pub filling: Duration,
    /// How large it is, in bytes.
    pub database: u64,
    /// One for each address.
    pub lines: Vec<Line>,
    /// What `signet export` did.
    pub export: Export,
    /// The server's resident memory: after its start, and the most it had, in KiB.
    pub memory: [u64; 2],
}

/// What a run of `signet export` took.
pub struct Export {
    /// How long it ran.
    pub took: Duration,
    /// How much it wrote.
    pub bytes: u64,
    /// The most memory the command had, in KiB.
    pub memory_kib: u64,
    /// The most the server had had by then, in KiB.
    pub server_kib: u64,
}

/// All figures.
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// What is in the pool.
    pub sizes: Sizes,
    /// Visits of each address.
    pub visits: usize,
    /// One for each database.
    pub runs: Vec<Run>,
}

const HEAD: [&str; 7] = ["page", "first", "median", "worst", "CPU", "KB", "goal"];

/// How a line is shown: the kind of place, and what is looked at.
fn name(line: &Line) -> String {
    let row = line.place.row.strip_prefix("/console/").unwrap_or(line.place.row);
    if line.place.what.is_empty() { format!("`{row}`") } else { format!("`{row}` {}", line.place.what) }
}

impl Line {
    /// Whether it is as quick, and as short, as a page is to be.
    fn met(&self) -> bool {
        self.kind != Kind::Page || (self.median <= PAGE_TIME && self.bytes <= PAGE_BYTES)
    }

    fn cells(&self) -> Vec<String> {
        row([
            &name(self),
            &time(self.first),
            &time(self.median),
            &time(self.worst),
            &time(self.cpu),
            &format!("{:.1}", self.bytes as f64 / 1e3),
            match (self.kind, self.met()) {
                (Kind::Page, true) => "met",
                (Kind::Page, false) => "not met",
                _ => "",
            },
        ])
    }

    fn json(&self) -> Value {
        json!({
            "kind": match self.kind { Kind::Page => "page", Kind::Api => "api", Kind::Download => "download" },
            "row": self.place.row,
            "what": self.place.what,
            "address": self.place.address,
            "first_us": micros(self.first),
            "median_us": micros(self.median),
            "worst_us": micros(self.worst),
            "cpu_us": micros(self.cpu),
            "bytes": self.bytes,
            "met": self.met(),
        })
    }
}

impl Run {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.kind == kind)
    }

    fn summary(&self) -> String {
        let met = self.of(Kind::Page).filter(|line| line.met()).count();
        let export = &self.export;
        format!(
            "{met} of {} addresses of the console meet the goal. `signet export` wrote {:.0} MB in {:.1} s; the most memory of \
             the command was {:.0} MiB, of the server {:.0} MiB ({:.0} MiB after its start, {:.0} MiB after all visits). \
             Filled in {:.0} s; the database has {:.1} GB.",
            self.of(Kind::Page).count(),
            export.bytes as f64 / 1e6,
            export.took.as_secs_f64(),
            export.memory_kib as f64 / 1024.0,
            export.server_kib as f64 / 1024.0,
            self.memory[0] as f64 / 1024.0,
            self.memory[1] as f64 / 1024.0,
            self.filling.as_secs_f64(),
            self.database as f64 / 1e9,
        )
    }

    fn json(&self) -> Value {
        json!({
            "engine": self.engine,
            "filling_s": self.filling.as_secs_f64().round(),
            "database_bytes": self.database,
            "lines": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
            "export": {
                "took_us": micros(self.export.took),
                "bytes": self.export.bytes,
                "memory_kib": self.export.memory_kib,
                "server_kib": self.export.server_kib,
            },
            "idle_kib": self.memory[0],
            "most_kib": self.memory[1],
        })
    }
}

impl Report {
    /// The figures as JSON; times in microseconds.
    pub fn json(&self) -> Value {
        json!({
            "machine": {
                "cores": self.machine.cores,
                "processor": self.machine.processor,
                "memory_mib": self.machine.memory_mib,
                "durable_write_us": micros(self.machine.sync),
            },
            "applications": self.sizes.applications,
            "users": self.sizes.users,
            "records": self.sizes.records,
            "visits": self.visits,
            "runs": self.runs.iter().map(Run::json).collect::<Vec<_>>(),
        })
    }

    /// The figures for people.
    pub fn text(&self, markdown: bool) -> String {
        let heading = |depth: usize| if markdown { "#".repeat(depth) + " " } else { String::new() };
        let many = |count: u64| number(count as f64);
        let mut text = format!(
            "{} {} applications, {} users, {} records of the audit log; each address is visited {} times.\n",
            describe(&self.machine),
            many(self.sizes.applications),
            many(self.sizes.users),
            many(self.sizes.records),
            self.visits
        );
        for run in &self.runs {
            text.push_str(&format!("\n{}{}\n\n{}\n", heading(3), run.engine, run.summary()));
            for (kind, title) in [
                (Kind::Page, "Pages"),
                (Kind::Download, "Downloads, once each"),
                (Kind::Api, "The admin API"),
            ] {
                let lines = run.of(kind).map(Line::cells);
                let rows: Vec<_> = [row(HEAD)].into_iter().chain(lines).collect();
                text.push_str(&format!(
                    "\n{}{title}, {}\n\n{}",
                    heading(4),
                    run.engine,
                    table(&rows, markdown)
                ));
            }
        }
        text
    }

    /// Replaces the generated part of the page at `path`.
    pub fn write_into(&self, path: &Path) -> Result<(), Failure> {
        write_into(path, &self.text(true))
    }
}
