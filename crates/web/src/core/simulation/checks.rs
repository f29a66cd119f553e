//! What must hold in every run, besides that its history can be explained.

use std::rc::Rc;

use signet_protocol::refresh::{GRACE_CONFIDENTIAL, GRACE_PUBLIC, REPEATS_MAX};

use super::{
    history::{Entry, Op, Outcome, Probe},
    linear,
    spec::Terms,
    world::World,
};

/// Milliseconds within which a node follows another when nothing is in the way: its half second and two quick looks.
const FOLLOWS_WITHIN: i64 = 500 + 4 * 150;

/// An access token was introspected.
pub fn probed(world: &World, probe: &Probe) {
    let history = world.history.borrow();
    let earlier = |denied: &&Probe| denied.token == probe.token && denied.node == probe.node && denied.denied;
    let revived = history.probes.iter().any(|old| earlier(&old) && old.returned < probe.invoked);
    let promised = history.promises.iter().any(|promise| {
        promise.grant == probe.grant && promise.node == probe.node && promise.returned < probe.invoked
    });
    drop(history);
    if !probe.active {
        return;
    }
    if revived {
        world.violation(format!("token {} came back to life at node {}", probe.token, probe.node));
    }
    if promised {
        world.violation(format!(
            "node {} said that the grant of token {} is revoked, and now that it is active",
            probe.node, probe.token
        ));
    }
    let Some(died) = world.dead_since.borrow().get(&probe.grant).copied() else { return };
    let followed = probe.followed > died;
    let quiet = !world.profile.storms && world.profile.database_loss == 0;
    let late = quiet && !world.profile.embedded && probe.began > died + FOLLOWS_WITHIN;
    if !world.profile.wild_clocks && (followed || late) && probe.began > died {
        world.violation(format!("node {} does not know that token {} is revoked", probe.node, probe.token));
    }
}

/// An honest client was refused. `aged`: its chain is so old that it may have ended.
pub fn refused(world: &World, outcome: Outcome, aged: bool) {
    if world.profile.is_kind() && !aged && outcome == Outcome::Refused {
        world.violation("a client was signed out that did nothing wrong".to_owned());
    }
}

/// At the end, when everything has been quiet: what is revoked is known everywhere, unless it has ended.
pub fn everybody_knows(world: &Rc<World>) {
    let revoked: Vec<_> = {
        let tables = world.tables.borrow();
        tables.grants.values().filter(|grant| grant.revoked_at.is_some()).cloned().collect()
    };
    for node in (0..world.profile.nodes).filter(|node| world.is_up(*node)) {
        let now = world.clock(node).timestamp();
        for grant in revoked.iter().filter(|grant| now < grant.expires_at) {
            if !world.denies(node, grant.id) {
                world.violation(format!("node {node} never learned that a grant is revoked"));
            }
        }
    }
    let tables = world.tables.borrow();
    for session in tables.sessions.values().filter(|session| session.ended_at.is_none()) {
        if tables.users.get(&session.user).is_some_and(|user| user.blocked) {
            world.violation("a blocked user is signed in".to_owned());
        }
    }
    for grant in tables.grants.values().filter(|grant| grant.revoked_at.is_none() && !grant.offline) {
        let alive = tables.sessions.get(&grant.session).is_some_and(|row| row.ended_at.is_none());
        if !alive {
            world.violation("a grant that does not outlive its session has outlived it".to_owned());
        }
    }
}

/// Everything that is checked when a run is over.
pub fn finally(world: &World) {
    once_only(world);
    let history = world.history.borrow();
    let violations = [after_a_fork(world, &history.entries), after_a_block(&history.entries)];
    let unexplained = unexplained(world, &history.entries);
    drop(history);
    for violation in violations.into_iter().flatten().chain(unexplained) {
        world.violation(violation);
    }
}

fn once_only(world: &World) {
    if world.spent.borrow().values().any(|times| *times > 1) {
        world.violation("a code was spent twice".to_owned());
    }
    if world.rotated.borrow().values().any(|times| *times > 1) {
        world.violation("a generation has two successors".to_owned());
    }
}

fn grace(world: &World) -> i64 {
    if world.profile.public { GRACE_PUBLIC.0 } else { GRACE_CONFIDENTIAL.0 }
}

fn unexplained(world: &World, entries: &[Entry]) -> Option<String> {
    let terms = Terms { grace: grace(world), repeats: u32::try_from(REPEATS_MAX).unwrap() };
    linear::explain(&terms, entries).err()
}

/// A token two generations old, or one generation and older than the grace window, was presented: whoever it was, the
/// grant is dead by the time of the answer.
fn after_a_fork(world: &World, entries: &[Entry]) -> Option<String> {
    if world.profile.wild_clocks {
        return None;
    }
    let refreshes = entries.iter().filter_map(|entry| match entry.op {
        Op::Refresh { grant, generation } => Some((grant, generation, entry)),
        _ => None,
    });
    for (grant, generation, entry) in refreshes {
        let Some((answered, outcome)) = entry.returned else { continue };
        if !is_out_of_turn(entries, grant, generation, entry, grace(world)) {
            continue;
        }
        let later = entries.iter().any(|later| {
            let same = matches!(later.op, Op::Refresh { grant: own, .. } if own == grant);
            let given = matches!(later.returned, Some((_, Outcome::Tokens(_))));
            same && given && later.invoked > answered
        });
        if outcome != Outcome::Refused || later {
            return Some(format!(
                "generation {generation} of #{grant} was used out of turn, and the grant lives"
            ));
        }
    }
    None
}

fn is_out_of_turn(entries: &[Entry], grant: usize, generation: i64, entry: &Entry, grace: i64) -> bool {
    let given = |other: &&Entry| {
        let same = matches!(other.op, Op::Refresh { grant: own, .. } if own == grant);
        same && other.returned.is_some_and(|(at, _)| at < entry.invoked)
    };
    let newest = |other: &Entry| match other.returned {
        Some((_, Outcome::Tokens(Some(given)))) => given,
        _ => -1,
    };
    let earlier: Vec<_> = entries.iter().filter(given).collect();
    let overtaken = earlier.iter().any(|other| newest(other) >= generation + 2);
    let asked = entry.readings.iter().min();
    let late = earlier.iter().filter(|other| newest(other) == generation + 1).any(|other| {
        let told = other.readings.iter().max();
        asked.zip(told).is_some_and(|(asked, told)| asked.0 - told.0 > grace + 1)
    });
    overtaken || late
}

/// Whoever is blocked gets nothing that was asked for after that was said.
fn after_a_block(entries: &[Entry]) -> Option<String> {
    let user_of = |entry: &Entry| match entry.op {
        Op::SignIn { user, .. } => Some(user),
        Op::Issue { cookie, .. } => cookie.and_then(|id| login_of(entries, id)),
        Op::Redeem { grant } | Op::Refresh { grant, .. } => match entries[grant].op {
            Op::Issue { cookie, .. } => cookie.and_then(|id| login_of(entries, id)),
            _ => None,
        },
        _ => None,
    };
    for block in entries {
        let (Op::Block { user }, Some((answered, _))) = (block.op, block.returned) else { continue };
        // Whoever lets them in at the same time may be the later.
        let over = |entry: &&Entry| entry.returned.is_some_and(|(at, _)| at < block.invoked);
        let freed = entries.iter().filter(|entry| entry.op == Op::Unblock { user } && !over(entry));
        let until = freed.map(|entry| entry.invoked).min().unwrap_or(usize::MAX);
        let given = entries.iter().find(|entry| {
            let during = entry.invoked > answered && entry.returned.is_some_and(|(at, _)| at < until);
            let outcome = entry.returned.map(|(_, outcome)| outcome);
            let got = matches!(outcome, Some(Outcome::Made | Outcome::Tokens(_)));
            during && got && user_of(entry) == Some(user)
        });
        if given.is_some() {
            return Some(format!("user {user} is blocked and was given something"));
        }
    }
    None
}

fn login_of(entries: &[Entry], id: usize) -> Option<usize> {
    match entries[id].op {
        Op::SignIn { user, .. } => Some(user),
        _ => None,
    }
}
