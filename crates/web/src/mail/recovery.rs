//! Links for who has forgotten their password.
//!
//! Whether there is such a user is looked up only here, after the page was answered: neither what the page says nor how long
//! it takes tells (attack 22). The queue is bounded, and what it has no room for is dropped, whosever it is.

use std::sync::{Arc, Weak};

use signet_protocol::user::LoginName;
use signet_store::audit::{Action, Entry, Origin};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{MailError, address, send_recovery};
use crate::{Signet, audit, manage::users::link, pages::Lang};

/// Requests that wait at most.
const WAITING: usize = 256;

/// Somebody asks for a link.
#[derive(Debug)]
pub struct Recovery {
    /// What they typed.
    pub name: LoginName,
    /// The language of the page.
    pub lang: Lang,
    /// The request.
    pub origin: Origin,
}

/// Where requests wait.
pub struct Recoveries(Sender<Recovery>);

impl Recoveries {
    /// An empty queue, and its other end.
    pub fn new() -> (Recoveries, Receiver<Recovery>) {
        let (sender, receiver) = channel(WAITING);
        (Recoveries(sender), receiver)
    }

    /// Puts a request into the queue, if there is room.
    pub fn ask(&self, recovery: Recovery) {
        if self.0.try_send(recovery).is_err() {
            tracing::warn!("too many links wait to be sent; one was dropped");
        }
    }
}

/// Sends links for as long as `signet` lives.
pub fn keep(signet: &Arc<Signet>, mut waiting: Receiver<Recovery>) {
    let signet: Weak<Signet> = Arc::downgrade(signet);
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        while let Some(recovery) = waiting.recv().await {
            let Some(signet) = signet.upgrade() else { return };
            if let Err(error) = recover(&signet, recovery).await {
                tracing::warn!(%error, "a link for a forgotten password was not sent");
            }
        }
    });
}

/// Sends a link, if it is for somebody who may have one: not blocked, with an address, and with no role in the console.
/// Whoever reads an administrator's mail would otherwise administer the pool.
async fn recover(signet: &Signet, recovery: Recovery) -> Result<(), MailError> {
    let Recovery { name, lang, origin } = recovery;
    let pool = signet.store().pool_settings().await?;
    let found = signet.store().user_by_login(&name).await?.filter(|user| !user.blocked);
    let Some(user) = found.filter(|_| pool.sign_in.password_recovery) else { return Ok(()) };
    if signet.store().administrator(user.id).await?.is_some() {
        return Ok(());
    }
    let to = address(&user)?;
    let entry = Entry::of_user(Action::RecoverPassword, origin.by(audit::user(&user)));
    // `None`: they were blocked a moment ago.
    let Some(made) = link::make(signet, &user, entry).await? else { return Ok(()) };
    send_recovery(signet, &pool, &to, (lang, &made)).await
}
