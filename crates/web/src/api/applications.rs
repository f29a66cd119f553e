//! `/applications`.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use signet_protocol::{
    application::Application,
    entropy::random,
    id::AppId,
    issuer::{Identifier, Issuer, IssuerId, Site},
    jose,
};
use signet_store::{
    ApplicationName,
    audit::{Act, Action, Entry},
};

use super::{
    Answer, Ask, PREFIX, Reply,
    body::check_members,
    pages::{Cursor, page},
    problem::{CONFLICT, FAILED, Problem},
    schemas::{APPLICATION_NAMES, application_members},
};
use crate::{Signet, audit, clock::SystemEntropy, manage::edit::Edit};

/// Behind an application, in the list by name.
struct After {
    name: String,
    id: AppId,
}

impl Cursor for After {
    const KIND: u8 = 4;

    fn bytes(&self) -> Vec<u8> {
        [self.id.bytes().as_slice(), self.name.as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<After> {
        let (id, name) = bytes.split_first_chunk::<12>()?;
        let name = String::from_utf8(name.to_vec()).ok().filter(|name| name.len() <= 2048)?;
        Some(After { name, id: AppId::from_bytes(*id) })
    }
}

/// GET `/applications`: by name.
pub async fn list(ask: Ask) -> Answer {
    let names = ask.signet.store().application_names().await?;
    let (after, limit) = (ask.cursor::<After>()?, ask.limit());
    let wanted = ask.param("q").unwrap_or_default().trim().to_lowercase();
    let place = |one: &ApplicationName| (one.name.to_lowercase(), one.id);
    let behind = |one: &&Arc<ApplicationName>| {
        after.as_ref().is_none_or(|after| place(one) > (after.name.clone(), after.id))
    };
    let found = names.iter().filter(|one| ask.caller.sees(one.id) && fits(one, &wanted)).filter(behind);
    let found: Vec<&Arc<ApplicationName>> = found.take(limit + 1).collect();
    let next = (found.len() > limit).then(|| found.get(limit.saturating_sub(1))).flatten();
    let next = next.map(|last| After { name: last.name.to_lowercase(), id: last.id }.encode());
    let items = found.iter().take(limit).map(|one| {
        json!({
            "id": one.id,
            "identifier": one.identifier.as_str(),
            "name": one.name,
            "enabled": one.enabled,
            "type": one.kind.as_str(),
            "sso": one.sso,
            "logo_uri": one.logo_uri,
        })
    });
    Ok(Reply::ok(page(items.collect(), next)))
}

fn fits(one: &ApplicationName, wanted: &str) -> bool {
    wanted.is_empty()
        || one.name.to_lowercase().contains(wanted)
        || one.identifier.as_str().contains(wanted)
        || one.id.to_string() == wanted
}

/// POST `/applications`.
pub async fn create(ask: Ask) -> Answer {
    check_members(&ask.body, application_members())?;
    let identifier = ask.text("identifier")?.unwrap_or_default();
    let identifier = Identifier::parse(identifier)
        .map_err(|reason| Problem::field("identifier", format!("`identifier` {reason}")))?;
    if ask.signet.store().application_by_identifier(&identifier).await?.is_some() {
        return Err(Problem::new(CONFLICT, format!("an application is called {identifier} already")));
    }
    let edit = said(Edit::of("applications"), &ask.body);
    edit.create(&ask.signet, &ask.origin()).await?;
    let made = ask.signet.store().application_by_identifier(&identifier).await?;
    let made = made.ok_or_else(|| Problem::new(FAILED, "the new application is not there any more"))?;
    let location = format!("{PREFIX}/applications/{}", made.id);
    Ok(Reply::created(shown(&ask.signet, &made), location).at(made.version))
}

/// GET `/applications/{app}`.
pub async fn get(ask: Ask) -> Answer {
    let application = ask.application().await?;
    Ok(Reply::ok(shown(&ask.signet, &application)).at(application.version))
}

/// PATCH `/applications/{app}`: what is said changes, what is null goes back to nothing, the rest stays (RFC 7396).
pub async fn change(ask: Ask) -> Answer {
    check_members(&ask.body, application_members())?;
    let application = ask.application().await?;
    said(edit(&ask, &application), &ask.body).save(&ask.signet, &ask.origin()).await?;
    get(ask).await
}

/// DELETE `/applications/{app}`.
pub async fn remove(ask: Ask) -> Answer {
    let application = ask.application().await?;
    edit(&ask, &application).set("remove", &true.into()).save(&ask.signet, &ask.origin()).await?;
    Ok(Reply::nothing())
}

/// GET `/applications/{app}/secret`.
pub async fn secret(ask: Ask) -> Answer {
    let application = ask.application().await?;
    let secret =
        application.secret.as_ref().ok_or_else(|| Problem::missing("secret: this is a public client"))?;
    let entry = Entry::of_admin(Action::ShowSecret, ask.origin());
    let entry = entry.on("application", audit::application(&application));
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry)).await?;
    Ok(Reply::ok(json!({ "secret": String::from_utf8_lossy(secret.expose()) })))
}

/// POST `/applications/{app}/secret/rotate`.
pub async fn rotate_secret(ask: Ask) -> Answer {
    let application = ask.application().await?;
    if application.secret.is_none() {
        return Err(Problem::missing("secret: this is a public client"));
    }
    let secret = jose::b64(&random::<32>(&mut SystemEntropy));
    let edit = edit(&ask, &application).set("secret", &secret.as_str().into());
    edit.save(&ask.signet, &ask.origin()).await?;
    Ok(Reply::ok(json!({ "secret": secret })))
}

/// A change of an application, as it was seen where that is said.
pub fn edit(ask: &Ask, application: &Application) -> Edit {
    match ask.version {
        Some(version) => Edit::application(application.id, version),
        None => Edit::of("applications").set("id", &application.id.to_string().into()),
    }
}

/// Lays the members over, in the words of a description.
fn said(edit: Edit, members: &Map<String, Value>) -> Edit {
    members.iter().fold(edit, |edit, (name, value)| edit.set(name, &described(name, value)))
}

/// A value as a description has it: nothing is an empty text or list there, and a set of keys is a text.
fn described(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("default_max_age", Value::Null) => (-1).into(),
        ("jwks", Value::Object(_)) => value.to_string().into(),
        (name, Value::Null) if LISTS.contains(&name) => json!([]),
        ("constant_claims", Value::Null) => json!({}),
        (_, Value::Null) => "".into(),
        _ => value.clone(),
    }
}

/// Members that are lists.
const LISTS: &[&str] = &[
    "redirect_uris",
    "logout_redirect_uris",
    "grant_types",
    "response_types",
    "access_rules",
    "request_uris",
    "web_origins",
    "default_acr_values",
];

/// An application as the API has it. Its secret is not in it.
pub fn shown(signet: &Signet, application: &Application) -> Value {
    let mut members = match serde_json::to_value(&application.settings) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let site = Site::Application(application.identifier.clone());
    let id = IssuerId::Application(application.id);
    let issuer = Issuer::at(&signet.settings().base_url, &site, application.pool, id);
    for (name, value) in APPLICATION_NAMES.iter().zip([
        json!(application.id),
        json!(application.identifier.as_str()),
        json!(application.name),
        json!(application.enabled),
        json!(application.secret.is_some()),
        json!(issuer.url()),
        json!(application.version),
    ]) {
        members.insert((*name).to_owned(), value);
    }
    Value::Object(members)
}
