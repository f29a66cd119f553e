//! `/console/settings/administrators`: who may use the console.

use std::collections::BTreeSet;

use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};
use signet_protocol::{
    id::{AppId, UserId},
    operator::{APPLICATIONS_PER_MANAGER, Administrator, Permission, Role},
    params::RawParams,
    user::LoginName,
};
use signet_store::{
    RoleChange,
    audit::{Act, Action, Entry, Named},
};

use super::frame::{SettingsWords, Tab, TabLink, tabs};
use crate::{
    audit,
    console::{
        Answer, Ask, Section, missing, moment,
        shell::{Notice, Shell, role},
        words::{Words, fill},
    },
    error::Failure,
    respond,
};

#[derive(Template)]
#[template(path = "console/settings/administrators.html")]
struct AdministratorsPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    rows: Vec<Row>,
    roles: Vec<(&'static str, &'static str)>,
    alert: Option<String>,
    may_write: bool,
    form: RawParams,
}

struct Row {
    user: UserId,
    name: String,
    account: String,
    role: &'static str,
    role_name: &'static str,
    applications: String,
    since: String,
    version: i64,
    myself: bool,
}

impl AdministratorsPage {
    /// What was typed of a role that was not given.
    fn typed(&self, name: &str) -> &str {
        let again = self.alert.is_some() && self.form.get("act") == Some("give");
        self.form.get(name).filter(|_| again).unwrap_or_default()
    }

    fn chosen(&self) -> &str {
        match self.typed("role") {
            "" => Role::Administrator.as_str(),
            role => role,
        }
    }

    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }
}

/// GET `/console/settings/administrators`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let mut rows = Vec::new();
    for one in ask.signet.store().administrators().await? {
        let row = row(ask, one).await?;
        rows.push(if alert.is_some() { row.again(ask) } else { row });
    }
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = AdministratorsPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Administrators),
        rows,
        roles: Role::ALL.iter().map(|one| (one.as_str(), role(*one).of(ask.lang))).collect(),
        alert,
        may_write: ask.may(Permission::AdministratorsWrite),
        form: ask.form.clone(),
    };
    ask.page(status, &page)
}

impl Row {
    /// As it was filled in, if the form was its.
    fn again(self, ask: &Ask) -> Row {
        let changed = ask.form.get("act") == Some("change")
            && ask.form.get("user").and_then(UserId::parse) == Some(self.user);
        let (role, applications) = (ask.form.get("role").and_then(Role::parse), ask.form.get("applications"));
        match role.zip(applications).filter(|_| changed) {
            Some((role, applications)) => {
                Row { role: role.as_str(), applications: applications.to_owned(), ..self }
            }
            None => self,
        }
    }
}

async fn row(ask: &Ask, one: Administrator) -> Result<Row, Failure> {
    let user = ask.signet.store().user(one.user).await?;
    let applications: Vec<String> = one.applications.iter().map(ToString::to_string).collect();
    Ok(Row {
        user: one.user,
        name: user.as_ref().map_or_else(|| one.user.to_string(), |user| user.display_name().to_owned()),
        account: user.as_ref().map_or_else(String::new, |user| user.account_name().to_owned()),
        role: one.role.as_str(),
        role_name: role(one.role).of(ask.lang),
        applications: applications.join(" "),
        since: moment(one.created_at),
        version: one.version,
        myself: one.user == ask.operator.user().id,
    })
}

/// POST `/console/settings/administrators`: a role that is given, changed or taken away.
pub async fn save(ask: Ask) -> Answer {
    let change = match wanted(&ask).await? {
        Ok(change) => change,
        Err(alert) => return page(&ask, Some(alert)).await,
    };
    let act = Act::new(ask.signet.now(), told(&ask, &change).await?);
    if !ask.signet.store().change_role(&change, act).await? {
        return page(&ask, Some(ask.words::<SettingsWords>().last_owner.to_owned())).await;
    }
    let by = ask.operator.user().id;
    tracing::info!(request_id = ask.edge.request_id, %by, ?change, "a role was changed");
    let done = Notice::Saved.as_str();
    Ok(respond::see_other(&format!("{}?done={done}", Tab::Administrators.path())))
}

/// What is written down of it: the role and the applications, as they were and as they are.
async fn told(ask: &Ask, change: &RoleChange) -> Result<Entry, Failure> {
    let store = ask.signet.store();
    let (user, new) = match change {
        RoleChange::Give(new) | RoleChange::Change(new) => (new.user, Some(new)),
        RoleChange::Take(old) => (old.user, None),
    };
    let old = store.administrator(user).await?;
    let named = store.user(user).await?.map_or_else(|| Named::new(user, "?"), |user| audit::user(&user));
    let both = |of: fn(&Administrator) -> Value| json!({ "old": old.as_ref().map(of), "new": new.map(of) });
    let applications =
        |one: &Administrator| one.applications.iter().map(ToString::to_string).collect::<Vec<_>>().into();
    Ok(Entry::of_admin(Action::AssignRole, ask.origin())
        .on("user", named)
        .with("role", both(|one| one.role.as_str().into()))
        .with("applications", both(applications)))
}

async fn wanted(ask: &Ask) -> Result<Result<RoleChange, String>, Failure> {
    let t: &'static SettingsWords = ask.words();
    if ask.form.get("act") == Some("give") {
        let name = ask.form.get("who").and_then(LoginName::parse);
        let user = match &name {
            Some(name) => ask.signet.store().user_by_login(name).await?,
            None => None,
        };
        let Some(user) = user else { return Ok(Err(t.no_user.to_owned())) };
        if ask.signet.store().administrator(user.id).await?.is_some() {
            return Ok(Err(t.has_role.to_owned()));
        }
        let blank = Administrator {
            user: user.id,
            role: Role::Auditor,
            applications: BTreeSet::new(),
            created_at: ask.signet.now().timestamp(),
            version: 1,
        };
        return Ok(with_role(ask, blank).await?.map(RoleChange::Give));
    }
    let user = ask.form.get("user").and_then(UserId::parse).ok_or_else(missing)?;
    let stored = ask.signet.store().administrator(user).await?.ok_or_else(missing)?;
    let seen = ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(stored.version);
    let stored = Administrator { version: seen, ..stored };
    match ask.form.get("act") {
        Some("change") => Ok(with_role(ask, stored).await?.map(RoleChange::Change)),
        Some("take") => Ok(Ok(RoleChange::Take(stored))),
        _ => Err(missing()),
    }
}

/// `one` with the role and applications of the form, or what is wrong with these.
async fn with_role(ask: &Ask, one: Administrator) -> Result<Result<Administrator, String>, Failure> {
    let t: &'static SettingsWords = ask.words();
    let role = ask.form.get("role").and_then(Role::parse).ok_or_else(missing)?;
    if role != Role::ApplicationManager {
        return Ok(Ok(Administrator { role, applications: BTreeSet::new(), ..one }));
    }
    let mut applications = BTreeSet::new();
    let mut wrong = Vec::new();
    let typed = ask.form.get("applications").unwrap_or_default();
    for text in typed.split([' ', ',', '\n', '\r']).filter(|text| !text.is_empty()) {
        let id = AppId::parse(text);
        let known = match id {
            Some(id) => ask.signet.store().application(id).await?.map(|_| id),
            None => None,
        };
        match known {
            Some(id) => drop(applications.insert(id)),
            None => wrong.push(text),
        }
    }
    Ok(if !wrong.is_empty() {
        Err(fill(t.bad_applications, wrong.join(", ")))
    } else if applications.is_empty() || applications.len() > APPLICATIONS_PER_MANAGER {
        Err(t.needs_applications.to_owned())
    } else {
        Ok(Administrator { role, applications, ..one })
    })
}
