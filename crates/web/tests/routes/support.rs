//! A whole Signet in this process.

use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Body};
use http::{Method, Request, header};
use signet_protocol::{
    application::{Application, ApplicationSettings},
    id::{AppId, UserId},
    issuer::{BaseUrl, Identifier},
    jose,
    params::encode_pairs,
    password::{PasswordHash, Scratch},
    redirect_uri::RedirectUri,
    secret::Secret,
    time::{Now, Seconds, Timestamp},
    user::{Profile, User, UserDetails},
};
use signet_store::{Applied, Change, Database, MasterKey, Options, Store, audit::Origin};
use signet_testkit::{postgres::fresh_database, seed::Seeded};
use signet_web::{
    Settings, Signet,
    clock::Clock,
    hashing::Hasher,
    manage::pools::{self, Wanted},
    pools::Pools,
    proxies::Proxies,
    router,
};
use tempfile::TempDir;
use tower::ServiceExt;

pub use crate::browser::{Answer, Browser, request};
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
        key_rotation: Seconds(90 * 86_400),
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

    /// Another user pool of the same server, at `http://{identifier}.localhost:8080`. From now on requests to either go by
    /// their host.
    pub async fn pool(self: &Arc<World>, identifier: &str) -> Arc<World> {
        let pools = self.pools();
        let wanted = Wanted { identifier, name: &format!("Pool {identifier}"), base_url: None };
        pools::create(&self.signet(), wanted, &Origin::command_line()).await.unwrap();
        pools.refresh().await.unwrap();
        let signet = pools.find(identifier).await.unwrap().unwrap();
        Arc::new(World {
            clock: self.clock.clone(),
            running: Mutex::new((signet, self.router())),
            options: self.options.clone(),
            settings: self.settings.clone(),
            seed: Mutex::new(Seeded(19)),
            _directory: self._directory.clone(),
        })
    }

    /// The pools of this server. From now on requests go by their host.
    pub fn pools(&self) -> Arc<Pools> {
        let pools = Pools::new(self.signet());
        let dispatching = Arc::clone(&pools);
        let answer = async move |request: Request<Body>| {
            let router = dispatching.route(request.headers(), request.uri());
            router.oneshot(request).await
        };
        self.running.lock().unwrap().1 = Router::new().fallback(answer);
        pools
    }

    /// The server.
    pub fn signet(&self) -> Arc<Signet> {
        self.running.lock().unwrap().0.clone()
    }

    /// Its routes.
    pub fn router(&self) -> Router {
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
        Browser::new(self)
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
