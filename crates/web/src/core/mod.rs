//! The stateful core: what a request does to rows, once it is parsed and its client is known.
//!
//! It is generic over a [`Node`], so that the very code that runs on the store also runs in the simulation
//! (`docs/simulation.md`). Rules are asked in `signet-protocol`; each write is one guarded batch of [`Rows`].

pub mod issue;
pub mod password;
pub mod redeem;
pub mod refresh;
pub mod refresh_token;
pub mod revoke;
pub mod session;
#[cfg(test)]
mod simulation;
pub mod ticket;

use std::sync::Arc;

use signet_protocol::{
    access::AdmittedUser,
    client_auth::AuthenticatedClient,
    code::AuthorizationCode,
    entropy::Entropy,
    grant::Grant,
    id::{CodeId, FamilyId, GrantId, SessionId, TransactionId, UserId},
    issuer::Issuer,
    password::PasswordHash,
    pool::PoolSettings,
    refresh::RefreshFamily,
    secret::{Secret, SecretHash},
    session::Session,
    time::{Now, Timestamp},
    token::INVALID_GRANT,
    transaction::{Chosen, Ticket},
    user::User,
};
use signet_store::{NewFamily, SignOut, Store, StoreError, audit::Act};

use crate::{Signet, clock::SystemEntropy, error::Failure};

/// What a request runs on.
pub trait Node {
    /// Where its rows are.
    type Rows: Rows;

    /// The rows.
    fn rows(&self) -> &Self::Rows;

    /// The time now.
    fn now(&self) -> Now;

    /// Unpredictable bytes.
    fn entropy(&self) -> impl Entropy;
}

/// The operations the core is made of; [`Store`] says what each promises.
pub trait Rows {
    /// What refresh tokens are derived from.
    fn refresh_key(&self) -> &Secret;
    async fn settings(&self) -> Result<Arc<PoolSettings>, StoreError>;
    async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError>;
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;
    async fn begin_session(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        replaces: Option<&Session>,
        transaction: Option<(TransactionId, Chosen)>,
        act: Act,
    ) -> Result<bool, StoreError>;
    async fn begin_direct_login(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        grant: &Grant,
        family: Option<&NewFamily>,
        act: Act,
    ) -> Result<bool, StoreError>;
    async fn sign_out(&self, what: SignOut, act: Act) -> Result<bool, StoreError>;
    async fn give_ticket(&self, id: TransactionId, ticket: &Ticket) -> Result<bool, StoreError>;
    async fn spend_ticket(
        &self,
        id: TransactionId,
        shown: SecretHash,
        session: &Session,
        replaces: Option<&Session>,
        now: Now,
    ) -> Result<bool, StoreError>;
    async fn issue_code(
        &self,
        code: &AuthorizationCode,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError>;
    async fn issue_grant(
        &self,
        grant: &Grant,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError>;
    async fn issue_nothing(
        &self,
        session: SessionId,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError>;
    async fn code(&self, id: CodeId) -> Result<Option<AuthorizationCode>, StoreError>;
    async fn redeem_code(
        &self,
        id: CodeId,
        grant: GrantId,
        family: Option<&NewFamily>,
        until: Timestamp,
        now: Now,
    ) -> Result<bool, StoreError>;
    async fn refresh_family(&self, id: FamilyId) -> Result<Option<RefreshFamily>, StoreError>;
    async fn rotate(
        &self,
        id: FamilyId,
        grant: GrantId,
        from: i64,
        until: Option<Timestamp>,
        now: Now,
    ) -> Result<bool, StoreError>;
    async fn repeat(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError>;
    async fn reuse(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError>;
    async fn revoke_grant(&self, id: GrantId, now: Now) -> Result<bool, StoreError>;
}

/// A client that authenticated, and the request it did so in.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The client.
    pub client: &'a AuthenticatedClient,
    /// Where it asks.
    pub issuer: &'a Issuer,
    /// The name under which the log has the request.
    pub request_id: &'a str,
}

impl Caller<'_> {
    /// When an access token made at `now` ends: the grant, and with it a revocation, is kept as long.
    fn access_until(&self, now: Now) -> Timestamp {
        now.timestamp().plus(self.client.application().settings.access_token_expire)
    }
}

/// The user a grant is about, if they may have tokens of the caller.
async fn admitted_user(rows: &impl Rows, caller: &Caller<'_>, id: UserId) -> Result<AdmittedUser, Failure> {
    let user = rows.user(id).await?.and_then(|user| user.active());
    Ok(user
        .and_then(|user| caller.client.application().admit(user))
        .ok_or(INVALID_GRANT.by("user", "RFC 6749 §5.2"))?)
}

impl Node for Signet {
    type Rows = Store;

    fn rows(&self) -> &Store {
        self.store()
    }

    fn now(&self) -> Now {
        Signet::now(self)
    }

    fn entropy(&self) -> impl Entropy {
        SystemEntropy
    }
}

impl Rows for Store {
    fn refresh_key(&self) -> &Secret {
        &self.pool().refresh_key
    }

    async fn settings(&self) -> Result<Arc<PoolSettings>, StoreError> {
        Store::pool_settings(self).await
    }

    async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        Store::user(self, id).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Store::session(self, id).await
    }

    async fn begin_session(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        replaces: Option<&Session>,
        transaction: Option<(TransactionId, Chosen)>,
        act: Act,
    ) -> Result<bool, StoreError> {
        Store::begin_session(self, session, password, replaces, transaction, act).await
    }

    async fn begin_direct_login(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        grant: &Grant,
        family: Option<&NewFamily>,
        act: Act,
    ) -> Result<bool, StoreError> {
        Store::begin_direct_login(self, session, password, grant, family, act).await
    }

    async fn sign_out(&self, what: SignOut, act: Act) -> Result<bool, StoreError> {
        Store::sign_out(self, what, act).await
    }

    async fn give_ticket(&self, id: TransactionId, ticket: &Ticket) -> Result<bool, StoreError> {
        Store::give_ticket(self, id, ticket).await
    }

    async fn spend_ticket(
        &self,
        id: TransactionId,
        shown: SecretHash,
        session: &Session,
        replaces: Option<&Session>,
        now: Now,
    ) -> Result<bool, StoreError> {
        Store::spend_ticket(self, id, shown, session, replaces, now).await
    }

    async fn issue_code(
        &self,
        code: &AuthorizationCode,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        Store::issue_code(self, code, transaction, now).await
    }

    async fn issue_grant(
        &self,
        grant: &Grant,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        Store::issue_grant(self, grant, transaction, now).await
    }

    async fn issue_nothing(
        &self,
        session: SessionId,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        Store::issue_nothing(self, session, transaction, now).await
    }

    async fn code(&self, id: CodeId) -> Result<Option<AuthorizationCode>, StoreError> {
        Store::code(self, id).await
    }

    async fn redeem_code(
        &self,
        id: CodeId,
        grant: GrantId,
        family: Option<&NewFamily>,
        until: Timestamp,
        now: Now,
    ) -> Result<bool, StoreError> {
        Store::redeem_code(self, id, grant, family, until, now).await
    }

    async fn refresh_family(&self, id: FamilyId) -> Result<Option<RefreshFamily>, StoreError> {
        Store::refresh_family(self, id).await
    }

    async fn rotate(
        &self,
        id: FamilyId,
        grant: GrantId,
        from: i64,
        until: Option<Timestamp>,
        now: Now,
    ) -> Result<bool, StoreError> {
        Store::rotate(self, id, grant, from, until, now).await
    }

    async fn repeat(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        Store::repeat(self, id, grant, generation, until).await
    }

    async fn reuse(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        Store::reuse(self, id, grant, generation, until).await
    }

    async fn revoke_grant(&self, id: GrantId, now: Now) -> Result<bool, StoreError> {
        Store::revoke_grant(self, id, now).await
    }
}
