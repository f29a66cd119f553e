//! `/keys`: the signing keys of the issuers.

use serde_json::json;

use super::{Answer, Ask, Reply, body::check_members, pages::page};
use crate::manage::keys;

/// GET `/keys`.
pub async fn list(ask: Ask) -> Answer {
    let listing = keys::list(&ask.signet).await?;
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
    Ok(Reply::ok(page(items.collect(), None)))
}

/// POST `/keys/rotate`: the next step of each key that signs, or of those of one issuer.
pub async fn rotate(ask: Ask) -> Answer {
    check_members(&ask.body, ["issuer", "now"].into_iter())?;
    let at_once = ask.truth("now")?.unwrap_or_default();
    let rotated = keys::rotate(&ask.signet, ask.text("issuer")?, at_once, &ask.origin()).await?;
    Ok(Reply::ok(json!({ "steps": rotated.steps().collect::<Vec<_>>() })))
}
