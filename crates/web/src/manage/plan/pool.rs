//! What becomes of the pool's own fields, claims and scopes.

use std::collections::BTreeMap;

use serde_json::Value;
use signet_protocol::{
    claims::built_in_claims,
    limits::{CLAIMS_PER_POOL, FIELDS_PER_POOL, SCOPES_PER_POOL},
    pool::{CustomScope, PoolSettings},
    said,
    said::Pair,
    user_field::{FieldType, UserField},
};
use signet_store::Change;

use super::{Action, Draft, Line, PlanError, fields, settings, words, words::Row};
use crate::{
    Signet,
    manage::{
        description::{ClaimEntry, Description, FieldEntry, ScopeEntry},
        problem::{guess, shown},
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
        draft.step(words::PASSWORD_POLICY.words(), changed(Some(lines), Vec::new));
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
    let (what, old) = (words::FIELD.with(name), known.get(name).copied());
    if entry.remove {
        return draft.step(what, removed(known.remove(name).is_some(), words::FIELD_GOES));
    }
    let Some(kind) = entry.kind.or(old) else {
        let types = types();
        let reason =
            said!("a new extended field needs a `type`: {types}", "新的扩展字段须有 `type`：{types}");
        return draft.refuse(entry.lines.table, reason);
    };
    known.insert(name.clone(), kind);
    let line = |old: FieldType| match old == kind {
        true => vec![],
        false => vec![
            Line::change("type", &old.as_str().into(), &kind.as_str().into()),
            words::FIELD_TYPE.with(kind.what()).into(),
        ],
    };
    draft.step(
        what,
        changed(old.map(line), || vec![Line::is_new("type", &Value::Null, &kind.as_str().into())]),
    );
}

fn types() -> String {
    FieldType::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn claim(entry: &ClaimEntry, known: &mut BTreeMap<String, UserField>, draft: &mut Draft) {
    let Some(name) = &entry.name else { return };
    let (what, old) = (words::CLAIM.with(name), known.get(name).cloned());
    if entry.remove {
        return draft.step(what, removed(known.remove(name).is_some(), words::CLAIM_GOES));
    }
    let Some(field) = entry.field.clone().or_else(|| old.clone()) else {
        return draft.refuse(
            entry.lines.table,
            Pair("a new claim needs a `field`, which it is made of", "新的声明须有 `field`，即其取值的字段"),
        );
    };
    let line = |old: UserField| match old == field {
        true => vec![],
        false => vec![Line::change("field", &old.to_string().into(), &field.to_string().into())],
    };
    draft.step(
        what,
        changed(old.map(line), || vec![Line::is_new("field", &Value::Null, &field.to_string().into())]),
    );
    known.insert(name.clone(), field);
}

fn scope(entry: &ScopeEntry, known: &mut BTreeMap<String, CustomScope>, draft: &mut Draft) {
    let Some(name) = &entry.name else { return };
    let (what, old) = (words::SCOPE.with(name), known.get(name).cloned());
    if entry.remove {
        return draft.step(what, removed(known.remove(name).is_some(), words::SCOPE_GOES));
    }
    let mut scope = old.clone().unwrap_or_default();
    entry.lay_over(&mut scope);
    let lines = old.map(|old| fields::of_scope(&old, &scope));
    draft.step(what, changed(lines, || fields::of_new_scope(&scope)));
    known.insert(name.clone(), scope);
}

fn removed(was_there: bool, effect: Row) -> Action {
    if was_there { Action::Remove(vec![effect.words().into()]) } else { Action::Absent }
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
            let reason = said!(
                "`field` names {field}, which is not declared in [[extended_fields]]",
                "`field` 所指的 {field} 没有在 [[extended_fields]] 中声明"
            );
            draft.refuse(entry.lines.of("field"), reason);
        } else if let Some(entry) =
            description.extended_fields.iter().find(|entry| entry.name.as_ref() == Some(field))
        {
            let reason = said!(
                "the claim {claim} is made of {field}; remove that claim as well",
                "声明 {claim} 取自 {field}；请一并移除该声明"
            );
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
                let known = new.claims.keys().map(String::as_str);
                let guess = guess(claim, known.chain(built_in_claims().map(|(name, _)| name)));
                let claim = shown(claim);
                let reason = said!(
                    "{claim:?} in `claims` is neither a built-in claim nor one of [[claims]]{guess}",
                    "`claims` 中的 {claim:?} 既不是内置声明，也不在 [[claims]] 中{guess}",
                    guess
                );
                draft.refuse(entry.lines.of("claims"), reason);
            } else if let Some(entry) =
                description.claims.iter().find(|entry| entry.name.as_ref() == Some(claim))
            {
                let reason = said!(
                    "the scope {scope} gives the claim; take it out of its `claims` as well",
                    "scope {scope} 会给出该声明；请一并从其 `claims` 中去掉"
                );
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
        (Pair("extended fields", "扩展字段"), new.extended_fields.len(), FIELDS_PER_POOL, fields),
        (Pair("claims", "声明"), new.claims.len(), CLAIMS_PER_POOL, claims),
        (Pair("scopes", " scope "), new.scopes.len(), SCOPES_PER_POOL, scopes),
    ] {
        if let Some(line) = last.filter(|_| number > most) {
            let reason = said!(
                "a pool may have at most {most} {what} of its own; this makes {number}",
                "用户池最多有 {most} 个自定义{what}；这样会有 {number} 个",
                what
            );
            draft.refuse(line, reason);
        }
    }
}
