//! Who is signed in to the console.

use std::sync::Arc;

use http::HeaderValue;
use signet_protocol::{
    id::{AppId, ConsoleSessionId},
    opaque::Opaque,
    operator::{Administrator, ConsoleSession, Permission},
    transaction::{csrf_fits, csrf_token},
    user::{ActiveUser, User},
};

use signet_store::audit::{Act, Action, Entry, Failed, Via};

use crate::{Network, Signet, audit, clock::SystemEntropy, cookies, edge::Edge, error::Failure};

/// Somebody who is signed in to the console and has a role. Only [`Operator::of`] makes one.
pub struct Operator {
    user: ActiveUser,
    administrator: Administrator,
    session: ConsoleSession,
    cookie: String,
}

impl Operator {
    /// Whom the cookie of a request shows: with a living session, not blocked, with a role.
    pub async fn of(signet: &Signet, edge: &Edge) -> Result<Option<Operator>, Failure> {
        let Some(cookie) = edge.cookies.get(cookies::CONSOLE) else { return Ok(None) };
        let Some(shown) = Opaque::<ConsoleSessionId>::parse(cookie) else { return Ok(None) };
        let session = signet.store().console_session(shown.id).await?;
        let lifetime = signet.store().pool_settings().await?.sign_in.console_session_lifetime;
        let now = signet.now().timestamp();
        let Some(session) = session.filter(|session| session.admits(&shown.hash(), lifetime, now)) else {
            return Ok(None);
        };
        let administrator = signet.store().administrator(session.user).await?;
        let user = signet.store().user(session.user).await?;
        let user = user.as_ref().and_then(User::active);
        Ok(administrator.zip(user).map(|(administrator, user)| Operator {
            user,
            administrator,
            session,
            cookie: cookie.to_owned(),
        }))
    }

    /// Who it is.
    pub fn user(&self) -> &ActiveUser {
        &self.user
    }

    /// Their role.
    pub fn administrator(&self) -> &Administrator {
        &self.administrator
    }

    /// Whether they may do it, to `application` if it is done to one.
    pub fn may(&self, permission: Permission, application: Option<AppId>) -> bool {
        self.administrator.may(permission, application)
    }

    /// Whether they showed their password a moment ago.
    pub fn is_fresh(&self, signet: &Signet) -> bool {
        self.session.is_fresh(signet.now().timestamp())
    }

    /// The token of their forms.
    pub fn csrf(&self, signet: &Signet) -> String {
        csrf(signet, &self.cookie)
    }

    /// Whether a form is one we gave them.
    pub fn gave(&self, signet: &Signet, csrf: Option<&str>) -> bool {
        csrf_fits(csrf, &self.csrf(signet))
    }

    /// Ends their login.
    pub async fn sign_out(&self, signet: &Signet, edge: &Edge) -> Result<(), Failure> {
        let entry = entry(Action::ConsoleLogout, edge, &self.user);
        signet.store().end_console_session(self.session.id, Act::new(signet.now(), entry)).await?;
        Ok(())
    }

    /// The id of their login.
    pub fn session(&self) -> ConsoleSessionId {
        self.session.id
    }
}

/// The token of the forms of a login, by its cookie.
fn csrf(signet: &Signet, cookie: &str) -> String {
    csrf_token(signet.store().pool().csrf_key.expose(), cookie, "console", None)
}

/// Whether a form is one that we gave to the login of this browser, which may have ended since.
pub fn gave_once(signet: &Signet, edge: &Edge, token: Option<&str>) -> bool {
    edge.cookies.get(cookies::CONSOLE).is_some_and(|cookie| csrf_fits(token, &csrf(signet, cookie)))
}

/// Whether this browser has shown the cookie of a login, alive or not.
pub fn shown(edge: &Edge) -> bool {
    edge.cookies.get(cookies::CONSOLE).and_then(Opaque::<ConsoleSessionId>::parse).is_some()
}

/// A login that has begun.
pub struct Begun {
    /// Its cookie.
    pub cookie: HeaderValue,
    /// The token of its forms.
    pub csrf: String,
}

/// What is written down of somebody who comes or goes.
fn entry(action: Action, edge: &Edge, user: &User) -> Entry {
    Entry::of_admin(action, edge.origin(Via::Console).by(audit::user(user)))
}

/// Begins a login for somebody who just proved who they are, with its cookie. `None`: they have no role. In the place of a
/// login that they still have it is the password asked for again.
pub async fn begin(
    signet: &Arc<Signet>,
    edge: &Edge,
    user: &ActiveUser,
    replaces: Option<ConsoleSessionId>,
) -> Result<Option<Begun>, Failure> {
    let lifetime = signet.store().pool_settings().await?.sign_in.console_session_lifetime;
    let now = signet.now();
    let token = Opaque::<ConsoleSessionId>::generate(now, &mut SystemEntropy);
    let session = ConsoleSession {
        id: token.id,
        hash: token.hash(),
        user: user.id,
        auth_time: now.timestamp(),
        expires_at: now.timestamp().plus(lifetime),
        ended_at: None,
    };
    let entry = entry(Action::ConsoleLogin, edge, user).with("again", replaces.is_some());
    let act = Act::new(now, entry.clone());
    let begun = signet.store().begin_console_session(&session, user.password.as_ref(), replaces, act).await?;
    if !begun {
        let (whose, network) = (format!("{} no_role", user.id), Network::of(edge.peer).to_string());
        signet
            .store()
            .note_failure(Failed { whose, network, entry: entry.failed().with("why", "no_role") }, now);
        return Ok(None);
    }
    let token = token.encode();
    let cookie = edge.cookies.set_strict(cookies::CONSOLE, &token, None);
    Ok(cookie.map(|cookie| Begun { cookie, csrf: csrf(signet, &token) }))
}
