//! A scheduler of its own: one thread, a time of its own, and a seed that picks who goes next.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use signet_testkit::seed::Seeded;

/// Who a task dies with; nobody kills the tasks of [`Owner::WORLD`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub usize);

impl Owner {
    pub const WORLD: Owner = Owner(usize::MAX);
}

/// A cheap handle; clones are the same scheduler.
#[derive(Clone)]
pub struct Sim(Rc<Inner>);

struct Inner {
    random: RefCell<Seeded>,
    millis: Cell<i64>,
    running: Cell<u32>,
    spawned: Cell<u32>,
    tasks: RefCell<BTreeMap<u32, Task>>,
    ready: RefCell<Vec<u32>>,
    sleeping: RefCell<BTreeSet<(i64, u32)>>,
}

struct Task {
    owner: Owner,
    /// Absent while it runs.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Sim {
    pub fn new(seed: u64) -> Sim {
        Sim(Rc::new(Inner {
            random: RefCell::new(Seeded(seed)),
            millis: Cell::new(0),
            running: Cell::new(0),
            spawned: Cell::new(0),
            tasks: RefCell::default(),
            ready: RefCell::default(),
            sleeping: RefCell::default(),
        }))
    }

    /// Milliseconds since the beginning.
    pub fn millis(&self) -> i64 {
        self.0.millis.get()
    }

    pub fn number(&self) -> u64 {
        self.0.random.borrow_mut().next_u64()
    }

    /// A number of `from..=to`.
    pub fn between(&self, from: i64, to: i64) -> i64 {
        let span = (to - from + 1).unsigned_abs();
        from + i64::try_from(self.number() % span).unwrap()
    }

    /// `true` in `percent` of a hundred cases.
    pub fn chance(&self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// Begins a task and names it.
    pub fn spawn(&self, owner: Owner, future: impl Future<Output = ()> + 'static) -> u32 {
        let id = self.0.spawned.get() + 1;
        self.0.spawned.set(id);
        self.0.tasks.borrow_mut().insert(id, Task { owner, future: Some(Box::pin(future)) });
        self.0.ready.borrow_mut().push(id);
        id
    }

    /// Drops a task wherever it waits.
    pub fn abort(&self, id: u32) {
        let task = self.0.tasks.borrow_mut().remove(&id);
        drop(task);
    }

    /// Drops every task of `owner` wherever it waits.
    pub fn kill(&self, owner: Owner) {
        let dead: Vec<_> = self.0.tasks.borrow_mut().extract_if(.., |_, task| task.owner == owner).collect();
        drop(dead);
    }

    /// Waits for `millis` to pass.
    pub async fn sleep(&self, millis: i64) {
        let until = self.millis() + millis;
        std::future::poll_fn(|_| self.wait_for(until)).await;
    }

    fn wait_for(&self, until: i64) -> Poll<()> {
        if self.millis() >= until {
            return Poll::Ready(());
        }
        self.0.sleeping.borrow_mut().insert((until, self.0.running.get()));
        Poll::Pending
    }

    /// Runs until nobody can go on. Time passes only when nobody is ready.
    pub fn run(&self) {
        loop {
            while let Some(id) = self.pick() {
                self.poll(id);
            }
            let Some((at, id)) = self.0.sleeping.borrow_mut().pop_first() else { break };
            self.0.millis.set(at);
            self.0.ready.borrow_mut().push(id);
            while let Some((_, id)) = self.pop_due(at) {
                self.0.ready.borrow_mut().push(id);
            }
        }
        // Tasks hold handles to this scheduler.
        drop(self.0.tasks.take());
    }

    fn pop_due(&self, at: i64) -> Option<(i64, u32)> {
        let mut sleeping = self.0.sleeping.borrow_mut();
        let due = sleeping.first().is_some_and(|(due, _)| *due <= at);
        if due { sleeping.pop_first() } else { None }
    }

    fn pick(&self) -> Option<u32> {
        let count = self.0.ready.borrow().len();
        let last = i64::try_from(count).unwrap() - 1;
        if last < 0 {
            return None;
        }
        let index = if last == 0 { 0 } else { usize::try_from(self.between(0, last)).unwrap() };
        Some(self.0.ready.borrow_mut().swap_remove(index))
    }

    fn poll(&self, id: u32) {
        let future = self.0.tasks.borrow_mut().get_mut(&id).and_then(|task| task.future.take());
        let Some(mut future) = future else { return };
        self.0.running.set(id);
        let outcome = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut tasks = self.0.tasks.borrow_mut();
        match outcome {
            Poll::Ready(()) => drop(tasks.remove(&id)),
            Poll::Pending => match tasks.get_mut(&id) {
                Some(task) => task.future = Some(future),
                // It was killed while it ran.
                None => {
                    drop(tasks);
                    drop(future);
                }
            },
        }
    }
}

/// One value on its way to one task.
pub struct Reply<T>(Rc<RefCell<Slot<T>>>);

struct Slot<T> {
    value: Option<T>,
    waiter: Option<u32>,
}

impl<T> Clone for Reply<T> {
    fn clone(&self) -> Self {
        Reply(Rc::clone(&self.0))
    }
}

impl<T> Default for Reply<T> {
    fn default() -> Self {
        Reply(Rc::new(RefCell::new(Slot { value: None, waiter: None })))
    }
}

impl<T> Reply<T> {
    pub fn fill(&self, sim: &Sim, value: T) {
        let mut slot = self.0.borrow_mut();
        slot.value = Some(value);
        if let Some(waiter) = slot.waiter.take() {
            sim.0.ready.borrow_mut().push(waiter);
        }
    }

    /// Waits for the value, however long.
    pub async fn wait(&self, sim: &Sim) -> T {
        std::future::poll_fn(|_| self.poll(sim)).await
    }

    /// Waits for the value until that many milliseconds have passed.
    pub async fn within(&self, sim: &Sim, millis: i64) -> Option<T> {
        let until = sim.millis() + millis;
        std::future::poll_fn(|_| match self.poll(sim) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => sim.wait_for(until).map(|()| None),
        })
        .await
    }

    fn poll(&self, sim: &Sim) -> Poll<T> {
        let mut slot = self.0.borrow_mut();
        match slot.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                slot.waiter = Some(sim.0.running.get());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<(i64, i64)> {
        let (sim, seen) = (Sim::new(seed), Rc::new(RefCell::new(Vec::new())));
        for name in 0..5 {
            let (own, seen) = (sim.clone(), Rc::clone(&seen));
            sim.spawn(Owner(0), async move {
                own.sleep(own.between(0, 2)).await;
                seen.borrow_mut().push((own.millis(), name));
            });
        }
        sim.run();
        seen.take()
    }

    #[test]
    fn a_seed_is_an_order_and_others_are_other_orders() {
        assert_eq!(order(1), order(1));
        assert!((2..20).any(|seed| order(seed) != order(1)));
    }

    #[test]
    fn the_dead_do_not_go_on_and_answers_come_late_or_never() {
        let (sim, reply) = (Sim::new(1), Reply::<i64>::default());
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (own, log, answer) = (sim.clone(), Rc::clone(&seen), reply.clone());
        sim.spawn(Owner(0), async move {
            own.sleep(10).await;
            answer.fill(&own, 1);
            own.sleep(10).await;
            log.borrow_mut().push("the dead go on");
        });
        let (own, log) = (sim.clone(), Rc::clone(&seen));
        sim.spawn(Owner(1), async move {
            if reply.within(&own, 5).await.is_none() {
                log.borrow_mut().push("late");
            }
            assert_eq!(reply.wait(&own).await, 1);
            own.kill(Owner(0));
            own.sleep(100).await;
            log.borrow_mut().push("done");
        });
        sim.run();
        assert_eq!(seen.take(), ["late", "done"]);
    }
}
