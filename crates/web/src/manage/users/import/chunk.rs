//! Some users of a file, written together.

use std::collections::BTreeMap;

use signet_protocol::{id::UserId, pool::PoolSettings, said, said::Pair};
use signet_store::{
    Applied, Change, StoreError,
    audit::{Act, Action, Entry, Named, Origin},
};

use super::{FieldProblem, LineProblem, Mode, Outcome, Record, reader::type_extended};
use crate::{
    Signet,
    clock::SystemEntropy,
    manage::{
        authority,
        plan::{Draft, Plan, PlanError, users as plan},
        users::edit::{EditError, exists},
    },
};

/// How often a chunk is planned again because somebody else was quicker.
const ATTEMPTS: usize = 3;

/// Takes in `records`: what is right of them as a whole, in one batch. What is wrong is told and left out.
pub async fn run(
    signet: &Signet,
    records: Vec<Record>,
    mode: Mode,
    origin: &Origin,
) -> Result<Outcome, EditError> {
    let pool = signet.store().stored_pool_settings().await?;
    for _ in 0..ATTEMPTS {
        if let Some(outcome) = together(signet, &records, (&pool, mode), origin).await? {
            return Ok(outcome);
        }
    }
    // Two of them cannot stand together, or somebody else keeps changing one: each by itself tells which.
    let mut all = Outcome::default();
    for record in records {
        let line = record.line;
        let one = std::slice::from_ref(&record);
        match together(signet, one, (&pool, mode), origin).await? {
            Some(outcome) => all.add(outcome),
            None => {
                let reason = Pair(
                    "somebody else changes the same user; import the line again",
                    "其他人正在修改同一用户；请重新导入该行",
                );
                all.refuse(LineProblem::new(line, FieldProblem::new("", reason)));
            }
        }
    }
    Ok(all)
}

/// Plans and writes them; `None` when somebody else was quicker.
async fn together(
    signet: &Signet,
    records: &[Record],
    (pool, mode): (&PoolSettings, Mode),
    origin: &Origin,
) -> Result<Option<Outcome>, EditError> {
    let (mut outcome, mut met) = (Outcome::default(), BTreeMap::new());
    let (mut changes, mut entries) = (Vec::new(), Vec::new());
    for record in records {
        match one(signet, record, (pool, mode), origin).await? {
            Err(problems) => outcome.refuse_all(record.line, problems),
            Ok(mut planned) => match met_before(&planned, record.line, &mut met) {
                Some(problem) => outcome.refuse(problem),
                None => {
                    outcome.count(&planned);
                    // Of who is new their being imported is enough.
                    if matches!(planned.changes(), [Change::UpdateUser(_)]) {
                        entries.extend(planned.entries(origin));
                    }
                    changes.extend(planned.take_changes());
                }
            },
        }
    }
    if mode.dry_run || changes.is_empty() {
        return Ok(Some(outcome));
    }
    entries.push(of_chunk(&outcome, records, origin));
    let act = Act { now: signet.now(), entries };
    let written = signet.store().apply(changes, act, &mut SystemEntropy).await;
    match written {
        Ok(Applied::Done) => {
            let Outcome { created, updated, .. } = outcome;
            tracing::info!(created, updated, "an operator imported users");
            Ok(Some(outcome))
        }
        Ok(Applied::Changed) | Err(StoreError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The record of a chunk: who was changed has one of their own besides.
fn of_chunk(outcome: &Outcome, records: &[Record], origin: &Origin) -> Entry {
    let line = |record: Option<&Record>| record.map_or(0, |record| record.line);
    Entry::of_admin(Action::Import, origin.clone())
        .on("users", Named::only("users"))
        .with("created", outcome.created)
        .with("updated", outcome.updated)
        .with("from_line", line(records.first()))
        .with("to_line", line(records.last()))
}

/// What becomes of one record: at most one change.
async fn one(
    signet: &Signet,
    record: &Record,
    (pool, mode): (&PoolSettings, Mode),
    origin: &Origin,
) -> Result<Result<Plan, Vec<FieldProblem>>, EditError> {
    let mut fields = record.fields.clone();
    if record.texts {
        type_extended(&mut fields, &pool.extended_fields);
    }
    let read = match fields.read() {
        Ok(read) => read,
        Err(problems) => return Ok(Err(problems)),
    };
    let mut draft = Draft::default();
    let planned: Result<(), PlanError> = match plan::find(signet, &read.entry).await? {
        Err((key, reason)) => return Ok(Err(vec![FieldProblem::new(key, reason)])),
        Ok(None) => plan::create(signet, &read.entry, pool, &mut draft).await,
        Ok(Some(old)) if mode.update => plan::update(signet, &read.entry, (&old, pool), &mut draft).await,
        Ok(Some(old)) => return Ok(Err(vec![exists(&fields, &old)])),
    };
    planned?;
    let plan = match draft.outcome() {
        Ok(plan) => plan,
        Err(problems) => return Ok(Err(read.by_field(problems))),
    };
    match authority::check(signet, origin, plan.changes()).await {
        Ok(()) => Ok(Ok(plan)),
        Err(PlanError::Forbidden(reason)) => Ok(Err(vec![FieldProblem::new("", reason)])),
        Err(error) => Err(error.into()),
    }
}

/// That a record means the user of an earlier one: by another of their keys, or else it would have been noticed.
fn met_before(planned: &Plan, line: usize, met: &mut BTreeMap<UserId, usize>) -> Option<LineProblem> {
    let [Change::UpdateUser(user)] = planned.changes() else { return None };
    let earlier = met.insert(user.id, line)?;
    let reason = said!("this is the user of line {earlier} again", "与第 {earlier} 行是同一个用户");
    Some(LineProblem::new(line, FieldProblem::new("", reason)))
}

impl Outcome {
    fn count(&mut self, planned: &Plan) {
        match planned.changes() {
            [Change::InsertUser(_), ..] => self.created += 1,
            [_, ..] => self.updated += 1,
            [] => self.unchanged += 1,
        }
    }

    fn refuse(&mut self, problem: LineProblem) {
        self.refused += 1;
        self.problems.push(problem);
    }

    fn refuse_all(&mut self, line: usize, problems: Vec<FieldProblem>) {
        self.refused += 1;
        self.problems.extend(problems.into_iter().map(|problem| LineProblem::new(line, problem)));
    }

    pub(super) fn add(&mut self, other: Outcome) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.refused += other.refused;
        self.problems.extend(other.problems);
    }
}
