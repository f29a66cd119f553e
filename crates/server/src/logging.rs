//! The log: standard error, for people on a terminal and as JSON otherwise.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    config::{Config, LogFormat},
    failure::Failure,
};

/// Starts it; `level` is what is logged unless something else is configured.
pub fn start(config: &Config, level: &str) -> Result<(), Failure> {
    let level = config.log_level.as_deref().unwrap_or(level);
    let filter = EnvFilter::try_new(level).map_err(|_| {
        Failure::new(format!("--log-level {level:?} is not a level or a list of target=level"))
    })?;
    let terminal = io::stderr().is_terminal();
    let format = config.log_format.unwrap_or(if terminal { LogFormat::Human } else { LogFormat::Json });
    let log = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(terminal);
    match format {
        LogFormat::Human => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
