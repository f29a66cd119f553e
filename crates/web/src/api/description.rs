//! `/description`: the whole pool as the file that `signet apply` reads.

use serde_json::{Value, json};
use signet_protocol::{id::UserId, operator::Permission};

use super::{
    Answer, Ask, Reply,
    body::check_members,
    pages::{Cursor, not_ours},
    problem::Problem,
};
use crate::manage::{
    apply,
    description::Description,
    export::{self, Part, Secrets},
    plan::{self, Plan, StepKind},
    problem::PROBLEMS_MAX,
    prune::{self, Prune},
};

/// Where an export goes on.
struct Behind(Part);

impl Cursor for Behind {
    const KIND: u8 = 6;

    fn bytes(&self) -> Vec<u8> {
        match &self.0 {
            Part::Pool => vec![0],
            Part::Applications(last) => [&[1], last.as_deref().unwrap_or_default().as_bytes()].concat(),
            Part::Users(last) => {
                [&[2], last.map(|id| id.bytes().to_vec()).unwrap_or_default().as_slice()].concat()
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<Behind> {
        let (kind, rest) = bytes.split_first()?;
        let part = match (*kind, rest) {
            (0, []) => Part::Pool,
            (1, []) => Part::Applications(None),
            (1, label) if label.len() <= 64 => {
                Part::Applications(Some(String::from_utf8(label.to_vec()).ok()?))
            }
            (2, []) => Part::Users(None),
            (2, id) => Part::Users(Some(UserId::from_bytes(id.try_into().ok()?))),
            _ => return None,
        };
        Some(Behind(part))
    }
}

/// GET `/description`: a part of the text; the parts behind one another are the file.
pub async fn get(ask: Ask) -> Answer {
    let part = match ask.param("cursor") {
        None => Part::Pool,
        Some(text) => Behind::parse(text).ok_or_else(not_ours)?.0,
    };
    let secrets = match ask.param("secrets") {
        Some("sealed") if !ask.caller.may(Permission::SecretsRead, None) => {
            return Err(Problem::lacks(&[Permission::SecretsRead]));
        }
        Some("sealed") => Secrets::Sealed,
        _ => Secrets::LeftOut,
    };
    let page = export::page(&ask.signet, part, secrets).await?;
    let next = page.next.map(|part| Behind(part).encode());
    Ok(Reply::ok(json!({ "text": page.text, "next": next })))
}

/// POST `/description/plan`: what applying a file would do.
pub async fn plan(ask: Ask) -> Answer {
    let (description, prune) = read(&ask)?;
    let whole = prune::complete(&ask.signet, description, prune).await?;
    Ok(Reply::ok(shown(&plan::plan(&ask.signet, &whole).await?)))
}

/// POST `/description/apply`.
pub async fn apply(ask: Ask) -> Answer {
    let (description, prune) = read(&ask)?;
    let plan = apply::apply_pruned(&ask.signet, description, prune, &ask.origin()).await?;
    Ok(Reply::ok(shown(&plan)))
}

fn read(ask: &Ask) -> Result<(Description, Prune), Problem> {
    check_members(&ask.body, ["text", "prune"].into_iter())?;
    let text =
        ask.text("text")?.ok_or_else(|| Problem::field("text", "`text` is missing: the file, as TOML"))?;
    let prune = match ask.text("prune")? {
        None | Some("nothing") => Prune::Nothing,
        Some("within") => Prune::Within,
        Some("all") => Prune::All,
        Some(_) => return Err(Problem::field("prune", "`prune` must be one of nothing, within, all")),
    };
    let description = Description::parse(text).map_err(|problems| {
        let told = problems.into_iter().take(PROBLEMS_MAX);
        Problem::from(plan::PlanError::Refused(told.collect()))
    })?;
    Ok((description, prune))
}

fn shown(plan: &Plan) -> Value {
    let steps = plan.steps().map(|step| {
        let kind = match step.kind {
            StepKind::Create => "create",
            StepKind::Change => "change",
            StepKind::Remove => "remove",
            StepKind::Keep => "keep",
            StepKind::Absent => "absent",
        };
        let lines: Vec<String> = step.lines.iter().map(ToString::to_string).collect();
        json!({ "what": step.what, "kind": kind, "lines": lines })
    });
    let steps: Vec<Value> = steps.collect();
    let (created, changed, unchanged) = plan.counts();
    json!({ "created": created, "changed": changed, "unchanged": unchanged, "steps": steps })
}
