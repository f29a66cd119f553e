//! Backing up beside a running server, and restoring into nothing.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use tempfile::{TempDir, tempdir};

use crate::{
    person::{refresh, serve, sign_in},
    support::*,
};

const PASSPHRASE: &str = "correct horse battery staple\n";

/// A home with an installation in `data` and its backup in `backup`.
fn backed_up() -> (TempDir, PathBuf, PathBuf) {
    let home = tempdir().unwrap();
    let (data, file) = (home.path().join("data"), home.path().join("backup"));
    succeed(&data, &["apply", &crate::support::file(home.path(), "notes.toml", NOTES)]);
    succeed(&data, &["backup", file.to_str().unwrap()]);
    (home, data, file)
}

fn restore(data: &Path, file: &Path) -> Command {
    signet(data, &["restore", file.to_str().unwrap()])
}

/// A data directory with the key of another and nothing else.
fn keyed(home: &TempDir, name: &str, from: &Path) -> PathBuf {
    let data = home.path().join(name);
    fs::create_dir(&data).unwrap();
    fs::copy(from.join("master.key"), data.join("master.key")).unwrap();
    data
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_beside_a_running_server_holds_all_that_was_acknowledged() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    let server = serve(&data, &[]);
    let refresh_token = sign_in(&server);
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let backup = home.path().join("backup");
    let before = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let next = acknowledged.load(Ordering::SeqCst);
                let user = format!("[[users]]\nusername = \"user{next}\"");
                succeed(&data, &["apply", &file(home.path(), "user.toml", &user)]);
                acknowledged.store(next + 1, Ordering::SeqCst);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        while acknowledged.load(Ordering::SeqCst) < 3 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        let before = acknowledged.load(Ordering::SeqCst);
        succeed(&data, &["backup", backup.to_str().unwrap()]);
        stop.store(true, Ordering::SeqCst);
        before
    });
    assert!(before >= 3);
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    server.stop();
    let other = keyed(&home, "other", &data);
    let said = text(&restore(&other, &backup).output().unwrap().stdout);
    assert!(said.starts_with("Restored "), "{said}");
    let users: String =
        (0..before).map(|number| format!("[[users]]\nusername = \"user{number}\"\n")).collect();
    let plan = succeed(&other, &["apply", "--dry-run", &file(home.path(), "users.toml", &users)]);
    assert!(plan.ends_with(&format!("0 to create, 0 to change, {before} unchanged\n")), "{plan}");
    let restored = serve(&other, &[]);
    assert!(refresh(&restored, &refresh_token).is_ok_and(|next| next != refresh_token));
    sign_in(&restored);
}

#[test]
fn without_the_master_key_it_opens_nothing() {
    let (home, data, file) = backed_up();
    let empty = home.path().join("empty");
    let said = fail(&mut restore(&empty, &file));
    assert!(said.contains("needs the master key") && said.contains("which is not in it"), "{said}");
    let other = home.path().join("other");
    succeed(&other, &["apply", &crate::support::file(home.path(), "empty.toml", "")]);
    fs::remove_file(other.join("signet.db")).unwrap();
    let said = fail(&mut restore(&other, &file));
    assert!(said.contains("needs the master key") && said.contains("is here"), "{said}");
    assert!(!empty.exists() && !other.join("signet.db").exists());
    succeed(&keyed(&home, "right", &data), &["restore", file.to_str().unwrap()]);
}

#[test]
fn the_master_key_travels_under_a_passphrase_and_never_open() {
    let (home, data, plain) = backed_up();
    let sealed = home.path().join("sealed");
    let with_key = ["backup", "--with-master-key", "--passphrase-stdin", sealed.to_str().unwrap()];
    let short = feed(&mut signet(&data, &with_key), "short\n");
    assert!(text(&short.stderr).contains("must be 12 to 1024 bytes") && !sealed.exists());
    let made = feed(&mut signet(&data, &with_key), PASSPHRASE);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let key = fs::read_to_string(data.join("master.key")).unwrap();
    for file in [&plain, &sealed] {
        assert!(!fs::read_to_string(file).unwrap().contains(key.trim()));
    }
    let other = home.path().join("other");
    let from = ["restore", "--passphrase-stdin", sealed.to_str().unwrap()];
    let wrong = feed(&mut signet(&other, &from), "another passphrase\n");
    assert!(text(&wrong.stderr).contains("the passphrase does not open"), "{}", text(&wrong.stderr));
    assert!(!other.exists());
    let asked = fail(&mut restore(&other, &sealed));
    assert!(asked.contains("--passphrase-stdin"), "{asked}");
    let done = feed(&mut signet(&other, &from), PASSPHRASE);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(fs::read_to_string(other.join("master.key")).unwrap(), key);
    assert_eq!(fs::metadata(other.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(succeed(&other, &["app", "show", "notes"]).contains("a-secret-of-more"));
}

#[test]
fn what_exists_is_not_overwritten_unless_told() {
    let (home, data, file) = backed_up();
    let name = file.to_str().unwrap();
    let first = fs::read(&file).unwrap();
    let said = fail(&mut signet(&data, &["backup", name]));
    assert!(said.contains("exists already") && said.contains("--force"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), first);
    succeed(&data, &["backup", "--force", name]);
    let said = fail(&mut restore(&data, &file));
    assert!(said.contains("never restored over data"), "{said}");
    let server = Server::start(&data, &[]);
    let said = fail(&mut restore(&data, &file));
    assert!(said.contains("is in use"), "{said}");
    server.stop();
    assert_eq!(names(home.path()).iter().filter(|name| name.contains("partial")).count(), 0);
    let nowhere = fail(&mut signet(&home.path().join("nowhere"), &["backup", "x"]));
    assert!(nowhere.contains("there is no database") && nowhere.contains("--data DIR"), "{nowhere}");
    let said = fail(&mut signet(&data, &["backup", home.path().join("absent/x").to_str().unwrap()]));
    assert!(said.contains("cannot write"), "{said}");
}

#[test]
fn a_damaged_or_foreign_file_is_told_and_leaves_nothing() {
    let (home, data, file) = backed_up();
    let whole = fs::read(&file).unwrap();
    let other = keyed(&home, "other", &data);
    let mut flipped = whole.clone();
    let at = whole.windows(5).position(|bytes| bytes == b"alice").unwrap();
    flipped[at] ^= 1;
    let cut = whole[..whole.len() / 2].to_vec();
    for (content, said_of_it) in [
        (flipped, "the sum of pool_user is wrong"),
        (cut, "it is cut off here"),
        (b"PK".to_vec(), "not a backup"),
    ] {
        fs::write(&file, content).unwrap();
        let said = fail(&mut restore(&other, &file));
        assert!(said.contains(said_of_it) && said.contains("Nothing was restored"), "{said}");
        assert_eq!(names(&other), ["master.key"]);
    }
    for (name, said_of_it) in
        [("-", "must be a file"), ("/dev/null", "is not a file"), ("absent", "cannot read absent")]
    {
        let said = fail(&mut signet(&other, &["restore", name]));
        assert!(said.contains(said_of_it), "{said}");
    }
}

#[test]
fn a_killed_restore_is_refused_by_the_server_and_done_again() {
    let (home, data, file) = backed_up();
    let other = keyed(&home, "other", &data);
    // What it leaves when it is killed in the middle.
    fs::write(other.join("restore.unfinished"), "").unwrap();
    fs::write(other.join("signet.db.restoring"), "half of it").unwrap();
    let said = fail(&mut signet(&other, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("was broken off") && said.contains("Run signet restore again"), "{said}");
    let output = restore(&other, &file).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(names(&other), ["master.key", "signet.db", "signet.lock"]);
    // Killed at the very end: the database is there, and only the mark was left.
    fs::write(other.join("restore.unfinished"), "").unwrap();
    Server::start(&other, &[]).stop();
    assert!(!other.join("restore.unfinished").exists());
}

#[test]
fn a_backup_moves_an_installation_to_postgresql_and_back() {
    let (home, data, file) = backed_up();
    let url = signet_testkit::postgres::fresh_database();
    let there = keyed(&home, "there", &data);
    let (file, database) = (file.to_str().unwrap(), ["--database", &url]);
    succeed(&there, &["restore", file, database[0], database[1]]);
    assert!(
        succeed(&there, &["app", "show", "notes", database[0], database[1]]).contains("a-secret-of-more")
    );
    let again = fail(&mut signet(&there, &["restore", file, database[0], database[1]]));
    assert!(again.contains("never restored over data"), "{again}");
    let server = serve(&there, &database);
    sign_in(&server);
    let moved = home.path().join("moved");
    succeed(&there, &["backup", moved.to_str().unwrap(), database[0], database[1]]);
    server.stop();
    let back = keyed(&home, "back", &data);
    succeed(&back, &["restore", moved.to_str().unwrap()]);
    assert!(succeed(&back, &["app", "show", "notes"]).contains("a-secret-of-more"));
}

#[test]
fn standard_output_gets_the_backup_and_nothing_else() {
    let (home, data, _) = backed_up();
    let output = signet(&data, &["backup", "-"]).output().unwrap();
    assert!(text(&output.stderr).contains("to standard output"), "{}", text(&output.stderr));
    let file = home.path().join("piped");
    fs::write(&file, &output.stdout).unwrap();
    succeed(&keyed(&home, "other", &data), &["restore", file.to_str().unwrap()]);
}
