//! Carries out a description: everything of it, or nothing.

use signet_store::{
    Applied, StoreError,
    audit::{Act, Origin},
};

use super::{
    authority,
    description::Description,
    plan::{Plan, PlanError, plan},
    problem::Problem,
    prune::{self, Prune},
};
use crate::{Signet, clock::SystemEntropy};

/// How often a plan is made again because somebody else was quicker.
const ATTEMPTS: usize = 3;
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
        Some(what) => Err(PlanError::Refused(vec![Problem::new(1, format!("{what} exists already"))])),
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
        let mut plan = plan(signet, description).await?;
        allow(&plan)?;
        authority::check(signet, origin, plan.changes()).await?;
        let changes = plan.take_changes();
        if changes.is_empty() {
            return Ok(plan);
        }
        let act = Act { now: signet.now(), entries: plan.entries(origin) };
        match signet.store().apply(changes, act, &mut SystemEntropy).await {
            Ok(Applied::Done) => {
                log(&plan);
                return Ok(plan);
            }
            // A name was taken since the plan was made: the next plan says by whom.
            Ok(Applied::Changed) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(PlanError::Contended)
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
