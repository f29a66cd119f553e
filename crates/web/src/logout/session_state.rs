//! Session management (OpenID Connect Session Management 1.0): a page that an application frames and asks whether the
//! `session_state` it was given is still true.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode};
use signet_protocol::{
    application::ActiveApplication,
    entropy::random,
    jose,
    logout::{browser_state, session_state},
    redirect_uri::{RedirectUri, Scheme},
    session::{SESSION_EXPIRE, Session},
    time::Seconds,
};

use crate::{
    Signet,
    clock::SystemEntropy,
    cookies::state_name_for,
    edge::Edge,
    error::only,
    pages::CheckSessionPage,
    respond::{self, Policy},
};

/// GET `/oidc/session/check`: the `check_session_iframe`.
pub async fn handle(State(_): State<Arc<Signet>>, edge: Edge) -> Response {
    let page = only(&edge.method, "GET, HEAD").map(|()| check_page(&edge));
    edge.page(edge.lang(None), page)
}

/// Any page may frame it: it answers nothing but whether a `session_state`, which is salted and hashed for one origin, is
/// that of the browser's session.
fn check_page(edge: &Edge) -> Response {
    let nonce = jose::b64(&random::<16>(&mut SystemEntropy));
    let cookie = edge.cookies.full_name(&state_name_for(None));
    let page = CheckSessionPage { nonce: &nonce, cookie: &cookie };
    let (script_nonce, framed_by) = (Some(nonce.clone()), Some("https: http:".to_owned()));
    let policy = Policy { script_nonce, framed_by, ..Policy::default() };
    respond::page(StatusCode::OK, &page, &policy)
}

/// The `session_state` of an answer to `callback`, with the cookie it is compared with, unless the browser has it.
pub struct Told {
    /// The parameter.
    pub session_state: String,
    /// The `Set-Cookie`.
    pub cookie: Option<HeaderValue>,
}

/// What an answer about `session` tells of it; nothing to an application that does not want to know, or has no web page.
pub fn tell(
    signet: &Signet,
    edge: &Edge,
    application: &ActiveApplication,
    session: &Session,
    callback: &RedirectUri,
) -> Option<Told> {
    if !application.settings.session_management || callback.scheme() == Scheme::Private {
        return None;
    }
    let state = browser_state(signet.store().pool().csrf_key.expose(), session.id);
    let name = state_name_for(session.application);
    let cookie = match edge.cookies.get(&name) {
        Some(shown) if shown == state => None,
        _ => edge.cookies.set_readable(&name, &state, age(edge).map(|age| age.0)),
    };
    let session_state = session_state(application, callback.web_origin(), &state, &mut SystemEntropy);
    Some(Told { session_state, cookie })
}

/// How long the browser keeps it: like the cookie of the login.
fn age(edge: &Edge) -> Option<Seconds> {
    edge.pool().map_or(Some(SESSION_EXPIRE), |pool| pool.sign_in.cookie_age(pool.sign_in.session_lifetime))
}

/// Removes what scripts can read of `session`, if the browser has it: from now on its pages are told of a change.
pub fn forget(edge: &Edge, session: &Session) -> Option<HeaderValue> {
    let name = state_name_for(session.application);
    edge.cookies.get(&name).and_then(|_| edge.cookies.remove(&name))
}
