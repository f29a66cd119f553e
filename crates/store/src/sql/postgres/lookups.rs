//! Many look-ups as one.
//!
//! What is looked up while the server answers others is asked in one go, and the same of other rows in one statement, as
//! batches are written in groups: the cost of a round trip is shared, and the group grows by itself with the load.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use deadpool_postgres::ClientWrapper;
use futures_util::future::join_all;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_postgres::types::Type;

use super::{
    ANSWER, ask,
    connections::Connections,
    errors::store_error,
    in_time,
    values::{by_reference, from_postgres_after, list},
};
use crate::{
    StoreError,
    sql::{Row, Sql, Value},
};

/// Look-ups of a group at most.
const GROUP: usize = 128;
/// Groups on their way at once.
pub(super) const LANES: usize = 2;
/// How many look-ups may wait, half of them for each lane; the next one is [`StoreError::Busy`].
const QUEUE: usize = 4096;

type Answer = Result<Vec<Row>, StoreError>;

struct Job {
    sql: &'static Sql,
    args: Vec<Value>,
    since: Instant,
    reply: oneshot::Sender<Answer>,
}

/// The queues of look-ups. The tasks that serve them end with it.
pub(super) struct Lookups {
    queues: [mpsc::Sender<Job>; LANES],
    turn: AtomicUsize,
}

impl Lookups {
    /// Starts the lanes on the current runtime.
    pub(super) fn start(connections: &Connections) -> Self {
        let queues = [(); LANES].map(|()| {
            let (queue, jobs) = mpsc::channel(QUEUE / LANES);
            tokio::spawn(lane(connections.clone(), jobs));
            queue
        });
        Self { queues, turn: AtomicUsize::new(0) }
    }

    pub(super) async fn ask(&self, sql: &'static Sql, args: Vec<Value>) -> Answer {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % LANES;
        let (reply, answer) = oneshot::channel();
        let job = Job { sql, args, since: Instant::now(), reply };
        self.queues.get(turn).and_then(|queue| queue.try_send(job).ok()).ok_or(StoreError::Busy)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a look-up got no answer".to_owned())))
    }

    /// How many look-ups wait.
    pub(super) fn queued(&self) -> usize {
        self.queues.iter().map(|queue| queue.max_capacity() - queue.capacity()).sum()
    }
}

async fn lane(connections: Connections, mut jobs: mpsc::Receiver<Job>) {
    let (mut group, mut texts) = (Vec::with_capacity(GROUP), Texts::default());
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        answer(&connections, group.drain(..), &mut texts).await;
    }
}

/// Asks what a group wants to know, and tells everyone in it.
async fn answer(connections: &Connections, group: impl Iterator<Item = Job>, texts: &mut Texts) {
    let until = Instant::now() + ANSWER;
    let mut questions: Vec<Vec<Job>> = Vec::new();
    for job in group {
        if job.since.elapsed() >= ANSWER {
            tell(job, Err(StoreError::Busy));
            continue;
        }
        let same = questions
            .iter_mut()
            .find(|jobs| jobs.first().is_some_and(|first| first.sql.name == job.sql.name));
        match same {
            Some(jobs) => jobs.push(job),
            None => questions.push(vec![job]),
        }
    }
    let client = match in_time(until, connections.take_for_group()).await {
        Ok(client) => client,
        Err(error) => return questions.into_iter().flatten().for_each(|job| tell(job, Err(error.clone()))),
    };
    for jobs in &questions {
        texts.know(jobs);
    }
    let asked =
        join_all(questions.iter().map(|jobs| in_time(until, ask_for_all(&client, jobs, texts)))).await;
    let failed = asked.iter().find(|answers| matches!(answers, Err(StoreError::Unavailable(_))));
    connections.put_back(client, failed.or(asked.first()).unwrap_or(&Ok(Vec::new())));
    for (jobs, answers) in questions.into_iter().zip(asked) {
        match answers {
            Ok(answers) => jobs.into_iter().zip(answers).for_each(|(job, rows)| tell(job, Ok(rows))),
            Err(error) => jobs.into_iter().for_each(|job| tell(job, Err(error.clone()))),
        }
    }
}

/// Whoever asked may have gone away.
fn tell(job: Job, answer: Answer) {
    let _gone = job.reply.send(answer);
}

/// The rows of each of some jobs of one statement.
async fn ask_for_all(
    client: &ClientWrapper,
    jobs: &[Job],
    texts: &Texts,
) -> Result<Vec<Vec<Row>>, StoreError> {
    let (Some(first), Some(text)) = (jobs.first(), texts.of(jobs)) else { return Ok(Vec::new()) };
    if let [only] = jobs {
        return Ok(vec![ask(client, only.sql, &only.args).await?]);
    }
    let fail = |error| store_error(first.sql.name, &error);
    let prepared = client.prepare_cached(text).await.map_err(fail)?;
    let column = |(ty, at): (&Type, usize)| {
        let values: Option<Vec<&Value>> = jobs.iter().map(|job| job.args.get(at)).collect();
        values.and_then(|values| list(&values, ty))
    };
    let args: Option<Vec<_>> = prepared.params().iter().zip(0..).map(column).collect();
    let misfit = || StoreError::Internal(format!("{}: the arguments do not fit", first.sql.name));
    let args = args.ok_or_else(misfit)?;
    let found = client.query(&prepared, &by_reference(&args)).await.map_err(fail)?;
    let mut rows: Vec<Vec<Row>> = jobs.iter().map(|_| Vec::new()).collect();
    for row in &found {
        let place =
            row.try_get::<_, i64>(0).ok().and_then(|place| usize::try_from(place.checked_sub(1)?).ok());
        let whose = place.and_then(|place| rows.get_mut(place));
        whose.ok_or_else(misfit)?.push(from_postgres_after(first.sql, row, 1)?);
    }
    Ok(rows)
}

/// The texts for many, by the name of the statement.
#[derive(Default)]
struct Texts(HashMap<&'static str, String>);

impl Texts {
    fn know(&mut self, jobs: &[Job]) {
        if let Some(first) = jobs.first() {
            self.0.entry(first.sql.name).or_insert_with(|| for_many(first.sql.text, &first.args));
        }
    }

    fn of(&self, jobs: &[Job]) -> Option<&str> {
        self.0.get(jobs.first()?.sql.name).map(String::as_str)
    }
}

/// A statement of at most nine arguments as it is asked for each element of lists of them. The number of the element comes before the columns. It
/// is not planned together with the lists (`OFFSET 0`): whatever the tables were like then, it goes by its key.
fn for_many(text: &str, args: &[Value]) -> String {
    let (mut one, mut lists, mut names) = (text.to_owned(), Vec::new(), String::new());
    for (value, number) in args.iter().zip(1..) {
        let ty = match value {
            Value::Bytes(_) => "bytea",
            Value::Int(_) => "bigint",
            Value::Bool(_) => "boolean",
            Value::Text(_) | Value::Null => "text",
        };
        one = one.replace(&format!("${number}"), &format!("asked.arg{number}"));
        lists.push(format!("${number}::{ty}[]"));
        // Writing to a String cannot fail.
        let _ = write!(names, "arg{number}, ");
    }
    let lists = lists.join(", ");
    format!(
        "SELECT asked.number, found.* FROM unnest({lists}) WITH ORDINALITY AS asked ({names}number)
         CROSS JOIN LATERAL ({one} OFFSET 0) AS found"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn a_statement_for_many_takes_lists() {
        let args = args![[7_u8; 16], "p"];
        let text = for_many("SELECT a FROM t WHERE id = $1 AND NOT pool_id <> $2", &args);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "SELECT asked.number, found.* FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS asked (arg1, arg2, number) \
             CROSS JOIN LATERAL (SELECT a FROM t WHERE id = asked.arg1 AND NOT pool_id <> asked.arg2 OFFSET 0) AS found"
        );
    }
}
