//! The command line.

mod applications;
mod audit;
mod people;
mod pools;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::{applications::*, audit::*, people::*, pools::*};

const EXAMPLES: &str = "\
Examples:
  signet serve                                     at http://localhost:8080, data in ./signet-data
  signet apply examples/network-notes.toml         create or update applications and users
  signet apply --plan FILE.toml                    show the plan, change nothing
  signet export pool.toml                          the whole pool as a file for apply
  signet user create --username alice              asks for the password
  signet user sign-out alice                       on every device, of every application
  signet user link alice                           a one-time link to set a password
  signet user import --dry-run people.csv          look for what is wrong, change nothing
  signet app create --name Notes --identifier notes --redirect-uri http://localhost:3000/callback
  signet app show notes                            App ID, secret, authentication and endpoints
  signet account create notes                      a caller without a user: AccessKey and SecretKey
  signet why K7QF-2M9T                             why was this request refused?
  signet audit list --actor alice                  what did she do?
  signet check                                     is everything as it should be?
  signet pool create shop --name Shop              a user pool apart, with an address of its own
  signet export --pool shop shop.toml              any command about another pool than the default one
  signet backup FILE                               the whole database in one file

The commands other than serve work while the server runs and while it does not.";

/// A self-hosted OpenID Connect provider: one binary, an embedded database, or PostgreSQL.
#[derive(Parser)]
#[command(name = "signet", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Data directory: master key, embedded database, control socket [default: ./signet-data]
    #[arg(long, global = true, value_name = "DIR", env = "SIGNET_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// Database, sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [default: signet.db in the data directory]
    #[arg(long, global = true, value_name = "URL", env = "SIGNET_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// User pool that the command is about, by its identifier or id [default: the default pool]
    #[arg(long, global = true, value_name = "IDENTIFIER|ID")]
    pub pool: Option<String>,
    /// Configuration file, TOML
    #[arg(long, global = true, value_name = "FILE", env = "SIGNET_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// What is logged: off, error, warn, info, debug or trace [default: info for serve, else warn]
    #[arg(long, global = true, value_name = "LEVEL", env = "SIGNET_LOG", hide_env_values = true)]
    pub log_level: Option<String>,
    /// How it is logged: human or json [default: human on a terminal, else json]
    #[arg(long, global = true, value_name = "FORMAT", env = "SIGNET_LOG_FORMAT", hide_env_values = true)]
    pub log_format: Option<String>,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Serve),
    /// Create or update scopes, claims, applications and users from a file; prints what it does
    Apply(Apply),
    /// Write the whole pool as a file for apply, secrets sealed for installations with the same master key
    Export(Export),
    /// Manage users
    #[command(subcommand)]
    User(User),
    /// Manage applications
    #[command(subcommand)]
    App(App),
    /// Manage programmatic access accounts: callers without a user, each of one application
    #[command(subcommand)]
    Account(Account),
    /// Manage user pools, and look at the scopes and claims of one
    #[command(subcommand)]
    Pool(Pool),
    /// Look at the signing keys and rotate them
    #[command(subcommand)]
    Keys(Keys),
    /// Make a link by which the first administrator comes to the console; the one before is good no more
    SetupLink(SetupLink),
    /// Look into the audit log, and see that nobody changed it
    #[command(subcommand)]
    Audit(Audit),
    /// Say why requests were refused: by the reference of an error page, or the newest of an application
    Why(Why),
    /// Look whether everything is as it should be, and say what to do
    Check(Check),
    /// Ask the server that runs on the data directory whether it and its database answer
    Health,
    /// Write the whole database to a file, while the server runs or not
    Backup(Backup),
    /// Put a backup into an empty data directory and an empty database, of either engine
    Restore(Restore),
}

/// `signet serve`.
#[derive(Args)]
pub struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "SIGNET_LISTEN", hide_env_values = true)]
    pub listen: Option<String>,
    /// Address and port of a second listener, for GET /metrics [default: none]
    #[arg(long, value_name = "ADDRESS", env = "SIGNET_METRICS_LISTEN", hide_env_values = true)]
    pub metrics_listen: Option<String>,
    /// Collector that gets traces, by OTLP over HTTP: http://HOST:PORT [default: none]
    #[arg(long, value_name = "URL", env = "SIGNET_OTLP_ENDPOINT", hide_env_values = true)]
    pub otlp_endpoint: Option<String>,
    /// Seconds to go on answering once told to stop, not ready any more, so that a load balancer notices [default: 0]
    #[arg(long, value_name = "SECONDS", env = "SIGNET_DRAIN", hide_env_values = true)]
    pub drain: Option<String>,
    /// Days after which a signing key gets a successor; 0: only by `signet keys rotate` [default: 90]
    #[arg(
        long,
        value_name = "DAYS",
        env = "SIGNET_KEY_ROTATION_DAYS",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub key_rotation_days: Option<String>,
    /// Days for which records of the audit log are kept; 0: for ever [default: 0]
    #[arg(
        long,
        value_name = "DAYS",
        env = "SIGNET_AUDIT_RETENTION_DAYS",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub audit_retention_days: Option<String>,
    /// TLS certificate chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", env = "SIGNET_TLS_CERTIFICATE", hide_env_values = true)]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", env = "SIGNET_TLS_KEY", hide_env_values = true)]
    pub tls_key: Option<PathBuf>,
    /// Reverse proxies whose word about a sender counts: addresses, ranges, loopback; separated by commas
    #[arg(long, value_name = "LIST", env = "SIGNET_TRUSTED_PROXIES", hide_env_values = true)]
    pub trusted_proxies: Option<String>,
    /// Header in which they give it, x-forwarded-for or forwarded [default: x-forwarded-for]
    #[arg(long, value_name = "NAME", env = "SIGNET_FORWARDED_HEADER", hide_env_values = true)]
    pub forwarded_header: Option<String>,
    #[command(flatten)]
    pub outbound: Outbound,
    #[command(flatten)]
    pub base: Base,
}

/// Where Signet itself may ask, for keys and documents of applications.
#[derive(Args)]
pub struct Outbound {
    /// Hosts and networks beside the public internet that may be asked: names, addresses, ranges, loopback; separated by
    /// commas
    #[arg(long, value_name = "LIST", env = "SIGNET_OUTBOUND_ALLOW", hide_env_values = true)]
    pub outbound_allow: Option<String>,
    /// Authorities whose certificates are accepted there, PEM [default: those of this machine]
    #[arg(long, value_name = "FILE", env = "SIGNET_OUTBOUND_CA", hide_env_values = true)]
    pub outbound_ca: Option<PathBuf>,
}

/// The pool's address, where it matters.
#[derive(Args)]
pub struct Base {
    /// Public address of the server [default: http://localhost, with TLS https://localhost, and the port it listens on]
    #[arg(long, value_name = "URL", env = "SIGNET_BASE_URL", hide_env_values = true)]
    pub base_url: Option<String>,
}

/// `signet apply`.
#[derive(Args)]
pub struct Apply {
    /// What there shall be: a TOML file of scopes, claims, applications and users; - reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Show the plan and change nothing
    #[arg(long, visible_alias = "plan")]
    pub dry_run: bool,
    /// Remove what is not in the file, of each kind that the file mentions: applications with their accounts, resources
    /// and rules, users, fields, claims, scopes
    #[arg(long)]
    pub prune: bool,
    /// Read the passphrase of an export that was made with one from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
    #[command(flatten)]
    pub outbound: Outbound,
}

/// `signet export`.
#[derive(Args)]
pub struct Export {
    /// Where to: a new file, for its owner alone; - writes to standard output
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Overwrite the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Leave out the secrets of applications and accounts, and the hashes of passwords
    #[arg(long, conflicts_with = "passphrase_stdin")]
    pub without_secrets: bool,
    /// Seal the secrets under a passphrase, read from standard input, for an installation with another master key
    #[arg(long)]
    pub passphrase_stdin: bool,
}

/// `signet keys`.
#[derive(Subcommand)]
pub enum Keys {
    /// List every signing key with its state and age
    List,
    /// Publish the next key of each issuer, or have it sign if it was published a day ago
    Rotate(RotateKeys),
}

/// `signet keys rotate`.
#[derive(Args)]
pub struct RotateKeys {
    /// Only the keys of this issuer: pool, or an application's App ID or identifier
    #[arg(long, value_name = "ISSUER")]
    pub issuer: Option<String>,
    /// Have a new key sign at once, for one that is no longer secret; clients that keep keys may refuse its first tokens
    #[arg(long)]
    pub now: bool,
}

/// `signet setup-link`.
#[derive(Args)]
pub struct SetupLink {
    #[command(flatten)]
    pub base: Base,
}

/// `signet why`.
#[derive(Args)]
pub struct Why {
    /// The reference on the error page or in the error, or the x-request-id of the answer
    #[arg(value_name = "REFERENCE", required_unless_present = "application")]
    pub reference: Option<String>,
    /// The newest of this application, by its App ID or identifier
    #[arg(long, value_name = "ID|IDENTIFIER", conflicts_with = "reference")]
    pub application: Option<String>,
}

/// `signet check`.
#[derive(Args)]
pub struct Check {
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
    /// What the server is run with.
    #[command(flatten)]
    pub serve: Serve,
}

/// `signet backup`.
#[derive(Args)]
pub struct Backup {
    /// Where to: a new file, for its owner alone; - writes to standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Overwrite the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Include the master key, sealed under a passphrase; asks for it
    #[arg(long)]
    pub with_master_key: bool,
    /// Read the passphrase from standard input
    #[arg(long, requires = "with_master_key")]
    pub passphrase_stdin: bool,
}

/// `signet restore`.
#[derive(Args)]
pub struct Restore {
    /// The file that signet backup wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Read the passphrase of the master key in the backup from standard input
    #[arg(long)]
    pub passphrase_stdin: bool,
}

impl Command {
    /// What only `serve` takes.
    pub fn serve(&self) -> Option<&Serve> {
        match self {
            Command::Serve(serve) => Some(serve),
            Command::Check(check) => Some(&check.serve),
            _ => None,
        }
    }

    /// Where Signet may ask, where the command does.
    pub fn outbound(&self) -> Option<&Outbound> {
        match self {
            Command::Apply(apply) => Some(&apply.outbound),
            command => command.serve().map(|serve| &serve.outbound),
        }
    }

    /// `--base-url`, where the command has it.
    pub fn base_url(&self) -> Option<&str> {
        let base = match self {
            Command::Serve(serve) => &serve.base,
            Command::Check(check) => &check.serve.base,
            Command::App(App::Create(create)) => &create.base,
            Command::App(App::Show(show)) => &show.base,
            Command::SetupLink(link) => &link.base,
            Command::User(User::Link(link)) => &link.base,
            Command::Pool(Pool::Create(create)) => &create.base,
            Command::Pool(Pool::Rename(rename)) => &rename.base,
            Command::Apply(_)
            | Command::Export(_)
            | Command::User(_)
            | Command::Account(_)
            | Command::Pool(_)
            | Command::Keys(_)
            | Command::Audit(_)
            | Command::Why(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Health => return None,
        };
        base.base_url.as_deref()
    }
}
