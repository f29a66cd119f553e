//! What hangs on a user: sessions, grants, consents.

use serde_json::{Value, json};
use signet_protocol::{
    grant::Grant,
    id::{AppId, GrantId, RowId, SessionId, UserId},
    jose::unb64,
};
use signet_store::{GrantedConsent, Leaf, OpenSession};

use super::{
    Answer, Ask, Reply,
    ask::found,
    pages::{AfterApplication, AfterGrant, AfterSession, Cursor, page},
    problem::Problem,
};
use crate::manage::users;

/// GET `/users/{user}/sessions`: those that are alive, the newest first.
pub async fn sessions(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    let turn = ask.cursor::<AfterSession>()?.map(|AfterSession(id)| id).into();
    let found = users::sessions(&ask.signet, user, turn, ask.limit()).await?;
    Ok(paged(found, session, |id| AfterSession(id).encode()))
}

/// DELETE `/users/{user}/sessions/{session}`.
pub async fn end_session(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    let id = row_id::<SessionId>(ask.part("session")).ok_or_else(|| Problem::missing("session"))?;
    found(users::end_session(&ask.signet, user, id, &ask.origin()).await?, "session")?;
    Ok(Reply::nothing())
}

/// DELETE `/users/{user}/sessions`: all of them, and what was given in them.
pub async fn end_all(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    users::end_all(&ask.signet, user, &ask.origin()).await?;
    Ok(Reply::nothing())
}

/// GET `/users/{user}/grants`: those that are alive, the newest first.
pub async fn grants(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    let turn = ask.cursor::<AfterGrant>()?.map(|AfterGrant(id)| id).into();
    let found = users::grants(&ask.signet, user, turn, ask.limit()).await?;
    Ok(paged(found, grant, |id| AfterGrant(id).encode()))
}

/// DELETE `/users/{user}/grants/{grant}`.
pub async fn revoke_grant(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    let id = row_id::<GrantId>(ask.part("grant")).ok_or_else(|| Problem::missing("grant"))?;
    found(users::revoke_grant(&ask.signet, user, id, &ask.origin()).await?, "grant")?;
    Ok(Reply::nothing())
}

/// GET `/users/{user}/consents`: by application.
pub async fn consents(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    let turn = ask.cursor::<AfterApplication>()?.map(|AfterApplication(id)| id).into();
    let found = users::consents(&ask.signet, user, turn, ask.limit()).await?;
    Ok(paged(found, consent, |id| AfterApplication(id).encode()))
}

/// DELETE `/users/{user}/consents/{client}`.
pub async fn withdraw_consent(ask: Ask) -> Answer {
    let user = known(&ask).await?;
    let application = AppId::parse(ask.part("client")).ok_or_else(|| Problem::missing("consent"))?;
    found(users::withdraw(&ask.signet, user, application, &ask.origin()).await?, "consent")?;
    Ok(Reply::nothing())
}

async fn known(ask: &Ask) -> Result<UserId, Problem> {
    let user = ask.user()?;
    found(ask.signet.store().person(user).await?.is_some(), "user")?;
    Ok(user)
}

fn row_id<T: RowId>(text: &str) -> Option<T> {
    let bytes: [u8; 16] = unb64(text)?.try_into().ok()?;
    Some(T::from_bytes(bytes))
}

fn paged<T, K>(found: Leaf<T, K>, shown: fn(&T) -> Value, behind: fn(K) -> String) -> Reply {
    Reply::ok(page(found.rows.iter().map(shown).collect(), found.next.map(behind)))
}

fn session(session: &OpenSession) -> Value {
    json!({
        "id": session.id.to_string(),
        "application": session.application,
        "auth_time": session.auth_time,
        "amr": session.amr,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    })
}

fn grant(grant: &Grant) -> Value {
    json!({
        "id": grant.id.to_string(),
        "application": grant.application,
        "session": grant.session.to_string(),
        "scope": grant.scope.to_string(),
        "offline": grant.offline,
        "auth_time": grant.auth_time,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
    })
}

fn consent(consent: &GrantedConsent) -> Value {
    json!({
        "application": consent.application,
        "scope": consent.consent.scope.to_string(),
        "claims": consent.consent.claims,
        "granted_at": consent.granted_at,
    })
}
