//! `/oidc/auth`: the authorization endpoint, and `/oidc/auth/resume`, where a transaction comes back to it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use signet_protocol::{
    access::AdmittedUser,
    application::{ActiveApplication, GrantType},
    authorize::{
        self, Addressee, AllowedResponse, AuthorizationRequest, AuthorizationResponse, AuthorizeError, Draft,
        Issuing, Next, ResponseMode, Situation, UNKNOWN_CLIENT,
    },
    consent::Consent,
    entropy::random,
    error::{ErrorCode, Refusal, refuse},
    id::{RowId, TransactionId, UserId},
    issuer::Issuer,
    jose,
    params::RawParams,
    resource::UserScope,
    session::Session,
    token::{FrontTokens, Minting},
    transaction::{TRANSACTION_EXPIRE, Transaction, Trips},
};
use signet_store::usage::Use;

use crate::{
    Signet,
    clock::SystemEntropy,
    core,
    edge::{Edge, Form},
    error::{Failure, only},
    login::{self, browser::Browser, sso},
    logout::session_state,
    metrics::{Outcome, mark},
    oidc::{application_here, keys::Keys, live, request_object, user_scope},
    pages::{FormPostPage, Problem, WebMessagePage},
    respond::{self, Policy},
};

/// GET and POST `/oidc/auth` (OpenID Connect Core §3.1.2.1).
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let params = read(&edge, form);
    let locales = params.as_ref().ok().and_then(|params| params.get("ui_locales").map(str::to_owned));
    let lang = edge.lang(locales.as_deref());
    let result = match params {
        Ok(params) => received(&signet, &edge, params).await,
        Err(failure) => Err(failure),
    };
    edge.page(lang, result)
}

/// A request object is resolved before anything else is looked at: from there on there are only parameters.
async fn received(signet: &Arc<Signet>, edge: &Edge, params: RawParams) -> Result<Response, Failure> {
    match request_object::resolve(signet, edge, params).await? {
        Ok(params) if edge.method == Method::POST => keep(signet, edge, params).await,
        Ok(params) => answer(signet, edge, params, None).await,
        Err((params, refusal)) => {
            // The callback is told if the request around the object names it.
            let (_, addressee) = addressed(signet, &edge.issuer, &params).await?.map_err(|_| refusal)?;
            refused(edge, refusal, &params);
            Ok(send_error(edge, &addressee, refusal, Draft::parse(&params).is_silent()))
        }
    }
}

/// GET `/oidc/auth/resume?txn=…`: the same request again, now that a page was answered.
pub async fn resume(State(signet): State<Arc<Signet>>, edge: Edge) -> Response {
    let result = resumed(&signet, &edge).await;
    edge.page(edge.lang(None), result)
}

fn read(edge: &Edge, form: Form) -> Result<RawParams, Failure> {
    only(&edge.method, "GET, POST")?;
    if edge.method == Method::POST { form.params() } else { edge.query() }
}

async fn resumed(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    only(&edge.method, "GET")?;
    let (transaction, browser) = login::transaction::resume(signet, edge).await?;
    let params = transaction.request()?;
    let Some(browser) = browser else {
        let (_, addressee) = addressed(signet, &edge.issuer, &params).await??;
        refused(edge, COOKIES_BLOCKED, &params);
        return Ok(send_error(edge, &addressee, COOKIES_BLOCKED, true));
    };
    let response = answer(signet, edge, params, Some(transaction)).await?;
    Ok(respond::set_cookies(response, [browser.cookie(edge)]))
}

/// No page may be shown that says so.
const COOKIES_BLOCKED: Refusal = refuse(
    ErrorCode::LoginRequired,
    "the browser sends no cookies here, so nobody is known to be signed in; send the request again without prompt=none",
)
.by("cookies", "OpenID Connect Core §3.1.2.6");

/// A POST may come from another site, without our cookies. It is stored, and a GET goes on with it.
async fn keep(signet: &Arc<Signet>, edge: &Edge, params: RawParams) -> Result<Response, Failure> {
    let (application, addressee) = addressed(signet, &edge.issuer, &params).await??;
    let draft = Draft::parse(&params);
    if let Err(refusal) = authorize::check(&draft, &application) {
        refused(edge, refusal, &params);
        return Ok(send_error(edge, &addressee, refusal, draft.is_silent()));
    }
    let id = begin(signet, edge, &params, &application, None).await?;
    Ok(respond::see_other(&format!("/oidc/auth/resume?txn={id}")))
}

/// Finds the client and where the answer goes; the inner error is for a page.
async fn addressed(
    signet: &Arc<Signet>,
    issuer: &Issuer,
    params: &RawParams,
) -> Result<Result<(ActiveApplication, Addressee), Refusal>, Failure> {
    let id = match authorize::client_id(params) {
        Ok(id) => id,
        Err(error) => return Ok(Err(page_refusal(error))),
    };
    let Some(application) = application_here(signet, issuer, id).await? else {
        return Ok(Err(UNKNOWN_CLIENT));
    };
    Ok(match Addressee::find(params, &application, issuer) {
        Ok(addressee) => Ok((application, addressee)),
        Err(error) => Err(page_refusal(error)),
    })
}

fn page_refusal(error: AuthorizeError) -> Refusal {
    match error {
        AuthorizeError::Page(refusal) | AuthorizeError::Redirect(_, refusal) => refusal,
    }
}

/// A request that has a client and a callback.
struct Asking<'a> {
    signet: &'a Arc<Signet>,
    edge: &'a Edge,
    issuer: Issuer,
    params: RawParams,
    application: ActiveApplication,
    addressee: Addressee,
    transaction: Option<Transaction>,
}

async fn answer(
    signet: &Arc<Signet>,
    edge: &Edge,
    params: RawParams,
    transaction: Option<Transaction>,
) -> Result<Response, Failure> {
    let issuer = edge.issuer.clone();
    let (application, addressee) = addressed(signet, &issuer, &params).await??;
    let asking = Asking { signet, edge, issuer, params, application, addressee, transaction };
    let draft = Draft::parse(&asking.params);
    match asking.answer(&draft).await {
        // The client is known, so it is told of our own failures too: a frame would wait for ever for a page.
        Err(failure) if failure.is_ours() => {
            edge.log(&failure);
            Ok(send_error(edge, &asking.addressee, failure.refusal(), draft.is_silent()))
        }
        result => result,
    }
}

/// What comes next for a transaction of the issuer `home`, seen from the pool's address, and who is signed in there.
pub async fn seen_from_pool(
    signet: &Arc<Signet>,
    edge: &Edge,
    home: Issuer,
    transaction: Transaction,
) -> Result<(Next, Option<Session>), Failure> {
    let params = transaction.request()?;
    let (application, addressee) = addressed(signet, &home, &params).await??;
    let transaction = Some(transaction);
    let asking = Asking { signet, edge, issuer: home, params, application, addressee, transaction };
    match asking.understand(&Draft::parse(&asking.params)).await? {
        Ok((request, expected)) => {
            let seen = asking.next(request, expected.as_deref()).await?;
            Ok((seen.next, seen.session))
        }
        Err(refusal) => Ok((Next::Refuse(refusal), None)),
    }
}

/// A checked request, and the users of whom it must be one.
type Understood = (AuthorizationRequest, Option<Vec<UserId>>);

/// What comes next, and whom it is about.
struct Seen {
    next: Next,
    /// The request: once somebody is signed in here, as far as they have what it asks for.
    request: AuthorizationRequest,
    /// The login here.
    session: Option<Session>,
    /// Its user, if the application's rules admit them.
    admitted: Option<AdmittedUser>,
    /// What that user has of what is asked for.
    scope: Option<UserScope>,
}

impl Asking<'_> {
    async fn answer(&self, draft: &Draft) -> Result<Response, Failure> {
        match self.understand(draft).await? {
            Ok((request, expected)) => self.decide(request, expected.as_deref()).await,
            Err(refusal) => self.refuse(refusal, draft.is_silent()).await,
        }
    }

    /// What is asked, or why it cannot be.
    async fn understand(&self, draft: &Draft) -> Result<Result<Understood, Refusal>, Failure> {
        let request = match authorize::check(draft, &self.application) {
            Ok(request) => request.within(&*self.signet.store().pool_settings().await?),
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(named) = &request.resource
            && let Err(refusal) = self.signet.store().permissions(self.application.id).await?.target(named)
        {
            return Ok(Err(refusal));
        }
        Ok(self.expected(&request).await?.map(|expected| (request, expected)))
    }

    /// The users of whom it must be one: of the `id_token_hint`, of which one that is not ours is refused, and of a `sub`
    /// that `claims` asks for by value (OpenID Connect Core §3.1.2.2).
    async fn expected(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<Result<Option<Vec<UserId>>, Refusal>, Failure> {
        let subjects = self.signet.store().pool().subjects();
        let named = request.claims.needed_subjects().map(|named| -> Vec<UserId> {
            named.into_iter().filter_map(|subject| subjects.user(subject, &self.application)).collect()
        });
        let Some(hint) = request.id_token_hint.as_deref() else {
            return Ok(Ok(named));
        };
        let meant = live::id_token_hint(self.signet, &self.issuer, hint).await?;
        let Some(hint) = meant.filter(|hint| hint.client == self.application.id) else {
            return Ok(Err(refuse(
                ErrorCode::InvalidRequest,
                "id_token_hint is not an ID token that this issuer made for this application",
            )
            .by("id_token_hint", "OpenID Connect Core §3.1.2.1")));
        };
        let fits = named.is_none_or(|named| named.contains(&hint.user));
        Ok(Ok(Some(if fits { vec![hint.user] } else { Vec::new() })))
    }

    async fn decide(
        &self,
        request: AuthorizationRequest,
        expected: Option<&[UserId]>,
    ) -> Result<Response, Failure> {
        let Seen { next, request, session, admitted, scope } = self.next(request, expected).await?;
        let request = &request;
        match (next, session.as_ref().zip(admitted.as_ref()).zip(scope)) {
            (Next::Issue { .. }, Some(((session, user), scope))) => {
                self.issue(request, session, user, scope).await
            }
            (Next::Refuse(refusal), _) if self.may_ask_pool(request, refusal) => {
                self.interact("/login").await
            }
            (Next::Refuse(refusal), _) => self.refuse(refusal, request.prompt.none).await,
            (Next::SignIn { .. } | Next::Issue { .. }, _) => self.interact("/login").await,
            (Next::ChooseAccount, _) => self.interact("/login/account").await,
            (Next::AskConsent, _) => self.interact("/consent").await,
        }
    }

    /// Whether somebody may be signed in at the pool's address, although no page may be shown: one look is allowed.
    fn may_ask_pool(&self, request: &AuthorizationRequest, refusal: Refusal) -> bool {
        let elsewhere = sso::is_elsewhere(self.edge, &self.application);
        let asked = self.transaction.as_ref().is_some_and(|transaction| transaction.trips.taken > 0);
        request.prompt.none && refusal.code == ErrorCode::LoginRequired && elsewhere && !asked
    }

    /// What comes next.
    async fn next(
        &self,
        request: AuthorizationRequest,
        expected: Option<&[UserId]>,
    ) -> Result<Seen, Failure> {
        let (session, user) =
            login::session::current(self.signet, self.edge, &self.application).await?.unzip();
        let (request, scope) = match session.as_ref().zip(user.as_ref()) {
            None => (request, None),
            Some((session, user)) => {
                let (signet, application) = (self.signet, &self.application);
                let whose = (session, &**user);
                let scope = user_scope::of_request(signet, self.edge, &request, application, whose).await?;
                (request.of_user(&scope), Some(scope))
            }
        };
        let remembered = self.remembered(session.as_ref(), &request).await?;
        let pool = self.signet.store().pool_settings().await?;
        let chosen = self.transaction.as_ref().and_then(|transaction| transaction.chosen);
        let same_person =
            session.as_ref().is_some_and(|session| chosen.is_some_and(|chosen| chosen.session == session.id));
        let admitted = user.and_then(|user| self.application.admit(user));
        let situation = Situation {
            now: self.signet.now().timestamp(),
            session: session.as_ref(),
            admitted: admitted.is_some(),
            chosen,
            answer: self
                .transaction
                .as_ref()
                .and_then(|transaction| transaction.consent)
                .filter(|_| same_person),
            pool: &pool,
            remembered: remembered.as_ref(),
            expected,
        };
        let next = authorize::decide(&request, &self.application, &situation);
        Ok(Seen { next, request, session, admitted, scope })
    }

    /// What the user agreed to before; looked up only when it can matter.
    async fn remembered(
        &self,
        session: Option<&Session>,
        request: &AuthorizationRequest,
    ) -> Result<Option<Consent>, Failure> {
        match session {
            Some(session) if !self.application.settings.skip_consent && !request.prompt.consent => {
                Ok(self.signet.store().consent(session.user, self.application.id).await?)
            }
            _ => Ok(None),
        }
    }

    async fn issue(
        &self,
        request: &AuthorizationRequest,
        session: &Session,
        user: &AdmittedUser,
        scope: UserScope,
    ) -> Result<Response, Failure> {
        let issuer = &self.issuer;
        let allowed = &AllowedResponse::of(&self.application, request.response_type)?;
        let pool = &*self.signet.store().pool_settings().await?;
        // Loaded first, so that nothing is written in vain.
        let keys = match allowed.kind().is_front() {
            true => Some(Keys::load(self.signet, issuer.id(), &self.application).await?),
            false => None,
        };
        let addressee = &self.addressee;
        let (granted, items) = (scope.granted().clone(), scope.kept(self.edge.peer));
        let from = Issuing { issuer, allowed, user, session, request, addressee, scope: granted, items };
        let transaction = self.transaction.as_ref().map(|transaction| transaction.id);
        if let Some((issued, now)) = core::issue::answer(&**self.signet, from, transaction).await? {
            let tokens = match keys.as_ref().zip(issued.grant()) {
                Some((keys, grant)) => {
                    let subjects = self.signet.store().pool().subjects();
                    let nonce = request.nonce.clone();
                    let minting = Minting { issuer, allowed, user, subjects, grant, scope, pool, nonce };
                    let (signers, state, at) = (keys.signers(), addressee.state(), now.timestamp());
                    minting.mint_front(&signers, issued.code(), state, at, &mut SystemEntropy)?
                }
                None => FrontTokens::default(),
            };
            let answer = addressee.success(issued.code().map(str::to_owned), tokens);
            let sent = self.succeed(answer, session, request.prompt.none);
            let (of, tokens) = (self.application.id, Use::Tokens(GrantType::Implicit));
            keys.is_some().then(|| self.signet.store().count_use(of, tokens, now.timestamp()));
            return Ok(if keys.is_some() { mark(sent, Outcome::Tokens(GrantType::Implicit)) } else { sent });
        }
        // The session ended, or the transaction was answered, between reading and writing.
        match &self.transaction {
            Some(transaction) => Err(login::transaction::used(transaction, &self.application)),
            None => self.interact("/login").await,
        }
    }

    /// Sends what was asked for, with what tells the application's page whether the session changes.
    fn succeed(&self, answer: AuthorizationResponse, session: &Session, framed: bool) -> Response {
        let callback = self.addressee.redirect_uri().uri();
        match session_state::tell(self.signet, self.edge, &self.application, session, callback) {
            None => send(self.edge, &answer, framed),
            Some(told) => {
                let response = send(self.edge, &answer.with_session_state(told.session_state), framed);
                respond::set_cookies(response, [told.cookie])
            }
        }
    }

    /// Sends the person to a page, beginning a transaction unless there is one. Whoever signs in elsewhere is sent there,
    /// but consents here.
    async fn interact(&self, path: &str) -> Result<Response, Failure> {
        let departs = path != "/consent" && sso::is_elsewhere(self.edge, &self.application);
        if let Some(transaction) = &self.transaction {
            if departs {
                return sso::depart_again(self.signet, transaction, &self.application).await;
            }
            return Ok(respond::see_other(&format!("{path}?txn={}", transaction.id)));
        }
        let browser = Browser::of(self.edge);
        let trips = Trips { taken: departs.into(), ..Trips::default() };
        let bound = Some((&browser, trips));
        let id = begin(self.signet, self.edge, &self.params, &self.application, bound).await?;
        let response = match departs {
            true => sso::depart(self.signet, id),
            false => respond::see_other(&format!("{path}?txn={id}")),
        };
        Ok(respond::set_cookies(response, [browser.cookie(self.edge)]))
    }

    async fn refuse(&self, refusal: Refusal, framed: bool) -> Result<Response, Failure> {
        if let Some(transaction) = &self.transaction {
            let now = self.signet.now();
            if !self.signet.store().use_transaction(transaction.id, now).await? {
                return Err(login::transaction::used(transaction, &self.application));
            }
        }
        refused(self.edge, refusal, &self.params);
        Ok(send_error(self.edge, &self.addressee, refusal, framed))
    }
}

fn refused(edge: &Edge, refusal: Refusal, params: &RawParams) {
    edge.trace_request(refusal, Some(params));
    let (request_id, error) = (&edge.request_id, refusal.code.as_str());
    tracing::info!(request_id, error, detail = refusal.description, "refused to the callback");
}

async fn begin(
    signet: &Signet,
    edge: &Edge,
    params: &RawParams,
    application: &ActiveApplication,
    bound: Option<(&Browser, Trips)>,
) -> Result<TransactionId, Failure> {
    let kept = params.only(authorize::PARAMETERS).encode();
    // Escaping can make it longer than what would be read again.
    RawParams::parse(kept.as_bytes())?;
    let now = signet.now();
    let transaction = Transaction {
        id: TransactionId::generate(now, &mut SystemEntropy),
        pool: edge.issuer.pool(),
        issuer: edge.issuer.id(),
        application: application.id,
        params: kept,
        browser: bound.map(|(browser, _)| browser.hash()),
        chosen: None,
        consent: None,
        trips: bound.map(|(_, trips)| trips).unwrap_or_default(),
        created_at: now.timestamp(),
        expires_at: now.timestamp().plus(TRANSACTION_EXPIRE),
        used_at: None,
    };
    signet.store().insert_transaction(&transaction).await?;
    Ok(transaction.id)
}

fn send_error(edge: &Edge, to: &Addressee, refusal: Refusal, framed: bool) -> Response {
    mark(send(edge, &to.error(refusal), framed), Outcome::Refused(refusal.code))
}

/// Sends an answer in its mode. `framed`: it was asked for with `prompt=none`, so the application may show it in a frame.
fn send(edge: &Edge, response: &AuthorizationResponse, framed: bool) -> Response {
    let (lang, uri) = (edge.lang(None), response.redirect_uri().uri());
    let policy = |has_form| Policy {
        has_form,
        script_nonce: Some(jose::b64(&random::<16>(&mut SystemEntropy))),
        framed_by: framed.then(|| uri.origin().to_owned()),
        ..Policy::default()
    };
    match response.mode() {
        ResponseMode::Query => respond::see_other(&response.query_location()),
        ResponseMode::Fragment => respond::see_other(&response.fragment_location()),
        ResponseMode::FormPost => {
            let fields: Vec<(&str, &str)> = response.pairs().collect();
            let policy = policy(true);
            let page = FormPostPage { lang, action: uri.as_str(), fields: &fields, nonce: policy.nonce() };
            respond::page(StatusCode::OK, &page, &policy)
        }
        ResponseMode::WebMessage => {
            let answer: Map<String, Value> =
                response.pairs().map(|(name, value)| (name.to_owned(), value.into())).collect();
            let message = json!({ "type": "authorization_response", "response": answer }).to_string();
            let (policy, origin) = (policy(false), uri.web_origin());
            let page = WebMessagePage { lang, origin, message: &message, nonce: policy.nonce() };
            respond::page(StatusCode::OK, &page, &policy)
        }
    }
}

/// A way back to an application: the origin of the callback it asked with.
pub fn home(application: &ActiveApplication, params: &RawParams) -> Option<(String, String)> {
    let verified = application.find_redirect_uri(params.get("redirect_uri")?)?;
    let origin = verified.uri().origin();
    origin.starts_with("http").then(|| (application.name.clone(), format!("{origin}/")))
}

/// The problem of a page that cannot go on, with the way back to the application.
pub fn stuck(problem: Problem<'static>, application: &ActiveApplication, params: &RawParams) -> Failure {
    let home = home(application, params).map(Box::new);
    let application = Some(application.clone());
    Failure::Problem(crate::error::PageProblem { problem, refusal: None, home, application })
}
