//! Users as an administrator sees and changes them: lists, one user with all that hangs on them, changes field by field,
//! one-time links, import and export. The rules are those of a description ([`super::plan`]).

pub mod edit;
pub mod export;
pub mod fields;
pub mod import;
pub mod link;
pub mod list;
pub mod logged_in;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use signet_protocol::{
    application::Application,
    grant::Grant,
    id::{AppId, GrantId, SessionId, UserId},
    time::Timestamp,
    user::User,
};
use signet_store::{
    GrantedConsent, Leaf, LinkState, OpenSession, SignOut, StoreError, Turn,
    audit::{Act, Action, Entry, Named, Origin},
};

use crate::{Signet, audit};

/// Sessions, grants and consents that are shown of one user, each; [`sessions`], [`grants`] and [`consents`] go on.
pub const SHOWN: usize = 100;

/// A user with all that hangs on them.
#[derive(Debug)]
pub struct Detail {
    /// The user, as stored now; their version is the one to name in a change.
    pub user: User,
    /// When they were created.
    pub created_at: Timestamp,
    /// Sessions that are alive, the newest first.
    pub sessions: Vec<OpenSession>,
    /// Grants that are alive, the newest first.
    pub grants: Vec<Grant>,
    /// What they allowed applications.
    pub consents: Vec<GrantedConsent>,
    /// Their last one-time link: what it is worth, and when it ends.
    pub link: Option<(LinkState, Timestamp)>,
    /// The applications of all these. One that is gone is missing.
    pub applications: HashMap<AppId, Arc<Application>>,
}

/// The user of this id with the newest of what hangs on them; `None` when there is no such user.
pub async fn detail(signet: &Signet, id: UserId) -> Result<Option<Detail>, StoreError> {
    let Some(listed) = signet.store().person(id).await? else { return Ok(None) };
    let (sessions, grants, consents) = (
        sessions(signet, id, Turn::First, SHOWN).await?.rows,
        grants(signet, id, Turn::First, SHOWN).await?.rows,
        consents(signet, id, Turn::First, SHOWN).await?.rows,
    );
    let link = signet.store().link_of_user(id).await?;
    let now = signet.now().timestamp();
    let mut applications = HashMap::new();
    let named = sessions.iter().filter_map(|session| session.application);
    let named = named.chain(grants.iter().map(|grant| grant.application));
    for application in named.chain(consents.iter().map(|consent| consent.application)) {
        if !applications.contains_key(&application)
            && let Some(found) = signet.store().application(application).await?
        {
            applications.insert(application, found);
        }
    }
    Ok(Some(Detail {
        user: listed.user,
        created_at: listed.created_at,
        sessions,
        grants,
        consents,
        link: link.map(|link| (link.state(now), link.expires_at)),
        applications,
    }))
}

/// A page of the sessions of a user that are alive, the newest first.
pub async fn sessions(
    signet: &Signet,
    user: UserId,
    turn: Turn<SessionId>,
    most: usize,
) -> Result<Leaf<OpenSession, SessionId>, StoreError> {
    signet.store().sessions_of(user, turn, signet.now().timestamp(), most).await
}

/// A page of the grants of a user that are alive, the newest first.
pub async fn grants(
    signet: &Signet,
    user: UserId,
    turn: Turn<GrantId>,
    most: usize,
) -> Result<Leaf<Grant, GrantId>, StoreError> {
    signet.store().grants_of(user, turn, signet.now().timestamp(), most).await
}

/// A page of the consents of a user, by application.
pub async fn consents(
    signet: &Signet,
    user: UserId,
    turn: Turn<AppId>,
    most: usize,
) -> Result<Leaf<GrantedConsent, AppId>, StoreError> {
    signet.store().consents_of(user, turn, most).await
}

/// The user as a record names them.
async fn named(signet: &Signet, user: UserId) -> Result<Named, StoreError> {
    let stored = signet.store().user(user).await?;
    Ok(stored.map_or_else(|| Named::new(user, "?"), |stored| audit::user(&stored)))
}

/// Whether the pool would have no owner without this user.
pub async fn is_last_owner(signet: &Signet, user: UserId) -> Result<bool, StoreError> {
    super::plan::leaves_no_owner(signet, user).await
}

/// Ends one session of a user, and what was given in it without offline access; `false` when they have no such session, or it
/// had ended.
pub async fn end_session(
    signet: &Signet,
    user: UserId,
    session: SessionId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    if !signet.store().has_session(user, session).await? {
        return Ok(false);
    }
    let ended = sign_out(signet, SignOut::Session(session), (user, None), origin).await?;
    tracing::info!(sub = %user, ended, "an operator ended a session");
    Ok(ended)
}

/// Ends every session of a user and revokes what they gave, offline access included.
pub async fn end_all(signet: &Signet, user: UserId, origin: &Origin) -> Result<(), StoreError> {
    sign_out(signet, SignOut::User(user), (user, None), origin).await?;
    tracing::info!(sub = %user, "an operator signed somebody out everywhere");
    Ok(())
}

/// Signs a user out of one application, on every device: what it was given is revoked, offline access included.
pub async fn end_at(
    signet: &Signet,
    user: UserId,
    application: AppId,
    origin: &Origin,
) -> Result<(), StoreError> {
    let what = SignOut::UserApplication(user, application);
    sign_out(signet, what, (user, Some(application)), origin).await?;
    tracing::info!(sub = %user, app_id = %application, "an operator signed somebody out of an application");
    Ok(())
}

async fn sign_out(
    signet: &Signet,
    what: SignOut,
    of: (UserId, Option<AppId>),
    origin: &Origin,
) -> Result<bool, StoreError> {
    let entry = audit::sign_out(signet, origin.clone(), what, of).await?;
    signet.store().sign_out(what, Act::new(signet.now(), entry)).await
}

/// Revokes one grant of a user; `false` when they have no such grant, or it was revoked.
pub async fn revoke_grant(
    signet: &Signet,
    user: UserId,
    grant: GrantId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    if !signet.store().has_grant(user, grant).await? {
        return Ok(false);
    }
    let who = named(signet, user).await?;
    let entry = Entry::of_admin(Action::ForceLogout, origin.clone()).on("user", who);
    let entry = entry.with("reach", "grant").with("grant", grant.to_string());
    let revoked = signet.store().revoke_grant(grant, Act::new(signet.now(), entry)).await?;
    tracing::info!(sub = %user, revoked, "an operator revoked a grant");
    Ok(revoked)
}

/// Takes an application away from a user: it is signed out, what it was given is revoked, and it asks again. `false` when the
/// user had allowed it nothing.
pub async fn withdraw(
    signet: &Signet,
    user: UserId,
    application: AppId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    end_at(signet, user, application, origin).await?;
    let who = named(signet, user).await?;
    let mut entry = Entry::of_admin(Action::ConsentWithdrawn, origin.clone()).on("user", who);
    if let Some(found) = signet.store().application(application).await? {
        entry = entry.at(audit::application(&found));
    }
    let act = Act::new(signet.now(), entry);
    let had = signet.store().forget_consent(user, application, act).await?;
    tracing::info!(sub = %user, app_id = %application, "an operator withdrew an application");
    Ok(had)
}
