//! The tables in memory: each operation is what the store's guarded batch is, and happens all at once.

use std::collections::BTreeMap;

use signet_protocol::{
    code::AuthorizationCode,
    grant::Grant,
    id::{CodeId, FamilyId, GrantId, SessionId, TransactionId, UserId},
    password::PasswordHash,
    refresh::{REPEATS_MAX, RefreshFamily},
    secret::SecretHash,
    session::Session,
    time::{Now, Timestamp},
    transaction::{Chosen, Ticket, Transaction},
    user::User,
};
use signet_store::{NewFamily, SignOut};

use super::faults::Fault;

/// Seconds that rows are kept beyond their end, as the store's sweeper keeps them.
const HOUR: i64 = 3600;
pub const DAY: i64 = 86_400;

/// The rows of one database.
#[derive(Clone, Default)]
pub struct Tables {
    /// What is wrong with it, if a test wants to see it found.
    pub fault: Option<Fault>,
    pub users: BTreeMap<UserId, User>,
    pub sessions: BTreeMap<SessionId, Session>,
    pub transactions: BTreeMap<TransactionId, Transaction>,
    pub grants: BTreeMap<GrantId, Grant>,
    pub families: BTreeMap<FamilyId, RefreshFamily>,
    pub codes: BTreeMap<CodeId, AuthorizationCode>,
    /// Denied grants: when that was written, and until when it is kept.
    pub denials: BTreeMap<GrantId, (Timestamp, Timestamp)>,
    /// When revocations were written, for the nodes that follow.
    pub changes: BTreeMap<u32, Timestamp>,
    /// How many changes were ever written.
    pub change_ids: u32,
}

impl Tables {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub fn user(&self, id: UserId) -> Option<User> {
        self.users.get(&id).cloned()
    }

    pub fn session(&self, id: SessionId) -> Option<Session> {
        self.sessions.get(&id).cloned()
    }

    pub fn transaction(&self, id: TransactionId) -> Option<Transaction> {
        self.transactions.get(&id).cloned()
    }

    pub fn insert_transaction(&mut self, transaction: Transaction) {
        self.transactions.insert(transaction.id, transaction);
    }

    pub fn begin_session(
        &mut self,
        session: &Session,
        password: Option<&PasswordHash>,
        replaces: Option<&Session>,
        transaction: Option<(TransactionId, Chosen)>,
        now: Now,
    ) -> bool {
        if !self.may_sign_in(session.user, password) {
            return false;
        }
        if let Some((id, chosen)) = transaction {
            let Some(row) = self.transactions.get_mut(&id).filter(|row| row.used_at.is_none()) else {
                return false;
            };
            (row.chosen, row.consent) = (Some(chosen), None);
        }
        self.replace(replaces, session, now);
        self.sessions.insert(session.id, session.clone());
        true
    }

    fn replace(&mut self, old: Option<&Session>, session: &Session, now: Now) {
        let Some(old) = old else { return };
        self.end(old.id, now);
        if old.user == session.user {
            let theirs = self.grants.values_mut().filter(|grant| grant.session == old.id);
            theirs.for_each(|grant| grant.session = session.id);
        } else {
            self.revoke_where(now, |grant| grant.session == old.id && !grant.offline);
            self.tell(now);
        }
    }

    fn is_alive(&self, session: SessionId) -> bool {
        self.sessions.get(&session).is_some_and(|row| row.ended_at.is_none())
    }

    pub fn give_ticket(&mut self, id: TransactionId, ticket: &Ticket) -> bool {
        let alive = self.is_alive(ticket.session);
        let row = self.transactions.get_mut(&id).filter(|row| alive && row.used_at.is_none());
        row.map(|row| row.trips.ticket = Some(*ticket)).is_some()
    }

    pub fn spend_ticket(
        &mut self,
        id: TransactionId,
        shown: &SecretHash,
        session: &Session,
        replaces: Option<&Session>,
        now: Now,
    ) -> bool {
        let alive = self.is_alive(session.id);
        let fits = |row: &Transaction| row.trips.ticket.is_some_and(|ticket| ticket.hash.matches(shown));
        let row = self.transactions.get_mut(&id).filter(|row| row.used_at.is_none() && alive && fits(row));
        let Some(row) = row else { return false };
        row.trips.ticket = None;
        self.replace(replaces, session, now);
        true
    }

    fn may_sign_in(&self, user: UserId, password: Option<&PasswordHash>) -> bool {
        let fits = |user: &&User| password.is_none_or(|verified| user.password.as_ref() == Some(verified));
        let free = self.users.get(&user).filter(fits).is_some_and(|user| !user.blocked);
        free || self.has(Fault::LoginOfTheBlocked)
    }

    pub fn begin_direct_login(
        &mut self,
        session: &Session,
        password: Option<&PasswordHash>,
        grant: &Grant,
        family: Option<&NewFamily>,
        now: Now,
    ) -> bool {
        if !self.may_sign_in(session.user, password) {
            return false;
        }
        self.sessions.insert(session.id, session.clone());
        self.grants.insert(grant.id, grant.clone());
        self.insert_family(family, grant, now);
        true
    }

    pub fn sign_out(&mut self, what: SignOut, now: Now) -> bool {
        let ends = |session: &Session| match what {
            SignOut::Session(id) => session.id == id,
            SignOut::Application(id, app) => session.id == id && session.application == Some(app),
            SignOut::User(user) => session.user == user,
            SignOut::UserApplication(user, app) => session.user == user && session.application == Some(app),
        };
        let ending: Vec<_> =
            self.sessions.values().filter(|session| ends(session)).map(|session| session.id).collect();
        let ended = ending.into_iter().filter(|id| self.end(*id, now)).count();
        if ended == 0 && matches!(what, SignOut::Session(_)) {
            return false;
        }
        if !self.has(Fault::LogoutLeavesGrants) {
            self.revoke_where(now, |grant| match what {
                SignOut::Session(_) => concerns(what, grant) && !grant.offline,
                SignOut::User(_) => concerns(what, grant),
                SignOut::Application(_, app) | SignOut::UserApplication(_, app) => {
                    concerns(what, grant) && grant.application == app
                }
            });
        }
        self.tell(now);
        true
    }

    fn end(&mut self, id: SessionId, now: Now) -> bool {
        let alive = self.sessions.get_mut(&id).filter(|session| session.ended_at.is_none());
        alive.map(|session| session.ended_at = Some(now.timestamp())).is_some()
    }

    pub fn issue_code(
        &mut self,
        code: &AuthorizationCode,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> bool {
        let issued = self.issue_grant(&code.grant, transaction, now);
        if issued {
            self.codes.insert(code.id, code.clone());
        }
        issued
    }

    pub fn issue_grant(&mut self, grant: &Grant, transaction: Option<TransactionId>, now: Now) -> bool {
        let issued = self.issue_nothing(grant.session, transaction, now);
        if issued {
            self.grants.insert(grant.id, grant.clone());
        }
        issued
    }

    pub fn issue_nothing(
        &mut self,
        session: SessionId,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> bool {
        let open = |id| self.transactions.get(id).is_some_and(|row| row.used_at.is_none());
        if !transaction.as_ref().is_none_or(open) && !self.has(Fault::TransactionUsedTwice) {
            return false;
        }
        if !self.is_alive(session) && !self.has(Fault::CodeWithoutSession) {
            return false;
        }
        if let Some(row) = transaction.and_then(|id| self.transactions.get_mut(&id)) {
            row.used_at = Some(now.timestamp());
        }
        true
    }

    pub fn code(&self, id: CodeId) -> Option<AuthorizationCode> {
        let code = self.codes.get(&id)?;
        Some(AuthorizationCode { grant: self.grants.get(&code.grant.id)?.clone(), ..code.clone() })
    }

    pub fn redeem_code(
        &mut self,
        id: CodeId,
        grant: GrantId,
        family: Option<&NewFamily>,
        until: Timestamp,
        now: Now,
    ) -> bool {
        let unspent = |code: &AuthorizationCode| code.grant.id == grant && code.consumed_at.is_none();
        if !self.codes.get(&id).is_some_and(unspent) && !self.has(Fault::CodeSpentTwice) {
            return false;
        }
        let Some(grant) = self.hold(grant, Some(family.map_or(until, |family| until.max(family.expires_at))))
        else {
            return false;
        };
        if let Some(code) = self.codes.get_mut(&id) {
            code.consumed_at = Some(now.timestamp());
        }
        self.insert_family(family, &grant, now);
        true
    }

    fn insert_family(&mut self, family: Option<&NewFamily>, grant: &Grant, now: Now) {
        if let Some(NewFamily { id, expires_at }) = family.copied() {
            let (grant, rotated_at) = (grant.clone(), now.timestamp());
            let row = RefreshFamily { id, grant, generation: 0, rotated_at, repeats: 0, expires_at };
            self.families.insert(id, row);
        }
    }

    /// The grant, if it is not revoked; it is kept until `until` at least, or as long as it is.
    fn hold(&mut self, id: GrantId, until: Option<Timestamp>) -> Option<Grant> {
        let careless = self.has(Fault::RefreshOfTheRevoked);
        let grant = self.grants.get_mut(&id).filter(|grant| grant.revoked_at.is_none() || careless)?;
        grant.expires_at = until.map_or(grant.expires_at, |until| until.max(grant.expires_at));
        Some(grant.clone())
    }

    pub fn refresh_family(&self, id: FamilyId) -> Option<RefreshFamily> {
        let mut family = self.families.get(&id)?.clone();
        family.grant = self.grants.get(&family.grant.id)?.clone();
        match self.fault {
            Some(Fault::NoGrace) => family.rotated_at = Timestamp(0),
            Some(Fault::EndlessGrace) => family.rotated_at = Timestamp(i64::MAX),
            Some(Fault::RefreshOfTheRevoked) => family.grant.revoked_at = None,
            _ => {}
        }
        Some(family)
    }

    pub fn rotate(
        &mut self,
        id: FamilyId,
        grant: GrantId,
        from: i64,
        until: impl Into<Option<Timestamp>>,
        now: Now,
    ) -> bool {
        let careless = self.has(Fault::RotatedTwice);
        let found = self.families.get(&id);
        if !found.is_some_and(|row| row.grant.id == grant && (row.generation == from || careless)) {
            return false;
        }
        if self.hold(grant, until.into()).is_none() {
            return false;
        }
        if let Some(row) = self.families.get_mut(&id) {
            (row.generation, row.rotated_at, row.repeats) = (row.generation + 1, now.timestamp(), 0);
        }
        true
    }

    pub fn repeat(
        &mut self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: impl Into<Option<Timestamp>>,
    ) -> bool {
        let fits = |row: &RefreshFamily| {
            row.grant.id == grant && row.generation == generation && row.repeats < REPEATS_MAX
        };
        if !self.families.get(&id).is_some_and(fits) || self.hold(grant, until.into()).is_none() {
            return false;
        }
        if let Some(row) = self.families.get_mut(&id) {
            row.repeats += 1;
        }
        true
    }

    pub fn reuse(
        &mut self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: impl Into<Option<Timestamp>>,
    ) -> bool {
        let there = |row: &RefreshFamily| row.grant.id == grant && row.generation == generation;
        self.families.get(&id).is_some_and(there) && self.hold(grant, until.into()).is_some()
    }

    pub fn revoke_grant(&mut self, id: GrantId, now: Now) -> bool {
        if self.has(Fault::NothingIsRevoked) {
            return true;
        }
        if self.grants.get(&id).is_none_or(|grant| grant.revoked_at.is_some()) {
            return false;
        }
        self.revoke_where(now, |grant| grant.id == id);
        self.tell(now);
        true
    }

    /// Blocks a user, with all they are signed in to and gave; or lets them in again.
    pub fn block(&mut self, id: UserId, blocked: bool, now: Now) {
        let Some(user) = self.users.get_mut(&id) else { return };
        (user.blocked, user.version, user.updated_at) = (blocked, user.version + 1, now.timestamp());
        if !blocked {
            return;
        }
        if !self.has(Fault::BlockedStaySignedIn) {
            let theirs = self.sessions.values_mut().filter(|row| row.user == id && row.ended_at.is_none());
            theirs.for_each(|row| row.ended_at = Some(now.timestamp()));
        }
        self.revoke_where(now, |grant| grant.user == id);
        self.tell(now);
    }

    /// Marks grants and denies them; one that was marked in the same second is denied already.
    fn revoke_where(&mut self, now: Now, which: impl Fn(&Grant) -> bool) {
        let now = now.timestamp();
        for grant in self.grants.values_mut().filter(|grant| which(grant)) {
            grant.revoked_at.get_or_insert(now);
            if grant.revoked_at == Some(now) {
                self.denials.entry(grant.id).or_insert((now, grant.expires_at));
            }
        }
    }

    fn tell(&mut self, now: Now) {
        self.change_ids += 1;
        self.changes.insert(self.change_ids, now.timestamp());
    }

    /// Deletes what has expired.
    pub fn sweep(&mut self, now: Now) {
        let (hour, day) = (now.timestamp().0 - HOUR, now.timestamp().0 - DAY);
        let now = now.timestamp();
        self.transactions.retain(|_, row| row.expires_at.0 > hour);
        self.codes.retain(|_, row| row.expires_at.0 > day);
        self.families.retain(|_, row| row.expires_at > now);
        self.grants.retain(|_, row| row.expires_at.0 > day);
        self.sessions.retain(|_, row| row.expires_at.0 > day);
        self.denials.retain(|_, (_, expires_at)| expires_at.0 > day);
        self.changes.retain(|_, at| at.0 > hour);
    }

    /// Every denial of these grants.
    pub fn denials_of(&self, which: impl Fn(&Grant) -> bool) -> Vec<(GrantId, Timestamp)> {
        let theirs = self.grants.values().filter(|grant| which(grant));
        theirs.filter_map(|grant| self.denials.get(&grant.id).map(|(_, ends)| (grant.id, *ends))).collect()
    }

    /// Every denial that is kept.
    pub fn denials_kept(&self, now: Timestamp) -> Vec<(GrantId, Timestamp)> {
        let alive = self.denials.iter().filter(|(_, (_, expires_at))| expires_at.0 > now.0 - DAY);
        alive.map(|(id, (_, expires_at))| (*id, *expires_at)).collect()
    }

    /// Every denial written at `since` or later.
    pub fn denials_since(&self, since: Timestamp) -> Vec<(GrantId, Timestamp)> {
        let new = self.denials.iter().filter(|(_, (at, _))| *at >= since);
        new.map(|(id, (_, expires_at))| (*id, *expires_at)).collect()
    }
}

/// Whether a grant is among those that somebody who signs out learns of.
pub fn concerns(what: SignOut, grant: &Grant) -> bool {
    match what {
        SignOut::Session(session) | SignOut::Application(session, _) => grant.session == session,
        SignOut::User(user) | SignOut::UserApplication(user, _) => grant.user == user,
    }
}
