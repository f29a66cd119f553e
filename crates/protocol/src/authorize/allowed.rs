//! Which answers an application may be given.

use crate::{
    application::{ActiveApplication, Application, ResponseType},
    error::{ErrorCode, Refusal, refuse},
};

/// A client with a return type that is ticked for it, and the modes that this needs. Only [`AllowedResponse::of`] makes
/// one; codes are issued and tokens minted at the authorization endpoint for nothing else (attack 18).
#[derive(Clone, Debug)]
pub struct AllowedResponse {
    application: ActiveApplication,
    kind: ResponseType,
}

impl AllowedResponse {
    /// Sees that `application` may be answered with `kind`: `unauthorized_client` otherwise.
    pub fn of(application: &ActiveApplication, kind: ResponseType) -> Result<AllowedResponse, Refusal> {
        check_ticked(application, kind).map_err(|refusal| refusal.by("response_type", "RFC 6749 §3.1.1"))?;
        check_modes(application, kind)
            .map_err(|refusal| refusal.by("grant_type", "OpenID Connect Registration §2"))?;
        Ok(AllowedResponse { application: application.clone(), kind })
    }

    /// The client.
    pub fn application(&self) -> &ActiveApplication {
        &self.application
    }

    /// What it is answered with.
    pub fn kind(&self) -> ResponseType {
        self.kind
    }
}

/// The return type itself is ticked.
pub(super) fn check_ticked(application: &Application, kind: ResponseType) -> Result<(), Refusal> {
    unless(
        !application.allows_response(kind),
        "response_type is not ticked among the return types of this application",
    )
}

/// So is each mode that it needs.
pub(super) fn check_modes(application: &Application, kind: ResponseType) -> Result<(), Refusal> {
    unless(
        !kind.modes().all(|mode| application.allows_grant(mode)),
        "an authorization mode of this response_type is not ticked: authorization_code for a code, implicit for a token or an ID token",
    )
}

fn unless(bad: bool, description: &'static str) -> Result<(), Refusal> {
    if bad { Err(refuse(ErrorCode::UnauthorizedClient, description)) } else { Ok(()) }
}
