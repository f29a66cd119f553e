//! What cannot be taken back.

use askama::Template;
use http::StatusCode;
use serde_json::json;
use signet_protocol::{entropy::random, jose};

use super::{
    frame::{Frame, Tab},
    words::AppWords,
};
use crate::{
    clock::SystemEntropy,
    console::{
        Answer, Ask, Section, missing,
        shell::{Notice, Shell},
        words::Words,
    },
    manage::edit::{Edit, EditError},
    respond,
};

#[derive(Template)]
#[template(path = "console/applications/danger.html")]
struct DangerPage {
    shell: Shell,
    frame: Frame,
    alert: Option<String>,
}

impl DangerPage {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }
}

/// GET `/console/applications/{app}/danger`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let frame = Frame::of(ask, Tab::Danger).await?;
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    ask.page(status, &DangerPage { shell: ask.shell(Section::Applications), frame, alert })
}

/// POST `/console/applications/{app}/danger`.
pub async fn submit(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let edit = Edit::application(id, application.version);
    let edit = match ask.form.get("act") {
        Some("refresh-secret") if application.secret.is_some() => {
            edit.set("secret", &json!(jose::b64(&random::<32>(&mut SystemEntropy))))
        }
        Some("disable") => edit.set("enabled", &json!(false)),
        Some("enable") => edit.set("enabled", &json!(true)),
        _ => return Err(missing()),
    };
    match edit.save(&ask.signet, &ask.origin()).await {
        Ok(_) => {
            let done = Notice::Saved.as_str();
            Ok(respond::see_other(&format!("/console/applications/{id}/danger?done={done}")))
        }
        Err(EditError::Refused(problems)) => {
            let text: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            page(&ask, Some(text.join("; "))).await
        }
        Err(EditError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a change was not saved");
            page(&ask, Some(ask.words::<AppWords>().busy.to_owned())).await
        }
    }
}
