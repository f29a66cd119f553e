//! An application as code, and what was changed of it.

use askama::Template;
use http::StatusCode;
use signet_protocol::operator::Permission;
use signet_store::{
    About, Revision,
    audit::{Act, Action, Entry, Named},
};

use super::{
    frame::{Frame, Tab},
    words::AppWords,
};
use crate::{
    console::{
        Answer, Ask, Section, history,
        history::{Alert, History},
        missing,
        review::Around,
        shell::Shell,
        words::Words,
    },
    manage::{
        export::{self, Form, Secrets},
        history::{is_about_alone, makes_or_removes_applications},
        plan::Plan,
    },
    respond,
};

#[derive(Template)]
#[template(path = "console/applications/code.html")]
struct CodePage {
    shell: Shell,
    frame: Frame,
    code: String,
    /// Where the whole is, if it is too long to be shown.
    download: Option<String>,
    history: History,
}

/// Accounts, resources and rules that are shown; an application with more is shown without them.
const SHOWN: usize = 100;

impl CodePage {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }
}

/// GET `/console/applications/{app}/code`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<Alert>) -> Answer {
    let frame = Frame::of(ask, Tab::Code).await?;
    let id = frame.application.id;
    let store = ask.signet.store();
    let entries = store.count_accounts(id).await?
        + store.count_resources(Some(id)).await?
        + store.count_rules(id).await?;
    let home = format!("/console/applications/{id}{}", Tab::Code.path());
    let (code, download) = if entries > SHOWN {
        let code = export::application_alone(&frame.application, Form::Short);
        (Some(code), Some(format!("{home}/export")))
    } else {
        (export::application(&ask.signet, id, Secrets::LeftOut, Form::Short).await?, None)
    };
    let status = if alert.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = CodePage {
        shell: ask.shell(Section::Applications),
        code: code.unwrap_or_default().trim_start().to_owned(),
        download,
        history: history::of(ask, About::Application(id), &home, alert).await?,
        frame,
    };
    ask.page(status, &page)
}

/// GET `/console/applications/{app}/code/export`: the same as a file, however long it is. That it was taken is written down first.
pub async fn download(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let entry = Entry::of_admin(Action::Export, ask.origin())
        .on("application", Named::new(id, application.name.as_str()))
        .at(Named::new(id, application.name.as_str()))
        .with("secrets", false);
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry)).await?;
    let code = export::application(&ask.signet, id, Secrets::LeftOut, Form::Short).await?;
    let text = code.unwrap_or_default().trim_start().to_owned();
    Ok(respond::file(text, "application/toml; charset=utf-8", &format!("{}.toml", application.identifier)))
}

/// POST `/console/applications/{app}/code/undo`: undoes a change of this application.
pub async fn undo(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let back = format!("/console/applications/{id}{}", Tab::Code.path());
    let (everything, create) = (ask.may(Permission::SettingsWrite), ask.may(Permission::ApplicationsCreate));
    // The role was asked for this application: nothing else may change by it, nor may it come or go.
    let allow = |revision: &Revision, plan: Option<&Plan>| {
        revision.applications.contains(&id)
            && (everything || is_about_alone(revision, id))
            && (create || !plan.is_some_and(makes_or_removes_applications))
    };
    let around = Around::of(&application.name, Section::Applications, &back);
    match history::undo(&ask, around, allow).await {
        Ok(answer) => answer,
        Err(alert) => page(&ask, Some(alert)).await,
    }
}
