//! Where batches become transactions.
//!
//! Batches that queue up while others are being committed go together in one transaction, as in the embedded engine: the
//! cost of a round trip and of making a commit durable is shared, and the group grows by itself with the load. It is
//! optimistic: when any statement of the group fails, the server has undone all of it, and each batch runs by itself.

use std::{
    future::{Future, poll_fn},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState},
    iter,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use deadpool_postgres::ClientWrapper;
use futures_util::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, join_all, maybe_done},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tokio_postgres::{Error, error::SqlState};

use super::{
    ANSWER,
    bulk::Step,
    connections::Connections,
    errors::{is_outage, is_transient, store_error},
    in_time,
    values::by_reference,
};
use crate::{
    StoreError,
    sql::{Batch, Expect, Statement, Written, bulks},
    stats::Stats,
};

/// Beyond this a larger group gains nothing and only delays those in it.
const GROUP: usize = 128;

/// Groups on their way at once: while one waits for the disk the other is sent. Batches about the same row take the same
/// lane, so that lanes do not wait for each other's rows.
pub(super) const LANES: usize = 2;

/// How many batches may wait, half of them for each lane; the next one is [`StoreError::Busy`].
const QUEUE: usize = 4096;

/// How often a batch is tried when the server reports a deadlock or a serialisation failure.
const TRIES: u32 = 5;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

type Outcome = Result<Written, StoreError>;

enum Message {
    Write(Job),
    /// Take no more; what is queued is still done.
    Stop,
}

struct Job {
    batch: Batch,
    since: Instant,
    reply: oneshot::Sender<Outcome>,
}

/// The queues of batches and the tasks that serve them, one for each lane.
pub(super) struct Writer {
    queues: [mpsc::Sender<Message>; LANES],
    lanes: Mutex<Vec<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the lanes on the current runtime.
    pub(super) fn start(connections: &Connections, stats: &Arc<Stats>) -> Self {
        let mut lanes = Vec::with_capacity(LANES);
        let queues = [(); LANES].map(|()| {
            let (queue, jobs) = mpsc::channel(QUEUE / LANES);
            lanes.push(tokio::spawn(lane(connections.clone(), jobs, Arc::clone(stats))));
            queue
        });
        Self { queues, lanes: Mutex::new(lanes) }
    }

    pub(super) async fn write(&self, batch: Batch) -> Outcome {
        let lane = lane_of(&batch);
        let (reply, outcome) = oneshot::channel();
        let job = Job { batch, since: Instant::now(), reply };
        let Some(queue) = self.queues.get(lane) else { return Err(StoreError::Busy) };
        queue.try_send(Message::Write(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the store is closed".to_owned()),
        })?;
        outcome.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer gave no answer".to_owned())))
    }

    /// How many batches wait.
    pub(super) fn queued(&self) -> usize {
        self.queues.iter().map(|queue| queue.max_capacity() - queue.capacity()).sum()
    }

    /// Takes no more, and ends when everything queued was sent. Batches of a group that was undone go on alone, and find the
    /// connections closed if they are not done.
    pub(super) async fn stop(&self) {
        let lanes = std::mem::take(&mut *self.lanes.lock().unwrap_or_else(PoisonError::into_inner));
        let stopped = join_all(self.queues.iter().map(|queue| queue.send(Message::Stop))).await;
        tracing::debug!(queued = stopped.iter().all(Result::is_ok), "closing the store");
        if join_all(lanes).await.iter().any(Result::is_err) {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}

/// The lane of a batch follows from the row it holds, or else from the first it touches.
fn lane_of(batch: &Batch) -> usize {
    let held = batch.0.iter().find(|statement| statement.expect == Expect::Held);
    let row = held.or(batch.0.first()).and_then(|statement| statement.args.first());
    let lane = BuildHasherDefault::<DefaultHasher>::default().hash_one(row) % LANES as u64;
    usize::try_from(lane).unwrap_or_default()
}

async fn lane(connections: Connections, mut jobs: mpsc::Receiver<Message>, stats: Arc<Stats>) {
    while let Some(group) = take(&mut jobs).await {
        commit(&connections, group, &stats).await;
    }
}

/// What is queued, at least one; `None` when there will be no more.
async fn take(jobs: &mut mpsc::Receiver<Message>) -> Option<Vec<Job>> {
    let first = jobs.recv().await?;
    let mut group = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Write(job) => group.push(job),
            Message::Stop => jobs.close(),
        }
        next = if group.len() < GROUP { jobs.try_recv().ok() } else { None };
    }
    Some(group)
}

/// Commits a group and answers everyone in it.
async fn commit(connections: &Connections, group: Vec<Job>, stats: &Stats) {
    let (group, late): (Vec<_>, Vec<_>) = group.into_iter().partition(|job| job.since.elapsed() < ANSWER);
    for job in late {
        answer(job.reply, Err(StoreError::Busy));
    }
    let (since, members) = (Instant::now(), group.len());
    match together(connections, &group).await {
        Ok(Together::Done(written)) => {
            stats.group.had(members);
            stats.commit.took(since.elapsed());
            group.into_iter().for_each(|job| answer(job.reply, Ok(written)));
        }
        // On other connections, so that a batch that has to wait for a row keeps nobody else.
        Ok(Together::Undone) => {
            let connections = connections.clone();
            tokio::spawn(join_all(group.into_iter().map(move |job| alone(connections.clone(), job))));
        }
        Err(error) => group.into_iter().for_each(|job| answer(job.reply, Err(error.clone()))),
    }
}

/// Whoever asked may have gone away; what was written stays written.
fn answer(reply: oneshot::Sender<Outcome>, outcome: Outcome) {
    let _gone = reply.send(outcome);
}

/// What became of a group whose transaction has ended.
enum Together {
    /// The same of every batch; a group of one may have been refused.
    Done(Written),
    /// Nothing of it remains.
    Undone,
}

async fn together(connections: &Connections, group: &[Job]) -> Result<Together, StoreError> {
    if group.is_empty() {
        return Ok(Together::Done(Written::Done));
    }
    let client = connections.take_for_group().await?;
    let steps = match group {
        [only] => Step::of(&only.batch),
        group => Step::of_group(group.iter().map(|job| &job.batch), bulks()),
    };
    let answers = in_time(Instant::now() + ANSWER, transact(&client, &steps)).await;
    let outcome = judge_group(group, answers);
    connections.put_back(client, &outcome);
    outcome
}

/// What the answers of a group mean.
fn judge_group(
    group: &[Job],
    answers: Result<Vec<Result<(), Error>>, StoreError>,
) -> Result<Together, StoreError> {
    let answers = match answers {
        Ok(answers) => answers,
        Err(error @ (StoreError::Unavailable(_) | StoreError::Busy)) => return Err(error),
        // Nothing was sent, because a batch of the group cannot be; which one will show.
        Err(_) => return Ok(Together::Undone),
    };
    let commit = answers.len().saturating_sub(1);
    let Some((position, error)) = first_error(answers) else { return Ok(Together::Done(Written::Done)) };
    if let ([only], Some(statement)) = (group, position.checked_sub(1))
        && only.batch.0.get(statement).is_some_and(|guard| refused(guard, &error))
    {
        return Ok(Together::Done(Written::Refused { statement }));
    }
    match error.code() {
        // The server said so before it came to COMMIT.
        Some(code) if position < commit && !is_outage(code.code()) => Ok(Together::Undone),
        _ => Err(store_error("a group of batches", &error)),
    }
}

async fn alone(connections: Connections, job: Job) {
    let outcome = one(&connections, &job.batch).await;
    answer(job.reply, outcome);
}

async fn one(connections: &Connections, batch: &Batch) -> Outcome {
    let steps = Step::of(batch);
    for attempt in 1..=TRIES {
        let client = connections.take().await?;
        let answers = in_time(Instant::now() + ANSWER, transact(&client, &steps)).await;
        let tried = answers.and_then(|answers| judge(batch, answers));
        connections.put_back(client, &tried);
        match tried? {
            Some(written) => return Ok(written),
            None => tokio::time::sleep(pause(attempt)).await,
        }
    }
    Err(StoreError::Busy)
}

/// Sends a whole transaction before waiting for any of its answers. Nothing has to be decided in between: a guard that fails
/// aborts the transaction at the server, which then turns the COMMIT into a rollback. Because all of it leaves in one go, a
/// caller that goes away cannot leave half of it behind.
async fn transact(client: &ClientWrapper, steps: &[Step<'_>]) -> Result<Vec<Result<(), Error>>, StoreError> {
    let mut prepared = Vec::with_capacity(steps.len());
    for step in steps {
        prepared.push(step.prepare(client).await?);
    }
    let begin = client.batch_execute(BEGIN).boxed();
    let statements = prepared.iter().map(|(text, args)| {
        async move { client.query(text, &by_reference(args)).map_ok(drop).await }.boxed()
    });
    let commit = client.batch_execute("COMMIT").boxed();
    Ok(pipelined(iter::once(begin).chain(statements).chain(iter::once(commit)).collect()).await)
}

/// The first answer that is an error decides; those behind it only say that the transaction has failed.
fn first_error(answers: Vec<Result<(), Error>>) -> Option<(usize, Error)> {
    answers.into_iter().enumerate().find_map(|(position, answer)| Some((position, answer.err()?)))
}

/// What the answers of a batch that went alone mean. `None` asks for another try.
fn judge(batch: &Batch, answers: Vec<Result<(), Error>>) -> Result<Option<Written>, StoreError> {
    let Some((position, error)) = first_error(answers) else { return Ok(Some(Written::Done)) };
    // BEGIN is at position 0, the statements follow it.
    let index = position.checked_sub(1);
    let statement = index.and_then(|index| batch.0.get(index));
    match (index, statement) {
        _ if is_transient(&error) => Ok(None),
        (Some(index), Some(statement)) if refused(statement, &error) => {
            Ok(Some(Written::Refused { statement: index }))
        }
        (_, statement) => {
            Err(store_error(statement.map_or("transaction", |statement| statement.sql.name), &error))
        }
    }
}

fn refused(statement: &Statement, error: &Error) -> bool {
    statement.expect != Expect::Any && error.code() == Some(&SqlState::DIVISION_BY_ZERO)
}

/// Sends all requests in the order given, by polling each once, then waits for their answers, which come in that order.
async fn pipelined<T>(requests: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut requests: Vec<_> = requests.into_iter().map(maybe_done).collect();
    poll_fn(|context| {
        for request in &mut requests {
            let _answered = Pin::new(request).poll(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(requests.len());
    for mut request in requests {
        Pin::new(&mut request).await;
        answers.extend(Pin::new(&mut request).take_output());
    }
    answers
}

/// Some milliseconds, more after each try and never the same for two rivals.
fn pause(attempt: u32) -> Duration {
    let spread = RandomState::new().hash_one(attempt) % 8;
    Duration::from_millis(u64::from(attempt) * (1 + spread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args, sql::Sql};

    const ANY: Sql = Sql { name: "any", text: "SELECT $1" };

    #[test]
    fn who_needs_the_same_row_goes_the_same_way() {
        let lanes: Vec<usize> = (0..100_i64)
            .map(|row| {
                let refresh = lane_of(&Batch::new().hold(&ANY, args![row]).guard(&ANY, args![-1]));
                let redeem = lane_of(&Batch::new().guard(&ANY, args![-2]).hold(&ANY, args![row]));
                let revoke = lane_of(&Batch::new().guard(&ANY, args![row]).then(&ANY, args![-3]));
                assert_eq!([refresh, redeem], [revoke; 2], "{row}");
                revoke
            })
            .collect();
        let first = lanes.iter().filter(|lane| **lane == 0).count();
        assert!((30..=70).contains(&first), "{first} of 100 rows take the first of {LANES} lanes");
        assert!(lane_of(&Batch::new()) < LANES);
    }
}
