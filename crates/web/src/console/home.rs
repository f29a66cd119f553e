//! The first page, and the language of the console.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use signet_protocol::operator::Permission;

use super::{Answer, Ask, gate};
use crate::{Signet, cookies, edge::Edge, pages::Lang, respond};

/// A year.
const LANG_EXPIRE: i64 = 31_536_000;

/// GET `/console`: to the first part that whoever asks may see.
pub async fn show(ask: Ask) -> Answer {
    let overview = ask.operator.may(Permission::OverviewRead, None);
    Ok(respond::see_other(if overview { "/console/overview" } else { "/console/applications" }))
}

/// `/console/`.
pub async fn without_slash(State(_): State<Arc<Signet>>, _edge: Edge) -> Response {
    respond::see_other("/console")
}

/// POST `/console/language`: keeps a language, and goes back.
pub async fn language(ask: Ask) -> Answer {
    let lang = if ask.form.get("lang") == Some("zh-CN") { Lang::Zh } else { Lang::En };
    let cookie = ask.edge.cookies.set_strict(cookies::LANG, lang.tag(), Some(LANG_EXPIRE));
    let back = gate::onward(ask.form.get("to"));
    Ok(respond::set_cookies(respond::see_other(back), [cookie]))
}
