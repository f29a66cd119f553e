//! Is there an order of single steps that explains what every client saw? (Wing and Gong's search, with the states that
//! led nowhere remembered.)

use std::collections::{BTreeSet, HashSet};

use signet_protocol::time::Timestamp;

use super::{
    history::{Entry, OpId, Outcome},
    spec::{Machine, Terms},
};

/// Whether `entries` can be explained. A request without an answer may have happened at any time since it began, or not.
///
/// # Errors
/// Those that the attempt which came furthest could not explain, and the machine before them.
pub fn explain(terms: &Terms, entries: &[Entry]) -> Result<(), String> {
    let open =
        (0..entries.len()).filter(|id| entries[*id].returned.is_some()).fold(0, |set, id| set | bit(id));
    let mut search =
        Search { terms, entries, hopeless: HashSet::new(), furthest: (open, Machine::default()) };
    if search.explain(Machine::default(), 0, open) {
        return Ok(());
    }
    let (left, machine) = search.furthest;
    let left: Vec<_> = (0..entries.len()).filter(|id| left & bit(*id) != 0).collect();
    Err(format!("no order of single steps explains the answers of {left:?} after {machine:?}"))
}

fn bit(id: OpId) -> u64 {
    assert!(id < 64, "a history is too long to be searched");
    1 << id
}

struct Search<'a> {
    terms: &'a Terms,
    entries: &'a [Entry],
    hopeless: HashSet<(u64, Machine)>,
    /// The fewest that were left to explain.
    furthest: (u64, Machine),
}

impl Search<'_> {
    /// Whether the rest can be explained from `machine`: `done` have had their step, those of `open` still must.
    fn explain(&mut self, machine: Machine, mut done: u64, mut open: u64) -> bool {
        while let Some(id) = self.unmoved(&machine, done, open) {
            (done, open) = (done | bit(id), open & !bit(id));
        }
        if open == 0 {
            return true;
        }
        if !self.hopeless.insert((done, machine.clone())) {
            return false;
        }
        if open.count_ones() < self.furthest.0.count_ones() {
            self.furthest = (open, machine.clone());
        }
        let next: Vec<_> = self.next(done, open).collect();
        next.into_iter().any(|id| {
            let must = open & bit(id) != 0;
            let mut steps = self.steps(&machine, id);
            steps.retain(|after| must || *after != machine);
            steps.into_iter().any(|after| self.explain(after, done | bit(id), open & !bit(id)))
        })
    }

    /// Those that may be next: nobody who is still open was answered before they began.
    fn next(&self, done: u64, open: u64) -> impl Iterator<Item = OpId> + use<'_> {
        let answered = |id: OpId| self.entries[id].returned.map_or(usize::MAX, |(at, _)| at);
        let first = (0..self.entries.len()).filter(|id| open & bit(*id) != 0).map(answered).min();
        let first = first.unwrap_or(usize::MAX);
        (0..self.entries.len()).filter(move |id| done & bit(*id) == 0 && self.entries[*id].invoked < first)
    }

    /// One that may be next and was answered as the machine would, and that moves the machine nowhere with that answer,
    /// whenever it has its step: so that can be now.
    fn unmoved(&self, machine: &Machine, done: u64, open: u64) -> Option<OpId> {
        let never_moves = |entry: &Entry| {
            let outcome = entry.returned.map(|(_, outcome)| outcome);
            matches!(outcome, Some(Outcome::NotMade | Outcome::Active(_)))
        };
        self.next(done, open)
            .find(|id| never_moves(&self.entries[*id]) && !self.steps(machine, *id).is_empty())
    }

    /// The machine after `id` in every way that the clock allows and that gives the answer that was seen, if any was.
    fn steps(&self, machine: &Machine, id: OpId) -> Vec<Machine> {
        let entry = &self.entries[id];
        // Whoever is refused before the clock is asked is refused whatever it says; what never arrived did nothing.
        let unasked = entry.arrived.filter(|_| entry.readings.is_empty());
        let readings: BTreeSet<Timestamp> = entry.readings.iter().copied().chain(unasked).collect();
        let seen = entry.returned.map(|(_, outcome)| outcome);
        let mut after: Vec<Machine> = Vec::new();
        for decided in &readings {
            for written in &readings {
                let mut next = machine.clone();
                let outcome = next.step(self.terms, (id, entry.op), *decided, *written);
                if seen.is_none_or(|seen: Outcome| seen == outcome) && !after.contains(&next) {
                    after.push(next);
                }
            }
        }
        after
    }
}
