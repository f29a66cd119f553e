//! What a change comes to, shown before it is saved.

use askama::Template;
use http::StatusCode;
use signet_protocol::application::Application;
use signet_store::Change;

use super::{
    Answer, Ask, Section,
    shell::{Notice, Shell},
    words::{Pair, Words, words},
};
use crate::{
    error::Failure,
    manage::{
        advice::{Advice, advice},
        authority::Forbidden,
        edit::{Edit, EditError, FieldProblem},
        plan::{Plan, PlanError},
    },
    pages::{Lang, Problem},
    respond,
};

words! {
    /// The texts.
    ReviewWords {
        title: "Review the change", "确认变更";
        lead: "Nothing is saved yet. This is what will be different.", "尚未保存。以下是将要发生的变更。";
        advice: "Before you save", "保存前请注意";
        reason: "Reason", "原因";
        reason_hint: "For whoever looks at the history later.", "供日后查看历史的人参考。";
        confirm: "Save the change", "保存变更";
        back: "Back", "返回";
        stale: "Somebody else changed this after you opened the page. What you typed is still here, and beside each field that differs is what is stored now. Save again to keep yours.", "您打开页面后，其他人修改了此内容。您填写的内容仍在，不同之处旁边会显示当前保存的内容。再次保存即采用您的内容。";
        busy: "The server cannot do this now; try again in a moment.", "服务器暂时无法处理，请稍后重试。";
    }
}

/// The change, and the form that was sent, to be sent again.
#[derive(Template)]
#[template(path = "console/review.html")]
struct ReviewPage<'a> {
    shell: Shell,
    of: &'a str,
    lines: Vec<String>,
    notes: &'a [&'static str],
    advice: Vec<(&'static str, &'static str)>,
    fields: Vec<(&'a str, &'a str)>,
    /// A text that was sent along, too large for a field of another kind.
    text: Option<&'a str>,
    back: &'a str,
}

impl ReviewPage<'_> {
    fn t(&self) -> &'static ReviewWords {
        ReviewWords::of(self.shell.lang)
    }
}

/// A change that somebody wants made.
pub struct Wanted<'a> {
    /// What it says.
    pub edit: Edit,
    /// What is changed, in words.
    pub of: &'a str,
    /// The part of the console it belongs to.
    pub section: Section,
    /// The page it comes from, and goes back to.
    pub back: &'a str,
}

/// What became of a form.
pub enum Outcome {
    /// It is answered.
    Answered(Answer),
    /// It breaks rules: shown again as it was filled in, with these.
    Refused(Vec<FieldProblem>),
    /// It was not carried out for another reason, told above the form, which is shown again as it was filled in.
    Failed(&'static str),
}

/// Shows what a change would do, or makes it if that was shown and confirmed.
pub async fn proceed(ask: &Ask, wanted: Wanted<'_>) -> Outcome {
    let t: &'static ReviewWords = ask.words();
    let confirmed = ask.form.get("step") == Some("confirm");
    let edit = &wanted.edit;
    let outcome = if confirmed {
        edit.save(&ask.signet, &ask.origin()).await
    } else {
        edit.preview(&ask.signet, &ask.origin()).await
    };
    match outcome {
        Ok(plan) if confirmed || plan.changes().is_empty() => {
            let notice = if confirmed { Notice::Saved } else { Notice::Nothing };
            Outcome::Answered(Ok(respond::see_other(&format!("{}?done={}", wanted.back, notice.as_str()))))
        }
        Ok(plan) => Outcome::Answered(page(ask, &plan, &wanted).await),
        Err(EditError::Refused(problems)) => Outcome::Refused(problems),
        Err(EditError::Plan(PlanError::Stale)) => Outcome::Failed(t.stale),
        Err(EditError::Plan(PlanError::Forbidden(Forbidden::Administrators))) => {
            Outcome::Answered(Err(Problem::Forbidden.into()))
        }
        Err(EditError::Plan(PlanError::Forbidden(reason))) => {
            Outcome::Refused(vec![FieldProblem { key: None, message: reason.into() }])
        }
        Err(EditError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a change was not saved");
            Outcome::Failed(t.busy)
        }
    }
}

async fn page(ask: &Ask, plan: &Plan, wanted: &Wanted<'_>) -> Answer {
    show(ask, plan, &Around::of(wanted.of, wanted.section, wanted.back)).await
}

/// What a review stands on.
pub struct Around<'a> {
    /// What is changed.
    pub of: &'a str,
    /// Where the page is.
    pub section: Section,
    /// Where it leads back to.
    pub back: &'a str,
    /// What else there is to say before.
    pub notes: Vec<&'static str>,
}

impl<'a> Around<'a> {
    /// Without more to say.
    pub fn of(of: &'a str, section: Section, back: &'a str) -> Around<'a> {
        Around { of, section, back, notes: Vec::new() }
    }
}

/// Shows what a plan would do, with a form that sends the same again to confirm it.
pub async fn show(ask: &Ask, plan: &Plan, around: &Around<'_>) -> Answer {
    let fields = ask.form.pairs().filter(|(name, _)| !matches!(*name, "csrf" | "step" | "reason"));
    let page = ReviewPage {
        shell: ask.shell(around.section),
        of: around.of,
        lines: lines(plan, ask.lang),
        notes: &around.notes,
        advice: said(ask, plan).await?,
        fields: fields.collect(),
        text: ask.file.as_ref().and_then(|file| file.text().ok()),
        back: around.back,
    };
    ask.page(StatusCode::OK, &page)
}

/// What there is to say of an application as it would be, that could not be said before.
async fn said(ask: &Ask, plan: &Plan) -> Result<Vec<(&'static str, &'static str)>, Failure> {
    let Some(changed) = changed(plan) else { return Ok(Vec::new()) };
    let stored = ask.signet.store().application(changed.id).await?;
    let known = stored.map(|stored| advice(&stored)).unwrap_or_default();
    let new = advice(changed).into_iter().filter(|advice| !known.contains(advice));
    let told = |advice: Advice| (Pair(advice.en, advice.zh).of(ask.lang), advice.clause);
    Ok(new.map(told).collect())
}

/// The differences, without the line that counts them.
fn lines(plan: &Plan, lang: Lang) -> Vec<String> {
    let lines = plan.lines(lang);
    let told = lines.len().saturating_sub(1);
    lines.into_iter().take(told).map(|line| line.trim_end().to_owned()).collect()
}

fn changed(plan: &Plan) -> Option<&Application> {
    plan.changes().iter().find_map(|change| match change {
        Change::UpdateApplication(application) => Some(application),
        _ => None,
    })
}
