//! `/keys`: the signing keys of the issuers.

use serde_json::json;

use super::{
    Answer, Ask, Reply,
    body::check_members,
    pages::{Cursor, page},
};
use crate::manage::keys;

/// Behind a key, in the list of all.
struct AfterKey(keys::Place);

impl Cursor for AfterKey {
    const KIND: u8 = 9;

    fn bytes(&self) -> Vec<u8> {
        keys::name_of(self.0).into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<AfterKey> {
        std::str::from_utf8(bytes).ok().and_then(keys::parse_place).map(AfterKey)
    }
}

/// GET `/keys`.
pub async fn list(ask: Ask) -> Answer {
    let (after, limit) = (ask.cursor::<AfterKey>()?, ask.limit());
    let listing = keys::page(&ask.signet, after.map(|AfterKey(place)| place), limit).await?;
    let next = listing.end().filter(|_| listing.lines().count() == limit).map(|end| AfterKey(end).encode());
    let items = listing.lines().map(|line| {
        json!({
            "issuer": line.issuer,
            "alg": line.key.alg.as_str(),
            "kid": line.key.kid,
            "state": line.key.state.as_str(),
            "created_at": line.key.created_at,
            "expires_at": line.key.expires_at,
        })
    });
    Ok(Reply::ok(page(items.collect(), next)))
}

/// POST `/keys/rotate`: the next step of each key that signs, or of those of one issuer.
pub async fn rotate(ask: Ask) -> Answer {
    check_members(&ask.body, ["issuer", "now"].into_iter())?;
    let at_once = ask.truth("now")?.unwrap_or_default();
    let rotated = keys::rotate(&ask.signet, ask.text("issuer")?, at_once, &ask.origin()).await?;
    Ok(Reply::ok(json!({ "steps": rotated.steps().collect::<Vec<_>>() })))
}
