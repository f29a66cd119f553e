//! The server under measurement: started on a free port, stopped by its process id.

use std::{
    fs,
    io::Read,
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
pub const DESCRIPTION: &str = r#"
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

    /// Makes it, with what `description` says and nobody in it.
    pub fn create(&self, description: &str) -> Result<(), Failure> {
        let file = self.data.with_extension("toml");
        fs::write(&file, description)?;
        let applied = self.command("apply").arg(&file).stdout(Stdio::null()).status();
        let applied =
            applied.map_err(|error| format!("{}: {error}; run `make bench`", self.binary.display()))?;
        if applied.success() { Ok(()) } else { Err("signet apply failed".into()) }
    }

    /// A new link that makes its first owner.
    pub fn setup_link(&self) -> Result<String, Failure> {
        let output = self.command("setup-link").output()?;
        let text = String::from_utf8(output.stdout)?;
        let link = text.split_whitespace().find(|word| word.contains("/console/setup?"));
        link.map(str::to_owned).ok_or_else(|| format!("signet setup-link printed no link: {text}").into())
    }

    /// Runs `signet export`; how many bytes it wrote, and the most memory it had, in KiB.
    pub fn export(&self) -> Result<(u64, u64), Failure> {
        let mut child =
            self.command("export").arg("-").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut out = child.stdout.take().ok_or("signet export has no output")?;
        let (mut bytes, mut peak, mut buffer) = (0, 0, vec![0; 1024 * 1024]);
        loop {
            match out.read(&mut buffer)? {
                0 => break,
                read => bytes += u64::try_from(read)?,
            }
            // It may have ended by now.
            peak = memory(child.id(), "VmHWM:").unwrap_or(peak);
        }
        if child.wait()?.success() { Ok((bytes, peak)) } else { Err("signet export failed".into()) }
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

    /// The same, and that of the PostgreSQL that was started for it.
    pub fn cpu_with_database(&self) -> Result<Duration, Failure> {
        Ok(self.cpu()? + below(std::process::id(), "postgres")?)
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> Result<u64, Failure> {
        memory(self.child.id(), "VmRSS:")
    }

    /// The most it has had, in KiB.
    pub fn peak_kib(&self) -> Result<u64, Failure> {
        memory(self.child.id(), "VmHWM:")
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

/// A line of a process's status, in KiB.
fn memory(process: u32, name: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time of every process of this name that `ancestor` has started, or what it started, those that have ended included
/// as far as their parent has waited for them.
fn below(ancestor: u32, name: &str) -> Result<Duration, Failure> {
    let mut all = std::collections::HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Who has ended meanwhile used nothing more.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let named = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
        let Some((called, fields)) = named else { continue };
        let fields: Vec<u64> =
            fields.split_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect();
        // After the name and the state: the parent is field 0; utime, stime and those of ended children are 10 to 13.
        let parent = fields.first().and_then(|parent| u32::try_from(*parent).ok()).unwrap_or_default();
        let ticks: u64 = fields.iter().skip(10).take(4).sum();
        all.insert(id, (parent, called == name, ticks));
    }
    let mut sum = 0;
    for (mut id, of_name, ticks) in all.iter().map(|(id, (_, of_name, ticks))| (*id, *of_name, *ticks)) {
        while let Some((parent, ..)) = all.get(&id).filter(|_| of_name && id != ancestor) {
            id = *parent;
        }
        sum += if of_name && id == ancestor { ticks } else { 0 };
    }
    Ok(Duration::from_millis(10 * sum))
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
