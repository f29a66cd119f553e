//! Which stored application an entry means, and what becomes of it.

use std::{collections::BTreeMap, sync::Arc};

use signet_protocol::{
    application::Application,
    entropy::random,
    id::AppId,
    issuer::Identifier,
    jose, said,
    said::{Pair, Said},
    secret::Secret,
};
use signet_store::{Change, SecretOf};

use super::{Action, Draft, PlanError, Target, fields, removal, unsealed, words, words::Worded};
use crate::{
    Signet,
    clock::SystemEntropy,
    manage::{description::ApplicationEntry, problem::shown, rules::check_application, sector},
    outbound::OutboundError,
};

/// Plans every entry, in the order of the file, and says which applications they mean.
pub(super) async fn plan<'d>(
    signet: &Signet,
    entries: &'d [ApplicationEntry],
    draft: &mut Draft,
) -> Result<Vec<Target<'d>>, PlanError> {
    let mut targets = Vec::new();
    if entries.is_empty() {
        return Ok(targets);
    }
    let stored = signet.store().applications().await?;
    let mut met = BTreeMap::new();
    for entry in entries {
        match target(entry, &stored) {
            Err((key, reason)) => draft.refuse(entry.lines.of(key), reason),
            Ok(None) if entry.remove => draft.step(name_of(entry), Action::Absent),
            Ok(None) => targets.extend(create(signet, entry, draft).await?),
            Ok(Some(old)) => {
                if let Some(line) = met.insert(old.id, entry.lines.table) {
                    let same =
                        said!("this is the application of line {line} again", "与第 {line} 行是同一个应用");
                    draft.refuse(entry.lines.table, same);
                } else if entry.remove {
                    let losses = removal::of_application(signet, old).await?;
                    draft.remove(headline(&old.identifier), losses, Change::DeleteApplication(old.clone()));
                } else {
                    update(signet, entry, old, draft).await?;
                    targets.push(Target { id: old.id, identifier: old.identifier.clone(), entry });
                }
            }
        }
    }
    Ok(targets)
}

type Refused = (&'static str, Said);

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
    let reason = said!(
        "`identifier` \"{identifier}\" belongs to another application, {id}",
        "`identifier` \"{identifier}\" 已属于另一个应用 {id}"
    );
    ("identifier", reason)
}

async fn create<'d>(
    signet: &Signet,
    entry: &'d ApplicationEntry,
    draft: &mut Draft,
) -> Result<Option<Target<'d>>, PlanError> {
    let (Some(identifier), Some(name)) = (&entry.identifier, &entry.name) else {
        let missing = match entry.identifier {
            None => Pair("a new application needs an `identifier`", "新应用须有 `identifier`"),
            Some(_) => Pair("a new application needs a `name`", "新应用须有 `name`"),
        };
        draft.refuse(entry.lines.table, missing);
        return Ok(None);
    };
    let mut application = new(signet, entry, identifier, name);
    let unread = lay_secret(signet, entry, &mut application, draft)?;
    give_secret(&mut application);
    let target = Target { id: application.id, identifier: identifier.clone(), entry };
    if refuse(signet, entry, None, &application, draft).await? || unread {
        return Ok(None);
    }
    let lines = fields::of_new_application(&application, entry.secret.is_some());
    draft.create(headline(&application.identifier), lines, Change::InsertApplication(application));
    Ok(Some(target))
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
    application
}

async fn update(
    signet: &Signet,
    entry: &ApplicationEntry,
    old: &Application,
    draft: &mut Draft,
) -> Result<(), PlanError> {
    let mut application = old.clone();
    entry.lay_over(&mut application);
    let unread = lay_secret(signet, entry, &mut application, draft)?;
    give_secret(&mut application);
    if refuse(signet, entry, Some(old), &application, draft).await? || unread {
        return Ok(());
    }
    let lines = fields::of_application(old, &application);
    draft.update(headline(&old.identifier), lines, Change::UpdateApplication(application));
    Ok(())
}

/// Lays the entry's secret over the application; `true` when it cannot be read.
fn lay_secret(
    signet: &Signet,
    entry: &ApplicationEntry,
    application: &mut Application,
    draft: &mut Draft,
) -> Result<bool, PlanError> {
    let Some(secret) = &entry.secret else { return Ok(false) };
    let secret = unsealed(signet, secret, entry.id.map(SecretOf::Application))?;
    let unread = secret.is_err();
    match secret {
        Ok(secret) => application.secret = Some(secret),
        Err(reason) => draft.refuse(entry.lines.of("secret"), reason),
    }
    Ok(unread)
}

/// Who can keep a secret has one.
fn give_secret(application: &mut Application) {
    if !application.settings.kind.is_public() && application.secret.is_none() {
        application.secret = Some(Secret::new(jose::b64(&random::<32>(&mut SystemEntropy))));
    }
}

async fn refuse(
    signet: &Signet,
    entry: &ApplicationEntry,
    old: Option<&Application>,
    application: &Application,
    draft: &mut Draft,
) -> Result<bool, PlanError> {
    let mut broken = check_application(application);
    broken.extend(unreachable(signet, entry));
    broken.extend(of_a_pool(signet, old, application).await?);
    if broken.is_empty() {
        broken.extend(outside_sector(signet, old, application).await);
    }
    for (key, reason) in &broken {
        draft.refuse(entry.lines.of(key), reason);
    }
    Ok(!broken.is_empty())
}

/// A new authentication address must not be where another user pool lives.
async fn of_a_pool(
    signet: &Signet,
    old: Option<&Application>,
    application: &Application,
) -> Result<Option<Refused>, PlanError> {
    let identifier = &application.identifier;
    let same = old.is_some_and(|old| old.identifier == *identifier);
    if same || signet.store().label_is_free(identifier).await? {
        return Ok(None);
    }
    let reason = said!(
        "`identifier` \"{identifier}\" makes the address of another user pool; choose another",
        "`identifier` \"{identifier}\" 会成为另一个用户池的地址；请另选一个"
    );
    Ok(Some(("identifier", reason)))
}

/// The addresses of an entry that Signet would never ask.
fn unreachable(signet: &Signet, entry: &ApplicationEntry) -> Vec<Refused> {
    let keys = entry.jwks_uri.iter().flatten().map(|url| ("jwks_uri", url.as_str()));
    let objects = entry.request_uris.iter().flatten().map(|uri| ("request_uris", uri.as_str()));
    let asked = keys.chain(objects).map(|(key, url)| (key, url, signet.outbound().check(url)));
    let refused = |(key, url, checked): (&'static str, &str, Result<(), OutboundError>)| {
        let (error, url) = (checked.err()?, shown(url));
        let reason = said!(
            "`{key}` has {url:?}, which cannot be fetched: {error}",
            "`{key}` 中的 {url:?} 无法获取：{error}",
            error
        );
        Some((key, reason))
    };
    asked.filter_map(refused).collect()
}

/// The list of a sector is fetched when it, or what must be in it, is new.
async fn outside_sector(
    signet: &Signet,
    old: Option<&Application>,
    application: &Application,
) -> Option<Refused> {
    let settings = &application.settings;
    let uri = settings.sector_identifier_uri.as_ref()?;
    let same = old.is_some_and(|old| {
        old.settings.sector_identifier_uri.as_ref() == Some(uri)
            && old.settings.redirect_uris == settings.redirect_uris
    });
    if same {
        return None;
    }
    let error = sector::check(signet.outbound(), uri, &settings.redirect_uris).await.err()?;
    let reason = said!("`sector_identifier_uri` {error}", "`sector_identifier_uri` {error}", error);
    Some(("sector_identifier_uri", reason))
}

/// What an entry calls an application that is not there.
fn name_of(entry: &ApplicationEntry) -> Worded {
    let name = entry.identifier.as_ref().map(ToString::to_string);
    words::APPLICATION.with(name.or(entry.id.map(|id| id.to_string())).unwrap_or_default())
}

fn headline(identifier: &Identifier) -> Worded {
    words::APPLICATION.with(identifier)
}
