//! What was asked, when, what came back, and what the server's clocks said meanwhile.

use std::fmt;

use signet_protocol::{id::GrantId, time::Timestamp};

/// The place of a request in the history. What a request makes is known by it: a session by the login that began it, a
/// grant and its code by the request that issued them.
pub type OpId = usize;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// An authorization request waits for its person.
    Begin,
    /// Somebody signs in, in the browser that shows `cookie`.
    SignIn { user: usize, cookie: Option<OpId>, transaction: OpId },
    /// A browser asks for a code.
    Issue { cookie: Option<OpId>, transaction: Option<OpId>, offline: bool },
    /// A browser signs out.
    SignOut { cookie: OpId },
    /// A client redeems the code of `grant`.
    Redeem { grant: OpId },
    /// A client presents a refresh token.
    Refresh { grant: OpId, generation: i64 },
    /// A client revokes by a refresh token.
    Revoke { grant: OpId, generation: i64 },
    /// A client introspects a refresh token.
    Inspect { grant: OpId, generation: i64 },
    /// An administrator blocks a user.
    Block { user: usize },
    /// … and lets them in again.
    Unblock { user: usize },
    /// A node deletes what has expired.
    Sweep,
}

/// What the client saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Signed in, or a code.
    Made,
    /// Neither.
    NotMade,
    /// Tokens, with a refresh token of this generation if there is one.
    Tokens(Option<i64>),
    /// `invalid_grant`.
    Refused,
    /// It is done.
    Done,
    /// What introspection says.
    Active(bool),
}

/// A request in the history.
#[derive(Clone, Debug)]
pub struct Entry {
    pub op: Op,
    pub node: usize,
    /// Its place among all events.
    pub invoked: usize,
    /// What came back, and the place of that; nothing if the answer was lost or said nothing.
    pub returned: Option<(usize, Outcome)>,
    /// What the node's clock said when it arrived, and each time it was asked.
    pub arrived: Option<Timestamp>,
    pub readings: Vec<Timestamp>,
}

/// Everything that happened.
#[derive(Default)]
pub struct History {
    pub entries: Vec<Entry>,
    /// For people, in order.
    pub lines: Vec<String>,
    events: usize,
    pub probes: Vec<Probe>,
    pub promises: Vec<Promise>,
    /// What cannot be, seen while it ran.
    pub violations: Vec<String>,
}

/// An access token was introspected.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    pub grant: GrantId,
    /// Which token.
    pub token: usize,
    pub node: usize,
    pub invoked: usize,
    pub returned: usize,
    pub began: i64,
    pub active: bool,
    /// Inactive because it was revoked.
    pub denied: bool,
    /// When the node had begun its last look at what others wrote.
    pub followed: i64,
}

/// A node said that a grant is dead.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    pub grant: GrantId,
    pub node: usize,
    pub returned: usize,
}

impl History {
    /// The place of the next event.
    pub fn event(&mut self) -> usize {
        self.events += 1;
        self.events
    }

    pub fn note(&mut self, millis: i64, text: impl fmt::Display) {
        self.lines.push(format!("{:>9.3}s  {text}", millis as f64 / 1000.0));
    }

    pub fn invoke(&mut self, millis: i64, who: &'static str, node: usize, op: Op) -> OpId {
        let (id, invoked) = (self.entries.len(), self.event());
        self.note(millis, format_args!("#{id} {who} asks node {node}: {op:?}"));
        self.entries.push(Entry { op, node, invoked, returned: None, arrived: None, readings: Vec::new() });
        id
    }

    pub fn answer(&mut self, millis: i64, id: OpId, outcome: Outcome) {
        let returned = self.event();
        self.note(millis, format_args!("#{id} is told: {outcome:?}"));
        self.entries[id].returned = Some((returned, outcome));
    }

    /// The whole text, the same for the same seed.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}
