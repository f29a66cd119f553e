//! A name and a password, looked at in the same way at every door: counted before, with the same work for whoever it is
//! (attacks 14 and 22).

use std::sync::Arc;

use signet_protocol::{
    application::Application,
    limits::PASSWORD_BYTES,
    password::PasswordHash,
    time::Seconds,
    user::{ActiveUser, LoginName, User},
};
use signet_store::audit::Via;

use crate::{
    Network, Signet,
    audit::{self, Refused},
    edge::Edge,
    error::Failure,
    hashing::{Asker, Busy},
    login::attempts::Attempt,
    metrics::Login,
};

/// What somebody shows to prove who they are.
pub struct Credentials {
    name: LoginName,
    password: String,
}

/// Where they are shown.
#[derive(Clone, Copy)]
pub struct Door<'a> {
    /// By which way.
    pub via: Via,
    /// At which application; none at the console.
    pub application: Option<&'a Application>,
}

/// What came of looking at them.
pub enum Checked {
    /// They are right, and their user may sign in. Whoever has to show more than a password is asked for it after this.
    Right(ActiveUser),
    /// They are wrong, or their user is blocked.
    Wrong,
    /// They were not looked at: too many attempts, so wait this long.
    Throttled(Seconds),
    /// They were not looked at: the hashing threads are at capacity.
    Busy,
}

impl Credentials {
    /// `None` when the password is longer than any can be.
    pub fn new(name: LoginName, password: &str) -> Option<Credentials> {
        (password.len() <= PASSWORD_BYTES).then(|| Credentials { name, password: password.to_owned() })
    }

    /// Looks at them, unless that was tried too often.
    pub async fn check(self, signet: &Signet, edge: &Edge, door: Door<'_>) -> Result<Checked, Failure> {
        let checked = self.look(signet, edge, door).await?;
        signet.metrics().tried_to_sign_in(match checked {
            Checked::Right(_) => Login::Succeeded,
            Checked::Wrong => Login::Failed,
            Checked::Throttled(_) => Login::Throttled,
            Checked::Busy => Login::Busy,
        });
        Ok(checked)
    }

    async fn look(self, signet: &Signet, edge: &Edge, door: Door<'_>) -> Result<Checked, Failure> {
        let mut user = signet.store().user_by_login(&self.name).await?;
        // A kind of name that nobody signs in by is nobody's, with the same work. At the console every kind is taken, so
        // that no setting locks those out who could change it.
        if door.application.is_some() && !signet.store().pool_settings().await?.sign_in.takes(&self.name) {
            user = None;
        }
        let asker = Asker::Network(Network::of(edge.peer));
        let refused = |why| {
            let who = (&self.name, user.as_ref());
            audit::login_refused(signet, (edge, door.via), door.application, who, why);
        };
        let attempt = match Attempt::reserve(signet, edge, &self.name, user.as_ref()).await? {
            Ok(attempt) => attempt,
            Err(wait) => {
                tracing::warn!(request_id = edge.request_id, peer = %edge.peer, seconds = wait.0, "login throttled");
                refused(Refused::Throttled);
                return Ok(Checked::Throttled(wait));
            }
        };
        match verify(signet, asker, user.as_ref(), self.password.clone()).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!(request_id = edge.request_id, peer = %edge.peer, "login failed");
                refused(Refused::Credentials);
                return Ok(Checked::Wrong);
            }
            Err(Busy) => {
                attempt.give_back(signet).await?;
                return Ok(Checked::Busy);
            }
        }
        // A blocked user gets the answer of a wrong password, after the same work.
        let Some(user) = user.clone().map(Arc::new).as_ref().and_then(User::active) else {
            refused(Refused::Blocked);
            return Ok(Checked::Wrong);
        };
        attempt.forgive(signet).await?;
        let user = self.strengthen(signet, asker, user).await?;
        Ok(user.map_or(Checked::Wrong, Checked::Right))
    }

    /// Hashes the password of an imported user anew if its hash costs more or less than ours. If the threads are busy,
    /// another time. The user as they are now; `None` when somebody gave them another password meanwhile.
    async fn strengthen(
        self,
        signet: &Signet,
        asker: Asker,
        user: ActiveUser,
    ) -> Result<Option<ActiveUser>, Failure> {
        let Some(old) = user.password.as_ref().filter(|hash| !hash.is_current()) else {
            return Ok(Some(user));
        };
        let Ok(new) = signet.hasher().create(asker, self.password).await else {
            return Ok(Some(user));
        };
        signet.store().rehash_password(&user, &new, signet.now()).await?;
        // Another login of theirs may have been quicker, or a change of their profile.
        let same = |now: &User| {
            now.password == user.password || now.details.imported.as_ref() == Some(&old.fingerprint())
        };
        let now = signet.store().user_by_login(&self.name).await?.filter(same);
        Ok(now.map(Arc::new).as_ref().and_then(User::active))
    }
}

/// Verifies the password, or for nobody a decoy of the same cost.
async fn verify(signet: &Signet, asker: Asker, user: Option<&User>, password: String) -> Result<bool, Busy> {
    let hash = user.and_then(|user| user.password.clone()).unwrap_or_else(PasswordHash::decoy);
    signet.hasher().verify(asker, hash, password).await
}
