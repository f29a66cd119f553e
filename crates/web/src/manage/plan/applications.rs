//! Which stored application an entry means, and what becomes of it.

use std::{collections::BTreeMap, sync::Arc};

use signet_protocol::{
    application::Application, entropy::random, id::AppId, issuer::Identifier, jose, secret::Secret,
};
use signet_store::Change;

use super::{Draft, PlanError, fields};
use crate::{
    Signet,
    clock::SystemEntropy,
    manage::{description::ApplicationEntry, problem::shown, rules::check_application},
    outbound::OutboundError,
};

/// Plans every entry, in the order of the file.
pub(super) async fn plan(
    signet: &Signet,
    entries: &[ApplicationEntry],
    draft: &mut Draft,
) -> Result<(), PlanError> {
    if entries.is_empty() {
        return Ok(());
    }
    let stored = signet.store().applications().await?;
    let mut met = BTreeMap::new();
    for entry in entries {
        match target(entry, &stored) {
            Err((key, reason)) => draft.refuse(entry.lines.of(key), reason),
            Ok(None) => create(signet, entry, draft),
            Ok(Some(old)) => {
                if let Some(line) = met.insert(old.id, entry.lines.table) {
                    let same = format!("this is the application of line {line} again");
                    draft.refuse(entry.lines.table, same);
                } else {
                    update(signet, entry, old, draft);
                }
            }
        }
    }
    Ok(())
}

type Refused = (&'static str, String);

/// The stored application that `entry` means: the one of its id, else of its identifier.
fn target<'s>(
    entry: &ApplicationEntry,
    stored: &'s [Arc<Application>],
) -> Result<Option<&'s Application>, Refused> {
    let by_id = stored.iter().find(|app| entry.id == Some(app.id));
    let by_identifier = stored.iter().find(|app| entry.identifier.as_ref() == Some(&app.identifier));
    match (by_id, by_identifier) {
        (Some(found), Some(other)) if found.id != other.id => Err(taken(other)),
        (None, Some(other)) if entry.id.is_some() => Err(taken(other)),
        (found, other) => Ok(found.or(other).map(Arc::as_ref)),
    }
}

fn taken(other: &Application) -> Refused {
    let Application { identifier, id, .. } = other;
    ("identifier", format!("`identifier` \"{identifier}\" belongs to another application, {id}"))
}

fn create(signet: &Signet, entry: &ApplicationEntry, draft: &mut Draft) {
    let (Some(identifier), Some(name)) = (&entry.identifier, &entry.name) else {
        let missing = if entry.identifier.is_none() { "an `identifier`" } else { "a `name`" };
        return draft.refuse(entry.lines.table, format!("a new application needs {missing}"));
    };
    let application = new(signet, entry, identifier, name);
    if refuse(signet, entry, &application, draft) {
        return;
    }
    let lines = fields::of_new_application(&application, entry.secret.is_some());
    draft.create(headline(&application.identifier), lines, Change::InsertApplication(application));
}

fn new(signet: &Signet, entry: &ApplicationEntry, identifier: &Identifier, name: &str) -> Application {
    let mut application = Application {
        id: entry.id.unwrap_or_else(|| AppId::generate(signet.now(), &mut SystemEntropy)),
        pool: signet.store().pool().id,
        identifier: identifier.clone(),
        name: name.to_owned(),
        enabled: true,
        secret: None,
        settings: entry.defaults(),
        version: 1,
    };
    entry.lay_over(&mut application);
    give_secret(&mut application);
    application
}

fn update(signet: &Signet, entry: &ApplicationEntry, old: &Application, draft: &mut Draft) {
    let mut application = old.clone();
    entry.lay_over(&mut application);
    give_secret(&mut application);
    if refuse(signet, entry, &application, draft) {
        return;
    }
    let lines = fields::of_application(old, &application);
    draft.update(headline(&old.identifier), lines, Change::UpdateApplication(application));
}

/// Who can keep a secret has one.
fn give_secret(application: &mut Application) {
    if !application.settings.kind.is_public() && application.secret.is_none() {
        application.secret = Some(Secret::new(jose::b64(&random::<32>(&mut SystemEntropy))));
    }
}

fn refuse(signet: &Signet, entry: &ApplicationEntry, application: &Application, draft: &mut Draft) -> bool {
    let mut broken = check_application(application);
    broken.extend(unreachable(signet, entry));
    for (key, reason) in &broken {
        draft.refuse(entry.lines.of(key), reason);
    }
    !broken.is_empty()
}

/// The addresses of an entry that Signet would never ask.
fn unreachable(signet: &Signet, entry: &ApplicationEntry) -> Vec<Refused> {
    let keys = entry.jwks_uri.iter().flatten().map(|url| ("jwks_uri", url.as_str()));
    let objects = entry.request_uris.iter().flatten().map(|uri| ("request_uris", uri.as_str()));
    let asked = keys.chain(objects).map(|(key, url)| (key, url, signet.outbound().check(url)));
    let refused = |(key, url, checked): (&'static str, &str, Result<(), OutboundError>)| {
        let error = checked.err()?;
        Some((key, format!("`{key}` has {:?}, which cannot be fetched: {error}", shown(url))))
    };
    asked.filter_map(refused).collect()
}

fn headline(identifier: &Identifier) -> String {
    format!("application {identifier}")
}
