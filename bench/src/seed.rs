//! Rows as the server itself would have written them, put into its database directly: a million people would otherwise take
//! hours of password hashing to come together.

mod accounts;
pub mod postgres;
pub mod sqlite;

use std::time::{Duration, Instant};

use signet_protocol::{
    id::AppId,
    issuer::IssuerId,
    password::{PasswordHash, Scratch},
    scope::Scope,
    time::{Now, Seconds, Timestamp},
    user::{Profile, UserDetails},
};
use signet_store::{Database, Options, Pool, Store, args, sql::Value};
use signet_testkit::seed::Seeded;

use crate::{
    Failure,
    population::{PASSWORD, Population, Size},
};

/// How long a chain of refresh tokens lasts unless the application says otherwise.
const REFRESH_TOKEN_EXPIRE: Seconds = Seconds(2_592_000);
const SESSION_EXPIRE: Seconds = signet_protocol::session::SESSION_EXPIRE;
const TABLES: &[&str] = &["pool_user", "session", "user_grant", "refresh_family"];

/// Where rows go.
pub trait Sink {
    /// Takes the secondary indexes of the tables away; building them at the end is quicker than keeping them.
    fn begin(&mut self, tables: &[&str]) -> Result<(), Failure>;

    /// Appends rows to a table.
    fn fill(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Value>>,
    ) -> Result<(), Failure>;

    /// Builds the indexes again, and leaves the tables as a database is that has been running.
    fn finish(&mut self) -> Result<(), Failure>;
}

/// Fills the database of an installation with people, and says how long that took.
pub fn fill(store: &Options, size: Size) -> Result<(Population, Duration), Failure> {
    let since = Instant::now();
    let population = Population::new(size, open_pool(store)?);
    let mut sink = sink(&store.database)?;
    sink.begin(TABLES)?;
    fill_users(sink.as_mut(), &population)?;
    fill_sessions(sink.as_mut(), &population)?;
    fill_grants(sink.as_mut(), &population)?;
    fill_families(sink.as_mut(), &population)?;
    sink.finish()?;
    // The store wants the database for itself.
    drop(sink);
    accounts::fill(store, &population)?;
    Ok((population, since.elapsed()))
}

/// The way rows go into a database.
pub fn sink(database: &Database) -> Result<Box<dyn Sink>, Failure> {
    Ok(match database {
        Database::Postgres(url) => Box::new(postgres::Server::connect(url)?),
        Database::Sqlite(path) => Box::new(sqlite::File::open(path)?),
    })
}

/// The pool with its keys, which the harness may know because the data directory is its own.
pub fn open_pool(store: &Options) -> Result<Pool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(store.clone(), Now::from_millis(0), &mut Seeded(0)).await?;
        let pool = store.pool().clone();
        store.close().await;
        Ok(pool)
    })
}

fn fill_users(sink: &mut dyn Sink, population: &Population) -> Result<(), Failure> {
    let columns = [
        "user_id",
        "pool_id",
        "username",
        "email",
        "email_key",
        "phone",
        "password",
        "blocked",
        "details",
        "version",
        // As if their words were written: nobody searches for them here, and catching up would be measured too.
        "indexed",
        "created_at",
        "updated_at",
    ];
    // One hash for all: what matters is how long a row is, and that verifying it costs what it costs.
    let hash = PasswordHash::create(PASSWORD, &mut Seeded(1), &mut Scratch::default()).ok_or("no hash")?;
    let mut rows = (0..population.size.users).map(|number| {
        let at = population.user_since(number).timestamp();
        let email = format!("person-{number}@example.com");
        args![
            population.user(number),
            population.pool.id,
            Population::username(number),
            &email,
            &email,
            format!("+86138{number:08}"),
            hash.as_str(),
            false,
            details(number),
            1_i64,
            1_i64,
            at,
            at,
        ]
    });
    sink.fill("pool_user", &columns, &mut rows)
}

fn details(number: u64) -> String {
    let profile = Profile {
        name: Some(format!("Person {number}")),
        given_name: Some("Person".to_owned()),
        family_name: Some(number.to_string()),
        nickname: Some(format!("p{number}")),
        locale: Some("zh-CN".to_owned()),
        zoneinfo: Some("Asia/Shanghai".to_owned()),
        ..Profile::default()
    };
    let details =
        UserDetails { email_verified: true, phone_verified: true, profile, ..UserDetails::default() };
    serde_json::to_string(&details).unwrap_or_default()
}

pub fn fill_sessions(sink: &mut dyn Sink, population: &Population) -> Result<(), Failure> {
    let columns =
        ["session_id", "pool_id", "hash", "user_id", "app_id", "auth_time", "created_at", "expires_at"];
    let mut rows = (0..population.size.sessions).map(|number| {
        let session = population.session(number);
        let at = population.session_since(number).timestamp();
        args![
            session.id,
            population.pool.id,
            session.hash(),
            population.user(population.user_of_session(number)),
            None::<AppId>,
            at,
            at,
            at.plus(SESSION_EXPIRE),
        ]
    });
    sink.fill("session", &columns, &mut rows)
}

/// When the chain of a grant ends, and with it the grant.
fn end_of_grant(population: &Population, number: u64) -> Timestamp {
    population.grant_since(number).timestamp().plus(REFRESH_TOKEN_EXPIRE)
}

fn fill_grants(sink: &mut dyn Sink, population: &Population) -> Result<(), Failure> {
    let columns = [
        "grant_id",
        "pool_id",
        "issuer",
        "app_id",
        "user_id",
        "session_id",
        "scope",
        "offline",
        "auth_time",
        "created_at",
        "expires_at",
    ];
    let scope = Scope::parse("openid profile offline_access").map_err(|_| "no scope")?;
    let mut rows = (0..population.size.grants).map(|number| {
        let session = population.session_of_grant(number);
        args![
            population.grant(number),
            population.pool.id,
            IssuerId::Pool(population.pool.id),
            Population::alg_of_grant(number).client_id(),
            population.user(population.user_of_session(session)),
            population.session(session).id,
            &scope,
            true,
            population.session_since(session).timestamp(),
            population.grant_since(number).timestamp(),
            end_of_grant(population, number),
        ]
    });
    sink.fill("user_grant", &columns, &mut rows)
}

fn fill_families(sink: &mut dyn Sink, population: &Population) -> Result<(), Failure> {
    let columns = [
        "family_id",
        "pool_id",
        "grant_id",
        "generation",
        "rotated_at",
        "repeats",
        "created_at",
        "expires_at",
    ];
    let mut rows = (0..population.size.grants).map(|number| {
        let at = population.grant_since(number).timestamp();
        let id = population.family(number);
        let (grant, end) = (population.grant(number), end_of_grant(population, number));
        args![id, population.pool.id, grant, 0_i64, at, 0_i64, at, end]
    });
    sink.fill("refresh_family", &columns, &mut rows)
}

#[cfg(test)]
mod tests {
    use signet_protocol::{
        application::{Application, ApplicationSettings},
        id::RowId,
        issuer::Identifier,
        refresh::parse_refresh_token,
        user::LoginName,
    };
    use signet_store::{Applied, Change, Clock, MasterKey};

    use super::*;
    use crate::{flows::Alg, worker::SECRET};

    /// The applications, which `signet apply` makes before a bench is seeded.
    fn create_applications(options: &Options) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(options.clone(), Now::from_millis(0), &mut Seeded(0)).await.unwrap();
            let changes = [Alg::Rs256, Alg::Es256].map(|alg| {
                Change::InsertApplication(Application {
                    id: AppId::parse(alg.client_id()).unwrap(),
                    pool: store.pool().id,
                    identifier: Identifier::parse(&format!("{alg:?}").to_lowercase()).unwrap(),
                    name: format!("{alg:?}"),
                    enabled: true,
                    secret: None,
                    settings: ApplicationSettings::default(),
                    version: 1,
                })
            });
            let applied = store.apply(changes.into(), Now::from_millis(0), &mut Seeded(5)).await;
            assert_eq!(applied, Ok(Applied::Done));
            store.close().await;
        });
    }

    /// What was seeded is read by the store as what it would have written itself, and its indexes are there again.
    fn check(database: Database) {
        let master_key = MasterKey::from_bytes([7; 32]);
        let options = Options { database, master_key, clock: Clock::new(|| Now::from_millis(0)) };
        create_applications(&options);
        let size = Size { accounts: 3, ..Size::of(3, 10, 2) };
        let (people, _) = fill(&options, size).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(options, people.user_since(0), &mut Seeded(2)).await.unwrap();
            let name = LoginName::parse("person-2").unwrap();
            let user = store.user_by_login(&name).await.unwrap().unwrap();
            assert_eq!((user.id, user.blocked, user.version), (people.user(2), false, 1));
            assert!(user.password.unwrap().verify(PASSWORD, &mut Scratch::default()));
            assert_eq!(user.details.profile.name.as_deref(), Some("Person 2"));
            let cookie = people.session(1);
            let session = store.session(cookie.id).await.unwrap().unwrap();
            assert_eq!(session.user, people.user(1));
            assert!(session.hash.matches(&cookie.hash()) && session.expires_at > session.auth_time);
            for number in [0, 29] {
                let token = people.refresh_token(number, 0);
                let family = parse_refresh_token(&store.pool().refresh_key, &token).unwrap().family;
                let family = store.refresh_family(family).await.unwrap().unwrap();
                assert_eq!(family.grant.id.bytes(), people.grant(number).bytes());
                assert_eq!((family.generation, family.expires_at), (0, family.grant.expires_at));
            }
            let again = store.user_by_login(&LoginName::parse("person-0@example.com").unwrap()).await;
            assert_eq!(again.unwrap().unwrap().id, people.user(0));
            for alg in [Alg::Rs256, Alg::Es256] {
                let account = store.account(Population::account(alg, 2)).await.unwrap().unwrap();
                assert_eq!(account.application.to_string(), alg.client_id());
                assert!(account.secret.matches(SECRET.as_bytes()));
                assert_eq!(store.stored_rules(account.application).await.unwrap().len(), 3);
                assert_eq!(store.stored_resources(Some(account.application)).await.unwrap().len(), 1);
            }
            store.close().await;
        });
    }

    #[test]
    fn the_store_reads_what_was_seeded_into_sqlite() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signet.db");
        check(Database::Sqlite(path.clone()));
        assert_eq!(indexes(&path), indexes_of_a_new_one(&directory.path().join("new.db")));
    }

    #[test]
    fn the_store_reads_what_was_seeded_into_postgresql() {
        check(Database::Postgres(signet_testkit::postgres::fresh_database()));
    }

    fn indexes(path: &std::path::Path) -> Vec<String> {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut found = connection
            .prepare("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY sql")
            .unwrap();
        found.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn indexes_of_a_new_one(path: &std::path::Path) -> Vec<String> {
        let database = Database::Sqlite(path.to_owned());
        let master_key = MasterKey::from_bytes([7; 32]);
        open_pool(&Options { database, master_key, clock: Clock::new(|| Now::from_millis(0)) }).unwrap();
        indexes(path)
    }
}
