//! The figures: as a table, as JSON, and as the generated part of a page.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    Failure,
    goals::{Verdict, growth, rate, verdicts},
    machine::Machine,
    measure::{Line, Plan, Run},
    population::Size,
};

/// Between these lines of a page the figures are.
const BEGIN: &str = "<!-- figures: begin (written by signet-bench --markdown, not by hand) -->";
const END: &str = "<!-- figures: end -->";

/// All figures.
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// The load.
    pub plan: Plan,
    /// The size of the binary.
    pub binary_bytes: u64,
    /// One for each database.
    pub runs: Vec<Run>,
}

/// Microseconds, to a tenth.
pub fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}

/// Time in the unit that suits it.
pub fn time(time: Duration) -> String {
    match time.as_micros() {
        0..100 => format!("{:.1} µs", micros(time)),
        100..1000 => format!("{:.0} µs", micros(time)),
        1000..100_000 => format!("{:.2} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.0} ms", time.as_secs_f64() * 1e3),
    }
}

/// The machine, in a sentence.
pub fn describe(machine: &Machine) -> String {
    format!(
        "{} cores of {}, {:.0} GiB of memory; a durable write of 4 KiB takes {}.",
        machine.cores,
        machine.processor,
        machine.memory_mib as f64 / 1024.0,
        time(machine.sync)
    )
}

/// 1234567 as 1 234 567.
pub fn number(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// So many users, and accounts of each application.
pub fn people(size: Size) -> String {
    let many =
        |count: u64, what| format!("{} {what}{}", number(count as f64), if count == 1 { "" } else { "s" });
    format!("{}, {}", many(size.users, "user"), many(size.accounts, "account"))
}

impl Line {
    fn json(&self) -> Value {
        json!({
            "flow": self.flow.to_string(),
            "connections": self.connections,
            "per_second": self.per_second.round(),
            "p50_us": micros(self.p50),
            "p99_us": micros(self.p99),
            "cpu_us": micros(self.cpu),
            "load_cpu_us": micros(self.load_cpu),
            "raw_signatures_us": self.raw.map(micros),
            "cpu_per_raw_signatures": self.ratio(),
            "of_raw_hashes": self.of_raw_hashes(),
            "bare_per_second": self.bare.map(f64::round),
            "others_cores": self.others,
        })
    }

    fn goal(&self) -> String {
        let Some(Verdict { goal, measured, met, .. }) = rate(self) else { return String::new() };
        format!("{goal}, {}: {measured}", if met { "met" } else { "not met" })
    }

    fn cells(&self) -> [String; 10] {
        [
            self.flow.to_string(),
            number(self.per_second),
            self.bare.map_or_else(String::new, number),
            self.goal(),
            time(self.p50),
            time(self.p99),
            time(self.cpu),
            time(self.load_cpu),
            self.raw.map_or_else(String::new, time),
            self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        ]
    }
}

impl Run {
    fn title(&self) -> String {
        format!("{}, {}, {} grants", self.engine, people(self.size), number(self.size.grants as f64))
    }

    /// What is not a flow.
    fn rest(&self) -> String {
        let storm = self.storm.as_ref().map_or_else(String::new, |storm| {
            format!(
                " Refresh ES256 at a fixed rate, p99: {} alone, {} while {:.0} wrong passwords a second are looked at ({:.2} ×).",
                time(storm.quiet),
                time(storm.stormy),
                storm.attempts_per_second,
                storm.ratio()
            )
        });
        let others = self.lines.iter().map(|line| line.others).sum::<f64>() / self.lines.len().max(1) as f64;
        format!(
            "Everything else on the machine{} kept {others:.2} cores busy. Start to the first answer {}, idle memory {:.1} MiB; seeded in {:.0} s.{storm}",
            if self.engine == "SQLite" { "" } else { ", PostgreSQL included," },
            time(self.start),
            self.idle_kib as f64 / 1024.0,
            self.seeding.as_secs_f64()
        )
    }

    fn json(&self) -> Value {
        json!({
            "engine": self.engine,
            "users": self.size.users,
            "sessions": self.size.sessions,
            "grants": self.size.grants,
            "accounts": self.size.accounts,
            "seeding_s": self.seeding.as_secs_f64().round(),
            "start_us": micros(self.start),
            "idle_kib": self.idle_kib,
            "flows": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
            "storm": self.storm.as_ref().map(|storm| json!({
                "quiet_p99_us": micros(storm.quiet),
                "stormy_p99_us": micros(storm.stormy),
                "ratio": storm.ratio(),
                "attempts_per_second": storm.attempts_per_second.round(),
            })),
        })
    }
}

const HEAD: [&str; 10] =
    ["flow", "rounds/s", "bare", "goal", "p50", "p99", "server CPU", "load CPU", "raw cost", "CPU/raw"];

/// A table whose first column is text, for a terminal or for Markdown.
pub fn table(rows: &[Vec<String>], markdown: bool) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let cells: Vec<String> = cells.collect();
        let line = if markdown { format!("| {} |", cells.join(" | ")) } else { cells.join("  ") };
        text.push_str(line.trim_end());
        text.push('\n');
        if markdown && index == 0 {
            let rules = widths.iter().enumerate().map(|(column, _)| if column == 0 { "---" } else { "--:" });
            text.push_str(&format!("| {} |\n", rules.collect::<Vec<_>>().join(" | ")));
        }
    }
    text
}

/// A row of a table.
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

impl Report {
    /// The figures as JSON; times in microseconds.
    pub fn json(&self) -> Value {
        let verdict = |verdict: Verdict| json!({ "of": verdict.of, "goal": verdict.goal, "measured": verdict.measured, "met": verdict.met });
        json!({
            "machine": {
                "cores": self.machine.cores,
                "processor": self.machine.processor,
                "memory_mib": self.machine.memory_mib,
                "durable_write_us": micros(self.machine.sync),
            },
            "connections": self.plan.connections,
            "threads": self.plan.threads,
            "seconds": self.plan.length.as_secs_f64(),
            "binary_bytes": self.binary_bytes,
            "runs": self.runs.iter().map(Run::json).collect::<Vec<_>>(),
            "growth": growth(&self.runs).into_iter().map(|growth| json!({
                "engine": growth.engine,
                "flow": growth.flow.to_string(),
                "p50_us": growth.p50.iter().map(|(size, p50)| json!({ "users": size.users, "accounts": size.accounts, "us": micros(*p50) })).collect::<Vec<_>>(),
                "ratio": growth.ratio,
            })).collect::<Vec<_>>(),
            "goals": verdicts(&self.runs).into_iter().map(verdict).collect::<Vec<_>>(),
        })
    }

    /// The figures for people.
    pub fn text(&self, markdown: bool) -> String {
        let mut text = format!("{}\n", self.describe());
        for run in &self.runs {
            let heading = if markdown { "### " } else { "" };
            let lines = run.lines.iter().map(|line| line.cells().to_vec());
            let rows: Vec<_> = [row(HEAD)].into_iter().chain(lines).collect();
            let parts = [format!("{heading}{}", run.title()), table(&rows, markdown), run.rest()];
            text.push_str(&format!("\n{}\n\n{}\n{}\n", parts[0], parts[1], parts[2]));
        }
        self.put_growth(&mut text, markdown);
        self.put_goals(&mut text, markdown);
        text
    }

    fn describe(&self) -> String {
        let (machine, plan) = (&self.machine, &self.plan);
        format!(
            "{} Server, database and load share them: {} connections from {} thread{}, {:.0} s for each flow. The binary is {:.1} MB.",
            describe(machine),
            plan.connections,
            plan.threads,
            if plan.threads == 1 { "" } else { "s" },
            plan.length.as_secs_f64(),
            self.binary_bytes as f64 / 1e6
        )
    }

    fn put_growth(&self, text: &mut String, markdown: bool) {
        let all = growth(&self.runs);
        let Some(first) = all.first() else { return };
        let heading = if markdown { "### " } else { "" };
        let scales = first.p50.iter().map(|(size, _)| people(*size));
        let head = [row(["engine", "flow"]), scales.collect(), row(["growth"])].concat();
        let lines = all.iter().map(|growth| {
            let p50 = growth.p50.iter().map(|(_, p50)| time(*p50)).collect();
            [
                vec![growth.engine.to_owned(), growth.flow.to_string()],
                p50,
                vec![format!("{:.2}", growth.ratio)],
            ]
            .concat()
        });
        let rows: Vec<_> = [head].into_iter().chain(lines).collect();
        text.push_str(&format!("\n{heading}p50 by size\n\n{}", table(&rows, markdown)));
    }

    fn put_goals(&self, text: &mut String, markdown: bool) {
        let heading = if markdown { "### " } else { "" };
        let all = verdicts(&self.runs);
        let count = all.len();
        let missed = all.into_iter().filter(|verdict| !verdict.met);
        let missed = missed.map(|verdict| vec![verdict.of, verdict.goal, verdict.measured]);
        let rows: Vec<_> = [row(["of", "goal", "measured"])].into_iter().chain(missed).collect();
        let met = count + 1 - rows.len();
        text.push_str(&format!("\n{heading}Goals\n\n{met} of {count} are met.\n"));
        if rows.len() > 1 {
            text.push_str(&format!("Not met:\n\n{}", table(&rows, markdown)));
        }
    }

    /// Replaces the generated part of the page at `path`.
    pub fn write_into(&self, path: &Path) -> Result<(), Failure> {
        write_into(path, &self.text(true))
    }
}

/// Replaces the generated part of the page at `path`.
pub fn write_into(path: &Path, figures: &str) -> Result<(), Failure> {
    let page = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let written = replace(&page, figures);
    let written = written.ok_or_else(|| format!("{} needs the lines\n{BEGIN}\n{END}", path.display()))?;
    Ok(fs::write(path, written)?)
}

fn replace(page: &str, figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", figures.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_marks_is_replaced() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let once = replace(&page, "new\n").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replace(&once, "new\n").unwrap(), once);
        assert!(replace("nothing", "new").is_none());
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!([0.4, 999.0, 1234.0, 10_000_000.0].map(number), ["0", "999", "1 234", "10 000 000"]);
        let shown = [12_340, 250_000, 1_234_567, 250_000_000].map(|nanos| time(Duration::from_nanos(nanos)));
        assert_eq!(shown, ["12.3 µs", "250 µs", "1.23 ms", "250 ms"]);
        let rows = [row(["a", "b"]), row(["long", "1"])];
        assert_eq!(table(&rows, true), "| a    | b |\n| --- | --: |\n| long | 1 |\n");
    }
}
