//! A walk over the whole chain of the audit log, which of a long one takes longer than a page may: it goes on in the background, one
//! at a time, and whoever looks again gets what it came to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signet_protocol::time::{Seconds, Timestamp};
use signet_store::{StoreError, audit::Verified};
use tokio::runtime::Handle;

use super::{AuditError, parse_head, wrong_head};
use crate::Signet;

/// Records that are walked over while somebody waits.
const AT_ONCE: i64 = 2000;
/// How long what a walk came to is shown; who asks later has it walked again.
const SHOWN: Seconds = Seconds(60);

/// A number and a hash that were kept elsewhere.
type Kept = Option<(i64, [u8; 32])>;

/// The walk that runs on this node, or ran last.
#[derive(Debug, Default)]
pub struct Walks(Mutex<Option<Walk>>);

#[derive(Debug)]
struct Walk {
    kept: Kept,
    done: Option<(Timestamp, Verified)>,
}

/// What there is to say of the chain.
#[derive(Clone, Debug)]
pub enum Walked {
    /// What the walk came to.
    Done(Verified),
    /// It goes on, over about so many records.
    Walking(i64),
}

impl Walks {
    fn lock(&self) -> MutexGuard<'_, Option<Walk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a walk with `kept` came to a moment ago, if it did, and whether another can begin.
    fn last(&self, kept: Kept, now: Timestamp) -> (Option<Verified>, bool) {
        let walk = self.lock();
        let Some(Walk { kept: own, done }) = &*walk else { return (None, true) };
        let Some((at, verified)) = done else { return (None, false) };
        let fresh = *own == kept && now.since(*at) < SHOWN;
        (fresh.then(|| verified.clone()), !fresh)
    }
}

/// Walks over a short chain at once, and over a long one in the background.
pub async fn walk(signet: &Arc<Signet>, expected: Option<&str>) -> Result<Walked, AuditError> {
    let kept = expected.map(|text| parse_head(text).ok_or_else(|| wrong_head(text))).transpose()?;
    let head = signet.store().audit_head().await?;
    let records = head.seq - head.base_seq;
    if records <= AT_ONCE {
        return Ok(Walked::Done(signet.store().verify_audit(kept).await?));
    }
    let (done, free) = signet.walks().last(kept, signet.now().timestamp());
    if let Some(verified) = done {
        return Ok(Walked::Done(verified));
    }
    if free {
        *signet.walks().lock() = Some(Walk { kept, done: None });
        // The embedded engine reads in the thread that asks: not in one that answers others.
        let (work, runtime) = (go(Arc::clone(signet), kept), Handle::current());
        drop(tokio::task::spawn_blocking(move || runtime.block_on(work)));
    }
    Ok(Walked::Walking(records))
}

async fn go(signet: Arc<Signet>, kept: Kept) {
    let walked: Result<Verified, StoreError> = signet.store().verify_audit(kept).await;
    let done = match walked {
        Ok(verified) => Some(Walk { kept, done: Some((signet.now().timestamp(), verified)) }),
        Err(error) => {
            tracing::warn!(%error, "the walk over the audit log was broken off");
            None
        }
    };
    *signet.walks().lock() = done;
}

#[cfg(test)]
mod tests {
    use signet_store::audit::Head;

    use super::*;

    #[test]
    fn a_walk_is_shown_for_a_minute_to_who_asked_the_same() {
        let walks = Walks::default();
        let at = Timestamp(1000);
        assert!(walks.last(None, at).1, "none runs");
        *walks.lock() = Some(Walk { kept: None, done: None });
        assert!(!walks.last(None, at).1 && !walks.last(Some((1, [0; 32])), at).1, "one at a time");
        let head = Head { seq: 1, hash: [0; 32], base_seq: 0, base_hash: [0; 32] };
        let verified = Verified { head, records: 1, broken: None };
        *walks.lock() = Some(Walk { kept: None, done: Some((at, verified.clone())) });
        assert_eq!(walks.last(None, Timestamp(1059)), (Some(verified), false));
        assert_eq!(walks.last(None, Timestamp(1060)), (None, true));
        assert_eq!(walks.last(Some((1, [0; 32])), at), (None, true));
    }
}
