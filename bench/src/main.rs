//! Measures a release binary over loopback: requests/s, latencies, and the server's CPU for each request beside the cost of
//! its raw signatures, all in one run on one machine. Only the ratios of one run mean anything elsewhere.

mod bare;
mod browser;
mod flows;
mod goals;
mod http;
mod load;
mod machine;
mod measure;
mod pages;
mod population;
mod report;
mod seed;
mod server;
mod signatures;
mod storm;
mod worker;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum};
use signet_testkit::postgres::ThrowawayPostgres;

use crate::{
    flows::Flow,
    machine::Machine,
    measure::{Plan, Run},
    population::Size,
    report::Report,
    server::Installation,
    signatures::Raw,
    storm::Storm,
    worker::Site,
};

// As the server has it: the bare handlers shall have no worse one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, for whoever runs the measurement.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Starts whose median counts.
const STARTS: usize = 5;
/// What `--only` calls the password storm.
const STORM: &str = "storm";

/// Measures Signet. The load stays on this machine, and ends by itself.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// The binary to measure
    #[arg(long, default_value = "target/release/signet")]
    binary: PathBuf,
    /// The database
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Users in the database; several, separated by commas, are measured one after the other and compared
    #[arg(long, value_delimiter = ',', default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    users: Vec<u64>,
    /// With more users than this only the embedded database is measured, which is filled sooner
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    postgres_users: u64,
    /// Grants with a live chain of refresh tokens for each user
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100))]
    grants_per_user: u64,
    /// Accounts of each application, each with a rule about it; several, separated by commas, go with the numbers of users
    #[arg(long, value_delimiter = ',', default_value = "100", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    accounts: Vec<u64>,
    /// Seconds of load for each flow
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Connections at once
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    connections: u64,
    /// Threads that drive them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    threads: u64,
    /// Only the flows whose name contains this; `storm` is the password storm
    #[arg(long, default_value = "")]
    only: String,
    /// Where the databases are put while they are measured [default: the system's temporary directory]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Where to write the figures as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// A page whose generated part to replace by the figures
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Be the bare handlers, on this database
    #[arg(long, hide = true)]
    bare: Option<String>,
}

/// What else can be measured.
#[derive(Subcommand)]
enum Other {
    /// Visits every page of the console, and every list of the admin API, in a large pool
    Pages(pages::Options),
}

/// Which databases.
#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    /// The embedded one
    Sqlite,
    /// A PostgreSQL server that is started for the purpose, with its default settings
    Postgres,
    /// One after the other
    Both,
}

impl Options {
    /// The databases: the longer list says how many, and of the shorter one the last number stands for the rest.
    fn sizes(&self) -> Vec<Size> {
        let at = |list: &[u64], index: usize| list.get(index).or(list.last()).copied().unwrap_or(1);
        (0..self.users.len().max(self.accounts.len()))
            .map(|index| Size {
                accounts: at(&self.accounts, index),
                ..Size::of(at(&self.users, index), self.grants_per_user, self.connections)
            })
            .collect()
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match (&options.other, &options.bare) {
        (Some(Other::Pages(options)), _) => pages::run(options),
        (None, Some(database)) => bare::serve(database),
        (None, None) => run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let directory = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let plan = Plan {
        connections: usize::try_from(options.connections)?,
        threads: usize::try_from(options.threads)?,
        length: Duration::from_secs(options.seconds),
    };
    let size = std::fs::metadata(&options.binary);
    let size = size.map_err(|error| format!("{}: {error}; run `make bench`", options.binary.display()))?;
    let mut report =
        Report { machine: Machine::look(&directory)?, plan, binary_bytes: size.len(), runs: Vec::new() };
    let bench = Bench { options, plan, raw: Raw::new()? };
    for size in options.sizes() {
        if matches!(options.engine, Engine::Sqlite | Engine::Both) {
            report.runs.push(bench.on_sqlite(size, &directory)?);
        }
        if matches!(options.engine, Engine::Postgres | Engine::Both) && size.users <= options.postgres_users {
            report.runs.push(bench.on_postgres(size, &directory)?);
        }
    }
    print!("{}", report.text(false));
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    options.markdown.as_deref().map_or(Ok(()), |path| report.write_into(path))
}

/// One measurement after the other.
struct Bench<'a> {
    options: &'a Options,
    plan: Plan,
    raw: Raw,
}

impl Bench<'_> {
    fn on_sqlite(&self, size: Size, directory: &Path) -> Result<Run, Failure> {
        self.measure("SQLite", size, directory, None)
    }

    fn on_postgres(&self, size: Size, directory: &Path) -> Result<Run, Failure> {
        let cluster = ThrowawayPostgres::durable(directory);
        self.measure(
            "PostgreSQL",
            size,
            directory,
            Some([cluster.fresh_database(), cluster.fresh_database()]),
        )
    }

    fn measure(
        &self,
        engine: &'static str,
        size: Size,
        directory: &Path,
        databases: Option<[String; 2]>,
    ) -> Result<Run, Failure> {
        let place = tempfile::Builder::new().prefix("signet-bench-").tempdir_in(directory)?;
        let (database, for_bare) =
            databases.map_or_else(Default::default, |[one, other]| (Some(one), Some(other)));
        let for_bare = for_bare.unwrap_or_else(|| place.path().join("bare.db").display().to_string());
        let installation =
            Installation { binary: &self.options.binary, data: place.path().join("data"), database };
        installation.create(server::DESCRIPTION)?;
        let (population, seeding) = seed::fill(&installation.store()?, size)?;
        eprintln!(
            "{engine}: {} users, {} grants and {} accounts in {:.0} s",
            size.users,
            size.grants,
            size.accounts,
            seeding.as_secs_f64()
        );
        let start = installation.start_time(STARTS)?;
        let server = installation.start()?;
        let idle_kib = server.resident_kib()?;
        let site = Arc::new(Site::new(server.port, population, self.options.connections));
        let bare = bare::start(&for_bare)?;
        let bare_site = Arc::new(Site::new(bare.port, site.population.clone(), self.options.connections));
        let mut lines = Vec::new();
        for flow in Flow::ALL.iter().filter(|flow| flow.to_string().contains(&self.options.only)) {
            let mut line = measure::flow(&server, &site, *flow, &self.plan, &self.raw)?;
            if flow.floor().is_some_and(|floor| floor.bare.is_some()) {
                line.bare = Some(measure::flow(&bare, &bare_site, *flow, &self.plan, &self.raw)?.per_second);
            }
            let part = line
                .of_raw_hashes()
                .map_or_else(String::new, |part| format!(", {part:.2} of the raw hashes"));
            eprintln!("  {flow}: {:.0}/s{part}", line.per_second);
            lines.push(line);
        }
        let storm = self.storm(&site)?;
        server.stop()?;
        Ok(Run { engine, size, seeding, start, idle_kib, lines, storm })
    }

    fn storm(&self, site: &Arc<Site>) -> Result<Option<Storm>, Failure> {
        let wanted = self.options.only.is_empty() || self.options.only == STORM;
        wanted.then(|| storm::measure(site, self.plan.length, self.plan.connections)).transpose()
    }
}
