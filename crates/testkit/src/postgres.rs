//! A PostgreSQL cluster that lives as long as the test process and no longer.

use std::{
    env,
    fs::{self, Permissions},
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio_postgres::{Error, NoTls, SimpleQueryMessage};

use crate::certificates::Issued;

const MISSING: &str = "the tests need PostgreSQL's server programs: apt-get install postgresql";
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the cluster in directory `$1` with the programs in directory `$2`, as a copy of the cluster in directory `$3` unless
/// that is empty; the rest are settings. PostgreSQL refuses to run as root, so root runs it as somebody else. Each line it
/// reads is something to do, answered when it is done. It ends when the test process does, however that ends, because the
/// pipe closes then.
const KEEPER: &str = r#"
set -eu
directory=$1 programs=$2 source=$3
shift 3
as=
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown -R "$user" "$directory"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
cd "$directory"
trap 'rm -rf "$directory"' EXIT
if [ -z "$source" ]; then
    $as "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync
else
    $as "$programs/pg_basebackup" -D data -h "$source" -U postgres -R -X stream -c fast --no-sync
fi >log 2>&1 </dev/null || { cat log >&2; exit 1; }
launch() {
    $as "$programs/postgres" -D data -k "$directory" -c listen_addresses= "$@" >>log 2>&1 </dev/null &
    server=$!
}
finish() {
    kill "-$1" "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
}
launch "$@"
while read -r verb; do
    case $verb in
        stop) finish INT ;;
        crash) finish QUIT ;;
        start) launch "$@" ;;
    esac
    echo "$verb"
done
finish QUIT
"#;

/// The port of a cluster's socket where nothing else is said.
const PORT: u16 = 5432;

/// Settings of a cluster that nobody minds to lose.
const QUICK: &[&str] = &[
    "max_connections=400",
    "shared_buffers=64MB",
    "deadlock_timeout=50ms",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// A running cluster, reached by a Unix socket in its own temporary directory.
pub struct ThrowawayPostgres {
    directory: PathBuf,
    port: u16,
    databases: AtomicU32,
    /// Its stdin is a pipe, open as long as this process lives; the closing of it ends the cluster.
    keeper: Mutex<Child>,
}

impl ThrowawayPostgres {
    /// The cluster of this test process, started at the first call.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start: such a test fails, it is never skipped.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ThrowawayPostgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// A cluster for the caller alone, with these settings (`name=value`) on top of the fast ones. Nothing is synced to
    /// disk, but with `synchronous_commit=on` what is committed survives [`ThrowawayPostgres::crash`].
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start(settings: &[&str]) -> Self {
        Self::launch(directory(&env::temp_dir()), PORT, "", &[QUICK, settings].concat())
    }

    /// A cluster for the caller alone that listens on 127.0.0.1, too, and speaks TLS there.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[expect(clippy::expect_used, reason = "a test without its server has to fail at once")]
    pub fn with_tls(issued: &Issued) -> Self {
        let directory = directory(&env::temp_dir());
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let (certificate, key) = (directory.join("server.crt"), directory.join("server.key"));
        fs::write(&certificate, &issued.certificate).expect("server.crt");
        fs::write(&key, &issued.key).expect("server.key");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("server.key");
        let own = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", certificate.display()),
            format!("ssl_key_file={}", key.display()),
        ];
        let settings: Vec<&str> = QUICK.iter().copied().chain(own.iter().map(String::as_str)).collect();
        Self::launch(directory, port, "", &settings)
    }

    /// The address of the cluster's own database by TCP, at a name of this machine.
    pub fn tcp_url(&self, host: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres", self.port)
    }

    /// One with PostgreSQL's own settings, which lose nothing, in a new directory in `parent`. It ends when it is dropped.
    ///
    /// # Panics
    /// As [`ThrowawayPostgres::shared`].
    pub fn durable(parent: &Path) -> Self {
        Self::launch(directory(parent), PORT, "", &[])
    }

    /// A streaming standby of this cluster, which must run.
    ///
    /// # Panics
    /// When it does not start.
    pub fn standby(&self, settings: &[&str]) -> Self {
        let source = self.directory.display().to_string();
        Self::launch(directory(&env::temp_dir()), PORT, &source, &[QUICK, settings].concat())
    }

    /// The directory with its socket, as the host part of an address.
    pub fn host(&self) -> String {
        self.directory.display().to_string().replace('/', "%2F")
    }

    /// The socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.directory.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Stops the server as an operator does: connections are ended, everything is written.
    ///
    /// # Panics
    /// When the process that keeps the cluster is gone.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// Ends the server at once, as if its processes had died.
    ///
    /// # Panics
    /// When the process that keeps the cluster is gone.
    pub fn crash(&self) {
        self.tell("crash");
    }

    /// Starts the server again and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_again(&self) {
        self.tell("start");
        self.wait();
    }

    /// The address of the cluster's own database, for creating others and for looking from outside.
    pub fn url(&self) -> String {
        self.database_url("postgres")
    }

    /// Creates an empty database nobody else uses and returns its address.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn fresh_database(&self) -> String {
        let name = format!("signet_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let created = self.execute(&format!("CREATE DATABASE {name}"));
        assert_eq!(created, Ok(()), "CREATE DATABASE");
        self.database_url(&name)
    }

    /// Runs a statement in the cluster's own database. It has a thread of its own, so it may be called from anywhere.
    ///
    /// # Errors
    /// The server's message, or why it could not be reached.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        self.ask(sql).map(drop)
    }

    /// Runs a statement as [`ThrowawayPostgres::execute`] does and returns the first value it answers, as text.
    ///
    /// # Errors
    /// The server's message, or why it could not be reached.
    pub fn ask(&self, sql: &str) -> Result<Option<String>, String> {
        let url = self.url();
        let run = async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::spawn(connection);
            client.simple_query(sql).await
        };
        let first = |messages: Vec<SimpleQueryMessage>| {
            messages.into_iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
        };
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let answered = runtime.map_err(|error| error.to_string())?.block_on(run);
                answered.map(first).map_err(|error| message(&error))
            });
            thread.join().unwrap_or_else(|_| Err("the thread panicked".to_owned()))
        })
    }

    fn database_url(&self, name: &str) -> String {
        format!("postgres://postgres@{}:{}/{name}", self.host(), self.port)
    }

    #[expect(clippy::expect_used, reason = "a test without its server has to fail at once")]
    fn launch(directory: PathBuf, port: u16, source: &str, settings: &[&str]) -> Self {
        let programs = programs().expect(MISSING);
        let keeper = Mutex::new(keep(&directory, &programs, source, settings).expect("sh"));
        let cluster = Self { directory, port, databases: AtomicU32::new(0), keeper };
        cluster.wait();
        cluster
    }

    #[expect(clippy::panic, clippy::expect_used, reason = "a test without its server has to fail at once")]
    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = self.execute("SELECT 1") {
            let ended = self.keeper().try_wait().expect("the keeper is our child").is_some();
            if ended || Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                panic!("PostgreSQL did not start: {error}\n{log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has the keeper do something and waits until it is done.
    #[expect(clippy::expect_used, reason = "a test without its server has to fail at once")]
    fn tell(&self, verb: &str) {
        let mut keeper = self.keeper();
        let input = keeper.stdin.as_mut().expect("a pipe");
        input.write_all(format!("{verb}\n").as_bytes()).expect("the keeper listens");
        let output = keeper.stdout.as_mut().expect("a pipe");
        let mut answer = vec![0; verb.len() + 1];
        output.read_exact(&mut answer).expect("the keeper answers");
    }

    fn keeper(&self) -> MutexGuard<'_, Child> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the server said, rather than only that it said something.
fn message(error: &Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

/// Ends the cluster and waits until its directory is gone.
impl Drop for ThrowawayPostgres {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(keeper.stdin.take());
        drop(keeper.wait());
    }
}

/// [`ThrowawayPostgres::fresh_database`] of the shared cluster.
///
/// # Panics
/// When PostgreSQL is not installed, does not start, or refuses.
pub fn fresh_database() -> String {
    ThrowawayPostgres::shared().fresh_database()
}

/// A directory for a cluster, whose keeper removes it, also when this process is killed.
#[expect(clippy::expect_used, reason = "a test without its server has to fail at once")]
fn directory(parent: &Path) -> PathBuf {
    let made = tempfile::Builder::new().prefix("signet-pg-").tempdir_in(parent);
    made.expect("a temporary directory").keep()
}

/// Its own process group keeps an interrupt at the terminal from reaching the keeper before it has cleaned up.
fn keep(directory: &Path, programs: &Path, source: &str, settings: &[&str]) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh"]).arg(directory).arg(programs).arg(source);
    command.args(settings.iter().flat_map(|setting| ["-c", setting]));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).process_group(0).spawn()
}

/// The newest packaged server, else the one on the PATH.
fn programs() -> Option<PathBuf> {
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |directory: &PathBuf| directory.file_name()?.to_str()?.parse::<u32>().ok();
    let newest =
        packaged.map(|entry| entry.path()).max_by_key(version).map(|directory| directory.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    newest.into_iter().chain(env::split_paths(&path)).find(|directory| is_server(directory))
}

fn is_server(directory: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| directory.join(program).is_file())
}
