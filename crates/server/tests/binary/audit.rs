//! `signet audit` and `signet why`: with and without a server.

use tempfile::tempdir;

use crate::support::*;

#[test]
fn what_apply_did_is_listed_exported_and_verified() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    let listed = succeed(&data, &["audit", "list"]);
    assert!(listed.contains("command line: create application notes"), "{listed}");
    assert!(listed.contains("command line: create user alice"), "{listed}");
    let only = succeed(&data, &["audit", "list", "--target", "notes", "--kind", "admin"]);
    assert!(only.contains("application notes") && !only.contains("alice"), "{only}");
    assert!(succeed(&data, &["audit", "list", "--success", "false"]).contains("No record is like that."));

    let lines = succeed(&data, &["audit", "export"]);
    let records: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["seq"], &records[0]["action"]), (&1.into(), &"create".into()));
    assert_eq!(records[0]["detail"]["secret"]["is"], "as given");
    assert_eq!(records[1]["hash"].as_str().unwrap().len(), 64);
    assert!(!lines.contains("a-secret-of-more-than") && !lines.contains("the password of"), "{lines}");
    let csv = succeed(&data, &["audit", "export", "--format", "csv"]);
    assert!(csv.starts_with("seq,time,kind,action,") && csv.lines().count() == 3, "{csv}");

    let whole = succeed(&data, &["audit", "verify"]);
    assert!(whole.contains("2 records up to number 2"), "{whole}");
    let kept = whole.rsplit(' ').next().unwrap().trim();
    succeed(&data, &["audit", "verify", "--expect", kept]);
    let other = kept.replace(kept.chars().last().unwrap(), if kept.ends_with('0') { "1" } else { "0" });
    let refused = fail(&mut signet(&data, &["audit", "verify", "--expect", &other]));
    assert!(refused.contains("record"), "{refused}");
}

#[test]
fn a_changed_byte_is_found_while_the_server_runs_and_while_it_does_not() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    let database = rusqlite::Connection::open(data.join("signet.db")).unwrap();
    database.execute("UPDATE audit SET actor_name = 'somebody else' WHERE seq = 1", ()).unwrap();
    drop(database);
    let found = fail(&mut signet(&data, &["audit", "verify"]));
    assert!(found.contains("record 1 was changed"), "{found}");
    let server = Server::start(&data, &[]);
    let found = fail(&mut signet(&data, &["audit", "verify"]));
    assert!(found.contains("record 1 was changed"), "{found}");
    drop(server);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    for (arguments, words) in [
        (["audit", "list", "--action", "logn"].as_slice(), "there is login"),
        (&["audit", "list", "--from", "yesterday"], "write 2026-11-30"),
        (&["audit", "export", "--format", "xml"], "Choose json or csv."),
        (&["audit", "verify", "--expect", "nonsense"], "NUMBER:HASH"),
        (&["audit", "prune", "--keep-days", "0"], "at least"),
        (&["why", "K7QF-2M9T"], "there is no trace of that"),
        (&["why", "--application", "nothing"], "there is no application"),
    ] {
        let said = fail(&mut signet(&data, arguments));
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let pruned = succeed(&data, &["audit", "prune", "--keep-days", "1"]);
    assert!(pruned.contains("Deleted 0 records"), "{pruned}");
}

#[test]
fn a_refused_request_is_explained_by_its_reference() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    succeed(&data, &["apply", &notes]);
    let server = Server::start(&data, &[]);
    let answer = server.get("localhost", "/oidc/auth?client_id=5f17a529f64fb009b794a2ff&response_type=code&scope=openid&redirect_uri=http://localhost:3000/other");
    let (_, rest) = answer.split_once("id=\"reference\">").unwrap();
    let reference = rest.split('<').next().unwrap();
    let mut said = String::new();
    for _ in 0..50 {
        let output = signet(&data, &["why", reference]).output().unwrap();
        said = text(&output.stdout);
        if output.status.success() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(said.contains("Refused by   redirect_uri"), "{said}");
    assert!(said.contains("Add the callback link http://localhost:3000/other"), "{said}");
    assert!(succeed(&data, &["why", "--application", "notes"]).contains(reference));
    drop(server);
}
