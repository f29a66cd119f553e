//! What was done and found, for people and for programs.

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use serde_json::{Value, json};

use crate::{
    model::{Fate, Seen, Tally},
    run::Engine,
};

/// What the kills of one engine showed.
pub struct Report {
    engine: Engine,
    asked: u64,
    seed: u64,
    /// Kills after which everything was found right.
    pub done: u64,
    /// Kills at which the database was killed, too.
    pub database_kills: u64,
    /// How often the whole file was looked through.
    pub integrity_checks: u64,
    /// Starts that were tried again, or given up, because the database did not answer in time.
    pub silent_starts: u64,
    /// How long each start took to the first answer.
    pub starts: Vec<Duration>,
    /// All of it.
    pub took: Duration,
    /// What was asked and seen.
    pub tally: Tally,
    /// What was wrong.
    pub violation: Option<String>,
}

impl Report {
    /// One of `kills` kills that are still to come.
    pub fn new(engine: Engine, kills: u64, seed: u64) -> Report {
        Report {
            engine,
            asked: kills,
            seed,
            done: 0,
            database_kills: 0,
            integrity_checks: 0,
            silent_starts: 0,
            starts: Vec::new(),
            took: Duration::ZERO,
            tally: Tally::default(),
            violation: None,
        }
    }

    /// What was wrong, with what is needed to look for it.
    pub fn wrong(&self) -> Option<String> {
        let what = self.violation.as_ref()?;
        let (engine, kill, seed) = (self.engine.name(), self.done + 1, self.seed);
        Some(format!("VIOLATION on {engine}, at kill {kill} of seed {seed}: {what}"))
    }

    fn kinds(&self) -> BTreeSet<&'static str> {
        self.tally.seen.keys().map(|(kind, _)| *kind).collect()
    }

    fn seen(&self, kind: &'static str, seen: Seen) -> u64 {
        self.tally.seen.get(&(kind, seen)).copied().unwrap_or_default()
    }

    fn fate(&self, kind: &'static str, fate: Fate) -> u64 {
        self.tally.fates.get(&(kind, fate)).copied().unwrap_or_default()
    }

    /// Median, 99th percentile and longest start, in milliseconds.
    fn start_times(&self) -> [u128; 3] {
        let mut sorted = self.starts.clone();
        sorted.sort_unstable();
        let at = |hundredths: usize| {
            let place = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
            sorted.get(place).map_or(0, Duration::as_millis)
        };
        [at(50), at(99), at(100)]
    }

    /// For people.
    pub fn markdown(&self) -> String {
        let (engine, verdict) = (self.engine.name(), if self.violation.is_some() { "1" } else { "no" });
        let [median, most, longest] = self.start_times();
        let mut text = format!(
            "## {engine}\n\n{} of {} kills, {verdict} violation, seed {}, {} s. The database was killed too at {} of them, and \
             looked through {} times.\n\nFrom start to first answer: median {median} ms, 99th percentile {most} ms, \
             longest {longest} ms. {} more starts met a database that did not answer in time.\n\n| request | succeeded | refused | answer lost | of these carried out | not carried out | \
             cannot be told |\n|---|---|---|---|---|---|---|\n",
            self.done,
            self.asked,
            self.seed,
            self.took.as_secs(),
            self.database_kills,
            self.integrity_checks,
            self.silent_starts,
        );
        for kind in self.kinds() {
            let seen = [Seen::Done, Seen::Refused, Seen::Lost].map(|seen| self.seen(kind, seen).to_string());
            let fate = [Fate::There, Fate::Gone, Fate::Unknown].map(|fate| self.fate(kind, fate).to_string());
            // Writing into a text does not fail.
            let _ = writeln!(text, "| {kind} | {} | {} |", seen.join(" | "), fate.join(" | "));
        }
        if let Some(wrong) = self.wrong() {
            let _ = writeln!(text, "\n```\n{wrong}\n```");
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let [median, most, longest] = self.start_times();
        let requests = self.kinds().into_iter().map(|kind| {
            json!({
                "request": kind,
                "succeeded": self.seen(kind, Seen::Done),
                "refused": self.seen(kind, Seen::Refused),
                "lost": self.seen(kind, Seen::Lost),
                "lost_carried_out": self.fate(kind, Fate::There),
                "lost_not_carried_out": self.fate(kind, Fate::Gone),
                "lost_cannot_be_told": self.fate(kind, Fate::Unknown),
            })
        });
        json!({
            "engine": self.engine.name(),
            "seed": self.seed,
            "kills": self.done,
            "kills_asked": self.asked,
            "database_kills": self.database_kills,
            "integrity_checks": self.integrity_checks,
            "seconds": self.took.as_secs(),
            "silent_starts": self.silent_starts,
            "start_ms": { "median": median, "p99": most, "longest": longest },
            "requests": requests.collect::<Vec<_>>(),
            "violation": self.violation,
        })
    }
}
