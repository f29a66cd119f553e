//! An authorization request is answered: what the answer hangs on is stored (RFC 6749 §4.1.2 and §4.2.2).

use signet_protocol::{
    authorize::{self, Issued, Issuing},
    id::TransactionId,
    time::Now,
};

use crate::{
    core::{Node, Rows},
    error::Failure,
};

/// Makes and stores what an answer hangs on, and marks its transaction answered, durably, before anything is signed: with
/// the moment that was written. `None` when the session ended or the transaction was answered between reading and
/// writing: then there is no answer.
pub async fn answer(
    node: &impl Node,
    from: Issuing<'_>,
    transaction: Option<TransactionId>,
) -> Result<Option<(Issued, Now)>, Failure> {
    let (rows, now, session) = (node.rows(), node.now(), from.session.id);
    let issued = authorize::issue(from, now, &mut node.entropy());
    let stored = match &issued {
        Issued::Code(code) => rows.issue_code(&code.row, transaction, now).await?,
        Issued::Grant(grant) => rows.issue_grant(grant, transaction, now).await?,
        Issued::Nothing => rows.issue_nothing(session, transaction, now).await?,
    };
    Ok(stored.then_some((issued, now)))
}
