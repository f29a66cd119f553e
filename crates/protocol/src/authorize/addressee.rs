//! Whom the answer goes to, and in which form.

use crate::{
    application::ActiveApplication,
    authorize::AuthorizeError,
    error::{ErrorCode, Refusal, refuse},
    issuer::Issuer,
    limits::STATE_BYTES,
    params::RawParams,
    redirect_uri::VerifiedRedirectUri,
};

/// `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the body of a POST that the browser makes.
    FormPost,
}

impl ResponseMode {
    /// Every mode.
    pub const ALL: &[ResponseMode] = &[ResponseMode::Query, ResponseMode::FormPost];

    /// The registered spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::FormPost => "form_post",
        }
    }

    /// From the registered spelling.
    pub fn parse(text: &str) -> Option<ResponseMode> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text)
    }
}

/// Where an answer may be sent. It can be made only from a [`VerifiedRedirectUri`], so nothing unverified is ever
/// redirected to (attack 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    redirect_uri: VerifiedRedirectUri,
    mode: ResponseMode,
    state: Option<String>,
    iss: String,
}

impl Addressee {
    /// Finds the addressee of a request; the refusals are for a page.
    pub fn find(
        params: &RawParams,
        application: &ActiveApplication,
        issuer: &Issuer,
    ) -> Result<Addressee, AuthorizeError> {
        let page = |description| AuthorizeError::Page(refuse(ErrorCode::InvalidRedirectUri, description));
        if params.repeats("redirect_uri") {
            return Err(page("redirect_uri is given more than once; send it once"));
        }
        let asked = params
            .get("redirect_uri")
            .ok_or_else(|| page("redirect_uri is missing; send a registered callback"))?;
        let redirect_uri = application.find_redirect_uri(asked).ok_or_else(|| {
            page("redirect_uri is not registered; it must equal a callback link of the application, character by character")
        })?;
        let state =
            params.get("state").filter(|state| !params.repeats("state") && state.len() <= STATE_BYTES);
        let mode = params.get("response_mode").and_then(ResponseMode::parse).unwrap_or(ResponseMode::Query);
        Ok(Addressee { redirect_uri, mode, state: state.map(str::to_owned), iss: issuer.url().to_owned() })
    }

    /// The callback.
    pub fn redirect_uri(&self) -> &VerifiedRedirectUri {
        &self.redirect_uri
    }

    /// The answer that carries a code (RFC 6749 §4.1.2, RFC 9207 §2).
    pub fn code(&self, code: String) -> AuthorizationResponse {
        self.response(vec![("code", code)])
    }

    /// The answer that carries a refusal (RFC 6749 §4.1.2.1, RFC 9207 §2).
    pub fn error(&self, refusal: Refusal) -> AuthorizationResponse {
        self.response(vec![
            ("error", refusal.code.as_str().to_owned()),
            ("error_description", refusal.description.to_owned()),
        ])
    }

    fn response(&self, mut pairs: Vec<(&'static str, String)>) -> AuthorizationResponse {
        pairs.extend(self.state.clone().map(|state| ("state", state)));
        pairs.push(("iss", self.iss.clone()));
        AuthorizationResponse { redirect_uri: self.redirect_uri.clone(), mode: self.mode, pairs }
    }
}

/// An answer ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationResponse {
    redirect_uri: VerifiedRedirectUri,
    mode: ResponseMode,
    pairs: Vec<(&'static str, String)>,
}

impl AuthorizationResponse {
    /// The same with a `session_state` (OpenID Connect Session Management §3).
    pub fn with_session_state(mut self, session_state: String) -> AuthorizationResponse {
        self.pairs.push(("session_state", session_state));
        self
    }

    /// In which form it goes.
    pub fn mode(&self) -> ResponseMode {
        self.mode
    }

    /// The callback.
    pub fn redirect_uri(&self) -> &VerifiedRedirectUri {
        &self.redirect_uri
    }

    /// Its parameters.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The target of a redirect in `query` mode: the callback's own query stays in front.
    pub fn location(&self) -> String {
        self.redirect_uri.uri().with_query(self.pairs())
    }
}
