//! `/console/applications/{app}/failures`: requests in the name of an application that were refused, and what mends them.

use askama::Template;
use http::StatusCode;
use signet_protocol::id::{RowId, TraceId};

use super::frame::{Frame, Tab};
use crate::{
    console::{
        Answer, Ask, Section, missing,
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        traces::{self, List, Search, prepared::prepared, words::TraceWords},
        words::{Words, together},
    },
    manage::edit::Edit,
};

#[derive(Template)]
#[template(path = "console/applications/failures.html")]
struct FailuresPage {
    shell: Shell,
    frame: Frame,
    search: Search,
    list: List,
    alert: Option<String>,
}

impl FailuresPage {
    fn t(&self) -> &'static TraceWords {
        TraceWords::of(self.shell.lang)
    }

    fn path(&self) -> String {
        format!("/console/applications/{}/failures", self.frame.application.id)
    }

    fn one_found(&self) -> bool {
        !self.search.found.is_empty()
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let frame = Frame::of(ask, Tab::Failures).await?;
    let id = frame.application.id;
    let search = traces::search(ask, Some(id)).await?;
    let list = traces::list(ask, Some(id), &format!("/console/applications/{id}/failures")).await?;
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { search.status() };
    ask.page(status, &FailuresPage { shell: ask.shell(Section::Applications), frame, search, list, alert })
}

/// POST of it: the change that mends one of them, to be reviewed. It is made of the trace and of what is stored, and goes the
/// way of every change, so that nothing a request said gets past the rules.
pub async fn mend(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let reference = ask.form.get("reference").unwrap_or_default();
    let id_of_trace = ask.form.get("trace").and_then(TraceId::parse).ok_or_else(missing)?;
    let found = traces::seen(&ask, reference, Some(id)).await?;
    let trace = found.into_iter().find(|one| one.id == id_of_trace).ok_or_else(missing)?.trace;
    let fix = trace.fix.ok_or_else(missing)?;
    let version = ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(application.version);
    let edit = prepared(&fix, &application, Edit::application(id, version)).ok_or_else(missing)?;
    let back = format!("/console/applications/{id}/failures");
    let wanted = Wanted { edit, of: &application.name, section: Section::Applications, back: &back };
    match proceed(&ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => {
            let told = together(problems.iter().map(|problem| &problem.message), ask.lang);
            page(&ask, Some(told)).await
        }
        Outcome::Failed(alert) => page(&ask, Some(alert.to_owned())).await,
    }
}
