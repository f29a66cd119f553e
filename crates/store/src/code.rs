//! Authorization codes: issued with their grant, spent once.

use signet_protocol::{
    code::AuthorizationCode,
    grant::Grant,
    id::{CodeId, FamilyId, GrantId, SessionId, TransactionId},
    pkce::{ChallengeMethod, CodeChallenge},
    time::{Now, Timestamp},
};

use crate::{
    Store, StoreError, args, grant,
    sql::{Batch, Bulk, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "code_insert",
    text: "INSERT INTO authorization_code (code_id, pool_id, hash, grant_id, redirect_uri, challenge,
               challenge_method, nonce, created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
};
const LOAD: Sql = Sql {
    name: "code_load",
    text: concat!(
        "SELECT c.code_id, c.hash, c.redirect_uri, c.challenge, c.challenge_method, c.nonce, c.expires_at,
             c.consumed_at, ",
        grant::grant_columns!(),
        " FROM authorization_code c JOIN user_grant g ON g.grant_id = c.grant_id
          WHERE c.code_id = $1 AND c.pool_id = $2"
    ),
};
const SPEND: Sql = Sql {
    name: "code_spend",
    text: "UPDATE authorization_code SET consumed_at = $4
           WHERE code_id = $1 AND pool_id = $2 AND grant_id = $3 AND consumed_at IS NULL",
};

pub(crate) const BULK_INSERT: Bulk = Bulk {
    one: &INSERT,
    many: "INSERT INTO authorization_code (code_id, pool_id, hash, grant_id, redirect_uri, challenge,
               challenge_method, nonce, created_at, expires_at)
           SELECT code_id, $2, hash, grant_id, redirect_uri, challenge, challenge_method, nonce, created_at,
               expires_at
           FROM unnest($1::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
               $9::bigint[], $10::bigint[])
               AS one (code_id, hash, grant_id, redirect_uri, challenge, challenge_method, nonce, created_at,
               expires_at)",
    each: &[1, 3, 4, 5, 6, 7, 8, 9, 10],
};
pub(crate) const BULK_SPEND: Bulk = Bulk {
    one: &SPEND,
    many: "UPDATE authorization_code SET consumed_at = ($4::bigint[])[array_position($1::bytea[], code_id)]
           WHERE code_id = ANY ($1) AND NOT pool_id <> $2
               AND grant_id = ($3::bytea[])[array_position($1, code_id)] AND consumed_at IS NULL",
    each: &[1, 3, 4],
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &LOAD, &SPEND];

/// A chain of refresh tokens that a code begins.
#[derive(Clone, Copy, Debug)]
pub struct NewFamily {
    /// Its id.
    pub id: FamilyId,
    /// When the chain ends.
    pub expires_at: Timestamp,
}

impl Store {
    /// Stores a code with its grant and marks the transaction answered, all or nothing. `false` when the transaction
    /// was answered before or the session has ended: then no code may be handed out.
    pub async fn issue_code(
        &self,
        code: &AuthorizationCode,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let batch = self.answering(transaction, code.grant.session, now);
        let batch = self.insert_grant(batch, &code.grant);
        let row = args![
            code.id,
            self.pool_id(),
            code.hash,
            code.grant.id,
            &code.redirect_uri,
            code.challenge.as_ref().map(CodeChallenge::value),
            code.challenge.as_ref().map(|challenge| challenge.method.as_str()),
            code.nonce.as_ref(),
            now.timestamp(),
            code.expires_at,
        ];
        self.write(batch.then(&INSERT, row)).await
    }

    /// Stores a grant that tokens from the authorization endpoint hang on, as [`Store::issue_code`] does a code.
    pub async fn issue_grant(
        &self,
        grant: &Grant,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let batch = self.answering(transaction, grant.session, now);
        self.write(self.insert_grant(batch, grant)).await
    }

    /// Marks a transaction answered with nothing, as [`Store::issue_code`] does with a code.
    pub async fn issue_nothing(
        &self,
        session: SessionId,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        self.write(self.answering(transaction, session, now)).await
    }

    /// The transaction was not answered before, and is now; the session is alive.
    fn answering(&self, transaction: Option<TransactionId>, session: SessionId, now: Now) -> Batch {
        let batch = match transaction {
            Some(id) => self.spend_transaction(Batch::new(), id, now),
            None => Batch::new(),
        };
        self.hold_session(batch, session)
    }

    /// The code of this id, whatever its state, with its grant.
    pub async fn code(&self, id: CodeId) -> Result<Option<AuthorizationCode>, StoreError> {
        self.engine().look_up_one(&LOAD, args![id, self.pool_id()], read).await
    }

    /// Spends a code and begins its chain of refresh tokens, before anything is signed. `false` when it was spent
    /// before or its grant was revoked; of any number of parallel calls one is `true` (RFC 6749 §4.1.2, attack 6).
    ///
    /// The grant is kept until `until` at least: when no access token that is signed now can be alive any more.
    pub async fn redeem_code(
        &self,
        id: CodeId,
        grant: GrantId,
        family: Option<&NewFamily>,
        until: Timestamp,
        now: Now,
    ) -> Result<bool, StoreError> {
        let batch = self.hold_grant(grant).guard(&SPEND, args![id, self.pool_id(), grant, now.timestamp()]);
        let until = family.map_or(until, |family| until.max(family.expires_at));
        let batch = self.keep_grant(batch, grant, Some(until));
        let batch = match family {
            Some(family) => self.insert_family(batch, family, grant, now),
            None => batch,
        };
        self.write(batch).await
    }
}

fn read(row: &mut RowReader) -> Result<AuthorizationCode, StoreError> {
    let (id, hash, redirect_uri) = (row.row_id()?, row.hash()?, row.text()?);
    let challenge = challenge(row)?;
    let (nonce, expires_at, consumed_at) = (row.opt_text()?, row.at()?, row.opt_at()?);
    let grant = grant::read(row)?;
    Ok(AuthorizationCode { id, hash, grant, redirect_uri, challenge, nonce, expires_at, consumed_at })
}

/// A challenge that cannot be read is an error, never a code without one (attack 4).
fn challenge(row: &mut RowReader) -> Result<Option<CodeChallenge>, StoreError> {
    let (value, method) = (row.opt_text()?, row.opt_parsed(ChallengeMethod::parse)?);
    match (value, method) {
        (None, None) => Ok(None),
        (Some(value), Some(method)) => {
            CodeChallenge::parse(&value, method).map(Some).ok_or_else(|| row.misformed())
        }
        _ => Err(row.misformed()),
    }
}
