//! Nodes, their clocks and memories, the database between them, and the network in front of them.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::Future,
    rc::Rc,
};

use signet_protocol::{
    entropy::Entropy,
    id::{CodeId, FamilyId, GrantId, UserId},
    time::{Now, Timestamp},
    user::User,
};
use signet_store::StoreError;
use signet_testkit::seed::Seeded;

use super::{
    executor::{Owner, Reply, Sim},
    faults::Fault,
    history::{History, Op, OpId, Outcome},
    lab::Lab,
    model::{DAY, Tables},
    profile::Profile,
};

/// When every simulation begins, in seconds.
pub const NOON: i64 = 1_800_000_000;
/// What the store's follower does, in its words.
const EVERY: i64 = 500;
const LOOK_BACK: i64 = 120;
const START_OVER: u32 = 120;

/// All there is.
pub struct World {
    pub sim: Sim,
    pub profile: Profile,
    pub lab: &'static Lab,
    pub users: [UserId; 2],
    pub tables: RefCell<Tables>,
    pub history: RefCell<History>,
    nodes: Vec<Server>,
    snapshot: RefCell<Tables>,
    /// How often each code was spent, and each chain moved on from each generation.
    pub spent: RefCell<BTreeMap<CodeId, u32>>,
    pub rotated: RefCell<BTreeMap<(FamilyId, i64), u32>>,
    /// When each grant was found revoked in the tables.
    pub dead_since: RefCell<BTreeMap<GrantId, i64>>,
    /// Set when the actors have finished, so that what runs for ever ends.
    pub closing: Cell<bool>,
}

/// A node between two crashes or across them.
struct Server {
    up: Cell<bool>,
    /// Milliseconds its clock is ahead.
    ahead: Cell<i64>,
    denied: RefCell<BTreeMap<GrantId, Timestamp>>,
    /// When the last look at what others wrote began that succeeded.
    followed: Cell<i64>,
    /// Rings when something was revoked.
    bell: Reply<()>,
}

impl World {
    pub fn new(seed: u64, fault: Option<Fault>) -> Rc<World> {
        let sim = Sim::new(seed);
        let profile = Profile::choose(&sim, fault);
        let lab = Lab::shared();
        let mut tables = Tables { fault, ..Tables::default() };
        tables.users = lab.users.iter().map(|user| (user.id, user.clone())).collect();
        let server = |_| Server {
            up: Cell::new(false),
            ahead: Cell::new(if profile.nodes == 1 { 0 } else { sim.between(-500, 500) }),
            denied: RefCell::default(),
            followed: Cell::new(0),
            bell: Reply::default(),
        };
        let nodes = (0..profile.nodes).map(server).collect();
        let world = Rc::new(World {
            users: [lab.users[0].id, lab.users[1].id],
            snapshot: RefCell::new(tables.clone()),
            tables: RefCell::new(tables),
            history: RefCell::default(),
            spent: RefCell::default(),
            rotated: RefCell::default(),
            dead_since: RefCell::default(),
            closing: Cell::new(false),
            sim,
            profile,
            lab,
            nodes,
        });
        world.note(format_args!("{:?}", world.profile));
        for node in 0..world.profile.nodes {
            world.start(node);
        }
        world
    }

    pub fn note(&self, text: impl std::fmt::Display) {
        self.history.borrow_mut().note(self.sim.millis(), text);
    }

    pub fn violation(&self, text: String) {
        self.note(format_args!("VIOLATION: {text}"));
        self.history.borrow_mut().violations.push(text);
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.profile.fault == Some(fault)
    }

    /// What the clock of a node says.
    pub fn clock(&self, node: usize) -> Now {
        Now::from_millis(NOON * 1000 + self.sim.millis() + self.nodes[node].ahead.get())
    }

    pub fn set_clock(&self, node: usize, ahead: i64) {
        self.note(format_args!("the clock of node {node} is now {ahead} ms ahead"));
        self.nodes[node].ahead.set(ahead);
    }

    pub fn is_up(&self, node: usize) -> bool {
        self.nodes[node].up.get()
    }

    pub fn denies(&self, node: usize, grant: GrantId) -> bool {
        self.nodes[node].denied.borrow().contains_key(&grant)
    }

    pub fn forget(&self, node: usize, now: Timestamp) {
        let kept = if self.has(Fault::SweptAtOnce) { now.0 } else { now.0 - DAY };
        self.nodes[node].denied.borrow_mut().retain(|_, expires_at| expires_at.0 > kept);
    }

    pub fn followed(&self, node: usize) -> i64 {
        self.nodes[node].followed.get()
    }

    /// A user as they were in the beginning, where reads may be as old as that.
    pub fn stale_user(&self, id: UserId) -> Option<User> {
        let stale = self.profile.stale_users && self.sim.chance(50);
        self.lab.users.iter().find(|user| stale && user.id == id).cloned()
    }

    /// Everything in the memory of a node is gone, and every task of it, wherever it waits.
    pub fn crash(&self, node: usize) {
        self.note(format_args!("node {node} crashes"));
        self.nodes[node].up.set(false);
        self.nodes[node].denied.borrow_mut().clear();
        self.sim.kill(Owner(node));
        if self.has(Fault::CrashLosesRows) {
            *self.tables.borrow_mut() = self.snapshot.borrow().clone();
        }
    }

    /// Keeps what a crash that loses rows goes back to.
    pub fn checkpoint(&self) {
        *self.snapshot.borrow_mut() = self.tables.borrow().clone();
    }

    /// Starts a node: it answers when it has read what was revoked.
    pub fn start(self: &Rc<Self>, node: usize) {
        let world = Rc::clone(self);
        self.sim.spawn(Owner(node), async move {
            let database = Database { world: Rc::clone(&world), node };
            while !world.closing.get() {
                let now = world.clock(node).timestamp();
                if world.has(Fault::RestartForgets) || database.start_over(now).await.is_ok() {
                    break;
                }
            }
            world.note(format_args!("node {node} is up"));
            world.nodes[node].up.set(true);
            if !world.profile.embedded && !world.has(Fault::NobodyFollows) {
                follow(&world, &database).await;
            }
        });
    }

    /// Sends a request through the network and waits for the answer. `None`: it did not come in time.
    pub async fn send<T: 'static, F>(
        self: &Rc<Self>,
        patience: i64,
        node: usize,
        serve: impl FnOnce(Database) -> F + 'static,
    ) -> Option<T>
    where
        F: Future<Output = Option<T>> + 'static,
    {
        let (reply, handler) = (Reply::default(), Rc::new(Cell::new(0)));
        let (world, answer, running) = (Rc::clone(self), reply.clone(), Rc::clone(&handler));
        self.sim.spawn(Owner::WORLD, async move {
            world.sim.sleep(world.profile.network(&world.sim)).await;
            if world.sim.chance(world.profile.loss) || !world.is_up(node) {
                return;
            }
            let database = Database { world: Rc::clone(&world), node };
            let work = serve(database);
            let inner = Rc::clone(&world);
            running.set(world.sim.spawn(Owner(node), async move {
                let Some(value) = work.await else { return };
                inner.sim.sleep(inner.profile.network(&inner.sim)).await;
                if !inner.sim.chance(inner.profile.loss) {
                    answer.fill(&inner.sim, value);
                }
            }));
        });
        let value = reply.within(&self.sim, patience).await;
        // Whoever gives up closes the connection, and the handler may be dropped where it waits.
        if value.is_none() && self.sim.chance(50) {
            self.sim.abort(handler.get());
        }
        value
    }

    /// A request that is part of the history.
    pub async fn ask<T: 'static, F>(
        self: &Rc<Self>,
        (who, patience): (&'static str, i64),
        op: Op,
        serve: impl FnOnce(Request) -> F + 'static,
    ) -> Option<(OpId, T)>
    where
        F: Future<Output = Option<(T, Outcome)>> + 'static,
    {
        let node = self.profile.pick_node(&self.sim);
        let id = self.history.borrow_mut().invoke(self.sim.millis(), who, node, op);
        let entropy = self.sim.number();
        let serve = move |database: Database| {
            let arrived = database.world.clock(node).timestamp();
            database.world.history.borrow_mut().entries[id].arrived = Some(arrived);
            serve(Request { database, id, entropy: Cell::new(entropy) })
        };
        let (value, outcome) = self.send(patience, node, serve).await?;
        self.history.borrow_mut().answer(self.sim.millis(), id, outcome);
        Some((id, value))
    }

    /// Whether more requests may begin: histories stay short enough to be searched.
    pub fn has_room(&self) -> bool {
        self.history.borrow().entries.len() < 44
    }

    /// Runs an operation on the tables, and notes which grants have died of it.
    fn change<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        let mut tables = self.tables.borrow_mut();
        let before = tables.change_ids;
        let value = work(&mut tables);
        if tables.change_ids > before {
            let mut dead = self.dead_since.borrow_mut();
            for grant in tables.grants.values().filter(|grant| grant.revoked_at.is_some()) {
                dead.entry(grant.id).or_insert(self.sim.millis());
            }
            self.nodes.iter().for_each(|node| node.bell.fill(&self.sim, ()));
        }
        value
    }

    /// Lets what runs for ever end.
    pub fn close(&self) {
        self.closing.set(true);
        self.nodes.iter().for_each(|node| node.bell.fill(&self.sim, ()));
    }
}

/// The database as one node reaches it.
#[derive(Clone)]
pub struct Database {
    pub world: Rc<World>,
    pub node: usize,
}

impl Database {
    /// Runs one operation: some time later it happens, or never; some time later the answer comes, or it is lost.
    pub async fn run<T: 'static>(
        &self,
        work: impl FnOnce(&mut Tables) -> T + 'static,
    ) -> Result<T, StoreError> {
        let reply = Reply::default();
        let (world, answer) = (Rc::clone(&self.world), reply.clone());
        // What was sent to a server may happen after its sender has died; an embedded database dies with it.
        let owner = if world.profile.embedded { Owner(self.node) } else { Owner::WORLD };
        self.world.sim.spawn(owner, async move {
            let (sim, profile) = (&world.sim, &world.profile);
            sim.sleep(profile.database(sim)).await;
            let (never, lost) = (sim.chance(profile.database_loss), sim.chance(profile.database_loss));
            let value = if never { None } else { Some(world.change(work)) };
            sim.sleep(profile.database(sim)).await;
            let value = value.filter(|_| !lost);
            answer.fill(sim, value.ok_or_else(|| StoreError::Unavailable("the connection broke".to_owned())));
        });
        reply.wait(&self.world.sim).await
    }

    /// A write that is told to this node's memory before its call returns, whoever still waits for that.
    pub async fn commit(
        &self,
        now: Now,
        work: impl FnOnce(&mut Tables) -> bool + 'static,
    ) -> Result<bool, StoreError> {
        let reply = Reply::default();
        let (own, answer) = (self.clone(), reply.clone());
        self.world.sim.spawn(Owner(self.node), async move {
            let outcome = match own.run(work).await {
                Ok(true) if !own.world.has(Fault::MemoryIsNotTold) => {
                    own.pull(now.timestamp()).await.map(|()| true)
                }
                outcome => outcome,
            };
            answer.fill(&own.world.sim, outcome);
        });
        reply.wait(&self.world.sim).await
    }

    /// Reads denials into this node's memory.
    pub async fn learn(
        &self,
        which: impl FnOnce(&mut Tables) -> Vec<(GrantId, Timestamp)> + 'static,
    ) -> Result<(), StoreError> {
        let known = self.run(which).await?;
        self.world.nodes[self.node].denied.borrow_mut().extend(known);
        Ok(())
    }

    async fn pull(&self, since: Timestamp) -> Result<(), StoreError> {
        self.learn(move |tables| tables.denials_since(since)).await
    }

    async fn start_over(&self, now: Timestamp) -> Result<(), StoreError> {
        self.learn(move |tables| tables.denials_kept(now)).await
    }
}

/// The store's follower. It looks when there is something to see, up to half a second late, and once a minute anyway.
async fn follow(world: &Rc<World>, database: &Database) {
    let (sim, own) = (&world.sim, &world.nodes[database.node]);
    let mut newest = world.clock(database.node).timestamp().0;
    let (mut seen, mut behind, mut started_over) = (BTreeMap::new(), false, sim.millis());
    while !world.closing.get() {
        if !behind {
            own.bell.within(sim, started_over + i64::from(START_OVER) * EVERY - sim.millis()).await;
        }
        sim.sleep(if behind { EVERY } else { sim.between(0, EVERY) }).await;
        let began = sim.millis();
        let now = world.clock(database.node).timestamp();
        let over = behind || began - started_over >= i64::from(START_OVER) * EVERY;
        behind = true;
        if over {
            if database.start_over(now).await.is_err() {
                continue;
            }
            started_over = began;
        }
        let since = newest - LOOK_BACK;
        let list = move |tables: &mut Tables| {
            let new = tables.changes.iter().filter(|(_, at)| at.0 >= since);
            new.map(|(id, at)| (*id, *at)).collect::<Vec<_>>()
        };
        let Ok(mut rows) = database.run(list).await else { continue };
        rows.retain(|(id, _)| !seen.contains_key(id));
        rows.sort_by_key(|(_, at)| *at);
        if let Some((_, first)) = rows.first()
            && database.pull(*first).await.is_err()
        {
            continue;
        }
        for (id, at) in rows {
            seen.insert(id, at.0);
            newest = newest.max(at.0.min(now.0));
        }
        seen.retain(|_, at| *at >= newest - LOOK_BACK);
        behind = false;
        own.followed.set(began);
    }
}

/// A request on a node: what the core runs on.
pub struct Request {
    pub database: Database,
    pub id: OpId,
    entropy: Cell<u64>,
}

impl Request {
    pub fn world(&self) -> &Rc<World> {
        &self.database.world
    }

    /// The node's clock, remembered as what this request was told.
    pub fn read_clock(&self) -> Now {
        let now = self.world().clock(self.database.node);
        self.world().history.borrow_mut().entries[self.id].readings.push(now.timestamp());
        now
    }

    pub fn randomness(&self) -> impl Entropy {
        let seed = Seeded(self.entropy.get()).next_u64();
        self.entropy.set(seed);
        Seeded(seed)
    }

    /// Promises, when the answer is given, that `which` grants are dead for whoever asks this node later.
    pub fn promise(&self, which: impl Fn(&signet_protocol::grant::Grant) -> bool) -> BTreeSet<GrantId> {
        let tables = self.world().tables.borrow();
        tables.grants.values().filter(|grant| which(grant)).map(|grant| grant.id).collect()
    }
}
