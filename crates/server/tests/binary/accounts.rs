//! `account`: by command, while the server runs and while it does not.

use tempfile::tempdir;

use crate::support::*;

const NOTES: &str = r#"[[applications]]
identifier = "notes"
name = "Notes"
type = "api"
grant_types = ["client_credentials"]
resources = [{ code = "book", type = "API", actions = ["read"] }]
"#;

/// What stands behind `label` in a card.
fn value<'c>(card: &'c str, label: &str) -> &'c str {
    let line = card.lines().find_map(|line| line.strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label} in {card}")).trim()
}

/// Status and body of a request for a token.
fn token(server: &Server, key: &str, secret: &str) -> String {
    let form =
        format!("grant_type=client_credentials&client_id={key}&client_secret={secret}&scope=book%3Aread");
    let request = format!(
        "POST /oidc/token HTTP/1.1\r\nhost: localhost:{}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{form}",
        server.port,
        form.len()
    );
    server.exchange(request.as_bytes())
}

#[test]
fn an_account_is_made_refreshed_disabled_and_deleted() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let empty = succeed(&data, &["account", "list", "notes"]);
    assert!(empty.contains("No accounts yet"), "{empty}");
    let remarks = ["--remarks", "The nightly job", "--token-lifetime", "120"];
    let made = succeed(&data, &[["account", "create", "notes"].as_slice(), &remarks].concat());
    let (key, first) = (value(&made, "AccessKey").to_owned(), value(&made, "SecretKey").to_owned());
    assert!(made.contains("is shown this once"), "{made}");
    let rule = format!(
        "[[applications]]\nidentifier = \"notes\"\n[[applications.rules]]\nsubject = {{ account = \"{key}\" }}\n\
         effect = \"allow\"\nresource = \"book\"\nactions = \"all\"\n"
    );
    succeed(&data, &["apply", &file(home.path(), "rule.toml", &rule)]);

    let server = Server::start(&data, &[]);
    assert!(token(&server, &key, &first).contains("\"expires_in\":120"));
    let listed = succeed(&data, &["account", "list", "notes"]);
    assert!(
        listed.contains(&key) && listed.contains("The nightly job") && !listed.contains("never"),
        "{listed}"
    );
    assert!(!listed.contains(&first), "a secret is shown once");
    let refreshed = succeed(&data, &["account", "refresh", &key, "--overlap", "3600"]);
    let second = value(&refreshed, "SecretKey").to_owned();
    assert!(value(&refreshed, "Secret before").starts_with("valid until "), "{refreshed}");
    for secret in [&first, &second] {
        assert!(token(&server, &key, secret).starts_with("HTTP/1.1 200"), "the old one is valid as well");
    }
    succeed(&data, &["account", "refresh", &key]);
    for secret in [&first, &second] {
        assert!(token(&server, &key, secret).starts_with("HTTP/1.1 401"), "both have ended");
    }
    let card = succeed(&data, &["account", "disable", &key]);
    assert!(value(&card, "Enabled").starts_with("no"), "{card}");
    let card = succeed(&data, &["account", "enable", &key]);
    assert_eq!(value(&card, "Enabled"), "yes");
    assert_eq!(value(&succeed(&data, &["account", "show", &key]), "Token lifetime"), "120 s");
    let gone = succeed(&data, &["account", "delete", &key]);
    assert!(gone.contains("The rule about it went as well."), "{gone}");
    drop(server);
    let empty = succeed(&data, &["account", "list", "notes"]);
    assert!(empty.contains("No accounts yet"), "{empty}");
}

#[test]
fn what_is_wrong_is_said() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let key = "64f0c0ffee00000000000001";
    for (arguments, words) in [
        (vec!["create", "nothing"], "there is no application with the App ID or identifier \"nothing\""),
        (vec!["create", "notes", "--token-lifetime", "5"], "60 to 2592000 seconds"),
        (vec!["show", "short"], "24 lower-case hexadecimal digits"),
        (vec!["show", key], "there is no account with the AccessKey"),
        (vec!["refresh", key, "--overlap", "-1"], "the overlap must be 0 to 2592000 seconds"),
        (vec!["delete", key], "nothing was done"),
    ] {
        let said = fail(&mut signet(&data, &[vec!["account"], arguments].concat()));
        assert!(said.contains(words), "{said}");
    }
}

/// Every command of the page, in its order, typed into a shell.
#[test]
fn the_page_does_what_it_says() {
    let page = include_str!("../../../../docs/accounts.md");
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let server = Server::start(&data, &[]);
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let script: String = blocks.collect();
    let script = script.replace("localhost:8080", &format!("localhost:{}", server.port));
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_signet"), bin.join("signet")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut shell = std::process::Command::new("sh");
    shell.arg("-eu").arg("-c").arg(&script).current_dir(home.path());
    let output = shell.env("PATH", path).env("SIGNET_DATA", &data).output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", text(&output.stderr));
    for words in [
        "+ create application library",
        "\"expires_in\":900,\"scope\":\"book:read\"",
        "\"rejected_scope\":\"book:write\"",
        "OLD SECRET UNTIL",
        "The nightly job",
        "{\"active\":true,",
        "no: it gets no tokens",
        "The rule about it went as well.",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
}
