//! Measures a release binary over loopback: requests/s, latencies, and the server's CPU for each request beside the cost of
//! one raw signature, all in one run on one machine. Only the ratios of one run mean anything elsewhere.

mod flows;
mod http;
mod measure;
mod report;
mod server;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{flows::Flow, measure::Load, server::Server};

/// What went wrong, for whoever runs the measurement.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures Signet. The load stays on this machine, and ends by itself.
#[derive(Parser)]
struct Options {
    /// The binary to measure.
    #[arg(long, default_value = "target/release/signet")]
    binary: PathBuf,
    /// The database: nothing for SQLite in a new directory, or the URL of an empty PostgreSQL database.
    #[arg(long)]
    database: Option<String>,
    /// Seconds of load for each flow.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Connections at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    connections: u64,
    /// Only the flows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    let load = Load {
        connections: usize::try_from(options.connections)?,
        length: Duration::from_secs(options.seconds),
    };
    let server = Server::start(&options.binary, options.database.as_deref(), load.connections).await?;
    let signatures = measure::signatures()?;
    let mut lines = Vec::new();
    for flow in Flow::ALL.iter().filter(|flow| flow.name().contains(&options.only)) {
        lines.push(measure::run(&server, *flow, &load).await?);
        eprintln!("measured {}", flow.name());
    }
    let report = report::Report { lines, signatures, idle_kib: server.idle_kib, start: server.started_in };
    print!("{report}");
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    server.stop().await
}
