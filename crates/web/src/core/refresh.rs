//! A refresh token becomes tokens and its successor (RFC 6749 §6).

use signet_protocol::{
    access::AdmittedUser,
    application::AuthMethod,
    error::Refusal,
    grant::Grant,
    pool::PoolSettings,
    refresh::{self, GRACE_CONFIDENTIAL, GRACE_PUBLIC, RefreshDecision, RefreshFamily},
    time::{Now, Seconds},
    token::{self, INVALID_GRANT, RefreshCase, RefreshRequest, RefreshedScope},
};
use signet_store::StoreError;

use crate::{
    core::{Caller, Node, Rows, admitted_user, revoke},
    error::Failure,
};

const UNKNOWN: Refusal = INVALID_GRANT.by("refresh_token_known", "RFC 6749 §6");
const REVOKED: Refusal = INVALID_GRANT.by("refresh_token_revoked", "RFC 6749 §6, RFC 7009 §2.1");
const EXPIRED: Refusal = INVALID_GRANT.by("refresh_token_expired", "RFC 6749 §6");

/// A chain that the caller presented a token of, with its user. Only [`find`] makes one.
pub struct Refreshable {
    family: RefreshFamily,
    user: AdmittedUser,
    asked: RefreshedScope,
    presented: i64,
}

/// A chain that was moved on, or handed out again: what tokens are minted from.
pub struct Refreshed {
    /// The grant.
    pub grant: Grant,
    /// Its user.
    pub user: AdmittedUser,
    /// The refresh token to hand out.
    pub refresh_token: String,
    /// When that was written.
    pub now: Now,
}

/// Finds the chain of a request; what the token's place in it means is decided when it is moved on.
pub async fn find(
    node: &impl Node,
    caller: &Caller<'_>,
    request: &RefreshRequest,
    pool: &PoolSettings,
) -> Result<Refreshable, Failure> {
    let rows = node.rows();
    let presented = refresh::parse_refresh_token(rows.refresh_key(), &request.token).ok_or(UNKNOWN)?;
    let family = rows.refresh_family(presented.family).await?.ok_or(UNKNOWN)?;
    let case = RefreshCase { family: &family, client: caller.client, issuer: caller.issuer.id() };
    token::check_refresh(&case)?;
    let asked = token::refreshed_scope(&family.grant.scope, request.scope.as_ref(), pool)?;
    let user = admitted_user(rows, caller, family.grant.user).await?;
    Ok(Refreshable { family, user, asked, presented: presented.generation })
}

impl Refreshable {
    /// The grant.
    pub fn grant(&self) -> &Grant {
        &self.family.grant
    }

    /// Its user.
    pub fn user(&self) -> &AdmittedUser {
        &self.user
    }

    /// What is asked for of it.
    pub fn asked(&self) -> &RefreshedScope {
        &self.asked
    }

    /// Moves the chain on, or finds that it was moved already; durably, before anything is signed.
    pub async fn advance(self, node: &impl Node, caller: &Caller<'_>) -> Result<Refreshed, Failure> {
        let Refreshable { mut family, user, presented, .. } = self;
        let rows = node.rows();
        let grace = grace(caller);
        // A guard that finds another request was quicker makes us look again: the same refresh is then a repeat.
        for _ in 0..8 {
            let now = node.now();
            let (id, grant) = (family.id, family.grant.id);
            let until = Some(caller.access_until(now)).filter(|until| *until > family.grant.expires_at);
            let (written, generation) = match refresh::decide(&family, presented, now.timestamp(), grace) {
                RefreshDecision::Rotate { .. } if keeps_its_token(caller) => {
                    (rows.reuse(id, grant, presented, until).await?, presented)
                }
                RefreshDecision::Rotate { next } => {
                    (rows.rotate(id, grant, presented, until, now).await?, next)
                }
                RefreshDecision::Repeat { generation } => {
                    (rows.repeat(id, grant, generation, until).await?, generation)
                }
                RefreshDecision::Fork => {
                    let why = "a refresh token was used out of turn";
                    let refusal = revoke::because(node, caller, &family.grant, why).await?;
                    return Err(refusal.by("refresh_token_order", "RFC 9700 §4.14.2").into());
                }
                RefreshDecision::Dead if family.grant.revoked_at.is_some() => return Err(REVOKED.into()),
                RefreshDecision::Dead => return Err(EXPIRED.into()),
            };
            if written {
                let refresh_token = refresh::refresh_token(rows.refresh_key(), id, generation);
                return Ok(Refreshed { grant: family.grant, user, refresh_token, now });
            }
            family = rows.refresh_family(id).await?.ok_or(UNKNOWN)?;
        }
        Err(Failure::Store(StoreError::Busy))
    }
}

fn grace(caller: &Caller<'_>) -> Seconds {
    match caller.client.application().settings.token_endpoint_auth_method {
        AuthMethod::None => GRACE_PUBLIC,
        AuthMethod::ClientSecretPost
        | AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretJwt
        | AuthMethod::PrivateKeyJwt => GRACE_CONFIDENTIAL,
    }
}

/// Whether the client goes on with the token it has. A public one never does (RFC 9700 §2.2.2).
fn keeps_its_token(caller: &Caller<'_>) -> bool {
    let settings = &caller.client.application().settings;
    settings.reuse_refresh_tokens && settings.token_endpoint_auth_method != AuthMethod::None
}
