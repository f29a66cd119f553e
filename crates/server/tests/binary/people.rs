//! `signet user link`, `import` and `export`.

use std::os::unix::fs::PermissionsExt;

use tempfile::tempdir;

use crate::support::*;

#[test]
fn people_are_imported_and_exported_with_and_without_a_server() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let rows: String = (0..1200).map(|number| format!("u{number},u{number}@example.com,r;s\n")).collect();
    let people = file(home.path(), "people.csv", &format!("username,email,roles\n{rows}"));
    assert_eq!(
        succeed(&data, &["user", "import", "--dry-run", &people]),
        "1200 to create, 0 to change, 0 unchanged, 0 wrong; nothing was written\n"
    );
    assert_eq!(
        succeed(&data, &["user", "import", &people]),
        "1200 created, 0 changed, 0 unchanged, 0 left out\n"
    );
    let server = Server::start(&data, &[]);
    assert_eq!(
        succeed(&data, &["user", "import", "--update", &people]),
        "0 created, 0 changed, 1200 unchanged, 0 left out\n"
    );
    let said = fail(&mut signet(&data, &["user", "import", &people]));
    assert!(said.contains("1200 lines are wrong"), "{said}");
    assert!(
        said.contains("people.csv:2: the user u0 exists already") && said.contains("and 200 more"),
        "{said}"
    );
    let out = home.path().join("out.jsonl");
    let path = out.to_str().unwrap();
    succeed(&data, &["user", "export", path]);
    let text = std::fs::read_to_string(&out).unwrap();
    assert_eq!(text.lines().count(), 1200);
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fail(&mut signet(&data, &["user", "export", path])).contains("exists already"));
    drop(server);
    let csv = succeed(&data, &["user", "export", "--format", "csv", "-"]);
    assert!(
        csv.starts_with("username,email,") && csv.contains(",r;s,") && !csv.contains("password"),
        "{csv}"
    );
    let other = tempdir().unwrap();
    let there = installation(other.path());
    assert!(succeed(&there, &["user", "import", path]).starts_with("1200 created"));
}

#[test]
fn a_line_that_is_wrong_is_named_and_the_others_are_taken_in() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let people =
        "{\"username\":\"alice\",\"password\":\"secret-secret\",\"blocked\":\"x\"}\n{\"username\":\"bob\"}\n";
    let command = &mut signet(&data, &["user", "import", "--format", "jsonl", "-"]);
    let output = feed(command, people);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "1 created, 0 changed, 0 unchanged, 1 left out\n");
    let said = text(&output.stderr);
    assert!(
        said.contains("1 line is wrong\n-:1: `blocked` must be true or false") && !said.contains("secret"),
        "{said}"
    );
    let said = fail(&mut signet(&data, &["user", "import", &file(home.path(), "p.csv", "mail\n")]));
    assert!(said.contains("line 1: unknown column `mail`, did you mean `email`?"), "{said}");
    let said = fail(&mut signet(&data, &["user", "import", &file(home.path(), "p.txt", "x")]));
    assert!(said.contains("--format csv"), "{said}");
}

#[test]
fn a_link_leads_to_the_page_where_a_password_is_chosen() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    succeed(&data, &["user", "import", &file(home.path(), "p.csv", "username\nalice\n")]);
    let server = Server::start(&data, &[]);
    let said = succeed(&data, &["user", "link", "alice"]);
    let path = said.lines().next().unwrap().split_once(&format!(":{}", server.port)).unwrap().1;
    let page = get(server.port, "localhost", path);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("new-password"), "{page}");
    assert!(fail(&mut signet(&data, &["user", "link", "nobody"])).contains("there is no such user"));
}
