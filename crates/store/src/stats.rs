//! What the store counts: numbers that only go up, read by whoever shows them. Counting is an atomic addition or two.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{StoreError, sql::Written};

/// The target of spans, which are for traces and not for the log.
pub const SPANS: &str = "signet::span";

/// A number that only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds of durations, in microseconds: from half a millisecond to ten seconds.
const DURATIONS: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];
/// Upper bounds of the sizes of groups.
const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128];
const MICROS: f64 = 1e6;

/// How values are distributed over ranges with fixed upper bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// What a value counts in, for each unit that is shown.
    unit: f64,
    /// Of each range, and of what is above the last bound.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// Of durations, shown in seconds.
    pub fn of_durations() -> Self {
        Self::new(DURATIONS, MICROS)
    }

    /// Of how many there are in a group, up to 128.
    pub fn of_sizes() -> Self {
        Self::new(SIZES, 1.0)
    }

    fn new(bounds: &'static [u64], unit: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, unit, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a duration.
    pub fn took(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts a group of so many.
    pub fn had(&self, members: usize) {
        self.observe(u64::try_from(members).unwrap_or(u64::MAX));
    }

    fn observe(&self, value: u64) {
        let range = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
            self.sum.fetch_add(value, Ordering::Relaxed);
        }
    }

    /// How many values lie at or below each bound; the last bound is infinite.
    pub fn cumulative(&self) -> Vec<(f64, u64)> {
        #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / self.unit).chain([f64::INFINITY]);
        let mut below = 0;
        let sums = self.counts.iter().map(|count| {
            below += count.load(Ordering::Relaxed);
            below
        });
        bounds.zip(sums).collect()
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The sum of all values.
    #[expect(clippy::cast_precision_loss, reason = "a sum beyond 2^53 microseconds is 285 years")]
    pub fn sum(&self) -> f64 {
        self.sum.load(Ordering::Relaxed) as f64 / self.unit
    }
}

/// What is counted of a database.
#[derive(Debug)]
pub struct Stats {
    /// From asking for a batch to its answer, waiting included.
    pub writes: Histogram,
    /// How many batches are committed together.
    pub group: Histogram,
    /// How long it takes to write and commit them.
    pub commit: Histogram,
    /// Batches undone because a guard found no row.
    pub refused: Counter,
    /// Reads and writes turned away: too many at once.
    pub busy: Counter,
    /// Reads and writes that failed because the database is away or cannot write.
    pub unavailable: Counter,
    /// Reads and writes that failed for another reason; a conflict is none.
    pub failed: Counter,
    /// Expired rows that were deleted.
    pub swept: Counter,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            writes: Histogram::of_durations(),
            group: Histogram::of_sizes(),
            commit: Histogram::of_durations(),
            refused: Counter::default(),
            busy: Counter::default(),
            unavailable: Counter::default(),
            failed: Counter::default(),
            swept: Counter::default(),
        }
    }
}

impl Stats {
    pub(crate) fn wrote(&self, outcome: &Result<Written, StoreError>, after: Duration) {
        self.writes.took(after);
        match outcome {
            Ok(Written::Done) => {}
            Ok(Written::Refused { .. }) => self.refused.inc(),
            Err(error) => self.erred(error),
        }
    }

    pub(crate) fn erred(&self, error: &StoreError) {
        match error {
            StoreError::Busy => self.busy.inc(),
            StoreError::Unavailable(_) => self.unavailable.inc(),
            StoreError::Conflict { .. } => {}
            _ => self.failed.inc(),
        }
    }
}

/// What is counted of a cache.
#[derive(Debug, Default)]
pub struct CacheStats {
    /// Found in memory.
    pub hits: Counter,
    /// Read from the database, or looked for there in vain.
    pub misses: Counter,
}

impl CacheStats {
    pub(crate) fn asked(&self, found: bool) {
        if found { self.hits.inc() } else { self.misses.inc() }
    }
}

/// How much there is of something right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Batches that wait for the writer, and on PostgreSQL look-ups that wait to be asked together.
    pub queued: usize,
    /// Connections to PostgreSQL, in use or not.
    pub connections: usize,
    /// Those in use.
    pub connections_in_use: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_up_to_the_bound_it_equals() {
        let sizes = Histogram::of_sizes();
        for members in [1, 2, 3, 128, 129] {
            sizes.had(members);
        }
        let counted: Vec<u64> = sizes.cumulative().iter().map(|(_, count)| *count).collect();
        assert_eq!(counted, [1, 2, 3, 3, 3, 3, 3, 4, 5]);
        assert!((sizes.sum() - 263.0).abs() < f64::EPSILON);
        let durations = Histogram::of_durations();
        durations.took(Duration::from_millis(1));
        let first = durations.cumulative().into_iter().find(|(_, count)| *count == 1);
        assert_eq!(first, Some((0.001, 1)));
    }

    #[test]
    fn each_outcome_of_a_write_is_counted_as_what_it_is() {
        let stats = Stats::default();
        for outcome in [
            Ok(Written::Done),
            Ok(Written::Refused { statement: 0 }),
            Err(StoreError::Busy),
            Err(StoreError::Unavailable(String::new())),
            Err(StoreError::conflict("x")),
            Err(StoreError::KeyMismatch),
        ] {
            stats.wrote(&outcome, Duration::ZERO);
        }
        let Stats { refused, busy, unavailable, failed, .. } = &stats;
        assert_eq!([refused, busy, unavailable, failed].map(Counter::get), [1; 4]);
        assert_eq!(stats.writes.cumulative().last().map(|(_, count)| *count), Some(6));
    }
}
