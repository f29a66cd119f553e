//! Requests that may be sent again: `Idempotency-Key`.
//!
//! The key is bound to who asks, to method and path, and to the body. What came of the first is kept for a day, sealed, since it
//! may show a secret, and given again; a second that comes while the first is at work is told to wait. Only what was done
//! is kept: a request that was refused did nothing, and is looked at anew.

use http::{HeaderMap, HeaderName};
use signet_protocol::secret::SecretHash;
use signet_store::{Begun, Running};

use super::{
    Reply,
    problem::{CONFLICT, Problem},
};
use crate::{Signet, clock::SystemEntropy};

/// The header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is one that was given before.
pub const REPEATED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Characters of a key.
pub const IDEMPOTENCY_KEY_CHARS: usize = 255;

/// Whether a request is the first with its key.
pub enum Repeat {
    /// It has no key.
    Unnamed,
    /// It is the first.
    First(Running),
    /// It was done before.
    Done(Box<Reply>),
}

/// What is known of the request of this key.
pub async fn begin(
    signet: &Signet,
    headers: &HeaderMap,
    about: (&[u8; 12], &str, &str),
    body: &[u8],
) -> Result<Repeat, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(Repeat::Unnamed) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty()
        || text.len() > IDEMPOTENCY_KEY_CHARS
        || headers.get_all(IDEMPOTENCY_KEY).iter().count() > 1
    {
        let message =
            format!("send one Idempotency-Key of 1 to {IDEMPOTENCY_KEY_CHARS} printable ASCII characters");
        return Err(Problem::field("Idempotency-Key", message));
    }
    let (caller, method, target) = about;
    // A key has no control characters, so none can end it.
    let name =
        [caller.as_slice(), b"\0", method.as_bytes(), b"\0", target.as_bytes(), b"\0", text.as_bytes()];
    let key = SecretHash::of("api request", &name.concat());
    let body = SecretHash::of("api body", body);
    match signet.store().begin_api_request(key, body, signet.now()).await? {
        Begun::First(running) => Ok(Repeat::First(running)),
        Begun::Running => {
            let detail = "the same request is at work; send it again in a moment for its answer";
            Err(Problem::new(CONFLICT, detail).after(1))
        }
        Begun::Other => {
            let message = "another request had this Idempotency-Key; take a new one for each";
            Err(Problem::field("Idempotency-Key", message))
        }
        Begun::Done(answer) => {
            let reply = serde_json::from_slice(answer.expose());
            reply.map(|reply| Repeat::Done(Box::new(reply))).map_err(|_| {
                Problem::new(
                    CONFLICT,
                    "this was done, and its answer cannot be read any more; look at what there is",
                )
            })
        }
    }
}

/// Keeps what came of the first.
pub async fn end(signet: &Signet, running: Running, answer: &Result<Reply, Problem>) -> Result<(), Problem> {
    match answer {
        Ok(reply) => {
            let text = serde_json::to_vec(reply).unwrap_or_default();
            let (store, now) = (signet.store(), signet.now());
            Ok(store.finish_api_request(running, &text, now, &mut SystemEntropy).await?)
        }
        Err(_) => Ok(signet.store().forget_api_request(running).await?),
    }
}
