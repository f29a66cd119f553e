//! What a refresh token is to its client, without using it.

use std::borrow::Cow;

use signet_protocol::{
    access_token::{ActiveToken, Audience, Introspection},
    id::GrantId,
    refresh::{self, PresentedRefreshToken, RefreshFamily},
    subject::Subjects,
};

use crate::{
    core::{Caller, Node, Rows},
    error::Failure,
};

/// The refresh token that `text` is, if it is one of ours; its row decides whether it is of any use.
pub fn read(node: &impl Node, text: &str) -> Option<PresentedRefreshToken> {
    refresh::parse_refresh_token(node.rows().refresh_key(), text)
}

/// The grant it hangs on, if that is the caller's: a spent one names it too.
pub async fn grant(
    node: &impl Node,
    caller: &Caller<'_>,
    presented: PresentedRefreshToken,
) -> Result<Option<GrantId>, Failure> {
    Ok(own_chain(node, caller, presented).await?.map(|family| family.grant.id))
}

/// What introspection tells of it (RFC 7662 §2.2).
pub async fn introspect(
    node: &impl Node,
    caller: &Caller<'_>,
    presented: PresentedRefreshToken,
) -> Result<Introspection<'static>, Failure> {
    let now = node.now().timestamp();
    let family = own_chain(node, caller, presented).await?.filter(|family| {
        family.grant.revoked_at.is_none()
            && family.generation == presented.generation
            && now < family.expires_at
    });
    let Some(family) = family else {
        return Ok(Introspection::INACTIVE);
    };
    let user = node.rows().user(family.grant.user).await?.and_then(|user| user.active());
    if user.and_then(|user| caller.client.application().admit(user)).is_none() {
        return Ok(Introspection::INACTIVE);
    }
    let grant = family.grant;
    let (subjects, application) = (Subjects::of(node.rows().refresh_key()), caller.client.application());
    Ok(Introspection::Active(Box::new(ActiveToken {
        active: true,
        token_type: "refresh_token",
        iss: caller.issuer.url().to_owned().into(),
        sub: subjects.subject(grant.user, application)?,
        aud: Cow::Owned(Audience::Client(grant.application.into())),
        client_id: grant.application.into(),
        azp: None,
        scope: Cow::Owned(grant.scope),
        iat: family.rotated_at,
        exp: family.expires_at,
        jti: None,
        sid: Some(subjects.sid(grant.sid, application)?.into()),
        auth_time: Some(grant.auth_time),
    })))
}

async fn own_chain(
    node: &impl Node,
    caller: &Caller<'_>,
    presented: PresentedRefreshToken,
) -> Result<Option<RefreshFamily>, Failure> {
    let (application, issuer) = (caller.client.application().id, caller.issuer.id());
    let family = node.rows().refresh_family(presented.family).await?;
    Ok(family.filter(|family| family.grant.application == application && family.grant.issuer == issuer))
}
