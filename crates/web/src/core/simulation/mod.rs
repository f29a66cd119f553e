//! The core under a seeded scheduler, over a model of the store, among people, clients, a thief and misfortune
//! (`docs/simulation.md`).
//!
//! A seed makes a world ([`profile`]), [`actors`] act in it through [`serve`], which is the core on the tables of
//! [`model`], and [`checks`] look at what came of it.

mod actors;
mod checks;
mod conformance;
mod executor;
mod faults;
mod history;
mod lab;
mod linear;
mod model;
mod profile;
mod serve;
mod spec;
mod world;

use std::{
    env,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use faults::Fault;
use world::World;

/// Schedules that `cargo test` runs.
const RUNS: u64 = 2000;

/// What came of one seed.
struct Report {
    violations: Vec<String>,
    text: String,
}

fn run(seed: u64, fault: Option<Fault>) -> Report {
    let world = World::new(seed, fault);
    let stage = actors::begin(&world);
    world.sim.run();
    drop(stage);
    checks::finally(&world);
    let history = world.history.borrow();
    Report { violations: history.violations.clone(), text: history.text() }
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}

/// Runs `count` seeds from `first` on every core, for `minutes` at most, and says how many were run; the first that
/// fails is told with its history.
fn explore(first: u64, count: u64, minutes: Option<u64>) -> u64 {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let deadline = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let late = deadline.is_some_and(|deadline| Instant::now() > deadline);
            if number >= count || late || failed.load(Ordering::Relaxed) {
                return;
            }
            let seed = first.wrapping_add(number);
            let report = run(seed, None);
            if !report.violations.is_empty() {
                failed.store(true, Ordering::Relaxed);
                let (text, told) = (report.text, report.violations.join("\n"));
                panic!(
                    "{text}\n\nseed {seed}: {told}\n\nreplay: SIGNET_SIM_SEED={seed} SIGNET_SIM_RUNS=1 cargo test -p signet-web --lib simulation::holds"
                );
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    next.load(Ordering::Relaxed).min(count)
}

#[test]
fn holds() {
    let first = setting("SIGNET_SIM_SEED").unwrap_or(1);
    let minutes = setting("SIGNET_SIM_MINUTES");
    let runs = setting("SIGNET_SIM_RUNS").unwrap_or(if minutes.is_some() { u64::MAX } else { RUNS });
    let begun = Instant::now();
    let done = explore(first, runs, minutes);
    println!("{done} schedules from seed {first} in {:.1} s", begun.elapsed().as_secs_f64());
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in 1..=20 {
        let (one, two) = (run(seed, None), run(seed, None));
        assert!(one.text.len() > 100, "{}", one.text);
        assert_eq!(one.text, two.text, "seed {seed}");
    }
}

/// A simulation that misses a mistake on purpose would miss one made by accident.
#[test]
fn every_fault_is_found() {
    const WITHIN: u64 = 1500;
    for fault in Fault::ALL {
        let found = (1..=WITHIN).find(|seed| !run(*seed, Some(*fault)).violations.is_empty());
        assert!(found.is_some(), "{fault:?} is not found within {WITHIN} seeds");
        println!("{fault:?}: seed {}", found.unwrap_or_default());
    }
}
