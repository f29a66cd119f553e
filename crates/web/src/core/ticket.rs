//! A login goes from the pool's address to an application's own host, by a ticket.

use signet_protocol::{
    id::{SessionId, TransactionId},
    opaque::Opaque,
    session::Session,
    transaction::{TICKET_EXPIRE, Ticket, Transaction},
};

use crate::{
    core::{Node, Rows},
    error::Failure,
};

/// Makes the ticket that `transaction` goes home with; it lends `session`. `None` when the transaction was answered or the
/// session has ended.
pub async fn give(
    node: &impl Node,
    transaction: TransactionId,
    session: SessionId,
) -> Result<Option<Opaque<TransactionId>>, Failure> {
    let expires_at = node.now().timestamp().plus(TICKET_EXPIRE);
    let token = Opaque::beside(transaction, &mut node.entropy());
    let ticket = Ticket { hash: token.hash(), session, expires_at };
    Ok(node.rows().give_ticket(transaction, &ticket).await?.then_some(token))
}

/// Spends the ticket that was shown, in place of the login `replaces` that the browser has, and returns the login it lends.
/// `None` when it is not the transaction's, was spent before, is too old, or its login has ended (attack 5).
pub async fn spend(
    node: &impl Node,
    transaction: &Transaction,
    shown: &Opaque<TransactionId>,
    replaces: Option<&Session>,
) -> Result<Option<Session>, Failure> {
    let (now, hash) = (node.now(), shown.hash());
    let Some(id) = transaction.lends(&hash, now.timestamp()) else { return Ok(None) };
    let Some(session) = super::session::load(node, id).await? else { return Ok(None) };
    let replaces = replaces.filter(|old| old.id != session.id);
    let spent = node.rows().spend_ticket(transaction.id, hash, &session, replaces, now).await?;
    Ok(spent.then_some(session))
}
