//! The model against the store: the same random operations on both, and on both engines, give the same answers and rows.

use std::{collections::BTreeMap, sync::Arc};

use signet_protocol::{
    amr::Amr,
    authorize::{self, Issuing},
    claims_request::ClaimsRequest,
    grant::Grant,
    id::{CodeId, FamilyId, GrantId, RowId, SessionId, TransactionId, UserId},
    opaque::Opaque,
    password::PasswordHash,
    resource::GrantItems,
    scope::Scope,
    secret::SecretHash,
    session::Session,
    time::{Now, Seconds, Timestamp},
    transaction::{Chosen, TICKET_EXPIRE, Ticket, Transaction, Trips},
    user::User,
};
use signet_store::{Applied, Change, Clock, Database, MasterKey, NewFamily, Options, SignOut, Store};
use signet_testkit::{postgres::fresh_database, seed::Seeded};

use super::{
    executor::Sim,
    lab::{self, Lab},
    model::{DAY, Tables, concerns},
    world::NOON,
};

const SEEDS: u64 = 6;
const OPERATIONS: usize = 300;
/// Answers are compared always, every row after so many operations.
const ROWS_AFTER: usize = 20;

/// The password of everybody, and one that nobody has any more.
const PASSWORD: &str =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const FORMER: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$DTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

/// Both, and every id that was ever used.
struct Pair {
    store: Store,
    tables: Tables,
    memory: BTreeMap<GrantId, Timestamp>,
    random: Sim,
    seed: Seeded,
    now: Now,
    users: Vec<UserId>,
    sessions: Vec<SessionId>,
    transactions: Vec<TransactionId>,
    tickets: Vec<(TransactionId, Ticket)>,
    codes: Vec<CodeId>,
    grants: Vec<GrantId>,
    families: Vec<FamilyId>,
}

fn at(seconds: i64) -> Now {
    Now::from_millis((NOON + seconds) * 1000)
}

#[tokio::test]
async fn the_model_is_the_store_on_sqlite() {
    for seed in 1..=SEEDS {
        let directory = tempfile::tempdir().unwrap();
        compare(seed, Database::Sqlite(directory.path().join("signet.db"))).await;
    }
}

#[tokio::test]
async fn the_model_is_the_store_on_postgres() {
    for seed in 1..=SEEDS {
        compare(seed, Database::Postgres(fresh_database())).await;
    }
}

async fn compare(seed: u64, database: Database) {
    let mut pair = Pair::open(seed, database).await;
    for _ in 0..OPERATIONS / ROWS_AFTER {
        let mut done = Vec::new();
        for _ in 0..ROWS_AFTER {
            done.push(pair.operate().await);
        }
        for (model, store) in pair.memory_and_rows().into_iter().zip(pair.stored().await) {
            assert_eq!(model, store, "seed {seed}, after {}", done.join("\n"));
        }
    }
    pair.store.close().await;
}

impl Pair {
    async fn open(number: u64, database: Database) -> Pair {
        let mut seed = Seeded(number);
        let clock = Clock::new(|| at(0));
        let options = Options { database, master_key: MasterKey::generate(&mut seed), clock };
        let store = Store::open(options, at(0), &mut seed).await.unwrap();
        let mut pair = Pair {
            store,
            tables: Tables::default(),
            memory: BTreeMap::new(),
            random: Sim::new(number),
            seed,
            now: at(0),
            users: vec![UserId::generate(at(0), &mut seed)],
            sessions: vec![SessionId::from_bytes([0; 16])],
            transactions: vec![TransactionId::from_bytes([0; 16])],
            tickets: Vec::new(),
            codes: vec![CodeId::from_bytes([0; 16])],
            grants: vec![GrantId::from_bytes([0; 16])],
            families: vec![FamilyId::from_bytes([0; 16])],
        };
        for id in ["c00000000000000000000001", "c00000000000000000000002"] {
            let password = Some(PasswordHash::parse(PASSWORD).unwrap());
            let user =
                User { password, updated_at: at(0).timestamp(), ..lab::user(pair.store.pool().id, id) };
            let done = pair.store.apply(vec![Change::InsertUser(user.clone())], at(0), &mut seed).await;
            assert_eq!(done, Ok(Applied::Done));
            pair.users.push(user.id);
            pair.tables.users.insert(user.id, user);
        }
        pair
    }

    /// One of those that were ever used, the newer the likelier; the first was never stored.
    fn one_of<T: Copy>(&self, list: &[T]) -> T {
        let last = i64::try_from(list.len()).unwrap() - 1;
        let oldest = if self.random.chance(70) { (last - 3).max(0) } else { 0 };
        list[self.random.between(oldest, last).unsigned_abs() as usize]
    }

    fn id<Id: RowId>(&mut self) -> Id {
        Id::generate(self.now, &mut self.seed)
    }

    /// Does one thing to both, sees that both answer the same, and says what it was.
    async fn operate(&mut self) -> String {
        let steps = [1, 60, 3600, DAY];
        let step = steps[(self.random.between(0, 9) - 6).max(0).unsigned_abs() as usize];
        let seconds = self.random.between(-step / 4, step);
        self.now = Now::from_millis(self.now.millis() + seconds * 1000);
        match self.random.between(0, 18) {
            0 => self.wait().await,
            1 | 2 => self.sign_in().await,
            3 => self.sign_out().await,
            4..=6 => self.issue().await,
            7 | 8 => self.redeem().await,
            9 => self.rotate().await,
            10 => self.repeat().await,
            11 => self.revoke().await,
            12 => self.block().await,
            13 | 14 => self.give_ticket().await,
            15 => self.spend_ticket().await,
            16 => self.sign_in_directly().await,
            17 => self.reuse().await,
            _ => self.sweep().await,
        }
    }

    async fn wait(&mut self) -> String {
        let row = Transaction {
            id: self.id(),
            pool: self.store.pool().id,
            issuer: Lab::shared().issuer.id(),
            application: Lab::shared().app(false).application().id,
            params: "client_id=x".to_owned(),
            browser: None,
            chosen: None,
            consent: None,
            trips: Trips::default(),
            created_at: self.now.timestamp(),
            expires_at: self.now.timestamp().plus(Seconds(3600)),
            used_at: None,
        };
        self.transactions.push(row.id);
        self.store.insert_transaction(&row).await.unwrap();
        self.tables.insert_transaction(row);
        "a transaction waits".to_owned()
    }

    fn session(&mut self) -> Session {
        let token = Opaque::<SessionId>::generate(self.now, &mut self.seed);
        Session {
            id: token.id,
            hash: token.hash(),
            pool: self.store.pool().id,
            user: self.one_of(&self.users),
            application: None,
            auth_time: self.now.timestamp(),
            amr: Amr::PASSWORD,
            expires_at: self.now.timestamp().plus(Seconds(4 * DAY)),
            ended_at: None,
        }
    }

    async fn sign_in(&mut self) -> String {
        let session = self.session();
        let replaced = self.tables.session(self.one_of(&self.sessions));
        let chosen = Chosen { session: session.id, by_login: self.random.chance(50) };
        let transaction = self.random.chance(50).then(|| (self.one_of(&self.transactions), chosen));
        let now = self.now;
        let password = self.password();
        let password = password.as_ref();
        let model = self.tables.begin_session(&session, password, replaced.as_ref(), transaction, now);
        let store = self.store.begin_session(&session, password, replaced.as_ref(), transaction, now).await;
        assert_eq!(store, Ok(model), "begin_session");
        self.sessions.push(session.id);
        let another = replaced.as_ref().is_some_and(|old| old.user != session.user);
        if model && another {
            self.memory.extend(self.tables.denials_since(now.timestamp()));
        }
        format!("{model} {session:?} replaces {replaced:?} in {transaction:?}")
    }

    async fn give_ticket(&mut self) -> String {
        let (id, session) = (self.one_of(&self.transactions), self.one_of(&self.sessions));
        let hash = SecretHash::of("transaction", &self.id::<SessionId>().bytes());
        let ticket = Ticket { hash, session, expires_at: self.now.timestamp().plus(TICKET_EXPIRE) };
        let model = self.tables.give_ticket(id, &ticket);
        assert_eq!(self.store.give_ticket(id, &ticket).await, Ok(model), "give_ticket");
        self.tickets.push((id, ticket));
        format!("{model} ticket of {id:?} for {session:?}")
    }

    async fn spend_ticket(&mut self) -> String {
        let session = |id| self.tables.session(id);
        let Some((id, ticket)) = (!self.tickets.is_empty()).then(|| self.one_of(&self.tickets)) else {
            return "no ticket".to_owned();
        };
        let Some(lent) = session(ticket.session) else { return "no session".to_owned() };
        let replaced = session(self.one_of(&self.sessions)).filter(|old| old.id != lent.id);
        let now = self.now;
        let model = self.tables.spend_ticket(id, &ticket.hash, &lent, replaced.as_ref(), now);
        let store = self.store.spend_ticket(id, ticket.hash, &lent, replaced.as_ref(), now).await;
        assert_eq!(store, Ok(model), "spend_ticket");
        let another = replaced.as_ref().is_some_and(|old| old.user != lent.user);
        if model && another {
            self.memory.extend(self.tables.denials_since(now.timestamp()));
        }
        format!("{model} spend the ticket of {id:?} for {:?}, replacing {replaced:?}", lent.id)
    }

    /// What was verified at a login: theirs as a rule, one they no longer have, or something else than a password.
    fn password(&self) -> Option<PasswordHash> {
        let hash = [Some(PASSWORD), Some(PASSWORD), Some(FORMER), None];
        self.one_of(&hash).map(|text| PasswordHash::parse(text).unwrap())
    }

    async fn sign_in_directly(&mut self) -> String {
        let (session, now) = (self.session(), self.now);
        let app = Lab::shared().app(false).application();
        let grant = Grant {
            id: self.id(),
            pool: session.pool,
            issuer: Lab::shared().issuer.id(),
            application: app.id,
            user: session.user,
            session: session.id,
            sid: session.id,
            scope: Scope::parse("openid offline_access").unwrap(),
            items: GrantItems::default(),
            offline: self.random.chance(50),
            auth_time: now.timestamp(),
            amr: session.amr,
            claims: ClaimsRequest::default(),
            created_at: now.timestamp(),
            expires_at: now.timestamp().plus(Seconds(2 * DAY)),
            revoked_at: None,
        };
        let family = NewFamily { id: self.id(), expires_at: now.timestamp().plus(Seconds(DAY)) };
        let (password, family) = (self.password(), self.random.chance(50).then_some(family));
        let (password, chain) = (password.as_ref(), family.as_ref());
        let model = self.tables.begin_direct_login(&session, password, &grant, chain, now);
        let store = self.store.begin_direct_login(&session, password, &grant, chain, now).await;
        assert_eq!(store, Ok(model), "begin_direct_login");
        self.sessions.push(session.id);
        self.grants.push(grant.id);
        self.families.extend(family.map(|family| family.id));
        format!("{model} {session:?} directly gives {grant:?} and {family:?}")
    }

    async fn sign_out(&mut self) -> String {
        let (id, now) = (self.one_of(&self.sessions), self.now);
        let user = self.tables.session(id).map(|session| session.user);
        let grants: Vec<_> = self.tables.grants.values().map(|grant| grant.application).collect();
        let application = (!grants.is_empty()).then(|| self.one_of(&grants));
        let what = match (self.one_of(&[0, 0, 1, 2, 3]), user, application) {
            (1, _, Some(application)) => SignOut::Application(id, application),
            (2, Some(user), _) => SignOut::User(user),
            (3, Some(user), Some(application)) => SignOut::UserApplication(user, application),
            _ => SignOut::Session(id),
        };
        let model = self.tables.sign_out(what, now);
        assert_eq!(self.store.sign_out(what, now).await, Ok(model), "{what:?}");
        self.learn(model, |grant| concerns(what, grant));
        self.learn(false, |grant| concerns(what, grant));
        format!("{model} {what:?}")
    }

    fn learn(&mut self, done: bool, whose: impl Fn(&signet_protocol::grant::Grant) -> bool) {
        let known = match done {
            true => self.tables.denials_since(self.now.timestamp()),
            false => self.tables.denials_of(whose),
        };
        self.memory.extend(known);
    }

    async fn issue(&mut self) -> String {
        let Some(session) = self.tables.session(self.one_of(&self.sessions)) else {
            return "no session".to_owned();
        };
        let app = Lab::shared().app(false);
        let user = Lab::shared().users[0].clone();
        let request = app.request(self.random.chance(50));
        let from = Issuing {
            issuer: &Lab::shared().issuer,
            allowed: &app.allowed,
            user: &app
                .application()
                .admit(Arc::new(User { id: session.user, ..user }).active().unwrap())
                .unwrap(),
            session: &session,
            request,
            addressee: &app.addressee,
            scope: authorize::granted_scope(request, app.application()),
            items: GrantItems::default(),
        };
        let mut code = authorize::issue_code(from, self.now, &mut self.seed).row;
        code.grant.pool = self.store.pool().id;
        let transaction = self.random.chance(30).then(|| self.one_of(&self.transactions));
        let (what, now) = (self.random.between(0, 9), self.now);
        let (model, store) = match what {
            0 => (
                self.tables.issue_nothing(session.id, transaction, now),
                self.store.issue_nothing(session.id, transaction, now).await,
            ),
            1 => (
                self.tables.issue_grant(&code.grant, transaction, now),
                self.store.issue_grant(&code.grant, transaction, now).await,
            ),
            _ => (
                self.tables.issue_code(&code, transaction, now),
                self.store.issue_code(&code, transaction, now).await,
            ),
        };
        assert_eq!(store, Ok(model), "issue {what}");
        self.codes.push(code.id);
        self.grants.push(code.grant.id);
        format!("{model} issue {what} {:?} for {:?}", code.id, session.id)
    }

    async fn redeem(&mut self) -> String {
        let (id, now) = (self.one_of(&self.codes), self.now);
        let own = self.tables.code(id).map(|code| code.grant.id);
        let grant = own.filter(|_| self.random.chance(90)).unwrap_or_else(|| self.one_of(&self.grants));
        let expires_at = now.timestamp().plus(Seconds(2 * DAY));
        let family = self.random.chance(80).then(|| NewFamily { id: self.id(), expires_at });
        let until = now.timestamp().plus(Seconds(3600));
        let model = self.tables.redeem_code(id, grant, family.as_ref(), until, now);
        let store = self.store.redeem_code(id, grant, family.as_ref(), until, now).await;
        assert_eq!(store, Ok(model), "redeem_code");
        self.families.extend(family.map(|family| family.id));
        format!("{model} redeem {id:?} of {grant:?}")
    }

    /// A chain, its grant, and a generation near the one it is at.
    fn chain(&self) -> (FamilyId, GrantId, i64) {
        let id = self.one_of(&self.families);
        let row = self.tables.refresh_family(id);
        let (own, generation) = row.map_or((None, 0), |row| (Some(row.grant.id), row.generation));
        let grant = own.filter(|_| self.random.chance(90)).unwrap_or_else(|| self.one_of(&self.grants));
        (id, grant, generation - if self.random.chance(80) { 0 } else { self.random.between(-1, 1) })
    }

    async fn rotate(&mut self) -> String {
        let ((id, grant, from), now) = (self.chain(), self.now);
        let until = now.timestamp().plus(Seconds(3600));
        let model = self.tables.rotate(id, grant, from, until, now);
        assert_eq!(self.store.rotate(id, grant, from, until, now).await, Ok(model), "rotate");
        format!("{model} rotate {id:?} of {grant:?} from {from}")
    }

    async fn reuse(&mut self) -> String {
        let (id, grant, generation) = self.chain();
        let until = self.now.timestamp().plus(Seconds(3 * DAY));
        let model = self.tables.reuse(id, grant, generation, until);
        assert_eq!(self.store.reuse(id, grant, generation, until).await, Ok(model), "reuse");
        format!("{model} reuse {id:?} of {grant:?} at {generation}")
    }

    async fn repeat(&mut self) -> String {
        let (id, grant, generation) = self.chain();
        let until = self.now.timestamp().plus(Seconds(3600));
        // Sometimes so often that it is too often.
        let times = if self.random.chance(20) { 101 } else { 1 };
        for _ in 0..times {
            let model = self.tables.repeat(id, grant, generation, until);
            assert_eq!(self.store.repeat(id, grant, generation, until).await, Ok(model), "repeat");
        }
        format!("repeat {id:?} of {grant:?} at {generation}, {times} times")
    }

    async fn revoke(&mut self) -> String {
        let (id, now) = (self.one_of(&self.grants), self.now);
        let model = self.tables.revoke_grant(id, now);
        assert_eq!(self.store.revoke_grant(id, now).await, Ok(model), "revoke_grant");
        self.learn(model, |grant| grant.id == id);
        format!("{model} revoke {id:?}")
    }

    async fn block(&mut self) -> String {
        let (id, blocked) = (self.one_of(&self.users), self.random.chance(40));
        let Some(user) = self.store.user(id).await.unwrap() else { return "no user".to_owned() };
        let change = Change::UpdateUser(User { blocked, ..User::clone(&user) });
        let done = self.store.apply(vec![change], self.now, &mut self.seed).await;
        assert_eq!(done, Ok(Applied::Done));
        self.tables.block(id, blocked, self.now);
        if blocked {
            self.learn(true, |_| false);
            self.learn(false, |grant| grant.user == id);
        }
        format!("block {id:?}: {blocked}")
    }

    async fn sweep(&mut self) -> String {
        self.store.sweep(self.now).await.unwrap();
        self.tables.sweep(self.now);
        let kept = self.now.timestamp().0 - DAY;
        self.memory.retain(|_, expires_at| expires_at.0 > kept);
        "sweep".to_owned()
    }

    /// What the model holds of everything that was ever used.
    fn memory_and_rows(&self) -> Vec<String> {
        let tables = &self.tables;
        let users = self.users.iter().map(|id| format!("{:?}", tables.user(*id)));
        let sessions = self.sessions.iter().map(|id| format!("{:?}", tables.session(*id)));
        let transactions = self.transactions.iter().map(|id| format!("{:?}", tables.transaction(*id)));
        let codes = self.codes.iter().map(|id| format!("{:?}", tables.code(*id)));
        let families = self.families.iter().map(|id| format!("{:?}", tables.refresh_family(*id)));
        let denied = self.grants.iter().map(|id| format!("{id:?} {}", self.memory.contains_key(id)));
        users.chain(sessions).chain(transactions).chain(codes).chain(families).chain(denied).collect()
    }

    /// What the store holds of it.
    async fn stored(&self) -> Vec<String> {
        let (store, mut rows) = (&self.store, Vec::new());
        for id in &self.users {
            rows.push(format!("{:?}", store.user(*id).await.unwrap()));
        }
        for id in &self.sessions {
            rows.push(format!("{:?}", store.session(*id).await.unwrap()));
        }
        for id in &self.transactions {
            rows.push(format!("{:?}", store.transaction(*id).await.unwrap()));
        }
        for id in &self.codes {
            rows.push(format!("{:?}", store.code(*id).await.unwrap()));
        }
        for id in &self.families {
            rows.push(format!("{:?}", store.refresh_family(*id).await.unwrap()));
        }
        rows.extend(self.grants.iter().map(|id| format!("{id:?} {}", store.is_revoked(Some(*id), "any"))));
        rows
    }
}
