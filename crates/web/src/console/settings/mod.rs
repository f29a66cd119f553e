//! Settings of the pool: what it adds to scopes and claims, its signing keys, and who administers it; and the user pools.

pub mod administrators;
pub mod claims;
pub mod code;
pub mod frame;
pub mod keys;
pub mod pool;
pub mod pool_words;
pub mod pools;

use super::{Answer, Ask};
use crate::respond;

/// GET `/console/settings`.
pub async fn show(_ask: Ask) -> Answer {
    Ok(respond::see_other("/console/settings/claims"))
}
