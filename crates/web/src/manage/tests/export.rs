//! What is exported is what is read.

mod pools;

use std::collections::{BTreeMap, BTreeSet};

use signet_store::{Applied, Change};
use toml::de::{DeTable, DeValue};

use self::pools::{Dice, Parts, Pool};
use super::*;
use crate::manage::{
    apply::apply_pruned,
    export::{
        self, Form, Secrets,
        entries::{self, ApplicationParts},
    },
    prune::Prune,
};

/// Pools that are made; more with `SIGNET_EXPORT_POOLS`.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("SIGNET_EXPORT_POOLS").ok().and_then(|number| number.parse().ok()).unwrap_or(12)
}

impl Bench {
    /// With the pool of a seed.
    async fn filled(seed: u64) -> Bench {
        let bench = Bench::new().await;
        let store = bench.signet.store();
        let changes = Dice::new(seed).pool(store.pool().id).changes(store).await;
        let applied = store.apply(changes, Fixed.now(), &mut SystemEntropy).await;
        assert_eq!(applied, Ok(Applied::Done));
        bench
    }

    async fn export(&self) -> String {
        export::whole(&self.signet, Secrets::Sealed).await.unwrap()
    }

    async fn apply_pruned(&self, text: &str, prune: Prune) -> Plan {
        let description = Description::parse(text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        let applied = apply_pruned(&self.signet, description, prune, &Origin::command_line()).await;
        applied.unwrap_or_else(|error| panic!("{error:?}\n{text}"))
    }
}

#[tokio::test]
async fn an_export_makes_the_same_pool_and_changes_nothing_where_it_is_from() {
    for seed in seeds() {
        let bench = Bench::filled(seed).await;
        let text = bench.export().await;
        let (created, changed, _) = bench.apply_pruned(&text, Prune::All).await.counts();
        assert_eq!((created, changed), (0, 0), "seed {seed}\n{text}");
        assert_eq!(bench.export().await, text, "seed {seed}");

        let empty = Bench::with_key(bench.key.clone()).await;
        let (_, _, unchanged) = empty.apply(&text).await.counts();
        // What every pool has one of may be as in a new one: settings, throttles and the mail server.
        assert!(unchanged <= 3, "seed {seed}: {unchanged}");
        assert_eq!(empty.export().await, text, "seed {seed}");
    }
}

/// Whatever is there: afterwards it is as the file says, and what the file does not have is gone.
#[tokio::test]
async fn what_is_not_in_the_file_goes_when_that_is_asked_for() {
    for seed in seeds().take(6) {
        let bench = Bench::filled(seed).await;
        let text = bench.export().await;
        let other = Dice::new(seed + 1000);
        let target = Bench::with_key(bench.key.clone()).await;
        let store = target.signet.store();
        let mut changes = { other }.pool(store.pool().id).changes(store).await;
        // The same names are other people's and other applications'.
        changes.retain(|change| !matches!(change, Change::InsertUser(user) if user.blocked));
        if store.apply(changes, Fixed.now(), &mut SystemEntropy).await != Ok(Applied::Done) {
            panic!("seed {seed}");
        }
        let refused = target.problems(&text).await;
        assert!(!refused.is_empty(), "seed {seed}: identifiers are taken");
        let nothing = target.apply_pruned("applications = []\nusers = []\nclaims = []\nscopes = []\nextended_fields = []\nresources = []", Prune::All).await;
        assert!(nothing.to_string().contains("- remove application app-a"), "{nothing}");
        assert!(nothing.to_string().contains("lost: its"), "{nothing}");
        let empty = target.export().await;
        assert!(!empty.contains("[["), "{empty}");
        target.apply(&text).await;
        assert_eq!(target.export().await, text, "seed {seed}");
    }
}

#[tokio::test]
async fn only_what_is_mentioned_is_pruned() {
    let bench = Bench::filled(3).await;
    let text = bench.export().await;
    for (file, prune) in [
        ("", Prune::All),
        ("[[users]]\nusername = \"user \\\"0\\\"\"", Prune::Nothing),
        ("[[users]]\nusername = \"user \\\"0\\\"\"", Prune::Within),
    ] {
        bench.apply_pruned(file, prune).await;
        assert_eq!(bench.export().await, text, "{file}");
    }
    bench.apply_pruned("[[users]]\nusername = \"user \\\"0\\\"\"", Prune::All).await;
    let left = bench.export().await;
    assert_eq!((left.matches("[[users]]").count(), left.matches("[[applications]]").count()), (1, 4));
    bench.apply_pruned("[[applications]]\nidentifier = \"app-a\"", Prune::Within).await;
    let left = bench.export().await;
    assert_eq!(left.matches("[[applications]]").count(), 4);
    assert_eq!(
        left.matches("[[applications.accounts]]").count(),
        6,
        "those of the one that was named are gone"
    );
}

/// The text before a change takes the change back.
#[tokio::test]
async fn the_whole_form_of_an_entry_is_its_undo() {
    for seed in seeds().take(6) {
        let bench = Bench::filled(seed).await;
        let store = bench.signet.store();
        let before = bench.export().await;
        let application = bench.application("app-m").await.unwrap();
        let user = bench.user("user \"1\"").await.unwrap();
        let whole = |form| export::application(&bench.signet, application.id, Secrets::Sealed, form);
        let undo_application = whole(Form::Whole).await.unwrap().unwrap();
        let undo_user =
            export::user(&bench.signet, user.id, Secrets::Sealed, Form::Whole).await.unwrap().unwrap();
        let undo_pool = export::pool(&bench.signet, Form::Whole, Secrets::Sealed).await.unwrap();

        let pool = Dice::new(seed + 77).pool(store.pool().id);
        let Pool { mut applications, users, .. } = pool;
        let Parts { application: other, .. } = applications.remove(2);
        let mut changed = (*application).clone();
        changed.settings = other.settings;
        (changed.name, changed.enabled) = ("Another".to_owned(), !changed.enabled);
        if changed.settings.kind.is_public() == application.settings.kind.is_public() {
            assert_eq!(
                store.apply(vec![Change::UpdateApplication(changed)], Fixed.now(), &mut SystemEntropy).await,
                Ok(Applied::Done)
            );
        }
        let mut new = user.clone();
        new.details = users[2].details.clone();
        new.details.extended_fields.clear();
        new.blocked = !user.blocked;
        new.password = match &user.password {
            Some(_) => None,
            None => Some(signet_protocol::password::PasswordHash::parse(pools::HASH).unwrap()),
        };
        let changes = vec![Change::UpdateUser(new)];
        assert_eq!(store.apply(changes, Fixed.now(), &mut SystemEntropy).await, Ok(Applied::Done));
        bench.apply("[[scopes]]\nname = \"new\"\nclaims = [\"name\"]\n[[scopes]]\nname = \"work\"\ndescription = \"Other\"\n[[resources]]\ncode = \"fresh\"\ntype = \"UI\"").await;
        assert_ne!(bench.export().await, before);

        bench.apply_pruned(&undo_application, Prune::Within).await;
        bench.apply_pruned(&undo_pool, Prune::Within).await;
        bench.apply_pruned(&undo_user, Prune::Within).await;
        let after = bench.export().await;
        assert_eq!(after, before, "seed {seed}\n{undo_application}\n{undo_user}");
    }
}

#[tokio::test]
async fn secrets_are_sealed_or_left_out() {
    let bench = Bench::filled(1).await;
    let sealed = bench.export().await;
    let bare = export::whole(&bench.signet, Secrets::LeftOut).await.unwrap();
    let application = bench.application("app-a").await.unwrap();
    let account = bench.signet.store().accounts(application.id).await.unwrap().remove(0);
    let own = String::from_utf8_lossy(account.secret.expose()).into_owned();
    for text in [&sealed, &bare] {
        assert!(!text.contains(&own) && !text.contains("of at least 32 characters"));
        let (created, changed, _) = bench.apply(text).await.counts();
        assert_eq!((created, changed), (0, 0));
    }
    assert!(sealed.contains("sealed:") && sealed.contains("$argon2id$"));
    assert!(!bare.contains("secret = ") && !bare.contains("$argon2id$") && !bare.contains("password_hash"));
    // Another installation cannot read them, and says so.
    let problems = Bench::new().await.problems(&sealed).await;
    assert!(problems.iter().any(|(_, problem)| problem.contains("another master key")), "{problems:?}");
}

/// A key that is read and not written, or the other way round, is found here.
#[test]
fn every_key_that_is_read_is_written() {
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seed in 0..40 {
        let pool = Dice::new(seed).pool(signet_protocol::id::PoolId::from_bytes([1; 12]));
        let mut text = entries::pool(&pool.settings, &pool.resources, Form::Whole);
        for Parts { application, resources, accounts, rules } in &pool.applications {
            let accounts: Vec<_> = accounts.iter().map(|own| (own.clone(), Some("s".to_owned()))).collect();
            let secret = Some("s".to_owned());
            let parts = ApplicationParts { application, secret, resources, accounts: &accounts, rules };
            text.push_str(&entries::application(&parts, Form::Whole));
        }
        for user in &pool.users {
            let mut user = user.clone();
            user.details.profile.address =
                serde_json::from_str(r#"{"formatted":"a","street_address":"b","locality":"c","region":"d","postal_code":"e","country":"f"}"#).unwrap();
            text.push_str(&entries::user(&user, Form::Whole, true));
        }
        let (root, errors) = DeTable::parse_recoverable(&text);
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        collect("", root.get_ref(), &mut written);
    }
    let known: BTreeMap<String, BTreeSet<String>> = Description::known_keys()
        .into_iter()
        .map(|(path, keys)| {
            // The password of a user is never known, only its hash.
            let never = |key: &str| key == "remove" || path == "users" && key == "password";
            let keys = keys.into_iter().filter(|key| !never(key)).map(str::to_owned);
            (path.to_owned(), keys.collect())
        })
        .collect();
    written.remove("");
    assert_eq!(written, known);
}

/// The keys of each table, by its path. What operators name themselves is not looked into.
fn collect(path: &str, table: &DeTable, all: &mut BTreeMap<String, BTreeSet<String>>) {
    let own = all.entry(path.to_owned()).or_default();
    own.extend(table.keys().map(|key| key.get_ref().to_string()));
    for (key, value) in table {
        let below = format!("{path}.{}", key.get_ref());
        let below = below.trim_start_matches('.');
        if ["users.extended_fields", "applications.constant_claims"].contains(&below) {
            continue;
        }
        match value.get_ref() {
            DeValue::Table(table) => collect(below, table, all),
            DeValue::Array(list) => {
                list.iter()
                    .filter_map(|entry| entry.get_ref().as_table())
                    .for_each(|entry| collect(below, entry, all));
            }
            _ => {}
        }
    }
}
