//! The sessions a request's cookies show.

use std::sync::Arc;

use http::HeaderValue;
use signet_protocol::{
    application::ActiveApplication,
    id::TransactionId,
    session::{SESSION_EXPIRE, Session},
    user::ActiveUser,
};

use crate::{Signet, cookies, core, edge::Edge, error::Failure};

/// The session that serves `application`, with its user, if both are alive.
pub async fn current(
    signet: &Arc<Signet>,
    edge: &Edge,
    application: &ActiveApplication,
) -> Result<Option<(Session, ActiveUser)>, Failure> {
    let shown = edge.cookies.get(&cookies::session_name(application));
    core::session::current(&**signet, application, shown).await
}

/// The living sessions of a browser at this host: the one of `application`, or all of them.
pub async fn all(
    signet: &Arc<Signet>,
    edge: &Edge,
    application: Option<&ActiveApplication>,
) -> Result<Vec<Session>, Failure> {
    let now = signet.now().timestamp();
    let name = application.map(|application| cookies::session_name(application));
    let mut found = Vec::new();
    for (only, value) in edge.cookies.sessions() {
        if name.as_ref().is_some_and(|name| *name != cookies::session_name_for(only)) {
            continue;
        }
        let session = core::session::find(&**signet, Some(value)).await?;
        found.extend(session.filter(|session| session.ended_at.is_none() && now < session.expires_at));
    }
    Ok(found)
}

/// Begins a session for somebody who just proved who they are, in place of the browser's. With its cookie; the outer
/// `None` when `transaction` was answered before or the user is blocked by now.
pub async fn begin(
    signet: &Arc<Signet>,
    edge: &Edge,
    application: &ActiveApplication,
    user: &ActiveUser,
    transaction: TransactionId,
) -> Result<Option<Option<HeaderValue>>, Failure> {
    let name = cookies::session_name(application);
    let shown = edge.cookies.get(&name);
    let begun = core::session::begin(&**signet, application, user, shown, transaction).await?;
    Ok(begun.map(|token| edge.cookies.set(&name, &token.encode(), Some(SESSION_EXPIRE.0))))
}
