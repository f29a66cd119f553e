//! In which form an answer goes.

use crate::{
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
    redirect_uri::Scheme,
};

/// `response_mode` (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect, which browsers keep from servers.
    Fragment,
    /// In the body of a POST that the browser makes.
    FormPost,
    /// In a message from our page to the application's window.
    WebMessage,
}

impl ResponseMode {
    /// Every mode.
    pub const ALL: &[ResponseMode] =
        &[ResponseMode::Query, ResponseMode::Fragment, ResponseMode::FormPost, ResponseMode::WebMessage];

    /// The registered spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::Fragment => "fragment",
            ResponseMode::FormPost => "form_post",
            ResponseMode::WebMessage => "web_message",
        }
    }

    /// From the registered spelling.
    pub fn parse(text: &str) -> Option<ResponseMode> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text)
    }

    /// The mode of a request that names none: of one with tokens in the answer when `front`.
    pub fn default_of(front: bool) -> ResponseMode {
        if front { ResponseMode::Fragment } else { ResponseMode::Query }
    }

    /// Sees that the mode may carry an answer, with tokens when `front`, to a callback of this kind: `invalid_request`
    /// otherwise. Tokens stay out of queries, which end up in logs, and messages go only to an origin that is this
    /// machine's or proved by TLS.
    pub fn check(self, front: bool, callback: Scheme) -> Result<(), Refusal> {
        let description = match (self, callback) {
            (ResponseMode::Query, _) if front => {
                "response_mode=query cannot carry a token or an ID token; use fragment, form_post or web_message"
            }
            (ResponseMode::WebMessage, Scheme::Http | Scheme::Private) => {
                "response_mode=web_message needs a redirect_uri with https, or with http to this machine"
            }
            _ => return Ok(()),
        };
        Err(refuse(ErrorCode::InvalidRequest, description))
    }
}

/// Whether a request asks for a token or an ID token in the answer itself; also one whose `response_type` is refused, so
/// that the refusal goes where the answer would.
pub(super) fn asks_for_tokens(params: &RawParams) -> bool {
    let values = params.get("response_type").unwrap_or_default().split(' ');
    values.into_iter().any(|value| matches!(value, "token" | "id_token"))
}
