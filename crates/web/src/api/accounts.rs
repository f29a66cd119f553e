//! `/applications/{app}/accounts`: programmatic access accounts.

use serde_json::{Value, json};
use signet_protocol::time::Seconds;

use super::{
    Answer, Ask, PREFIX, Reply,
    body::check_members,
    pages::{AfterAccount, Cursor, page},
    problem::Problem,
};
use crate::manage::accounts::{self, AccountEdit, AccountView, NewAccount, NewKey, Which};

/// GET `/applications/{app}/accounts`.
pub async fn list(ask: Ask) -> Answer {
    let application = ask.application().await?;
    let (after, limit) = (ask.cursor::<AfterAccount>()?, ask.limit());
    let some = accounts::page(&ask.signet, &application, after.map(|AfterAccount(id)| id), limit).await?;
    let next = some.0.last().filter(|_| some.0.len() == limit).map(|last| AfterAccount(last.id).encode());
    Ok(Reply::ok(page(some.0.iter().map(shown).collect(), next)))
}

/// POST `/applications/{app}/accounts`.
pub async fn create(ask: Ask) -> Answer {
    check_members(&ask.body, ["token_lifetime", "remarks"].into_iter())?;
    let application = ask.application().await?;
    let new = NewAccount {
        token_lifetime: ask.number("token_lifetime")?.map(Seconds),
        remarks: ask.text("remarks")?.map(str::to_owned),
    };
    let made = accounts::create(&ask.signet, &application.id.to_string(), new, &ask.origin()).await?;
    let location = format!("{PREFIX}/applications/{}/accounts/{}", application.id, made.account.id);
    Ok(Reply::created(with_key(&made), location).at(made.account.version))
}

/// GET `/applications/{app}/accounts/{account}`.
pub async fn get(ask: Ask) -> Answer {
    let account = one(&ask).await?;
    Ok(Reply::ok(shown(&account)).at(account.version))
}

/// PATCH `/applications/{app}/accounts/{account}`.
pub async fn change(ask: Ask) -> Answer {
    check_members(&ask.body, ["token_lifetime", "remarks", "enabled"].into_iter())?;
    let which = named(&ask).await?;
    let remarks = match ask.body.get("remarks") {
        Some(Value::Null) => Some(None),
        _ => ask.text("remarks")?.map(|text| Some(text.to_owned())),
    };
    let edit = AccountEdit {
        token_lifetime: ask.number("token_lifetime")?.map(Seconds),
        remarks,
        enabled: ask.truth("enabled")?,
    };
    let account = accounts::edit(&ask.signet, which, edit, &ask.origin()).await?;
    Ok(Reply::ok(shown(&account)).at(account.version))
}

/// POST `/applications/{app}/accounts/{account}/refresh`: another SecretKey.
pub async fn refresh(ask: Ask) -> Answer {
    check_members(&ask.body, ["overlap"].into_iter())?;
    let which = named(&ask).await?;
    let overlap = Seconds(ask.number("overlap")?.unwrap_or_default());
    let key = accounts::refresh(&ask.signet, which, overlap, &ask.origin()).await?;
    Ok(Reply::ok(with_key(&key)).at(key.account.version))
}

/// DELETE `/applications/{app}/accounts/{account}`, and the rules about it.
pub async fn remove(ask: Ask) -> Answer {
    let which = named(&ask).await?;
    accounts::delete(&ask.signet, which, &ask.origin()).await?;
    Ok(Reply::nothing())
}

/// The account that the path names, if it is one of the application that the path names.
async fn one(ask: &Ask) -> Result<AccountView, Problem> {
    let (application, id) = (ask.application().await?, ask.account()?);
    let account = accounts::one(&ask.signet, id).await?;
    if account.application == application.id { Ok(account) } else { Err(Problem::missing("account")) }
}

/// The same, at the version that whoever asks names.
async fn named(ask: &Ask) -> Result<Which, Problem> {
    Ok(Which { id: one(ask).await?.id, version: ask.version })
}

fn shown(account: &AccountView) -> Value {
    json!({
        "id": account.id,
        "application": account.application,
        "enabled": account.enabled,
        "token_lifetime": account.token_lifetime,
        "remarks": account.remarks,
        "overlap_until": account.overlap_until,
        "last_used": account.last_used,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
        "version": account.version,
    })
}

/// With its SecretKey, this once.
fn with_key(key: &NewKey) -> Value {
    let mut account = shown(&key.account);
    if let Some(members) = account.as_object_mut() {
        members.insert("secret_key".to_owned(), key.secret_key().into());
    }
    account
}
