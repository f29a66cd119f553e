//! `/console/applications/new`.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use signet_protocol::{
    application::ApplicationType,
    issuer::{Identifier, Site},
    params::RawParams,
};

use super::words::AppWords;
use crate::{
    console::{
        Answer, Ask, Section,
        shell::{Notice, Shell},
        words::{Words, fill},
    },
    error::Failure,
    manage::edit::{Edit, EditError, FieldProblem},
    pages::Lang,
    respond,
};

#[derive(Template)]
#[template(path = "console/applications/new.html")]
struct NewPage<'a> {
    shell: Shell,
    form: &'a RawParams,
    problems: &'a [FieldProblem],
    scheme: &'a str,
    base_host: &'a str,
    alert: Option<&'static str>,
}

impl NewPage<'_> {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }

    fn value(&self, key: &str) -> &str {
        self.form.get(key).unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.form.get("type").unwrap_or("web")
    }

    fn kinds(&self) -> [(&'static str, &'static str); 4] {
        kinds(self.shell.lang)
    }

    fn problem(&self, key: &str) -> Option<&str> {
        let about = |problem: &&FieldProblem| problem.key.as_deref() == Some(key);
        self.problems.iter().find(about).map(|problem| problem.beside(self.shell.lang))
    }

    fn others(&self) -> impl Iterator<Item = &str> {
        const SHOWN: [&str; 4] = ["name", "identifier", "redirect_uris", "type"];
        let other = |problem: &&FieldProblem| problem.key.as_deref().is_none_or(|key| !SHOWN.contains(&key));
        self.problems.iter().filter(other).map(|problem| problem.message.of(self.shell.lang))
    }

    fn count(&self) -> Option<String> {
        (!self.problems.is_empty()).then(|| fill(self.t().problems, self.problems.len()))
    }
}

/// The types that can be chosen, in words of the language.
fn kinds(lang: Lang) -> [(&'static str, &'static str); 4] {
    let zh = lang == Lang::Zh;
    [
        (
            ApplicationType::Web.as_str(),
            if zh { "有后端的 Web 应用" } else { "Web application with a back end" },
        ),
        (ApplicationType::Spa.as_str(), if zh { "单页应用 (SPA)" } else { "Single-page application" }),
        (
            ApplicationType::Native.as_str(),
            if zh { "移动或桌面应用" } else { "Mobile or desktop application" },
        ),
        (ApplicationType::Api.as_str(), if zh { "无用户的后端应用" } else { "Back end without users" }),
    ]
}

/// GET `/console/applications/new`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, &[], None)
}

fn page(ask: &Ask, problems: &[FieldProblem], alert: Option<&'static str>) -> Answer {
    let origin = ask.signet.settings().base_url.origin(&Site::Pool);
    let (scheme, base_host) = origin.split_once("://").unwrap_or(("https", &origin));
    let page = NewPage {
        shell: ask.shell(Section::Applications),
        form: &ask.form,
        problems,
        scheme,
        base_host,
        alert,
    };
    let bad = !problems.is_empty() || alert.is_some();
    ask.page(if bad { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// POST `/console/applications/new`.
pub async fn submit(ask: Ask) -> Answer {
    let text = |key: &str| ask.form.get(key).unwrap_or_default().trim().to_owned();
    let kind = text("type");
    let callbacks: Vec<&str> =
        ask.form.get("redirect_uris").unwrap_or_default().lines().map(str::trim).collect();
    let callbacks: Vec<&str> = callbacks.into_iter().filter(|line| !line.is_empty()).collect();
    let mut edit = Edit::of("applications")
        .set("name", &text("name").into())
        .set("identifier", &text("identifier").into())
        .set("type", &kind.as_str().into());
    if !(callbacks.is_empty() && kind == ApplicationType::Api.as_str()) {
        edit = edit.set("redirect_uris", &callbacks.into());
    }
    match edit.create(&ask.signet, &ask.origin()).await {
        Ok(_) => created(&ask, &text("identifier")).await,
        Err(EditError::Refused(problems)) => page(&ask, &problems, None),
        Err(EditError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "an application was not created");
            page(&ask, &[], Some(ask.words::<AppWords>().busy))
        }
    }
}

async fn created(ask: &Ask, identifier: &str) -> Answer {
    let identifier = Identifier::parse(identifier).ok();
    let found = match &identifier {
        Some(identifier) => ask.signet.store().application_by_identifier(identifier).await?,
        None => None,
    };
    let application = found.ok_or(Failure::Internal("a new application is not there"))?;
    let done = Notice::Created.as_str();
    Ok(respond::see_other(&format!("/console/applications/{}?done={done}", application.id)))
}

/// GET `/console/applications/identifier?value=…`: whether an authentication address is free, for the form while it is filled in.
pub async fn check_identifier(ask: Ask) -> Result<Response, Failure> {
    let t: &'static AppWords = ask.words();
    let (good, text) = match Identifier::parse(ask.query.get("value").unwrap_or_default().trim()) {
        Err(_) => (false, t.address_bad),
        Ok(label) => {
            let taken = ask.signet.store().application_by_identifier(&label).await?.is_some();
            match taken || !ask.signet.store().label_is_free(&label).await? {
                true => (false, t.address_taken),
                false => (true, t.address_free),
            }
        }
    };
    Ok(respond::json(StatusCode::OK, &json!({ "good": good, "text": text })))
}
