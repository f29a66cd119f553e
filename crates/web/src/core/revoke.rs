//! Grants end.

use signet_protocol::{error::Refusal, grant::Grant, id::GrantId, token::INVALID_GRANT};

use crate::{
    core::{Caller, Node, Rows},
    error::Failure,
};

/// Revokes what a code or chain gave that was misused, and says what to answer.
pub async fn because(
    node: &impl Node,
    caller: &Caller<'_>,
    grant: &Grant,
    why: &str,
) -> Result<Refusal, Failure> {
    let revoked = node.rows().revoke_grant(grant.id, node.now()).await?;
    let (request_id, client_id, sub) = (caller.request_id, grant.application, grant.user);
    tracing::warn!(request_id, %client_id, %sub, grant = %grant.id, revoked, "{why}; the grant is revoked");
    Ok(INVALID_GRANT)
}

/// Revokes a grant at its client's wish (RFC 7009 §2.1).
pub async fn asked(node: &impl Node, request_id: &str, grant: GrantId) -> Result<(), Failure> {
    node.rows().revoke_grant(grant, node.now()).await?;
    tracing::info!(request_id, grant = %grant, "a client revoked a grant");
    Ok(())
}
