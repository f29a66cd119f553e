//! `apply`, `user`, `app`, `--help` and the configuration file.

use tempfile::tempdir;

use crate::support::*;

#[test]
fn help_mentions_every_command_and_option() {
    let home = tempdir().unwrap();
    let help = succeed(home.path(), &["--help"]);
    for word in [
        "serve",
        "apply",
        "user",
        "app",
        "account",
        "export",
        "pool",
        "keys",
        "audit",
        "why",
        "--data",
        "--database",
        "--config",
        "SIGNET_DATABASE",
        "Examples:",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
    for (command, words) in [
        (
            ["serve", "--help"].as_slice(),
            ["--listen", "127.0.0.1:8080", "--base-url", "SIGNET_BASE_URL"].as_slice(),
        ),
        (&["apply", "--help"], &["FILE", "--dry-run", "--plan", "--prune"]),
        (&["export", "--help"], &["FILE", "--without-secrets", "--force"]),
        (&["account", "--help"], &["create", "list", "show", "refresh", "disable", "enable", "delete"]),
        (&["account", "refresh", "--help"], &["ACCESSKEY", "--overlap"]),
        (&["user", "create", "--help"], &["--username", "--password-stdin", "--generate-password"]),
        (
            &["app", "create", "--help"],
            &["--name", "--identifier", "--type", "--redirect-uri", "--auth-method"],
        ),
        (&["app", "show", "--help"], &["ID|IDENTIFIER"]),
        (&["pool", "--help"], &["show", "list", "create", "rename", "delete"]),
        (&["keys", "--help"], &["list", "rotate"]),
        (&["audit", "--help"], &["list", "export", "verify", "prune"]),
        (&["audit", "list", "--help"], &["--kind", "--actor", "--from", "--success"]),
        (&["why", "--help"], &["REFERENCE", "--application"]),
        (&["keys", "rotate", "--help"], &["--issuer", "--now"]),
    ] {
        let help = succeed(home.path(), command);
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
    }
}

#[test]
fn attack_25_help_does_not_show_the_environment() {
    let home = tempdir().unwrap();
    let url = "postgres://u:s3cret@db/x";
    let output = signet(home.path(), &["--help"]).env("SIGNET_DATABASE", url).output().unwrap();
    assert!(output.status.success() && !text(&output.stdout).contains("s3cret"));
}

#[test]
fn attack_20_no_two_installations_share_a_key_or_a_secret() {
    let made: Vec<(String, String)> = (0..2)
        .map(|_| {
            let home = tempdir().unwrap();
            let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
            succeed(&data, &["apply", &notes]);
            let uri = "http://localhost:4000/cb";
            let app = ["app", "create", "--name", "A", "--identifier", "a", "--redirect-uri", uri];
            let card = succeed(&data, &app);
            let secret = card.lines().find_map(|line| line.trim().strip_prefix("App Secret")).unwrap().trim();
            (std::fs::read_to_string(data.join("master.key")).unwrap(), secret.to_owned())
        })
        .collect();
    assert!(made.iter().all(|(key, secret)| key.trim().len() == 43 && secret.len() == 43), "{made:?}");
    assert_ne!(made[0].0, made[1].0);
    assert_ne!(made[0].1, made[1].1);
}

#[test]
fn apply_without_a_server_creates_and_then_keeps() {
    let home = tempdir().unwrap();
    let (data, notes) = (home.path().join("data"), file(home.path(), "notes.toml", NOTES));
    let dry = succeed(&data, &["apply", "--dry-run", &notes]);
    assert!(dry.ends_with("2 to create, 0 to change, 0 unchanged\n"), "{dry}");
    assert_eq!(
        succeed(&data, &["apply", &notes]),
        dry,
        "a dry run says what would be done, and does not do it"
    );
    let again = succeed(&data, &["apply", &notes]);
    assert!(again.ends_with("0 to create, 0 to change, 2 unchanged\n"), "{again}");
    let output = feed(&mut signet(&data, &["apply", "-"]), &NOTES.replace("\"Notes\"", "\"Jottings\""));
    assert!(text(&output.stdout).contains("name: \"Notes\" → \"Jottings\""), "{}", text(&output.stdout));
}

#[test]
fn apply_names_file_line_and_the_nearest_key_and_changes_nothing() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let wrong =
        NOTES.replace("redirect_uris", "redirect_uri").replace("password = \"the", "password = \"\" # ");
    let path = file(home.path(), "notes.toml", &wrong);
    let said = fail(&mut signet(&data, &["apply", &path]));
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(
        said.contains(&format!("{path}:6: unknown key `redirect_uri`, did you mean `redirect_uris`?")),
        "{said}"
    );
    assert!(said.contains(&format!("{path}:10: `password` must be")), "{said}");
    let said = fail(&mut signet(&data, &["app", "show", "notes"]));
    assert!(said.contains("there is no application"), "{said}");
    let missing = fail(&mut signet(&data, &["apply", "no-such-file.toml"]));
    assert!(missing.contains("cannot read no-such-file.toml: No such file"), "{missing}");
}

#[test]
fn a_user_is_created_once_and_the_password_is_never_an_argument() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let create =
        ["user", "create", "--username", "carol", "--name", "Carol \"C\" O'Hara", "--password-stdin"];
    let made = feed(&mut signet(&data, &create), "a password of carol\n");
    assert_eq!(text(&made.stdout), "Created user carol.\n", "{}", text(&made.stderr));
    // The same password in a file fits: the line's end was not part of it.
    let same = "[[users]]\nusername = \"carol\"\npassword = \"a password of carol\"\nname = \"Carol \\\"C\\\" O'Hara\"";
    let kept = succeed(&data, &["apply", &file(home.path(), "carol.toml", same)]);
    assert!(kept.ends_with("0 to create, 0 to change, 1 unchanged\n"), "{kept}");
    let twice = feed(&mut signet(&data, &create), "another password\n");
    assert_eq!(complaint(&twice), "signet: user carol exists already\n");
    let short =
        feed(&mut signet(&data, &["user", "create", "--email", "d@e", "--password-stdin"]), "short\n");
    assert_eq!(complaint(&short), "signet: `password` must be 8 to 1024 bytes\n");
    let generated = succeed(&data, &["user", "create", "--phone", "+8613800138000", "--generate-password"]);
    let password = generated.trim().strip_prefix("Created user +8613800138000.\nPassword: ").unwrap();
    assert_eq!(password.len(), 20);
    let nobody = fail(&mut signet(&data, &["user", "create", "--username", "eve"]));
    assert!(nobody.contains("--password-stdin"), "{nobody}");
    for refused in [
        &["user", "create", "--username", "eve", "--password", "x"][..],
        &["user", "create", "--generate-password"],
    ] {
        assert_eq!(signet(&data, refused).output().unwrap().status.code(), Some(2), "{refused:?}");
    }
    let nameless = signet(&data, &["user", "create", "--generate-password"]).output().unwrap();
    let said = text(&nameless.stderr);
    assert!(["--username", "--email", "--phone"].iter().all(|flag| said.contains(flag)), "{said}");
}

#[test]
fn an_application_is_created_and_shown() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let create =
        ["app", "create", "--name", "Notes", "--identifier", "notes", "--base-url", "https://id.example.com"];
    let uris = ["--redirect-uri", "https://rp.example/a", "--redirect-uri", "https://rp.example/b"];
    let card = succeed(&data, &[&create[..], &uris].concat());
    for words in [
        "App ID ",
        "App Secret ",
        "https://notes.id.example.com/oidc/token",
        "https://id.example.com/oidc/auth",
    ] {
        assert!(card.contains(words), "{words}\n{card}");
    }
    let id = card.lines().find_map(|line| line.trim().strip_prefix("App ID")).unwrap().trim();
    let shown = succeed(&data, &["app", "show", id, "--base-url", "https://id.example.com"]);
    assert_eq!(shown, card);
    let twice = fail(&mut signet(&data, &[&create[..], &uris].concat()));
    assert!(twice.contains("application notes exists already"), "{twice}");
    let bare = fail(&mut signet(&data, &["app", "create", "--name", "X", "--identifier", "x"]));
    assert!(bare.contains("--redirect-uri must have at least one URI"), "{bare}");
    let kind =
        fail(&mut signet(&data, &["app", "create", "--name", "X", "--identifier", "x", "--type", "natve"]));
    assert!(kind.contains("--type must be") && kind.contains("did you mean \"native\"?"), "{kind}");
}

#[test]
fn one_flag_sets_how_an_application_authenticates() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    let create = |identifier: &str, kind: &str, more: &[&str]| {
        let base = ["app", "create", "--name", "N", "--identifier", identifier, "--type", kind];
        signet(&data, &[&base[..], &["--redirect-uri", "http://localhost:3000/cb"], more].concat())
    };
    for (identifier, kind, more, method) in [
        ("a", "web", &[][..], "client_secret_post"),
        ("b", "web", &["--auth-method", "client_secret_basic"], "client_secret_basic"),
        ("c", "web", &["--auth-method", "none"], "none"),
        ("d", "spa", &[], "none"),
    ] {
        let card = text(&create(identifier, kind, more).output().unwrap().stdout);
        for endpoint in ["Token", "Introspection", "Revocation"] {
            assert!(card.contains(&format!("  {endpoint:<14} {method}\n")), "{endpoint}\n{card}");
        }
    }
    let basic = ["--auth-method", "client_secret_basic"];
    let public = complaint(&create("e", "spa", &basic).output().unwrap());
    assert_eq!(
        public, "signet: --auth-method must be none: a spa or native application cannot keep a secret\n",
        "said once, in the words of the command"
    );
    let unknown = fail(&mut create("e", "web", &["--auth-method", "basic"]));
    assert!(unknown.contains("--auth-method must be one of"), "{unknown}");
}

#[test]
fn commands_that_add_do_not_begin_an_installation() {
    let home = tempdir().unwrap();
    let (nowhere, bare) = (home.path().join("nowhere"), home.path().join("bare"));
    std::fs::create_dir(&bare).unwrap();
    let app = ["app", "create", "--name", "N", "--identifier", "n", "--type", "api"];
    let user = ["user", "create", "--username", "eve", "--generate-password"];
    let show = ["app", "show", "n"];
    for command in [&app[..], &user, &show] {
        for data in [&nowhere, &bare] {
            let said = fail(&mut signet(data, command));
            assert!(said.contains(&format!("there is no installation in {}\n", data.display())), "{said}");
            assert!(said.contains("signet serve") && said.contains("--data DIR"), "{said}");
        }
        let said = fail(signet("data".as_ref(), command).current_dir(home.path()));
        assert!(said.contains(&format!("in {}\n", home.path().join("data").display())), "{said}");
    }
    assert!(!nowhere.exists() && !home.path().join("data").exists());
    assert_eq!(std::fs::read_dir(&bare).unwrap().count(), 0, "nothing is left there");
    let data = installation(home.path());
    let elsewhere = data.with_extension("db");
    std::fs::rename(data.join("signet.db"), &elsewhere).unwrap();
    for suffix in ["-wal", "-shm"] {
        drop(std::fs::remove_file(data.join(format!("signet.db{suffix}"))));
    }
    let said = fail(&mut signet(&data, &app));
    assert!(said.contains("there is no installation in") && said.contains("--database"), "{said}");
    succeed(&data, &[&app[..], &["--database", &format!("sqlite:{}", elsewhere.display())]].concat());
}

#[test]
fn commands_say_where_they_worked() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let said = |command: &[&str]| text(&signet(&data, command).output().unwrap().stderr);
    let apply = ["apply", &file(home.path(), "notes.toml", NOTES)];
    let line = |way: &str| format!("Data directory {}, {way}\n", data.display());
    assert_eq!(said(&apply), line("new"));
    assert_eq!(said(&apply), line("no server running"));
    let again = ["app", "create", "--name", "N", "--identifier", "notes", "--type", "api"];
    let refused = said(&again);
    assert!(
        refused.starts_with(&line("no server running")) && refused.contains("exists already"),
        "{refused}"
    );
    let create = ["app", "create", "--name", "N", "--identifier", "n", "--type", "api"];
    assert_eq!(said(&create), line("no server running"), "once, for all that it does");
    let _server = Server::start(&data, &[]);
    assert_eq!(said(&["app", "show", "notes"]), line("through the running server"));
}

#[test]
fn a_wrong_configuration_file_is_refused_with_its_lines() {
    let home = tempdir().unwrap();
    let path =
        file(home.path(), "signet.toml", "listen = \"127.0.0.1:1\"\nbase_ur = \"x\"\nlog_level = \"loud\"");
    let said = fail(&mut signet(home.path(), &["serve", "--config", &path]));
    assert!(said.contains(&format!("{path}:2: unknown key `base_ur`, did you mean `base_url`?")), "{said}");
    assert!(said.contains(&format!("{path}:3: `log_level` must be one of")), "{said}");
}

#[test]
fn attack_21_a_file_without_end_is_refused() {
    let home = tempdir().unwrap();
    let large = file(home.path(), "large.toml", &"# a comment\n".repeat(800_000));
    let said = fail(&mut signet(&home.path().join("data"), &["apply", &large]));
    assert!(said.contains("larger than 8 MB"), "{said}");
}

#[test]
fn what_the_pool_adds_is_shown_as_what_apply_reads() {
    let home = tempdir().unwrap();
    let data = home.path().join("data");
    let scope = "[[scopes]]\nname = \"work\"\nclaims = [\"email\"]\n";
    succeed(&data, &["apply", &file(home.path(), "scope.toml", scope)]);
    let shown = succeed(&data, &["pool", "show"]);
    assert!(shown.contains("email, email_verified") && shown.contains(scope), "{shown}");
    let said = succeed(&data, &["apply", &file(home.path(), "shown.toml", &shown)]);
    assert!(said.contains("= keep   scope work\n"), "{said}");
    let _server = Server::start(&data, &[]);
    succeed(
        &data,
        &["apply", &file(home.path(), "gone.toml", "[[scopes]]\nname = \"work\"\nremove = true\n")],
    );
    assert!(!succeed(&data, &["pool", "show"]).contains("[[scopes]]"));
}

#[test]
fn keys_are_listed_and_rotated_with_a_server_and_without() {
    let home = tempdir().unwrap();
    let data = installation(home.path());
    succeed(&data, &["apply", &file(home.path(), "notes.toml", NOTES)]);
    assert!(succeed(&data, &["keys", "list"]).starts_with("No signing keys yet"));
    let said = fail(&mut signet(&data, &["keys", "rotate"]));
    assert!(said.contains("there is no signing key yet"), "{said}");
    let said = fail(&mut signet(&data, &["keys", "rotate", "--issuer", "nobody"]));
    assert!(said.contains("\"nobody\"; the pool's own issuer is called pool"), "{said}");

    let server = Server::start(&data, &[]);
    for host in ["localhost", "notes.localhost"] {
        let jwks = server.get(host, "/oidc/.well-known/jwks.json");
        assert_eq!(jwks.matches("\"kid\"").count(), 1, "{jwks}");
    }
    let said = succeed(&data, &["keys", "rotate", "--issuer", "notes"]);
    assert!(said.starts_with("notes RS256: a new key is published. It can sign from "), "{said}");
    let jwks = server.get("notes.localhost", "/oidc/.well-known/jwks.json");
    assert_eq!(jwks.matches("\"kid\"").count(), 2, "{jwks}");
    let log = server.stop();
    assert!(log.contains("the next signing key is published"), "{log}");

    let said = succeed(&data, &["keys", "rotate"]);
    assert!(said.contains("pool RS256: a new key is published"), "{said}");
    assert!(
        said.contains("notes RS256: nothing done: clients may not know the next key before 20"),
        "{said}"
    );
    let said = succeed(&data, &["keys", "rotate", "--issuer", "notes", "--now"]);
    assert!(said.starts_with("notes RS256: a new key signs."), "{said}");
    let listed = succeed(&data, &["keys", "list"]);
    let states = |issuer: &str| -> Vec<String> {
        let lines = listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.filter(|words| words[0] == issuer).map(|words| words[2].to_owned()).collect()
    };
    assert_eq!(states("notes"), ["retired", "active"], "{listed}");
    assert_eq!(states("pool"), ["active", "next"], "{listed}");
    assert_eq!(listed.matches(", deleted after 20").count(), 1, "{listed}");
}
