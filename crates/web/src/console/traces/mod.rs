//! `/console/traces`: why a request was refused, by the reference that the error page shows.

pub mod prepared;
pub mod view;
pub mod words;

use askama::Template;
use http::StatusCode;

use self::{
    view::{View, may_see, view},
    words::TraceWords,
};
use super::{
    Answer, Ask, Section,
    paging::{self, Pager},
    shell::Shell,
    words::Words,
};
use crate::{
    error::Failure,
    manage::trace::{self, Found},
};
use signet_protocol::{
    id::{AppId, TraceId},
    operator::Permission,
};

/// Traces of a list.
const PER_PAGE: usize = 30;

#[derive(Template)]
#[template(path = "console/traces.html")]
struct TracesPage {
    shell: Shell,
    search: Search,
    list: List,
}

/// What is looked for, and what was found.
pub struct Search {
    /// As it was typed.
    pub reference: String,
    /// The traces of it that may be shown: seldom more than one.
    pub found: Vec<View>,
}

/// The newest traces.
pub struct List {
    /// They.
    pub rows: Vec<View>,
    /// Where the others are.
    pub pager: Option<Pager>,
}

impl TracesPage {
    fn t(&self) -> &'static TraceWords {
        TraceWords::of(self.shell.lang)
    }

    fn path(&self) -> &'static str {
        "/console/traces"
    }

    fn one_found(&self) -> bool {
        !self.search.found.is_empty()
    }
}

/// GET `/console/traces`: the trace of a reference; without one the newest, to who may see those of all applications.
pub async fn show(ask: Ask) -> Answer {
    let search = search(&ask, None).await?;
    let all = ask.operator.may(Permission::OverviewRead, None) && search.reference.is_empty();
    let list = if all { list(&ask, None, "/console/traces").await? } else { List::none() };
    let status = search.status();
    ask.page(status, &TracesPage { shell: ask.shell(Section::Overview), search, list })
}

impl Search {
    /// Whether there is what is looked for.
    pub fn status(&self) -> StatusCode {
        let missing = !self.reference.is_empty() && self.found.is_empty();
        if missing { StatusCode::NOT_FOUND } else { StatusCode::OK }
    }
}

impl List {
    fn none() -> List {
        List { rows: Vec::new(), pager: None }
    }
}

/// What the query asks for: only traces of `application`, if there is one.
pub async fn search(ask: &Ask, application: Option<AppId>) -> Result<Search, Failure> {
    let reference = ask.query.get("reference").unwrap_or_default().trim();
    let mut found = Vec::new();
    for one in seen(ask, reference, application).await? {
        found.push(view(ask, one).await?);
    }
    Ok(Search { reference: reference.chars().take(64).collect(), found })
}

/// The traces of a reference that whoever asks may see.
pub async fn seen(ask: &Ask, reference: &str, application: Option<AppId>) -> Result<Vec<Found>, Failure> {
    if reference.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = trace::find(&ask.signet, reference).await?;
    found.retain(|one| {
        let here = application.is_none() || one.trace.app_id == application;
        here && may_see(ask, &one.trace)
    });
    Ok(found)
}

/// The newest traces of an application, or of all, as a list at `path`.
pub async fn list(ask: &Ask, application: Option<AppId>, path: &str) -> Result<List, Failure> {
    let turn = paging::by_id(ask, paging::USUAL);
    let found = trace::newest(&ask.signet, application, turn, PER_PAGE).await?;
    let pager = Pager::of(ask, &found, (path, paging::USUAL), &[], TraceId::to_string);
    let mut rows = Vec::new();
    for one in found.rows {
        rows.push(view(ask, one).await?);
    }
    Ok(List { rows, pager: Some(pager) })
}
