//! Where each setting comes from, and the page that documents them.

use clap::{CommandFactory, Parser};

use super::*;

const TABLE: &str = include_str!("../../../docs/configuration.md");

/// The rows of the table of settings: key, flag, environment.
fn rows() -> Vec<[String; 3]> {
    let cell = |text: &str| text.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        Some([cell(cells.get(1)?), cell(cells.get(2)?), cell(cells.get(3)?)])
    };
    let settings = TABLE.split("## Settings").nth(1).unwrap().split("\n## ").next().unwrap();
    settings
        .lines()
        .filter(|line| line.starts_with("| `") || line.starts_with("| –"))
        .filter_map(row)
        .collect()
}

#[test]
fn the_documented_settings_are_those_of_the_command_line() {
    let mut defined = std::collections::BTreeSet::new();
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        for argument in command.get_arguments() {
            if let (Some(long), Some(env)) = (argument.get_long(), argument.get_env()) {
                defined.insert((format!("--{long}"), env.to_string_lossy().into_owned()));
            }
        }
        commands.extend(command.get_subcommands().cloned());
    }
    // The one secret has no flag: it would be seen in the list of processes.
    defined.insert(("–".to_owned(), crate::data::MASTER_KEY_VARIABLE.to_owned()));
    let documented = rows().into_iter().map(|[_, flag, env]| (flag, env)).collect();
    assert_eq!(defined, documented);
}

#[test]
fn the_documented_keys_are_those_of_the_file() {
    for [key, flag, _] in rows() {
        let known = File::parse(&format!("{key} = {{}}")).unwrap_err();
        let unknown = known.iter().any(|problem| problem.message.en.starts_with("unknown key"));
        assert!(key == "–" || !unknown, "{key}");
        assert!(key == "–" || flag == format!("--{}", key.replace('_', "-")), "{key} {flag}");
    }
    let keys = rows().iter().filter(|row| row[0] != "–").count();
    assert_eq!(keys, 17, "a key of the file is not in the table");
}

#[test]
fn a_file_gives_what_flags_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signet.toml");
    let text = "key_rotation_days = 30\naudit_retention_days = 730\ndata = \"/d\"\nlisten = \"127.0.0.1:9\"\nbase_url = \"https://id.example.com\"\nlog_format = \"json\"\ndrain = 5";
    std::fs::write(&path, text).unwrap();
    let flags = ["signet", "serve", "--listen", "127.0.0.1:10", "--config", path.to_str().unwrap()];
    let config = Config::load(&Cli::parse_from(flags)).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(config.data, PathBuf::from("/d"));
    assert_eq!(config.listen.port(), 10);
    assert_eq!(config.drain, Duration::from_secs(5));
    assert_eq!((config.key_rotation_days, config.audit_retention_days), (30, 730));
    assert_eq!(config.base_url(10).ok(), BaseUrl::parse("https://id.example.com").ok());
    assert_eq!(config.database, Database::Sqlite("/d/signet.db".into()));
    assert_eq!(config.log_format, Some(LogFormat::Json));
}

#[test]
fn what_is_wrong_says_what_is_right() {
    for (flags, words) in [
        (["--database", "mysql://x"], "--database must be sqlite:PATH or postgres://"),
        (["--database", "sqlite:"], "--database must be sqlite:PATH or postgres://"),
        (["--listen", "8080"], "--listen must be an IP address and a port"),
        (["--metrics-listen", "9464"], "--metrics-listen must be an IP address and a port"),
        (["--otlp-endpoint", "https://collector:4318"], "goes on by https"),
        (["--otlp-endpoint", "collector:4318"], "--otlp-endpoint must be http://HOST:PORT"),
        (["--otlp-endpoint", "http://u:p@collector"], "without a user"),
        (["--drain", "soon"], "--drain must be 0 to 3600 seconds"),
        (["--drain", "3601"], "--drain must be 0 to 3600 seconds"),
        (["--key-rotation-days", "-1"], "--key-rotation-days must be 0 to 3650 days"),
        (["--audit-retention-days", "-1"], "--audit-retention-days must be 0 to 36500 days"),
        (["--key-rotation-days", "3651"], "--key-rotation-days must be 0 to 3650 days"),
        (["--base-url", "localhost"], "--base-url must be http:// or https://"),
        (["--tls-certificate", "c.pem"], "--tls-certificate needs --tls-key"),
        (["--tls-key", "k.pem"], "--tls-key needs --tls-certificate"),
        (["--trusted-proxies", "10.0.0.1,proxy"], "--trusted-proxies \"proxy\" must be an IP address"),
        (["--trusted-proxies", "10.0.0.1,"], "--trusted-proxies \"\" must be an IP address"),
        (["--trusted-proxies", "0.0.0.0/0"], "is everybody"),
        (["--forwarded-header", "X-Real-IP"], "must be x-forwarded-for or forwarded"),
        (["--log-level", "inof"], "did you mean \"info\"?"),
        (["--log-format", "xml"], "--log-format must be human or json"),
    ] {
        let cli = Cli::parse_from(["signet", "serve"].into_iter().chain(flags));
        let failure = Config::load(&cli).err().unwrap().to_string();
        assert!(failure.contains(words), "{failure}");
    }
    let problems = File::parse("lisen = \"x\"\nlog_level = \"inof\"").unwrap_err();
    assert_eq!(problems[0].message.en, "unknown key `lisen`, did you mean `listen`?");
    assert_eq!((problems[1].line, problems.len()), (2, 2));
}

#[test]
fn a_collector_takes_traces_at_the_path_of_the_standard() {
    for (text, url) in [
        ("http://collector", "http://collector:4318/v1/traces"),
        ("http://[::1]:9/", "http://[::1]:9/v1/traces"),
        ("http://collector:4318/signet/", "http://collector:4318/signet/v1/traces"),
    ] {
        assert_eq!(parse_collector(text).unwrap().url(), url);
    }
}

#[test]
fn the_base_url_follows_the_port() {
    let config = Config::load(&Cli::parse_from(["signet", "serve"])).unwrap();
    assert_eq!(config.base_url(8080).ok(), BaseUrl::parse("http://localhost:8080").ok());
    assert_eq!(config.base_url(9000).ok(), BaseUrl::parse("http://localhost:9000").ok());
}

const WITH_TLS: [&str; 6] = ["signet", "serve", "--tls-certificate", "c.pem", "--tls-key", "k.pem"];

#[test]
fn the_base_url_of_a_server_with_tls_is_https() {
    let config = Config::load(&Cli::parse_from(WITH_TLS)).unwrap();
    assert_eq!(config.base_url(8443).ok(), BaseUrl::parse("https://localhost:8443").ok());
    let with =
        |base_url| Config::load(&Cli::parse_from(WITH_TLS.into_iter().chain(["--base-url", base_url])));
    assert!(with("https://id.example.com").is_ok());
    let said = with("http://id.example.com").err().unwrap().to_string();
    assert!(said.starts_with("the base URL http://id.example.com does not fit"), "{said}");
}

#[test]
fn proxies_are_listed_in_the_file_or_in_a_flag() {
    let text = "trusted_proxies = [\"loopback\", \"10.0.0.0/8\"]\nforwarded_header = \"forwarded\"";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signet.toml");
    std::fs::write(&path, text).unwrap();
    let load = |flags: &[&str]| {
        let all =
            ["signet", "serve", "--config", path.to_str().unwrap()].into_iter().chain(flags.iter().copied());
        Config::load(&Cli::parse_from(all)).unwrap().proxies
    };
    let (of_file, of_flag) = (load(&[]), load(&["--trusted-proxies", "10.0.0.0/8, ::1,192.0.2.1"]));
    let trusted = |proxies: &Proxies, address: &str| proxies.trusts(address.parse().unwrap());
    assert_eq!((of_file.header, of_flag.header), (ForwardedHeader::Forwarded, ForwardedHeader::Forwarded));
    assert!(
        trusted(&of_file, "127.0.0.1") && trusted(&of_file, "10.1.1.1") && !trusted(&of_file, "192.0.2.1")
    );
    assert!(!trusted(&of_flag, "127.0.0.1") && trusted(&of_flag, "::1") && trusted(&of_flag, "192.0.2.1"));
    assert_eq!(load(&["--trusted-proxies", ""]).trusted, []);
    let problems = File::parse("trusted_proxies = [\"loopback\", \"proxy\"]").unwrap_err();
    assert!(problems[0].message.en.starts_with("\"proxy\" in `trusted_proxies` must be"), "{problems:?}");
}

#[test]
fn attack_25_a_database_is_described_without_its_password() {
    for (url, shown) in [
        ("postgres://signet:s3cret@db.example:5432/signet", "PostgreSQL db.example:5432/signet"),
        ("postgres://signet:s3c?ret@db.example/signet", "PostgreSQL db.example/signet"),
        ("postgres://signet:s3/cret#x@db.example/signet", "PostgreSQL db.example/signet"),
        ("postgres://signet:s3@c?ret@db/x", "PostgreSQL at an address that has an @ among its parameters"),
        ("postgres://u:s3cret@a:1,b:2/x?sslmode=disable", "PostgreSQL a:1,b:2/x"),
        ("postgres://db.example/signet&password=s3cret", "PostgreSQL db.example/signet"),
        ("postgres://signet:s3cret/signet", "PostgreSQL signet/signet"),
        ("postgres://a:p@ss@db/x?password=s3cret", "PostgreSQL db/x"),
        ("postgresql://db/x", "PostgreSQL db/x"),
        ("sqlite:/a/b.db", "SQLite /a/b.db"),
    ] {
        let cli = Cli::parse_from(["signet", "serve", "--database", url]);
        assert_eq!(Config::load(&cli).unwrap().describe_database(), shown);
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}
