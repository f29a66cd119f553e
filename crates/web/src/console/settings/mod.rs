//! Settings of the pool: its name, how people sign in and by what messages are sent, what it adds to scopes and claims, its
//! signing keys, and who administers it; and the user pools.

pub mod administrators;
mod cards;
pub mod claims;
pub mod code;
pub mod frame;
pub mod keys;
pub mod pool;
pub mod pools;
pub mod user_pool;
pub mod user_pool_words;

use super::{Answer, Ask};
use crate::respond;

/// GET `/console/settings`.
pub async fn show(_ask: Ask) -> Answer {
    Ok(respond::see_other("/console/settings/general"))
}
