//! How many requests one caller may make.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use signet_protocol::time::Timestamp;

/// Requests of one account, or of one administrator, in a minute, at each node.
pub const REQUESTS_PER_MINUTE: u32 = 3000;
/// Seconds of a window.
const WINDOW: i64 = 60;
/// Callers that are counted; when there are more, all begin anew.
const CALLERS: usize = 10_000;

/// What is left in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests; `None`: this one was one too many.
    pub requests: Option<u32>,
    /// Seconds until there are more.
    pub seconds: i64,
}

/// The requests of this minute, by caller.
#[derive(Debug, Default)]
pub struct Limits(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    begun: i64,
    counts: HashMap<[u8; 12], u32>,
}

impl Limits {
    /// Counts a request.
    pub fn count(&self, caller: [u8; 12], now: Timestamp) -> Left {
        let begun = now.0 - now.0.rem_euclid(WINDOW);
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun != begun || window.counts.len() >= CALLERS {
            *window = Window { begun, counts: HashMap::new() };
        }
        let count = window.counts.entry(caller).or_default();
        *count = count.saturating_add(1);
        Left { requests: REQUESTS_PER_MINUTE.checked_sub(*count), seconds: begun + WINDOW - now.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_so_many_a_minute() {
        let limits = Limits::default();
        let at = |second| limits.count([1; 12], Timestamp(second));
        for number in 1..=REQUESTS_PER_MINUTE {
            assert_eq!(at(610).requests, Some(REQUESTS_PER_MINUTE - number));
        }
        assert_eq!(at(610), Left { requests: None, seconds: 50 });
        assert_eq!(at(659), Left { requests: None, seconds: 1 });
        assert!(limits.count([2; 12], Timestamp(610)).requests.is_some());
        assert!(at(660).requests.is_some());
    }
}
