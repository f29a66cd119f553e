//! What is configured: flags before environment before configuration file before defaults.
//!
//! `docs/configuration.md` is the table of all of it; a test compares the two.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::Uri;
use signet_protocol::issuer::{BaseUrl, Site};
use signet_store::Database;
use signet_web::{
    manage::{problem::must_be_one_of, reader},
    outbound::{Allow, Authorities, Opened, Outbound},
    proxies::{ForwardedHeader, Proxies, Range},
};

use crate::{
    cli::{Cli, Serve},
    failure::Failure,
    tls::TlsFiles,
};

const DEFAULT_DATA: &str = "./signet-data";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const MOST_DRAIN: i64 = 3600;
/// Entries in the list of trusted proxies, and in that of what is opened to Signet itself.
const MOST_PROXIES: usize = 1000;
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Everything that is configured.
pub struct Config {
    /// The data directory, as an absolute path.
    pub data: PathBuf,
    /// The database.
    pub database: Database,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to listen for who reads the metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces go.
    pub otlp_endpoint: Option<Collector>,
    /// How long the server goes on once it is told to stop.
    pub drain: Duration,
    /// The pool's address; else `http://localhost`, or with TLS `https://localhost`, and the port.
    pub base_url: Option<BaseUrl>,
    /// The certificate and key of `listen`, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The reverse proxies in front.
    pub proxies: Proxies,
    outbound_allow: Allow,
    outbound_ca: Option<PathBuf>,
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

/// A collector of traces: OTLP over HTTP (OpenTelemetry Protocol 1, "OTLP/HTTP Request").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Host and port.
    pub authority: String,
    path: String,
}

impl Collector {
    /// Where it takes traces.
    pub fn url(&self) -> String {
        format!("http://{}{}/v1/traces", self.authority, self.path)
    }
}

/// The configuration file: the same settings by their keys.
#[derive(Debug, Default, PartialEq)]
struct File {
    data: Option<PathBuf>,
    database: Option<Database>,
    listen: Option<SocketAddr>,
    metrics_listen: Option<SocketAddr>,
    otlp_endpoint: Option<Collector>,
    drain: Option<Duration>,
    base_url: Option<BaseUrl>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    trusted_proxies: Option<Vec<Vec<Range>>>,
    forwarded_header: Option<ForwardedHeader>,
    outbound_allow: Option<Vec<Opened>>,
    outbound_ca: Option<PathBuf>,
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
        let serve = cli.command.serve();
        let of_serve = |get: fn(&Serve) -> Option<&str>| serve.and_then(get);
        let listen =
            flag("--listen", of_serve(|serve| serve.listen.as_deref()), parse_listen)?.or(file.listen);
        let drain = flag("--drain", of_serve(|serve| serve.drain.as_deref()), parse_drain)?.or(file.drain);
        let metrics_listen =
            flag("--metrics-listen", of_serve(|serve| serve.metrics_listen.as_deref()), parse_listen)?
                .or(file.metrics_listen);
        let otlp_endpoint =
            flag("--otlp-endpoint", of_serve(|serve| serve.otlp_endpoint.as_deref()), parse_collector)?;
        let base_url = flag("--base-url", cli.command.base_url(), parse_base_url)?.or(file.base_url);
        let log_level = flag("--log-level", common.log_level.as_deref(), parse_level)?.or(file.log_level);
        let log_format =
            flag("--log-format", common.log_format.as_deref(), parse_format)?.or(file.log_format);
        let certificate = serve.and_then(|serve| serve.tls_certificate.clone()).or(file.tls_certificate);
        let tls = tls(certificate, serve.and_then(|serve| serve.tls_key.clone()).or(file.tls_key))?;
        must_fit(tls.as_ref(), base_url.as_ref())?;
        let trusted = of_serve(|serve| serve.trusted_proxies.as_deref());
        let trusted = flag("--trusted-proxies", trusted, parse_proxies)?.or(file.trusted_proxies);
        let header = of_serve(|serve| serve.forwarded_header.as_deref());
        let header = flag("--forwarded-header", header, parse_header)?.or(file.forwarded_header);
        let outbound = cli.command.outbound();
        let opened = outbound.and_then(|outbound| outbound.outbound_allow.as_deref());
        let opened = flag("--outbound-allow", opened, parse_opened)?.or(file.outbound_allow);
        Ok(Config {
            database: database.unwrap_or_else(|| Database::Sqlite(data.join("signet.db"))),
            data,
            listen: listen.unwrap_or(DEFAULT_LISTEN),
            metrics_listen,
            otlp_endpoint: otlp_endpoint.or(file.otlp_endpoint),
            drain: drain.unwrap_or_default(),
            base_url,
            tls,
            proxies: Proxies {
                trusted: trusted.unwrap_or_default().concat(),
                header: header.unwrap_or_default(),
            },
            outbound_allow: opened.unwrap_or_default().into_iter().collect(),
            outbound_ca: outbound.and_then(|outbound| outbound.outbound_ca.clone()).or(file.outbound_ca),
            log_level,
            log_format,
        })
    }

    /// By which Signet itself asks others.
    pub fn outbound(&self) -> Result<Outbound, Failure> {
        let authorities = match &self.outbound_ca {
            None => Authorities::Machine,
            Some(path) => {
                let read = |error| {
                    Failure::io(format!("cannot read the authorities {}", path.display()), &error)
                        .help("Name a PEM file that signet may read with --outbound-ca FILE.")
                };
                Authorities::parse(&std::fs::read(path).map_err(read)?)
                    .map_err(|error| Failure::new(format!("--outbound-ca {} {error}", path.display())))?
            }
        };
        Ok(Outbound::new(self.outbound_allow.clone(), authorities))
    }

    /// The pool's address for a server at `port`.
    pub fn base_url(&self, port: u16) -> Result<BaseUrl, Failure> {
        match &self.base_url {
            Some(base_url) => Ok(base_url.clone()),
            None => {
                let scheme = if self.tls.is_some() { "https" } else { "http" };
                BaseUrl::parse(&format!("{scheme}://localhost:{port}"))
                    .map_err(|error| Failure::new(format!("the base URL {error}")))
            }
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
            metrics_listen: table.parsed("metrics_listen", parse_listen),
            otlp_endpoint: table.parsed("otlp_endpoint", parse_collector),
            drain: table.seconds("drain", 0..=MOST_DRAIN).map(|s| Duration::from_secs(s.unsigned_abs())),
            base_url: table.parsed("base_url", parse_base_url),
            tls_certificate: table.parsed("tls_certificate", |text| Ok::<_, String>(PathBuf::from(text))),
            tls_key: table.parsed("tls_key", |text| Ok::<_, String>(PathBuf::from(text))),
            trusted_proxies: table.list("trusted_proxies", MOST_PROXIES, Range::parse),
            forwarded_header: table.parsed("forwarded_header", parse_header),
            outbound_allow: table.list("outbound_allow", MOST_PROXIES, Opened::parse),
            outbound_ca: table.parsed("outbound_ca", |text| Ok::<_, String>(PathBuf::from(text))),
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
        return Ok(Database::Postgres(text.to_owned()));
    }
    match text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        Some(path) => Ok(Database::Sqlite(path.into())),
        None => Err("must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME".to_owned()),
    }
}

fn tls(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, Failure> {
    let half = |given, missing| {
        Failure::new(format!("--tls-{given} needs --tls-{missing}")).help("TLS needs both files.")
    };
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half("certificate", "key")),
        (None, Some(_)) => Err(half("key", "certificate")),
    }
}

/// Issuers and cookies follow the base URL, so it must say what callers meet.
fn must_fit(tls: Option<&TlsFiles>, base_url: Option<&BaseUrl>) -> Result<(), Failure> {
    match (tls, base_url) {
        (Some(_), Some(base_url)) if !base_url.is_https() => Err(Failure::new(format!(
            "the base URL {} does not fit a server with a TLS certificate",
            base_url.origin(&Site::Pool)
        ))
        .help("Begin it with https://, or leave out the certificate and its key.")),
        _ => Ok(()),
    }
}

fn parse_proxies(text: &str) -> Result<Vec<Vec<Range>>, String> {
    let entries = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    entries.map(|entry| Range::parse(entry).map_err(|error| format!("{entry:?} {error}"))).collect()
}

fn parse_opened(text: &str) -> Result<Vec<Opened>, String> {
    let entries = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    entries.map(|entry| Opened::parse(entry).map_err(|error| format!("{entry:?} {error}"))).collect()
}

fn parse_header(text: &str) -> Result<ForwardedHeader, String> {
    match text {
        "x-forwarded-for" => Ok(ForwardedHeader::XForwardedFor),
        "forwarded" => Ok(ForwardedHeader::Forwarded),
        _ => Err("must be x-forwarded-for or forwarded".to_owned()),
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

fn parse_collector(text: &str) -> Result<Collector, String> {
    let uri =
        text.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("http") && uri.query().is_none());
    let authority =
        uri.as_ref().and_then(Uri::authority).filter(|authority| !authority.as_str().contains('@'));
    match (&uri, authority) {
        (Some(uri), Some(authority)) => Ok(Collector {
            authority: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(4318)),
            path: uri.path().trim_end_matches('/').to_owned(),
        }),
        _ => Err(
            "must be http://HOST:PORT, without a user or a query; a collector beside Signet goes on by https"
                .to_owned(),
        ),
    }
}

fn parse_drain(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0..=MOST_DRAIN).contains(seconds));
    let seconds = seconds.ok_or(format!("must be 0 to {MOST_DRAIN} seconds"))?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
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
            let known = File::parse(&format!("{key} = {{}}")).unwrap_err();
            let unknown = known.iter().any(|problem| problem.message.starts_with("unknown key"));
            assert!(key == "–" || !unknown, "{key}");
            assert!(key == "–" || flag == format!("--{}", key.replace('_', "-")), "{key} {flag}");
        }
        let keys = rows().iter().filter(|row| row[0] != "–").count();
        assert_eq!(keys, 15, "a key of the file is not in the table");
    }

    #[test]
    fn a_file_gives_what_flags_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signet.toml");
        let text = "data = \"/d\"\nlisten = \"127.0.0.1:9\"\nbase_url = \"https://id.example.com\"\nlog_format = \"json\"\ndrain = 5";
        std::fs::write(&path, text).unwrap();
        let flags = ["signet", "serve", "--listen", "127.0.0.1:10", "--config", path.to_str().unwrap()];
        let config = Config::load(&Cli::parse_from(flags)).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(config.data, PathBuf::from("/d"));
        assert_eq!(config.listen.port(), 10);
        assert_eq!(config.drain, Duration::from_secs(5));
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
        assert_eq!(problems[0].message, "unknown key `lisen`, did you mean `listen`?");
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
            let all = ["signet", "serve", "--config", path.to_str().unwrap()]
                .into_iter()
                .chain(flags.iter().copied());
            Config::load(&Cli::parse_from(all)).unwrap().proxies
        };
        let (of_file, of_flag) = (load(&[]), load(&["--trusted-proxies", "10.0.0.0/8, ::1,192.0.2.1"]));
        let trusted = |proxies: &Proxies, address: &str| proxies.trusts(address.parse().unwrap());
        assert_eq!(
            (of_file.header, of_flag.header),
            (ForwardedHeader::Forwarded, ForwardedHeader::Forwarded)
        );
        assert!(
            trusted(&of_file, "127.0.0.1")
                && trusted(&of_file, "10.1.1.1")
                && !trusted(&of_file, "192.0.2.1")
        );
        assert!(
            !trusted(&of_flag, "127.0.0.1") && trusted(&of_flag, "::1") && trusted(&of_flag, "192.0.2.1")
        );
        assert_eq!(load(&["--trusted-proxies", ""]).trusted, []);
        let problems = File::parse("trusted_proxies = [\"loopback\", \"proxy\"]").unwrap_err();
        assert!(problems[0].message.starts_with("\"proxy\" in `trusted_proxies` must be"), "{problems:?}");
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
