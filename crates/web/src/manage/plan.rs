//! The difference between a description and what is stored: what would be created, what changed, and how.

pub(in crate::manage) mod accounts;
mod applications;
mod fields;
mod line;
mod permissions;
mod pool;
mod record;
mod removal;
mod settings;
pub(in crate::manage) mod users;
pub mod words;

use std::fmt;

use self::words::Worded;
pub use self::{
    line::Line,
    removal::{Losses, losses},
};
pub(in crate::manage) use removal::leaves_no_owner;
use signet_protocol::{
    id::{AppId, UserId},
    issuer::Identifier,
    lang::Lang,
    pool::PoolSettings,
    said::{Pair, Said},
    secret::Secret,
};
use signet_store::{Change, SecretOf, StoreError};

use super::{
    authority::Forbidden,
    description::{ApplicationEntry, Description, SecretEntry, UserEntry},
    problem::Problem,
};
use crate::{Signet, hashing::Busy};

/// What applying a description comes to. Its text is for people; the values of secrets are not in it.
#[derive(Debug, Default)]
pub struct Plan {
    steps: Vec<Step>,
    changes: Vec<Change>,
}

/// What happens to one entry.
#[derive(Debug)]
struct Step {
    /// `application notes`, `user alice`.
    what: Worded,
    /// The id of what is changed, if it has one.
    id: Option<String>,
    action: Action,
}

#[derive(Debug)]
enum Action {
    /// With what is not as by default.
    Create(Vec<Line>),
    /// With each difference.
    Update(Vec<Line>),
    /// With what follows from it.
    Remove(Vec<Line>),
    Unchanged,
    /// To be removed, and not there.
    Absent,
}

/// What happens to one entry, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedStep<'p> {
    /// `application notes`, `user alice`.
    pub what: &'p str,
    /// Which of these.
    pub kind: StepKind,
    /// The differences, or what is lost. Secrets are not in them.
    pub lines: &'p [Line],
}

impl PlannedStep<'_> {
    /// As lines for people.
    pub fn text(&self) -> impl Iterator<Item = String> {
        let head = match self.kind {
            StepKind::Create => words::CREATE,
            StepKind::Change => words::CHANGE,
            StepKind::Remove => words::REMOVE,
            StepKind::Keep => words::KEEP,
            StepKind::Absent => words::ABSENT,
        };
        let lines = self.lines.iter().map(|line| format!("      {line}"));
        std::iter::once(head.with(self.what).to_string()).chain(lines)
    }
}

/// What can happen to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// It is made.
    Create,
    /// It is changed.
    Change,
    /// It goes.
    Remove,
    /// It is as it shall be.
    Keep,
    /// It was to go, and is not there.
    Absent,
}

impl Action {
    fn parts(&self) -> (StepKind, &[Line]) {
        match self {
            Action::Create(lines) => (StepKind::Create, lines),
            Action::Update(lines) => (StepKind::Change, lines),
            Action::Remove(lines) => (StepKind::Remove, lines),
            Action::Unchanged => (StepKind::Keep, &[]),
            Action::Absent => (StepKind::Absent, &[]),
        }
    }

    fn changes(&self) -> bool {
        !matches!(self, Action::Unchanged | Action::Absent)
    }
}

/// Why there is no plan, or why it was not carried out. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The description breaks rules, or does not fit what is stored.
    #[error("{} in the description", count(.0.len()))]
    Refused(Vec<Problem>),
    /// The hashing threads are at capacity.
    #[error("the server is hashing as many passwords as it can; try again in a moment")]
    Busy,
    /// What is changed is not any more what whoever changes it has seen.
    #[error("somebody else changed this meanwhile; look at it again, and then change it")]
    Stale,
    /// Whoever acts may not do it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Others changed the same entries, each time.
    #[error("somebody else keeps changing the same entries; try again in a moment")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Busy> for PlanError {
    fn from(_: Busy) -> PlanError {
        PlanError::Busy
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// Compares `description` with what is stored and hashes new passwords. Refused, with the line: what breaks a rule and
/// what conflicts with another row.
pub async fn plan(signet: &Signet, description: &Description) -> Result<Plan, PlanError> {
    let mut draft = Draft::default();
    if let Some(sealed) = &description.sealed_with {
        let reason = Pair(
            "the secrets of this file are sealed under a passphrase: apply it with `signet apply --passphrase-stdin`, \
             which opens them",
            "此文件中的密钥用口令封存：请用 `signet apply --passphrase-stdin` 应用，它会解封",
        );
        return Err(PlanError::Refused(vec![Problem::new(sealed.line, reason)]));
    }
    let pool = pool::plan(signet, description, &mut draft).await?;
    let targets = applications::plan(signet, &description.applications, &mut draft).await?;
    let people = removal::People::of(signet, &description.users).await?;
    let described = Described { description, settings: &pool, people: &people };
    permissions::plan(signet, &described, &targets, &mut draft).await?;
    users::plan(signet, &description.users, &pool, &mut draft).await?;
    draft.guard(&pool);
    if draft.problems.is_empty() {
        return Ok(draft.plan);
    }
    draft.problems.sort();
    Err(PlanError::Refused(draft.problems))
}

impl Plan {
    /// What would be written.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What becomes of each entry, as lines for people.
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        self.to_string().lines().map(|line| words::told(line, lang)).collect()
    }

    /// What has to be written.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The first entry that exists already.
    pub(super) fn existing(&self) -> Option<&str> {
        let step = self.steps.iter().find(|step| !matches!(step.action, Action::Create(_)))?;
        Some(step.what.as_str())
    }

    /// The entries that are created, changed or removed, by name.
    pub(super) fn touched(&self) -> impl Iterator<Item = &str> {
        let touched = self.steps.iter().filter(|step| step.action.changes());
        touched.map(|step| step.what.as_str())
    }

    /// What happens to each entry, in the order of the file, for whoever shows it otherwise than as text.
    pub fn steps(&self) -> impl Iterator<Item = PlannedStep<'_>> {
        self.steps.iter().map(|step| {
            let (kind, lines) = step.action.parts();
            PlannedStep { what: step.what.as_str(), kind, lines }
        })
    }

    /// How many entries are created, changed (a removal is a change of the pool) and left.
    pub fn counts(&self) -> (usize, usize, usize) {
        let number = |wanted: fn(&Action) -> bool| self.steps.iter().filter(|s| wanted(&s.action)).count();
        (
            number(|action| matches!(action, Action::Create(_))),
            number(|action| matches!(action, Action::Update(_) | Action::Remove(_))),
            number(|action| !action.changes()),
        )
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.steps() {
            step.text().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        let (created, changed, unchanged) = self.counts();
        f.write_str(words::COUNTS.with_all([created, changed, unchanged]).as_str())
    }
}

/// An entry of an application, and the application it means.
struct Target<'d> {
    /// Its App ID: a new one has it already.
    id: AppId,
    identifier: Identifier,
    entry: &'d ApplicationEntry,
}

/// The stored user that an entry means, if it means one.
pub(super) async fn stored_user(signet: &Signet, entry: &UserEntry) -> Result<Option<UserId>, StoreError> {
    Ok(users::find(signet, entry).await?.ok().flatten().map(|user| user.id))
}

/// A description, and what of it is known before its entries are planned.
struct Described<'d> {
    description: &'d Description,
    /// Those of the pool as they will be.
    settings: &'d PoolSettings,
    people: &'d removal::People,
}

/// A secret in a file, of what has this id; without an id nothing sealed is meant. The inner error says what is wrong.
fn unsealed(
    signet: &Signet,
    entry: &SecretEntry,
    of: Option<SecretOf>,
) -> Result<Result<Secret, Pair>, StoreError> {
    let text = match (entry, of) {
        (SecretEntry::Plain(secret), _) => return Ok(Ok(secret.clone())),
        (SecretEntry::Sealed(_), None) => {
            return Ok(Err(Pair(
                "`secret` is sealed for one `id`, which has to be there as well",
                "`secret` 是为某个 `id` 封存的，须同时填写该 `id`",
            )));
        }
        (SecretEntry::Sealed(text), Some(of)) => signet.store().open_exported(of, text),
    };
    match text {
        Ok(secret) => Ok(Ok(secret)),
        Err(StoreError::KeyMismatch) => Ok(Err(Pair(
            "`secret` was sealed with another master key; apply it where that key is, or write the secret itself",
            "`secret` 是用另一个主密钥封存的；请在拥有该主密钥的环境中应用，或直接填写密钥",
        ))),
        Err(StoreError::Corrupt { .. }) => Ok(Err(Pair(
            "`secret` was sealed for another `id`, or was changed since; export it again",
            "`secret` 是为另一个 `id` 封存的，或此后被改动；请重新导出",
        ))),
        Err(error) => Err(error),
    }
}

/// A plan being made, and what stands in its way.
#[derive(Default)]
pub(in crate::manage) struct Draft {
    plan: Plan,
    problems: Vec<Problem>,
}

impl Draft {
    /// What is planned, or what stands in its way.
    pub(in crate::manage) fn outcome(self) -> Result<Plan, Vec<Problem>> {
        if self.problems.is_empty() { Ok(self.plan) } else { Err(self.problems) }
    }

    fn refuse(&mut self, line: usize, message: impl Into<Said>) {
        self.problems.push(Problem::new(line, message));
    }

    /// An entry whose change is written with others.
    fn step(&mut self, what: Worded, action: Action) {
        self.plan.steps.push(Step { what, id: None, action });
    }

    fn remove(&mut self, what: Worded, losses: Vec<Worded>, change: Change) {
        let id = record::id_of(&change);
        let losses = losses.into_iter().map(Line::from).collect();
        self.plan.steps.push(Step { what, id, action: Action::Remove(losses) });
        self.plan.changes.push(change);
    }

    /// The version of the pool's settings guards what others of them were compared with.
    fn guard(&mut self, settings: &PoolSettings) {
        let guarded = self.plan.changes.iter().any(|change| matches!(change, Change::UpdatePool(_)));
        if !guarded && self.plan.changes.iter().any(Change::needs_the_pool) {
            self.plan.changes.push(Change::UpdatePool(settings.clone()));
        }
    }

    fn create(&mut self, what: Worded, fields: Vec<Line>, change: Change) {
        self.plan.steps.push(Step { what, id: record::id_of(&change), action: Action::Create(fields) });
        self.plan.changes.push(change);
    }

    fn update<L: Into<Line>>(&mut self, what: Worded, differences: Vec<L>, change: Change) {
        let id = record::id_of(&change);
        if differences.is_empty() {
            self.plan.steps.push(Step { what, id, action: Action::Unchanged });
        } else {
            let lines = differences.into_iter().map(Into::into).collect();
            self.plan.steps.push(Step { what, id, action: Action::Update(lines) });
            self.plan.changes.push(change);
        }
    }
}
