//! Logins begin, serve and end.

use signet_protocol::{
    amr::Amr,
    application::ActiveApplication,
    id::{SessionId, TransactionId},
    opaque::Opaque,
    session::{SESSION_EXPIRE, Session},
    transaction::Chosen,
    user::ActiveUser,
};
use signet_store::SignOut;

use crate::{
    core::{Node, Rows},
    error::Failure,
};

/// The session a cookie's value names, if its secret fits; whatever its state.
pub async fn find(node: &impl Node, cookie: Option<&str>) -> Result<Option<Session>, Failure> {
    let Some(token) = cookie.and_then(Opaque::<SessionId>::parse) else {
        return Ok(None);
    };
    let session = node.rows().session(token.id).await?;
    Ok(session.filter(|session| session.hash.matches(&token.hash())))
}

/// The session a cookie's value names, with its user, if both are alive and it serves `application`.
pub async fn current(
    node: &impl Node,
    application: &ActiveApplication,
    cookie: Option<&str>,
) -> Result<Option<(Session, ActiveUser)>, Failure> {
    let now = node.now().timestamp();
    let Some(session) = find(node, cookie).await?.filter(|session| session.serves(application, now)) else {
        return Ok(None);
    };
    let user = node.rows().user(session.user).await?.and_then(|user| user.active());
    Ok(user.map(|user| (session, user)))
}

/// Begins a session for somebody who just proved who they are: always with a new id (attack 12). It replaces the one
/// of `cookie`, and `transaction` goes on with it. `None`, and nothing done, when that was answered before or the user
/// is blocked by now.
pub async fn begin(
    node: &impl Node,
    application: &ActiveApplication,
    user: &ActiveUser,
    cookie: Option<&str>,
    transaction: TransactionId,
) -> Result<Option<Opaque<SessionId>>, Failure> {
    let replaced = current(node, application, cookie).await?.map(|(session, _)| session);
    let now = node.now();
    let token = Opaque::<SessionId>::generate(now, &mut node.entropy());
    let session = Session {
        id: token.id,
        hash: token.hash(),
        pool: application.pool,
        user: user.id,
        application: (!application.settings.sso).then_some(application.id),
        auth_time: now.timestamp(),
        amr: Amr::PASSWORD,
        expires_at: now.timestamp().plus(SESSION_EXPIRE),
        ended_at: None,
    };
    let choice = Chosen { session: session.id, by_login: true };
    let begun =
        node.rows().begin_session(&session, replaced.as_ref(), Some((transaction, choice)), now).await?;
    Ok(begun.then_some(token))
}

/// Signs somebody out, as far as `what` reaches.
pub async fn sign_out(node: &impl Node, what: SignOut) -> Result<(), Failure> {
    node.rows().sign_out(what, node.now()).await?;
    Ok(())
}
