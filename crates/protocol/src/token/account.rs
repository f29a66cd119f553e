//! `grant_type=client_credentials` (RFC 6749 §4.4): an account asks for what rules allow it.

use std::net::IpAddr;

use crate::{
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
    pool::PoolSettings,
    resource::{ApiIdentifier, Caller, Permissions, ScopeCase, indicated},
    scope::Scope,
    time::Timestamp,
    token::AllowedAccount,
};

/// What an account asks for.
pub struct AccountRequest<'p> {
    scope: Scope,
    api: Option<&'p str>,
}

/// What rules give an account, at least something. Only [`AccountRequest::decide`] makes one, and
/// [`AccountMinting`](super::AccountMinting) takes nothing else.
pub struct Allotted<'a> {
    /// To which account.
    pub(super) to: &'a AllowedAccount,
    /// What is granted.
    pub(super) scope: Scope,
    /// What is not.
    pub(super) rejected: Scope,
    /// The API that it is for, if the request named one.
    pub(super) api: Option<ApiIdentifier>,
}

/// Why an account gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountRefusal {
    /// The request is wrong.
    Refused(Refusal),
    /// None of what it asks for is allowed: with all of that, which is `rejected_scope`.
    Rejected(Refusal, Scope),
}

impl From<Refusal> for AccountRefusal {
    fn from(refusal: Refusal) -> AccountRefusal {
        AccountRefusal::Refused(refusal)
    }
}

const NOTHING_ASKED: Refusal = refuse(
    ErrorCode::InvalidScope,
    "scope is missing; ask for what rules allow the account, for example scope=book:read",
)
.by("scope", "RFC 6749 §4.4.2");

const NOTHING_ALLOWED: Refusal = refuse(
    ErrorCode::InvalidScope,
    "no rule allows the account any of scope; see rejected_scope and the rules of the application",
)
.by("scope", "RFC 6749 §3.3");

impl<'p> AccountRequest<'p> {
    /// Reads the parameters of the grant.
    pub fn parse(params: &'p RawParams) -> Result<AccountRequest<'p>, Refusal> {
        let api = indicated(params)?;
        let scope = Scope::parse(params.get("scope").unwrap_or_default()).map_err(|_| {
            refuse(
                ErrorCode::InvalidScope,
                "scope must be at most 128 values of printable ASCII separated by spaces, 4 KiB in all",
            )
        })?;
        Ok(AccountRequest { scope, api })
    }

    /// What of it the rules allow `to`, for a request from `ip` at `now`. `permissions` are those of its application.
    pub fn decide<'a>(
        &self,
        to: &'a AllowedAccount,
        permissions: &Permissions,
        settings: &PoolSettings,
        ip: IpAddr,
        now: Timestamp,
    ) -> Result<Allotted<'a>, AccountRefusal> {
        let api = self.api.map(|api| permissions.target(api)).transpose()?;
        let decision = permissions.decide(&ScopeCase {
            scope: &self.scope,
            api,
            caller: Caller::Account(to.account().id),
            settings,
            ip: Some(ip),
            now,
            mfa: None,
        });
        if decision.granted == Scope::default() {
            let why = if self.scope == Scope::default() { NOTHING_ASKED } else { NOTHING_ALLOWED };
            return Err(AccountRefusal::Rejected(why, decision.rejected));
        }
        let api = api.map(|api| api.identifier().clone());
        Ok(Allotted { to, scope: decision.granted, rejected: decision.rejected, api })
    }
}
