//! What is configured: flags before environment before configuration file before defaults.
//!
//! `docs/configuration.md` is the table of all of it; a test compares the two.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use signet_protocol::issuer::BaseUrl;
use signet_store::Database;
use signet_web::manage::{problem::must_be_one_of, reader};

use crate::{cli::Cli, failure::Failure};

const DEFAULT_DATA: &str = "./signet-data";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const NO_TLS: &str = "must be without sslmode=require, verify-ca or verify-full: TLS to PostgreSQL is not supported yet\n  \
     Reach the server by a Unix socket, through a tunnel or over a network you trust, with sslmode=disable";
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Everything that is configured.
pub struct Config {
    /// The data directory, as an absolute path.
    pub data: PathBuf,
    /// The database.
    pub database: Database,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The pool's address; else `http://localhost` and the port.
    pub base_url: Option<BaseUrl>,
    /// What is logged.
    pub log_level: Option<String>,
    /// How it is logged.
    pub log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object for each line.
    Json,
}

/// The configuration file: the same settings by their keys.
#[derive(Debug, Default, PartialEq)]
struct File {
    data: Option<PathBuf>,
    database: Option<Database>,
    listen: Option<SocketAddr>,
    base_url: Option<BaseUrl>,
    log_level: Option<String>,
    log_format: Option<LogFormat>,
}

impl Config {
    /// Puts the sources together.
    pub fn load(cli: &Cli) -> Result<Config, Failure> {
        let file = match &cli.common.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let common = &cli.common;
        let data = common.data.clone().or(file.data).unwrap_or_else(|| DEFAULT_DATA.into());
        // Messages name it, and must say which directory is meant.
        let data =
            std::path::absolute(data).map_err(|error| Failure::io("--data must be a directory", &error))?;
        let database = flag("--database", common.database.as_deref(), parse_database)?.or(file.database);
        let listen = flag("--listen", cli.command.listen(), parse_listen)?.or(file.listen);
        let base_url = flag("--base-url", cli.command.base_url(), parse_base_url)?.or(file.base_url);
        let log_level = flag("--log-level", common.log_level.as_deref(), parse_level)?.or(file.log_level);
        let log_format =
            flag("--log-format", common.log_format.as_deref(), parse_format)?.or(file.log_format);
        Ok(Config {
            database: database.unwrap_or_else(|| Database::Sqlite(data.join("signet.db"))),
            data,
            listen: listen.unwrap_or(DEFAULT_LISTEN),
            base_url,
            log_level,
            log_format,
        })
    }

    /// The pool's address for a server at `port`.
    pub fn base_url(&self, port: u16) -> Result<BaseUrl, Failure> {
        match &self.base_url {
            Some(base_url) => Ok(base_url.clone()),
            None => BaseUrl::parse(&format!("http://localhost:{port}"))
                .map_err(|error| Failure::new(format!("the base URL {error}"))),
        }
    }

    /// The database, without the secrets its URL may hold.
    pub fn describe_database(&self) -> String {
        self.database.place()
    }
}

impl File {
    fn read(path: &Path) -> Result<File, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
        File::parse(&text).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(|p| format!("{}:{p}", path.display())).collect();
            Failure::new(format!("the configuration file is wrong\n  {}", lines.join("\n  ")))
        })
    }

    fn parse(text: &str) -> Result<File, Vec<signet_web::manage::problem::Problem>> {
        reader::read(text, |table| File {
            data: table.parsed("data", |text| Ok::<_, String>(PathBuf::from(text))),
            database: table.parsed("database", parse_database),
            listen: table.parsed("listen", parse_listen),
            base_url: table.parsed("base_url", parse_base_url),
            log_level: table.parsed("log_level", parse_level),
            log_format: table.parsed("log_format", parse_format),
        })
    }
}

fn flag<T>(
    name: &str,
    value: Option<&str>,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    value.map(parse).transpose().map_err(|error| Failure::new(format!("{name} {error}")))
}

fn parse_database(text: &str) -> Result<Database, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        if demands_tls(text) {
            return Err(NO_TLS.to_owned());
        }
        return Ok(Database::Postgres(text.to_owned()));
    }
    match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        Some(path) => Ok(Database::Sqlite(path.into())),
        None => Err("must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME".to_owned()),
    }
}

/// Whether a PostgreSQL address may be used with TLS only.
fn demands_tls(url: &str) -> bool {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let modes = parameters.split('&').filter_map(|parameter| parameter.strip_prefix("sslmode="));
    modes.into_iter().any(|mode| ["require", "verify-ca", "verify-full"].contains(&mode))
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

fn parse_base_url(text: &str) -> Result<BaseUrl, String> {
    BaseUrl::parse(text).map_err(|error| error.to_string())
}

fn parse_level(text: &str) -> Result<String, String> {
    // A level for some targets only (`info,signet_store=debug`) is checked by the log itself.
    if LEVELS.contains(&text) || text.contains('=') {
        return Ok(text.to_owned());
    }
    Err(must_be_one_of(text, LEVELS))
}

fn parse_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be human or json".to_owned()),
    }
}

#[cfg(test)]
mod tests {
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
            let known = File::parse(&format!("{key} = []")).unwrap_err();
            let unknown = known.iter().any(|problem| problem.message.starts_with("unknown key"));
            assert!(key == "–" || !unknown, "{key}");
            assert!(key == "–" || flag == format!("--{}", key.replace('_', "-")), "{key} {flag}");
        }
        let keys = rows().iter().filter(|row| row[0] != "–").count();
        assert_eq!(keys, 6, "a key of the file is not in the table");
    }

    #[test]
    fn a_file_gives_what_flags_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signet.toml");
        let text = "data = \"/d\"\nlisten = \"127.0.0.1:9\"\nbase_url = \"https://id.example.com\"\nlog_format = \"json\"";
        std::fs::write(&path, text).unwrap();
        let flags = ["signet", "serve", "--listen", "127.0.0.1:10", "--config", path.to_str().unwrap()];
        let config = Config::load(&Cli::parse_from(flags)).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(config.data, PathBuf::from("/d"));
        assert_eq!(config.listen.port(), 10);
        assert_eq!(config.base_url(10).ok(), BaseUrl::parse("https://id.example.com").ok());
        assert_eq!(config.database, Database::Sqlite("/d/signet.db".into()));
        assert_eq!(config.log_format, Some(LogFormat::Json));
    }

    #[test]
    fn what_is_wrong_says_what_is_right() {
        for (flags, words) in [
            (["--database", "mysql://x"], "--database must be sqlite:PATH or postgres://"),
            (["--database", "sqlite:"], "--database must be sqlite:PATH or postgres://"),
            (
                ["--database", "postgres://u@db/x?connect_timeout=3&sslmode=require"],
                "TLS to PostgreSQL is not supported yet",
            ),
            (["--database", "postgres://u@db/x?sslmode=verify-full"], "with sslmode=disable"),
            (["--listen", "8080"], "--listen must be an IP address and a port"),
            (["--base-url", "localhost"], "--base-url must be http:// or https://"),
            (["--log-level", "inof"], "did you mean \"info\"?"),
            (["--log-format", "xml"], "--log-format must be human or json"),
        ] {
            let cli = Cli::parse_from(["signet", "serve"].into_iter().chain(flags));
            let failure = Config::load(&cli).err().unwrap().to_string();
            assert!(failure.contains(words), "{failure}");
        }
        let problems = File::parse("lisen = \"x\"\nlog_level = \"inof\"").unwrap_err();
        assert_eq!(problems[0].message, "unknown key `lisen`, did you mean `listen`?");
        assert_eq!((problems[1].line, problems.len()), (2, 2));
    }

    #[test]
    fn the_base_url_follows_the_port() {
        let config = Config::load(&Cli::parse_from(["signet", "serve"])).unwrap();
        assert_eq!(config.base_url(8080).ok(), BaseUrl::parse("http://localhost:8080").ok());
        assert_eq!(config.base_url(9000).ok(), BaseUrl::parse("http://localhost:9000").ok());
    }

    #[test]
    fn attack_25_a_database_is_described_without_its_password() {
        for (url, shown) in [
            ("postgres://signet:s3cret@db.example:5432/signet", "PostgreSQL db.example:5432/signet"),
            ("postgres://signet:s3c?ret@db.example/signet", "PostgreSQL db.example/signet"),
            ("postgres://signet:s3/cret#x@db.example/signet", "PostgreSQL db.example/signet"),
            (
                "postgres://signet:s3@c?ret@db/x",
                "PostgreSQL at an address that has an @ among its parameters",
            ),
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
}
