//! What cannot be taken back.

use askama::Template;
use http::StatusCode;
use serde_json::json;
use signet_protocol::{application::Application, entropy::random, jose, operator::Permission};
use signet_store::GrantCount;

use super::{
    frame::{Frame, Tab},
    secret,
    words::AppWords,
};
use crate::{
    clock::SystemEntropy,
    console::{
        Answer, Ask, Section, missing,
        shell::{Notice, Shell},
        words::{Words, fill, together},
    },
    error::Failure,
    manage::{
        edit::{Edit, EditError},
        plan::losses,
    },
    respond,
};

#[derive(Template)]
#[template(path = "console/applications/danger.html")]
struct DangerPage {
    shell: Shell,
    frame: Frame,
    alert: Option<String>,
    may_see_secret: bool,
    /// What is lost with it; `None`: whoever looks may not delete it.
    losses: Option<Vec<String>>,
}

impl DangerPage {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }

    fn confirm(&self) -> String {
        fill(self.t().delete_confirm, &self.frame.application.identifier)
    }
}

/// GET `/console/applications/{app}/danger`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let frame = Frame::of(ask, Tab::Danger).await?;
    let losses = match ask.may(Permission::ApplicationsCreate) {
        true => Some(lost(ask, &frame.application).await?),
        false => None,
    };
    let page = DangerPage {
        shell: ask.shell(Section::Applications),
        may_see_secret: ask.may(Permission::SecretsRead),
        frame,
        losses,
        alert,
    };
    ask.page(if page.alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// What goes with an application, in words.
async fn lost(ask: &Ask, application: &Application) -> Result<Vec<String>, Failure> {
    let t: &'static AppWords = ask.words();
    let lost = losses(&ask.signet, application).await?;
    let keys = if lost.secret { t.lost_secret } else { t.lost_keys };
    let grants = match lost.grants {
        GrantCount::Exactly(number) => number.to_string(),
        GrantCount::MoreThan(number) => format!("> {number}"),
    };
    let counted = [
        (t.lost_accounts, lost.accounts.to_string()),
        (t.lost_resources, lost.resources.to_string()),
        (t.lost_rules, lost.rules.to_string()),
        (t.lost_grants, grants),
    ];
    let counted = counted.into_iter().filter(|(_, number)| number != "0");
    Ok([keys.to_owned()].into_iter().chain(counted.map(|(text, number)| fill(text, number))).collect())
}

fn removal(application: &Application) -> Edit {
    Edit::application(application.id, application.version).set("remove", &json!(true))
}

/// POST `/console/applications/{app}/danger`: it is disabled, or enabled again.
pub async fn submit(ask: Ask) -> Answer {
    let application = stored(&ask).await?;
    let edit = Edit::application(application.id, application.version);
    let edit = match ask.form.get("act") {
        Some("disable") => edit.set("enabled", &json!(false)),
        Some("enable") => edit.set("enabled", &json!(true)),
        _ => return Err(missing()),
    };
    match save(&ask, edit).await {
        Ok(()) => {
            let done = Notice::Saved.as_str();
            Ok(respond::see_other(&format!("/console/applications/{}/danger?done={done}", application.id)))
        }
        Err(alert) => page(&ask, Some(alert)).await,
    }
}

/// POST `/console/applications/{app}/secret/refresh`: another App Secret, which is shown.
pub async fn refresh_secret(ask: Ask) -> Answer {
    let application = stored(&ask).await?;
    if application.secret.is_none() {
        return Err(missing());
    }
    let secret = jose::b64(&random::<32>(&mut SystemEntropy));
    let edit = Edit::application(application.id, application.version).set("secret", &json!(secret));
    match save(&ask, edit).await {
        Ok(()) => secret::page(&ask, secret, true).await,
        Err(alert) => page(&ask, Some(alert)).await,
    }
}

/// POST `/console/applications/{app}/delete`.
pub async fn delete(ask: Ask) -> Answer {
    let application = stored(&ask).await?;
    if ask.form.get("confirm").map(str::trim) != Some(application.identifier.as_str()) {
        return page(&ask, Some(ask.words::<AppWords>().delete_mistyped.to_owned())).await;
    }
    match save(&ask, removal(&application)).await {
        Ok(()) => Ok(respond::see_other(&format!("/console/applications?done={}", Notice::Removed.as_str()))),
        Err(alert) => page(&ask, Some(alert)).await,
    }
}

async fn stored(ask: &Ask) -> Result<std::sync::Arc<Application>, Failure> {
    let id = ask.app_id().ok_or_else(missing)?;
    ask.signet.store().application(id).await?.ok_or_else(missing)
}

/// What is told if it is not saved.
async fn save(ask: &Ask, edit: Edit) -> Result<(), String> {
    match edit.save(&ask.signet, &ask.origin()).await {
        Ok(_) => Ok(()),
        Err(EditError::Refused(problems)) => {
            Err(together(problems.iter().map(|problem| &problem.message), ask.lang))
        }
        Err(EditError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a change was not saved");
            Err(ask.words::<AppWords>().busy.to_owned())
        }
    }
}
