//! What the figures are held against. The program says what was met, so that no page claims it by hand.

use std::time::Duration;

use crate::{
    flows::Flow,
    measure::{Line, Run},
    population::Size,
    report::people,
};

/// The most a password storm may lengthen the p99 of tokens.
const STORM: f64 = 1.2;
/// The most memory before the first login.
const IDLE_MIB: f64 = 40.0;
/// The longest start on existing data to the first answer.
const START: Duration = Duration::from_millis(50);
/// The most that p50 may grow from the smallest database to the largest.
const GROWTH: f64 = 1.1;

/// A goal and what became of it.
pub struct Verdict {
    /// Of what.
    pub of: String,
    /// The goal.
    pub goal: String,
    /// The figure.
    pub measured: String,
    /// Whether it is within the goal.
    pub met: bool,
}

/// The medians of one flow at every size of database.
pub struct Growth {
    /// The engine.
    pub engine: &'static str,
    /// The flow.
    pub flow: Flow,
    /// The median by size, from the smallest to the largest.
    pub p50: Vec<(Size, Duration)>,
    /// The last by the first.
    pub ratio: f64,
}

/// How the flows grow with the database; nothing unless an engine was measured at two sizes, and at all that any was.
pub fn growth(runs: &[Run]) -> Vec<Growth> {
    let sizes = |engine: &str| runs.iter().filter(|run| run.engine == engine).count();
    let most = runs.iter().map(|run| sizes(run.engine)).max().unwrap_or_default();
    let engines = ["SQLite", "PostgreSQL"].into_iter().filter(|engine| sizes(engine) == most);
    let each = engines.flat_map(|engine| Flow::ALL.iter().map(move |flow| (engine, *flow)));
    each.filter_map(|(engine, flow)| {
        let of_engine = runs.iter().filter(|run| run.engine == engine);
        let mut p50: Vec<(Size, Duration)> = of_engine
            .filter_map(|run| Some((run.size, run.lines.iter().find(|line| line.flow == flow)?.p50)))
            .collect();
        p50.sort_by_key(|(size, _)| (size.users, size.accounts));
        let (first, last) = (p50.first()?, p50.last()?);
        let ratio = last.1.as_secs_f64() / first.1.as_secs_f64();
        (p50.len() > 1).then_some(Growth { engine, flow, p50, ratio })
    })
    .collect()
}

/// Every goal of every run.
pub fn verdicts(runs: &[Run]) -> Vec<Verdict> {
    let of_runs = runs.iter().flat_map(|run| of_run(run, &format!("{}, {}", run.engine, people(run.size))));
    let of_growth = growth(runs).into_iter().map(|growth| {
        at_most(format!("{}: growth of {}", growth.engine, growth.flow), GROWTH, growth.ratio, " ×")
    });
    of_runs.chain(of_growth).collect()
}

fn of_run(run: &Run, name: &str) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = run.lines.iter().flat_map(|line| of_line(line, name)).collect();
    all.extend(
        run.storm.as_ref().map(|storm| {
            at_most(format!("{name}: token p99 in a password storm"), STORM, storm.ratio(), " ×")
        }),
    );
    let start = run.start.as_secs_f64() * 1e3;
    all.push(at_most(format!("{name}: idle memory"), IDLE_MIB, run.idle_kib as f64 / 1024.0, " MiB"));
    all.push(at_most(format!("{name}: start"), START.as_secs_f64() * 1e3, start, " ms"));
    all
}

fn of_line(line: &Line, name: &str) -> Vec<Verdict> {
    let cpu = line.flow.cpu_goal().zip(line.ratio()).map(|(goal, ratio)| {
        at_most(format!("{name}: CPU of {} to its raw signatures", line.flow), goal, ratio, " ×")
    });
    let rate = rate(line).map(|verdict| Verdict { of: format!("{name}: {}", verdict.of), ..verdict });
    rate.into_iter().chain(cpu).collect()
}

/// What is asked of the rounds of a flow, if anything is: a number of them, or a part of what raw hashes or bare handlers make.
pub fn rate(line: &Line) -> Option<Verdict> {
    let part = |goal: f64, of: &str, measured: f64| Verdict {
        of: line.flow.to_string(),
        goal: format!("≥ {goal:.2} of {of}"),
        measured: format!("{measured:.2}"),
        met: measured >= goal,
    };
    if let Some((goal, measured)) = line.flow.hash_goal().zip(line.of_raw_hashes()) {
        return Some(part(goal, "raw hashes", measured));
    }
    let floor = line.flow.floor()?;
    if let Some((bare, measured)) = floor.bare.zip(line.of_bare()) {
        return Some(part(floor.rounds / bare, "bare", measured));
    }
    Some(Verdict {
        of: line.flow.to_string(),
        goal: format!("≥ {}/s", floor.rounds),
        measured: format!("{:.0}/s", line.per_second),
        met: line.per_second >= floor.rounds,
    })
}

fn at_most(of: String, goal: f64, measured: f64, unit: &str) -> Verdict {
    Verdict {
        of,
        goal: format!("≤ {goal}{unit}"),
        measured: format!("{measured:.2}{unit}"),
        met: measured <= goal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(users: u64, p50_us: u64, per_second: f64) -> Run {
        let line = Line {
            flow: Flow::Discovery,
            connections: 1,
            per_second,
            p50: Duration::from_micros(p50_us),
            p99: Duration::from_micros(p50_us),
            cpu: Duration::ZERO,
            load_cpu: Duration::ZERO,
            raw: None,
            bare: Some(111_500.0),
            others: 0.0,
        };
        Run {
            engine: "SQLite",
            size: Size::of(users, 10, 1),
            seeding: Duration::ZERO,
            start: Duration::from_millis(60),
            idle_kib: 1024,
            lines: vec![line],
            storm: None,
        }
    }

    #[test]
    fn a_goal_is_met_or_not() {
        let verdicts = verdicts(&[run(1000, 110, 80_000.0), run(1, 100, 79_999.0)]);
        let met: Vec<_> = verdicts.iter().map(|verdict| (verdict.of.as_str(), verdict.met)).collect();
        assert_eq!(
            met,
            [
                ("SQLite, 1 000 users, 1 account: discovery", true),
                ("SQLite, 1 000 users, 1 account: idle memory", true),
                ("SQLite, 1 000 users, 1 account: start", false),
                ("SQLite, 1 user, 1 account: discovery", false),
                ("SQLite, 1 user, 1 account: idle memory", true),
                ("SQLite, 1 user, 1 account: start", false),
                ("SQLite: growth of discovery", true),
            ]
        );
        assert!(growth(&[run(1, 1, 1.0)]).is_empty());
    }
}
