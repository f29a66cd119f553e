//! The history of the configuration: what operators saved, why, and how to take it back.
//!
//! With every change that is saved at the console or by the admin API a revision is kept, in the same batch: the description
//! that brings back what was, and the one that what was saved fulfils. As long as the second changes nothing, nobody has
//! touched since what is to be undone; otherwise undoing would take back what others did, and is refused. Users are no
//! configuration: what is done to them is in the audit log alone, so that a person who is removed is not kept here.

mod difference;
mod state;

use signet_protocol::{
    id::{AppId, RevisionId, RowId},
    jose,
    said::Said,
};
use signet_store::{
    Change, Revision, RevisionTexts, StoreError,
    audit::{Action, Entry, Named, Origin},
};

use super::{
    apply::{ATTEMPTS, attempt},
    description::Description,
    plan::{Plan, PlanError, StepKind, plan, words},
    problem::Problem,
};
use crate::{Signet, clock::SystemEntropy};

/// Bytes of the texts beyond which a revision cannot be undone.
const TEXT_BYTES: usize = 256 * 1024;
/// Bytes of the lines that are kept.
const LINES_BYTES: usize = 16 * 1024;
/// Entries that a title names.
const TITLED: usize = 3;
/// Characters of a title, and of a reason.
const CHARS: usize = 500;

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such revision.
    #[error("there is no such revision: the oldest of very many are deleted")]
    Missing,
    /// How to undo it is not kept.
    #[error("this cannot be undone: it replaced a secret alone, or was very large")]
    NotKept,
    /// It was undone already.
    #[error("this was undone already")]
    Undone,
    /// What it changed was changed again: what would have to be so again before it can be undone.
    #[error("what this changed was changed again since")]
    Conflict(Vec<Said>),
    /// Whoever asks may not do what undoing it comes to.
    #[error("your role does not allow what undoing this comes to")]
    NotAllowed,
    /// It does not fit what is stored, or was not carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<StoreError> for UndoError {
    fn from(error: StoreError) -> UndoError {
        UndoError::Plan(error.into())
    }
}

/// A revision by its name in addresses.
pub fn parse_id(text: &str) -> Option<RevisionId> {
    jose::unb64(text).and_then(|bytes| bytes.try_into().ok()).map(RevisionId::from_bytes)
}

/// The name of a revision in addresses.
pub fn name_of(id: RevisionId) -> String {
    jose::b64(&id.bytes())
}

/// What is kept of a plan that is about to be carried out; nothing of one that is about users alone.
pub(super) async fn revision(
    signet: &Signet,
    plan: &Plan,
    changes: &[Change],
    origin: &Origin,
    undoes: Option<&Revision>,
) -> Result<Option<Revision>, StoreError> {
    let touched: Vec<&str> = plan.touched().filter(|what| !is_user(what)).collect();
    if touched.is_empty() {
        return Ok(None);
    }
    let applications = state::applications(changes);
    let mut parts = Vec::new();
    if let Some(both) = state::pool(signet, changes).await? {
        parts.extend(difference::of(&both.before, &both.after));
    }
    for id in &applications {
        let both = state::application(signet, *id, changes).await?;
        parts.extend(difference::of(&both.before, &both.after));
    }
    let bytes: usize = parts.iter().map(|texts| texts.undo.len() + texts.redo.len()).sum();
    let whole = |part: fn(&RevisionTexts) -> &str| parts.iter().map(part).collect::<String>();
    let texts = RevisionTexts { undo: whole(|texts| &texts.undo), redo: whole(|texts| &texts.redo) };
    let now = signet.now();
    Ok(Some(Revision {
        id: RevisionId::generate(now, &mut SystemEntropy),
        at: now.timestamp(),
        author: origin.actor.clone(),
        via: origin.via.as_str().to_owned(),
        reason: origin.reason.as_ref().map(|reason| reason.chars().take(CHARS).collect()),
        title: title(&touched),
        lines: lines(plan),
        texts: (bytes <= TEXT_BYTES).then_some(texts),
        applications,
        undoes: undoes.map(|undone| undone.id),
        undone_by: None,
    }))
}

/// What the audit log says of an undoing, beside what it changes.
pub(super) fn entry(undone: &Revision, origin: &Origin) -> Entry {
    Entry::of_admin(Action::Undo, origin.clone())
        .on("revision", Named::new(name_of(undone.id), undone.title.as_str()))
}

/// The newest revisions, of an application or all, before one.
pub async fn list(
    signet: &Signet,
    application: Option<AppId>,
    before: Option<RevisionId>,
    limit: i64,
) -> Result<Vec<Revision>, StoreError> {
    signet.store().revisions(application, before, limit).await
}

/// What undoing a revision would come to. `allow` says whether whoever asks may know of it at all, and then whether they may do
/// what it comes to.
pub async fn preview(
    signet: &Signet,
    id: RevisionId,
    allow: impl Fn(&Revision, Option<&Plan>) -> bool,
) -> Result<(Revision, Plan), UndoError> {
    let stored = signet.store().revision(id).await?.ok_or(UndoError::Missing)?;
    if !allow(&stored, None) {
        return Err(UndoError::NotAllowed);
    }
    if stored.undone_by.is_some() {
        return Err(UndoError::Undone);
    }
    let texts = stored.texts.as_ref().filter(|_| can_be_undone(&stored)).ok_or(UndoError::NotKept)?;
    let (back, made) = (read(&texts.undo)?, read(&texts.redo)?);
    let back = plan(signet, &back).await;
    // Whatever is changed between the two is found by the versions that the first was planned from.
    let made = plan(signet, &made).await;
    match made {
        Ok(made) if made.changes().is_empty() => {}
        Ok(made) => {
            return Err(UndoError::Conflict(changed(&made).iter().map(|line| words::said(line)).collect()));
        }
        Err(PlanError::Refused(problems)) => return Err(UndoError::Conflict(messages(&problems))),
        Err(error) => return Err(error.into()),
    }
    let back = back?;
    if !allow(&stored, Some(&back)) {
        return Err(UndoError::NotAllowed);
    }
    Ok((stored, back))
}

/// Undoes a revision, as a whole or not at all.
pub async fn undo(
    signet: &Signet,
    id: RevisionId,
    origin: &Origin,
    allow: impl Fn(&Revision, Option<&Plan>) -> bool,
) -> Result<Plan, UndoError> {
    for _ in 0..ATTEMPTS {
        let (undone, plan) = preview(signet, id, &allow).await?;
        if let Some(done) = attempt(signet, plan, origin, Some(&undone)).await? {
            return Ok(done);
        }
    }
    Err(PlanError::Contended.into())
}

/// Whether a plan makes or removes applications, which needs more than changing them.
pub fn makes_or_removes_applications(plan: &Plan) -> bool {
    plan.changes()
        .iter()
        .any(|change| matches!(change, Change::InsertApplication(_) | Change::DeleteApplication(_)))
}

/// Whether a revision is about this application and nothing else.
pub fn is_about_alone(revision: &Revision, application: AppId) -> bool {
    let of_pool = |texts: &RevisionTexts| {
        let heads = texts.undo.lines().chain(texts.redo.lines()).filter(|line| line.starts_with('['));
        heads.into_iter().any(|head| !head.starts_with("[[applications"))
    };
    revision.applications == [application] && revision.texts.as_ref().is_some_and(|texts| !of_pool(texts))
}

/// Whether there is a way back: what replaced a secret alone has none, and of a very large change none is kept.
pub fn can_be_undone(revision: &Revision) -> bool {
    revision.undone_by.is_none() && revision.texts.as_ref().is_some_and(|texts| !texts.undo.is_empty())
}

fn read(text: &str) -> Result<Description, UndoError> {
    Description::parse(text).map_err(|problems| UndoError::Plan(PlanError::Refused(problems)))
}

fn messages(problems: &[Problem]) -> Vec<Said> {
    problems.iter().map(|problem| problem.message.clone()).collect()
}

fn is_user(what: &str) -> bool {
    what.starts_with("user ")
}

fn title(touched: &[&str]) -> String {
    let named = touched.iter().take(TITLED).copied().collect::<Vec<_>>().join(", ");
    let more = touched.len().saturating_sub(TITLED);
    let text = if more == 0 { named } else { format!("{named} +{more}") };
    text.chars().take(CHARS).collect()
}

/// What a plan changes of the configuration, for people.
pub fn changed(plan: &Plan) -> Vec<String> {
    let changes = |kind| !matches!(kind, StepKind::Keep | StepKind::Absent);
    plan.steps().filter(|step| changes(step.kind)).flat_map(|step| step.text().collect::<Vec<_>>()).collect()
}

fn lines(plan: &Plan) -> Vec<String> {
    let changes = |kind| !matches!(kind, StepKind::Keep | StepKind::Absent);
    let steps = plan.steps().filter(|step| changes(step.kind) && !is_user(step.what));
    let mut bytes = 0;
    let mut lines = Vec::new();
    for line in steps.flat_map(|step| step.text().collect::<Vec<_>>()) {
        bytes += line.len();
        if bytes > LINES_BYTES {
            lines.push("…".to_owned());
            break;
        }
        lines.push(line);
    }
    lines
}
