//! The token endpoint (RFC 6749 §3.2, OpenID Connect Core §3.1.3).
//!
//! Every grant takes the same way: read the form, authenticate the client, see that the grant is ticked, run the grant's
//! own checks, spend what is single-use, and only then mint.

mod account;
mod code;
mod mint;
mod password;
mod refresh;
#[cfg(test)]
mod tests;

pub use account::{AccountRefusal, AccountRequest, Allotted};
pub use code::{CodeCase, CodeOutcome, CodeRequest, judge_code};
pub use mint::{AccountMinting, FrontAccess, FrontTokens, Minting, Permission, Signers, TokenResponse};
pub use password::{INVALID_CREDENTIALS, PasswordRequest, RIGHT_BUT_NOT_ADMITTED};
pub use refresh::{RefreshCase, RefreshRequest, RefreshedScope, check_refresh, refreshed_scope};

use crate::{
    account::ActiveAccount,
    application::GrantType,
    client_auth::{AuthenticatedAccount, AuthenticatedClient},
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
    resource::RESOURCE,
};

/// The one answer to a code or refresh token that cannot be used: it does not say why (RFC 6749 §5.2).
pub const INVALID_GRANT: Refusal = refuse(
    ErrorCode::InvalidGrant,
    "the code or refresh token is unknown, expired, used, revoked, or was given to another client; sign the user in again",
);

/// Nothing is left of what was asked for, and no ID token goes with it.
pub const NOTHING_LEFT: Refusal = refuse(
    ErrorCode::InvalidScope,
    "scope asks for nothing that can be granted; leave it out or ask for openid, and see rejected_scope and the rules of the application",
)
.by("scope", "RFC 6749 §3.3");

/// Sees that a form names each parameter once (RFC 6749 §3.2).
pub fn check_form(params: &RawParams) -> Result<(), Refusal> {
    if params.repeats_besides(RESOURCE) {
        return Err(refuse(ErrorCode::InvalidRequest, "a parameter is given more than once; send each once")
            .by("repeated_parameter", "RFC 6749 §3.2"));
    }
    Ok(())
}

/// The grant type of a request.
pub fn grant_type(params: &RawParams) -> Result<GrantType, Refusal> {
    let text = params.get("grant_type").ok_or(
        refuse(
            ErrorCode::InvalidRequest,
            "grant_type is missing; send it in the form body, for example grant_type=authorization_code",
        )
        .by("grant_type", "RFC 6749 §4"),
    )?;
    GrantType::parse(text).ok_or(UNSUPPORTED_GRANT)
}

/// There is no such grant at this endpoint: `implicit` is one of the authorization endpoint alone.
pub const UNSUPPORTED_GRANT: Refusal = refuse(
    ErrorCode::UnsupportedGrantType,
    "grant_type is not one that the token endpoint supports; see grant_types_supported in the discovery document",
)
.by("grant_type", "RFC 6749 §5.2");

/// A client with a grant that is ticked for it. Only [`allow`] makes one, and [`Minting`] takes nothing else (attack 18).
#[derive(Clone, Debug)]
pub struct AllowedGrant {
    client: AuthenticatedClient,
    grant: GrantType,
}

impl AllowedGrant {
    /// The client.
    pub fn client(&self) -> &AuthenticatedClient {
        &self.client
    }

    /// The grant.
    pub fn grant(&self) -> GrantType {
        self.grant
    }
}

/// Sees that the client may use `grant` at the token endpoint.
pub fn allow(client: AuthenticatedClient, grant: GrantType) -> Result<AllowedGrant, Refusal> {
    match grant {
        GrantType::Implicit => Err(UNSUPPORTED_GRANT),
        GrantType::ClientCredentials => Err(refuse(
            ErrorCode::UnauthorizedClient,
            "client_credentials is for accounts; send the AccessKey and the SecretKey of an account of the application",
        )
        .by("grant_allowed", "RFC 6749 §4.4")),
        _ if client.application().allows_grant(grant) => Ok(AllowedGrant { client, grant }),
        _ => Err(NOT_TICKED),
    }
}

const NOT_TICKED: Refusal = refuse(
    ErrorCode::UnauthorizedClient,
    "this grant_type is not ticked among the authorization modes of the application",
)
.by("grant_allowed", "RFC 6749 §5.2, OpenID Connect Registration §2");

/// An account whose application has `client_credentials` ticked. Only [`allow_account`] makes one, and [`AccountMinting`]
/// takes nothing else (attack 18).
#[derive(Clone, Debug)]
pub struct AllowedAccount(AuthenticatedAccount);

impl AllowedAccount {
    /// The account.
    pub fn account(&self) -> &ActiveAccount {
        self.0.account()
    }
}

/// Sees that the account may use `grant` at the token endpoint.
pub fn allow_account(account: AuthenticatedAccount, grant: GrantType) -> Result<AllowedAccount, Refusal> {
    match grant {
        GrantType::Implicit => Err(UNSUPPORTED_GRANT),
        GrantType::ClientCredentials if account.account().application().allows_grant(grant) => {
            Ok(AllowedAccount(account))
        }
        GrantType::ClientCredentials => Err(NOT_TICKED),
        GrantType::AuthorizationCode | GrantType::RefreshToken | GrantType::Password => Err(refuse(
            ErrorCode::UnauthorizedClient,
            "an account gets tokens by grant_type client_credentials alone; send the App ID and the App Secret for this one",
        )
        .by("grant_allowed", "RFC 6749 §4.4")),
    }
}
