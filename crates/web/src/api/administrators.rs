//! `/administrators`: who may use the console.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signet_protocol::{
    id::{AppId, UserId},
    operator::{APPLICATIONS_PER_MANAGER, Administrator, Role},
};
use signet_store::{
    RoleChange,
    audit::{Act, Action, Entry, Named},
};

use super::{
    Answer, Ask, Reply,
    body::check_members,
    pages::page,
    problem::{CONFLICT, Problem, STALE},
};
use crate::audit;

/// GET `/administrators`.
pub async fn list(ask: Ask) -> Answer {
    let all = ask.signet.store().administrators().await?;
    Ok(Reply::ok(page(all.iter().map(shown).collect(), None)))
}

/// GET `/administrators/{user}`.
pub async fn get(ask: Ask) -> Answer {
    let one = stored(&ask, ask.user()?).await?.ok_or_else(|| Problem::missing("administrator"))?;
    Ok(Reply::ok(shown(&one)).at(one.version))
}

/// PUT `/administrators/{user}`: gives a role, or another.
pub async fn put(ask: Ask) -> Answer {
    check_members(&ask.body, ["role", "applications"].into_iter())?;
    let id = ask.user()?;
    let user = ask.signet.store().user(id).await?.ok_or_else(|| Problem::missing("user"))?;
    let role = ask.text("role")?.and_then(Role::parse).ok_or_else(|| {
        let all: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        Problem::field("role", format!("`role` must be one of {}", all.join(", ")))
    })?;
    let applications = applications(&ask, role).await?;
    let old = stored(&ask, id).await?;
    stale(&ask, old.as_ref())?;
    let (created_at, version) = match &old {
        Some(old) => (old.created_at, old.version),
        None => (ask.signet.now().timestamp(), 1),
    };
    let new = Administrator { user: user.id, role, applications, created_at, version };
    if old.as_ref().is_some_and(|old| (old.role, &old.applications) == (new.role, &new.applications)) {
        return get(ask).await;
    }
    let change = if old.is_some() { RoleChange::Change(new) } else { RoleChange::Give(new) };
    save(&ask, &change, old.as_ref()).await?;
    get(ask).await
}

/// DELETE `/administrators/{user}`.
pub async fn remove(ask: Ask) -> Answer {
    let old = stored(&ask, ask.user()?).await?.ok_or_else(|| Problem::missing("administrator"))?;
    stale(&ask, Some(&old))?;
    save(&ask, &RoleChange::Take(old.clone()), Some(&old)).await?;
    Ok(Reply::nothing())
}

async fn stored(ask: &Ask, user: UserId) -> Result<Option<Administrator>, Problem> {
    Ok(ask.signet.store().administrator(user).await?)
}

fn stale(ask: &Ask, old: Option<&Administrator>) -> Result<(), Problem> {
    match (ask.version, old) {
        (Some(seen), old) if old.map(|old| old.version) != Some(seen) => {
            Err(Problem::new(STALE, "their role is not any more as If-Match has seen it; get it again"))
        }
        _ => Ok(()),
    }
}

async fn applications(ask: &Ask, role: Role) -> Result<BTreeSet<AppId>, Problem> {
    let wrong = |message: String| Problem::field("applications", message);
    let listed = match ask.body.get("applications") {
        None | Some(Value::Null) => &Vec::new(),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(wrong("`applications` must be a list of App IDs".to_owned())),
    };
    let mut applications = BTreeSet::new();
    for entry in listed {
        let id = entry.as_str().and_then(AppId::parse);
        let known = match id {
            Some(id) => ask.signet.store().application(id).await?.map(|_| id),
            None => None,
        };
        applications.insert(known.ok_or_else(|| wrong(format!("there is no application {entry}")))?);
    }
    match (role, applications.len()) {
        (Role::ApplicationManager, 1..=APPLICATIONS_PER_MANAGER) => Ok(applications),
        (Role::ApplicationManager, _) => {
            Err(wrong(format!("who manages applications needs 1 to {APPLICATIONS_PER_MANAGER} of them")))
        }
        (_, 0) => Ok(applications),
        _ => Err(wrong("only who manages applications has a list of them; leave it out".to_owned())),
    }
}

async fn save(ask: &Ask, change: &RoleChange, old: Option<&Administrator>) -> Result<(), Problem> {
    let store = ask.signet.store();
    let (id, new) = match change {
        RoleChange::Give(new) | RoleChange::Change(new) => (new.user, Some(new)),
        RoleChange::Take(old) => (old.user, None),
    };
    let named = store.user(id).await?.map_or_else(|| Named::new(id, "?"), |user| audit::user(&user));
    let both = |of: fn(&Administrator) -> Value| json!({ "old": old.map(of), "new": new.map(of) });
    let entry = Entry::of_admin(Action::AssignRole, ask.origin())
        .on("user", named)
        .with("role", both(|one| one.role.as_str().into()))
        .with("applications", both(|one| json!(one.applications)));
    if store.change_role(change, Act::new(ask.signet.now(), entry)).await? {
        Ok(())
    } else {
        Err(Problem::new(
            CONFLICT,
            "it was changed meanwhile, or nobody would own the pool; look at it again",
        ))
    }
}

fn shown(one: &Administrator) -> Value {
    json!({
        "user": one.user,
        "role": one.role.as_str(),
        "applications": one.applications,
        "created_at": one.created_at,
        "version": one.version,
    })
}
