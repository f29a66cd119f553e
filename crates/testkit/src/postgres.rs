//! A PostgreSQL cluster that lives as long as the test process and no longer.

use std::{
    env,
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
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

use crate::certificates::Issued;

const MISSING: &str = "the tests need PostgreSQL's server programs: apt-get install postgresql";
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the cluster in directory `$1` with the programs in directory `$2` and the options in `$3`. PostgreSQL refuses to run as root, so root
/// runs it as somebody else. `cat` ends when the test process does, however it ends, because the pipe closes then.
const KEEPER: &str = r#"
set -eu
as=
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown -R "$user" "$1"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
cd "$1"
trap 'rm -rf "$1"' EXIT
$as "$2/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >log 2>&1 </dev/null || { cat log >&2; exit 1; }
$as "$2/postgres" -D data -k "$1" -c listen_addresses= -c max_connections=400 -c shared_buffers=64MB \
    -c deadlock_timeout=50ms -c fsync=off -c synchronous_commit=off -c full_page_writes=off $3 >>log 2>&1 </dev/null &
server=$!
cat >/dev/null || true
kill -QUIT "$server" 2>/dev/null || true
wait "$server" 2>/dev/null || true
"#;

/// A running cluster, reached by a Unix socket in its own temporary directory.
pub struct ThrowawayPostgres {
    directory: PathBuf,
    port: u16,
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
        SHARED.get_or_init(|| Self::start(&directory(), 5432, ""))
    }

    /// A cluster of its own that listens on 127.0.0.1, too, and speaks TLS there. It lives as long as this value.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[expect(clippy::expect_used, reason = "a test without its server has to fail at once")]
    pub fn with_tls(issued: &Issued) -> Self {
        let directory = directory();
        let at = directory.display();
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let key = directory.join("server.key");
        fs::write(directory.join("server.crt"), &issued.certificate).expect("server.crt");
        fs::write(&key, &issued.key).expect("server.key");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("server.key");
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} \
             -c ssl=on -c ssl_cert_file={at}/server.crt -c ssl_key_file={at}/server.key"
        );
        Self::start(&directory, port, &options)
    }

    /// The address of the cluster's own database by TCP, at a name of this machine.
    pub fn tcp_url(&self, host: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres", self.port)
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
        format!("postgres://postgres@{host}:{}/{name}", self.port)
    }

    #[expect(clippy::panic, clippy::expect_used, reason = "a test without its server has to fail at once")]
    fn start(directory: &Path, port: u16, options: &str) -> Self {
        let programs = programs().expect(MISSING);
        let keeper = keep(directory, &programs, options).expect("sh");
        let mut cluster =
            Self { directory: directory.to_owned(), port, databases: AtomicU32::new(0), keeper };
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

/// [`ThrowawayPostgres::fresh_database`] of the shared cluster.
///
/// # Panics
/// When PostgreSQL is not installed, does not start, or refuses.
pub fn fresh_database() -> String {
    ThrowawayPostgres::shared().fresh_database()
}

/// A directory for a cluster, whose keeper removes it, also when this process is killed.
#[expect(clippy::expect_used, reason = "a test without its server has to fail at once")]
fn directory() -> PathBuf {
    tempfile::Builder::new().prefix("signet-pg-").tempdir().expect("a temporary directory").keep()
}

/// Its own process group keeps an interrupt at the terminal from reaching the keeper before it has cleaned up.
fn keep(directory: &Path, programs: &Path, options: &str) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh"]).arg(directory).arg(programs).arg(options);
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
