//! Whom the answer goes to, and in which form.

use crate::{
    application::ActiveApplication,
    authorize::{AuthorizeError, ResponseMode, mode::asks_for_tokens},
    error::{ErrorCode, Refusal, refuse},
    issuer::Issuer,
    limits::STATE_BYTES,
    params::{RawParams, encode_pairs},
    redirect_uri::VerifiedRedirectUri,
    token::FrontTokens,
};

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
        let page = |description| {
            let refusal = refuse(ErrorCode::InvalidRedirectUri, description);
            AuthorizeError::Page(refusal.by("redirect_uri", "OpenID Connect Core §3.1.2.1, RFC 9700 §2.1"))
        };
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
        let front = asks_for_tokens(params);
        if front && !application.may_receive_tokens(redirect_uri.uri()) {
            let refusal = refuse(
                ErrorCode::InvalidRedirectUri,
                "redirect_uri is not https, and this response_type would send tokens to it; use https, or response_type=code",
            );
            return Err(AuthorizeError::Page(
                refusal.by("redirect_uri_https", "OpenID Connect Registration §2, application_type"),
            ));
        }
        let fits = |mode: &ResponseMode| mode.check(front, redirect_uri.uri().scheme()).is_ok();
        let asked_mode = params.get("response_mode").and_then(ResponseMode::parse).filter(fits);
        let mode = asked_mode.unwrap_or(ResponseMode::default_of(front));
        Ok(Addressee { redirect_uri, mode, state: state.map(str::to_owned), iss: issuer.url().to_owned() })
    }

    /// The callback.
    pub fn redirect_uri(&self) -> &VerifiedRedirectUri {
        &self.redirect_uri
    }

    /// The `state` that goes back with the answer.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The answer that carries a code, tokens, both or neither (RFC 6749 §4.1.2 and §4.2.2, OpenID Connect Core §3.2.2.5
    /// and §3.3.2.5, RFC 9207 §2). There is never a refresh token in it.
    pub fn success(&self, code: Option<String>, tokens: FrontTokens) -> AuthorizationResponse {
        let mut pairs = Vec::new();
        pairs.extend(code.map(|code| ("code", code)));
        if let Some(access) = tokens.access {
            pairs.extend([
                ("access_token", access.token),
                ("token_type", "Bearer".to_owned()),
                ("expires_in", access.expires_in.0.to_string()),
                ("scope", access.scope.to_string()),
            ]);
            pairs.extend(access.rejected.map(|rejected| ("rejected_scope", rejected.to_string())));
        }
        pairs.extend(tokens.id_token.map(|token| ("id_token", token)));
        self.response(pairs)
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
    pub fn query_location(&self) -> String {
        self.redirect_uri.uri().with_query(self.pairs())
    }

    /// The target of a redirect in `fragment` mode. A callback has no fragment of its own.
    pub fn fragment_location(&self) -> String {
        format!("{}#{}", self.redirect_uri.uri(), encode_pairs(self.pairs()))
    }
}
