//! `/console/users/new`.

use askama::Template;
use http::StatusCode;
use signet_protocol::params::RawParams;

use super::{frame::Tab, words::UserWords};
use crate::{
    console::{
        Answer, Ask, Section,
        shell::{Notice, Shell},
        words::{Words, fill},
    },
    manage::{
        edit::beside,
        users::{
            edit::{self, EditError},
            fields::{FieldProblem, Fields},
        },
    },
    respond,
};

/// What can be said of somebody who is new; the rest is on their pages.
const KEYS: &[&str] = &["username", "email", "phone", "name", "password"];

#[derive(Template)]
#[template(path = "console/users/new.html")]
struct NewPage<'a> {
    shell: Shell,
    form: &'a RawParams,
    problems: &'a [FieldProblem],
    alert: Option<&'static str>,
}

impl NewPage<'_> {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }

    fn value(&self, name: &str) -> &str {
        self.form.get(name).unwrap_or_default()
    }

    fn problem(&self, name: &str) -> Option<&str> {
        let problem = self.problems.iter().find(|problem| problem.field == name)?;
        Some(beside(name, problem.message.of(self.shell.lang)))
    }

    fn count(&self) -> Option<String> {
        (!self.problems.is_empty()).then(|| fill(self.t().problems, self.problems.len()))
    }

    /// What is wrong with none of the fields.
    fn others(&self) -> impl Iterator<Item = &str> {
        let others = self.problems.iter().filter(|problem| !KEYS.contains(&problem.field.as_str()));
        others.map(|problem| problem.message.of(self.shell.lang))
    }
}

/// GET `/console/users/new`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, &[], None)
}

fn page(ask: &Ask, problems: &[FieldProblem], alert: Option<&'static str>) -> Answer {
    let page = NewPage { shell: ask.shell(Section::Users), form: &ask.form, problems, alert };
    let wrong = alert.is_some() || !problems.is_empty();
    ask.page(if wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// POST `/console/users/new`.
pub async fn submit(ask: Ask) -> Answer {
    let said = KEYS.iter().filter_map(|key| Some((*key, ask.form.get(key)?)));
    let typed = |(key, value): (&'static str, &str)| match key {
        // The spaces of a password are part of it.
        "password" => (key, value.to_owned()),
        _ => (key, value.trim().to_owned()),
    };
    let said = said.map(typed).filter(|(_, value)| !value.is_empty());
    let fields = said.fold(Fields::default(), |fields, (key, value)| fields.with(key, value));
    match edit::create(&ask.signet, &fields, &ask.origin()).await {
        Ok(user) => {
            let done = Notice::Created.as_str();
            Ok(respond::see_other(&format!("{}?done={done}", Tab::Profile.path(user.id))))
        }
        Err(EditError::Refused(problems)) => page(&ask, &problems, None),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a user was not created");
            page(&ask, &[], Some(ask.words::<UserWords>().busy))
        }
    }
}
