//! `/overview` and `/traces`.

use serde_json::{Value, json};
use signet_protocol::{id::AppId, time::Seconds};

use super::{
    Answer, Ask, Reply,
    pages::{CURSOR, not_ours, page},
    problem::Problem,
};
use crate::manage::{overview, show, trace};

/// GET `/overview`.
pub async fn show(ask: Ask) -> Answer {
    let overview = overview::overview(&ask.signet, Seconds(0)).await?;
    Ok(Reply::ok(json!(overview)))
}

/// GET `/traces`: of refused requests, the newest first.
pub async fn traces(ask: Ask) -> Answer {
    let application = match ask.param("application") {
        None => None,
        Some(named) => Some(application(&ask, named).await?),
    };
    let cursor = ask.param(CURSOR.name);
    if cursor.is_some_and(|text| signet_protocol::jose::unb64(text).is_none_or(|bytes| bytes.len() != 16)) {
        return Err(not_ours());
    }
    let limit = ask.limit();
    let most = i64::try_from(limit).unwrap_or(1) + 1;
    let found = trace::newest(&ask.signet, application, cursor, most).await?;
    let last = found.get(limit.saturating_sub(1)).filter(|_| found.len() > limit);
    let next = last.map(|last| last.cursor.clone());
    Ok(Reply::ok(page(found.iter().take(limit).map(shown).collect(), next)))
}

/// GET `/traces/{reference}`: those of a reference that somebody read from a page, or of a request's id.
pub async fn trace(ask: Ask) -> Answer {
    let found = trace::find(&ask.signet, ask.part("reference")).await?;
    if found.is_empty() {
        return Err(Problem::missing("trace"));
    }
    Ok(Reply::ok(page(found.iter().map(shown).collect(), None)))
}

async fn application(ask: &Ask, named: &str) -> Result<AppId, Problem> {
    let found = show::application_id(&ask.signet, named).await?;
    found.ok_or_else(|| Problem::field("application", format!("there is no application {named:?}")))
}

fn shown(found: &trace::Found) -> Value {
    let mut value = json!(found.trace);
    let parameters =
        found.trace.parameters.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    if let Some(members) = value.as_object_mut() {
        members.insert("parameters".to_owned(), parameters.collect());
    }
    value
}
