//! `/console/settings/code`: the whole pool as code, to take along, and descriptions to apply.

use std::sync::Arc;

use askama::Template;
use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};
use signet_protocol::said::{Pair, Said};
use signet_store::{
    StoreError,
    audit::{Act, Action, Entry, Named},
};

use super::frame::{SettingsWords, Tab, TabLink, tabs};
use crate::{
    console::{
        Answer, Ask, Section,
        gate::PASTED,
        review::{self, Around},
        shell::{Notice, Shell},
        words::{Words, fill},
    },
    manage::{
        apply,
        description::Description,
        export::{self, Part, Secrets},
        plan::{PlanError, plan},
        problem::Problem,
        prune::{self, Prune},
    },
    respond,
    upload::DESCRIPTION_BYTES,
};

/// What is told of a file that is no text.
const NO_TEXT: Pair = Pair("is not UTF-8; save the file as UTF-8", "不是 UTF-8；请将文件保存为 UTF-8");

#[derive(Template)]
#[template(path = "console/settings/code.html")]
struct CodePage<'a> {
    shell: Shell,
    tabs: Vec<TabLink>,
    text: &'a str,
    /// Bytes that it may have.
    most: usize,
    prune: &'a str,
    alert: Option<String>,
    problems: Vec<(usize, String)>,
}

impl CodePage<'_> {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }

    fn prunes(&self, how: &str) -> bool {
        self.prune == how
    }

    fn line(&self, number: &usize) -> String {
        fill(self.t().code_line, number)
    }
}

/// GET `/console/settings/code`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None, Vec::new())
}

fn page(ask: &Ask, alert: Option<String>, problems: Vec<(usize, String)>) -> Answer {
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = CodePage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Code),
        text: text_of(ask).unwrap_or_default(),
        most: DESCRIPTION_BYTES,
        prune: ask.form.get("prune").unwrap_or("nothing"),
        alert,
        problems,
    };
    ask.page(status, &page)
}

/// The description that was sent: the file, or what was pasted. `None`: it is no text.
fn text_of(ask: &Ask) -> Option<&str> {
    match &ask.file {
        Some(file) => file.text().ok(),
        None => Some(ask.form.get(PASTED).unwrap_or_default()),
    }
}

fn prune_of(ask: &Ask) -> Prune {
    match ask.form.get("prune") {
        Some("within") => Prune::Within,
        Some("all") => Prune::All,
        _ => Prune::Nothing,
    }
}

/// POST of the same: shows what a description would do, or does it if that was shown and confirmed.
pub async fn submit(ask: Ask) -> Answer {
    let t: &'static SettingsWords = ask.words();
    match carry_out(&ask).await {
        Ok(Some(answer)) => answer,
        Ok(None) => {
            let done = if ask.form.get("step") == Some("confirm") { Notice::Saved } else { Notice::Nothing };
            Ok(respond::see_other(&format!("{}?done={}", Tab::Code.path(), done.as_str())))
        }
        Err(PlanError::Refused(problems)) => {
            let told = |problem: Problem| (problem.line, problem.message.of(ask.lang).to_owned());
            let told = problems.into_iter().map(told).collect();
            page(&ask, Some(t.code_refused.to_owned()), told)
        }
        Err(PlanError::Forbidden(reason)) => {
            page(&ask, Some(Said::from(reason).of(ask.lang).to_owned()), Vec::new())
        }
        Err(PlanError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a description was not applied");
            page(&ask, Some(t.code_busy.to_owned()), Vec::new())
        }
    }
}

/// `None`: it is done, or there is nothing to do.
async fn carry_out(ask: &Ask) -> Result<Option<Answer>, PlanError> {
    let no_text = || PlanError::Refused(vec![Problem::new(1, NO_TEXT)]);
    let text = text_of(ask).ok_or_else(no_text)?;
    let description = Description::parse(text).map_err(PlanError::Refused)?;
    if ask.form.get("step") == Some("confirm") {
        apply::apply_pruned(&ask.signet, description, prune_of(ask), &ask.origin()).await?;
        return Ok(None);
    }
    let description = prune::complete(&ask.signet, description, prune_of(ask)).await?;
    let plan = plan(&ask.signet, &description).await?;
    if plan.changes().is_empty() {
        return Ok(None);
    }
    let t: &'static SettingsWords = ask.words();
    let around = Around::of(t.settings, Section::Settings, Tab::Code.path());
    Ok(Some(review::show(ask, &plan, &around).await))
}

/// GET `/console/settings/code/export`: everything but secrets and passwords, as a file.
pub async fn download(ask: Ask) -> Answer {
    let pool = ask.signet.store().pool();
    let entry = Entry::of_admin(Action::Export, ask.origin())
        .on("pool", Named::new(pool.id, pool.name.as_str()))
        .with("secrets", false);
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry)).await?;
    // Made while it is sent, so that it may be as large as it is.
    let signet = Arc::clone(&ask.signet);
    let pages = stream::try_unfold(Some(Part::Pool), move |part| {
        let signet = Arc::clone(&signet);
        async move {
            let Some(part) = part else { return Ok(None) };
            let page = export::page(&signet, part, Secrets::LeftOut).await?;
            Ok::<_, StoreError>(Some((Bytes::from(page.text), page.next)))
        }
    });
    let mut response = Response::new(Body::from_stream(pages));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/toml; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"signet.toml\""));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
