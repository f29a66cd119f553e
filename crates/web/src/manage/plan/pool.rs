//! What becomes of the pool's own fields, claims and scopes.

use std::collections::BTreeMap;

use signet_protocol::{
    claims::built_in_claims,
    limits::{CLAIMS_PER_POOL, FIELDS_PER_POOL, SCOPES_PER_POOL},
    pool::{CustomScope, PoolSettings},
    user_field::{FieldType, UserField},
};
use signet_store::Change;

use super::{Action, Draft, Line, PlanError, fields, settings};
use crate::{
    Signet,
    manage::{
        description::{ClaimEntry, Description, FieldEntry, ScopeEntry},
        problem::{nearest, shown},
    },
};

/// Plans every entry, and says what the settings of the pool are then.
pub(super) async fn plan(
    signet: &Signet,
    description: &Description,
    draft: &mut Draft,
) -> Result<PoolSettings, PlanError> {
    if !description.is_about_pool() {
        return Ok(PoolSettings::default());
    }
    let stored = signet.store().stored_pool_settings().await?;
    let mut new = stored.clone();
    description.extended_fields.iter().for_each(|entry| field(entry, &mut new.extended_fields, draft));
    description.claims.iter().for_each(|entry| claim(entry, &mut new.claims, draft));
    description.scopes.iter().for_each(|entry| scope(entry, &mut new.scopes, draft));
    if let Some(entry) = &description.pool {
        settings::plan(signet, entry, &mut new, draft)?;
    }
    if let Some(entry) = &description.password_policy {
        entry.lay_over(&mut new.password_policy);
        let lines = fields::of_policy(&stored.password_policy, &new.password_policy);
        draft.step("password policy".to_owned(), changed(Some(lines), Vec::new));
    }
    check_claims(description, &new, draft);
    check_scopes(description, &new, draft);
    check_numbers(description, &new, draft);
    if new != stored {
        draft.plan.changes.push(Change::UpdatePool(new.clone()));
    }
    Ok(new)
}

fn field(entry: &FieldEntry, known: &mut BTreeMap<String, FieldType>, draft: &mut Draft) {
    let Some(name) = &entry.name else { return };
    let (what, old) = (format!("extended field {name}"), known.get(name).copied());
    if entry.remove {
        let effect = "values that users have stay, and nothing is made of them";
        return draft.step(what, removed(known.remove(name).is_some(), effect));
    }
    let Some(kind) = entry.kind.or(old) else {
        return draft.refuse(entry.lines.table, format!("a new extended field needs a `type`: {}", types()));
    };
    known.insert(name.clone(), kind);
    let line = |old: FieldType| match old == kind {
        true => vec![],
        false => vec![
            format!("type: {:?} → {:?}", old.as_str(), kind.as_str()),
            format!("claims are made only of values that are {}", kind.what()),
        ],
    };
    draft.step(what, changed(old.map(line), || vec![format!("type: {:?}", kind.as_str())]));
}

fn types() -> String {
    FieldType::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn claim(entry: &ClaimEntry, known: &mut BTreeMap<String, UserField>, draft: &mut Draft) {
    let Some(name) = &entry.name else { return };
    let (what, old) = (format!("claim {name}"), known.get(name).cloned());
    if entry.remove {
        return draft.step(what, removed(known.remove(name).is_some(), "it is in no token and no user info"));
    }
    let Some(field) = entry.field.clone().or_else(|| old.clone()) else {
        return draft.refuse(entry.lines.table, "a new claim needs a `field`, which it is made of");
    };
    let line = |old: UserField| match old == field {
        true => vec![],
        false => vec![format!("field: \"{old}\" → \"{field}\"")],
    };
    draft.step(what, changed(old.map(line), || vec![format!("field: \"{field}\"")]));
    known.insert(name.clone(), field);
}

fn scope(entry: &ScopeEntry, known: &mut BTreeMap<String, CustomScope>, draft: &mut Draft) {
    let Some(name) = &entry.name else { return };
    let (what, old) = (format!("scope {name}"), known.get(name).cloned());
    if entry.remove {
        let effect = "applications that ask for it get nothing for it, also where it was granted before";
        return draft.step(what, removed(known.remove(name).is_some(), effect));
    }
    let mut scope = old.clone().unwrap_or_default();
    entry.lay_over(&mut scope);
    let lines = old.map(|old| fields::of_scope(&old, &scope));
    draft.step(what, changed(lines, || fields::of_new_scope(&scope)));
    known.insert(name.clone(), scope);
}

fn removed(was_there: bool, effect: &str) -> Action {
    if was_there { Action::Remove(vec![effect.to_owned().into()]) } else { Action::Absent }
}

/// What happens to an entry of which these are the differences, `None` for a new one.
pub(super) fn changed<L: Into<Line>>(differences: Option<Vec<L>>, new: impl FnOnce() -> Vec<L>) -> Action {
    let lines = |lines: Vec<L>| lines.into_iter().map(Into::into).collect();
    match differences {
        None => Action::Create(lines(new())),
        Some(differences) if differences.is_empty() => Action::Unchanged,
        Some(differences) => Action::Update(lines(differences)),
    }
}

/// A claim is made of a field that exists. Who says otherwise is the entry of the claim, or that of a field which goes.
fn check_claims(description: &Description, new: &PoolSettings, draft: &mut Draft) {
    for (claim, field) in &new.claims {
        let UserField::Extended(field) = field else { continue };
        if new.extended_fields.contains_key(field) {
            continue;
        }
        let mut claims = description.claims.iter().filter(|entry| entry.field.is_some());
        if let Some(entry) = claims.find(|entry| entry.name.as_ref() == Some(claim)) {
            let reason = format!("`field` names {field}, which is not declared in [[extended_fields]]");
            draft.refuse(entry.lines.of("field"), reason);
        } else if let Some(entry) =
            description.extended_fields.iter().find(|entry| entry.name.as_ref() == Some(field))
        {
            let reason = format!("the claim {claim} is made of {field}; remove that claim as well");
            draft.refuse(entry.lines.of("remove"), reason);
        }
    }
}

/// A scope gives claims that exist. Who says otherwise is the entry of the scope, or that of a claim which goes.
fn check_scopes(description: &Description, new: &PoolSettings, draft: &mut Draft) {
    for (scope, settings) in &new.scopes {
        for claim in settings.claims.iter().filter(|claim| new.field_of(claim).is_none()) {
            let mut scopes = description.scopes.iter().filter(|entry| entry.claims.is_some());
            if let Some(entry) = scopes.find(|entry| entry.name.as_ref() == Some(scope)) {
                let guess = nearest(
                    claim,
                    new.claims.keys().map(String::as_str).chain(built_in_claims().map(|(name, _)| name)),
                );
                let guess = guess.map_or(String::new(), |meant| format!("; did you mean \"{meant}\"?"));
                let reason = format!(
                    "{:?} in `claims` is neither a built-in claim nor one of [[claims]]{guess}",
                    shown(claim)
                );
                draft.refuse(entry.lines.of("claims"), reason);
            } else if let Some(entry) =
                description.claims.iter().find(|entry| entry.name.as_ref() == Some(claim))
            {
                let reason =
                    format!("the scope {scope} gives the claim; take it out of its `claims` as well");
                draft.refuse(entry.lines.of("remove"), reason);
            }
        }
    }
}

fn check_numbers(description: &Description, new: &PoolSettings, draft: &mut Draft) {
    let fields = description.extended_fields.last().map(|entry| entry.lines.table);
    let claims = description.claims.last().map(|entry| entry.lines.table);
    let scopes = description.scopes.last().map(|entry| entry.lines.table);
    for (what, number, most, last) in [
        ("extended fields", new.extended_fields.len(), FIELDS_PER_POOL, fields),
        ("claims", new.claims.len(), CLAIMS_PER_POOL, claims),
        ("scopes", new.scopes.len(), SCOPES_PER_POOL, scopes),
    ] {
        if let Some(line) = last.filter(|_| number > most) {
            draft.refuse(
                line,
                format!("a pool may have at most {most} {what} of its own; this makes {number}"),
            );
        }
    }
}
