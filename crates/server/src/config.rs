//! What is configured: flags before environment before configuration file before defaults.
//!
//! `docs/configuration.md` is the table of all of it; a test compares the two.

use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::Uri;
use signet_protocol::{
    ip_range::IpRange,
    issuer::{BaseUrl, Site},
    said::Said,
};
use signet_store::Database;
use signet_web::{
    manage::{problem::must_be_one_of, reader},
    outbound::{Allow, Authorities, Opened, Outbound},
    proxies::{ForwardedHeader, Proxies, parse_ranges},
};

use crate::{
    cli::{Cli, Serve},
    failure::Failure,
    tls::TlsFiles,
};

const DEFAULT_DATA: &str = "./signet-data";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const MOST_DRAIN: i64 = 3600;
const DEFAULT_KEY_ROTATION: i64 = 90;
const MOST_KEY_ROTATION: i64 = 3650;
const MOST_AUDIT_RETENTION: i64 = 36_500;
/// Entries in the list of trusted proxies, and in that of what is opened to Signet itself.
const MOST_PROXIES: usize = 1000;
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Everything that is configured.
pub struct Config {
    /// The data directory, as an absolute path.
    pub data: PathBuf,
    /// The database.
    pub database: Database,
    /// The user pool that a command is about, by identifier or id; else the default one.
    pub pool: Option<String>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to listen for who reads the metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces go.
    pub otlp_endpoint: Option<Collector>,
    /// How long the server goes on once it is told to stop.
    pub drain: Duration,
    /// The days after which a signing key gets a successor; 0: only by hand.
    pub key_rotation_days: i64,
    /// The days for which the audit log is kept; 0: for ever.
    pub audit_retention_days: i64,
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
    key_rotation_days: Option<i64>,
    audit_retention_days: Option<i64>,
    base_url: Option<BaseUrl>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    trusted_proxies: Option<Vec<Vec<IpRange>>>,
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
        let rotation = of_serve(|serve| serve.key_rotation_days.as_deref());
        let rotation = flag("--key-rotation-days", rotation, parse_rotation)?.or(file.key_rotation_days);
        let retention = of_serve(|serve| serve.audit_retention_days.as_deref());
        let retention =
            flag("--audit-retention-days", retention, parse_retention)?.or(file.audit_retention_days);
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
            pool: common.pool.clone(),
            listen: listen.unwrap_or(DEFAULT_LISTEN),
            metrics_listen,
            otlp_endpoint: otlp_endpoint.or(file.otlp_endpoint),
            drain: drain.unwrap_or_default(),
            key_rotation_days: rotation.unwrap_or(DEFAULT_KEY_ROTATION),
            audit_retention_days: retention.unwrap_or_default(),
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
            data: table.parsed("data", |text| Ok::<_, Said>(PathBuf::from(text))),
            database: table.parsed("database", english(parse_database)),
            listen: table.parsed("listen", english(parse_listen)),
            metrics_listen: table.parsed("metrics_listen", english(parse_listen)),
            otlp_endpoint: table.parsed("otlp_endpoint", english(parse_collector)),
            drain: table.seconds("drain", 0..=MOST_DRAIN).map(|s| Duration::from_secs(s.unsigned_abs())),
            key_rotation_days: table.days("key_rotation_days", 0..=MOST_KEY_ROTATION),
            audit_retention_days: table.days("audit_retention_days", 0..=MOST_AUDIT_RETENTION),
            base_url: table.parsed("base_url", english(parse_base_url)),
            tls_certificate: table.parsed("tls_certificate", |text| Ok::<_, Said>(PathBuf::from(text))),
            tls_key: table.parsed("tls_key", |text| Ok::<_, Said>(PathBuf::from(text))),
            trusted_proxies: table.list("trusted_proxies", MOST_PROXIES, english(parse_ranges)),
            forwarded_header: table.parsed("forwarded_header", english(parse_header)),
            outbound_allow: table.list("outbound_allow", MOST_PROXIES, english(Opened::parse)),
            outbound_ca: table.parsed("outbound_ca", |text| Ok::<_, Said>(PathBuf::from(text))),
            log_level: table.parsed("log_level", english(parse_level)),
            log_format: table.parsed("log_format", english(parse_format)),
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

/// The same for the reader of files, whose words are those of the command line here.
fn english<T, E: Display>(parse: impl Fn(&str) -> Result<T, E>) -> impl Fn(&str) -> Result<T, Said> {
    move |text| parse(text).map_err(|error| Said::english_only(error.to_string()))
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

fn parse_proxies(text: &str) -> Result<Vec<Vec<IpRange>>, String> {
    let entries = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    entries.map(|entry| parse_ranges(entry).map_err(|error| format!("{entry:?} {error}"))).collect()
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

fn parse_rotation(text: &str) -> Result<i64, String> {
    let days = text.parse().ok().filter(|days| (0..=MOST_KEY_ROTATION).contains(days));
    days.ok_or(format!("must be 0 to {MOST_KEY_ROTATION} days"))
}

fn parse_retention(text: &str) -> Result<i64, String> {
    let days = text.parse().ok().filter(|days| (0..=MOST_AUDIT_RETENTION).contains(days));
    days.ok_or(format!("must be 0 to {MOST_AUDIT_RETENTION} days"))
}

fn parse_base_url(text: &str) -> Result<BaseUrl, String> {
    BaseUrl::parse(text).map_err(|error| error.to_string())
}

fn parse_level(text: &str) -> Result<String, String> {
    // A level for some targets only (`info,signet_store=debug`) is checked by the log itself.
    if LEVELS.contains(&text) || text.contains('=') {
        return Ok(text.to_owned());
    }
    Err(must_be_one_of(text, LEVELS).to_string())
}

fn parse_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be human or json".to_owned()),
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
