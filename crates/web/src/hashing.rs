//! Password hashing on threads of its own, so that a storm of logins never slows tokens.
//!
//! One thread for each core but one, each with its own Argon2 memory; a bounded queue that refuses early, and a deadline
//! after which nobody waits for the answer any more.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use signet_protocol::password::{PasswordHash, Scratch};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::clock::SystemEntropy;

/// Jobs that may wait, for each thread: about three seconds of work.
const QUEUE_PER_THREAD: usize = 192;
/// How long a job may wait before it is dropped.
const DEADLINE: Duration = Duration::from_secs(10);

/// The threads are at capacity: try again in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at once")]
pub struct Busy;

enum Work {
    Verify(Box<PasswordHash>, oneshot::Sender<bool>),
    Create(oneshot::Sender<Option<PasswordHash>>),
}

struct Job {
    password: Zeroizing<String>,
    since: Instant,
    work: Work,
}

/// The way to the hashing threads. They end when the last one of these is dropped.
#[derive(Clone)]
pub struct Hasher {
    queue: SyncSender<Job>,
}

impl Hasher {
    /// Starts the threads.
    pub fn start() -> std::io::Result<Hasher> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.saturating_sub(1).max(1);
        let (queue, jobs) = sync_channel(threads * QUEUE_PER_THREAD);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&jobs))?;
        }
        Ok(Hasher { queue })
    }

    /// Whether `password` is the one of `hash`.
    pub async fn verify(&self, hash: PasswordHash, password: String) -> Result<bool, Busy> {
        let (answer, receive) = oneshot::channel();
        self.send(password, Work::Verify(Box::new(hash), answer))?;
        receive.await.map_err(|_| Busy)
    }

    /// A hash of a new password.
    pub async fn create(&self, password: String) -> Result<PasswordHash, Busy> {
        let (answer, receive) = oneshot::channel();
        self.send(password, Work::Create(answer))?;
        receive.await.ok().flatten().ok_or(Busy)
    }

    fn send(&self, password: String, work: Work) -> Result<(), Busy> {
        let job = Job { password: Zeroizing::new(password), since: Instant::now(), work };
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let mut scratch = Scratch::default();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if job.since.elapsed() > DEADLINE {
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
        let hash = hasher.create("correct horse".into()).await.unwrap();
        assert_eq!(hasher.verify(hash.clone(), "correct horse".into()).await, Ok(true));
        assert_eq!(hasher.verify(hash, "wrong horse".into()).await, Ok(false));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::start().unwrap();
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let bound = cores.saturating_sub(1).max(1) * (QUEUE_PER_THREAD + 1);
        let waiting: Vec<_> = (0..bound + 10)
            .map(|_| {
                let (answer, receive) = oneshot::channel();
                let sent = hasher.send("x".into(), Work::Verify(Box::new(PasswordHash::decoy()), answer));
                (sent, receive)
            })
            .collect();
        assert!(waiting.iter().any(|(sent, _)| *sent == Err(Busy)));
        assert!(waiting.iter().any(|(sent, _)| sent.is_ok()));
    }
}
