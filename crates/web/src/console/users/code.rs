//! `/console/users/{user}/code`: somebody as a description has them.

use askama::Template;
use http::StatusCode;

use super::{
    frame::{Frame, Tab},
    words::UserWords,
};
use crate::{
    console::{Answer, Ask, Section, missing, shell::Shell, words::Words},
    manage::export::{Form, Secrets, user},
};

#[derive(Template)]
#[template(path = "console/users/code.html")]
struct CodePage {
    shell: Shell,
    frame: Frame,
    text: String,
}

impl CodePage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Code).await?;
    let text = user(&ask.signet, frame.user.id, Secrets::LeftOut, Form::Short).await?.ok_or_else(missing)?;
    let page = CodePage { shell: ask.shell(Section::Users), frame, text: text.trim_start().to_owned() };
    ask.page(StatusCode::OK, &page)
}
