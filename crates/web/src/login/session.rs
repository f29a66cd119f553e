//! The sessions a request's cookies show.

use std::sync::Arc;

use http::HeaderValue;
use signet_protocol::{
    application::ActiveApplication,
    id::SessionId,
    opaque::Opaque,
    session::{SESSION_EXPIRE, Session},
    user::ActiveUser,
};

use crate::{Signet, clock::SystemEntropy, cookies, edge::Edge, error::Failure};

/// The session that serves `application`, with its user, if both are alive.
pub async fn current(
    signet: &Arc<Signet>,
    edge: &Edge,
    application: &ActiveApplication,
) -> Result<Option<(Session, ActiveUser)>, Failure> {
    let now = signet.now().timestamp();
    let shown = edge.cookies.get(&cookies::session_name(application));
    let Some(session) = find(signet, shown).await?.filter(|session| session.serves(application, now)) else {
        return Ok(None);
    };
    let user = signet.store().user(session.user).await?.and_then(|user| user.active());
    Ok(user.map(|user| (session, user)))
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
        let session = find(signet, Some(value)).await?;
        found.extend(session.filter(|session| session.ended_at.is_none() && now < session.expires_at));
    }
    Ok(found)
}

/// The session a cookie's value names, if its secret fits.
async fn find(signet: &Arc<Signet>, value: Option<&str>) -> Result<Option<Session>, Failure> {
    let Some(token) = value.and_then(Opaque::<SessionId>::parse) else {
        return Ok(None);
    };
    let session = signet.store().session(token.id).await?;
    Ok(session.filter(|session| session.hash.matches(&token.hash())))
}

/// A new session for somebody who just proved who they are: always a new id (attack 12). With its cookie.
pub fn begin(
    signet: &Signet,
    edge: &Edge,
    application: &ActiveApplication,
    user: &ActiveUser,
) -> (Session, Option<HeaderValue>) {
    let now = signet.now();
    let token = Opaque::<SessionId>::generate(now, &mut SystemEntropy);
    let session = Session {
        id: token.id,
        hash: token.hash(),
        pool: application.pool,
        user: user.id,
        application: (!application.settings.sso).then_some(application.id),
        auth_time: now.timestamp(),
        expires_at: now.timestamp().plus(SESSION_EXPIRE),
        ended_at: None,
    };
    let name = cookies::session_name(application);
    let cookie = edge.cookies.set(&name, &token.encode(), Some(SESSION_EXPIRE.0));
    (session, cookie)
}
