//! `signet check` and `signet health`.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Output,
};

use signet_testkit::certificates::{Authority, Issued};
use tempfile::tempdir;

use crate::support::*;

fn check(data: &Path, arguments: &[&str]) -> Output {
    signet(data, &[&["check"], arguments].concat()).output().unwrap()
}

/// The lines of one state, each with its remedy.
fn lines(output: &Output, state: &str) -> Vec<String> {
    let said = text(&output.stdout).replace("\n         ", " ");
    said.lines().filter(|line| line.starts_with(state)).map(str::to_owned).collect()
}

#[test]
fn an_installation_as_it_should_be_is_ok() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let output = check(&data, &["--listen", &format!("127.0.0.1:{}", server.port)]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert!(lines(&output, "problem").is_empty() && lines(&output, "warning").is_empty());
    let ok = lines(&output, "ok").join("\n");
    for subject in
        ["data directory: ", "database: ", "master key: ", "schema: ", "clock of the issuer: ", "issuer: "]
    {
        assert!(ok.contains(subject), "{ok}");
    }
    assert!(text(&output.stderr).is_empty(), "{}", text(&output.stderr));
}

#[test]
fn it_changes_nothing_and_makes_nothing() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let nowhere = check(&data, &[]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(!data.exists());
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let before = fs::read(data.join("signet.db")).unwrap();
    check(&data, &[]);
    assert!(fs::read(data.join("signet.db")).unwrap() == before);
}

#[test]
fn each_problem_says_what_to_do() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let problem = |arguments: &[&str]| {
        let output = check(&data, &[&["--listen", &listen], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains("found"));
        lines(&output, "problem").join("\n")
    };
    let said = problem(&[]);
    assert!(
        said.contains("issuer: ") && said.contains("Connection refused → See that the server runs"),
        "{said}"
    );
    let key = data.join("master.key");
    let own = fs::read(&key).unwrap();
    fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    assert!(problem(&[]).contains("master key: the master key does not fit"));
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let said = problem(&[]);
    assert!(said.contains("others may use") && said.contains("→ Close it to them: chmod go= "), "{said}");
    fs::remove_file(&key).unwrap();
    assert!(problem(&[]).contains("master key: there is none"));
    fs::write(&key, own).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    fs::write(data.join("restore.unfinished"), "").unwrap();
    assert!(problem(&[]).contains("restore: a restore was broken off"));
    assert!(problem(&["--database", "postgres://u:s3cret@127.0.0.1:1/x"]).contains("database: cannot use"));
    assert!(
        problem(&["--tls-certificate", "absent.pem", "--tls-key", "absent.pem"])
            .contains("certificate: cannot read")
    );
}

#[test]
fn something_else_at_the_public_address_is_told() {
    let home = tempdir().unwrap();
    let (data, other) = (home.path().join("data"), home.path().join("other"));
    succeed(&data, &["apply", &file(home.path(), "empty.toml", "")]);
    let server = Server::spawn_until(
        signet(&other, &[]).env("SIGNET_BASE_URL", "http://localhost:7000"),
        &other,
        |_| other.join("signet.sock").exists(),
    );
    let output = check(&data, &["--base-url", &format!("http://localhost:{}", server.port)]);
    let said = lines(&output, "problem").join("\n");
    assert!(said.contains("answers with status 421"), "{said}");
}

#[test]
fn it_is_said_as_json_too() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "empty.toml", "")]);
    let output = check(&data, &["--json", "--base-url", "http://signet.invalid"]);
    let found: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let state = |subject: &str| {
        let finding = found.iter().find(|finding| finding["subject"] == subject);
        finding.map(|finding| finding["state"].as_str().unwrap().to_owned())
    };
    assert_eq!(state("database").as_deref(), Some("ok"));
    assert_eq!(state("base URL").as_deref(), Some("warning"));
    assert_eq!(state("application addresses").as_deref(), Some("warning"));
    assert_eq!(state("issuer").as_deref(), Some("problem"));
    assert!(found.iter().all(|finding| finding["state"] == "ok" || finding["remedy"].is_string()));
}

#[test]
fn the_certificate_is_looked_at() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "empty.toml", "")]);
    let authority = Authority::new();
    let of = |issued: &Issued| {
        let files =
            [file(home.path(), "c.pem", &issued.certificate), file(home.path(), "k.pem", &issued.key)];
        let base =
            ["--base-url", "https://signet.invalid", "--tls-certificate", &files[0], "--tls-key", &files[1]];
        text(&check(&data, &base).stdout)
    };
    let whole = of(&authority.issue(&["signet.invalid", "*.signet.invalid"]));
    assert!(whole.contains("ok       names of the certificate") && whole.contains("days\n"), "{whole}");
    assert!(of(&authority.issue(&["signet.invalid"])).contains("warning  names of the certificate"));
    assert!(of(&authority.issue(&["other.invalid"])).contains("problem  names of the certificate"));
    let expired = of(&authority.issue_expired(&["signet.invalid"]));
    assert!(expired.contains("has expired") && expired.contains("→ Renew it"), "{expired}");
}

#[test]
fn an_issuer_with_a_certificate_that_this_machine_trusts_is_ok() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let authority = Authority::new();
    let issued = authority.issue(&["localhost", "*.localhost"]);
    let files = [file(home.path(), "c.pem", &issued.certificate), file(home.path(), "k.pem", &issued.key)];
    let tls = |command: &mut std::process::Command| {
        command.env("SIGNET_TLS_CERTIFICATE", &files[0]).env("SIGNET_TLS_KEY", &files[1]);
    };
    let mut serve = signet(&data, &[]);
    tls(&mut serve);
    let server = Server::spawn_until(&mut serve, &data, |_| data.join("signet.sock").exists());
    let listen = format!("127.0.0.1:{}", server.port);
    let check = |roots: &str| {
        let mut command = signet(&data, &["check", "--listen", &listen]);
        tls(&mut command);
        command.env("SSL_CERT_FILE", roots).output().unwrap()
    };
    let trusted = check(&file(home.path(), "ca.pem", &authority.certificate));
    assert!(trusted.status.success(), "{}", text(&trusted.stdout));
    assert!(
        lines(&trusted, "ok").join("\n").contains("issuer: https://localhost:"),
        "{}",
        text(&trusted.stdout)
    );
    let stranger = check(&file(home.path(), "other.pem", &Authority::new().certificate));
    assert!(
        lines(&stranger, "problem").join("\n").contains("invalid peer certificate"),
        "{}",
        text(&stranger.stdout)
    );
}

#[test]
fn health_asks_the_running_server() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    assert!(fail(&mut signet(&data, &["health"])).contains("no server runs"));
    assert!(!data.exists());
    let server = Server::start(&data, &[]);
    assert_eq!(succeed(&data, &["health"]), "The server runs and its database answers.\n");
    server.stop();
    assert!(fail(&mut signet(&data, &["health"])).contains("no server runs"));
}
