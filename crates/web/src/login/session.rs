//! The sessions a request's cookies show.

use std::sync::Arc;

use http::HeaderValue;
use signet_protocol::{
    application::ActiveApplication,
    id::{AppId, TransactionId},
    session::{Lent, Session, Shown},
    user::ActiveUser,
};
use signet_store::audit::Via;

use crate::{Signet, cookies, core, edge::Edge, error::Failure};

/// The session that serves `application`, with its user, if both are alive.
pub async fn current(
    signet: &Arc<Signet>,
    edge: &Edge,
    application: &ActiveApplication,
) -> Result<Option<(Session, ActiveUser)>, Failure> {
    core::session::current(&**signet, application, shown(signet, edge, application)).await
}

/// What the browser shows of a session that serves `application`.
fn shown<'a>(signet: &Signet, edge: &'a Edge, application: &ActiveApplication) -> Option<Shown<'a>> {
    let only = (!application.settings.sso).then_some(application.id);
    genuine(signet, edge, only, edge.cookies.get(&cookies::session_name_for(only))?)
}

/// What a session cookie shows. At an application's own host that of the single sign-on list is lent, never its own.
fn genuine<'a>(signet: &Signet, edge: &Edge, only: Option<AppId>, value: &'a str) -> Option<Shown<'a>> {
    match (only, &edge.own) {
        (None, Some(own)) => Lent::find(lent_key(signet), own.id, value).map(Shown::Lent),
        _ => Some(Shown::Own(value)),
    }
}

/// The cookie of `session` at the own host of `application`, which lasts as long as the session or, where that is set, the
/// browser.
pub async fn lend(
    signet: &Signet,
    edge: &Edge,
    application: &ActiveApplication,
    session: &Session,
) -> Result<Option<HeaderValue>, Failure> {
    let value = Lent::cookie(lent_key(signet), application.id, session.id);
    let left = session.expires_at.since(signet.now().timestamp());
    let age = signet.store().pool_settings().await?.sign_in.cookie_age(left);
    Ok(edge.cookies.set(&cookies::session_name(application), &value, age.map(|age| age.0)))
}

fn lent_key(signet: &Signet) -> &[u8] {
    signet.store().pool().csrf_key.expose()
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
        let session = core::session::find(&**signet, genuine(signet, edge, only, value)).await?;
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
    let shown = shown(signet, edge, application);
    let origin = Some(edge.origin(Via::Page));
    let begun = core::session::begin(&**signet, application, user, shown, transaction, origin).await?;
    let name = cookies::session_name(application);
    let sign_in = &signet.store().pool_settings().await?.sign_in;
    let age = sign_in.cookie_age(sign_in.session_lifetime).map(|age| age.0);
    Ok(begun.map(|token| edge.cookies.set(&name, &token.encode(), age)))
}
