//! Starting the binary, talking to it, ending it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

pub const NOTES: &str = "[[applications]]
name = \"Notes\"
identifier = \"notes\"
id = \"5f17a529f64fb009b794a2ff\"
secret = \"a-secret-of-more-than-thirty-two-letters\"
redirect_uris = [\"http://localhost:3000/callback\"]

[[users]]
username = \"alice\"
password = \"the password of alice\"
";

/// The binary with nothing of ours in its environment.
pub fn signet(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).arg("--data").arg(data).args(arguments).stdin(Stdio::null());
    command
}

/// Runs a command that must succeed, and returns what it printed.
pub fn succeed(data: &Path, arguments: &[&str]) -> String {
    let output = signet(data, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that must fail in a way a person understands, and returns what it said.
pub fn fail(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = complaint(&output);
    assert_eq!(output.status.code(), Some(1), "{}{said}", text(&output.stdout));
    assert!(said.starts_with("signet: "), "{said}");
    for rust in ["Os {", "Error(", "Some(", "panicked", "os error", "unwrap"] {
        assert!(!said.contains(rust), "{said}");
    }
    said
}

/// What a command said on standard error, but for the line that says where it worked.
pub fn complaint(output: &Output) -> String {
    let said = text(&output.stderr);
    match said.split_once('\n') {
        Some((place, rest)) if place.starts_with("Data directory /") => rest.to_owned(),
        _ => said,
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes `text` to a file beside the data directory.
pub fn file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A data directory in `home` with an installation that has no entries.
pub fn installation(home: &Path) -> PathBuf {
    let data = home.join("data");
    succeed(&data, &["apply", &file(home, "empty.toml", "")]);
    data
}

pub fn feed(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The whole answer to a GET, or nothing while nobody listens.
pub fn get(port: u16, host: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        stream.write_all(request.as_bytes()).unwrap();
        drop(stream.read_to_string(&mut answer));
    }
    answer
}

/// A running server, killed when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    log: PathBuf,
}

impl Server {
    pub fn start(data: &Path, arguments: &[&str]) -> Server {
        Server::spawn(&mut signet(data, arguments), data)
    }

    /// Starts `command` as a server on a free port and waits until it answers.
    pub fn spawn(command: &mut Command, data: &Path) -> Server {
        Server::spawn_until(command, data, |server| {
            server.get("localhost", "/healthz").starts_with("HTTP/1.1 200")
        })
    }

    /// The same, with another way to see that it is ready.
    pub fn spawn_until(command: &mut Command, data: &Path, is_ready: impl Fn(&Server) -> bool) -> Server {
        let port = free_port();
        let log = data.with_extension(format!("{port}.log"));
        let child = command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut server = Server { child, port, log };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_ready(&server) {
            assert!(Instant::now() < deadline, "it does not answer: {}", server.log());
            assert!(server.child.try_wait().unwrap().is_none(), "it ended: {}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// The whole answer to a request.
    pub fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        text(&answer)
    }

    /// The whole answer to a GET at `host`, or nothing while there is no server.
    pub fn get(&self, host: &str, path: &str) -> String {
        get(self.port, host, path)
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until the log has `words`.
    pub fn wait_for(&self, words: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.log().contains(words) {
            assert!(Instant::now() < deadline, "it does not say {words}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn stop(mut self) -> String {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0), "{}", self.log());
        self.log()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
