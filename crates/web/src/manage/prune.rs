//! Completes a description that is meant to be everything: what is stored and not in it is removed.

use std::collections::{BTreeMap, HashSet};

use signet_protocol::{id::UserId, resource::Resource};
use signet_store::StoreError;

use super::{
    description::{
        AccountEntry, ApplicationEntry, ClaimEntry, Description, FieldEntry, ResourceEntry, RuleEntries,
        ScopeEntry, UserEntry,
    },
    plan::stored_user,
    reader::Lines,
};
use crate::Signet;

/// How far a description is everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prune {
    /// What it does not mention stays.
    #[default]
    Nothing,
    /// Of the pool's own fields, claims, scopes and resources, and of the resources, accounts and rules of each
    /// application in it, what is not there is removed; other applications and users stay.
    Within,
    /// Applications and users that are not there are removed as well.
    All,
}

/// Users that are removed at once at most, so that a batch stays one that others can wait for.
pub const PRUNED_USERS: usize = 1000;
/// Users that are read at once.
const PAGE: usize = 1000;

/// `description` with an entry that removes each thing which is stored and not in it, as far as `prune` says. A kind that
/// the file does not mention at all stays: `users = []` mentions users.
pub async fn complete(
    signet: &Signet,
    mut description: Description,
    prune: Prune,
) -> Result<Description, StoreError> {
    if prune == Prune::Nothing {
        return Ok(description);
    }
    of_pool(signet, &mut description).await?;
    let store = signet.store();
    for application in store.applications().await? {
        let wanted = |entry: &&mut ApplicationEntry| {
            entry.id == Some(application.id)
                || entry.id.is_none() && entry.identifier.as_ref() == Some(&application.identifier)
        };
        match description.applications.iter_mut().find(wanted) {
            Some(entry) if entry.remove => {}
            Some(entry) => {
                let stored = store.stored_resources(Some(application.id)).await?;
                resources(stored, &mut entry.resources, Lines::at(entry.lines.table));
                let have: HashSet<_> = entry.accounts.iter().filter_map(|account| account.id).collect();
                let others = store.accounts(application.id).await?;
                let others = others.iter().map(|account| account.id).filter(|id| !have.contains(id));
                let lines = Lines::at(entry.lines.table);
                let gone = others.map(|id| AccountEntry {
                    id: Some(id),
                    remove: true,
                    lines: lines.clone(),
                    ..Default::default()
                });
                entry.accounts.extend(gone.collect::<Vec<_>>());
                if entry.rules.is_none() && !store.stored_rules(application.id).await?.is_empty() {
                    entry.rules = Some(RuleEntries::default());
                }
            }
            None if prune == Prune::All && description.lines.has("applications") => {
                let lines = at(&description.lines, "applications");
                let id = Some(application.id);
                description.applications.push(ApplicationEntry {
                    id,
                    remove: true,
                    lines,
                    ..Default::default()
                });
            }
            None => {}
        }
    }
    if prune == Prune::All && description.lines.has("users") {
        users(signet, &mut description).await?;
    }
    Ok(description)
}

async fn of_pool(signet: &Signet, description: &mut Description) -> Result<(), StoreError> {
    let settings = signet.store().stored_pool_settings().await?;
    let Description { extended_fields, claims, scopes, lines, .. } = &mut *description;
    if lines.has("extended_fields") {
        let names = missing(&settings.extended_fields, extended_fields.iter().map(|entry| &entry.name));
        let lines = at(lines, "extended_fields");
        let gone = |name| FieldEntry { name: Some(name), remove: true, lines: lines.clone(), kind: None };
        extended_fields.extend(names.into_iter().map(gone));
    }
    if lines.has("claims") {
        let names = missing(&settings.claims, claims.iter().map(|entry| &entry.name));
        let lines = at(lines, "claims");
        let gone = |name| ClaimEntry { name: Some(name), remove: true, lines: lines.clone(), field: None };
        claims.extend(names.into_iter().map(gone));
    }
    if lines.has("scopes") {
        let names = missing(&settings.scopes, scopes.iter().map(|entry| &entry.name));
        let lines = at(lines, "scopes");
        let gone =
            |name| ScopeEntry { name: Some(name), remove: true, lines: lines.clone(), ..Default::default() };
        scopes.extend(names.into_iter().map(gone));
    }
    if description.lines.has("resources") {
        let stored = signet.store().stored_resources(None).await?;
        let lines = at(&description.lines, "resources");
        resources(stored, &mut description.resources, lines);
    }
    Ok(())
}

/// The stored names that no entry has.
fn missing<'e, T>(
    stored: &BTreeMap<String, T>,
    entries: impl Iterator<Item = &'e Option<String>>,
) -> Vec<String> {
    let have: HashSet<&String> = entries.flatten().collect();
    stored.keys().filter(|name| !have.contains(name)).cloned().collect()
}

fn resources(stored: Vec<Resource>, entries: &mut Vec<ResourceEntry>, lines: Lines) {
    let have: HashSet<_> = entries.iter().filter_map(|entry| entry.code.clone()).collect();
    let gone = stored.into_iter().map(|resource| resource.code).filter(|code| !have.contains(code));
    let gone = gone.map(|code| ResourceEntry {
        code: Some(code),
        remove: true,
        lines: lines.clone(),
        ..Default::default()
    });
    entries.extend(gone.collect::<Vec<_>>());
}

/// Of more users than are removed at once, those that came first go.
async fn users(signet: &Signet, description: &mut Description) -> Result<(), StoreError> {
    let mut have: HashSet<UserId> = HashSet::new();
    for entry in &description.users {
        have.extend(stored_user(signet, entry).await?);
    }
    let (mut last, mut gone) = (None, Vec::new());
    while gone.len() < PRUNED_USERS {
        let page = signet.store().users_after(last, PAGE).await?;
        let Some(user) = page.last() else { break };
        last = Some(user.id);
        gone.extend(page.into_iter().filter(|user| !have.contains(&user.id)));
    }
    gone.truncate(PRUNED_USERS);
    let line = description.lines.of("users");
    description.users.extend(gone.into_iter().map(|user| UserEntry::removal(user.id, line)));
    Ok(())
}

/// What is removed because a list does not have it is told at the place of the list.
fn at(lines: &Lines, key: &str) -> Lines {
    Lines::at(lines.of(key))
}
