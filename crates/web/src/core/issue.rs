//! A code is handed out, with the grant it will give (RFC 6749 §4.1.2).

use signet_protocol::{
    authorize::{self, Issuing},
    id::TransactionId,
};

use crate::{
    core::{Node, Rows},
    error::Failure,
};

/// Makes and stores a code, and marks its transaction answered. `None` when the session ended or the transaction was
/// answered between reading and writing: then there is no code.
pub async fn code(
    node: &impl Node,
    from: Issuing<'_>,
    transaction: Option<TransactionId>,
) -> Result<Option<String>, Failure> {
    let now = node.now();
    let code = authorize::issue_code(from, now, &mut node.entropy());
    let stored = node.rows().issue_code(&code.row, transaction, now).await?;
    Ok(stored.then_some(code.text))
}
