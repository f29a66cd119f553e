//! A whole Signet in this process, a browser without scripts, and a relying party.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use signet_protocol::{
    application::{Application, ApplicationSettings},
    id::{AppId, UserId},
    issuer::{BaseUrl, Identifier},
    jose,
    params::{RawParams, encode_pairs},
    password::{PasswordHash, Scratch},
    redirect_uri::RedirectUri,
    secret::Secret,
    time::{Now, Timestamp},
    user::{Profile, User, UserDetails},
};
use signet_store::{Applied, Change, Database, MasterKey, Options, Store};
use signet_testkit::{forms::HtmlForm, postgres::fresh_database, seed::Seeded};
use signet_web::{Peer, Settings, Signet, clock::Clock, hashing::Hasher, proxies::Proxies, router};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::client;

/// The pool's address.
pub const BASE: &str = "http://localhost:8080";
/// The callback of the sample application.
pub const CALLBACK: &str = "https://rp.example/cb";
/// The secret of the sample application.
pub const SECRET: &str = "sample-secret-sample-secret-sample-1";
/// The password of the sample users.
pub const PASSWORD: &str = "correct horse battery";
/// A verifier and its challenge (RFC 7636, appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of [`VERIFIER`].
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

static PASSWORD_HASH: LazyLock<PasswordHash> =
    LazyLock::new(|| PasswordHash::create(PASSWORD, &mut Seeded(1), &mut Scratch::default()).unwrap());

/// Runs an async test function of one [`World`] on both engines.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::$name($crate::support::World::new().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                super::$name($crate::support::World::on_postgres().await).await;
            }
        }
    )+ };
}
pub(crate) use on_both_engines;

/// A clock that moves when told to.
#[derive(Default)]
pub struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Now {
        // A millisecond a reading, so that rows have an order.
        Now::from_millis(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

fn settings(base_url: &str) -> Settings {
    Settings {
        base_url: BaseUrl::parse(base_url).unwrap(),
        proxies: Proxies::default(),
        outbound: client::outbound(),
    }
}

/// A running Signet with its store in a directory of its own.
pub struct World {
    pub clock: Arc<ManualClock>,
    running: Mutex<(Arc<Signet>, Router)>,
    options: Options,
    settings: Settings,
    seed: Mutex<Seeded>,
    _directory: Arc<TempDir>,
}

impl World {
    /// On the embedded database.
    pub async fn new() -> Arc<World> {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("signet.db"));
        World::on(database, directory, settings(BASE)).await
    }

    /// On PostgreSQL.
    pub async fn on_postgres() -> Arc<World> {
        World::on(Database::Postgres(fresh_database()), tempfile::tempdir().unwrap(), settings(BASE)).await
    }

    /// On the embedded database, at another address.
    pub async fn at(base_url: &str) -> Arc<World> {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("signet.db"));
        World::on(database, directory, settings(base_url)).await
    }

    /// On the embedded database, behind proxies.
    pub async fn behind(proxies: Proxies) -> Arc<World> {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("signet.db"));
        World::on(database, directory, Settings { proxies, ..settings(BASE) }).await
    }

    async fn on(database: Database, directory: TempDir, settings: Settings) -> Arc<World> {
        let clock = Arc::new(ManualClock(AtomicI64::new(1_800_000_000_000)));
        let time = clock.clone();
        let options = Options {
            database,
            master_key: MasterKey::generate(&mut Seeded(7)),
            clock: signet_store::Clock::new(move || time.now()),
        };
        let running = Mutex::new(start(&options, &settings, &clock, 1).await);
        let seed = Mutex::new(Seeded(7));
        let _directory = Arc::new(directory);
        Arc::new(World { clock, running, options, settings, seed, _directory })
    }

    /// Stops the server and starts it again: what was in memory only is gone.
    pub async fn restart(&self) {
        self.signet().store().clone().close().await;
        *self.running.lock().unwrap() = start(&self.options, &self.settings, &self.clock, 2).await;
    }

    /// Another server on the same database.
    pub async fn second_node(&self) -> Arc<World> {
        Arc::new(World {
            clock: self.clock.clone(),
            running: Mutex::new(start(&self.options, &self.settings, &self.clock, 3).await),
            options: self.options.clone(),
            settings: self.settings.clone(),
            seed: Mutex::new(Seeded(8)),
            _directory: self._directory.clone(),
        })
    }

    /// The server.
    pub fn signet(&self) -> Arc<Signet> {
        self.running.lock().unwrap().0.clone()
    }

    fn router(&self) -> Router {
        self.running.lock().unwrap().1.clone()
    }

    /// The time in seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().timestamp().0
    }

    /// The time.
    pub fn clock_now(&self) -> Now {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Creates an application: the sample one, changed by `change`.
    pub async fn application(&self, identifier: &str, change: impl FnOnce(&mut Application)) -> Application {
        let id = AppId::generate(self.clock.now(), &mut *self.seed.lock().unwrap());
        let mut application = Application {
            id,
            pool: self.signet().store().pool().id,
            identifier: Identifier::parse(identifier).unwrap(),
            name: format!("Sample {identifier}"),
            enabled: true,
            secret: Some(Secret::new(SECRET)),
            settings: ApplicationSettings {
                redirect_uris: vec![RedirectUri::parse(CALLBACK).unwrap()],
                logout_redirect_uris: vec![RedirectUri::parse("https://rp.example/bye").unwrap()],
                ..ApplicationSettings::default()
            },
            version: 1,
        };
        change(&mut application);
        self.change(Change::InsertApplication(application.clone())).await;
        application
    }

    /// Creates a user with every claim; `change` makes them somebody else.
    pub async fn user(&self, username: &str, change: impl FnOnce(&mut User)) -> User {
        let id = UserId::generate(self.clock.now(), &mut *self.seed.lock().unwrap());
        let mut user = User {
            id,
            pool: self.signet().store().pool().id,
            username: Some(username.to_owned()),
            email: Some(format!("{username}@example.com")),
            phone: None,
            password: Some(PASSWORD_HASH.clone()),
            blocked: false,
            details: UserDetails {
                email_verified: true,
                profile: Profile { name: Some(format!("{username} Sample")), ..Profile::default() },
                ..UserDetails::default()
            },
            updated_at: Timestamp(1_700_000_000),
            version: 1,
        };
        change(&mut user);
        self.change(Change::InsertUser(user.clone())).await;
        user
    }

    /// Changes an application, as an operator would.
    pub async fn update_application(&self, id: AppId, change: impl FnOnce(&mut Application)) {
        let mut application =
            Application::clone(&self.signet().store().application(id).await.unwrap().unwrap());
        change(&mut application);
        self.change(Change::UpdateApplication(application)).await;
    }

    /// Changes a user, as an operator would.
    pub async fn update_user(&self, id: UserId, change: impl FnOnce(&mut User)) {
        let mut user = User::clone(&self.signet().store().user(id).await.unwrap().unwrap());
        change(&mut user);
        self.change(Change::UpdateUser(user)).await;
    }

    /// Applies one change, as an operator would.
    pub async fn change(&self, change: Change) {
        self.change_all(vec![change]).await;
    }

    /// Applies changes together, as an operator would.
    pub async fn change_all(&self, changes: Vec<Change>) {
        let applied = self.signet().store().apply(changes, self.clock.now(), &mut Seeded(3)).await.unwrap();
        assert!(matches!(applied, Applied::Done));
    }

    /// A request without a browser.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router().oneshot(request).await.unwrap()).await
    }

    /// GET of an absolute URL.
    pub async fn get(&self, url: &str) -> Answer {
        self.send(request(Method::GET, url).body(Body::empty()).unwrap()).await
    }

    /// POST of a form to an absolute URL, with an `Authorization` header if given.
    pub async fn post(&self, url: &str, form: &[(&str, &str)], authorization: Option<&str>) -> Answer {
        let mut builder =
            request(Method::POST, url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            builder = builder.header(header::AUTHORIZATION, value);
        }
        self.send(builder.body(Body::from(encode_pairs(form.iter().copied()))).unwrap()).await
    }

    /// A new browser.
    pub fn browser(self: &Arc<World>) -> Browser {
        Browser {
            world: self.clone(),
            jar: BTreeMap::new(),
            address: String::new(),
            peer: None,
            forwarded_for: None,
        }
    }
}

async fn start(
    options: &Options,
    settings: &Settings,
    clock: &Arc<ManualClock>,
    seed: u64,
) -> (Arc<Signet>, Router) {
    let store = Store::open(options.clone(), clock.now(), &mut Seeded(seed)).await.unwrap();
    let signet = Signet::new(settings.clone(), store, clock.clone(), Hasher::start().unwrap());
    (signet.clone(), router(signet))
}

/// Starts a request to an absolute URL, with its host in the `Host` header.
pub fn request(method: Method, url: &str) -> http::request::Builder {
    let (host, path) = split(url);
    Request::builder().method(method).uri(path).header(header::HOST, host)
}

/// Whether a URL is the pool's or an application's own.
fn is_ours(url: &str) -> bool {
    let host = split(url).0;
    url.starts_with("http://") && (host == "localhost:8080" || host.ends_with(".localhost:8080"))
}

/// Host (with port) and path of an http or https URL.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    (host, if path.is_empty() { "/" } else { path })
}

/// An answer with its body read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    async fn of(response: axum::response::Response) -> Answer {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The protocol error in the JSON body, with the status.
    pub fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The `Set-Cookie` headers.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The target of a redirect.
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.body))
    }

    /// The query of the target of a redirect.
    pub fn callback(&self) -> RawParams {
        let (_, query) = self.location().split_once('?').unwrap_or_default();
        RawParams::parse(query.as_bytes()).unwrap()
    }

    /// The one form of a page.
    pub fn form(&self) -> HtmlForm {
        HtmlForm::find(&self.body).unwrap_or_else(|| panic!("no form: {} {}", self.status, self.body))
    }
}

/// A browser without scripts: cookies by host, redirects followed while they stay with Signet.
#[derive(Clone)]
pub struct Browser {
    world: Arc<World>,
    pub jar: BTreeMap<(String, String), String>,
    pub address: String,
    pub peer: Option<IpAddr>,
    /// What a proxy, or whoever wants to be taken for one, adds.
    pub forwarded_for: Option<String>,
}

impl Browser {
    /// Opens `url` and follows redirects until a page, or until one leads away from Signet.
    pub async fn open(&mut self, url: &str) -> Answer {
        let answer = self.step(Method::GET, url, None).await;
        self.follow(answer).await
    }

    /// One request, without following.
    pub async fn step(&mut self, method: Method, url: &str, form: Option<&[(String, String)]>) -> Answer {
        let url = self.absolute(url);
        let host = split(&url).0.to_owned();
        let cookies: Vec<String> = self
            .jar
            .iter()
            .filter(|((own, _), _)| *own == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut builder = request(method, &url);
        if !cookies.is_empty() {
            builder = builder.header(header::COOKIE, cookies.join("; "));
        }
        let body = match form {
            Some(pairs) => {
                builder = builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                Body::from(encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
            }
            None => Body::empty(),
        };
        if let Some(peer) = self.peer {
            builder = builder.extension(Peer(peer));
        }
        if let Some(forwarded_for) = &self.forwarded_for {
            builder = builder.header("x-forwarded-for", forwarded_for);
        }
        let response = self.world.router().oneshot(builder.body(body).unwrap()).await.unwrap();
        self.keep(&host, response.headers());
        self.address = url;
        Answer::of(response).await
    }

    /// Fills in the form of `page`, presses the button `id`, and follows.
    pub async fn submit(&mut self, page: &Answer, values: &[(&str, &str)], id: &str) -> Answer {
        let form = page.form();
        assert!(form.buttons.iter().any(|(own, _, _)| own == id), "no button {id}: {}", page.body);
        let answer = self.step(Method::POST, &form.action, Some(&form.fill(values, id))).await;
        self.follow(answer).await
    }

    /// Sends a form by POST and follows.
    pub async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Answer {
        let form: Vec<_> = form.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let answer = self.step(Method::POST, url, Some(&form)).await;
        self.follow(answer).await
    }

    /// The cookie of a host, by name.
    pub fn cookie(&self, host: &str, name: &str) -> Option<String> {
        self.jar.get(&(host.to_owned(), name.to_owned())).cloned()
    }

    /// Takes a cookie into the browser.
    pub fn plant(&mut self, host: &str, name: &str, value: &str) {
        self.jar.insert((host.to_owned(), name.to_owned()), value.to_owned());
    }

    /// Signs in on a login page with the sample password.
    pub async fn sign_in(&mut self, page: &Answer, username: &str) -> Answer {
        self.submit(page, &[("username", username), ("password", PASSWORD)], "sign-in").await
    }

    async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            if answer.status != StatusCode::SEE_OTHER {
                return answer;
            }
            let target = answer.location().to_owned();
            if !target.starts_with('/') && !is_ours(&target) {
                return answer;
            }
            answer = self.step(Method::GET, &target, None).await;
        }
        panic!("too many redirects at {}", self.address)
    }

    fn absolute(&self, url: &str) -> String {
        if url.starts_with('/') { format!("http://{}{url}", split(&self.address).0) } else { url.to_owned() }
    }

    fn keep(&mut self, host: &str, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let text = value.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.to_owned(), name.to_owned());
            if text.contains("Max-Age=0") {
                self.jar.remove(&key);
            } else {
                self.jar.insert(key, value.to_owned());
            }
        }
    }
}

/// A request to the authorization endpoint of `issuer` with the usual parameters, changed by `change`: a value of `""`
/// removes a parameter.
pub fn authorize_url(issuer: &str, application: &Application, change: &[(&str, &str)]) -> String {
    let id = application.id.to_string();
    let usual = [
        ("client_id", id.as_str()),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("redirect_uri", CALLBACK),
        ("state", "st4te"),
        ("nonce", "n0nce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut pairs: Vec<(&str, &str)> =
        usual.into_iter().filter(|(name, _)| change.iter().all(|(n, _)| n != name)).collect();
    pairs.extend(change.iter().copied().filter(|(_, value)| !value.is_empty()));
    format!("{issuer}/auth?{}", encode_pairs(pairs.into_iter()))
}

/// `Authorization: Basic` of an id and a secret.
pub fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The left half of a SHA-256, as `at_hash` wants it.
pub fn half_hash(text: &str) -> String {
    jose::b64(&jose::sha256(text.as_bytes())[..16])
}
