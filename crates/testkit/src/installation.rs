//! The real binary on a data directory of its own: started, killed, started again.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::{Failure, http::Connection};

/// How long a server may take to its first answer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);

/// What begins the failure of a server that gave up.
const ENDED: &str = "the server ended\n";

/// A binary with a data directory and a port that stay the same from start to start.
pub struct Installation {
    binary: PathBuf,
    database: Option<String>,
    directory: TempDir,
    port: u16,
}

impl Installation {
    /// A new one. The database is SQLite in the data directory, or the empty PostgreSQL database of this URL.
    ///
    /// # Errors
    /// No directory can be made, or no port is free.
    pub fn new(binary: &Path, database: Option<&str>) -> Result<Installation, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (directory, binary) = (tempfile::tempdir()?, std::path::absolute(binary)?);
        Ok(Installation { binary, database: database.map(str::to_owned), directory, port })
    }

    /// Where its server listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A command on it, with nothing of ours in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).args(arguments).arg("--data").arg(self.data());
        command.args(self.database.iter().flat_map(|url| ["--database", url])).stdin(Stdio::null());
        command.kill_on_drop(true);
        command
    }

    /// Runs a command and returns what it printed.
    ///
    /// # Errors
    /// What it complained of.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command(arguments).output().await;
        let output = output.map_err(|error| format!("{}: {error}", self.binary.display()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(format!("signet {}: {}", arguments.join(" "), text(&output.stderr)).into())
        }
    }

    /// Applies a description.
    ///
    /// # Errors
    /// As [`Installation::run`].
    pub async fn apply(&self, description: &str) -> Result<(), Failure> {
        let file = tempfile::NamedTempFile::new_in(self.directory.path())?;
        fs::write(file.path(), description)?;
        let path = file.path().to_str().ok_or("a path that is not UTF-8")?;
        self.run(&["apply", path]).await.map(drop)
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// It ends or does not answer; with what it logged.
    pub async fn serve(&self, arguments: &[&str]) -> Result<Server, Failure> {
        let listen = format!("127.0.0.1:{}", self.port);
        let since = Instant::now();
        let child = self
            .command(&[&["serve", "--listen", &listen], arguments].concat())
            .stderr(File::create(self.log_file())?)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.binary.display()))?;
        let mut server = Server { child, started_in: Duration::ZERO };
        while !answers(self.port).await {
            if server.child.try_wait()?.is_some() {
                return Err(format!("{ENDED}{}", self.log()).into());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("the server does not answer\n{}", self.log()).into());
            }
            sleep(Duration::from_millis(2)).await;
        }
        server.started_in = since.elapsed();
        Ok(server)
    }

    /// What the last server logged.
    pub fn log(&self) -> String {
        fs::read(self.log_file())
            .map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }
}

/// Whether a server gave up at its start ([`Installation::serve`]) because PostgreSQL did not answer it in time, and for no
/// other reason.
pub fn database_was_silent(failure: &Failure) -> bool {
    let said = |line: &str| {
        line.starts_with("signet: cannot use the database PostgreSQL ")
            && line.contains(": no answer within ")
    };
    failure.to_string().strip_prefix(ENDED).is_some_and(|log| log.lines().any(said))
}

async fn answers(port: u16) -> bool {
    match Connection::open(port).await {
        Ok(mut connection) => connection.get("/readyz", "").await.is_ok_and(|answer| answer.status == 200),
        Err(_) => false,
    }
}

/// A running server, killed when dropped.
pub struct Server {
    /// How long its start took to the first answer.
    pub started_in: Duration,
    child: Child,
}

impl Server {
    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// SIGKILL: it has no chance to finish anything.
    ///
    /// # Errors
    /// It had ended before by itself.
    pub async fn kill(mut self) -> Result<(), Failure> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("the server ended by itself with {status}").into());
        }
        Ok(self.child.kill().await?)
    }
}
