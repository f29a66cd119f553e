//! Resources, of an application and of the pool, and the rules of an application.

use serde_json::{Value, json};
use signet_protocol::{
    jose,
    resource::{Resource, Rule},
};
use signet_store::Change;

use super::{
    Answer, Ask, PREFIX, Reply,
    body::check_members,
    pages::{AfterName, Cursor, page},
    problem::{CONFLICT, Problem},
};
use crate::manage::{
    edit::Edit,
    plan::{Plan, PlanError},
};

/// The members of a resource.
const RESOURCE: [&str; 6] = ["code", "type", "name", "description", "actions", "api_identifier"];

/// GET `/applications/{app}/resources`, `/resources`.
pub async fn resources(ask: Ask) -> Answer {
    let all = stored(&ask).await?;
    let codes = all.into_iter().map(|resource| (resource.code.as_str().to_owned(), json!(resource)));
    by_name(&ask, codes)
}

/// GET of one.
pub async fn resource(ask: Ask) -> Answer {
    let found = stored(&ask).await?.into_iter().find(|resource| resource.code.as_str() == ask.part("code"));
    Ok(Reply::ok(json!(found.ok_or_else(|| Problem::missing("resource"))?)))
}

/// POST: a new one.
pub async fn create_resource(ask: Ask) -> Answer {
    check_members(&ask.body, RESOURCE.into_iter())?;
    let code = ask.text("code")?.unwrap_or_default().to_owned();
    if stored(&ask).await?.iter().any(|resource| resource.code.as_str() == code) {
        return Err(Problem::new(CONFLICT, format!("there is a resource {code} already")));
    }
    put(&ask, Value::Object(ask.body.clone())).await?;
    let found = stored(&ask).await?.into_iter().find(|resource| resource.code.as_str() == code);
    let location = match ask.part("app") {
        "" => format!("{PREFIX}/resources/{code}"),
        app => format!("{PREFIX}/applications/{app}/resources/{code}"),
    };
    Ok(Reply::created(json!(found.ok_or_else(|| Problem::missing("resource"))?), location))
}

/// PATCH of one.
pub async fn change_resource(ask: Ask) -> Answer {
    check_members(&ask.body, RESOURCE.into_iter().filter(|name| *name != "code"))?;
    exists(&ask).await?;
    let mut members = ask.body.clone();
    for (name, value) in &mut members {
        if value.is_null() {
            *value = if name == "actions" { json!([]) } else { "".into() };
        }
    }
    members.insert("code".to_owned(), ask.part("code").into());
    put(&ask, Value::Object(members)).await?;
    resource(ask).await
}

/// DELETE of one.
pub async fn remove_resource(ask: Ask) -> Answer {
    exists(&ask).await?;
    put(&ask, json!({ "code": ask.part("code"), "remove": true })).await?;
    Ok(Reply::nothing())
}

async fn exists(ask: &Ask) -> Result<(), Problem> {
    let known = stored(ask).await?.iter().any(|resource| resource.code.as_str() == ask.part("code"));
    super::ask::found(known, "resource")
}

async fn stored(ask: &Ask) -> Result<Vec<Resource>, Problem> {
    let of = match ask.part("app") {
        "" => None,
        _ => Some(ask.application().await?.id),
    };
    Ok(ask.signet.store().stored_resources(of).await?)
}

async fn put(ask: &Ask, entry: Value) -> Result<(), Problem> {
    let entries = Value::Array(vec![entry]);
    let edit = match ask.part("app") {
        "" => Edit::list("resources", &entries),
        _ => of_application(ask).await?.set("resources", &entries),
    };
    edit.save(&ask.signet, &ask.origin()).await?;
    Ok(())
}

async fn of_application(ask: &Ask) -> Result<Edit, Problem> {
    let application = ask.application().await?;
    Ok(Edit::of("applications").set("id", &application.id.to_string().into()))
}

/// GET `/applications/{app}/rules`: by the id of each, which is a hash of what it says.
pub async fn rules(ask: Ask) -> Answer {
    let application = ask.application().await?;
    let mut all: Vec<(String, Value)> =
        ask.signet.store().stored_rules(application.id).await?.iter().map(identified).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    by_name(&ask, all.into_iter())
}

/// POST `/applications/{app}/rules`: one more.
pub async fn add_rule(ask: Ask) -> Answer {
    let rule: Rule = serde_json::from_value(Value::Object(ask.body.clone()))
        .map_err(|error| Problem::field("", format!("this is no rule: {error}")))?;
    let (id, shown) = identified(&rule);
    let application = ask.application().await?;
    let mut all = ask.signet.store().stored_rules(application.id).await?;
    if all.contains(&rule) {
        return Err(Problem::new(CONFLICT, format!("the application has this rule already: {id}")));
    }
    all.push(rule.clone());
    replace(&ask, &all, |added, removed| removed.is_empty() && added.iter().all(|one| *one == rule)).await?;
    let location = format!("{PREFIX}/applications/{}/rules/{id}", application.id);
    Ok(Reply::created(shown, location))
}

/// DELETE `/applications/{app}/rules/{rule}`.
pub async fn remove_rule(ask: Ask) -> Answer {
    let application = ask.application().await?;
    let mut all = ask.signet.store().stored_rules(application.id).await?;
    let place = all.iter().position(|rule| identified(rule).0 == ask.part("rule"));
    let rule = place.map(|place| all.swap_remove(place)).ok_or_else(|| Problem::missing("rule"))?;
    replace(&ask, &all, |added, removed| added.is_empty() && removed.iter().all(|one| *one == rule)).await?;
    Ok(Reply::nothing())
}

/// Makes these the rules, unless others than `meant` would come or go: somebody else changed them meanwhile.
async fn replace(ask: &Ask, all: &[Rule], meant: impl Fn(&[Rule], &[Rule]) -> bool) -> Result<(), Problem> {
    let edit = of_application(ask).await?.set("rules", &json!(all));
    let as_meant = |plan: &Plan| {
        let good = plan.changes().iter().all(|change| match change {
            Change::Rules { added, removed, .. } => meant(added, removed),
            _ => true,
        });
        if good { Ok(()) } else { Err(PlanError::Contended) }
    };
    edit.save_if(&ask.signet, &ask.origin(), as_meant).await?;
    Ok(())
}

/// A rule with its id.
fn identified(rule: &Rule) -> (String, Value) {
    let mut value = json!(rule);
    let id = jose::b64(&jose::sha256(value.to_string().as_bytes()));
    if let Some(members) = value.as_object_mut() {
        members.insert("id".to_owned(), id.as_str().into());
    }
    (id, value)
}

/// A page of what is sorted by name.
pub fn by_name(ask: &Ask, all: impl Iterator<Item = (String, Value)>) -> Answer {
    let (after, limit) = (ask.cursor::<AfterName>()?, ask.limit());
    let mut found = all.filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after.0));
    let mut items: Vec<(String, Value)> = found.by_ref().take(limit).collect();
    let last = items.last().filter(|_| found.next().is_some());
    let next = last.map(|(name, _)| AfterName(name.clone()).encode());
    Ok(Reply::ok(page(items.drain(..).map(|(_, value)| value).collect(), next)))
}
