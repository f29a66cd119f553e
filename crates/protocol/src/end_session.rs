//! Ending a session at a client's wish (OpenID Connect RP-Initiated Logout 1.0).

use crate::{
    application::Application,
    claims::Hint,
    error::{ErrorCode, Refusal, refuse},
    id::AppId,
    limits::STATE_BYTES,
    params::RawParams,
    redirect_uri::{VerifiedRedirectUri, verify},
    session::Session,
    user::{LoginName, User, fold_email},
};

/// A logout request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndSessionRequest {
    /// An ID token made for the client, not yet verified.
    pub id_token_hint: Option<String>,
    /// Who is to be signed out, as they sign in.
    pub logout_hint: Option<String>,
    /// The client, when there is no hint.
    pub client_id: Option<String>,
    /// Where the person should go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Returned to the client.
    pub state: Option<String>,
    /// Preferred languages.
    pub ui_locales: Option<String>,
}

impl EndSessionRequest {
    /// Reads a request (§2).
    pub fn parse(params: &RawParams) -> Result<EndSessionRequest, Refusal> {
        if params.duplicate() {
            return Err(refuse(
                ErrorCode::InvalidRequest,
                "a parameter is given more than once; send each once",
            )
            .by("repeated_parameter", "RFC 6749 §3.1"));
        }
        if params.get("state").is_some_and(|state| state.len() > STATE_BYTES) {
            return Err(refuse(ErrorCode::InvalidRequest, "state is longer than 4096 bytes"));
        }
        let text = |name: &str| params.get(name).map(str::to_owned);
        Ok(EndSessionRequest {
            id_token_hint: text("id_token_hint"),
            logout_hint: text("logout_hint"),
            client_id: text("client_id"),
            post_logout_redirect_uri: text("post_logout_redirect_uri"),
            state: text("state"),
            ui_locales: text("ui_locales"),
        })
    }

    /// Which client it concerns, given a verified hint (§2: a `client_id` must be the one of the hint).
    pub fn client(&self, hint: Option<&Hint>) -> Result<Option<AppId>, Refusal> {
        let named = match self.client_id.as_deref() {
            None => None,
            Some(text) => Some(AppId::parse(text).ok_or(UNKNOWN_CLIENT)?),
        };
        match (named, hint) {
            (Some(named), Some(hint)) if named != hint.client => {
                Err(refuse(ErrorCode::InvalidRequest, "client_id is not the audience of id_token_hint")
                    .by("client_id", "OpenID Connect RP-Initiated Logout §2"))
            }
            (named, hint) => Ok(named.or(hint.map(|hint| hint.client))),
        }
    }

    /// Where to go afterwards: a registered URI of a known client, or nowhere (§3).
    pub fn target(&self, application: Option<&Application>) -> Result<Option<LogoutTarget>, Refusal> {
        let Some(asked) = self.post_logout_redirect_uri.as_deref() else {
            return Ok(None);
        };
        let application = application.ok_or(
            refuse(
                ErrorCode::InvalidRequest,
                "post_logout_redirect_uri needs id_token_hint or client_id, so that it can be looked up",
            )
            .by("post_logout_redirect_uri", "OpenID Connect RP-Initiated Logout §3"),
        )?;
        if application.settings.logout_redirect_uris.is_empty() {
            return Err(NO_TARGETS);
        }
        let uri = verify(asked, &application.settings.logout_redirect_uris, false).ok_or(refuse(
            ErrorCode::InvalidRequest,
            "post_logout_redirect_uri is not registered; it must equal a logout callback of the application, character by character",
        )
        .by("post_logout_redirect_uri", "OpenID Connect RP-Initiated Logout §3"))?;
        Ok(Some(LogoutTarget { uri, state: self.state.clone() }))
    }
}

/// Nothing could be asked for: the application's settings lack a target.
pub const NO_TARGETS: Refusal = refuse(
    ErrorCode::Misconfiguration,
    "the application has no logout callback; register the target among its logout_redirect_uris",
)
.by("post_logout_redirect_uri", "OpenID Connect RP-Initiated Logout §3");

/// The client of a logout request does not exist here.
pub const UNKNOWN_CLIENT: Refusal =
    refuse(ErrorCode::InvalidRequest, "client_id is not the App ID of an application at this address")
        .by("client_id", "OpenID Connect RP-Initiated Logout §2");

/// Whether `logout_hint` means somebody other than `user`: then the person is asked. It never spares the question.
pub fn means_another(logout_hint: &str, user: &User) -> bool {
    let named = match LoginName::parse(logout_hint) {
        Some(LoginName::Username(name)) => user.username.as_ref() == Some(&name),
        Some(LoginName::Email(key)) => user.email.as_deref().map(fold_email) == Some(key),
        Some(LoginName::Phone(phone)) => user.phone.as_ref() == Some(&phone),
        None => false,
    };
    !named && logout_hint != user.id.to_string()
}

/// A verified place to go after the logout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutTarget {
    uri: VerifiedRedirectUri,
    state: Option<String>,
}

impl LogoutTarget {
    /// The registered URI.
    pub fn uri(&self) -> &VerifiedRedirectUri {
        &self.uri
    }

    /// The target of the redirect, with `state`.
    pub fn location(&self) -> String {
        match &self.state {
            None => self.uri.uri().as_str().to_owned(),
            Some(state) => self.uri.uri().with_query([("state", state.as_str())].into_iter()),
        }
    }
}

/// Whether the person must be asked before the session ends: always, unless the hint is of this very session or user
/// (§2: a request without a valid hint must be confirmed).
pub fn must_confirm(session: Option<&Session>, hint: Option<&Hint>) -> bool {
    match (session, hint) {
        (None, _) => false,
        (Some(session), Some(hint)) => hint.user != session.user,
        (Some(_), None) => true,
    }
}

#[cfg(test)]
#[path = "end_session_tests.rs"]
mod tests;
