//! The server under measurement: started on a free port, stopped by its process id.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use signet_protocol::time::Now;
use signet_store::{Clock, Database, MasterKey, Options};

use crate::{
    Failure,
    http::{self, Connection},
    signatures::median,
};

/// The applications every flow uses: one for each way to sign. They share a login. Their codes last as long as a flow that redeems
/// what it got before may take.
const DESCRIPTION: &str = r#"
[[applications]]
name = "RS256"
identifier = "rs256"
id = "bbbbbbbbbbbbbbbbbbbb0001"
secret = "bench-secret-bench-secret-bench-secret"
redirect_uris = ["http://localhost:1/cb"]
grant_types = ["authorization_code", "refresh_token", "implicit", "password", "client_credentials"]
response_types = ["code", "id_token token", "code id_token token"]
sso = true
authorization_code_expire = 3600
[[applications]]
name = "ES256"
identifier = "es256"
id = "bbbbbbbbbbbbbbbbbbbb0002"
secret = "bench-secret-bench-secret-bench-secret"
redirect_uris = ["http://localhost:1/cb"]
grant_types = ["authorization_code", "refresh_token", "implicit", "password", "client_credentials"]
response_types = ["code", "id_token token", "code id_token token"]
sso = true
authorization_code_expire = 3600
id_token_signed_response_alg = "ES256"
access_token_signed_response_alg = "ES256"
"#;

const PATIENCE: Duration = Duration::from_secs(60);

/// An installation: a data directory, and a database.
pub struct Installation<'a> {
    /// The binary to measure.
    pub binary: &'a Path,
    /// Its data directory.
    pub data: PathBuf,
    /// The URL of its database, if that is not in the directory.
    pub database: Option<String>,
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub port: u16,
    /// How long it took to the first answer.
    pub started_in: Duration,
    child: Child,
}

impl Installation<'_> {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binary);
        command.arg(name).arg("--data").arg(&self.data).args(["--log-level", "warn"]);
        command.args(self.database.iter().flat_map(|url| ["--database", url]));
        command
    }

    /// Makes it, with the applications and nobody in it.
    pub fn create(&self) -> Result<(), Failure> {
        let file = self.data.with_extension("toml");
        fs::write(&file, DESCRIPTION)?;
        let applied = self.command("apply").arg(&file).stdout(Stdio::null()).status();
        let applied =
            applied.map_err(|error| format!("{}: {error}; run `make bench`", self.binary.display()))?;
        if applied.success() { Ok(()) } else { Err("signet apply failed".into()) }
    }

    /// How to open its database: the data directory is ours, and with it the master key.
    pub fn store(&self) -> Result<Options, Failure> {
        let key = fs::read_to_string(self.data.join("master.key"))?;
        let master_key = MasterKey::parse(&key).ok_or("the data directory has no master key")?;
        let database = match &self.database {
            Some(url) => Database::Postgres(url.clone()),
            None => Database::Sqlite(self.data.join("signet.db")),
        };
        Ok(Options { database, master_key, clock: Clock::new(|| Now::from_millis(0)) })
    }

    /// Starts a server on it.
    pub fn start(&self) -> Result<Server, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let since = Instant::now();
        let child = self.command("serve").args(["--listen", &format!("127.0.0.1:{port}")]).spawn()?;
        let mut server = Server { port, started_in: Duration::ZERO, child };
        while !answers(port)? {
            if since.elapsed() > PATIENCE || server.child.try_wait()?.is_some() {
                return Err("the server does not answer".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        server.started_in = since.elapsed();
        Ok(server)
    }

    /// The median time of `times` starts to the first answer.
    pub fn start_time(&self, times: usize) -> Result<Duration, Failure> {
        let mut each = Vec::new();
        for _ in 0..times {
            let server = self.start()?;
            each.push(server.started_in);
            server.stop()?;
        }
        median(each).ok_or_else(|| "no start was measured".into())
    }
}

impl Server {
    /// One that runs already.
    pub fn attach(child: Child, port: u16) -> Server {
        Server { port, started_in: Duration::ZERO, child }
    }

    /// The processor time it has used so far.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        cpu(&self.child.id().to_string())
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Stops it as an operator would.
    pub fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let since = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended with {status}").into()),
                None if since.elapsed() > PATIENCE => return Err("the server does not end".into()),
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

/// A measurement that failed leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The processor time that a process has used so far, in hundredths of a second: enough over seconds.
pub fn cpu(process: &str) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process status")?;
    // After the name: state is field 0, utime 11, stime 12.
    let used = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(Duration::from_millis(10 * used.sum::<Result<u64, _>>()?))
}

fn answers(port: u16) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let Ok(mut connection) = Connection::open(port).await else { return false };
        let request = http::get(port, "/healthz", "");
        connection.send(&[&request]).await.is_ok_and(|answer| answer.status == 200)
    }))
}
