//! Who is served next.

use std::collections::{HashMap, VecDeque};

use super::{Asker, Busy};

/// Jobs that wait, a line for each asker. The lines take turns, so a long one keeps only its own asker waiting.
pub struct Lines<T> {
    lines: HashMap<Asker, VecDeque<T>>,
    /// The askers that have a line, the next one first.
    turns: VecDeque<Asker>,
    waiting: usize,
    most: usize,
}

impl<T> Lines<T> {
    /// Room for `most` jobs, of which one network may take half.
    pub fn new(most: usize) -> Lines<T> {
        Lines { lines: HashMap::new(), turns: VecDeque::new(), waiting: 0, most }
    }

    /// How many jobs wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Puts a job at the end of the line of `asker`, unless there is no room.
    pub fn push(&mut self, asker: Asker, job: T) -> Result<(), Busy> {
        let own = self.lines.get(&asker).map_or(0, VecDeque::len);
        let share = if asker.has_share() { self.most / 2 } else { self.most };
        if self.waiting >= self.most || own >= share {
            return Err(Busy);
        }
        if own == 0 {
            self.turns.push_back(asker);
        }
        self.lines.entry(asker).or_default().push_back(job);
        self.waiting += 1;
        Ok(())
    }

    /// Takes the first job of the line whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let asker = self.turns.pop_front()?;
        let line = self.lines.get_mut(&asker)?;
        let job = line.pop_front()?;
        self.waiting -= 1;
        if line.is_empty() {
            self.lines.remove(&asker);
        } else {
            self.turns.push_back(asker);
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Network;

    fn from(address: &str) -> Asker {
        Asker::Network(Network::of(address.parse().unwrap()))
    }

    fn served(lines: &mut Lines<&'static str>) -> String {
        std::iter::from_fn(|| lines.pop()).collect()
    }

    #[test]
    fn a_storm_from_one_keeps_nobody_else_waiting_behind_it() {
        let mut lines = Lines::new(100);
        let storm = (0..60).filter(|_| lines.push(from("192.0.2.1"), "s").is_ok()).count();
        assert_eq!(storm, 50, "half");
        lines.push(from("192.0.2.2"), "a").unwrap();
        lines.push(Asker::Operator, "o").unwrap();
        lines.push(from("192.0.2.2"), "b").unwrap();
        lines.push(from("2001:db8::1"), "c").unwrap();
        assert_eq!(served(&mut lines), format!("saocsb{}", "s".repeat(48)));
        lines.push(from("192.0.2.1"), "again").unwrap();
        assert_eq!(served(&mut lines), "again", "who was served has room again");
    }

    #[test]
    fn one_line_is_served_in_its_order() {
        let mut lines = Lines::new(100);
        for job in ["1", "2", "3"] {
            lines.push(from("192.0.2.1"), job).unwrap();
        }
        assert_eq!(served(&mut lines), "123");
    }

    #[test]
    fn this_machine_and_its_operator_have_no_share_but_the_whole_has_its_bound() {
        for asker in [from("127.0.0.1"), from("::1"), Asker::Operator] {
            let mut lines = Lines::new(8);
            assert_eq!((0..9).filter(|_| lines.push(asker, "x").is_ok()).count(), 8, "{asker:?}");
            assert_eq!(lines.push(from("192.0.2.1"), "x"), Err(Busy), "{asker:?}");
            lines.pop();
            assert_eq!(lines.push(from("192.0.2.1"), "x"), Ok(()), "{asker:?}");
        }
    }

    #[test]
    fn nobody_is_remembered_once_served() {
        let mut lines = Lines::new(8);
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
            lines.push(from(address), "x").unwrap();
        }
        served(&mut lines);
        assert!(lines.lines.is_empty() && lines.turns.is_empty() && lines.waiting == 0);
    }
}
