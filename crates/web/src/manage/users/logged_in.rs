//! Who is signed in to an application.

use std::{collections::HashSet, sync::Arc};

use signet_protocol::{
    amr::Amr,
    id::{AppId, GrantId, SessionId, UserId},
    time::Timestamp,
    user::User,
};
use signet_store::{Leaf, StoreError, Turn, audit::Origin};

use super::end_at;
use crate::Signet;

/// Grants that are looked at for one page.
const PER_PAGE: usize = 100;
/// Users who are signed out by one act.
pub const SIGNED_OUT_AT_ONCE: usize = 1000;

/// A login of somebody to an application.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who; nothing else is known of one who is gone.
    pub user: UserId,
    /// As stored.
    pub stored: Option<Arc<User>>,
    /// The login it hangs off.
    pub session: SessionId,
    /// When they proved who they are.
    pub since: Timestamp,
    /// When the application was last given something by that login, refreshes aside.
    pub last: Timestamp,
    /// By what they proved it.
    pub amr: Amr,
    /// Whether what it was given outlives the login.
    pub offline: bool,
}

/// A page of the logins to an application, the newest first. A login of which the application was given several things is on it
/// once.
pub async fn list(
    signet: &Signet,
    application: AppId,
    turn: Turn<GrantId>,
) -> Result<Leaf<LoggedIn, GrantId>, StoreError> {
    let now = signet.now().timestamp();
    let page = signet.store().grants_given_to(application, turn, now, PER_PAGE).await?;
    let mut all: Vec<LoggedIn> = Vec::new();
    for grant in page.rows {
        match all.iter_mut().find(|one| one.session == grant.session && one.user == grant.user) {
            Some(known) => known.offline |= grant.offline,
            None => all.push(LoggedIn {
                user: grant.user,
                stored: signet.store().user(grant.user).await?,
                session: grant.session,
                since: grant.auth_time,
                last: grant.created_at,
                amr: grant.amr,
                offline: grant.offline,
            }),
        }
    }
    Ok(Leaf { rows: all, previous: page.previous, next: page.next })
}

/// Signs everybody out of an application, on every device, those first who came last. At most [`SIGNED_OUT_AT_ONCE`]; how
/// many, and whether there may be more.
pub async fn end_everybody(
    signet: &Signet,
    application: AppId,
    origin: &Origin,
) -> Result<(usize, bool), StoreError> {
    let (mut gone, mut turn) = (HashSet::new(), Turn::First);
    loop {
        let now = signet.now().timestamp();
        let page = signet.store().grants_given_to(application, turn, now, PER_PAGE).await?;
        for grant in page.rows {
            if gone.len() == SIGNED_OUT_AT_ONCE {
                return Ok((gone.len(), true));
            }
            if gone.insert(grant.user) {
                end_at(signet, grant.user, application, origin).await?;
            }
        }
        match page.next {
            Some(next) => turn = Turn::Behind(next),
            None => return Ok((gone.len(), false)),
        }
    }
}
