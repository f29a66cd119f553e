//! What of a request goes into the audit log (`docs/audit.md`).

use std::sync::Arc;

use signet_protocol::{
    application::Application,
    id::{AppId, UserId},
    jose,
    session::Session,
    user::{LoginName, User},
};
use signet_store::{
    SignOut, StoreError,
    audit::{Action, Entry, Failed, Named, Origin, Via},
    usage::Use,
};

use crate::{Network, Signet, edge::Edge};

/// Characters of the fingerprint that stands for a name nobody has.
const FINGERPRINT: usize = 12;

impl Edge {
    /// Where an act of this request comes from; its actor is not known yet.
    pub fn origin(&self, via: Via) -> Origin {
        Origin {
            via,
            actor: Named::default(),
            ip: Some(self.peer.to_string()),
            user_agent: self.user_agent.as_ref().and_then(|value| value.to_str().ok()).map(str::to_owned),
            request_id: Some(self.request_id.clone()),
            reason: None,
            granted: Vec::new(),
        }
    }
}

/// An application as a record names it.
pub fn application(application: &Application) -> Named {
    Named::new(application.id, &application.name)
}

/// A user as a record names them.
pub fn user(user: &User) -> Named {
    Named::new(user.id, user.account_name())
}

/// Somebody signed in.
pub fn login(origin: Origin, who: &User, at: &Application, method: &str) -> Entry {
    Entry::of_user(Action::Login, origin.by(user(who))).at(application(at)).with("method", method)
}

/// Why somebody who tried is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A wrong name or password.
    Credentials,
    /// The right password of a blocked user.
    Blocked,
    /// Too many attempts.
    Throttled,
}

impl Refused {
    fn as_str(self) -> &'static str {
        match self {
            Refused::Credentials => "wrong_credentials",
            Refused::Blocked => "blocked",
            Refused::Throttled => "throttled",
        }
    }
}

/// Notes that somebody tried to sign in as `name` in vain. What was typed is kept only if it is somebody's name: people type
/// passwords there (attack 25). Of any other a fingerprint is, which tells whether it was the same again.
pub fn login_refused(
    signet: &Signet,
    (edge, via): (&Edge, Via),
    at: Option<&Application>,
    (name, known): (&LoginName, Option<&User>),
    why: Refused,
) {
    let typed = match name {
        LoginName::Username(text) | LoginName::Email(text) | LoginName::Phone(text) => text,
    };
    let key = signet.store().pool().device_key.expose();
    let mac = jose::b64(&jose::hmac_sha256(key, &[b"audit", typed.as_bytes()]));
    let fingerprint = mac.get(..FINGERPRINT).unwrap_or_default();
    let origin = edge.origin(via).by(known.map(user).unwrap_or_default());
    let mut entry = Entry::of_user(Action::Login, origin).failed().with("why", why.as_str());
    if known.is_none() {
        entry = entry.with("name_fingerprint", fingerprint);
    }
    if let Some(at) = at {
        entry = entry.at(application(at));
    }
    if let Some(at) = at {
        signet.store().count_use(at.id, Use::SignInFailed, signet.now().timestamp());
    }
    let network = Network::of(edge.peer).to_string();
    let whose = format!("{fingerprint} {}", why.as_str());
    signet.store().note_failure(Failed { whose, network, entry }, signet.now());
}

/// Somebody, or an administrator for them, signs out.
pub async fn sign_out(
    signet: &Signet,
    origin: Origin,
    what: SignOut,
    of: (UserId, Option<AppId>),
) -> Result<Entry, StoreError> {
    let (whose, at) = of;
    let who = signet.store().user(whose).await?.map_or_else(|| Named::new(whose, "?"), |who| user(&who));
    let entry = match origin.via {
        Via::Console | Via::Api | Via::CommandLine | Via::Apply | Via::Automatic => {
            Entry::of_admin(Action::ForceLogout, origin).on("user", who)
        }
        Via::Page | Via::Endpoint => Entry::of_user(Action::Logout, origin.by(who)),
    };
    let reach = match what {
        SignOut::Session(_) => "session",
        SignOut::Application(..) => "session_of_application",
        SignOut::User(_) => "all_sessions",
        SignOut::UserApplication(..) => "application_on_all_devices",
    };
    let found = match at {
        Some(id) => signet.store().application(id).await?,
        None => None,
    };
    let entry = entry.with("reach", reach);
    Ok(match found.as_ref().map(Arc::as_ref) {
        Some(found) => entry.at(application(found)),
        None => entry,
    })
}

/// The application that a session serves alone.
pub fn served(session: &Session, only: Option<AppId>) -> Option<AppId> {
    only.or(session.application)
}
