//! Traces of refused requests, for whoever is asked why something failed.

use std::fmt;

use signet_protocol::id::{AppId, TraceId};
use signet_store::{Leaf, StoreError, StoredTrace, Turn};

use crate::{
    Signet,
    pages::Lang,
    trace::{Trace, typed},
};

/// A trace that was kept.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it says.
    pub trace: Trace,
    /// Which it is.
    pub id: TraceId,
}

/// The traces of a reference as somebody read it from a page, or of a request's id: seldom more than one, newest first.
pub async fn find(signet: &Signet, text: &str) -> Result<Vec<Found>, StoreError> {
    Ok(read(signet.store().traces_by_reference(&typed(text)).await?))
}

/// A page of the traces of an application, or of all, the newest first; of at most 200.
pub async fn newest(
    signet: &Signet,
    application: Option<AppId>,
    turn: Turn<TraceId>,
    most: usize,
) -> Result<Leaf<Found, TraceId>, StoreError> {
    let Leaf { rows, previous, next } = signet.store().traces(application, turn, most).await?;
    Ok(Leaf { rows: read(rows), previous, next })
}

/// Those that this version understands.
fn read(stored: Vec<StoredTrace>) -> Vec<Found> {
    let read = |stored: StoredTrace| {
        let trace = serde_json::from_str(&stored.content).ok()?;
        Some(Found { trace, id: stored.id })
    };
    stored.into_iter().filter_map(read).collect()
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = &self.trace;
        writeln!(f, "{}  {}  {} {}", trace.reference, trace.at.to_text(), trace.method, trace.endpoint)?;
        let mut row = |label: &str, value: &str| writeln!(f, "  {label:<12} {value}");
        row("Request", &trace.request_id)?;
        row("Issuer", &trace.issuer)?;
        match (&trace.app_name, &trace.app_id) {
            (Some(name), Some(id)) => row("Application", &format!("{name} ({id})"))?,
            _ => row("Application", "not known")?,
        }
        row("Refused by", &format!("{} ({})", trace.check, trace.clause))?;
        row("Told", &format!("{}: {}", trace.error, trace.description))?;
        if let Some(expected) = &trace.expected {
            row("Expected", expected)?;
        }
        if let Some(received) = &trace.received {
            row("Received", received)?;
        }
        if let Some(fix) = &trace.fix {
            row("What to do", &fix.in_words(Lang::En))?;
        }
        trace.parameters.iter().try_for_each(|(name, value)| row("", &format!("{name} = {value}")))
    }
}
