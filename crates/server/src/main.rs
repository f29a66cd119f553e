//! `signet`: a self-hosted OpenID Connect provider.

mod audit;
mod backup;
mod check;
mod cli;
mod commands;
mod config;
mod control;
mod data;
mod explain;
mod failure;
mod logging;
mod metrics;
mod output;
mod password;
mod people;
mod restore;
mod sealed;
mod serve;
mod served;
mod slots;
#[cfg(feature = "otlp")]
mod telemetry;
#[cfg(not(feature = "otlp"))]
#[path = "no_telemetry.rs"]
mod telemetry;
mod tls;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    config::Config,
    failure::Failure,
    telemetry::Traces,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("signet: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let config = Config::load(&cli)?;
    let server = matches!(cli.command, Command::Serve(_));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start", &error))?;
    let collector = config.otlp_endpoint.as_ref().filter(|_| server);
    let traces = collector.map(|collector| Traces::start(collector, runtime.handle())).transpose()?;
    logging::start(&config, if server { "info" } else { "warn" }, traces.as_ref())?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Serve(_) if config.pool.is_some() => Err(commands::about_all_pools()),
            Command::Serve(_) => serve::serve(&config).await,
            other => commands::run(&config, other).await,
        }
    });
    if let (Some(traces), Ok(())) = (traces, &outcome) {
        traces.finish();
    }
    // Whoever still waits for a slow connection or a read of the terminal is not waited for.
    runtime.shutdown_background();
    outcome
}
