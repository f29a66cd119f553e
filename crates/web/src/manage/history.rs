//! The history: what operators saved, why, and how to take it back.
//!
//! With every change that is saved at the console or by the admin API a revision is kept, in the same batch: the description
//! that brings back what was, and the one that what was saved fulfils. As long as the second changes nothing, nobody has
//! touched since what is to be undone; otherwise undoing would take back what others did, and is refused. What is changed of
//! users is a revision of its own, which is forgotten after a month, so that who is removed is not kept here for ever.

mod difference;
mod state;

use signet_protocol::{
    id::{AppId, RevisionId, RowId},
    jose,
    said::Said,
};
use signet_store::{
    About, Change, Leaf, Revision, RevisionTexts, StoreError, Turn,
    audit::{Action, Entry, Named, Origin, Via},
};

use super::{
    apply::{ATTEMPTS, attempt},
    description::Description,
    plan::{Plan, PlanError, PlannedStep, StepKind, plan, words},
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
/// Users of one change beyond which it cannot be undone.
const USERS: usize = 100;

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

/// Adds to `changes`, which a plan is about to make, what is kept of them: of what is saved at the console or by the admin API, and
/// of what undoes a revision.
pub(super) async fn keep(
    signet: &Signet,
    plan: &Plan,
    changes: &mut Vec<Change>,
    (origin, undoes): (&Origin, Option<&Revision>),
) -> Result<(), StoreError> {
    if undoes.is_none() && !matches!(origin.via, Via::Console | Via::Api) {
        return Ok(());
    }
    let of_users = undoes.is_some_and(|undone| !undone.users.is_empty());
    let undone = |wanted: bool| undoes.filter(|_| of_users == wanted).map(|undone| undone.id);
    let configuration = of_configuration(signet, plan, changes, origin).await?;
    let users = of_users_changed(signet, plan, changes, origin).await?;
    let keep = |undoes: Option<RevisionId>| {
        move |revision: Revision| Change::Keep(Box::new(Revision { undoes, ..revision }))
    };
    changes.extend(configuration.map(keep(undone(false))));
    changes.extend(users.map(keep(undone(true))));
    Ok(())
}

/// What is kept of the configuration; nothing of a plan that is about users alone.
async fn of_configuration(
    signet: &Signet,
    plan: &Plan,
    changes: &[Change],
    origin: &Origin,
) -> Result<Option<Revision>, StoreError> {
    let Some(revision) = begun(signet, plan, origin, |step| !is_user(step.what)) else { return Ok(None) };
    let applications = state::applications(changes);
    let mut parts = Vec::new();
    if let Some(both) = state::pool(signet, changes).await? {
        parts.extend(difference::of(&both.before, &both.after));
    }
    for id in &applications {
        let both = state::application(signet, *id, changes).await?;
        parts.extend(difference::of(&both.before, &both.after));
    }
    Ok(Some(Revision { applications, texts: texts(&parts), ..revision }))
}

/// What is kept of users.
async fn of_users_changed(
    signet: &Signet,
    plan: &Plan,
    changes: &[Change],
    origin: &Origin,
) -> Result<Option<Revision>, StoreError> {
    let users = state::users(changes);
    let begun = begun(signet, plan, origin, |step| is_user(step.what));
    let Some(revision) = begun.filter(|_| !users.is_empty()) else { return Ok(None) };
    if users.len() > USERS {
        return Ok(Some(Revision { users, ..revision }));
    }
    let mut parts = Vec::new();
    for change in changes {
        if let Some(both) = state::user(signet, change).await? {
            parts.extend(difference::of(&both.before, &both.after));
        }
    }
    Ok(Some(Revision { users, texts: texts(&parts), ..revision }))
}

/// A revision with what can be said of the steps of a plan that are `wanted`; nothing where none of them changes anything.
fn begun(
    signet: &Signet,
    plan: &Plan,
    origin: &Origin,
    wanted: fn(&PlannedStep<'_>) -> bool,
) -> Option<Revision> {
    let steps: Vec<PlannedStep<'_>> = changing(plan).filter(wanted).collect();
    if steps.is_empty() {
        return None;
    }
    let now = signet.now();
    Some(Revision {
        id: RevisionId::generate(now, &mut SystemEntropy),
        at: now.timestamp(),
        author: origin.actor.clone(),
        via: origin.via.as_str().to_owned(),
        reason: origin.reason.as_ref().map(|reason| reason.chars().take(CHARS).collect()),
        title: title(&steps),
        lines: lines(&steps),
        texts: None,
        applications: Vec::new(),
        users: Vec::new(),
        undoes: None,
        undone_by: None,
    })
}

/// The way there and back of all parts, if it is not too long.
fn texts(parts: &[RevisionTexts]) -> Option<RevisionTexts> {
    let bytes: usize = parts.iter().map(|texts| texts.undo.len() + texts.redo.len()).sum();
    let whole = |part: fn(&RevisionTexts) -> &str| parts.iter().map(part).collect::<String>();
    let texts = RevisionTexts { undo: whole(|texts| &texts.undo), redo: whole(|texts| &texts.redo) };
    (bytes <= TEXT_BYTES).then_some(texts)
}

/// What the audit log says of an undoing, beside what it changes.
pub(super) fn entry(undone: &Revision, origin: &Origin) -> Entry {
    Entry::of_admin(Action::Undo, origin.clone())
        .on("revision", Named::new(name_of(undone.id), undone.title.as_str()))
}

/// A page of revisions, the newest first.
pub async fn list(
    signet: &Signet,
    about: About,
    turn: Turn<RevisionId>,
    most: usize,
) -> Result<Leaf<Revision, RevisionId>, StoreError> {
    signet.store().revisions(about, turn, most).await
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

/// Something that undoing cannot bring back as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A user comes back without password, logins, role, rules, and what they gave and allowed applications.
    OfUser,
    /// An account comes back with the SecretKey that it had, which somebody may know.
    OfAccount,
    /// An application comes back with the App Secret that it had, without logins, grants and signing keys.
    OfApplication,
    /// A secret or password that was replaced stays so.
    Replaced,
}

/// What undoing a revision by this plan will not bring back as it was, to be said before.
pub fn lost(undone: &Revision, plan: &Plan) -> Vec<Lost> {
    let any = |wanted: fn(&Change) -> bool| plan.changes().iter().any(wanted);
    let replaced = |line: &String| {
        let line = line.trim();
        line == "secret: changed" || line == "password: changed"
    };
    [
        any(|change| matches!(change, Change::InsertUser(_))).then_some(Lost::OfUser),
        any(|change| matches!(change, Change::InsertAccount(_))).then_some(Lost::OfAccount),
        any(|change| matches!(change, Change::InsertApplication(_))).then_some(Lost::OfApplication),
        undone.lines.iter().any(replaced).then_some(Lost::Replaced),
    ]
    .into_iter()
    .flatten()
    .collect()
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

fn title(steps: &[PlannedStep<'_>]) -> String {
    let named = steps.iter().take(TITLED).map(|step| step.what).collect::<Vec<_>>().join(", ");
    let more = steps.len().saturating_sub(TITLED);
    let text = if more == 0 { named } else { format!("{named} +{more}") };
    text.chars().take(CHARS).collect()
}

fn changing(plan: &Plan) -> impl Iterator<Item = PlannedStep<'_>> {
    plan.steps().filter(|step| !matches!(step.kind, StepKind::Keep | StepKind::Absent))
}

/// What a plan changes, for people.
pub fn changed(plan: &Plan) -> Vec<String> {
    changing(plan).flat_map(|step| step.text().collect::<Vec<_>>()).collect()
}

fn lines(steps: &[PlannedStep<'_>]) -> Vec<String> {
    let mut bytes = 0;
    let mut lines = Vec::new();
    for line in steps.iter().flat_map(|step| step.text().collect::<Vec<_>>()) {
        bytes += line.len();
        if bytes > LINES_BYTES {
            lines.push("…".to_owned());
            break;
        }
        lines.push(line);
    }
    lines
}
