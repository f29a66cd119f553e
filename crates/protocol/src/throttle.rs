//! How failed logins slow further ones: counted at every door, never a permanent lock-out (attack 14).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{
    id::UserId,
    secret::SecretHash,
    time::{Seconds, Timestamp},
    user::LoginName,
};

/// How long attempts are remembered where nothing else is set: from the first one while they are free, from the end of the
/// wait afterwards.
pub const WINDOW: Seconds = Seconds(3600);

/// The values of the periods of [`Throttle`]: a quarter of an hour to a day.
pub const PERIOD: RangeInclusive<i64> = 900..=86_400;
/// The values of [`Throttle::name_and_network_failures`].
pub const NAME_AND_NETWORK_FAILURES: RangeInclusive<i64> = 3..=50;
/// The values of [`Throttle::name_failures`].
pub const NAME_FAILURES: RangeInclusive<i64> = 10..=100;
/// The values of [`Throttle::network_failures`].
pub const NETWORK_FAILURES: RangeInclusive<i64> = 20..=2000;

/// How many failed logins a pool lets pass before it makes them wait, and for how long it remembers them. There is no value
/// that switches one of these off, and none that a stranger could keep people out by (attack 14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throttle {
    /// On one name from one network, and by one browser that signed in before.
    pub name_and_network_failures: i64,
    /// How long those are remembered.
    pub name_and_network_period: Seconds,
    /// On one name from anywhere.
    pub name_failures: i64,
    /// How long those are remembered.
    pub name_period: Seconds,
    /// From one network on any name.
    pub network_failures: i64,
    /// How long those are remembered.
    pub network_period: Seconds,
}

impl Default for Throttle {
    fn default() -> Throttle {
        Throttle {
            name_and_network_failures: 10,
            name_and_network_period: WINDOW,
            name_failures: 50,
            name_period: WINDOW,
            network_failures: 100,
            network_period: WINDOW,
        }
    }
}

impl Throttle {
    /// The name that was typed, from this network: who guesses here does not keep out who signs in elsewhere.
    pub fn name_from_network(&self, name: &LoginName, network: &[u8]) -> Counter {
        let subject = hash("attempt on name from network", &[network, &[kind(name)], name.key().as_bytes()]);
        self.own(subject)
    }

    /// A browser that signed in as `user` before, trying to again. It is counted by nothing else, so that no stranger can
    /// keep it out.
    pub fn device(&self, device: &str, user: UserId) -> Counter {
        self.own(hash("attempt by device", &[device.as_bytes(), user.to_string().as_bytes()]))
    }

    /// The name that was typed, from anywhere: a guess from each of many networks is slowed too, though never so much
    /// that its owner is kept out.
    pub fn name(&self, name: &LoginName) -> Counter {
        let subject = hash("attempt on name", &[&[kind(name)], name.key().as_bytes()]);
        let (free, window) = (self.name_failures, self.name_period);
        Counter { subject, free, window, wait_min: FIRST_WAIT, wait_max: Seconds(30) }
    }

    /// The network, whatever the name: many people may share it, so the wait is only a brake.
    pub fn network(&self, network: &[u8]) -> Counter {
        let (free, window) = (self.network_failures, self.network_period);
        let subject = hash("attempt from network", &[network]);
        Counter { subject, free, window, wait_min: FIRST_WAIT, wait_max: Seconds(5) }
    }

    fn own(&self, subject: SecretHash) -> Counter {
        let (free, window) = (self.name_and_network_failures, self.name_and_network_period);
        Counter { subject, free, window, wait_min: FIRST_WAIT, wait_max: Seconds(900) }
    }
}

/// The first wait of an attempt to sign in.
const FIRST_WAIT: Seconds = Seconds(2);

/// One thing attempts are counted by: how many are free, and how long the wait after them grows.
///
/// Whose names belong together is never part of it, so that no answer tells that two names are one person's.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Finds the row.
    pub subject: SecretHash,
    /// Attempts without a wait.
    pub free: i64,
    /// How long they are remembered.
    pub window: Seconds,
    /// The first wait.
    pub wait_min: Seconds,
    /// The longest wait between two attempts.
    pub wait_max: Seconds,
}

impl Counter {
    /// Asking for a link to the mailbox of whoever has this name: few, so that nobody's mailbox is filled.
    pub fn recovery_of_name(name: &LoginName) -> Counter {
        let subject = hash("recovery of name", &[&[kind(name)], name.key().as_bytes()]);
        Counter { subject, free: 3, window: WINDOW, wait_min: Seconds(300), wait_max: Seconds(3600) }
    }

    /// Asking for links from one network, whosever.
    pub fn recovery_from_network(network: &[u8]) -> Counter {
        let subject = hash("recovery from network", &[network]);
        Counter { subject, free: 20, window: WINDOW, wait_min: Seconds(10), wait_max: Seconds(300) }
    }

    /// The wait after `failures` failures: none below the free number, then doubling from the first.
    fn wait(&self, failures: i64) -> Seconds {
        let over = failures - self.free;
        if over < 0 {
            return Seconds(0);
        }
        let times = u32::try_from(over).ok().and_then(|power| 2_i64.checked_pow(power));
        let doubled = times.and_then(|times| self.wait_min.0.checked_mul(times));
        doubled.map_or(self.wait_max, |wait| Seconds(wait).min(self.wait_max))
    }
}

/// Each part is counted in, so that no two lists of parts are one text.
fn hash(label: &str, parts: &[&[u8]]) -> SecretHash {
    let text: Vec<u8> = parts
        .iter()
        .flat_map(|part| part.len().to_be_bytes().into_iter().chain(part.iter().copied()))
        .collect();
    SecretHash::of(label, &text)
}

fn kind(name: &LoginName) -> u8 {
    match name {
        LoginName::Email(_) => b'e',
        LoginName::Phone(_) => b'p',
        LoginName::Username(_) => b'u',
    }
}

/// A counter as stored.
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
    /// The first attempt of a window.
    pub fn first(counter: &Counter, now: Timestamp) -> Attempts {
        Attempts { expires_at: now.plus(counter.window).0, ..Attempts::default() }.and_one(counter, now)
    }

    /// Counts one more attempt *before* it is looked at, so that parallel ones cannot all slip under the bound.
    /// `Err` is how long to wait instead.
    pub fn reserve(self, counter: &Counter, now: Timestamp) -> Result<Attempts, Seconds> {
        if self.expires_at <= now.0 {
            Ok(Attempts::first(counter, now))
        } else if self.next_at > now.0 {
            Err(Seconds(self.next_at - now.0))
        } else {
            Ok(self.and_one(counter, now))
        }
    }

    /// Whether one more attempt meets no wait and, but for the first of a window, begins none: then all there is to do is
    /// to add one.
    pub fn is_free(self, counter: &Counter, now: Timestamp) -> bool {
        self.expires_at <= now.0 || (self.failures < counter.free - 1 && self.next_at <= now.0)
    }

    fn and_one(self, counter: &Counter, now: Timestamp) -> Attempts {
        let failures = self.failures.saturating_add(1);
        match counter.wait(failures) {
            Seconds(0) => Attempts { failures, ..self },
            wait => {
                let next_at = now.plus(wait);
                Attempts { failures, next_at: next_at.0, expires_at: next_at.plus(counter.window).0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::user_id;

    fn name(typed: &str) -> LoginName {
        LoginName::parse(typed).unwrap()
    }

    fn each() -> [(Counter, i64, Vec<i64>); 4] {
        let (alice, throttle) = (name("alice"), Throttle::default());
        let long = vec![2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900];
        [
            (throttle.name_from_network(&alice, &[10, 0, 0, 1]), 10, long.clone()),
            (throttle.name(&alice), 50, vec![2, 4, 8, 16, 30, 30]),
            (throttle.network(&[10, 0, 0, 1]), 100, vec![2, 4, 5, 5]),
            (throttle.device("device", user_id()), 10, long),
        ]
    }

    fn used_up(counter: &Counter, now: Timestamp) -> Attempts {
        let mut attempts = Attempts::default();
        for _ in 0..counter.free {
            attempts = attempts.reserve(counter, now).unwrap();
        }
        attempts
    }

    #[test]
    fn attack_14_some_attempts_are_free_then_the_wait_grows_to_a_bound() {
        for (counter, free, growing) in each() {
            let mut now = Timestamp(1000);
            assert_eq!(counter.free, free);
            let mut attempts = used_up(&counter, now);
            let mut waits = Vec::new();
            for _ in 0..growing.len() {
                let Seconds(wait) = attempts.reserve(&counter, now).unwrap_err();
                waits.push(wait);
                now = now.plus(Seconds(wait));
                attempts = attempts.reserve(&counter, now).unwrap();
            }
            assert_eq!(waits, growing);
        }
    }

    #[test]
    fn the_window_stays_while_attempts_are_free_and_moves_with_the_wait() {
        let (counter, ..) = each()[2].clone();
        let first = Attempts::default().reserve(&counter, Timestamp(1000)).unwrap();
        assert_eq!(first, Attempts { failures: 1, next_at: 0, expires_at: 4600 });
        let second = first.reserve(&counter, Timestamp(4599)).unwrap();
        assert_eq!(second, Attempts { failures: 2, next_at: 0, expires_at: 4600 });
        let anew = second.reserve(&counter, Timestamp(4600)).unwrap();
        assert_eq!(anew, Attempts { failures: 1, next_at: 0, expires_at: 8200 });
        let waiting = used_up(&counter, Timestamp(1000));
        assert_eq!(waiting, Attempts { failures: 100, next_at: 1002, expires_at: 4602 });
        assert!(waiting.reserve(&counter, Timestamp(1002)).is_ok(), "never a permanent lock-out");
        assert_eq!(waiting.reserve(&counter, Timestamp(4602)).unwrap().failures, 1);
    }

    #[test]
    fn free_is_what_neither_begins_nor_meets_a_wait() {
        let counter = Counter { free: 3, ..each()[0].0 };
        for (failures, next_at, expires_at, free) in [
            (0, 0, 2000, true),
            (1, 0, 2000, true),
            (2, 0, 2000, false),
            (9, 0, 2000, false),
            (9, 0, 1000, true),
            (0, 1000, 2000, true),
            (0, 1001, 2000, false),
            (i64::MAX, 1001, 999, true),
        ] {
            let attempts = Attempts { failures, next_at, expires_at };
            assert_eq!(attempts.is_free(&counter, Timestamp(1000)), free, "{attempts:?}");
        }
        assert!(Attempts::default().is_free(&counter, Timestamp(1000)));
    }

    #[test]
    fn a_counter_without_free_attempts_waits_after_each() {
        let counter = Counter { free: 1, ..each()[0].0 };
        let first = Attempts::default().reserve(&counter, Timestamp(1000)).unwrap();
        assert_eq!(first, Attempts { failures: 1, next_at: 1002, expires_at: 4602 });
    }

    #[test]
    fn counters_do_not_overflow() {
        let full = Attempts { failures: i64::MAX, next_at: 0, expires_at: i64::MAX };
        assert_eq!(full.reserve(&each()[0].0, Timestamp(5)).unwrap().failures, i64::MAX);
    }

    #[test]
    fn attack_14_spellings_of_one_name_are_one_counter_and_everything_else_is_apart() {
        let throttle = Throttle::default();
        let from = |typed: &str, network: &[u8]| throttle.name_from_network(&name(typed), network).subject;
        let home = [10, 0, 0, 1];
        assert_eq!(from("A@b.example", &home), from(" a@B.example ", &home));
        assert_eq!(from("+49 151-1", &home), from("+491511", &home));
        let different = [
            from("alice", &home),
            from("alic", &home),
            from("alice", &[10, 0, 0, 2]),
            from("alice", &[10, 0, 0, 1, 0, 0, 0, 0]),
            from("a@b.example", &home),
            from("+491511", &home),
            throttle.name(&name("alice")).subject,
            throttle.name(&name("bob")).subject,
            throttle.network(&home).subject,
            throttle.device("alice", user_id()).subject,
            throttle.device("bob", user_id()).subject,
            Counter::recovery_of_name(&name("alice")).subject,
            Counter::recovery_from_network(&home).subject,
        ];
        for (number, one) in different.iter().enumerate() {
            assert!(different.iter().skip(number + 1).all(|other| other != one), "{number}");
        }
        let (email, other) = (LoginName::Email("x".to_owned()), LoginName::Username("x".to_owned()));
        assert_ne!(throttle.name(&email).subject, throttle.name(&other).subject);
    }

    #[test]
    fn attack_14_no_setting_switches_a_counter_off() {
        for (range, least) in [(NAME_AND_NETWORK_FAILURES, 3), (NAME_FAILURES, 10), (NETWORK_FAILURES, 20)] {
            assert_eq!(*range.start(), least);
            assert!(*range.end() <= 2000);
        }
        let widest = Throttle {
            name_and_network_failures: *NAME_AND_NETWORK_FAILURES.end(),
            name_and_network_period: Seconds(*PERIOD.start()),
            ..Throttle::default()
        };
        let counter = widest.name_from_network(&name("alice"), &[10, 0, 0, 1]);
        let attempts = used_up(&counter, Timestamp(1000));
        assert_eq!(attempts.reserve(&counter, Timestamp(1000)), Err(Seconds(2)));
        // What was counted is forgotten a period after the wait.
        assert_eq!(attempts.expires_at, 1002 + 900);
    }

    #[test]
    fn a_mailbox_gets_few_messages() {
        let counter = Counter::recovery_of_name(&name("alice"));
        let (mut attempts, mut now, mut sent) = (Attempts::default(), Timestamp(0), 0);
        while now.0 < 86_400 {
            match attempts.reserve(&counter, now) {
                Ok(next) => (attempts, sent) = (next, sent + 1),
                Err(wait) => now = now.plus(wait),
            }
        }
        assert!((20..32).contains(&sent), "{sent} in a day");
    }
}
