//! What the nouns promise, on both engines.

pub mod accounts;
pub mod administrators;
pub mod api_requests;
mod applications;
mod assertions;
mod attempts;
mod audit;
mod codes;
pub mod dump;
mod keys;
pub mod links;
mod logins;
mod opening;
mod people;
pub mod permissions;
mod pool;
mod pools;
mod refreshes;
mod removals;
pub mod revisions;
mod revocations;
mod secrets;
mod sign_outs;
mod sweeping;
mod together;
mod usage;
mod users;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use signet_protocol::{
    amr::Amr,
    application::{Application, ApplicationSettings},
    claims_request::ClaimsRequest,
    code::AuthorizationCode,
    grant::Grant,
    id::{AppId, CodeId, FamilyId, GrantId, RowId, SessionId, TransactionId, UserId},
    issuer::{Identifier, IssuerId},
    opaque::Opaque,
    pkce::{ChallengeMethod, CodeChallenge},
    redirect_uri::RedirectUri,
    resource::{ApiIdentifier, GrantItems},
    scope::Scope,
    secret::{Secret, SecretHash},
    session::Session,
    time::{Now, Timestamp},
    transaction::{Transaction, Trips},
    user::{User, UserDetails},
};
use signet_store::{Applied, Change, Clock, Database, MasterKey, NewFamily, Options, Store};
use signet_testkit::{postgres::fresh_database, seed::Seeded};
use tempfile::TempDir;

/// When every test happens, in seconds.
pub const NOON: i64 = 1_800_000_000;
pub const SECRET: &str = "app-secret-app-secret-app-secret";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A store and what is needed to open it again.
pub struct World {
    pub store: Store,
    pub options: Options,
    pub seed: Mutex<Seeded>,
    _directory: TempDir,
}

pub fn at(seconds: i64) -> Now {
    Now::from_millis((NOON + seconds) * 1000)
}

pub fn after(seconds: i64) -> Timestamp {
    at(seconds).timestamp()
}

/// A clock that stands still.
pub fn noon() -> Clock {
    Clock::new(|| at(0))
}

/// When an access token made then ends.
pub fn until(seconds: i64) -> Timestamp {
    after(seconds + 3600)
}

/// What the sample grant was asked for one by one.
pub const CLAIMS: &str = r#"{"userinfo":{"email":{"essential":true},"name":null},"id_token":{"acr":null}}"#;

impl World {
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("signet.db"));
        Self::on(database, directory).await
    }

    pub async fn postgres() -> Self {
        Self::on(Database::Postgres(fresh_database()), tempfile::tempdir().unwrap()).await
    }

    async fn on(database: Database, directory: TempDir) -> Self {
        let mut seed = Seeded(1);
        let options = Options { database, master_key: MasterKey::generate(&mut seed), clock: noon() };
        let store = Store::open(options.clone(), at(0), &mut seed).await.unwrap();
        Self { store, options, seed: Mutex::new(seed), _directory: directory }
    }

    /// Another node on the same data, or the process after a restart.
    pub async fn again(&self) -> Store {
        let opened = Store::open(self.options.clone(), at(0), &mut Seeded(self.number()));
        opened.await.unwrap()
    }

    pub fn file(&self) -> Option<&PathBuf> {
        match &self.options.database {
            Database::Sqlite(path) => Some(path),
            Database::Postgres(_) => None,
        }
    }

    pub fn row_id<Id: RowId>(&self) -> Id {
        Id::generate(at(0), &mut *self.seed.lock().unwrap())
    }

    pub fn number(&self) -> u64 {
        self.seed.lock().unwrap().next_u64()
    }

    pub async fn try_apply(&self, changes: Vec<Change>) -> Result<Applied, signet_store::StoreError> {
        let mut seed = Seeded(self.number());
        self.store.apply(changes, at(0), &mut seed).await
    }

    pub async fn apply(&self, change: Change) {
        assert_eq!(self.try_apply(vec![change]).await, Ok(Applied::Done));
    }

    pub fn new_application(&self, label: &str) -> Application {
        let redirect_uris = vec![RedirectUri::parse(&format!("https://{label}.example/callback")).unwrap()];
        Application {
            id: AppId::generate(at(0), &mut *self.seed.lock().unwrap()),
            pool: self.store.pool().id,
            identifier: Identifier::parse(label).unwrap(),
            name: format!("The {label}"),
            enabled: true,
            secret: Some(Secret::new(SECRET)),
            settings: ApplicationSettings { redirect_uris, ..ApplicationSettings::default() },
            version: 1,
        }
    }

    pub fn new_user(&self, username: &str) -> User {
        User {
            id: UserId::generate(at(0), &mut *self.seed.lock().unwrap()),
            pool: self.store.pool().id,
            username: Some(username.to_owned()),
            email: None,
            phone: None,
            password: None,
            blocked: false,
            details: UserDetails::default(),
            updated_at: after(0),
            version: 1,
        }
    }

    pub async fn application(&self, label: &str) -> Arc<Application> {
        let application = self.new_application(label);
        let id = application.id;
        self.apply(Change::InsertApplication(application)).await;
        self.store.application(id).await.unwrap().unwrap()
    }

    /// An application that wants to be told of logouts.
    pub async fn told_application(&self, label: &str) -> Arc<Application> {
        let mut application = self.new_application(label);
        application.settings.backchannel_logout_uri =
            Some(RedirectUri::parse(&format!("https://{label}.example/logged-out")).unwrap());
        let id = application.id;
        self.apply(Change::InsertApplication(application)).await;
        self.store.application(id).await.unwrap().unwrap()
    }

    pub async fn user(&self, username: &str) -> User {
        let user = self.new_user(username);
        self.apply(Change::InsertUser(user.clone())).await;
        user
    }

    pub fn new_session(&self, user: &User) -> Session {
        let cookie = Opaque::<SessionId>::generate(at(0), &mut *self.seed.lock().unwrap());
        Session {
            id: cookie.id,
            hash: cookie.hash(),
            pool: user.pool,
            user: user.id,
            application: None,
            auth_time: after(0),
            amr: Amr::PASSWORD,
            expires_at: after(1_209_600),
            ended_at: None,
        }
    }

    pub async fn session(&self, user: &User) -> Session {
        let session = self.new_session(user);
        assert_eq!(self.store.begin_session(&session, None, None, None, at(0)).await, Ok(true));
        session
    }

    pub async fn transaction(&self) -> TransactionId {
        let transaction = self.new_transaction();
        self.store.insert_transaction(&transaction).await.unwrap();
        transaction.id
    }

    pub fn new_transaction(&self) -> Transaction {
        let application = AppId::generate(at(0), &mut *self.seed.lock().unwrap());
        Transaction {
            id: self.row_id(),
            pool: self.store.pool().id,
            issuer: IssuerId::Application(application),
            application,
            params: "client_id=x&scope=openid".to_owned(),
            browser: None,
            chosen: None,
            consent: None,
            trips: Trips::default(),
            created_at: after(0),
            expires_at: after(3600),
            used_at: None,
        }
    }

    pub fn new_grant(&self, session: &Session, application: AppId, offline: bool) -> Grant {
        Grant {
            id: self.row_id(),
            pool: session.pool,
            issuer: IssuerId::Pool(session.pool),
            application,
            user: session.user,
            session: session.id,
            sid: session.id,
            scope: Scope::parse("openid profile book:read").unwrap(),
            items: GrantItems {
                rejected: Scope::parse("book:write").unwrap(),
                api: Some(ApiIdentifier::parse("https://api.example.com/books").unwrap()),
                ip: Some("2001:db8::7".parse().unwrap()),
            },
            offline,
            auth_time: session.auth_time,
            amr: session.amr,
            claims: ClaimsRequest::parse(CLAIMS).unwrap(),
            created_at: after(0),
            expires_at: after(600 + 3600),
            revoked_at: None,
        }
    }

    pub fn new_code(&self, grant: Grant) -> AuthorizationCode {
        let id: CodeId = self.row_id();
        AuthorizationCode {
            id,
            hash: SecretHash::of("code", &id.bytes()),
            grant,
            redirect_uri: "https://notes.example/callback?a=1".to_owned(),
            challenge: CodeChallenge::parse(CHALLENGE, ChallengeMethod::S256),
            nonce: Some("n-0S6_WzA2Mj".to_owned()),
            expires_at: after(600),
            consumed_at: None,
        }
    }

    /// A code of a new user's new session.
    pub async fn code(&self, offline: bool) -> AuthorizationCode {
        let user = self.user(&format!("user{}", self.number())).await;
        let session = self.session(&user).await;
        let application = AppId::generate(at(0), &mut *self.seed.lock().unwrap());
        let code = self.new_code(self.new_grant(&session, application, offline));
        assert_eq!(self.store.issue_code(&code, None, at(0)).await, Ok(true));
        code
    }

    pub fn new_family(&self) -> NewFamily {
        NewFamily { id: self.row_id(), expires_at: after(2_592_000) }
    }

    /// A redeemed code's chain.
    pub async fn family(&self, offline: bool) -> (FamilyId, GrantId) {
        let code = self.code(offline).await;
        let family = self.new_family();
        assert_eq!(
            self.store.redeem_code(code.id, code.grant.id, Some(&family), until(1), at(1)).await,
            Ok(true)
        );
        (family.id, code.grant.id)
    }

    pub async fn is_revoked(&self, grant: GrantId) -> bool {
        let stored = self.store.is_revoked(Some(grant), "any");
        assert_eq!(self.again().await.is_revoked(Some(grant), "any"), stored, "after a restart");
        stored
    }
}

/// Runs `work` 64 times at once and says how many came to `true`.
pub async fn winners<F>(world: &World, work: impl Fn(Store, usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let outcomes = crate::parallel(64, |number| work(world.store.clone(), number)).await;
    outcomes.into_iter().filter(|won| *won).count()
}

/// Makes a test of each named function over a [`World`] for each engine.
#[macro_export]
macro_rules! on_worlds {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { super::$name($crate::nouns::World::sqlite().await).await; }
        )* }
        mod on_postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { super::$name($crate::nouns::World::postgres().await).await; }
        )* }
    };
}
