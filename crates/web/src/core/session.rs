//! Logins begin, serve and end.

use signet_protocol::{
    amr::Amr,
    application::ActiveApplication,
    id::{SessionId, TransactionId},
    opaque::Opaque,
    session::{Session, Shown},
    time::Now,
    transaction::Chosen,
    user::ActiveUser,
};
use signet_store::{
    SignOut,
    audit::{Act, Entry, Origin},
};

use crate::{
    audit,
    core::{Node, Rows},
    error::Failure,
};

/// The session a cookie names, if its secret fits; whatever its state.
pub async fn find(node: &impl Node, cookie: Option<Shown<'_>>) -> Result<Option<Session>, Failure> {
    match cookie {
        None => Ok(None),
        // It was found genuine without its row.
        Some(Shown::Lent(lent)) => load(node, lent.session()).await,
        Some(Shown::Own(value)) => {
            let Some(token) = Opaque::<SessionId>::parse(value) else { return Ok(None) };
            let session = load(node, token.id).await?;
            Ok(session.filter(|session| session.hash.matches(&token.hash())))
        }
    }
}

/// The session of this id, with the end it has by the settings of today; whatever its state.
pub(super) async fn load(node: &impl Node, id: SessionId) -> Result<Option<Session>, Failure> {
    let Some(session) = node.rows().session(id).await? else { return Ok(None) };
    Ok(Some(node.rows().settings().await?.sign_in.bounded(session)))
}

/// The session a cookie names, with its user, if both are alive and it serves `application`.
pub async fn current(
    node: &impl Node,
    application: &ActiveApplication,
    cookie: Option<Shown<'_>>,
) -> Result<Option<(Session, ActiveUser)>, Failure> {
    let now = node.now().timestamp();
    let Some(session) = find(node, cookie).await?.filter(|session| session.serves(application, now)) else {
        return Ok(None);
    };
    let user = node.rows().user(session.user).await?.and_then(|user| user.active());
    Ok(user.map(|user| (session, user)))
}

/// Begins a session for somebody who just proved who they are: always with a new id (attack 12). It replaces the one
/// of `cookie`, and `transaction` goes on with it. `None`, and nothing done, when that was answered before, or the user
/// is blocked or has another password by now.
pub async fn begin(
    node: &impl Node,
    application: &ActiveApplication,
    user: &ActiveUser,
    cookie: Option<Shown<'_>>,
    transaction: TransactionId,
    origin: Option<Origin>,
) -> Result<Option<Opaque<SessionId>>, Failure> {
    let replaced = current(node, application, cookie).await?.map(|(session, _)| session);
    let lifetime = node.rows().settings().await?.sign_in.session_lifetime;
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
        expires_at: now.timestamp().plus(lifetime),
        ended_at: None,
    };
    let choice = Chosen { session: session.id, by_login: true };
    let (password, transaction) = (user.password.as_ref(), Some((transaction, choice)));
    let act = act(now, origin.map(|origin| audit::login(origin, user, application, "password")));
    let begun = node.rows().begin_session(&session, password, replaced.as_ref(), transaction, act).await?;
    Ok(begun.then_some(token))
}

/// Signs somebody out, as far as `what` reaches, with the record of it.
pub async fn sign_out(node: &impl Node, what: SignOut, entry: Option<Entry>) -> Result<(), Failure> {
    node.rows().sign_out(what, act(node.now(), entry)).await?;
    Ok(())
}

/// Something done now, with its record.
pub(super) fn act(now: Now, entry: Option<Entry>) -> Act {
    Act { now, entries: entry.into_iter().collect() }
}
