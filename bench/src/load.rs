//! Threads that drive connections, in slices that begin and end together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Failure,
    flows::Flow,
    worker::{Site, Worker},
};

/// Latencies in tenths of a microsecond: seven minutes fit.
pub type Ticks = Vec<u32>;

/// What one slice showed.
pub struct Slice {
    /// Every round of every connection.
    pub ticks: Ticks,
    /// How long it took until the last of them was answered.
    pub elapsed: Duration,
}

enum Command {
    /// Get ready for so many rounds of each connection.
    Prepare(usize),
    /// Repeat the flow for so long; with a pause, begin a round no sooner than that after the one before began.
    Run(Duration, Option<Duration>),
}

/// One thread with some of the connections.
struct Lane {
    commands: mpsc::Sender<Command>,
    answers: mpsc::Receiver<Result<Ticks, Failure>>,
}

/// Connections that repeat a flow when told to.
pub struct Load {
    lanes: Vec<Lane>,
}

impl Load {
    /// Connects `connections` times, from `threads` threads.
    pub fn start(site: &Arc<Site>, flow: Flow, connections: usize, threads: usize) -> Result<Load, Failure> {
        let mut load = Load { lanes: Vec::new() };
        for thread in 0..threads {
            let (commands, orders) = mpsc::channel();
            let (answer, answers) = mpsc::channel();
            let slots: Vec<usize> = (thread..connections).step_by(threads).collect();
            let site = Arc::clone(site);
            thread::Builder::new().name(format!("load-{thread}")).spawn(move || {
                if let Err(failure) = obey(site, flow, slots, &orders, &answer) {
                    drop(answer.send(Err(failure)));
                }
            })?;
            load.lanes.push(Lane { commands, answers });
        }
        load.prepare(1)?;
        Ok(load)
    }

    /// Gets what the next `rounds` rounds of each connection need.
    pub fn prepare(&mut self, rounds: usize) -> Result<(), Failure> {
        self.tell(|| Command::Prepare(rounds)).map(drop)
    }

    /// Repeats the flow for `length`, or until what was prepared is used up.
    pub fn run(&mut self, length: Duration) -> Result<Slice, Failure> {
        let since = Instant::now();
        let ticks = self.tell(|| Command::Run(length, None))?;
        Ok(Slice { ticks, elapsed: since.elapsed() })
    }

    /// Repeats the flow for `length` at a fixed rate: each connection begins a round every `pace`.
    pub fn run_paced(&mut self, length: Duration, pace: Duration) -> Result<Slice, Failure> {
        let since = Instant::now();
        let ticks = self.tell(|| Command::Run(length, Some(pace)))?;
        Ok(Slice { ticks, elapsed: since.elapsed() })
    }

    fn tell(&mut self, command: impl Fn() -> Command) -> Result<Ticks, Failure> {
        let gone = "a load thread ended";
        // A thread that failed has left its reason behind.
        self.lanes.iter().for_each(|lane| drop(lane.commands.send(command())));
        let mut ticks = Vec::new();
        for lane in &self.lanes {
            ticks.extend(lane.answers.recv().map_err(|_| gone)??);
        }
        Ok(ticks)
    }
}

/// The life of a load thread: it ends when nobody can tell it anything any more.
fn obey(
    site: Arc<Site>,
    flow: Flow,
    slots: Vec<usize>,
    orders: &mpsc::Receiver<Command>,
    answer: &mpsc::Sender<Result<Ticks, Failure>>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut workers = Vec::new();
    for slot in slots {
        workers.push(runtime.block_on(Worker::start(Arc::clone(&site), flow, slot))?);
    }
    while let Ok(order) = orders.recv() {
        let ticks;
        (workers, ticks) = runtime.block_on(carry_out(order, workers))?;
        drop(answer.send(Ok(ticks)));
    }
    Ok(())
}

async fn carry_out(order: Command, workers: Vec<Worker>) -> Result<(Vec<Worker>, Ticks), Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    let (since, count) = (Instant::now(), u32::try_from(workers.len().max(1))?);
    for (number, mut worker) in (0..).zip(workers) {
        let over = Arc::clone(&over);
        match order {
            Command::Prepare(rounds) => {
                running.spawn(async move { worker.prepare(rounds).await.map(|()| (worker, Vec::new())) })
            }
            Command::Run(length, None) => running.spawn(repeat(worker, since + length, over)),
            Command::Run(length, Some(pace)) => {
                running.spawn(keep_pace(worker, since + pace * number / count, since + length, pace))
            }
        };
    }
    let (mut workers, mut ticks) = (Vec::new(), Vec::new());
    while let Some(ended) = running.join_next().await {
        let (worker, own) = ended??;
        workers.push(worker);
        ticks.extend(own);
    }
    Ok((workers, ticks))
}

/// One round after the other. When one connection has used up what was prepared, all of this thread stop: the rest would be
/// measured under less load.
async fn repeat(mut worker: Worker, end: Instant, over: Arc<AtomicBool>) -> Result<(Worker, Ticks), Failure> {
    let mut ticks = Vec::with_capacity(4096);
    loop {
        let since = Instant::now();
        if since >= end || over.load(Ordering::Relaxed) {
            return Ok((worker, ticks));
        }
        if !worker.round().await? {
            over.store(true, Ordering::Relaxed);
            return Ok((worker, ticks));
        }
        ticks.push(tick(since));
    }
}

/// Rounds that begin at fixed times. One that has to wait for the round before it is measured from when it should have begun, so
/// that a server that stalls is not spared the requests it keeps waiting.
async fn keep_pace(
    mut worker: Worker,
    mut next: Instant,
    end: Instant,
    pace: Duration,
) -> Result<(Worker, Ticks), Failure> {
    let mut ticks = Vec::with_capacity(4096);
    while next < end {
        let waited = next > Instant::now();
        tokio::time::sleep_until(next.into()).await;
        // The timer itself may be late by a millisecond, which is not the server's.
        let since = if waited { Instant::now() } else { next };
        worker.round().await?;
        ticks.push(tick(since));
        next += pace;
    }
    Ok((worker, ticks))
}

fn tick(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_nanos() / 100).unwrap_or(u32::MAX)
}

/// The value that `percent` of the sorted `ticks` do not exceed.
pub fn percentile(ticks: &[u32], percent: usize) -> Duration {
    let index = (ticks.len() * percent).div_ceil(100).saturating_sub(1);
    Duration::from_nanos(100 * u64::from(ticks.get(index).copied().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_least_value_that_as_many_do_not_exceed() {
        let ticks: Vec<u32> = (1..=200).collect();
        assert_eq!(percentile(&ticks, 50), Duration::from_micros(10));
        assert_eq!(percentile(&ticks, 99), Duration::from_nanos(19_800));
        assert_eq!(percentile(&[7], 50), Duration::from_nanos(700));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
