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
    new: bool,
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
    let named = audit::application(&frame.application);
    let shown = Entry::of_admin(Action::ShowSecret, ask.origin()).on("application", named.clone()).at(named);
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), shown)).await?;
    page(&ask, secret, false).await
}

/// The page that shows it; `new`: it was made a moment ago.
pub async fn page(ask: &Ask, secret: String, new: bool) -> Answer {
    let frame = Frame::of(ask, Tab::Start).await?;
    ask.page(StatusCode::OK, &SecretPage { shell: ask.shell(Section::Applications), frame, secret, new })
}
