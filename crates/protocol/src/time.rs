//! Time as a value. Rules receive it; only the edge reads a clock.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, NumericDate without a fraction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub i64);

impl Timestamp {
    /// This moment moved into the future by `by`; saturates instead of overflowing.
    pub fn plus(self, by: Seconds) -> Timestamp {
        Timestamp(self.0.saturating_add(by.0))
    }

    /// How long ago `earlier` was, never negative.
    pub fn since(self, earlier: Timestamp) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0).max(0))
    }
}

/// One reading of the clock: milliseconds order new row ids, seconds are what rules and tokens use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(i64);

impl Now {
    /// From milliseconds since the epoch.
    pub fn from_millis(millis: i64) -> Now {
        Now(millis.max(0))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The same moment in whole seconds.
    pub fn timestamp(self) -> Timestamp {
        Timestamp(self.0.div_euclid(1000))
    }
}
