//! The data directory: who can read it, its key, and who may use it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::tempdir;

use crate::support::*;

/// On any free port, since what is tested ends before it listens or because of something else.
const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn attack_25_directory_key_and_socket_are_for_their_owner_alone() {
    let home = tempdir().unwrap();
    let data = home.path().join("deep/data");
    fs::create_dir(home.path().join("deep")).unwrap();
    let _server = Server::start(&data, &[]);
    for (path, expected) in
        [(data.clone(), 0o700), (data.join("master.key"), 0o600), (data.join("signet.sock"), 0o600)]
    {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    assert_eq!(fs::read_to_string(data.join("master.key")).unwrap().trim().len(), 43);
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_remedy() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let key = data.join("master.key");
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    let said = fail(&mut signet(&data, SERVE));
    assert!(said.contains(&format!("chmod 600 {}", key.display())), "{said}");
}

#[test]
fn a_key_that_does_not_fit_is_told() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let said = fail(signet(&data, SERVE).env("SIGNET_MASTER_KEY", OTHER_KEY));
    assert!(said.contains("the master key does not fit the database"), "{said}");
    let said =
        fail(signet(&data, SERVE).env("SIGNET_DATABASE", "postgres://u:s3cret@db/x?sslmode=verify-full"));
    assert!(
        said.starts_with("signet: --database needs sslrootcert=FILE") && !said.contains("s3cret"),
        "{said}"
    );
    let malformed = fail(signet(&data, SERVE).env("SIGNET_MASTER_KEY", "short"));
    assert!(malformed.contains("SIGNET_MASTER_KEY must be 32 bytes"), "{malformed}");
    let key = fs::read(data.join("master.key")).unwrap();
    fs::remove_file(data.join("master.key")).unwrap();
    let missing = fail(&mut signet(&data, SERVE));
    assert!(missing.contains("but no master key"), "{missing}");
    assert!(!data.join("master.key").exists(), "no other key may take its place");
    fs::write(data.join("master.key"), "rubbish").unwrap();
    fs::set_permissions(data.join("master.key"), Permissions::from_mode(0o600)).unwrap();
    let rubbish = fail(&mut signet(&data, SERVE));
    assert!(rubbish.contains("does not hold a master key"), "{rubbish}");
    fs::write(data.join("master.key"), key).unwrap();
    assert!(succeed(&data, &["app", "show", "notes"]).contains("a-secret-of-more"));
}

#[test]
fn the_key_of_the_environment_wins_and_leaves_no_file() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let notes = file(home.path(), "notes.toml", NOTES);
    for _ in 0..2 {
        let output = signet(&data, &["apply", &notes]).env("SIGNET_MASTER_KEY", OTHER_KEY).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert!(!data.join("master.key").exists());
}

#[test]
fn a_data_directory_that_cannot_be_one_is_told() {
    let home = tempdir().unwrap();
    let taken = home.path().join("taken");
    fs::write(&taken, "a file").unwrap();
    for path in [taken.clone(), taken.join("below")] {
        for command in [SERVE, &["app", "create", "--name", "N", "--identifier", "n", "--type", "api"]] {
            let said = fail(&mut signet(&path, command));
            assert!(said.contains(path.to_str().unwrap()) && said.contains("--data DIR"), "{said}");
        }
    }
    let nowhere = home.path().join("nowhere");
    let said = fail(&mut signet(&nowhere, &["app", "show", "notes"]));
    assert!(said.contains("there is no installation in"), "{said}");
    assert!(!nowhere.exists());
}

#[test]
fn one_server_at_a_time() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    let said = fail(&mut signet(&data, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("another server already runs on the data directory"), "{said}");
    assert!(server.get("localhost", "/healthz").starts_with("HTTP/1.1 200"), "the first goes on");
}

#[test]
fn one_server_at_a_time_on_an_embedded_database_elsewhere() {
    let home = tempdir().unwrap();
    let database = format!("sqlite:{}", home.path().join("shared.db").display());
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    let with_key = |data: &Path| {
        let mut command = signet(data, &["--database", &database]);
        command.env("SIGNET_MASTER_KEY", OTHER_KEY);
        command
    };
    let _server = Server::spawn(&mut with_key(&first), &first);
    let said = fail(with_key(&second).args(SERVE));
    assert!(said.contains("another server already runs"), "{said}");
}

#[test]
fn what_a_killed_server_leaves_behind_is_no_obstacle() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let mut server = Server::start(&data, &[]);
    server.signal("KILL");
    server.wait();
    assert!(data.join("signet.sock").exists());
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let server = Server::start(&data, &[]);
    assert!(
        succeed(&data, &["app", "show", "notes"]).contains(&format!(":{}/oidc", server.port)),
        "it answers"
    );
}

#[test]
fn a_data_directory_with_a_long_name_works() {
    let home = tempdir().unwrap();
    let data = home.path().join("d".repeat(150));
    let server = Server::start(&data, &[]);
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    assert!(succeed(&data, &["app", "show", "notes"]).contains(&format!(":{}/oidc", server.port)));
    server.stop();
    assert!(!data.join("signet.sock").exists());
}

#[test]
fn postgresql_is_used_with_and_without_a_server() {
    let home = tempdir().unwrap();
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    let url = signet_testkit::postgres::fresh_database();
    let notes = file(home.path(), "notes.toml", NOTES);
    let with_key = |data: &Path, arguments: &[&str]| {
        let mut command = signet(data, arguments);
        command.env("SIGNET_MASTER_KEY", OTHER_KEY).env("SIGNET_DATABASE", &url);
        command
    };
    let server = Server::spawn(&mut with_key(&first, &[]), &first);
    // Another node's data directory: no server runs there, so the command writes to the database itself.
    let applied = with_key(&second, &["apply", &notes]).output().unwrap();
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    let shown = text(&with_key(&first, &["app", "show", "notes"]).output().unwrap().stdout);
    assert!(shown.contains("5f17a529f64fb009b794a2ff"), "{shown}");
    server.stop();
    // A fresh key that does not fit is not kept.
    let said = fail(signet(&second, SERVE).env("SIGNET_DATABASE", &url));
    assert!(said.contains("the master key does not fit"), "{said}");
    assert!(!second.join("master.key").exists());
}

#[test]
fn attack_25_a_database_that_cannot_be_reached_is_told_without_its_password() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let url = format!("postgres://signet:s3cret@127.0.0.1:{}/signet", free_port());
    let said = fail(&mut signet(&data, &["serve", "--listen", "127.0.0.1:0", "--database", &url]));
    assert!(said.contains("cannot use the database PostgreSQL 127.0.0.1"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    let said =
        fail(&mut signet(&data, &["serve", "--listen", "127.0.0.1:0", "--database", "sqlite:/no/such/x.db"]));
    assert!(said.contains("/no/such/x.db"), "{said}");
}

#[test]
fn what_postgresql_refuses_is_told_with_the_remedy() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let url = signet_testkit::postgres::fresh_database();
    let cluster = signet_testkit::postgres::ThrowawayPostgres::shared();
    cluster.execute("CREATE ROLE stranger LOGIN").unwrap();
    let stranger = url.replace("postgres@", "stranger@");
    let malformed = "postgres://signet:s3cret@db:a-port/signet".to_owned();
    let hostless = "postgres://signet:s3cret".to_owned();
    for (url, what, help) in [
        (stranger, "permission denied for schema public", "GRANT CREATE, USAGE ON SCHEMA public"),
        (url.replace("/signet_", "/absent_"), "does not exist", "its user and its database"),
        (malformed, "--database is not a PostgreSQL address: ", "postgres://USER:PASSWORD@HOST:PORT/NAME"),
        (hostless, "--database is not a PostgreSQL address: ", "postgres://USER:PASSWORD@HOST:PORT/NAME"),
    ] {
        let said = fail(signet(&data, SERVE).env("SIGNET_DATABASE", &url));
        let (first, rest) = said.split_once('\n').unwrap();
        assert!(first.contains(what) && rest.contains(help), "{said}");
        assert!(!said.contains("internal:") && !said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_damaged_file_is_told_with_the_remedy() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    fs::write(data.join("signet.db"), "no database ".repeat(1000)).unwrap();
    let said = fail(&mut signet(&data, SERVE));
    let file = data.join("signet.db").display().to_string();
    assert!(said.contains(&format!("the database SQLite {file} is damaged: file is not")), "{said}");
    assert!(said.contains("Put back a copy"), "{said}");
}
