//! The processes: two nodes with data directories of their own, and HAProxy before them.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use signet_testkit::postgres::fresh_database;
use tempfile::TempDir;

use crate::client::{Answer, Target};

pub const CLIENT: &str = "5f17a529f64fb009b794a2ff";
pub const SECRET: &str = "a-secret-of-more-than-thirty-two-letters";
pub const CALLBACK: &str = "http://localhost:3000/callback";

/// The configuration that operators are told to use.
const GUIDE: &str = include_str!("../../../../docs/clustering.md");
const MISSING: &str = "the tests need HAProxy: scripts/install-test-tools";
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PATIENCE: Duration = Duration::from_secs(30);
/// People, each with a name of their own.
pub const PEOPLE: usize = 4;

/// Two nodes and what is before them. One cluster runs at a time: how fast something follows is measured.
pub struct Cluster {
    pub a: Node,
    pub b: Node,
    port: u16,
    proxy: Child,
    pub database: String,
    home: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// A node, which can be stopped and started again.
pub struct Node {
    name: &'static str,
    address: SocketAddr,
    base: String,
    data: PathBuf,
    database: String,
    /// Seconds it goes on answering once it is told to stop.
    pub drain: u8,
    process: Option<Child>,
}

impl Cluster {
    /// Starts everything, with an application `notes` and people `user0`, `user1`, ….
    pub fn start() -> Cluster {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (home, database) = (tempfile::tempdir().unwrap(), fresh_database());
        let port = free_port(Ipv4Addr::LOCALHOST);
        // Addresses at which no connection of this machine begins, so that a port stays free while its node is down.
        let [mut a, mut b] = [("a", 2), ("b", 3)].map(|(name, last)| {
            let ip = Ipv4Addr::new(127, 0, 0, last);
            Node {
                name,
                address: (ip, free_port(ip)).into(),
                base: format!("localhost:{port}"),
                data: home.path().join(name),
                database: database.clone(),
                drain: 0,
                process: None,
            }
        });
        a.start();
        b.start();
        let proxy = start_proxy(&home.path().join("haproxy.cfg"), port, [&a, &b]);
        let mut cluster = Cluster { a, b, port, proxy, database, home, _alone: alone };
        let people: String = (0..PEOPLE)
            .map(|n| format!("[[users]]\nusername = \"user{n}\"\npassword = \"password of user{n}\"\n"))
            .collect();
        cluster.apply(&format!("{}{people}", application(&[CALLBACK])));
        cluster.wait_for(|cluster| &mut cluster.a);
        cluster.wait_for(|cluster| &mut cluster.b);
        cluster
    }

    /// The load balancer.
    pub fn proxy(&self) -> Target {
        Target { address: (Ipv4Addr::LOCALHOST, self.port).into(), host: format!("localhost:{}", self.port) }
    }

    /// Applies a description at node a.
    pub fn apply(&self, text: &str) -> String {
        let path = self.home.path().join("description.toml");
        std::fs::write(&path, text).unwrap();
        self.a.run(&["apply", path.to_str().unwrap()])
    }

    /// Waits until the load balancer sends requests to a node.
    pub fn wait_for(&mut self, which: impl Fn(&mut Cluster) -> &mut Node) {
        let name = which(self).name;
        let deadline = Instant::now() + PATIENCE;
        let answers = |got: Answer| got.header("x-served-by") == name;
        while !self.proxy().try_send("GET", "/healthz", "", "").is_ok_and(answers) {
            assert!(Instant::now() < deadline, "HAProxy does not use {name}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.proxy.kill());
        drop(self.proxy.wait());
    }
}

impl Node {
    /// Starts the process and waits until it answers.
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let listen = self.address.to_string();
        let (base, drain) = (format!("http://{}", self.base), self.drain.to_string());
        let arguments = ["serve", "--listen", &listen, "--base-url", &base, "--drain", &drain];
        let mut command = self.command(&arguments);
        self.process = Some(command.stderr(log).spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while !self.target().try_send("GET", "/readyz", "", "").is_ok_and(|answer| answer.status == 200) {
            assert!(Instant::now() < deadline, "{} does not answer: {}", self.name, self.read_log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal and waits for the end.
    pub fn end(&mut self, signal: &str) {
        let mut process = self.process.take().unwrap();
        let kill = format!("kill -{signal} {}", process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        while process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{} does not end: {}", self.name, self.read_log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The node itself, past the load balancer.
    pub fn target(&self) -> Target {
        Target { address: self.address, host: self.base.clone() }
    }

    /// Runs a command on the node's data directory and gives what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn read_log(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("SIGNET_MASTER_KEY", MASTER_KEY);
        command.arg("--data").arg(&self.data).args(["--database", &self.database]).args(arguments);
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// The application `notes` with these callbacks.
pub fn application(callbacks: &[&str]) -> String {
    format!(
        "[[applications]]\nname = \"Notes\"\nidentifier = \"notes\"\nid = \"{CLIENT}\"\nsecret = \"{SECRET}\"\n\
         redirect_uris = {callbacks:?}\nlogout_redirect_uris = [\"{CALLBACK}\"]\n"
    )
}

/// Runs HAProxy on the configuration of the guide, with our addresses in it.
fn start_proxy(path: &Path, port: u16, nodes: [&Node; 2]) -> Child {
    let block = GUIDE.split_once("```haproxy\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let ours = [
        (":80\n", format!("127.0.0.1:{port}\n")),
        ("10.0.0.1:8080", nodes[0].address.to_string()),
        ("10.0.0.2:8080", nodes[1].address.to_string()),
    ];
    let text = ours.iter().fold(block.to_owned(), |text, (theirs, ours)| {
        assert_eq!(text.matches(theirs).count(), 1, "{theirs} in {text}");
        text.replace(theirs, ours)
    });
    std::fs::write(path, text).unwrap();
    let log = File::create(path.with_extension("log")).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{MISSING}: {error}"))
}

fn free_port(ip: Ipv4Addr) -> u16 {
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port()
}
