//! What kind of world a seed makes.

use super::{executor::Sim, faults::Fault};

/// What may happen in one run.
#[derive(Clone, Debug)]
pub struct Profile {
    pub nodes: usize,
    /// The database dies and starts with its one node, and never loses an answer otherwise.
    pub embedded: bool,
    /// The client does not authenticate: a shorter grace window.
    pub public: bool,
    /// In a hundred: messages of the network that are lost.
    pub loss: i64,
    /// In a hundred: database operations that never happen, and answers that are lost.
    pub database_loss: i64,
    /// The database can take long.
    pub storms: bool,
    pub crashes: bool,
    /// Clocks are set forwards and backwards by hours.
    pub wild_clocks: bool,
    pub thief: bool,
    pub administrator: bool,
    /// Clients revoke.
    pub revoker: bool,
    /// A user may be read as they were in the beginning, whatever has happened: nothing may hang on that read alone.
    pub stale_users: bool,
    pub fault: Option<Fault>,
}

impl Profile {
    pub fn choose(sim: &Sim, fault: Option<Fault>) -> Profile {
        let embedded = sim.chance(35) && fault != Some(Fault::NothingIsLearned);
        // A fault is looked for where it can show.
        let needs = |faults: &[Fault]| fault.is_some_and(|fault| faults.contains(&fault));
        Profile {
            nodes: if embedded || sim.chance(20) { 1 } else { 2 },
            embedded,
            public: sim.chance(40),
            loss: [0, 0, 5, 15][sim.between(0, 3).unsigned_abs() as usize],
            database_loss: if embedded || sim.chance(50) { 0 } else { 4 },
            storms: sim.chance(20),
            crashes: sim.chance(40),
            wild_clocks: sim.chance(25) || needs(&[Fault::SweptAtOnce]),
            thief: sim.chance(45),
            administrator: sim.chance(35) || needs(&[Fault::LoginOfTheBlocked]),
            revoker: sim.chance(35) || needs(&[Fault::SweptAtOnce, Fault::NothingIsLearned]),
            stale_users: sim.chance(20),
            fault,
        }
    }

    /// Nothing but lost messages and crashes: then nobody is signed out who did nothing wrong.
    pub fn is_kind(&self) -> bool {
        !(self.storms || self.wild_clocks || self.thief || self.administrator || self.revoker)
    }

    /// Milliseconds that a message takes.
    pub fn network(&self, sim: &Sim) -> i64 {
        if sim.chance(10) { sim.between(0, 800) } else { sim.between(0, 40) }
    }

    /// Milliseconds until the database does something, and again until its answer is there.
    pub fn database(&self, sim: &Sim) -> i64 {
        match sim.between(1, 100) {
            1..=3 if self.storms => sim.between(0, 30_000),
            1..=10 => sim.between(0, 150),
            _ => sim.between(0, 8),
        }
    }

    pub fn pick_node(&self, sim: &Sim) -> usize {
        if self.nodes == 1 { 0 } else { usize::from(sim.chance(50)) }
    }
}
