//! How failed logins slow further ones: one counter for every door, never a permanent lock-out (attack 14).

use crate::time::{Seconds, Timestamp};

/// Failures of one account from unknown browsers before waiting begins.
pub const ACCOUNT_FREE: i64 = 10;
/// Failures from one address before waiting begins: many people share an address.
pub const ADDRESS_FREE: i64 = 100;
/// The longest wait between two attempts.
const WAIT_MAX: i64 = 900;
/// How long failures are remembered after the last one.
pub const FORGET_AFTER: Seconds = Seconds(3600);

/// The counter of one account or address as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts that have not turned out to be right.
    pub failures: i64,
    /// Before this no further attempt is looked at.
    pub next_at: i64,
    /// When it is forgotten.
    pub expires_at: i64,
}

impl Attempts {
    /// Counts one more attempt *before* it is looked at, so that parallel ones cannot all slip under the bound.
    /// `Err` is how long to wait instead.
    pub fn reserve(self, free: i64, now: Timestamp) -> Result<Attempts, Seconds> {
        let known = if self.expires_at <= now.0 { Attempts::default() } else { self };
        if known.next_at > now.0 {
            return Err(Seconds(known.next_at - now.0));
        }
        let failures = known.failures.saturating_add(1);
        let next_at = now.plus(delay(failures, free)).0;
        let forget = Timestamp(next_at).plus(FORGET_AFTER).0;
        Ok(Attempts { failures, next_at, expires_at: forget })
    }
}

/// The wait after `failures` failures: none for the first `free`, then doubling from two seconds to 15 minutes.
fn delay(failures: i64, free: i64) -> Seconds {
    let over = failures - free;
    if over < 0 {
        return Seconds(0);
    }
    let doubled = u32::try_from(over + 1).ok().and_then(|power| 2_i64.checked_pow(power));
    Seconds(doubled.unwrap_or(WAIT_MAX).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_14_ten_attempts_are_free_then_the_wait_grows_to_a_bound() {
        let mut attempts = Attempts::default();
        let mut now = Timestamp(1000);
        for _ in 0..ACCOUNT_FREE {
            attempts = attempts.reserve(ACCOUNT_FREE, now).unwrap();
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let Seconds(wait) = attempts.reserve(ACCOUNT_FREE, now).unwrap_err();
            waits.push(wait);
            now = now.plus(Seconds(wait));
            attempts = attempts.reserve(ACCOUNT_FREE, now).unwrap();
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn failures_are_forgotten_in_time() {
        let mut attempts = Attempts::default();
        for _ in 0..ACCOUNT_FREE {
            attempts = attempts.reserve(ACCOUNT_FREE, Timestamp(0)).unwrap();
        }
        let later = Timestamp(attempts.expires_at);
        assert_eq!(attempts.reserve(ACCOUNT_FREE, later).unwrap().failures, 1);
        assert!(
            attempts.reserve(ACCOUNT_FREE, Timestamp(attempts.next_at)).is_ok(),
            "never a permanent lock-out"
        );
    }

    #[test]
    fn counters_do_not_overflow() {
        let full = Attempts { failures: i64::MAX, next_at: 0, expires_at: i64::MAX };
        assert_eq!(full.reserve(1, Timestamp(5)).unwrap().failures, i64::MAX);
    }
}
