//! What a change comes to, shown before it is saved.

use askama::Template;
use http::StatusCode;
use signet_protocol::application::Application;
use signet_store::Change;

use super::{
    frame::{Frame, Tab},
    words::AppWords,
};
use crate::{
    console::{
        Answer, Ask, Section,
        shell::{Notice, Shell},
        words::{Pair, Words},
    },
    manage::{
        advice::{Advice, advice},
        edit::{Edit, EditError, FieldProblem},
        plan::{Plan, PlanError},
    },
    respond,
};

/// The change, and the form that was sent, to be sent again.
#[derive(Template)]
#[template(path = "console/applications/review.html")]
struct ReviewPage<'a> {
    shell: Shell,
    frame: Frame,
    lines: Vec<String>,
    advice: Vec<(&'static str, &'static str)>,
    fields: Vec<(&'a str, &'a str)>,
    back: String,
}

impl ReviewPage<'_> {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }
}

/// What became of a form.
pub enum Outcome {
    /// It is answered.
    Answered(Answer),
    /// It breaks rules: shown again with these.
    Refused(Vec<FieldProblem>),
    /// It was not carried out for another reason, told above the form.
    Failed(&'static str),
}

/// Shows what an edit would do, or does it if that was shown and confirmed.
pub async fn proceed(ask: &Ask, edit: Edit, tab: Tab) -> Outcome {
    let t: &'static AppWords = ask.words();
    let confirmed = ask.form.get("step") == Some("confirm");
    let outcome = if confirmed { edit.save(&ask.signet).await } else { edit.preview(&ask.signet).await };
    match outcome {
        Ok(plan) if confirmed || plan.changes().is_empty() => {
            let notice = if confirmed { Notice::Saved } else { Notice::Nothing };
            let path = format!("{}{}?done={}", home(ask), tab.path(), notice.as_str());
            Outcome::Answered(Ok(respond::see_other(&path)))
        }
        Ok(plan) => Outcome::Answered(page(ask, &plan, tab).await),
        Err(EditError::Refused(problems)) => Outcome::Refused(problems),
        Err(EditError::Plan(PlanError::Stale)) => Outcome::Failed(t.stale),
        Err(EditError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a change was not saved");
            Outcome::Failed(t.busy)
        }
    }
}

fn home(ask: &Ask) -> String {
    format!("/console/applications/{}", ask.part("app"))
}

async fn page(ask: &Ask, plan: &Plan, tab: Tab) -> Answer {
    let frame = Frame::of(ask, tab).await?;
    let lang = ask.lang;
    let known = advice(&frame.application);
    let new = |advice: &Advice| !known.contains(advice);
    let said = changed(plan).map(advice).unwrap_or_default();
    let said =
        said.into_iter().filter(new).map(|advice| (Pair(advice.en, advice.zh).of(lang), advice.clause));
    let fields = ask.form.pairs().filter(|(name, _)| !matches!(*name, "csrf" | "step" | "reason"));
    let page = ReviewPage {
        shell: ask.shell(Section::Applications),
        lines: lines(plan),
        advice: said.collect(),
        fields: fields.collect(),
        back: format!("{}{}", home(ask), tab.path()),
        frame,
    };
    ask.page(StatusCode::OK, &page)
}

/// The differences, without the line that counts them.
fn lines(plan: &Plan) -> Vec<String> {
    let lines = plan.lines();
    let told = lines.len().saturating_sub(1);
    lines.into_iter().take(told).map(|line| line.trim_end().to_owned()).collect()
}

fn changed(plan: &Plan) -> Option<&Application> {
    plan.changes().iter().find_map(|change| match change {
        Change::UpdateApplication(application) => Some(application),
        _ => None,
    })
}
