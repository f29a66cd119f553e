//! Why did this fail? Each refused request of the protocol leaves a trace: the rule that refused, what it expected, what it
//! got, and what would mend it (`docs/traces.md`).
//!
//! A request that is refused only puts what it was made of into a queue, which is short and bounded. One task reads it,
//! finds out what was wrong (`diagnose`), and writes what of that may be kept (`redact`): never a secret.

mod client;
mod diagnose;
mod fix;
mod given;
mod limit;
mod mask;
mod redact;
mod token;
pub mod words;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use axum::body::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use signet_protocol::{
    application::Application, error::Refusal, id::AppId, issuer::Issuer, jose, params::RawParams,
    time::Timestamp,
};
use signet_store::{NewTrace, stats::Counter};
use tokio::sync::{
    mpsc::{Receiver, Sender, channel},
    watch,
};

pub use self::fix::Fix;
use self::limit::Limit;
use crate::{Network, Signet};

/// Refused requests that wait to be looked into; about a kilobyte each, at most 64 of the longest accepted.
const QUEUE: usize = 512;
/// Traces written together.
const BATCH: usize = 64;
/// How long a server that stops waits for those that are being written.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the first of a batch waits for others.
const GATHER: Duration = Duration::from_millis(100);

/// A refused request as it came. It holds secrets, so it has no `Debug`.
pub struct Refused {
    /// The name under which the log has it.
    pub request_id: String,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Option<String>,
    /// Its body, if it was read.
    pub body: Option<Bytes>,
    /// Its parameters, if they were neither in the query nor in the body: those of a transaction.
    pub params: Option<String>,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    /// The issuer of its host.
    pub issuer: Issuer,
    /// The application whose own host it is.
    pub own: Option<Arc<Application>>,
    /// What it was told.
    pub refusal: Refusal,
}

impl Refused {
    /// Its parameters, wherever they were.
    fn params(&self) -> RawParams {
        let read = |bytes: &[u8]| RawParams::parse(bytes).unwrap_or_default();
        match &self.params {
            Some(params) => read(params.as_bytes()),
            None => {
                let query = read(self.query.as_deref().unwrap_or_default().as_bytes());
                query.and(self.body.as_deref().map(read).unwrap_or_default())
            }
        }
    }
}

/// What was wrong with a request. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// By which a person names it.
    pub reference: String,
    /// By which the server's log does.
    pub request_id: String,
    /// When, in seconds of the epoch.
    pub at: Timestamp,
    /// The method of the request.
    pub method: String,
    /// Its path.
    pub endpoint: String,
    /// The issuer it was sent to.
    pub issuer: String,
    /// The App ID, if the application is known.
    pub app_id: Option<AppId>,
    /// Its name.
    pub app_name: Option<String>,
    /// The rule that refused.
    pub check: String,
    /// Where that is written.
    pub clause: String,
    /// The error code that was told.
    pub error: String,
    /// The sentence that was told.
    pub description: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// What was there instead.
    pub received: Option<String>,
    /// What would mend it.
    pub fix: Option<Fix>,
    /// The parameters of the request, with what may be secret left out.
    pub parameters: Vec<(String, String)>,
}

/// Where refusals are told.
pub struct Traces {
    queue: Sender<Refused>,
    /// Noted, and not yet written down or dropped.
    pending: watch::Sender<usize>,
    limit: Mutex<Limit>,
    written: Counter,
    dropped: Counter,
    limited: Counter,
    started: std::time::Instant,
}

impl Traces {
    /// The queue's two ends.
    pub fn new() -> (Traces, Receiver<Refused>) {
        let (queue, refused) = channel(QUEUE);
        let traces = Traces {
            queue,
            pending: watch::Sender::new(0),
            limit: Mutex::default(),
            written: Counter::default(),
            dropped: Counter::default(),
            limited: Counter::default(),
            started: std::time::Instant::now(),
        };
        (traces, refused)
    }

    /// Notes a refusal, unless its network, or everybody, has had many of late, or too many wait.
    pub fn note(&self, peer: IpAddr, refused: impl FnOnce() -> Refused) {
        let minute = self.started.elapsed().as_secs() / 60;
        let admitted = {
            let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
            limit.admits(Network::of(peer), minute)
        };
        if !admitted {
            self.limited.inc();
        } else if let Ok(place) = self.queue.try_reserve() {
            self.pending.send_modify(|pending| *pending += 1);
            place.send(refused());
        } else {
            self.dropped.inc();
        }
    }

    /// Waits until what is noted is written down, but not for ever: before the store is closed.
    pub async fn settle(&self) {
        let mut pending = self.pending.subscribe();
        if tokio::time::timeout(PATIENCE, pending.wait_for(|pending| *pending == 0)).await.is_err() {
            tracing::warn!("some traces of refused requests were not written in time");
        }
    }

    /// How many refusals were written down, dropped since the queue was full, and left out since there were many.
    pub fn counts(&self) -> [(&'static str, u64); 3] {
        [("written", self.written.get()), ("dropped", self.dropped.get()), ("limited", self.limited.get())]
    }
}

/// The letters and digits of references: none that is taken for another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a person calls the request of this id: eight letters and digits, in two halves, which can be read aloud.
pub fn reference(request_id: &str) -> String {
    let hash = jose::sha256(request_id.as_bytes());
    let bits = hash.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let letter = |at: u32| {
        let index = usize::try_from(bits >> (35 - 5 * at) & 31).unwrap_or_default();
        LETTERS.get(index).copied().map_or('0', char::from)
    };
    let letters: String = (0..8).map(letter).collect();
    let (first, second) = letters.split_at(4);
    format!("{first}-{second}")
}

/// A reference as somebody typed it, in the form it is kept in; a request id is one, too.
pub fn typed(text: &str) -> String {
    let text = text.trim();
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if plain.len() != 8 || text.len() > 9 {
        return reference(text);
    }
    let meant = plain.to_ascii_uppercase().replace('O', "0").replace(['I', 'L'], "1");
    let (first, second) = meant.split_at(4);
    format!("{first}-{second}")
}

/// Looks into what is noted and writes it down, until Signet is gone.
pub fn keep(signet: &Arc<Signet>, mut refused: Receiver<Refused>) {
    let signet: Weak<Signet> = Arc::downgrade(signet);
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let mut waiting = Vec::new();
        while refused.recv_many(&mut waiting, BATCH).await > 0 {
            tokio::time::sleep(GATHER).await;
            while waiting.len() < BATCH
                && let Ok(more) = refused.try_recv()
            {
                waiting.push(more);
            }
            let Some(signet) = signet.upgrade() else { return };
            let count = waiting.len();
            write(&signet, std::mem::take(&mut waiting)).await;
            signet.traces().pending.send_modify(|pending| *pending = pending.saturating_sub(count));
        }
    });
}

async fn write(signet: &Signet, all: Vec<Refused>) {
    let (mut traces, now) = (Vec::new(), signet.now());
    for refused in all {
        let trace = diagnose::diagnose(signet, &refused, now.timestamp()).await;
        match serde_json::to_string(&trace) {
            Ok(content) => traces.push(NewTrace {
                reference: trace.reference,
                request_id: trace.request_id,
                application: trace.app_id,
                content: content.replace("\\u0000", "\\ufffd"),
                at: now,
            }),
            Err(error) => tracing::warn!(%error, "a trace cannot be written as JSON"),
        }
    }
    let count = u64::try_from(traces.len()).unwrap_or_default();
    match signet.store().insert_traces(&traces).await {
        Ok(()) => signet.traces().written.add(count),
        Err(error) => {
            signet.traces().dropped.add(count);
            tracing::warn!(%error, "traces of refused requests were not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_can_be_read_aloud_and_typed() {
        let own = reference("abcdefghijklmnop");
        assert_eq!((own.len(), own.find('-')), (9, Some(4)));
        assert!(own.bytes().all(|byte| byte == b'-' || LETTERS.contains(&byte)), "{own}");
        assert_ne!(own, reference("abcdefghijklmnoq"));
        for written in [own.clone(), own.to_lowercase(), own.replace('-', ""), format!(" {own} ")] {
            assert_eq!(typed(&written), own, "{written}");
        }
        assert_eq!(typed("abcdefghijklmnop"), own, "the name that the log has");
        assert_eq!(typed("OI1L-0000"), "0111-0000");
    }
}
