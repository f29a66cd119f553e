//! A grant: what a user gave a client. Codes, refresh tokens and access tokens hang off it and die with it (attack 27).

use crate::{
    amr::Amr,
    claims_request::ClaimsRequest,
    id::{AppId, GrantId, PoolId, SessionId, UserId},
    issuer::IssuerId,
    resource::GrantItems,
    scope::Scope,
    time::Timestamp,
};

/// A grant as stored.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Stands at the front of the `jti` of every access token made from it.
    pub id: GrantId,
    /// The pool.
    pub pool: PoolId,
    /// The issuer that made it; it is worth nothing at another.
    pub issuer: IssuerId,
    /// The client.
    pub application: AppId,
    /// The user.
    pub user: UserId,
    /// The login it hangs off.
    pub session: SessionId,
    /// The login it came from, by which its tokens name the session (`sid`) even after a later one took its place.
    pub sid: SessionId,
    /// What was granted.
    pub scope: Scope,
    /// What goes with the scope items of it.
    pub items: GrantItems,
    /// Whether it outlives the session: `offline_access` was granted.
    pub offline: bool,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// How they did.
    pub amr: Amr,
    /// What was asked for one by one.
    pub claims: ClaimsRequest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When nothing made from it can be alive any more.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}
