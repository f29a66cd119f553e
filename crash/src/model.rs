//! What may be true of a server, as far as its answers tell.
//!
//! A model is a set of possible states. An answered request leaves those states in which that answer is right; a request
//! whose answer was lost leaves both what was and what would have become of it. When no state is left, no order of what
//! happened explains what was seen, and the server is wrong.

use std::{collections::BTreeMap, collections::BTreeSet, fmt};

/// The specification of something on the server that one client alone has to do with.
pub trait Spec: Clone + Ord {
    /// What can be asked.
    type Op: Clone + fmt::Debug;

    /// Whether `op` succeeds in this state, and the state after it.
    fn step(&self, op: &Self::Op) -> (bool, Self);

    /// The name of a kind of request, for counting.
    fn kind(op: &Self::Op) -> &'static str;
}

/// What was seen of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// It succeeded.
    Done,
    /// It was refused.
    Refused,
    /// There was no answer, or one that does not tell: it was carried out, wholly, or not at all.
    Lost,
}

/// What became of a request whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was carried out.
    There,
    /// It was not.
    Gone,
    /// Nothing that was asked since tells.
    Unknown,
}

/// What was seen cannot be: every request about the thing, in order.
#[derive(Debug)]
pub struct Contradiction(pub String);

/// How often what was seen, by kind of request.
#[derive(Default)]
pub struct Tally {
    /// Of all requests.
    pub seen: BTreeMap<(&'static str, Seen), u64>,
    /// Of those whose answers were lost.
    pub fates: BTreeMap<(&'static str, Fate), u64>,
}

impl Tally {
    /// Adds another one, which is empty afterwards.
    pub fn take(&mut self, other: &mut Tally) {
        for (key, count) in std::mem::take(&mut other.seen) {
            *self.seen.entry(key).or_default() += count;
        }
        for (key, count) in std::mem::take(&mut other.fates) {
            *self.fates.entry(key).or_default() += count;
        }
    }
}

/// The states that what was seen allows.
pub struct Model<S: Spec> {
    /// What was counted.
    pub tally: Tally,
    worlds: BTreeSet<World<S>>,
    /// The kinds of the lost requests whose fate was not asked for yet.
    lost: Vec<&'static str>,
    history: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World<S> {
    state: S,
    /// Which of the lost requests were carried out in it, by their place in `lost`.
    there: BTreeMap<usize, bool>,
}

struct Observed<'a, O> {
    op: &'a O,
    seen: Seen,
    lost: Option<usize>,
}

impl<S: Spec> Model<S> {
    /// A thing in a known state.
    pub fn new(state: S) -> Model<S> {
        let worlds = BTreeSet::from([World { state, there: BTreeMap::new() }]);
        Model { tally: Tally::default(), worlds, lost: Vec::new(), history: Vec::new() }
    }

    /// Takes in what was seen of requests that were made at the same time: some order of them must explain it.
    ///
    /// # Errors
    /// None does.
    pub fn observe(&mut self, together: &[(S::Op, Seen)]) -> Result<(), Contradiction> {
        for (op, seen) in together {
            let mark = if together.len() > 1 { "‖ " } else { "" };
            self.history.push(format!("{mark}{op:?}: {seen:?}"));
            *self.tally.seen.entry((S::kind(op), *seen)).or_default() += 1;
        }
        let observed: Vec<_> = together.iter().map(|(op, seen)| self.number(op, *seen)).collect();
        let mut left = BTreeSet::new();
        for world in &self.worlds {
            explore(world, &observed.iter().collect::<Vec<_>>(), &mut left);
        }
        self.worlds = left;
        if self.worlds.is_empty() { Err(self.contradiction("this cannot be")) } else { Ok(()) }
    }

    /// A request was lost whose effect nobody can ever see, as a code that reached no callback.
    pub fn lose(&mut self, op: &S::Op) {
        self.history.push(format!("{op:?}: Lost"));
        *self.tally.seen.entry((S::kind(op), Seen::Lost)).or_default() += 1;
        *self.tally.fates.entry((S::kind(op), Fate::Unknown)).or_default() += 1;
    }

    /// Writes something into the history that is no request.
    pub fn note(&mut self, text: impl Into<String>) {
        self.history.push(text.into());
    }

    /// What became of the requests lost so far, by their kinds; they are not told apart any more.
    pub fn settle(&mut self) -> Vec<(&'static str, Fate)> {
        let fate = |number| {
            let said: BTreeSet<_> = self.worlds.iter().filter_map(|world| world.there.get(&number)).collect();
            match (said.contains(&true), said.contains(&false)) {
                (true, false) => Fate::There,
                (false, true) => Fate::Gone,
                _ => Fate::Unknown,
            }
        };
        let fates: Vec<_> =
            self.lost.iter().enumerate().map(|(number, kind)| (*kind, fate(number))).collect();
        self.lost.clear();
        for key in &fates {
            *self.tally.fates.entry(*key).or_default() += 1;
        }
        let states = std::mem::take(&mut self.worlds).into_iter().map(|world| world.state);
        self.worlds = states.map(|state| World { state, there: BTreeMap::new() }).collect();
        fates
    }

    /// Whatever is wrong with the thing, with all that was asked about it.
    pub fn contradiction(&self, what: &str) -> Contradiction {
        Contradiction(format!("{what}:\n  {}", self.history.join("\n  ")))
    }

    fn number<'a>(&mut self, op: &'a S::Op, seen: Seen) -> Observed<'a, S::Op> {
        let lost = (seen == Seen::Lost).then_some(self.lost.len());
        self.lost.extend(lost.map(|_| S::kind(op)));
        Observed { op, seen, lost }
    }
}

/// Adds every state that some order of `open` leads to from `world`.
fn explore<S: Spec>(world: &World<S>, open: &[&Observed<'_, S::Op>], into: &mut BTreeSet<World<S>>) {
    if open.is_empty() {
        into.insert(world.clone());
    }
    for (place, observed) in open.iter().enumerate() {
        let others: Vec<_> =
            open.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, o)| *o).collect();
        let (succeeds, state) = world.state.step(observed.op);
        if let Some(number) = observed.lost {
            for (there, state) in [(true, state), (false, world.state.clone())] {
                let mut next = World { state, there: world.there.clone() };
                next.there.insert(number, there);
                explore(&next, &others, into);
            }
        } else if succeeds == (observed.seen == Seen::Done) {
            explore(&World { state, there: world.there.clone() }, &others, into);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter: adding succeeds, and looking succeeds if it shows what it should.
    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Counter(u32);

    #[derive(Clone, Debug)]
    enum Op {
        Add(u32),
        Is(u32),
    }

    impl Spec for Counter {
        type Op = Op;

        fn step(&self, op: &Op) -> (bool, Counter) {
            match op {
                Op::Add(more) => (true, Counter(self.0 + more)),
                Op::Is(number) => (self.0 == *number, self.clone()),
            }
        }

        fn kind(op: &Op) -> &'static str {
            match op {
                Op::Add(_) => "add",
                Op::Is(_) => "is",
            }
        }
    }

    fn model() -> Model<Counter> {
        Model::new(Counter(0))
    }

    #[test]
    fn what_was_acknowledged_must_be_there() {
        let mut model = model();
        model.observe(&[(Op::Add(1), Seen::Done)]).unwrap();
        assert!(model.observe(&[(Op::Is(0), Seen::Done)]).is_err());
        let told = model.contradiction("wrong").0;
        assert_eq!(told, "wrong:\n  Add(1): Done\n  Is(0): Done");
    }

    #[test]
    fn what_was_lost_is_there_or_not_but_one_of_them_for_ever() {
        for (answer, fate) in [(Seen::Done, Fate::There), (Seen::Refused, Fate::Gone)] {
            let mut model = model();
            model.observe(&[(Op::Add(2), Seen::Lost)]).unwrap();
            model.observe(&[(Op::Is(2), answer)]).unwrap();
            assert_eq!(model.settle(), [("add", fate)]);
            let other = if answer == Seen::Done { Seen::Refused } else { Seen::Done };
            assert!(model.observe(&[(Op::Is(2), other)]).is_err());
        }
    }

    #[test]
    fn what_was_lost_is_never_there_by_half() {
        let mut model = model();
        model.observe(&[(Op::Add(2), Seen::Lost)]).unwrap();
        assert!(model.observe(&[(Op::Is(1), Seen::Done)]).is_err());
    }

    #[test]
    fn nothing_asked_means_nothing_known() {
        let mut model = model();
        model.observe(&[(Op::Add(1), Seen::Lost), (Op::Add(1), Seen::Lost)]).unwrap();
        model.observe(&[(Op::Is(1), Seen::Done)]).unwrap();
        assert_eq!(model.settle(), [("add", Fate::Unknown), ("add", Fate::Unknown)]);
        assert_eq!(model.settle(), []);
    }

    #[test]
    fn some_order_must_explain_what_happened_together() {
        for (looked, explained) in [(0, true), (1, true), (3, true), (2, true), (4, false)] {
            let together = [(Op::Add(1), Seen::Done), (Op::Add(2), Seen::Done), (Op::Is(looked), Seen::Done)];
            assert_eq!(model().observe(&together).is_ok(), explained, "{looked}");
        }
    }
}
