//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).
//!
//! Raw parameters become a [`Draft`] (parsed once, refusing nothing), which the ordered [`Asked::CHECKS`] turn into an
//! [`AuthorizationRequest`]; [`decide`] then says what happens next. Before an [`Addressee`] is known, a refusal is shown
//! on a page; after that it goes to the callback.

mod addressee;
mod allowed;
mod checks;
mod decide;
mod issue;
mod mode;
mod request;
pub mod request_object;
#[cfg(test)]
mod tests;

pub use addressee::{Addressee, AuthorizationResponse};
pub use allowed::AllowedResponse;
pub use checks::{Asked, check};
pub use decide::{Next, Situation, asked_consent, decide, granted_scope};
pub use issue::{Issued, IssuedCode, Issuing, issue, issue_code};
pub use mode::ResponseMode;
pub use request::{AuthorizationRequest, Display, Draft, Field, PARAMETERS, Prompt};

use crate::{
    error::{ErrorCode, Refusal, refuse},
    id::AppId,
    params::RawParams,
};

/// A refusal at this endpoint: whom it is told is part of its type.
#[derive(Debug)]
pub enum AuthorizeError {
    /// Shown to the person, because nobody else is known to be safe to tell.
    Page(Refusal),
    /// Sent to the verified callback.
    Redirect(Box<Addressee>, Refusal),
}

/// Which client a request claims to come from.
pub fn client_id(params: &RawParams) -> Result<AppId, AuthorizeError> {
    let page = |description| {
        AuthorizeError::Page(
            refuse(ErrorCode::InvalidRequest, description).by("client_id", "RFC 6749 §4.1.1"),
        )
    };
    if params.repeats("client_id") {
        return Err(page("client_id is given more than once; send it once"));
    }
    let text = params
        .get("client_id")
        .ok_or_else(|| page("client_id is missing; send the App ID of the application"))?;
    AppId::parse(text).ok_or(AuthorizeError::Page(UNKNOWN_CLIENT))
}

/// There is no such client, or it is disabled, or another issuer's.
pub const UNKNOWN_CLIENT: Refusal = refuse(
    ErrorCode::InvalidClient,
    "client_id is not the App ID of an enabled application at this address; compare it with the application's settings",
)
.by("client_id", "RFC 6749 §4.1.2.1");
