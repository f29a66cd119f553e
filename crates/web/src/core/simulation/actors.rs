//! Who does what: people with two tabs, clients that retry, a thief, an administrator, and misfortune.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};

use signet_protocol::{
    id::{GrantId, TransactionId},
    time::Timestamp,
};

use super::{
    executor::{Owner, Reply},
    history::{Op, OpId, Outcome, Probe, Promise},
    lab::REFRESH_TOKEN_EXPIRE,
    serve::Given,
    world::{Request, World},
};

/// A browser; its tabs share its cookie.
#[derive(Default)]
struct Browser {
    cookie: RefCell<Option<(String, OpId)>>,
}

/// Where the processes of a client keep the newest refresh token.
struct Storage {
    grant: OpId,
    token: RefCell<String>,
    /// The client has given up; nobody uses it any more.
    given_up: Cell<bool>,
    begun: i64,
}

/// What the actors share.
pub struct Stage {
    world: Rc<World>,
    busy: Cell<usize>,
    finished: Reply<()>,
    storages: RefCell<Vec<Rc<Storage>>>,
    codes: RefCell<Vec<(String, OpId)>>,
    /// Access tokens: the grant, and when they end.
    tokens: RefCell<Vec<(GrantId, Timestamp)>>,
}

const SECOND: i64 = 1000;

/// Puts everybody to work and ends the world when they have finished.
pub fn begin(world: &Rc<World>) -> Rc<Stage> {
    let stage = Rc::new(Stage {
        world: Rc::clone(world),
        busy: Cell::new(0),
        finished: Reply::default(),
        storages: RefCell::default(),
        codes: RefCell::default(),
        tokens: RefCell::default(),
    });
    let sim = &world.sim;
    for person in 0..sim.between(1, 2) {
        let browser = Rc::new(Browser::default());
        for _ in 0..sim.between(1, 2) {
            stage.act(tab(Rc::clone(&stage), Rc::clone(&browser), person.unsigned_abs() as usize));
        }
    }
    if world.profile.thief {
        stage.act(thief(Rc::clone(&stage)));
    }
    if world.profile.administrator {
        stage.act(administrator(Rc::clone(&stage)));
    }
    if world.profile.revoker {
        stage.act(revoker(Rc::clone(&stage)));
    }
    stage.act(prober(Rc::clone(&stage)));
    stage.act(misfortune(Rc::clone(&stage)));
    let (end, own) = (Rc::clone(&stage), Rc::clone(world));
    sim.spawn(Owner::WORLD, async move {
        end.finished.wait(&own.sim).await;
        own.sim.sleep(if own.profile.wild_clocks { 125 } else { 65 } * SECOND).await;
        super::checks::everybody_knows(&own);
        own.close();
    });
    stage
}

impl Stage {
    fn act(self: &Rc<Self>, part: impl Future<Output = ()> + 'static) {
        let own = Rc::clone(self);
        self.busy.set(self.busy.get() + 1);
        self.world.sim.spawn(Owner::WORLD, async move {
            part.await;
            own.busy.set(own.busy.get() - 1);
            if own.busy.get() == 0 {
                own.finished.fill(&own.world.sim, ());
            }
        });
    }

    async fn pause(&self, from: i64, to: i64) {
        self.world.sim.sleep(self.world.sim.between(from, to)).await;
    }

    fn maybe(&self, percent: i64) -> bool {
        self.world.sim.chance(percent)
    }

    fn one_of<T: Clone>(&self, list: &RefCell<Vec<T>>) -> Option<T> {
        let list = list.borrow();
        let last = i64::try_from(list.len()).unwrap() - 1;
        if last < 0 {
            None
        } else {
            Some(list[self.world.sim.between(0, last).unsigned_abs() as usize].clone())
        }
    }

    /// Asks once, and keeps what the answer says.
    async fn ask<F>(
        &self,
        who: &'static str,
        op: Op,
        serve: impl FnOnce(Request) -> F + 'static,
    ) -> Option<(OpId, Given, Outcome)>
    where
        F: Future<Output = Option<(Given, Outcome)>> + 'static,
    {
        let world = &self.world;
        let (id, given) = world.ask((who, SECOND), op, serve).await?;
        let mut history = world.history.borrow_mut();
        let (node, returned) = (history.entries[id].node, history.entries[id].returned);
        let (returned, outcome) = returned?;
        let promises = given.dead.iter().map(|grant| Promise { grant: *grant, node, returned });
        history.promises.extend(promises);
        self.tokens.borrow_mut().extend(given.access);
        Some((id, given, outcome))
    }

    /// Introspects access token `token` at `node`, as the validity function does: its end, its revocation, its user.
    async fn probe(self: &Rc<Self>, token: usize, node: usize) {
        let world = &self.world;
        let (invoked, began) = (world.history.borrow_mut().event(), world.sim.millis());
        let (grant, ends) = self.tokens.borrow()[token];
        let look = async move |database: super::world::Database| {
            let world = Rc::clone(&database.world);
            let (denied, followed) = (world.denies(node, grant), world.followed(node));
            let active = world.clock(node).timestamp() < ends && !denied;
            let owner = world.tables.borrow().grants.get(&grant).map(|row| row.user)?;
            let stale = world.stale_user(owner);
            let user = database.run(move |tables| stale.or_else(|| tables.user(owner))).await.ok()??;
            Some((active && !user.blocked, denied, followed))
        };
        if let Some((active, denied, followed)) = world.send(SECOND, node, look).await {
            world.note(format_args!("node {node} says of token {token}: active {active}, denied {denied}"));
            let returned = world.history.borrow_mut().event();
            let probe = Probe { grant, token, node, invoked, returned, began, active, denied, followed };
            super::checks::probed(world, &probe);
            world.history.borrow_mut().probes.push(probe);
        }
    }

    /// Introspects a token of a grant everywhere.
    async fn probe_everywhere(self: &Rc<Self>) {
        let count = i64::try_from(self.tokens.borrow().len()).unwrap();
        if count > 0 {
            let token = self.world.sim.between(0, count - 1).unsigned_abs() as usize;
            for node in 0..self.world.profile.nodes {
                self.probe(token, node).await;
            }
        }
    }
}

/// A person signs in when asked to, gets a code for a client, and sometimes signs out.
async fn tab(stage: Rc<Stage>, browser: Rc<Browser>, person: usize) {
    for _ in 0..stage.world.sim.between(1, 3) {
        stage.pause(0, 90 * SECOND).await;
        if !stage.world.has_room() {
            return;
        }
        visit(&stage, &browser, person).await;
        if stage.maybe(30) {
            sign_out(&stage, &browser).await;
        }
    }
}

async fn visit(stage: &Rc<Stage>, browser: &Rc<Browser>, person: usize) {
    let offline = stage.maybe(70);
    if issue(stage, browser, None, offline).await || !stage.world.has_room() {
        return;
    }
    // Now and then it is somebody else who signs in.
    let user = if stage.maybe(15) { 1 - person } else { person };
    let begun = stage.ask("a person", Op::Begin, Request::begin).await;
    let Some((number, Given { transaction: Some(id), .. }, _)) = begun else { return };
    let transaction = (number, id);
    for _ in 0..2 {
        if sign_in(stage, browser, user, transaction).await {
            break;
        }
    }
    if stage.maybe(20) {
        // A double click.
        let (own, same) = (Rc::clone(stage), Rc::clone(browser));
        stage.act(async move {
            issue(&own, &same, Some(transaction), offline).await;
        });
    }
    if stage.maybe(10) {
        // The other tab signs out meanwhile.
        let (own, same) = (Rc::clone(stage), Rc::clone(browser));
        stage.act(async move {
            own.pause(0, 50).await;
            sign_out(&own, &same).await;
        });
    }
    issue(stage, browser, Some(transaction), offline).await;
}

async fn sign_in(
    stage: &Rc<Stage>,
    browser: &Browser,
    user: usize,
    (number, transaction): (OpId, TransactionId),
) -> bool {
    let shown = browser.cookie.borrow().clone();
    let op = Op::SignIn { user, cookie: shown.as_ref().map(|(_, id)| *id), transaction: number };
    let id = stage.world.users[user];
    let cookie = shown.map(|(text, _)| text);
    if stage.world.profile.administrator && stage.maybe(15) {
        // At the very moment somebody blocks them.
        let own = Rc::clone(stage);
        stage.act(async move {
            own.pause(0, 50).await;
            block(&own, user).await;
        });
    }
    let answer = stage.ask("a person", op, move |request| request.sign_in(id, cookie, transaction)).await;
    let Some((id, Given { text: Some(text), .. }, _)) = answer else { return false };
    *browser.cookie.borrow_mut() = Some((text, id));
    true
}

async fn issue(
    stage: &Rc<Stage>,
    browser: &Browser,
    transaction: Option<(OpId, TransactionId)>,
    offline: bool,
) -> bool {
    let shown = browser.cookie.borrow().clone();
    let cookie = shown.as_ref().map(|(_, id)| *id);
    let op = Op::Issue { cookie, transaction: transaction.map(|(number, _)| number), offline };
    let (text, txn) = (shown.map(|(text, _)| text), transaction.map(|(_, id)| id));
    let answer = stage.ask("a person", op, move |request| request.issue(text, txn, offline)).await;
    let Some((grant, Given { text: Some(code), .. }, _)) = answer else { return false };
    stage.codes.borrow_mut().push((code.clone(), grant));
    if stage.world.profile.thief && stage.maybe(15) {
        // Somebody else reads the callback's address, too.
        let (own, code) = (Rc::clone(stage), code.clone());
        stage.act(async move {
            redeem(&own, "the thief", code, grant).await;
        });
    }
    stage.act(client(Rc::clone(stage), code, grant));
    true
}

async fn sign_out(stage: &Rc<Stage>, browser: &Browser) {
    let shown = browser.cookie.borrow().clone();
    if let Some((text, cookie)) = shown {
        let answer = stage.ask("a person", Op::SignOut { cookie }, |request| request.sign_out(text)).await;
        if answer.is_some() {
            browser.cookie.borrow_mut().take_if(|(_, id)| *id == cookie);
        }
        stage.probe_everywhere().await;
    }
}

/// A client redeems its code and keeps the tokens fresh, in one process or two.
async fn client(stage: Rc<Stage>, code: String, grant: OpId) {
    let mut answer = redeem(&stage, "a client", code.clone(), grant).await;
    if answer.is_none() && !stage.world.profile.is_kind() && stage.maybe(50) {
        // Some ask again, although a code serves once and the second request ends what the first gave.
        answer = redeem(&stage, "a client", code, grant).await;
    }
    let Some((_, Given { text: Some(token), .. }, _)) = answer else { return };
    let begun = stage.world.sim.millis();
    let storage = Rc::new(Storage { grant, token: RefCell::new(token), given_up: Cell::new(false), begun });
    stage.storages.borrow_mut().push(Rc::clone(&storage));
    for _ in 0..stage.world.sim.between(1, 2) {
        stage.act(process(Rc::clone(&stage), Rc::clone(&storage)));
    }
}

async fn redeem(
    stage: &Stage,
    who: &'static str,
    code: String,
    grant: OpId,
) -> Option<(OpId, Given, Outcome)> {
    stage.ask(who, Op::Redeem { grant }, |request| request.redeem(code)).await
}

async fn process(stage: Rc<Stage>, storage: Rc<Storage>) {
    // Access tokens are refreshed when they end, which is later than the grace window.
    let soonest = if stage.world.profile.is_kind() { 80 } else { 0 };
    let together = stage.world.sim.chance(50);
    for _ in 0..stage.world.sim.between(1, 4) {
        if together {
            // Two tabs wake at the same moment.
            let round = (80 + soonest) * SECOND;
            stage.world.sim.sleep(round - stage.world.sim.millis() % round).await;
        } else {
            stage.pause(soonest * SECOND, 150 * SECOND).await;
        }
        if storage.given_up.get() || !stage.world.has_room() {
            return;
        }
        refresh(&stage, &storage).await;
    }
}

/// Refreshes, and again with the same token while no answer comes.
async fn refresh(stage: &Rc<Stage>, storage: &Storage) {
    let token = storage.token.borrow().clone();
    for _ in 0..3 {
        let Some((given, outcome)) = present(stage, "a client", storage.grant, &token).await else {
            stage.pause(200, 500).await;
            continue;
        };
        match given.text {
            Some(successor) => {
                if stage.maybe(20) {
                    stage.pause(0, 2 * SECOND).await;
                }
                *storage.token.borrow_mut() = successor;
            }
            None => {
                storage.given_up.set(true);
                super::checks::refused(&stage.world, outcome, age(stage, storage));
            }
        }
        return;
    }
    storage.given_up.set(true);
}

fn age(stage: &Stage, storage: &Storage) -> bool {
    stage.world.sim.millis() - storage.begun > (REFRESH_TOKEN_EXPIRE - 60) * SECOND
}

async fn present(stage: &Rc<Stage>, who: &'static str, grant: OpId, token: &str) -> Option<(Given, Outcome)> {
    let (op, token) = (Op::Refresh { grant, generation: generation(stage, token) }, token.to_owned());
    stage.ask(who, op, |request| request.refresh(token)).await.map(|(_, given, outcome)| (given, outcome))
}

fn generation(stage: &Stage, token: &str) -> i64 {
    let read = signet_protocol::refresh::parse_refresh_token(&stage.world.lab.refresh_key, token);
    read.map(|presented| presented.generation).unwrap()
}

/// A thief copies a token, or a code, and uses it when it suits.
async fn thief(stage: Rc<Stage>) {
    for _ in 0..stage.world.sim.between(1, 2) {
        stage.pause(SECOND, 150 * SECOND).await;
        if stage.maybe(25) {
            if let Some((code, grant)) = stage.one_of(&stage.codes)
                && stage.world.has_room()
            {
                redeem(&stage, "the thief", code, grant).await;
            }
            continue;
        }
        let Some(storage) = stage.one_of(&stage.storages) else { continue };
        let mut token = storage.token.borrow().clone();
        for _ in 0..stage.world.sim.between(1, 3) {
            stage.pause(0, 150 * SECOND).await;
            if !stage.world.has_room() {
                return;
            }
            let answer = present(&stage, "the thief", storage.grant, &token).await;
            if let Some((Given { text: Some(successor), .. }, _)) = answer {
                token = successor;
            }
        }
    }
}

async fn administrator(stage: Rc<Stage>) {
    stage.pause(10 * SECOND, 250 * SECOND).await;
    block(&stage, usize::from(stage.maybe(30))).await;
}

/// Blocks a user, and sometimes lets them in again.
async fn block(stage: &Rc<Stage>, user: usize) {
    let id = stage.world.users[user];
    if !stage.world.has_room() {
        return;
    }
    let blocked = stage.ask("the administrator", Op::Block { user }, move |request| request.block(id, true));
    if blocked.await.is_some() {
        stage.probe_everywhere().await;
    }
    stage.pause(SECOND, 100 * SECOND).await;
    // Who is taken for blocked a little longer is only asked to wait: that is no step of the machine.
    if stage.maybe(50) && stage.world.has_room() && !stage.world.profile.stale_users {
        let op = Op::Unblock { user };
        stage.ask("the administrator", op, move |request| request.block(id, false)).await;
    }
}

/// A client ends what it has; sometimes twice, when no answer came.
async fn revoker(stage: Rc<Stage>) {
    stage.pause(10 * SECOND, 250 * SECOND).await;
    let Some(storage) = stage.one_of(&stage.storages) else { return };
    let token = storage.token.borrow().clone();
    let (grant, generation) = (storage.grant, generation(&stage, &token));
    if stage.maybe(50) {
        let text = token.clone();
        stage.ask("a client", Op::Inspect { grant, generation }, |request| request.inspect(text)).await;
    }
    for _ in 0..stage.world.sim.between(1, 2) {
        if !stage.world.has_room() {
            return;
        }
        let text = token.clone();
        let op = Op::Revoke { grant, generation };
        let answer = stage.ask("a client", op, |request| request.revoke(text)).await;
        if answer.is_some() {
            storage.given_up.set(true);
        }
        let newest = stage.tokens.borrow().len();
        for token in 0..newest {
            stage.probe(token, stage.world.profile.pick_node(&stage.world.sim)).await;
        }
    }
    if stage.maybe(50) {
        stage.ask("a client", Op::Inspect { grant, generation }, |request| request.inspect(token)).await;
    }
}

async fn prober(stage: Rc<Stage>) {
    for _ in 0..stage.world.sim.between(2, 8) {
        stage.pause(0, 80 * SECOND).await;
        stage.probe_everywhere().await;
    }
}

/// Nodes crash, clocks are set, and what has expired is swept.
async fn misfortune(stage: Rc<Stage>) {
    let world = &stage.world;
    for _ in 0..world.sim.between(0, 4) {
        stage.pause(SECOND, 120 * SECOND).await;
        let node = world.profile.pick_node(&world.sim);
        match world.sim.between(0, 2) {
            0 if world.profile.crashes => {
                world.checkpoint();
                stage.pause(0, 60 * SECOND).await;
                world.crash(node);
                stage.pause(50, 3 * SECOND).await;
                world.start(node);
            }
            1 if world.profile.wild_clocks => {
                let far = [5, 60, 300, 3600, 6 * 3600][world.sim.between(0, 4).unsigned_abs() as usize];
                world.set_clock(node, world.sim.between(-far, far) * SECOND);
                if stage.maybe(50) && world.has_room() {
                    // Not for long, but longer than the sweeper takes.
                    stage.ask("the sweeper", Op::Sweep, Request::sweep).await;
                    world.set_clock(node, 0);
                }
            }
            _ if world.has_room() => {
                stage.ask("the sweeper", Op::Sweep, Request::sweep).await;
            }
            _ => {}
        }
    }
}
