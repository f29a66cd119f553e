//! Failures that leave nothing else behind: logins that were refused. Whoever tries passwords must not be able to make
//! rows without end, so repeats are counted in memory and written as one record.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use signet_protocol::time::Now;

use super::{Act, Entry};
use crate::{Store, StoreError, sql::Batch};

/// What is counted by itself in a minute: of one network, and of all.
const OF_A_NETWORK: usize = 20;
const OF_ALL: usize = 200;
/// Records kept while the database does not take them.
const UNWRITTEN: usize = 1000;
/// Records written together.
const AT_ONCE: usize = 100;
const MINUTE: i64 = 60;

/// Something that was tried in vain.
pub struct Failed {
    /// By which it is the same again: who was meant.
    pub whose: String,
    /// Where it comes from: the party that is counted together.
    pub network: String,
    /// What is written down of it.
    pub entry: Entry,
}

/// Failures that are not written down yet.
#[derive(Default)]
pub(crate) struct Failures(Mutex<State>);

#[derive(Default)]
struct State {
    minute: i64,
    counted: HashMap<Key, Count>,
    networks: HashMap<String, usize>,
    unwritten: Vec<Act>,
}

/// Whose and from where; of too many only from where, and of too many of these nothing.
type Key = Option<(String, Option<String>)>;

struct Count {
    entry: Entry,
    /// When the last was.
    at: Now,
    /// Those that are not written down.
    more: i64,
    /// Whether one was written down in this minute.
    written: bool,
}

impl State {
    fn note(&mut self, failed: Failed, now: Now) {
        self.turn(now);
        let Failed { whose, network, mut entry } = failed;
        let own: Key = Some((network.clone(), Some(whose)));
        let mut key = own;
        if !self.counted.contains_key(&key) {
            let of_network = self.networks.entry(network.clone()).or_default();
            if *of_network < OF_A_NETWORK && self.counted.len() < OF_ALL {
                *of_network += 1;
            } else {
                key = Some((network, None)).filter(|_| self.counted.len() < 2 * OF_ALL);
                entry.origin.actor = Default::default();
                entry.detail.insert("several".to_owned(), true.into());
                if key.is_none() {
                    entry.origin.ip = None;
                }
            }
            if self.networks.len() > OF_ALL {
                self.networks.clear();
            }
        }
        let count = self.counted.entry(key).or_insert(Count { entry, at: now, more: 0, written: false });
        count.more += 1;
        count.at = now;
    }

    /// Begins another minute, if it is another; what was counted in the last one is to be written.
    fn turn(&mut self, now: Now) {
        let minute = now.timestamp().0.div_euclid(MINUTE);
        if minute == self.minute {
            return;
        }
        self.minute = minute;
        self.networks.clear();
        let rest = std::mem::take(&mut self.counted).into_values().filter(|count| count.more > 0);
        self.unwritten.extend(rest.map(|count| count.act()));
    }

    /// What is to be written now: the first of each, and the rest of each when its minute is over, or `all`.
    fn take(&mut self, now: Now, all: bool) -> Vec<Act> {
        self.turn(now);
        let mut due = std::mem::take(&mut self.unwritten);
        for count in self.counted.values_mut().filter(|count| count.more > 0 && (all || !count.written)) {
            due.push(count.act());
            (count.more, count.written) = (0, true);
        }
        due
    }
}

impl Count {
    fn act(&self) -> Act {
        Act::new(self.at, self.entry.clone().times(self.more))
    }
}

impl Store {
    /// Has a failure written down within a second, and its repeats of the same minute as one record when that is over.
    pub fn note_failure(&self, failed: Failed, now: Now) {
        self.0.failures.lock().note(failed, now);
    }

    /// Writes down failures that are due. What the database does not take is kept for the next time.
    pub(crate) async fn write_failures(&self) -> Result<(), StoreError> {
        self.write_due_failures(false).await
    }

    /// Writes down every failure.
    pub(crate) async fn write_all_failures(&self) -> Result<(), StoreError> {
        self.write_due_failures(true).await
    }

    async fn write_due_failures(&self, all: bool) -> Result<(), StoreError> {
        let due = self.0.failures.lock().take(self.0.clock.now(), all);
        let mut rest = due.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(AT_ONCE));
            let batch = some.iter().fold(Batch::new(), |batch, act| self.record(batch, act));
            if let Err(error) = self.write(batch).await {
                let kept = rest.iter().take(UNWRITTEN).cloned();
                self.0.failures.lock().unwritten.extend(kept);
                return Err(error);
            }
            rest = others;
        }
        Ok(())
    }
}

impl Failures {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Named, Origin, Via};

    fn at(seconds: i64) -> Now {
        Now::from_millis(seconds * 1000)
    }

    fn failed(whose: &str, network: &str) -> Failed {
        let origin = Origin::new(Via::Page, Named::only(whose));
        let entry = Entry::of_user(Action::Login, origin).failed();
        Failed { whose: whose.to_owned(), network: network.to_owned(), entry }
    }

    fn times(acts: &[Act]) -> Vec<i64> {
        acts.iter().flat_map(|act| &act.entries).map(|entry| entry.times).collect()
    }

    #[test]
    fn the_first_is_written_at_once_and_the_rest_of_its_minute_as_one() {
        let mut state = State::default();
        (0..3).for_each(|_| state.note(failed("alice", "192.0.2.1"), at(60)));
        assert_eq!(times(&state.take(at(61), false)), [3]);
        (0..5).for_each(|second| state.note(failed("alice", "192.0.2.1"), at(62 + second)));
        assert_eq!(times(&state.take(at(68), false)), [0_i64; 0]);
        assert_eq!(times(&state.take(at(120), false)), [5], "its minute is over");
        assert_eq!(times(&state.take(at(180), true)), [0_i64; 0]);
    }

    #[test]
    fn attack_14_whoever_tries_names_without_end_makes_few_records() {
        let mut state = State::default();
        for number in 0..100_000 {
            let (name, network) = (format!("user{number}"), format!("10.{}.0.1", number % 5000));
            state.note(failed(&name, &network), at(60));
        }
        let acts = state.take(at(61), false);
        assert!(acts.len() <= 2 * OF_ALL + 1, "{}", acts.len());
        assert_eq!(times(&acts).iter().sum::<i64>(), 100_000);
        let mut one = State::default();
        (0..1000).for_each(|number| one.note(failed(&number.to_string(), "192.0.2.1"), at(60)));
        let acts = one.take(at(61), false);
        assert_eq!(acts.len(), OF_A_NETWORK + 1);
        let shared = acts.iter().flat_map(|act| &act.entries).find(|entry| entry.times == 980).unwrap();
        assert_eq!(shared.origin.actor, Named::default());
    }

    #[test]
    fn all_of_it_is_written_at_the_end() {
        let mut state = State::default();
        state.note(failed("alice", "192.0.2.1"), at(60));
        state.take(at(60), false);
        state.note(failed("alice", "192.0.2.1"), at(61));
        assert_eq!(times(&state.take(at(61), true)), [1]);
    }
}
