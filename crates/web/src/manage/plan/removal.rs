//! Who and what goes by a description, and what is lost with it.

use std::collections::{HashMap, HashSet};

use signet_protocol::{
    application::Application,
    id::{AppId, UserId},
    operator::Role,
    resource::{Rule, Subject},
};
use signet_store::{Change, GrantCount, StoreError};

use super::{Action, Draft, users};
use crate::{Signet, manage::description::UserEntry};

/// The users that a description makes with an id, and those it removes.
#[derive(Default)]
pub(super) struct People {
    /// Those who come.
    pub come: HashSet<UserId>,
    /// Those who go, each with the line that says so.
    pub leave: HashMap<UserId, usize>,
}

impl People {
    pub(super) async fn of(signet: &Signet, entries: &[UserEntry]) -> Result<People, StoreError> {
        let come = entries.iter().filter(|entry| !entry.remove).filter_map(|entry| entry.id).collect();
        let mut leave = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.remove) {
            // Whatever stands against it is told where the user is planned.
            if let Ok(Some(user)) = users::find(signet, entry).await? {
                leave.insert(user.id, entry.lines.table);
            }
        }
        Ok(People { come, leave })
    }

    pub(super) fn is_about_leaving(&self, rule: &Rule) -> bool {
        matches!(rule.subject, Subject::User(id) if self.leave.contains_key(&id))
    }
}

/// What goes with an application.
pub(super) async fn of_application(
    signet: &Signet,
    application: &Application,
) -> Result<Vec<String>, StoreError> {
    let lost = losses(signet, application).await?;
    let keys = if lost.secret { "its secret and its signing keys" } else { "its signing keys" };
    let lines = [
        Some(keys.to_owned()),
        counted(lost.accounts, "account", "accounts"),
        counted(lost.resources, "resource", "resources"),
        counted(lost.rules, "rule", "rules"),
        Some(grants(lost.grants)),
    ];
    Ok(lines.into_iter().flatten().map(|lost| format!("lost: {lost}")).collect())
}

/// What goes with an application, besides its signing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses {
    /// Whether it has a secret.
    pub secret: bool,
    /// Its accounts.
    pub accounts: usize,
    /// Its resources.
    pub resources: usize,
    /// Its rules.
    pub rules: usize,
    /// What users gave it.
    pub grants: GrantCount,
}

/// What would go with an application.
pub async fn losses(signet: &Signet, application: &Application) -> Result<Losses, StoreError> {
    let (store, id) = (signet.store(), application.id);
    Ok(Losses {
        secret: application.secret.is_some(),
        accounts: store.count_accounts(id).await?,
        resources: store.count_resources(Some(id)).await?,
        rules: store.count_rules(id).await?,
        grants: store.grants_of_application(id).await?,
    })
}

/// Whether nobody would own the pool without this user.
pub(in crate::manage) async fn leaves_no_owner(signet: &Signet, user: UserId) -> Result<bool, StoreError> {
    let mut owners = signet.store().administrators().await?;
    owners.retain(|one| one.role == Role::Owner);
    Ok(matches!(owners.as_slice(), [only] if only.user == user))
}

/// What goes with a user.
pub(super) async fn of_user(signet: &Signet, user: UserId) -> Result<Vec<String>, StoreError> {
    let lost = grants(signet.store().grants_of_user(user).await?);
    Ok(vec![format!("lost: their profile, logins and consents, and {lost}")])
}

/// Adds that rules about users who go do so as well. Applications that are `ruled` have all their rules in the file.
pub(super) async fn rules_about(
    signet: &Signet,
    people: &People,
    ruled: impl Fn(&AppId) -> bool,
    draft: &mut Draft,
) -> Result<(), StoreError> {
    if people.leave.is_empty() {
        return Ok(());
    }
    let gone = applications(draft);
    for of in signet.store().applications_with_rules().await? {
        if ruled(&of) || gone.contains(&of) {
            continue;
        }
        let mut removed = signet.store().stored_rules(of).await?;
        removed.retain(|rule| people.is_about_leaving(rule));
        if removed.is_empty() {
            continue;
        }
        let name =
            signet.store().application(of).await?.map(|application| application.identifier.to_string());
        let name = name.unwrap_or_else(|| of.to_string());
        let lines = vec![format!("{} removed, about users who go", removed.len()).into()];
        draft.step(format!("rules of {name}"), Action::Update(lines));
        draft.plan.changes.push(Change::Rules { of, added: Vec::new(), removed });
    }
    Ok(())
}

/// The applications that go.
pub(super) fn applications(draft: &Draft) -> HashSet<AppId> {
    let gone = draft.plan.changes.iter().filter_map(|change| match change {
        Change::DeleteApplication(application) => Some(application.id),
        _ => None,
    });
    gone.collect()
}

fn counted(number: usize, one: &str, many: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {many}")),
    }
}

fn grants(count: GrantCount) -> String {
    match count {
        GrantCount::Exactly(1) => "1 grant, whose tokens are worth nothing any more".to_owned(),
        GrantCount::Exactly(0) => "no grant".to_owned(),
        GrantCount::Exactly(number) => format!("{number} grants, whose tokens are worth nothing any more"),
        GrantCount::MoreThan(number) => {
            format!("more than {number} grants, whose tokens are worth nothing any more")
        }
    }
}
