//! Reads what is exported, a page at a time.

use serde::{Deserialize, Serialize};
use signet_protocol::{
    account::Account,
    application::Application,
    id::{AppId, UserId},
    pool::PoolSettings,
};
use signet_store::{SecretOf, StoreError};

use super::{
    Form, Secrets,
    entries::{self, ApplicationParts, Sealed},
};
use crate::Signet;

/// Users of one page.
const USERS: usize = 2000;
/// Bytes after which a page ends with the application that passed them.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A part of an export; each page names the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the pool itself has: the first one.
    Pool,
    /// Applications, behind the one of this identifier.
    Applications(Option<String>),
    /// Users, behind the one of this id.
    Users(Option<UserId>),
}

/// Some of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The text.
    pub text: String,
    /// Where it goes on; `None`: that was all.
    pub next: Option<Part>,
}

/// The whole text.
pub async fn whole(signet: &Signet, secrets: Secrets) -> Result<String, StoreError> {
    let (mut text, mut next) = (String::new(), Some(Part::Pool));
    while let Some(part) = next {
        let page = page(signet, part, secrets).await?;
        text.push_str(&page.text);
        next = page.next;
    }
    Ok(text)
}

/// One page. Pages are read one after the other: what is changed in between is in those that are read later.
pub async fn page(signet: &Signet, part: Part, secrets: Secrets) -> Result<Page, StoreError> {
    match part {
        Part::Pool => {
            let text = head(signet, secrets).await? + &pool(signet, Form::Short).await?;
            Ok(Page { text, next: Some(Part::Applications(None)) })
        }
        Part::Applications(last) => applications(signet, last, secrets).await,
        Part::Users(last) => {
            let users = signet.store().users_after(last, USERS).await?;
            let text = |user| entries::user(user, Form::Short, secrets == Secrets::Sealed);
            let more = users.len() == USERS;
            let next = users.last().filter(|_| more).map(|user| Part::Users(Some(user.id)));
            Ok(Page { text: users.iter().map(text).collect(), next })
        }
    }
}

/// What is said first: that each kind of which there is nothing is none, and not left unmentioned.
async fn head(signet: &Signet, secrets: Secrets) -> Result<String, StoreError> {
    let store = signet.store();
    let PoolSettings { extended_fields, claims, scopes, .. } = store.stored_pool_settings().await?;
    let kinds = [
        ("extended_fields", extended_fields.is_empty()),
        ("claims", claims.is_empty()),
        ("scopes", scopes.is_empty()),
        ("resources", store.stored_resources(None).await?.is_empty()),
        ("applications", store.applications().await?.is_empty()),
        ("users", store.users_after(None, 1).await?.is_empty()),
    ];
    let about = match secrets {
        Secrets::Sealed => "Secrets are sealed: only an installation with the same master key can read them.",
        Secrets::LeftOut => "Secrets and passwords are left out.",
    };
    let empty = kinds.iter().filter(|(_, empty)| *empty).map(|(kind, _)| format!("{kind} = []\n"));
    Ok(format!("# A pool, for signet apply. {about}\n{}", empty.collect::<String>()))
}

/// The pool's own fields, claims, scopes and resources.
pub async fn pool(signet: &Signet, form: Form) -> Result<String, StoreError> {
    let settings = signet.store().stored_pool_settings().await?;
    Ok(entries::pool(&settings, &signet.store().stored_resources(None).await?, form))
}

async fn applications(signet: &Signet, last: Option<String>, secrets: Secrets) -> Result<Page, StoreError> {
    let mut all = signet.store().applications().await?;
    all.retain(|application| last.as_deref().is_none_or(|last| last < application.identifier.as_str()));
    all.sort_by(|a, b| a.identifier.as_str().cmp(b.identifier.as_str()));
    let mut text = String::new();
    for application in all {
        text.push_str(&written(signet, &application, secrets, Form::Short).await?);
        if text.len() > PAGE_BYTES {
            let next = Some(Part::Applications(Some(application.identifier.to_string())));
            return Ok(Page { text, next });
        }
    }
    Ok(Page { text, next: Some(Part::Users(None)) })
}

/// One application, with its resources, accounts and rules.
pub async fn application(
    signet: &Signet,
    id: AppId,
    secrets: Secrets,
    form: Form,
) -> Result<Option<String>, StoreError> {
    match signet.store().application(id).await? {
        Some(application) => written(signet, &application, secrets, form).await.map(Some),
        None => Ok(None),
    }
}

/// One application without its resources, accounts, rules and secret. As such text says nothing of them, applying it leaves them as
/// they are.
pub fn application_alone(application: &Application, form: Form) -> String {
    let parts = ApplicationParts { application, secret: None, resources: &[], accounts: &[], rules: &[] };
    entries::application(&parts, form)
}

async fn written(
    signet: &Signet,
    application: &Application,
    secrets: Secrets,
    form: Form,
) -> Result<String, StoreError> {
    let (store, id) = (signet.store(), application.id);
    let sealed = |of, secret: &_| match secrets {
        Secrets::Sealed => store.seal_exported(of, secret).map(Some),
        Secrets::LeftOut => Ok(None),
    };
    let own = application.secret.as_ref();
    let secret = own.map(|secret| sealed(SecretOf::Application(id), secret)).transpose()?.flatten();
    let mut accounts: Vec<(Account, Sealed)> = Vec::new();
    for account in store.accounts(id).await? {
        let secret = sealed(SecretOf::Account(account.id), &account.secret)?;
        accounts.push((account, secret));
    }
    let parts = ApplicationParts {
        application,
        secret,
        resources: &store.stored_resources(Some(id)).await?,
        accounts: &accounts,
        rules: &store.stored_rules(id).await?,
    };
    Ok(entries::application(&parts, form))
}

/// One user.
pub async fn user(
    signet: &Signet,
    id: UserId,
    secrets: Secrets,
    form: Form,
) -> Result<Option<String>, StoreError> {
    let user = signet.store().stored_user(id).await?;
    Ok(user.map(|user| entries::user(&user, form, secrets == Secrets::Sealed)))
}
