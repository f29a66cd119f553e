//! User pools on the command line, with and without a server.

use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::support::*;

fn wait_for(server: &Server, host: &str, begins: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = server.get(host, "/oidc/.well-known/openid-configuration");
        if answer.starts_with(&format!("HTTP/1.1 {begins}")) {
            return;
        }
        assert!(Instant::now() < deadline, "{host}: {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_pool_is_made_used_and_deleted_while_the_server_runs() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let notes = file(home.path(), "notes.toml", NOTES);
    let server = Server::start(&data, &[]);
    let made = succeed(&data, &["pool", "create", "shop", "--name", "The shop"]);
    let address = format!("http://shop.localhost:{}", server.port);
    assert!(made.contains(&format!("{address}/console/setup?link=")), "{made}");
    wait_for(&server, "shop.localhost", "200");
    succeed(&data, &["apply", "--pool", "shop", &notes]);
    wait_for(&server, "notes.shop.localhost", "200");
    wait_for(&server, "notes.localhost", "404");
    let said = fail(&mut signet(&data, &["app", "show", "notes"]));
    assert!(said.contains("there is no application"), "{said}");
    assert!(
        succeed(&data, &["app", "show", "notes", "--pool", "shop"])
            .contains(&format!("notes.shop.localhost:{}", server.port))
    );
    let exported = succeed(&data, &["export", "--pool", "shop", "--without-secrets"]);
    assert!(exported.contains("alice"), "{exported}");
    assert!(!succeed(&data, &["export", "--without-secrets"]).contains("alice"));
    let link = succeed(&data, &["setup-link", "--pool", "shop"]);
    assert!(link.starts_with(&format!("{address}/console/setup?link=")), "{link}");
    succeed(&data, &["audit", "verify", "--pool", "shop"]);
    let listed = succeed(&data, &["pool", "list"]);
    assert!(listed.contains("default") && listed.contains(&address), "{listed}");
    succeed(&data, &["pool", "rename", "shop", "--name", "The store"]);
    let refused = fail(&mut signet(&data, &["pool", "delete", "shop"]));
    for word in ["1 applications", "1 users", "--yes \"The store\""] {
        assert!(refused.contains(word), "{refused}");
    }
    fail(&mut signet(&data, &["pool", "delete", "shop", "--yes", "The shop"]));
    wait_for(&server, "shop.localhost", "200");
    succeed(&data, &["pool", "delete", "shop", "--yes", "The store"]);
    wait_for(&server, "shop.localhost", "404");
    let said = fail(&mut signet(&data, &["export", "--pool", "shop"]));
    assert!(said.contains("there is no user pool"), "{said}");
    let log = server.stop();
    assert!(!log.contains("ERROR") && log.contains("a user pool is served"), "{log}");
}

#[test]
fn a_pool_is_used_while_no_server_runs_and_served_by_the_next() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let notes = file(home.path(), "notes.toml", NOTES);
    succeed(&data, &["pool", "create", "shop", "--name", "Shop", "--address", "http://store.example"]);
    succeed(&data, &["apply", "--pool", "shop", &notes]);
    let people = file(home.path(), "people.jsonl", "{\"username\":\"bob\"}\n");
    succeed(&data, &["user", "import", "--pool", "shop", &people]);
    let file = home.path().join("all.backup");
    succeed(&data, &["backup", file.to_str().unwrap()]);
    for refused in [
        ["serve", "--pool", "shop"].as_slice(),
        &["check", "--pool", "shop"],
        &["health", "--pool", "shop"],
        &["backup", "-", "--pool", "shop"],
    ] {
        let said = fail(&mut signet(&data, refused));
        assert!(said.contains("about every user pool"), "{said}");
    }
    for (arguments, told) in [
        (["pool", "create", "shop", "--name", "X"].as_slice(), "IDENTIFIER belongs to another"),
        (
            &["pool", "create", "other", "--name", "X", "--address", "http://store.example"],
            "--address has the host",
        ),
        (&["pool", "create", "Other", "--name", "X"], "IDENTIFIER must be"),
        (&["pool", "delete", "default", "--yes", "Default pool"], "cannot be deleted"),
    ] {
        let said = fail(&mut signet(&data, arguments));
        assert!(said.contains(told), "{said}");
    }
    // What was backed up has both pools.
    let restored = home.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    std::fs::copy(data.join("master.key"), restored.join("master.key")).unwrap();
    succeed(&restored, &["restore", file.to_str().unwrap()]);
    for data in [&data, &restored] {
        assert!(succeed(data, &["export", "--pool", "shop", "--without-secrets"]).contains("bob"));
    }
    let server = Server::start(&restored, &[]);
    let log = server.stop();
    assert!(log.contains("a user pool is served") && log.contains("store.example"), "{log}");
}
