//! A PostgreSQL cluster that lives as long as the test process and no longer.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio_postgres::NoTls;

const MISSING: &str = "the tests need PostgreSQL's server programs: apt-get install postgresql";
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the cluster in directory `$1` with the programs in directory `$2` and the options behind them. PostgreSQL refuses
/// to run as root, so root runs it as somebody else. `cat` ends when the test process does, however it ends, because the pipe closes then.
const KEEPER: &str = r#"
set -eu
as=
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$1"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
directory=$1
programs=$2
shift 2
cd "$directory"
trap 'rm -rf "$directory"' EXIT
$as "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >log 2>&1 </dev/null || { cat log >&2; exit 1; }
$as "$programs/postgres" -D data -k "$directory" -c listen_addresses= "$@" >>log 2>&1 </dev/null &
server=$!
cat >/dev/null || true
kill -QUIT "$server" 2>/dev/null || true
wait "$server" 2>/dev/null || true
"#;

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
    databases: AtomicU32,
    /// Its stdin is a pipe, open as long as this process lives; the closing of it ends the cluster.
    keeper: Child,
}

impl ThrowawayPostgres {
    /// The cluster of this test process, started at the first call.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start: such a test fails, it is never skipped.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ThrowawayPostgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&env::temp_dir(), QUICK))
    }

    /// One with PostgreSQL's own settings, which lose nothing, in a new directory in `parent`. It ends when it is dropped.
    ///
    /// # Panics
    /// As [`ThrowawayPostgres::shared`].
    pub fn durable(parent: &Path) -> Self {
        Self::start(parent, &[])
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
        let url = self.url();
        let run = async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(sql).await
        };
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map_err(|error| error.to_string())?.block_on(run).map_err(|error| error.to_string())
            });
            thread.join().unwrap_or_else(|_| Err("the thread panicked".to_owned()))
        })
    }

    fn database_url(&self, name: &str) -> String {
        let host = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{host}/{name}")
    }

    #[expect(clippy::panic, clippy::expect_used, reason = "a test without its server has to fail at once")]
    fn start(parent: &Path, settings: &[&str]) -> Self {
        let programs = programs().expect(MISSING);
        let directory =
            tempfile::Builder::new().prefix("signet-pg-").tempdir_in(parent).expect("a temporary directory");
        // From here on the keeper removes it, also when this process is killed.
        let directory = directory.keep();
        let keeper = keep(&directory, &programs, settings).expect("sh");
        let mut cluster = Self { directory, databases: AtomicU32::new(0), keeper };
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = cluster.execute("SELECT 1") {
            let ended = cluster.keeper.try_wait().expect("the keeper is our child").is_some();
            if ended || Instant::now() > deadline {
                let log = fs::read_to_string(cluster.directory.join("log")).unwrap_or_default();
                panic!("PostgreSQL did not start: {error}\n{log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        cluster
    }
}

/// Ends the cluster and waits until its directory is gone.
impl Drop for ThrowawayPostgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

/// [`ThrowawayPostgres::fresh_database`] of the shared cluster.
///
/// # Panics
/// When PostgreSQL is not installed, does not start, or refuses.
pub fn fresh_database() -> String {
    ThrowawayPostgres::shared().fresh_database()
}

/// Its own process group keeps an interrupt at the terminal from reaching the keeper before it has cleaned up.
fn keep(directory: &Path, programs: &Path, settings: &[&str]) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh"]).arg(directory).arg(programs);
    command.args(settings.iter().flat_map(|setting| ["-c", setting]));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit()).process_group(0).spawn()
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
