//! The keys of a file, against the page that documents them.

use std::collections::BTreeSet;

use signet_protocol::{
    application::ApplicationSettings,
    mail::{MailSecurity, MailServer},
    pool::CustomScope,
    sign_in::SignIn,
    throttle::Throttle,
    user::UserDetails,
};

use super::*;

const PAGE: &str = include_str!("../../../../../docs/configuration.md");

/// The keys in the first column of the table below `heading`.
fn documented(heading: &str) -> BTreeSet<String> {
    let section = PAGE.split(&format!("### {heading}\n")).nth(1).unwrap().split("\n##").next().unwrap();
    let first_cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    first_cells.flat_map(|cell| cell.split(',')).map(|key| key.trim().trim_matches('`').to_owned()).collect()
}

/// The names under which `value` is stored.
fn stored(value: &impl serde::Serialize) -> BTreeSet<String> {
    serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_documented_key_is_read_and_every_stored_setting_is_documented() {
    let details = UserDetails::default();
    let mut of_user = stored(&details);
    of_user.remove("profile");
    of_user.extend(stored(&details.profile));
    for (table, heading, settings) in [
        ("applications", "Applications", stored(&ApplicationSettings::default())),
        ("users", "Users", of_user),
        ("pool", "Pool", stored(&SignIn::default())),
        ("pool.throttle", "Throttle", stored(&Throttle::default())),
        ("pool.mail", "Mail server", stored(&MailServer::at(String::new(), MailSecurity::Tls))),
        ("extended_fields", "Extended fields", BTreeSet::new()),
        ("claims", "Claims", BTreeSet::new()),
        ("scopes", "Scopes", stored(&CustomScope::default())),
        ("resources", "Resources", BTreeSet::new()),
        ("applications.accounts", "Accounts", BTreeSet::new()),
        ("applications.rules", "Rules", BTreeSet::new()),
    ] {
        let keys = documented(heading);
        assert!(settings.is_subset(&keys), "{:?}", settings.difference(&keys));
        let known = Description::known_keys();
        let read: BTreeSet<String> = known[table].iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(read, keys, "what is read of {table}, and what is documented");
        // Tables that there is one of are not lists.
        let single = table.split('.').next() == Some("pool");
        for key in keys.into_iter().filter(|_| !single) {
            let within = if table.contains('.') { "[[applications]]\n" } else { "" };
            let problems = Description::parse(&format!("{within}[[{table}]]\n{key} = 1.5")).unwrap_err();
            let unknown = problems.iter().any(|problem| problem.message.en.starts_with("unknown key"));
            assert!(!unknown, "{key}");
        }
    }
}

#[tokio::test]
async fn the_example_of_scopes_makes_what_it_shows() {
    let page = include_str!("../../../../../docs/scopes.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let bench = Bench::new().await;
    bench.apply("[[applications]]\nname=\"N\"\nidentifier=\"notes\"\nredirect_uris=[\"https://a/b\"]").await;
    bench.apply(example).await;
    let settings = bench.signet.store().pool_settings().await.unwrap();
    assert_eq!((settings.extended_fields.len(), settings.claims.len(), settings.scopes.len()), (2, 2, 1));
    assert_eq!(bench.application("notes").await.unwrap().settings.constant_claims["KEY"], "VALUE");
}

#[test]
fn the_example_is_a_valid_description() {
    let example = include_str!("../../../../../examples/network-notes.toml");
    let description = Description::parse(example).unwrap();
    assert_eq!((description.applications.len(), description.users.len()), (2, 2));
}

#[tokio::test]
async fn documented_defaults_are_the_defaults() {
    let bench = Bench::new().await;
    let defaults = stored_defaults(&bench).await;
    let section = PAGE.split("### Applications\n").nth(1).unwrap().split("\n###").next().unwrap();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let (Some(key), Some(documented)) = (cells.get(1), cells.get(2)) else { panic!("{line}") };
        let Some(stored) = defaults.get(*key) else { continue };
        let shown = match stored {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(list) if list.len() == 1 => list[0].as_str().unwrap().to_owned(),
            serde_json::Value::Array(list) if list.len() == 2 => "both".to_owned(),
            serde_json::Value::Array(_) | serde_json::Value::Null => continue,
            other => other.to_string(),
        };
        assert_eq!(*documented, shown, "{key}");
    }
}

/// The settings of an application of which nothing but the necessary was said.
async fn stored_defaults(bench: &Bench) -> serde_json::Map<String, serde_json::Value> {
    bench.apply("[[applications]]\nname=\"N\"\nidentifier=\"n\"\nredirect_uris=[\"https://a/b\", \"https://a/c\", \"https://a/d\"]").await;
    let application = bench.application("n").await.unwrap();
    let settings = serde_json::to_value(&application.settings).unwrap();
    settings.as_object().unwrap().clone()
}

#[tokio::test]
async fn the_example_of_settings_is_taken() {
    let page = include_str!("../../../../../docs/settings.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let bench = Bench::new().await;
    bench.apply(example).await;
    let settings = bench.signet.store().pool_settings().await.unwrap();
    assert!(settings.sign_in.password_recovery && settings.mail.is_some());
}
