//! Transactions: authorization requests that wait for their person.

use signet_protocol::{
    id::{AppId, PoolId, SessionId, TransactionId},
    issuer::IssuerId,
    secret::SecretHash,
    session::Session,
    time::{Now, Timestamp},
    transaction::{Chosen, Ticket, Transaction, Trips},
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    sql::{Batch, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "transaction_insert",
    text: "INSERT INTO login_transaction (txn_id, pool_id, issuer, app_id, params, browser, session_id, by_login,
               consent, trips, created_at, expires_at, used_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
};
const LOAD: Sql = Sql {
    name: "transaction_load",
    text: "SELECT txn_id, pool_id, issuer, app_id, params, browser, session_id, by_login, consent, trips,
               pool_browser, ticket, ticket_session, ticket_expires_at, created_at, expires_at, used_at
           FROM login_transaction WHERE txn_id = $1 AND pool_id = $2",
};
const BIND: Sql = Sql {
    name: "transaction_bind",
    text: "UPDATE login_transaction SET browser = $3 WHERE txn_id = $1 AND pool_id = $2 AND browser IS NULL",
};
/// Consent was given as somebody: with another session it has to be asked again.
const CHOOSE: Sql = Sql {
    name: "transaction_choose",
    text: "UPDATE login_transaction SET session_id = $3, by_login = $4, consent = NULL
           WHERE txn_id = $1 AND pool_id = $2 AND used_at IS NULL",
};
const ANSWER: Sql = Sql {
    name: "transaction_answer",
    text:
        "UPDATE login_transaction SET session_id = $3, consent = $4
           WHERE txn_id = $1 AND pool_id = $2 AND used_at IS NULL AND (session_id IS NULL OR session_id = $3)",
};
const USE: Sql = Sql {
    name: "transaction_use",
    text: "UPDATE login_transaction SET used_at = $3 WHERE txn_id = $1 AND pool_id = $2 AND used_at IS NULL",
};
const DEPART: Sql = Sql {
    name: "transaction_depart",
    text: "UPDATE login_transaction SET trips = trips + 1, ticket = NULL
           WHERE txn_id = $1 AND pool_id = $2 AND used_at IS NULL AND trips < $3",
};
const BIND_AT_POOL: Sql = Sql {
    name: "transaction_bind_at_pool",
    text: "UPDATE login_transaction SET pool_browser = $3
           WHERE txn_id = $1 AND pool_id = $2 AND pool_browser IS NULL",
};
const GIVE_TICKET: Sql = Sql {
    name: "transaction_give_ticket",
    text: "UPDATE login_transaction SET ticket = $3, ticket_session = $4, ticket_expires_at = $5
           WHERE txn_id = $1 AND pool_id = $2 AND used_at IS NULL",
};
const SPEND_TICKET: Sql = Sql {
    name: "transaction_spend_ticket",
    text: "UPDATE login_transaction SET ticket = NULL
           WHERE txn_id = $1 AND pool_id = $2 AND used_at IS NULL AND ticket = $3",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&INSERT, &LOAD, &BIND, &CHOOSE, &ANSWER, &USE, &DEPART, &BIND_AT_POOL, &GIVE_TICKET, &SPEND_TICKET];

impl Store {
    /// Stores a request that waits; of its trips only how many there were, since on the first one nothing has happened yet.
    pub async fn insert_transaction(&self, transaction: &Transaction) -> Result<(), StoreError> {
        let row = args![
            transaction.id,
            self.pool_id(),
            transaction.issuer,
            transaction.application,
            &transaction.params,
            transaction.browser,
            transaction.chosen.map(|chosen| chosen.session),
            transaction.chosen.is_some_and(|chosen| chosen.by_login),
            transaction.consent,
            transaction.trips.taken,
            transaction.created_at,
            transaction.expires_at,
            transaction.used_at,
        ];
        self.write(Batch::new().then(&INSERT, row)).await.map(drop)
    }

    /// The transaction of this id, whatever its state.
    pub async fn transaction(&self, id: TransactionId) -> Result<Option<Transaction>, StoreError> {
        self.engine().look_up_one(&LOAD, args![id, self.pool_id()], read).await
    }

    /// Binds a transaction to the browser that shows `browser`; `false` when it is bound already (attack 12).
    pub async fn bind_transaction(&self, id: TransactionId, browser: SecretHash) -> Result<bool, StoreError> {
        self.write(Batch::new().guard(&BIND, args![id, self.pool_id(), browser])).await
    }

    /// Records whose session it goes on with, and forgets a consent given before; `false` when it was answered.
    pub async fn choose_session(&self, id: TransactionId, chosen: Chosen) -> Result<bool, StoreError> {
        self.write(self.choose(Batch::new(), id, chosen)).await
    }

    /// Records the answer of the consent page, given as the user of `session`; `false` when the transaction was
    /// answered, or goes on with another session by now.
    pub async fn answer_consent(
        &self,
        id: TransactionId,
        session: SessionId,
        allowed: bool,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let batch = Batch::new().guard(&ANSWER, args![id, self.pool_id(), session, allowed]);
        self.write(self.record(batch, &act.into())).await
    }

    /// Marks it answered without a code; `false` when it was answered before.
    pub async fn use_transaction(&self, id: TransactionId, now: Now) -> Result<bool, StoreError> {
        self.write(self.spend_transaction(Batch::new(), id, now)).await
    }

    /// Counts a way to the pool's address, and forgets the ticket of the one before; `false` when there were `most` of them,
    /// or it was answered.
    pub async fn depart(&self, id: TransactionId, most: i64) -> Result<bool, StoreError> {
        self.write(Batch::new().guard(&DEPART, args![id, self.pool_id(), most])).await
    }

    /// Binds a transaction to the browser that shows `browser` at the pool's address; `false` when it is bound there
    /// already (attack 12).
    pub async fn bind_at_pool(&self, id: TransactionId, browser: SecretHash) -> Result<bool, StoreError> {
        self.write(Batch::new().guard(&BIND_AT_POOL, args![id, self.pool_id(), browser])).await
    }

    /// Gives a transaction the ticket it goes home with, in place of an earlier one; `false` when it was answered or the
    /// session has ended.
    pub async fn give_ticket(&self, id: TransactionId, ticket: &Ticket) -> Result<bool, StoreError> {
        let row = args![id, self.pool_id(), ticket.hash, ticket.session, ticket.expires_at];
        let batch = Batch::new().guard(&GIVE_TICKET, row);
        self.write(self.hold_session(batch, ticket.session)).await
    }

    /// Spends the ticket of hash `shown`, which lends `session`, and ends the login `replaces` that the browser had at the
    /// same host, as [`Store::begin_session`] does. `false`, and nothing done, when it was spent or replaced before,
    /// or the session has ended; of any number of parallel calls one is `true` (attack 5).
    pub async fn spend_ticket(
        &self,
        id: TransactionId,
        shown: SecretHash,
        session: &Session,
        replaces: Option<&Session>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let row = args![id, self.pool_id(), shown];
        let batch = self.hold_session(Batch::new().guard(&SPEND_TICKET, row), session.id);
        let (batch, stale) = self.take_over(batch, replaces, session, now);
        self.commit(batch, stale, now).await
    }

    pub(crate) fn choose(&self, batch: Batch, id: TransactionId, chosen: Chosen) -> Batch {
        batch.guard(&CHOOSE, args![id, self.pool_id(), chosen.session, chosen.by_login])
    }

    /// Adds a guard: the transaction was not answered before.
    pub(crate) fn spend_transaction(&self, batch: Batch, id: TransactionId, now: Now) -> Batch {
        batch.guard(&USE, args![id, self.pool_id(), now.timestamp()])
    }
}

fn read(row: &mut RowReader) -> Result<Transaction, StoreError> {
    let (id, pool, issuer) = (row.row_id()?, row.parsed(PoolId::parse)?, row.parsed(IssuerId::parse)?);
    let (application, params, browser) = (row.parsed(AppId::parse)?, row.text()?, row.opt_hash()?);
    let (session, by_login) = (row.opt_row_id()?, row.bool()?);
    Ok(Transaction {
        id,
        pool,
        issuer,
        application,
        params,
        browser,
        chosen: session.map(|session| Chosen { session, by_login }),
        consent: row.opt_bool()?,
        trips: Trips { taken: row.int()?, browser: row.opt_hash()?, ticket: ticket(row)? },
        created_at: row.at()?,
        expires_at: row.at()?,
        used_at: row.opt_at()?,
    })
}

fn ticket(row: &mut RowReader) -> Result<Option<Ticket>, StoreError> {
    let (hash, session, expires_at) = (row.opt_hash()?, row.opt_row_id()?, row.opt_at()?);
    let parts = hash.zip(session).zip(expires_at);
    Ok(parts.map(|((hash, session), expires_at): (_, Timestamp)| Ticket { hash, session, expires_at }))
}
