//! The log: standard error, for people on a terminal and as JSON otherwise.

use std::io::{self, IsTerminal};

use signet_store::stats::SPANS;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::{
    config::{Config, LogFormat},
    failure::Failure,
    telemetry::Traces,
};

/// Starts it; `level` is what is logged unless something else is configured. Spans go to `traces` and never into the log.
pub fn start(config: &Config, level: &str, traces: Option<&Traces>) -> Result<(), Failure> {
    let level = config.log_level.as_deref().unwrap_or(level);
    let without_spans = format!("{level},{SPANS}=off");
    let filter = EnvFilter::try_new(without_spans).map_err(|_| {
        Failure::new(format!("--log-level {level:?} is not a level or a list of target=level"))
    })?;
    let terminal = io::stderr().is_terminal();
    let format = config.log_format.unwrap_or(if terminal { LogFormat::Human } else { LogFormat::Json });
    if let Some(traces) = traces {
        let log = fmt::layer().with_writer(io::stderr).with_ansi(terminal);
        let log = match format {
            LogFormat::Human => log.with_target(false).boxed(),
            LogFormat::Json => log.json().flatten_event(true).boxed(),
        };
        registry().with(traces.layer()).with(log.with_filter(filter)).init();
        return Ok(());
    }
    let log = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(terminal);
    match format {
        LogFormat::Human => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
