//! Refresh tokens (RFC 6749 §6): rotated without false logouts.
//!
//! A chain of tokens is one row with a generation number. A token is `base64url(family id ‖ generation ‖ MAC)`: its MAC is
//! derived from the pool's key, so a successor can be handed out a second time without being stored, and every token that
//! was ever part of the chain can be told from a made-up one.

use subtle::ConstantTimeEq;

use crate::{
    grant::Grant,
    id::{FamilyId, RowId},
    jose,
    secret::Secret,
    time::{Seconds, Timestamp},
};

/// How long the same refresh may be repeated by a client that authenticates.
pub const GRACE_CONFIDENTIAL: Seconds = Seconds(60);
/// How long the same refresh may be repeated by a public client.
pub const GRACE_PUBLIC: Seconds = Seconds(15);
/// How many times the same refresh may be repeated within that time.
pub const REPEATS_MAX: i64 = 100;

/// A chain of refresh tokens as stored, with the grant it belongs to.
#[derive(Clone, Debug)]
pub struct RefreshFamily {
    /// Finds the row.
    pub id: FamilyId,
    /// What every refresh gives.
    pub grant: Grant,
    /// The generation of the one unused token.
    pub generation: i64,
    /// When that generation came to be.
    pub rotated_at: Timestamp,
    /// How often it was handed out again.
    pub repeats: i64,
    /// When the chain ends.
    pub expires_at: Timestamp,
}

/// A refresh token whose MAC fits, so that Signet made it; whether it is of any use the row decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedRefreshToken {
    /// Its chain.
    pub family: FamilyId,
    /// Its place in the chain.
    pub generation: i64,
}

/// What presenting a token out of a chain means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// The unused one: the chain moves on to `next`.
    Rotate {
        /// The successor's generation.
        next: i64,
    },
    /// The one before it, soon enough: the same successor is handed out again (a lost answer, two tabs).
    Repeat {
        /// The successor's generation.
        generation: i64,
    },
    /// One out of turn: somebody else has the chain too, so the whole grant is revoked (RFC 9700 §4.14.2).
    Fork,
    /// Expired, revoked, of a generation that was never reached, or repeated too often: refused, and nothing else.
    Dead,
}

/// The text of generation `generation` of `family`.
pub fn refresh_token(key: &Secret, family: FamilyId, generation: i64) -> String {
    let mut bytes = Vec::with_capacity(56);
    bytes.extend_from_slice(&family.bytes());
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend_from_slice(&mac(key, family, generation));
    jose::b64(&bytes)
}

/// Reads a token; `None` unless Signet made it.
pub fn parse_refresh_token(key: &Secret, text: &str) -> Option<PresentedRefreshToken> {
    if text.len() != 75 {
        return None;
    }
    let bytes = jose::unb64(text)?;
    let (family, rest) = bytes.split_first_chunk::<16>()?;
    let (generation, shown) = rest.split_first_chunk::<8>()?;
    let (family, generation) = (FamilyId::from_bytes(*family), i64::from_be_bytes(*generation));
    let fits: bool = mac(key, family, generation).as_slice().ct_eq(shown).into();
    fits.then_some(PresentedRefreshToken { family, generation })
}

/// What presenting `generation` means at `now`, when the client's grace window is `grace`.
pub fn decide(family: &RefreshFamily, generation: i64, now: Timestamp, grace: Seconds) -> RefreshDecision {
    if now >= family.expires_at || family.grant.revoked_at.is_some() || generation > family.generation {
        RefreshDecision::Dead
    } else if generation == family.generation {
        RefreshDecision::Rotate { next: generation + 1 }
    } else if generation + 1 == family.generation && now.since(family.rotated_at) <= grace {
        match family.repeats < REPEATS_MAX {
            true => RefreshDecision::Repeat { generation: family.generation },
            false => RefreshDecision::Dead,
        }
    } else {
        RefreshDecision::Fork
    }
}

fn mac(key: &Secret, family: FamilyId, generation: i64) -> [u8; 32] {
    jose::hmac_sha256(key.expose(), &[b"refresh_token", &family.bytes(), &generation.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        amr::Amr,
        claims_request::ClaimsRequest,
        id::{AppId, GrantId, PoolId, SessionId, UserId},
        issuer::IssuerId,
        resource::GrantItems,
        scope::Scope,
    };

    fn family(generation: i64, rotated_at: i64, repeats: i64) -> RefreshFamily {
        let hex = "0123456789abcdef01234567";
        RefreshFamily {
            id: FamilyId::from_bytes([3; 16]),
            grant: Grant {
                id: GrantId::from_bytes([4; 16]),
                pool: PoolId::parse(hex).unwrap(),
                issuer: IssuerId::Pool(PoolId::parse(hex).unwrap()),
                application: AppId::parse(hex).unwrap(),
                user: UserId::parse(hex).unwrap(),
                session: SessionId::from_bytes([5; 16]),
                sid: SessionId::from_bytes([5; 16]),
                scope: Scope::default(),
                items: GrantItems::default(),
                offline: true,
                auth_time: Timestamp(0),
                amr: Amr::PASSWORD,
                claims: ClaimsRequest::default(),
                created_at: Timestamp(0),
                expires_at: Timestamp(10_000),
                revoked_at: None,
            },
            generation,
            rotated_at: Timestamp(rotated_at),
            repeats,
            expires_at: Timestamp(10_000),
        }
    }

    #[test]
    fn attack_06_every_place_in_the_chain() {
        use RefreshDecision::*;
        for (presented, row, now, decision) in [
            (5, family(5, 100, 0), 100, Rotate { next: 6 }),
            (4, family(5, 100, 0), 100, Repeat { generation: 5 }),
            (4, family(5, 100, 99), 160, Repeat { generation: 5 }),
            (4, family(5, 100, 0), 161, Fork),
            (4, family(5, 100, 100), 100, Dead),
            (4, family(5, 100, 100), 161, Fork),
            (3, family(5, 100, 0), 100, Fork),
            (0, family(1, 100, 0), 99, Repeat { generation: 1 }),
            (6, family(5, 100, 0), 100, Dead),
            (-1, family(5, 100, 0), 100, Fork),
            (5, family(5, 100, 0), 10_000, Dead),
            (3, family(5, 100, 0), 10_000, Dead),
        ] {
            assert_eq!(
                decide(&row, presented, Timestamp(now), GRACE_CONFIDENTIAL),
                decision,
                "{presented} {now}"
            );
        }
        let mut revoked = family(5, 100, 0);
        revoked.grant.revoked_at = Some(Timestamp(99));
        assert_eq!(decide(&revoked, 5, Timestamp(100), GRACE_CONFIDENTIAL), Dead);
        assert_eq!(decide(&family(5, 100, 0), 4, Timestamp(116), GRACE_PUBLIC), Fork);
    }

    #[test]
    fn attack_24_only_whole_tokens_of_ours_are_read() {
        let key = Secret::new([1; 32]);
        let id = FamilyId::from_bytes([3; 16]);
        let text = refresh_token(&key, id, 7);
        assert_eq!(text.len(), 75);
        assert_eq!(
            parse_refresh_token(&key, &text),
            Some(PresentedRefreshToken { family: id, generation: 7 })
        );
        assert_eq!(text, refresh_token(&key, id, 7), "the same successor can be handed out again");
        assert_eq!(parse_refresh_token(&Secret::new([2; 32]), &text), None);
        for cut in 0..text.len() {
            assert_eq!(parse_refresh_token(&key, &text[..cut]), None);
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(parse_refresh_token(&key, std::str::from_utf8(&bytes).unwrap()), None, "{at}");
        }
    }
}
