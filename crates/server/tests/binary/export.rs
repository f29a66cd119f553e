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

const PASSPHRASE: &str = "correct horse battery staple";

#[test]
fn attack_25_an_export_under_a_passphrase_goes_to_another_master_key_and_nowhere_else() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    succeed(&data, &["account", "create", "notes"]);
    let server = Server::start(&data, &[]);
    let path = home.path().join("pool.toml");
    let name = path.to_str().unwrap();
    let short = feed(&mut signet(&data, &["export", "--passphrase-stdin", "-"]), "too short\n");
    assert!(!short.status.success() && text(&short.stderr).contains("must be 12 to 1024 bytes"));
    let export = ["export", "--passphrase-stdin", name];
    let made = feed(&mut signet(&data, &export), &format!("{PASSPHRASE}\n"));
    assert!(made.status.success(), "{}", text(&made.stderr));
    let exported = fs::read_to_string(&path).unwrap();
    for part in ["[sealed_with]", "kdf = \"argon2id\"", "memory_kib = 65536", "passes = 3", "salt = \""] {
        assert!(exported.contains(part), "{part}: {exported}");
    }
    assert!(exported.contains("secret = \"sealed:") && !exported.contains(PASSPHRASE));

    // Another installation, with a master key of its own.
    let other = home.path().join("other");
    let fails = |passphrase: &str, arguments: &[&str]| {
        let output = feed(&mut signet(&other, arguments), &format!("{passphrase}\n"));
        assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    };
    let said = fail(&mut signet(&other, &["apply", name]));
    let line = exported.lines().position(|line| line == "[sealed_with]").unwrap() + 1;
    assert!(said.contains(&format!("{name}:{line}: ")) && said.contains("--passphrase-stdin"), "{said}");
    let with = ["apply", "--passphrase-stdin", name];
    let said = fails("another passphrase", &with);
    assert!(
        said.contains("the passphrase does not open the secrets") && !said.contains("another passphrase")
    );
    let open = file(home.path(), "open.toml", NOTES);
    let said = fails(PASSPHRASE, &["apply", "--passphrase-stdin", &open]);
    assert!(said.contains("was not exported under a passphrase"), "{said}");
    let said = fails(PASSPHRASE, &["apply", "--passphrase-stdin", "-"]);
    assert!(said.contains("cannot both come from standard input"), "{said}");
    // One value that was changed, or moved, refuses all of it, with its line.
    let sealed: Vec<&str> = exported.lines().filter(|line| line.starts_with("secret = \"sealed:")).collect();
    let changed = [
        exported.replacen(sealed[0], &format!("{}AAAA\"", &sealed[0][..sealed[0].len() - 5]), 1),
        exported.replacen(sealed[0], sealed[1], 1),
    ];
    for wrong in changed {
        let tampered = file(home.path(), "tampered.toml", &wrong);
        let said = fails(PASSPHRASE, &["apply", "--passphrase-stdin", &tampered]);
        let line = wrong.lines().zip(exported.lines()).position(|(one, other)| one != other).unwrap() + 1;
        assert!(said.contains(&format!("{tampered}:{line}: ")) && said.contains("changed since"), "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
    }
    let salted = exported.replace("passes = 3", "passes = 4");
    let said =
        fails(PASSPHRASE, &["apply", "--passphrase-stdin", &file(home.path(), "salted.toml", &salted)]);
    assert!(said.contains("does not open the secrets"), "{said}");
    let costly = exported.replace("memory_kib = 65536", "memory_kib = 99999999");
    let said =
        fails(PASSPHRASE, &["apply", "--passphrase-stdin", &file(home.path(), "costly.toml", &costly)]);
    assert!(said.contains("`sealed_with` was changed since"), "{said}");

    let plan = feed(&mut signet(&other, &["apply", "--plan", "--passphrase-stdin", name]), PASSPHRASE);
    assert!(text(&plan.stdout).contains("+ create application notes"), "{}", text(&plan.stderr));
    let applied = feed(&mut signet(&other, &with), PASSPHRASE);
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let again = feed(&mut signet(&other, &with), PASSPHRASE);
    assert!(text(&again.stdout).contains("0 to create, 0 to change"), "{}", text(&again.stdout));
    // The secrets are the same: what the second exports, the first finds nothing to change in.
    let back = home.path().join("back.toml");
    let name = back.to_str().unwrap();
    let made = feed(&mut signet(&other, &["export", "--passphrase-stdin", name]), PASSPHRASE);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let applied = feed(&mut signet(&data, &["apply", "--passphrase-stdin", "--prune", name]), PASSPHRASE);
    assert!(text(&applied.stdout).contains("0 to create, 0 to change"), "{}", text(&applied.stdout));
    let (one, two) = (fs::read_to_string(&path).unwrap(), fs::read_to_string(&back).unwrap());
    let plain = |text: &str| {
        let kept = text.lines().take_while(|line| *line != "[sealed_with]");
        kept.filter(|line| !line.starts_with("secret = ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(plain(&one), plain(&two));
    let log = server.log();
    assert!(!log.contains(PASSPHRASE) && !log.contains("sealed:"), "{log}");
}
