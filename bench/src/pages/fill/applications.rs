//! Applications with accounts, resources, rules and signing keys. The store itself writes what it seals.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use signet_protocol::{
    account::{Account, TOKEN_LIFETIME},
    application::{Application, ApplicationSettings},
    id::AppId,
    issuer::{Identifier, IssuerId},
    jose::{KeyAlg, SigningKey},
    mail::{MailSecurity, MailServer},
    pool::PoolSettings,
    resource::{Resource, Rule},
    secret::Secret,
    time::Now,
};
use signet_store::{Applied, Change, Options, Place, Store, args};
use signet_testkit::seed::Seeded;

use super::super::crowd::{ACCOUNTS, BUSY, Crowd, LARGE, OF_LARGE, RULES_OF_LARGE, USUAL};
use crate::{Failure, seed::Sink};

/// So many are written at once.
const AT_ONCE: u64 = 250;

/// Writes them.
pub fn fill(options: &Options, crowd: &Crowd) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(options.clone(), crowd.people.user_since(0), &mut Seeded(3)).await?;
        for first in (0..crowd.sizes.applications).step_by(usize::try_from(AT_ONCE)?) {
            let mut changes = Vec::new();
            for number in first..crowd.sizes.applications.min(first + AT_ONCE) {
                add(crowd, number, &mut changes)?;
            }
            write(&store, crowd, changes).await?;
        }
        store.close().await;
        Ok(())
    })
}

fn add(crowd: &Crowd, number: u64, changes: &mut Vec<Change>) -> Result<(), Failure> {
    let of = Crowd::app(number);
    changes.push(Change::InsertApplication(application(crowd, number)?));
    let (accounts, resources, rules) =
        if number == LARGE { (OF_LARGE, OF_LARGE, RULES_OF_LARGE) } else { (ACCOUNTS, 2, 2) };
    let put = (0..resources).map(resource).collect::<Result<_, _>>()?;
    changes.push(Change::Resources { of: Some(of), put, removed: Vec::new() });
    let own: Vec<Account> = (0..accounts).map(|account| self::account(crowd, number, account)).collect();
    changes.extend(own.into_iter().map(Change::InsertAccount));
    let added = (0..rules).map(|rule| self::rule(crowd, number, rule)).collect::<Result<_, _>>()?;
    changes.push(Change::Rules { of, added, removed: Vec::new() });
    Ok(())
}

fn application(crowd: &Crowd, number: u64) -> Result<Application, Failure> {
    let links: Vec<String> = match number {
        LARGE => {
            (0..100).map(|link| format!("https://everything.example.com/tenant-{link}/signed-in")).collect()
        }
        _ => {
            vec![format!("{}://app-{number}.example.com/cb", if number % 10 == 9 { "http" } else { "https" })]
        }
    };
    let mut grants = vec!["authorization_code", "refresh_token", "client_credentials"];
    grants.extend((number % 20 == 7).then_some("password"));
    let settings = json!({
        "redirect_uris": links,
        "grant_types": grants,
        "sso": number.is_multiple_of(2),
        "description": "One of the many applications of a company that has one for everything.",
        "constant_claims": { "tenant": format!("tenant-{number}") },
    });
    let settings: ApplicationSettings = read(settings)?;
    Ok(Application {
        id: Crowd::app(number),
        pool: crowd.people.pool.id,
        identifier: Identifier::parse(&Crowd::identifier(number)).map_err(|_| "no identifier")?,
        name: Crowd::app_name(number),
        enabled: number % 50 != 49,
        secret: Some(Secret::new(format!("{number:032}"))),
        settings,
        version: 1,
    })
}

fn account(crowd: &Crowd, app: u64, number: u64) -> Account {
    let at = crowd.people.user_since(app).timestamp();
    Account {
        id: Crowd::account(app, number),
        pool: crowd.people.pool.id,
        application: Crowd::app(app),
        secret: Secret::new(format!("{number:032}")),
        previous: None,
        token_lifetime: TOKEN_LIFETIME,
        remarks: Some(format!("Nightly job {number} of the machine hall")),
        enabled: true,
        created_at: at,
        updated_at: at,
        version: 1,
    }
}

/// The code of a resource.
pub fn code(number: u64) -> String {
    format!("resource-{number}")
}

fn resource(number: u64) -> Result<Resource, Failure> {
    read(json!({
        "code": code(number),
        "type": "API",
        "name": format!("Resource {number}"),
        "description": "What others protect",
        "actions": [{ "name": "read", "description": "Look at it" }, "write"],
    }))
}

/// Every fourth is about a user, a role or a group, and the others about accounts.
fn rule(crowd: &Crowd, app: u64, number: u64) -> Result<Rule, Failure> {
    let many = app == LARGE;
    let subject = match number % 8 {
        3 => json!({ "user": crowd.user_id((BUSY + number) % crowd.sizes.users) }),
        7 => json!({ "group": format!("team-{}", number % 1000) }),
        _ => json!({ "account": Crowd::account(app, number % if many { OF_LARGE } else { ACCOUNTS }) }),
    };
    read(json!({
        "subject": subject,
        "effect": "allow",
        "resource": code(number % if many { OF_LARGE } else { 2 }),
        "identifier": format!("thing-{number}"),
        "actions": ["read"],
    }))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    Ok(serde_json::from_value(value)?)
}

async fn write(store: &Store, crowd: &Crowd, mut changes: Vec<Change>) -> Result<(), Failure> {
    let settings = store.pool_settings().await?;
    let server = MailServer::at("mail.example.com".to_owned(), MailSecurity::Tls);
    let mail = Some(MailServer { from: "no-reply@example.com".to_owned(), ..server });
    changes.push(Change::UpdatePool(PoolSettings { mail, ..PoolSettings::clone(&settings) }));
    match store.apply(changes, crowd.people.user_since(USUAL), &mut Seeded(4)).await? {
        Applied::Done => Ok(()),
        Applied::Changed => Err("somebody else changes the database".into()),
    }
}

/// So many hours before the pool was filled.
fn before(crowd: &Crowd, hours: u64) -> Now {
    let hours = i64::try_from(hours).unwrap_or_default();
    Now::from_millis(i64::try_from(crowd.people.made_at()).unwrap_or_default() - hours * 3_600_000)
}

/// Every application's issuer has a key, and some have the next one too: they were made over the last weeks, as each was used.
pub fn fill_keys(sink: &mut dyn Sink, options: &Options, crowd: &Crowd) -> Result<(), Failure> {
    let columns = ["pool_id", "issuer", "alg", "seq", "kid", "state", "sealed", "public_jwk", "created_at"];
    let mut nonces = Seeded(6);
    let mut row = |app: AppId, seq: i64, state: &str, at: Now| -> Result<_, Failure> {
        let (issuer, alg) = (IssuerId::Application(app), KeyAlg::Es256);
        let (key, der) = SigningKey::generate(alg).map_err(|error| error.to_string())?;
        let row = format!("{}/{alg}/{seq}", issuer.stored());
        let place = Place { table: "issuer_key", column: "sealed", row: &row };
        let sealed = options.master_key.seal(&place, &der, &mut nonces)?;
        let jwk = serde_json::to_string(key.public_jwk())?;
        let pool = crowd.people.pool.id;
        Ok(args![pool, issuer, alg.as_str(), seq, key.kid().as_str(), state, sealed, jwk, at.timestamp()])
    };
    let mut rows = Vec::new();
    for number in 0..crowd.sizes.applications {
        // None is due while the server is measured; some are within a week.
        let age = 20 + 68 * number / crowd.sizes.applications;
        rows.push(row(Crowd::app(number), 1, "active", before(crowd, 24 * age))?);
        if number.is_multiple_of(10) {
            rows.push(row(Crowd::app(number), 2, "next", before(crowd, 6))?);
        }
    }
    sink.fill("issuer_key", &columns, &mut rows.into_iter())
}
