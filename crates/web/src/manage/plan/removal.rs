//! Who and what goes by a description, and what is lost with it.

use std::collections::{HashMap, HashSet};

use signet_protocol::{
    application::Application,
    id::{AppId, UserId},
    operator::Role,
    resource::{Rule, Subject},
    said::Pair,
};
use signet_store::{Change, GrantCount, StoreError};

use super::{
    Action, Draft, users,
    words::{self, Row, Worded},
};
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
) -> Result<Vec<Worded>, StoreError> {
    let lost = losses(signet, application).await?;
    let keys = if lost.secret { words::LOST_SECRET_AND_KEYS } else { words::LOST_KEYS };
    let lines = [
        Some(keys.words()),
        counted(lost.accounts, words::LOST_ACCOUNT, words::LOST_ACCOUNTS),
        counted(lost.resources, words::LOST_RESOURCE, words::LOST_RESOURCES),
        counted(lost.rules, words::LOST_RULE, words::LOST_RULES),
        Some(grants(lost.grants)),
    ];
    Ok(lines.into_iter().flatten().map(|lost| words::LOST.with(lost)).collect())
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

/// What is told of whoever would leave the pool without an owner.
pub(super) const LAST_OWNER: Pair = Pair(
    "this user is the only owner of the pool; make somebody else one first",
    "此用户是用户池唯一的所有者；请先让其他人成为所有者",
);

/// Whether nobody who can sign in would own the pool without this user.
pub(in crate::manage) async fn leaves_no_owner(signet: &Signet, user: UserId) -> Result<bool, StoreError> {
    let mut owners = signet.store().administrators().await?;
    owners.retain(|one| one.role == Role::Owner);
    if !owners.iter().any(|one| one.user == user) {
        return Ok(false);
    }
    for other in owners.iter().filter(|one| one.user != user) {
        if signet.store().user(other.user).await?.is_some_and(|user| !user.blocked) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What goes with a user.
pub(super) async fn of_user(signet: &Signet, user: UserId) -> Result<Vec<Worded>, StoreError> {
    let lost = grants(signet.store().grants_of_user(user).await?);
    Ok(vec![words::LOST.with(words::LOST_PERSON.with(lost))])
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
        let lines = vec![words::RULES_OF_LEAVING.with(removed.len()).into()];
        draft.step(words::RULES.with(name), Action::Update(lines));
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

fn counted(number: usize, one: Row, many: Row) -> Option<Worded> {
    match number {
        0 => None,
        1 => Some(one.words()),
        number => Some(many.with(number)),
    }
}

fn grants(count: GrantCount) -> Worded {
    match count {
        GrantCount::Exactly(1) => words::LOST_GRANT.words(),
        GrantCount::Exactly(0) => words::LOST_NO_GRANT.words(),
        GrantCount::Exactly(number) => words::LOST_GRANTS.with(number),
        GrantCount::MoreThan(number) => words::LOST_MORE_GRANTS.with(number),
    }
}
