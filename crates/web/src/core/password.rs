//! A name and a password become tokens (RFC 6749 §4.3).

use std::net::IpAddr;

use signet_protocol::{
    access::AdmittedUser,
    amr::Amr,
    claims_request::ClaimsRequest,
    grant::Grant,
    id::{GrantId, RowId, SessionId},
    opaque::Opaque,
    refresh,
    resource::UserScope,
    scope::KnownScope,
    session::Session,
    time::Now,
    token::INVALID_CREDENTIALS,
};
use signet_store::audit::Origin;

use crate::{
    audit,
    core::{Caller, Node, Rows, redeem::new_family, session::act},
    error::Failure,
};

/// What tokens are minted from.
pub struct Given {
    /// The grant.
    pub grant: Grant,
    /// The first refresh token, if the grant has any.
    pub refresh_token: Option<String>,
    /// When that was written.
    pub now: Now,
}

/// Stores the login of a user who just proved who they are, with what it gives, durably, before anything is signed. It hangs
/// off a session like any other, which no browser holds, so that whatever ends sessions ends it. Refused as a wrong
/// password when the user is blocked or has another one by now.
pub async fn begin(
    node: &impl Node,
    caller: &Caller<'_>,
    user: &AdmittedUser,
    scope: &UserScope,
    (ip, origin): (IpAddr, Option<Origin>),
) -> Result<Given, Failure> {
    let lifetime = node.rows().settings().await?.sign_in.session_lifetime;
    let (application, now) = (caller.client.application(), node.now());
    let nobodys = Opaque::<SessionId>::generate(now, &mut node.entropy());
    let session = Session {
        id: nobodys.id,
        hash: nobodys.hash(),
        pool: application.pool,
        user: user.id,
        application: Some(application.id),
        auth_time: now.timestamp(),
        amr: Amr::PASSWORD,
        expires_at: now.timestamp().plus(lifetime),
        ended_at: None,
    };
    let mut grant = Grant {
        id: GrantId::generate(now, &mut node.entropy()),
        pool: application.pool,
        issuer: caller.issuer.id(),
        application: application.id,
        user: user.id,
        session: session.id,
        sid: session.id,
        offline: scope.granted().has(KnownScope::OfflineAccess),
        scope: scope.granted().clone(),
        items: scope.kept(ip),
        auth_time: session.auth_time,
        amr: session.amr,
        claims: ClaimsRequest::default().with_defaults(application),
        created_at: now.timestamp(),
        expires_at: caller.access_until(now),
        revoked_at: None,
    };
    let family = new_family(node, caller, &grant, now);
    grant.expires_at =
        family.as_ref().map_or(grant.expires_at, |family| grant.expires_at.max(family.expires_at));
    let (rows, password) = (node.rows(), user.password.as_ref());
    let act = act(now, origin.map(|origin| audit::login(origin, user, application, "password_grant")));
    if !rows.begin_direct_login(&session, password, &grant, family.as_ref(), act).await? {
        return Err(INVALID_CREDENTIALS.into());
    }
    let first = family.map(|family| refresh::refresh_token(rows.refresh_key(), family.id, 0));
    Ok(Given { grant, refresh_token: first, now })
}
