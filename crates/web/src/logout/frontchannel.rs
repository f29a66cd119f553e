//! Front-channel logout (OpenID Connect Front-Channel Logout 1.0): the frames of a page that tells applications through
//! the browser.

use std::collections::BTreeSet;

use signet_protocol::{
    id::{AppId, SessionId},
    logout::Ended,
    session::Session,
};

use super::issuer_of;
use crate::{Signet, error::Failure};

/// Frames of a page at most; applications beyond are not told this way.
pub const FRAMES: usize = 50;

/// What is opened in frames when a session ends, or, if `only` is given, what that application got in it.
#[derive(Debug, Default)]
pub struct Frames {
    /// Their addresses.
    pub urls: BTreeSet<String>,
    /// The origins they are at, for the page's policy.
    pub origins: BTreeSet<String>,
}

/// The frames of the applications that know one of `sessions`.
pub async fn frames(signet: &Signet, sessions: &[Session], only: Option<AppId>) -> Result<Frames, Failure> {
    let mut frames = Frames::default();
    for session in sessions {
        frames.add(signet, session.id, only).await?;
    }
    Ok(frames)
}

impl Frames {
    async fn add(&mut self, signet: &Signet, session: SessionId, only: Option<AppId>) -> Result<(), Failure> {
        for (id, sid, issuer) in signet.store().session_known_to(session).await? {
            if only.is_some_and(|only| only != id) {
                continue;
            }
            let application = signet.store().application(id).await?.and_then(|found| found.active());
            let Some(application) = application else { continue };
            let Some(uri) = &application.settings.frontchannel_logout_uri else { continue };
            if self.urls.len() >= FRAMES {
                tracing::warn!(client_id = %id, "not told of a logout by its frame: there are too many");
                continue;
            }
            let ended = Ended {
                application: &application,
                issuer: &issuer_of(signet, issuer, &application),
                subjects: signet.store().pool().subjects(),
                session: sid,
            };
            self.urls.insert(ended.frame(uri)?);
            self.origins.insert(uri.origin().to_owned());
        }
        Ok(())
    }
}
