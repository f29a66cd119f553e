//! `export`, and `apply` of what it writes.

use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::tempdir;

use crate::support::*;

#[test]
fn an_export_is_the_same_with_and_without_a_server_and_changes_nothing() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    succeed(&data, &["account", "create", "notes"]);
    let alone = succeed(&data, &["export"]);
    assert!(
        alone.starts_with("# A pool, for signet apply.") && alone.contains("secret = \"sealed:"),
        "{alone}"
    );
    let server = Server::start(&data, &[]);
    let path = home.path().join("pool.toml");
    let name = path.to_str().unwrap();
    assert_eq!(succeed(&data, &["export", name]), "");
    assert_eq!(fs::read_to_string(&path).unwrap(), alone);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let twice = fail(&mut signet(&data, &["export", name]));
    assert!(twice.contains("exists already") && twice.contains("--force"), "{twice}");
    succeed(&data, &["export", name, "--force"]);
    let applied = succeed(&data, &["apply", "--prune", name]);
    assert!(applied.contains("0 to create, 0 to change"), "{applied}");
    drop(server);

    // Another data directory with the same master key gets the same pool.
    let other = home.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(data.join("master.key"), other.join("master.key")).unwrap();
    succeed(&other, &["apply", name]);
    assert_eq!(succeed(&other, &["export", "-"]), alone);
    let bare = succeed(&data, &["export", "--without-secrets"]);
    assert!(!bare.contains("sealed:") && !bare.contains("password_hash"), "{bare}");
}

#[test]
fn a_plan_says_what_would_be_pruned_and_only_the_flag_does_it() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    let none = file(home.path(), "none.toml", "applications = []\nusers = []\n");
    let kept = succeed(&data, &["apply", &none]);
    assert!(kept.contains("0 to create, 0 to change, 0 unchanged"), "{kept}");
    let plan = succeed(&data, &["apply", "--plan", "--prune", &none]);
    assert!(plan.contains("- remove application notes") && plan.contains("- remove user "), "{plan}");
    assert!(plan.contains("lost: its secret and its signing keys"), "{plan}");
    assert!(succeed(&data, &["export"]).contains("[[applications]]"), "a plan changes nothing");
    assert_eq!(succeed(&data, &["apply", "--prune", &none]), plan);
    let left = succeed(&data, &["export"]);
    assert!(!left.contains("[[") && left.contains("applications = []\nusers = []\n"), "{left}");
    let said = fail(&mut signet(&data, &["app", "show", "notes"]));
    assert!(said.contains("there is no application"), "{said}");
}
