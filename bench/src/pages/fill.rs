//! A pool that has been in use for a year: what an operator's pages have to show.

pub mod applications;
mod people;
pub mod records;
pub mod uses;

use std::time::{Duration, Instant};

use signet_store::Options;

use super::crowd::{Crowd, Sizes};
use crate::{Failure, population::Population, seed};

/// Tables that are filled row by row.
const TABLES: &[&str] = &[
    "pool_user",
    "user_word",
    "session",
    "user_grant",
    "consent",
    "issuer_key",
    "audit",
    "use_count",
    "active_user",
    "trace",
    "revision",
    "revision_application",
];

/// Fills the database of an installation, and says how long that took.
pub fn fill(store: &Options, sizes: Sizes) -> Result<(Crowd, Duration), Failure> {
    let since = Instant::now();
    let people = Population::new(Crowd::size(sizes), seed::open_pool(store)?);
    let crowd = Crowd { sizes, people };
    applications::fill(store, &crowd)?;
    let mut sink = seed::sink(&store.database)?;
    sink.begin(TABLES)?;
    people::fill(sink.as_mut(), &crowd)?;
    applications::fill_keys(sink.as_mut(), store, &crowd)?;
    records::fill(sink.as_mut(), &crowd)?;
    uses::fill(sink.as_mut(), &crowd)?;
    sink.finish()?;
    Ok((crowd, since.elapsed()))
}

/// The same as it was filled at that moment.
pub fn again(store: &Options, sizes: Sizes, made_at: u64) -> Result<Crowd, Failure> {
    let people = Population::made(Crowd::size(sizes), seed::open_pool(store)?, made_at);
    Ok(Crowd { sizes, people })
}
