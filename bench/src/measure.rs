//! What one flow showed, and what one database showed in all flows.

use std::{sync::Arc, time::Duration};

use crate::{
    Failure,
    flows::Flow,
    load::{Load, Slice, Ticks, percentile},
    machine::{busy, cores},
    population::Size,
    server::{Server, cpu},
    signatures::{Raw, hashing_threads, median},
    storm::Storm,
    worker::Site,
};

/// A flow is measured in so many slices, with a look at the raw signature before and after each.
const SLICES: u32 = 3;
/// Before the first of them.
const WARM_UP: Duration = Duration::from_millis(300);
/// Rounds of each connection in the warm-up of a flow that uses up what it prepares.
const FIRST_ROUNDS: usize = 40;

/// How much load.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Connections at once.
    pub connections: usize,
    /// Threads that drive them.
    pub threads: usize,
    /// For how long.
    pub length: Duration,
}

/// What one flow showed.
pub struct Line {
    /// The flow.
    pub flow: Flow,
    /// Connections at once.
    pub connections: usize,
    /// Rounds each second.
    pub per_second: f64,
    /// The median round.
    pub p50: Duration,
    /// The round that one in a hundred exceeds.
    pub p99: Duration,
    /// The server's processor time for one round.
    pub cpu: Duration,
    /// The processor time of the load for one round: what does not limit is small beside the server's.
    pub load_cpu: Duration,
    /// The cost of the raw signatures in one round, or of its one hash in the password mode, measured in between.
    pub raw: Option<Duration>,
    /// What the bare handler of this flow made each second.
    pub bare: Option<f64>,
    /// The cores that neither the server nor the load kept busy, but everything else: PostgreSQL, and whoever shares the machine.
    pub others: f64,
}

impl Line {
    /// The server's CPU for a round divided by the raw signatures in it.
    pub fn ratio(&self) -> Option<f64> {
        self.raw.map(|raw| self.cpu.as_secs_f64() / raw.as_secs_f64())
    }

    /// The rounds by those of the bare handler.
    pub fn of_bare(&self) -> Option<f64> {
        self.bare.map(|bare| self.per_second / bare)
    }

    /// The passwords the server looked at, by those that its hashing threads could have looked at doing nothing else.
    pub fn of_raw_hashes(&self) -> Option<f64> {
        self.flow.hash_goal()?;
        self.raw.map(|raw| self.per_second * raw.as_secs_f64() / hashing_threads() as f64)
    }
}

/// What one database showed.
pub struct Run {
    /// `SQLite` or `PostgreSQL`.
    pub engine: &'static str,
    /// Who is in it.
    pub size: Size,
    /// How long it took to put them there.
    pub seeding: Duration,
    /// The median time of a start to the first answer.
    pub start: Duration,
    /// The server's resident memory after a start, in KiB.
    pub idle_kib: u64,
    /// One for each flow.
    pub lines: Vec<Line>,
    /// Tokens in a password storm.
    pub storm: Option<Storm>,
}

/// Hashing is what a login waits for: a few connections keep its threads busy, and more would only queue.
fn connections(flow: Flow, plan: &Plan) -> usize {
    match flow {
        Flow::Login | Flow::Password => plan.connections.min((2 * cores()).clamp(4, 8)),
        _ => plan.connections,
    }
}

/// Puts load on `flow`. A round that fails ends the measurement: figures of errors mean nothing.
pub fn flow(server: &Server, site: &Arc<Site>, flow: Flow, plan: &Plan, raw: &Raw) -> Result<Line, Failure> {
    let connections = connections(flow, plan);
    let mut load = Load::start(site, flow, connections, plan.threads.min(connections))?;
    load.prepare(FIRST_ROUNDS)?;
    let mut last = load.run(WARM_UP)?;
    let mut total = Total::default();
    for _ in 0..SLICES {
        let length = plan.length / SLICES;
        load.prepare(enough(&last, length, connections))?;
        let before = cost(flow, raw)?;
        let used = [server.cpu()?, cpu("self")?, busy()?];
        last = load.run(length)?;
        total.server += server.cpu()?.saturating_sub(used[0]);
        total.load += cpu("self")?.saturating_sub(used[1]);
        total.all += busy()?.saturating_sub(used[2]);
        total.raw.extend(before.zip(cost(flow, raw)?).map(|(before, after)| (before + after) / 2));
        total.ticks.extend(&last.ticks);
        total.elapsed += last.elapsed;
    }
    total.line(flow, connections)
}

/// The rounds that each connection will do at most in `length`, if it is not half as quick again as it was.
fn enough(last: &Slice, length: Duration, connections: usize) -> usize {
    let rate = last.ticks.len() as f64 / last.elapsed.as_secs_f64();
    (1.5 * rate * length.as_secs_f64() / connections as f64).ceil() as usize
}

/// The raw signatures in one round, or its raw hash.
fn cost(flow: Flow, raw: &Raw) -> Result<Option<Duration>, Failure> {
    if flow.hash_goal().is_some() {
        return raw.hash_cost().map(Some);
    }
    flow.signs().map(|(alg, count)| Ok(raw.cost(alg)? * count)).transpose()
}

/// Slices put together.
#[derive(Default)]
struct Total {
    ticks: Ticks,
    elapsed: Duration,
    server: Duration,
    load: Duration,
    all: Duration,
    raw: Vec<Duration>,
}

impl Total {
    fn line(mut self, flow: Flow, connections: usize) -> Result<Line, Failure> {
        self.ticks.sort_unstable();
        let count = u32::try_from(self.ticks.len())?;
        if count == 0 {
            return Err(format!("{flow}: no round was finished; give it more --seconds").into());
        }
        Ok(Line {
            flow,
            connections,
            per_second: f64::from(count) / self.elapsed.as_secs_f64(),
            p50: percentile(&self.ticks, 50),
            p99: percentile(&self.ticks, 99),
            cpu: self.server / count,
            load_cpu: self.load / count,
            raw: median(self.raw),
            bare: None,
            others: self.all.saturating_sub(self.server + self.load).as_secs_f64()
                / self.elapsed.as_secs_f64(),
        })
    }
}
