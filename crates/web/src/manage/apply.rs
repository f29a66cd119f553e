//! Carries out a description: everything of it, or nothing.

use signet_protocol::said;
use signet_store::{
    Applied, Revision, StoreError,
    audit::{Act, Origin},
};

use super::{
    authority,
    description::Description,
    history,
    plan::{Plan, PlanError, plan, words},
    problem::Problem,
    prune::{self, Prune},
};
use crate::{Signet, clock::SystemEntropy};

/// How often a plan is made again because somebody else was quicker.
pub(super) const ATTEMPTS: usize = 3;
/// How many entries the log names; beyond it their number says enough.
const LOGGED: usize = 50;

/// Makes what is stored as `description` says, in one atomic batch, and says what was done. What the description does
/// not mention stays. Doing it twice changes nothing the second time. What is done is in the audit log, as an act of
/// `origin`.
pub async fn apply(signet: &Signet, description: &Description, origin: &Origin) -> Result<Plan, PlanError> {
    carry_out(signet, description, origin, |_| Ok(())).await
}

/// Like [`apply`], and what the description does not mention goes, as far as `prune` says.
pub async fn apply_pruned(
    signet: &Signet,
    description: Description,
    prune: Prune,
    origin: &Origin,
) -> Result<Plan, PlanError> {
    apply(signet, &prune::complete(signet, description, prune).await?, origin).await
}

/// Like [`apply`], but refuses an entry that exists already.
pub async fn create(signet: &Signet, description: &Description, origin: &Origin) -> Result<Plan, PlanError> {
    let only_new = |plan: &Plan| match plan.existing() {
        Some(what) => {
            let what = words::said(what);
            let reason = said!("{what} exists already", "{what} 已存在", what);
            Err(PlanError::Refused(vec![Problem::new(1, reason)]))
        }
        None => Ok(()),
    };
    carry_out(signet, description, origin, only_new).await
}

pub(super) async fn carry_out(
    signet: &Signet,
    description: &Description,
    origin: &Origin,
    allow: impl Fn(&Plan) -> Result<(), PlanError>,
) -> Result<Plan, PlanError> {
    for _ in 0..ATTEMPTS {
        let plan = plan(signet, description).await?;
        allow(&plan)?;
        if let Some(done) = attempt(signet, plan, origin, None).await? {
            return Ok(done);
        }
    }
    Err(PlanError::Contended)
}

/// Carries out a plan, which undoes a revision or none; `None` when it is not any more what fits what is stored. What is saved
/// at the console or by the admin API is kept, so that it can be undone.
pub(super) async fn attempt(
    signet: &Signet,
    mut plan: Plan,
    origin: &Origin,
    undoes: Option<&Revision>,
) -> Result<Option<Plan>, PlanError> {
    let mut changes = plan.take_changes();
    if changes.is_empty() {
        return Ok(Some(plan));
    }
    authority::check(signet, origin, &changes).await?;
    history::keep(signet, &plan, &mut changes, (origin, undoes)).await?;
    let mut entries = plan.entries(origin);
    entries.extend(undoes.map(|undone| history::entry(undone, origin)));
    let act = Act { now: signet.now(), entries };
    match signet.store().apply(changes, act, &mut SystemEntropy).await {
        Ok(Applied::Done) => {
            log(&plan);
            Ok(Some(plan))
        }
        // A name was taken since the plan was made: the next plan says by whom.
        Ok(Applied::Changed) | Err(StoreError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Leaves a trace of what an operator changed: names and numbers, no values.
fn log(plan: &Plan) {
    let (created, changed, _) = plan.counts();
    let mut entries = plan.touched().take(LOGGED).collect::<Vec<_>>().join(", ");
    if created + changed > LOGGED {
        entries.push_str(", …");
    }
    tracing::info!(created, changed, entries, "an operator changed the pool");
}
