//! The secret of an application, shown to who may see it and showed their password a moment ago.

use askama::Template;
use http::StatusCode;
use signet_store::audit::{Act, Action, Entry};

use super::{
    frame::{Frame, Tab},
    words::AppWords,
};
use crate::{
    audit,
    console::{
        Answer, Ask, Section, missing,
        shell::Shell,
        words::{Words, fill},
    },
};

#[derive(Template)]
#[template(path = "console/applications/secret.html")]
struct SecretPage {
    shell: Shell,
    frame: Frame,
    secret: String,
}

impl SecretPage {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }

    fn title(&self) -> String {
        fill(self.t().secret_title, &self.frame.application.name)
    }
}

/// POST `/console/applications/{app}/secret`: a form, so that it is in no history, and no other site can have it shown. That
/// it was shown is written down before it is.
pub async fn show(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Start).await?;
    let secret = frame.application.secret.as_ref().ok_or_else(missing)?;
    let secret = String::from_utf8_lossy(secret.expose()).into_owned();
    tracing::info!(request_id = ask.edge.request_id, app_id = %frame.application.id, by = %ask.operator.user().id, "an App Secret was shown");
    let named = audit::application(&frame.application);
    let entry = Entry::of_admin(Action::ShowSecret, ask.origin()).on("application", named.clone()).at(named);
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry)).await?;
    ask.page(StatusCode::OK, &SecretPage { shell: ask.shell(Section::Applications), frame, secret })
}
