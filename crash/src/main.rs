//! Kills the real server with SIGKILL at random moments under a mixed load, starts it again on the same data, and compares
//! what it then says with a model of what it may say: nothing acknowledged is lost, what was in flight is there wholly or
//! not at all, nothing is spent twice, and nothing that was revoked comes back.

mod client;
mod description;
mod login;
mod model;
mod operator;
mod person;
mod report;
mod run;

use std::{
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use serde_json::Value;
use signet_testkit::{Failure, seed::Seeded};

use crate::run::Engine;

/// Kills Signet again and again, and looks whether it keeps its word. All of it stays on this machine.
#[derive(Parser)]
struct Options {
    /// The binary to kill.
    #[arg(long, default_value = "target/release/signet")]
    binary: PathBuf,
    /// The engine; may be given more than once [default: both].
    #[arg(long)]
    database: Vec<Engine>,
    /// Kills on each engine.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// What the random choices are made from [default: one at random, which is told]
    #[arg(long)]
    seed: Option<u64>,
    /// Where the report goes as Markdown, and as JSON beside it.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("crash: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether no engine did anything wrong.
async fn run(options: &Options) -> Result<bool, Failure> {
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one("seed") >> 32);
    let both = vec![Engine::Sqlite, Engine::Postgres];
    let engines = if options.database.is_empty() { &both } else { &options.database };
    eprintln!("{} kills on each engine, seed {seed}", options.kills);
    let mut reports = Vec::new();
    for engine in engines {
        let report = run::run(&options.binary, *engine, options.kills, seed).await?;
        println!("{}", report.markdown());
        let wrong = report.violation.is_some();
        reports.push(report);
        if let Some(path) = &options.report {
            let text: Vec<_> = reports.iter().map(report::Report::markdown).collect();
            std::fs::write(path, format!("# Kills\n\n{}", text.join("\n")))?;
            let json: Vec<Value> = reports.iter().map(report::Report::json).collect();
            std::fs::write(path.with_extension("json"), format!("{:#}\n", Value::from(json)))?;
        }
        if wrong {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One of several, if there are any.
fn one_of<T: Clone>(random: &mut Seeded, several: &[T]) -> Option<T> {
    let count = u64::try_from(several.len()).ok().filter(|count| *count > 0)?;
    several.get(usize::try_from(random.next_u64() % count).ok()?).cloned()
}

/// Yes, one time in `count`.
fn one_in(random: &mut Seeded, count: u64) -> bool {
    random.next_u64().is_multiple_of(count)
}
