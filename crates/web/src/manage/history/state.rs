//! What a plan changes of the configuration and of users, before and after, as exports have it.

use std::collections::BTreeSet;

use signet_protocol::{
    account::Account,
    application::Application,
    id::{AppId, UserId},
    pool::PoolSettings,
    resource::{Resource, ResourceCode, Rule, Subject},
    user::User,
};
use signet_store::{Change, SecretOf, StoreError};

use crate::{
    Signet,
    manage::export::{
        Form,
        entries::{self, ApplicationParts},
    },
};

/// An application, with as much of it as is changed.
#[derive(Clone, Default)]
struct State {
    application: Option<Application>,
    resources: Vec<Resource>,
    accounts: Vec<Account>,
    rules: Vec<Rule>,
}

/// The pool's own part.
#[derive(Clone)]
struct PoolState {
    settings: PoolSettings,
    resources: Vec<Resource>,
}

/// Two exports of the same, one before and one after a plan.
pub(super) struct Both {
    pub before: String,
    pub after: String,
}

/// The applications that changes are about.
pub(super) fn applications(changes: &[Change]) -> Vec<AppId> {
    let about = |change: &Change| match change {
        Change::InsertApplication(one) | Change::UpdateApplication(one) | Change::DeleteApplication(one) => {
            Some(one.id)
        }
        Change::InsertAccount(one) | Change::UpdateAccount(one) | Change::DeleteAccount(one) => {
            Some(one.application)
        }
        Change::Resources { of, .. } => *of,
        Change::Rules { of, .. } => Some(*of),
        _ => None,
    };
    changes.iter().filter_map(about).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The users that changes are about.
pub(super) fn users(changes: &[Change]) -> Vec<UserId> {
    let about = |change: &Change| match change {
        Change::InsertUser(one) | Change::UpdateUser(one) | Change::DeleteUser(one) => Some(one.id),
        _ => None,
    };
    changes.iter().filter_map(about).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The user that a change is about, if it is about one. Passwords are not in it.
pub(super) async fn user(signet: &Signet, change: &Change) -> Result<Option<Both>, StoreError> {
    let written = |user: &User| entries::user(user, Form::Whole, false);
    Ok(match change {
        Change::InsertUser(user) => Some(Both { before: String::new(), after: written(user) }),
        Change::DeleteUser(user) => Some(Both { before: written(user), after: String::new() }),
        Change::UpdateUser(user) => {
            // Whoever is not there any more is refused by the guard of the version.
            let stored = signet.store().stored_user(user.id).await?;
            let before = stored.as_ref().map(written).unwrap_or_default();
            Some(Both { before, after: written(user) })
        }
        _ => None,
    })
}

/// The pool's own part, if changes are about it.
pub(super) async fn pool(signet: &Signet, changes: &[Change]) -> Result<Option<Both>, StoreError> {
    let about =
        |change: &Change| matches!(change, Change::UpdatePool(_) | Change::Resources { of: None, .. });
    if !changes.iter().any(about) {
        return Ok(None);
    }
    let store = signet.store();
    let (settings, resources) = (store.stored_pool_settings().await?, store.stored_resources(None).await?);
    let before = PoolState { settings, resources };
    let mut after = before.clone();
    for change in changes {
        match change {
            Change::UpdatePool(settings) => after.settings = settings.clone(),
            Change::Resources { of: None, put, removed } => lay_over(&mut after.resources, put, removed),
            _ => {}
        }
    }
    let written = |state: &PoolState| entries::pool(&state.settings, &state.resources, Form::Whole);
    Ok(Some(Both { before: written(&before), after: written(&after) }))
}

/// One application.
pub(super) async fn application(signet: &Signet, id: AppId, changes: &[Change]) -> Result<Both, StoreError> {
    let before = load(signet, id, changes).await?;
    let mut after = before.clone();
    for change in changes {
        after.lay(id, change);
    }
    Ok(Both { before: before.written(signet)?, after: after.written(signet)? })
}

async fn load(signet: &Signet, id: AppId, changes: &[Change]) -> Result<State, StoreError> {
    let store = signet.store();
    let Some(application) = stored(signet, id, changes).await? else { return Ok(State::default()) };
    let mut state = State { application: Some(application), ..State::default() };
    let any = |wanted: &dyn Fn(&Change) -> bool| {
        changes
            .iter()
            .any(|change| matches!(change, Change::DeleteApplication(one) if one.id == id) || wanted(change))
    };
    if any(&|change| matches!(change, Change::Resources { of, .. } if *of == Some(id))) {
        state.resources = store.stored_resources(Some(id)).await?;
    }
    let of_account = |change: &Change| {
        matches!(change, Change::InsertAccount(one) | Change::UpdateAccount(one) | Change::DeleteAccount(one)
            if one.application == id)
    };
    if any(&of_account) {
        state.accounts = store.accounts(id).await?;
    }
    let of_rules = |change: &Change| match change {
        Change::Rules { of, .. } => *of == id,
        Change::DeleteAccount(one) => one.application == id,
        _ => false,
    };
    if any(&of_rules) {
        state.rules = store.stored_rules(id).await?;
    }
    Ok(state)
}

/// The application as the plan has read it. What is in memory may be a second old where another node wrote.
async fn stored(signet: &Signet, id: AppId, changes: &[Change]) -> Result<Option<Application>, StoreError> {
    let seen = changes.iter().find_map(|change| match change {
        Change::InsertApplication(one) if one.id == id => Some(None),
        Change::UpdateApplication(one) | Change::DeleteApplication(one) if one.id == id => {
            Some(Some(one.version))
        }
        _ => None,
    });
    let store = signet.store();
    match seen {
        Some(None) => Ok(None),
        None => Ok(store.application(id).await?.map(|found| (*found).clone())),
        Some(Some(version)) => match store.application(id).await? {
            Some(found) if found.version == version => Ok(Some((*found).clone())),
            _ => Ok(store
                .applications()
                .await?
                .iter()
                .find(|found| found.id == id)
                .map(|found| (**found).clone())),
        },
    }
}

impl State {
    fn lay(&mut self, id: AppId, change: &Change) {
        match change {
            Change::InsertApplication(one) | Change::UpdateApplication(one) if one.id == id => {
                self.application = Some(one.clone());
            }
            Change::DeleteApplication(one) if one.id == id => *self = State::default(),
            Change::InsertAccount(one) | Change::UpdateAccount(one) if one.application == id => {
                self.accounts.retain(|account| account.id != one.id);
                self.accounts.push(one.clone());
            }
            Change::DeleteAccount(one) if one.application == id => {
                self.accounts.retain(|account| account.id != one.id);
                self.rules.retain(|rule| rule.subject != Subject::Account(one.id));
            }
            Change::Resources { of, put, removed } if *of == Some(id) => {
                lay_over(&mut self.resources, put, removed);
            }
            Change::Rules { of, added, removed } if *of == id => {
                self.rules.retain(|rule| !removed.contains(rule));
                self.rules.extend(added.iter().cloned());
            }
            _ => {}
        }
    }

    fn written(&self, signet: &Signet) -> Result<String, StoreError> {
        let Some(application) = &self.application else { return Ok(String::new()) };
        let seal = |of, secret: &_| signet.store().seal_exported(of, secret);
        let secret = application.secret.as_ref();
        let secret = secret.map(|secret| seal(SecretOf::Application(application.id), secret)).transpose()?;
        let mut accounts = Vec::new();
        for account in &self.accounts {
            let secret = seal(SecretOf::Account(account.id), &account.secret)?;
            accounts.push((account.clone(), Some(secret)));
        }
        accounts.sort_by_key(|(account, _)| account.id.to_string());
        let parts = ApplicationParts {
            application,
            secret,
            resources: &self.resources,
            accounts: &accounts,
            rules: &self.rules,
        };
        Ok(entries::application(&parts, Form::Whole))
    }
}

fn lay_over(resources: &mut Vec<Resource>, put: &[Resource], removed: &[ResourceCode]) {
    let goes = |code: &ResourceCode| removed.contains(code) || put.iter().any(|one| one.code == *code);
    resources.retain(|resource| !goes(&resource.code));
    resources.extend(put.iter().cloned());
}
