//! What becomes of programmatic access accounts.

use std::collections::{HashMap, HashSet};

use signet_protocol::{
    account::{Account, TOKEN_LIFETIME},
    application::Application,
    id::{AccountId, AppId},
    issuer::Identifier,
    pool::PoolSettings,
    said,
    said::Pair,
    secret::Secret,
    time::Timestamp,
};
use signet_store::{Change, SecretOf, StoreError};

use super::{Action, Draft, Plan, PlanError, Target, fields, unsealed, words, words::Worded};
use crate::{Signet, manage::description::AccountEntry};

/// The accounts of an application as they will be.
#[derive(Default)]
pub(super) struct Accounts {
    /// Those there are.
    pub known: HashSet<AccountId>,
    /// Those that go.
    pub gone: Vec<Account>,
}

/// Plans every entry; `owners` says which application each stored account is of.
pub(super) async fn plan(
    signet: &Signet,
    target: &Target<'_>,
    owners: &HashMap<AccountId, AppId>,
    draft: &mut Draft,
) -> Result<Accounts, PlanError> {
    let entries = &target.entry.accounts;
    if entries.is_empty() && target.entry.rules.is_none() {
        return Ok(Accounts::default());
    }
    let stored = signet.store().accounts(target.id).await?;
    let stored: HashMap<AccountId, Account> = stored.into_iter().map(|old| (old.id, old)).collect();
    let mut accounts = Accounts { known: stored.keys().copied().collect(), gone: Vec::new() };
    for entry in entries {
        let Some(id) = entry.id else { continue };
        let what = name(id, &target.identifier);
        match (stored.get(&id), owners.contains_key(&id)) {
            (None, true) => {
                let reason = said!(
                    "the account {id} is another application's, and stays so; take another `id`",
                    "账户 {id} 属于另一个应用，且不能转移；请使用其他 `id`"
                );
                draft.refuse(entry.lines.of("id"), reason);
            }
            (Some(old), _) if entry.remove => {
                accounts.known.remove(&id);
                accounts.gone.push(old.clone());
                draft.step(what, Action::Remove(vec![words::ACCOUNT_GOES.words().into()]));
            }
            (None, false) if entry.remove => draft.step(what, Action::Absent),
            (old, _) => {
                accounts.known.insert(id);
                if let Some(account) = planned(signet, target.id, (id, entry), old, draft)? {
                    step(what, old, account, draft);
                }
            }
        }
    }
    Ok(accounts)
}

fn step(what: Worded, old: Option<&Account>, new: Account, draft: &mut Draft) {
    match old {
        None => draft.create(what, fields::of_new_account(&new, true), Change::InsertAccount(new)),
        Some(old) => draft.update(what, fields::of_account(old, &new), Change::UpdateAccount(new)),
    }
}

/// What a new account is called, and how it begins.
pub(in crate::manage) fn creation(application: &Application, account: Account) -> Plan {
    let mut draft = Draft::default();
    let lines = fields::of_new_account(&account, false);
    draft.create(name(account.id, &application.identifier), lines, Change::InsertAccount(account));
    draft.plan
}

/// What is different of one account.
pub(in crate::manage) fn change(application: &Application, old: &Account, new: Account) -> Plan {
    let mut draft = Draft::default();
    step(name(new.id, &application.identifier), Some(old), new, &mut draft);
    draft.plan
}

/// That an account goes, and the rules about it. `pool` guards those.
pub(in crate::manage) fn removal(
    application: &Application,
    account: Account,
    rules: usize,
    pool: PoolSettings,
) -> Plan {
    let mut draft = Draft::default();
    let losses = vec![words::ACCOUNT_GOES.words(), words::RULES_ABOUT.with(rules)];
    draft.plan.changes.push(Change::UpdatePool(pool));
    draft.remove(name(account.id, &application.identifier), losses, Change::DeleteAccount(account));
    draft.plan
}

fn name(id: AccountId, identifier: &Identifier) -> Worded {
    words::ACCOUNT.with_all([&id.to_string(), identifier.as_str()])
}

fn planned(
    signet: &Signet,
    application: AppId,
    (id, entry): (AccountId, &AccountEntry),
    old: Option<&Account>,
    draft: &mut Draft,
) -> Result<Option<Account>, StoreError> {
    let given = match &entry.secret {
        None => None,
        Some(secret) => match unsealed(signet, secret, Some(SecretOf::Account(id)))? {
            Ok(secret) => Some(secret),
            Err(reason) => {
                draft.refuse(entry.lines.of("secret"), reason);
                return Ok(None);
            }
        },
    };
    let mut account = match (old, given) {
        (None, None) => {
            let reason = Pair(
                "a new account needs a `secret`, its SecretKey; `signet account create` makes one with both",
                "新账户须有 `secret`（即其 SecretKey）；可用 `signet account create` 同时生成两者",
            );
            draft.refuse(entry.lines.table, reason);
            return Ok(None);
        }
        (None, Some(secret)) => blank(signet, application, id, secret),
        (Some(old), given) => {
            let mut account = old.clone();
            if let Some(secret) = given.filter(|given| !given.matches(old.secret.expose())) {
                account.refresh(secret, None);
            }
            account
        }
    };
    entry.lay_over(&mut account);
    Ok(Some(account))
}

/// A new account of which only this is said.
fn blank(signet: &Signet, application: AppId, id: AccountId, secret: Secret) -> Account {
    let now: Timestamp = signet.now().timestamp();
    Account {
        id,
        pool: signet.store().pool().id,
        application,
        secret,
        previous: None,
        token_lifetime: TOKEN_LIFETIME,
        remarks: None,
        enabled: true,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}
