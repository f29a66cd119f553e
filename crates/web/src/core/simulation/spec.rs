//! The specification: one machine that does one thing at a time, written without looking at the core.

use std::collections::{BTreeMap, BTreeSet};

use signet_protocol::{time::Timestamp, transaction::TRANSACTION_EXPIRE};

use super::{
    history::{Op, OpId, Outcome},
    lab::{CODE_EXPIRE, REFRESH_TOKEN_EXPIRE},
};

/// A login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Login {
    user: usize,
    alive: bool,
}

/// What a user gave a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Grant {
    login: OpId,
    user: usize,
    offline: bool,
    dead: bool,
    code_ends: Timestamp,
    spent: bool,
    chain: Option<Chain>,
}

/// Its refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Chain {
    generation: i64,
    since: Timestamp,
    repeats: u32,
    ends: Timestamp,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Machine {
    blocked: BTreeSet<usize>,
    /// Those that wait for an answer, and when they end.
    waiting: BTreeMap<OpId, Timestamp>,
    logins: BTreeMap<OpId, Login>,
    grants: BTreeMap<OpId, Grant>,
}

/// What does not change during a run.
pub struct Terms {
    /// Seconds in which a refresh may be repeated, and how often.
    pub grace: i64,
    pub repeats: u32,
}

impl Machine {
    /// Does `op`, which is the request `id`; `decided` and `written` are what the clock said to it.
    pub fn step(
        &mut self,
        terms: &Terms,
        (id, op): (OpId, Op),
        decided: Timestamp,
        written: Timestamp,
    ) -> Outcome {
        match op {
            Op::Begin => {
                self.waiting.insert(id, Timestamp(written.0 + TRANSACTION_EXPIRE.0));
                Outcome::Done
            }
            Op::SignIn { user, cookie, transaction } => self.sign_in(id, user, cookie, transaction),
            Op::Issue { cookie, transaction, offline } => {
                self.issue((id, offline), cookie, transaction, written)
            }
            Op::SignOut { cookie } => {
                if let Some(login) = self.logins.get_mut(&cookie).filter(|login| login.alive) {
                    login.alive = false;
                    self.end_where(|grant| grant.login == cookie && !grant.offline);
                }
                Outcome::Done
            }
            Op::Redeem { grant } => self.redeem(grant, decided, written),
            Op::Refresh { grant, generation } => self.refresh(terms, (grant, generation), decided, written),
            Op::Revoke { grant, .. } => {
                if let Some(grant) = self.grants.get_mut(&grant).filter(|grant| grant.chain.is_some()) {
                    grant.dead = true;
                }
                Outcome::Done
            }
            Op::Inspect { grant, generation } => Outcome::Active(self.inspect(grant, generation, decided)),
            Op::Block { user } => {
                self.blocked.insert(user);
                self.logins.values_mut().filter(|login| login.user == user).for_each(|own| own.alive = false);
                self.end_where(|grant| grant.user == user);
                Outcome::Done
            }
            Op::Unblock { user } => {
                self.blocked.remove(&user);
                Outcome::Done
            }
            Op::Sweep => {
                for grant in self.grants.values_mut() {
                    grant.chain.take_if(|chain| chain.ends <= decided);
                }
                self.waiting.retain(|_, ends| ends.0 + 3600 > decided.0);
                Outcome::Done
            }
        }
    }

    fn sign_in(&mut self, id: OpId, user: usize, cookie: Option<OpId>, transaction: OpId) -> Outcome {
        if self.blocked.contains(&user) || !self.waiting.contains_key(&transaction) {
            return Outcome::NotMade;
        }
        let shown = cookie.and_then(|id| self.logins.get_mut(&id)).filter(|login| login.alive);
        let same = shown.map(|login| {
            login.alive = false;
            login.user == user
        });
        if same == Some(true) {
            let theirs = self.grants.values_mut().filter(|grant| Some(grant.login) == cookie);
            theirs.for_each(|grant| grant.login = id);
        } else if same == Some(false) {
            self.end_where(|grant| Some(grant.login) == cookie && !grant.offline);
        }
        self.logins.insert(id, Login { user, alive: true });
        Outcome::Made
    }

    fn issue(
        &mut self,
        (id, offline): (OpId, bool),
        cookie: Option<OpId>,
        transaction: Option<OpId>,
        now: Timestamp,
    ) -> Outcome {
        let login = cookie.and_then(|id| self.logins.get(&id)).filter(|login| login.alive);
        let (Some(login), Some(shown)) = (login, cookie) else { return Outcome::NotMade };
        if transaction.is_some_and(|id| self.waiting.remove(&id).is_none()) {
            return Outcome::NotMade;
        }
        let grant = Grant {
            login: shown,
            user: login.user,
            offline,
            dead: false,
            code_ends: Timestamp(now.0 + CODE_EXPIRE),
            spent: false,
            chain: None,
        };
        self.grants.insert(id, grant);
        Outcome::Made
    }

    fn redeem(&mut self, id: OpId, decided: Timestamp, written: Timestamp) -> Outcome {
        let Some(grant) = self.grants.get_mut(&id) else { return Outcome::Refused };
        if grant.spent {
            grant.dead = true;
            return Outcome::Refused;
        }
        if grant.dead || decided >= grant.code_ends || self.blocked.contains(&grant.user) {
            return Outcome::Refused;
        }
        grant.spent = true;
        let ends = Timestamp(written.0 + REFRESH_TOKEN_EXPIRE);
        grant.chain = grant.offline.then_some(Chain { generation: 0, since: written, repeats: 0, ends });
        Outcome::Tokens(grant.offline.then_some(0))
    }

    fn refresh(
        &mut self,
        terms: &Terms,
        (id, presented): (OpId, i64),
        decided: Timestamp,
        written: Timestamp,
    ) -> Outcome {
        let Some(grant) = self.grants.get_mut(&id) else { return Outcome::Refused };
        let dead = grant.dead || self.blocked.contains(&grant.user);
        let Some(chain) = grant.chain.as_mut().filter(|chain| !dead && decided < chain.ends) else {
            return Outcome::Refused;
        };
        match chain.generation - presented {
            ..=-1 => Outcome::Refused,
            0 => {
                (chain.generation, chain.since, chain.repeats) = (chain.generation + 1, written, 0);
                Outcome::Tokens(Some(chain.generation))
            }
            1 if decided.0 - chain.since.0 <= terms.grace => {
                if chain.repeats == terms.repeats {
                    return Outcome::Refused;
                }
                chain.repeats += 1;
                Outcome::Tokens(Some(chain.generation))
            }
            _ => {
                grant.dead = true;
                Outcome::Refused
            }
        }
    }

    fn inspect(&self, grant: OpId, generation: i64, now: Timestamp) -> bool {
        let alive = self.grants.get(&grant).filter(|row| !row.dead && !self.blocked.contains(&row.user));
        let chain = alive.and_then(|grant| grant.chain.as_ref());
        chain.is_some_and(|chain| chain.generation == generation && now < chain.ends)
    }

    fn end_where(&mut self, which: impl Fn(&Grant) -> bool) {
        self.grants.values_mut().filter(|grant| which(grant)).for_each(|grant| grant.dead = true);
    }
}
