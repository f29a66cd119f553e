//! Kill after kill: load, SIGKILL, start, look.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use signet_testkit::{
    Failure,
    installation::{Installation, Server, database_was_silent},
    postgres::ThrowawayPostgres,
    seed::Seeded,
};
use tokio::{
    task::{JoinSet, block_in_place},
    time::sleep,
};

use crate::{
    client,
    model::{Contradiction, Seen, Tally},
    one_in,
    operator::Operator,
    person::Person,
    report::Report,
};

/// People at work at once.
const PEOPLE: usize = 6;
/// Browsers each of them has put away, which are looked at now and then.
const PUT_AWAY: usize = 12;
/// Kills between two looks at the whole file.
const INTEGRITY_EVERY: u64 = 20;
/// How long the database may take to end what a killed server has sent it, on a machine that does other things too.
const FINISH: Duration = Duration::from_secs(60);
/// How often a start is tried whose database does not answer in time.
const TRIES: u64 = 5;

/// Which engine is put to the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// PostgreSQL, which is killed itself at one kill in ten.
    Postgres,
}

impl Engine {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        }
    }
}

/// An installation under test.
struct Run {
    engine: Engine,
    installation: Arc<Installation>,
    cluster: Option<Arc<ThrowawayPostgres>>,
    workers: Vec<Worker>,
    random: Seeded,
    report: Report,
}

/// Kills `binary` on `engine` as often as asked.
///
/// # Errors
/// What has nothing to do with the server: no binary, no PostgreSQL, no room. What is wrong with it is in the report.
pub async fn run(binary: &Path, engine: Engine, kills: u64, seed: u64) -> Result<Report, Failure> {
    let cluster =
        (engine == Engine::Postgres).then(|| Arc::new(ThrowawayPostgres::start(&["synchronous_commit=on"])));
    let url = cluster.as_ref().map(|cluster| cluster.fresh_database());
    let installation = Arc::new(Installation::new(binary, url.as_deref())?);
    installation.apply(&client::description(PEOPLE)).await?;
    let mut random = Seeded(seed);
    let port = installation.port();
    let mut workers: Vec<_> = (0..PEOPLE)
        .map(|number| Worker::person(port, client::username(number), Seeded(random.next_u64())))
        .collect();
    workers.push(Worker::operator(&installation, Seeded(random.next_u64())));
    let mut run =
        Run { engine, installation, cluster, workers, random, report: Report::new(engine, kills, seed) };
    let since = Instant::now();
    if let Err(violation) = run.all(kills).await {
        run.report.violation = Some(format!("{violation}\n\nLog of the server:\n{}", run.installation.log()));
    }
    run.report.took = since.elapsed();
    Ok(run.report)
}

impl Run {
    async fn all(&mut self, kills: u64) -> Result<(), Failure> {
        let mut server = self.start().await?;
        for kill in 1..=kills {
            self.load_and_kill(server).await?;
            server = self.start().await?;
            self.report.starts.push(server.started_in);
            self.check().await?;
            self.report.done = kill;
            if kill % INTEGRITY_EVERY == 0 || kill == kills {
                self.integrity()?;
            }
            if kill % 100 == 0 {
                eprintln!("{}: {kill} kills", self.engine.name());
            }
        }
        server.kill().await
    }

    async fn start(&mut self) -> Result<Server, Failure> {
        let start = async || self.installation.serve(&["--log-level", "warn"]).await;
        tried(start, &mut self.report.silent_starts).await
    }

    async fn load_and_kill(&mut self, server: Server) -> Result<(), Failure> {
        let dead = Arc::new(AtomicBool::new(false));
        let mut working = JoinSet::new();
        for worker in self.workers.drain(..) {
            working.spawn(worker.load(Arc::clone(&dead)));
        }
        sleep(Duration::from_millis(50 + self.random.next_u64() % 351)).await;
        let both = self.cluster.clone().filter(|_| one_in(&mut self.random, 10));
        if let Some(cluster) = &both {
            block_in_place(|| cluster.crash());
            sleep(Duration::from_millis(self.random.next_u64() % 100)).await;
        }
        let killed = server.kill().await;
        dead.store(true, Ordering::SeqCst);
        let wrong = self.collect(working).await;
        if let Some(cluster) = both {
            self.report.database_kills += 1;
            block_in_place(|| cluster.start_again());
        }
        self.finish().await?;
        wrong?;
        killed
    }

    async fn check(&mut self) -> Result<(), Failure> {
        let mut working = JoinSet::new();
        for worker in self.workers.drain(..) {
            working.spawn(worker.check());
        }
        self.collect(working).await
    }

    /// Takes the workers back, and the first thing that one of them found wrong.
    async fn collect(
        &mut self,
        mut working: JoinSet<(Worker, Result<(), Contradiction>)>,
    ) -> Result<(), Failure> {
        let mut wrong = Ok(());
        while let Some(joined) = working.join_next().await {
            let (mut worker, result) = joined?;
            worker.count(&mut self.report.tally);
            self.workers.push(worker);
            if let Err(Contradiction(what)) = result {
                wrong = Err(what.into());
            }
        }
        // In the order of their names, so that a seed gives each the same choices.
        self.workers.sort_by(|one, other| one.name.cmp(&other.name));
        wrong
    }

    /// Waits until nothing of a killed server is still at work in the database.
    async fn finish(&self) -> Result<(), Failure> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let since = Instant::now();
        let left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'signet'";
        while block_in_place(|| cluster.ask(left))?.as_deref() != Some("0") {
            if since.elapsed() > FINISH {
                return Err("the database still works for a server that is dead".into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Has SQLite look through the whole file, beside the running server.
    fn integrity(&mut self) -> Result<(), Failure> {
        if self.engine != Engine::Sqlite {
            return Ok(());
        }
        let path = self.installation.data().join("signet.db");
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let dangling = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
        self.report.integrity_checks += 1;
        match (said.as_str(), dangling) {
            ("ok", false) => Ok(()),
            _ => Err(format!("the file is damaged: {said}, dangling references: {dangling}").into()),
        }
    }
}

/// Starts, again if all that is wrong is that the database did not answer in time: a machine that has no time for it breaks no
/// promise. Whatever else ends a server ends the run. Each start that met such a database is counted in `silent`.
async fn tried<T>(
    mut start: impl AsyncFnMut() -> Result<T, Failure>,
    silent: &mut u64,
) -> Result<T, Failure> {
    let mut left = TRIES;
    loop {
        let outcome = start().await;
        left -= 1;
        match &outcome {
            Err(failure) if database_was_silent(failure) => *silent += 1,
            _ => return outcome,
        }
        if left == 0 {
            return outcome;
        }
    }
}

/// One of those who put the server under load.
struct Worker {
    name: String,
    random: Seeded,
    role: Role,
}

enum Role {
    Person { port: u16, current: Box<Person>, put_away: VecDeque<Person> },
    Operator(Box<Operator>),
}

impl Worker {
    fn person(port: u16, name: String, random: Seeded) -> Worker {
        let current = Box::new(Person::new(port, name.clone(), ""));
        Worker { name, random, role: Role::Person { port, current, put_away: VecDeque::new() } }
    }

    fn operator(installation: &Arc<Installation>, random: Seeded) -> Worker {
        let operator = Box::new(Operator::new(Arc::clone(installation)));
        Worker { name: "operator".to_owned(), random, role: Role::Operator(operator) }
    }

    /// Works until an answer is lost, or the server is known to be dead.
    async fn load(mut self, dead: Arc<AtomicBool>) -> (Worker, Result<(), Contradiction>) {
        while !dead.load(Ordering::SeqCst) {
            let seen = match &mut self.role {
                Role::Person { current, .. } => current.act(&mut self.random).await,
                Role::Operator(operator) => operator.act(&mut self.random).await,
            };
            match seen {
                Ok(Seen::Lost) => break,
                Ok(_) => self.turn_over(),
                Err(wrong) => return (self, Err(wrong)),
            }
        }
        (self, Ok(()))
    }

    /// Puts a browser away and takes a new one, which the server knows from before.
    fn turn_over(&mut self) {
        let Role::Person { port, current, put_away } = &mut self.role else { return };
        if !current.is_retired() {
            return;
        }
        let next = Person::new(*port, self.name.clone(), &current.device());
        put_away.push_back(std::mem::replace(current, next));
        if put_away.len() > PUT_AWAY {
            put_away.pop_front();
        }
    }

    async fn check(mut self) -> (Worker, Result<(), Contradiction>) {
        let mut result = self.look_at_all().await;
        if result.is_ok() {
            self.turn_over();
            result = self.give_passwords_before_the_load().await;
        }
        (self, result)
    }

    /// Most are signed in already when the load begins: a look at a password takes longer than everything else, and would be
    /// all there is.
    async fn give_passwords_before_the_load(&mut self) -> Result<(), Contradiction> {
        let (random, Role::Person { current, .. }) = (&mut self.random, &mut self.role) else {
            return Ok(());
        };
        match current.is_signed_in() {
            false if !one_in(random, 4) => current.sign_in().await.map(drop),
            true if one_in(random, 8) => current.password_mode(one_in(random, 2)).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn look_at_all(&mut self) -> Result<(), Contradiction> {
        let random = &mut self.random;
        match &mut self.role {
            Role::Operator(operator) => {
                operator.hang_up();
                operator.check(random).await
            }
            Role::Person { current, put_away, .. } => {
                current.hang_up();
                current.check(random).await?;
                for person in put_away.iter_mut() {
                    // The last one was put away in this round; of the others some.
                    if one_in(random, 6) {
                        person.hang_up();
                        person.check(random).await?;
                    }
                }
                Ok(())
            }
        }
    }

    fn count(&mut self, tally: &mut Tally) {
        match &mut self.role {
            Role::Operator(operator) => tally.take(&mut operator.model.tally),
            Role::Person { current, put_away, .. } => {
                let all = put_away.iter_mut().chain([&mut **current]);
                all.for_each(|person| tally.take(&mut person.model.tally));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: &str = "signet: cannot use the database PostgreSQL /tmp/x/signet_0: no answer within 10 s\n  \
                          Check that the server runs and that --database names it, its user and its database.\n";

    /// What becomes of starts whose servers end with these words, and how many met a silent database.
    async fn starts(ends: &[&str]) -> (Option<String>, u64) {
        let (mut ends, mut silent) = (ends.iter(), 0);
        let start = async || ends.next().map_or(Ok(()), |end| Err(Failure::from(*end)));
        let failure = tried(start, &mut silent).await.err();
        (failure.map(|failure| failure.to_string()), silent)
    }

    #[tokio::test]
    async fn a_start_is_tried_again_only_when_the_database_was_silent() {
        let silent = format!("the server ended\n2026-01-01 WARN something\n{SILENT}");
        let silent = silent.as_str();
        assert_eq!(starts(&[]).await, (None, 0));
        assert_eq!(starts(&[silent, silent, silent, silent]).await, (None, 4));
        assert_eq!(starts(&[silent; 9]).await, (Some(silent.to_owned()), 5), "not for ever");
        let refused = "the server ended\nsignet: cannot use the database PostgreSQL x: connection refused\n";
        let corrupt =
            "the server ended\nsignet: cannot use the database PostgreSQL x: corrupt data: code.hash\n";
        let logged = "the server ended\nERROR the database is unavailable: no answer within 10 s\n";
        let hangs = format!("the server does not answer\n{SILENT}");
        for other in [refused, corrupt, logged, "the server ended\n", hangs.as_str()] {
            assert_eq!(starts(&[other]).await, (Some(other.to_owned()), 0));
            assert_eq!(starts(&[silent, other]).await, (Some(other.to_owned()), 1));
        }
    }
}
