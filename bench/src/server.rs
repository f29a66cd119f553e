//! The server under measurement: started on a free port with an empty directory, stopped by its process id.

use std::{
    net::TcpListener,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{Failure, http::Connection};

/// The applications every flow uses: one for each way to sign.
const DESCRIPTION: &str = r#"
[[applications]]
name = "RS256"
identifier = "rs256"
id = "bbbbbbbbbbbbbbbbbbbb0001"
secret = "bench-secret-bench-secret-bench-secret"
redirect_uris = ["http://localhost:1/cb"]
[[applications]]
name = "ES256"
identifier = "es256"
id = "bbbbbbbbbbbbbbbbbbbb0002"
secret = "bench-secret-bench-secret-bench-secret"
redirect_uris = ["http://localhost:1/cb"]
id_token_signed_response_alg = "ES256"
access_token_signed_response_alg = "ES256"
"#;

/// The user name of a person: one for each connection, since attempts at one name are counted together.
pub fn username(number: usize) -> String {
    format!("person-{number}")
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub port: u16,
    /// Its resident memory before the first request of a flow, in KiB.
    pub idle_kib: u64,
    /// How long a start on existing data took to the first answer.
    pub started_in: Duration,
    child: Child,
    pid: u32,
    _directory: TempDir,
}

impl Server {
    /// Applies the applications and `people` and starts `binary`.
    pub async fn start(binary: &Path, database: Option<&str>, people: usize) -> Result<Server, Failure> {
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        let file = directory.path().join("bench.toml");
        let each = (0..people).map(|number| {
            format!(
                "[[users]]\nusername = \"{}\"\nname = \"Person\"\npassword = \"bench password\"\n",
                username(number)
            )
        });
        std::fs::write(&file, DESCRIPTION.to_owned() + &each.collect::<String>())?;
        let command = |name: &str| {
            let mut command = Command::new(binary);
            command.arg(name).arg("--data").arg(&data).args(["--log-level", "warn"]).kill_on_drop(true);
            command.args(database.iter().flat_map(|url| ["--database", url]));
            command
        };
        let applied = command("apply").arg(&file).stdout(Stdio::null()).status().await;
        if !applied.map_err(|error| format!("{}: {error}; run `make bench`", binary.display()))?.success() {
            return Err("signet apply failed".into());
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let since = Instant::now();
        let child = command("serve").args(["--listen", &format!("127.0.0.1:{port}")]).spawn()?;
        let pid = child.id().ok_or("the server ended at once")?;
        timeout(Duration::from_secs(20), answers(port)).await.map_err(|_| "the server does not answer")?;
        let started_in = since.elapsed();
        let idle_kib = resident_kib(pid)?;
        Ok(Server { port, idle_kib, started_in, child, pid, _directory: directory })
    }

    /// The processor time it has used so far.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no process status")?;
        // After the name: state is field 0, utime 11, stime 12, in hundredths of a second.
        let used: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(used * 10))
    }

    /// Stops it as an operator would.
    pub async fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.pid.to_string()).status().await?;
        let status = timeout(Duration::from_secs(20), self.child.wait()).await??;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

async fn answers(port: u16) {
    loop {
        if let Ok(mut connection) = Connection::open(port).await
            && connection.get("/healthz", "").await.is_ok_and(|answer| answer.status == 200)
        {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

fn resident_kib(pid: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
