//! Reads what is exported, a page at a time.

use serde::{Deserialize, Serialize};
use signet_protocol::{
    account::Account,
    application::Application,
    id::{AppId, UserId},
    mail::{MailServer, SealedPassword},
    pool::PoolSettings,
    secret::Secret,
};
use signet_store::{MasterKey, SecretOf, Store, StoreError};

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

/// How secrets are written.
#[derive(Clone, Copy)]
enum Seal<'k> {
    /// Sealed with the key of this installation.
    Own,
    /// Sealed with another one.
    Under(&'k MasterKey),
    /// Not at all.
    LeftOut,
}

impl From<Secrets> for Seal<'_> {
    fn from(secrets: Secrets) -> Self {
        match secrets {
            Secrets::Sealed => Seal::Own,
            Secrets::LeftOut => Seal::LeftOut,
        }
    }
}

impl Seal<'_> {
    fn seal(self, store: &Store, of: SecretOf, secret: &Secret) -> Result<Sealed, StoreError> {
        match self {
            Seal::Own => store.seal_exported(of, secret).map(Some),
            Seal::Under(key) => key.seal_exported(of, secret).map(Some),
            Seal::LeftOut => Ok(None),
        }
    }
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
    paged(signet, part, secrets.into()).await
}

/// The same with secrets that `key` seals and not that of this installation: `key` comes with the text, under a passphrase.
pub async fn page_under(signet: &Signet, part: Part, key: &MasterKey) -> Result<Page, StoreError> {
    paged(signet, part, Seal::Under(key)).await
}

async fn paged(signet: &Signet, part: Part, secrets: Seal<'_>) -> Result<Page, StoreError> {
    match part {
        Part::Pool => {
            let text = head(signet, secrets).await? + &written_pool(signet, Form::Short, secrets).await?;
            Ok(Page { text, next: Some(Part::Applications(None)) })
        }
        Part::Applications(last) => applications(signet, last, secrets).await,
        Part::Users(last) => {
            let users = signet.store().users_after(last, USERS).await?;
            let text = |user| entries::user(user, Form::Short, !matches!(secrets, Seal::LeftOut));
            let more = users.len() == USERS;
            let next = users.last().filter(|_| more).map(|user| Part::Users(Some(user.id)));
            Ok(Page { text: users.iter().map(text).collect(), next })
        }
    }
}

/// What is said first: that each kind of which there is nothing is none, and not left unmentioned.
async fn head(signet: &Signet, secrets: Seal<'_>) -> Result<String, StoreError> {
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
        Seal::Own => "Secrets are sealed: only an installation with the same master key can read them.",
        Seal::Under(_) => "Secrets are sealed under a passphrase: apply it with --passphrase-stdin.",
        Seal::LeftOut => "Secrets and passwords are left out.",
    };
    let empty = kinds.iter().filter(|(_, empty)| *empty).map(|(kind, _)| format!("{kind} = []\n"));
    Ok(format!("# A pool, for signet apply. {about}\n{}", empty.collect::<String>()))
}

/// The pool's own settings, fields, claims, scopes and resources.
pub async fn pool(signet: &Signet, form: Form, secrets: Secrets) -> Result<String, StoreError> {
    written_pool(signet, form, secrets.into()).await
}

async fn written_pool(signet: &Signet, form: Form, secrets: Seal<'_>) -> Result<String, StoreError> {
    let store = signet.store();
    let mut settings = store.stored_pool_settings().await?;
    if let Some(mail) = &mut settings.mail {
        mail.password = sealed_for(store, mail, secrets)?;
    }
    Ok(entries::pool(&settings, &store.stored_resources(None).await?, form))
}

/// The password of a mail server, as it is written. It is stored as this installation seals it.
fn sealed_for(
    store: &Store,
    mail: &MailServer,
    secrets: Seal<'_>,
) -> Result<Option<SealedPassword>, StoreError> {
    match (&mail.password, secrets) {
        (None, _) | (_, Seal::LeftOut) => Ok(None),
        (Some(own), Seal::Own) => Ok(Some(own.clone())),
        (Some(own), Seal::Under(_)) => {
            let place = mail.place();
            let password = store.open_exported(SecretOf::Mail(&place), own.as_str())?;
            Ok(secrets.seal(store, SecretOf::Mail(&place), &password)?.map(SealedPassword::new))
        }
    }
}

async fn applications(signet: &Signet, last: Option<String>, secrets: Seal<'_>) -> Result<Page, StoreError> {
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
        Some(application) => written(signet, &application, secrets.into(), form).await.map(Some),
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
    secrets: Seal<'_>,
    form: Form,
) -> Result<String, StoreError> {
    let (store, id) = (signet.store(), application.id);
    let sealed = |of, secret: &_| secrets.seal(store, of, secret);
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
