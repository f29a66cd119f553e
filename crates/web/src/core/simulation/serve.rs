//! Requests as a node serves them: the core itself, over the rows of the model.

use std::{collections::BTreeSet, rc::Rc, sync::Arc};

use signet_protocol::{
    access_token::Introspection,
    authorize::{self, Issued, Issuing},
    code::AuthorizationCode,
    entropy::Entropy,
    grant::Grant,
    id::{CodeId, FamilyId, GrantId, RowId, SessionId, TransactionId, UserId},
    password::PasswordHash,
    pool::PoolSettings,
    refresh::RefreshFamily,
    resource::GrantItems,
    secret::{Secret, SecretHash},
    session::{Session, Shown},
    time::{Now, Timestamp},
    token::{CodeRequest, INVALID_GRANT, RefreshRequest},
    transaction::{Chosen, TRANSACTION_EXPIRE, Ticket, Transaction, Trips},
    user::User,
};
use signet_store::{NewFamily, SignOut, StoreError, audit::Act};

use super::{
    faults::Fault,
    history::Outcome,
    lab::{self, App},
    model::concerns,
    world::Request,
};
use crate::{
    core::{Caller, Node, Rows, issue, redeem, refresh, refresh_token, session},
    error::Failure,
};

impl Node for Request {
    type Rows = Request;

    fn rows(&self) -> &Request {
        self
    }

    fn now(&self) -> Now {
        self.read_clock()
    }

    fn entropy(&self) -> impl Entropy {
        self.randomness()
    }
}

impl Rows for Request {
    fn refresh_key(&self) -> &Secret {
        &self.world().lab.refresh_key
    }

    async fn settings(&self) -> Result<Arc<PoolSettings>, StoreError> {
        Ok(Arc::default())
    }

    async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        let stale = self.world().stale_user(id);
        self.database.run(move |tables| stale.or_else(|| tables.user(id)).map(Arc::new)).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.database.run(move |tables| tables.session(id)).await
    }

    async fn begin_session(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        replaces: Option<&Session>,
        transaction: Option<(TransactionId, Chosen)>,
        act: Act,
    ) -> Result<bool, StoreError> {
        let now = act.now;
        let (session, password, replaces) = (session.clone(), password.cloned(), replaces.cloned());
        let another = replaces.as_ref().is_some_and(|old| old.user != session.user);
        let work = move |tables: &mut super::model::Tables| {
            tables.begin_session(&session, password.as_ref(), replaces.as_ref(), transaction, now)
        };
        if another { self.database.commit(now, work).await } else { self.database.run(work).await }
    }

    async fn begin_direct_login(
        &self,
        session: &Session,
        password: Option<&PasswordHash>,
        grant: &Grant,
        family: Option<&NewFamily>,
        act: Act,
    ) -> Result<bool, StoreError> {
        let now = act.now;
        let (session, password) = (session.clone(), password.cloned());
        let (grant, family) = (grant.clone(), family.copied());
        let work = move |tables: &mut super::model::Tables| {
            tables.begin_direct_login(&session, password.as_ref(), &grant, family.as_ref(), now)
        };
        self.database.run(work).await
    }

    async fn sign_out(&self, what: SignOut, act: Act) -> Result<bool, StoreError> {
        let now = act.now;
        let ended = self.database.commit(now, move |tables| tables.sign_out(what, now)).await?;
        self.database.learn(move |tables| tables.denials_of(|grant| concerns(what, grant))).await?;
        Ok(ended)
    }

    async fn give_ticket(&self, id: TransactionId, ticket: &Ticket) -> Result<bool, StoreError> {
        let ticket = *ticket;
        self.database.run(move |tables| tables.give_ticket(id, &ticket)).await
    }

    async fn spend_ticket(
        &self,
        id: TransactionId,
        shown: SecretHash,
        session: &Session,
        replaces: Option<&Session>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let (session, replaces) = (session.clone(), replaces.cloned());
        let another = replaces.as_ref().is_some_and(|old| old.user != session.user);
        let work = move |tables: &mut super::model::Tables| {
            tables.spend_ticket(id, &shown, &session, replaces.as_ref(), now)
        };
        if another { self.database.commit(now, work).await } else { self.database.run(work).await }
    }

    async fn issue_code(
        &self,
        code: &AuthorizationCode,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let code = code.clone();
        self.database.run(move |tables| tables.issue_code(&code, transaction, now)).await
    }

    async fn issue_grant(
        &self,
        grant: &Grant,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let grant = grant.clone();
        self.database.run(move |tables| tables.issue_grant(&grant, transaction, now)).await
    }

    async fn issue_nothing(
        &self,
        session: SessionId,
        transaction: Option<TransactionId>,
        now: Now,
    ) -> Result<bool, StoreError> {
        self.database.run(move |tables| tables.issue_nothing(session, transaction, now)).await
    }

    async fn code(&self, id: CodeId) -> Result<Option<AuthorizationCode>, StoreError> {
        self.database.run(move |tables| tables.code(id)).await
    }

    async fn redeem_code(
        &self,
        id: CodeId,
        grant: GrantId,
        family: Option<&NewFamily>,
        until: Timestamp,
        now: Now,
    ) -> Result<bool, StoreError> {
        let (family, world) = (family.copied(), Rc::clone(self.world()));
        let work = move |tables: &mut super::model::Tables| {
            let done = tables.redeem_code(id, grant, family.as_ref(), until, now);
            if done {
                *world.spent.borrow_mut().entry(id).or_default() += 1;
            }
            done
        };
        self.database.run(work).await
    }

    async fn refresh_family(&self, id: FamilyId) -> Result<Option<RefreshFamily>, StoreError> {
        self.database.run(move |tables| tables.refresh_family(id)).await
    }

    async fn rotate(
        &self,
        id: FamilyId,
        grant: GrantId,
        from: i64,
        until: Option<Timestamp>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let world = Rc::clone(self.world());
        let work = move |tables: &mut super::model::Tables| {
            let done = tables.rotate(id, grant, from, until, now);
            if done {
                *world.rotated.borrow_mut().entry((id, from)).or_default() += 1;
            }
            done
        };
        self.database.run(work).await
    }

    async fn repeat(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        self.database.run(move |tables| tables.repeat(id, grant, generation, until)).await
    }

    async fn reuse(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        self.database.run(move |tables| tables.reuse(id, grant, generation, until)).await
    }

    async fn revoke_grant(&self, id: GrantId, now: Now) -> Result<bool, StoreError> {
        let revoked = self.database.commit(now, move |tables| tables.revoke_grant(id, now)).await?;
        if !revoked && !self.world().has(Fault::NothingIsLearned) {
            self.database.learn(move |tables| tables.denials_of(|grant| grant.id == id)).await?;
        }
        Ok(revoked)
    }
}

/// What an answer gives its client.
#[derive(Clone, Default)]
pub struct Given {
    /// A cookie, a code, or a refresh token.
    pub text: Option<String>,
    /// The grant of the tokens, and when the access token ends.
    pub access: Option<(GrantId, Timestamp)>,
    /// A transaction that waits.
    pub transaction: Option<TransactionId>,
    /// Grants that are dead from now on.
    pub dead: BTreeSet<GrantId>,
}

type Answer = Option<(Given, Outcome)>;

/// What a client is told of a failure: a rule's refusal, or nothing that says what happened.
fn told(failure: &Failure) -> Answer {
    match failure {
        Failure::Refused(refusal) if *refusal == INVALID_GRANT => Some((Given::default(), Outcome::Refused)),
        Failure::Store(_) => None,
        other => panic!("the core does not refuse so: {other:?}"),
    }
}

fn given<T>(result: Result<T, Failure>, tell: impl FnOnce(T) -> (Given, Outcome)) -> Answer {
    result.map_or_else(|failure| told(&failure), |value| Some(tell(value)))
}

fn made(text: Option<String>) -> (Given, Outcome) {
    let outcome = if text.is_some() { Outcome::Made } else { Outcome::NotMade };
    (Given { text, ..Given::default() }, outcome)
}

impl Request {
    fn app(&self) -> &'static App {
        self.world().lab.app(self.world().profile.public)
    }

    fn caller(&self) -> Caller<'static> {
        Caller { client: &self.app().client, issuer: &self.world().lab.issuer, request_id: "simulated" }
    }

    /// A request that waits, as the authorization endpoint stores it.
    pub async fn begin(self) -> Answer {
        let (now, application) = (self.read_clock(), self.app().application());
        let row = Transaction {
            id: TransactionId::generate(now, &mut self.randomness()),
            pool: application.pool,
            issuer: self.world().lab.issuer.id(),
            application: application.id,
            params: String::new(),
            browser: None,
            chosen: None,
            consent: None,
            trips: Trips::default(),
            created_at: now.timestamp(),
            expires_at: now.timestamp().plus(TRANSACTION_EXPIRE),
            used_at: None,
        };
        let transaction = Some(row.id);
        let done = self.database.run(move |tables| tables.insert_transaction(row)).await;
        given(done.map_err(Failure::Store), |()| (Given { transaction, ..Given::default() }, Outcome::Done))
    }

    /// A password was right.
    pub async fn sign_in(self, user: UserId, cookie: Option<String>, transaction: TransactionId) -> Answer {
        let begun = async {
            let Some(user) = self.user(user).await?.and_then(|user| user.active()) else { return Ok(None) };
            session::begin(&self, self.app().application(), &user, own(&cookie), transaction, None).await
        };
        given(begun.await, |token| made(token.map(|token| token.encode())))
    }

    pub async fn issue(
        self,
        cookie: Option<String>,
        transaction: Option<TransactionId>,
        offline: bool,
    ) -> Answer {
        let (app, request) = (self.app(), self.app().request(offline));
        let issued = async {
            let current = session::current(&self, app.application(), own(&cookie)).await?;
            let Some((session, user)) = current else { return Ok(None) };
            let Some(user) = app.application().admit(user) else { return Ok(None) };
            let from = Issuing {
                issuer: &self.world().lab.issuer,
                allowed: &app.allowed,
                user: &user,
                session: &session,
                request,
                addressee: &app.addressee,
                scope: authorize::granted_scope(request, app.application()),
                items: GrantItems::default(),
            };
            issue::answer(&self, from, transaction).await
        };
        let code = |(issued, _): (Issued, Now)| issued.code().map(str::to_owned);
        given(issued.await, |answer| made(answer.and_then(code)))
    }

    pub async fn sign_out(self, cookie: String) -> Answer {
        let ended = async {
            let found = session::find(&self, Some(Shown::Own(&cookie))).await?;
            let Some(alive) = found.filter(|session| session.ended_at.is_none()) else { return Ok(None) };
            session::sign_out(&self, SignOut::Session(alive.id), None).await.map(|()| Some(alive.id))
        };
        given(ended.await, |id| {
            let dead = self.promise(|grant| Some(grant.session) == id && !grant.offline);
            (Given { dead, ..Given::default() }, Outcome::Done)
        })
    }

    pub async fn redeem(self, code: String) -> Answer {
        let caller = self.caller();
        let redeemed = async {
            let request = CodeRequest::parse(&lab::redemption(&code))?;
            redeem::find(&self, &caller, &request).await?.spend(&self, &caller).await
        };
        given(redeemed.await, |redeemed| {
            let generation = redeemed.refresh_token.as_deref().map(|text| self.generation(text));
            let access = Some((redeemed.code.grant.id, self.access_until(redeemed.now)));
            (Given { text: redeemed.refresh_token, access, ..Given::default() }, Outcome::Tokens(generation))
        })
    }

    pub async fn refresh(self, token: String) -> Answer {
        let caller = self.caller();
        let refreshed = async {
            let request = RefreshRequest { token, scope: None, resource: None };
            refresh::find(&self, &caller, &request, &PoolSettings::default())
                .await?
                .advance(&self, &caller)
                .await
        };
        given(refreshed.await, |refreshed| {
            let generation = self.generation(&refreshed.refresh_token);
            let access = Some((refreshed.grant.id, self.access_until(refreshed.now)));
            let text = Some(refreshed.refresh_token);
            (Given { text, access, ..Given::default() }, Outcome::Tokens(Some(generation)))
        })
    }

    pub async fn revoke(self, token: String) -> Answer {
        let caller = self.caller();
        let revoked = async {
            let presented = refresh_token::read(&self, &token).ok_or(INVALID_GRANT)?;
            let grant = refresh_token::grant(&self, &caller, presented).await?;
            if let Some(grant) = grant {
                crate::core::revoke::asked(&self, caller.request_id, grant).await?;
            }
            Ok(grant)
        };
        given(revoked.await, |grant| {
            (Given { dead: grant.into_iter().collect(), ..Given::default() }, Outcome::Done)
        })
    }

    pub async fn inspect(self, token: String) -> Answer {
        let caller = self.caller();
        let told = async {
            let presented = refresh_token::read(&self, &token).ok_or(INVALID_GRANT)?;
            refresh_token::introspect(&self, &caller, presented).await
        };
        given(told.await, |told| {
            let active = matches!(told, Introspection::Active(_));
            (Given::default(), Outcome::Active(active))
        })
    }

    /// What the management rules do with a user's row.
    pub async fn block(self, user: UserId, blocked: bool) -> Answer {
        let now = self.read_clock();
        let work = move |tables: &mut super::model::Tables| {
            tables.block(user, blocked, now);
            true
        };
        let done = async {
            if !blocked {
                return self.database.run(work).await.map(drop);
            }
            self.database.commit(now, work).await?;
            self.database.learn(move |tables| tables.denials_of(|grant| grant.user == user)).await
        };
        given(done.await.map_err(Failure::Store), |()| {
            let dead = self.promise(|grant| blocked && grant.user == user && grant.revoked_at.is_some());
            (Given { dead, ..Given::default() }, Outcome::Done)
        })
    }

    pub async fn sweep(self) -> Answer {
        let now = self.read_clock();
        let done = self.database.run(move |tables| tables.sweep(now)).await;
        if done.is_ok() {
            self.world().forget(self.database.node, now.timestamp());
        }
        given(done.map_err(Failure::Store), |()| (Given::default(), Outcome::Done))
    }

    fn generation(&self, token: &str) -> i64 {
        let read = signet_protocol::refresh::parse_refresh_token(self.refresh_key(), token);
        read.map(|presented| presented.generation).unwrap()
    }

    fn access_until(&self, now: Now) -> Timestamp {
        Timestamp(now.timestamp().0 + lab::ACCESS_TOKEN_EXPIRE)
    }
}

fn own(cookie: &Option<String>) -> Option<Shown<'_>> {
    cookie.as_deref().map(Shown::Own)
}
