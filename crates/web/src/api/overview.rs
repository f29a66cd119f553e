//! `/overview` and `/traces`.

use serde_json::{Value, json};
use signet_protocol::id::{AppId, RowId, TraceId};

use super::{
    Answer, Ask, Reply,
    pages::{CURSOR, not_ours, page},
    problem::Problem,
};
use crate::manage::{overview, show, trace};

/// GET `/overview`.
pub async fn show(ask: Ask) -> Answer {
    let overview = overview::overview(&ask.signet).await?;
    Ok(Reply::ok(json!(overview)))
}

/// GET `/traces`: of refused requests, the newest first.
pub async fn traces(ask: Ask) -> Answer {
    let application = match ask.param("application") {
        None => None,
        Some(named) => Some(application(&ask, named).await?),
    };
    let cursor = ask.param(CURSOR.name).map(|text| TraceId::parse(text).ok_or_else(not_ours)).transpose()?;
    let found = trace::newest(&ask.signet, application, cursor.into(), ask.limit()).await?;
    let next = found.next.map(|id| id.to_string());
    Ok(Reply::ok(page(found.rows.iter().map(shown).collect(), next)))
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
