//! Password hashing on threads of its own, so that a storm of logins never slows tokens.
//!
//! One thread for each core but one, each with its own Argon2 memory; a bounded queue that refuses early and in which
//! those who ask take turns; and a deadline after which nobody waits for the answer any more.

mod lines;

use std::{
    num::NonZero,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use signet_protocol::password::{PasswordHash, Scratch};
use signet_store::stats::{Counter, Histogram, SPANS};
use tokio::sync::oneshot;
use tracing::{Instrument, Span};
use zeroize::Zeroizing;

use self::lines::Lines;
use crate::{Network, clock::SystemEntropy};

/// Jobs that may wait, for each thread: about three seconds of work.
const QUEUE_PER_THREAD: usize = 192;
/// How long a job may wait before it is dropped.
const DEADLINE: Duration = Duration::from_secs(10);

/// The threads are at capacity: try again in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at once")]
pub struct Busy;

/// Who a password is hashed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// An operator, by a command.
    Operator,
    /// Somebody who signs in.
    Network(Network),
}

impl Asker {
    /// Whether only a share of the queue is theirs. Not so on this machine, where a proxy speaks for everybody.
    fn has_share(self) -> bool {
        matches!(self, Asker::Network(network) if !network.is_loopback())
    }
}

enum Work {
    Verify(Box<PasswordHash>, oneshot::Sender<bool>),
    Create(oneshot::Sender<Option<PasswordHash>>),
}

struct Job {
    password: Zeroizing<String>,
    since: Instant,
    work: Work,
}

/// What the threads wait at.
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    stats: Stats,
}

/// What is counted of hashing.
#[derive(Debug)]
pub struct Stats {
    /// How long jobs waited for a thread.
    pub waited: Histogram,
    /// Jobs turned away because the queue was full, or dropped because they waited too long.
    pub refused: Counter,
}

struct Waiting {
    lines: Lines<Job>,
    /// Whether nobody can ask any more.
    ended: bool,
}

/// The way to the hashing threads. They end when it is dropped, after the jobs that wait.
pub struct Hasher {
    queue: Arc<Queue>,
}

impl Hasher {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Hasher> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.saturating_sub(1).max(1);
        let waiting = Mutex::new(Waiting { lines: Lines::new(threads * QUEUE_PER_THREAD), ended: false });
        let stats = Stats { waited: Histogram::of_durations(), refused: Counter::default() };
        let hasher = Hasher { queue: Arc::new(Queue { waiting, changed: Condvar::new(), stats }) };
        for number in 0..threads {
            let queue = Arc::clone(&hasher.queue);
            thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&queue))?;
        }
        Ok(hasher)
    }

    /// Whether `password` is the one of `hash`.
    pub async fn verify(&self, asker: Asker, hash: PasswordHash, password: String) -> Result<bool, Busy> {
        let (answer, receive) = oneshot::channel();
        self.send(asker, password, Work::Verify(Box::new(hash), answer))?;
        receive.instrument(span()).await.map_err(|_| Busy)
    }

    /// A hash of a new password.
    pub async fn create(&self, asker: Asker, password: String) -> Result<PasswordHash, Busy> {
        let (answer, receive) = oneshot::channel();
        self.send(asker, password, Work::Create(answer))?;
        receive.instrument(span()).await.ok().flatten().ok_or(Busy)
    }

    /// What is counted of it.
    pub fn stats(&self) -> &Stats {
        &self.queue.stats
    }

    /// How many jobs wait for a thread.
    pub fn waiting(&self) -> usize {
        self.queue.lock().lines.len()
    }

    fn send(&self, asker: Asker, password: String, work: Work) -> Result<(), Busy> {
        let job = Job { password: Zeroizing::new(password), since: Instant::now(), work };
        let pushed = self.queue.lock().lines.push(asker, job);
        pushed.inspect_err(|Busy| self.queue.stats.refused.inc())?;
        self.queue.changed.notify_one();
        Ok(())
    }
}

/// The span of one job, waiting included.
fn span() -> Span {
    tracing::trace_span!(target: SPANS, "hash password")
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.queue.lock().ended = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; waits for one. `None` when there will be none any more.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            let job = waiting.lines.pop();
            if job.is_some() || waiting.ended {
                return job;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn work(queue: &Queue) {
    let mut scratch = Scratch::default();
    while let Some(job) = queue.next() {
        let waited = job.since.elapsed();
        queue.stats.waited.took(waited);
        if waited > DEADLINE {
            queue.stats.refused.inc();
            continue;
        }
        // A receiver that is gone has given up waiting; its answer is of no use.
        match job.work {
            Work::Verify(_, answer) if answer.is_closed() => {}
            Work::Verify(hash, answer) => drop(answer.send(hash.verify(&job.password, &mut scratch))),
            Work::Create(answer) => {
                drop(answer.send(PasswordHash::create(&job.password, &mut SystemEntropy, &mut scratch)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hashes_and_verifies() {
        let hasher = Hasher::start().unwrap();
        let hash = hasher.create(Asker::Operator, "correct horse".into()).await.unwrap();
        let person = Asker::Network(Network::of("192.0.2.1".parse().unwrap()));
        assert_eq!(hasher.verify(person, hash.clone(), "correct horse".into()).await, Ok(true));
        assert_eq!(hasher.verify(person, hash, "wrong horse".into()).await, Ok(false));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::start().unwrap();
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let bound = cores.saturating_sub(1).max(1) * (QUEUE_PER_THREAD + 1);
        let waiting: Vec<_> = (0..bound + 10)
            .map(|_| {
                let (answer, receive) = oneshot::channel();
                let sent = hasher.send(
                    Asker::Operator,
                    "x".into(),
                    Work::Verify(Box::new(PasswordHash::decoy()), answer),
                );
                (sent, receive)
            })
            .collect();
        let refused = waiting.iter().filter(|(sent, _)| *sent == Err(Busy)).count();
        assert!(refused > 0 && hasher.waiting() > 0);
        assert_eq!(hasher.stats().refused.get(), u64::try_from(refused).unwrap());
        assert!(waiting.iter().any(|(sent, _)| sent.is_ok()));
    }

    #[tokio::test]
    async fn the_threads_end_with_their_hasher_and_after_its_jobs() {
        let hasher = Hasher::start().unwrap();
        let (answer, last) = oneshot::channel();
        let threads = Arc::downgrade(&hasher.queue);
        hasher
            .send(Asker::Operator, "x".into(), Work::Verify(Box::new(PasswordHash::decoy()), answer))
            .unwrap();
        drop(hasher);
        assert_eq!(last.await, Ok(false));
        // Each thread holds the queue until it ends.
        let since = Instant::now();
        while threads.strong_count() > 0 {
            assert!(since.elapsed() < Duration::from_secs(30), "a thread goes on");
            thread::yield_now();
        }
    }
}
