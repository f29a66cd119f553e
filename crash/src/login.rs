//! The specification of one person's browser: its sessions, and what they gave a client.

use std::collections::BTreeMap;

use crate::model::Spec;

/// Everything that hangs off the logins of one browser, by the numbers its client gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    /// Whether each session is alive.
    sessions: BTreeMap<u32, bool>,
    grants: BTreeMap<u32, Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    /// None: one of its own, which no browser holds.
    session: Option<u32>,
    /// Whether it outlives its session, and has refresh tokens.
    offline: bool,
    /// Whether its code was redeemed, if it has one.
    used: bool,
    revoked: bool,
    /// The generation of the unused refresh token.
    generation: u32,
}

/// What a browser and its client ask.
#[derive(Clone, Debug)]
pub enum Op {
    /// The password, in a browser where `replaces` may be signed in.
    SignIn { session: u32, replaces: Option<u32> },
    /// An authorization request; it succeeds with the code of a grant.
    Authorize { session: u32, grant: u32, offline: bool },
    /// Name and password at the token endpoint; it succeeds with the tokens of a grant.
    PasswordMode { grant: u32, offline: bool },
    /// The redemption of a grant's code.
    Redeem { grant: u32 },
    /// The use of a refresh token.
    Refresh { grant: u32, generation: u32 },
    /// The revocation of any token of a grant.
    Revoke { grant: u32 },
    /// The end of a session.
    SignOut { session: u32 },
    /// Whether an access token is live: user info or introspection.
    Look { grant: u32 },
    /// Whether a refresh token is the unused one: introspection.
    LookRefresh { grant: u32, generation: u32 },
}

impl Spec for Login {
    type Op = Op;

    fn step(&self, op: &Op) -> (bool, Login) {
        let mut next = self.clone();
        let succeeds = next.apply(op);
        (succeeds, next)
    }

    fn kind(op: &Op) -> &'static str {
        match op {
            Op::SignIn { .. } => "login",
            Op::Authorize { .. } => "authorization",
            Op::PasswordMode { .. } => "password mode",
            Op::Redeem { .. } => "code redemption",
            Op::Refresh { .. } => "refresh",
            Op::Revoke { .. } => "revocation",
            Op::SignOut { .. } => "logout",
            Op::Look { .. } => "look at an access token",
            Op::LookRefresh { .. } => "look at a refresh token",
        }
    }
}

impl Login {
    fn apply(&mut self, op: &Op) -> bool {
        match *op {
            Op::SignIn { session, replaces } => self.sign_in(session, replaces),
            Op::Authorize { session, grant, offline } => self.authorize(session, grant, offline),
            Op::PasswordMode { grant, offline } => {
                let new = Grant { session: None, offline, used: true, revoked: false, generation: 0 };
                self.grants.insert(grant, new);
                true
            }
            Op::SignOut { session } => self.sign_out(session),
            Op::Redeem { grant } => self.grants.get_mut(&grant).is_some_and(Grant::redeem),
            Op::Refresh { grant, generation } => {
                self.grants.get_mut(&grant).is_some_and(|grant| grant.refresh(generation))
            }
            Op::Revoke { grant } => {
                self.grants.entry(grant).and_modify(|grant| grant.revoked = true);
                true
            }
            Op::Look { grant } => self.grants.get(&grant).is_some_and(|grant| !grant.revoked),
            Op::LookRefresh { grant, generation } => {
                let unused = |grant: &Grant| !grant.revoked && grant.generation == generation;
                self.grants.get(&grant).is_some_and(unused)
            }
        }
    }

    /// What was given in a replaced session hangs off the new one.
    fn sign_in(&mut self, session: u32, replaces: Option<u32>) -> bool {
        self.sessions.insert(session, true);
        if let Some(old) = replaces.filter(|old| self.sessions.get(old) == Some(&true)) {
            self.sessions.insert(old, false);
            for grant in self.grants.values_mut().filter(|grant| grant.session == Some(old)) {
                grant.session = Some(session);
            }
        }
        true
    }

    fn authorize(&mut self, session: u32, grant: u32, offline: bool) -> bool {
        let alive = self.sessions.get(&session) == Some(&true);
        if alive {
            let session = Some(session);
            let new = Grant { session, offline, used: false, revoked: false, generation: 0 };
            self.grants.insert(grant, new);
        }
        alive
    }

    fn sign_out(&mut self, session: u32) -> bool {
        if self.sessions.insert(session, false) == Some(true) {
            let ends = |grant: &&mut Grant| grant.session == Some(session) && !grant.offline;
            self.grants.values_mut().filter(ends).for_each(|grant| grant.revoked = true);
        }
        true
    }
}

impl Grant {
    /// A second use revokes what the first one gave (RFC 6749 §4.1.2).
    fn redeem(&mut self) -> bool {
        self.revoked |= self.used;
        let succeeds = !self.used && !self.revoked;
        self.used |= succeeds;
        succeeds
    }

    /// The unused token moves the chain on, the one before it gives the same successor again, anything older is a fork.
    fn refresh(&mut self, generation: u32) -> bool {
        if self.revoked || generation > self.generation {
            return false;
        }
        if generation == self.generation {
            self.generation += 1;
        } else if generation + 1 < self.generation {
            self.revoked = true;
        }
        !self.revoked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, Seen::*};

    const SIGN_IN: Op = Op::SignIn { session: 0, replaces: None };
    const ONLINE: Op = Op::Authorize { session: 0, grant: 0, offline: false };
    const OFFLINE: Op = Op::Authorize { session: 0, grant: 0, offline: true };
    const REDEEM: Op = Op::Redeem { grant: 0 };
    const REVOKE: Op = Op::Revoke { grant: 0 };
    const SIGN_OUT: Op = Op::SignOut { session: 0 };
    const LOOK: Op = Op::Look { grant: 0 };

    fn refresh(generation: u32) -> Op {
        Op::Refresh { grant: 0, generation }
    }

    /// The place of the first group that cannot be; each group happens together.
    fn wrong(history: &[&[(Op, crate::model::Seen)]]) -> Option<usize> {
        let mut model = Model::new(Login::default());
        model.observe(&[(SIGN_IN, Done)]).unwrap();
        history.iter().position(|together| model.observe(together).is_err())
    }

    /// Of one request after the other.
    fn wrong_in_turn(history: &[(Op, crate::model::Seen)]) -> Option<usize> {
        wrong(&history.iter().map(std::slice::from_ref).collect::<Vec<_>>())
    }

    #[test]
    fn good_histories_are_good() {
        let chain = [(OFFLINE, Done), (REDEEM, Done), (refresh(0), Done), (refresh(0), Done)];
        for rest in [
            vec![(refresh(1), Done), (refresh(0), Refused), (LOOK, Refused), (refresh(2), Refused)],
            vec![(SIGN_OUT, Done), (LOOK, Done), (refresh(1), Done), (ONLINE, Refused)],
            vec![(REVOKE, Done), (LOOK, Refused), (refresh(1), Refused), (ONLINE, Done)],
            vec![(REVOKE, Lost), (LOOK, Done), (refresh(1), Done)],
            vec![(refresh(1), Lost), (refresh(1), Done), (refresh(2), Done)],
            vec![(SIGN_OUT, Lost), (ONLINE, Done)],
            vec![(REDEEM, Refused), (LOOK, Refused)],
        ] {
            assert_eq!(wrong_in_turn(&[&chain[..], &rest].concat()), None, "{rest:?}");
        }
    }

    #[test]
    fn a_session_that_was_acknowledged_or_ended_stays_so() {
        assert_eq!(wrong_in_turn(&[(ONLINE, Refused)]), Some(0));
        assert_eq!(wrong_in_turn(&[(SIGN_OUT, Done), (ONLINE, Done)]), Some(1));
        assert_eq!(wrong_in_turn(&[(SIGN_OUT, Lost), (ONLINE, Refused), (ONLINE, Done)]), Some(2));
        let again = Op::SignIn { session: 1, replaces: Some(0) };
        assert_eq!(wrong_in_turn(&[(again.clone(), Done), (ONLINE, Done)]), Some(1));
        let half = [(ONLINE, Done), (REDEEM, Done), (SIGN_OUT, Lost), (LOOK, Refused), (ONLINE, Done)];
        assert_eq!(wrong_in_turn(&half), Some(4), "a logout by half");
    }

    #[test]
    fn a_code_is_redeemed_once() {
        assert_eq!(wrong_in_turn(&[(ONLINE, Done), (REDEEM, Refused)]), Some(1));
        assert_eq!(wrong_in_turn(&[(ONLINE, Done), (REDEEM, Done), (REDEEM, Done)]), Some(2));
        let across = [(ONLINE, Done), (REDEEM, Lost), (REDEEM, Done), (REDEEM, Done)];
        assert_eq!(wrong_in_turn(&across), Some(3));
        assert_eq!(wrong(&[&[(ONLINE, Done)], &[(REDEEM, Done), (REDEEM, Done)]]), Some(1));
        let twice: &[_] = &[(REDEEM, Done), (REDEEM, Refused)];
        assert_eq!(wrong(&[&[(ONLINE, Done)], twice, &[(LOOK, Refused)]]), None);
        assert_eq!(wrong(&[&[(ONLINE, Done)], twice, &[(LOOK, Done)]]), Some(2), "what it gave is revoked");
    }

    #[test]
    fn a_chain_goes_on_where_it_was_acknowledged() {
        let begin = [(OFFLINE, Done), (REDEEM, Done), (refresh(0), Done)];
        for (rest, place) in [
            (vec![(refresh(1), Refused)], 3),
            (vec![(refresh(2), Done)], 3),
            (vec![(Op::LookRefresh { grant: 0, generation: 0 }, Done)], 3),
            (vec![(refresh(1), Done), (refresh(0), Done)], 4),
            (vec![(refresh(1), Done), (refresh(0), Refused), (refresh(2), Done)], 5),
            (vec![(refresh(1), Done), (refresh(0), Refused), (LOOK, Done)], 5),
        ] {
            assert_eq!(wrong_in_turn(&[&begin[..], &rest].concat()), Some(place), "{rest:?}");
        }
    }

    #[test]
    fn the_password_mode_gives_what_no_browser_ends() {
        let (online, offline) = (false, true);
        let again = Op::SignIn { session: 1, replaces: Some(0) };
        let tokens = |offline| (Op::PasswordMode { grant: 0, offline }, Done);
        for (offline, rest, place) in [
            (online, vec![(SIGN_OUT, Done), (LOOK, Done), (REVOKE, Done), (LOOK, Refused)], None),
            (online, vec![(again, Done), (Op::SignOut { session: 1 }, Done), (LOOK, Refused)], Some(3)),
            (online, vec![(LOOK, Refused)], Some(1)),
            (online, vec![(REVOKE, Lost), (LOOK, Refused), (LOOK, Done)], Some(3)),
            (offline, vec![(refresh(0), Done), (refresh(1), Lost), (refresh(1), Done)], None),
            (offline, vec![(refresh(0), Refused)], Some(1)),
            (offline, vec![(REDEEM, Done)], Some(1)),
        ] {
            assert_eq!(wrong_in_turn(&[&[tokens(offline)], &rest[..]].concat()), place, "{rest:?}");
        }
        assert_eq!(wrong_in_turn(&[(Op::PasswordMode { grant: 0, offline }, Refused)]), Some(0));
    }

    #[test]
    fn what_was_revoked_stays_revoked() {
        let begin = [(OFFLINE, Done), (REDEEM, Done)];
        for (rest, place) in [
            (vec![(REVOKE, Done), (LOOK, Done)], 3),
            (vec![(REVOKE, Done), (refresh(0), Done)], 3),
            (vec![(REVOKE, Lost), (LOOK, Refused), (refresh(0), Done)], 4),
            (vec![(REVOKE, Lost), (refresh(0), Done), (LOOK, Refused)], 4),
            (vec![(REVOKE, Lost), (LOOK, Refused), (LOOK, Done)], 4),
            (vec![(SIGN_OUT, Done), (LOOK, Refused)], 3),
        ] {
            assert_eq!(wrong_in_turn(&[&begin[..], &rest].concat()), Some(place), "{rest:?}");
        }
        assert_eq!(wrong_in_turn(&[(ONLINE, Done), (REDEEM, Done), (SIGN_OUT, Done), (LOOK, Done)]), Some(3));
    }
}
