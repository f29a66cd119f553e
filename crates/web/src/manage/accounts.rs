//! Programmatic access accounts: made, listed, given another secret, disabled and deleted.
//!
//! A SecretKey leaves here once, in a [`NewKey`], for whoever asked for it. Nothing else has it: an [`AccountView`] may be
//! shown to whoever may see the account.

mod text;

use std::sync::Arc;

use serde_json::json;
use signet_protocol::{
    account::{Account, OVERLAPS, TOKEN_LIFETIME, TOKEN_LIFETIMES},
    application::Application,
    id::{AccountId, AppId},
    issuer::Identifier,
    said::Pair,
    secret::Secret,
    time::{Seconds, Timestamp},
};
use signet_store::{
    Applied, StoreError,
    audit::{Act, Action, Entry, Named, Origin},
};

use super::{
    authority::{self, Forbidden},
    description::check as form,
    history,
    plan::{Plan, accounts as plan},
    show,
};
use crate::{Signet, audit, clock::SystemEntropy};

/// How often it is tried again because somebody else was quicker.
const ATTEMPTS: usize = 3;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no such application.
    #[error("there is no application with the App ID or identifier {0:?}; nothing was done")]
    NoApplication(String),
    /// There is no such account.
    #[error("there is no account with the AccessKey {0}; nothing was done")]
    NoAccount(AccountId),
    /// The text is no AccessKey.
    #[error("an AccessKey is 24 lower-case hexadecimal digits; nothing was done")]
    NotAnAccessKey,
    /// The lifetime is out of range.
    #[error("the token lifetime must be {} to {} seconds; nothing was done", TOKEN_LIFETIMES.start(), TOKEN_LIFETIMES.end())]
    Lifetime,
    /// The overlap is out of range.
    #[error("the overlap must be {} to {} seconds; nothing was done", OVERLAPS.start(), OVERLAPS.end())]
    Overlap,
    /// The remarks are too long, or not of one line.
    #[error("remarks {0}; nothing was done")]
    Remarks(Pair),
    /// It is not the version that was seen, or others keep changing it.
    #[error("somebody else changed the account meanwhile; look at it again")]
    Changed,
    /// It has rights at the admin API, which its key or its being enabled gives to whoever has the one or does the other.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is said of a new account; what is not is as by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAccount {
    /// Seconds that its tokens live.
    pub token_lifetime: Option<Seconds>,
    /// For people.
    pub remarks: Option<String>,
}

/// What shall be different of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountEdit {
    /// Seconds that its tokens live.
    pub token_lifetime: Option<Seconds>,
    /// For people; the inner `None` takes them away.
    pub remarks: Option<Option<String>>,
    /// Whether it may have tokens. Those of an account that is disabled are worth nothing at once.
    pub enabled: Option<bool>,
}

impl AccountEdit {
    fn lay_over(&self, account: &mut Account) {
        account.token_lifetime = self.token_lifetime.unwrap_or(account.token_lifetime);
        account.enabled = self.enabled.unwrap_or(account.enabled);
        if let Some(remarks) = &self.remarks {
            account.remarks = remarks.clone().filter(|remarks| !remarks.is_empty());
        }
    }
}

/// Which account is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    /// Its AccessKey.
    pub id: AccountId,
    /// The version that was seen, if no other is to be changed.
    pub version: Option<i64>,
}

/// What may be seen of an account at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its AccessKey.
    pub id: AccountId,
    /// The application it is of.
    pub application: AppId,
    /// The label of that application.
    pub identifier: Identifier,
    /// Whether it may have tokens; for that its application must be enabled as well.
    pub enabled: bool,
    /// Seconds that its tokens live.
    pub token_lifetime: Seconds,
    /// For people.
    pub remarks: Option<String>,
    /// Until when the secret before is valid, while it is.
    pub overlap_until: Option<Timestamp>,
    /// When it last got a token, known half a minute later where another node gave it.
    pub last_used: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
}

/// An account with its new secret. It is told once, to whoever asked for it, and never logged.
#[derive(Debug)]
pub struct NewKey {
    /// What may be seen at any time.
    pub account: AccountView,
    secret: Secret,
}

impl NewKey {
    /// The SecretKey.
    pub fn secret_key(&self) -> String {
        String::from_utf8_lossy(self.secret.expose()).into_owned()
    }
}

/// The accounts of one application, by AccessKey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts(pub Vec<AccountView>);

/// An account that went, and what went with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// It as it was.
    pub account: AccountView,
    /// How many rules were about it.
    pub rules: usize,
}

/// Makes an account of the application with this App ID or identifier.
pub async fn create(
    signet: &Signet,
    application: &str,
    new: NewAccount,
    origin: &Origin,
) -> Result<NewKey, AccountError> {
    check(new.token_lifetime, new.remarks.as_deref())?;
    let application = application_named(signet, application).await?;
    let (now, mut entropy) = (signet.now(), SystemEntropy);
    let account = Account {
        id: AccountId::generate(now, &mut entropy),
        pool: application.pool,
        application: application.id,
        secret: Account::new_secret(&mut entropy),
        previous: None,
        token_lifetime: new.token_lifetime.unwrap_or(TOKEN_LIFETIME),
        remarks: new.remarks.filter(|remarks| !remarks.is_empty()),
        enabled: true,
        created_at: now.timestamp(),
        updated_at: now.timestamp(),
        version: 1,
    };
    let plan = plan::creation(&application, account.clone());
    let entry = record(Action::Create, origin, account.id, &application)
        .with("token_lifetime", json!({ "old": null, "new": account.token_lifetime.0 }))
        .with("remarks", json!({ "old": null, "new": account.remarks }));
    if write(signet, plan, entry, origin).await? == Applied::Changed {
        // It went since it was looked up.
        return Err(AccountError::NoApplication(application.identifier.to_string()));
    }
    tracing::info!(account = %account.id, application = %application.id, "an operator made an account");
    Ok(NewKey {
        secret: account.secret.clone(),
        account: view(&account, &application, None, now.timestamp()),
    })
}

/// The accounts of the application with this App ID or identifier.
pub async fn list(signet: &Signet, application: &str) -> Result<Accounts, AccountError> {
    let application = application_named(signet, application).await?;
    let uses = signet.store().account_uses(application.id).await?;
    let (all, now) = (signet.store().accounts(application.id).await?, signet.now().timestamp());
    let seen = |account: &Account| view(account, &application, uses.get(&account.id).copied(), now);
    Ok(Accounts(all.iter().map(seen).collect()))
}

/// The next `limit` accounts of an application behind one.
pub async fn page(
    signet: &Signet,
    application: &Application,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Accounts, StoreError> {
    let now = signet.now().timestamp();
    let some = signet.store().account_page(application.id, after, limit).await?;
    Ok(Accounts(some.iter().map(|(account, used)| view(account, application, *used, now)).collect()))
}

/// One account.
pub async fn one(signet: &Signet, id: AccountId) -> Result<AccountView, AccountError> {
    let (account, application) = stored(signet, id).await?;
    seen(signet, &account, &application).await
}

/// Gives an account another SecretKey. The one it had stays valid for `overlap`, and that before it for no longer.
pub async fn refresh(
    signet: &Signet,
    which: Which,
    overlap: Seconds,
    origin: &Origin,
) -> Result<NewKey, AccountError> {
    if !OVERLAPS.contains(&overlap.0) {
        return Err(AccountError::Overlap);
    }
    trusted(signet, which.id, origin).await?;
    let secret = Account::new_secret(&mut SystemEntropy);
    let until = signet.now().timestamp().plus(overlap);
    let change = |account: &mut Account| account.refresh(secret.clone(), (overlap.0 > 0).then_some(until));
    let entry = |_: &Account, _: &Account, application: &Application| {
        record(Action::RefreshSecret, origin, which.id, application).with("overlap", overlap.0)
    };
    let account = update(signet, (which, origin), change, entry).await?;
    tracing::info!(account = %which.id, overlap = overlap.0, "an operator gave an account another secret");
    Ok(NewKey { account, secret })
}

/// Changes what is said of an account.
pub async fn edit(
    signet: &Signet,
    which: Which,
    edit: AccountEdit,
    origin: &Origin,
) -> Result<AccountView, AccountError> {
    check(edit.token_lifetime, edit.remarks.as_ref().and_then(|remarks| remarks.as_deref()))?;
    trusted(signet, which.id, origin).await?;
    let change = |account: &mut Account| edit.lay_over(account);
    let entry =
        |old: &Account, new: &Account, application: &Application| changed(origin, old, new, application);
    let account = update(signet, (which, origin), change, entry).await?;
    tracing::info!(account = %which.id, enabled = account.enabled, "an operator changed an account");
    Ok(account)
}

/// What changing an account would come to, for whoever may change it.
pub async fn preview(
    signet: &Signet,
    which: Which,
    edit: &AccountEdit,
    origin: &Origin,
) -> Result<Plan, AccountError> {
    check(edit.token_lifetime, edit.remarks.as_ref().and_then(|remarks| remarks.as_deref()))?;
    trusted(signet, which.id, origin).await?;
    let (old, application) = wanted(signet, which).await?;
    let mut new = old.clone();
    edit.lay_over(&mut new);
    Ok(plan::change(&application, &old, new))
}

/// Enables or disables an account.
pub async fn enable(
    signet: &Signet,
    id: AccountId,
    enabled: bool,
    origin: &Origin,
) -> Result<AccountView, AccountError> {
    let which = Which { id, version: None };
    edit(signet, which, AccountEdit { enabled: Some(enabled), ..AccountEdit::default() }, origin).await
}

/// Deletes an account and the rules about it. Its tokens are worth nothing at once.
pub async fn delete(signet: &Signet, which: Which, origin: &Origin) -> Result<Deleted, AccountError> {
    trusted(signet, which.id, origin).await?;
    for _ in 0..ATTEMPTS {
        // The version of the settings guards the rules, and so is read before them.
        let settings = signet.store().stored_pool_settings().await?;
        let (account, application) = wanted(signet, which).await?;
        let rules = signet.store().count_rules_about(application.id, which.id).await?;
        let deleted = Deleted { account: seen(signet, &account, &application).await?, rules };
        let plan = plan::removal(&application, account, rules, settings);
        let entry = record(Action::Delete, origin, which.id, &application).with("rules", rules);
        if write(signet, plan, entry, origin).await? == Applied::Done {
            tracing::info!(account = %which.id, rules, "an operator deleted an account");
            return Ok(deleted);
        }
    }
    Err(AccountError::Changed)
}

/// Refused, if the account may what whoever asks may not (attack 19).
async fn trusted(signet: &Signet, id: AccountId, origin: &Origin) -> Result<(), AccountError> {
    let (account, _) = stored(signet, id).await?;
    let needed = authority::of_account(signet, account.application, id).await?;
    let may = needed.is_empty() || authority::may_give(signet, origin, &needed).await?;
    if may { Ok(()) } else { Err(Forbidden::Rights(needed).into()) }
}

/// An AccessKey as somebody typed it.
pub fn access_key(text: &str) -> Result<AccountId, AccountError> {
    AccountId::parse(text).ok_or(AccountError::NotAnAccessKey)
}

/// Writes what is planned of one account, with its record, and with how to undo it.
async fn write(
    signet: &Signet,
    mut plan: Plan,
    entry: Entry,
    origin: &Origin,
) -> Result<Applied, StoreError> {
    let mut changes = plan.take_changes();
    history::keep(signet, &plan, &mut changes, (origin, None)).await?;
    signet.store().apply(changes, Act::new(signet.now(), entry), &mut SystemEntropy).await
}

async fn update(
    signet: &Signet,
    (which, origin): (Which, &Origin),
    change: impl Fn(&mut Account),
    entry: impl Fn(&Account, &Account, &Application) -> Entry,
) -> Result<AccountView, AccountError> {
    for _ in 0..ATTEMPTS {
        let (old, application) = wanted(signet, which).await?;
        let (mut account, now) = (old.clone(), signet.now());
        change(&mut account);
        if account == old {
            return seen(signet, &old, &application).await;
        }
        let plan = plan::change(&application, &old, account.clone());
        if write(signet, plan, entry(&old, &account, &application), origin).await? == Applied::Done {
            account.version += 1;
            account.updated_at = now.timestamp();
            return seen(signet, &account, &application).await;
        }
    }
    Err(AccountError::Changed)
}

/// What is written down of an act: the AccessKey, and never a SecretKey.
fn record(done: Action, origin: &Origin, id: AccountId, application: &Application) -> Entry {
    let name = format!("{id} of {}", application.identifier);
    Entry::of_admin(done, origin.clone())
        .on("account", Named::new(id, name))
        .at(audit::application(application))
}

fn changed(origin: &Origin, old: &Account, new: &Account, application: &Application) -> Entry {
    let fields = [
        ("enabled", json!(old.enabled), json!(new.enabled)),
        ("remarks", json!(old.remarks), json!(new.remarks)),
        ("token_lifetime", json!(old.token_lifetime.0), json!(new.token_lifetime.0)),
    ];
    let different: Vec<_> = fields.into_iter().filter(|(_, old, new)| old != new).collect();
    let done = match (different.as_slice(), new.enabled) {
        ([("enabled", ..)], true) => Action::Enable,
        ([("enabled", ..)], false) => Action::Disable,
        _ => Action::Update,
    };
    let entry = record(done, origin, new.id, application);
    different
        .into_iter()
        .fold(entry, |entry, (key, old, new)| entry.with(key, json!({ "old": old, "new": new })))
}

async fn wanted(signet: &Signet, which: Which) -> Result<(Account, Arc<Application>), AccountError> {
    let (account, application) = stored(signet, which.id).await?;
    match which.version {
        Some(version) if version != account.version => Err(AccountError::Changed),
        _ => Ok((account, application)),
    }
}

async fn stored(signet: &Signet, id: AccountId) -> Result<(Account, Arc<Application>), AccountError> {
    let account = signet.store().stored_account(id).await?.ok_or(AccountError::NoAccount(id))?;
    let application = signet.store().application(account.application).await?;
    Ok((account, application.ok_or(AccountError::NoAccount(id))?))
}

async fn application_named(signet: &Signet, named: &str) -> Result<Arc<Application>, AccountError> {
    let found = show::find(signet, named).await?;
    found.ok_or_else(|| AccountError::NoApplication(named.to_owned()))
}

async fn seen(
    signet: &Signet,
    account: &Account,
    application: &Application,
) -> Result<AccountView, AccountError> {
    let uses = signet.store().account_uses(application.id).await?;
    Ok(view(account, application, uses.get(&account.id).copied(), signet.now().timestamp()))
}

fn view(
    account: &Account,
    application: &Application,
    last_used: Option<Timestamp>,
    now: Timestamp,
) -> AccountView {
    AccountView {
        id: account.id,
        application: account.application,
        identifier: application.identifier.clone(),
        enabled: account.enabled,
        token_lifetime: account.token_lifetime,
        remarks: account.remarks.clone(),
        overlap_until: account.previous.as_ref().map(|(_, until)| *until).filter(|until| now < *until),
        last_used,
        created_at: account.created_at,
        updated_at: account.updated_at,
        version: account.version,
    }
}

fn check(token_lifetime: Option<Seconds>, remarks: Option<&str>) -> Result<(), AccountError> {
    if token_lifetime.is_some_and(|lifetime| !TOKEN_LIFETIMES.contains(&lifetime.0)) {
        return Err(AccountError::Lifetime);
    }
    remarks.map_or(Ok(()), form::line).map_err(AccountError::Remarks)
}
