//! Rotation by itself: what an operator would do with `signet keys rotate`, when it is due.
//!
//! Nothing is remembered between two rounds. What is due follows from the dates in the store alone, so a restart loses
//! nothing, a server that was off catches up, and of several nodes the one that is quicker does it.

use signet_protocol::time::{Now, Seconds, Timestamp};
use signet_store::{KeyRecord, StoreError, audit::Origin};

use super::{LEEWAY, Names, Outcome, PUBLISHED_FIRST, in_use, take};
use crate::Signet;

/// Steps of one round at most: RSA keys of ten thousand issuers that are due together would keep a core busy for minutes.
const STEPS: usize = 100;

/// Takes the steps that are due when keys are replaced at the age of `every`, oldest first, and returns how many it took:
/// a key of that age gets a successor, which is published for a day and then signs. More than a hundred wait for the
/// next round.
pub async fn round(signet: &Signet, every: Seconds) -> Result<usize, StoreError> {
    let keys = signet.store().issuer_keys().await?;
    let now = signet.now();
    for key in keys.iter().filter(|key| is_ahead(key, now.timestamp())) {
        date_anew(signet, key, now).await?;
    }
    let mut due: Vec<_> =
        in_use(&keys).filter(|(active, next)| is_due(active, *next, every, now.timestamp())).collect();
    if due.is_empty() {
        return Ok(0);
    }
    due.sort_by_key(|(active, _)| active.created_at);
    let (names, mut taken) = (Names::load(signet).await?, 0);
    for pair in due.into_iter().take(STEPS) {
        match take(signet, pair, false, (&names, &Origin::automatic())).await? {
            // Another node is at it: two would make every key twice.
            Outcome::Contended => break,
            Outcome::Published(_) | Outcome::Signs(_) => taken += 1,
            Outcome::TooEarly(_) => {}
        }
    }
    Ok(taken)
}

fn is_due(active: &KeyRecord, next: Option<&KeyRecord>, every: Seconds, now: Timestamp) -> bool {
    match next {
        None => now.since(active.created_at) >= every,
        Some(next) => now.since(next.created_at) >= PUBLISHED_FIRST,
    }
}

/// Whether a key is dated by a clock that was wrong. It would never be old enough.
fn is_ahead(key: &KeyRecord, now: Timestamp) -> bool {
    key.expires_at.is_none() && key.created_at.since(now) > LEEWAY
}

async fn date_anew(signet: &Signet, key: &KeyRecord, now: Now) -> Result<(), StoreError> {
    let (issuer, alg, kid) = (key.issuer.stored(), key.alg, &key.kid);
    if signet.store().date_key(key, now).await? {
        let ahead = key.created_at.since(now.timestamp()).0;
        tracing::warn!(issuer, %alg, kid, ahead, "a signing key was dated ahead of the clock; it counts as made now");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use signet_protocol::{id::PoolId, issuer::IssuerId, jose::KeyAlg};
    use signet_store::KeyState;

    use super::*;

    const NOON: Timestamp = Timestamp(1_800_000_000);
    const EVERY: Seconds = Seconds(1000);

    fn key(age: i64) -> KeyRecord {
        KeyRecord {
            issuer: IssuerId::Pool(PoolId::parse("0123456789abcdef01234567").unwrap()),
            alg: KeyAlg::Rs256,
            number: 1,
            kid: "kid".to_owned(),
            state: KeyState::Active,
            created_at: Timestamp(NOON.0 - age),
            expires_at: None,
        }
    }

    #[test]
    fn a_key_of_the_age_gets_a_successor_and_one_published_for_a_day_signs() {
        for (active, next, due) in [
            (0, None, false),
            (999, None, false),
            (1000, None, true),
            (31_536_000, None, true),
            (-5, None, false),
            (0, Some(86_399), false),
            (31_536_000, Some(86_399), false),
            (0, Some(86_400), true),
            (0, Some(31_536_000), true),
        ] {
            assert_eq!(is_due(&key(active), next.map(key).as_ref(), EVERY, NOON), due, "{active} {next:?}");
        }
    }

    #[test]
    fn a_key_dated_an_hour_ahead_is_doubted_and_a_retired_one_is_not() {
        for (age, ahead) in [(0, false), (1000, false), (-3600, false), (-3601, true)] {
            assert_eq!(is_ahead(&key(age), NOON), ahead, "{age}");
        }
        assert!(!is_ahead(&KeyRecord { expires_at: Some(NOON), ..key(-9999) }, NOON));
    }
}
