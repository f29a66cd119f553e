//! What leaves the server besides its answers: log, metrics, traces. And that no secret leaves with it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use signet_protocol::{jose, params::encode_pairs};
use tempfile::tempdir;

use crate::{
    browser::{Answer, Browser},
    support::*,
};

const ID: &str = "5f17a529f64fb009b794a2ff";
const SECRET: &str = "a-secret-of-more-than-thirty-two-letters";
const WRONG_SECRET: &str = "another-secret-that-nobody-has-registered";
const CALLBACK: &str = "http://localhost:3000/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const WRONG_VERIFIER: &str = "wrongwrongwrongwrongwrongwrongwrongwrongwro";
/// Whatever way it is written in, it looks different there.
const PASSWORD: &str = "horse \"battery\" + stäple/&=";
const WRONG_PASSWORD: &str = "Tr0ub4dor & 3 %41";
const NEW_PASSWORD: &str = "the next pass'word of alice";
const DATABASE_PASSWORD: &str = "database-passw0rd";

/// A collector of spans: it takes everything and keeps it as it comes.
struct Collector {
    port: u16,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let keep = Arc::clone(&taken);
        thread::spawn(move || listener.incoming().for_each(|stream| take(stream.unwrap(), &keep)));
        Collector { port, taken }
    }

    fn spans(&self) -> Vec<u8> {
        self.taken.lock().unwrap().clone()
    }
}

fn take(mut stream: TcpStream, keep: &Mutex<Vec<u8>>) {
    let mut request = Vec::new();
    let length = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
        line.unwrap().parse::<usize>().unwrap()
    };
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap();
        assert_ne!(read, 0, "a request is broken off");
        request.extend_from_slice(&part[..read]);
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n")
            && request.len() >= end + 4 + length(&text(&request[..end]).to_ascii_lowercase())
        {
            break;
        }
    }
    keep.lock().unwrap().extend(request);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
}

fn has(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_request_becomes_a_span_below_that_of_its_caller() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let collector = Collector::start();
    let mut command = signet(&data, &[]);
    command.env("SIGNET_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", collector.port));
    let server = Server::spawn(&mut command, &data);
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let mut browser = Browser::at(server.port);
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let header = format!("traceparent: 00-{trace}-{parent}-01");
    let answer = browser.step("/login?txn=nothing", None, &[&header]);
    let request_id = &answer.headers.iter().find(|(name, _)| name == "x-request-id").unwrap().1;
    let asked =
        [("client_id", ID), ("response_type", "code"), ("scope", "openid"), ("redirect_uri", CALLBACK)];
    let asked = encode_pairs(asked.into_iter());
    assert_eq!(browser.step(&format!("/oidc/auth?{asked}"), None, &[&header]).status, 303);
    let unsampled =
        browser.step("/", None, &["traceparent: 00-11111111111111111111111111111111-00f067aa0ba902b7-00"]);
    assert_eq!(unsampled.status, 200);
    let log = server.stop();
    assert!(!log.contains("signet::span") && !log.contains("\"spans\"") && !log.contains("WARN"), "{log}");
    let spans = collector.spans();
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    for (what, needle) in [
        ("path of the standard", b"POST /v1/traces HTTP/1.1\r\n".to_vec()),
        ("service", b"signet".to_vec()),
        ("name", b"GET /login".to_vec()),
        ("route", b"http.route".to_vec()),
        ("request id", request_id.clone().into_bytes()),
        ("trace of the caller", bytes(trace)),
        ("span of the caller", bytes(parent)),
    ] {
        assert!(has(&spans, &needle), "{what} in {}", text(&spans));
    }
    let of_trace = spans.windows(16).filter(|window| *window == bytes(trace)).count();
    assert_eq!(of_trace, 3, "two requests and what the second one wrote");
    assert!(!has(&spans, b"txn") && !has(&spans, &bytes("11111111111111111111111111111111")));
}

#[test]
fn a_collector_that_is_away_holds_nobody_up() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let mut command = signet(&data, &[]);
    command.env("SIGNET_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", free_port()));
    let server = Server::spawn(&mut command, &data);
    assert!(server.get("localhost", "/").starts_with("HTTP/1.1 200"));
    assert!(server.stop().contains("spans were not exported"));
}

/// Everything secret that was used, by what it is, in every way it may be written.
#[derive(Default)]
struct Secrets(Vec<(&'static str, Vec<u8>)>);

impl Secrets {
    fn add(&mut self, what: &'static str, value: &str) {
        assert!(value.len() >= 8, "{what} is too short to look for: {value}");
        // The part that proves something: the signature of a JWT, the secret end of an opaque token.
        let end = value.rsplit('.').next().unwrap();
        let end = end.get(end.len().saturating_sub(24)..).unwrap_or(end);
        for text in [value, end] {
            let encoded = encode_pairs([("", text)].into_iter()).split_off(1);
            let json = serde_json::to_string(text).unwrap();
            self.0.push((what, text.into()));
            self.0.push((what, encoded.replace("%20", "+").into()));
            self.0.push((what, encoded.into()));
            self.0.push((what, json[1..json.len() - 1].into()));
            self.bytes(what, text.as_bytes());
        }
    }

    /// Hexadecimal and base64, of both alphabets.
    fn bytes(&mut self, what: &'static str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64url = jose::b64(bytes);
        self.0.push((what, hex.to_ascii_uppercase().into()));
        self.0.push((what, hex.into()));
        self.0.push((what, base64url.replace('-', "+").replace('_', "/").into()));
        self.0.push((what, base64url.into()));
    }
}

#[test]
fn attack_25_neither_log_nor_metrics_nor_traces_tell_a_secret() {
    for database in [None, Some(signet_testkit::postgres::fresh_database())] {
        let home = tempdir().unwrap();
        let mut run = Run::start(home.path(), database);
        run.whole_story(home.path());
        run.end(home.path());
    }
}

/// A server whose every word is listened to.
struct Run {
    server: Server,
    collector: Collector,
    metrics: u16,
    environment: Vec<(&'static str, String)>,
    secrets: Secrets,
}

impl Run {
    fn start(home: &Path, database: Option<String>) -> Run {
        let (collector, metrics) = (Collector::start(), free_port());
        let mut environment = vec![
            ("SIGNET_LOG", "trace".to_owned()),
            ("SIGNET_LOG_FORMAT", "json".to_owned()),
            ("SIGNET_METRICS_LISTEN", format!("127.0.0.1:{metrics}")),
            ("SIGNET_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", collector.port)),
        ];
        // The server does not ask for a password, and is told one all the same.
        let with_password =
            |url: String| url.replacen("postgres@", &format!("postgres:{DATABASE_PASSWORD}@"), 1);
        environment.extend(database.map(|url| ("SIGNET_DATABASE", with_password(url))));
        let data = home.join("data");
        let mut command = signet(&data, &[]);
        command.envs(environment.clone()).stdout(File::create(home.join("stdout")).unwrap());
        let server = Server::spawn(&mut command, &data);
        Run { server, collector, metrics, environment, secrets: Secrets::default() }
    }

    fn whole_story(&mut self, home: &Path) {
        for (what, value) in [
            ("App Secret", SECRET),
            ("wrong App Secret", WRONG_SECRET),
            ("password", PASSWORD),
            ("wrong password", WRONG_PASSWORD),
            ("new password", NEW_PASSWORD),
            ("verifier", VERIFIER),
            ("wrong verifier", WRONG_VERIFIER),
            ("database password", DATABASE_PASSWORD),
            ("Basic credentials", &format!("{ID}:{SECRET}")),
        ] {
            self.secrets.add(what, value);
        }
        self.apply(home, PASSWORD);
        let code = self.login();
        let (first, second) = self.tokens(&code);
        for (tokens, alive) in [(&first, true), (&second, false)] {
            self.probe(&code, tokens, alive);
        }
        self.apply(home, NEW_PASSWORD);
    }

    fn apply(&self, home: &Path, password: &str) {
        let users = NOTES.replace("\"the password of alice\"", &serde_json::to_string(password).unwrap());
        assert!(users.contains("horse") || users.contains("next pass"));
        let file = file(home, "notes.toml", &users);
        let mut command: Command = signet(&home.join("data"), &["apply", &file]);
        let output = command.envs(self.environment.clone()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut said = File::options().append(true).create(true).open(home.join("apply")).unwrap();
        said.write_all(&[output.stdout, output.stderr].concat()).unwrap();
    }

    /// Signs in at the second attempt, and consents.
    fn login(&mut self) -> String {
        let mut browser = Browser::at(self.server.port);
        let challenge = jose::b64(&jose::sha256(VERIFIER.as_bytes()));
        let asked = encode_pairs(
            [
                ("client_id", ID),
                ("response_type", "code"),
                ("scope", "openid profile offline_access"),
                ("prompt", "consent"),
                ("redirect_uri", CALLBACK),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ]
            .into_iter(),
        );
        let page = browser.open(&format!("/oidc/auth?{asked}"));
        self.form_token(&page);
        let wrong = browser.submit(&page, &[("username", "alice"), ("password", WRONG_PASSWORD)], "sign-in");
        assert_eq!(wrong.status, 400, "{}", wrong.body);
        self.form_token(&wrong);
        let consent = browser.submit(&wrong, &[("username", "alice"), ("password", PASSWORD)], "sign-in");
        self.form_token(&consent);
        let callback = browser.submit(&consent, &[], "allow");
        browser.jar.values().for_each(|value| self.secrets.add("cookie", value));
        assert!(browser.jar.len() >= 2, "{:?}", browser.jar);
        let query = callback.location().strip_prefix(&format!("{CALLBACK}?")).unwrap();
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
        self.secrets.add("code", &code);
        code
    }

    fn form_token(&mut self, page: &Answer) {
        let form = signet_testkit::forms::HtmlForm::find(&page.body).unwrap();
        let (_, token) = form.fields.iter().find(|(name, _)| name == "csrf").unwrap();
        self.secrets.add("form token", token);
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let client = [("client_id", ID), ("client_secret", SECRET)];
        Browser::at(self.server.port).step(path, Some(&[&client, form].concat()), &[])
    }

    /// Redeems the code after a wrong verifier, refreshes, and refreshes again with the same token.
    fn tokens(&mut self, code: &str) -> (Tokens, Tokens) {
        let redeem = |verifier| {
            let grant = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)];
            self.post("/oidc/token", &[&grant[..], &[("code", code), ("code_verifier", verifier)]].concat())
        };
        assert_eq!(redeem(WRONG_VERIFIER).status, 400);
        let first = Tokens::of(&redeem(VERIFIER));
        let refresh = || {
            self.post("/oidc/token", &[("grant_type", "refresh_token"), ("refresh_token", &first.refresh)])
        };
        let (second, third) = (Tokens::of(&refresh()), Tokens::of(&refresh()));
        assert_eq!(second.refresh, third.refresh, "a repeat");
        for tokens in [&first, &second, &third] {
            self.secrets.add("access token", &tokens.access);
            self.secrets.add("refresh token", &tokens.refresh);
            self.secrets.add("ID token", &tokens.id);
        }
        (first, second)
    }

    /// Everything that takes a token, rightly and wrongly, and ends them all.
    fn probe(&self, code: &str, tokens: &Tokens, alive: bool) {
        let mut browser = Browser::at(self.server.port);
        let Tokens { access, refresh, id } = tokens;
        for token in [access, refresh, id] {
            let bearer = format!("Authorization: Bearer {token}");
            assert_eq!(browser.step("/oidc/me", None, &[&bearer]).status == 200, alive && token == access);
            assert_eq!(self.post("/oidc/token/introspection", &[("token", token)]).status, 200);
            let wrong = [("client_id", ID), ("client_secret", WRONG_SECRET), ("token", token)];
            assert_eq!(browser.step("/oidc/token/introspection", Some(&wrong), &[]).status, 401);
            for path in ["/oidc/me?access_token", "/oidc/token?refresh_token", "/nowhere?token", "/?token"] {
                browser.step(&format!("{path}={token}&code={code}&client_secret={SECRET}"), None, &[]);
            }
            browser.open(&format!("/oidc/auth?client_id={ID}&id_token_hint={token}&prompt=none"));
        }
        let basic = jose::b64(format!("{ID}:{SECRET}").as_bytes()).replace('-', "+").replace('_', "/");
        let basic = format!("Authorization: Basic {basic}");
        assert_eq!(browser.step("/oidc/token", Some(&[("grant_type", "password")]), &[&basic]).status, 401);
        let again = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)];
        let again = [&again[..], &[("code", code), ("code_verifier", VERIFIER)]].concat();
        assert_eq!(self.post("/oidc/token", &again).status, 400, "a second use");
        assert_eq!(self.post("/oidc/token/revocation", &[("token", refresh)]).status, 200);
        assert!(browser.open(&format!("/oidc/session/end?id_token_hint={id}")).status < 400);
    }

    /// Stops the server and looks for the secrets in all it has told, and by the same look for what must be there.
    fn end(mut self, home: &Path) {
        let key = fs::read_to_string(home.join("data/master.key")).unwrap();
        self.secrets.add("master key", key.trim());
        self.secrets.bytes("master key", &jose::unb64(key.trim()).unwrap());
        let metrics = get(self.metrics, "localhost", "/metrics");
        let log = self.server.stop();
        let (said, applied) = (fs::read(home.join("stdout")).unwrap(), fs::read(home.join("apply")).unwrap());
        let told = [
            ("log", log.into_bytes(), &["answered", "/oidc/token", "signed in", "login failed"][..]),
            ("standard output", said, &[]),
            ("apply", applied, &["alice"]),
            (
                "metrics",
                metrics.into_bytes(),
                &["/oidc/token/revocation", "invalid_grant", "outcome=\"failed\"} 1\n"],
            ),
            ("traces", self.collector.spans(), &["POST /oidc/token", "store write", "hash password"]),
        ];
        for (place, text, canaries) in &told {
            for canary in *canaries {
                assert!(has(text, canary.as_bytes()), "{canary} is found in the {place}");
            }
            for (what, secret) in &self.secrets.0 {
                assert!(
                    !has(text, secret),
                    "the {place} tells the {what}: {}",
                    String::from_utf8_lossy(secret)
                );
            }
        }
    }
}

/// The tokens of one answer.
struct Tokens {
    access: String,
    refresh: String,
    id: String,
}

impl Tokens {
    fn of(answer: &Answer) -> Tokens {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let [access, refresh, id] =
            ["access_token", "refresh_token", "id_token"].map(|name| answer.text(name));
        Tokens { access, refresh, id }
    }
}
