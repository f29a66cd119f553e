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

#[cfg(test)]
mod tests {
    use super::{
        super::history::{Op, Outcome::*},
        *,
    };

    const TERMS: Terms = Terms { grace: 60, repeats: 100 };

    /// A request with when it began, when it was answered and with what, and what the clock said.
    type Asked = (Op, usize, Option<(usize, Outcome)>, i64);

    fn explained(entries: &[Asked]) -> bool {
        let entry = |(op, invoked, returned, clock): &Asked| Entry {
            op: *op,
            node: 0,
            invoked: *invoked,
            returned: *returned,
            arrived: Some(Timestamp(*clock)),
            readings: vec![Timestamp(*clock)],
        };
        explain(&TERMS, &entries.iter().map(entry).collect::<Vec<_>>()).is_ok()
    }

    /// A login, a code for it, and its redemption; then what is asked about.
    fn after_a_login(rest: &[Asked]) -> bool {
        let mut entries = vec![
            (Op::Begin, 1, Some((2, Done)), 0),
            (Op::SignIn { user: 0, cookie: None, transaction: 0 }, 3, Some((4, Made)), 0),
            (Op::Issue { cookie: Some(1), transaction: Some(0), offline: true }, 5, Some((6, Made)), 0),
            (Op::Redeem { grant: 2 }, 7, Some((8, Tokens(Some(0)))), 1),
        ];
        entries.extend_from_slice(rest);
        explained(&entries)
    }

    const FIRST: Op = Op::Refresh { grant: 2, generation: 0 };
    const SECOND: Op = Op::Refresh { grant: 2, generation: 1 };

    #[test]
    fn a_code_serves_once() {
        assert!(after_a_login(&[(Op::Redeem { grant: 2 }, 9, Some((10, Refused)), 2)]));
        assert!(!after_a_login(&[(Op::Redeem { grant: 2 }, 9, Some((10, Tokens(Some(0)))), 2)]));
        let reused = (Op::Redeem { grant: 2 }, 9, Some((10, Refused)), 2);
        assert!(!after_a_login(&[reused, (FIRST, 11, Some((12, Tokens(Some(1)))), 3)]), "the grant is dead");
    }

    #[test]
    fn a_refresh_can_be_repeated_for_a_while() {
        let once = (FIRST, 9, Some((10, Tokens(Some(1)))), 100);
        for (at, outcome, explained) in [
            (160, Tokens(Some(1)), true),
            (160, Refused, false),
            (161, Tokens(Some(1)), false),
            (161, Refused, true),
            (160, Tokens(Some(2)), false),
        ] {
            assert_eq!(
                after_a_login(&[once, (FIRST, 11, Some((12, outcome)), at)]),
                explained,
                "{at} {outcome:?}"
            );
        }
    }

    #[test]
    fn what_was_not_answered_may_have_happened_or_not_but_not_before_it_began() {
        let lost = (FIRST, 9, None, 100);
        assert!(after_a_login(&[lost, (SECOND, 11, Some((12, Tokens(Some(2)))), 101)]), "it has");
        assert!(
            after_a_login(&[lost, (FIRST, 11, Some((12, Tokens(Some(1)))), 200)]),
            "it has not, or not yet"
        );
        assert!(!after_a_login(&[(SECOND, 9, Some((10, Tokens(Some(2)))), 101), (FIRST, 11, None, 102)]));
    }

    #[test]
    fn who_is_answered_before_another_asks_goes_first() {
        let revoked = Op::Revoke { grant: 2, generation: 0 };
        assert!(!after_a_login(&[
            (revoked, 9, Some((10, Done)), 2),
            (FIRST, 11, Some((12, Tokens(Some(1)))), 2)
        ]));
        assert!(after_a_login(&[
            (revoked, 9, Some((12, Done)), 2),
            (FIRST, 10, Some((11, Tokens(Some(1)))), 2)
        ]));
    }
}
