//! One resource: made, changed and removed after a review.

use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};
use signet_protocol::{params::RawParams, resource::ResourceType};

use super::{CallerWords, application, home, told};
use crate::{
    console::{
        Answer, Ask, Section,
        applications::frame::{Frame, Tab},
        missing,
        review::{Outcome, Wanted, proceed},
        shell::Shell,
        words::{Words, fill},
    },
    manage::edit::Edit,
};

#[derive(Template)]
#[template(path = "console/callers/resource.html")]
struct ResourcePage {
    shell: Shell,
    frame: Frame,
    home: String,
    alert: Option<String>,
    /// Whether it is there already.
    known: bool,
    typed: Typed,
    kinds: Vec<&'static str>,
}

/// What the form has.
#[derive(Default)]
struct Typed {
    code: String,
    name: String,
    kind: String,
    description: String,
    actions: String,
    api: String,
}

impl ResourcePage {
    fn t(&self) -> &'static CallerWords {
        CallerWords::of(self.shell.lang)
    }

    fn title(&self) -> String {
        if self.known {
            fill(self.t().edit_resource, &self.typed.code)
        } else {
            self.t().add_resource.to_owned()
        }
    }
}

/// GET `/console/applications/{app}/callers/resource?code=…`; without a code: a new one.
pub async fn show(ask: Ask) -> Answer {
    let Some(code) = ask.query.get("code") else { return page(&ask, false, Typed::default(), None).await };
    let stored = ask.signet.store().stored_resource(ask.app_id(), code).await?;
    let resource = stored.ok_or_else(missing)?;
    let action = |action: &signet_protocol::resource::Action| match &action.description {
        Some(description) => format!("{}: {description}", action.name.as_str()),
        None => action.name.as_str().to_owned(),
    };
    let typed = Typed {
        code: code.to_owned(),
        name: resource.name.clone().unwrap_or_default(),
        kind: resource.kind.as_str().to_owned(),
        description: resource.description.clone().unwrap_or_default(),
        actions: resource.actions.iter().map(action).collect::<Vec<_>>().join("\n"),
        api: resource.api_identifier.as_ref().map(|api| api.as_str().to_owned()).unwrap_or_default(),
    };
    page(&ask, true, typed, None).await
}

async fn page(ask: &Ask, known: bool, typed: Typed, alert: Option<String>) -> Answer {
    let frame = Frame::of(ask, Tab::Callers).await?;
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = ResourcePage {
        shell: ask.shell(Section::Applications),
        home: home(&frame),
        frame,
        alert,
        known,
        typed,
        kinds: ResourceType::ALL.iter().map(|kind| kind.as_str()).collect(),
    };
    ask.page(status, &page)
}

/// POST of the same: it is made, changed, or removed.
pub async fn save(ask: Ask) -> Answer {
    let application = application(&ask).await?;
    let entry = if ask.form.has("remove") { removal(&ask.form) } else { entry(&ask.form) };
    let edit = Edit::application(application.id, application.version).set("resources", &json!([entry]));
    let back = format!("/console/applications/{}{}", application.id, Tab::Callers.path());
    let wanted = Wanted { edit, of: &application.name, section: Section::Applications, back: &back };
    let alert = match proceed(&ask, wanted).await {
        Outcome::Answered(answer) => return answer,
        Outcome::Refused(problems) => told(&ask, &problems),
        Outcome::Failed(alert) => alert.to_owned(),
    };
    page(&ask, ask.form.has("known"), typed(&ask.form), Some(alert)).await
}

fn text(form: &RawParams, key: &str) -> String {
    form.get(key).unwrap_or_default().trim().to_owned()
}

fn typed(form: &RawParams) -> Typed {
    Typed {
        code: text(form, "code"),
        name: text(form, "name"),
        kind: text(form, "type"),
        description: text(form, "description"),
        actions: text(form, "actions"),
        api: text(form, "api_identifier"),
    }
}

fn removal(form: &RawParams) -> Value {
    json!({ "code": text(form, "code"), "remove": true })
}

fn entry(form: &RawParams) -> Value {
    let of_line = |line: &str| match line.split_once(':') {
        Some((name, description)) if !description.trim().is_empty() => {
            json!({ "name": name.trim(), "description": description.trim() })
        }
        Some((name, _)) => json!(name.trim()),
        None => json!(line.trim()),
    };
    let actions = text(form, "actions");
    let lines = actions.lines().map(str::trim).filter(|line| !line.is_empty());
    json!({
        "code": text(form, "code"),
        "type": text(form, "type"),
        "name": text(form, "name"),
        "description": text(form, "description"),
        "actions": lines.map(of_line).collect::<Vec<_>>(),
        "api_identifier": text(form, "api_identifier"),
    })
}
