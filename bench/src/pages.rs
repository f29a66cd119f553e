//! Every page of the console, and every list of the admin API, in a large pool: how long the server takes for each, and how long the
//! page is. What is visited is read from the tables of routes, so that no page can be left out.

mod client;
mod crowd;
mod fill;
mod places;
mod report;
mod visit;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use signet_testkit::postgres::ThrowawayPostgres;

use self::{
    client::Client,
    crowd::{Crowd, Sizes, USUAL},
    report::{Export, Report, Run},
    visit::Visitor,
};
use crate::{
    Engine, Failure,
    machine::Machine,
    population::PASSWORD,
    server::{Installation, Server},
};

/// Who owns the pool.
const OWNER: &str = "owner";
/// How long the server may take to be done with what it does after a start.
const SETTLING: Duration = Duration::from_secs(120);

/// How a large pool is made and looked at.
#[derive(clap::Args)]
pub struct Options {
    /// The binary to measure
    #[arg(long, default_value = "target/release/signet")]
    binary: PathBuf,
    /// The database
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Applications in the pool
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=100_000))]
    applications: u64,
    /// Users in the pool
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    users: u64,
    /// Records of the audit log
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    records: u64,
    /// Visits of each address; the first is told apart
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=1000))]
    visits: u64,
    /// Where the databases are put while they are measured [default: the system's temporary directory]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Where to keep the embedded database as it was filled, to be used again by later runs with the same numbers
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Where to write the figures as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// A page whose generated part to replace by the figures
    #[arg(long)]
    markdown: Option<PathBuf>,
}

/// Measures. An address that is refused, or a page that is too long, is an error; one that is slow is told.
pub fn run(options: &Options) -> Result<(), Failure> {
    let directory = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let sizes = Sizes { applications: options.applications, users: options.users, records: options.records };
    let mut report = Report {
        machine: Machine::look(&directory)?,
        sizes,
        visits: usize::try_from(options.visits)?,
        runs: Vec::new(),
    };
    let mut faults = Vec::new();
    for engine in engines(options.engine) {
        let (run, wrong) = measure(options, engine, sizes, &directory)?;
        report.runs.push(run);
        faults.extend(wrong.into_iter().map(|fault| format!("{engine}: {fault}")));
    }
    print!("{}", report.text(false));
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &options.markdown {
        report.write_into(path)?;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn engines(engine: Engine) -> impl Iterator<Item = &'static str> {
    let sqlite = matches!(engine, Engine::Sqlite | Engine::Both).then_some("SQLite");
    let postgres = matches!(engine, Engine::Postgres | Engine::Both).then_some("PostgreSQL");
    sqlite.into_iter().chain(postgres)
}

fn measure(
    options: &Options,
    engine: &'static str,
    sizes: Sizes,
    directory: &Path,
) -> Result<(Run, Vec<String>), Failure> {
    let cluster = (engine == "PostgreSQL").then(|| ThrowawayPostgres::durable(directory));
    let place = tempfile::Builder::new().prefix("signet-bench-").tempdir_in(directory)?;
    let installation = Installation {
        binary: &options.binary,
        data: place.path().join("data"),
        database: cluster.as_ref().map(ThrowawayPostgres::fresh_database),
    };
    let keep = options.keep.as_deref().filter(|_| cluster.is_none());
    let (crowd, filling) = filled(&installation, sizes, keep)?;
    eprintln!("{engine}: filled in {:.0} s", filling.as_secs_f64());
    let server = installation.start()?;
    let client = sign_in(&installation, &server)?;
    installation.create(&description())?;
    settle(&server)?;
    let idle = server.resident_kib()?;
    let mut visitor = Visitor::new(&server, client, usize::try_from(options.visits)?);
    visitor.console(&crowd)?;
    // Made now: a connection that nobody uses is closed.
    let mut api = api(&server)?;
    visitor.after_changes(&mut api)?;
    let (mut lines, mut faults) = (visitor.lines, visitor.faults);
    let mut visitor = Visitor::new(&server, api, usize::try_from(options.visits)?);
    visitor.api(&crowd)?;
    lines.append(&mut visitor.lines);
    faults.append(&mut visitor.faults);
    let most = server.peak_kib()?;
    let export = export(&installation, &server)?;
    server.stop()?;
    let database = match &cluster {
        Some(cluster) => cluster.ask("SELECT sum(pg_database_size(datname)) FROM pg_database")?,
        None => Some(bytes_below(place.path())?.to_string()),
    };
    let database = database.and_then(|bytes| bytes.parse().ok()).unwrap_or_default();
    Ok((Run { engine, filling, database, lines, export, memory: [idle, most] }, faults))
}

/// Fills the database of an installation, or takes the one that was kept.
fn filled(
    installation: &Installation,
    sizes: Sizes,
    keep: Option<&Path>,
) -> Result<(Crowd, Duration), Failure> {
    let Some(keep) = keep.map(|keep| keep.join(sizes.name())) else {
        installation.create("")?;
        return fill::fill(&installation.store()?, sizes);
    };
    let (made, since) = (keep.join("made"), Instant::now());
    if let Ok(text) = fs::read_to_string(&made) {
        copy(&keep.join("data"), &installation.data)?;
        return Ok((fill::again(&installation.store()?, sizes, text.trim().parse()?)?, since.elapsed()));
    }
    installation.create("")?;
    let filled = fill::fill(&installation.store()?, sizes)?;
    copy(&installation.data, &keep.join("data"))?;
    fs::write(made, filled.0.people.made_at().to_string())?;
    Ok(filled)
}

/// Copies the files of a directory into a new one.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    Ok(())
}

/// Uses the set-up link, as whoever owns the pool does first, and signs in to the console.
fn sign_in(installation: &Installation, server: &Server) -> Result<Client, Failure> {
    let link = installation.setup_link()?;
    let (_, path) = link.split_once("/console/setup?").ok_or("no set-up link")?;
    let mut client = Client::open(server.port)?;
    let path = format!("/console/setup?{path}");
    let page = client.get(&path)?;
    let csrf = page.hidden("csrf").ok_or_else(|| page.unexpected("no set-up form"))?;
    let hidden = page.hidden("link").unwrap_or_default();
    let fields = [
        ("csrf", csrf.as_str()),
        ("link", &hidden),
        ("username", OWNER),
        ("email", "owner@example.org"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    let made = client.post("/console/setup", &fields)?;
    if made.status != 303 {
        return Err(made.unexpected("the set-up link was refused"));
    }
    let mut client = Client::open(server.port)?;
    let page = client.get("/console/sign-in")?;
    let csrf = page.hidden("csrf").ok_or_else(|| page.unexpected("no login form"))?;
    let fields = [("csrf", csrf.as_str()), ("to", "/console"), ("username", OWNER), ("password", PASSWORD)];
    let signed_in = client.post("/console/sign-in", &fields)?;
    if signed_in.status != 303 {
        return Err(signed_in.unexpected("the console lets its owner not in"));
    }
    try_out(&mut client)?;
    Ok(client)
}

/// Begins a trial of the usual application, whose next page is nothing without one.
fn try_out(client: &mut Client) -> Result<(), Failure> {
    let home = format!("/console/applications/{}/try", Crowd::app(USUAL));
    let page = client.get(&home)?;
    let csrf = page.hidden("csrf").ok_or_else(|| page.unexpected("no form to try it out"))?;
    let version = page.hidden("version").unwrap_or_default();
    let add = [("csrf", csrf.as_str()), ("act", "add"), ("version", &version), ("step", "confirm")];
    client.post(&format!("{home}/link"), &add)?;
    let begin = [("csrf", csrf.as_str()), ("mode", "code"), ("place", "pool"), ("scope", "openid")];
    let begun = client.post(&home, &begin)?;
    if begun.status == 303 { Ok(()) } else { Err(begun.unexpected("a trial does not begin")) }
}

/// What an operator has of the pool's own, as much as there may be; and an account for the admin API.
fn description() -> String {
    let mut text = String::new();
    for number in 0..200 {
        text.push_str(&format!("[[extended_fields]]\nname = \"field_{number}\"\ntype = \"text\"\n"));
        text.push_str(&format!(
            "[[claims]]\nname = \"claim_{number}\"\nfield = \"extended_fields.field_{number}\"\n"
        ));
    }
    for number in 0..60 {
        text.push_str(&format!(
            "[[scopes]]\nname = \"scope_{number}\"\nclaims = [\"claim_{number}\"]\ndescription = \"What is behind it\"\n"
        ));
    }
    for number in 0..1000 {
        text.push_str(&format!(
            "[[resources]]\ncode = \"pool-{number}\"\ntype = \"API\"\nactions = [\"read\"]\n"
        ));
    }
    text.push_str(OPERATIONS);
    text
}

/// As `docs/api.md` has it.
const OPERATIONS: &str = r#"
[[applications]]
identifier = "operations"
name = "Operations"
type = "api"
grant_types = ["client_credentials"]
accounts = [{ id = "64f0c0ffee00000000000001", secret = "0e8a1c5f7b2d49638a1c5f7b2d496380" }]

[[applications.rules]]
subject = { account = "64f0c0ffee00000000000001" }
effect = "allow"
namespace = "pool"
resource = "admin"
actions = "all"
"#;

fn api(server: &Server) -> Result<Client, Failure> {
    let mut client = Client::open(server.port)?;
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "admin:*:*"),
        ("client_id", "64f0c0ffee00000000000001"),
        ("client_secret", "0e8a1c5f7b2d49638a1c5f7b2d496380"),
    ];
    let answer = client.post("/oidc/token", &fields)?;
    let read: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let token = read.as_ref().and_then(|read| read.get("access_token")?.as_str());
    let token = token.ok_or_else(|| answer.unexpected("no token for the admin API"))?;
    Ok(client.with_token(token))
}

/// Waits until the server does next to nothing by itself.
fn settle(server: &Server) -> Result<(), Failure> {
    let since = Instant::now();
    while since.elapsed() < SETTLING {
        let before = server.cpu()?;
        thread::sleep(Duration::from_secs(1));
        if server.cpu()?.saturating_sub(before) <= Duration::from_millis(50) {
            break;
        }
    }
    Ok(())
}

fn export(installation: &Installation, server: &Server) -> Result<Export, Failure> {
    let since = Instant::now();
    let (bytes, memory_kib) = installation.export()?;
    Ok(Export { took: since.elapsed(), bytes, memory_kib, server_kib: server.peak_kib()? })
}

/// How much the files below a directory have.
fn bytes_below(directory: &Path) -> Result<u64, Failure> {
    let mut sum = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        sum +=
            if entry.file_type()?.is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}
