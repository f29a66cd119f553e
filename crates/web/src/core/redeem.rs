//! A code becomes tokens, once (RFC 6749 §4.1.3).

use signet_protocol::{
    access::AdmittedUser,
    application::GrantType,
    code::AuthorizationCode,
    error::Refusal,
    grant::Grant,
    id::{FamilyId, RowId},
    refresh,
    time::Now,
    token::{self, CodeCase, CodeOutcome, CodeRequest, INVALID_GRANT},
};
use signet_store::NewFamily;

use crate::{
    core::{Caller, Node, Rows, admitted_user, revoke},
    error::Failure,
};

const UNKNOWN: Refusal = INVALID_GRANT.by("code_known", "RFC 6749 §4.1.3");
const EXPIRED: Refusal = INVALID_GRANT.by("code_expired", "RFC 6749 §4.1.2");
const REVOKED: Refusal = INVALID_GRANT.by("code_revoked", "RFC 6749 §4.1.2");
/// The rule that a code is used once, and where it is written.
const USED: &str = "code_used";
const USED_CLAUSE: &str = "RFC 6749 §4.1.2, RFC 9700 §2.1.1";

/// A code that the caller may spend, with the user it is about. Only [`find`] makes one.
pub struct Redeemable {
    code: AuthorizationCode,
    user: AdmittedUser,
}

/// A code that was spent: what tokens are minted from.
pub struct Redeemed {
    /// The code.
    pub code: AuthorizationCode,
    /// Its user.
    pub user: AdmittedUser,
    /// The first refresh token, if the grant has any.
    pub refresh_token: Option<String>,
    /// When that was written.
    pub now: Now,
}

/// Finds the code of a request. One that was spent before takes with it what it gave.
pub async fn find(
    node: &impl Node,
    caller: &Caller<'_>,
    request: &CodeRequest,
) -> Result<Redeemable, Failure> {
    let code = node.rows().code(request.code.id).await?.ok_or(UNKNOWN)?;
    let case = CodeCase { request, stored: &code, client: caller.client, issuer: caller.issuer.id() };
    match token::judge_code(&case, node.now().timestamp())? {
        CodeOutcome::Redeem => {}
        CodeOutcome::Reused(_) => {
            return Err(revoke::because(node, caller, &code.grant, "a code was used again")
                .await?
                .by(USED, USED_CLAUSE)
                .into());
        }
        CodeOutcome::Dead if code.grant.revoked_at.is_some() => return Err(REVOKED.into()),
        CodeOutcome::Dead => return Err(EXPIRED.into()),
    }
    let user = admitted_user(node.rows(), caller, code.grant.user).await?;
    Ok(Redeemable { code, user })
}

impl Redeemable {
    /// What it gives.
    pub fn grant(&self) -> &Grant {
        &self.code.grant
    }

    /// Its user.
    pub fn user(&self) -> &AdmittedUser {
        &self.user
    }

    /// Spends the code, durably, before anything is signed.
    pub async fn spend(self, node: &impl Node, caller: &Caller<'_>) -> Result<Redeemed, Failure> {
        let Redeemable { code, user } = self;
        let (rows, now) = (node.rows(), node.now());
        let family = new_family(node, caller, &code.grant, now);
        let until = caller.access_until(now);
        if !rows.redeem_code(code.id, code.grant.id, family.as_ref(), until, now).await? {
            // Another request spent it between reading and writing: that is a second use, too.
            let why = "a code was used twice at once";
            return Err(revoke::because(node, caller, &code.grant, why).await?.by(USED, USED_CLAUSE).into());
        }
        let first = family.map(|family| refresh::refresh_token(rows.refresh_key(), family.id, 0));
        Ok(Redeemed { code, user, refresh_token: first, now })
    }
}

/// The chain of refresh tokens that `grant` gets, if it gets one.
pub(super) fn new_family(
    node: &impl Node,
    caller: &Caller<'_>,
    grant: &Grant,
    now: Now,
) -> Option<NewFamily> {
    let application = caller.client.application();
    let wanted = grant.offline && application.allows_grant(GrantType::RefreshToken);
    let expires_at = now.timestamp().plus(application.settings.refresh_token_expire);
    wanted.then(|| NewFamily { id: FamilyId::generate(now, &mut node.entropy()), expires_at })
}
