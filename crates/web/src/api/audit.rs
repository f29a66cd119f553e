//! `/audit`: the audit log.

use serde_json::{Value, json};
use signet_store::audit::{Record, Select};

use super::{
    Answer, Ask, Reply,
    pages::{CURSOR, not_ours, page},
    problem::Problem,
};
use crate::manage::audit::{self, Asked, Walked};

/// GET `/audit`: the newest first.
pub async fn list(ask: Ask) -> Answer {
    let text = |name: &str| ask.param(name).map(str::to_owned);
    let asked = Asked {
        kind: text("kind"),
        action: text("action"),
        actor: text("actor"),
        application: text("application"),
        target: text("target"),
        ip: text("ip"),
        request_id: text("request_id"),
        success: ask.param("success").map(|text| text == "true"),
        from: text("from"),
        to: text("to"),
    };
    let after = text(CURSOR.name);
    let ours = |text: &String| signet_protocol::jose::unb64(text).is_some_and(|bytes| bytes.len() == 16);
    if after.as_ref().is_some_and(|text| !ours(text)) {
        return Err(not_ours());
    }
    let limit = i64::try_from(ask.limit()).unwrap_or(50);
    let forward = ask.param("order") == Some("oldest");
    let found = audit::list(&ask.signet, &asked, &Select { after, limit, forward, bounded: true }).await?;
    Ok(Reply::ok(page(found.records.iter().map(shown).collect(), found.next)))
}

fn shown(record: &Record) -> Value {
    audit::as_json(record)
}

/// GET `/audit/verify`: walks over the whole chain; over a long one in the background, so that it has to be asked again.
pub async fn verify(ask: Ask) -> Answer {
    let walked = audit::walk(&ask.signet, ask.param("expected")).await.map_err(|error| {
        let mut problem = Problem::from(error);
        problem.errors.iter_mut().for_each(|wrong| wrong.field = "expected".to_owned());
        problem
    })?;
    Ok(Reply::ok(match walked {
        Walked::Done(verified) => json!({
            "walking": false,
            "whole": verified.broken.is_none(),
            "records": verified.records,
            "head": verified.head.text(),
            "broken": verified.broken.map(|broken| broken.to_string()),
        }),
        Walked::Walking(records) => {
            json!({ "walking": true, "whole": null, "records": records, "head": null, "broken": null })
        }
    }))
}
